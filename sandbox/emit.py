"""From our question to an engine's text, and a second opinion on DuckDB's text from DuckDB's own parser."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from sandbox.denials import QueryRefused
from sandbox.ir import Agg, Dim, Literal, Measure, Predicate, Question
from sandbox.policy import Mode, Policy

TABLE = "snap"
UNIT = "_pu"
BITS = "_b"
ROWS = "_r"
UNITS = "_n"

FUNCTIONS = frozenset({"count_star", "count", "sum", "avg", "date_trunc", "bit_count", "bit_or"})
CLASSES = frozenset(
    {"COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "FUNCTION", "OPERATOR", "CAST", "CASE", "TYPE"}
)
TYPES = frozenset(
    {
        "COLUMN_REF",
        "VALUE_CONSTANT",
        "COMPARE_GREATERTHANOREQUALTO",
        "COMPARE_LESSTHAN",
        "COMPARE_IN",
        "COMPARE_NOT_DISTINCT_FROM",
        "CONJUNCTION_AND",
        "CONJUNCTION_OR",
        "FUNCTION",
        "OPERATOR_CAST",
        "OPERATOR_IS_NOT_NULL",
        "CASE_EXPR",
        "TYPE",
        "SELECT_NODE",
        "BASE_TABLE",
        "SUBQUERY",
        "JOIN",
        "ORDER_MODIFIER",
        "DESCENDING",
        "LIMIT_MODIFIER",
    }
)


@dataclass(frozen=True)
class Dialect:
    """The few places in which two engines spell the same thing differently."""

    quote: str
    semi_join: str
    same: str  # equal, or both without a value
    average: str  # of a column; as a floating-point number
    text: Callable[[str], str]  # a text as a literal


DUCKDB = Dialect(
    '"', "SEMI JOIN", "IS NOT DISTINCT FROM", "avg({0})", lambda value: "'" + value.replace("'", "''") + "'"
)
# Spark's quotation marks and backslashes depend on settings: bytes in hexadecimal do not. Its avg of decimals is a
# decimal of fewer digits.
SPARK = Dialect(
    "`",
    "LEFT SEMI JOIN",
    "<=>",
    "CAST(sum({0}) AS DOUBLE) / count({0})",
    lambda value: f"CAST(X'{value.encode().hex()}' AS STRING)",
)


def texts(question: Question, policy: Policy, dialect: Dialect = DUCKDB) -> tuple[str, str | None]:
    """What the worker runs: the groups, and for those whose size the cheap bound leaves in doubt the exact counts."""
    text = _Text(question, policy, dialect)
    return (text.raw(), None) if policy.mode is Mode.AGGREGATE_DP else (text.groups(), text.exact())


def group_names(question: Question) -> tuple[str, ...]:
    """The engine-side names of the group keys."""
    return tuple(f"_g{at}" for at in range(len(question.keys)))


def measured(question: Question) -> tuple[str, ...]:
    """The measures asked about: each needs its own count of units that have a value."""
    return tuple(dict.fromkeys(agg.column for agg in question.aggs if agg.column and agg.measure is not Measure.UNITS))


def shape(policy: Policy) -> str | None:
    """A question that only a snapshot of counted units can be asked: what was built for this policy answers it, the
    provider's own file does not."""
    return None if policy.unit_column is None else f"SELECT {UNIT}, {BITS} FROM {TABLE} LIMIT 0"  # noqa: S608


def enough(question: Question, policy: Policy) -> int:
    """Rows that hold at least `floor` units whoever they are: a snapshot has at most M rows of a unit, so more than
    (floor - 1) * M rows are not those of fewer."""
    most = 1 if policy.unit_column is None else policy.max_rows_per_unit
    return max(0, question.floor - 1) * most + 1


