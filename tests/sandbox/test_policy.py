"""A policy is read whole or refused."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox import context, query
from sandbox.context import Context
from sandbox.denials import Denied, PolicyRefused
from sandbox.draft import ColumnProfile, draft, public_bounds
from sandbox.policy import Limits, Mode, Policy, Privacy, Role
from sandbox.words import say

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def at(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    *parents, last = path.split(".")
    spot = changed
    for parent in parents:
        spot = spot[parent]
    spot[last] = value
    return changed


def test_the_same_document_has_the_same_hash_whatever_its_key_order(sales_document: dict[str, Any]) -> None:
    backwards = dict(reversed(sales_document.items()))
    assert Policy.from_json(backwards).hash == Policy.from_json(sales_document).hash


def test_any_change_changes_the_hash(sales_document: dict[str, Any]) -> None:
    changed = at(sales_document, "limits.min_group", 11)
    assert Policy.from_json(changed).hash != Policy.from_json(sales_document).hash


@pytest.mark.parametrize(
    "path", ["x", "dataset.x", "columns.amount.x", "limits.x", "budgets.x", "output.x", "window.x"]
)
def test_an_unknown_key_refuses(sales_document: dict[str, Any], path: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        Policy.from_json(at(sales_document, path, 1))
    assert refused.value.code == "POLICY_UNKNOWN_KEY"
    assert refused.value.denied.facts["key"] == path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("limits.min_group", 1),
        ("limits.min_group", True),
        ("limits.max_rows", "1000"),
        ("limits.max_rows", -1),
        ("columns.amount.bounds", [5, 1]),
        ("columns.amount.bounds", None),
        ("columns.amount.bounds", [0, 10**16]),
        ("columns.amount.role", "secret"),
        ("columns.province.filter", ["LIKE"]),
        ("columns.amount.aggregates", ["MAX"]),
        ("columns.sold_at.grain", ["second"]),
        ("columns._pu", {"role": "dim"}),
        ("columns.PROVINCE", {"role": "dim"}),
        ("dataset.table", 'x"; --'),
        ("dataset.unit_column", "phone"),
        ("dataset.unit_column", None),
        ("window.from", "2026-01-01T00:00:00"),
        ("window.to", "2020-01-01T00:00:00Z"),
        ("export_ban", "yes"),
        ("version", 0),
        ("output.round_to", 0),
        ("columns.sector.domain", ["retail", 7]),
        ("columns.sector.domain", ["retail", "retail"]),
        ("columns.sector.domain", []),
        ("columns.sold_at.domain", ["2023-01-01"]),
        ("columns.sold_at.domain", ["2023-01-02", "2026-01-01"]),
        ("columns.sold_at.domain", ["2026-01-01", "2023-01-01"]),
        ("clauses", {"limits.min_group": 13}),
        ("clauses", {"limits.min_group": "trial:13"}),
        ("clauses", {"limits.no_such": "13"}),
        ("unenforced", ["twenty-one"]),
    ],
)
def test_a_wrong_value_refuses(sales_document: dict[str, Any], path: str, value: Any) -> None:
    with pytest.raises(PolicyRefused) as refused:
        Policy.from_json(at(sales_document, path, value))
    assert refused.value.code == "POLICY_INVALID"


@pytest.mark.parametrize(
    ("path", "value"),
    [("mode", "template"), ("templates", [{}]), ("joins", [{}]), ("dp", {"threshold": 5}), ("functions", ["upper"])],
)
def test_what_cannot_be_enforced_refuses_instead_of_being_ignored(
    sales_document: dict[str, Any], path: str, value: Any
) -> None:
    with pytest.raises(PolicyRefused) as refused:
        Policy.from_json(at(sales_document, path, value))
    assert refused.value.code == "POLICY_NOT_ENFORCEABLE"


def test_the_trial_policy_of_today_reads_as_it_always_did(sales_policy: Policy) -> None:
    assert sales_policy.mode is Mode.AGGREGATE
    assert sales_policy.dp is None
    assert sales_policy.output.round_to == 1
    assert (dict(sales_policy.clauses), sales_policy.unenforced) == ({}, ())


def private(document: dict[str, Any]) -> dict[str, Any]:
    """The sales policy in privacy mode: every key that may be grouped by has public values."""
    document = at(document, "mode", "aggregate_dp")
    document["dp"] = {"mechanism": "discrete_laplace", "threshold": 30, "rounding": 5}
    for name, domain in (
        ("province", ["P00", "P01"]), ("district", ["D1", "TINY"]), ("sold_at", ["2023-01-01", "2026-01-01"])
    ):  # fmt: skip
        document["columns"][name]["domain"] = domain
    return document


def test_privacy_mode_reads_its_noise_and_its_public_values(sales_document: dict[str, Any]) -> None:
    policy = Policy.from_json(private(sales_document))
    assert policy.dp == Privacy("discrete_laplace", 30, 5)
    assert policy.columns["sold_at"].domain == ("2023-01-01", "2026-01-01")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("budgets.epsilon_total_micro", 0),
        ("budgets.epsilon_per_query_micro", 0),
        ("columns.district.domain", None),
        ("columns.province.domain", "published_list"),
        ("columns.sold_at.domain", None),
        ("dp.mechanism", "laplace"),
        ("dp.rounding", 0),
    ],
)
def test_privacy_mode_refuses_what_would_make_its_promise_false(
    sales_document: dict[str, Any], path: str, value: Any
) -> None:
    with pytest.raises(PolicyRefused) as refused:
        Policy.from_json(at(private(sales_document), path, value))
    assert (refused.value.code, refused.value.denied.facts["key"]) == ("POLICY_INVALID", path)


def test_an_unknown_key_of_the_noise_refuses(sales_document: dict[str, Any]) -> None:
    with pytest.raises(PolicyRefused) as refused:
        Policy.from_json(at(private(sales_document), "dp.sigma", 1))
    assert refused.value.code == "POLICY_UNKNOWN_KEY"


CLAUSED = {"limits.max_in": "13", "columns.phone": "16", "purposes": "6", "window.to": "trial:T2", "mode": "10"}


@pytest.mark.parametrize(
    ("sql", "code", "clause", "words"),
    [
        ("SELECT COUNT(*) FROM sales WHERE province IN (" + ",".join(f"'{n}'" for n in range(51)) + ")", "W4", "13",
         ("Điều 13 của Hợp đồng", "clause 13 of the contract")),
        ("SELECT phone, COUNT(*) FROM sales GROUP BY phone", "C3", "16", ("Điều 16", "clause 16")),
        ("SELECT province FROM sales", "A0", "10", ("Điều 10", "clause 10")),
        ("SELECT COUNT(*) FROM sales LIMIT ALL", "S6", None, ("", "")),
    ],
)  # fmt: skip
def test_a_refusal_of_the_gate_quotes_the_clause_it_rests_on(
    variant: Callable[..., Policy], sql: str, code: str, clause: str | None, words: tuple[str, str]
) -> None:
    denied = query.check(sql, variant(clauses=CLAUSED))
    assert isinstance(denied, Denied)
    assert (denied.code, denied.facts.get("clause")) == (code, clause)
    assert words[0] in say(denied, "vi")
    assert words[1] in say(denied, "en")


def test_a_refusal_of_the_circumstances_quotes_contract_or_trial(variant: Callable[..., Policy]) -> None:
    policy = variant(clauses=CLAUSED)
    late, early = datetime(2037, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    assert [each.facts.get("clause") for each in context.judge(policy, fits(policy, now=late))] == ["trial:T2"]
    assert [each.facts.get("clause") for each in context.judge(policy, fits(policy, now=early))] == [None]
    (denied,) = context.judge(policy, fits(policy, purpose="marketing"))
    assert "clause 6 of the contract" in say(denied, "en")
    (denied,) = context.judge(policy, fits(policy, now=late))
    assert "rule T2 of the controlled trial" in say(denied, "en")
    assert "quy tắc T2" in say(denied, "vi")


def test_a_section_lends_its_clause_to_its_fields(variant: Callable[..., Policy]) -> None:
    policy = variant(clauses={"limits": "13"}, unenforced=["21", "7"])
    assert (policy.clause("limits.min_group"), policy.clause("budgets.concurrent")) == ("13", None)
    assert policy.unenforced == ("21", "7")


def test_missing_limits_take_the_strictest_default(sales_document: dict[str, Any]) -> None:
    bare = {
        key: value for key, value in sales_document.items() if key not in ("limits", "budgets", "min_isolation_tier")
    }
    policy = Policy.from_json(bare)
    assert policy.limits == Limits()
    assert policy.limits.min_group > Policy.from_json(sales_document).limits.min_group
    assert policy.min_isolation_tier == 1


def test_the_floor_is_the_strictest_of_the_columns_used(variant: Callable[..., Policy]) -> None:
    policy = variant(limits={"k_per_column": {"sector": 30}})
    assert policy.floor(frozenset({"province"})) == 10
    assert policy.floor(frozenset({"province", "sector"})) == 30


def fits(policy: Policy, **changes: Any) -> Context:
    return Context(**{"now": NOW, "purpose": "site_selection", "policy_hash": policy.hash, **changes})


def test_a_question_in_its_circumstances_passes(sales_policy: Policy) -> None:
    assert context.judge(sales_policy, fits(sales_policy)) == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"now": datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)}, "X1"),
        ({"now": datetime(2036, 1, 1, tzinfo=UTC)}, "X1"),
        ({"purpose": None}, "X3"),
        ({"purpose": "marketing"}, "X3"),
        ({"policy_hash": "sha256:old"}, "X5"),
        ({"queries_left": 0}, "B1"),
        ({"queries_left_today": 0}, "B2"),
        ({"running": 2}, "B4"),
        ({"output": "csv"}, "E1"),
    ],
)
def test_each_circumstance_has_its_own_refusal(sales_policy: Policy, changes: dict[str, Any], code: str) -> None:
    assert [denied.code for denied in context.judge(sales_policy, fits(sales_policy, **changes))] == [code]


def test_window_begins_with_its_first_instant_and_excludes_its_last(sales_policy: Policy) -> None:
    window = sales_policy.window
    assert context.judge(sales_policy, fits(sales_policy, now=window.starts)) == ()
    assert context.judge(sales_policy, fits(sales_policy, now=window.ends - timedelta(microseconds=1))) == ()


@pytest.mark.parametrize("state", ["paused", "killed", "closed"])
def test_only_an_open_room_answers(variant: Callable[..., Policy], state: str) -> None:
    policy = variant(state=state)
    assert [denied.code for denied in context.judge(policy, fits(policy))] == ["X2"]


def test_only_the_named_buyer_and_people_ask(variant: Callable[..., Policy]) -> None:
    policy = variant(buyer="org-1", people=["lan"])
    assert [denied.code for denied in context.judge(policy, fits(policy, buyer="org-2", person="lan"))] == ["X4"]
    assert [denied.code for denied in context.judge(policy, fits(policy, buyer="org-1", person="an"))] == ["X4"]
    assert context.judge(policy, fits(policy, buyer="org-1", person="lan")) == ()


PROFILE = [
    ColumnProfile("Mã khách", "VARCHAR", 20_000),
    ColumnProfile("Tỉnh/Thành", "VARCHAR", 34),
    ColumnProfile("Điện thoại", "VARCHAR", 19_999),
    ColumnProfile("Doanh thu", "DOUBLE", 9_000, 0.5, 1000.0),
    ColumnProfile("Số lượng", "BIGINT", 5_000, 1, 900),
    ColumnProfile("Hạng", "INTEGER", 5, 1, 5),
    ColumnProfile("Hoạt động", "BOOLEAN", 2),
    ColumnProfile("Ngày bán", "TIMESTAMP", 9_000),
    ColumnProfile("toạ độ", "STRUCT(x DOUBLE)", 9_000),
    ColumnProfile("vô hạn", "DOUBLE", 9_000, None, None),
    ColumnProfile("order", "VARCHAR", 3),
]


def test_a_drafted_policy_is_safe_and_loads() -> None:
    document = draft(
        PROFILE,
        policy_id="room-1",
        starts=NOW,
        ends=NOW + timedelta(days=30),
        purposes=["site_selection"],
        unit_column="Mã khách",
    )
    policy = Policy.from_json(document)
    roles = {name: column.role for name, column in policy.columns.items()}
    assert roles == {
        "ma_khach": Role.UNIT,
        "tinh_thanh": Role.DIM,
        "dien_thoai": Role.FORBIDDEN,
        "doanh_thu": Role.MEASURE,
        "so_luong": Role.MEASURE,
        "hang": Role.DIM,
        "hoat_dong": Role.DIM,
        "ngay_ban": Role.TIME,
        "toa_do": Role.FORBIDDEN,
        "vo_han": Role.FORBIDDEN,
        "c_order": Role.DIM,
    }
    assert policy.columns["tinh_thanh"].source == "Tỉnh/Thành"
    assert policy.unit_column == "Ma_khach"


def test_a_draft_without_unit_says_so() -> None:
    document = draft(PROFILE, policy_id="r", starts=NOW, ends=NOW + timedelta(days=1), purposes=[])
    assert document["dataset"]["unit_column"] is None
    assert Policy.from_json(document).unit_column is None


def test_a_draft_needs_its_unit_column_to_exist() -> None:
    with pytest.raises(ValueError, match="unit column"):
        draft(PROFILE, policy_id="r", starts=NOW, ends=NOW, purposes=[], unit_column="nobody")


@pytest.mark.parametrize(
    ("measured", "bounds"),
    [
        ((3, 987), (2, 1000)),
        ((0, 1), (0, 1)),
        ((-37, 0), (-50, 0)),
        ((0.03, 4.5), (0.02, 5)),
        ((2000, 2000), (2000, 2000)),
        ((-5, -3), (-5, -2)),
        ((1, 10**15), (1, 10**15)),
    ],
)
def test_a_drafts_bounds_are_round_numbers_around_the_extremes(
    measured: tuple[float, float], bounds: tuple[float, float]
) -> None:
    assert public_bounds(*measured) == bounds
