"""WHERE and HAVING: ANDs of single comparisons, on dimensions and months before the floor, on outputs after it."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from sqlglot import exp

from sandbox import domains
from sandbox.denials import QueryRefused
from sandbox.expressions import Scope, bare, only, position
from sandbox.ir import Agg, Having, Literal, Output, Predicate
from sandbox.policy import Column, Kind, Mode, Role

COMPARISONS: dict[type[exp.Expression], str] = {exp.EQ: "=", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
LARGEST_INT = 2**63 - 1


def where(clause: exp.Expression | None, scope: Scope) -> tuple[Predicate, ...]:
    """The predicates of a WHERE clause; everything but AND of `=`, `IN` and period bounds is refused."""
    if clause is None:
        return ()
    only(clause, "W1", "this")
    found = []
    for node in _conjuncts(clause.this, "W1"):
        found.append(_predicate(node, scope))
        if len(found) > scope.policy.limits.max_preds:
            raise QueryRefused("W5", limit=scope.policy.limits.max_preds)
    return tuple(found)


def having(clause: exp.Expression | None, scope: Scope, outputs: tuple[Output, ...]) -> tuple[Having, ...]:
    """Comparisons of a shown statistic with a number."""
    if clause is None:
        return ()
    only(clause, "H1", "this")
    found = []
    for node in _conjuncts(clause.this, "H1"):
        if type(node) not in COMPARISONS:
            raise QueryRefused("H1", **position(node))
        only(node, "H1", "this", "expression")
        at = scope.output_at(node.this, outputs) if type(node.this) is not exp.Literal else None
        if at is None or not isinstance(outputs[at].item, Agg):
            raise QueryRefused("H1", **position(node))
        found.append(Having(at, COMPARISONS[type(node)], _number(node.expression)))
        if len(found) > scope.policy.limits.max_preds:
            raise QueryRefused("W5", limit=scope.policy.limits.max_preds)
    return tuple(found)


def _conjuncts(node: exp.Expression, code: str) -> Iterator[exp.Expression]:
    todo = [node]
    while todo:
        each = todo.pop(0)
        if type(each) is exp.And:
            only(each, code, "this", "expression")
            todo[:0] = [each.this, each.expression]
        elif type(each) is exp.Paren:
            only(each, code, "this")
            todo.insert(0, each.this)
        else:
            yield each


def _predicate(node: exp.Expression, scope: Scope) -> Predicate:
    kind = type(node)
    if kind is not exp.In and kind not in COMPARISONS:
        _blame(node, scope)
        raise QueryRefused("W1", **position(node))
    only(node, "W1", "this", "expressions" if kind is exp.In else "expression")
    named = bare(node.this)
    if type(named) is not exp.Column:
        raise QueryRefused("W1", **position(node))
    column = scope.column(named)
    if column.role is Role.MEASURE:
        raise QueryRefused("W6", column=column.name, **position(node))
    operator = "IN" if kind is exp.In else COMPARISONS[kind]
    if operator not in column.filters:
        allowed = " ".join(sorted(column.filters))
        raise QueryRefused("W2", column=column.name, allowed=allowed, **position(node))
    if column.role is Role.TIME:
        return Predicate(column.name.lower(), operator, (_bound(node.expression, column).isoformat(),))
    nodes = node.expressions if kind is exp.In else [node.expression]
    if not nodes:
        raise QueryRefused("W2", column=column.name, allowed=" ".join(sorted(column.filters)), **position(node))
    if len(nodes) > scope.policy.limits.max_in:
        raise QueryRefused("W4", limit=scope.policy.limits.max_in, **position(node))
    values = dict.fromkeys(_value(bare(each), column) for each in nodes)
    if scope.policy.mode is Mode.AGGREGATE_DP:
        for each in values:
            domains.require_public(each, column, position(node))
    return Predicate(column.name.lower(), "IN", tuple(values))


def _blame(node: exp.Expression, scope: Scope) -> None:
    """Prefer the more useful refusal: a forbidden or unknown column, or a measure, explains more than the shape."""
    for part in node.find_all(exp.Column):
        column = scope.column(part)
        if column.role is Role.MEASURE:
            raise QueryRefused("W6", column=column.name, **position(part))


def _value(node: exp.Expression, column: Column) -> Literal:
    refused = QueryRefused("W2", column=column.name, allowed=column.kind.value, **position(node))
    if column.kind is Kind.BOOL:
        if type(node) is not exp.Boolean:
            raise refused
        return bool(node.this)
    sign = 1
    if type(node) is exp.Neg:
        sign, node = -1, node.this
    if type(node) is not exp.Literal:
        raise refused
    if column.kind is Kind.TEXT:
        if not node.is_string or sign < 0:
            raise refused
        return str(node.this)
    if node.is_string or not node.this.isdigit() or int(node.this) > LARGEST_INT:
        raise refused
    return sign * int(node.this)


def _bound(node: exp.Expression, column: Column) -> date:
    refused = QueryRefused("W3", column=column.name, step=column.literal_step, **position(node))
    if type(node) is exp.Cast:
        only(node, "W3", "this", "to")
        only(node.args["to"], "W3", "this", "nested")
        if node.args["to"].this not in (
            exp.DataType.Type.DATE,
            exp.DataType.Type.TIMESTAMP,
            exp.DataType.Type.TIMESTAMPNTZ,
        ):
            raise refused
        node = node.this
    if type(node) is not exp.Literal or not node.is_string:
        raise refused
    try:
        moment = datetime.fromisoformat(node.this)
    except ValueError as error:
        raise refused from error
    if moment.tzinfo is not None or moment.time() != datetime.min.time():
        raise refused
    day = moment.date()
    if not _on_step(day, column.literal_step):
        raise refused
    return day


def _on_step(day: date, step: str) -> bool:
    if step == "week":
        return day.isoweekday() == 1
    if step == "day":
        return True
    months = {"month": range(1, 13), "quarter": (1, 4, 7, 10), "year": (1,)}[step]
    return day.day == 1 and day.month in months


def _number(node: exp.Expression) -> Decimal:
    sign = 1
    if type(node) is exp.Neg:
        sign, node = -1, node.this
    if type(node) is not exp.Literal or node.is_string:
        raise QueryRefused("H1", **position(node))
    return sign * Decimal(node.this)