class _Text:
    """One question in the words of one engine."""

    def __init__(self, question: Question, policy: Policy, dialect: Dialect) -> None:
        self.question, self.policy, self.dialect = question, policy, dialect
        self.keys = [self._key(dim) for dim in question.keys]
        self.names = group_names(question)
        self.columns = [self._quoted(name) for name in measured(question)]
        self.where = self._where()
        self.group_by = f" GROUP BY {', '.join(self.keys)}" if self.keys else ""
        self.named = [f"{key} AS {name}" for key, name in zip(self.keys, self.names, strict=True)]
        self.enough = enough(question, policy)
        self.bound = self._bound()

    def groups(self) -> str:
        """One row per group: keys, rows, a lower bound of its units, non-empty values per measure, the statistics.

        The largest groups come first, so that reading may stop at the first one under the floor.
        """
        shown = [*self.named, f"count(*) AS {ROWS}", f"{self.bound} AS {UNITS}"]
        shown += [f"count({name}) AS _c{at}" for at, name in enumerate(self.columns)]
        shown += [f"{self._statistic(agg)} AS _a{at}" for at, agg in enumerate(self.question.aggs)]
        text = f"SELECT {', '.join(shown)} FROM {TABLE}{self.where}{self.group_by}"  # noqa: S608
        return f"{text} ORDER BY {ROWS} DESC LIMIT {self.policy.limits.max_groups + 1}"

    def raw(self) -> str:
        """For noise to be added: keys, rows, exact units, values and sum per measure. No floor, and no order.

        The keys hold public values only (see `snapshot`), so the limit never cuts: `domains` has counted them.
        """
        units = "count(*)" if self.policy.unit_column is None else f"count(DISTINCT {UNIT})"
        shown = [*self.named, f"count(*) AS {ROWS}", f"{units} AS {UNITS}"]
        shown += [f"count({name}) AS _c{at}" for at, name in enumerate(self.columns)]
        shown += [f"sum({name}) AS _a{at}" for at, name in enumerate(self.columns)]
        text = f"SELECT {', '.join(shown)} FROM {TABLE}{self.where}{self.group_by}"  # noqa: S608
        return f"{text} LIMIT {self.policy.limits.max_groups + 1}"

    def exact(self) -> str | None:
        """Exact units per group, and per measure those with a value, for groups the cheap bound leaves in doubt."""
        if self.policy.unit_column is None:
            return None
        names, floor = self.names, self.question.floor
        marks = range(len(self.columns))
        counts = [f"count(DISTINCT {UNIT}) AS {UNITS}"]
        counts += [f"count(DISTINCT CASE WHEN _m{at} IS NOT NULL THEN {UNIT} END) AS _c{at}" for at in marks]
        values = [f"{name} AS _m{at}" for at, name in enumerate(self.columns)]
        rows = f"(SELECT {', '.join([*self.named, UNIT, *values])} FROM {TABLE}{self.where}) s"  # noqa: S608
        if not names:
            return f"SELECT {', '.join(counts)} FROM {rows}"  # noqa: S608
        tallies = [*self.named, f"count(*) AS {ROWS}", f"{self.bound} AS {UNITS}"]
        tallies += [f"count({name}) AS _c{at}" for at, name in enumerate(self.columns)]
        inner = f"SELECT {', '.join(tallies)} FROM {TABLE}{self.where}{self.group_by}"  # noqa: S608
        few = f"{UNITS} < {floor} AND {ROWS} < {self.enough}"
        doubts = " OR ".join([few, *(f"_c{at} < {ROWS} AND _c{at} < {self.enough}" for at in marks)])
        doubtful = f"(SELECT {', '.join(names)} FROM ({inner}) t WHERE {ROWS} >= {floor} AND ({doubts})) d"  # noqa: S608
        same = " AND ".join(f"s.{name} {self.dialect.same} d.{name}" for name in names)
        keyed = [f"s.{name}" for name in names]
        joined = f"{rows} {self.dialect.semi_join} {doubtful} ON {same}"
        return f"SELECT {', '.join([*keyed, *counts])} FROM {joined} GROUP BY {', '.join(keyed)}"  # noqa: S608

    def _bound(self) -> str:
        """A number of units that no group has fewer of. One group alone is proven by its rows, or is small enough to
        be counted: a column of bits would be read for nothing."""
        if self.policy.unit_column is None:
            return "count(*)"
        return f"bit_count(bit_or({BITS}))" if self.keys else "0"

    def _key(self, dim: Dim) -> str:
        name = self._quoted(dim.column)
        return f"date_trunc('{dim.grain}', {name})" if dim.grain else name

    def _statistic(self, agg: Agg) -> str:
        if agg.measure is Measure.ROWS:
            return "count(*)"
        if agg.measure is Measure.UNITS or agg.column is None:
            return f"count(DISTINCT {UNIT})"
        name = self._quoted(agg.column)
        return self.dialect.average.format(name) if agg.measure is Measure.AVG else f"{agg.measure.value}({name})"

    def _where(self) -> str:
        predicates = self.question.predicates
        return " WHERE " + " AND ".join(self._predicate(each) for each in predicates) if predicates else ""

    def _predicate(self, each: Predicate) -> str:
        name = self._quoted(each.column)
        if each.operator == "IN":
            return f"{name} IN ({', '.join(self._literal(value) for value in each.values)})"
        return f"{name} {each.operator} DATE '{each.values[0]}'"

    def _literal(self, value: Literal) -> str:
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        return str(value) if isinstance(value, int) else self.dialect.text(value)

    def _quoted(self, name: str) -> str:
        mark = self.dialect.quote
        return f"{mark}{self.policy.columns[name].name}{mark}"


