"""The reports of a trial (T12, T18): counted from the log, remarked on by the operator, submitted to the authority.

A report is counted under a signed head that it names, so that whoever has the log can count again. Until it is
submitted it is a draft that only the operator sees; what is submitted is never changed, and the log holds its digest.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from contracts import canonical
from exchange import audit
from exchange.accounts.models import Organisation
from exchange.errors import N_, NotFound, NotPermitted, Refusal, Refused, refuse
from exchange.permissions import Actor, OrgKind, Permission, require
from exchange.trials import counting, lifecycle, service
from exchange.trials.models import Trial, TrialEvent
from exchange.trials.report_models import TrialReport
from sandbox import report as core_report
from sandbox import trial as core
from sandbox.trial import EventKind, State

BASIS = N_("AI Decree 142/2026/NĐ-CP Art. 25, 27 as a model")
WORDS = ("answer", "result", "deviations", "remarks")  # the operator's own, each at most
LONGEST_WORDS = 4000  # characters
FRESH = timedelta(days=1)  # an exit report is submitted as long after it was counted
READERS = (Permission.RUN_TRIAL, Permission.MODERATE, Permission.AUDIT)


@dataclass(frozen=True)
class Owed:
    """One period and its report. ``state``: running, due, overdue, submitted or late (submitted after its day)."""

    period: core.Period
    state: str
    draft: TrialReport | None
    report: TrialReport | None


@dataclass(frozen=True)
class Overview:
    """Everything reported and owed of one trial."""

    row: Trial
    trial: core.Trial
    state: core.State
    periods: list[Owed]
    exits: list[TrialReport]  # drafts and submitted ones, the newest first
    due: core.Period | None  # the oldest that is over and has no report
    missed: tuple[core.Period, ...]


@dataclass(frozen=True)
class Shown:
    """A report with what was counted, and its text as submitted (or as it would be)."""

    row: TrialReport
    trial: Trial
    document: Mapping[str, Any]


# --- reading ------------------------------------------------------------------------------------------------------


def require_reader(actor: Actor | None) -> Actor:
    """Whoever runs or supervises the trial; participants read none of this."""
    actor = require(actor, Permission.SIGNED_IN)
    if not any(actor.may(permission) for permission in READERS):
        raise NotPermitted(Permission.AUDIT)
    return actor


def overview(session: Session, actor: Actor | None, trial_id: str, now: datetime) -> Overview:
    """The periods of a trial with their reports, and when each is due."""
    actor = require_reader(actor)
    row = session.get(Trial, trial_id)
    if row is None:
        raise NotFound(trial_id)
    query = select(TrialReport).where(TrialReport.trial_id == row.id).order_by(col(TrialReport.id).desc())
    rows = [each for each in session.exec(query) if each.submitted_at is not None or _sees_drafts(actor)]
    trial = service.core_of(session, row)
    due = core.report_due(trial, now)
    return Overview(
        row=row,
        trial=trial,
        state=core.state(trial, now),
        periods=[_owed(period, rows, now) for period in core.periods(trial, now)],
        exits=[each for each in rows if each.kind == core_report.EXIT],
        due=due if due is not None and due.last < core.local_day(now) else None,
        missed=core.reports_missed(trial, now),
    )


def report_of(session: Session, actor: Actor | None, report_id: str) -> Shown:
    """One report; a draft is there for the operator only."""
    actor = require_reader(actor)
    row = session.get(TrialReport, report_id)
    if row is None or (row.submitted_at is None and not _sees_drafts(actor)):
        raise NotFound(report_id)
    return Shown(row, session.get_one(Trial, row.trial_id), json.loads(payload_of(row)))


def payload_of(row: TrialReport) -> bytes:
    """The report as canonical JSON (RFC 8785): as submitted, or what a draft would be."""
    return row.payload or _whole(row)


def _owed(period: core.Period, rows: list[TrialReport], now: datetime) -> Owed:
    mine = [row for row in rows if row.kind == core_report.PERIODIC and row.last_day == period.last]
    report = next((row for row in reversed(mine) if row.submitted_at is not None), None)
    draft = next((row for row in mine if row.submitted_at is None), None)
    today = core.local_day(now)
    if report is not None and report.submitted_at is not None:
        state = "late" if core.local_day(report.submitted_at) > period.due else "submitted"
    elif today <= period.last:
        state = "running"
    else:
        state = "overdue" if today > period.due else "due"
    return Owed(period, state, draft, report)


def _sees_drafts(actor: Actor) -> bool:
    return actor.kind == OrgKind.OPERATOR


# --- writing ------------------------------------------------------------------------------------------------------


def draw_up(
    session: Session, actor: Actor | None, trial_id: str, kind: str, last: date | None, now: datetime
) -> TrialReport:
    """Count a report from the log as it is signed now; an existing draft is counted anew and keeps its words.

    ``last`` is the last day of the period of a periodic report; None: the oldest one that is owed. An exit report
    covers the whole trial up to today.
    """
    actor = require(actor, Permission.RUN_TRIAL)
    row = _locked(session, trial_id)
    period = _exit_period(session, row, now) if kind == core_report.EXIT else _period(session, row, kind, last, now)
    query = select(TrialReport).where(
        TrialReport.trial_id == row.id, TrialReport.kind == kind, TrialReport.last_day == period.last,
        col(TrialReport.submitted_at).is_(None),
    )  # fmt: skip
    found = session.exec(query.with_for_update()).first()
    size, counted = counting.count(session, row, kind, period, now)
    due = period.due if kind == core_report.PERIODIC else None
    if found is None:
        found = TrialReport(
            trial_id=row.id, kind=kind, first_day=period.first, last_day=period.last, due=due, size=size,
            counted=counted, counted_at=now,
        )  # fmt: skip
    found.size, found.counted, found.counted_at, found.due = size, counted, now, due
    session.add(found)
    session.flush()
    return found


def write(
    session: Session, actor: Actor | None, report_id: str, words: Mapping[str, str], now: datetime
) -> TrialReport:
    """The operator's own words of a draft; what is not named stays."""
    require(actor, Permission.RUN_TRIAL)
    row = _draft(session, report_id)
    for name in WORDS:
        text = words.get(name)
        if text is None:
            continue
        if len(text) > LONGEST_WORDS:
            raise refuse("WORDS_TOO_LONG", N_("This text is too long: at most 4,000 characters."), field=name)
        setattr(row, name, text.strip())
    session.add(row)
    session.flush()
    return row


