"""Incidents of the trial (T13): told of by anybody, reported to the authority within 72 hours, closed with their cause.

A serious one holds the trial up by rule (T16) from its detection until it is closed, and so does a report that comes
late. A member may call an incident serious; the clock then runs, but only the operator or a regulator stops the trial
with it by confirming that (``assess``): else any member could stop the market.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from exchange import audit
from exchange.accounts.models import Organisation
from exchange.db import new_id
from exchange.errors import N_, NotFound, NotPermitted, Refusal, Refused, refuse
from exchange.ledger import disclosures
from exchange.ledger import service as ledger
from exchange.permissions import Actor, OrgKind, Permission, require
from exchange.trials import lifecycle, reporting, service
from exchange.trials.models import Trial, TrialEvent
from exchange.trials.report_models import INCIDENT_CODES, SEVERITIES, TrialIncident
from sandbox import trial as core
from sandbox.trial import EventKind

BASIS = N_("AI Decree 142/2026/NĐ-CP Art. 25.3 as a model; Law 91/2025/QH15 Art. 23.1")
LONGEST = 4000  # characters of one text
MOST_WAITING = 5  # incidents of one member that nobody has assessed yet
SERIOUS = "serious"
# Who may tell of one: the operator's people, whoever sells, officials.
TELLERS = (Permission.RUN_TRIAL, Permission.MODERATE, Permission.PUBLISH, Permission.AUDIT)
DECIDERS = (Permission.RUN_TRIAL, Permission.MODERATE, Permission.AUDIT)


@dataclass(frozen=True)
class Account:
    """What somebody tells of an incident. ``persons``: details about persons, kept apart and erasable."""

    severity: str
    code: str
    what: str
    detected_at: datetime
    measures: str = ""
    persons: str = ""


@dataclass(frozen=True)
class Shown:
    """An incident with its clock and what is still known of the persons in it."""

    row: TrialIncident
    trial: Trial
    org: str  # the name of who told of it
    clock: core.Incident | None  # of a serious one that is confirmed
    late: bool
    persons: list[disclosures.Shown]
    may_decide: bool
    may_report: bool


# --- reading ------------------------------------------------------------------------------------------------------


def incidents_of(session: Session, actor: Actor | None, trial_id: str, now: datetime) -> list[Shown]:
    """All of a trial, the newest first; for a member those that it told of."""
    actor = _require(actor, TELLERS)
    trial = session.get(Trial, trial_id)
    if trial is None:
        raise NotFound(trial_id)
    query = select(TrialIncident).where(TrialIncident.trial_id == trial_id)
    if actor.kind == OrgKind.MEMBER:
        query = query.where(TrialIncident.org_id == actor.org_id)
    rows = session.exec(query.order_by(col(TrialIncident.detected_at).desc(), col(TrialIncident.id).desc())).all()
    clocks = _clocks(session, trial, now)
    return [_shown(session, actor, row, trial, clocks, now) for row in rows]


def incident_of(session: Session, actor: Actor | None, incident_id: str, now: datetime) -> Shown:
    """One, with what is still known of the persons in it."""
    actor = _require(actor, TELLERS)
    row = session.get(TrialIncident, incident_id)
    if row is None or (actor.kind == OrgKind.MEMBER and row.org_id != actor.org_id):
        raise NotFound(incident_id)
    trial = session.get_one(Trial, row.trial_id)
    shown = _shown(session, actor, row, trial, _clocks(session, trial, now), now)
    return Shown(**{**shown.__dict__, "persons": _persons(session, row)})


def _shown(
    session: Session, actor: Actor, row: TrialIncident, trial: Trial, clocks: Mapping[str, core.Incident], now: datetime
) -> Shown:
    clock = clocks.get(row.trial_event_id or "")
    return Shown(
        row=row,
        trial=trial,
        org=session.get_one(Organisation, row.org_id).name,
        clock=clock,
        late=clock is not None and clock.late(now),
        persons=[],
        may_decide=row.closed_at is None and _may(actor, DECIDERS),
        may_report=row.closed_at is None and row.reported_at is None and actor.kind == OrgKind.OPERATOR,
    )


def _clocks(session: Session, trial: Trial, now: datetime) -> dict[str, core.Incident]:
    return {each.event.id: each for each in core.incidents(service.core_of(session, trial), now)}


def _persons(session: Session, row: TrialIncident) -> list[disclosures.Shown]:
    """The values of the incident's own record that are about persons; none while it is not in the log yet."""
    if not ledger.is_logged(session, row.found_event):
        return []
    leaf = ledger.record_of(session, row.found_event).leaf
    return [each for each in disclosures.read(session, [leaf]).get(leaf.id, []) if each.gone or each.name == "persons"]


# --- writing ------------------------------------------------------------------------------------------------------


