"""What the clock brings is told once: by whoever looks, however often, whatever crashes in between."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlmodel import Session, select

from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.ledger.ticking import Ticking
from exchange.notices import hooks, saying, timed
from exchange.notices.due import Due
from exchange.notices.models import DueTold, Notice, WebhookDelivery
from exchange.notices.worker import Notices
from exchange.permissions import Role
from tests.exchange.negotiations.market import Market
from tests.exchange.notices.conftest import Colleague, Told


def due_of(market: Market, days: int = 7, kind: str = "negotiation.lapsing") -> Due:
    """A warning for both sides."""
    facts = {"listing": market.listing_id, "days": days, "day": "2026-11-29"}
    orgs = (market.seller.org_id, market.buyer.org_id)
    return Due(f"{kind}:{market.listing_id}:{days}", kind, orgs, facts, f"/listings/{market.listing_id}")


@pytest.fixture
def source(market: Market, monkeypatch: pytest.MonkeyPatch) -> list[Due]:
    """What is due, as the worker finds it."""
    due = [due_of(market)]

    def find(session: Session, now: datetime) -> Iterable[Due]:
        assert session.exec(select(1)).one() == 1
        return due

    monkeypatch.setattr(timed, "SOURCES", (find,))
    return due


@pytest.fixture
def work(config: Config, database: Database) -> Notices:
    """The background work of one process."""
    return Notices(database, config)


def test_a_warning_is_told_once_to_both_sides(
    market: Market, source: list[Due], work: Notices, told: Told, colleague: Colleague, config: Config,
    database: Database,
) -> None:  # fmt: skip
    finance = colleague(market.buyer, Role.FINANCE)
    assert work.look_at_clock() == 1
    assert work.look_at_clock() == 0
    assert Notices(database, config).look_at_clock() == 0  # after a restart as well
    for side in (market.seller, market.buyer):
        [notice] = told(side)
        assert (notice.kind, notice.mail) == ("negotiation.lapsing", "waiting")
        assert notice.path == f"/listings/{market.listing_id}"
    assert told(finance) == []
    with database.reading() as session:
        text = saying.say(notice, saying.listing_names(session, [notice], "vi"), "vi")
    assert (
        text == "Hãy trả lời về “Chuyến bay New York 2013” chậm nhất ngày 29/11/2026; quá hạn, đàm phán hết hiệu lực."
    )


def test_the_next_warning_of_the_same_thing_is_another_one(
    market: Market, source: list[Due], work: Notices, told: Told
) -> None:
    work.look_at_clock()
    source.append(due_of(market, 3))
    assert work.look_at_clock() == 1
    assert [notice.facts["days"] for notice in told(market.buyer)] == [7, 3]


def test_a_crash_before_the_commit_tells_nothing_and_the_next_look_everything(
    market: Market, source: list[Due], work: Notices, told: Told, database: Database
) -> None:
    with database.writing() as session:
        assert timed.tell_due(session, market.now, timed.SOURCES) == 1
        session.rollback()
    assert told() == []
    assert work.look_at_clock() == 1
    assert len(told()) == 2


def test_two_processes_at_once_tell_it_once(market: Market, source: list[Due], database: Database, told: Told) -> None:
    """Even without the lock that keeps them apart: the warning's key does."""
    start, counts = Barrier(3), []

    def look() -> None:
        start.wait()
        with database.writing() as session:
            counts.append(timed.tell_due(session, market.now, timed.SOURCES))
            session.commit()

    threads = [Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    start.wait()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 1]
    assert len(told()) == 2


def test_what_nobody_has_words_for_is_not_told(market: Market, source: list[Due], work: Notices, told: Told) -> None:
    source[:] = [due_of(market, kind="moon.rising")]
    assert work.look_at_clock() == 0
    assert told() == []


def test_a_webhook_hears_of_it_too(market: Market, source: list[Due], work: Notices, database: Database) -> None:
    market.do(lambda session, now: hooks.add(session, market.seller, "https://hooks.example.vn/", now, local=False))
    work.look_at_clock()
    with database.reading() as session:
        [message] = session.exec(select(WebhookDelivery)).all()
    assert (message.type, message.data) == ("negotiation.lapsing", {"listing": market.listing_id})


def test_old_things_are_let_go(market: Market, source: list[Due], work: Notices, database: Database) -> None:
    market.do(lambda session, now: hooks.add(session, market.seller, "https://hooks.example.vn/", now, local=False))
    market.requested()
    work.look_at_clock()
    with database.writing() as session:
        for message in session.exec(select(WebhookDelivery)):
            message.state = "done"
        session.commit()

    def left() -> list[int]:
        with database.reading() as session:
            return [len(session.exec(select(model)).all()) for model in (Notice, DueTold, WebhookDelivery)]

    before = left()
    assert all(before)
    with database.writing() as session:
        timed.forget(session, market.now + timedelta(days=31))
        session.commit()
    assert left() == [before[0], before[1], 0]
    with database.writing() as session:
        timed.forget(session, market.now + timedelta(days=401))
        session.commit()
    assert left() == [0, 0, 0]


def test_the_threads_live_until_they_are_told_to_end(
    market: Market, source: list[Due], work: Notices, told: Told
) -> None:
    for thread in work._threads:
        thread._seconds = 0.01
    with clock.frozen(market.now):
        work.start()
        try:
            deadline = 500
            while not told() and deadline:
                deadline -= 1
                Ticking("pause", 0, lambda: None)._stop.wait(0.01)
            assert len(told()) == 2
            assert work.healthy
        finally:
            work.stop()
    assert not work.healthy


def test_a_failure_ends_no_thread(work: Notices, database: Database) -> None:
    def broken() -> int:
        raise OSError

    work._try("notices-mail", broken)


def test_a_negotiation_that_nobody_answers_warns_whose_turn_it_is_and_then_both(
    market: Market, work: Notices, told: Told
) -> None:
    """The real source: what the negotiations themselves find due."""
    negotiation = market.requested()
    told_before = len(told())
    for days in (8, 6.5, 6, 2.5, 0.5):
        with clock.frozen(negotiation.deadline - timedelta(days=days)):
            work.look_at_clock()
            work.look_at_clock()
    warned = [notice for notice in told(market.seller) if notice.kind == "negotiation.lapsing"]
    assert len(warned) == 3
    assert told(market.buyer) == []
    assert len(told()) == told_before + 3
    with clock.frozen(negotiation.deadline):
        work.look_at_clock()
        work.look_at_clock()
    for side in (market.seller, market.buyer):
        assert [notice.kind for notice in told(side)][-1] == "negotiation.lapsed"
