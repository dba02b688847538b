"""A safe first policy for a listing, from what was measured about its columns. The provider may only tighten it.

Rule of thumb: few different values make a dimension, numbers a measure with bounds, dates a time;
everything else, above all text with many different values, is forbidden.
"""

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.policy import GRAINS, NAME, Budgets
from sandbox.profiles import PILOT

DIM_VALUES = 200  # a list of places or trades fits; a list of people does not
DIM_INTS = 50
ROOM_LIMITS = {
    "max_rows": PILOT.row_cap,  # X30
    "max_cols": 12,
    "max_group_cols": 3,
    "max_preds": 8,
    "max_in": 50,
    "max_sql_bytes": 8192,
    "max_tokens": 1200,
    "max_depth": 16,
    "max_literal": 128,
}
RESERVED = frozenset({"group", "order", "select", "from", "where", "limit", "having", "by", "as", "and", "or", "not"})


@dataclass(frozen=True)
class ColumnProfile:
    """What was measured about one column. `low` and `high` are its extremes where they are numbers."""

    name: str
    type: str
    distinct: int
    low: float | int | None = None
    high: float | int | None = None


def draft(
    profile: Iterable[ColumnProfile],
    *,
    policy_id: str,
    starts: datetime,
    ends: datetime,
    purposes: Iterable[str],
    table: str = "data",
    unit_column: str | None = None,
    min_group: int = 10,
    queries: int = 100,
    contract_hash: str = "",
    buyer: str = "",
    snapshot_id: str = "",
) -> dict[str, Any]:
    """A policy document that `Policy.from_json` accepts. Without a unit column the rows themselves are counted."""
    columns: dict[str, dict[str, Any]] = {}
    taken: set[str] = set()
    unit_name = None
    for column in profile:
        name = _name(column.name, taken)
        if column.name == unit_column:
            unit_name = name
            columns[name] = {"role": "unit", "source": column.name, "aggregates": ["COUNT_DISTINCT"]}
        else:
            columns[name] = {"source": column.name, **_entry(column)}
    if unit_column is not None and unit_name is None:
        raise ValueError("the unit column is not in the profile")
    return {
        "policy_id": policy_id,
        "version": 1,
        "contract_hash": contract_hash,
        "buyer": buyer,
        "mode": "aggregate",
        "min_isolation_tier": 0,
        "state": "open",
        "window": {"from": starts.isoformat(), "to": ends.isoformat()},
        "purposes": list(purposes),
        "dataset": {
            "snapshot_id": snapshot_id,
            "table": _name(table, set()),
            "unit_column": unit_name,
            "max_rows_per_unit": 50,
            "rows_public": False,
        },
        "columns": columns,
        "limits": {"min_group": min_group, **ROOM_LIMITS},
        "budgets": {
            "queries_total": queries,
            "queries_per_day": queries,
            "requests_total": 10 * queries,
            "concurrent": Budgets().concurrent + 1,
        },
        "output": {"view_only": True, "max_bytes": 262_144},
        "export_ban": True,
        "resources": {"mem_mb": 512, "cpu_s": 30, "wall_s": 10, "threads": 2, "spill_mb": 0},
    }


def _entry(column: ColumnProfile) -> dict[str, Any]:
    kind = column.type.upper()
    if kind.startswith(("BOOL",)):
        return {"role": "dim", "type": "bool", "filter": ["="]}
    if kind == "DATE" or kind.startswith(("TIMESTAMP", "DATETIME")):
        return {"role": "time", "grain": list(GRAINS[2:]), "filter": [">=", "<"], "literal_step": "month"}
    if kind.startswith(("TINYINT", "SMALLINT", "INT", "BIGINT", "HUGEINT", "UINT", "UTINY", "USMALL", "UBIG", "LONG")):
        if 0 < column.distinct <= DIM_INTS:
            return {"role": "dim", "type": "int", "filter": ["=", "IN"]}
        return _measure(column, whole=True)
    if kind.startswith(("FLOAT", "DOUBLE", "REAL", "DECIMAL", "NUMERIC", "NUMBER")):
        return _measure(column, whole=False)
    if kind.startswith(("VARCHAR", "TEXT", "STRING", "CHAR", "ENUM")) and 0 < column.distinct <= DIM_VALUES:
        return {"role": "dim", "type": "text", "filter": ["=", "IN"]}
    return {"role": "forbidden"}


def _measure(column: ColumnProfile, whole: bool) -> dict[str, Any]:
    """A number without measured extremes cannot be clamped, so nobody may sum it. Bounds of a column that may hold
    fractions are floating-point numbers, even where they are whole."""
    if column.low is None or column.high is None or max(abs(column.low), abs(column.high)) > 10**15:
        return {"role": "forbidden"}
    bounds = [bound if whole else float(bound) for bound in public_bounds(column.low, column.high)]
    return {"role": "measure", "bounds": bounds, "aggregates": ["SUM", "AVG"]}


def public_bounds(low: float | int, high: float | int) -> tuple[float | int, float | int]:
    """Round numbers around the measured extremes: 1, 2 or 5 times a power of ten. Whoever may ask sees the bounds, and
    the extremes themselves are values of somebody."""
    return (_step(low, up=False), _step(high, up=True))


def _step(value: float | int, *, up: bool) -> float | int:
    """The next such number at or above, or at or below, `value`."""
    if value == 0:
        return 0
    if value < 0:
        return -_step(-value, up=not up)
    power = math.floor(math.log10(value))
    steps: list[float | int] = []
    for at in range(power - 1, power + 2):
        steps += [factor * 10**at if at >= 0 else factor / 10**-at for factor in (1, 2, 5)]
    return min(each for each in steps if each >= value) if up else max(each for each in steps if each <= value)


def _name(name: str, taken: set[str]) -> str:
    """A plain ASCII name for a query to write: accents dropped, `đ` to `d`, anything else to `_`."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:50]
    if not NAME.fullmatch(plain) or plain.lower() in RESERVED:
        plain = f"c_{plain}".rstrip("_")
    found, count = plain, 1
    while found.lower() in taken:
        count += 1
        found = f"{plain}_{count}"
    taken.add(found.lower())
    return found