def submit(session: Session, actor: Actor | None, report_id: str, stated: bool, now: datetime) -> TrialReport:
    """Sign off and submit: the report is fixed, its digest is in the log, the authority is told.

    ``stated``: the person states for the operator that the report is complete and true.
    """
    actor = require(actor, Permission.RUN_TRIAL)
    row = _draft(session, report_id)
    trial = _locked(session, row.trial_id)
    problems = [*_missing(row, stated)]
    if problems:
        raise Refused(*problems)
    _check_fresh(session, row, trial, now)
    payload = canonical.dumps({**json.loads(_whole(row)), "submitted_ms": int(now.timestamp() * 1000)})
    late = row.due is not None and core.local_day(now) > row.due
    details: dict[str, audit.Value] = {
        "kind": row.kind, "from": row.first_day.isoformat(), "until": row.last_day.isoformat(), "size": row.size,
        "late": late,
    }  # fmt: skip
    if row.due is not None:
        details["due"] = row.due.isoformat()
    digest = canonical.sha256_b64url(payload)
    on = [f"trial:{trial.id}", f"report:{row.id}", *concerned(session, trial, actor)]
    event_id = audit.record(
        session, "trial.reported", actor, on=on, now=now, hashes={"report": digest}, details=details
    )
    periodic = row.kind == core_report.PERIODIC
    kind = EventKind.REPORTED if periodic else EventKind.EXIT_REPORTED
    lifecycle.record_event(session, actor, trial, kind, now, until=row.last_day, event_id=event_id)
    row.payload, row.sha256, row.event_id = payload, digest, event_id
    row.submitted_at, row.submitted_by = now, actor.user_id
    session.add(row)
    session.flush()
    return row


def concerned(session: Session, row: Trial, actor: Actor | None) -> list[str]:
    """Subjects for a record that operator and authority shall hear of: who acts, the operator, the authority; where the
    certificate came on paper, every regulator of this exchange."""
    first = [f"org:{actor.org_id}"] if actor else []
    authority = [f"org:{row.authority_org_id}"] if row.authority_org_id else _of_kind(session, OrgKind.REGULATOR)
    return list(dict.fromkeys([*first, *authority, *operators(session)]))


def operators(session: Session) -> list[str]:
    """The operator, as a subject."""
    return _of_kind(session, OrgKind.OPERATOR)


