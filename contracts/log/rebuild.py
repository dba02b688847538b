"""The tree made again from its entries, tile by tile: what a reader of a whole log compares with what was published.

Only the last, unfinished tile of each level is held, so a log may be far larger than memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from contracts.errors import TreeError
from contracts.log.tiles import WIDTH, Tile
from contracts.log.tree import EMPTY_ROOT, HASH_SIZE, node_hash


class Rebuild:
    """Takes the entries in order, a bundle of WIDTH at a time; only the last may hold fewer.

    `published` returns the bytes of the hash tile that should come out; another content raises TILE_DIFFERS.
    """

    def __init__(self, published: Callable[[Tile], bytes]) -> None:
        self._published = published
        self._rows: list[list[bytes]] = [[]]  # the unfinished tile of each level
        self._full: list[int] = [0]  # how many tiles of each level are finished
        self.size = 0

    def add(self, entries: Sequence[bytes]) -> None:
        """The next bundle of entries."""
        if self._rows[0] or not entries or len(entries) > WIDTH:
            raise ValueError("bundles are full, but for the last")
        sha256 = hashlib.sha256
        self._rows[0] = [sha256(b"\x00" + entry).digest() for entry in entries]  # RFC 6962 section 2.1, inlined
        self.size += len(entries)
        level = 0
        while len(self._rows[level]) == WIDTH:
            hash = _subtree(self._compare(level))
            self._rows[level] = []
            self._full[level] += 1
            level += 1
            if level == len(self._rows):
                self._rows.append([])
                self._full.append(0)
            self._rows[level].append(hash)

    def root(self) -> bytes:
        """The root hash, once the unfinished tiles have been compared too. No entry may follow."""
        if not self.size:
            return EMPTY_ROOT
        subtrees: list[bytes] = []  # the complete ones, largest first
        for level in reversed(range(len(self._rows))):
            row = self._rows[level]
            data, at = self._compare(level) if row else b"", 0
            while at < len(row):
                width = 1 << ((len(row) - at).bit_length() - 1)
                subtrees.append(_subtree(data[at * HASH_SIZE : (at + width) * HASH_SIZE]))
                at += width
        whole = subtrees.pop()
        while subtrees:
            whole = node_hash(subtrees.pop(), whole)
        return whole

    def _compare(self, level: int) -> bytes:
        row = self._rows[level]
        tile = Tile(level, self._full[level], len(row))
        data = b"".join(row)
        if self._published(tile) != data:
            raise TreeError("TILE_DIFFERS", tile=tile.path)
        return data


def _subtree(data: bytes) -> bytes:
    """The root over a power of two of hashes that lie side by side."""
    sha256 = hashlib.sha256
    while len(data) > HASH_SIZE:
        data = b"".join([sha256(b"\x01" + data[at : at + 64]).digest() for at in range(0, len(data), 64)])
    return data
