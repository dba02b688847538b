"""Signed notes, checkpoints, cosignatures and proof files: published examples and a second implementation."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint as OtherCheckpoint

from contracts.errors import LogError, NoteError, TreeError
from contracts.log import checkpoint, proof, tiles, tree
from contracts.log.checkpoint import KeyType

ORIGIN = "log.minhbach.example/2026"
LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
KEY = checkpoint.verifier_key(ORIGIN, LOG)
WITNESS_KEY = checkpoint.verifier_key("regulator.example/w1", WITNESS, KeyType.COSIGNATURE)
HEAD = checkpoint.Checkpoint(ORIGIN, 70, tree.root_of([b"%d" % n for n in range(70)]))


def signed(head=HEAD):
    text = checkpoint.format_checkpoint(head)
    return checkpoint.sign_checkpoint(head, LOG, checkpoint.cosign_note(text, WITNESS_KEY.name, WITNESS, 1_790_000_000))


def test_a_signed_head_opens_with_its_key_and_names_its_witness():
    opened = checkpoint.open_checkpoint(signed(), [KEY], [WITNESS_KEY])
    assert opened.checkpoint == HEAD
    assert opened.signer == KEY
    assert opened.cosigned == (checkpoint.Cosigned(WITNESS_KEY, 1_790_000_000),)
    assert checkpoint.open_checkpoint(signed(), [KEY]).cosigned == ()


def test_another_implementation_reads_our_head_and_both_signatures():
    other = OtherCheckpoint.from_text(signed())
    for key in (KEY, WITNESS_KEY):
        other.verify(Vkey.from_string(checkpoint.format_vkey(key)))
    assert (other.size, other.root_hash) == (HEAD.size, HEAD.root)


def test_every_flipped_bit_of_a_signed_head_is_refused():
    data = signed().encode()
    for at in range(len(data)):
        for bit in range(8):
            broken = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            try:
                opened = checkpoint.open_checkpoint(broken, [KEY], [WITNESS_KEY])
            except LogError:
                continue
            # only the witness's name or key id was changed: then it is an unknown key, ignored and not reported
            assert opened.checkpoint == HEAD
            assert opened.cosigned == ()


def test_the_example_of_the_note_specification(vectors):
    example = json.loads((vectors / "c2sp_spec_examples.json").read_text())["signed_note"]
    key = checkpoint.parse_vkey(example["vkey"])
    note = checkpoint.parse_note(example["note"])
    assert list(checkpoint.open_note(note, [key])) == [key]
    assert checkpoint.format_note(note) == example["note"]
    assert checkpoint.format_vkey(key) == example["vkey"]


def test_a_cosignature_made_by_another_log_family_holds(vectors):
    info = json.loads((vectors / "witness/sunlight_witness.v0.json").read_text())
    note = checkpoint.parse_note((vectors / "witness/sunlight_cosigned_checkpoint.txt").read_bytes())
    key = checkpoint.parse_vkey(info["verifier_keys"][0])
    assert list(checkpoint.open_note(note, [key])) == [key]
    assert checkpoint.parse_checkpoint(note.text).size == 300


def test_a_proof_accepted_by_go_is_accepted_and_written_the_same(vectors):
    folder = vectors / "demo_go_verified"
    text = (folder / "e345.tlog-proof").read_text()
    keys = [checkpoint.parse_vkey((folder / "s.log.vkey").read_text().strip())]
    witnesses = [checkpoint.parse_vkey((folder / "s.wit.vkey").read_text().strip())]
    entry = (folder / "e345.json").read_bytes()
    parsed = proof.parse_proof(text)
    opened = proof.check_proof(parsed, entry, keys, witnesses)
    assert (opened.checkpoint.size, len(opened.cosigned)) == (600, 1)
    assert proof.format_proof(parsed) == text
    with pytest.raises(TreeError) as caught:
        proof.check_proof(parsed, entry + b" ", keys)
    assert caught.value.code == "INCLUSION_FAILED"

    reader = tiles.TileReader(600, lambda tile: (folder / "log" / tile.path).read_bytes())
    ours = proof.Proof(345, tree.prove_inclusion(reader, 345, 600), parsed.checkpoint)
    assert proof.format_proof(ours) == text
    lines = (folder / "cons_257_600").read_text().split()
    assert [base64.b64encode(item).decode() for item in tree.prove_consistency(reader, 257, 600)] == lines


def test_published_ed25519_vectors(vectors):
    groups = json.loads((vectors / "ed25519/wycheproof_ed25519_test.json").read_text())["testGroups"]
    seen = 0
    for group in groups:
        key = checkpoint.VerifierKey("a", KeyType.ED25519, bytes.fromhex(group["publicKey"]["pk"]))
        for test in group["tests"]:
            try:
                text = bytes.fromhex(test["msg"]).decode("ascii")
            except UnicodeDecodeError:
                continue
            note = checkpoint.Note(text, (checkpoint.Signature("a", key.id, bytes.fromhex(test["sig"])),))
            if test["result"] == "valid":
                checkpoint.open_note(note, [key])
            else:
                with pytest.raises(NoteError):
                    checkpoint.open_note(note, [key])
            seen += 1
    assert seen > 80


TEXT = checkpoint.format_checkpoint(HEAD)
GOOD = checkpoint.sign_checkpoint(HEAD, LOG)
LINE = GOOD[len(TEXT) + 1 :]


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + LINE,
        TEXT + "\n",
        TEXT + "\n" + LINE[:-1],
        TEXT + "\n" + LINE + "\n",
        TEXT + "\n" + LINE.replace("\u2014", "-"),
        TEXT + "\n" + LINE.replace("=\n", "\n"),
        TEXT + "\n" + LINE + "junk\n",
        TEXT + "\r\n" + LINE,
        TEXT + "\n" + LINE.replace(ORIGIN, "a+b"),
        TEXT + "\n" + "\u2014 a AAAA\n",
        TEXT + "\n" + LINE * 65,
        "x" * 300_000,
    ],
)
def test_malformed_notes_are_refused(note):
    with pytest.raises(NoteError):
        checkpoint.parse_note(note)


def test_a_head_needs_a_key_of_its_own_log():
    for keys, code in [([], "NOTE_KEY_UNKNOWN"), ([WITNESS_KEY], "NOTE_KEY_UNKNOWN")]:
        with pytest.raises(NoteError) as caught:
            checkpoint.open_checkpoint(signed(), keys)
        assert caught.value.code == code
    with pytest.raises(NoteError) as caught:
        checkpoint.open_checkpoint(TEXT + "\n" + LINE * 2, [KEY])
    assert caught.value.code == "NOTE_SIGNATURE_REPEATED"
    foreign = checkpoint.Checkpoint("other.example", 70, HEAD.root)
    text = checkpoint.format_checkpoint(foreign)
    note = checkpoint.format_note(checkpoint.Note(text, (checkpoint.sign_note(text, ORIGIN, LOG),)))
    with pytest.raises(NoteError):
        checkpoint.open_checkpoint(note, [KEY])  # signed by a known key, but for another origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n1\nAAAA\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n\n1\nx\n",
        f"a\n{2**63}\nA=\n",
    ],
)
def test_malformed_checkpoints_are_refused(text):
    with pytest.raises(NoteError):
        checkpoint.parse_checkpoint(text)


def test_extension_lines_of_other_logs_are_kept():
    head = checkpoint.Checkpoint("a", 0, tree.EMPTY_ROOT, ("one", "two"))
    assert checkpoint.parse_checkpoint(checkpoint.format_checkpoint(head)) == head


@pytest.mark.parametrize("vkey", ["", "a", "a+b", "a+00000000+AQ==", checkpoint.format_vkey(KEY).replace("log", "lag")])
def test_malformed_keys_are_refused(vkey):
    with pytest.raises(NoteError):
        checkpoint.parse_vkey(vkey)


@pytest.mark.parametrize(
    "text", ["", "c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v1\nindex 01\n\nx", "x\nindex 1\n\nx"]
)
def test_malformed_proofs_are_refused(text):
    with pytest.raises(TreeError):
        proof.parse_proof(text)


def test_extra_data_of_other_logs_is_carried():
    one = proof.Proof(0, (), GOOD, b"opaque")
    assert proof.parse_proof(proof.format_proof(one)) == one
    with pytest.raises(TreeError):
        proof.parse_proof(proof.format_proof(one).replace("extra b3B", "extra \u00e9"))
