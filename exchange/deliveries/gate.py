"""Whether a file may leave now: the signed contract, the trial's certificate, and whoever holds the grant."""

from datetime import datetime

from sqlmodel import Session

from contracts import document
from contracts.standing import Use
from exchange import pilot
from exchange.accounts.models import Organisation, User
from exchange.accounts.service import roles_of
from exchange.catalogue import service as catalogue
from exchange.deliveries.models import Grant
from exchange.errors import Refusal
from exchange.negotiations import standing
from exchange.negotiations.models import Contract
from exchange.permissions import Actor, OrgKind, Permission


def why_not(
    session: Session, contract: Contract, signed: document.Contract, now: datetime, *, made: int = 0
) -> Refusal | None:
    """The first reason against handing out a file of ``contract`` at ``now``, or None."""
    return next(iter(against(session, contract, signed, now, made=made)), None)


def against(
    session: Session, contract: Contract, signed: document.Contract, now: datetime, *, made: int = 0
) -> tuple[Refusal, ...]:
    """Every reason against it.

    The contract speaks first; then the controlled trial (T1-T19), while a certificate is recorded: a trial that was
    suspended or is over stops deliveries under contracts made in it.
    """
    refused = standing.may(session, contract, signed, Use.DELIVER, now, deliveries=made)
    version = catalogue.the_version(session, contract.listing_id, contract.version)
    buyer, places = contract.buyer_org_id, signed.terms.territory
    act = pilot.Act("deliver", buyer, version.sector, version.classification, places)
    denied = pilot.denials(session, act, now)
    return denied if refused is None else (refused, *denied)


def holder_of(session: Session, grant: Grant) -> Actor:
    """Who acts when a link is used: the organisation that it was made for, by the person who made it."""
    roles = roles_of(session, grant.user_id, grant.org_id) if grant.user_id else frozenset()
    name = session.get_one(User, grant.user_id).full_name if grant.user_id else ""
    return Actor(user_id=grant.user_id, org_id=grant.org_id, kind=OrgKind.MEMBER, roles=roles, name=name)


def is_out(session: Session, grant: Grant) -> bool:
    """Whether the holder lost the right to receive since the link was made: a link carries no sign-in to notice it.

    That is an organisation that was suspended, or a person who left it or no longer receives for it.
    """
    if session.get_one(Organisation, grant.org_id).standing != "active":
        return True
    return grant.user_id is not None and not holder_of(session, grant).may(Permission.RECEIVE)
