"""Two policies become one that allows what both allow."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.denials import PolicyRefused
from sandbox.merge import merge
from sandbox.policy import GRAINS, Policy

PROVINCES = ["P00", "P01", "P02", "P03"]


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True, min_size=1)


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


NUMBER = st.integers(0, 500)
DIM = st.fixed_dictionaries(
    {"role": st.just("dim"), "domain": some(PROVINCES)},
    optional={"filter": some(["=", "IN"]), "min_units_for_value": NUMBER, "type": st.just("text")},
)
TIME = st.fixed_dictionaries(
    {"role": st.just("time"), "domain": st.sampled_from([["2023-01-01", "2026-01-01"], ["2024-03-01", "2025-01-01"]])},
    optional={"grain": some(list(GRAINS)), "literal_step": st.sampled_from(GRAINS), "filter": some([">=", "<"])},
)
MEASURE = st.fixed_dictionaries(
    {"role": st.just("measure"), "bounds": st.tuples(st.integers(-9, 0), st.integers(1, 9)).map(list)},
    optional={"aggregates": some(["SUM", "AVG"])},
)
UNIT = {"role": "unit", "aggregates": ["COUNT_DISTINCT"]}
FORBIDDEN = st.just({"role": "forbidden"})


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Policies over one table whose rows are counted by customer, or singly."""
    unit = draw(st.booleans())
    columns: dict[str, Any] = {"customer": UNIT if unit else {"role": "forbidden"}}
    for name, kind in (("province", DIM), ("district", DIM), ("sold_at", TIME), ("amount", MEASURE)):
        entry = draw(st.one_of(kind, kind, FORBIDDEN, st.none()))
        columns |= {name: entry} if entry else {}
    noisy = draw(st.booleans())
    document: dict[str, Any] = {
        "policy_id": "p",
        "version": 1,
        "mode": "aggregate_dp" if noisy else "aggregate",
        "window": {"from": draw(st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T08:00:00+07:00"])),
                   "to": draw(st.sampled_from(["2026-06-01T00:00:00Z", "2027-01-01T00:00:00+00:00"]))},
        "dataset": {"table": "sales", "max_rows_per_unit": draw(st.integers(1, 9)),
                    **({"unit_column": "customer"} if unit else {})},
        "columns": columns,
        "limits": draw(maybe(min_group=st.integers(2, 90), max_rows=NUMBER, max_in=NUMBER)),
        "budgets": draw(maybe(queries_total=NUMBER, requests_total=NUMBER, overlap_history=NUMBER)),
        "output": draw(maybe(view_only=st.booleans(), watermark=st.booleans(), round_to=st.integers(1, 50))),
        **draw(maybe(state=st.sampled_from(["open", "paused", "killed", "closed"]), export_ban=st.booleans(),
                     purposes=some(["a", "b", "c"]), min_isolation_tier=st.integers(0, 2),
                     unenforced=some(["3", "12", "21"]), resources=maybe(wall_s=NUMBER, threads=NUMBER))),
    }  # fmt: skip
    if noisy:
        document["budgets"] |= {"epsilon_total_micro": draw(st.integers(1, 9)), "epsilon_per_query_micro": 1}
        document["dp"] = draw(maybe(threshold=NUMBER, rounding=st.integers(1, 9)))
    return document


def looser(policy: Policy, than: Policy) -> list[str]:
    """Where `policy` allows what `than` does not; written without the table that merging goes by."""
    found = [
        *(name for name in ("min_group",) if getattr(policy.limits, name) < getattr(than.limits, name)),
        *(name for name in ("max_rows", "max_in", "max_cols", "max_preds", "max_groups", "max_sql_bytes")
          if getattr(policy.limits, name) > getattr(than.limits, name)),
        *(name for name in ("queries_total", "queries_per_day", "requests_total", "concurrent")
          if getattr(policy.budgets, name) > getattr(than.budgets, name)),
        *(name for name in ("mem_mb", "wall_s", "cpu_s", "threads")
          if getattr(policy.resources, name) > getattr(than.resources, name)),
    ]  # fmt: skip
    if than.dp is not None:
        if policy.dp is None or policy.dp.threshold < than.dp.threshold or policy.dp.rounding < than.dp.rounding:
            found.append("dp")
        if policy.budgets.epsilon_total_micro > than.budgets.epsilon_total_micro:
            found.append("epsilon")
    if policy.window.starts < than.window.starts or policy.window.ends > than.window.ends:
        found.append("window")
    if not set(policy.purposes) <= set(than.purposes) or policy.min_isolation_tier < than.min_isolation_tier:
        found.append("purposes or tier")
    if (than.state != "open" and policy.state == "open") or (than.export_ban and not policy.export_ban):
        found.append("state or export")
    if than.output.round_to > policy.output.round_to or (than.output.view_only and not policy.output.view_only):
        found.append("output")
    if policy.max_rows_per_unit > than.max_rows_per_unit or (than.unit_column and not policy.unit_column):
        found.append("unit")
    return found + [name for name in policy.columns if _column_looser(policy, than, name)]


def _column_looser(policy: Policy, than: Policy, name: str) -> bool:
    ours, theirs = policy.columns[name], than.columns.get(name)
    if ours.role.value in ("forbidden", "unit"):
        return bool(ours.aggregates and (theirs is None or not ours.aggregates <= theirs.aggregates))
    if theirs is None or theirs.role is not ours.role:
        return True
    if ours.bounds and theirs.bounds and (ours.bounds[0] < theirs.bounds[0] or ours.bounds[1] > theirs.bounds[1]):
        return True
    wider = not ours.filters <= theirs.filters or not ours.aggregates <= theirs.aggregates
    finer = not set(ours.grain) <= set(theirs.grain) or GRAINS.index(ours.literal_step) < GRAINS.index(
        theirs.literal_step
    )
    return wider or finer or ours.min_units_for_value < theirs.min_units_for_value


@given(documents(), documents())
def test_what_is_merged_is_nowhere_looser_than_either(a: dict[str, Any], b: dict[str, Any]) -> None:
    merged = Policy.from_json(merge(a, b))
    assert looser(merged, Policy.from_json(a)) == []
    assert looser(merged, Policy.from_json(b)) == []


@given(documents(), documents())
def test_the_order_of_merging_does_not_matter(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert merge(a, b) == merge(b, a)


@given(documents(), documents())
def test_merging_again_changes_nothing(a: dict[str, Any], b: dict[str, Any]) -> None:
    merged = merge(a, b)
    assert merge(merged, merged) == merge(merged, a) == merge(b, merged) == merged


def test_a_policy_merged_with_itself_allows_what_it_allowed(sales_document: dict[str, Any]) -> None:
    merged, same = Policy.from_json(merge(sales_document, sales_document)), Policy.from_json(sales_document)
    assert looser(same, merged) == looser(merged, same) == []
    assert list(merged.columns) == list(same.columns)
    assert [column.role for column in merged.columns.values()] == [column.role for column in same.columns.values()]


def changed(document: dict[str, Any], **sections: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    for key, value in sections.items():
        made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
    return made


def test_a_field_keeps_the_clause_of_whoever_is_stricter(sales_document: dict[str, Any]) -> None:
    ours = changed(sales_document, limits={"min_group": 30}, clauses={"limits.min_group": "13", "purposes": "6"})
    theirs = changed(sales_document, limits={"min_group": 20}, clauses={"limits.min_group": "trial:T9", "state": "18"})
    theirs["state"] = "open"
    merged = Policy.from_json(merge(ours, theirs))
    assert dict(merged.clauses) == {"limits.min_group": "13", "purposes": "6", "state": "18"}


def test_of_two_clauses_behind_one_value_the_contract_is_quoted(sales_document: dict[str, Any]) -> None:
    ours, theirs = (changed(sales_document, clauses={"window.to": each}) for each in ("trial:T2", "5"))
    assert merge(ours, theirs)["clauses"] == merge(theirs, ours)["clauses"] == {"window.to": "5"}


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ({"buyer": "a"}, {"buyer": "b"}, "buyer"),
        ({"people": ["lan"]}, {"people": ["an"]}, "people"),
        ({"dataset": {"sha256": "x"}}, {"dataset": {"sha256": "y"}}, "dataset.sha256"),
        ({"window": {"to": "2026-02-01T00:00:00Z"}}, {"window": {"from": "2026-02-01T07:00:00+07:00"}}, "window"),
        ({"columns": {"amount": {"role": "forbidden"}}},
         {"columns": {"amount": {"role": "forbidden", "source": "x"}}}, "columns.amount.source"),
    ],
)  # fmt: skip
def test_what_cannot_be_reconciled_refuses(
    sales_document: dict[str, Any], one: dict[str, Any], other: dict[str, Any], key: str
) -> None:
    with pytest.raises(PolicyRefused) as refused:
        merge(changed(sales_document, **one), changed(sales_document, **other))
    assert (refused.value.code, refused.value.denied.facts["key"]) == ("POLICY_CONFLICT", key)
