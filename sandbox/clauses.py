"""From a refusal to the clause it rests on: which field of the policy each code comes from, and who agreed to it."""

from collections.abc import Mapping

from sandbox.denials import Denied
from sandbox.policy import Policy

# The fields whose value a refusal of this code rests on; the first that a clause stands behind is quoted.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "X1": ("window.from", "window.to", "window"),
    "X2": ("state",),
    "X3": ("purposes",),
    "X4": ("buyer", "people"),
    "X7": ("min_isolation_tier",),
    "B1": ("budgets.queries_total",),
    "B2": ("budgets.queries_per_day",),
    "B3": ("budgets.epsilon_total_micro", "budgets.epsilon_per_query_micro"),
    "B4": ("budgets.concurrent",),
    "E1": ("export_ban", "output.view_only"),
    "TEST_ROOM_EXPORT_BLOCKED": ("export_ban", "output.view_only"),
    "L0": ("limits.max_sql_bytes",),
    "L1": ("limits.max_tokens",),
    "L4": ("limits.max_literal",),
    "L5": ("limits.max_depth",),
    "W4": ("limits.max_in",),
    "W5": ("limits.max_preds",),
    "O1": ("limits.max_rows",),
    "O2": ("limits.max_cols",),
    "O3": ("limits.max_group_cols",),
    "O4": ("output.max_bytes", "limits.max_groups"),
    "K1": ("limits.min_group",),
}
FAMILIES: Mapping[str, tuple[str, ...]] = {"A": ("mode",), "C": ("columns",), "W": ("columns",)}


def quoted(denied: Denied, policy: Policy, field: str | None = None) -> Denied:
    """The same refusal with its clause in the facts ("13", or "trial:T8"), when a clause stands behind it.

    ``field`` names the field where the code alone does not tell; a refusal about a column rests on that column.
    """
    fields = (field,) if field else FIELDS.get(denied.code)
    if fields is None:
        column = denied.facts.get("column")
        named = (f"columns.{column}",) if isinstance(column, str) else ()
        fields = (*named, *FAMILIES.get(denied.code[:1], ()))
    clause = next(filter(None, map(policy.clause, fields)), None)
    return denied if clause is None else Denied(denied.code, {**denied.facts, "clause": clause}, denied.basis)
