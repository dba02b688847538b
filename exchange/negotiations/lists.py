"""An organisation's negotiations and contracts, narrowed to what a reader has to do: whose turn, what ends soon."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_
from sqlmodel import Session, col, select

from contracts.negotiation import State
from contracts.terms import today
from exchange.errors import N_
from exchange.negotiations.models import OPEN_STATES, Contract, ContractSignature, Negotiation, not_redrawn
from exchange.negotiations.service import require_reader
from exchange.permissions import Actor

Row = TypeVar("Row", Negotiation, Contract)
Conditions = Mapping[str, ColumnElement[bool]]

TURN_SOON = timedelta(days=7)
TERM_SOON = timedelta(days=30)
PAGE = 50

NEGOTIATIONS = {
    "": N_("All"),
    "ours": N_("Our turn"),
    "theirs": N_("The other side's turn"),
    "soon": N_("Deadline within 7 days"),
    "sign": N_("To be signed"),
    "concluded": N_("Concluded"),
    "closed": N_("Without a contract"),
}
CONTRACTS = {
    "": N_("All"),
    "sign": N_("To be signed"),
    "active": N_("Running"),
    "soon": N_("Ends within 30 days"),
    "upcoming": N_("Begins later"),
    "over": N_("Over"),
}


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """One page of a list and how many each filter would leave."""

    rows: list[Row]
    counts: dict[str, int]
    older: str | None  # the id to go on from


def negotiations(session: Session, actor: Actor, show: str, before: str | None, now: datetime) -> Listed[Negotiation]:
    """Mine, on either side, newest first; ``show`` is a key of NEGOTIATIONS, an unknown one shows all."""
    org = require_reader(actor).org_id
    return _listed(session, Negotiation, org, _negotiation_filters(org, now), show, before)


def contracts(session: Session, actor: Actor, show: str, before: str | None, now: datetime) -> Listed[Contract]:
    """Mine, on either side, newest first; ``show`` is a key of CONTRACTS, an unknown one shows all."""
    org = require_reader(actor).org_id
    return _listed(session, Contract, org, _contract_filters(now), show, before)


def _negotiation_filters(org: str, now: datetime) -> Conditions:
    state, deadline = col(Negotiation.state), col(Negotiation.deadline)
    running = and_(state.in_(OPEN_STATES), deadline > now)
    to_sign = state.in_((State.AGREED, State.VERIFIED))
    signed = exists(
        select(ContractSignature.id)
        .join(Contract, col(Contract.id) == col(ContractSignature.contract_id))
        .where(Contract.negotiation_id == Negotiation.id, ContractSignature.org_id == org, not_redrawn())
    )
    sellers = and_(state.in_((State.REQUESTED, State.ACCEPTED)), col(Negotiation.provider_org_id) == org)
    buyers = and_(state == State.OFFERED, col(Negotiation.buyer_org_id) == org)
    ours = or_(sellers, buyers, and_(to_sign, not_(signed)))
    return {
        "ours": and_(running, ours),
        "theirs": and_(running, not_(ours)),
        "soon": and_(running, deadline <= now + TURN_SOON),
        "sign": and_(running, to_sign),
        "concluded": state == State.FINALIZED,
        "closed": or_(state == State.TERMINATED, and_(state.in_(OPEN_STATES), deadline <= now)),
    }


def _contract_filters(now: datetime) -> Conditions:
    day, row = today(now), Contract
    alive, signed = col(row.ended_at).is_(None), col(row.active_at).is_not(None)
    running = and_(alive, signed, col(row.starts) <= day, col(row.ends) >= day)
    return {
        "sign": and_(alive, not_(signed)),
        "active": running,
        "soon": and_(running, col(row.ends) <= day + TERM_SOON),
        "upcoming": and_(alive, signed, col(row.starts) > day),
        "over": or_(not_(alive), and_(signed, col(row.ends) < day)),
    }


def _listed(
    session: Session, table: type[Row], org: str, filters: Conditions, show: str, before: str | None
) -> Listed[Row]:
    mine = or_(col(table.buyer_org_id) == org, col(table.provider_org_id) == org)
    sums: list[Any] = [func.coalesce(func.sum(case((wanted, 1), else_=0)), 0) for wanted in filters.values()]
    counted = session.exec(select(func.count(), *sums).select_from(table).where(mine)).one()
    query = select(table).where(mine).order_by(col(table.id).desc()).limit(PAGE + 1)
    if show in filters:
        query = query.where(filters[show])
    if before:
        query = query.where(col(table.id) < before)
    found = list(session.exec(query))
    older = found[PAGE - 1].id if len(found) > PAGE else None
    return Listed(found[:PAGE], dict(zip(("", *filters), map(int, counted), strict=True)), older)
