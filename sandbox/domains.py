"""What the public knows before any data are looked at: the values of a dimension, the days of a time, a measure's unit.

Used by mode `aggregate_dp`, where the groups of an answer must not depend on who is in the data.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice, product
from math import ceil, prod

from sandbox.denials import QueryRefused
from sandbox.ir import Dim, Literal, Question
from sandbox.policy import Column, Policy, Role

Key = str | int | bool | date | None
DIGITS = 9  # of the larger bound of a measure, kept by its unit: finer ones would drown in any noise
MOST_DECIMALS = 6
NAMED = 12  # values of a public list that a refusal names


def decimals(column: Column) -> int:
    """The public unit of a measure is 10 to the minus this, found from its bounds alone: cents for a million."""
    return max(0, min(MOST_DECIMALS, DIGITS - len(str(int(largest(column))))))


def largest(column: Column) -> float:
    """The larger of a measure's bounds, whatever the sign."""
    return max((abs(each) for each in column.bounds or (0,)), default=0)


def reach(column: Column) -> int:
    """The most that one row adds to a sum, in units of `decimals`: the larger bound, rounded up."""
    return ceil(Decimal(str(largest(column))).scaleb(decimals(column)))


def groups(question: Question, policy: Policy) -> list[tuple[Key, ...]]:
    """Every group that the question can have, in an order of its own; found from the policy and the question alone."""
    return list(product(*(list(_values(dim, question, policy)) for dim in question.keys)))


def judge(question: Question, policy: Policy) -> int:
    """The number of public groups. Refused: conditions that leave nothing (W8), and more groups than allowed (O4)."""
    most = policy.limits.max_groups
    for name in {each.column for each in question.predicates}:
        column = policy.columns[name]
        if next(_values(Dim(name, "year" if column.role is Role.TIME else None), question, policy), None) is None:
            raise QueryRefused("W8", column=column.name)
    count = prod(len(list(islice(_values(dim, question, policy), most + 1))) for dim in question.keys)
    if count > most:
        raise QueryRefused("O4", limit=most)
    return count


def require_public(value: Literal, column: Column, where: dict[str, object]) -> None:
    """W7: only a value of the public list may be asked for; whether another occurs would be a fact of the data."""
    if isinstance(column.domain, tuple) and value not in column.domain:
        named = [str(each) for each in column.domain[:NAMED]]
        more = ["…"] if len(column.domain) > NAMED else []
        raise QueryRefused("W7", column=column.name, allowed=", ".join(named + more), **where)


def _values(dim: Dim, question: Question, policy: Policy) -> Iterator[Key]:
    """The public values of one group key under the question's conditions; NULL only where nothing is asked of it."""
    column = policy.columns[dim.column]
    asked = [each for each in question.predicates if each.column == dim.column]
    domain = column.domain if isinstance(column.domain, tuple) else ()
    if dim.grain is None:
        yield from (each for each in domain if all(each in wanted.values for wanted in asked))
    else:
        starts, ends = (date.fromisoformat(str(each)) for each in domain)
        starts = max([starts, *(date.fromisoformat(str(each.values[0])) for each in asked if each.operator == ">=")])
        ends = min([ends, *(date.fromisoformat(str(each.values[0])) for each in asked if each.operator == "<")])
        yield from _periods(starts, ends, dim.grain)
    if not asked:
        yield None


def _periods(starts: date, ends: date, grain: str) -> Iterable[date]:
    """The first days of the periods that hold a day from `starts` until before `ends`."""
    day: date | None = _first(starts, grain) if starts < ends else None
    while day is not None and day < ends:
        yield day
        day = _next(day, grain)


def _first(day: date, grain: str) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "day":
        return day
    months = {"month": 1, "quarter": 3, "year": 12}[grain]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def _next(day: date, grain: str) -> date | None:
    """The first day of the period after; None after the last year that a calendar of ours knows."""
    if grain in ("day", "week"):
        return day + timedelta(days=1 if grain == "day" else 7)
    months = day.year * 12 + day.month - 1 + {"month": 1, "quarter": 3, "year": 12}[grain]
    return date(months // 12, months % 12 + 1, 1) if months // 12 <= date.max.year else None
