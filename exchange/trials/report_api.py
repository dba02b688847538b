"""Reports and incidents for programs.

The operator acts by the scope ``moderate``, an official by ``audit``, a seller by ``catalogue``.
"""

from typing import Any

from flask import Response
from flask.views import MethodView

from exchange import clock, identity
from exchange.bodies import Blueprint, act
from exchange.permissions import Permission, needs
from exchange.trials import incidents, report_schemas, reporting
from exchange.trials.report_models import TrialIncident, TrialReport
from exchange.trials.report_web import data_answer, pdf_answer

blueprint = Blueprint(
    "trial_reports_api", __name__, url_prefix="/api/v1", description="The controlled trial: reports and incidents"
)


def report_json(row: TrialReport) -> dict[str, Any]:
    """A report without its numbers."""
    return {
        "id": row.id, "trial": row.trial_id, "kind": row.kind, "from": row.first_day.isoformat(),
        "until": row.last_day.isoformat(), "due": row.due and row.due.isoformat(), "size": row.size,
        "counted_at": row.counted_at.isoformat(), "submitted_at": row.submitted_at and row.submitted_at.isoformat(),
        "sha256": row.sha256, "event": row.event_id, **{name: getattr(row, name) for name in reporting.WORDS},
    }  # fmt: skip


def incident_json(shown: incidents.Shown) -> dict[str, Any]:
    """An incident with its clock; what is known of persons is on its page only."""
    row, clock_ = shown.row, shown.clock
    moments = ("detected_at", "found_at", "reported_at", "closed_at")
    return {
        "id": row.id, "trial": row.trial_id, "severity": row.severity, "confirmed": row.trial_event_id is not None,
        "code": row.code, "what": row.what, "measures": row.measures, "cause": row.cause, "remedy": row.remedy,
        "told_by": row.org_id, "due": clock_ and clock_.due.isoformat(), "late": shown.late, "event": row.found_event,
        **{name: (moment := getattr(row, name)) and moment.isoformat() for name in moments},
    }  # fmt: skip


@blueprint.route("/trials/<trial_id>/reports")
class Reports(MethodView):
    """Reports of a trial."""

    @needs(Permission.SIGNED_IN)
    @blueprint.response(200)
    def get(self, trial_id: str) -> dict[str, Any]:
        """What is owed and what was submitted."""
        seen = reporting.overview(identity.db_session(), identity.the_actor(), trial_id, clock.now())
        return {
            "trial": trial_id,
            "periods": [
                {
                    "from": each.period.first.isoformat(), "until": each.period.last.isoformat(),
                    "due": each.period.due.isoformat(), "state": each.state,
                    "draft": each.draft and each.draft.id, "report": each.report and each.report.id,
                }
                for each in seen.periods
            ],
            "exit": [report_json(row) for row in seen.exits],
            "missed": len(seen.missed),
        }  # fmt: skip

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(report_schemas.DrawSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any], trial_id: str) -> dict[str, Any]:
        """Count a report from the log."""
        return act(report_json, reporting.draw_up, trial_id, **values)


@blueprint.route("/trial-reports/<report_id>")
class OneReport(MethodView):
    """One report."""

    @needs(Permission.SIGNED_IN)
    @blueprint.response(200)
    def get(self, report_id: str) -> dict[str, Any]:
        """State, digest and the operator's words; the numbers are in report.json."""
        return report_json(reporting.report_of(identity.db_session(), identity.the_actor(), report_id).row)

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(report_schemas.WordsSchema)
    @blueprint.response(200)
    def patch(self, values: dict[str, Any], report_id: str) -> dict[str, Any]:
        """The operator's own words of a draft."""
        return act(report_json, reporting.write, report_id, **values)


@blueprint.route("/trial-reports/<report_id>/submit")
class Submission(MethodView):
    """Submitting."""

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(report_schemas.SubmitSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], report_id: str) -> dict[str, Any]:
        """Sign off and submit; ``stated`` must be true."""
        session, actor = identity.db_session(), identity.the_actor()
        reporting.write(session, actor, report_id, values["words"], clock.now())
        return act(report_json, reporting.submit, report_id, values["stated"])


@blueprint.route("/trial-reports/<report_id>/report.json")
class ReportData(MethodView):
    """The data."""

    @needs(Permission.SIGNED_IN)
    def get(self, report_id: str) -> Response:
        """Canonical JSON: the bytes whose digest the log holds."""
        return data_answer(report_id)


@blueprint.route("/trial-reports/<report_id>/report.pdf")
class ReportPaper(MethodView):
    """The paper."""

    @needs(Permission.SIGNED_IN)
    def get(self, report_id: str) -> Response:
        """PDF/A-3 with the data attached."""
        return pdf_answer(report_id)


@blueprint.route("/trials/<trial_id>/incidents")
class Incidents(MethodView):
    """Incidents of a trial."""

    @needs(Permission.SIGNED_IN)
    @blueprint.response(200)
    def get(self, trial_id: str) -> dict[str, Any]:
        """All of them; for a member its own."""
        found = incidents.incidents_of(identity.db_session(), identity.the_actor(), trial_id, clock.now())
        return {"incidents": [incident_json(each) for each in found]}

    @needs(Permission.SIGNED_IN)
    @blueprint.arguments(report_schemas.IncidentSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any], trial_id: str) -> dict[str, Any]:
        """Tell of one."""
        return act(_told, incidents.tell, trial_id, **values)


@blueprint.route("/incidents/<incident_id>")
class OneIncident(MethodView):
    """One incident."""

    @needs(Permission.SIGNED_IN)
    @blueprint.response(200)
    def get(self, incident_id: str) -> dict[str, Any]:
        """With its clock."""
        shown = incidents.incident_of(identity.db_session(), identity.the_actor(), incident_id, clock.now())
        return incident_json(shown)


@blueprint.route("/incidents/<incident_id>/assess")
class Assessment(MethodView):
    """How serious."""

    @needs(Permission.SIGNED_IN)
    @blueprint.arguments(report_schemas.AssessSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], incident_id: str) -> dict[str, Any]:
        """Confirm that it is serious, or find that it is not."""
        return act(_told, incidents.assess, incident_id, **values)


@blueprint.route("/incidents/<incident_id>/report")
class IncidentReport(MethodView):
    """Reporting."""

    @needs(Permission.MODERATE)
    @blueprint.arguments(report_schemas.IncidentReportSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], incident_id: str) -> dict[str, Any]:
        """Report it to the authority; the clock stops."""
        return act(_told, incidents.report, incident_id, **values)


@blueprint.route("/incidents/<incident_id>/close")
class IncidentClosing(MethodView):
    """Closing."""

    @needs(Permission.SIGNED_IN)
    @blueprint.arguments(report_schemas.CloseSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], incident_id: str) -> dict[str, Any]:
        """Close it with cause and remedy."""
        return act(_told, incidents.close, incident_id, **values)


def _told(row: TrialIncident) -> dict[str, Any]:
    """The incident as it is after the act."""
    return incident_json(incidents.incident_of(identity.db_session(), identity.the_actor(), row.id, clock.now()))
