"""A seller's standing yes: requests on the offer of one listing exactly as it stands are agreed to at once, by rule.

The record of the agreement names the rule. A rule signs nothing, and an organisation that demands a person's approval
of terms has no rule: a rule is no person.
"""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from contracts.terms import MAX_PRICE_VND, Terms
from exchange import audit
from exchange.accounts.models import Organisation
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Listing, ListingVersion
from exchange.errors import N_, NotFound, Refused, refuse
from exchange.negotiations import agreements, approvals, moves, rules, service
from exchange.negotiations.models import AgreeRule, Contract, Negotiation
from exchange.permissions import Actor, Permission, require


def rule_of(session: Session, actor: Actor | None, listing_id: str) -> AgreeRule | None:
    """The rule of one of the actor's own listings; None: a person answers."""
    _own_listing(session, require(actor, Permission.NEGOTIATE), listing_id)
    return session.get(AgreeRule, listing_id)


def set_rule(
    session: Session, actor: Actor | None, listing_id: str, min_level: int, max_price_vnd: int | None, now: datetime
) -> AgreeRule:
    """From now on requests for this listing on its unchanged offer are agreed to at once: of buyers with at least this
    confirmed level, up to this price. What it says is the seller's own affair; the log holds that it was set."""
    actor = require(actor, Permission.NEGOTIATE)
    listing = _own_listing(session, actor, listing_id)
    session.get_one(Organisation, actor.org_id, with_for_update=True)  # approvals.set_rule waits for it too
    _check_values(min_level, max_price_vnd)
    if _person_demanded(session, actor.org_id):
        text = N_("Your organisation demands a person's approval of terms, and a rule is no person.")
        raise refuse("APPROVAL_DEMANDED", text, status=409, passes=N_("An owner ends that demand first."))
    values = {"min_level": min_level} | ({} if max_price_vnd is None else {"max_price_vnd": max_price_vnd})
    event_id = _record(session, "rule.set", actor, listing, now, values)
    row = session.get(AgreeRule, listing.id) or AgreeRule(
        listing_id=listing.id, org_id=actor.org_id, set_at=now, event_id=event_id
    )
    row.min_level, row.max_price_vnd, row.set_at, row.event_id = min_level, max_price_vnd, now, event_id
    session.add(row)
    session.flush()
    return row


def end_rule(session: Session, actor: Actor | None, listing_id: str, now: datetime) -> None:
    """From now on a person answers; what the rule has agreed to stays agreed."""
    actor = require(actor, Permission.NEGOTIATE)
    listing = _own_listing(session, actor, listing_id)
    row = session.get(AgreeRule, listing.id, with_for_update=True)
    if row is None:
        raise refuse("AGREE_RULE_NONE", N_("No rule agrees to requests for this listing."), status=409)
    _record(session, "rule.ended", actor, listing, now, {})
    session.delete(row)
    session.flush()


def request_access(
    session: Session, actor: Actor | None, listing_id: str, wish: rules.Wish, now: datetime
) -> tuple[Negotiation, Contract | None]:
    """Ask for access, and the contract when the seller's rule says yes to it. Where the rule cannot, the request waits
    for a person as any other. Commit with commit_logged when there is a contract."""
    negotiation = service.request_access(session, actor, listing_id, wish, now)
    rule = session.get(AgreeRule, listing_id, with_for_update={"read": True})  # nobody ends it meanwhile
    if rule is None or not _covers(session, rule, negotiation):
        return negotiation, None
    try:
        return negotiation, agreements.agree_by_rule(session, negotiation, rule, now)
    except Refused:  # raised before anything was written: a key is missing, a cap of the trial is reached
        return negotiation, None


def _covers(session: Session, rule: AgreeRule, negotiation: Negotiation) -> bool:
    version = catalogue.the_version(session, negotiation.listing_id, negotiation.version)
    terms = moves.terms_on_table(session, negotiation)
    buyer = session.get_one(Organisation, negotiation.buyer_org_id)
    return (
        _unchanged(version, terms)
        and buyer.assurance_level >= rule.min_level
        and (rule.max_price_vnd is None or terms.price_vnd <= rule.max_price_vnd)
        and not _person_demanded(session, rule.org_id)
    )


def _unchanged(version: ListingVersion, terms: Terms) -> bool:
    """Whether the request is the offer itself: its purpose word for word, its territory. The scenario and the days
    inside the offered term are the buyer's to fill in."""
    offered = rules.Wish(
        purpose=version.permitted_purpose,
        scenario=terms.scenario,
        starts=terms.starts,
        ends=terms.ends,
        territory=tuple(version.territory),
    )
    same = replace(terms, purpose=terms.purpose.strip())
    return not rules.terms_of(version, replace(offered, purpose=offered.purpose.strip())).difference(same)


def _person_demanded(session: Session, org_id: str) -> bool:
    demanded = approvals.rule_of(session, org_id)
    return demanded is not None and demanded.role is not None


def _own_listing(session: Session, actor: Actor, listing_id: str) -> Listing:
    listing = session.get(Listing, listing_id)
    if listing is None or listing.org_id != actor.org_id:
        raise NotFound(listing_id)
    return listing


def _check_values(min_level: int, max_price_vnd: int | None) -> None:
    if not 0 <= min_level <= 3:
        raise refuse("LEVEL_UNKNOWN", N_("Choose a level from 0 to 3."), field="min_level", value=str(min_level))
    if max_price_vnd is not None and not 0 <= max_price_vnd <= MAX_PRICE_VND:
        text = N_("Write a price of at most %(most)s ₫, or leave it empty.")
        most = f"{MAX_PRICE_VND:,}".replace(",", ".")
        raise refuse("PRICE_REFUSED", text, field="max_price_vnd", value=str(max_price_vnd), most=most)


def _record(session: Session, event: str, actor: Actor, listing: Listing, now: datetime, values: dict[str, int]) -> str:
    on = [f"listing:{listing.id}", f"org:{actor.org_id}"]
    private = {f"org:{actor.org_id}": values} if values else {}
    return audit.record(session, event, actor, on=on, now=now, details={"acts": "agree"}, private=private)
