"""Mode `aggregate_dp`: noisy numbers over public groups, with a proof of how little they say of any one unit.

Neighbours: two datasets that differ in one unit with all its rows, of which the snapshot keeps at most M
(`dataset.max_rows_per_unit`), each amount inside public bounds. A row stands in one group, so over all groups of a
question one unit moves the rows by M, the units by min(M, groups), a sum by M times the larger bound. Each such
column is one release: discrete Laplace noise (Ghosh, Roughgarden, Sundararajan 2009) on integers, drawn by OpenDP,
whose privacy map must confirm the epsilon of one release. Releases add up (sequential composition); delta is 0.
What follows the noise is post-processing: the threshold, averages, rounding, HAVING, ORDER BY, LIMIT.

The groups come from the policy alone, empty ones included; a value outside its public list, and no value, is NULL.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Context, Decimal
from enum import StrEnum
from typing import Any

from sandbox import domains, noise, wire
from sandbox.denials import QueryRefused
from sandbox.emit import measured
from sandbox.ir import Agg, Measure, Question
from sandbox.policy import Mode, Policy, Privacy
from sandbox.post import Row

ALPHA = 0.05  # a half width is exceeded once in twenty
WIDE = Context(prec=40)
Draw = Callable[[list[int], int, int], list[int]]  # numbers, sensitivity, epsilon in millionths


class Counted(StrEnum):
    """What one release counts; values are rows in which the measure is not missing."""

    ROWS = "rows"
    UNITS = "units"
    VALUES = "values"
    SUM = "sum"


@dataclass(frozen=True)
class Release:
    """One noisy column, with the most that one unit moves it, over all groups together (L1)."""

    counted: Counted
    column: str | None
    sensitivity: int


@dataclass(frozen=True)
class Released:
    """The table behind an answer, before HAVING, ORDER BY and LIMIT: `Question.keys`, then the numbers.

    In mode aggregate these are `Question.aggs` of the groups over the floor; in aggregate_dp the noisy integers of
    `releases`, for every public group. What is in it may be shown. Kept beside its statistic, it answers every
    spelling with the same numbers. `suppressed`: groups under the floor are missing. The rest: which copy was asked,
    and how confined.
    """

    rows: tuple[Row, ...]
    suppressed: bool
    snapshot_sha256: str
    tier: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, numbers exact: decimals and days are marked."""
        rows: list[list[Any]] = json.loads(json.dumps(self.rows, default=wire.tagged))
        return {"rows": rows, "suppressed": self.suppressed, "snapshot": self.snapshot_sha256, "tier": self.tier}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Released":
        """What `to_json` wrote."""
        rows = json.loads(json.dumps(kept["rows"]), object_hook=wire.untagged)
        copy, tier = str(kept["snapshot"]), int(kept["tier"])
        return cls(tuple(tuple(row) for row in rows), bool(kept["suppressed"]), copy, tier)


def on(policy: Policy) -> bool:
    """Whether answers under this policy carry noise."""
    return policy.mode is Mode.AGGREGATE_DP


def rows_told(policy: Policy) -> bool:
    """Whether the buyer may hear how many rows the copy has: an exact count beside noisy ones would undo them."""
    return policy.rows_public or not on(policy)


def releases(question: Question, policy: Policy) -> tuple[Release, ...]:
    """The noisy columns of a question. Units are always among them: the threshold needs them."""
    most = policy.max_rows_per_unit if policy.unit_column is not None else 1
    units = min(most, max(1, len(domains.groups(question, policy))))
    found = [Release(Counted.UNITS, None, units)]
    if policy.unit_column is not None and Agg(Measure.ROWS) in question.aggs:
        found.append(Release(Counted.ROWS, None, most))
    for name in measured(question):
        column = policy.columns[name]
        found.append(Release(Counted.SUM, name, min(most * domains.reach(column), 2 * noise.LARGEST)))
        if Agg(Measure.AVG, name) in question.aggs:
            found.append(Release(Counted.VALUES, name, most))
    return tuple(found)


