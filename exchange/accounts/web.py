"""Pages of signing in and out, joining, one's own profile, and organisations."""

from typing import Any, cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, flash, redirect, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import members, rules, schemas, service
from exchange.accounts.forms import load, page
from exchange.accounts.keys import keys_of
from exchange.accounts.models import Organisation, User
from exchange.db import Database
from exchange.errors import NotFound, Refused
from exchange.i18n import language
from exchange.limits import limiter
from exchange.permissions import OrgKind, Permission, needs, public

blueprint = Blueprint("accounts", __name__)


def safe_next(target: str | None) -> str:
    """Where to go after signing in: a path of ours, never another site, whatever the link said."""
    home = url_for("accounts.me")
    if not target or not target.startswith("/") or not target.isprintable() or "\\" in target:
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc or target.startswith("//") else target


def _whose_mail() -> str:
    return "sign-in:" + service.secret_hash(rules.fold_email(request.form.get("email", "")[:254]))


@blueprint.get("/sign-in")
@public
def sign_in() -> Response:
    """Address and password."""
    return page("accounts/sign_in.html", next=safe_next(request.args.get("next")))


# Per address against guessing many accounts, per account against guessing one from many addresses.
@blueprint.post("/sign-in")
@public
@limiter.limit("10 per minute; 100 per hour")
@limiter.limit("10 per minute; 50 per hour", key_func=_whose_mail)
def do_sign_in() -> AnyResponse:
    """A new session under a new token, whatever cookie the browser came with."""
    target = safe_next(request.form.get("next"))
    try:
        form = load(schemas.SignInForm)
        database = cast(Database, current_app.extensions["minhbach.database"])
        with database.reading() as reading:
            user = service.check_sign_in(reading, form["email"], form["password"])
            choice = len(service.organisations_of(reading, user.id)) > 1
        _enter(user.id, None)
    except Refused as refused:
        return page("accounts/sign_in.html", refused, next=target)
    return redirect(url_for("accounts.choose_organisation", next=target) if choice else target, 303)


def _enter(user_id: str, org_id: str | None) -> None:
    """Commit what was done and a new sign-in; the cookie keeps nothing of before but the language."""
    db = identity.db_session()
    token = service.start_sign_in(db, user_id, org_id, clock.now(), before=session.get("sign_in"))
    db.commit()
    lang = language()
    session.clear()
    session.update(sign_in=token, lang=lang)


@blueprint.post("/sign-out")
@public
def sign_out() -> AnyResponse:
    """End this browser's session, if it has one."""
    db = identity.db_session()
    service.end_sign_in_of_token(db, str(session.get("sign_in", "")), clock.now())
    db.commit()
    lang = language()
    session.clear()
    session["lang"] = lang
    flash(_("You have signed out."), "good")
    return redirect(url_for("accounts.sign_in"), 303)


@blueprint.get("/sign-in/organisation")
@needs(Permission.SIGNED_IN)
def choose_organisation() -> Response:
    """For whom to act, when one belongs to several organisations."""
    return _choice()


def _choice(refused: Refused | None = None) -> Response:
    actor = service.require_person(identity.the_actor())
    mine = service.organisations_of(identity.db_session(), str(actor.user_id))
    target = safe_next(request.values.get("next"))
    return page("accounts/choose.html", refused, organisations=mine, chosen=actor.org_id, next=target)


@blueprint.post("/sign-in/organisation")
@needs(Permission.SIGNED_IN)
def do_choose_organisation() -> AnyResponse:
    """Act for another of one's organisations: a new session, as after signing in."""
    actor = service.require_person(identity.the_actor())
    try:
        _enter(str(actor.user_id), request.form.get("org_id", ""))
    except Refused as refused:
        return _choice(refused)
    return redirect(safe_next(request.form.get("next")), 303)


@blueprint.get("/join")
@public
def join() -> Response:
    """Register an organisation and its owner."""
    return page("accounts/join.html")


@blueprint.post("/join")
@public
@limiter.limit("10 per hour")
def do_join() -> AnyResponse:
    """Both at once, or nothing."""
    try:
        form = load(schemas.JoinForm)
        person = {name: form.pop(name) for name in ("email", "full_name", "password")}
        db, now = identity.db_session(), clock.now()
        org = service.register_organisation(db, **form, now=now)
        user = service.add_user(db, org, **person, roles=["owner"], now=now, locale=language())
        _enter(user.id, org.id)
    except Refused as refused:
        return page("accounts/join.html", refused)
    flash(_("Your organisation is registered. The operator now confirms its identity and payment account."), "good")
    return redirect(url_for("accounts.me"), 303)


@blueprint.get("/join/<token>")
@public
def accept(token: str) -> Response:
    """What an invitation invites to."""
    return _invited(token)


