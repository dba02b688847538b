"""A database server may be restarted under a running exchange."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from exchange import db
from exchange.db import Database
from tests.exchange.conftest import empty_database


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with empty_database("postgresql", request, tmp_path_factory.mktemp("server")) as url:
        database = Database(url, "log.example/1")
        yield database
        database.dispose()


def asked(database: Database) -> int:
    """Any question; which of the server's processes answers it."""
    with database.reading() as session:
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def end(database: Database, process: int) -> None:
    with psycopg.connect(database.url.replace("+psycopg", "")) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (process,))


def test_a_connection_that_rested_is_asked_first_and_replaced_unnoticed(
    server: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asked(server)
    assert asked(server) == first
    end(server, first)
    now = db.time.monotonic()
    monkeypatch.setattr(db.time, "monotonic", lambda: now + 2)
    assert asked(server) != first


def test_a_connection_just_used_fails_once_at_most(server: Database) -> None:
    first = asked(server)
    end(server, first)
    with pytest.raises(OperationalError):
        asked(server)
    assert asked(server) != first
