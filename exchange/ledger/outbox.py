"""The writer's half of the log: one row in the caller's transaction, nothing else."""

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from contracts.errors import LeafError
from contracts.log import leaf
from exchange.db import new_id
from exchange.errors import N_, refuse
from exchange.ledger.models import LONGEST_SUBJECT, Checkpoint, Entry, Outbox

MOST_WAITING = 4096  # records; one batch of the sequencer
LONGEST_WAIT = 10.0  # seconds that the same oldest record may wait
_LOOK_EVERY = 0.25  # seconds
# In the driver's own words: this statement is part of every act, and runs under SQLite's write lock.
_INSERT = {
    "sqlite": "INSERT INTO log_outbox (event_id, leaf, created_ms) VALUES (?, ?, ?)",
    "postgresql": "INSERT INTO log_outbox (event_id, leaf, created_ms) VALUES (%s, %s, %s)",
}


class _Standstill:
    """Since when the same thing has been first in line."""

    def __init__(self) -> None:
        self._first: object = None
        self._since = 0.0

    def see(self, first: object, now: float) -> None:
        if first != self._first:
            self._first, self._since = first, now

    def lasts(self, now: float) -> bool:
        return self._first is not None and now - self._since > LONGEST_WAIT


class Backlog:
    """How far the log is behind, as one process sees it. Measured by the monotonic clock: a wall clock that is set
    back hides nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._waiting = 0
        self._unsequenced, self._unsigned = _Standstill(), _Standstill()

    def require_room(self, session: Session) -> None:
        """Refuse (503) while too many records wait, or one too long for its place or for a signed head: what cannot be
        logged must not happen."""
        session.connection()  # SQLite's write lock first: in the other order two threads would wait for each other
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= _LOOK_EVERY:
                with session.no_autoflush:  # the caller's rows may not be whole yet: looking writes none of them
                    self._look(session, now)
            stuck = self._unsequenced.lasts(now) or self._unsigned.lasts(now)
            waiting = self._waiting
        if stuck or waiting > MOST_WAITING:
            text = N_("The log is behind (%(waiting)s records wait), so no action is accepted now. Try again shortly.")
            raise refuse("LOG_BEHIND", text, status=503, waiting=waiting)

    def _look(self, session: Session, now: float) -> None:
        some = select(Outbox.id).limit(MOST_WAITING + 1).subquery()
        # By its event: SQLite gives a row's number again once the outbox was empty.
        first = select(Outbox.event_id).order_by(col(Outbox.id)).limit(1).scalar_subquery()
        self._waiting, oldest = session.exec(select(func.count(), first).select_from(some)).one()
        self._unsequenced.see(oldest, now)
        signed = select(func.max(Checkpoint.size)).where(col(Checkpoint.note).is_not(None)).scalar_subquery()
        unsigned = select(func.min(Checkpoint.size)).where(col(Checkpoint.size) > func.coalesce(signed, -1))
        self._unsigned.see(session.exec(unsigned).one(), now)
        self._looked = now


def append(
    session: Session,
    event: str,
    *,
    actor: str,
    on: Sequence[str],
    now: datetime,
    hashes: Mapping[str, str],
    details: Mapping[str, int | str | bool],
    sd: Sequence[str] = (),
    event_id: str | None = None,
) -> str:
    """Queue one event for the tree and return its id; durable and visible together with the caller's rows.

    ``prev`` is filled in by the sequencer, which alone knows the order. An ``event_id`` given by the caller makes the
    call idempotent: an event of that id that waits or is in the tree already is the same event, and nothing is added.
    A crash before the caller's commit leaves nothing; after it, the sequencer finds the row by its presence.
    Raises Refused (503, LOG_BEHIND) while the log cannot keep up.
    """
    session.info["kept"].setdefault("backlog", Backlog()).require_room(session)
    if event_id is not None and is_known(session, event_id):
        return event_id
    event_id = event_id or new_id()
    at_ms = int(now.timestamp() * 1000)
    body = leaf.make(
        origin=session.info["log_origin"], type=event, at_ms=at_ms, id=event_id, actor=actor, on=on, h=hashes,
        d=details, sd=sd,
    )  # fmt: skip
    if any(len(subject) > LONGEST_SUBJECT for subject in on):  # once it waits, nothing behind it comes into the tree
        raise LeafError("LEAF_FIELD_INVALID", field="on", value=" ".join(on)[:80])
    connection = session.connection()
    connection.exec_driver_sql(_INSERT[connection.dialect.name], (event_id, body, at_ms))
    return event_id


def is_known(session: Session, event_id: str) -> bool:
    """Whether an event waits, or is in the tree."""
    tables = ((Outbox.id, Outbox.event_id), (Entry.idx, Entry.event_id))
    return any(session.exec(select(key).where(named == event_id)).first() is not None for key, named in tables)