def _of_kind(session: Session, kind: OrgKind) -> list[str]:
    # A record has room for sixteen subjects; an exchange has one operator and a handful of regulators.
    query = select(Organisation.id).where(Organisation.kind == kind).order_by(Organisation.id).limit(5)
    return [f"org:{org}" for org in session.exec(query)]


def _draft(session: Session, report_id: str) -> TrialReport:
    row = session.get(TrialReport, report_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(report_id)
    if row.submitted_at is not None:
        raise refuse("REPORT_SUBMITTED", N_("This report is submitted and cannot be changed any more."), status=409)
    return row


def _locked(session: Session, trial_id: str) -> Trial:
    row = session.get(Trial, trial_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(trial_id)
    return row


def _missing(row: TrialReport, stated: bool) -> Iterator[Refusal]:
    for name in ("answer", "result"):
        if not getattr(row, name):
            text = N_("Answer this in your own words: it is what the trial is for.")
            yield Refusal("REPORT_INCOMPLETE", text, field=name, basis=BASIS)
    if not stated:
        yield Refusal("REPORT_NOT_SIGNED_OFF", N_("State that the report is complete and true."), field="stated")


def _check_fresh(session: Session, row: TrialReport, trial: Trial, now: datetime) -> None:
    if row.kind == core_report.EXIT:
        _check_exit(session, trial, now)
        if now - row.counted_at > FRESH:
            text = N_("This was counted on %(day)s. Count again, so that the report covers the trial up to its end.")
            facts = {"day": core.local_day(row.counted_at).strftime("%d/%m/%Y")}
            raise refuse("REPORT_STALE", text, status=409, **facts)
    elif _reported(session, trial, row.last_day):
        raise _reported_already()


def _whole(row: TrialReport) -> bytes:
    """What was counted and the operator's words, as one document."""
    counted = json.loads(row.counted)
    return canonical.dumps({**counted, "operator": {name: getattr(row, name) for name in WORDS}})


# --- which period -------------------------------------------------------------------------------------------------


def _period(session: Session, row: Trial, kind: str, last: date | None, now: datetime) -> core.Period:
    if kind != core_report.PERIODIC:
        passes = ", ".join(core_report.KINDS)
        raise refuse("REPORT_KIND", N_("Choose which report it is."), field="kind", value=kind, passes=passes)
    trial = service.core_of(session, row)
    periods = core.periods(trial, now)
    wanted = core.report_due(trial, now) if last is None else next((p for p in periods if p.last == last), None)
    if wanted is None:
        text = N_("No report is due for such a period.")
        passes = ", ".join(each.last.isoformat() for each in periods)
        value = last.isoformat() if last else None
        raise refuse("REPORT_PERIOD", text, field="last", value=value, basis=BASIS, passes=passes or None, status=409)
    if _reported(session, row, wanted.last):
        raise _reported_already()
    if core.local_day(now) <= wanted.last:
        text = N_("The period runs until %(day)s; its report is counted from the day after.")
        raise refuse(
            "PERIOD_RUNNING", text, field="last", basis=BASIS, day=wanted.last.strftime("%d/%m/%Y"), status=409
        )
    return wanted


def _exit_period(session: Session, row: Trial, now: datetime) -> core.Period:
    _check_exit(session, row, now)
    last = min(core.local_day(now), max(core.last_day(service.core_of(session, row), now), row.valid_from))
    return core.Period(row.valid_from, last, last)


def _check_exit(session: Session, row: Trial, now: datetime) -> None:
    events = service.events_of(session, row)
    kinds = {event.kind for event in events}
    if core.local_day(now) < row.valid_from:
        raise refuse("TRIAL_NOT_BEGUN", N_("The trial has not begun."), status=409, basis=BASIS)
    if kinds & {EventKind.EVALUATED, EventKind.CLOSED} or service.state_of(session, row, now) is State.EXITED:
        text = N_("The exit report is evaluated or the trial closed; there is no second one.")
        raise refuse("EXIT_REPORT_OVER", text, status=409, basis=BASIS)


def _reported(session: Session, row: Trial, last: date) -> bool:
    query = select(TrialEvent.id).where(
        TrialEvent.trial_id == row.id, TrialEvent.kind == EventKind.REPORTED, TrialEvent.until == last
    )
    return session.exec(query).first() is not None


def _reported_already() -> Refused:
    return refuse("PERIOD_REPORTED", N_("The report of this period is submitted already."), status=409, basis=BASIS)
