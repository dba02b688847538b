"""One exchange with everything set: second disk, published folder; as members, strangers and its operator see it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, text
from sqlmodel import col, create_engine, func, select
from werkzeug.test import TestResponse

from contracts.log import checkpoint
from exchange.accounts.models import Membership, Organisation, User
from exchange.app import create_app
from exchange.config import Config
from exchange.db import Database
from exchange.ledger.cli import problems_of
from exchange.ledger.models import Checkpoint, Entry, Outbox
from exchange.ledger.sequencer import Sequencer
from tests.exchange.people import tax_code


class House:
    """The application, started anew by :meth:`start`; what it does goes through its real doors."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._number = count(100)
        self._open()

    def start(self) -> None:
        """As after a restart of the process."""
        self.database.dispose()
        self._open()

    def _open(self) -> None:
        self.app = create_app(self.config)
        self.app.testing = True
        self.app.config["WTF_CSRF_ENABLED"] = False
        self.database: Database = self.app.extensions["minhbach.database"]
        self.sequencer: Sequencer = self.app.extensions["minhbach.sequencer"]

    def join(self, lang: str = "vi") -> TestResponse:
        """A new organisation registers on the page: a business row, a person, a record."""
        number = next(self._number)
        client = self.app.test_client()
        with client.session_transaction() as cookie:
            cookie["lang"] = lang
        form = {
            "name": f"Công ty {number}", "tax_code": tax_code(number), "stated_level": "2",
            "stated_payment_account": "1", "full_name": "Lê Văn Minh", "email": f"minh{number}@example.vn",
            "password": "ba con mèo xanh",
        }  # fmt: skip
        return client.post("/join", data=form)

    def joined(self, times: int = 1) -> None:
        """The same, and it must succeed."""
        for _ in range(times):
            answer = self.join()
            assert (answer.status_code, answer.location) == (303, "/me"), answer.text

    def run(self) -> bool:
        """One run of the sequencer; whether all is well."""
        self.sequencer.try_run()
        return self.sequencer.healthy

    def head(self) -> int:
        """How many records the newest head has that a stranger can fetch."""
        answer = self.app.test_client().get("/log/checkpoint")
        return 0 if answer.status_code == 404 else size_of(answer.text)

    def ready(self) -> Any:
        """What monitoring sees."""
        return self.app.test_client().get("/readyz").json

    def actions(self) -> int:
        """How many actions there are; each must be whole: organisation and record, and person and role if it was done
        at the door."""
        with self.database.reading() as session:
            entries, waiting, organisations, users, roles = (
                session.exec(select(func.count()).select_from(table)).one()
                for table in (Entry, Outbox, Organisation, User, Membership)
            )
            inside = col(Organisation.name).startswith("Crash ")
            fillers = session.exec(select(func.count()).select_from(Organisation).where(inside)).one()
            assert organisations == entries + waiting
            assert (users, roles) == (organisations - fillers, organisations - fillers)
            assert not entries or problems_of(session) == []
        return int(organisations)

    def times(self) -> list[int]:
        """When each head was made, by size."""
        with self.database.reading() as session:
            return list(session.exec(select(Checkpoint.made_ms).order_by(Checkpoint.size)))  # type: ignore[arg-type]


def size_of(note: str) -> int:
    """What a head promises."""
    return checkpoint.parse_checkpoint(checkpoint.parse_note(note).text).size


@contextmanager
def read_only(database: Database) -> Iterator[None]:
    """The database refuses every change, to connections old and new; reading goes on."""
    if database.is_sqlite:
        with _pragma(database, "query_only=ON"):
            yield
        return
    name = database.engine.url.database
    rights = {"options": "-c default_transaction_read_only=off"}
    with administrator(database.url, connect_args=rights) as admin:
        admin.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        database.dispose()
        try:
            yield
        finally:
            admin.execute(text(f"ALTER DATABASE {name} RESET default_transaction_read_only"))
            database.dispose()


@contextmanager
def administrator(url: str | URL, **arguments: Any) -> Iterator[Connection]:
    """A connection to PostgreSQL outside every transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", **arguments)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def no_room(database: Database) -> Iterator[None]:
    """SQLite's file may not grow by one page."""
    with database.reading() as session:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
    with _pragma(database, f"max_page_count={pages}"):
        yield


@contextmanager
def _pragma(database: Database, pragma: str) -> Iterator[None]:
    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {pragma}")

    database.dispose()
    event.listen(database.engine, "connect", prepare)
    try:
        yield
    finally:
        event.remove(database.engine, "connect", prepare)
        database.dispose()


class Backups:
    """Copies of the whole database, taken while nobody is connected, and put back."""

    def __init__(self, house: House, folder: Path) -> None:
        self._house, self._folder = house, folder
        self._name = str(house.database.engine.url.database)
        self._taken = set[str]()

    def take(self, name: str) -> None:
        """Remember the database as it is now."""
        self._taken.add(name)
        if self._house.database.is_sqlite:
            self._house.database.dispose()  # the last connection writes the write-ahead log back into the file
            shutil.copy(self._name, self._folder / name)
        else:
            self._admin(f"CREATE DATABASE {self._name}_{name} TEMPLATE {self._name}")

    def put_back(self, name: str) -> None:
        """The database is again what it was then."""
        if self._house.database.is_sqlite:
            self._house.database.dispose()
            shutil.copy(self._folder / name, self._name)
        else:
            drop = f"DROP DATABASE {self._name} WITH (FORCE)"
            self._admin(drop, f"CREATE DATABASE {self._name} TEMPLATE {self._name}_{name}")

    def forget(self) -> None:
        """At the end."""
        if not self._house.database.is_sqlite:
            self._admin(*(f"DROP DATABASE {self._name}_{name}" for name in self._taken))

    def _admin(self, *statements: str) -> None:
        self._house.database.dispose()
        with administrator(self._house.database.engine.url.set(database="postgres")) as admin:
            for statement in statements:
                admin.execute(text(statement))
