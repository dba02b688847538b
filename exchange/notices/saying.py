"""A notice in words: found when somebody reads, in the reader's language, with the names of things as they are then."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from sqlmodel import Session, col, select

from exchange.accounts.models import Organisation
from exchange.catalogue.models import Listing, ListingVersion
from exchange.i18n import day, load
from exchange.notices import words
from exchange.notices.models import Notice

Names = dict[str, str]
_DAYS = ("day", "ends", "due")  # facts that are days, as year-month-day


def say(notice: Notice, listings: Names, lang: str) -> str:
    """The sentence, on one line, in "vi" or "en". A kind that a later version brought is named instead of told."""
    how = words.told(notice.kind)
    if how is None:
        return notice.kind
    facts = notice.facts | {name: day(date.fromisoformat(notice.facts[name])) for name in _DAYS if name in notice.facts}
    known = {"listing": clean(listings.get(facts.get("listing", ""), "…")), "contract": facts.get("contract", "…")[:10]}
    return str(load(lang).gettext(how.sentence)) % defaultdict(lambda: "…", {**facts, **known})


def listing_names(session: Session, notices: Iterable[Notice], lang: str) -> Names:
    """What the listings of these notices are called: as the catalogue shows them, else as they were last submitted."""
    ids = {notice.facts["listing"] for notice in notices if "listing" in notice.facts}
    query = (
        select(ListingVersion.listing_id, ListingVersion.name, ListingVersion.name_en)
        .join(Listing, col(Listing.id) == col(ListingVersion.listing_id))
        .where(col(ListingVersion.listing_id).in_(ids))
        .order_by(col(ListingVersion.number) == col(Listing.current_version), col(ListingVersion.number))
    )
    return {listing: (english if lang == "en" else None) or name for listing, name, english in session.exec(query)}


def organisation_names(session: Session, notices: Iterable[Notice]) -> Names:
    """Who acted, by name."""
    ids = {notice.facts["by"] for notice in notices if "by" in notice.facts}
    query = select(Organisation.id, Organisation.name).where(col(Organisation.id).in_(ids))
    return dict(session.exec(query).all())


def clean(text: str, most: int = 120) -> str:
    """A name as one short line, without characters that could end a line or turn text around."""
    plain = "".join(" " if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") else sign for sign in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"
