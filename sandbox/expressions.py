"""What may stand in SELECT, GROUP BY and ORDER BY: dimensions, cut times, and four statistics. Nothing else."""

import re
from dataclasses import dataclass

from sqlglot import exp

from sandbox.denials import QueryRefused
from sandbox.ir import Agg, Dim, Measure, Output
from sandbox.policy import Column, Policy, Role

ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
STATISTICS: dict[type[exp.Expression], Measure] = {exp.Sum: Measure.SUM, exp.Avg: Measure.AVG}
MOST_DIGITS = 6
# Nodes that are aggregates too, but let single values through (A1); all others fall to F1.
OTHER_AGGREGATES = (exp.AggFunc, exp.List, exp.JSONObjectAgg)


def only(node: exp.Expression, code: str, *allowed: str) -> None:
    """Refuse a node that carries an argument outside the list: new parser versions invent new ones."""
    for name, value in node.args.items():
        if name not in allowed and value not in (None, False) and value != []:
            raise QueryRefused(code, **position(node))


def bare(node: exp.Expression) -> exp.Expression:
    """A node without the brackets around it."""
    while type(node) is exp.Paren:
        only(node, "F1", "this")
        node = node.this
    return node


def position(node: exp.Expression) -> dict[str, object]:
    """Where in the buyer's text a node begins, if the parser remembers."""
    for part in node.walk():
        start = part.meta.get("start")
        if isinstance(start, int):
            return {"position": start}
    return {}


