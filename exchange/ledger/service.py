"""Reading the log: heads, proofs, search. Writing goes through exchange.audit only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from contracts.log import checkpoint, leaf, tree
from contracts.log.proof import Proof
from exchange.errors import NotFound
from exchange.ledger.models import Anchor, Checkpoint, Cosignature, Entry, Key, Subject
from exchange.ledger.tiles import DatabaseTiles


@dataclass(frozen=True)
class Record:
    """One entry of the log as pages show it: its index and its parsed leaf."""

    index: int
    leaf: leaf.Leaf
    data: bytes

    @property
    def id(self) -> str:
        """The event id."""
        return self.leaf.id


@dataclass(frozen=True)
class Head:
    """The newest signed head."""

    size: int
    root: bytes
    note: str
    made_ms: int


def head(session: Session, size: int | None = None) -> Head | None:
    """The newest *signed* head, or the one of exactly ``size`` records; None where there is none."""
    rows = session.exec(_HEAD if size is None else _signed_heads(size)).all()  # one for each witness, at least one
    row = rows[0][0] if rows else None
    if row is None or row.note is None:
        return None
    return Head(row.size, row.root, _with_lines(row.note, [line for _, line in rows if line]), row.made_ms)


def _signed_heads(size: int | None) -> Select[Checkpoint, str]:
    """One signed head with the lines of its witnesses."""
    newest = _signed_sizes() if size is None else _signed_sizes().where(Checkpoint.size == size)
    query = select(Checkpoint, Cosignature.line).join(
        Cosignature, col(Cosignature.size) == col(Checkpoint.size), isouter=True
    )
    return query.where(Checkpoint.size == newest.scalar_subquery()).order_by(col(Cosignature.witness))


def _signed_sizes() -> SelectOfScalar[int]:
    return (
        select(Checkpoint.size).where(col(Checkpoint.note).is_not(None)).order_by(col(Checkpoint.size).desc()).limit(1)
    )


_HEAD = _signed_heads(None)  # every answer of the API names the head: the statement is made once


def cosigned_note(session: Session, size: int, note: str) -> str:
    """The signed head with the line of every witness that has cosigned it."""
    query = select(Cosignature.line).where(Cosignature.size == size).order_by(col(Cosignature.witness))
    return _with_lines(note, session.exec(query))


def _with_lines(note: str, lines: Iterable[str]) -> str:
    return note + "".join(f"{line}\n" for line in lines)


def keys(session: Session) -> list[Key]:
    """Every key the log has ever signed with, the newest first; empty before the first record."""
    return list(session.exec(select(Key).order_by(col(Key.since).desc(), col(Key.vkey))))


def vkeys(session: Session) -> list[str]:
    """The verifier keys (C2SP signed-note) that sign the log's heads now, the newest first. Two during a rotation."""
    return [key.vkey for key in keys(session) if key.until is None]


def index_of(session: Session, event_id: str) -> int | None:
    """The index of an event in the tree, or None while it still waits in the outbox."""
    return session.exec(select(Entry.idx).where(Entry.event_id == event_id)).first()


def logged_index(session: Session, event_id: str) -> int | None:
    """The index of an event that is in the tree under a signed head, else None."""
    signed = _signed_sizes().scalar_subquery()
    return session.exec(select(Entry.idx).where(Entry.event_id == event_id, col(Entry.idx) < signed)).first()


def is_logged(session: Session, event_id: str) -> bool:
    """Whether the event is in the tree under a signed head."""
    return logged_index(session, event_id) is not None


def record_of(session: Session, event_id: str) -> Record:
    """One record by its event id; raises NotFound."""
    row = session.exec(select(Entry).where(Entry.event_id == event_id)).first()
    if row is None:
        raise NotFound(event_id)
    return _record(row)


def prove(session: Session, index: int, newest: Head) -> Proof:
    """The inclusion proof of entry ``index`` under ``newest`` (RFC 9162 section 2.1.3.1)."""
    reader = DatabaseTiles(session, newest.size).reader
    return Proof(index, tree.prove_inclusion(reader, index, newest.size), newest.note)


def proof_of(session: Session, event_id: str, size: int | None = None) -> Proof:
    """The inclusion proof of an event under the newest signed head, or under the signed head of exactly ``size``
    records; raises NotFound while there is none."""
    index, under = index_of(session, event_id), head(session, size)
    if index is None or under is None or index >= under.size:
        raise NotFound(event_id)
    return prove(session, index, under)


@dataclass(frozen=True)
class Proved:
    """A record, its inclusion proof, and the head that the proof leads to."""

    record: Record
    proof: Proof
    head: Head


