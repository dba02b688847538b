"""What the clock brings to a trial: a report that falls due or is overdue (T12), the 72 hours of an incident (T13).

The rules suspend by themselves; here is only what people are told before and after it (exchange.notices tells each
thing once).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from exchange.notices.due import Due
from exchange.trials import reporting, service
from exchange.trials.models import Trial
from exchange.trials.report_models import TrialIncident
from sandbox import trial as core

REMINDERS = (1, 5, 10)  # days left for a report, the present one included, nearest first
REPEATED = (30, 7, 1)  # days overdue: the first day, a week, a month
HOURS = (6, 24, 48)  # left for an incident's report
LONGEST = timedelta(days=180)  # later it is no news any more

Facts = dict[str, int | str | bool]


def due(session: Session, now: datetime) -> Iterable[Due]:
    """Every warning that is due at ``now``: one step of each report and each incident."""
    for row in session.exec(select(Trial).order_by(col(Trial.id))).all():
        trial = service.core_of(session, row)
        yield from _reports(session, row, trial, now)
        yield from _incidents(session, row, trial, now)


def _reports(session: Session, row: Trial, trial: core.Trial, now: datetime) -> Iterable[Due]:
    today, page = core.local_day(now), f"/trials/{row.id}/reports"
    period = core.report_due(trial, now)
    if period is not None and period.last < today <= period.due:
        left = (period.due - today).days + 1
        step = next((step for step in REMINDERS if left <= step), None)
        if step is not None:
            key = f"report:{row.id}:{period.last.isoformat()}:{step}"
            yield Due(key, "report.due", _orgs(session, row, authority=False), _facts(period) | {"days": left}, page)
    for missed in core.reports_missed(trial, now):
        late = (today - missed.due).days
        if late <= LONGEST.days:
            step = next(step for step in REPEATED if late >= step)
            key = f"report:{row.id}:{missed.last.isoformat()}:late{step}"
            yield Due(key, "report.late", _orgs(session, row), _facts(missed) | {"days": late}, page)


def _incidents(session: Session, row: Trial, trial: core.Trial, now: datetime) -> Iterable[Due]:
    waiting = [one for one in core.incidents(trial, now) if one.reported is None and now - one.due <= LONGEST]
    for one in waiting:
        query = select(TrialIncident.id).where(TrialIncident.trial_event_id == one.event.id)
        incident_id = session.exec(query).first()
        page = f"/incidents/{incident_id}" if incident_id else f"/trials/{row.id}/incidents"
        left = (one.due - now).total_seconds() / 3600
        if left < 0:
            yield Due(f"incident:{one.event.id}:late", "incident.late", _orgs(session, row), {}, page)
            continue
        step = next((step for step in HOURS if left <= step), None)
        if step is not None:
            key, told = f"incident:{one.event.id}:{step}", _orgs(session, row, authority=False)
            yield Due(key, "incident.due", told, {"hours": int(left)}, page)


def _facts(period: core.Period) -> Facts:
    return {"day": period.last.isoformat(), "due": period.due.isoformat()}


def _orgs(session: Session, row: Trial, *, authority: bool = True) -> tuple[str, ...]:
    named = reporting.concerned(session, row, None) if authority else reporting.operators(session)
    return tuple(org.removeprefix("org:") for org in named)
