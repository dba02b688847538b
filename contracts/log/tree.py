"""The Merkle tree of RFC 6962 section 2.1 (the same tree in RFC 9162): hashes, heads, proofs.

    leaf  SHA-256(0x00 || entry)      node  SHA-256(0x01 || left || right)      empty tree  SHA-256("")

A tree of n leaves is a row of complete subtrees, one for each 1 bit of n, largest first; its root folds them from the
right. So the row (`Frontier`) is all that appending needs, and every hash of every proof is a fold of complete
subtrees. A complete subtree is a `Node(height, number)`: the 2^height leaves from leaf number * 2^height on. Storage
answers for nodes through one method, `HashReader.read`; it is asked once per proof.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from contracts.errors import TreeError

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
_SIZE_LIMIT = 2**63  # C2SP tlog-checkpoint: sizes must fit a signed 64-bit integer to be read everywhere


class Node(NamedTuple):
    """A complete subtree: 2^height leaves beginning with leaf number * 2^height."""

    height: int
    number: int


class HashReader(Protocol):
    """Where the hashes are. The one method a storage has to have."""

    def read(self, nodes: Sequence[Node], /) -> Sequence[bytes]:
        """The 32-byte hash of each node, in the order asked."""


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 section 2.1: MTH({d(0)})."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """A tree reduced to what appending needs: its size and its complete subtrees, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """The frontier after one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier after these leaf hashes, in order."""
        size, stack = self.size, list(self.hashes)
        for leaf in leaves:
            whole = _hash(leaf)
            completed = size
            while completed & 1:  # each trailing 1 bit of the size is a subtree that this leaf completes
                whole = node_hash(stack.pop(), whole)
                completed >>= 1
            stack.append(whole)
            size += 1
        return Frontier(_size(size), tuple(stack))

    def root(self) -> bytes:
        """RFC 6962 section 2.1: the tree head."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT

    def serialise(self) -> bytes:
        """Size as 8 bytes, most significant first, then the hashes."""
        return struct.pack(">Q", self.size) + b"".join(self.hashes)

    @classmethod
    def parse(cls, data: bytes) -> Frontier:
        """What `serialise` wrote."""
        size = struct.unpack_from(">Q", data)[0] if len(data) >= 8 else -1
        hashes = tuple(data[at : at + HASH_SIZE] for at in range(8, len(data), HASH_SIZE))
        if not 0 <= size < _SIZE_LIMIT or len(data) != 8 + HASH_SIZE * size.bit_count():
            raise TreeError("FRONTIER_MALFORMED", bytes=len(data))
        return cls(size, hashes)


def root_of(entries: Iterable[bytes]) -> bytes:
    """The tree head over whole entries (not hashes)."""
    return Frontier().extend(map(leaf_hash, entries)).root()


def root_at(reader: HashReader, size: int) -> bytes:
    """The tree head when the tree had `size` leaves."""
    return _read_ranges(reader, [(0, _size(size))])[0] if size else EMPTY_ROOT


def prove_inclusion(reader: HashReader, index: int, size: int) -> tuple[bytes, ...]:
    """RFC 9162 section 2.1.3.1: the path from leaf `index` to the head of the tree of `size` leaves."""
    if not 0 <= index < _size(size):
        raise TreeError("INDEX_OUTSIDE_TREE", index=index, size=size)
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return _read_ranges(reader, ranges[::-1])


def check_inclusion(proof: Sequence[bytes], index: int, size: int, root: bytes, leaf: bytes) -> None:
    """RFC 9162 section 2.1.3.2: `leaf` (a leaf hash) is number `index` of the tree of `size` leaves under `root`."""
    if root_by_inclusion(proof, index, size, leaf) != _hash(root):
        raise TreeError("INCLUSION_FAILED", index=index, size=size)


def root_by_inclusion(proof: Sequence[bytes], index: int, size: int, leaf: bytes) -> bytes:
    """The root that this proof leads to, for those who compare it with a signature (RFC 9942 section 5.2.1)."""
    if not 0 <= index < _size(size):
        raise TreeError("INDEX_OUTSIDE_TREE", index=index, size=size)
    position, last, whole = index, size - 1, _hash(leaf)
    for sibling in map(_hash, proof):
        if last == 0:
            raise TreeError("PROOF_TOO_LONG", index=index, size=size, hashes=len(proof))
        if position & 1 or position == last:
            whole = node_hash(sibling, whole)
            position, last = _skip_levels(position, last)
        else:
            whole = node_hash(whole, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise TreeError("PROOF_TOO_SHORT", index=index, size=size, hashes=len(proof))
    return whole


def prove_consistency(reader: HashReader, old: int, new: int) -> tuple[bytes, ...]:
    """RFC 9162 section 2.1.4.1: that the tree of `old` leaves is the beginning of the tree of `new` leaves."""
    if not 0 < old <= _size(new):
        raise TreeError("SIZES_NOT_ORDERED", old=old, new=new)
    ranges: list[tuple[int, int]] = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start > 0:  # otherwise the old tree is itself a subtree, and the checker has its root
        ranges.append((start, end))
    return _read_ranges(reader, ranges[::-1])


def check_consistency(proof: Sequence[bytes], old: int, new: int, old_root: bytes, new_root: bytes) -> None:
    """RFC 9162 section 2.1.4.2. From size 0 there is nothing to prove, so nothing is accepted as a proof of it."""
    if not 0 < old <= _size(new):
        raise TreeError("SIZES_NOT_ORDERED", old=old, new=new)
    if old == new:
        _require(not proof, "PROOF_TOO_LONG", old, new)
        _require(old_root == new_root, "CONSISTENCY_FAILED", old, new)
        return
    path = [_hash(item) for item in proof]
    if old.bit_count() == 1:  # a complete subtree: the proof leaves its root out
        path.insert(0, _hash(old_root))
    _require(bool(path), "PROOF_TOO_SHORT", old, new)
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_whole = new_whole = path[0]
    for sibling in path[1:]:
        _require(last != 0, "PROOF_TOO_LONG", old, new)
        if position & 1 or position == last:
            old_whole, new_whole = node_hash(sibling, old_whole), node_hash(sibling, new_whole)
            position, last = _skip_levels(position, last)
        else:
            new_whole = node_hash(new_whole, sibling)
        position, last = position >> 1, last >> 1
    _require(last == 0, "PROOF_TOO_SHORT", old, new)
    _require(old_whole == _hash(old_root) and new_whole == _hash(new_root), "CONSISTENCY_FAILED", old, new)


def complete_nodes(start: int, end: int) -> list[Node]:
    """The complete subtrees that make up the leaves from `start` up to but not including `end`, left to right.

    `start` must be a multiple of the largest power of two that fits, as it is for every range of a proof.
    """
    nodes: list[Node] = []
    while start < end:
        height = (end - start).bit_length() - 1
        nodes.append(Node(height, start >> height))
        start += 1 << height
    return nodes


def _require(holds: bool, code: str, old: int, new: int) -> None:
    if not holds:
        raise TreeError(code, old=old, new=new)


def _skip_levels(position: int, last: int) -> tuple[int, int]:
    """At the ragged right edge: up to the level where the subtree has a sibling on its left."""
    while not position & 1 and position:
        position, last = position >> 1, last >> 1
    return position, last


def _read_ranges(reader: HashReader, ranges: Sequence[tuple[int, int]]) -> tuple[bytes, ...]:
    """The subtree hash of each range, with one question to the reader."""
    parts = [complete_nodes(start, end) for start, end in ranges]
    wanted = [node for part in parts for node in part]
    answers = iter(reader.read(wanted)) if wanted else iter(())
    return tuple(_fold([_hash(next(answers)) for _ in part]) for part in parts)


def _fold(hashes: Sequence[bytes]) -> bytes:
    whole = hashes[-1]
    for left in reversed(hashes[:-1]):
        whole = node_hash(left, whole)
    return whole


def _split(count: int) -> int:
    """RFC 6962 section 2.1: the largest power of two smaller than `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _size(size: int) -> int:
    if not 0 <= size < _SIZE_LIMIT:
        raise TreeError("SIZE_OUT_OF_RANGE", size=size)
    return size


def _hash(data: bytes) -> bytes:
    """RFC 9162 does not say it, the test vectors do: every hash is exactly 32 bytes."""
    if len(data) != HASH_SIZE:
        raise TreeError("HASH_LENGTH", bytes=len(data))
    return data
