"""Whether this person may ask now: window, state, purpose, party, version and budget. The text is `query`'s business.

The exchange fills a `Context` from its ledger inside the transaction that spends; nothing here remembers anything.
"""

from dataclasses import dataclass
from datetime import datetime

from sandbox import clauses
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.trial import ZONE


@dataclass(frozen=True)
class Context:
    """The circumstances of one question. None means "not known", which never passes where it matters."""

    now: datetime
    purpose: str | None
    buyer: str | None = None
    person: str | None = None
    policy_hash: str | None = None
    queries_left: int | None = None
    queries_left_today: int | None = None
    running: int = 0
    output: str = "view"


def judge(policy: Policy, context: Context) -> tuple[Denied, ...]:
    """Every reason why not, in a fixed order; empty means the question may go to the gate."""
    found = [*_standing(policy, context), *_party(policy, context), *_budget(policy, context)]
    if context.output != "view" and (policy.export_ban or policy.output.view_only):
        found.append(Denied("E1", {"output": context.output}))
    return tuple(clauses.quoted(each, policy, _field(each, policy, context)) for each in found)


def _field(denied: Denied, policy: Policy, context: Context) -> str | None:
    """The end of the window that was missed; its two ends may come from two clauses."""
    if denied.code != "X1":
        return None
    return "window.from" if context.now < policy.window.starts else "window.to"


def _standing(policy: Policy, context: Context) -> list[Denied]:
    found = []
    if context.now.tzinfo is None:
        raise ValueError("a moment without a time zone")
    if not policy.window.starts <= context.now < policy.window.ends:
        starts, ends = (
            f"{each.astimezone(ZONE):%Y-%m-%d %H:%M}" for each in (policy.window.starts, policy.window.ends)
        )
        found.append(Denied("X1", {"from": starts, "to": ends}))
    if policy.state != "open":
        found.append(Denied("X2", {"state": policy.state}))
    if context.policy_hash is not None and context.policy_hash != policy.hash:
        found.append(Denied("X5"))
    return found


def _party(policy: Policy, context: Context) -> list[Denied]:
    found = []
    if context.purpose not in policy.purposes:
        found.append(Denied("X3", {"allowed": ", ".join(policy.purposes)}))
    stranger = bool(policy.buyer) and context.buyer != policy.buyer
    if stranger or (policy.people and context.person not in policy.people):
        found.append(Denied("X4"))
    return found


def _budget(policy: Policy, context: Context) -> list[Denied]:
    found = []
    budgets = policy.budgets
    left = budgets.queries_total if context.queries_left is None else context.queries_left
    today = budgets.queries_per_day if context.queries_left_today is None else context.queries_left_today
    if left < 1:
        found.append(Denied("B1", {"limit": budgets.queries_total, "left": 0}))
    if today < 1:
        found.append(Denied("B2", {"limit": budgets.queries_per_day, "left": 0}))
    if context.running >= budgets.concurrent:
        found.append(Denied("B4", {"limit": budgets.concurrent}))
    return found
