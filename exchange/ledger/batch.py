"""One batch of records on their way from the outbox into the tree: read and linked first, written afterwards.

Reading needs no lock, because only whoever leads writes what is read here; so the writers wait for the writing alone.
What a batch costs does not grow with the log: every statement names its rows by key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlmodel import Session, col, select

from contracts.log import leaf, tree
from contracts.log.tiles import WIDTH, Tile, tiles_of
from exchange.ledger import bulk
from exchange.ledger.models import Outbox, State
from exchange.ledger.tiles import DatabaseTiles

BATCH = 4096

_ENTRY = ("idx", "event_id", "event", "at_ms", "actor", "leaf", "leaf_hash")
_WAITING = select(Outbox.id, Outbox.leaf).order_by(col(Outbox.id)).limit(BATCH)


@dataclass(frozen=True)
class Batch:
    """What waited, as it will stand in the tree of ``origin`` that had ``before.size`` records."""

    origin: str
    ids: list[int]  # of the outbox
    before: tree.Frontier
    after: tree.Frontier
    entries: list[tuple[bytes, leaf.Leaf, bytes]]  # bytes as they enter the tree, their meaning, their hash
    last: dict[str, str]  # subject -> its newest event

    def continues(self, state: State) -> bool:
        """Whether the tree is still the one that the batch was made for."""
        return state.origin == self.origin and state.size == self.before.size


def prepare(session: Session, state: State) -> Batch | None:
    """The records that wait, **by presence** (never "id greater than the last one", which loses late commits)."""
    rows = session.connection().execute(_WAITING).all()
    if not rows:
        return None
    entries, last = _linked(session, state.origin, [data for _, data in rows])
    before = tree.Frontier.parse(state.frontier)
    after = before.extend([digest for _, _, digest in entries])
    return Batch(state.origin, [id for id, _ in rows], before, after, entries, last)


def _linked(
    session: Session, origin: str, leaves: Sequence[bytes]
) -> tuple[list[tuple[bytes, leaf.Leaf, bytes]], dict[str, str]]:
    """The waiting leaves in their order, each naming the event before it; one that is in the tree already, or stands
    here twice, is left out. They are in no tree yet: one written under another name of the log, before a restart or
    under a wrong setting, gets the name of the tree it comes into."""
    parsed = [leaf.parse(data) for data in leaves]
    known = set(bulk.look_up(session, "log_entry", "event_id", "idx", [event.id for event in parsed]))
    last = bulk.look_up(session, "log_last_event", "subject", "event_id", list({event.on[0] for event in parsed}))
    entries, touched = list[tuple[bytes, leaf.Leaf, bytes]](), dict[str, str]()
    for data, event in zip(leaves, parsed, strict=True):
        if event.id not in known:
            known.add(event.id)
            own = data if event.log == origin else leaf.rename(data, origin)
            linked = leaf.link(own, last.get(event.on[0]))
            entries.append((linked, event, tree.leaf_hash(linked)))
            last[event.on[0]] = touched[event.on[0]] = event.id
    return entries, touched


def write(session: Session, batch: Batch) -> None:
    """Entries, their subjects, full tiles and the newest event of each subject; what waited, waits no more.

    By its id, so that a record which was committed late, with a smaller one, goes on waiting.
    """
    rows, subjects = list[tuple[object, ...]](), list[tuple[str, int]]()
    for idx, (data, event, digest) in enumerate(batch.entries, start=batch.before.size):
        rows.append((idx, event.id, event.type.value, event.at_ms, event.actor, data, digest))
        subjects += [(name, idx) for name in names_of(event)]
    bulk.insert(session, "log_entry", _ENTRY, rows)
    bulk.insert(session, "log_subject", ("subject", "idx"), subjects)
    bulk.put(session, "log_last_event", "subject", "event_id", batch.last)
    _write_full_tiles(session, batch)
    bulk.delete(session, "log_outbox", "id", batch.ids)


def names_of(event: leaf.Leaf) -> dict[str, None]:
    """What a search finds the record by: its subjects and its actor, each once."""
    return dict.fromkeys((*event.on, event.actor))


def _write_full_tiles(session: Session, batch: Batch) -> None:
    """From the batch's own hashes as far as they go; a tile that began before it, or a higher one, from the rows."""
    old, tiles = batch.before.size, DatabaseTiles(session, batch.after.size)

    def data_of(tile: Tile) -> bytes:
        first = tile.index * WIDTH - old
        if tile.level or first < 0:
            return tiles.compute(tile)
        return b"".join(digest for _, _, digest in batch.entries[first : first + WIDTH])

    full = (tile for tile in tiles_of(batch.after.size, since=old) if tile.width == WIDTH)
    for _, row in groupby(full, lambda tile: tile.level):  # each level stands on what the one below has written
        bulk.insert(session, "log_tile", ("level", "n", "data"), [(it.level, it.index, data_of(it)) for it in row])