def epsilon_micro(question: Question, policy: Policy) -> int:
    """What a question costs when it is not answered from a kept table, in millionths; 0 without noise."""
    return len(releases(question, policy)) * policy.budgets.epsilon_per_query_micro if on(policy) else 0


def judge(question: Question, policy: Policy) -> None:
    """Refuse what could never be released: no public group, too many of them, or a cost above the whole budget."""
    domains.judge(question, policy)
    cost, limit = epsilon_micro(question, policy), policy.budgets.epsilon_total_micro
    if cost > limit:
        raise QueryRefused("B3", cost=cost, left=limit, limit=limit)


def release(
    rows: Iterable[Sequence[Any]], question: Question, policy: Policy, draw: Draw = noise.laplace
) -> tuple[Row, ...]:
    """Add the noise. `rows`: what `emit.raw` counts, exact and not yet fit to be seen. Every public group comes out,
    in the order of the public lists; a group the data have and the public does not is dropped."""
    width = len(question.keys)
    exact = {tuple(row[:width]): row[width:] for row in rows}
    groups = domains.groups(question, policy)
    columns = []
    for each in releases(question, policy):
        numbers = [_exact(each, exact.get(group), question, policy) for group in groups]
        columns.append(draw(numbers, each.sensitivity, policy.budgets.epsilon_per_query_micro))
    return tuple((*group, *numbers) for group, numbers in zip(groups, zip(*columns, strict=True), strict=True))


def settle(noisy: Iterable[Row], question: Question, policy: Policy) -> tuple[list[Row], bool]:
    """From noisy columns to `Question.aggs`, and whether groups under the threshold were left out."""
    found, width = list(_noisy(noisy, question, policy)), len(question.keys)
    kept = [
        (*row[:width], *(_statistic(agg, numbers, policy) for agg in question.aggs))
        for row, numbers in found
        if numbers[Counted.UNITS, None] >= question.floor
    ]
    return kept, len(kept) < len(found)


def half_widths(noisy: Iterable[Row], question: Question, policy: Policy) -> tuple[int | Decimal | None, ...]:
    """Per output, how far a shown number lies from the exact one at most, 19 times in 20; None for a group key.
    Of an average: the widest among the groups shown."""
    over = [numbers for _, numbers in _noisy(noisy, question, policy) if numbers[Counted.UNITS, None] >= question.floor]
    return tuple(
        _half_width(each.item, over, question, policy) if isinstance(each.item, Agg) else None
        for each in question.outputs
    )


def facts(question: Question, policy: Policy) -> dict[str, str | int]:
    """What a receipt says of the noise, so that nobody need guess what was promised."""
    bounds = [f"{policy.columns[name].name}: {_span(name, policy)}" for name in measured(question)]
    return {
        "mechanism": _terms(policy).mechanism,
        "epsilon_micro": epsilon_micro(question, policy),
        "epsilon_per_release_micro": policy.budgets.epsilon_per_query_micro,
        "releases": len(releases(question, policy)),
        "delta": "0",
        "max_rows_per_unit": policy.max_rows_per_unit if policy.unit_column is not None else 1,
        "bounds": "; ".join(bounds),
        "threshold": question.floor,
    }


def _exact(each: Release, row: Sequence[Any] | None, question: Question, policy: Policy) -> int:
    """One exact number in the public unit of its column; a group that is not there counts nothing."""
    if row is None:
        return 0
    if each.column is None:
        return int(row[each.counted is Counted.UNITS])
    names = measured(question)
    at = 2 + names.index(each.column)
    if each.counted is Counted.VALUES:
        return int(row[at])
    total = row[at + len(names)]  # none where every value is missing
    return 0 if total is None else int(WIDE.scaleb(Decimal(total), domains.decimals(policy.columns[each.column])))


