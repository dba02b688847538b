"""Steps of the tests of trials as single calls."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from exchange import clock
from exchange.catalogue.models import Asset, Listing
from exchange.catalogue.profile import profile
from exchange.db import Database, new_id
from exchange.ledger.models import Outbox
from exchange.permissions import Actor
from exchange.rooms import engine, queries
from exchange.rooms.models import BudgetEntry, QueryRun, TestCopy, TestRoom
from exchange.rooms.queries import Asked
from exchange.rooms.service import Built, open_room, prepare_room
from exchange.trials import enrolments
from exchange.trials.models import Enrolment
from sandbox.rules import Entity
from tests.exchange.negotiations.market import version_row
from tests.exchange.people import People


def statistics() -> Iterator[str]:
    """Questions over the shipments of which no two are the same statistic, nor close to one another."""
    keys, numbers = (
        ("hub", "Phuong_thuc", "date_trunc('month', shipped_on)"),
        ("COUNT(*)", "SUM(weight)", "AVG(weight)"),
    )
    for chosen in (c for size in range(4) for c in combinations(keys, size)):
        for shown in (c for size in range(1, 4) for c in combinations(numbers, size)):
            yield f"SELECT {', '.join([*chosen, *shown])} FROM data" + (" GROUP BY ALL" if chosen else "")


def sound(**changes: Any) -> Entity:
    """What an organisation states that may take part (T4-T6)."""
    stated: dict[str, Any] = {"vietnamese": True, "reorganising": False, "licence_valid_to": None}
    return Entity(**{**stated, "manager_degree": "it", "manager_years": 5, **changes})


class Place:
    """An exchange under test."""

    def __init__(self, app: Flask, database: Database, people: People, now: datetime) -> None:
        self.app, self.database, self.people, self.now = app, database, people, now
        self.seller, self.buyer = people.provider(), people.buyer()
        self.listing_id = ""

    def do(self, use_case: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """One use case in its own transaction, at the clock's time."""
        with self.database.writing() as session:
            result = use_case(session, *arguments, clock.now(), **named)
            session.commit()
        return result

    def enrol(self, actor: Actor | None = None, notice: str = "1", **changes: Any) -> Enrolment:
        """An organisation that may take part states so and accepts the notice."""
        found: Enrolment = self.do(enrolments.enrol, actor or self.buyer, notice, entity=sound(**changes))
        return found

    def publish(self, file: Path, **changes: Any) -> str:
        """A listing over a real file, measured as an upload is."""
        measured, key = profile(file), f"assets/{new_id()}"
        self.app.extensions["minhbach.store"].put_file(file, key)
        with self.database.writing() as session:
            asset = Asset(
                org_id=self.seller.org_id, file_key=key, file_name=file.name, format=measured.format,
                bytes=file.stat().st_size, sha256=hashlib.sha256(file.read_bytes()).hexdigest(), rows=measured.rows,
                columns=measured.columns, preview=measured.preview, personal_hits=measured.personal_hits,
                created_at=self.now,
            )  # fmt: skip
            listing = Listing(org_id=self.seller.org_id, created_at=self.now, updated_at=self.now)
            session.add_all([asset, listing])
            session.flush()
            session.add(version_row(listing.id, asset.id, self.seller.org_id, self.now, **changes))
            session.flush()
            listing.state, listing.current_version = "published", 1  # type: ignore[assignment]
            session.commit()
            self.listing_id = listing.id
        return self.listing_id

    def room(self, actor: Actor | None = None) -> TestRoom:
        """Open a test room, through use cases and the real copy."""
        actor = actor or self.buyer
        with self.app.app_context():
            folder = engine.copies()
            prepared = self.do(prepare_room, actor, self.listing_id)
            built: Built | None = engine._copy(prepared)
        assert folder.is_dir()
        with self.database.writing() as session:
            room = open_room(session, actor, self.listing_id, prepared, built, clock.now())
            session.commit()
        return room

    def ask(self, room: TestRoom, sql: str, actor: Actor | None = None, **more: Any) -> QueryRun:
        """One question, the whole way."""
        actor = actor or self.buyer
        reserved = self.do(queries.reserve, actor, room.id, Asked(sql, **more))
        if reserved.accepted is None:
            with self.database.reading() as session:
                return session.get_one(QueryRun, reserved.run_id)
        with self.app.app_context():
            path = engine.copies() / reserved.file_key
        outcome = self.app.extensions["minhbach.runner"].run_accepted(reserved.policy, path, reserved.accepted)
        run: QueryRun = self.do(queries.finish, actor, reserved, outcome)
        return run

    def budget(self, room: TestRoom) -> BudgetEntry:
        """The buyer's account as it stands."""
        with self.database.reading() as session:
            query = select(BudgetEntry).where(
                BudgetEntry.listing_id == room.listing_id, BudgetEntry.org_id == room.org_id
            )
            return session.exec(query).one()

    def set_budget(self, room: TestRoom, **values: Any) -> None:
        """Another account for this buyer."""
        with self.database.writing() as session:
            entry = session.get_one(BudgetEntry, self.budget(room).id)
            for name, value in values.items():
                setattr(entry, name, value)
            session.commit()

    def copy_path(self, room: TestRoom) -> Path:
        """Where the protected copy lies."""
        with self.database.reading() as session, self.app.app_context():
            return engine.copies() / session.get_one(TestCopy, room.copy_id).file_key

    def leaves(self) -> list[bytes]:
        """Everything that waits for the log."""
        with self.database.reading() as session:
            return list(session.exec(select(Outbox.leaf).order_by(Outbox.id)))  # type: ignore[arg-type]

    def browser(self, actor: Actor | None = None, lang: str = "vi") -> FlaskClient:
        """Somebody signed in."""
        return self.people.browser(actor or self.buyer, lang)
