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
from exchange.errors import NotFound, Refusal, Refused
from exchange.negotiations import rules, service
from exchange.negotiations.service import Thread
from exchange.permissions import Actor, Permission, require


@dataclass(frozen=True)
class Checked:
    """Proposed terms, every refusal they would meet, and what differs from the offer or from the terms on the table."""

    terms: Terms
    refusals: tuple[Refusal, ...]
    changes: tuple[Change, ...]
    role: Role  # whose proposal it is

    @property
    def other(self) -> Role:
        """The side that would read it."""
        return Role.PROVIDER if self.role is Role.CONSUMER else Role.CONSUMER


def check_request(session: Session, actor: Actor | None, listing_id: str, wish: rules.Wish, now: datetime) -> Checked:
    """A buyer's request, against what the listing offers for the same purpose, days and territory."""
    actor = require(actor, Permission.REQUEST)
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise NotFound(listing_id)
    rules.check_listing(listing)
    version = catalogue.the_version(session, listing.id, listing.current_version)
    terms = rules.terms_of(version, wish)
    action = rules.TrialAction("propose", actor, actor.org_id, listing, version, terms)
    refusals = rules.request_problems(session, session.get_one(Organisation, actor.org_id), action, now)
    offered = rules.offer_for(version, terms)
    return Checked(terms, tuple(refusals), offered.difference(terms), Role.CONSUMER)


def check_counter(session: Session, thread: Thread, changes: Mapping[str, Any], now: datetime) -> Checked:
    """Other terms by the reader's side, against those on the table; whose turn it is does not matter here. What a side
    may not change stays as it is."""
    if thread.role is None:
        raise NotFound(thread.negotiation.id)
    terms = rules.countered(thread.terms, thread.role, changes)
    refusals: tuple[Refusal, ...] = ()
    try:
        service.check_still_possible(session, thread.negotiation, terms, now)
    except Refused as refused:
        refusals = refused.refusals
    return Checked(terms, refusals, thread.terms.difference(terms), thread.role)