def _noisy(
    rows: Iterable[Row], question: Question, policy: Policy
) -> Iterable[tuple[Row, dict[tuple[Counted, str | None], int]]]:
    names = [(each.counted, each.column) for each in releases(question, policy)]
    width = len(question.keys)
    for row in rows:
        numbers = {name: int(str(value)) for name, value in zip(names, row[width:], strict=True)}
        if policy.unit_column is None:
            numbers[Counted.ROWS, None] = numbers[Counted.UNITS, None]
        yield row, numbers


def _statistic(agg: Agg, numbers: Mapping[tuple[Counted, str | None], int], policy: Policy) -> int | Decimal | None:
    """A count is rounded and not below zero; an average stays inside its bounds, and needs one value at least."""
    if agg.measure in (Measure.ROWS, Measure.UNITS) or agg.column is None:
        step = _terms(policy).rounding
        counted = numbers[Counted.UNITS if agg.measure is Measure.UNITS else Counted.ROWS, None]
        return max(0, (counted + step // 2) // step * step)
    low, high = _bounds(agg.column, policy)
    places = domains.decimals(policy.columns[agg.column])
    total = WIDE.scaleb(Decimal(numbers[Counted.SUM, agg.column]), -places)
    if agg.measure is Measure.SUM:
        return max(total, Decimal(0)) if low >= 0 else total
    values = numbers[Counted.VALUES, agg.column]
    if values < 1:
        return None
    exact = max(low, min(high, WIDE.divide(total, Decimal(values))))
    return exact.quantize(Decimal(1).scaleb(-places - 2), context=WIDE)


def _half_width(
    agg: Agg, over: Sequence[Mapping[tuple[Counted, str | None], int]], question: Question, policy: Policy
) -> int | Decimal:
    epsilon = policy.budgets.epsilon_per_query_micro
    reach = {(each.counted, each.column): each.sensitivity for each in releases(question, policy)}
    if agg.measure in (Measure.ROWS, Measure.UNITS) or agg.column is None:
        rows = agg.measure is Measure.ROWS and policy.unit_column is not None
        counted = reach[Counted.ROWS if rows else Counted.UNITS, None]
        return noise.half_width(counted, epsilon, ALPHA) + _terms(policy).rounding // 2
    places = domains.decimals(policy.columns[agg.column])
    total = reach[Counted.SUM, agg.column]
    cut = Decimal(1).scaleb(-places if agg.digits is None else -min(agg.digits, places))  # what rounding may add
    if agg.measure is Measure.SUM:
        return WIDE.scaleb(Decimal(noise.half_width(total, epsilon, ALPHA)), -places) + cut
    # |S/C - s/c| <= (|S - s| + |s/c| |C - c|) / C, with half of the risk on each of the two; never beyond the bounds.
    by_sum = WIDE.scaleb(Decimal(noise.half_width(total, epsilon, ALPHA / 2)), -places)
    by_count = noise.half_width(reach[Counted.VALUES, agg.column], epsilon, ALPHA / 2)
    low, high = _bounds(agg.column, policy)
    widest = Decimal(0) if over else high - low
    for numbers in over:
        sum_, values = (
            WIDE.scaleb(Decimal(numbers[Counted.SUM, agg.column]), -places),
            numbers[Counted.VALUES, agg.column],
        )
        if values <= by_count:
            return high - low
        widest = max(widest, (by_sum + abs(sum_) / values * by_count) / (values - by_count))
    return min(high - low, (widest + cut).quantize(cut, ROUND_UP, WIDE))


def _bounds(column: str, policy: Policy) -> tuple[Decimal, Decimal]:
    low, high = policy.columns[column].bounds or (0, 0)
    return Decimal(str(low)), Decimal(str(high))


def _span(column: str, policy: Policy) -> str:
    low, high = _bounds(column, policy)
    return f"{low:f}..{high:f}"


def _terms(policy: Policy) -> Privacy:
    return policy.dp or Privacy()
