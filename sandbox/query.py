"""The gate: `check` reads a buyer's SQL and answers with our own SQL, or with the rule that refuses.

text limits -> parser -> allow-list of shapes -> `ir.Question` -> generated SQL -> engine's own parser.
The buyer's text itself never reaches the engine.
"""

from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from sandbox import clauses, emit, predicates, privacy, reading, templates, text
from sandbox.denials import Denied, QueryRefused
from sandbox.expressions import Scope, only, output_names, ungrouped
from sandbox.ir import Agg, Dim, Order, Output, Question
from sandbox.policy import Mode, Policy

PARTS = frozenset({"expressions", "from_", "where", "group", "having", "order", "limit"})


@dataclass(frozen=True)
class Accepted:
    """A question that may run. `sql` and `exact_sql` are generated; `limited` names a cap that will apply, or the
    noise (DP); `epsilon_micro` is the cost in millionths, due unless the statistic is answered from a kept table."""

    question: Question
    sql: str
    exact_sql: str | None
    columns: tuple[str, ...]
    statistic: str
    policy_hash: str
    limited: str | None = None
    epsilon_micro: int = 0
    template: str = ""  # the provider's question that was filled in, in mode `template`


def check(sql: str, policy: Policy) -> Accepted | Denied:
    """Accept or refuse one query, on the text and the policy alone: no data are looked at."""
    if policy.mode is Mode.TEMPLATE:
        return _filled(sql, policy)
    noisy = privacy.on(policy)
    try:
        tokens = text.scan(sql, policy.limits)
        tree = _parse(sql, tokens)
        question, limited = _question(tree, policy)
        reading.whole(tokens, tree)
        if noisy:
            privacy.judge(question, policy)
        made, exact = emit.texts(question, policy)
        emit.recheck(made, policy)
        if exact is not None:
            emit.recheck(exact, policy)
    except QueryRefused as refused:
        return clauses.quoted(refused.denied, policy)
    names = tuple(output.name for output in question.outputs)
    statistic, cost = question.statistic(policy.hash), privacy.epsilon_micro(question, policy)
    limited = limited or ("DP" if noisy else None)
    return Accepted(question, made, exact, names, statistic, policy.hash, limited, cost)


def _filled(call: str, policy: Policy) -> Accepted | Denied:
    """In mode `template` the text names a question of the provider's: no SQL of the buyer's own is read."""
    try:
        found = templates.bound(call, policy)
    except QueryRefused as refused:
        return clauses.quoted(refused.denied, policy)
    names = tuple(output.name for output in found.question.outputs)
    asked = found.template.id
    return Accepted(found.question, found.sql, None, names, found.statistic, policy.hash, template=asked)


