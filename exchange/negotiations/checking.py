"""What would be refused if these terms were sent now, and what they would change. Nothing is written or locked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from contracts.negotiation import Role
from contracts.terms import Change, Terms
from exchange.accounts.models import Organisation
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Listing
from exchange.errors import NotFound, Refusal
from exchange.negotiations import rules, service
from exchange.permissions import Actor, Permission, require


@dataclass(frozen=True)
class Checked:
    """Proposed terms, every refusal they would meet, and what differs from the offer or from the terms on the table."""

    terms: Terms
    refusals: tuple[Refusal, ...]
    changes: tuple[Change, ...]
    role: Role  # whose proposal it is


def check_request(session: Session, actor: Actor | None, listing_id: str, wish: rules.Wish, now: datetime) -> Checked:
    """A buyer's request, against what the listing offers for the same purpose, days and territory."""
    actor = require(actor, Permission.REQUEST)
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise NotFound(listing_id)
    rules.check_listing(listing)
    version = catalogue.the_version(session, listing.id, listing.current_version)
    terms = rules.terms_of(version, wish)
    action = rules.TrialAction("request", actor, actor.org_id, listing, version, terms)
    refusals = rules.request_problems(session, session.get_one(Organisation, actor.org_id), action, now)
    offered = rules.offer_for(version, terms)
    return Checked(terms, tuple(refusals), offered.difference(terms), Role.CONSUMER)


def check_offer(
    session: Session, actor: Actor | None, negotiation_id: str, changes: Mapping[str, Any], now: datetime
) -> Checked:
    """A counter-offer by either side, against the terms on the table; whose turn it is does not matter here."""
    thread = service.thread(session, actor, negotiation_id)
    if thread.role is None:
        raise NotFound(negotiation_id)
    require(actor, service.PERMISSION[thread.role])
    terms = rules.countered(thread.terms, thread.role, changes)
    if thread.role is Role.CONSUMER:
        refusals = rules.wish_problems(thread.version, terms, now)
    else:
        refusals = rules.terms_problems(terms, now)
    return Checked(terms, tuple(refusals), thread.terms.difference(terms), thread.role)
