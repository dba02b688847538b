"""From outbox to tree: gives every committed record its index, extends the tree, signs the new head.

The order of things, and what a crash leaves:

1. Lead: one process at a time (leader.py). A crash frees the lead at once.
2. Compare the database with every head promised outside it (promises.py). If it holds less, or something else,
   nothing more is done: the records wait in the outbox until the missing ones are back.
3. Read and link what waits (batch.py), then in one transaction write entries, subjects, full tiles, the frontier
   (compare-and-swap on the size) and an unsigned head, and delete the outbox rows. A crash before its commit leaves
   the outbox as it was: the next run does the same again.
4. After the commit, sign the newest head, write it down outside the database, then store it, which is when readers see
   it. A crash before leaves an unsigned head, which the next run signs; a crash in between leaves a promise that the
   database can keep. A head is never signed before its rows are durable.
5. Bring the published folder up to date, if there is one.
"""

import threading
from typing import Any

import structlog
from psycopg import Error as DriverError
from sqlalchemy import Table, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, SQLModel, col, select

from contracts.errors import ContractsError
from contracts.log import checkpoint, tree
from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import service
from exchange.ledger.batch import BATCH, prepare, write
from exchange.ledger.cosigned import Published, read_policy
from exchange.ledger.keyring import Keyring, LogKeyError
from exchange.ledger.leader import leading
from exchange.ledger.models import Checkpoint, Key, Outbox, State
from exchange.ledger.promises import Promises, WouldFork
from exchange.ledger.publication import Publication
from exchange.ledger.ticking import Ticking

TICK = 0.1  # seconds between two looks at the outbox
PATIENCE = 2.0  # seconds that a request waits for another process's run to end

log = structlog.get_logger()


