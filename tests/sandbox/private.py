"""A small town's clinic visits with every oddity that mode aggregate_dp must survive, and a policy over them."""

import copy
import random
from pathlib import Path
from typing import Any

import duckdb

WARDS = ["Ba Đình", "Cầu Giấy", "Tây Hồ"]
DOCUMENT: dict[str, Any] = {
    "policy_id": "visits",
    "mode": "aggregate_dp",
    "min_isolation_tier": 0,
    "window": {"from": "2026-01-01T00:00:00Z", "to": "2036-01-01T00:00:00Z"},
    "purposes": ["research"],
    "dataset": {"table": "visits", "unit_column": "person", "max_rows_per_unit": 4},
    "columns": {
        "ward": {"role": "dim", "domain": WARDS, "filter": ["=", "IN"]},
        "beds": {"role": "dim", "type": "int", "domain": [1, 2], "filter": ["=", "IN"]},
        "urgent": {"role": "dim", "type": "bool", "domain": [True, False], "filter": ["="]},
        "fee": {"role": "measure", "bounds": [0, 1000], "aggregates": ["SUM", "AVG"]},
        "change": {"role": "measure", "bounds": [-50, 20], "aggregates": ["SUM", "AVG"]},
        "day": {
            "role": "time", "domain": ["2025-02-01", "2025-12-01"], "grain": ["week", "month", "quarter", "year"],
            "filter": [">=", "<"], "literal_step": "month",
        },
        "person": {"role": "unit", "aggregates": ["COUNT_DISTINCT"]},
        "phone": {"role": "forbidden"},
    },
    "limits": {"min_group": 5, "max_group_cols": 3, "max_rows": 1000, "max_groups": 2000},
    "budgets": {"queries_total": 1000, "queries_per_day": 1000, "epsilon_total_micro": 3_000_000,
                "epsilon_per_query_micro": 500_000},
    "dp": {"mechanism": "discrete_laplace", "threshold": 10, "rounding": 1},
}  # fmt: skip
STATISTICS = ["count(*)", "count(DISTINCT person)", "sum(fee)", "avg(fee)", "sum(change)", "avg(change)"]
KEYS = ["ward", "beds", "urgent", *(f"date_trunc('{grain}', day)" for grain in ("week", "month", "quarter", "year"))]
CONDITIONS = [
    "ward = 'Tây Hồ'", "ward IN ('Ba Đình', 'Cầu Giấy')", "beds = 2", "urgent = TRUE",
    "day >= '2025-05-01'", "day < '2025-09-01'", "day >= '2024-01-01'",
]  # fmt: skip


def document(**sections: dict[str, Any]) -> dict[str, Any]:
    """The policy, with some keys of some sections changed."""
    made = copy.deepcopy(DOCUMENT)
    for name, section in sections.items():
        made[name] |= section
    return made


def question(random_: random.Random) -> str:
    """A legal question of any shape; its conditions may exclude one another."""
    keys = random_.sample(KEYS, random_.choice((0, 0, 1, 1, 2)))
    shown = [*keys, *random_.sample(STATISTICS, random_.randint(1, 3))]
    where = random_.sample(CONDITIONS, random_.choice((0, 0, 1, 2)))
    text = f"SELECT {', '.join(shown)} FROM visits"
    text += f" WHERE {' AND '.join(where)}" if where else ""
    return text + (f" GROUP BY {', '.join(keys)}" if keys else "")


def write(path: Path, people: int, seed: int = 7, without: int | None = None) -> Path:
    """Visits of so many people, perhaps without one of them. Person 0 comes far too often."""
    dice = random.Random(seed)
    rows = []
    for person in range(people):
        for _ in range(40 if person == 0 else dice.choice((0, 1, 2, 3, 5, 9))):
            row = (
                f"P{person:05}",
                dice.choice([*WARDS, "Nơi khác", None]),
                dice.choice([1, 2, 3, None]),
                dice.choice([True, False, None]),
                dice.choice([0.0, 12.345, 999.99, 1e9, -5.0, float("nan"), None]),
                dice.choice([-70, -50, 0, 19, 40, None]),
                f"2025-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}T{dice.randint(0, 23):02}:30:00",
                f"09{person:08}",
            )
            if person != without:
                rows.append(row)
    engine = duckdb.connect()
    engine.execute(
        "CREATE TABLE v (person VARCHAR, ward VARCHAR, beds INTEGER, urgent BOOLEAN, fee DOUBLE, change INTEGER, "
        "day TIMESTAMP, phone VARCHAR)"
    )
    if rows:
        engine.executemany("INSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    engine.execute(f"COPY v TO '{path}' (FORMAT parquet)")
    return path
