"""What a signed contract allows at a moment: derived from the document and a few facts, never stored.

Principle: unknown denies. A contract is in force once its record is in the log, from the first to the last day of its
term (whole days in Viet Nam), unless it was ended or is suspended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from contracts.errors import Fact
from contracts.parts import Contract
from contracts.terms import ANSWERS_ONLY, LICENCES, Denied, Terms, today


class Standing(StrEnum):
    """Whether a contract is in force."""

    UNLOGGED = "UNLOGGED"  # signed perhaps, but its record is not in the tree
    UPCOMING = "UPCOMING"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    EXPIRED = "EXPIRED"
    ENDED = "ENDED"


class Use(StrEnum):
    """What the holder of a contract may ask for."""

    DELIVER = "deliver"  # the files themselves
    QUERY = "query"  # answers only


@dataclass(frozen=True)
class Facts:
    """What has happened to a contract, in plain values."""

    log_index: int | None  # of its contract.active record
    ended_at: datetime | None = None
    end_reason: str = ""
    suspended: bool = False
    deliveries: int = 0  # made so far
    queries: int = 0
    first_query_at: datetime | None = None  # None: none was made yet


def standing(contract: Contract, facts: Facts, now: datetime) -> Standing:
    """Whether the contract is in force at `now`."""
    if now.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    if facts.log_index is None:
        return Standing.UNLOGGED
    if facts.ended_at is not None and now >= facts.ended_at:
        return Standing.ENDED
    if today(now) > contract.terms.ends:
        return Standing.EXPIRED
    if facts.suspended:
        return Standing.SUSPENDED
    if today(now) < contract.terms.starts:
        return Standing.UPCOMING
    return Standing.ACTIVE


def may(contract: Contract, facts: Facts, action: str, now: datetime) -> Denied | None:
    """Why the action is refused at `now`, or None when the signed terms allow it."""
    state = standing(contract, facts, now)
    if state is not Standing.ACTIVE:
        return _not_in_force(state, contract, facts, now)
    terms = contract.terms
    if terms.licence not in LICENCES:
        return Denied("LICENCE_UNKNOWN", {"field": "licence", "value": terms.licence, "passes": ", ".join(LICENCES)})
    if action == Use.DELIVER:
        if terms.licence in ANSWERS_ONLY:
            return Denied("ACTION_NOT_IN_LICENCE", {"action": action, "licence": terms.licence}, terms.licence)
        return _capped("DELIVERIES_SPENT", facts.deliveries, terms.max_deliveries)
    if action == Use.QUERY:
        return _hours_over(facts, terms, now) or _capped("QUERIES_SPENT", facts.queries, terms.max_queries)
    return Denied("ACTION_UNKNOWN", {"action": action, "passes": ", ".join(Use)})


def _hours_over(facts: Facts, terms: Terms, now: datetime) -> Denied | None:
    """The hours of a test room (L1) run from the first query, whether it is used or not."""
    if terms.max_hours is None or facts.first_query_at is None:
        return None
    if now - facts.first_query_at < timedelta(hours=terms.max_hours):
        return None
    since = facts.first_query_at.isoformat(timespec="seconds")
    return Denied("HOURS_SPENT", {"limit": terms.max_hours, "since": since}, "314/2026/NĐ-CP 8.2c")


def _capped(code: str, used: int, limit: int | None) -> Denied | None:
    if limit is not None and used >= limit:
        return Denied(code, {"used": used, "limit": limit}, "314/2026/NĐ-CP 8.2c")
    return None


def _not_in_force(state: Standing, contract: Contract, facts: Facts, now: datetime) -> Denied:
    terms = contract.terms
    details: dict[str, Fact] = {
        "contract": contract.id,
        "starts": terms.starts.isoformat(),
        "ends": terms.ends.isoformat(),
        "now": now.isoformat(timespec="seconds"),
    }
    if facts.ended_at is not None and state is Standing.ENDED:
        details |= {"ended_at": facts.ended_at.isoformat(timespec="seconds"), "reason": facts.end_reason}
    return Denied("CONTRACT_" + state.value, details, "314/2026/NĐ-CP 8.2c")
