"""Questions that the provider has written and a buyer only fills in (mode `template`).

A template is judged once, when its policy is read (`template_sql`); DuckDB's own parser reads what was printed, and an
empty table of the policy's columns must accept it. A buyer sends a name and values, as JSON or as
`name(parameter => value)`; every value must be one that the policy names; only then do we write it, as a literal.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from sandbox import emit, strict, template_sql, text
from sandbox.denials import PolicyRefused, QueryRefused
from sandbox.ir import Dim, Output, Question
from sandbox.policy import NAME, SMALLEST_GROUP, Column, Kind, Role

if TYPE_CHECKING:
    from sandbox.policy import Policy

Value = str | int | bool | Decimal
MOST_TEMPLATES = 50
MOST_VALUES = 500  # of one domain
LONGEST_TITLE = 200  # characters
NAMED = 12  # values that a refusal names
KEYS = frozenset({"id", "title_vi", "title_en", "sql", "parameters", "min_group"})
TYPES: Mapping[Kind, type | tuple[type, ...]] = {
    Kind.TEXT: str, Kind.DATE: str, Kind.BOOL: bool, Kind.INT: int, Kind.NUMBER: (int, Decimal),
}  # fmt: skip
STORED = {Kind.TEXT: "VARCHAR", Kind.INT: "BIGINT", Kind.BOOL: "BOOLEAN", Kind.NUMBER: "DECIMAL(18, 2)"}
SHAPES = emit.TYPES | {
    "COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_GREATERTHAN", "COMPARE_LESSTHANOREQUALTO", "OPERATOR_IS_NULL",
    "OPERATOR_NOT", "OPERATOR_COALESCE",
}  # fmt: skip
FUNCTIONS = frozenset(
    {"count_star", "count", "sum", "avg", "min", "max", "median", "quantile_cont", "date_trunc", "greatest", "least",
     "nullif", "abs", "round", "coalesce", "+", "-", "*", "/"}
)  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """What a buyer fills in: one of `domain`, or a whole number or the first day of a month within `bounds`
    (both included)."""

    name: str
    kind: Kind
    domain: tuple[Value, ...] = ()
    bounds: tuple[int, int] | tuple[str, str] | None = None

    @property
    def sample(self) -> Value:
        """A value that passes."""
        return self.domain[0] if self.bounds is None else self.bounds[0]

    @property
    def allowed(self) -> str:
        """What passes, as a refusal says it."""
        if self.bounds is not None:
            return f"{self.bounds[0]} … {self.bounds[1]}"
        return ", ".join([*map(_shown, self.domain[:NAMED]), *(["…"] if len(self.domain) > NAMED else [])])

    def admits(self, value: object) -> bool:
        """Whether the value is of the type, and among those named."""
        if not isinstance(value, TYPES[self.kind]) or isinstance(value, bool) != (self.kind is Kind.BOOL):
            return False
        if self.bounds is None:
            return value in self.domain
        if self.kind is Kind.DATE and not _is_month(value):
            return False
        low, high = self.bounds
        return bool(low <= value <= high)  # type: ignore[operator]  # both of the parameter's type by now


@dataclass(frozen=True)
class Template:
    """One approved question. `pieces` is its printed text, at every second place the name of a parameter."""

    id: str
    title_vi: str
    title_en: str
    pieces: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[Output, ...]
    columns: frozenset[str]
    min_group: int

    def bind(self, values: Mapping[str, Value]) -> str:
        """The text for the engine; the values have been admitted."""
        kinds = {each.name: each.kind for each in self.parameters}
        return "".join(
            _literal(values[piece], kinds[piece]) if at % 2 else piece for at, piece in enumerate(self.pieces)
        )

    def call(self, values: Mapping[str, Value] | None = None) -> str:
        """How a buyer writes it; with sample values when there are none."""
        filled = values or {each.name: each.sample for each in self.parameters}
        return f"{self.id}({', '.join(f'{name} => {_shown(value)}' for name, value in filled.items())})"


class Bound(NamedTuple):
    """A buyer's call that has passed."""

    template: Template
    question: Question
    sql: str
    statistic: str


