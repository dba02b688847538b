"""Tiles and hashes out of the database: full tiles are stored, partial ones computed from the rows."""

from functools import lru_cache

from sqlmodel import Session, col, select

from contracts.log.tiles import ENTRIES, WIDTH, Tile, TileReader, encode_bundle, root_of_full
from exchange.ledger.models import Entry
from exchange.ledger.models import Tile as TileRow

# A full tile never changes; its bytes are the key, so that no two logs can be confused. 8 KiB each.
_root_of_full = lru_cache(maxsize=1024)(root_of_full)


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
        return b"".join(_root_of_full(data) for data in self._full_below(tile))

    def _full_below(self, tile: Tile) -> list[bytes]:
        """The full tiles over which ``tile`` stands, by one statement: a young tile may need 255 of them."""
        level, first = tile.level - 1, tile.index * WIDTH
        query = select(TileRow.data).where(TileRow.level == level, col(TileRow.n) >= first)
        stored = list(self._session.exec(query.where(col(TileRow.n) < first + tile.width).order_by(col(TileRow.n))))
        if len(stored) == tile.width:
            return stored
        return [self.fetch(Tile(level, n)) for n in range(first, first + tile.width)]

    def _column(self, column: object, tile: Tile) -> list[bytes]:
        first = tile.index * WIDTH
        query = select(column).where(col(Entry.idx) >= first, col(Entry.idx) < first + tile.width)  # type: ignore[call-overload]
        return list(self._session.exec(query.order_by(col(Entry.idx))))
