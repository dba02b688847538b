"""Pages for everybody: the catalogue with its search, and a listing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError

from exchange import clock, identity
from exchange.catalogue import more_terms, quality, search, service, vocabulary
from exchange.catalogue.schemas import Dong
from exchange.catalogue.vocabulary import LICENCES, SECTORS, State
from exchange.errors import N_
from exchange.ledger import service as ledger
from exchange.permissions import Permission, public

blueprint = Blueprint("catalogue", __name__)

TABS = {
    "data": N_("Dictionary and preview"),
    "quality": N_("Quality"),
    "rights": N_("Origin and rights"),
    "licence": N_("Licence"),
    "versions": N_("Versions"),
    "history": N_("History"),
}
TONES = {"draft": "info", "submitted": "wait", "published": "good", "returned": "wait", "suspended": "bad",
         "withdrawn": "off"}  # fmt: skip
SORTS = {"newest": N_("Newest first"), "name": N_("By name"), "price": N_("Cheapest first")}
EVENTS = {
    "listing.submitted": N_("Submitted for review"),
    "listing.published": N_("Approved and published"),
    "listing.returned": N_("Returned for correction"),
    "listing.withdrawn": N_("Withdrawn by the seller"),
    "listing.changed": N_("State changed by the operator"),
}


@blueprint.context_processor
def words() -> dict[str, Any]:
    """The catalogue's vocabulary and what several of its pages need."""
    return {"words": vocabulary, "tones": TONES, "grade": grade}


@blueprint.app_context_processor
def more() -> dict[str, Any]:
    """What parties may add to terms, for the forms and pages of offers, requests and counter-offers."""
    return {"terms_added": more_terms}


@blueprint.app_template_filter("labelled")
def labelled(
    codes_and_labels: Mapping[str, Any], codes: bool = False, hints: Mapping[str, str] | None = None
) -> list[tuple[str, ...]]:
    """A table of the vocabulary as the options of a form field, in the reader's language."""
    options: list[tuple[str, ...]] = []
    for code, label in codes_and_labels.items():
        text = _(label[0] if isinstance(label, tuple) else label)
        option = (code, f"{code} · {text}" if codes else text)
        options.append((*option, _(hints[code])) if hints else option)
    return options


def grade(score: int | None) -> str:
    """The tone of a measured badge: the listing gate is 60, good is 90 (law.md section 5)."""
    if score is None:
        return "off"
    return "good" if score >= 90 else "wait" if score >= 60 else "bad"


def asked() -> search.Query:
    """The search as the address carries it; nonsense means no filter, never an error."""
    args = request.args
    try:
        price = Dong().deserialize(args["max_price"]) if args.get("max_price", "").strip() else None
    except ValidationError:
        price = None
    page = args.get("page", "1")
    return search.Query(
        words=args.get("q", "")[:200],
        sector=args.get("sector", "") if args.get("sector") in SECTORS else "",
        classification=args.get("classification", "") if args.get("classification") in vocabulary.CLASSES else "",
        licence=args.get("licence", "") if args.get("licence") in LICENCES else "",
        free=args.get("price") == "free",
        max_price=price,
        sort=args.get("sort", "newest") if args.get("sort") in SORTS else "newest",
        page=int(page) if page.isascii() and page.isdecimal() and len(page) < 8 else 1,
    )


@blueprint.get("/")
@public
def index() -> str:
    """The catalogue: search, filters, results."""
    query = asked()
    results = search.find(identity.db_session(), query)
    now = clock.now()
    lines = [(hit, quality.badges(hit.asset, hit.version, now)) for hit in results.hits]
    return render_template(
        "catalogue/index.html", query=query, results=results, lines=lines, sorts=SORTS, most_by_name=search.MAX_BY_NAME
    )


@blueprint.get("/listings/<listing_id>")
@public
def listing(listing_id: str) -> str:
    """One listing: what it is, from whom, at which price; the rest behind tabs."""
    session, actor = identity.db_session(), identity.actor()
    number = request.args.get("version", "")
    wanted = int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else None
    shown = service.for_reader(session, actor, listing_id, wanted)
    tab = request.args.get("tab", "data")
    tab = tab if tab in TABS else "data"
    now = clock.now()
    tabs = [
        (key, _(label), url_for(".listing", listing_id=listing_id, tab=key, version=wanted))
        for key, label in TABS.items()
    ]
    return render_template(
        "catalogue/listing.html",
        shown=shown,
        columns=service.public_columns(shown.asset, shown.version),
        shows_rows=service.shows_rows(shown.version),
        tab=tab,
        tabs=tabs,
        badges=quality.badges(shown.asset, shown.version, now),
        scores=quality.scores(shown.asset, shown.version, now) if tab == "quality" else (),
        versions=service.published_versions(session, listing_id),
        history=_history(listing_id) if tab == "history" else (),
        actions=_actions(shown),
        mine=actor is not None and actor.org_id == shown.listing.org_id and actor.may(Permission.PUBLISH),
        may_suspend=actor is not None and actor.may(Permission.SUSPEND),
        errors=[],
    )


def _actions(shown: service.Shown) -> list[tuple[str, str, str]]:
    """The two buttons, where this exchange has them: label, address, tone. Not on what is not on offer."""
    if shown.listing.state != State.PUBLISHED or shown.version.number != shown.listing.current_version:
        return []
    wanted = (
        (N_("Try it in the test room"), "rooms.open_room", "secondary"),
        (N_("Request access"), "negotiations.request_access", "primary"),
    )
    return [
        (_(label), url_for(endpoint, listing_id=shown.listing.id), tone)
        for label, endpoint, tone in wanted
        if endpoint in current_app.view_functions
    ]


def _history(listing_id: str) -> list[dict[str, Any]]:
    """What the log says about this listing, newest first."""
    found = ledger.find(identity.db_session(), ledger.Search(subjects=[f"listing:{listing_id}"], limit=200))
    return [
        {
            "title": _(EVENTS[record.leaf.type]),
            "index": record.index,
            "at": datetime.fromtimestamp(record.leaf.at_ms / 1000, UTC),
            "version": record.leaf.d.get("version"),
            "tone": "good" if record.leaf.type == "listing.published" else "info",
        }
        for record in found
        if record.leaf.type in EVENTS
    ]
