"""The circumstances a line of `python -m sandbox` gives for itself: when, who, what for, how much is left.

Read strictly: what we do not understand refuses (X0). What a line leaves out is taken from the policy and the clock.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox import context, privacy
from sandbox.denials import Denied
from sandbox.policy import Policy

TEXTS = frozenset({"now", "state", "contract_version", "output"})
COUNTS = frozenset({"queries_left", "queries_left_today", "running", "parallel"})
KEYS = TEXTS | COUNTS | {"purpose", "buyer", "epsilon_left"}


def judge(policy: Policy, given: object, now: datetime) -> Iterator[Denied]:
    """Every reason why this line may not be answered; `now` holds where the line names no moment of its own.

    `parallel` changes nothing: lines are answered one after the other, so two never spend the same unit.
    """
    told = {} if given is None else given
    if not isinstance(told, Mapping) or not all(_understood(key, told[key]) for key in told):
        yield Denied("X0")
        return
    moment = _moment(told.get("now"), policy, now)
    if moment is None:
        yield Denied("X0")
        return
    if told.get("state", "open") != "open":
        yield Denied("X2", {"state": told["state"]})
    if told.get("contract_version", "current") != "current":
        yield Denied("X5")
    cost, limit = policy.budgets.epsilon_per_query_micro, policy.budgets.epsilon_total_micro
    if "epsilon_left" in told and told["epsilon_left"] < (cost if privacy.on(policy) else 1):
        yield Denied("B3", {"cost": cost, "left": told["epsilon_left"], "limit": limit})
    yield from context.judge(policy, _context(policy, told, moment))
    if told.get("buyer", policy.buyer) != policy.buyer:
        yield Denied("X4")


def _context(policy: Policy, told: Mapping[str, Any], moment: datetime) -> context.Context:
    return context.Context(
        now=moment,
        purpose=told.get("purpose", policy.purposes[0] if policy.purposes else None),
        buyer=told.get("buyer", policy.buyer),
        person=policy.people[0] if policy.people else None,
        queries_left=told.get("queries_left"),
        queries_left_today=told.get("queries_left_today"),
        running=told.get("running", 0),
        output=told.get("output", "view"),
    )


def _understood(key: object, value: object) -> bool:
    if isinstance(value, bool) or key not in KEYS:
        return False
    if key in TEXTS:
        return isinstance(value, str)
    if key in COUNTS:
        return isinstance(value, int) and value >= 0
    return isinstance(value, int | float) if key == "epsilon_left" else value is None or isinstance(value, str)


def _moment(text: str | None, policy: Policy, now: datetime) -> datetime | None:
    named = {
        None: now,
        "before_window": policy.window.starts - timedelta(seconds=1),
        "in_window": policy.window.starts,
        "after_window": policy.window.ends,
    }
    if text in named:
        return named[text]
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
