"""Warm workers: one room each, few at a time, recycled, and ended at a word."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import pool, query
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.runner import Answer, Runner
from sandbox.worker import LIFETIME_QUERIES
from tests.sandbox.test_isolation import COUNT, hostile

ENDLESS = "SELECT sum(a.range * b.range), 99, 99 FROM range(10000000) a, range(10000000) b"


class Asked:
    """A question on its way in a thread of its own."""

    def __init__(self, runner: Runner, policy: Policy, file: Path, accepted: query.Accepted, **more: object) -> None:
        self.found: list[Answer | Denied] = []
        self._ask = lambda: self.found.append(runner.run_accepted(policy, file, accepted, **more))  # type: ignore[arg-type]
        self.thread = threading.Thread(target=self._ask)
        self.thread.start()

    def outcome(self) -> Answer | Denied:
        self.thread.join(30)
        return self.found[0]


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def patient(variant: Callable[..., Policy]) -> Policy:
    return variant(resources={"wall_s": 20, "threads": 1})


def accepted(policy: Policy) -> query.Accepted:
    found = query.check(COUNT, policy)
    assert isinstance(found, query.Accepted)
    return found


def test_one_worker_never_serves_two_rooms(patient: Policy, sales_snapshot: Path) -> None:
    with Runner(max_workers=2, time_buckets=()) as own:
        for room in ("a", "b", "a", "b"):
            assert isinstance(own.run_accepted(patient, sales_snapshot, accepted(patient), room=room), Answer)
        assert sorted((worker.room, worker.served) for worker in own.pool._alive) == [("a", 2), ("b", 2)]


def test_the_warm_pool_is_bounded_and_the_longest_idle_goes(patient: Policy, sales_snapshot: Path) -> None:
    with Runner(max_workers=1, time_buckets=()) as own:
        for room in ("a", "b", "a", "c"):
            assert isinstance(own.run_accepted(patient, sales_snapshot, accepted(patient), room=room), Answer)
        assert [worker.room for worker in own.pool._alive] == ["a", "c"]


def test_a_warm_worker_nobody_asks_goes_after_a_while(
    patient: Policy, sales_snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)
    with Runner(max_workers=2, time_buckets=()) as own:
        own.run_accepted(patient, sales_snapshot, accepted(patient), room="a")
        old = own.pool._alive[0].launched.process
        own.run_accepted(patient, sales_snapshot, accepted(patient), room="b")
        assert old.poll() is not None
        assert [worker.room for worker in own.pool._alive] == ["b"]


def test_a_worker_is_replaced_after_its_time(patient: Policy, sales_snapshot: Path) -> None:
    with Runner(time_buckets=()) as own:
        for _ in range(LIFETIME_QUERIES):
            assert isinstance(own.run_accepted(patient, sales_snapshot, accepted(patient)), Answer)
        assert own.pool._alive == []
        assert isinstance(own.run_accepted(patient, sales_snapshot, accepted(patient)), Answer)


def test_an_engine_error_ends_the_worker(patient: Policy, sales_snapshot: Path) -> None:
    with Runner(time_buckets=()) as own:
        assert own.run_accepted(patient, sales_snapshot, hostile(patient, "SELECT error('x')")) == Denied("E-ENGINE")
        assert own.pool._alive == []


def test_a_worker_that_dies_gives_a_closed_code(patient: Policy, sales_snapshot: Path) -> None:
    with Runner(time_buckets=()) as own:
        asked = Asked(own, patient, sales_snapshot, hostile(patient, ENDLESS))
        wait_until(lambda: any(worker.served for worker in own.pool._alive))
        own.pool._alive[0].launched.kill()
        assert asked.outcome() == Denied("E-ENGINE")


def test_the_switch_ends_one_room_and_leaves_the_others(patient: Policy, sales_snapshot: Path) -> None:
    with Runner(max_workers=2, time_buckets=()) as own:
        doomed = Asked(own, patient, sales_snapshot, hostile(patient, ENDLESS), room="a")
        wait_until(lambda: any(worker.served for worker in own.pool._alive))
        own.run_accepted(patient, sales_snapshot, accepted(patient), room="b")
        stopped = time.monotonic()
        assert own.stop("a") == 1
        assert doomed.outcome() == Denied("E-STOPPED")
        assert time.monotonic() - stopped < 1
        assert [worker.room for worker in own.pool._alive] == ["b"]


def test_the_switch_turns_away_who_waits(variant: Callable[..., Policy], sales_snapshot: Path) -> None:
    policy = variant(resources={"wall_s": 20, "threads": 1}, budgets={"concurrent": 1})
    with Runner(max_workers=2, time_buckets=()) as own:
        first = Asked(own, policy, sales_snapshot, hostile(policy, ENDLESS), room="a")
        wait_until(lambda: len(own.pool._running) == 1)
        second = Asked(own, policy, sales_snapshot, accepted(policy), room="a")
        wait_until(lambda: len(own.pool._waiting) == 1)  # the policy lets one at a time run
        stopped = time.monotonic()
        own.stop("a")
        assert [first.outcome(), second.outcome()] == [Denied("E-STOPPED")] * 2
        assert time.monotonic() - stopped < 1


def test_what_somebody_else_stopped_ends_within_a_second(patient: Policy, sales_snapshot: Path) -> None:
    """Another process of the same server shuts the room: this one learns it by asking."""
    still = threading.Event()
    still.set()
    with Runner(time_buckets=()) as own:
        asked = Asked(own, patient, sales_snapshot, hostile(patient, ENDLESS), watch=still.is_set)
        wait_until(lambda: any(worker.served for worker in own.pool._alive))
        stopped = time.monotonic()
        still.clear()
        assert asked.outcome() == Denied("E-STOPPED")
        assert time.monotonic() - stopped < 1
        assert own.pool._alive == []


def test_the_queue_is_bounded(patient: Policy, sales_snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "QUEUE", 1)
    with Runner(max_workers=1, time_buckets=()) as own:
        running = Asked(own, patient, sales_snapshot, hostile(patient, ENDLESS), room="a")
        wait_until(lambda: len(own.pool._running) == 1)
        waiting = Asked(own, patient, sales_snapshot, accepted(patient), room="b")
        wait_until(lambda: len(own.pool._waiting) == 1)
        assert own.run_accepted(patient, sales_snapshot, accepted(patient), room="c") == Denied("E-BUSY")
        own.stop("a")
        assert running.outcome() == Denied("E-STOPPED")
        assert isinstance(waiting.outcome(), Answer)
