"""COSE receipts (RFC 9942): the published one, another implementation, and every way to bend one."""

from contextlib import suppress

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from scitt_cose.receipt import verify_receipt

from contracts.errors import LogError, ReceiptError
from contracts.log import checkpoint, tiles, tree
from contracts.log.receipt import Receipt, check_receipt, format_receipt, parse_receipt, sign_root

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
KEY = PRIVATE.public_key()
PEM = KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
ENTRIES = [b"entry %d" % n for n in range(300)]
HEAD = checkpoint.Checkpoint("log.minhbach.example/2026", 300, tree.root_of(ENTRIES))


def made(index, size=300):
    reader = tiles.EntryReader(ENTRIES[:size])
    signature = sign_root(tree.root_of(ENTRIES[:size]), PRIVATE)
    return format_receipt(Receipt(size, index, tree.prove_inclusion(reader, index, size), signature))


@pytest.fixture
def published(vectors):
    folder = vectors / "demo_go_verified"
    key = load_pem_public_key((folder / "cose_receipt_key.pem").read_bytes())
    note = checkpoint.parse_note((folder / "log" / "checkpoints" / "600").read_text())
    head = checkpoint.parse_checkpoint(note.text)
    return (folder / "e345.cose-receipt.cbor").read_bytes(), (folder / "e345.json").read_bytes(), key, head


def flips(data):
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def test_the_published_receipt_holds(published):
    data, entry, key, head = published
    receipt = parse_receipt(data)
    assert (receipt.size, receipt.index, len(receipt.path)) == (600, 345, 10)
    assert check_receipt(receipt, entry, key) == check_receipt(receipt, entry, key, head) == head.root


def test_every_single_bit_of_the_published_receipt_counts(published):
    data, entry, key, head = published
    for changed in flips(data):
        with pytest.raises(LogError):
            check_receipt(parse_receipt(changed), entry, key, head)


def test_without_a_head_only_the_size_is_not_sure_because_no_one_signed_it(published):
    data, entry, key, head = published
    passed = []
    for changed in flips(data):
        try:
            assert check_receipt(parse_receipt(changed), entry, key) == head.root
        except LogError:
            continue
        passed.append(parse_receipt(changed))
    assert passed
    assert {(receipt.index, receipt.size == 600) for receipt in passed} == {(345, False)}


def test_every_single_bit_of_the_entry_counts(published):
    data, entry, key, _head = published
    for changed in flips(entry):
        with pytest.raises(ReceiptError, match="RECEIPT_SIGNATURE_INVALID"):
            check_receipt(parse_receipt(data), changed, key)


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (1, 2), (255, 256), (256, 257), (23, 300), (299, 300)])
def test_another_implementation_accepts_ours_and_refuses_another_entry(index, size):
    data = made(index, size)
    assert check_receipt(parse_receipt(data), ENTRIES[index], KEY) == tree.root_of(ENTRIES[:size])
    assert verify_receipt(data, leaf_entry_hex=ENTRIES[index].hex(), log_public_key_pem=PEM).ok
    assert not verify_receipt(data, leaf_entry_hex=b"another".hex(), log_public_key_pem=PEM).ok


def test_another_cbor_writer_gives_the_same_bytes():
    receipt = parse_receipt(made(23))
    proof = cbor2.dumps([receipt.size, receipt.index, list(receipt.path)])
    protected = cbor2.dumps({1: -8, 395: 1})
    message = cbor2.CBORTag(18, [protected, {396: {-1: [proof]}}, None, receipt.signature])
    assert cbor2.dumps(message) == format_receipt(receipt)


def test_a_receipt_under_another_key_or_another_head_is_refused():
    receipt = parse_receipt(made(7))
    stranger = Ed25519PrivateKey.from_private_bytes(b"d" * 32).public_key()
    with pytest.raises(ReceiptError, match="RECEIPT_SIGNATURE_INVALID"):
        check_receipt(receipt, ENTRIES[7], stranger)
    with pytest.raises(ReceiptError, match="RECEIPT_OF_ANOTHER_HEAD"):
        check_receipt(receipt, ENTRIES[7], KEY, checkpoint.Checkpoint(HEAD.origin, 301, HEAD.root))
    with pytest.raises(ReceiptError, match="RECEIPT_OF_ANOTHER_HEAD"):
        check_receipt(receipt, ENTRIES[7], KEY, checkpoint.Checkpoint(HEAD.origin, 300, b"r" * 32))


def test_a_signature_of_a_checkpoint_is_no_signature_of_a_receipt():
    """One key, one purpose; and even with one key for both, neither could pass for the other."""
    receipt = parse_receipt(made(7))
    lent = Receipt(receipt.size, receipt.index, receipt.path, PRIVATE.sign(HEAD.root))
    with pytest.raises(ReceiptError, match="RECEIPT_SIGNATURE_INVALID"):
        check_receipt(lent, ENTRIES[7], KEY)


@pytest.mark.parametrize(
    "bend",
    [
        lambda data: data + b"\0",
        lambda data: data[:-1],
        lambda data: data.replace(b"\xf6\x58\x40", b"\xf6\x59\x00\x40"),  # the length in two bytes
        lambda data: data.replace(b"\x83\x19\x01\x2c", b"\x83\x1a\x00\x00\x01\x2c"),  # the size in four
        lambda data: data.replace(b"\xf6\x58\x40", b"\x40\x58\x40"),  # an empty payload in place of none
        lambda data: b"\xd9\xd9\xf7" + data,  # "this is CBOR"
        lambda data: data[1:],  # no tag
        lambda data: b"",
    ],
)
def test_another_spelling_is_refused(bend):
    data = made(23)
    assert bend(data) != data
    with pytest.raises(ReceiptError, match="RECEIPT_MALFORMED"):
        parse_receipt(bend(data))


@given(st.binary(max_size=200), st.integers(0, 300))
def test_whatever_follows_the_header_is_read_or_refused(tail, cut):
    data = made(23)[:cut] + tail
    with suppress(ReceiptError):
        assert format_receipt(parse_receipt(data)) == data