def tell(session: Session, actor: Actor | None, trial_id: str, account: Account, now: datetime) -> TrialIncident:
    """Record an incident; operator and authority hear of it at once."""
    actor = _require(actor, TELLERS)
    trial = _locked(session, trial_id)
    problems = [*_problems(account, trial, now)]
    if problems:
        raise Refused(*problems)
    confirmed = _may(actor, DECIDERS)
    if not confirmed:
        _check_waiting(session, actor, trial)
    incident_id = new_id()
    details: dict[str, audit.Value] = {
        "severity": account.severity, "code": account.code, "confirmed": confirmed,
        "detected_ms": int(account.detected_at.timestamp() * 1000),
    }  # fmt: skip
    subjects = [f"incident:{incident_id}", f"trial:{trial.id}", *reporting.concerned(session, trial, actor)]
    found_event = audit.record(
        session, "incident.found", actor, on=subjects, now=now, details=details,
        private={f"incident:{incident_id}": {"persons": account.persons.strip()}},
    )  # fmt: skip
    event = None
    if confirmed and account.severity == SERIOUS:
        event = _happens(session, actor, trial, account.detected_at, account.code, found_event, now)
    row = TrialIncident(
        id=incident_id, trial_id=trial.id, severity=account.severity, code=account.code, what=account.what.strip(),
        measures=account.measures.strip(), detected_at=account.detected_at, found_at=now, org_id=actor.org_id,
        found_by=actor.user_id, found_event=found_event, trial_event_id=event.id if event else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def assess(
    session: Session, actor: Actor | None, incident_id: str, severity: str, reason: str, now: datetime
) -> TrialIncident:
    """Confirm that an incident is serious, from its detection on; or find that it is not, before it was confirmed."""
    actor = _require(actor, DECIDERS)
    row, trial = _open(session, incident_id)
    if severity not in SEVERITIES:
        raise refuse("SEVERITY_UNKNOWN", N_("Choose how serious it is."), field="severity", value=severity,
                     passes=", ".join(SEVERITIES))  # fmt: skip
    if row.trial_event_id is not None:
        text = N_("The incident is confirmed as serious; it is reported and closed, not taken back.")
        raise refuse("WRONG_STATE", text, field="severity", value=row.severity, status=409)
    words = _words(reason, "reason", 2000)
    event_id = audit.record(
        session, "incident.assessed", actor, on=_subjects(session, row, trial, actor), now=now,
        details={"severity": severity}, private={f"org:{actor.org_id}": {"reason": words}},
    )  # fmt: skip
    row.severity = severity
    if severity == SERIOUS:
        row.trial_event_id = _happens(session, actor, trial, row.detected_at, row.code, event_id, now).id
        if row.reported_at is not None:  # before anybody called it serious: its clock stopped then
            _reported(session, actor, trial, row, now)
    session.add(row)
    session.flush()
    return row


def report(session: Session, actor: Actor | None, incident_id: str, measures: str, now: datetime) -> TrialIncident:
    """The operator reports it to the authority, with what was done so far; the clock stops."""
    actor = _require(actor, (Permission.RUN_TRIAL, Permission.MODERATE))
    row, trial = _open(session, incident_id)
    if row.reported_at is not None:
        raise refuse("INCIDENT_REPORTED", N_("This incident is reported already."), status=409)
    row.measures = _words(measures, "measures", LONGEST)
    clock = _clocks(session, trial, now).get(row.trial_event_id or "")
    event_id = audit.record(
        session, "incident.reported", actor, on=_subjects(session, row, trial, actor), now=now,
        details={"severity": row.severity, "late": clock is not None and clock.late(now)},
    )  # fmt: skip
    row.reported_at, row.reported_event = now, event_id
    if row.trial_event_id is not None:
        _reported(session, actor, trial, row, now)
    session.add(row)
    session.flush()
    return row


def close(
    session: Session, actor: Actor | None, incident_id: str, cause: str, remedy: str, now: datetime
) -> TrialIncident:
    """End it with its cause and what keeps it from happening again; a serious one only after it was reported."""
    actor = _require(actor, DECIDERS)
    row, trial = _open(session, incident_id)
    if row.trial_event_id is not None and row.reported_at is None:
        text = N_("A serious incident is reported to the authority before it is closed.")
        raise refuse("INCIDENT_NOT_REPORTED", text, basis=BASIS, status=409)
    row.cause, row.remedy = _words(cause, "cause", LONGEST), _words(remedy, "remedy", LONGEST)
    event_id = audit.record(
        session, "incident.closed", actor, on=_subjects(session, row, trial, actor), now=now,
        details={"severity": row.severity},
    )  # fmt: skip
    row.closed_at, row.closed_event = now, event_id
    if row.trial_event_id is not None:
        kind = EventKind.INCIDENT_CLOSED
        lifecycle.record_event(session, actor, trial, kind, now, about=row.trial_event_id, event_id=event_id)
    session.add(row)
    session.flush()
    return row


def forget_persons(session: Session, actor: Actor | None, incident_id: str, now: datetime) -> TrialIncident:
    """Erase for good what is known of persons in a closed incident; the log goes on holding its salted digest."""
    actor = require(actor, Permission.ERASE)
    row = session.get(TrialIncident, incident_id, with_for_update=True)
    if row is None:
        raise NotFound(incident_id)
    if row.closed_at is None:
        text = N_("The incident is open: what is known of the persons is still needed.")
        raise refuse("INCIDENT_OPEN", text, status=409)
    places = disclosures.erase(session, f"incident:{row.id}")
    if places:
        audit.record(
            session, "erasure.done", actor, on=[f"incident:{row.id}"], now=now,
            details={"basis": "purpose-over", "disclosures": len(places), "part": 1, "parts": 1,
                     "places_1": " ".join(places)},
        )  # fmt: skip
    return row


# --- inside -------------------------------------------------------------------------------------------------------


def _happens(
    session: Session, actor: Actor, trial: Trial, at: datetime, code: str, event_id: str, now: datetime
) -> TrialEvent:
    """From its detection on the trial is held up (sandbox.trial.suspension)."""
    return lifecycle.record_event(session, actor, trial, EventKind.INCIDENT, now, code=code, at=at, event_id=event_id)


def _reported(session: Session, actor: Actor, trial: Trial, row: TrialIncident, now: datetime) -> None:
    """The report as an event of the trial, at the moment it was made."""
    lifecycle.record_event(
        session, actor, trial, EventKind.INCIDENT_REPORTED, now, about=row.trial_event_id or "", at=row.reported_at,
        event_id=row.reported_event or "",
    )  # fmt: skip


def _require(actor: Actor | None, permissions: tuple[Permission, ...]) -> Actor:
    actor = require(actor, Permission.SIGNED_IN)
    if not _may(actor, permissions):
        raise NotPermitted(permissions[0])
    return actor


def _may(actor: Actor, permissions: tuple[Permission, ...]) -> bool:
    return any(actor.may(permission) for permission in permissions)


def _locked(session: Session, trial_id: str) -> Trial:
    row = session.get(Trial, trial_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(trial_id)
    return row


def _open(session: Session, incident_id: str) -> tuple[TrialIncident, Trial]:
    """The incident and its trial, both held until the commit; refused once it is closed."""
    known = session.get(TrialIncident, incident_id)
    if known is None:
        raise NotFound(incident_id)
    trial = _locked(session, known.trial_id)
    row = session.get_one(TrialIncident, incident_id, with_for_update=True, populate_existing=True)
    if row.closed_at is not None:
        raise refuse("INCIDENT_CLOSED", N_("This incident is closed."), status=409)
    return row, trial


def _subjects(session: Session, row: TrialIncident, trial: Trial, actor: Actor) -> list[str]:
    others = [f"org:{row.org_id}", *reporting.concerned(session, trial, actor)]
    return [f"incident:{row.id}", f"trial:{trial.id}", *dict.fromkeys(others)]


def _check_waiting(session: Session, actor: Actor, trial: Trial) -> None:
    waiting = select(func.count()).where(
        TrialIncident.trial_id == trial.id, TrialIncident.org_id == actor.org_id,
        col(TrialIncident.closed_at).is_(None), col(TrialIncident.trial_event_id).is_(None),
    )  # fmt: skip
    count = session.exec(waiting).one()
    if count >= MOST_WAITING:
        text = N_("%(count)s incidents that your organisation told of are still open. Wait until they were looked at.")
        raise refuse("INCIDENTS_WAITING", text, status=409, count=count)


def _problems(account: Account, trial: Trial, now: datetime) -> list[Refusal]:
    found = []
    for name, value, known in (
        ("severity", account.severity, SEVERITIES),
        ("code", account.code, INCIDENT_CODES),
    ):
        if value not in known:
            text = N_("Choose one of the values offered.")
            found.append(Refusal("FIELD_INVALID", text, field=name, value=value, passes=", ".join(known)))
    for name, value, needed in (
        ("what", account.what, True), ("measures", account.measures, False), ("persons", account.persons, False)
    ):  # fmt: skip
        if len(value) > LONGEST or (needed and not value.strip()):
            found.append(Refusal("FIELD_INVALID", N_("Write this in at most 4,000 characters."), field=name))
    if not trial.valid_from <= core.local_day(account.detected_at) or account.detected_at > now:
        text = N_("An incident is detected in the trial and not in the future.")
        found.append(Refusal("INCIDENT_TIME", text, field="detected_at", basis=BASIS))
    return found


def _words(text: str, field: str, most: int) -> str:
    words = text.strip()
    if not 0 < len(words) <= most:
        raise refuse("FIELD_INVALID", N_("Fill this in, within the length that is allowed."), field=field)
    return words
