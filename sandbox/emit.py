"""From our question to the engine's text, and a second opinion on that text from the engine's own parser."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import duckdb

from sandbox.denials import QueryRefused
from sandbox.ir import Agg, Dim, Literal, Measure, Predicate, Question
from sandbox.policy import Policy

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


def group_names(question: Question) -> tuple[str, ...]:
    """The engine-side names of the group keys."""
    return tuple(f"_g{at}" for at in range(len(question.keys)))


def measured(question: Question) -> tuple[str, ...]:
    """The measures asked about: each needs its own count of units that have a value."""
    return tuple(dict.fromkeys(agg.column for agg in question.aggs if agg.column and agg.measure is not Measure.UNITS))


def groups(question: Question, policy: Policy) -> str:
    """One row per group: keys, rows, a lower bound of its units, non-empty values per measure, the statistics.

    The largest groups come first, so that reading may stop at the first one under the floor.
    """
    keys = _keys(question, policy)
    shown = [f"{key} AS {name}" for key, name in zip(keys, group_names(question), strict=True)]
    shown.append(f"count(*) AS {ROWS}")
    shown.append(f"{_bound(policy)} AS {UNITS}")
    shown += [f"count({_quoted(name, policy)}) AS _c{at}" for at, name in enumerate(measured(question))]
    shown += [f"{_statistic(agg, policy)} AS _a{at}" for at, agg in enumerate(question.aggs)]
    text = f"SELECT {', '.join(shown)} FROM {TABLE}{_where(question.predicates, policy)}{_group_by(keys)}"  # noqa: S608
    return f"{text} ORDER BY {ROWS} DESC LIMIT {policy.limits.max_groups + 1}"


def raw(question: Question, policy: Policy) -> str:
    """For noise to be added: keys, rows, exact units, values and sum per measure. No floor, and no order.

    The keys hold public values only (see `snapshot`), so the limit never cuts: `domains` has counted them.
    """
    keys = _keys(question, policy)
    shown = [f"{key} AS {name}" for key, name in zip(keys, group_names(question), strict=True)]
    shown.append(f"count(*) AS {ROWS}")
    shown.append(f"{'count(*)' if policy.unit_column is None else f'count(DISTINCT {UNIT})'} AS {UNITS}")
    columns = [_quoted(name, policy) for name in measured(question)]
    shown += [f"count({name}) AS _c{at}" for at, name in enumerate(columns)]
    shown += [f"sum({name}) AS _a{at}" for at, name in enumerate(columns)]
    text = f"SELECT {', '.join(shown)} FROM {TABLE}{_where(question.predicates, policy)}{_group_by(keys)}"  # noqa: S608
    return f"{text} LIMIT {policy.limits.max_groups + 1}"


def exact(question: Question, policy: Policy) -> str | None:
    """Exact units per group, and per measure those with a value, for groups the cheap bound leaves in doubt."""
    if policy.unit_column is None:
        return None
    names, columns = group_names(question), measured(question)
    counts = [f"count(DISTINCT {UNIT}) AS {UNITS}"]
    counts += [f"count(DISTINCT CASE WHEN _m{at} IS NOT NULL THEN {UNIT} END) AS _c{at}" for at in range(len(columns))]
    values = [f"{_quoted(name, policy)} AS _m{at}" for at, name in enumerate(columns)]
    keys = _keys(question, policy)
    named = [f"{key} AS {name}" for key, name in zip(keys, names, strict=True)]
    where = _where(question.predicates, policy)
    rows = f"(SELECT {', '.join([*named, UNIT, *values])} FROM {TABLE}{where}) s"  # noqa: S608
    if not names:
        return f"SELECT {', '.join(counts)} FROM {rows}"  # noqa: S608
    tallies = [*named, f"count(*) AS {ROWS}", f"{_bound(policy)} AS {UNITS}"]
    tallies += [f"count({_quoted(name, policy)}) AS _c{at}" for at, name in enumerate(columns)]
    inner = f"SELECT {', '.join(tallies)} FROM {TABLE}{where}{_group_by(keys)}"  # noqa: S608
    doubts = [f"{UNITS} < {question.floor}", *(f"_c{at} < {ROWS}" for at in range(len(columns)))]
    doubtful = (
        f"(SELECT {', '.join(names)} FROM ({inner}) t WHERE {ROWS} >= {question.floor} AND ({' OR '.join(doubts)})) d"  # noqa: S608
    )
    same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM d.{name}" for name in names)
    keyed = [f"s.{name}" for name in names]
    return (
        f"SELECT {', '.join([*keyed, *counts])} FROM {rows} SEMI JOIN {doubtful} ON {same} GROUP BY {', '.join(keyed)}"  # noqa: S608
    )


def _keys(question: Question, policy: Policy) -> list[str]:
    return [_key(dim, policy) for dim in question.keys]


def _key(dim: Dim, policy: Policy) -> str:
    name = _quoted(dim.column, policy)
    return f"date_trunc('{dim.grain}', {name})" if dim.grain else name


def _bound(policy: Policy) -> str:
    return "count(*)" if policy.unit_column is None else f"bit_count(bit_or({BITS}))"


def _statistic(agg: Agg, policy: Policy) -> str:
    if agg.measure is Measure.ROWS:
        return "count(*)"
    if agg.measure is Measure.UNITS or agg.column is None:
        return f"count(DISTINCT {UNIT})"
    return f"{agg.measure.value}({_quoted(agg.column, policy)})"


def _where(predicates: tuple[Predicate, ...], policy: Policy) -> str:
    if not predicates:
        return ""
    return " WHERE " + " AND ".join(_predicate(each, policy) for each in predicates)


def _predicate(each: Predicate, policy: Policy) -> str:
    name = _quoted(each.column, policy)
    if each.operator == "IN":
        return f"{name} IN ({', '.join(_literal(value) for value in each.values)})"
    return f"{name} {each.operator} DATE '{each.values[0]}'"


def _literal(value: Literal) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str, policy: Policy) -> str:
    return f'"{policy.columns[name].name}"'


def _group_by(keys: list[str]) -> str:
    return f" GROUP BY {', '.join(keys)}" if keys else ""


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
    found = json.loads(_parser().execute("SELECT json_serialize_sql(?)", [text]).fetchall()[0][0])
    if found.get("error") is not False or len(found.get("statements", ())) != 1:
        raise QueryRefused("Z1")
    known = {column.name for column in policy.columns.values()}
    for node in _nodes(found["statements"][0]["node"]):
        if not _understood(node, known):
            raise QueryRefused("Z1")


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
