"""The page of an organisation's webhooks."""

from flask import Blueprint, Response, current_app, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts.forms import load, page
from exchange.errors import Refused
from exchange.notices import hooks, schemas
from exchange.permissions import Permission, needs

blueprint = Blueprint("webhooks", __name__)


def is_local() -> bool:
    """Whether plain HTTP to this very machine will do: everywhere but in production."""
    return not current_app.extensions["minhbach.config"].production


@blueprint.get("/webhooks")
@needs(Permission.MANAGE_WEBHOOKS)
def listing() -> Response:
    """All of them, and the form for one more."""
    return _listing()


def _listing(refused: Refused | None = None, **made: object) -> Response:
    db = identity.db_session()
    found = hooks.hooks_of(db, identity.the_actor())
    answer = page(
        "notices/webhooks.html", refused, hooks=found, dead=hooks.dead_counts(db, found), most=hooks.MOST,
        now=clock.now(), **made,
    )  # fmt: skip
    if made:
        answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/webhooks")
@needs(Permission.MANAGE_WEBHOOKS)
def add() -> AnyResponse:
    """A new one; its secret stands on the answer to this very request and nowhere afterwards."""
    try:
        url = load(schemas.HookForm)["url"]
        db = identity.db_session()
        hook, secret = hooks.add(db, identity.the_actor(), url, clock.now(), local=is_local())
    except Refused as refused:
        return _listing(refused)
    identity.commit_logged()
    return _listing(made=hook, secret=secret)


@blueprint.get("/webhooks/<hook_id>")
@needs(Permission.MANAGE_WEBHOOKS)
def one(hook_id: str) -> Response:
    """What was sent to it lately, and what could not be."""
    db, actor = identity.db_session(), identity.the_actor()
    rows = hooks.deliveries_of(db, actor, hook_id)
    return page("notices/webhook.html", hook=hooks.own(db, actor, hook_id), rows=rows, now=clock.now())


@blueprint.post("/webhooks/<hook_id>/rotate")
@needs(Permission.MANAGE_WEBHOOKS)
def rotate(hook_id: str) -> AnyResponse:
    """A new secret, shown once; for a day the old one signs too."""
    hook, secret = hooks.rotate(identity.db_session(), identity.the_actor(), hook_id, clock.now())
    identity.commit_logged()
    return _listing(made=hook, secret=secret)


@blueprint.post("/webhooks/<hook_id>/remove")
@needs(Permission.MANAGE_WEBHOOKS)
def remove(hook_id: str) -> AnyResponse:
    """It is sent nothing any more."""
    hooks.remove(identity.db_session(), identity.the_actor(), hook_id, clock.now())
    identity.commit_logged()
    flash(_("The webhook is removed."), "good")
    return redirect(url_for("webhooks.listing"), 303)


@blueprint.post("/webhooks/<hook_id>/enable")
@needs(Permission.MANAGE_WEBHOOKS)
def enable(hook_id: str) -> AnyResponse:
    """After it was switched off for failing."""
    hooks.enable(identity.db_session(), identity.the_actor(), hook_id, clock.now())
    identity.commit_logged()
    flash(_("The webhook is switched on again."), "good")
    return redirect(url_for("webhooks.one", hook_id=hook_id), 303)


@blueprint.post("/webhooks/<hook_id>/test")
@needs(Permission.MANAGE_WEBHOOKS)
def test(hook_id: str) -> AnyResponse:
    """A message that reports nothing."""
    db = identity.db_session()
    hooks.test(db, identity.the_actor(), hook_id, clock.now())
    db.commit()
    flash(_("A test message is on its way. Reload this page in a few seconds to see how it went."), "good")
    return redirect(url_for("webhooks.one", hook_id=hook_id), 303)


@blueprint.post("/webhooks/<hook_id>/messages/<message_id>/again")
@needs(Permission.MANAGE_WEBHOOKS)
def again(hook_id: str, message_id: str) -> AnyResponse:
    """Send a message once more."""
    db = identity.db_session()
    hooks.redeliver(db, identity.the_actor(), hook_id, message_id, clock.now())
    db.commit()
    flash(_("The message is on its way again."), "good")
    return redirect(url_for("webhooks.one", hook_id=hook_id), 303)
