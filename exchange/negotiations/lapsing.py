"""What the clock brings to negotiations: the days left for an answer, and that nobody gave one."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from contracts.negotiation import State
from contracts.terms import today
from exchange.negotiations import rules
from exchange.negotiations.models import OPEN_STATES, Contract, ContractSignature, Negotiation, not_redrawn
from exchange.notices.due import Due

STEPS = (1, 3, 7)  # days before the last one on which the side whose turn it is hears of it
_TOLD_FOR = timedelta(days=30)  # a lapse that nobody was told of by then is history


def due(session: Session, now: datetime) -> Iterable[Due]:
    """Warnings to whoever should answer, 7, 3 and 1 days before the last day of the turn; a lapse to both sides.

    Of several steps that have passed, only the latest: who was away hears how it stands now.
    """
    query = (
        select(Negotiation)
        .where(
            col(Negotiation.state).in_(OPEN_STATES),
            col(Negotiation.deadline) > now - _TOLD_FOR,
            col(Negotiation.deadline) <= now + timedelta(days=STEPS[-1] + 2),
        )
        .order_by(col(Negotiation.deadline), col(Negotiation.id))
    )
    for negotiation in session.exec(query):
        if rules.is_lapsed(negotiation, now):
            yield _due(negotiation, "negotiation.lapsed", 0, _both(negotiation))
            continue
        left = (rules.last_turn_day(negotiation) - today(now)).days
        step = next((step for step in STEPS if left <= step), None)
        whose = tuple(whose_turn(session, negotiation))
        if step is not None and whose:
            yield _due(negotiation, "negotiation.lapsing", step, whose, left)


def whose_turn(session: Session, negotiation: Negotiation) -> list[str]:
    """The organisations that the negotiation waits for: who is to answer, or whose signature is missing."""
    state = State(negotiation.state)
    if state in (State.REQUESTED, State.ACCEPTED):
        return [negotiation.provider_org_id]
    if state is State.OFFERED:
        return [negotiation.buyer_org_id]
    if state not in (State.AGREED, State.VERIFIED):
        return []
    signed = session.exec(
        select(ContractSignature.org_id)
        .join(Contract, col(Contract.id) == col(ContractSignature.contract_id))
        .where(Contract.negotiation_id == negotiation.id, not_redrawn())
    ).all()
    return [org_id for org_id in _both(negotiation) if org_id not in signed]


def _both(negotiation: Negotiation) -> tuple[str, str]:
    return negotiation.buyer_org_id, negotiation.provider_org_id


def _due(negotiation: Negotiation, kind: str, step: int, org_ids: tuple[str, ...], left: int = 0) -> Due:
    day = rules.last_turn_day(negotiation).isoformat()
    turn = int(negotiation.updated_at.timestamp() * 1000)  # this very turn: the next one warns anew
    return Due(
        key=f"{kind}:{negotiation.id}:{turn}:{step}",
        kind=kind,
        org_ids=org_ids,
        facts={"listing": negotiation.listing_id, "negotiation": negotiation.id, "day": day, "days": left},
        path=f"/negotiations/{negotiation.id}",
    )
