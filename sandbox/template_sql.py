"""The SQL of a template: read against an allow-list, and printed again in words of our own.

Only what is printed reaches the engine. Printing is judging: a shape without a line here cannot be printed.

What makes the floor hold: every row of every source belongs to exactly one unit. Sources are the snapshot and common
tables that carry the unit; they are joined on the unit only; the unit itself stands in no expression and in no answer.
So the outermost SELECT is the only one that counts across units, and there we count them ourselves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, NoReturn

import sqlglot
from sqlglot import exp

from sandbox import emit, text
from sandbox.denials import PolicyRefused, QueryRefused
from sandbox.ir import Agg, Dim, Measure, Output
from sandbox.policy import GRAINS, NAME, Column, Limits, Role

TEXT = Limits(max_sql_bytes=4096, max_tokens=600, max_depth=16, max_literal=128)
MOST_SOURCES = 4  # common tables in all, and tables in one FROM
MOST_OUTPUTS = 12
BINARY: Mapping[type[exp.Expression], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">",
    exp.GTE: ">=", exp.And: "AND", exp.Or: "OR",
}  # fmt: skip
CALLS: Mapping[type[exp.Expression], str] = {
    exp.Coalesce: "coalesce", exp.Greatest: "greatest", exp.Least: "least", exp.Nullif: "nullif", exp.Abs: "abs"
}  # fmt: skip
ACROSS: Mapping[type[exp.Expression], tuple[str, Measure]] = {
    exp.Sum: ("sum", Measure.SUM), exp.Avg: ("avg", Measure.AVG), exp.Median: ("median", Measure.QUANTILE)
}  # fmt: skip
# Of one unit's rows: the least of them is still its own.
WITHIN = {**ACROSS, exp.Min: ("min", Measure.VALUES), exp.Max: ("max", Measure.VALUES)}
LEAST_TAIL = 25  # percent of a group on either side of a quantile: the ends of a small one are single persons
FRACTION = re.compile(r"0\.\d{1,3}")
NUMBER = re.compile(r"\d{1,18}(\.\d{1,9})?")


class Judged(NamedTuple):
    """A template that passed. `text` has every parameter's name between two NULs."""

    text: str
    outputs: tuple[Output, ...]
    parameters: frozenset[str]
    columns: frozenset[str]


class _Shown(NamedTuple):
    """One output: its printed expression; of a statistic which, and over what."""

    name: str
    printed: str
    measure: Measure | None = None
    argument: str = ""
    digits: int | None = None


@dataclass(frozen=True)
class _Source:
    alias: str
    columns: Mapping[str, str]  # lower case -> as the engine knows it


@dataclass
class _Scope:
    """The tables of one FROM; the first one's unit is the unit of every row."""

    sources: list[_Source] = field(default_factory=list)


def judge(sql: str, table: str, columns: Mapping[str, Column], known: frozenset[str], most: int) -> Judged:
    """Read one template's SQL over `table`; `known` are its parameters, `most` the groups that one answer may hold.
    Raises PolicyRefused (POLICY_TEMPLATE) with the case."""
    try:
        text.scan(sql.replace("$", " "), TEXT)
        trees = sqlglot.parse(sql, dialect="duckdb")
        if len(trees) != 1 or type(trees[0]) is not exp.Select:
            _refuse("shape", "SELECT")
        return _Reader(table, columns, known).whole(trees[0], most)
    except QueryRefused as refused:
        raise PolicyRefused("POLICY_TEMPLATE", case="shape", what=refused.code) from refused
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise PolicyRefused("POLICY_TEMPLATE", case="shape", what="S0") from error


def _refuse(case: str, what: object) -> NoReturn:
    raise PolicyRefused("POLICY_TEMPLATE", case=case, what=str(what)[:60])


def _only(node: exp.Expression, *parts: str) -> None:
    """No part of a node that nobody here has looked at."""
    for name, value in node.args.items():
        if name not in parts and value:
            _refuse("shape", f"{type(node).__name__} {name.strip('_')}")


