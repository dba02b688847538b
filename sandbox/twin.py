"""A synthetic twin: rows of the same shape as a snapshot, made from what the policy says and from nothing else.

Known of a column are its role and type, and where the policy names them its public values, bounds and grains; where it
names no values, they are invented ("hub 1", "hub 2", ...). No row, count or list of the real data is read, so that an
answer from the twin says how a question is judged and shaped, and nothing about anybody.
"""

import hashlib
import os
import random
import tempfile
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

import duckdb

from sandbox.emit import BITS, UNIT
from sandbox.policy import Column, Kind, Policy, Role
from sandbox.snapshot import BITS_USED, PRECISION, finest

ROWS = 5_000
VALUES = 12  # invented values of a dimension whose real ones are not public
YEARS = 2  # before the policy's window, where it names no first and last day
PER_UNIT = 3  # rows of one person or organisation, or fewer where the policy allows fewer
TYPES = {Kind.TEXT: "VARCHAR", Kind.INT: "BIGINT", Kind.BOOL: "BOOLEAN"}


def write(policy: Policy, out_path: str | Path, *, seed: int, rows: int = ROWS) -> str:
    """Write the twin as Parquet, in place at once; returns `sha256:<hex>`. The same policy and seed, the same rows."""
    draw = random.Random(seed)  # noqa: S311 - invented rows hide nothing
    kept = [each for each in policy.columns.values() if each.role in (Role.DIM, Role.TIME, Role.MEASURE)]
    parts = [(f'"{each.name}"', _type(each), _values(each, policy, rows, draw)) for each in kept]
    if policy.unit_column is not None:
        units = _units(policy.max_rows_per_unit, rows, draw)
        bits: list[object] = [1 << (unit % BITS_USED) for unit in units]
        parts += [(UNIT, "INTEGER", list(units)), (BITS, "BIGINT", bits)]
    if not parts:
        parts = [('"nothing"', "INTEGER", [0] * rows)]  # a table without columns cannot be counted
    out = Path(out_path).resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".twin-", dir=out.parent) as folder:
        made = Path(folder) / "twin.parquet"
        _write(parts, made)
        digest = "sha256:" + hashlib.sha256(made.read_bytes()).hexdigest()
        os.replace(made, out)
    return digest


def _write(parts: list[tuple[str, str, list[object]]], made: Path) -> None:
    columns = ", ".join(f"unnest(?::{kind}[]) AS {name}" for name, kind, _values in parts)
    target = str(made).replace("'", "''")
    with duckdb.connect(":memory:", config={"threads": 1}) as engine:
        engine.execute(f"CREATE TABLE twin AS SELECT {columns}", [values for _name, _kind, values in parts])
        engine.execute(f"COPY twin TO '{target}' (FORMAT parquet)")


def _type(column: Column) -> str:
    if column.role is Role.TIME:
        return "DATE"
    if column.role is Role.MEASURE:
        return "BIGINT" if _whole(column) else f"DECIMAL({PRECISION}, 2)"
    return TYPES[column.kind]


def _values(column: Column, policy: Policy, rows: int, draw: random.Random) -> list[object]:
    if column.role is Role.TIME:
        return _days(column, policy, rows, draw)
    if column.role is Role.MEASURE:
        low, high = column.bounds or (0, 0)
        numbers = [draw.triangular(low, high, low + (high - low) / 4) for _ in range(rows)]
        return [round(number) if _whole(column) else round(number, 2) for number in numbers]
    known = _known(column)
    # Few values are frequent and many rare, so that the floor can be seen at work.
    weights = list(accumulate(1 / (place + 1) ** 2 for place in range(len(known))))
    return draw.choices(known, cum_weights=weights, k=rows)


def _whole(column: Column) -> bool:
    return all(isinstance(bound, int) for bound in column.bounds or ())


def _known(column: Column) -> list[object]:
    """The public values of a dimension, or as many invented ones."""
    if column.kind is Kind.BOOL:
        return [False, True]
    public = column.domain if isinstance(column.domain, tuple) else ()
    if column.kind is Kind.INT:
        return [int(value) for value in public] or list(range(1, VALUES + 1))
    return list(public) or [f"{column.name} {number}" for number in range(1, VALUES + 1)]


def _days(column: Column, policy: Policy, rows: int, draw: random.Random) -> list[object]:
    if isinstance(column.domain, tuple) and len(column.domain) == 2:
        first, end = (date.fromisoformat(str(day)) for day in column.domain)
    else:
        end = policy.window.starts.date()
        first = end - timedelta(days=365 * YEARS)
    span = max(1, (end - first).days)
    grain = finest(column)
    return [_start(first + timedelta(days=draw.randrange(span)), grain) for _ in range(rows)]


def _start(day: date, grain: str) -> date:
    """The first day of the period of this day: what `date_trunc` says."""
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "year":
        return day.replace(month=1, day=1)
    if grain == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(day=1) if grain == "month" else day


def _units(most: int, rows: int, draw: random.Random) -> list[int]:
    each = min(most, PER_UNIT)
    numbers = [row // each for row in range(rows)]
    draw.shuffle(numbers)
    return numbers
