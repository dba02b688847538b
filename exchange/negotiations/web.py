"""Pages: ask for access, the list of one's negotiations, one negotiation round by round."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from contracts.terms import ADDED, today
from exchange import clock, identity
from exchange.accounts.forms import load, page
from exchange.accounts.keys import keys_of
from exchange.accounts.models import Organisation
from exchange.catalogue import service as catalogue
from exchange.errors import NotFound, Refused
from exchange.negotiations import agreements, api, pages, rules, schemas, service
from exchange.negotiations.models import Negotiation
from exchange.permissions import Permission, needs

blueprint = Blueprint("negotiations", __name__)


@blueprint.get("/listings/<listing_id>/request")
@needs(Permission.REQUEST)
def request_access(listing_id: str) -> AnyResponse:
    """The form; who has an open request already goes to it."""
    actor = identity.the_actor()
    running = service.open_request(identity.db_session(), actor, listing_id, clock.now())
    if running is not None:
        return redirect(url_for("negotiations.show", negotiation_id=running.id), 303)
    return _request_page(listing_id)


@blueprint.post("/listings/<listing_id>/request")
@needs(Permission.REQUEST)
def send_request(listing_id: str) -> AnyResponse:
    """Send the request."""
    session = identity.db_session()
    try:
        wish = schemas.wish_of(load(schemas.RequestForm))
        made = service.request_access(session, identity.the_actor(), listing_id, wish, clock.now())
    except Refused as refused:
        session.rollback()
        return _request_page(listing_id, refused)
    session.commit()
    flash(_("The request is sent."), "good")
    return redirect(url_for("negotiations.show", negotiation_id=made.id), 303)


def _request_page(listing_id: str, refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    shown = catalogue.for_reader(session, actor, listing_id)
    starts = today(now)
    return page(
        "negotiations/request.html",
        refused,
        listing=shown.listing,
        version=shown.version,
        seller=shown.org,
        own=actor.org_id == shown.org.id,
        offered={**ADDED, **shown.version.added_terms},
        first_day=starts.isoformat(),
        last_day=rules.last_day(starts, shown.version.term_months).isoformat(),
        clause_label=pages.label,
        clause_value=pages.shown,
        has_key=bool(keys_of(session, actor.org_id, active=True)),
    )


@blueprint.get("/negotiations")
@needs(Permission.SIGNED_IN)
def index() -> Response:
    """Mine, on either side: whose turn it is, the state, the next step."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    found = service.negotiations_of(session, actor, before=request.args.get("before"), limit=51)
    rows = [_row(negotiation) for negotiation in found[:50]]
    older = url_for("negotiations.index", before=found[49].id) if len(found) > 50 else None
    return page("negotiations/index.html", rows=rows, older=older, now=now)


def _row(negotiation: Negotiation) -> dict[str, Any]:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    role = negotiation.role_of(actor.org_id)
    other = negotiation.buyer_org_id if actor.org_id == negotiation.provider_org_id else negotiation.provider_org_id
    return {
        "negotiation": negotiation,
        "name": catalogue.the_version(session, negotiation.listing_id, negotiation.version).name,
        "role": role,
        "other": session.get_one(Organisation, other).name,
        "state": pages.state_of(negotiation, now),
        "next": pages.next_step(negotiation, role, now),
        "my_turn": pages.is_my_turn(negotiation, role, now),
    }


@blueprint.get("/negotiations/<negotiation_id>")
@needs(Permission.SIGNED_IN)
def show(negotiation_id: str) -> Response:
    """The rounds, what each changed, and the reader's next move."""
    return api.look(negotiation_id, lambda: _thread_page(negotiation_id), "negotiation")


def _thread_page(negotiation_id: str, refused: Refused | None = None, act: str = "") -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    thread = service.thread(session, actor, negotiation_id)
    names = {thread.buyer.id: thread.buyer.name, thread.provider.id: thread.provider.name}
    acts = service.allowed_acts(thread.negotiation, thread.role, now)
    may_act = thread.role is not None and actor.may(service.PERMISSION[thread.role])
    return page(
        "negotiations/thread.html",
        refused,
        thread=thread,
        act=act,
        acts=acts if may_act else frozenset(),
        rounds=pages.rounds(thread.moves, names),
        clauses=pages.clauses(thread.terms),
        state=pages.state_of(thread.negotiation, now),
        next_step=pages.next_step(thread.negotiation, thread.role, now),
        my_turn=pages.is_my_turn(thread.negotiation, thread.role, now),
        clause_label=pages.label,
        needs_key=thread.role is not None and not keys_of(session, actor.org_id, active=True),
    )


@blueprint.post("/negotiations/<negotiation_id>/offer")
@needs(Permission.NEGOTIATE)
def offer(negotiation_id: str) -> AnyResponse:
    """The seller's counter-offer."""

    def do() -> None:
        form = load(schemas.OfferForm)
        changes, note = schemas.changes_of(form), form.get("note") or ""
        service.counter_offer(
            identity.db_session(), identity.the_actor(), negotiation_id, form["terms"], changes, clock.now(), note=note
        )

    return _act(negotiation_id, "offer", do, _("The counter-offer is sent."))


@blueprint.post("/negotiations/<negotiation_id>/accept")
@needs(Permission.REQUEST)
def accept(negotiation_id: str) -> AnyResponse:
    """The buyer accepts the counter-offer."""

    def do() -> None:
        seen = load(schemas.SeenForm)["terms"]
        service.accept(identity.db_session(), identity.the_actor(), negotiation_id, seen, clock.now())

    return _act(negotiation_id, "accept", do, _("You have accepted the counter-offer."))


@blueprint.post("/negotiations/<negotiation_id>/terminate")
@needs(Permission.SIGNED_IN)
def terminate(negotiation_id: str) -> AnyResponse:
    """Either side gives up, with a reason."""

    def do() -> None:
        reason = load(schemas.ReasonForm).get("reason") or ""
        service.terminate(identity.db_session(), identity.the_actor(), negotiation_id, reason, clock.now())

    return _act(negotiation_id, "terminate", do, _("The negotiation is ended."))


@blueprint.post("/negotiations/<negotiation_id>/agree")
@needs(Permission.NEGOTIATE)
def agree(negotiation_id: str) -> AnyResponse:
    """The seller agrees; the contract is drawn up and waits for signatures."""
    try:
        seen = load(schemas.SeenForm)["terms"]
        row = agreements.agree(identity.db_session(), identity.the_actor(), negotiation_id, seen, clock.now())
    except Refused as refused:
        identity.db_session().rollback()
        return _thread_page(negotiation_id, refused, "agree")
    identity.commit_logged()
    flash(_("The contract is drawn up. Read and sign it now."), "good")
    return redirect(url_for("contracts.sign", contract_id=row.id), 303)


def _act(negotiation_id: str, act: str, do: Any, done: str) -> AnyResponse:
    session = identity.db_session()
    try:
        do()
    except Refused as refused:
        session.rollback()
        return _thread_page(negotiation_id, refused, act)
    except NotFound:
        session.rollback()
        raise
    session.commit()
    flash(done, "good")
    return redirect(url_for("negotiations.show", negotiation_id=negotiation_id), 303)