@dataclass(frozen=True)
class Scope:
    """The policy, and the one name its table goes by in this query."""

    policy: Policy
    qualifier: str

    def column(self, node: exp.Expression) -> Column:
        """The policy's column a bare reference names; refused if there is none or nobody may touch it."""
        if type(node) is not exp.Column:
            raise QueryRefused("F1", **position(node))
        if type(node.this) is exp.Star:
            raise QueryRefused("A0", **position(node))
        only(node, "C2", "this", "table")
        if type(node.this) is not exp.Identifier:
            raise QueryRefused("C1", **position(node))
        table = node.args.get("table")
        if table is not None and (type(table) is not exp.Identifier or table.name.lower() != self.qualifier):
            raise QueryRefused("C2", **position(node))
        column = self.policy.column(node.this.name)
        if column is None:
            raise QueryRefused("C1", **position(node))
        if column.role in (Role.FORBIDDEN, Role.UNIT):
            raise QueryRefused("C3", column=column.name, **position(node))
        return column

    def item(self, node: exp.Expression) -> Dim | Agg:
        """A dimension, a cut time or a statistic."""
        node = bare(node)
        kind = type(node)
        if kind is exp.Star:
            raise QueryRefused("A0", **position(node))
        if kind is exp.Column:
            return self._dimension(node)
        if kind in (exp.TimestampTrunc, exp.DateTrunc):
            return self._cut(node)
        if kind is exp.Round:
            return self._rounded(node)
        return self._statistic(node)

    def _dimension(self, node: exp.Expression) -> Dim:
        column = self.column(node)
        if column.role is Role.MEASURE:
            raise QueryRefused("C4", column=column.name, **position(node))
        if column.role is Role.TIME:
            raise QueryRefused("C6", column=column.name, allowed=", ".join(column.grain), **position(node))
        return Dim(column.name.lower())

    def _cut(self, node: exp.Expression) -> Dim:
        only(node, "F1", "this", "unit", "input_type_preserved")
        column = self.column(bare(node.this))
        unit = node.args["unit"]
        grain = unit.name.lower() if type(unit) in (exp.Var, exp.Literal) else ""
        if column.role is not Role.TIME or grain not in column.grain:
            raise QueryRefused("C6", column=column.name, allowed=", ".join(column.grain), **position(node))
        return Dim(column.name.lower(), grain)

    def _rounded(self, node: exp.Expression) -> Agg:
        only(node, "F1", "this", "decimals")
        digits = node.args.get("decimals")
        places = 0
        if digits is not None:
            if type(digits) is not exp.Literal or digits.is_string or not digits.this.isdigit():
                raise QueryRefused("F1", **position(node))
            places = int(digits.this)
        inner = self._statistic(bare(node.this))
        if places > MOST_DIGITS or inner.measure not in (Measure.SUM, Measure.AVG):
            raise QueryRefused("F1", **position(node))
        return Agg(inner.measure, inner.column, places)

    def _statistic(self, node: exp.Expression) -> Agg:
        kind = type(node)
        if kind is exp.Count:
            return self._count(node)
        if kind is exp.Filter:
            raise QueryRefused("A4", **position(node))
        if kind in STATISTICS:
            only(node, "A2", "this")
            if type(node.this) is exp.Distinct:
                raise QueryRefused("A1", allowed=self._allowed(), **position(node))
            named = bare(node.this)
            if type(named) is not exp.Column:
                raise QueryRefused("A2", **position(node))
            column = self.column(named)
            if column.role is not Role.MEASURE or STATISTICS[kind].value.upper() not in column.aggregates:
                raise QueryRefused("A1", column=column.name, allowed=self._allowed(), **position(node))
            return Agg(STATISTICS[kind], column.name.lower())
        if isinstance(node, OTHER_AGGREGATES):
            raise QueryRefused("A1", allowed=self._allowed(), **position(node))
        raise QueryRefused("F1", **position(node))

    def _count(self, node: exp.Expression) -> Agg:
        only(node, "A2", "this", "big_int")
        inside = node.this
        if inside is None or (type(inside) is exp.Literal and not inside.is_string):
            return Agg(Measure.ROWS)  # COUNT() and COUNT(1) are COUNT(*)
        if type(inside) is exp.Star:
            only(inside, "A2")
            return Agg(Measure.ROWS)
        if type(inside) is not exp.Distinct:
            raise QueryRefused("A1", allowed=self._allowed(), **position(node))
        only(inside, "A1", "expressions")
        unit = self.policy.unit_column
        if unit is None or "COUNT_DISTINCT" not in self.policy.columns[unit.lower()].aggregates:
            raise QueryRefused("A1", allowed=self._allowed(), **position(node))
        named = [bare(each) for each in inside.expressions]
        if len(named) != 1 or type(named[0]) is not exp.Column or named[0].name.lower() != unit.lower():
            raise QueryRefused("A1", allowed=self._allowed(), **position(node))
        only(named[0], "C2", "this", "table")
        if named[0].table and named[0].table.lower() != self.qualifier:
            raise QueryRefused("C2", **position(node))
        return Agg(Measure.UNITS, unit.lower())

    def _allowed(self) -> str:
        found = ["COUNT(*)"]
        for column in self.policy.columns.values():
            for name in sorted(column.aggregates):
                found.append(f"COUNT(DISTINCT {column.name})" if name == "COUNT_DISTINCT" else f"{name}({column.name})")
        return ", ".join(found)

    def alias(self, name: str, item: Dim | Agg) -> str:
        """An output name that no engine reads as another column and no spreadsheet reads as a formula."""
        own = isinstance(item, Dim) and item.grain is None and item.column == name.lower()
        if not ALIAS.fullmatch(name) or (self.policy.column(name) is not None and not own):
            raise QueryRefused("C5")
        return name

    def output_at(self, node: exp.Expression, outputs: tuple[Output, ...]) -> int | None:
        """Which output a position, a name or a repeated expression stands for; None if it is none of them."""
        node = bare(node)
        if type(node) is exp.Literal:
            if node.is_string or not node.this.isdigit() or not 1 <= int(node.this) <= len(outputs):
                raise QueryRefused("S5", **position(node))
            return int(node.this) - 1
        if type(node) is exp.Column and not node.table:
            for at, output in enumerate(outputs):
                if output.name.lower() == node.name.lower():
                    return at
        item = self.item(node)
        return next((at for at, output in enumerate(outputs) if output.item == item), None)


def ungrouped(outputs: tuple[Output, ...], dims: tuple[Dim, ...]) -> str | None:
    """The first output that is neither a statistic nor a group key."""
    for output in outputs:
        if isinstance(output.item, Dim) and output.item not in dims:
            return output.name
    return None


def output_names(items: list[tuple[str | None, Dim | Agg]], policy: Policy) -> tuple[Output, ...]:
    """Give every output a name of its own: the alias, else one made from what it shows."""
    taken: set[str] = set()
    for alias, _ in items:
        if alias is not None and alias.lower() in taken:
            raise QueryRefused("C5")
        taken.add(alias.lower() if alias is not None else "")
    outputs = []
    for alias, item in items:
        name = alias
        if name is None:
            base = name = _default_name(item, policy)
            count = 1
            while name.lower() in taken:
                count += 1
                name = f"{base}_{count}"
            taken.add(name.lower())
        outputs.append(Output(name, item))
    return tuple(outputs)


def _default_name(item: Dim | Agg, policy: Policy) -> str:
    column = policy.columns[item.column].name if item.column is not None else ""
    if isinstance(item, Dim):
        return f"{column}_{item.grain}" if item.grain else column
    return f"{item.measure.value}_{column}" if item.measure in (Measure.SUM, Measure.AVG) else item.measure.value
