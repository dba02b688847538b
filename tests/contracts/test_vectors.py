"""Published vectors that no single module owns: the rows of the collection's table that other tests leave open."""

import base64
import json
from itertools import pairwise
from pathlib import Path

import pytest

from contracts import canonical, keys, signature
from contracts.errors import CanonicalError, ContractsError, NoteError
from contracts.keys import SignatureError
from contracts.log import checkpoint, tiles, tree
from tests.contracts.examples import make_contract

# --- the tree and its heads


def test_the_empty_log_has_the_published_root_and_its_head_opens(vectors: Path) -> None:
    published = json.loads((vectors / "c2sp_spec_examples.json").read_text())
    assert base64.b64decode(published["empty_tree_root_b64"]) == tree.EMPTY_ROOT == tree.root_of([])
    assert base64.b64decode(published["rfc6962_leaf_hash_of_empty_entry_b64"]) == tree.leaf_hash(b"")
    head = checkpoint.open_checkpoint((vectors / "tessera_log/checkpoint.0").read_bytes(), [tessera_key(vectors)])
    assert (head.checkpoint.size, head.checkpoint.root) == (0, tree.EMPTY_ROOT)


def test_tiles_are_laid_out_as_published(vectors: Path) -> None:
    for layout in json.loads((vectors / "c2sp_spec_examples.json").read_text())["tile_layout"]:
        row = {0: [0, 0], 1: [0, 0], 2: [0, 0]}
        for tile in tiles.tiles_of(layout.pop("size")):
            full = tile.width == tiles.WIDTH
            row[tile.level] = [row[tile.level][0] + full, row[tile.level][1] if full else tile.width]
        for name, count in layout.items():  # "full_l0": tiles, "partial_l1": width
            kind, level = name.split("_l")
            assert row[int(level)][kind == "partial"] == count, name


def tessera_key(vectors: Path) -> checkpoint.VerifierKey:
    return checkpoint.parse_vkey((vectors / "tessera_log/log.vkey").read_text().strip())


def test_the_sixteen_heads_of_a_real_log_lie_on_one_history(vectors: Path) -> None:
    folder, key = vectors / "tessera_log", tessera_key(vectors)
    heads = [checkpoint.open_checkpoint((folder / f"checkpoint.{n}").read_bytes(), [key]).checkpoint for n in range(16)]
    assert [head.size for head in heads] == list(range(16))
    assert (folder / "checkpoint").read_bytes() == (folder / "checkpoint.15").read_bytes()
    assert_one_history(folder, heads[1:])
    for head in heads:
        signed = (folder / f"checkpoint.{head.size}").read_text()
        with pytest.raises(NoteError, match="NOTE_SIGNATURE_INVALID"):
            checkpoint.open_checkpoint(signed.replace(f"\n{head.size}\n", f"\n{head.size + 1}\n"), [key])


def test_the_six_heads_that_go_verified_are_cosigned_and_lie_on_one_history(vectors: Path) -> None:
    folder = vectors / "demo_go_verified"
    log, witness = (checkpoint.parse_vkey((folder / f"s.{name}.vkey").read_text().strip()) for name in ("log", "wit"))
    heads = []
    for size in (1, 2, 255, 256, 257, 600):
        note = (folder / "log/checkpoints" / str(size)).read_bytes()
        opened = checkpoint.open_checkpoint(note, [log], [witness])
        assert [seen.key for seen in opened.cosigned] == [witness]
        assert opened.checkpoint.size == size
        heads.append(opened.checkpoint)
    assert_one_history(folder / "log", heads)
    published = [base64.b64decode(line) for line in (folder / "cons_257_600").read_text().split()]
    tree.check_consistency(published, 257, 600, heads[4].root, heads[5].root)
    for at in range(len(published)):
        broken = [*published[:at], bytes(32), *published[at + 1 :]]
        with pytest.raises(ContractsError, match="CONSISTENCY_FAILED"):
            tree.check_consistency(broken, 257, 600, heads[4].root, heads[5].root)


def assert_one_history(folder: Path, heads: list[checkpoint.Checkpoint]) -> None:
    for old, new in pairwise(heads):
        reader = tiles.TileReader(new.size, lambda tile: (folder / tile.path).read_bytes())
        proof = tree.prove_consistency(reader, old.size, new.size)
        tree.check_consistency(proof, old.size, new.size, old.root, new.root)


# --- canonical JSON


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_the_canonical_bytes_are_the_published_hexadecimal(vectors: Path, name: str) -> None:
    published = bytes.fromhex((vectors / "jcs/outhex" / f"{name}.txt").read_text())
    value = json.loads((vectors / "jcs/input" / f"{name}.json").read_text(encoding="utf-8"))
    assert published == (vectors / "jcs/output" / f"{name}.json").read_bytes()
    if name == "values":  # it holds floats, which nothing signed here ever does
        with pytest.raises(CanonicalError, match="FLOAT_REFUSED"):
            canonical.loads(published)
    else:
        assert canonical.loads(published) == value
        assert canonical.dumps(canonical.loads(published)) == published


