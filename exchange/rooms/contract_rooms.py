"""Rooms under a contract that gives answers only (L1, L2): opened, asked about before every question, shown.

The contract in force is what allows a question (negotiations.standing), the trial what may forbid it while a
certificate is recorded. A session lasts two hours like any room's and may be opened again until the term is over; the
account is the contract's (docs/decisions/0021).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from contracts import document
from contracts.negotiation import Role
from contracts.standing import Standing, Use
from contracts.terms import ANSWERS_ONLY, Terms
from contracts.terms import Denied as NotAllowed
from exchange import pilot
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Listing
from exchange.errors import NotFound, Refusal, Refused
from exchange.negotiations import moves, standing
from exchange.negotiations.models import Contract
from exchange.permissions import Actor, Permission, require
from exchange.rooms import policies, rules
from exchange.rooms import service as rooms
from exchange.rooms.models import BudgetEntry, QueryRun, TestRoom
from exchange.rooms.service import Built, Ground, Prepared, Room
from exchange.trials import service
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.rules import ActionKind

# What the contract itself has against a question -> the clause that says so (contracts.clauses).
CLAUSES = {"ACTION_NOT_IN_LICENCE": "4", "LICENCE_UNKNOWN": "4", "QUERIES_SPENT": "13", "HOURS_SPENT": "13"}
TERM = "5"  # when the contract runs, and that either side may suspend or end it
SPENT = "QUERIES_SPENT"


@dataclass(frozen=True)
class Account:
    """What was asked under a contract so far."""

    queries: int = 0
    first_query_at: datetime | None = None


@dataclass(frozen=True)
class Panel:
    """Asking under one contract as a party or an official sees it."""

    contract: Contract
    terms: Terms
    document: dict[str, Any] | None  # the compiled policy; None: none can be made, see ``refusal``
    account: Account
    hours_end: datetime | None
    refusal: Refusal | None  # why nothing may be asked now
    may_open: bool
    room: TestRoom | None  # the reader's own, open now

    @property
    def policy(self) -> Policy | None:
        """The document, read."""
        return Policy.from_json(self.document) if self.document is not None else None


# --- opening ------------------------------------------------------------------------------------------------------


def prepare_room(
    session: Session, actor: Actor | None, contract_id: str, now: datetime, *, min_isolation_tier: int = 0
) -> Prepared:
    """Judge the wish and lay out the policy; changes nothing. Raises Refused by the contract, or by the trial."""
    actor = require(actor, Permission.QUERY)
    ground = _ground(session, actor, contract_id, now)
    return rooms.prepare(session, ground, now, min_isolation_tier=min_isolation_tier)


def open_room(
    session: Session, actor: Actor | None, contract_id: str, prepared: Prepared, built: Built | None, now: datetime
) -> TestRoom:
    """A session under the contract; the one that is open already, if there is one and its policy still stands."""
    actor = require(actor, Permission.QUERY)
    row = _bought(session, actor, contract_id)
    moves.lock(session, row.negotiation_id)  # a suspension comes before this or after it
    session.refresh(row)
    ground = _ground(session, actor, contract_id, now)
    return rooms.open_on(session, actor, ground, prepared, built, now)


def _bought(session: Session, actor: Actor, contract_id: str) -> Contract:
    row = session.get(Contract, contract_id)
    if row is None or row.buyer_org_id != actor.org_id:
        raise NotFound(contract_id)
    return row


def _ground(session: Session, actor: Actor, contract_id: str, now: datetime) -> Ground:
    row = _bought(session, actor, contract_id)
    signed = document.parse(row.payload)
    account = account_of(session, row)
    refusal = _refusal(session, row, signed, account, now)
    if refusal is not None:
        raise Refused(refusal, status=403)
    ends = [now + rooms.SESSION, policies.agreed_of(signed).ends, hours_end(signed.terms, account)]
    closes_at = min(each for each in ends if each is not None)
    return _on(session, row, signed, closes_at, now)


def _on(session: Session, row: Contract, signed: document.Contract, closes_at: datetime, now: datetime) -> Ground:
    shown = catalogue.shown(session, session.get_one(Listing, row.listing_id), row.version)
    trial = service.current(session, now)
    return Ground(shown, row.buyer_org_id, trial, closes_at, row, policies.agreed_of(signed))


# --- asking -------------------------------------------------------------------------------------------------------


def hold(session: Session, room: Room) -> None:
    """Ours until commit, like a delivery's: a record of an answer never follows that of a suspension or an end."""
    if room.contract is not None:
        moves.lock(session, room.contract.negotiation_id)
        session.refresh(room.contract)


