"""One record's proof as a COSE Receipt (RFC 9942, verifiable data structure 1: RFC9162_SHA256).

    18([ << {1: -8, 395: 1} >>,                          EdDSA; the tree of RFC 9162
         {396: {-1: [ << [size, index, [hashes]] >> ]}},   the inclusion proof
         nil,                                            the payload, the root, is computed by the checker
         signature ])                                    Ed25519 over ["Signature1", protected, h'', root]

One signature of a root serves the receipts of all its records. It is made with a key of its own: the key of the
checkpoints signs texts, this one CBOR. A receipt is small and of one shape, so its CBOR (RFC 8949) is written and read
right here: three major types, and only the spelling that `format_receipt` writes.

RFC 9942 signs the root and nothing else. A tree of another size may need the same hashes for the same record, so the
size is sure only where a checkpoint is at hand: give its head to `check_receipt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.errors import ReceiptError
from contracts.log import tree
from contracts.log.checkpoint import Checkpoint

MEDIA_TYPE = 'application/cose; cose-type="cose-sign1"'  # RFC 9052 section 11.3.1
_UNSIGNED, _BYTES, _ARRAY = 0, 2, 4  # RFC 8949 section 3.1, major types
_PROTECTED = bytes.fromhex("47a2012719018b01")  # << {1: -8, 395: 1} >>
_START = bytes.fromhex("d284") + _PROTECTED + bytes.fromhex("a119018ca12081")  # up to the inclusion proof
_NIL = b"\xf6"
_MAX_PATH = 63  # the depth of the largest tree


@dataclass(frozen=True)
class Receipt:
    """That a record is number `index` of a tree of `size` records whose root has this signature."""

    size: int
    index: int
    path: tuple[bytes, ...]
    signature: bytes


def sign_root(root: bytes, private: Ed25519PrivateKey) -> bytes:
    """The signature for every receipt under this root (RFC 9052 section 4.4, no external data)."""
    return private.sign(_signed(root))


def format_receipt(receipt: Receipt) -> bytes:
    """The COSE_Sign1 message; its pair is `parse_receipt`."""
    path = _array([_bytes(item) for item in receipt.path])
    proof = _array([_head(_UNSIGNED, receipt.size), _head(_UNSIGNED, receipt.index), path])
    return _START + _bytes(proof) + _NIL + _bytes(receipt.signature)


def parse_receipt(data: bytes) -> Receipt:
    """The receipt; only the spelling that `format_receipt` writes. Nothing is verified yet."""
    if not data.startswith(_START):
        raise ReceiptError("RECEIPT_MALFORMED", reason="header", at=0)
    outer = _Reader(data, len(_START))
    inner = _Reader(outer.octets(), 0)
    inner.expect(_ARRAY, 3)
    size, index = inner.head(_UNSIGNED), inner.head(_UNSIGNED)
    path = tuple(inner.octets() for _ in range(min(inner.head(_ARRAY), _MAX_PATH)))
    outer.skip(_NIL)
    receipt = Receipt(size, index, path, outer.octets())
    if format_receipt(receipt) != data:  # something left over, or a longer spelling of the same
        raise ReceiptError("RECEIPT_MALFORMED", reason="another spelling", at=len(data))
    return receipt


def check_receipt(receipt: Receipt, entry: bytes, key: Ed25519PublicKey, head: Checkpoint | None = None) -> bytes:
    """`entry` is in a tree whose root this key signed; returns that root. With `head`: in that very tree."""
    root = tree.root_by_inclusion(receipt.path, receipt.index, receipt.size, tree.leaf_hash(entry))
    try:
        key.verify(receipt.signature, _signed(root))
    except InvalidSignature:
        raise ReceiptError("RECEIPT_SIGNATURE_INVALID", index=receipt.index, size=receipt.size) from None
    if head is not None and (head.size, head.root) != (receipt.size, root):
        raise ReceiptError("RECEIPT_OF_ANOTHER_HEAD", size=receipt.size, expected=head.size)
    return root


def _signed(root: bytes) -> bytes:
    return _array([b"\x6aSignature1", _PROTECTED, _bytes(b""), _bytes(root)])


def _head(major: int, value: int) -> bytes:
    """RFC 8949 section 4.2.1: the shortest form."""
    if value < 24:
        return bytes([major << 5 | value])
    length = next(length for length in (1, 2, 4, 8) if value < 1 << 8 * length)
    return bytes([major << 5 | 23 + length.bit_length()]) + value.to_bytes(length, "big")


def _bytes(value: bytes) -> bytes:
    return _head(_BYTES, len(value)) + value


def _array(items: Sequence[bytes]) -> bytes:
    return _head(_ARRAY, len(items)) + b"".join(items)


class _Reader:
    """A place in CBOR bytes that moves on as it is read."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    def head(self, major: int) -> int:
        first = self._take(1)[0]
        short = first & 31
        if first >> 5 != major or short > 27:
            raise ReceiptError("RECEIPT_MALFORMED", reason="type", at=self._at - 1)
        return short if short < 24 else int.from_bytes(self._take(1 << (short - 24)), "big")

    def octets(self) -> bytes:
        return self._take(self.head(_BYTES))

    def expect(self, major: int, value: int) -> None:
        if self.head(major) != value:
            raise ReceiptError("RECEIPT_MALFORMED", reason="type", at=self._at - 1)

    def skip(self, expected: bytes) -> None:
        if self._take(len(expected)) != expected:
            raise ReceiptError("RECEIPT_MALFORMED", reason="payload", at=self._at - 1)

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise ReceiptError("RECEIPT_MALFORMED", reason="cut short", at=self._at)
        self._at += count
        return taken
