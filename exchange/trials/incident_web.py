"""Pages of incidents (T13): telling of one, its clock, deciding how serious it is, reporting and closing it."""

from collections.abc import Callable

from flask import Blueprint, Response, flash, redirect, url_for
from flask_babel import gettext as _
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import forms
from exchange.errors import Refused
from exchange.permissions import Actor, Permission, needs
from exchange.trials import incidents, report_schemas
from exchange.trials.report_web import words

blueprint = Blueprint("trial_incidents", __name__)


@blueprint.get("/trials/<trial_id>/incidents")
@needs(Permission.SIGNED_IN)
def index(trial_id: str) -> Response:
    """The incidents of a trial; for a member those that it told of, and the way to tell of one."""
    return _index(trial_id)


def _index(trial_id: str, refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    found = incidents.incidents_of(session, actor, trial_id, now)
    return forms.page("trials/incidents.html", refused, found=found, trial_id=trial_id, now=now, **words())


@blueprint.post("/trials/<trial_id>/incidents")
@needs(Permission.SIGNED_IN)
def tell(trial_id: str) -> AnyResponse:
    """Record an incident."""
    session, actor = identity.db_session(), identity.the_actor()
    try:
        row = incidents.tell(session, actor, trial_id, account(forms.load(report_schemas.IncidentSchema)), clock.now())
    except Refused as refused:
        session.rollback()
        return _index(trial_id, refused)
    identity.commit_logged()
    flash(_("The incident is recorded; operator and authority are told."), "good")
    return redirect(url_for(".one", incident_id=row.id), 303)


def account(values: dict[str, object]) -> incidents.Account:
    """What these fields tell; the API's are the same."""
    return incidents.Account(**{name: "" if value is None else value for name, value in values.items()})  # type: ignore[arg-type]


@blueprint.get("/incidents/<incident_id>")
@needs(Permission.SIGNED_IN)
def one(incident_id: str) -> Response:
    """One incident with its clock."""
    return _one(incident_id)


def _one(incident_id: str, refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    shown = incidents.incident_of(session, actor, incident_id, now)
    return forms.page(
        "trials/incident.html", refused, shown=shown, row=shown.row, now=now,
        may_forget=shown.row.closed_at is not None and actor.may(Permission.ERASE), **words(),
    )  # fmt: skip


def _act(incident_id: str, done: str, act: Callable[[Session, Actor], object]) -> AnyResponse:
    session = identity.db_session()
    try:
        act(session, identity.the_actor())
    except Refused as refused:
        session.rollback()
        return _one(incident_id, refused)
    identity.commit_logged()
    flash(done, "good")
    return redirect(url_for(".one", incident_id=incident_id), 303)


@blueprint.post("/incidents/<incident_id>/assess")
@needs(Permission.SIGNED_IN)
def assess(incident_id: str) -> AnyResponse:
    """Decide how serious it is."""

    def act(session: Session, actor: Actor) -> object:
        values = forms.load(report_schemas.AssessSchema)
        return incidents.assess(
            session, actor, incident_id, values["severity"], values.get("reason") or "", clock.now()
        )

    return _act(incident_id, _("The severity is recorded."), act)


@blueprint.post("/incidents/<incident_id>/report")
@needs(Permission.MODERATE)
def report(incident_id: str) -> AnyResponse:
    """Report it to the authority."""

    def act(session: Session, actor: Actor) -> object:
        values = forms.load(report_schemas.IncidentReportSchema)
        return incidents.report(session, actor, incident_id, values.get("measures") or "", clock.now())

    return _act(incident_id, _("The incident is reported to the authority."), act)


@blueprint.post("/incidents/<incident_id>/close")
@needs(Permission.SIGNED_IN)
def close(incident_id: str) -> AnyResponse:
    """Close it with cause and remedy."""

    def act(session: Session, actor: Actor) -> object:
        values = forms.load(report_schemas.CloseSchema)
        words_ = (values.get("cause") or "", values.get("remedy") or "")
        return incidents.close(session, actor, incident_id, *words_, clock.now())

    return _act(incident_id, _("The incident is closed."), act)


@blueprint.post("/incidents/<incident_id>/forget")
@needs(Permission.ERASE)
def forget(incident_id: str) -> AnyResponse:
    """Erase what is known of the persons in it."""

    def act(session: Session, actor: Actor) -> object:
        return incidents.forget_persons(session, actor, incident_id, clock.now())

    return _act(incident_id, _("What was known of the persons is erased."), act)
