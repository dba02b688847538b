"""The question a buyer asks, in our own words: all that ever becomes SQL for the engine."""

import hashlib
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

Literal = str | int | bool


class Measure(StrEnum):
    """The statistics that may be asked; the last two in templates only."""

    ROWS = "count"
    UNITS = "units"
    SUM = "sum"
    AVG = "avg"
    VALUES = "values"  # rows that have a value
    QUANTILE = "quantile"


@dataclass(frozen=True)
class Dim:
    """A group key: a dimension, or a time cut to a grain. `column` is the policy's name, lower case."""

    column: str
    grain: str | None = None


@dataclass(frozen=True)
class Agg:
    """A statistic over one column (none for rows), perhaps rounded to some decimals."""

    measure: Measure
    column: str | None = None
    digits: int | None = None


@dataclass(frozen=True)
class Output:
    """One column of the answer."""

    name: str
    item: Dim | Agg


@dataclass(frozen=True)
class Predicate:
    """`column IN values` on a dimension, `column >= value` or `column < value` (ISO day) on a time."""

    column: str
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Having:
    """A comparison of one output with a number, applied after the floor."""

    output: int
    operator: str
    number: Decimal


@dataclass(frozen=True)
class Order:
    """A sort key: one output."""

    output: int
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Question:
    """A whole query, after every rule has passed. `capped`: the limit is the policy's, not the buyer's."""

    outputs: tuple[Output, ...]
    dims: tuple[Dim, ...]
    predicates: tuple[Predicate, ...]
    having: tuple[Having, ...]
    order: tuple[Order, ...]
    limit: int
    capped: bool
    floor: int

    @property
    def keys(self) -> tuple[Dim, ...]:
        """The group keys in an order of ours: the same for every spelling."""
        return tuple(sorted(self.dims, key=lambda dim: (dim.column, dim.grain or "")))

    @property
    def aggs(self) -> tuple[Agg, ...]:
        """The statistics shown, each once, unrounded, in an order of ours: the same for every spelling."""
        asked = {replace(each.item, digits=None) for each in self.outputs if isinstance(each.item, Agg)}
        return tuple(sorted(asked, key=lambda agg: (agg.measure.value, agg.column or "")))

    def statistic(self, policy_hash: str) -> str:
        """The same for every spelling of one statistic: names, rounding, order, HAVING and LIMIT do not count."""
        parts = [
            policy_hash,
            [repr((dim.column, dim.grain)) for dim in self.keys],
            [repr((agg.measure.value, agg.column)) for agg in self.aggs],
            sorted({repr((each.column, each.operator, sorted(map(repr, each.values)))) for each in self.predicates}),
        ]
        return "sha256:" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()