def _invited(token: str, refused: Refused | None = None) -> Response:
    row, org = members.invitation(identity.db_session(), token, clock.now())
    return page("accounts/accept.html", refused, invitation=row, org=org)


@blueprint.post("/join/<token>")
@public
@limiter.limit("20 per hour")
def do_accept(token: str) -> AnyResponse:
    """Become a member, once."""
    try:
        form = load(schemas.AcceptForm)
        db, now = identity.db_session(), clock.now()
        _row, org = members.invitation(db, token, now)
        user = members.accept(db, token, form["full_name"], form["password"], now, locale=language())
        _enter(user.id, org.id)
    except Refused as refused:
        identity.db_session().rollback()
        return _invited(token, refused)
    return redirect(url_for("accounts.me"), 303)


@blueprint.get("/me")
@needs(Permission.SIGNED_IN)
def me() -> Response:
    """One's own organisation, roles, sessions, keys."""
    return _me()


def _me(refused: Refused | None = None) -> Response:
    actor = service.require_person(identity.the_actor())
    db = identity.db_session()
    here = service.secret_hash(str(session.get("sign_in", "")))
    return page(
        "accounts/me.html",
        refused,
        org=db.get_one(Organisation, actor.org_id),
        user=db.get_one(User, actor.user_id),
        roles=sorted(actor.roles),
        sign_ins=service.active_sign_ins(db, actor, clock.now()),
        this_session=here,
        several=len(service.organisations_of(db, str(actor.user_id))) > 1,
        may_manage=actor.may(Permission.MANAGE_MEMBERS),
    )


@blueprint.post("/me/sessions/<sign_in_id>/end")
@needs(Permission.SIGNED_IN)
def end_session(sign_in_id: str) -> AnyResponse:
    """Sign one of one's browsers out."""
    db = identity.db_session()
    service.end_sign_in(db, identity.the_actor(), sign_in_id, clock.now())
    db.commit()
    flash(_("That session has ended."), "good")
    return redirect(url_for("accounts.me"), 303)


@blueprint.post("/me/password")
@needs(Permission.SIGNED_IN)
@limiter.limit("10 per hour")
def change_password() -> AnyResponse:
    """A new password; every other browser is signed out."""
    db = identity.db_session()
    try:
        form = load(schemas.PasswordForm)
        keep = str(session.get("sign_in", ""))
        service.change_password(
            db, identity.the_actor(), form["old_password"], form["password"], clock.now(), keep=keep
        )
        db.commit()
    except Refused as refused:
        return _me(refused)
    flash(_("Your password is changed and your other sessions have ended."), "good")
    return redirect(url_for("accounts.me"), 303)


@blueprint.get("/organisations/<org_id>")
@public
def organisation(org_id: str) -> Response:
    """What everybody may know of an organisation."""
    return _organisation(org_id)


def _organisation(org_id: str, refused: Refused | None = None) -> Response:
    db = identity.db_session()
    org = db.get(Organisation, org_id)
    if org is None:
        raise NotFound()
    actor = identity.actor()
    context: dict[str, Any] = {"is_member": org.kind == OrgKind.MEMBER}
    context["may_confirm"] = actor is not None and actor.may(Permission.MODERATE) and context["is_member"]
    context["may_suspend"] = actor is not None and actor.may(Permission.SUSPEND) and context["is_member"]
    return page("accounts/organisation.html", refused, org=org, keys=keys_of(db, org.id, active=True), **context)


@blueprint.post("/organisations/<org_id>/identity")
@needs(Permission.MODERATE)
def confirm_identity(org_id: str) -> AnyResponse:
    """The operator confirms level and payment account (X6, X7)."""
    db = identity.db_session()
    try:
        form = load(schemas.IdentityForm)
        service.confirm_identity(db, identity.the_actor(), org_id, **form, now=clock.now())
    except Refused as refused:
        return _organisation(org_id, refused)
    identity.commit_logged()
    flash(_("The organisation's identity is recorded."), "good")
    return redirect(url_for("accounts.organisation", org_id=org_id), 303)


@blueprint.post("/organisations/<org_id>/standing")
@needs(Permission.SUSPEND)
def set_standing(org_id: str) -> AnyResponse:
    """Suspend a member or let it back in."""
    db = identity.db_session()
    try:
        form = load(schemas.StandingForm)
        service.set_standing(db, identity.the_actor(), org_id, form["standing"], clock.now())
    except Refused as refused:
        return _organisation(org_id, refused)
    identity.commit_logged()
    flash(_("The organisation's standing is changed."), "good")
    return redirect(url_for("accounts.organisation", org_id=org_id), 303)
