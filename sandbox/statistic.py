"""One statistic, however it is spelled: computed once in a standard form, told again in each asker's words.

Names, order of columns, rounding, HAVING, ORDER BY and LIMIT do not make another statistic (`Question.statistic`).
So the engine is asked for every group that the floor lets through, and what it says is kept; each spelling is cut out
of that one table. Repeating a question in other words therefore shows the same numbers, whatever noise they carry.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox import emit, post, wire
from sandbox.denials import Denied, QueryRefused
from sandbox.ir import Agg, Dim, Output, Question
from sandbox.policy import Policy
from sandbox.post import Value
from sandbox.query import Accepted
from sandbox.runner import Answer

TABLE_BYTES = 1 << 20  # of one kept table


@dataclass(frozen=True)
class Table:
    """Every group that may be shown, in the standard form: keys first, then the statistics, unrounded."""

    rows: tuple[tuple[Value, ...], ...]
    suppressed: bool
    receipt: Mapping[str, str | int]

    @classmethod
    def of(cls, answer: Answer) -> "Table | Denied":
        """What the engine answered to the standard form; a table that was cut cannot be told again."""
        if answer.truncated:
            return Denied("O4", {"limit": len(answer.rows)})
        return cls(answer.rows, answer.suppressed, answer.receipt)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; decimals and days are marked."""
        rows: list[list[Any]] = json.loads(json.dumps(self.rows, default=wire.tagged))
        return {"rows": rows, "suppressed": self.suppressed, "receipt": dict(self.receipt)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Table":
        """What `to_json` wrote."""
        rows = json.loads(json.dumps(document["rows"]), object_hook=wire.untagged)
        return cls(tuple(tuple(row) for row in rows), bool(document["suppressed"]), document["receipt"])


def standard(accepted: Accepted, policy: Policy) -> Accepted | Denied:
    """The question in its standard form, to be run in place of the asker's."""
    asked = accepted.question
    dims, aggs = _order(asked)
    items: list[Dim | Agg] = [*dims, *aggs]
    question = Question(
        outputs=tuple(Output(f"_{at}", item) for at, item in enumerate(items)),
        dims=dims,
        predicates=asked.predicates,
        having=(),
        order=(),
        limit=policy.limits.max_groups,
        capped=True,
        floor=asked.floor,
    )
    made, exact = emit.groups(question, policy), emit.exact(question, policy)
    try:
        for text in (made, exact):
            if text is not None:
                emit.recheck(text, policy)
    except QueryRefused as refused:
        return refused.denied
    names = tuple(output.name for output in question.outputs)
    return Accepted(question, made, exact, names, accepted.statistic, accepted.policy_hash)


def roomy(policy: Policy) -> Policy:
    """The same policy with room for the whole table: what leaves is cut to the real limit by `retell`."""
    return replace(policy, output=replace(policy.output, max_bytes=max(TABLE_BYTES, policy.output.max_bytes)))


def retell(table: Table, accepted: Accepted, policy: Policy) -> Answer:
    """The answer to one spelling, cut out of the kept table."""
    asked = accepted.question
    dims, aggs = _order(asked)
    measures = len(emit.measured(asked))
    how = post.plan(asked, measures, policy)
    places = [(len(dims) + aggs.index(replace(agg, digits=None)), agg.digits) for agg in asked.aggs]
    tallies = [0] * (2 + measures)  # the floor has been applied
    rows = (
        [
            *(row[dims.index(dim)] for dim in asked.dims),
            *tallies,
            *(_rounded(row[at], digits) for at, digits in places),
        ]
        for row in table.rows
    )
    shown, truncated = post.shape(rows, how)
    text = json.dumps([accepted.columns, shown], default=str, separators=(",", ":"))
    receipt = {**table.receipt, "result_sha256": "sha256:" + hashlib.sha256(text.encode()).hexdigest()}
    return Answer(accepted.columns, tuple(shown), table.suppressed, truncated, 0, receipt)


def _order(question: Question) -> tuple[tuple[Dim, ...], tuple[Agg, ...]]:
    """Keys and statistics in an order that no spelling changes."""
    dims = sorted(question.dims, key=lambda dim: (dim.column, dim.grain or ""))
    plain = {replace(agg, digits=None) for agg in question.aggs}
    return tuple(dims), tuple(sorted(plain, key=lambda agg: (agg.measure, agg.column or "")))


def _rounded(value: Value, digits: int | None) -> Value:
    """As the engine rounds: halves away from zero, in the type it has."""
    if digits is None or value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        fine = isinstance(exponent, int) and -exponent > digits
        return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) if fine else value
    if isinstance(value, float):
        scale = 10**digits
        return math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value)
    return value
