"""A trial, a listing over a real small file, and a runner that does not pad its answers."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from flask import Flask

from exchange.db import Database
from exchange.permissions import Actor
from exchange.trials import service
from exchange.trials.service import Certificate
from sandbox.runner import Runner
from tests.exchange.people import People
from tests.exchange.trials.place import Place

# 3,000 shipments: five hubs, one of which ("Rare") holds four rows with an amount nobody else has.
SHIPMENTS = """
    SELECT CASE WHEN i < 4 THEN 'Rare' ELSE ['Hà Nội', 'Đà Nẵng', 'Cần Thơ', 'Hải Phòng'][1 + i % 4] END AS hub,
           CASE WHEN i % 3 = 0 THEN 'air' ELSE 'road' END AS "Phương thức",
           DATE '2025-01-01' + CAST(i % 365 AS INTEGER) AS shipped_on,
           CASE WHEN i < 4 THEN 7654321 + i ELSE 1000 + i * 7 % 900 END AS weight,
           'KH' || lpad(CAST(i AS VARCHAR), 6, '0') AS customer
    FROM range(3000) t(i)
"""


@pytest.fixture(scope="session")
def shipments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real parquet file."""
    path = tmp_path_factory.mktemp("data") / "shipments.parquet"
    duckdb.sql(f"COPY ({SHIPMENTS}) TO '{path}' (FORMAT parquet)")
    return path


def certificate(**changes: object) -> Certificate:
    """A pilot in logistics and commerce through 2026 and most of 2027."""
    fields: dict[str, object] = {
        "cert_no": "01/GCN-UBND",
        "authority": "Ủy ban nhân dân Thành phố Hồ Chí Minh",
        "valid_from": date(2026, 11, 1),
        "valid_to": date(2027, 10, 31),
        "level": 2,
        "sectors": ("logistics", "commerce"),
        "classes": ("TC", "MO", "GT"),
    }
    return Certificate(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def place(app: Flask, database: Database, people: People, now: datetime) -> Iterator[Place]:
    """The exchange with its people; the test grants, lists and opens what it needs."""
    runner = Runner(time_buckets=())
    app.extensions["minhbach.runner"] = runner
    yield Place(app, database, people, now)
    runner.close()


@pytest.fixture
def ready(place: Place, shipments: Path) -> Place:
    """A running trial, the buyer enrolled, a published listing over the shipments."""
    place.do(service.grant_trial, place.people.operator(), certificate())
    place.enrol(place.buyer)
    place.publish(shipments)
    return place


@pytest.fixture
def buyer(place: Place) -> Actor:
    """Who tries the data."""
    return place.buyer


@pytest.fixture
def no_csrf(app: Flask) -> None:
    """Forms without their token: one test per form keeps it."""
    app.config["WTF_CSRF_ENABLED"] = False
