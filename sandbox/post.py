"""After the engine. In the worker: the floor. In the supervisor: HAVING, ORDER BY, LIMIT, caps. Few rows, no SQL."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from sandbox import emit
from sandbox.ir import Dim, Output, Question
from sandbox.policy import Mode, Policy

Value = str | int | bool | float | Decimal | date | None
Row = tuple[Value, ...]
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
TABLE_BYTES = 4 << 20  # of text in one group table; a longer one is refused, for it is kept for the next asker
WIDE = Context(prec=64)  # digits: the engine's sums have up to 38


@dataclass(frozen=True)
class Plan:
    """What the worker needs besides the two texts; travels as JSON."""

    keys: int
    measures: int
    floor: int
    enough: int
    max_groups: int
    units: bool
    noised: bool

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def plan(question: Question, policy: Policy) -> Plan:
    """Lay the group table out by positions, so that the worker needs neither parser nor policy."""
    return Plan(
        keys=len(question.keys),
        measures=len(emit.measured(question)),
        floor=question.floor,
        enough=emit.enough(question, policy),
        max_groups=policy.limits.max_groups,
        units=policy.unit_column is not None and policy.mode is not Mode.TEMPLATE,  # there they are exact
        noised=policy.mode is Mode.AGGREGATE_DP,
    )


def doubtful(row: Sequence[Any], how: Plan) -> bool:
    """Neither the cheap bound nor the number of its rows proves this group, but it has rows enough to deserve the
    exact count."""
    rows, units, values = _tallies(row, how)
    few = units < how.floor and rows < how.enough
    return how.units and rows >= how.floor and (few or any(count < min(rows, how.enough) for count in values))


def proven(row: Sequence[Any], exact: Mapping[tuple[Any, ...], Sequence[int]], how: Plan) -> bool:
    """Every number of this group rests on at least `floor` units, each with a value of its own."""
    rows, units, values = _tallies(row, how)
    if not how.units:
        return min([rows, units, *values]) >= how.floor
    if not doubtful(row, how):
        return rows >= how.floor
    counts = exact.get(tuple(row[: how.keys]), (0,))
    return len(counts) == 1 + how.measures and min(counts) >= how.floor


def bare(row: Sequence[Any], how: Plan) -> list[Value]:
    """A proven group as it may leave the worker: its keys and its statistics, without the tallies. What will be
    noised leaves whole, for the supervisor's eyes."""
    return [_tidy(value) for value in (row if how.noised else (*row[: how.keys], *row[how.keys + 2 + how.measures :]))]


def too_long(rows: Iterable[Sequence[Value]]) -> bool:
    """Whether a group table holds more text than one may."""
    return sum(_size(row) for row in rows) > TABLE_BYTES


def shape(rows: Iterable[Sequence[Value]], question: Question, policy: Policy) -> tuple[tuple[Row, ...], bool]:
    """Arrange a group table (keys, then statistics) as the buyer asked; says whether a cap of ours cut rows off,
    not the buyer's own LIMIT."""
    places = [_place(each, question) for each in question.outputs]
    shown = [tuple(_rounded(row[at], digits) for at, digits in places) for row in rows]
    kept = [row for row in shown if all(_passes(row[it.output], it.operator, it.number) for it in question.having)]
    kept.sort(key=lambda row: tuple(_rank(value) for value in row))
    for key in reversed(question.order):
        kept.sort(key=lambda row: _rank(row[key.output]), reverse=key.descending)
        kept.sort(key=lambda row: (row[key.output] is None) != key.nulls_first)
    answer: list[Row] = []
    size = 0
    for row in kept[: question.limit]:
        size += _size(row)
        if size > policy.output.max_bytes:
            return tuple(answer), True
        answer.append(row)
    return tuple(answer), question.capped and len(answer) < len(kept)


def _place(output: Output, question: Question) -> tuple[int, int | None]:
    if isinstance(output.item, Dim):
        return question.keys.index(output.item), None
    return len(question.keys) + question.aggs.index(replace(output.item, digits=None)), output.item.digits


def _tallies(row: Sequence[Any], how: Plan) -> tuple[int, int, list[int]]:
    at = how.keys
    return int(row[at]), int(row[at + 1] or 0), [int(count) for count in row[at + 2 : at + 2 + how.measures]]


def _tidy(value: Any) -> Value:
    if isinstance(value, datetime):
        return value.date()
    found: Value = value
    return found


def _rounded(value: Value, digits: int | None) -> Value:
    """Half away from zero, as the engine rounds; never raises, whatever the number."""
    if digits is None or not isinstance(value, float | Decimal):
        return value
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent <= digits or exact.adjusted() > WIDE.prec - digits - 2:
        return value
    cut = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, WIDE)
    return float(cut) if isinstance(value, float) else cut


def _passes(value: Value, name: str, number: Decimal) -> bool:
    if value is None or not isinstance(value, int | float | Decimal):
        return False
    return COMPARE[name](Decimal(str(value)), number)


def _rank(value: Value) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)


def _size(row: Iterable[Value]) -> int:
    return sum(len(str(value).encode()) + 4 for value in row)
