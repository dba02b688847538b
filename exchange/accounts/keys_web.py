"""The page of an organisation's signing keys; keys.js makes one in the browser."""

from flask import Blueprint, Response, current_app, flash, redirect, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import keys, schemas
from exchange.accounts.forms import load, page
from exchange.accounts.service import require_person
from exchange.errors import Refused
from exchange.permissions import Permission, needs

blueprint = Blueprint("keys", __name__)


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])


def _credential() -> str:
    return str(session.get("sign_in", ""))


@blueprint.get("/me/keys")
@needs(Permission.SIGNED_IN)
def listing() -> Response:
    """All keys of one's organisation; the form for those who may add one."""
    return _page()


def _page(refused: Refused | None = None) -> Response:
    actor = require_person(identity.the_actor())
    may = actor.may(Permission.MANAGE_KEYS)
    return page(
        "accounts/keys.html",
        refused,
        keys=keys.keys_of(identity.db_session(), actor.org_id),
        may_manage=may,
        challenge=keys.make_challenge(_secret(), actor, _credential(), clock.now()) if may else None,
        key_owner=f"{actor.org_id}.{actor.user_id}",
    )


@blueprint.post("/me/keys")
@needs(Permission.MANAGE_KEYS)
def add() -> AnyResponse:
    """Register a key by its proof."""
    try:
        form = load(schemas.KeyForm)
        actor = require_person(identity.the_actor(), Permission.MANAGE_KEYS)
        keys.add_key(
            identity.db_session(), actor, **form, secret=_secret(), credential=_credential(), now=clock.now()
        )  # fmt: skip
    except Refused as refused:
        return _page(refused)
    identity.commit_logged()
    flash(_("The key is registered. You can sign contracts with it."), "good")
    return redirect(url_for("keys.listing"), 303)


@blueprint.post("/me/keys/<key_id>/revoke")
@needs(Permission.MANAGE_KEYS)
def revoke(key_id: str) -> AnyResponse:
    """From now on it signs nothing."""
    keys.revoke_key(identity.db_session(), identity.the_actor(), key_id, clock.now())
    identity.commit_logged()
    flash(_("The key is revoked. What it signed before stays valid."), "good")
    return redirect(url_for("keys.listing"), 303)
