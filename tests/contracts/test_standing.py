from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contracts.standing import Facts, Hold, Holder, Standing, SuspendCode, Use, last_moment, may, over_at, standing
from contracts.terms import LICENCES
from contracts.words import say
from tests.contracts.examples import make_contract, make_terms

CONTRACT = make_contract()  # 1 December 2026 to 30 November 2027, three deliveries
DURING = datetime(2027, 3, 1, tzinfo=UTC)
LOGGED = Facts(log_index=12)
HELD = (Hold(Holder.PROVIDER, SuspendCode.SECURITY, datetime(2027, 2, 1, tzinfo=UTC)),)


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
        (replace(LOGGED, holds=HELD), "CONTRACT_SUSPENDED"),
        (replace(LOGGED, ended_at=DURING, end_reason="vi phạm"), "CONTRACT_ENDED"),
        (replace(LOGGED, ended_at=DURING, holds=HELD), "CONTRACT_ENDED"),
        (replace(LOGGED, ended_at=datetime(2027, 4, 1, tzinfo=UTC)), None),
        (replace(LOGGED, deliveries=2), None),
        (replace(LOGGED, deliveries=3), "DELIVERIES_SPENT"),
        (replace(LOGGED, deliveries=4), "DELIVERIES_SPENT"),
    ],
)
def test_what_happened_decides(facts: Facts, expected: str | None) -> None:
    assert code(facts) == expected


def test_a_suspension_says_who_since_when_and_why() -> None:
    denied = may(CONTRACT, replace(LOGGED, holds=HELD), Use.DELIVER, DURING)
    assert denied is not None
    assert say(denied.code, denied.facts, "en").count("the seller since 01/02/2027 07:00 (GMT+7): a security") == 1


# What each licence gives while its contract is in force; in any other standing every action is refused.
GIVES = {
    "L0": {Use.DELIVER, Use.QUERY},
    "L1": {Use.QUERY},
    "L2": {Use.QUERY},
    "L3": {Use.DELIVER, Use.QUERY},
    "L4": {Use.DELIVER, Use.QUERY},
    "L5": {Use.DELIVER, Use.QUERY},
    "L6": {Use.DELIVER, Use.QUERY},
    "L7": {Use.DELIVER, Use.QUERY},
    "L8": {Use.DELIVER, Use.QUERY},
}
IN: dict[Standing, tuple[Facts, datetime]] = {
    Standing.UNLOGGED: (Facts(None), DURING),
    Standing.UPCOMING: (LOGGED, datetime(2026, 11, 1, tzinfo=UTC)),
    Standing.ACTIVE: (LOGGED, DURING),
    Standing.SUSPENDED: (replace(LOGGED, holds=HELD), DURING),
    Standing.EXPIRED: (LOGGED, datetime(2028, 1, 1, tzinfo=UTC)),
    Standing.ENDED: (replace(LOGGED, ended_at=DURING), DURING),
}


def test_the_table_leaves_no_licence_and_no_standing_out() -> None:
    assert set(GIVES) == set(LICENCES)
    assert set(IN) == set(Standing)


@pytest.mark.parametrize("state", Standing)
@pytest.mark.parametrize("action", [*Use, "resell", ""])
@pytest.mark.parametrize("licence", [*LICENCES, "L9"])
def test_every_licence_action_and_standing(licence: str, action: str, state: Standing) -> None:
    facts, now = IN[state]
    terms = make_terms(licence=licence, max_deliveries=None)
    contract = replace(CONTRACT, terms=terms)
    assert standing(contract, facts, now) is state
    denied = may(contract, facts, action, now)
    if state is not Standing.ACTIVE:
        assert denied is not None
        assert denied.code == f"CONTRACT_{state}"
    elif licence not in GIVES:
        assert denied is not None
        assert denied.code == "LICENCE_UNKNOWN"
    else:
        refused_as = "ACTION_NOT_IN_LICENCE" if action in list(Use) else "ACTION_UNKNOWN"
        assert (denied.code if denied else None) == (None if action in GIVES[licence] else refused_as)


def test_it_is_over_at_its_end_or_after_its_last_day_whichever_comes_first() -> None:
    midnight = datetime(2027, 11, 30, 17, tzinfo=UTC)
    assert over_at(CONTRACT, LOGGED) == last_moment(CONTRACT) == midnight
    assert over_at(CONTRACT, replace(LOGGED, ended_at=DURING)) == DURING
    assert over_at(CONTRACT, replace(LOGGED, ended_at=datetime(2028, 1, 1, tzinfo=UTC))) == midnight
    forever = replace(CONTRACT, terms=make_terms(ends=date.max))
    assert standing(forever, LOGGED, datetime.max.replace(tzinfo=UTC) - timedelta(days=1)) is Standing.ACTIVE
    assert last_moment(forever) > datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def test_queries_are_counted_too() -> None:
    changes = {"licence": "L2", "max_deliveries": None, "max_queries": 2, "min_group": 5}
    assert code(replace(LOGGED, queries=1), Use.QUERY, **changes) is None
    assert code(replace(LOGGED, queries=2), Use.QUERY, **changes) == "QUERIES_SPENT"


def test_the_hours_of_a_test_room_run_from_the_first_query() -> None:
    room = {"licence": "L1", "max_deliveries": None, "max_hours": 2}
    assert code(LOGGED, Use.QUERY, **room) is None
    used = replace(LOGGED, queries=1, first_query_at=DURING)
    assert code(used, Use.QUERY, DURING + timedelta(hours=1, minutes=59), **room) is None
    assert code(used, Use.QUERY, DURING + timedelta(hours=2), **room) == "HOURS_SPENT"
    assert code(used, Use.DELIVER, DURING, **room) == "ACTION_NOT_IN_LICENCE"


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
