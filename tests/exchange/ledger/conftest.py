"""The sequencer of the application under test, and a record to feed it with."""

from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from sqlmodel import Session

from exchange import audit
from exchange.ledger.sequencer import Sequencer
from tests.exchange.people import People


@pytest.fixture
def sequencer(app: Flask) -> Sequencer:
    """The application's own."""
    found: Sequencer = app.extensions["minhbach.sequencer"]
    return found


@pytest.fixture
def note(session: Session, now: datetime, people: People) -> Callable[..., list[str]]:
    """Record and commit: ``note("a", "b")`` is one event on each of two listings; the event ids."""

    def write(*listings: str) -> list[str]:
        actor = people.provider()
        ids = [audit.record(session, "listing.changed", actor, on=[f"listing:{name}"], now=now) for name in listings]
        session.commit()
        return ids

    return write
