"""What the clock brings to contracts: a term that runs out, a statement of destruction that is due or late.

Access ends by itself; here is only what people are told before and after it (exchange.notices tells each thing once).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_
from sqlmodel import Session, col, select

from contracts import document
from contracts.duty import Duty
from contracts.terms import today
from exchange.accounts.models import Organisation
from exchange.negotiations import duties, successors
from exchange.negotiations.models import Contract
from exchange.notices.due import Due
from exchange.permissions import OrgKind

EXPIRY = (1, 7, 30)  # days before the last day is over, nearest first
REMINDERS = (1, 7)  # days before the statement is due
REPEATED = (30, 7, 1)  # days late: the first day, a week, a month
TOLD = timedelta(days=7)  # after the last day: once the clock has been asked, it is told
LONGEST = timedelta(days=180)  # after the end, of which a contract may give ninety; later it is no news any more

Facts = dict[str, int | str | bool]


def due(session: Session, now: datetime) -> Iterable[Due]:
    """Every warning that is due at ``now``: one step of each contract's term or duty."""
    yield from _expiring(session, now)
    yield from _expired(session, now)
    yield from _owing(session, now)


def _expiring(session: Session, now: datetime) -> Iterable[Due]:
    day = today(now)
    query = select(Contract).where(
        col(Contract.active_event).is_not(None), col(Contract.ended_at).is_(None), Contract.ends >= day,
        Contract.ends < day + timedelta(days=EXPIRY[-1]),
    )  # fmt: skip
    for row in session.exec(query.order_by(col(Contract.id))).all():
        left = (row.ends - day).days + 1  # with the present day: 1 on the last day
        whole = (row.ends - row.starts).days + 1
        step = next((step for step in EXPIRY if left <= step), None)
        if step is None or whole <= step or successors.successor_of(session, row.id) is not None:
            continue  # a term no longer than its warning needs none
        yield Due(
            key=f"expiry:{row.id}:{step}",
            kind="contract.expiring",
            org_ids=(row.provider_org_id, row.buyer_org_id),
            facts=_facts(row) | {"days": left},
            path=f"/contracts/{row.id}",
        )


def _expired(session: Session, now: datetime) -> Iterable[Due]:
    day = today(now)
    query = select(Contract).where(
        col(Contract.active_event).is_not(None), col(Contract.ended_at).is_(None),
        col(Contract.ends).between(day - TOLD, day - timedelta(days=1)),
    )  # fmt: skip
    for row in session.exec(query.order_by(col(Contract.id))).all():
        whom = (row.provider_org_id, row.buyer_org_id)
        yield Due(f"expired:{row.id}", "contract.expired", whom, _facts(row), f"/contracts/{row.id}")


def _owing(session: Session, now: datetime) -> Iterable[Due]:
    """Reminders to the buyer before the day; from the day after it, to the seller and the operator as well."""
    day, since = today(now), now - LONGEST
    over = or_(
        col(Contract.ended_at).between(since, now),
        col(Contract.ended_at).is_(None) & col(Contract.ends).between(today(since), day - timedelta(days=1)),
    )
    query = select(Contract).where(col(Contract.active_event).is_not(None), over).order_by(col(Contract.id))
    operators: tuple[str, ...] | None = None
    for row in session.exec(query).all():
        found = duties.owed(session, row, document.parse(row.payload), now)
        facts = _facts(row) | {"due": found.due.isoformat()}
        if found.state in (Duty.OWED, Duty.DISPUTED) and day <= found.due:
            left = (found.due - day).days + 1
            step = next((step for step in REMINDERS if left <= step), None)
            if step is not None:
                yield _due(row, f"{step}", "duty.due", (row.buyer_org_id,), facts | {"days": left})
        elif found.state in (Duty.LATE, Duty.DISPUTED):
            late = (day - found.due).days
            step = next(step for step in REPEATED if late >= step)
            operators = operators if operators is not None else _operators(session)
            told, parties = facts | {"days": late}, (row.buyer_org_id, row.provider_org_id)
            yield _due(row, f"late{step}", "duty.late", parties, told)
            if operators:  # who may not read the contract: the page of whom they can talk to, or stop
                page = f"/organisations/{row.buyer_org_id}"
                yield Due(f"duty:{row.id}:late{step}:operator", "duty.late", operators, told, page)


def _facts(row: Contract) -> Facts:
    return {"contract": row.id, "listing": row.listing_id, "ends": row.ends.isoformat()}


def _due(row: Contract, step: str, kind: str, org_ids: tuple[str, ...], facts: Facts) -> Due:
    return Due(f"duty:{row.id}:{step}", kind, org_ids, facts, f"/contracts/{row.id}")


def _operators(session: Session) -> tuple[str, ...]:
    query = select(Organisation.id).where(Organisation.kind == OrgKind.OPERATOR).order_by(Organisation.id)
    return tuple(session.exec(query).all())
