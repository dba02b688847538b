"""The synthetic twin: the shape of a snapshot, the public facts of a policy, and nothing of anybody."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox import snapshot, twin
from sandbox.denials import Denied
from sandbox.draft import ColumnProfile, draft
from sandbox.policy import Policy
from sandbox.runner import Answer, Runner

PROVINCES = ["Hà Nội", "Đà Nẵng", "Cần Thơ"]
SOURCE = """
    SELECT ['Secret A', 'Secret B', 'Secret C'][1 + i % 3] AS hub, ['Hà Nội', 'Đà Nẵng'][1 + i % 2] AS province,
           i % 4 AS grade, i % 2 = 0 AS urgent, DATE '2025-01-01' + CAST(i % 300 AS INTEGER) AS day,
           i % 50 AS parcels, (i % 97) / 3 AS weight, 'KH' || (i % 700) AS customer
    FROM range(3000) t(i)
"""


def policy(**changes: Any) -> Policy:
    profile = [
        ColumnProfile("hub", "VARCHAR", 3), ColumnProfile("province", "VARCHAR", 2),
        ColumnProfile("grade", "BIGINT", 4), ColumnProfile("urgent", "BOOLEAN", 2), ColumnProfile("day", "DATE", 300),
        ColumnProfile("parcels", "BIGINT", 60, 0, 49), ColumnProfile("weight", "DOUBLE", 97, 0, 32.5),
        ColumnProfile("customer", "VARCHAR", 700),
    ]  # fmt: skip
    made = draft(profile, policy_id="p", starts=datetime(2026, 11, 1, tzinfo=UTC),
                 ends=datetime(2026, 12, 1, tzinfo=UTC), purposes=["evaluation"], unit_column="customer")  # fmt: skip
    made["columns"]["province"]["domain"] = PROVINCES
    for name, entry in changes.items():
        made["columns"][name] |= entry
    return Policy.from_json(made)


def described(path: Path) -> list[tuple[str, str]]:
    return [(str(r[0]), str(r[1])) for r in duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()]


def values(path: Path, column: str) -> list[Any]:
    return [r[0] for r in duckdb.sql(f"SELECT DISTINCT \"{column}\" FROM read_parquet('{path}') ORDER BY 1").fetchall()]


def test_the_twin_has_the_columns_of_the_snapshot(tmp_path: Path) -> None:
    duckdb.sql(f"COPY ({SOURCE}) TO '{tmp_path / 'source.parquet'}' (FORMAT parquet)")
    snapshot.build(tmp_path / "source.parquet", policy(), tmp_path / "real.parquet")
    twin.write(policy(), tmp_path / "twin.parquet", seed=1)
    real, made = described(tmp_path / "real.parquet"), described(tmp_path / "twin.parquet")
    assert [name for name, _ in made] == [name for name, _ in real]
    kinds = [(kind.split("(")[0], other.split("(")[0]) for (_, kind), (_, other) in zip(real, made, strict=True)]
    assert [pair for pair in kinds if pair[0] != pair[1]] == []


def test_values_are_the_public_ones_or_invented(tmp_path: Path) -> None:
    path = tmp_path / "twin.parquet"
    twin.write(policy(), path, seed=1)
    assert values(path, "province") == sorted(PROVINCES)
    assert set(values(path, "hub")) <= {f"hub {number}" for number in range(1, twin.VALUES + 1)}
    assert min(values(path, "parcels")) >= 0
    assert 32.5 < max(values(path, "weight")) <= 50, "up to the bound that the policy names, not to the largest value"
    assert {day.day for day in values(path, "day")} == {1}, "cut to months, as the snapshot cuts them"


def test_a_public_period_bounds_the_days(tmp_path: Path) -> None:
    path = tmp_path / "twin.parquet"
    document = policy()
    column = document.columns["day"]
    object.__setattr__(column, "domain", ("2023-02-01", "2023-04-01"))
    twin.write(document, path, seed=1)
    assert [str(day) for day in values(path, "day")] == ["2023-02-01", "2023-03-01"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    first, again, other = (twin.write(policy(), tmp_path / "t.parquet", seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert sorted(each.name for each in tmp_path.iterdir()) == ["t.parquet"]


def test_nobody_has_more_rows_than_the_policy_allows(tmp_path: Path) -> None:
    path = tmp_path / "twin.parquet"
    twin.write(policy(), path, seed=1)
    most = duckdb.sql(f"SELECT max(n) FROM (SELECT count(*) n FROM read_parquet('{path}') GROUP BY _pu)").fetchall()
    assert most == [(twin.PER_UNIT,)]


@pytest.fixture(scope="module")
def runner() -> Any:
    with Runner(time_buckets=()) as made:
        yield made


def test_questions_go_the_very_same_way_as_on_real_rows(tmp_path: Path, runner: Runner) -> None:
    path = tmp_path / "twin.parquet"
    twin.write(policy(), path, seed=1)
    answer = runner.run(policy(), path, "SELECT province, COUNT(*) AS n FROM data GROUP BY province ORDER BY n DESC")
    assert isinstance(answer, Answer)
    assert sum(int(row[1]) for row in answer.rows) == twin.ROWS  # type: ignore[arg-type]
    refused = runner.run(policy(), path, "SELECT customer FROM data")
    assert isinstance(refused, Denied)
