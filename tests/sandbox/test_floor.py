"""The floor under any data: a group is shown exactly when enough units are behind each of its numbers.

The rows of every copy are counted again one by one in Python; no SQL of ours decides what is right.
"""

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import emit, post, query, snapshot, worker
from sandbox.engines.duckdb import DuckDB
from sandbox.policy import Policy

QUESTIONS = {
    "SELECT count(*) AS n, sum(fee) AS s FROM visits": None,
    "SELECT count(*) AS n FROM visits WHERE ward IN ('a', 'b')": None,
    "SELECT avg(fee) AS a FROM visits WHERE ward = 'a'": None,
    "SELECT ward, count(*) AS n FROM visits GROUP BY ward": "ward",
    "SELECT ward, sum(fee) AS s, count(DISTINCT person) AS c FROM visits GROUP BY ward": "ward",
}
# Few persons with many rows each: at, above and below what the copy keeps of one.
people = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), max_size=10)
row_parts = st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([5, None]))


def policy(floor: int, most: int) -> Policy:
    return Policy.from_json(
        {
            "policy_id": "floor", "mode": "aggregate", "purposes": ["research"], "min_isolation_tier": 0,
            "window": {"from": "2026-01-01T00:00:00Z", "to": "2036-01-01T00:00:00Z"},
            "dataset": {"table": "visits", "unit_column": "person", "max_rows_per_unit": most},
            "columns": {
                "ward": {"role": "dim", "filter": ["=", "IN"]},
                "fee": {"role": "measure", "bounds": [0, 9], "aggregates": ["SUM", "AVG"]},
                "person": {"role": "unit", "aggregates": ["COUNT_DISTINCT"]},
            },
            "limits": {"min_group": floor},
        }
    )  # fmt: skip


def copied(folder: Path, rows: list[tuple[str, str | None, int | None]], under: Policy) -> Path:
    engine = duckdb.connect(config={"threads": 1})
    engine.execute("CREATE TABLE v (person VARCHAR, ward VARCHAR, fee INTEGER)")
    if rows:
        engine.executemany("INSERT INTO v VALUES (?, ?, ?)", rows)
    engine.execute(f"COPY v TO '{folder / 'visits.parquet'}' (FORMAT parquet)")
    return snapshot.build(folder / "visits.parquet", under, folder / "copy.parquet").path


def behind(rows: list[tuple[Any, ...]], sql: str, key: str | None) -> dict[tuple[Any, ...], int]:
    """Per group, the fewest persons that any of its numbers rests on."""
    wanted = ("a", "b") if " IN " in sql else ("a",) if "ward =" in sql else ("a", "b", None)
    there: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    with_fee: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    for ward, fee, person in rows:
        if ward in wanted:
            group = (ward,) if key else ()
            there[group].add(person)
            with_fee[group] |= set() if fee is None else {person}
    return {group: len((with_fee if "fee" in sql else there)[group]) for group in there}


@settings(max_examples=30, deadline=None)
@given(data=st.data(), floor=st.integers(2, 5), most=st.integers(1, 5))
def test_no_group_below_the_floor_is_shown_and_none_above_it_is_withheld(
    data: st.DataObject, floor: int, most: int
) -> None:
    under = policy(floor, most)
    rows = [(f"p{who}", *data.draw(row_parts)) for who, times in data.draw(people) for _ in range(times)]
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(Path(folder), rows, under)
        engine = DuckDB({"path": copy, "threads": 1, "mem_mb": 256, "spill": None})
        kept = engine.rows("SELECT ward, fee, _pu FROM snap")
        for sql, key in QUESTIONS.items():
            asked = query.check(sql, under)
            assert isinstance(asked, query.Accepted)
            answer = worker._ask(engine, asked.sql, asked.exact_sql, post.plan(asked.question, under))
            shown = {tuple(row[: len(asked.question.keys)]) for row in answer["rows"]}
            people_behind = behind(kept, sql, key)
            assert shown == {group for group, count in people_behind.items() if count >= floor}, (sql, people_behind)


@pytest.mark.parametrize("rows", [0, 1, 4, 5, 9, 10])
def test_rows_alone_prove_the_floor_only_where_no_fewer_persons_can_have_them(rows: int) -> None:
    asked = query.check("SELECT count(*) AS n FROM visits", under := policy(floor=4, most=3))
    assert isinstance(asked, query.Accepted)
    how = post.plan(asked.question, under)
    assert emit.enough(asked.question, under) == 10  # three persons have nine rows at most
    assert post.proven((rows, 0, rows), {}, how) == (rows >= 10)