class _Reader:
    def __init__(self, table: str, columns: Mapping[str, Column], known: frozenset[str]) -> None:
        self.table, self.columns, self.known = table.lower(), columns, known
        usable = {name: each for name, each in columns.items() if each.role is not Role.FORBIDDEN}
        self.unit = next(name for name, each in columns.items() if each.role is Role.UNIT)
        stored = {name: emit.UNIT if name == self.unit else each.name for name, each in usable.items()}
        self.tables: dict[str, tuple[str, Mapping[str, str]]] = {self.table: (emit.TABLE, stored)}
        self.used: set[str] = set()
        self.touched: set[str] = set()

    def whole(self, tree: exp.Select, most: int) -> Judged:
        """The outermost SELECT with its common tables, and beside the provider's outputs the tallies of the floor."""
        common = self._common(tree.args.get("with_"))
        scope, rest = self._rows(tree)
        shown = self._outputs(tree, scope, across=True)
        keys = sorted((each for each in shown if each.measure is None), key=lambda each: each.name)
        if len(keys) == len(shown):
            _refuse("output", "count(DISTINCT)")
        unit = self._unit(scope)
        counts, numbers = _tallies(shown, unit)
        parts = [f"{each.printed} AS _g{at}" for at, each in enumerate(keys)]
        parts += [f"count(*) AS {emit.ROWS}", f"count(DISTINCT {unit}) AS {emit.UNITS}", *counts, *numbers]
        made = f"{common}SELECT {', '.join(parts)}{rest}{_positions(range(1, len(keys) + 1))}"
        made += f" ORDER BY {emit.ROWS} DESC LIMIT {most + 1}"
        return Judged(made, _asked(shown), frozenset(self.used), frozenset(self.touched))

    def _common(self, clause: exp.Expression | None) -> str:
        if clause is None:
            return ""
        _only(clause, "expressions")
        if len(clause.expressions) > MOST_SOURCES:
            _refuse("shape", "WITH")
        return f"WITH {', '.join(self._named(each) for each in clause.expressions)} "

    def _named(self, node: exp.Expression) -> str:
        _only(node, "this", "alias")
        _only(node.args["alias"], "this")
        name = _name(node.args["alias"].this)
        if name in self.tables or name == emit.TABLE or type(node.this) is not exp.Select:
            _refuse("table", name)
        if node.this.args.get("with_"):
            _refuse("shape", "WITH")
        scope, rest = self._rows(node.this)
        shown = self._outputs(node.this, scope, across=False)
        self.tables[name] = (name, {self.unit: emit.UNIT, **{each.name: each.name for each in shown}})
        unit = self._unit(scope)
        parts = [f"{unit} AS {emit.UNIT}", *(f'{each.printed} AS "{each.name}"' for each in shown)]
        keys = [at for at, each in enumerate(shown, start=2) if each.measure is None]
        grouped = _positions([1, *keys]) if node.this.args.get("group") else ""
        return f'"{name}" AS (SELECT {", ".join(parts)}{rest}{grouped})'

    # --- rows ---------------------------------------------------------------------------------------------------

    def _rows(self, tree: exp.Select) -> tuple[_Scope, str]:
        """FROM, JOIN and WHERE, printed."""
        _only(tree, "expressions", "from_", "joins", "where", "group", "with_")
        source = tree.args.get("from_")
        if source is None:
            _refuse("table", "FROM")
        _only(source, "this")
        scope = _Scope()
        made = f" FROM {self._table(source.this, scope)}"
        for join in tree.args.get("joins") or ():
            made += self._join(join, scope)
        where = tree.args.get("where")
        if where is not None:
            _only(where, "this")
            made += f" WHERE {self._expression(where.this, scope)}"
        return scope, made

    def _table(self, node: exp.Expression, scope: _Scope) -> str:
        if type(node) is not exp.Table or type(node.this) is not exp.Identifier:
            _refuse("table", type(node.this if type(node) is exp.Table else node).__name__)
        _only(node, "this", "alias")
        found = self.tables.get(node.this.name.lower())
        if found is None or len(scope.sources) == MOST_SOURCES:
            _refuse("table", node.this.name)
        alias = node.this.name.lower()
        if node.args.get("alias") is not None:
            _only(node.args["alias"], "this")
            alias = _name(node.args["alias"].this)
        if any(each.alias == alias for each in scope.sources):
            _refuse("table", alias)
        scope.sources.append(_Source(alias, found[1]))
        return f'"{found[0]}" AS "{alias}"'

    def _join(self, node: exp.Expression, scope: _Scope) -> str:
        _only(node, "this", "side", "kind", "on")
        side, kind = node.args.get("side") or "", node.args.get("kind") or ""
        if side not in ("", "LEFT") or kind not in ("", "INNER") or node.args.get("on") is None:
            _refuse("join", f"{side} {kind}".strip() or "ON")
        table = self._table(node.this, scope)
        conditions = list(_conjuncts(node.args["on"]))
        units = [each for each in conditions if self._joins_units(each, scope)]
        if not units:
            _refuse("join", scope.sources[-1].alias)
        first, last = scope.sources[0].alias, scope.sources[-1].alias
        printed = [f'("{first}".{emit.UNIT} = "{last}".{emit.UNIT})']
        printed += [self._expression(each, scope) for each in conditions if each not in units]
        return f" {side or 'INNER'} JOIN {table} ON {' AND '.join(printed)}"

    def _joins_units(self, node: exp.Expression, scope: _Scope) -> bool:
        """`first.unit = last.unit`, in either order."""
        sides = (node.this, node.args.get("expression")) if type(node) is exp.EQ else ()
        if not all(type(each) is exp.Column and each.name.lower() == self.unit for each in sides):
            return False
        named = {each.table.lower() for each in sides if isinstance(each, exp.Column)}
        return named == {scope.sources[0].alias, scope.sources[-1].alias}

    # --- outputs ------------------------------------------------------------------------------------------------

    def _outputs(self, tree: exp.Select, scope: _Scope, *, across: bool) -> list[_Shown]:
        if len(tree.expressions) > MOST_OUTPUTS:
            _refuse("output", MOST_OUTPUTS)
        shown: list[_Shown] = []
        bare = False
        for node in tree.expressions:
            if not across and self._is_unit(node, scope):
                bare = True
            else:
                shown.append(self._output(node, scope, across))
        if not across and not bare:
            _refuse("unit", self.unit)
        names = [each.name for each in shown]
        if len(set(names)) != len(names):
            _refuse("output", names)
        self._group(tree, shown, None if across else self.unit)
        return shown

    def _output(self, node: exp.Expression, scope: _Scope, across: bool) -> _Shown:
        name = node.name.lower() if type(node) is exp.Column else ""
        if type(node) is exp.Alias:
            _only(node, "this", "alias")
            name, node = _name(node.args["alias"]), node.this
        if not name or name == self.unit:
            _refuse("output", name or node.sql()[:40])
        digits = None
        if across and type(node) is exp.Round and type(node.this) in {*ACROSS, exp.PercentileCont}:
            _only(node, "this", "decimals")
            digits, node = _whole(node.args.get("decimals")), node.this
        found = self._statistic(node, scope, across)
        if found is None:
            return _Shown(name, self._expression(node, scope))
        return _Shown(name, *found, digits)

    def _statistic(self, node: exp.Expression, scope: _Scope, across: bool) -> tuple[str, Measure, str] | None:
        """The printed aggregate, what it is, and its argument; None for what is no aggregate."""
        if type(node) is exp.Count:
            return self._count(node, scope, across)
        if type(node) is exp.PercentileCont:
            _only(node, "this", "expression")
            argument, part = self._expression(node.this, scope), node.args["expression"].sql()
            if not FRACTION.fullmatch(part) or not LEAST_TAIL <= float(part) * 100 <= 100 - LEAST_TAIL:
                _refuse("quantile", part)
            return f"quantile_cont({argument}, {part})", Measure.QUANTILE, argument
        found = (ACROSS if across else WITHIN).get(type(node))
        if found is None:
            return None
        _only(node, "this")
        argument = self._expression(node.this, scope)
        return f"{found[0]}({argument})", found[1], argument

    def _count(self, node: exp.Expression, scope: _Scope, across: bool) -> tuple[str, Measure, str]:
        _only(node, "this", "big_int")
        inside = node.this
        if type(inside) is exp.Star:
            _only(inside)
            return "count(*)", Measure.ROWS, ""
        if type(inside) is exp.Distinct:
            _only(inside, "expressions")
            if not across or len(inside.expressions) != 1 or not self._is_unit(inside.expressions[0], scope):
                _refuse("unit", "count(DISTINCT)")
            return f"count(DISTINCT {self._unit(scope)})", Measure.UNITS, ""
        argument = self._expression(inside, scope)
        return f"count({argument})", Measure.VALUES, argument

    def _group(self, tree: exp.Select, shown: list[_Shown], unit: str | None) -> None:
        """GROUP BY names exactly the outputs that are no statistic, by position, by name or as ALL."""
        keys = {each.name for each in shown if each.measure is None} | ({unit} if unit else set())
        clause = tree.args.get("group")
        if clause is None:
            if any(each.measure for each in shown) and keys:
                _refuse("group", ", ".join(sorted(keys)))
            return
        if clause.args.get("all") is True and not clause.expressions:
            return _only(clause, "all")
        _only(clause, "expressions")
        names = [each.alias_or_name.lower() for each in tree.expressions]
        named = {
            names[_whole(each, 1, len(names)) - 1] if type(each) is exp.Literal else each.name.lower()
            for each in clause.expressions
        }
        if named != keys or not all(type(each) in (exp.Literal, exp.Column) for each in clause.expressions):
            _refuse("group", ", ".join(sorted(keys)))

    # --- expressions --------------------------------------------------------------------------------------------

    def _expression(self, node: exp.Expression, scope: _Scope) -> str:
        kind = type(node)
        if kind is exp.Paren:
            _only(node, "this")
            return self._expression(node.this, scope)
        if kind in BINARY:
            _only(node, "this", "expression")
            left, right = (self._expression(node.args[each], scope) for each in ("this", "expression"))
            return f"({left} {BINARY[kind]} {right})"
        if kind in CALLS:
            _only(node, "this", "expressions", "expression", "ignore_nulls")
            inside = [node.this, *node.expressions, *filter(None, [node.args.get("expression")])]
            return f"{CALLS[kind]}({', '.join(self._expression(each, scope) for each in inside)})"
        print_one = getattr(self, f"_{kind.__name__.lower()}_", None)
        if print_one is None:
            _refuse("function", kind.__name__)
        return str(print_one(node, scope))

    def _column_(self, node: exp.Column, scope: _Scope) -> str:
        _only(node, "this", "table")
        name, table = node.name.lower(), node.table.lower()
        found = [each for each in scope.sources if name in each.columns and table in ("", each.alias)]
        if name == self.unit:
            _refuse("unit", name)
        if len(found) != 1 or type(node.this) is not exp.Identifier:
            _refuse("column", node.name)
        if name in self.columns:
            self.touched.add(name)
        return f'"{found[0].alias}"."{found[0].columns[name]}"'

    def _placeholder_(self, node: exp.Placeholder, _: _Scope) -> str:
        _only(node, "this")
        if not isinstance(node.this, str) or node.this not in self.known:
            _refuse("parameter", node.this)
        self.used.add(node.this)
        return f"\0{node.this}\0"

    def _literal_(self, node: exp.Literal, _: _Scope) -> str:
        if node.is_string:
            return emit.DUCKDB.text(node.this)
        if not NUMBER.fullmatch(node.this):
            _refuse("function", node.this)
        return str(node.this)

    def _boolean_(self, node: exp.Boolean, _: _Scope) -> str:
        return "TRUE" if node.this else "FALSE"

    def _null_(self, _node: exp.Null, _: _Scope) -> str:
        return "NULL"

    def _not_(self, node: exp.Not, scope: _Scope) -> str:
        _only(node, "this")
        return f"(NOT {self._expression(node.this, scope)})"

    def _neg_(self, node: exp.Neg, scope: _Scope) -> str:
        _only(node, "this")
        return f"(- {self._expression(node.this, scope)})"

    def _is_(self, node: exp.Is, scope: _Scope) -> str:
        _only(node, "this", "expression")
        if type(node.expression) is not exp.Null:
            _refuse("function", "IS")
        return f"({self._expression(node.this, scope)} IS NULL)"

    def _in_(self, node: exp.In, scope: _Scope) -> str:
        _only(node, "this", "expressions")
        if not node.expressions:
            _refuse("function", "IN")
        listed = ", ".join(self._expression(each, scope) for each in node.expressions)
        return f"({self._expression(node.this, scope)} IN ({listed}))"

    def _between_(self, node: exp.Between, scope: _Scope) -> str:
        _only(node, "this", "low", "high")
        what, low, high = (self._expression(node.args[each], scope) for each in ("this", "low", "high"))
        return f"(({what} >= {low}) AND ({what} <= {high}))"

    def _div_(self, node: exp.Div, scope: _Scope) -> str:
        """Without a divisor that can be zero: an error would tell of the data."""
        _only(node, "this", "expression", "typed", "safe")
        return f"({self._expression(node.this, scope)} / nullif({self._expression(node.expression, scope)}, 0))"

    def _round_(self, node: exp.Round, scope: _Scope) -> str:
        _only(node, "this", "decimals")
        return f"round({self._expression(node.this, scope)}, {_whole(node.args.get('decimals'))})"

    def _case_(self, node: exp.Case, scope: _Scope) -> str:
        _only(node, "ifs", "default")
        made = "CASE"
        for each in node.args["ifs"]:
            _only(each, "this", "true")
            made += f" WHEN {self._expression(each.this, scope)} THEN {self._expression(each.args['true'], scope)}"
        default = node.args.get("default")
        return f"{made}{f' ELSE {self._expression(default, scope)}' if default is not None else ''} END"

    def _cast_(self, node: exp.Cast, _: _Scope) -> str:
        """`DATE '2025-01-01'`, and no other cast: one that fails quotes the value."""
        _only(node, "this", "to")
        if node.to.sql("duckdb") != "DATE" or type(node.this) is not exp.Literal or not node.this.is_string:
            _refuse("function", "CAST")
        return f"DATE '{date.fromisoformat(node.this.this).isoformat()}'"

    def _timestamptrunc_(self, node: exp.Expression, scope: _Scope) -> str:
        _only(node, "this", "unit")
        grain = node.args["unit"].name.lower()
        if grain not in GRAINS:
            _refuse("function", f"date_trunc {grain}")
        return f"date_trunc('{grain}', {self._expression(node.this, scope)})"

    _datetrunc_ = _timestamptrunc_

    def _is_unit(self, node: exp.Expression, scope: _Scope) -> bool:
        """The bare unit of the first table, which is the unit of every row."""
        if type(node) is not exp.Column or node.name.lower() != self.unit:
            return False
        _only(node, "this", "table")
        return node.table.lower() in ("", scope.sources[0].alias)

    def _unit(self, scope: _Scope) -> str:
        return f'"{scope.sources[0].alias}".{emit.UNIT}'


