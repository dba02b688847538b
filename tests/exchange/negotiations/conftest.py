"""A market with one published listing, both sides ready to sign."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from flask import Flask
from sqlmodel import Session

from exchange.db import Database
from tests.exchange.negotiations.market import Market
from tests.exchange.people import People


@pytest.fixture
def market(app: Flask, database: Database, people: People, now: datetime) -> Market:
    """Seller and buyer with keys, and a listing in the catalogue."""
    made = Market(database, app.extensions["minhbach.sequencer"], people.provider(), people.buyer(), now)
    made.add_key(made.seller)
    made.add_key(made.buyer, "ES256", grade="browser")
    made.publish()
    return made


@pytest.fixture
def no_csrf(app: Flask) -> None:
    """Forms without their token: one test per form keeps it."""
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def reading(database: Database) -> Iterator[Session]:
    """A session that only looks."""
    with database.reading() as opened:
        yield opened
