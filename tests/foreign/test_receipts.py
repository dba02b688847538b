"""scitt-cose, a COSE receipt reader by other hands (RFC 9942), judges receipts over this tree."""

from pathlib import Path

import pytest
from scitt_cose import verify_receipt


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
