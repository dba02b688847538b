"""The account under eight processes: exactly what is there is spent, on both databases.

MINHBACH_SPENDERS_ATTEMPTS=300 makes it the long run of the design (8 × 300); here each process tries a dozen times.
"""

import multiprocessing
import os
import warnings
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from exchange import clock
from exchange.db import Database
from exchange.rooms import policies, spending
from exchange.rooms.models import BudgetEntry, Spend, TestRoom
from sandbox import query
from sandbox.policy import Mode, Policy
from tests.exchange.trials.place import Place

PROCESSES = 8
ATTEMPTS = int(os.environ.get("MINHBACH_SPENDERS_ATTEMPTS", "12"))
FORK = multiprocessing.get_context("fork")  # each child opens its own database; starting anew would take seconds


def attempts(url: str, room: TestRoom, number: int, epsilon: int) -> dict[str, int]:
    """One process that spends as fast as it can: how often it was paid for, and why not."""
    database, policy = Database(url, "log.test"), policies.of_room(room)
    asked = query.check("SELECT COUNT(*) FROM data", policy)
    assert isinstance(asked, query.Accepted)
    if epsilon:  # what is paid, not what is answered, is counted here
        policy = replace(
            policy, mode=Mode.AGGREGATE_DP, budgets=replace(policy.budgets, epsilon_per_query_micro=epsilon)
        )
    found: Counter[str] = Counter()
    for attempt in range(ATTEMPTS):
        one = replace(asked, statistic=f"sha256:{number:032d}{attempt:032d}")  # each its own statistic
        with database.writing() as session:
            outcome = spending.reserve(session, spending.lock(session, room), one, policy, clock.now())
            found["paid" if isinstance(outcome, spending.Claim) else outcome.code] += 1
            session.commit()
    database.dispose()
    return dict(found)


def spend(place: Place, room: TestRoom, epsilon: int = 0) -> Counter[str]:
    """What eight processes got, together."""
    url = place.database.url
    found: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # later Pythons warn of a fork beside threads
        with FORK.Pool(PROCESSES) as pool:
            for part in pool.starmap(attempts, [(url, room, n, epsilon) for n in range(PROCESSES)], chunksize=1):
                found.update(part)
    return found


def ready_for_all_day(place: Place) -> TestRoom:
    """A room whose window holds now, by the clock of other processes too."""
    room = place.room()
    place.set_budget(room, ends=place.now + timedelta(days=36_500), stop_at=None)
    return room


def test_eight_processes_spend_exactly_the_questions_there_are(ready: Place) -> None:
    room = ready_for_all_day(ready)
    cap = PROCESSES * ATTEMPTS * 5 // 12
    ready.set_budget(room, cap=cap, day_cap=10 * cap)
    assert spend(ready, room) == {"paid": cap, "B1": PROCESSES * ATTEMPTS - cap}
    assert ready.budget(room).spent == cap
    with ready.database.reading() as session:
        assert len(session.exec(select(Spend)).all()) == cap


def test_eight_processes_spend_exactly_the_privacy_there_is(ready: Place) -> None:
    room = ready_for_all_day(ready)
    tries, price = PROCESSES * ATTEMPTS, 250_000
    left = 7 * price - 1  # not quite seven
    ready.set_budget(room, cap=tries, day_cap=tries, epsilon_cap=left)
    assert spend(ready, room, price) == {"paid": 6, "B3": tries - 6}
    entry = ready.budget(room)
    assert (entry.epsilon_spent, entry.spent) == (6 * price, 6)


def test_a_switched_off_account_pays_for_nothing(ready: Place) -> None:
    room = ready_for_all_day(ready)
    ready.set_budget(room, state="killed")
    accepted = query.check("SELECT COUNT(*) FROM data", Policy.from_json(room.policy))
    assert isinstance(accepted, query.Accepted)
    with ready.database.writing() as session:
        policy = Policy.from_json(room.policy)
        outcome = spending.reserve(session, spending.lock(session, room), accepted, policy, clock.now())
        session.commit()
    assert getattr(outcome, "code", None) == "X9"
    assert ready.budget(room).spent == 0


@pytest.mark.parametrize(
    "values",
    [
        {"spent": 101}, {"spent": -1}, {"day_spent": 101}, {"epsilon_spent": 1}, {"requests": 100_000},
        {"state": "lost"}, {"ends": clock.now() - timedelta(days=9_999)},
    ],
)  # fmt: skip
def test_the_database_itself_refuses_an_account_that_cannot_be(ready: Place, values: dict[str, object]) -> None:
    room = ready.room()
    entry = ready.budget(room)
    with ready.database.writing() as session:
        row = session.get_one(BudgetEntry, entry.id)
        for name, value in values.items():
            setattr(row, name, value)
        with pytest.raises(IntegrityError):
            session.commit()


def test_a_statistic_is_claimed_once(ready: Place) -> None:
    room = ready.room()
    entry = ready.budget(room)
    with ready.database.writing() as session:
        for _ in range(2):
            session.add(Spend(entry_id=entry.id, statistic="s", region={}, policy_hash=room.policy_hash, at=ready.now))
        with pytest.raises(IntegrityError):
            session.commit()


def test_the_window_is_open_at_its_first_moment_and_shut_at_its_last(ready: Place) -> None:
    entry = ready.budget(ready.room())
    assert spending.standing(entry, entry.starts) is None
    for moment in (entry.starts - timedelta(microseconds=1), entry.ends):
        denied = spending.standing(entry, moment)
        assert denied is not None
        assert denied.code == "X1"
