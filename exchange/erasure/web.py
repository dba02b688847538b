"""Pages: erasing oneself, and for the operator's owner somebody who asked for it. The effect is shown first."""

from typing import cast

from flask import Blueprint, Response, current_app, flash, redirect, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts.forms import load, page
from exchange.db import Database
from exchange.erasure import rules, schemas, service
from exchange.errors import N_, Refused, refuse
from exchange.i18n import language
from exchange.limits import limiter
from exchange.permissions import Permission, needs

blueprint = Blueprint("erasure", __name__)


@blueprint.get("/me/erase")
@needs(Permission.SIGNED_IN)
def own() -> Response:
    """What goes, what stays and why, and the form."""
    return _own()


def _own(refused: Refused | None = None) -> Response:
    effect = service.effect_on_me(identity.db_session(), identity.the_actor())
    return page("erasure/own.html", refused, effect=effect, bases=_bases())


@blueprint.post("/me/erase")
@needs(Permission.SIGNED_IN)
@limiter.limit("10 per hour")
def do_own() -> AnyResponse:
    """Erase the person who asks, and show them out."""
    try:
        form = load(schemas.OwnForm)
        _check_sure(form["sure"])
        service.erase_me(identity.db_session(), identity.the_actor(), form["password"], form["basis"], clock.now())
    except Refused as refused:
        identity.db_session().rollback()
        return _own(refused)
    _finish()
    lang = language()
    session.clear()
    session["lang"] = lang
    flash(_("Your personal data is erased and your account is gone."), "good")
    return redirect(url_for("accounts.sign_in"), 303)


@blueprint.get("/erasures")
@needs(Permission.ERASE)
def person() -> Response:
    """Whom to erase."""
    return page("erasure/person.html", None, effect=None, bases=_bases())


@blueprint.post("/erasures")
@needs(Permission.ERASE)
@limiter.limit("60 per hour")
def do_person() -> AnyResponse:
    """First the effect, then, on the second click, the deed. The address travels in the form, never in a URL."""
    db, actor = identity.db_session(), identity.the_actor()
    effect = None
    try:
        form = load(schemas.PersonForm)
        effect = service.effect_on_person(db, actor, form["email"])
        if not form["sure"]:
            return page("erasure/person.html", None, effect=effect, bases=_bases())
        service.erase_person(db, actor, form["email"], form["basis"], clock.now())
    except Refused as refused:
        db.rollback()
        return page("erasure/person.html", refused, effect=effect, bases=_bases())
    _finish()
    flash(_("The person's data is erased. The log has a record of it that names nobody."), "good")
    return redirect(url_for("erasure.person"), 303)


def _finish() -> None:
    """Commit, give the record its place, and take the deleted bytes out of the files."""
    identity.commit_logged()
    database = cast(Database, current_app.extensions["minhbach.database"])
    if not database.scrub(service.TABLES):
        flash(_("The rows are deleted; their bytes leave the database's files at its next clean-up."), "wait")


def _check_sure(sure: bool) -> None:
    if not sure:
        raise refuse("NOT_CONFIRMED", N_("Confirm that you have read what goes and what stays."), field="sure")


def _bases() -> list[tuple[str, str]]:
    return [(code, _(text)) for code, text in rules.BASES.items()]
