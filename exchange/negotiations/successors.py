"""Changing a contract: always a new document that both sides negotiate and sign (docs/decisions/0016).

An amendment has changed terms on the same version of the listing; a renewal has a new term, on the version that is
offered now. The document names the old one by its digest (``supersedes``). Until it is in force the old one stays as
it was; in the same transaction in which the new one comes into force the old one ends, unless the new term begins only
after the old one's last day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from contracts import document
from contracts.negotiation import Act, Role, State
from contracts.terms import Change, Terms, today
from exchange import audit
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Listing, ListingVersion
from exchange.db import new_id
from exchange.errors import N_, Refused, refuse
from exchange.negotiations import moves, rules, service, standing
from exchange.negotiations.models import OPEN_STATES, Contract, Negotiation, Succession
from exchange.permissions import Actor, Permission, require

AMENDMENT, RENEWAL = "amendment", "renewal"


@dataclass(frozen=True)
class Followed:
    """What a negotiation would replace, and how its terms on the table differ from those in force."""

    kind: str
    contract: Contract
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Proposal:
    """What a side proposes: ``changes`` to the terms of the contract, by name, and a note to the other side."""

    kind: str
    changes: Mapping[str, Any]
    note: str = ""


def propose(session: Session, actor: Actor | None, contract_id: str, proposal: Proposal, now: datetime) -> Negotiation:
    """Either side opens a negotiation about the contract's successor: the buyer by REQUEST, the seller by OFFER."""
    old, actor, role = standing.party(session, actor, contract_id, Permission.SIGNED_IN)
    require(actor, service.PERMISSION[role])
    # Always in this order, or two could wait for each other: the listing, the open negotiation, the old contract.
    listing = session.get_one(Listing, old.listing_id, with_for_update={"key_share": True})
    service.make_room(session, listing.id, old.buyer_org_id, now)
    old, _, _ = standing.locked(session, actor, contract_id, Permission.SIGNED_IN)
    version = _version(session, old, listing, proposal.kind)
    _check_replaceable(session, old, proposal.kind, now)
    before = document.parse(old.payload).terms
    terms = rules.countered(_begin(before, version, proposal, now), role, proposal.changes)
    _check_terms(before, terms, old, now)
    _check_overlap(session, terms, old, now)
    _check_trial(session, actor, old, listing, version, terms, proposal.kind, now)
    act, state = (Act.REQUEST, State.REQUESTED) if role is Role.CONSUMER else (Act.OFFER, State.OFFERED)
    negotiation = Negotiation(
        id=new_id(), listing_id=listing.id, version=version.number, buyer_org_id=old.buyer_org_id,
        provider_org_id=old.provider_org_id, state=state, terms_hash=terms.hash, purpose=terms.purpose,
        scenario=terms.scenario, requests=int(act is Act.REQUEST), offers=int(act is Act.OFFER),
        deadline=rules.deadline(session, now), created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(negotiation)
    session.flush()
    session.add(Succession(negotiation_id=negotiation.id, contract_id=old.id, kind=proposal.kind))
    moves.record(session, negotiation, moves.Step(actor, role, act, terms, proposal.note), state, now, first=True)
    return negotiation


# --- while it is negotiated and signed ----------------------------------------------------------------------------


def check(session: Session, negotiation: Negotiation, terms: Terms, now: datetime) -> str | None:
    """Before a successor is drawn up or signed: the old contract can still be replaced. Returns its digest, or None
    when the negotiation is about a contract of its own."""
    found = session.get(Succession, negotiation.id)
    if found is None:
        return None
    old = session.get_one(Contract, found.contract_id, populate_existing=True)
    _check_replaceable(session, old, found.kind, now)
    _check_terms(document.parse(old.payload).terms, terms, old, now)
    _check_overlap(session, terms, old, now)
    return old.sha256


def replace_old(session: Session, new: Contract, now: datetime) -> None:
    """``new`` comes into force in this transaction: what it takes the place of ends, by the exchange, because both
    sides have signed that it shall. A term that begins later lets the old one run to its last day, and one that has
    run out is left so."""
    found = session.get(Succession, new.negotiation_id)
    if found is None:
        return
    old = session.get_one(Contract, found.contract_id)
    moves.lock(session, old.negotiation_id)  # no delivery under the old one gets a record after its end
    session.refresh(old)
    _check_replaceable(session, old, found.kind, now)
    if new.starts > _takes_over(old, now) or today(now) > old.ends:
        return
    old.end_event = audit.record(
        session, "contract.ended", None, on=standing.subjects(old), now=now,
        hashes={"contract": old.sha256, "superseded_by": new.sha256}, details={"reason": "superseded"},
    )  # fmt: skip
    old.ended_at, old.end_code, old.end_reason = now, "superseded", new.id
    session.add(old)
    session.flush()


# --- reading ------------------------------------------------------------------------------------------------------


def followed(session: Session, negotiation: Negotiation) -> Followed | None:
    """What a negotiation is to replace, with the difference; None for one about a contract of its own. The caller has
    checked who reads."""
    found = session.get(Succession, negotiation.id)
    if found is None:
        return None
    old = session.get_one(Contract, found.contract_id)
    before = document.parse(old.payload).terms
    return Followed(found.kind, old, before.difference(moves.terms_on_table(session, negotiation)))


def open_of(session: Session, contract_id: str) -> Negotiation | None:
    """The negotiation about this contract's successor that still runs."""
    query = select(Negotiation).join(Succession, col(Succession.negotiation_id) == col(Negotiation.id))
    return session.exec(
        query.where(Succession.contract_id == contract_id, col(Negotiation.state).in_(OPEN_STATES))
    ).first()


def successor_of(session: Session, contract_id: str) -> Contract | None:
    """The contract that was signed in this one's place."""
    query = select(Contract).join(Succession, col(Succession.negotiation_id) == col(Contract.negotiation_id))
    return session.exec(
        query.where(Succession.contract_id == contract_id, col(Contract.active_event).is_not(None))
    ).first()


def predecessor_of(session: Session, contract: Contract) -> Contract | None:
    """The contract whose place this one takes."""
    found = session.get(Succession, contract.negotiation_id)
    return None if found is None else session.get_one(Contract, found.contract_id)


def is_continued(session: Session, old: Contract) -> bool:
    """Whether the buyer goes on under a successor that names every file of this contract, so owes nothing for them."""
    new = successor_of(session, old.id)
    if new is None:
        return False
    kept = {asset.sha256 for asset in document.parse(new.payload).assets}
    return {asset.sha256 for asset in document.parse(old.payload).assets} <= kept


# --- inside -------------------------------------------------------------------------------------------------------


def _version(session: Session, old: Contract, listing: Listing, kind: str) -> ListingVersion:
    """The version that the successor is about. An amendment stays with the old one, whatever the seller published,
    changed or withdrew since; a renewal is of what is offered now."""
    if kind == AMENDMENT:
        rules.check_not_suspended(listing)
        return catalogue.the_version(session, listing.id, old.version)
    rules.check_listing(listing)
    return catalogue.the_version(session, listing.id, listing.current_version)


def _begin(before: Terms, version: ListingVersion, proposal: Proposal, now: datetime) -> Terms:
    """The terms that a proposal's changes are made to: those in force, or what is offered now for the longest term."""
    if proposal.kind == AMENDMENT:
        return before
    starts = proposal.changes.get("starts") or max(before.ends + timedelta(days=1), today(now))
    wish = rules.Wish(
        before.purpose, before.scenario, starts, rules.last_day(starts, version.term_months), before.territory
    )
    return rules.terms_of(version, wish)


def _check_replaceable(session: Session, old: Contract, kind: str, now: datetime) -> None:
    """A contract is changed while it runs, and renewed also after its last day; never once it was ended or replaced,
    and not while anybody has suspended it: a hold is not evaded by a new document."""
    if old.active_event is not None and old.ended_at is None and successor_of(session, old.id) is not None:
        raise refuse("CONTRACT_SUCCEEDED", N_("A successor of this contract has been signed already."), status=409)
    if kind == AMENDMENT or old.ended_at is not None or old.active_event is None:
        standing.check_running(old, now)
    if standing.facts_of(session, old).holds:
        text = N_("This contract is suspended. It can be changed once whoever suspended it has resumed it.")
        raise refuse("CONTRACT_SUSPENDED", text, status=409)


def _check_trial(
    session: Session, actor: Actor, old: Contract, listing: Listing, version: ListingVersion, terms: Terms, kind: str,
    now: datetime,
) -> None:  # fmt: skip
    """T1-T19: an amendment takes the place of the old contract and of its value; a renewal comes on top of it."""
    replaces = old.id if kind == AMENDMENT else None
    action = rules.TrialAction("propose", actor, old.buyer_org_id, listing, version, terms, None, replaces)
    denied = rules.trial_denials(session, action, now)
    if denied:
        raise Refused(*denied, status=422)


def _takes_over(old: Contract, now: datetime) -> date:
    """The last first day with which a successor leaves no day without a contract: today, or the day the old begins."""
    return max(today(now), old.starts)


def _check_terms(before: Terms, terms: Terms, old: Contract, now: datetime) -> None:
    problems = rules.terms_problems(terms, now)
    if problems:
        raise Refused(*problems)
    if not before.difference(terms):
        text = N_("This proposal changes nothing. Change a clause.")
        raise refuse("OFFER_UNCHANGED", text, field="price_vnd")
    if _takes_over(old, now) < terms.starts <= old.ends:
        raise refuse(
            "SUCCESSOR_LEAVES_GAP",
            N_("The new term would begin on %(first)s, while the old contract runs until %(last)s."),
            field="starts", first=terms.starts.strftime("%d/%m/%Y"), last=old.ends.strftime("%d/%m/%Y"),
            passes=N_("A first day not later than today or the old contract's, or after its last day."),
        )  # fmt: skip


def _check_overlap(session: Session, terms: Terms, old: Contract, now: datetime) -> None:
    """What a contract that has not begun was to follow still runs out by itself, and its successor ends only the one:
    so a term that begins before then would put two documents in force."""
    earlier = predecessor_of(session, old)
    while earlier is not None:
        if earlier.ended_at is None and max(terms.starts, today(now)) <= earlier.ends:
            raise refuse(
                "SUCCESSOR_OVERLAPS",
                N_("The new term would begin on %(first)s, while an earlier contract still runs until %(last)s."),
                field="starts", first=terms.starts.strftime("%d/%m/%Y"), last=earlier.ends.strftime("%d/%m/%Y"),
                passes=N_("A first day after its last day, or a change of the earlier contract itself."),
            )  # fmt: skip
        earlier = predecessor_of(session, earlier)
