"""Pages of applying for a trial: the dossier, the authority's desk, the decision, and who the authorities are."""

from collections.abc import Callable
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import forms
from exchange.errors import Refused
from exchange.permissions import OrgKind, Permission, needs, public
from exchange.trials import applications, authorities, schemas
from exchange.trials.dossier import Dossier
from exchange.trials.web import blueprint, labels
from sandbox.days import working_days_left
from sandbox.trial import PROFILES, local_day

LISTS = ("sectors", "classes", "verbs")
EMPTY = Dossier(verbs=("own", "manage", "process", "distribute"), territory=("VN",), notice_version="1")


# --- the operator -------------------------------------------------------------------------------------------------


@blueprint.get("/trial/applications")
@needs(Permission.SUSPEND)
def applications_list() -> Response:
    """The operator's own; an authority's inbox, with the days that are left."""
    session, actor = identity.db_session(), identity.the_actor()
    mine = authorities.current(session, actor.org_id) if actor.kind == OrgKind.REGULATOR else None
    return forms.page(
        "trials/applications.html", list=applications.listed(session, actor), mine=mine, left=days_left,
        may_apply=actor.may(Permission.RUN_TRIAL), **labels(),
    )  # fmt: skip


def days_left(row: Any) -> int:
    """Working days until the review is due; below zero it is overdue."""
    return working_days_left(local_day(clock.now()), row.due_on)


@blueprint.get("/trial/applications/new")
@needs(Permission.RUN_TRIAL)
def new_application() -> Response:
    """The empty form, with what is usual filled in."""
    return _form("", EMPTY)


@blueprint.get("/trial/applications/<application_id>/edit")
@needs(Permission.RUN_TRIAL)
def edit_application(application_id: str) -> Response:
    """The form of a draft, or of one that came back."""
    shown = applications.shown(identity.db_session(), identity.the_actor(), application_id)
    return _form(application_id, shown.dossier, shown=shown)


def _form(application_id: str, dossier: Dossier, refused: Refused | None = None, **more: Any) -> Response:
    known = authorities.authorities(identity.db_session())
    filled = request.form if request.method == "POST" else _as_typed(dossier)
    return forms.page(
        "trials/application_form.html", refused, application_id=application_id, filled=filled, authorities=known,
        classes=schemas.CLASSES, profiles=PROFILES, **({"shown": None} | more), **labels(),
    )  # fmt: skip


def _as_typed(dossier: Dossier) -> MultiDict[str, str]:
    """A dossier as its form would send it."""
    values: list[tuple[str, str]] = []
    for name, value in dossier.to_json().items():
        if name in LISTS:
            values += [(name, each) for each in value]
        elif isinstance(value, list):
            values.append((name, ("\n" if name == "safeguards" else ", ").join(value)))
        elif value is not None:
            values.append((name, str(value)))
    return MultiDict(values)


@blueprint.post("/trial/applications")
@needs(Permission.RUN_TRIAL)
def create_application() -> AnyResponse:
    """Keep a new one; with the button that says so, hand it in at once."""
    return _keep("")


@blueprint.post("/trial/applications/<application_id>")
@needs(Permission.RUN_TRIAL)
def keep_application(application_id: str) -> AnyResponse:
    """The same for one that is there."""
    return _keep(application_id)


