"""SQLite as the exchange uses it: the writers of all processes take turns, and a commit is on the disk when it returns.

SQLite lets one transaction write at a time, and whoever finds it taken has to ask again and again: with a few busy
writers most of the time goes by in pauses, and who has waited longest is no likelier to be next. Here they queue at a
file lock beside the database, which the kernel hands on at once and frees when its holder dies. It decides nothing but
the order: SQLite's own lock still keeps out whoever does not queue (another program, a shell).

With ``synchronous=FULL`` that lock would be held while the disk flushes, which takes longer than all statements of an
act. So a commit only writes to the write-ahead log (``synchronous=NORMAL``), lets the next one write, and then flushes
that log before it returns; flushes that come together share their way to the disk. A power cut keeps the log up to some
commit and nothing after it (each frame's check sum depends on those before it), so it never takes an act and leaves a
later one.

For the length of a flush others may read what a power cut would still take. Whatever they then commit stands behind it
in the same log: when theirs is on the disk, it is too.
"""

import fcntl
import os
import sqlite3
import threading

PATIENCE = 30.0  # seconds that a writer waits for its turn, and then for SQLite's own lock
_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",  # the rest is done by Connection.commit
    "foreign_keys=ON",
    "recursive_triggers=ON",  # or INSERT OR REPLACE would delete an entry of the log behind the back of its trigger
    "secure_delete=ON",  # what is deleted or replaced is overwritten, not just let go
)
_to_disk = getattr(os, "fdatasync", os.fsync)  # macOS knows only the latter


class Turn:
    """Who may write now, among all threads of this process and all processes that have the database open."""

    def __init__(self, database: str) -> None:
        self.database = database
        self._threads = threading.Lock()  # one thread of a process stands in the kernel's queue
        self._file: int | None = None

    def take(self) -> bool:
        """Wait for it. False where it cannot be had: a thread of this process has it and does not end, or the folder
        is not ours to write. Then SQLite decides, and gives the reason."""
        if not self._threads.acquire(timeout=PATIENCE):
            return False
        try:
            if self._file is None:
                self._file = os.open(f"{self.database}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError:
            self._threads.release()
            return False
        return True

    def give(self) -> None:
        """Let the next one write."""
        assert self._file is not None  # noqa: S101 - for the type checker: it was opened to take it
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Let go of the file, unless somebody writes; it stays in its folder, where others may queue at it."""
        if self._threads.acquire(blocking=False):
            if self._file is not None:
                os.close(self._file)
                self._file = None
            self._threads.release()


class Connection(sqlite3.Connection):
    """A connection that queues before it writes, and whose commits last."""

    _turn: Turn
    _has_turn = False
    _log: int | None = None  # the write-ahead log; SQLite removes it only after the last connection is closed

    def prepare(self, turn: Turn) -> None:
        """Once, when it has been opened."""
        self._turn = turn
        self.isolation_level = None  # the driver's own BEGIN off: ours says whether it writes
        for setting in (f"busy_timeout={PATIENCE * 1000:.0f}", *_SETTINGS):
            self.execute(f"PRAGMA {setting}")

    def begin_writing(self) -> None:
        """Begin a transaction that holds the write lock from now on: one that asks for it later fails when somebody
        else has written meanwhile, however long it waits. Raises sqlite3.OperationalError."""
        self._has_turn = self._turn.take()
        try:
            self.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._give_turn()
            raise

    def commit(self) -> None:
        """Returns when the transaction is on the disk. Raises sqlite3.OperationalError; where the flush itself fails,
        the transaction may stand or not, as after a crash at this moment: nobody is told that it does."""
        super().commit()
        self._give_turn()
        try:
            if self._log is None:
                self._log = os.open(f"{self._turn.database}-wal", os.O_RDONLY | os.O_CLOEXEC)
            _to_disk(self._log)
        except OSError as error:
            raise sqlite3.OperationalError(f"the write-ahead log was not flushed: {error.strerror}") from error

    def rollback(self) -> None:
        """As the driver's, and the next one may write."""
        try:
            super().rollback()
        finally:
            self._give_turn()

    def close(self) -> None:
        """As the driver's, and the next one may write."""
        try:
            super().close()
        finally:
            self._give_turn()
            if self._log is not None:
                os.close(self._log)
                self._log = None

    def _give_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._turn.give()