# --- signatures


def test_of_the_edge_cases_under_admitted_keys_exactly_the_unambiguous_ones_hold(vectors: Path) -> None:
    """All verifiers of RFC 8032 agree where R is canonical and the equation leaves no low-order residue."""
    decided = {"key refused": 0, "held": 0, "signature refused": 0}
    for case in json.loads((vectors / "ed25519/cctv_ed25519vectors.json").read_text()):
        flags = set(case["flags"] or [])
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": canonical.b64url(bytes.fromhex(case["key"]))}
        verdict = judge(jwk, case["msg"].encode(), bytes.fromhex(case["sig"]), "Ed25519")
        if flags & {"low_order_A", "non_canonical_A"}:
            assert verdict == "key refused", case
        else:
            assert verdict == ("signature refused" if flags & {"low_order_residue", "non_canonical_R"} else "held"), (
                case
            )
        decided[verdict] += 1
    assert decided == {"key refused": 526, "held": 86, "signature refused": 302}


def judge(jwk: dict[str, str], message: bytes, raw: bytes, alg: str) -> str:
    try:
        admitted = signature.check_public_jwk(jwk)
    except SignatureError:
        return "key refused"
    try:
        keys.check_signature(message, raw, admitted, alg)
    except SignatureError:
        return "signature refused"
    return "held"


def test_the_secret_keys_of_the_attack_collection_are_refused_whatever_their_cases_say(vectors: Path) -> None:
    whole = json.loads((vectors / "jws/wycheproof_json_web_signature_test.json").read_text())
    shared = [group for group in whole["testGroups"] if group["private"]["kty"] == "oct"]
    for group in shared:
        with pytest.raises(SignatureError, match="KEY_PRIVATE"):
            signature.check_public_jwk(group["private"])
        for case in group["tests"]:
            assert_no_contract_signature(case["jws"])
    assert sum(len(group["tests"]) for group in shared) == 40
    assert sum(len(group["tests"]) for group in whole["testGroups"]) == whole["numberOfTests"] == 401


CONTRACT = make_contract()


def assert_no_contract_signature(compact: str) -> None:
    protected, _, rest = compact.partition(".")
    with pytest.raises(ContractsError):
        signature.check(CONTRACT.payload, {"protected": protected, "signature": rest.rpartition(".")[2]}, CONTRACT)


@pytest.mark.parametrize("name", ["4_3.ecdsa_signature", "4_5.signature_with_detached_content"])
def test_algorithms_and_keys_that_are_not_ours_are_refused_though_their_signatures_are_good(
    vectors: Path, name: str
) -> None:
    """RFC 7520: P-521 with ES512, and a shared secret with HS256."""
    example = json.loads((vectors / "jws" / f"{name}.json").read_text())
    public = {member: value for member, value in example["input"]["key"].items() if member not in ("d", "k")}
    with pytest.raises(SignatureError, match="KEY_REFUSED"):
        signature.check_public_jwk(public)
    assert all(example["input"]["alg"] not in passing for passing in keys.ALGORITHMS_OF.values())
    assert_no_contract_signature(example["output"]["compact"])


def test_of_the_three_signatures_of_rfc_7520_section_4_8_only_the_first_is_of_a_kind_used_here(vectors: Path) -> None:
    example = json.loads((vectors / "jws/4_8.multiple_signatures.json").read_text())
    verdicts = []
    for jwk, alg, made in zip(example["input"]["key"], example["input"]["alg"], example["signing"], strict=True):
        public = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
        verdicts.append((alg, judge(public, made["sig-input"].encode(), keys.decode(made["sig"], ""), alg)))
        changed = made["sig-input"].encode() + b"A"
        assert judge(public, changed, keys.decode(made["sig"], ""), alg) != "held"
    assert verdicts == [("RS256", "held"), ("ES512", "key refused"), ("HS256", "key refused")]
    with pytest.raises(ContractsError):
        signature.check_all(example["output"]["json"])


def test_the_example_of_rfc_8037_holds_and_no_altered_one_does(vectors: Path) -> None:
    example = json.loads((vectors / "jws/curve25519_jws.json").read_text())
    jwk = {name: example["input"]["key"][name] for name in ("kty", "crv", "x")}
    message, raw = example["signing"]["sig-input"].encode(), keys.decode(example["signing"]["sig"], "")
    assert judge(jwk, message, raw, "EdDSA") == "held"
    for at in range(len(raw)):
        assert judge(jwk, message, raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], "EdDSA") == "signature refused"
    assert_no_contract_signature(example["output"]["compact"])
