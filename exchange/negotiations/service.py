"""From a request to agreed terms: request, counter, accept, terminate, and reading. agreements.py goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from contracts import negotiation as play
from contracts.negotiation import Act, Reason, Role, State
from contracts.terms import Terms
from exchange.accounts.models import Organisation
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Listing, ListingVersion
from exchange.db import new_id
from exchange.errors import N_, NotFound, NotPermitted, Refused, refuse
from exchange.negotiations import approvals, moves, rules
from exchange.negotiations.models import OPEN_STATES, Contract, Move, Negotiation
from exchange.permissions import Actor, Permission, require

PERMISSION = {Role.CONSUMER: Permission.REQUEST, Role.PROVIDER: Permission.NEGOTIATE}
_READING_SCOPES = frozenset({"negotiate", "sign", "query", "deliver", "audit"})


@dataclass(frozen=True)
class Thread:
    """One negotiation as a reader sees it."""

    negotiation: Negotiation
    moves: list[Move]
    listing: Listing
    version: ListingVersion
    buyer: Organisation
    provider: Organisation
    role: Role | None  # the reader's side; None for a regulator
    contract_id: str | None

    @property
    def terms(self) -> Terms:
        """The terms on the table."""
        return Terms.from_json(self.moves[-1].terms)


def request_access(
    session: Session, actor: Actor | None, listing_id: str, wish: rules.Wish, now: datetime
) -> Negotiation:
    """Ask the seller for a licence (REQUEST). The terms are frozen from the offer that stands in the catalogue now."""
    actor = require(actor, Permission.REQUEST)
    # FOR NO KEY UPDATE: one request at a time for a listing, while rows that merely refer to it can still be written.
    listing = session.get(Listing, listing_id, with_for_update={"key_share": True})
    if listing is None:
        raise NotFound(listing_id)
    rules.check_listing(listing)
    version = catalogue.the_version(session, listing.id, listing.current_version)
    make_room(session, listing.id, actor.org_id, now)
    terms = rules.terms_of(version, wish)
    action = rules.TrialAction("propose", actor, actor.org_id, listing, version, terms)
    found = rules.request_problems(session, session.get_one(Organisation, actor.org_id), action, now)
    if found:
        raise Refused(*found)
    negotiation = Negotiation(
        id=new_id(), listing_id=listing.id, version=version.number, buyer_org_id=actor.org_id,
        provider_org_id=version.org_id, state=State.REQUESTED, terms_hash=terms.hash, purpose=terms.purpose,
        scenario=terms.scenario, deadline=rules.deadline(session, now), created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(negotiation)
    session.flush()
    step = moves.Step(actor, Role.CONSUMER, Act.REQUEST, terms, wish.note)
    moves.record(session, negotiation, step, State.REQUESTED, now, first=True)
    return negotiation


def counter(
    session: Session,
    actor: Actor | None,
    negotiation_id: str,
    seen: str,
    changes: Mapping[str, Any],
    now: datetime,
    *,
    note: str = "",
) -> Negotiation:
    """Other terms, by the side whose turn it is (the seller's OFFER, the buyer's REQUEST): ``changes`` to those that
    ``seen`` is the hash of. Each side may propose as often as the setting allows."""
    negotiation, actor, role = locked(session, actor, negotiation_id, now)
    act = Act.REQUEST if role is Role.CONSUMER else Act.OFFER
    before = moves.terms_on_table(session, negotiation)
    terms = rules.countered(before, role, changes)
    state = moves.play_on(session, negotiation, role, act, terms.hash)
    moves.check_seen(session, negotiation, role, act, seen)
    if not before.difference(terms):
        text = N_("This proposal changes nothing. Say yes to the terms on the table, or change a clause.")
        raise refuse("OFFER_UNCHANGED", text, field="price_vnd")
    check_still_possible(session, negotiation, terms, now, status=422)
    if role is Role.CONSUMER:
        negotiation.requests += 1
        negotiation.purpose, negotiation.scenario = terms.purpose, terms.scenario
    else:
        negotiation.offers += 1
    moves.record(session, negotiation, moves.Step(actor, role, act, terms, note), state, now)
    return negotiation


def accept(session: Session, actor: Actor | None, negotiation_id: str, seen: str, now: datetime) -> Negotiation:
    """The buyer accepts the seller's counter-offer (ACCEPT). A seller's yes is ``agreements.agree``."""
    negotiation, actor, role = locked(session, actor, negotiation_id, now)
    state = moves.play_on(session, negotiation, role, Act.ACCEPT, seen)
    terms = moves.terms_on_table(session, negotiation)
    check_still_possible(session, negotiation, terms, now)
    approvals.use(session, negotiation, actor, approvals.What.TERMS, terms.hash, now)
    moves.record(session, negotiation, moves.Step(actor, role, Act.ACCEPT, terms), state, now)
    return negotiation


def terminate(
    session: Session, actor: Actor | None, negotiation_id: str, code: str, reason: str, now: datetime
) -> Negotiation:
    """Either side ends the negotiation (TERMINATE), also after the contract was drawn up but before it is in force. The
    other side reads the code and the reason."""
    negotiation, actor, role = locked(session, actor, negotiation_id, now, late=True)
    moves.play_on(session, negotiation, role, Act.TERMINATE, None)
    moves.close(session, negotiation, actor, role, rules.check_code(code), rules.check_reason(reason), now)
    return negotiation


# --- reading ------------------------------------------------------------------------------------------------------


def negotiations_of(
    session: Session, actor: Actor | None, *, before: str | None = None, limit: int = 50
) -> list[Negotiation]:
    """The organisation's own negotiations on either side, newest first; ``before`` is an id, for paging."""
    actor = require_reader(actor)
    mine = or_(col(Negotiation.buyer_org_id) == actor.org_id, col(Negotiation.provider_org_id) == actor.org_id)
    query = select(Negotiation).where(mine).order_by(col(Negotiation.id).desc()).limit(min(limit, 200))
    return list(session.exec(query.where(col(Negotiation.id) < before) if before else query))


