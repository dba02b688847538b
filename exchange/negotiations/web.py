"""Pages: ask for access, the list of one's negotiations, one negotiation round by round."""

from collections.abc import Callable
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
from exchange.negotiations import (
    agreements,
    api,
    approvals,
    automatic,
    lists,
    moves,
    pages,
    rounds,
    rules,
    schemas,
    service,
    standing,
    watching,
)
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
    """Send the request; with the button "check" it is only tried."""
    session = identity.db_session()
    try:
        wish = schemas.wish_of(load(schemas.RequestForm))
        if "check" in request.form:
            found = rounds.check_request(session, identity.the_actor(), listing_id, wish, clock.now())
            return _request_page(listing_id, check=found)
        made, contract = automatic.request_access(session, identity.the_actor(), listing_id, wish, clock.now())
    except Refused as refused:
        session.rollback()
        return _request_page(listing_id, refused)
    if contract is not None:
        identity.commit_logged()
        flash(_("The seller's rule has agreed to your request. Read the contract and sign it now."), "good")
        return redirect(url_for("contracts.sign", contract_id=contract.id), 303)
    session.commit()
    flash(_("The request is sent."), "good")
    return redirect(url_for("negotiations.show", negotiation_id=made.id), 303)


def _request_page(listing_id: str, refused: Refused | None = None, check: rounds.Check | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    shown = catalogue.for_reader(session, actor, listing_id)
    starts = today(now)
    return page(
        "negotiations/request.html",
        refused,
        check=check,
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
        turn_days=rules.turn_days(session),
    )


@blueprint.get("/negotiations")
@needs(Permission.SIGNED_IN)
def index() -> Response:
    """Mine, on either side: whose turn it is, the state, the next step."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    show = request.args.get("show", "")
    found = lists.negotiations(session, actor, show, request.args.get("before"), now)
    return page(
        "negotiations/index.html",
        rows=[_row(negotiation) for negotiation in found.rows],
        older=found.older,
        filters=[(key, _(text), found.counts[key]) for key, text in lists.NEGOTIATIONS.items()],
        show=show if show in lists.NEGOTIATIONS else "",
    )


def _row(negotiation: Negotiation) -> dict[str, Any]:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    role = negotiation.role_of(actor.org_id)
    other = negotiation.buyer_org_id if actor.org_id == negotiation.provider_org_id else negotiation.provider_org_id
    signed = standing.has_signed(session, negotiation.id, actor.org_id)
    return {
        "negotiation": negotiation,
        "name": catalogue.the_version(session, negotiation.listing_id, negotiation.version).name,
        "role": role,
        "other": session.get_one(Organisation, other).name,
        "state": pages.state_of(negotiation, now),
        "next": pages.next_step(negotiation, role, now, signed=signed),
        "left": pages.time_left(negotiation, now),
        "my_turn": pages.is_my_turn(negotiation, role, now, signed=signed),
    }


@blueprint.get("/negotiations/<negotiation_id>/version")
@needs(Permission.SIGNED_IN)
def version(negotiation_id: str) -> Response:
    """Whether anything has moved: a few bytes, or 304."""
    return watching.answer(watching.version_of(identity.db_session(), identity.the_actor(), negotiation_id))


@blueprint.get("/negotiations/<negotiation_id>")
@needs(Permission.SIGNED_IN)
def show(negotiation_id: str) -> Response:
    """The rounds, what each changed, and the reader's next move."""
    return api.look(negotiation_id, lambda: _thread_page(negotiation_id), "negotiation")


def _thread_page(negotiation_id: str, refused: Refused | None = None, act: str = "", **more: Any) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    thread = service.thread(session, actor, negotiation_id)
    negotiation, role = thread.negotiation, thread.role
    names = {thread.buyer.id: thread.buyer.name, thread.provider.id: thread.provider.name}
    acts = service.allowed_acts(session, negotiation, role, now)
    may_act = role is not None and actor.may(service.PERMISSION[role])
    signed = standing.has_signed(session, negotiation.id, actor.org_id)
    return page(
        "negotiations/thread.html",
        refused,
        thread=thread,
        act=act,
        acts=acts if may_act else frozenset(),
        view=rounds.view(session, thread, actor.org_id, now),
        clauses=pages.clauses(thread.terms),
        state=pages.state_of(negotiation, now),
        next_step=pages.next_step(negotiation, role, now, signed=signed),
        time_left=pages.time_left(negotiation, now),
        my_turn=pages.is_my_turn(negotiation, role, now, signed=signed),
        may_sign=negotiation.state in ("AGREED", "VERIFIED") and not signed and actor.may(Permission.SIGN),
        clause_label=pages.label,
        reasons=pages.reasons(),
        ended=pages.ended(negotiation, names),
        panels=approvals.panels(session, actor, negotiation),
        proposals_left=rules.max_proposals(session) - moves.so_far(negotiation).proposals(role) if role else 0,
        needs_key=role is not None and not keys_of(session, actor.org_id, active=True),
        version=watching.version_of(session, actor, negotiation_id) if role else None,
        **more,
    )


@blueprint.post("/negotiations/<negotiation_id>/offer")
@needs(Permission.NEGOTIATE)
def offer(negotiation_id: str) -> AnyResponse:
    """The seller's other terms; with the button "check" they are only tried."""
    return _counter(negotiation_id, schemas.OfferForm)


@blueprint.post("/negotiations/<negotiation_id>/request")
@needs(Permission.REQUEST)
def request_again(negotiation_id: str) -> AnyResponse:
    """The buyer's other terms, in answer to a counter-offer."""
    return _counter(negotiation_id, schemas.CounterForm)


def _counter(negotiation_id: str, schema: type[schemas.OfferForm]) -> AnyResponse:
    if "check" in request.form:
        return _checked(negotiation_id, schema)

    def do() -> None:
        form = load(schema)
        changes, note = schemas.changes_of(form), form.get("note") or ""
        service.counter(
            identity.db_session(), identity.the_actor(), negotiation_id, form["terms"], changes, clock.now(), note=note
        )

    return act_on(negotiation_id, "counter", do, _("Your other terms are sent."))


def _checked(negotiation_id: str, schema: type[schemas.OfferForm]) -> Response:
    """The page again with everything that was typed, and what these terms would do. Nothing is kept."""
    session, now = identity.db_session(), clock.now()
    thread = service.thread(session, identity.the_actor(), negotiation_id)
    try:
        found = rounds.check(session, thread, schemas.changes_of(load(schema)), now)
    except Refused as refused:
        return _thread_page(negotiation_id, refused, "counter")
    return _thread_page(negotiation_id, act="counter", check=found)


@blueprint.post("/negotiations/<negotiation_id>/accept")
@needs(Permission.REQUEST)
def accept(negotiation_id: str) -> AnyResponse:
    """The buyer accepts the counter-offer."""

    def do() -> None:
        seen = load(schemas.SeenForm)["terms"]
        service.accept(identity.db_session(), identity.the_actor(), negotiation_id, seen, clock.now())

    return act_on(negotiation_id, "accept", do, _("You have accepted the counter-offer."))


@blueprint.post("/negotiations/<negotiation_id>/terminate")
@needs(Permission.SIGNED_IN)
def terminate(negotiation_id: str) -> AnyResponse:
    """Either side gives up, with a reason from the list and in words."""

    def do() -> None:
        form = load(schemas.EndForm)
        code, reason = form["code"], form.get("reason") or ""
        service.terminate(identity.db_session(), identity.the_actor(), negotiation_id, code, reason, clock.now())

    return act_on(negotiation_id, "terminate", do, _("The negotiation is ended."))


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


def act_on(negotiation_id: str, act: str, do: Callable[[], None], done: str) -> AnyResponse:
    """Do it, commit, and show the thread; refused, the thread again with the reasons at the form of ``act``."""
    session = identity.db_session()
    try:
        do()
    except Refused as refused:
        session.rollback()
        return _thread_page(negotiation_id, refused, act)
    except NotFound:
        session.rollback()
        raise
    identity.commit_logged()
    flash(done, "good")
    return redirect(url_for("negotiations.show", negotiation_id=negotiation_id), 303)
