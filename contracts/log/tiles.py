"""The tree as files: C2SP tlog-tiles. Any static file server or mirror can serve a log.

    tile/0/x001/x234/067        256 leaf hashes, the 1,234,068th full tile of level 0
    tile/1/000.p/17             the first 17 of the 256 hashes of level 1, each the root of a full tile of level 0
    tile/entries/000.p/88       the entries themselves: 88 of them, each after its length as two bytes

Level l holds the hashes of height 8 * l. A full tile never changes; a partial one is a prefix of it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from contracts.errors import TreeError
from contracts.log.tree import HASH_SIZE, HashReader, Node, leaf_hash, node_hash

WIDTH = 256
HEIGHT = 8  # 2^8 hashes in a tile
MAX_LEVEL = 7  # a tree of fewer than 2^63 leaves has no higher level
MAX_ENTRY = 65_535  # C2SP tlog-tiles: the length is a 16-bit number
ENTRIES = -1  # the "level" of the entry bundles

_PATH = re.compile(r"tile/(entries|[0-7])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, order=True)
class Tile:
    """A tile's address: level (or ENTRIES), number, and how many hashes or entries it holds."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Format: the tile's path below the log's prefix. Its pair is `parse_path`."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{number}" + (f".p/{self.width}" if self.width < WIDTH else "")


def parse_path(path: str) -> Tile:
    """The tile at this path; only the one spelling that `Tile.path` writes."""
    match = _PATH.fullmatch(path)
    if not match:
        raise TreeError("TILE_PATH", path=path[:120])
    level, number, width = match.groups()
    tile = Tile(
        level=ENTRIES if level == "entries" else int(level),
        index=int(number.replace("/", "").replace("x", "")),
        width=int(width or WIDTH),
    )
    if tile.path != path:
        raise TreeError("TILE_PATH", path=path[:120])
    return tile


def tiles_of(size: int, *, since: int = 0) -> Iterator[Tile]:
    """The hash tiles that a tree of `size` leaves has and the tree of `since` leaves had not, partial ones last."""
    for level in range(MAX_LEVEL + 1):
        before, now = since >> (HEIGHT * level), size >> (HEIGHT * level)
        if now > before:
            yield from _row(level, before, now)


def bundles_of(size: int, *, since: int = 0) -> Iterator[Tile]:
    """The entry bundles that go with `tiles_of`."""
    if size > since:
        yield from _row(ENTRIES, since, size)


def tile_data(reader: HashReader, tile: Tile) -> bytes:
    """The bytes of a hash tile."""
    first = tile.index * WIDTH
    nodes = [Node(HEIGHT * tile.level, first + offset) for offset in range(tile.width)]
    return b"".join(reader.read(nodes))


def split_hashes(tile: Tile, data: bytes) -> list[bytes]:
    """The hashes of a tile's bytes."""
    if len(data) != tile.width * HASH_SIZE:
        raise TreeError("TILE_LENGTH", tile=tile.path, bytes=len(data))
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def root_of_full(data: bytes) -> bytes:
    """The hash of the complete subtree over a full tile: one hash of the tile above it."""
    hashes = split_hashes(Tile(0, 0), data)
    while len(hashes) > 1:
        hashes = _pairwise(hashes)
    return hashes[0]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as one bundle: each preceded by its length in two bytes, most significant first."""
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise TreeError("ENTRY_TOO_LARGE", bytes=len(entry), limit=MAX_ENTRY)
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle, which must end where its last entry ends."""
    return [data[at + 2 : end] for at, end in pairwise(bundle_offsets(data, width))]


def bundle_offsets(data: bytes, width: int) -> array[int]:
    """Where each of a bundle's `width` entries begins, with its length before it, and where the last one ends."""
    at, size, offsets = 0, len(data), array("I", (0,))
    while at < size and len(offsets) <= width:
        start = at + 2
        end = start + (data[at] << 8) + data[at + 1] if start <= size else start
        if end > size:
            raise TreeError("BUNDLE_CUT_SHORT", entry=len(offsets) - 1, at=at)
        offsets.append(end)
        at = end
    if at != size or len(offsets) != width + 1:
        raise TreeError("BUNDLE_LENGTH", entries=len(offsets) - 1, expected=width, at=at)
    return offsets


class TileReader:
    """A HashReader over tiles: `fetch` returns the bytes of a tile of the tree of `size` leaves."""

    def __init__(self, size: int, fetch: Callable[[Tile], bytes]) -> None:
        self._size = size
        self._fetch = fetch
        self._seen: dict[Tile, list[list[bytes]]] = {}

    def read(self, nodes: Sequence[Node], /) -> list[bytes]:
        """Each node's hash, made of the hashes of the one tile below it."""
        return [self._node(node) for node in nodes]

    def _node(self, node: Node) -> bytes:
        level = min(node.height // HEIGHT, MAX_LEVEL)
        spread = node.height - HEIGHT * level
        first = node.number << spread
        row = self._size >> (HEIGHT * level)
        if first + (1 << spread) > row:
            raise TreeError("NODE_OUTSIDE_TREE", height=node.height, number=node.number, size=self._size)
        tile = Tile(level, first // WIDTH, min(WIDTH, row - first // WIDTH * WIDTH))
        return self._rows(tile, spread)[spread][first % WIDTH >> spread]

    def _rows(self, tile: Tile, height: int) -> list[list[bytes]]:
        """The tile's hashes and, up to ``height``, those of the complete subtrees over them; each is made once."""
        if tile not in self._seen:
            self._seen[tile] = [split_hashes(tile, self._fetch(tile))]
        rows = self._seen[tile]
        while len(rows) <= height:
            rows.append(_pairwise(rows[-1]))
        return rows


class EntryReader:
    """A HashReader over all entries in memory: for bundles of a whole log and for tests."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self._rows = [[leaf_hash(entry) for entry in entries]]
        while len(self._rows[-1]) > 1:
            self._rows.append(_pairwise(self._rows[-1]))

    def read(self, nodes: Sequence[Node], /) -> list[bytes]:
        """Each node's hash."""
        return [self._rows[node.height][node.number] for node in nodes]


def _row(level: int, before: int, now: int) -> Iterator[Tile]:
    for index in range(before // WIDTH, now // WIDTH):
        yield Tile(level, index)
    if now % WIDTH:
        yield Tile(level, now // WIDTH, now % WIDTH)


def _pairwise(below: list[bytes]) -> list[bytes]:
    """The row above: a last one without a sibling has no parent yet."""
    return [node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
