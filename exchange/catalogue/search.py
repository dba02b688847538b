"""Finding published listings: words without diacritics, filters, facets with counts, pages.

Which listings match, and how many, is told by the index alone (index.py); the rows of one page are then read by key.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from exchange.accounts.models import Organisation
from exchange.catalogue import index
from exchange.catalogue.models import Asset, Listing, ListingVersion
from exchange.catalogue.vocabulary import SECTORS, State

PAGE = 20
MAX_TERMS = 8
MAX_BY_NAME = 1_000  # results that can be ordered by name; more of them are shown newest first
FEW = 100  # results whose prices are compared one by one
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
    """What somebody is looking for. Empty means everything; a word is also found by its beginning."""

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
    sort: str  # the order they are in, which is not the one asked for where that is "name" and they are too many
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def find(session: Session, query: Query) -> Results:
    """Published listings that match; a page beyond the last one is the last one."""
    terms = [term[: index.LONGEST] for term in fold(query.words).split()[:MAX_TERMS]]
    needed = [index.SHOWN, *terms, *([index.FREE] if query.free else [])]
    bits = index.read(session, _keys(query, needed))
    among = reduce(and_, (bits.get(key, 0) for key in needed))
    if query.max_price is not None:
        among = index.at_most(query.max_price, among, bits)
    chosen = {name: getattr(query, name) for name in index.FACETS if getattr(query, name)}
    left = _only(among, bits, chosen)
    total = left.bit_count()
    pages = max(1, -(-total // PAGE))
    page = min(max(1, query.page), pages)
    sort = query.sort if query.sort in SORTS and (query.sort != "name" or total <= MAX_BY_NAME) else "newest"
    hits = _hits(session, _page(session, left, (page - 1) * PAGE, sort, bits))
    return Results(hits, total, page, pages, sort, _facets(among, bits, chosen))


def _keys(query: Query, needed: list[str]) -> list[str]:
    facets = [index.of_value(name, value) for name, values in index.FACETS.items() for value in values]
    return [*needed, *facets, *(index.PRICE if query.max_price is not None or query.sort == "price" else ())]


def _only(among: int, bits: Mapping[str, int], chosen: Mapping[str, str], without: str = "") -> int:
    for name, value in chosen.items():
        if name != without:
            among &= bits.get(index.of_value(name, value), 0)
    return among


def _facets(among: int, bits: Mapping[str, int], chosen: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """For each value of a facet the count under all *other* filters, so that a reader sees where else to go."""
    counts: dict[str, dict[str, int]] = {}
    for name, values in index.FACETS.items():
        others = _only(among, bits, chosen, without=name)
        counted = {value: (others & bits.get(index.of_value(name, value), 0)).bit_count() for value in values}
        counts[name] = {value: number for value, number in counted.items() if number}
    return counts


def _page(session: Session, among: int, skip: int, sort: str, bits: Mapping[str, int]) -> list[int]:
    """The positions of one page in the order that was asked for; what is equal there, the newest first."""
    if sort == "name":
        return _by(session, func.substr(ListingVersion.search_text, 1, 200), among)[skip : skip + PAGE]
    if sort == "price":
        return _cheapest(session, among, skip, PAGE, [bits[key] for key in index.PRICE if key in bits])
    return index.newest(among, skip, PAGE)


def _cheapest(session: Session, among: int, skip: int, count: int, digits: list[int]) -> list[int]:
    """Split by the highest digit of the price, then each half that has a part of the page by the next one."""
    if among.bit_count() <= FEW:
        return _by(session, ListingVersion.price_vnd, among)[skip : skip + count]
    if not digits:
        return index.newest(among, skip, count)
    dear = among & digits[0]
    cheap = among ^ dear
    number = cheap.bit_count()
    found = _cheapest(session, cheap, skip, count, digits[1:]) if skip < number else []
    if len(found) < count:
        found += _cheapest(session, dear, max(0, skip - number), count - len(found), digits[1:])
    return found


def _by(session: Session, value: Any, among: int) -> list[int]:
    """All positions, sorted here: databases differ in how they order texts."""
    positions = index.newest(among, 0, among.bit_count())
    statement = select(value, ListingVersion.position).where(col(ListingVersion.position).in_(positions))
    return [position for _value, position in sorted(session.exec(statement).all(), key=lambda row: (row[0], -row[1]))]


def _hits(session: Session, positions: list[int]) -> tuple[Hit, ...]:
    """Head, version, file and seller, if they are still on show: the index says where to look, the rows what is so."""
    statement = (
        select(Listing, ListingVersion, Asset, Organisation)
        .join(ListingVersion, col(ListingVersion.listing_id) == col(Listing.id))
        .join(Asset, col(Asset.id) == col(ListingVersion.asset_id))
        .join(Organisation, col(Organisation.id) == col(Listing.org_id))
        .where(
            col(ListingVersion.position).in_(positions),
            col(Listing.state) == State.PUBLISHED,
            col(ListingVersion.number) == col(Listing.current_version),
        )
    )
    rows = {row[1].position: Hit(*row) for row in session.exec(statement).all()}
    return tuple(rows[position] for position in positions if position in rows)