def _tallies(shown: list[_Shown], unit: str) -> tuple[list[str], list[str]]:
    """For every statistic the units behind it, by its own name in order; then the statistics, in the order of a
    question. A zero adds nothing to a sum: who only has zeros is not among those the sum rests on."""
    order = {(each.measure, each.argument and each.name): each for each in shown if each.measure}
    placed = sorted(order.values(), key=lambda each: (str(each.measure), each.argument and each.name))
    rests = [each for each in placed if each.argument]
    counts = []
    for at, each in enumerate(rests):
        value = f"nullif({each.argument}, 0)" if each.measure in (Measure.SUM, Measure.AVG) else each.argument
        counts.append(f"count(DISTINCT CASE WHEN {value} IS NOT NULL THEN {unit} END) AS _c{at}")
    return counts, [f"{each.printed} AS _a{at}" for at, each in enumerate(placed)]


def _asked(shown: list[_Shown]) -> tuple[Output, ...]:
    """The outputs as a question has them: a statistic goes by its own name, for two may be over one column."""
    return tuple(
        Output(
            each.name,
            Agg(each.measure, each.name if each.argument else None, each.digits) if each.measure else Dim(each.name),
        )
        for each in shown
    )


def _conjuncts(node: exp.Expression) -> list[exp.Expression]:
    if type(node) is exp.Paren:
        return _conjuncts(node.this)
    if type(node) is exp.And:
        return [*_conjuncts(node.this), *_conjuncts(node.args["expression"])]
    return [node]


def _positions(places: "range | list[int]") -> str:
    return f" GROUP BY {', '.join(map(str, places))}" if places else ""


def _name(node: exp.Expression) -> str:
    if type(node) is not exp.Identifier or not NAME.fullmatch(node.name):
        _refuse("output", node.name)
    return node.name.lower()


def _whole(node: exp.Expression | None, least: int = 0, most: int = 9) -> int:
    text = node.this if type(node) is exp.Literal and not node.is_string else ""
    if not text.isdigit() or not least <= int(text) <= most:
        _refuse("function", "number")
    return int(text)
