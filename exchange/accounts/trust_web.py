"""Pages: which roots of certificates are trusted, and since when; a certificate as signing key; the operator's word."""

from base64 import b64encode

from flask import Blueprint, Response, current_app, flash, redirect, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import certificates, keys, schemas, trust
from exchange.accounts.forms import load, page
from exchange.accounts.service import require_person
from exchange.errors import Refused
from exchange.permissions import Permission, needs

blueprint = Blueprint("trust", __name__)


@blueprint.get("/trust")
@needs(Permission.SIGNED_IN)
def show() -> Response:
    """The roots in force, revocation lists, earlier lists; for the operator what waits to be confirmed."""
    return _page()


def _page(refused: Refused | None = None) -> Response:
    db, actor = identity.db_session(), identity.the_actor()
    may_confirm = actor.may(Permission.MODERATE)
    return page(
        "accounts/trust.html",
        refused,
        roots=trust.roots(db),
        crls=trust.crls(db),
        history=trust.history(db),
        now=clock.now(),
        may_confirm=may_confirm,
        waiting=certificates.waiting(db) if may_confirm else [],
    )


@blueprint.post("/trust/keys/<key_id>/confirm")
@needs(Permission.MODERATE)
def confirm(key_id: str) -> AnyResponse:
    """The certificate is that organisation's."""
    try:
        certificates.confirm(identity.db_session(), identity.the_actor(), key_id, clock.now())
    except Refused as refused:
        identity.db_session().rollback()
        return _page(refused)
    identity.commit_logged()
    flash(_("The certificate is confirmed. The organisation can sign with it."), "good")
    return redirect(url_for("trust.show"), 303)


@blueprint.get("/me/keys/certificate")
@needs(Permission.MANAGE_KEYS)
def certificate() -> Response:
    """The form for a certificate."""
    return _form()


def _form(refused: Refused | None = None) -> Response:
    actor = require_person(identity.the_actor(), Permission.MANAGE_KEYS)
    challenge = keys.make_challenge(_secret(), actor, _credential(), clock.now())
    return page("accounts/certificate.html", refused, challenge=challenge, roots=trust.roots(identity.db_session()))


@blueprint.post("/me/keys/certificate")
@needs(Permission.MANAGE_KEYS)
def add() -> AnyResponse:
    """Register a certificate by its proof."""
    try:
        form = load(schemas.CertificateForm)
        sent = request.files.get("file")
        proof = b64encode(sent.read()).decode("ascii") if sent and sent.filename else form.pop("proof", None) or ""
        actor = require_person(identity.the_actor(), Permission.MANAGE_KEYS)
        key = certificates.add_certificate(
            identity.db_session(),
            actor,
            **{**form, "proof": proof},
            secret=_secret(),
            credential=_credential(),
            now=clock.now(),
        )
    except Refused as refused:
        identity.db_session().rollback()
        return _form(refused)
    identity.commit_logged()
    if key.confirmed:
        flash(_("The certificate is registered. You can sign contracts with it."), "good")
    else:
        flash(_("The certificate is registered. It can sign once the operator has confirmed that it is yours."), "wait")
    return redirect(url_for("keys.listing"), 303)


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])


def _credential() -> str:
    return str(session.get("sign_in", ""))