def proved(session: Session, event_ids: Sequence[str]) -> dict[str, Proved]:
    """Several records by their event ids, each with its proof under the newest signed head; one that is not under it
    yet is left out."""
    newest = head(session)
    if newest is None:
        return {}
    rows = session.exec(select(Entry).where(col(Entry.event_id).in_(event_ids), col(Entry.idx) < newest.size)).all()
    reader = DatabaseTiles(session, newest.size).reader  # one for all: their paths share most tiles
    return {
        row.event_id: Proved(
            _record(row), Proof(row.idx, tree.prove_inclusion(reader, row.idx, newest.size), newest.note), newest
        )
        for row in rows
    }


def prove_consistency(session: Session, old: int, new: int) -> tuple[bytes, ...]:
    """That the tree of ``old`` leaves begins the tree of ``new`` leaves; raises NotFound for sizes never reached."""
    newest = head(session)
    if newest is None or not 0 < old <= new <= newest.size:
        raise NotFound(f"{old}-{new}")
    return tree.prove_consistency(DatabaseTiles(session, new).reader, old, new)


@dataclass(frozen=True)
class Stamped:
    """A head that an outside authority has stamped, for the hour or day (UTC) in which it was made."""

    size: int
    kind: str  # "hour" or "day"
    period: str
    stamped_ms: int  # milliseconds since 1970 UTC

    @property
    def time(self) -> datetime:
        """The time that the authority states."""
        return datetime.fromtimestamp(self.stamped_ms / 1000, UTC)


def stamps(session: Session, *, kind: str | None = None, before: int | None = None, limit: int = 1000) -> list[Stamped]:
    """Time-stamps of heads smaller than ``before``, newest first."""
    query = select(Anchor.size, Anchor.kind, Anchor.period, Anchor.stamped_ms)
    if kind is not None:
        query = query.where(Anchor.kind == kind)
    if before is not None:
        query = query.where(col(Anchor.size) < before)
    rows = session.exec(query.order_by(col(Anchor.size).desc(), col(Anchor.kind)).limit(limit))
    return [Stamped(*row) for row in rows]


def token(session: Session, size: int) -> bytes:
    """The RFC 3161 token over the head of ``size`` records, as the authority sent it; raises NotFound."""
    found = session.exec(select(Anchor.token).where(Anchor.size == size).limit(1)).first()
    if found is None:
        raise NotFound(f"{size}.tsr")
    return found


def note_of(session: Session, size: int) -> str:
    """The signed head of exactly ``size`` records; raises NotFound."""
    row = session.get(Checkpoint, size)
    if row is None or row.note is None:
        raise NotFound(f"checkpoint {size}")
    return row.note


@dataclass(frozen=True)
class Search:
    """What to look for; every field narrows. ``before`` is an index, for paging backwards through time."""

    subjects: Sequence[str] = ()
    actor: str | None = None
    event: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    before: int | None = None
    limit: int = 50
    without: Sequence[str] = ()  # events that are left out


def find(session: Session, search: Search) -> list[Record]:
    """Matching records, newest first. A subject is any ``kind:id`` an entry speaks of, its actor included."""
    query = select(Entry).where(*_conditions(search)).order_by(col(Entry.idx).desc())
    rows = session.exec(query.limit(min(search.limit, 1000))).all()
    return [_record(row) for row in rows]


def story(session: Session, subjects: Sequence[str]) -> list[Record]:
    """Every record that speaks of any of ``subjects``, oldest first: one contract's whole story."""
    indexes = select(Subject.idx).where(col(Subject.subject).in_(subjects))
    rows = session.exec(select(Entry).where(col(Entry.idx).in_(indexes)).order_by(col(Entry.idx))).all()
    return [_record(row) for row in rows]


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for subject in search.subjects:
        conditions.append(col(Entry.idx).in_(select(Subject.idx).where(Subject.subject == subject)))
    if search.actor:
        conditions.append(col(Entry.actor) == search.actor)
    if search.without:
        conditions.append(col(Entry.event).not_in(search.without))
    if search.event:
        conditions.append(col(Entry.event) == search.event)
    if search.start:
        conditions.append(col(Entry.at_ms) >= int(search.start.timestamp() * 1000))
    if search.end:
        conditions.append(col(Entry.at_ms) < int(search.end.timestamp() * 1000))
    if search.before is not None:
        conditions.append(col(Entry.idx) < search.before)
    return conditions


def _record(row: Entry) -> Record:
    return Record(row.idx, leaf.parse(row.leaf), row.leaf)


def verifiers(session: Session) -> list[checkpoint.VerifierKey]:
    """Every key the log has ever signed with, parsed: one of them has signed each of its heads."""
    return [checkpoint.parse_vkey(key.vkey) for key in keys(session)]