def _keep(application_id: str) -> AnyResponse:
    """Draft and handing in are two use cases and two commits: what was typed is kept even if it cannot be handed in."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    hand_in = request.form.get("then") == "submit"
    try:
        values = forms.load(schemas.DossierSchema, *LISTS)
        application_id = applications.save(session, actor, application_id, now=now, **values).id
        session.commit()
        if hand_in:
            applications.submit(session, actor, application_id, now)
    except Refused as refused:
        session.rollback()
        return _form(application_id, EMPTY, refused)
    identity.commit_logged()
    flash(_("The application is handed in.") if hand_in else _("The draft is kept."), "good")
    return redirect(url_for(".application", application_id=application_id), 303)


@blueprint.post("/trial/applications/<application_id>/withdraw")
@needs(Permission.RUN_TRIAL)
def withdraw_application(application_id: str) -> AnyResponse:
    """Take it back, or give up a draft."""
    return forms.act(
        applications.withdraw, application_id, again=lambda refused: _application(application_id, refused),
        said=_("The application is withdrawn."), onward=lambda made: url_for(".applications_list"),
    )  # fmt: skip


# --- both sides ---------------------------------------------------------------------------------------------------


@blueprint.get("/trial/applications/<application_id>")
@needs(Permission.SUSPEND)
def application(application_id: str) -> Response:
    """The dossier, what happened to it, and the next step of whoever reads."""
    return _application(application_id)


def _application(application_id: str, refused: Refused | None = None) -> Response:
    session, actor = identity.db_session(), identity.the_actor()
    shown = applications.shown(session, actor, application_id)
    mine = actor.org_id == shown.row.org_id
    addressed = shown.authority is not None and shown.authority.org_id == actor.org_id
    return forms.page(
        "trials/application.html", refused, shown=shown, row=shown.row, dossier=shown.dossier, mine=mine,
        may_decide=actor.may(Permission.AUTHORISE) and shown.row.state == "submitted", addressed=addressed,
        may_change=mine and shown.row.state in applications.OPEN,
        may_withdraw=mine and shown.row.state in ("draft", "submitted", "returned"),
        left=days_left(shown.row) if shown.row.state == "submitted" else None, profiles=PROFILES, **labels(),
    )  # fmt: skip


# --- the authority ------------------------------------------------------------------------------------------------


@blueprint.post("/trial/applications/<application_id>/return")
@needs(Permission.AUTHORISE)
def return_application(application_id: str) -> AnyResponse:
    """Back to the operator, for completion."""
    return _decided(applications.give_back, application_id, schemas.ReasonSchema, _("The application is returned."))


@blueprint.post("/trial/applications/<application_id>/refuse")
@needs(Permission.AUTHORISE)
def refuse_application(application_id: str) -> AnyResponse:
    """No, for good."""
    said = _("The application is refused.")
    return _decided(applications.refuse_application, application_id, schemas.ReasonSchema, said)


@blueprint.post("/trial/applications/<application_id>/approve")
@needs(Permission.AUTHORISE)
def approve_application(application_id: str) -> AnyResponse:
    """Issue the certificate."""
    return _decided(applications.approve, application_id, schemas.GrantSchema, _("The certificate is issued."))


def _decided(use_case: Callable[..., object], application_id: str, form: type[Schema], said: str) -> AnyResponse:
    return forms.act(
        use_case, application_id, form=form, again=lambda refused: _application(application_id, refused), said=said,
        onward=lambda made: url_for(".application", application_id=application_id),
    )  # fmt: skip


# --- who the authorities are --------------------------------------------------------------------------------------


@blueprint.get("/trial/authorities")
@public
def authorities_list() -> Response:
    """Who may permit which trials."""
    return _authorities()


def _authorities(refused: Refused | None = None) -> Response:
    session, actor = identity.db_session(), identity.actor()
    may_record = actor is not None and actor.may(Permission.RUN_TRIAL)
    return forms.page(
        "trials/authorities.html", refused, list=authorities.authorities(session), may_record=may_record, **labels()
    )  # fmt: skip


@blueprint.post("/trial/authorities")
@needs(Permission.RUN_TRIAL)
def record_authority() -> AnyResponse:
    """Record one."""
    return forms.act(
        authorities.record_authority, form=schemas.AuthoritySchema, again=_authorities,
        said=_("The authority is recorded."), onward=lambda made: url_for(".authorities_list"),
    )  # fmt: skip


@blueprint.post("/trial/authorities/<authority_id>/end")
@needs(Permission.RUN_TRIAL)
def end_authority(authority_id: str) -> AnyResponse:
    """It permits no more trials."""
    return forms.act(
        authorities.end_authority, authority_id, again=_authorities, said=_("The authority's record is ended."),
        onward=lambda made: url_for(".authorities_list"),
    )  # fmt: skip