# --- reading a policy's templates --------------------------------------------------------------------------------


def read(entries: object, table: str, columns: Mapping[str, Column], most: int) -> tuple[Template, ...]:
    """The templates of a policy, each fully understood; raises PolicyRefused. `most`: groups one answer may hold."""
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_TEMPLATES:
        raise PolicyRefused("POLICY_INVALID", key="templates")
    if not any(column.role is Role.UNIT for column in columns.values()):
        raise PolicyRefused("POLICY_INVALID", key="dataset.unit_column")
    found = tuple(_template(f"templates.{at}.", entry, table, columns, most) for at, entry in enumerate(entries))
    if len({each.id.lower() for each in found}) != len(found):
        raise PolicyRefused("POLICY_INVALID", key="templates")
    return found


def _template(where: str, entry: object, table: str, columns: Mapping[str, Column], most: int) -> Template:
    if not isinstance(entry, Mapping):
        raise PolicyRefused("POLICY_INVALID", key=where)
    strict.closed(entry, KEYS, where)
    name, sql = strict.text(entry, "id", None, where), strict.text(entry, "sql", None, where)
    titles = [strict.text(entry, key, None, where).strip() for key in ("title_vi", "title_en")]
    if not NAME.fullmatch(name) or not all(0 < len(each) <= LONGEST_TITLE and each.isprintable() for each in titles):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}id")
    given = strict.mapping(entry, "parameters", {})
    parameters = tuple(_parameter(each, given[each], f"{where}parameters.") for each in given)
    try:
        judged = _judged(sql, table, tuple(columns.items()), parameters, most)
    except PolicyRefused as refused:
        facts = {key: value for key, value in refused.denied.facts.items() if key != "key"}
        raise PolicyRefused("POLICY_TEMPLATE", key=f"{where}sql", template=name, **facts) from refused
    floor = strict.number(entry, "min_group", SMALLEST_GROUP, SMALLEST_GROUP, where)
    pieces = tuple(judged.text.split("\0"))
    return Template(name, titles[0], titles[1], pieces, parameters, judged.outputs, judged.columns, floor)


def _parameter(name: object, entry: object, where: str) -> Parameter:
    key = f"{where}{name}"
    if not isinstance(name, str) or not NAME.fullmatch(name) or name != name.lower() or not isinstance(entry, Mapping):
        raise PolicyRefused("POLICY_INVALID", key=key)
    strict.closed(entry, frozenset({"type", "domain", "bounds"}), f"{key}.")
    kind = Kind(strict.one_of(entry, "type", tuple(Kind), None, f"{key}."))
    domain, bounds = entry.get("domain"), entry.get("bounds")
    listed: list[Any] = [Decimal(repr(each)) if isinstance(each, float) else each for each in domain or bounds or ()]
    open_ended = Parameter(name, kind, tuple(listed))
    if (domain is None) == (bounds is None) or not listed or len(listed) > MOST_VALUES:
        raise PolicyRefused("POLICY_INVALID", key=key)
    if not all(open_ended.admits(each) and _is_plain(each, kind) for each in listed):
        raise PolicyRefused("POLICY_INVALID", key=key)
    if bounds is None:
        return open_ended
    if len(listed) != 2 or kind not in (Kind.INT, Kind.DATE) or listed[0] > listed[1]:
        raise PolicyRefused("POLICY_INVALID", key=f"{key}.bounds")
    if kind is Kind.DATE and not all(map(_is_month, listed)):
        raise PolicyRefused("POLICY_INVALID", key=f"{key}.bounds")
    return Parameter(name, kind, (), (listed[0], listed[1]))


@lru_cache(maxsize=256)  # a policy is read again for every question
def _judged(
    sql: str, table: str, columns: tuple[tuple[str, Column], ...], parameters: tuple[Parameter, ...], most: int
) -> template_sql.Judged:
    judged = template_sql.judge(sql, table, dict(columns), frozenset(each.name for each in parameters), most)
    unused = {each.name for each in parameters} - judged.parameters
    if unused:
        raise PolicyRefused("POLICY_TEMPLATE", case="parameter", what=", ".join(sorted(unused)))
    tried = Template("", "", "", tuple(judged.text.split("\0")), parameters, (), frozenset(), 0)
    made = tried.bind({each.name: each.sample for each in parameters})
    if not _understood(made):
        raise PolicyRefused("POLICY_TEMPLATE", case="shape", what="Z1")
    _plan(made, dict(columns))
    return judged


