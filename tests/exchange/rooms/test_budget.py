"""The account under load, at midnight, and with a crashed run; and that nobody waits for the engine."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from exchange import clock
from exchange.accounts.models import Organisation
from exchange.clock import VIETNAM
from exchange.rooms import queries, spending
from exchange.rooms.models import QueryRun, TestRoom
from exchange.rooms.queries import Asked
from sandbox.policy import Policy
from sandbox.runner import Runner
from tests.exchange.trials.place import Place, statistics

BY_HUB = "SELECT hub, COUNT(*) AS n FROM data GROUP BY hub"
BY_WAY = "SELECT Phuong_thuc, COUNT(*) AS n FROM data GROUP BY 1"
TOTAL = "SELECT COUNT(*) AS n FROM data"


def concurrent(place: Place, room: TestRoom, most: int) -> None:
    """Another number of questions at once, for a test about something else."""
    with place.database.writing() as session:
        row = session.get_one(TestRoom, room.id)
        row.policy = {**row.policy, "budgets": {**row.policy["budgets"], "concurrent": most}}
        row.policy_hash = Policy.from_json(row.policy).hash
        session.commit()


def test_eight_threads_spend_exactly_what_is_there(ready: Place) -> None:
    room = ready.room()
    concurrent(ready, room, 1000)
    ready.set_budget(room, cap=11)
    gate, asked = threading.Barrier(8), list(statistics())

    def ask(worker: int) -> list[str]:
        gate.wait()
        found = []
        for attempt in range(4):
            sql = asked[4 * worker + attempt]
            reserved = ready.do(queries.reserve, ready.buyer, room.id, Asked(sql))
            found.append("spent" if reserved.accepted else "refused")
        return found

    with ThreadPoolExecutor(8) as pool:
        outcomes = [one for found in pool.map(ask, range(8)) for one in found]
    assert outcomes.count("spent") == 11
    assert outcomes.count("refused") == 21
    assert ready.budget(room).spent == 11
    with ready.database.reading() as session:
        codes = session.exec(select(QueryRun.code).where(QueryRun.verdict == "deny")).all()
        charged = session.exec(select(QueryRun).where(QueryRun.charged)).all()
    assert set(codes) == {"B1"}
    assert len(charged) == 11


def test_two_at_once_are_the_most_and_a_crashed_one_is_forgotten(ready: Place) -> None:
    room = ready.room()
    for sql in (TOTAL, BY_WAY):
        reserved = ready.do(queries.reserve, ready.buyer, room.id, Asked(sql))
        assert reserved.accepted
    refused = ready.ask(room, BY_HUB)
    assert (refused.code, refused.charged) == ("B4", False)
    with clock.frozen(ready.now + spending.ABANDONED + timedelta(seconds=1)):
        assert ready.ask(room, BY_HUB).charged
    assert ready.budget(room).spent == 3


def test_a_new_day_begins_at_midnight_in_viet_nam(ready: Place) -> None:
    evening = datetime(2026, 11, 22, 23, 30, tzinfo=VIETNAM)
    with clock.frozen(evening):
        room = ready.room()
        ready.set_budget(room, day_cap=1)
        assert ready.ask(room, BY_HUB).charged
        assert ready.ask(room, TOTAL).code == "B2"
        assert ready.ask(room, BY_HUB).verdict != "deny"  # asked before: costs nothing
    with clock.frozen(datetime(2026, 11, 22, 23, 59, 59, 999_999, tzinfo=VIETNAM)):
        assert ready.ask(room, TOTAL).code == "B2"
    with clock.frozen(datetime(2026, 11, 23, tzinfo=VIETNAM)):
        assert ready.ask(room, TOTAL).charged
    entry = ready.budget(room)
    assert (entry.spent, entry.day_spent, entry.day) == (2, 1, date(2026, 11, 23))


def test_an_empty_account_refuses(ready: Place) -> None:
    room = ready.room()
    ready.set_budget(room, cap=0)
    assert ready.ask(room, BY_HUB).code == "B1"
    assert ready.ask(room, "SELECT * FROM data").code == "A0"  # the text is judged first: a refusal there is free


@pytest.mark.usefixtures("no_csrf")
def test_nobody_waits_for_the_engine(ready: Place) -> None:
    """While a question runs, no connection is out and another writer gets through."""
    seen: list[Any] = []

    class Watching(Runner):
        def run_accepted(self, *arguments: Any, **named: Any) -> Any:
            pool: Any = ready.database.engine.pool
            seen.append(pool.checkedout())
            with ready.database.writing() as session:
                session.get_one(Organisation, ready.seller.org_id).name = "Công ty đổi tên"
                session.commit()
            return super().run_accepted(*arguments, **named)

    room = ready.room()
    with Watching(time_buckets=()) as runner:
        ready.app.extensions["minhbach.runner"] = runner
        answer = ready.browser().post(f"/test-rooms/{room.id}/runs", data={"sql": BY_HUB})
    assert answer.status_code == 303
    assert seen == [0]
    with ready.database.reading() as session:
        assert session.exec(select(QueryRun.verdict)).all() == ["limit"]
