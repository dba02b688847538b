"""What a signed contract allows at a moment: derived from the document and a few facts, never stored.

Principle: unknown denies. A contract is in force once its record is in the log, from the first to the last day of its
term (whole days in Viet Nam), unless it was ended or is suspended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from contracts.errors import Fact
from contracts.parts import Contract
from contracts.terms import ANSWERS_ONLY, LICENCES, VIETNAM, Denied, Terms, first_moment, today


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


class Holder(StrEnum):
    """Who holds a contract up. Only the same one lets it go on."""

    PROVIDER = "provider"
    CONSUMER = "consumer"
    LISTING = "listing"  # the exchange's operator or a regulator, by stopping the listing it was made on


class SuspendCode(StrEnum):
    """Why a party suspends; ``LISTING`` is set by the exchange when the listing was stopped."""

    BREACH = "breach"
    SECURITY = "security"
    CLAIM = "claim"
    PAYMENT = "payment"
    AUTHORITY = "authority"
    OTHER = "other"
    LISTING = "listing"


PARTY_CODES = tuple(code for code in SuspendCode if code is not SuspendCode.LISTING)


@dataclass(frozen=True)
class Hold:
    """One suspension that has not been lifted."""

    by: Holder
    code: SuspendCode
    since: datetime


@dataclass(frozen=True)
class Facts:
    """What has happened to a contract, in plain values. It is suspended while anybody's hold is open."""

    log_index: int | None  # of its contract.active record
    ended_at: datetime | None = None
    end_reason: str = ""
    holds: tuple[Hold, ...] = ()
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
    if facts.holds:
        return Standing.SUSPENDED
    if today(now) < contract.terms.starts:
        return Standing.UPCOMING
    return Standing.ACTIVE


def over_at(contract: Contract, facts: Facts) -> datetime:
    """The moment from which the contract gives nothing any more: when it was ended, else the end of its last day."""
    runs_out = last_moment(contract)
    return runs_out if facts.ended_at is None else min(facts.ended_at, runs_out)


def last_moment(contract: Contract) -> datetime:
    """The first moment after the last day, in Viet Nam; after the calendar's last day there is none."""
    if contract.terms.ends == date.max:
        return datetime.max.replace(tzinfo=VIETNAM)
    return first_moment(contract.terms.ends) + timedelta(days=1)


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
    if state is Standing.SUSPENDED:
        first = min(facts.holds, key=lambda hold: hold.since)
        since = first.since.isoformat(timespec="seconds")
        details |= {"by": f"holder-{first.by}", "why": f"hold-{first.code}", "since": since}
    return Denied("CONTRACT_" + state.value, details, "314/2026/NĐ-CP 8.2c")
