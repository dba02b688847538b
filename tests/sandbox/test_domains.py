"""The public groups: what the engine would make of the public values, and nothing of the data."""

import random
from datetime import date, timedelta

import duckdb
import pytest

from sandbox import domains, query
from sandbox.denials import Denied
from sandbox.policy import Column, Policy, Role
from tests.sandbox import private


def accepted(sql: str, policy: Policy) -> query.Accepted:
    found = query.check(sql, policy)
    assert isinstance(found, query.Accepted), found
    return found


def refused(sql: str, policy: Policy) -> Denied:
    found = query.check(sql, policy)
    assert isinstance(found, Denied), found
    return found


@pytest.fixture
def policy() -> Policy:
    return Policy.from_json(private.document())


@pytest.mark.parametrize("grain", ["week", "month", "quarter", "year"])
@pytest.mark.parametrize(
    ("low", "high"), [("", ""), ("2025-03-01", ""), ("", "2025-08-01"), ("2025-06-01", "2025-07-01")]
)
def test_periods_are_those_the_engine_cuts_the_published_days_into(
    policy: Policy, grain: str, low: str, high: str
) -> None:
    bounds = [f"day >= '{low}'"] * bool(low) + [f"day < '{high}'"] * bool(high)
    where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    asked = accepted(f"SELECT date_trunc('{grain}', day) AS p, count(*) FROM visits{where} GROUP BY 1", policy)
    first, last = date.fromisoformat(low or "2025-02-01"), date.fromisoformat(high or "2025-12-01")
    days = [first + timedelta(days=each) for each in range((last - first).days)]
    cut = duckdb.execute(
        f"SELECT DISTINCT CAST(date_trunc('{grain}', d) AS DATE) FROM (SELECT unnest(?) AS d) ORDER BY 1", [days]
    ).fetchall()
    found = [key for (key,) in domains.groups(asked.question, policy)]
    assert found == [day for (day,) in cut] + ([] if bounds else [None])


def test_every_combination_of_public_values_is_a_group_and_missing_is_one_more(policy: Policy) -> None:
    asked = accepted("SELECT beds, urgent, count(*) FROM visits GROUP BY 1, 2", policy)
    groups = domains.groups(asked.question, policy)
    assert set(groups) == {(beds, urgent) for beds in (1, 2, None) for urgent in (True, False, None)}
    assert len(groups) == 9


def test_a_condition_leaves_the_named_values_only(policy: Policy) -> None:
    asked = accepted("SELECT ward, count(*) FROM visits WHERE ward IN ('Tây Hồ', 'Ba Đình') GROUP BY 1", policy)
    assert domains.groups(asked.question, policy) == [("Ba Đình",), ("Tây Hồ",)]


def test_a_value_that_is_not_public_is_refused_whether_or_not_the_data_have_it(policy: Policy) -> None:
    for value in ("Nơi khác", "Không đâu"):
        found = refused(f"SELECT count(*) FROM visits WHERE ward = '{value}'", policy)
        assert found.code == "W7"
        assert found.facts["allowed"] == "Ba Đình, Cầu Giấy, Tây Hồ"
        assert value not in str(found.facts)
    assert refused("SELECT count(*) FROM visits WHERE beds IN (1, 3)", policy).code == "W7"


@pytest.mark.parametrize(
    "where",
    [
        "ward = 'Tây Hồ' AND ward = 'Ba Đình'",
        "day >= '2026-01-01'",
        "day < '2025-01-01'",
        "day >= '2025-09-01' AND day < '2025-03-01'",
    ],
)  # fmt: skip
def test_conditions_that_leave_nothing_are_refused_before_they_cost(policy: Policy, where: str) -> None:
    assert refused(f"SELECT count(*) FROM visits WHERE {where}", policy).code == "W8"


def test_more_groups_than_allowed_are_refused_from_the_lists_alone() -> None:
    policy = Policy.from_json(private.document(limits={"max_groups": 11}))
    assert refused("SELECT ward, beds, count(*) FROM visits GROUP BY 1, 2", policy).code == "O4"
    accepted("SELECT beds, urgent, count(*) FROM visits GROUP BY 1, 2", policy)


def test_the_last_year_of_the_calendar_ends_the_periods() -> None:
    section = {"day": {**private.DOCUMENT["columns"]["day"], "domain": ["9999-01-01", "9999-12-01"]}}
    policy = Policy.from_json(private.document(columns=section))
    asked = accepted("SELECT date_trunc('quarter', day) AS q, count(*) FROM visits GROUP BY 1", policy)
    assert [key for (key,) in domains.groups(asked.question, policy)] == [date(9999, m, 1) for m in (1, 4, 7, 10)] + [
        None
    ]


@pytest.mark.parametrize(
    ("bounds", "decimals", "reach"),
    [((0, 1_001_000), 2, 100_100_000), ((-5, 1), 6, 5_000_000), ((0, 0.1234567), 6, 123_457), ((0, 10**15), 0, 10**15)],
)
def test_the_unit_of_a_measure_follows_from_its_bounds(bounds: tuple[float, float], decimals: int, reach: int) -> None:
    column = Column("amount", Role.MEASURE, bounds=bounds)
    assert (domains.decimals(column), domains.reach(column)) == (decimals, reach)


def test_random_questions_have_as_many_groups_as_the_gate_counted(policy: Policy) -> None:
    dice = random.Random(11)
    for _ in range(200):
        found = query.check(private.question(dice), policy)
        if isinstance(found, Denied):
            assert found.code == "W8"
            continue
        groups = domains.groups(found.question, policy)
        assert len(groups) == len(set(groups)) == domains.judge(found.question, policy)