def thread(session: Session, actor: Actor | None, negotiation_id: str) -> Thread:
    """One negotiation with all its moves. Parties only; a regulator may read, see ``looks``."""
    actor = require_reader(actor)
    negotiation = session.get(Negotiation, negotiation_id)
    if negotiation is None or not sees(actor, negotiation):
        raise NotFound(negotiation_id)
    drawn = (
        select(Contract.id).where(Contract.negotiation_id == negotiation.id).order_by(col(Contract.agreed_at).desc())
    )
    contract_id = session.exec(drawn.order_by(col(Contract.id).desc())).first()
    return Thread(
        negotiation=negotiation,
        moves=moves.moves_of(session, negotiation.id),
        listing=session.get_one(Listing, negotiation.listing_id),
        version=catalogue.the_version(session, negotiation.listing_id, negotiation.version),
        buyer=session.get_one(Organisation, negotiation.buyer_org_id),
        provider=session.get_one(Organisation, negotiation.provider_org_id),
        role=negotiation.role_of(actor.org_id),
        contract_id=contract_id,
    )


def open_request(session: Session, actor: Actor, listing_id: str, now: datetime) -> Negotiation | None:
    """This organisation's negotiation on a listing that still runs, if there is one."""
    found = _open_on(session, listing_id, actor.org_id)
    return None if found is None or rules.is_lapsed(found, now) else found


def allowed_acts(session: Session, negotiation: Negotiation, role: Role | None, now: datetime) -> frozenset[Act]:
    """What the reader may do next. Signing (VERIFY, FINALIZE) happens on the contract, not here."""
    if role is None:
        return frozenset()
    so_far = moves.so_far(negotiation)
    open_to = play.open_to(so_far, role, max_proposals=rules.max_proposals(session))
    if rules.is_lapsed(negotiation, now):
        return open_to & {Act.TERMINATE}
    return open_to - {Act.VERIFY, Act.FINALIZE}


# --- shared with agreements.py ------------------------------------------------------------------------------------


def require_reader(actor: Actor | None) -> Actor:
    """A person of any role, or a program whose token has to do with contracts."""
    actor = require(actor, Permission.SIGNED_IN)
    if actor.scopes is not None and not actor.scopes & _READING_SCOPES:
        raise NotPermitted(Permission.NEGOTIATE)
    return actor


def sees(actor: Actor, papers: Negotiation | Contract) -> bool:
    """The two parties, and a regulator."""
    return actor.org_id in (papers.buyer_org_id, papers.provider_org_id) or actor.may(Permission.AUDIT)


def locked(
    session: Session, actor: Actor | None, negotiation_id: str, now: datetime, *, late: bool = False
) -> tuple[Negotiation, Actor, Role]:
    """The negotiation, ours until commit, with the actor's side in it; ``late``: even after its deadline."""
    actor = require(actor, Permission.SIGNED_IN)
    negotiation = moves.lock(session, negotiation_id)
    role = negotiation.role_of(actor.org_id)
    if role is None:
        raise NotFound(negotiation_id)
    require(actor, PERMISSION[role])
    if not late:
        rules.check_open(negotiation, now)
    return negotiation, actor, role


def check_still_possible(
    session: Session,
    negotiation: Negotiation,
    terms: Terms,
    now: datetime,
    *,
    status: int = 409,
    trial: str | None = "propose",
) -> None:
    """Between two moves a listing can be stopped (X26), a term can pass, and the trial can change (T1-T19).

    ``trial`` is the kind of rules.TrialAction; None where the contract is drawn up next, which judges it.
    """
    listing = session.get_one(Listing, negotiation.listing_id)
    rules.check_not_suspended(listing)
    problems = rules.terms_problems(terms, now)
    if trial is not None:
        version = catalogue.the_version(session, listing.id, negotiation.version)
        replaces = rules.amended_by(session, negotiation.id)
        action = rules.TrialAction(
            trial, None, negotiation.buyer_org_id, listing, version, terms, negotiation.id, replaces
        )
        problems += rules.trial_denials(session, action, now)
    if problems:
        raise Refused(*problems, status=status)


def make_room(session: Session, listing_id: str, buyer_org_id: str, now: datetime) -> None:
    """A request that nobody answered in time is closed to make room for a new one; one that still runs refuses it."""
    found = _open_on(session, listing_id, buyer_org_id)
    if found is None:
        return
    found = moves.lock(session, found.id)
    if found.state not in OPEN_STATES:
        return
    if not rules.is_lapsed(found, now):
        text = N_("Your organisation already has an open request for this listing.")
        raise refuse("REQUEST_ALREADY_OPEN", text, value=found.id, status=409)
    whose_turn = Role.CONSUMER if found.state == State.OFFERED else Role.PROVIDER
    moves.close(session, found, None, whose_turn, Reason.LAPSED, "", now)


# --- inside -------------------------------------------------------------------------------------------------------


def _open_on(session: Session, listing_id: str, buyer_org_id: str) -> Negotiation | None:
    query = select(Negotiation).where(
        Negotiation.listing_id == listing_id,
        Negotiation.buyer_org_id == buyer_org_id,
        col(Negotiation.state).in_(OPEN_STATES),
    )
    return session.exec(query).first()
