"""Tiles and hashes out of the database: full tiles are stored, partial ones computed from the rows."""

from sqlmodel import Session, col, select

from contracts.log.tiles import ENTRIES, HEIGHT, WIDTH, Tile, TileReader, encode_bundle
from contracts.log.tree import Node, node_hash
from exchange.ledger.models import Entry
from exchange.ledger.models import Tile as TileRow


class DatabaseTiles:
    """What contracts.log.tiles.TileReader and the tile pages ask for, for the tree of ``size`` leaves."""

    def __init__(self, session: Session, size: int) -> None:
        self._session, self._size = session, size
        self.reader = TileReader(size, self.fetch)

    def fetch(self, tile: Tile) -> bytes:
        """A tile's bytes (C2SP tlog-tiles). A stored full tile never changes; the rest follows from it."""
        if tile.level == ENTRIES:
            return encode_bundle(self._column(Entry.leaf, tile))
        if tile.width == WIDTH:
            stored = self._session.get(TileRow, (tile.level, tile.index))
            if stored is not None:
                return stored.data
        return self.compute(tile)

    def compute(self, tile: Tile) -> bytes:
        """The tile from what lies below it: leaf hashes at level 0, pairs of subtrees of the level below elsewhere."""
        if tile.level == 0:
            return b"".join(self._column(Entry.leaf_hash, tile))
        first = tile.index * WIDTH
        halves = [Node(HEIGHT * tile.level - 1, 2 * first + i) for i in range(2 * tile.width)]
        hashes = self.reader.read(halves)
        return b"".join(node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2))

    def _column(self, column: object, tile: Tile) -> list[bytes]:
        first = tile.index * WIDTH
        query = select(column).where(col(Entry.idx) >= first, col(Entry.idx) < first + tile.width)  # type: ignore[call-overload]
        return list(self._session.exec(query.order_by(col(Entry.idx))))
