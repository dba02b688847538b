"""After the engine: the floor first, then HAVING, ORDER BY, LIMIT and the caps. Plain Python over few rows."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.ir import Dim, Question
from sandbox.policy import Policy

Value = str | int | bool | float | Decimal | date | None
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Plan:
    """What the worker needs besides the two texts; travels as JSON."""

    keys: int
    measures: int
    outputs: tuple[tuple[str, int], ...]
    having: tuple[tuple[int, str, str], ...]
    order: tuple[tuple[int, bool, bool], ...]
    limit: int
    capped: bool
    floor: int
    max_groups: int
    max_bytes: int
    units: bool

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def plan(question: Question, measures: int, policy: Policy) -> Plan:
    """Lay a question out by positions, so that the worker needs neither parser nor policy."""
    where = [
        ("key", question.dims.index(each.item))
        if isinstance(each.item, Dim)
        else ("agg", question.aggs.index(each.item))
        for each in question.outputs
    ]
    return Plan(
        keys=len(question.dims),
        measures=measures,
        outputs=tuple(where),
        having=tuple((each.output, each.operator, str(each.number)) for each in question.having),
        order=tuple((each.output, each.descending, each.nulls_first) for each in question.order),
        limit=question.limit,
        capped=question.capped,
        floor=question.floor,
        max_groups=policy.limits.max_groups,
        max_bytes=policy.output.max_bytes,
        units=policy.unit_column is not None,
    )


def doubtful(row: Sequence[Any], how: Plan) -> bool:
    """The cheap bound does not prove this group, but it has rows enough to deserve the exact count."""
    rows, units, values = _tallies(row, how)
    return how.units and rows >= how.floor and (units < how.floor or any(count < rows for count in values))


def proven(row: Sequence[Any], exact: Mapping[tuple[Any, ...], Sequence[int]], how: Plan) -> bool:
    """Every number of this group rests on at least `floor` units, each with a value of its own."""
    rows, units, values = _tallies(row, how)
    if rows < how.floor:
        return False
    if doubtful(row, how):
        counts = exact.get(tuple(row[: how.keys]), (0,))
        return len(counts) == 1 + how.measures and min(counts) >= how.floor
    return min([units, *values]) >= how.floor


def shape(rows: Iterable[Sequence[Any]], how: Plan) -> tuple[list[tuple[Value, ...]], bool]:
    """Arrange proven groups as the buyer asked; says whether a cap of ours, not the buyer's own LIMIT, cut rows off."""
    start = how.keys + 2 + how.measures
    shown = [tuple(_tidy(row[at if kind == "key" else start + at]) for kind, at in how.outputs) for row in rows]
    kept = [row for row in shown if all(_passes(row[at], name, number) for at, name, number in how.having)]
    kept.sort(key=lambda row: tuple(_rank(value) for value in row))
    for at, descending, nulls_first in reversed(how.order):
        kept.sort(key=lambda row: _rank(row[at]), reverse=descending)
        kept.sort(key=lambda row: (row[at] is None) != nulls_first)
    answer: list[tuple[Value, ...]] = []
    size = 0
    for row in kept[: how.limit]:
        size += sum(len(str(value).encode()) + 4 for value in row)
        if size > how.max_bytes:
            return answer, True
        answer.append(row)
    return answer, how.capped and len(answer) < len(kept)


def _tallies(row: Sequence[Any], how: Plan) -> tuple[int, int, list[int]]:
    at = how.keys
    return int(row[at]), int(row[at + 1] or 0), [int(count) for count in row[at + 2 : at + 2 + how.measures]]


def _tidy(value: Any) -> Value:
    if isinstance(value, datetime):
        return value.date()
    found: Value = value
    return found


def _passes(value: Value, name: str, number: str) -> bool:
    if value is None or not isinstance(value, int | float | Decimal):
        return False
    return COMPARE[name](Decimal(str(value)), Decimal(number))


def _rank(value: Value) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)
