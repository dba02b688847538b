"""The seller's pages: my listings, the six steps, sending the file."""

from typing import Any, cast

from flask import Response, abort, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.catalogue import forms, incoming, moderation, rules, service
from exchange.catalogue.models import Listing
from exchange.catalogue.upload import check_declared
from exchange.catalogue.web import blueprint
from exchange.config import Config
from exchange.error_pages import say
from exchange.errors import NotSignedIn, Refused
from exchange.permissions import Permission, needs

UPLOADS = frozenset({"catalogue.put_file", "catalogue.post_file"})


@blueprint.url_value_preprocessor
def allow_large_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Raise the size limit for the two upload doors, and only for somebody who may publish.

    Runs before the CSRF check, which parses a multipart body and would otherwise refuse it at the limit for forms.
    """
    if endpoint not in UPLOADS:
        return
    actor = identity.actor()
    identity.release()  # reading the actor took a connection; a slow upload must not keep it
    if actor is None:
        raise NotSignedIn()
    if actor.may(Permission.PUBLISH):
        limit = cast(Config, current_app.extensions["minhbach.config"]).max_upload_bytes
        check_declared(request.content_length, limit + 4096)  # room for the multipart envelope
        request.max_content_length = limit + 4096


@blueprint.get("/publish")
@needs(Permission.PUBLISH)
def mine() -> str:
    """Everything my organisation has on the exchange or is preparing, in every state."""
    session, actor = identity.db_session(), identity.the_actor()
    return render_template("catalogue/mine.html", listings=service.mine(session, actor))


@blueprint.post("/publish")
@needs(Permission.PUBLISH)
def start() -> AnyResponse:
    """A new, empty draft."""
    session = identity.db_session()
    listing = service.start_draft(session, identity.the_actor(), {}, clock.now())
    session.commit()
    return redirect(url_for(".step", listing_id=listing.id, step="file"), 303)


@blueprint.get("/publish/<listing_id>")
@needs(Permission.PUBLISH)
def resume_draft(listing_id: str) -> AnyResponse:
    """Where the work stands: the first step that is not complete."""
    session, actor = identity.db_session(), identity.the_actor()
    listing = service.own(session, actor, listing_id)
    found = rules.problems(listing.draft, service.draft_asset(session, listing))
    open_steps = {forms.step_of(refusal.field) for refusal in found}
    first = next((step for step in forms.STEPS if step in open_steps), "check")
    return redirect(url_for(".step", listing_id=listing_id, step=first), 303)


@blueprint.get("/publish/<listing_id>/<step>")
@needs(Permission.PUBLISH)
def step(listing_id: str, step: str) -> Response:
    """One step of the form."""
    listing = service.own(identity.db_session(), identity.the_actor(), listing_id)
    return _page(listing, step, forms.shown_in_form(listing.draft))


@blueprint.post("/publish/<listing_id>/<step>")
@needs(Permission.PUBLISH)
def save(listing_id: str, step: str) -> AnyResponse:
    """Keep what one step holds, complete or not, and go on."""
    if step not in forms.STEPS or step in ("file", "check"):
        abort(404)
    session, actor = identity.db_session(), identity.the_actor()
    listing = service.own(session, actor, listing_id)
    try:
        values = forms.read(step, request.form)
    except Refused as refused:
        return _page(listing, step, forms.as_typed(request.form), refused)
    service.save_draft(session, actor, listing_id, values, clock.now())
    session.commit()
    names = list(forms.STEPS)
    following = step if request.form.get("then") == "stay" else names[names.index(step) + 1]
    flash(_("Saved."), "good")
    return redirect(url_for(".step", listing_id=listing_id, step=following), 303)


@blueprint.post("/publish/<listing_id>/submit")
@needs(Permission.PUBLISH)
def submit(listing_id: str) -> AnyResponse:
    """Send the draft to the operator; with problems, the check page again."""
    session, actor = identity.db_session(), identity.the_actor()
    try:
        service.submit(session, actor, listing_id, clock.now())
    except Refused as refused:
        session.rollback()
        listing = service.own(session, actor, listing_id)
        return _page(listing, "check", forms.shown_in_form(listing.draft), refused)
    session.commit()
    flash(_("Submitted. The operator reviews every listing before it is shown."), "good")
    return redirect(url_for(".mine"), 303)


@blueprint.post("/publish/<listing_id>/withdraw")
@needs(Permission.PUBLISH)
def withdraw(listing_id: str) -> AnyResponse:
    """Take the listing off the catalogue."""
    session = identity.db_session()
    service.withdraw(session, identity.the_actor(), listing_id, clock.now())
    session.commit()
    flash(_("The listing has been withdrawn from the catalogue."), "good")
    return redirect(url_for(".mine"), 303)


@blueprint.put("/publish/<listing_id>/file")
@needs(Permission.PUBLISH)
def put_file(listing_id: str) -> AnyResponse:
    """The file as the request's body (upload.js); answers where to go next, or why not, as JSON."""
    try:
        incoming.take(listing_id, request.stream, request.args.get("name", ""))
    except Refused as refused:
        lines = [say(refusal) for refusal in refused.refusals]
        answer = jsonify(code=refused.code, message=lines[0]["message"], errors=lines)
        answer.status_code = refused.status
        return answer
    return jsonify(next=url_for(".step", listing_id=listing_id, step="file"))


@blueprint.post("/publish/<listing_id>/file")
@needs(Permission.PUBLISH)
def post_file(listing_id: str) -> AnyResponse:
    """The file as a form field, for browsers without script."""
    sent = request.files.get("file")
    try:
        incoming.take(listing_id, None if sent is None else sent.stream, sent.filename or "" if sent else "")
    except Refused as refused:
        listing = service.own(identity.db_session(), identity.the_actor(), listing_id)
        return _page(listing, "file", forms.shown_in_form(listing.draft), refused)
    return redirect(url_for(".step", listing_id=listing_id, step="file"), 303)


def _page(listing: Listing, step: str, typed: dict[str, Any], refused: Refused | None = None) -> Response:
    if step not in forms.STEPS:
        abort(404)
    session = identity.db_session()
    asset = service.draft_asset(session, listing)
    checks = rules.checks(listing.draft, asset)
    found = {forms.step_of(refusal.field) for check in checks for refusal in check.refusals}
    decision = service.last_decision(session, listing.id)
    body = render_template(
        f"catalogue/step_{step}.html",
        listing=listing,
        asset=asset,
        step=step,
        step_names=forms.STEPS,
        typed=typed,
        errors=[say(refusal) for refusal in refused.refusals] if refused else [],
        checks=[(check, [(say(r), forms.step_of(r.field)) for r in check.refusals]) for check in checks]
        if step == "check" else [],
        steps=[(_(label), url_for(".step", listing_id=listing.id, step=key)) for key, label in forms.STEPS.items()],
        position=list(forms.STEPS).index(step) + 1,
        open_steps=found,
        returned=decision if decision and decision.verdict == "returned" and listing.pending_version is None else None,
        limit=cast(Config, current_app.extensions["minhbach.config"]).max_upload_bytes,
        hits=moderation.hits_in_words(asset),
    )  # fmt: skip
    return Response(body, status=refused.status if refused else 200)
