"""Which buyers of one dataset must be seen as one, from what the tables know of them. Changes no row.

A tie that the exchange or both sides have confirmed (tax code, a person in both, a program of the one acting for the
other) makes two accounts share what they were asked and their privacy budget. An e-mail address is typed by whoever
joins: a shared domain is shown, and shares nothing, or a rival could spend a buyer's budget by choosing an address.
"""

from collections.abc import Collection, Mapping

from sqlmodel import Session, col, select

from exchange.accounts.models import Membership, Organisation, User
from exchange.catalogue.models import Asset, ListingVersion
from exchange.oauth.models import Client, Token
from sandbox.leak import Party, Tie, ties

STRONG = frozenset({Tie.TAX_CODE, Tie.MEMBER, Tie.PROGRAM})


def tied(session: Session, org_id: str, others: Collection[str]) -> dict[str, tuple[Tie, ...]]:
    """Those of ``others`` that something ties to this organisation, with what it is."""
    wanted = set(others) - {org_id}
    if not wanted:
        return {}
    parties = parties_of(session, {*wanted, org_id})
    found = {other: ties(parties[org_id], parties[other]) for other in sorted(wanted)}
    return {other: why for other, why in found.items() if why}


def sharing(found: Mapping[str, tuple[Tie, ...]]) -> list[str]:
    """The organisations among them whose accounts count together."""
    return [other for other, why in found.items() if STRONG & set(why)]


def same_data(session: Session, listing_id: str) -> list[str]:
    """The listings over the same file, this one included: a budget does not begin anew under another name."""
    mine = (
        select(Asset.sha256)
        .join(ListingVersion, col(ListingVersion.asset_id) == col(Asset.id))
        .where(ListingVersion.listing_id == listing_id)
    )
    query = (
        select(ListingVersion.listing_id)
        .join(Asset, col(ListingVersion.asset_id) == col(Asset.id))
        .where(col(Asset.sha256).in_(mine))
        .distinct()
    )
    return sorted({*session.exec(query), listing_id})


def files_of(session: Session, listing_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Digests of the files that each listing has offered: two that share one are over the same data."""
    query = (
        select(ListingVersion.listing_id, Asset.sha256)
        .join(Asset, col(ListingVersion.asset_id) == col(Asset.id))
        .where(col(ListingVersion.listing_id).in_(listing_ids))
    )
    rows = session.exec(query).all()
    return {listing: frozenset(sha256 for each, sha256 in rows if each == listing) for listing in listing_ids}


def parties_of(session: Session, org_ids: Collection[str]) -> dict[str, Party]:
    """What may tie each of these organisations to another."""
    codes = dict(
        session.exec(select(Organisation.id, Organisation.tax_code).where(col(Organisation.id).in_(org_ids))).all()
    )
    people = session.exec(
        select(Membership.org_id, User.id, User.email)
        .join(User, col(User.id) == col(Membership.user_id))
        .where(col(Membership.org_id).in_(org_ids))
    ).all()
    programs = _programs(session, org_ids)
    return {
        org_id: Party(
            tax_code=code,
            members=frozenset(user for org, user, _ in people if org == org_id),
            domains=frozenset(email.rpartition("@")[2] for org, _, email in people if org == org_id),
            programs=frozenset(client for org, client in programs if org == org_id),
        )
        for org_id, code in codes.items()
    }


def _programs(session: Session, org_ids: Collection[str]) -> list[tuple[str, str]]:
    """Programs that these organisations own, and those owned by one of them that have a token of another."""
    owned = session.exec(select(Client.org_id, Client.id).where(col(Client.org_id).in_(org_ids))).all()
    used = session.exec(
        select(Token.org_id, Token.client_id)
        .join(Client, col(Client.id) == col(Token.client_id))
        .where(col(Token.org_id).in_(org_ids), col(Client.org_id).in_(org_ids))
        .distinct()
    ).all()
    return [*owned, *used]
