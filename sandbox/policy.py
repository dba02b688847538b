"""What one buyer may ask of one dataset: a closed JSON document, read strictly or not at all.

An unknown key refuses to load, a missing limit takes the strictest default, and a thing this version
cannot enforce (a join) refuses rather than being ignored. Every field may name the clause it
came from, and the clauses that no field enforces are listed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sandbox.denials import PolicyRefused

if TYPE_CHECKING:
    from sandbox.templates import Template

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
GRAINS = ("day", "week", "month", "quarter", "year")
AGGREGATES = frozenset({"SUM", "AVG", "COUNT_DISTINCT"})
OPERATORS = {"dim": frozenset({"=", "IN"}), "time": frozenset({">=", "<"})}
SMALLEST_GROUP = 2  # a "group" of one person is that person

Domain = tuple[str | int | bool, ...]


class Mode(StrEnum):
    """How a question becomes an answer. Only `AGGREGATE_DP` may be called differentially private."""

    TEMPLATE = "template"
    AGGREGATE = "aggregate"
    AGGREGATE_DP = "aggregate_dp"


class Role(StrEnum):
    """What a column may be used for."""

    DIM = "dim"
    TIME = "time"
    MEASURE = "measure"
    UNIT = "unit"
    FORBIDDEN = "forbidden"


class Kind(StrEnum):
    """The type of a dimension's values, as a literal in a query writes them."""

    TEXT = "text"
    INT = "int"
    BOOL = "bool"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True)
class Column:
    """One column of the dataset. `source` is its name in the provider's file, `name` the one a query writes.

    `domain` is what the public knows of the values before any data are looked at: every value of a dimension;
    of a time the first day and the day after the last, both the first of a month; or the name of a public list,
    which `aggregate_dp` does not take.
    """

    name: str
    role: Role
    kind: Kind = Kind.TEXT
    source: str = ""
    domain: Domain | str | None = None
    bounds: tuple[int | float, int | float] | None = None
    filters: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()
    grain: tuple[str, ...] = ()
    literal_step: str = "year"
    min_units_for_value: int = 0


@dataclass(frozen=True)
class Limits:
    """Ceilings of one query; the defaults are the strictest we use."""

    min_group: int = 20
    max_rows: int = 100
    max_groups: int = 10_000
    max_cols: int = 6
    max_group_cols: int = 2
    max_preds: int = 4
    max_in: int = 10
    max_sql_bytes: int = 2048
    max_tokens: int = 300
    max_depth: int = 8
    max_literal: int = 64


@dataclass(frozen=True)
class Budgets:
    """What may be spent over the life of the policy; the exchange keeps the account.

    `requests_total` counts refused and repeated questions too, which cost no other budget. Epsilon is in
    millionths; `epsilon_per_query_micro` pays for one release (one noisy column of an answer).
    """

    queries_total: int = 20
    queries_per_day: int = 10
    requests_total: int = 200
    concurrent: int = 1
    epsilon_total_micro: int = 0
    epsilon_per_query_micro: int = 0
    delta: float = 0.0
    cpu_seconds: int = 0
    overlap_history: int = 0


@dataclass(frozen=True)
class Output:
    """How an answer leaves: seen, not taken. In aggregate mode counts are rounded to `round_to` (1: exact)."""

    view_only: bool = True
    max_bytes: int = 65_536
    watermark: bool = False
    retention_days: int = 0
    round_to: int = 1


@dataclass(frozen=True)
class Privacy:
    """Noise of mode `aggregate_dp`: groups whose noisy count is under `threshold` are not shown, and
    noisy counts are rounded to `rounding`."""

    mechanism: str = "discrete_laplace"
    threshold: int = 20
    rounding: int = 1


@dataclass(frozen=True)
class Resources:
    """Hard limits of the process that runs a query."""

    mem_mb: int = 512
    cpu_s: int = 10
    wall_s: int = 5
    threads: int = 1
    spill_mb: int = 0


@dataclass(frozen=True)
class Window:
    """When queries may be asked: from (included) to (excluded)."""

    starts: datetime
    ends: datetime


@dataclass(frozen=True)
class Policy:
    """A loaded policy. Immutable: an amendment is a new version with a new hash."""

    policy_id: str
    version: int
    contract_hash: str
    mode: Mode
    min_isolation_tier: int
    window: Window
    purposes: tuple[str, ...]
    state: str
    provider: str
    buyer: str
    people: tuple[str, ...]
    snapshot_id: str
    snapshot_sha256: str
    table: str
    unit_column: str | None
    max_rows_per_unit: int
    rows_public: bool
    columns: Mapping[str, Column]
    limits: Limits
    k_per_column: Mapping[str, int]
    budgets: Budgets
    output: Output
    dp: Privacy | None
    export_ban: bool
    resources: Resources
    clauses: Mapping[str, str]
    unenforced: tuple[str, ...]
    hash: str
    templates: "tuple[Template, ...]" = ()  # what may be asked in mode `template`

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Policy":
        """Read a policy document; raises PolicyRefused on anything not fully understood."""
        from sandbox.policy_reader import read

        return read(document)

    def column(self, name: str) -> Column | None:
        """Find a column the way SQL does: letter case does not matter."""
        return self.columns.get(name.lower())

    def with_role(self, role: Role) -> tuple[Column, ...]:
        """The columns of one role, in the order of the document."""
        return tuple(column for column in self.columns.values() if column.role is role)

    def clause(self, field: str) -> str | None:
        """The clause behind a field ("limits.min_group"), or behind the section it stands in; "trial:T8" for a rule
        of the trial. None for what nobody but the drafter of the policy decided."""
        while field:
            if field in self.clauses:
                return self.clauses[field]
            field = field.rpartition(".")[0]
        return None

    def floor(self, used: frozenset[str]) -> int:
        """The smallest group, in units, that a query over these dimensions may show."""
        asked = [self.limits.min_group]
        for name in used:
            asked += [self.columns[name].min_units_for_value, self.k_per_column.get(name, 0)]
        return max(asked)


def digest(document: Mapping[str, Any]) -> str:
    """The policy's name for ever: SHA-256 over its JSON with sorted keys and no spaces."""
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    except (TypeError, ValueError) as error:  # half a character is a ValueError too
        raise PolicyRefused("POLICY_INVALID", key="(document)") from error
