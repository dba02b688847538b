"""From outbox to tree: gives every committed record its index, extends the tree, signs the new head.

The order of things, and what a crash leaves:

1. One transaction: read the outbox **by presence** (never "id greater than the last one", which loses late commits),
   write entries, subjects, full tiles, the frontier (compare-and-swap on the size) and an unsigned head; delete
   the outbox rows. A crash before its commit leaves the outbox as it was: the next run does the same again.
2. After the commit, sign the newest head. A crash before this leaves an unsigned head, which the next run signs.
   A head is never signed before its rows are durable, so a crash cannot leave a promise without its records.

Any thread or process may call :meth:`Sequencer.run_once` at any time: the row lock and the compare-and-swap make a
second sequencer harmless.
"""

import fcntl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from contracts.errors import ContractsError
from contracts.log import checkpoint, leaf, tree
from contracts.log.tiles import WIDTH, tiles_of
from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import signing_key
from exchange.ledger.models import Checkpoint, Entry, Key, Outbox, State, Subject
from exchange.ledger.models import Tile as TileRow
from exchange.ledger.tiles import DatabaseTiles

BATCH = 4096
TICK = 0.1  # seconds between two looks at the outbox

log = structlog.get_logger()


class Sequencer:
    """The log's one writer. Holds the log's private key; everything else lives in the database."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database = database
        self._origin = config.log_origin
        self._last_signed = config.home / "last_signed"
        self._key = signing_key.load_or_create(config.home / "log.key")
        self.vkey = checkpoint.format_vkey(checkpoint.verifier_key(self._origin, self._key))
        self._stop = threading.Event()
        self._failure: str | None = None
        self._thread: threading.Thread | None = None

    # -- one run ---------------------------------------------------------------------------------------------

    def run_once(self) -> int:
        """Sequence everything that waits and sign the head; returns how many records got their index."""
        total = 0
        while self._waiting():
            moved = self._sequence_batch()
            total += moved
            if moved < BATCH:
                break
        self._sign_newest_head()
        return total

    def _waiting(self) -> bool:
        with self._database.reading() as session:
            return session.exec(select(Outbox.id).limit(1)).first() is not None

    def _sequence_batch(self) -> int:
        with self._database.writing() as session:
            state = self._state(session)
            rows = session.exec(select(Outbox).order_by(col(Outbox.id)).limit(BATCH)).all()
            if not rows:
                return 0
            frontier = tree.Frontier.parse(state.frontier)
            hashes = [tree.leaf_hash(row.leaf) for row in rows]
            grown = frontier.extend(hashes)
            self._write_entries(session, frontier.size, rows, hashes)
            self._write_full_tiles(session, frontier.size, grown.size)
            session.exec(delete(Outbox).where(col(Outbox.id).in_([row.id for row in rows])))
            swapped = session.exec(
                update(State)
                .where(col(State.id) == 1, col(State.size) == frontier.size)
                .values(size=grown.size, frontier=grown.serialise())
            )
            if swapped.rowcount != 1:  # another sequencer was faster: its work stands, ours is rolled back
                session.rollback()
                return 0
            made_ms = int(clock.now().timestamp() * 1000)
            session.add(Checkpoint(size=grown.size, root=grown.root(), note=None, made_ms=made_ms))
            session.commit()
            return len(rows)

    def _state(self, session: Session) -> State:
        """The tree's row, locked; made on the first run of a new log."""
        query = select(State).where(State.id == 1).with_for_update()
        state = session.exec(query).one_or_none()
        if state is None:
            self._open_log(session)
            state = session.exec(query).one()
        self._check_identity(session, state)
        return state

    def _open_log(self, session: Session) -> None:
        """Make the tree's one row; when two sequencers do it at once, the loser finds the winner's row."""
        empty = tree.Frontier().serialise()
        insert = pg_insert if self._database.engine.dialect.name == "postgresql" else sqlite_insert
        row = {"id": 1, "origin": self._origin, "size": 0, "frontier": empty}
        session.exec(insert(State).values(**row).on_conflict_do_nothing())
        if session.exec(select(Key)).first() is None:
            session.exec(insert(Key).values(vkey=self.vkey, since=0).on_conflict_do_nothing())

    def _check_identity(self, session: Session, state: State) -> None:
        key = session.exec(select(Key.vkey).where(col(Key.until).is_(None))).first()
        if state.origin != self._origin or key != self.vkey:
            raise signing_key.LogKeyError(
                f"this database belongs to the log {state.origin} with key {key}; "
                f"the settings name {self._origin} with key {self.vkey}"
            )

    @staticmethod
    def _write_entries(session: Session, first: int, rows: Sequence[Outbox], hashes: Sequence[bytes]) -> None:
        for idx, (row, digest) in enumerate(zip(rows, hashes, strict=True), start=first):
            parsed = leaf.parse(row.leaf)
            session.add(
                Entry(
                    idx=idx,
                    event_id=parsed.id,
                    event=parsed.type,
                    at_ms=parsed.at_ms,
                    actor=parsed.actor,
                    leaf=row.leaf,
                    leaf_hash=digest,
                )
            )
            subjects = dict.fromkeys((*parsed.on, parsed.actor))
            session.add_all(Subject(subject=subject, idx=idx) for subject in subjects)
        session.flush()

    @staticmethod
    def _write_full_tiles(session: Session, old: int, new: int) -> None:
        tiles = DatabaseTiles(session, new)
        for tile in tiles_of(new, since=old):
            if tile.width == WIDTH:
                session.add(TileRow(level=tile.level, n=tile.index, data=tiles.compute(tile)))
                session.flush()

    def _sign_newest_head(self) -> None:
        if self._unsigned_head() is None:
            return
        with _one_signer_at_a_time(self._last_signed.with_suffix(".lock")):
            newest = self._unsigned_head()  # again: another process may have signed while we waited
            if newest is not None:
                self._sign(newest)

    def _unsigned_head(self) -> Checkpoint | None:
        with self._database.reading() as session:
            newest = session.exec(select(Checkpoint).order_by(col(Checkpoint.size).desc()).limit(1)).first()
        return newest if newest is not None and newest.note is None else None

    def _sign(self, newest: Checkpoint) -> None:
        """Promise on disk first, then publish: a crash in between leaves a promise that the next run keeps."""
        self._refuse_to_fork(newest)
        head = checkpoint.Checkpoint(self._origin, newest.size, newest.root)
        note = checkpoint.sign_checkpoint(head, self._key)
        with self._database.reading() as session:
            self._check_identity(session, session.exec(select(State)).one())
        _write_whole(self._last_signed, note)
        with self._database.writing() as session:
            session.exec(update(Checkpoint).where(col(Checkpoint.size) == newest.size).values(note=note))
            session.commit()

    def _refuse_to_fork(self, newest: Checkpoint) -> None:
        """A database restored from a backup holds fewer records than we have promised, or, once it has grown past
        that size again, other ones: signing either would fork the log."""
        if not self._last_signed.exists():
            return
        promised = checkpoint.parse_checkpoint(checkpoint.parse_note(self._last_signed.read_text()).text)
        if promised.origin != self._origin:
            return
        if promised.size <= newest.size:
            with self._database.reading() as session:
                if tree.root_at(DatabaseTiles(session, newest.size).reader, promised.size) == promised.root:
                    return
        raise signing_key.LogKeyError(
            f"{self._last_signed} promises {promised.size} records that the database (of {newest.size}) does not hold: "
            "it was restored from a backup; nothing is signed until the missing records are back"
        )

    # -- in the background -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Run in a thread of this process until :meth:`stop`."""
        self._thread = threading.Thread(target=self._loop, name="sequencer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the run under way and end the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    @property
    def healthy(self) -> bool:
        """Whether the last run went well and the thread, once started, still lives."""
        return self._failure is None and (self._thread is None or self._thread.is_alive())

    def try_run(self) -> None:
        """:meth:`run_once`, but a failure is noted instead of raised: the records wait in the outbox, the head stays
        unsigned, and readers keep seeing the last good head."""
        try:
            self.run_once()
            self._failure = None
        except (SQLAlchemyError, OSError, ContractsError, signing_key.LogKeyError) as error:
            self._failure = type(error).__name__
            log.error("sequencer", failure=self._failure)

    def _loop(self) -> None:
        while not self._stop.wait(TICK):
            self.try_run()


@contextmanager
def _one_signer_at_a_time(path: Path) -> Iterator[None]:
    """A lock between the processes that share this folder; the kernel frees it when its holder dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write_whole(path: Path, text: str) -> None:
    """Replace a file in one step: a crash leaves the old or the new text, never half of one."""
    temporary = path.with_suffix(".new")
    temporary.write_text(text)
    temporary.replace(path)
