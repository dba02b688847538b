"""Finding published listings: words without diacritics, filters, facets with counts, pages."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from exchange.accounts.models import Organisation
from exchange.catalogue.models import Asset, Listing, ListingVersion
from exchange.catalogue.vocabulary import SECTORS, State

PAGE = 20
MAX_TERMS = 8
SORTS = ("newest", "name", "price")


def fold(text: str) -> str:
    """Lower case without diacritics, ``đ`` as ``d``: what both the stored text and the question become."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    kept = "".join(sign if sign.isalnum() else " " for sign in plain if unicodedata.category(sign) != "Mn")
    return " ".join(kept.split())


def searchable(draft: Mapping[str, Any], org: Organisation | None) -> str:
    """Everything about an offer that a reader may search by, folded."""
    names = [draft.get(n) or "" for n in ("name", "name_en", "summary", "content", "scope", "purpose", "source")]
    items = [item["name"] for item in draft.get("items", [])]
    who = [org.name, org.name_en or ""] if org else []
    return fold(" ".join([*names, *items, *who, SECTORS[draft["sector"]]]))[:20_000]


@dataclass(frozen=True)
class Query:
    """What somebody is looking for. Empty means everything."""

    words: str = ""
    sector: str = ""
    classification: str = ""
    licence: str = ""
    free: bool = False
    max_price: int | None = None
    sort: str = "newest"
    page: int = 1


@dataclass(frozen=True)
class Hit:
    """One line of the results."""

    listing: Listing
    version: ListingVersion
    asset: Asset
    org: Organisation


@dataclass(frozen=True)
class Results:
    """One page of hits, how many there are in all, and how many each filter would leave."""

    hits: tuple[Hit, ...]
    total: int
    page: int
    pages: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


FACETS = ("sector", "classification", "licence")


def find(session: Session, query: Query) -> Results:
    """Published listings that match; a page beyond the last one is the last one."""
    conditions = _conditions(query)
    total = session.exec(_joined(select(func.count()), conditions)).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(1, query.page), pages)
    statement = _joined(select(Listing, ListingVersion, Asset, Organisation), conditions)
    statement = statement.join(Asset, col(Asset.id) == col(ListingVersion.asset_id))
    statement = statement.join(Organisation, col(Organisation.id) == col(Listing.org_id))
    rows = session.exec(statement.order_by(*_order(query.sort)).offset((page - 1) * PAGE).limit(PAGE)).all()
    return Results(tuple(Hit(*row) for row in rows), total, page, pages, _facets(session, query))


def published() -> list[ColumnElement[bool]]:
    """The join of a head with the version that strangers see."""
    return [
        col(Listing.state) == State.PUBLISHED,
        col(ListingVersion.listing_id) == col(Listing.id),
        col(ListingVersion.number) == col(Listing.current_version),
    ]


def _joined(statement, conditions):  # type: ignore[no-untyped-def]  # any SELECT in, the same kind out
    return statement.select_from(Listing).join(ListingVersion, published()[1]).where(*published(), *conditions)


def _conditions(query: Query, without: str = "") -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        col(ListingVersion.search_text).like(f"%{term}%")  # letters, digits only: nothing to escape
        for term in fold(query.words).split()[:MAX_TERMS]
    ]
    found += [
        col(getattr(ListingVersion, name)) == getattr(query, name)
        for name in FACETS
        if getattr(query, name) and name != without
    ]
    if query.free:
        found.append(col(ListingVersion.price_vnd) == 0)
    if query.max_price is not None:
        found.append(col(ListingVersion.price_vnd) <= query.max_price)
    return found


def _order(sort: str) -> list[Any]:
    newest = [col(ListingVersion.submitted_at).desc(), col(Listing.id).desc()]
    first = {"name": col(ListingVersion.search_text), "price": col(ListingVersion.price_vnd)}.get(sort)
    return newest if first is None else [first.asc(), *newest]


def _facets(session: Session, query: Query) -> dict[str, dict[str, int]]:
    """For each value of a facet the count under all *other* filters, so that a reader sees where else to go."""
    counts: dict[str, dict[str, int]] = {}
    for name in FACETS:
        column = col(getattr(ListingVersion, name))
        statement = _joined(select(column, func.count()), _conditions(query, without=name)).group_by(column)
        counts[name] = {str(value): int(number) for value, number in session.exec(statement).all()}
    return counts
