"""Goods on the shelf, both sides ready."""

from datetime import datetime

import pytest
from flask import Flask

from exchange.db import Database
from tests.exchange.deliveries.goods import Goods
from tests.exchange.people import People


@pytest.fixture
def goods(app: Flask, database: Database, people: People, now: datetime) -> Goods:
    """Seller and buyer with keys, a listing of licence L3 with three deliveries, its file in the store."""
    made = Goods(database, app.extensions["minhbach.sequencer"], people.provider(), people.buyer(), now)
    made.add_key(made.seller)
    made.add_key(made.buyer, "ES256", grade="browser")
    made.publish()
    made.stock(app.extensions["minhbach.store"])
    return made


@pytest.fixture
def no_csrf(app: Flask) -> None:
    """Forms without their token: one test per form keeps it."""
    app.config["WTF_CSRF_ENABLED"] = False
