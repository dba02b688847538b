"""The page of an organisation's signing keys; keys.js makes one in the browser."""

from flask import Blueprint, Response, current_app, flash, redirect, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import key_rotation, keys, schemas
from exchange.accounts.forms import load, page
from exchange.accounts.service import require_person
from exchange.errors import N_, Refused
from exchange.permissions import Permission, needs

blueprint = Blueprint("keys", __name__)

REASONS = {
    keys.Reason.UNUSED: N_("It is not used any more"),
    keys.Reason.LOST: N_("It is lost: nobody can use it"),
    keys.Reason.STOLEN: N_("Somebody else may be able to use it"),
    keys.Reason.LEFT: N_("Its person has left"),
    keys.Reason.ROTATED: N_("A new key has taken its place"),
    keys.Reason.ERASED: N_("Its person was erased"),
}


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])


def _credential() -> str:
    return str(session.get("sign_in", ""))


@blueprint.get("/me/keys")
@needs(Permission.SIGNED_IN)
def listing() -> Response:
    """All keys of one's organisation; the form for those who may add one."""
    return _page()


def _page(refused: Refused | None = None, *, of: str | None = None) -> Response:
    actor = require_person(identity.the_actor())
    may = actor.may(Permission.MANAGE_KEYS)
    return page(
        "accounts/keys.html",
        refused,
        keys=keys.keys_of(identity.db_session(), actor.org_id),
        may_manage=may,
        challenge=keys.make_challenge(_secret(), actor, _credential(), clock.now()) if may else None,
        reasons=[(str(reason), _(REASONS[reason])) for reason in keys.REASONS],
        reason_name=lambda reason: _(REASONS[reason]),
        refused_key=of,
        person=actor.user_id,
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


@blueprint.post("/me/keys/<key_id>/rotate")
@needs(Permission.MANAGE_KEYS)
def rotate(key_id: str) -> AnyResponse:
    """A new key in place of the one that this browser holds."""
    try:
        form = load(schemas.RotationForm)
        actor = require_person(identity.the_actor(), Permission.MANAGE_KEYS)
        key_rotation.rotate_key(
            identity.db_session(), actor, key_id, **form, secret=_secret(), credential=_credential(), now=clock.now()
        )
    except Refused as refused:
        identity.db_session().rollback()
        return _page(refused)
    identity.commit_logged()
    flash(_("The new key is registered, and the old one has ended. What it signed before stays valid."), "good")
    return redirect(url_for("keys.listing"), 303)


@blueprint.post("/me/keys/<key_id>/revoke")
@needs(Permission.MANAGE_KEYS)
def revoke(key_id: str) -> AnyResponse:
    """From now on it signs nothing."""
    try:
        form = load(schemas.RevocationForm)
        keys.revoke_key(identity.db_session(), identity.the_actor(), key_id, clock.now(), **form)
    except Refused as refused:
        identity.db_session().rollback()
        return _page(refused, of=key_id)
    identity.commit_logged()
    flash(_("The key is revoked. What it signed before stays valid."), "good")
    return redirect(url_for("keys.listing"), 303)