def _plan(made: str, columns: Mapping[str, Column]) -> None:
    """An empty table of these columns must answer it: types that do not fit are found here, not on the data."""
    stored = [f"{emit.UNIT} INTEGER"]
    stored += [
        f'"{each.name}" {"DATE" if each.role is Role.TIME else STORED[each.kind]}'
        for each in columns.values()
        if each.role not in (Role.UNIT, Role.FORBIDDEN)
    ]
    with duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": "false"}) as engine:
        engine.execute(f"CREATE TABLE {emit.TABLE} ({', '.join(stored)})")
        try:
            engine.execute(made)
        except duckdb.Error as error:
            raise PolicyRefused("POLICY_TEMPLATE", case="engine", what=type(error).__name__) from error


def _understood(made: str) -> bool:
    """DuckDB's own reading: one SELECT of the shapes, functions and tables we print."""
    try:
        nodes = list(emit.nodes(made))
    except QueryRefused:
        return False
    common = {str(each["key"]) for node in nodes for each in node.get("map", ()) if isinstance(node.get("map"), list)}
    return all(_known(node, common | {emit.TABLE}) for node in nodes)


def _known(node: Mapping[str, Any], tables: set[str]) -> bool:
    if node.get("class", "CONSTANT") not in emit.CLASSES or node.get("table_name", emit.TABLE) not in tables:
        return False
    if isinstance(node.get("type"), str) and node["type"] not in SHAPES:
        return False
    if node.get("function_name", "count") not in FUNCTIONS or node.get("type_name", "DATE") != "DATE":
        return False
    if any(node.get(key) for key in ("schema_name", "catalog_name", "catalog", "schema")):
        return False
    return node.get("join_type", "INNER") in ("INNER", "LEFT") and node.get("ref_type", "REGULAR") == "REGULAR"


# --- a buyer's call ----------------------------------------------------------------------------------------------


def bound(asked: str, policy: "Policy") -> Bound:
    """One call, filled in; raises QueryRefused with what would pass."""
    name, given = _called(asked, policy)
    template = next((each for each in policy.templates if each.id.lower() == name.lower()), None)
    if template is None:
        raise QueryRefused("P1", value=_told(name, policy.limits.max_literal), allowed=_names(policy))
    values = dict(_filled(template, given, policy.limits.max_literal))
    made = template.bind(values)
    if not _understood(made):
        raise QueryRefused("Z1")
    floor = max(policy.floor(template.columns), template.min_group)
    question = Question(template.outputs, _dims(template), (), (), (), policy.limits.max_rows, True, floor)
    parts = [policy.hash, template.id, sorted((key, repr(value)) for key, value in values.items())]
    return Bound(template, question, made, "sha256:" + hashlib.sha256(json.dumps(parts).encode()).hexdigest())


def _filled(template: Template, given: Mapping[str, object], longest: int) -> Iterator[tuple[str, Value]]:
    known = {each.name for each in template.parameters}
    for name in given:
        if name not in known:
            allowed = ", ".join(sorted(known)) or "—"
            raise QueryRefused("P2", parameter=_told(name, longest), template=template.id, allowed=allowed)
    for each in template.parameters:
        if each.name not in given:
            raise QueryRefused("P3", parameter=each.name, template=template.id, allowed=each.allowed)
        value = given[each.name]
        if not each.admits(value):
            raise QueryRefused("P4", parameter=each.name, value=_told(value, longest), allowed=each.allowed)
        if isinstance(value, str | int | Decimal):
            # As the provider wrote it: 1 and 1.0 are one number, and one statistic.
            yield each.name, next((own for own in each.domain if own == value), value)