class Sequencer:
    """The log's writer. Any number of processes may have one; they take turns."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database, self._home, self._origin = database, config.home, config.log_origin
        self._keyring = Keyring(config.home, config.log_origin)
        self._promises = Promises(config)
        self._publication = Publication(config.log_folder) if config.log_folder else None
        self._published = Published(read_policy(config.witness_policy))
        self._turn = threading.Lock()
        self._compared = False  # with the promises, since the start: a backup put back shows before anybody acts
        self._failure: str | None = None
        self._ticking = Ticking("sequencer", TICK, self._tick)

    # -- one run ---------------------------------------------------------------------------------------------

    def run_once(self, *, wait: float = 10.0) -> int:
        """Sequence everything that waits and sign the head; returns how many records got their index.

        Waits ``wait`` seconds at most for another run to end, and then leaves the work to it: whoever leads finds our
        records by their presence.
        """
        if not self._turn.acquire(timeout=wait):
            return 0
        try:
            return self._run(wait) if self._is_work() else 0
        finally:
            self._turn.release()

    def _run(self, wait: float) -> int:
        with leading(self._database, self._home, "sequencer", wait=wait) as leads:
            if not leads:
                return 0
            self._require_promises()
            total = moved = self._sequence_batch()
            while moved == BATCH:
                moved = self._sequence_batch()
                total += moved
            self._sign_newest_head()
            self._publish()
            return total

    def _is_work(self) -> bool:
        with self._database.reading() as session:
            if session.exec(select(Outbox.id).limit(1)).first() is not None:
                return True
            newest = _newest(session)
            if newest is None or newest.note is None:
                return newest is not None
            if not self._compared:
                return True
            return self._publication is not None and self._publication.is_behind(self._published.head(session))

    def _require_promises(self) -> None:
        with self._database.reading() as session:
            state = session.get(State, 1)
            frontier = tree.Frontier() if state is None else tree.Frontier.parse(state.frontier)
            self._promises.require(session, frontier)
        self._compared = True

    # -- from the outbox into the tree -----------------------------------------------------------------------

    def _sequence_batch(self) -> int:
        with self._database.reading() as session:
            state = session.get(State, 1)
            batch = None if state is None else prepare(session, state)
        if state is None:
            self._open_log()
            return self._sequence_batch()
        if batch is None:
            return 0
        with self._database.writing() as session:
            if not batch.continues(self._state(session)):  # it was restarted under another name: read again
                return 0
            write(session, batch)
            self._swap(session, batch.before, batch.after)
            session.commit()
            return len(batch.ids)

    def _swap(self, session: Session, old: tree.Frontier, new: tree.Frontier) -> None:
        swapped = session.exec(
            update(State)
            .where(col(State.id) == 1, col(State.size) == old.size)
            .values(size=new.size, frontier=new.serialise())
        )
        if swapped.rowcount != 1:  # cannot happen under the row's lock; if it does, nothing of this batch stands
            raise WouldFork(f"the tree grew past {old.size} records while a batch was being written")
        if new.size > old.size:
            newest = _newest(session)
            made_ms = int(clock.now().timestamp() * 1000)
            if newest is not None:  # the times of heads never go backwards, even if the clock was set back
                made_ms = max(made_ms, newest.made_ms)
            session.add(Checkpoint(size=new.size, root=new.root(), note=None, made_ms=made_ms))

    def _state(self, session: Session) -> State:
        """The tree's row, locked."""
        state = session.exec(select(State).where(State.id == 1).with_for_update()).one()
        if state.origin != self._origin:
            raise LogKeyError(
                f"this database belongs to the log {state.origin}; the settings name {self._origin}. If the old log "
                "cannot go on, `minhbach log restart` lets it go on under the new name"
            )
        return state

    def _open_log(self) -> None:
        """Make the tree's one row and its first key. A crash before the commit leaves a key file that signs nothing."""
        empty = tree.Frontier().serialise()
        row = {"id": 1, "origin": self._origin, "size": 0, "frontier": empty}
        with self._database.writing() as session:
            session.exec(self._insert(_table(State)).values(**row).on_conflict_do_nothing())
            session.exec(self._insert(_table(Key)).values(vkey=self._keyring.open(), since=0).on_conflict_do_nothing())
            session.commit()

    def _insert(self, table: Table) -> Any:
        return sqlite_insert(table) if self._database.is_sqlite else pg_insert(table)

    # -- the head --------------------------------------------------------------------------------------------

    def _sign_newest_head(self) -> None:
        with self._database.reading() as session:
            newest = _newest(session)
            if newest is None or newest.note is not None:
                return
            signers = self._keyring.signers(service.vkeys(session))
        head = checkpoint.Checkpoint(self._origin, newest.size, newest.root)
        text = checkpoint.format_checkpoint(head)
        more = [checkpoint.sign_note(text, self._origin, key) for key in signers[1:]]
        note = checkpoint.sign_checkpoint(head, signers[0], *more)
        self._promises.keep(note)
        with self._database.writing() as session:
            session.exec(update(Checkpoint).where(col(Checkpoint.size) == newest.size).values(note=note))
            session.commit()

    def _publish(self) -> None:
        if self._publication is None:
            return
        with self._database.reading() as session:
            newest = self._published.head(session)
            if newest is not None and self._publication.is_behind(newest):
                self._publication.publish(session, newest)

    # -- in the background -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Run in a thread of this process until :meth:`stop`."""
        self._ticking.start()

    def stop(self) -> None:
        """Finish the run under way and end the thread."""
        self._ticking.stop()

    @property
    def healthy(self) -> bool:
        """Whether the last run went well and the thread, once started, still lives."""
        return self._failure is None and self._ticking.alive

    def try_run(self, *, wait: float = PATIENCE) -> None:
        """:meth:`run_once`, but a failure is noted instead of raised: the records wait in the outbox, the head stays
        unsigned, and readers keep seeing the last good head."""
        try:
            self.run_once(wait=wait)
            self._failure = None
        except (SQLAlchemyError, DriverError, OSError, ContractsError, LogKeyError, WouldFork) as error:
            before, self._failure = self._failure, type(error).__name__
            if self._failure != before:  # once, not ten times a second for as long as the database is away
                log.error("sequencer", failure=self._failure)

    def _tick(self) -> None:
        self.try_run(wait=0)


def _newest(session: Session) -> Checkpoint | None:
    return session.exec(select(Checkpoint).order_by(col(Checkpoint.size).desc()).limit(1)).first()


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]
