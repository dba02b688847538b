"""The operator's pages: the queue by age, one submission, the decision."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.catalogue import moderation as use
from exchange.catalogue import quality, service
from exchange.catalogue.web import blueprint
from exchange.error_pages import say
from exchange.errors import Refused
from exchange.permissions import Permission, needs


@blueprint.get("/moderation")
@needs(Permission.MODERATE)
def moderation() -> str:
    """Everything that waits, the oldest first."""
    waiting = use.queue(identity.db_session(), identity.the_actor())
    return render_template("catalogue/moderation.html", waiting=waiting, now=clock.now())


@blueprint.get("/moderation/<listing_id>")
@needs(Permission.MODERATE)
def review(listing_id: str) -> Response:
    """One submission: rule results, what was measured, the evidence, the decision."""
    return _page(listing_id)


@blueprint.post("/moderation/<listing_id>/approve")
@needs(Permission.MODERATE)
def approve(listing_id: str) -> AnyResponse:
    """Put it on show."""
    session, actor = identity.db_session(), identity.the_actor()
    checked = request.form.get("personal_data_checked") == "1"
    note = request.form.get("note", "")[:4000]
    try:
        use.approve(session, actor, listing_id, personal_data_checked=checked, reason=note, now=clock.now())
    except Refused as refused:
        return _refused(listing_id, refused)
    session.commit()
    flash(_("Published."), "good")
    return redirect(url_for(".moderation"), 303)


@blueprint.post("/moderation/<listing_id>/return")
@needs(Permission.MODERATE)
def send_back(listing_id: str) -> AnyResponse:
    """Back to the seller, with what to correct."""
    session, actor = identity.db_session(), identity.the_actor()
    try:
        use.send_back(session, actor, listing_id, request.form.get("reason", ""), clock.now())
    except Refused as refused:
        return _refused(listing_id, refused)
    session.commit()
    flash(_("Returned to the seller."), "good")
    return redirect(url_for(".moderation"), 303)


@blueprint.post("/listings/<listing_id>/suspend")
@needs(Permission.SUSPEND)
def suspend(listing_id: str) -> AnyResponse:
    """Stop a published listing at once."""
    session = identity.db_session()
    use.suspend(session, identity.the_actor(), listing_id, request.form.get("reason", ""), clock.now())
    identity.commit_logged()
    flash(_("The listing is suspended."), "good")
    return redirect(url_for(".listing", listing_id=listing_id), 303)


@blueprint.post("/listings/<listing_id>/resume")
@needs(Permission.SUSPEND)
def resume(listing_id: str) -> AnyResponse:
    """Put a suspended listing back on show."""
    session = identity.db_session()
    use.resume(session, identity.the_actor(), listing_id, request.form.get("reason", ""), clock.now())
    identity.commit_logged()
    flash(_("The listing is published again."), "good")
    return redirect(url_for(".listing", listing_id=listing_id), 303)


def _refused(listing_id: str, refused: Refused) -> Response:
    identity.db_session().rollback()
    if refused.status == 409:
        raise refused
    return _page(listing_id, refused)


def _page(listing_id: str, refused: Refused | None = None) -> Response:
    session, actor = identity.db_session(), identity.the_actor()
    item = use.waiting(session, actor, listing_id)
    shown, now = item.shown, clock.now()
    body = render_template(
        "catalogue/review.html",
        item=item,
        shown=shown,
        checks=[(check, [say(refusal) for refusal in check.refusals]) for check in item.checks],
        badges=quality.badges(shown.asset, shown.version, now),
        before=service.shown(session, shown.listing, shown.listing.current_version)
        if shown.listing.current_version else None,
        hits=use.hits_in_words(shown.asset),
        errors=[say(refusal) for refusal in refused.refusals] if refused else [],
        typed=request.form,
    )  # fmt: skip
    return Response(body, status=refused.status if refused else 200)