def _called(asked: str, policy: "Policy") -> tuple[str, Mapping[str, object]]:
    """The name and the values, from either form."""
    if asked.lstrip().startswith("{"):
        return _from_json(asked, policy)
    tokens = text.scan(asked, policy.limits)
    if not tokens or tokens[0].kind != "word" or tokens[0].word in ("select", "from", "with"):
        raise QueryRefused("P0", allowed=_names(policy), position=0)
    rest = tokens[1:]
    if len(rest) < 2 or (rest[0].text, rest[-1].text) != ("(", ")"):
        raise QueryRefused("P0", allowed=_names(policy), position=tokens[0].at)
    return tokens[0].text, dict(_arguments(rest[1:-1], policy))


def _arguments(tokens: list[text.Token], policy: "Policy") -> Iterator[tuple[str, object]]:
    """`name => value`, with commas between, each name once."""
    seen: set[str] = set()
    while tokens:
        if [each.text for each in tokens[1:3]] != ["=", ">"] or tokens[0].kind != "word" or tokens[0].word in seen:
            raise QueryRefused("P5", example=policy.templates[0].call(), position=tokens[0].at)
        seen.add(tokens[0].word)
        signed = len(tokens) > 3 and tokens[3].text == "-"
        value = tokens[3 + signed : 4 + signed]
        comma = tokens[4 + signed : 5 + signed]
        dangling = comma and (comma[0].text != "," or len(tokens) == 5 + signed)
        if not value or dangling or (signed and value[0].kind != "number"):
            raise QueryRefused("P5", example=policy.templates[0].call(), position=tokens[0].at)
        yield tokens[0].word, _value(value[0], signed, policy)
        tokens = tokens[5 + signed :]


def _value(token: text.Token, signed: bool, policy: "Policy") -> Value:
    if token.kind == "string":
        return token.text[1:-1].replace("''", "'")
    if token.kind == "number":
        number = Decimal(token.text) * (-1 if signed else 1)
        return int(number) if token.text.isdigit() else number
    if token.word in ("true", "false"):
        return token.word == "true"
    raise QueryRefused("P5", example=policy.templates[0].call(), position=token.at)


def _from_json(asked: str, policy: "Policy") -> tuple[str, Mapping[str, object]]:
    limit = policy.limits.max_sql_bytes
    if len(asked) > limit or len(asked.encode(errors="replace")) > limit:
        raise QueryRefused("L0", size=len(asked), limit=limit)
    try:
        found = json.loads(asked, parse_float=Decimal, parse_constant=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise QueryRefused("P5", example=policy.templates[0].call(), position=0) from error
    parameters = found.get("parameters", {})
    fits = set(found) <= {"template", "parameters"} and isinstance(found.get("template"), str)
    if not fits or not isinstance(parameters, dict):
        raise QueryRefused("P5", example=policy.templates[0].call(), position=0)
    return found["template"], parameters


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


# --- small things ------------------------------------------------------------------------------------------------


def _told(value: object, longest: int) -> str:
    """What somebody sent, fit to be shown and stored."""
    return "".join(each if each.isprintable() else "?" for each in str(value)[:longest])


def _dims(template: Template) -> tuple[Dim, ...]:
    return tuple(each.item for each in template.outputs if isinstance(each.item, Dim))


def _names(policy: "Policy") -> str:
    return ", ".join(each.id for each in policy.templates)


def _is_month(value: object) -> bool:
    try:
        return date.fromisoformat(str(value)).isoformat() == value and str(value).endswith("-01")
    except ValueError:
        return False


def _is_plain(value: object, kind: Kind) -> bool:
    """A value of a policy that a literal can hold: a day that exists, a text without control characters."""
    if kind is Kind.DATE:
        try:
            return date.fromisoformat(str(value)).isoformat() == value
        except ValueError:
            return False
    return str(value).isprintable() and len(str(value)) <= template_sql.TEXT.max_literal


def _shown(value: object) -> str:
    """As a buyer writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return emit.DUCKDB.text(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _literal(value: Value, kind: Kind) -> str:
    """As the engine reads it; in brackets, for a number below zero stands behind an operator."""
    if kind is Kind.DATE:
        return f"DATE '{value}'"
    return emit.DUCKDB.text(value) if isinstance(value, str) else f"({_shown(value).upper()})"
