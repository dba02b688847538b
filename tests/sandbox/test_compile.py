"""From a contract and a certificate to a policy: each clause moves its field, and a refusal names it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from sandbox import context, query
from sandbox.clauses import quoted
from sandbox.compile import Agreed, Data, compile
from sandbox.context import Context
from sandbox.denials import Denied
from sandbox.draft import ColumnProfile, draft
from sandbox.policy import Policy
from sandbox.trial import Event, EventKind, Trial
from sandbox.words import say

VN = timezone(timedelta(hours=7))
NOW = datetime(2026, 12, 15, 3, tzinfo=UTC)
DATA = Data("logistics", "TC")
NAMES = {
    **{"parties": "1", "data": "2", "licence": "4", "starts": "5", "ends": "5", "purpose": "6", "delivery": "13"},
    **{"min_group": "13", "max_queries": "13", "personal": "14", "security": "15", "stop": "18", "trial": "22"},
}
AGREED = Agreed(
    contract="01KX", digest="sha256:" + "ab" * 32, provider="seller", buyer="buyer",
    starts=datetime(2026, 12, 1, tzinfo=VN), ends=datetime(2027, 6, 1, tzinfo=VN), purpose="Dự báo", territory=("VN",),
    min_group=25, max_queries=40, clauses=NAMES, numbers=tuple(str(number) for number in range(1, 23)),
)  # fmt: skip
TRIAL = Trial("01", "UBND", date(2026, 11, 1), date(2027, 10, 31), ("logistics",), ("TC",))


def base(**changes: Any) -> dict[str, Any]:
    profile = [ColumnProfile("hub", "VARCHAR", 5), ColumnProfile("weight", "BIGINT", 900, 0, 1900)]
    made = draft(profile, policy_id="p", starts=NOW, ends=NOW + timedelta(days=1), purposes=["evaluation"])
    return made | changes


def compiled(agreed: Agreed | None = AGREED, trial: Trial | None = TRIAL, **changes: Any) -> Policy:
    return Policy.from_json(compile(base(**changes), DATA, trial, NOW, agreed))


def test_the_policy_of_a_contract_in_a_trial_word_for_word() -> None:
    document = compile(base(), DATA, TRIAL, NOW, AGREED)
    assert document["clauses"] == {
        "budgets.queries_per_day": "13",
        "budgets.queries_total": "13",
        "buyer": "1",
        "columns": "14",
        "contract_hash": "1",
        "contract_id": "1",
        "dataset": "2",
        "export_ban": "13",
        "limits.min_group": "13",
        "min_isolation_tier": "15",
        "mode": "4",
        "output.view_only": "13",
        "provider": "1",
        "purposes": "6",
        "state": "18",
        "window": "5",
    }
    assert document["unenforced"] == ["3", "7", "8", "9", "10", "11", "12", "16", "17", "19", "20", "21"]
    assert document["window"] == {"from": "2026-12-01T00:00:00+07:00", "to": "2027-06-01T00:00:00+07:00"}
    assert (document["purposes"], document["provider"], document["buyer"]) == (["Dự báo"], "seller", "buyer")
    assert document["budgets"] == {
        "queries_total": 40, "queries_per_day": 40, "requests_total": 400, "concurrent": 2,
    }  # fmt: skip
    assert document["limits"]["min_group"] == 25


def test_no_clause_disappears() -> None:
    for trial in (TRIAL, None):
        policy = compiled(trial=trial)
        behind = {clause for clause in policy.clauses.values() if not clause.startswith("trial:")}
        judged = {"22"} if trial else set()  # the rules of the trial judge every question
        assert behind | set(policy.unenforced) | judged == set(AGREED.numbers)
        assert not behind & set(policy.unenforced)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"starts": datetime(2026, 12, 10, tzinfo=VN)}, "window"),
        ({"ends": datetime(2027, 1, 1, tzinfo=VN)}, "window"),
        ({"purpose": "Khác"}, "purposes"),
        ({"min_group": 60}, "limits"),
        ({"max_queries": 7}, "budgets"),
        ({"buyer": "else"}, "buyer"),
        ({"provider": "else"}, "provider"),
        ({"digest": "sha256:" + "cd" * 32}, "contract_hash"),
        ({"territory": ("SG",)}, "state"),
    ],
)
def test_every_term_moves_its_field_and_nothing_else(change: dict[str, Any], field: str) -> None:
    before = compile(base(), DATA, TRIAL, NOW, AGREED)
    after = compile(base(), DATA, TRIAL, NOW, replace(AGREED, **change))
    assert {key for key in after if after[key] != before[key]} - {"clauses"} == {field}


@pytest.mark.parametrize(
    ("change", "code", "clause"),
    [
        ({"now": datetime(2026, 11, 30, 16, 59, 59, tzinfo=UTC)}, "X1", "5"),
        ({"now": datetime(2027, 5, 31, 17, tzinfo=UTC)}, "X1", "5"),
        ({"purpose": "evaluation"}, "X3", "6"),
        ({"buyer": "stranger"}, "X4", "1"),
        ({"queries_left": 0}, "B1", "13"),
        ({"output": "csv"}, "E1", "13"),
    ],
)
def test_a_refusal_quotes_the_clause_it_rests_on(change: dict[str, Any], code: str, clause: str) -> None:
    fits: dict[str, Any] = {"now": NOW, "purpose": "Dự báo", "buyer": "buyer"}
    policy = compiled()
    assert context.judge(policy, Context(**fits)) == ()
    (denied,) = context.judge(policy, Context(**fits | change))
    assert (denied.code, denied.facts["clause"]) == (code, clause)
    assert f"(clause {clause} of the contract)." in say(denied, "en")
    assert f"(Điều {clause} của Hợp đồng)." in say(denied, "vi")


def test_the_gate_quotes_clauses_for_single_rows_and_for_what_is_held_back() -> None:
    policy = compiled()
    denied = query.check("SELECT hub FROM data", policy)
    assert isinstance(denied, Denied)
    assert (denied.code, denied.facts["clause"]) == ("A0", "4")
    assert quoted(Denied("K1"), policy).facts["clause"] == "13"


def test_the_certificate_cuts_the_term_and_is_quoted_for_it() -> None:
    short = replace(TRIAL, valid_to=date(2026, 12, 31))
    policy = compiled(trial=short)
    assert policy.window.ends == datetime(2027, 1, 1, tzinfo=VN)
    assert (policy.clause("window.from"), policy.clause("window.to")) == ("5", "trial:T2")
    late = Context(now=datetime(2027, 1, 1, 1, tzinfo=VN), purpose="Dự báo", buyer="buyer")
    (denied,) = context.judge(policy, late)
    assert "rule T2 of the controlled trial" in say(denied, "en")


@pytest.mark.parametrize(
    ("trial", "territory", "state", "rule"),
    [
        (TRIAL, ("SG",), "closed", "trial:T7"),
        (replace(TRIAL, sectors=("finance",)), ("VN",), "closed", "trial:T8"),
        (replace(TRIAL, classes=("GT",)), ("VN",), "closed", "trial:T8"),
        (replace(TRIAL, events=(Event(EventKind.SUSPENDED, NOW),)), ("VN",), "paused", "trial:T16"),
        (replace(TRIAL, events=(Event(EventKind.TERMINATED, NOW),)), ("VN",), "killed", "trial:T17"),
    ],
)
def test_what_the_certificate_does_not_cover_is_not_open(
    trial: Trial, territory: tuple[str, ...], state: str, rule: str
) -> None:
    policy = compiled(replace(AGREED, territory=territory), trial)
    assert (policy.state, policy.clause("state")) == (state, rule)
    found = context.judge(policy, Context(now=NOW, purpose="Dự báo", buyer="buyer"))
    assert [(each.code, each.facts["clause"]) for each in found] == [("X2", rule)]


def test_a_clause_that_is_looser_than_the_draft_decides_nothing_and_is_not_quoted() -> None:
    limits = base()["limits"] | {"min_group": 50}
    policy = compiled(limits=limits)
    assert (policy.limits.min_group, policy.clause("limits.min_group")) == (50, None)
    assert "13" not in policy.unenforced


def test_without_a_number_in_the_contract_no_clause_counts_questions() -> None:
    policy = compiled(replace(AGREED, max_queries=None))
    assert (policy.budgets.queries_total, policy.clause("budgets.queries_total")) == (1_000_000, None)


def test_a_room_for_trying_rests_on_the_rules_of_the_trial_alone() -> None:
    start, end = (datetime(2026, 11, 1, tzinfo=VN).isoformat(), datetime(2027, 11, 1, tzinfo=VN).isoformat())
    policy = compiled(None, window={"from": start, "to": end})
    assert dict(policy.clauses) == {
        "export_ban": "trial:X30", "output.view_only": "trial:X30", "purposes": "trial:X30",
        "window.from": "trial:T2", "window.to": "trial:T2",
    }  # fmt: skip
    assert policy.unenforced == ()
