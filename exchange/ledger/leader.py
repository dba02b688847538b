"""One process at a time: a lock that the kernel or the database server frees when its holder dies.

No lease and no clock: on SQLite ``flock`` on a file beside the log's key, on PostgreSQL a session-level advisory lock,
so that processes on several machines exclude one another too.
"""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from exchange.db import Database

_RETRY = 0.005  # seconds


@contextmanager
def leading(database: Database, home: Path, name: str, *, wait: float = 0.0) -> Iterator[bool]:
    """Whether this caller leads the work called ``name`` for the length of the block, after ``wait`` seconds at most.

    A crash inside the block leaves nothing locked.
    """
    hold = _by_file(home / f"{name}.lock", wait) if database.is_sqlite else _by_server(database, name, wait)
    with hold as leads:
        yield leads


@contextmanager
def _by_file(path: Path, wait: float) -> Iterator[bool]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    yield False
                    return
                time.sleep(_RETRY)
        yield True


@contextmanager
def _by_server(database: Database, name: str, wait: float) -> Iterator[bool]:
    number = int.from_bytes(hashlib.sha256(f"minhbach {name}".encode()).digest()[:8], "big", signed=True)
    connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        deadline = time.monotonic() + wait
        take, give = text("SELECT pg_try_advisory_lock(:number)"), text("SELECT pg_advisory_unlock(:number)")
        while not connection.execute(take, {"number": number}).scalar_one():
            if time.monotonic() >= deadline:
                yield False
                return
            time.sleep(_RETRY)
        try:
            yield True
        finally:
            connection.execute(give, {"number": number})
    finally:
        connection.close()