def _parse(sql: str, tokens: list[text.Token]) -> exp.Select:
    if not tokens:
        raise QueryRefused("S0", position=0)
    if tokens[0].word == "with":
        raise QueryRefused("S3", part="WITH", position=tokens[0].at)
    if tokens[0].word not in ("select", "from"):
        raise QueryRefused("S2", position=tokens[0].at)
    for token in tokens:
        if token.word in ("union", "except", "intersect"):
            raise QueryRefused("S2", position=token.at)
        if token.word in ("over", "qualify", "window"):
            raise QueryRefused("A3", position=token.at)
    try:
        trees = sqlglot.parse(sql, dialect="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError) as error:
        # The parser's message may quote the text; nothing of it goes further.
        raise QueryRefused("S0", position=0) from error
    if len(trees) != 1:
        raise QueryRefused("S1", position=0)
    tree = trees[0]
    if type(tree) is not exp.Select:
        raise QueryRefused("S2", position=0)
    return tree


def _question(tree: exp.Select, policy: Policy) -> tuple[Question, str | None]:
    for part, value in tree.args.items():
        if value and part not in PARTS:
            raise QueryRefused("S3", part=part.strip("_").upper())
    scope = _scope(tree, policy)
    outputs = _outputs(tree, scope)
    dims = _dims(tree, scope, outputs)
    if not any(isinstance(output.item, Agg) for output in outputs):
        raise QueryRefused("A0")
    missing = ungrouped(outputs, dims)
    if missing is not None:
        raise QueryRefused("A0", column=missing)
    where = predicates.where(tree.args.get("where"), scope)
    limit, capped, limited = _limit(tree.args.get("limit"), policy)
    touched = frozenset(dim.column for dim in dims) | frozenset(each.column for each in where)
    question = Question(
        outputs=outputs,
        dims=dims,
        predicates=where,
        having=predicates.having(tree.args.get("having"), scope, outputs),
        order=_order(tree.args.get("order"), scope, outputs),
        limit=limit,
        capped=capped,
        floor=max(policy.floor(touched), policy.dp.threshold if policy.dp is not None else 0),
    )
    return question, limited


def _scope(tree: exp.Select, policy: Policy) -> Scope:
    source = tree.args.get("from_")
    if source is None:
        raise QueryRefused("T0", table=policy.table)
    only(source, "T1", "this")
    table = source.this
    if type(table) is not exp.Table or type(table.this) is not exp.Identifier:
        raise QueryRefused("T1", table=policy.table)
    only(table, "T1", "this", "alias")
    if table.this.name.lower() != policy.table.lower():
        raise QueryRefused("T1", table=policy.table)
    qualifier = policy.table.lower()
    alias = table.args.get("alias")
    if alias is not None:
        only(alias, "T3", "this")
        if type(alias.this) is not exp.Identifier or alias.this.name.startswith("_"):
            raise QueryRefused("T3")
        qualifier = alias.this.name.lower()
    return Scope(policy, qualifier)


def _outputs(tree: exp.Select, scope: Scope) -> tuple[Output, ...]:
    if len(tree.expressions) > scope.policy.limits.max_cols:
        raise QueryRefused("O2", limit=scope.policy.limits.max_cols)
    items: list[tuple[str | None, Dim | Agg]] = []
    for node in tree.expressions:
        alias = None
        if type(node) is exp.Alias:
            only(node, "F1", "this", "alias")
            alias, node = node.args["alias"], node.this
            if type(alias) is not exp.Identifier:
                raise QueryRefused("C5")
        item = scope.item(node)
        items.append((scope.alias(alias.name, item) if alias is not None else None, item))
    return output_names(items, scope.policy)


def _dims(tree: exp.Select, scope: Scope, outputs: tuple[Output, ...]) -> tuple[Dim, ...]:
    group = tree.args.get("group")
    if group is None:
        return ()
    if group.args.get("all") is True and not group.expressions:
        only(group, "S4", "all")
        found = [output.item for output in outputs if isinstance(output.item, Dim)]
    else:
        only(group, "S4", "expressions")
        if not group.expressions or group.args.get("all") is False:  # GROUP BY nothing, GROUP BY DISTINCT
            raise QueryRefused("S4")
        found = [_group_key(node, scope, outputs) for node in group.expressions]
    dims = tuple(dict.fromkeys(found))
    if len(dims) > scope.policy.limits.max_group_cols:
        raise QueryRefused("O3", limit=scope.policy.limits.max_group_cols)
    return dims


def _group_key(node: exp.Expression, scope: Scope, outputs: tuple[Output, ...]) -> Dim:
    at = scope.output_at(node, outputs)
    item = outputs[at].item if at is not None else scope.item(node)
    if not isinstance(item, Dim):
        raise QueryRefused("C4")
    return item


def _order(clause: exp.Expression | None, scope: Scope, outputs: tuple[Output, ...]) -> tuple[Order, ...]:
    if clause is None:
        return ()
    only(clause, "S5", "expressions")
    keys = []
    for node in clause.expressions:
        if type(node) is not exp.Ordered:
            raise QueryRefused("S5")
        only(node, "S5", "this", "desc", "nulls_first")
        at = scope.output_at(node.this, outputs)
        if at is None:
            raise QueryRefused("S5")
        keys.append(Order(at, bool(node.args.get("desc")), bool(node.args.get("nulls_first"))))
    return tuple(keys)


def _limit(clause: exp.Expression | None, policy: Policy) -> tuple[int, bool, str | None]:
    cap = policy.limits.max_rows
    if clause is None:
        return cap, True, None
    if type(clause) is not exp.Limit:
        raise QueryRefused("S6")
    only(clause, "S6", "expression")
    number = clause.expression
    if type(number) is not exp.Literal or number.is_string or not number.this.isdigit():
        raise QueryRefused("S6")
    wanted = int(number.this)
    return min(wanted, cap), wanted > cap, "O1" if wanted > cap else None
