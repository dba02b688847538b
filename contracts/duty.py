"""What the buyer owes when a contract is over: the data and every copy returned or destroyed, and a signed statement.

Clause 20 of the contract says within how many days. Open data (L0) may be kept.
Derived, never stored, as standing.py is.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from contracts.parts import Contract
from contracts.standing import Facts, over_at
from contracts.terms import today

KEPT = frozenset({"L0"})  # licences whose data the buyer may keep


class Duty(StrEnum):
    """How the duty at the end stands."""

    NONE = "NONE"  # the contract was never in force, is not over, lives on in another, or is about open data
    OWED = "OWED"
    LATE = "LATE"
    STATED = "STATED"  # the statement is signed and logged; the seller has not answered
    DISPUTED = "DISPUTED"  # the seller has objected, with a reason; another statement is possible
    ACKNOWLEDGED = "ACKNOWLEDGED"


class Answer(StrEnum):
    """What the seller says of the newest statement."""

    ACKNOWLEDGED = "acknowledged"
    DISPUTED = "disputed"


def due_day(contract: Contract, facts: Facts) -> date:
    """The last day, in Viet Nam, for the statement: so many days after the last one on which the contract ran."""
    ran_last, days = today(over_at(contract, facts) - timedelta(microseconds=1)), contract.terms.deletion_days
    return date.max if (date.max - ran_last).days < days else ran_last + timedelta(days=days)


def duty(
    contract: Contract,
    facts: Facts,
    now: datetime,
    *,
    continued: bool = False,
    stated: bool = False,
    answer: str | None = None,
) -> Duty:
    """The duty at `now`. `continued`: a contract that names the same files has taken this one's place; `stated`:
    there is a statement, and `answer` is the seller's to the newest one."""
    begun = facts.log_index is not None and now >= over_at(contract, facts)
    if not begun or continued or contract.terms.licence in KEPT:
        return Duty.NONE
    if answer == Answer.ACKNOWLEDGED:
        return Duty.ACKNOWLEDGED
    if answer == Answer.DISPUTED:
        return Duty.DISPUTED
    if stated:
        return Duty.STATED
    return Duty.LATE if today(now) > due_day(contract, facts) else Duty.OWED