_local = threading.local()


def _parser() -> duckdb.DuckDBPyConnection:
    """An empty engine of this thread that only parses; no data are ever attached to it."""
    if not hasattr(_local, "parser"):
        config: dict[str, str | bool | int | float | list[str]] = {"threads": 1, "enable_external_access": "false"}
        _local.parser = duckdb.connect(":memory:", config=config)
    parser: duckdb.DuckDBPyConnection = _local.parser
    return parser


def recheck(text: str, policy: Policy) -> None:
    """Z1: the engine must read our text as one SELECT made only of the shapes we generate. Never expected to fire."""
    known = {column.name for column in policy.columns.values()}
    for node in nodes(text):
        if not _understood(node, known):
            raise QueryRefused("Z1")


def nodes(text: str) -> Iterator[dict[str, Any]]:
    """Every node of the engine's own reading of one statement; Z1 when it reads another number of them."""
    found = json.loads(_parser().execute("SELECT json_serialize_sql(?)", [text]).fetchall()[0][0])
    if found.get("error") is not False or len(found.get("statements", ())) != 1:
        raise QueryRefused("Z1")
    yield from _nodes(found["statements"][0]["node"])


def keywords(*categories: str) -> frozenset[str]:
    """The engine's own words of these categories."""
    rows = _parser().execute("SELECT keyword_name, keyword_category FROM duckdb_keywords()").fetchall()
    return frozenset(str(word) for word, category in rows if category in categories)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _nodes(each)
    elif isinstance(value, list):
        for each in value:
            yield from _nodes(each)


def _understood(node: dict[str, Any], columns: set[str]) -> bool:
    if node.get("class", "CONSTANT") not in CLASSES:
        return False
    if isinstance(node.get("type"), str) and node["type"] not in TYPES:
        return False
    if node.get("function_name", "count") not in FUNCTIONS or node.get("table_name", TABLE) != TABLE:
        return False
    if node.get("schema_name") or node.get("catalog_name") or node.get("catalog") or node.get("schema"):
        return False
    if node.get("type_name", "DATE") != "DATE" or node.get("join_type", "SEMI") != "SEMI":
        return False
    names = node.get("column_names", ())
    return not names or names[-1] in columns or names[-1].startswith("_")
