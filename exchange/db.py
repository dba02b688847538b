"""The database: one engine, sessions that say whether they write, and the identifiers of rows.

How SQLite's writers take turns and what makes their commits last stands in sqlite.py.
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
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, create_engine

from exchange import postgresql, sqlite

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
        arguments: dict[str, Any] = {"hide_parameters": True}
        if self.is_sqlite:
            arguments["connect_args"] = {"factory": sqlite.Connection, "check_same_thread": False}
        self.engine: Engine = create_engine(url, **arguments)
        self._turn = sqlite.Turn(self.engine.url.database or "") if self.is_sqlite else None
        if self._turn is not None:
            turn = self._turn
            event.listen(self.engine, "connect", lambda connection, _record: connection.prepare(turn))
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            postgresql.watch(self.engine)
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
        if self._turn is not None:
            self._turn.close()


def _begin_sqlite(connection: Connection) -> None:
    if not connection.get_execution_options().get("minhbach_writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    try:
        cast(sqlite.Connection, connection.connection.driver_connection).begin_writing()
    except sqlite3.OperationalError as error:
        raise OperationalError("BEGIN IMMEDIATE", None, error) from error
