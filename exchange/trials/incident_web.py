"""Pages of incidents (T13): telling of one, its clock, deciding how serious it is, reporting and closing it."""

from collections.abc import Callable

from flask import Blueprint, Response, url_for
from flask_babel import gettext as _
from marshmallow import Schema
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import forms
from exchange.errors import Refused
from exchange.permissions import Permission, needs
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
    return forms.act(
        incidents.tell, trial_id, form=report_schemas.IncidentSchema, again=lambda refused: _index(trial_id, refused),
        said=_("The incident is recorded; operator and authority are told."),
        onward=lambda row: url_for(".one", incident_id=row.id),
    )  # fmt: skip


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


@blueprint.post("/incidents/<incident_id>/assess")
@needs(Permission.SIGNED_IN)
def assess(incident_id: str) -> AnyResponse:
    """Decide how serious it is."""
    return _step(incidents.assess, incident_id, report_schemas.AssessSchema, _("The severity is recorded."))


@blueprint.post("/incidents/<incident_id>/report")
@needs(Permission.MODERATE)
def report(incident_id: str) -> AnyResponse:
    """Report it to the authority."""
    said = _("The incident is reported to the authority.")
    return _step(incidents.report, incident_id, report_schemas.IncidentReportSchema, said)


@blueprint.post("/incidents/<incident_id>/close")
@needs(Permission.SIGNED_IN)
def close(incident_id: str) -> AnyResponse:
    """Close it with cause and remedy."""
    return _step(incidents.close, incident_id, report_schemas.CloseSchema, _("The incident is closed."))


@blueprint.post("/incidents/<incident_id>/forget")
@needs(Permission.ERASE)
def forget(incident_id: str) -> AnyResponse:
    """Erase what is known of the persons in it."""
    return _step(incidents.forget_persons, incident_id, None, _("What was known of the persons is erased."))


def _step(use_case: Callable[..., object], incident_id: str, form: type[Schema] | None, said: str) -> AnyResponse:
    """One step of an incident, and back to its page."""
    return forms.act(
        use_case, incident_id, form=form, again=lambda refused: _one(incident_id, refused), said=said,
        onward=lambda made: url_for(".one", incident_id=incident_id),
    )  # fmt: skip
