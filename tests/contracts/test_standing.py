from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.problems import ONWARD_BY_LICENCE
from contracts.standing import Facts, Standing, Use, may, standing
from contracts.terms import LICENCES
from tests.contracts.examples import make_contract, make_terms

CONTRACT = make_contract()  # 1 December 2026 to 30 November 2027, three deliveries
DURING = datetime(2027, 3, 1, tzinfo=UTC)
LOGGED = Facts(log_index=12)


def code(facts: Facts = LOGGED, action: str = Use.DELIVER, now: datetime = DURING, **changes: Any) -> str | None:
    contract = make_contract(terms=make_terms(**changes)) if changes else CONTRACT
    denied = may(contract, facts, action, now)
    return None if denied is None else denied.code


def test_a_contract_in_force_delivers() -> None:
    assert standing(CONTRACT, LOGGED, DURING) is Standing.ACTIVE
    assert code() is None


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2026, 11, 30, 16, 59, 59, tzinfo=UTC), Standing.UPCOMING),
        (datetime(2026, 11, 30, 17, 0, 0, tzinfo=UTC), Standing.ACTIVE),
        (datetime(2027, 11, 30, 16, 59, 59, tzinfo=UTC), Standing.ACTIVE),
        (datetime(2027, 11, 30, 17, 0, 0, tzinfo=UTC), Standing.EXPIRED),
    ],
)
def test_days_begin_and_end_at_midnight_in_viet_nam(now: datetime, state: Standing) -> None:
    assert standing(CONTRACT, LOGGED, now) is state


def test_the_last_day_of_the_calendar_is_a_day_like_others() -> None:
    assert code(ends=date.max) is None
    assert code(starts=date.max, ends=date.max) == "CONTRACT_UPCOMING"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(log_index=None), "CONTRACT_UNLOGGED"),
        (Facts(log_index=0), None),
        (replace(LOGGED, suspended=True), "CONTRACT_SUSPENDED"),
        (replace(LOGGED, ended_at=DURING, end_reason="vi phạm"), "CONTRACT_ENDED"),
        (replace(LOGGED, ended_at=DURING, suspended=True), "CONTRACT_ENDED"),
        (replace(LOGGED, ended_at=datetime(2027, 4, 1, tzinfo=UTC)), None),
        (replace(LOGGED, deliveries=2), None),
        (replace(LOGGED, deliveries=3), "DELIVERIES_SPENT"),
        (replace(LOGGED, deliveries=4), "DELIVERIES_SPENT"),
    ],
)
def test_what_happened_decides(facts: Facts, expected: str | None) -> None:
    assert code(facts) == expected


def test_the_licence_decides_whether_files_may_leave() -> None:
    may_leave = {
        licence
        for licence in LICENCES
        if code(licence=licence, onward_transfer=ONWARD_BY_LICENCE[licence][0], max_deliveries=None) is None
    }
    assert may_leave == set(LICENCES) - {"L1", "L2"}


def test_queries_are_counted_too() -> None:
    changes = {"licence": "L2", "max_deliveries": None, "max_queries": 2, "min_group": 5}
    assert code(replace(LOGGED, queries=1), Use.QUERY, **changes) is None
    assert code(replace(LOGGED, queries=2), Use.QUERY, **changes) == "QUERIES_SPENT"


@pytest.mark.parametrize("action", ["", "download", "DELIVER"])
def test_an_unknown_action_is_refused(action: str) -> None:
    assert code(action=action) == "ACTION_UNKNOWN"


def test_an_unknown_licence_is_refused() -> None:
    contract = replace(CONTRACT, terms=make_terms(licence="L9"))
    denied = may(contract, LOGGED, Use.DELIVER, DURING)
    assert denied is not None
    assert denied.code == "LICENCE_UNKNOWN"


def test_a_moment_without_zone_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="time zone"):
        standing(CONTRACT, LOGGED, DURING.replace(tzinfo=None))
