"""SQLite's writers take turns, and what was committed is on the disk when it is answered."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from exchange import sqlite
from exchange.db import Database

HOLDER = """
import sys, time
from sqlalchemy import text
from exchange.db import Database
with Database(sys.argv[1], "log.test").writing() as session:
    session.execute(text("INSERT INTO act VALUES ('of the dead')"))
    print("holds", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "acts.sqlite"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    """A database with one table."""
    made = Database(f"sqlite:///{file}", "log.test")
    with made.writing() as session:
        session.execute(text("CREATE TABLE act (name TEXT NOT NULL)"))
        session.commit()
    yield made
    made.dispose()


def act(database: Database, name: str) -> None:
    with database.writing() as session:
        session.execute(text("INSERT INTO act VALUES (:name)"), {"name": name})
        session.commit()


def acts(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM act")}


def test_a_commit_returns_when_the_disk_holds_it(
    database: Database, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the disk is sure to hold is what stood in the files when they were last flushed: each thread keeps that for
    itself, and its own act must be in it, however the threads' turns and flushes fell together."""
    flush, kept = sqlite._to_disk, threading.local()

    def flush_and_keep(log: int) -> None:
        assert os.path.samestat(os.fstat(log), Path(f"{file}-wal").stat())
        flush(log)
        kept.copy = tmp_path / f"disk-{threading.get_ident()}.sqlite"
        shutil.copy(file, kept.copy)
        shutil.copy(f"{file}-wal", f"{kept.copy}-wal")

    def act_and_look(number: int) -> bool:
        kept.copy = None
        act(database, f"{number}")
        found = f"{number}" in acts(kept.copy)
        for path in tmp_path.glob(f"{kept.copy.name}*"):
            path.unlink()
        return found

    monkeypatch.setattr(sqlite, "_to_disk", flush_and_keep)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(act_and_look, range(60))) == [True] * 60


def test_an_act_that_is_not_on_the_disk_is_not_answered_and_the_next_one_may_write(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_log: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(sqlite, "_to_disk", fail)
        with pytest.raises(OperationalError, match="was not flushed: Input/output error"):
            act(database, "unsure")
    started = time.monotonic()
    act(database, "sure")
    assert time.monotonic() - started < sqlite.PATIENCE / 2


def test_a_writer_that_is_killed_leaves_its_turn_to_the_next(database: Database, file: Path) -> None:
    words = [sys.executable, "-c", HOLDER, database.url]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"holds\n"
        with ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(act, database, "of the living")
            time.sleep(0.2)
            assert not waiting.done()
            holder.send_signal(signal.SIGKILL)
            waiting.result(timeout=5)
    assert acts(file) == {"of the living"}


def test_what_was_rolled_back_or_failed_gives_its_turn_on(database: Database, file: Path) -> None:
    with database.writing() as session:
        session.execute(text("INSERT INTO act VALUES ('taken back')"))
        session.rollback()
    with pytest.raises(OperationalError), database.writing() as session:
        session.execute(text("INSERT INTO nowhere VALUES (1)"))
    with database.writing() as session:
        session.execute(text("INSERT INTO act VALUES ('forgotten')"))
    act(database, "kept")
    assert acts(file) == {"kept"}


def test_many_threads_and_processes_write_and_none_is_refused(database: Database, file: Path) -> None:
    code = "import sys; from tests.exchange.test_sqlite import write_many; write_many(sys.argv[1], sys.argv[2])"
    names = ["one", "two", "three"]
    others = [subprocess.Popen([sys.executable, "-c", code, database.url, name]) for name in names]
    write_many(database.url, "here")
    assert [other.wait() for other in others] == [0, 0, 0]
    assert len(acts(file)) == 4 * 4 * 25


def write_many(url: str, name: str) -> None:
    """Four threads with 25 acts each."""
    database = Database(url, "log.test")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: act(database, f"{name} {number}"), range(100)))
    database.dispose()


def require_refusal_while_another_writes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With little patience, by connections that are made now."""
    database.dispose()
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    with database.writing() as slow:
        slow.execute(text("INSERT INTO act VALUES ('slow')"))
        with pytest.raises(OperationalError, match="database is locked"):
            act(database, "impatient")
        slow.commit()


def test_where_no_turn_can_be_had_sqlite_decides(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.dispose()
    Path(f"{file}-turn").unlink()
    Path(f"{file}-turn").mkdir()
    act(database, "without a turn")
    require_refusal_while_another_writes(database, monkeypatch)
    assert acts(file) == {"without a turn", "slow"}


def test_whoever_waits_too_long_for_a_thread_of_its_own_process_is_refused(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_refusal_while_another_writes(database, monkeypatch)
    act(database, "next")
    assert acts(file) == {"slow", "next"}
