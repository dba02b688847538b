"""D1: a question that differs from an earlier one in a small part, so that subtracting the answers isolates that part.

Found from the two questions and the policy alone. No row is looked at, so a refusal says nothing about the data
(Kenthapadi, Mishra, Nissim 2005: a denial that depends on the data leaks). It is a coarse brake, not a proof: it knows
one column of difference and no chain of three questions. What it cannot see, noise and the budget must cover.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sandbox.ir import Question
from sandbox.policy import Mode, Policy, Role

FEW = 2  # values in which two lists may differ and still isolate few people
MANY = 8  # named values out of a list nobody published: what they leave out may be little
FOLDED = "OTHER"  # where the snapshot puts rare values: the one value that may hold fewer units than the floor
STEP_MONTHS = {"month": 1, "quarter": 3, "year": 12}
STEP_DAYS = {"day": 1, "week": 7}
Range = tuple[str | None, str | None]  # ISO days, first included, last excluded; None: no bound


@dataclass(frozen=True)
class Region:
    """Which rows a question is about. Values are kept as digests: what somebody typed is nobody's to keep."""

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)
    split: Mapping[str, str | None] = field(default_factory=dict)  # group keys, with the grain of a time

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        values = {name: sorted(each) for name, each in self.values.items()}
        return {"values": values, "ranges": {n: list(r) for n, r in self.ranges.items()}, "split": dict(self.split)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Region":
        """What `to_json` wrote."""
        values = {name: frozenset(each) for name, each in document["values"].items()}
        return cls(values, {n: (r[0], r[1]) for n, r in document["ranges"].items()}, document["split"])


@dataclass(frozen=True)
class Overlap:
    """The difference of two questions: one column, so many values or steps. `narrow`: it may isolate few units."""

    column: str
    parts: int
    narrow: bool


def region(question: Question, policy: Policy) -> Region:
    """What a question asks about; bounds and lists on one column are taken together."""
    values: dict[str, frozenset[str]] = {}
    ranges: dict[str, Range] = {}
    for each in question.predicates:
        if each.operator == "IN":
            listed = frozenset(token(each.column, value) for value in each.values)
            values[each.column] = values.get(each.column, listed) & listed
            continue
        low, high = ranges.get(each.column, (None, None))
        day = str(each.values[0])
        if each.operator == ">=":
            low = day if low is None else max(low, day)
        else:
            high = day if high is None else min(high, day)
        ranges[each.column] = (low, high)
    known = {name: published for name in values if (published := _published(name, policy))}
    values = {name: each & known[name] if name in known else each for name, each in values.items()}
    return Region(values, ranges, {dim.column: dim.grain for dim in question.dims})


def judge(asked: Region, earlier: Iterable[Region], policy: Policy) -> Overlap | None:
    """The worst overlap with any earlier question: a narrow one if there is one. None in mode aggregate_dp: there the
    noise covers every difference, however it is found."""
    if policy.mode is Mode.AGGREGATE_DP:
        return None
    known = (each for each in earlier if _is_about(each, policy))
    found = [overlap for each in known if (overlap := compare(asked, each, policy)) is not None]
    return next((each for each in found if each.narrow), found[0] if found else None)


def compare(one: Region, other: Region, policy: Policy) -> Overlap | None:
    """How two questions differ, if it is in one column and by little; None if subtracting them says nothing new."""
    names = dict.fromkeys([*one.values, *other.values, *one.ranges, *other.ranges])
    differing = [name for name in names if not _same(one, other, name, policy)]
    # A condition that may be true of every row is padding: it must not hide a difference elsewhere.
    certain = [name for name in differing if not _perhaps_same(one, other, name, policy)] or differing
    if len(certain) != 1:
        return None
    name = certain[0]
    if name in one.ranges or name in other.ranges:
        return _ranges(one, other, name, policy)
    return _lists(one, other, name, policy)


def token(column: str, value: object) -> str:
    """A value's digest: equal values of one column are equal, and nothing can be read from it."""
    return hashlib.sha256(f"{column}\0{value}".encode()).hexdigest()[:16]


def _is_about(region: Region, policy: Policy) -> bool:
    """Whether a question that is remembered is one about these columns: the file may be another one by now."""
    timeless = (Role.DIM, Role.MEASURE, Role.UNIT)
    return all(name in policy.columns for name in (*region.values, *region.ranges, *region.split)) and not any(
        policy.columns[name].role in timeless for name in region.ranges
    )


def _same(one: Region, other: Region, name: str, policy: Policy) -> bool:
    """The same rows as far as this column goes, or cells of a breakdown that fit exactly."""
    if name in one.ranges or name in other.ranges:
        a, b = one.ranges.get(name, (None, None)), other.ranges.get(name, (None, None))
        fine = all(_cells_fit(each.split.get(name), policy.columns[name].literal_step) for each in (one, other))
        return a == b or (name in one.split and name in other.split and fine)
    mine, theirs = one.values.get(name), other.values.get(name)
    if mine == theirs or (name in one.split and name in other.split):
        return True
    return _is_cell(one, mine, theirs, name) or _is_cell(other, theirs, mine, name)


def _perhaps_same(one: Region, other: Region, name: str, policy: Policy) -> bool:
    if name in one.ranges or name in other.ranges:
        steps = _apart(one, other, name, policy)
        return steps is None or steps == 0
    mine, theirs = one.values.get(name), other.values.get(name)
    if mine is not None and theirs is not None:
        return False
    named, published = mine or theirs or frozenset(), _published(name, policy)
    return published <= named if published else len(named) > MANY


def _is_cell(split: Region, whole: frozenset[str] | None, part: frozenset[str] | None, name: str) -> bool:
    """A breakdown by this column has shown exactly what the other question names."""
    return name in split.split and part is not None and len(part) == 1 and (whole is None or part <= whole)


def _cells_fit(grain: str | None, step: str) -> bool:
    order = ("day", "week", "month", "quarter", "year")
    return grain is None or order.index(grain) <= order.index(step)


def _lists(one: Region, other: Region, name: str, policy: Policy) -> Overlap | None:
    mine, theirs = one.values.get(name), other.values.get(name)
    if mine is None or theirs is None:
        named = mine if mine is not None else theirs
        return _rest(one, other, name, named or frozenset(), policy)
    difference = mine ^ theirs
    if not mine & theirs or len(difference) > FEW:
        return None
    alike = _alike(one, other, name)
    return Overlap(name, len(difference), alike and not _proven(one, other, name, difference, policy))


def _rest(one: Region, other: Region, name: str, named: frozenset[str], policy: Policy) -> Overlap | None:
    """All against a list of names: little may be left between them."""
    whole = one if name not in one.values else other
    if name in whole.split:  # its cells are shown by themselves; a list of few of them adds up at most two
        return Overlap(name, len(named) - 1, narrow=False) if 1 < len(named) <= 1 + FEW else None
    published = _published(name, policy)
    left = len(published - named) if published else None
    if left == 0 or (left is not None and left > FEW) or (left is None and len(named) <= MANY):
        return None
    return Overlap(name, left or 1, _alike(one, other, name))


def _ranges(one: Region, other: Region, name: str, policy: Policy) -> Overlap | None:
    steps = _apart(one, other, name, policy)
    if steps != 1:
        return None
    # Alone, one step of time is a slice of everybody; together with another condition it is a slice of few.
    others = [each for each in (*one.values, *other.values, *one.ranges, *other.ranges) if each != name]
    keys = [each for each in (*one.split, *other.split) if each != name]
    return Overlap(name, steps, _alike(one, other, name) and bool(others or keys))


def _alike(one: Region, other: Region, name: str) -> bool:
    """Both break down by the same other columns, or name one cell of them: answers to subtract line by line."""
    loose = {key for key, _ in one.split.items() ^ other.split.items() if key != name}
    return all(
        any(key not in each.split and len(each.values.get(key, ())) == 1 for each in (one, other)) for key in loose
    )


def _proven(one: Region, other: Region, name: str, difference: frozenset[str], policy: Policy) -> bool:
    """The difference is whole values of a column whose rare values the snapshot has folded, and nothing else narrows
    it: each holds at least the floor, or nobody."""
    column = policy.columns[name]
    alone = set(one.values) | set(other.values) | set(one.ranges) | set(other.ranges) == {name}
    split = set(one.split) | set(other.split) <= {name}
    folded = column.min_units_for_value >= policy.limits.min_group
    return alone and split and folded and token(name, FOLDED) not in difference


def _published(name: str, policy: Policy) -> frozenset[str]:
    domain = policy.columns[name].domain
    return frozenset(token(name, each) for each in domain) if isinstance(domain, tuple) else frozenset()


def _bounds(domain: object) -> Range:
    return (str(domain[0]), str(domain[1])) if isinstance(domain, tuple) and len(domain) == 2 else (None, None)


def _apart(one: Region, other: Region, name: str, policy: Policy) -> int | None:
    """Steps of time in which two ranges differ; None when that cannot be known."""
    column = policy.columns[name]
    ends = _bounds(column.domain)
    mine, theirs = (_clipped(each.ranges.get(name, (None, None)), ends) for each in (one, other))
    first, last = (_steps(a, b, column.literal_step) for a, b in zip(mine, theirs, strict=True))
    return None if first is None or last is None else first + last


def _clipped(bounds: Range, ends: Range) -> Range:
    low = max((each for each in (bounds[0], ends[0]) if each is not None), default=None)
    high = min((each for each in (bounds[1], ends[1]) if each is not None), default=None)
    return low, high


def _steps(one: str | None, other: str | None, step: str) -> int | None:
    """Steps of time between two bounds; None when one of them is open and nobody published where the data end."""
    if one == other:
        return 0
    if one is None or other is None:
        return None
    a, b = date.fromisoformat(one), date.fromisoformat(other)
    if step in STEP_DAYS:
        return max(1, abs((a - b).days) // STEP_DAYS[step])
    months = abs((a.year - b.year) * 12 + a.month - b.month)
    return max(1, months // STEP_MONTHS[step])
