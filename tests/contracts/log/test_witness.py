"""The witness protocol as pure functions: every refusal, its status, and what a cosignature says."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import NoteError, WitnessError
from contracts.log import checkpoint, tree, witness
from contracts.log.checkpoint import Checkpoint, KeyType, verifier_key
from contracts.log.tiles import EntryReader
from contracts.log.witness import Known

LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
NEXT = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
OWN = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
ORIGIN, NAME = "log.example/2026", "regulator.example/w1"
KEYS = [verifier_key(ORIGIN, LOG)]
WITNESS = verifier_key(NAME, OWN, KeyType.COSIGNATURE)
ENTRIES = [b"entry %d" % number for number in range(40)]
READER = EntryReader(ENTRIES)
NOW = 1_790_000_000


def root(size: int) -> bytes:
    return tree.root_at(READER, size) if size else tree.EMPTY_ROOT


def known(size: int, time: int = NOW - 5) -> Known:
    return Known(size, root(size), time)


def signed(size: int, *, other: bytes | None = None, key: Ed25519PrivateKey = LOG, origin: str = ORIGIN) -> str:
    return checkpoint.sign_checkpoint(Checkpoint(origin, size, other or root(size)), key)


def proof(old: int, new: int) -> tuple[bytes, ...]:
    return tree.prove_consistency(READER, old, new) if old else ()


def decide(body: str | bytes, seen: Known, keys=KEYS) -> witness.Request:
    request = witness.parse_request(body.encode() if isinstance(body, str) else body)
    witness.open_request(request, keys)
    witness.check_growth(request, seen)
    return request


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (0, 40), (1, 1), (1, 2), (7, 33), (32, 40), (40, 40)])
def test_a_head_that_continues_the_last_one_is_cosigned_and_opens(old: int, new: int) -> None:
    request = decide(witness.format_request(old, proof(old, new), signed(new)), known(old))
    line, after = witness.cosign(request, known(old), NAME, OWN, NOW)
    assert after == Known(new, root(new), NOW)
    found, cosigned = witness.open_answer(request.note.text, witness.format_answer(line).encode(), WITNESS)
    assert (found, cosigned.time) == (line, NOW)
    note = checkpoint.parse_note(signed(new))
    whole = checkpoint.format_note(checkpoint.Note(note.text, (*note.signatures, found)))
    assert [seen.time for seen in checkpoint.open_checkpoint(whole, KEYS, [WITNESS]).cosigned] == [NOW]


def test_the_time_of_a_cosignature_never_goes_back() -> None:
    request = decide(witness.format_request(3, proof(3, 9), signed(9)), known(3, NOW))
    line, after = witness.cosign(request, known(3, NOW), NAME, OWN, NOW - 3600)
    assert after.time == NOW
    assert witness.open_answer(request.note.text, witness.format_answer(line).encode(), WITNESS)[1].time == NOW


REFUSED = {
    "another root at one size": (409, "WITNESS_FORK", witness.format_request(9, (), signed(9, other=b"x" * 32)), 9),
    "a first head of no records with a root": (409, "WITNESS_FORK", f"old 0\n\n{signed(0, other=b'x' * 32)}", 0),
    "an old size that is behind": (409, "WITNESS_BEHIND", witness.format_request(3, proof(3, 12), signed(12)), 9),
    "an old size from the future": (409, "WITNESS_BEHIND", witness.format_request(12, proof(12, 20), signed(20)), 9),
    "a smaller head": (400, "WITNESS_SIZES", witness.format_request(9, (), signed(7)), 9),
    "no proof": (422, "WITNESS_PROOF", witness.format_request(9, (), signed(12)), 9),
    "the proof of other sizes": (422, "WITNESS_PROOF", witness.format_request(9, proof(8, 12), signed(12)), 9),
    "another history": (422, "WITNESS_PROOF", witness.format_request(9, proof(9, 12), signed(12, other=b"x" * 32)), 9),
    "a proof for nothing": (422, "WITNESS_PROOF", witness.format_request(9, proof(9, 12), signed(9)), 9),
    "a proof from nothing": (422, "WITNESS_PROOF", witness.format_request(0, proof(9, 12), signed(12)), 0),
    "an unknown log": (404, "WITNESS_ORIGIN", witness.format_request(0, (), signed(3, origin="other.example")), 0),
    "another key": (403, "WITNESS_SIGNATURE", witness.format_request(0, (), signed(3, key=NEXT)), 0),
    "a signature over another head": (
        403, "WITNESS_SIGNATURE", witness.format_request(0, (), signed(3).replace("\n3\n", "\n4\n")), 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_cosigned_and_why(what: str) -> None:
    status, code, body, seen = REFUSED[what]
    with pytest.raises(WitnessError) as caught:
        decide(body, known(seen))
    assert (caught.value.code, witness.STATUSES[caught.value.code]) == (code, status)


B64 = base64.b64encode(b"h" * 32).decode()
MALFORMED = {
    "nothing": "",
    "no old size": f"\n\n{signed(3)}",
    "an old size with a zero before it": f"old 03\n\n{signed(3)}",
    "a negative old size": f"old -3\n\n{signed(3)}",
    "an old size in other digits": f"old ٣\n\n{signed(3)}",
    "an endless old size": f"old {'9' * 40}\n\n{signed(3)}",
    "two spaces": f"old  3\n\n{signed(3)}",
    "a hash that is too short": f"old 3\naGFzaA==\n\n{signed(3)}",
    "a hash in another spelling": f"old 3\n{B64[:-2]}h=\n\n{signed(3)}",
    "a hash with a blank behind it": f"old 3\n{B64} \n\n{signed(3)}",
    "64 hashes": witness.format_request(3, [b"h" * 32] * 64, signed(3)),
    "carriage returns": f"old 3\r\n\r\n{signed(3)}",
    "no checkpoint": "old 3\n\n",
    "a checkpoint without a signature": f"old 3\n\n{ORIGIN}\n3\n{B64}\n",
    "a size in words": f"old 3\n\n{signed(3)}".replace("\n3\n", "\nthree\n"),
    "a note that is too large": f"old 3\n\n{signed(3)}" + "x" * witness.MAX_REQUEST,
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_request_is_400(what: str) -> None:
    with pytest.raises(WitnessError) as caught:
        witness.parse_request(MALFORMED[what].encode())
    assert witness.STATUSES[caught.value.code] == 400


def test_63_hashes_are_read() -> None:
    assert len(witness.parse_request(witness.format_request(3, [b"h" * 32] * 63, signed(3)).encode()).proof) == 63


def test_every_refusal_has_a_status() -> None:
    assert set(witness.STATUSES.values()) == {400, 403, 404, 409, 422}


def test_an_old_and_a_new_key_of_one_log_are_both_trusted_and_unknown_ones_ignored() -> None:
    head = Checkpoint(ORIGIN, 3, root(3))
    text = checkpoint.format_checkpoint(head)
    stranger = checkpoint.sign_note(text, "stranger.example", OWN)
    both = checkpoint.sign_checkpoint(head, NEXT, checkpoint.sign_note(text, ORIGIN, LOG), stranger)
    for keys in (KEYS, [verifier_key(ORIGIN, NEXT)], [*KEYS, verifier_key(ORIGIN, NEXT)]):
        decide(witness.format_request(0, (), both), known(0), keys)


@pytest.mark.parametrize("at", range(8))
def test_a_proof_or_head_with_one_bit_changed_is_refused(at: int) -> None:
    body = witness.format_request(7, proof(7, 33), signed(33)).encode()
    for place in range(at, len(body), 8):
        changed = body[:place] + bytes([body[place] ^ (1 << at)]) + body[place + 1 :]
        with pytest.raises(WitnessError):
            decide(changed, known(7))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"ok\n",
        witness.format_answer(checkpoint.cosign_note(checkpoint.format_checkpoint(Checkpoint(ORIGIN, 3, root(3))),
                                                     "other.example", OWN, NOW)).encode(),
        witness.format_answer(checkpoint.cosign_note("another text\n", NAME, OWN, NOW)).encode(),
        b"more text\n\n" + witness.format_answer(
            checkpoint.cosign_note(checkpoint.format_checkpoint(Checkpoint(ORIGIN, 3, root(3))), NAME, OWN, NOW)
        ).encode(),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_cosignature_of_this_head_is_refused(answer: bytes) -> None:
    with pytest.raises(NoteError):
        witness.open_answer(checkpoint.format_checkpoint(Checkpoint(ORIGIN, 3, root(3))), answer, WITNESS)
