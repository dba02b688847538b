"""The database: one engine, sessions that say whether they write, and the identifiers of rows.

SQLite runs in WAL mode with ``synchronous=FULL``; a writing session takes the write lock at its first statement
(``BEGIN IMMEDIATE``), because a deferred transaction that upgrades later fails with SQLITE_BUSY whatever the timeout.
It asks for the lock every millisecond or sooner: SQLite's own way of waiting, ever longer pauses, starves whoever has
waited long, and with four busy writers that was the sequencer.
"""

import base64
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from psycopg import Error as DriverError
from sqlalchemy import DateTime, Dialect, Engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, create_engine

_BUSY_S = 30.0  # how long a writer waits for SQLite's lock
_SHORTEST, _LONGEST = 0.0001, 0.001  # seconds between two tries: a transaction takes less than half a millisecond
_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")


def new_id() -> str:
    """A ULID in lower case: 26 characters, sorts by creation time, says nothing about its thing."""
    made = (time.time_ns() // 1_000_000).to_bytes(10, "big") + os.urandom(10)
    return base64.b32encode(made)[6:].translate(_CROCKFORD).decode("ascii")  # the first 30 of 160 bits are zero


def is_storable(text: str) -> bool:
    """Whether both databases can keep the text: PostgreSQL takes no NUL, UTF-8 no half of a character (as JSON's
    ``"\\ud800"`` brings it)."""
    return not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC, on both databases. A naive value is a bug and refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime: take it from exchange.clock")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """An engine and the two kinds of session made from it."""

    def __init__(
        self, url: str, log_origin: str, secret: str = "", market: Mapping[str, int] | None = None,
        home: Path | None = None,
    ) -> None:  # fmt: skip
        self.url = url
        # What every session carries: the log's name for ledger.outbox, the secret under which ledger.disclosures wraps
        # its keys (without it nothing private can be recorded), what a noun keeps per database and process, and the
        # market's settings (Config.market; without them their defaults hold), and the folder with the exchange's keys.
        self._info: dict[str, Any] = {
            "log_origin": log_origin, "secret": secret, "kept": {}, "market": market or {}, "home": home,
        }  # fmt: skip
        self.is_sqlite = url.startswith("sqlite")
        # An error names its statement, never the values: those would be addresses and hashes in the server's log.
        arguments: dict[str, Any] = {"pool_pre_ping": not self.is_sqlite, "hide_parameters": True}
        if self.is_sqlite:
            arguments["connect_args"] = {"timeout": 30, "check_same_thread": False}
        self.engine: Engine = create_engine(url, **arguments)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writing_engine = self.engine.execution_options(minhbach_writes=True)

    def reading(self) -> Session:
        """A session that only selects. The caller closes it."""
        return Session(self.engine, expire_on_commit=False, info=self._info)

    def writing(self) -> Session:
        """A session that may change rows: takes SQLite's write lock at its first statement."""
        return Session(self._writing_engine, expire_on_commit=False, info=self._info)

    def scrub(self, tables: Iterable[str]) -> bool:
        """Take what was deleted out of the database's files: free pages, and SQLite's write-ahead log. False when
        somebody read throughout, so that the write-ahead log could not be cut yet. Call it outside any transaction.

        SQLite's secure_delete does not reach the copies that a split page leaves behind; VACUUM writes all pages anew.
        """
        connection = self.engine.raw_connection()
        try:
            raw: Any = connection.driver_connection
            if self.is_sqlite:
                raw.execute("VACUUM")
                return raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
            raw.autocommit = True
            raw.execute("SET lock_timeout = '10s'")
            for table in tables:
                raw.execute(f"VACUUM (FULL) {table}")
            return True
        except (sqlite3.OperationalError, DriverError):
            return False
        finally:
            connection.invalidate()  # its settings are not those of the pool
            connection.close()

    def dispose(self) -> None:
        """Close every pooled connection (before a fork, at the end of a test)."""
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN off: we send ours in _begin_sqlite
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_S * 1000:.0f}",
        "secure_delete=ON",
    ):  # what is deleted or replaced is overwritten, not just let go
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("minhbach_writes", False):
        _begin_immediate(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    raw = cast(sqlite3.Connection, connection.connection.driver_connection)
    raw.execute("PRAGMA busy_timeout=0")
    deadline, pause = time.monotonic() + _BUSY_S, _SHORTEST
    try:
        while not _got_lock(raw) and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(pause * 1.2, _LONGEST)
        if not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises what SQLAlchemy's callers expect
    finally:
        raw.execute(f"PRAGMA busy_timeout={_BUSY_S * 1000:.0f}")


def _got_lock(raw: sqlite3.Connection) -> bool:
    try:
        raw.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY  # anything else: no use to wait
    return True
