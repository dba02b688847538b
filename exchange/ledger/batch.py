"""One batch of records on their way from the outbox into the tree: read and linked first, written afterwards.

Reading needs no lock, because only whoever leads writes what is read here; so the writers wait for the writing alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import Session, col, select

from contracts.log import leaf, tree
from contracts.log.tiles import WIDTH, tiles_of
from exchange.ledger import bulk
from exchange.ledger.models import Entry, LastEvent, Outbox, State
from exchange.ledger.models import Tile as TileRow
from exchange.ledger.tiles import DatabaseTiles

BATCH = 4096

_ENTRY = ("idx", "event_id", "event", "at_ms", "actor", "leaf", "leaf_hash")


@dataclass(frozen=True)
class Batch:
    """What waited, as it will stand in the tree of ``origin`` that had ``before.size`` records."""

    origin: str
    count: int
    last_id: int  # of the outbox
    before: tree.Frontier
    after: tree.Frontier
    entries: list[tuple[bytes, leaf.Leaf, bytes]]  # bytes as they enter the tree, their meaning, their hash
    last: dict[str, str]  # subject -> its newest event

    def continues(self, state: State) -> bool:
        """Whether the tree is still the one that the batch was made for."""
        return state.origin == self.origin and state.size == self.before.size


def prepare(session: Session, state: State) -> Batch | None:
    """The records that wait, **by presence** (never "id greater than the last one", which loses late commits)."""
    rows = dict(session.exec(select(Outbox.id, Outbox.leaf).order_by(col(Outbox.id)).limit(BATCH)).all())
    if not rows:
        return None
    entries, last = _linked(session, state.origin, [*rows.values()])
    before = tree.Frontier.parse(state.frontier)
    after = before.extend([digest for _, _, digest in entries])
    return Batch(state.origin, len(rows), max(id for id in rows if id is not None), before, after, entries, last)


def _linked(
    session: Session, origin: str, leaves: Sequence[bytes]
) -> tuple[list[tuple[bytes, leaf.Leaf, bytes]], dict[str, str]]:
    """The waiting leaves in their order, each naming the event before it; one that is in the tree already, or stands
    here twice, is left out. They are in no tree yet: one written under another name of the log, before a restart or
    under a wrong setting, gets the name of the tree it comes into."""
    parsed = [leaf.parse(data) for data in leaves]
    known = set(session.exec(select(Entry.event_id).join(Outbox, col(Outbox.event_id) == col(Entry.event_id))))
    chains = select(LastEvent.subject, LastEvent.event_id)
    last = dict(session.exec(chains.where(col(LastEvent.subject).in_({p.on[0] for p in parsed}))).all())
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
    """Entries, their subjects, full tiles and the newest event of each subject; what waited, waits no more."""
    rows, subjects = list[tuple[object, ...]](), list[tuple[str, int]]()
    for idx, (data, event, digest) in enumerate(batch.entries, start=batch.before.size):
        rows.append((idx, event.id, event.type.value, event.at_ms, event.actor, data, digest))
        subjects += [(name, idx) for name in dict.fromkeys((*event.on, event.actor))]
    bulk.insert(session, "log_entry", _ENTRY, rows)
    bulk.insert(session, "log_subject", ("subject", "idx"), subjects)
    bulk.put(session, "log_last_event", "subject", "event_id", batch.last)
    _write_full_tiles(session, batch.before.size, batch.after.size)
    # What is in the tree waits no more; a record that was committed late, with a smaller number, is not there yet.
    done = col(Outbox.event_id).in_(select(Entry.event_id))
    session.exec(delete(Outbox).where(col(Outbox.id) <= batch.last_id, done))


def _write_full_tiles(session: Session, old: int, new: int) -> None:
    tiles = DatabaseTiles(session, new)
    for tile in tiles_of(new, since=old):
        if tile.width == WIDTH:
            session.add(TileRow(level=tile.level, n=tile.index, data=tiles.compute(tile)))
            session.flush()
