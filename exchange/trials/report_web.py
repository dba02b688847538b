"""Pages of a trial's reports: what is owed, one as draft and as submitted, PDF and data; the regulator's view."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import forms
from exchange.errors import Refused
from exchange.i18n import language
from exchange.limits import FETCHES, by_organisation, limiter
from exchange.permissions import Permission, needs
from exchange.trials import incidents, paper, report_schemas, report_words, reporting, service
from exchange.trials import words as trial_words
from sandbox import trial as core
from sandbox import words_report

blueprint = Blueprint("trial_reports", __name__)


@blueprint.get("/trials/<trial_id>/reports")
@needs(Permission.SIGNED_IN)
def index(trial_id: str) -> Response:
    """The periods of the trial with their reports, for operator and regulators."""
    return _index(trial_id)


def _index(trial_id: str, refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    seen = reporting.overview(session, actor, trial_id, now)
    return forms.page(
        "trials/reports.html", refused, seen=seen, may_write=actor.may(Permission.RUN_TRIAL), **words(), now=now
    )


def words() -> dict[str, Any]:
    """What the pages call things."""
    return {"words": report_words, "terms": words_report, "lang": language(), "why": trial_words.WHY}


@blueprint.post("/trials/<trial_id>/reports")
@needs(Permission.RUN_TRIAL)
def draw_up(trial_id: str) -> AnyResponse:
    """Count a report, or count it anew."""
    return forms.act(
        reporting.draw_up, trial_id, form=report_schemas.DrawSchema, again=lambda refused: _index(trial_id, refused),
        said=_("The report is counted from the log. Add your answers and submit it."),
        onward=lambda row: url_for(".one", report_id=row.id),
    )  # fmt: skip


@blueprint.get("/trial-reports/<report_id>")
@needs(Permission.SIGNED_IN)
def one(report_id: str) -> Response:
    """One report: numbers with their sources, the operator's words."""
    return _one(report_id)


def _one(report_id: str, refused: Refused | None = None) -> Response:
    session, actor = identity.db_session(), identity.the_actor()
    shown = reporting.report_of(session, actor, report_id)
    numbers = {number["name"]: number for number in shown.document["numbers"]}
    return forms.page(
        "trials/report.html", refused, shown=shown, row=shown.row, document=shown.document, numbers=numbers,
        may_write=shown.row.submitted_at is None and actor.may(Permission.RUN_TRIAL), **words(),
    )  # fmt: skip


@blueprint.post("/trial-reports/<report_id>")
@needs(Permission.RUN_TRIAL)
def write(report_id: str) -> AnyResponse:
    """Keep the operator's words; with the button "submit" sign off and submit as well."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    try:
        values = forms.load(report_schemas.SubmitSchema)
        reporting.write(session, actor, report_id, values["words"], now)
        if "submit" in request.form:
            reporting.submit(session, actor, report_id, values["stated"], now)
    except Refused as refused:
        session.rollback()
        return _one(report_id, refused)
    identity.commit_logged()
    text = (
        _("The report is submitted; the authority is told.") if "submit" in request.form else _("Your words are kept.")
    )
    flash(text, "good")
    return redirect(url_for(".one", report_id=report_id), 303)


@blueprint.get("/trial-reports/<report_id>/report.pdf")
@needs(Permission.SIGNED_IN)
@limiter.limit(FETCHES, key_func=by_organisation)
def pdf(report_id: str) -> Response:
    """The report on paper, with its data attached."""
    return pdf_answer(report_id)


@blueprint.get("/trial-reports/<report_id>/report.json")
@needs(Permission.SIGNED_IN)
def data(report_id: str) -> Response:
    """The report as canonical JSON: the bytes whose digest the log holds."""
    return data_answer(report_id)


def pdf_answer(report_id: str) -> Response:
    """The same for pages and the API."""
    shown = reporting.report_of(identity.db_session(), identity.the_actor(), report_id)
    made = paper.pdf_of(reporting.payload_of(shown.row), shown.row.sha256 or "")
    return _file(made, "application/pdf", f"{_name(shown)}.pdf")


def data_answer(report_id: str) -> Response:
    """The same for pages and the API."""
    shown = reporting.report_of(identity.db_session(), identity.the_actor(), report_id)
    return _file(reporting.payload_of(shown.row), "application/json", f"{_name(shown)}.json")


def _name(shown: reporting.Shown) -> str:
    state = "" if shown.row.submitted_at else "-draft"
    return f"minhbach-report-{shown.row.kind}-{shown.row.last_day.isoformat()}{state}"


def _file(body: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(body, mimetype=kind, headers=headers)


# --- the regulator's view -----------------------------------------------------------------------------------------


@blueprint.get("/oversight/trials/<trial_id>")
@needs(Permission.AUDIT)
def supervision(trial_id: str) -> Response:
    """One trial on one page: its terms and what is used of them, reports, incidents, what suspends it."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    seen = reporting.overview(session, actor, trial_id, now)
    return forms.page(
        "trials/supervision.html", None, seen=seen, row=seen.row, used=service.usage(session, seen.row),
        last_day=core.last_day(seen.trial, now), causes=core.suspension(seen.trial, now),
        found=incidents.incidents_of(session, actor, trial_id, now), now=now, **words(),
    )  # fmt: skip