def barred(session: Session, room: Room, now: datetime, *, spending: bool = False) -> Denied | None:
    """What contract, trial or a newer policy have against a question in this room; ``spending``: it uses one up."""
    row = room.contract
    if row is None:
        return None
    signed, account = document.parse(row.payload), account_of(session, row)
    found = _contract_denies(session, row, signed, account if spending else _unspent(account), now)
    if found is not None or spending:
        return found
    return None if _is_current(session, room, _on(session, row, signed, room.row.closes_at, now), now) else Denied("X5")


def _is_current(session: Session, room: Room, ground: Ground, now: datetime) -> bool:
    """Whether contract, certificate and design still make the very policy that the room was opened under."""
    try:
        newest = rooms.plan_of(session, ground, now, min_isolation_tier=room.policy.min_isolation_tier).policy
    except Refused:  # they make no policy any more; opening again says why
        return False
    sealed = policies.sealed(newest, room.policy.snapshot_id, room.policy.snapshot_sha256)
    return Policy.from_json(sealed).hash == room.policy.hash


def in_force(session: Session, room: TestRoom, now: datetime) -> bool:
    """Whether an answer that was paid for may still be given: hours and numbers were counted when it was asked."""
    if room.contract_id is None:
        return True
    row = session.get_one(Contract, room.contract_id)
    moves.lock(session, row.negotiation_id)
    session.refresh(row)
    if standing.standing_of(session, row, now) is not Standing.ACTIVE:
        return False
    return not trial_refusals(session, row, document.parse(row.payload), now)


def trial_refusals(session: Session, row: Contract, signed: document.Contract, now: datetime) -> tuple[Refusal, ...]:
    """Every rule of the trial against a question under this contract; none while no certificate is recorded."""
    version = catalogue.the_version(session, row.listing_id, row.version)
    places = signed.terms.territory
    act = pilot.Act(ActionKind.QUERY, row.buyer_org_id, version.sector, version.classification, places)
    return service.judge_if_recorded(session, act, now)


def account_of(session: Session, row: Contract) -> Account:
    """Questions that were paid for, and when the first one was asked: the hours of clause 13 run from then."""
    spent = session.exec(select(BudgetEntry.spent).where(BudgetEntry.contract_id == row.id)).first()
    first = (
        select(func.min(QueryRun.at))
        .join(TestRoom, col(TestRoom.id) == col(QueryRun.room_id))
        .where(TestRoom.contract_id == row.id, col(QueryRun.charged).is_(True))
    )
    return Account(spent or 0, session.exec(first).one())


def hours_end(terms: Terms, account: Account) -> datetime | None:
    """When the hours that were agreed are over; None while nothing was asked, or when none were agreed."""
    if terms.max_hours is None or account.first_query_at is None:
        return None
    return account.first_query_at + timedelta(hours=terms.max_hours)


def _unspent(account: Account) -> Account:
    """What is remembered costs nothing: the number of questions is judged when one would be used up."""
    return Account(0, account.first_query_at)


def _contract_denies(
    session: Session, row: Contract, signed: document.Contract, account: Account, now: datetime
) -> Denied | None:
    found = standing.why_not(
        session, row, signed, Use.QUERY, now, queries=account.queries, first_query_at=account.first_query_at
    )
    if found is None and signed.terms.licence not in ANSWERS_ONLY:
        facts = {"action": Use.QUERY, "licence": signed.terms.licence}
        found = NotAllowed("ACTION_NOT_IN_LICENCE", facts, signed.terms.licence)
    if found is None:
        return None
    return Denied(found.code, {**found.facts, "clause": CLAUSES.get(found.code, TERM)}, found.basis)


def _refusal(
    session: Session, row: Contract, signed: document.Contract, account: Account, now: datetime
) -> Refusal | None:
    denied = _contract_denies(session, row, signed, account, now)
    if denied is not None:
        return rules.say_denied(denied)
    return next(iter(trial_refusals(session, row, signed, now)), None)


# --- showing ------------------------------------------------------------------------------------------------------


def panel(
    session: Session, actor: Actor | None, contract_id: str, now: datetime, *, min_isolation_tier: int = 0
) -> Panel | None:
    """Policy, what is used and what stands in the way; None for a contract that is not signed or delivers files."""
    papers = standing.papers(session, actor, contract_id)
    row, signed = papers.row, papers.document
    if row.active_at is None or signed.terms.licence not in ANSWERS_ONLY:
        return None
    account = account_of(session, row)
    refusal = _refusal(session, row, signed, account, now)
    policy = None
    try:
        ground = _on(session, row, signed, now, now)
        policy = rooms.plan_of(session, ground, now, min_isolation_tier=min_isolation_tier).policy
    except Refused as refused:
        refusal = refusal or refused.refusals[0]
    buying = actor is not None and papers.role is Role.CONSUMER and actor.may(Permission.QUERY)
    return Panel(
        row, signed.terms, policy, account, hours_end(signed.terms, account), refusal,
        buying and refusal is None, rooms.open_under(session, row.id, now) if buying else None,
    )  # fmt: skip
