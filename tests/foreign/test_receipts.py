"""scitt-cose, a COSE receipt reader by other hands (RFC 9942), judges receipts over this tree."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from scitt_cose import verify_receipt

from contracts.log import tree
from contracts.log.checkpoint import open_checkpoint, parse_vkey
from contracts.log.receipt import Receipt, format_receipt, sign_root
from contracts.log.tiles import ENTRIES, Tile, TileReader, decode_bundle
from tests.foreign import tampering
from tests.foreign.conftest import INDEX, SIZES, Written


@pytest.fixture(scope="module")
def demo(vectors: Path) -> Path:
    return vectors / "demo_go_verified"


def test_the_published_receipt_holds_for_its_record(demo: Path) -> None:
    result = verify_receipt(
        (demo / "e345.cose-receipt.cbor").read_bytes(),
        leaf_entry_hex=(demo / "e345.json").read_bytes().hex(),
        log_public_key_pem=(demo / "cose_receipt_key.pem").read_bytes(),
    )
    assert (result.ok, result.tree_size, result.leaf_index) == (True, 600, 345), result.errors


def test_no_flipped_bit_makes_another_claim(demo: Path) -> None:
    """RFC 9942 signs the root alone: a tree size under which the same path leads to it may pass, and nothing else."""
    receipt, entry = (demo / "e345.cose-receipt.cbor").read_bytes(), (demo / "e345.json").read_bytes()
    key = (demo / "cose_receipt_key.pem").read_bytes()
    root = verify_receipt(receipt, leaf_entry_hex=entry.hex(), log_public_key_pem=key).root
    for at in range(8 * len(receipt)):
        result = verify_receipt(flipped(receipt, at), leaf_entry_hex=entry.hex(), log_public_key_pem=key)
        assert not result.ok or (result.root == root and result.leaf_index == 345 and result.tree_size != 600), at
    for at in range(8 * len(entry)):
        assert not verify_receipt(receipt, leaf_entry_hex=flipped(entry, at).hex(), log_public_key_pem=key).ok, at


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# --- receipts of ours, over a log that the exchange has written

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def receipt_from(log: Path, root: bytes, index: int) -> bytes:
    """Made of the exported tiles, signed over the root that the log promised."""
    reader = TileReader(SIZES[-1], lambda tile: (log / tile.path).read_bytes())
    path = tree.prove_inclusion(reader, index, SIZES[-1])
    return format_receipt(Receipt(SIZES[-1], index, path, sign_root(root, PRIVATE)))


def entry_of(log: Path, index: int) -> bytes:
    first = index // 256 * 256
    width = min(256, SIZES[-1] - first)
    return decode_bundle((log / Tile(ENTRIES, index // 256, width).path).read_bytes(), width)[index - first]


def promised_root(written: Written) -> bytes:
    key = parse_vkey(written.vkey.read_text().strip())
    return open_checkpoint((written.log / "checkpoint").read_bytes(), [key]).checkpoint.root


@pytest.mark.parametrize("index", [0, 255, 256, INDEX, 599])
def test_it_accepts_our_receipts_of_records_of_the_exchange(written: Written, index: int) -> None:
    receipt = receipt_from(written.log, promised_root(written), index)
    result = verify_receipt(receipt, leaf_entry_hex=entry_of(written.log, index).hex(), log_public_key_pem=PEM)
    assert (result.ok, result.tree_size, result.leaf_index) == (True, 600, index), result.errors
    assert bytes.fromhex(result.root or "") == promised_root(written)
    other = entry_of(written.log, (index + 1) % 600)
    assert not verify_receipt(receipt, leaf_entry_hex=other.hex(), log_public_key_pem=PEM).ok


@pytest.mark.parametrize(
    ("lie", "index"),
    [
        ("a bit of an entry", 256),
        ("two entries swapped", 0),
        ("a bit of a full tile", 344),
        ("a bit of a partial tile", INDEX),
        ("a bit of the upper tile", 0),
    ],
)
def test_it_refuses_receipts_made_of_a_log_that_was_tampered_with(
    written: Written, tmp_path: Path, lie: str, index: int
) -> None:
    root, copy = promised_root(written), written.copy(tmp_path / "copy")
    tampering.ALL[lie](copy)
    receipt, entry = receipt_from(copy.log, root, index), entry_of(copy.log, index)
    assert not verify_receipt(receipt, leaf_entry_hex=entry.hex(), log_public_key_pem=PEM).ok
