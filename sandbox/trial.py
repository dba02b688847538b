"""A controlled trial: what its certificate allows, what has happened to it, and the state these put it in.

Nothing here is stored state: a trial has expired because of its dates and is suspended because of its events, not
because a job ran. An event counts from its own moment on, in whatever order the events are given.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

# One name for readers: whoever deals with a trial imports `sandbox.trial` and nothing below it.
from sandbox.days import ZONE as ZONE
from sandbox.days import add_months as add_months
from sandbox.days import add_working_days as add_working_days
from sandbox.days import local_day as local_day
from sandbox.events import Approver as Approver
from sandbox.events import Event as Event
from sandbox.events import EventKind as EventKind
from sandbox.events import Termination as Termination
from sandbox.events import Verb as Verb
from sandbox.profiles import PILOT as PILOT
from sandbox.profiles import PROFILES as PROFILES
from sandbox.profiles import Caps as Caps
from sandbox.profiles import Profile as Profile


class State(StrEnum):
    """Where a trial stands at one moment."""

    NOT_AUTHORISED = "not_authorised"
    NOT_STARTED = "not_started"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    EXITED = "exited"


class Why(StrEnum):
    """What suspends a trial (T16): a decision, or one of four facts that do it by themselves."""

    DECISION = "decision"
    INCIDENT_OPEN = "incident_open"
    INCIDENT_REPORT_LATE = "incident_report_late"
    SECURITY_EXPIRED = "security_expired"
    REPORTS_MISSED = "reports_missed"


@dataclass(frozen=True)
class Trial:
    """A certificate of controlled trial. `valid_from` and `valid_to` are whole days, both included."""

    cert_no: str
    authority: str
    valid_from: date | None
    valid_to: date | None
    sectors: tuple[str, ...]
    classes: tuple[str, ...]
    verbs: tuple[str, ...] = (Verb.OWN, Verb.MANAGE, Verb.PROCESS, Verb.DISTRIBUTE)
    territory: tuple[str, ...] = ("VN",)
    caps: Caps = PILOT.caps
    notice_version: str = "1"
    events: tuple[Event, ...] = ()
    level: int = 1  # T10: 1 to 3
    approver: Approver = Approver.PROVINCIAL
    safeguards: tuple[str, ...] = ()
    question: str = ""  # what the trial is to find out (Decree 169/2025/NĐ-CP Art. 8)
    measure: str = ""  # by what its success is judged
    security_valid_to: date | None = None  # last day of the system's security certificate (X2), if recorded
    profile: Profile = PILOT

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 3:
            raise ValueError(f"a trial of level {self.level}")


@dataclass(frozen=True)
class Period:
    """A period that must be reported on (T12): its days, and the last day on which its report is in time."""

    first: date
    last: date
    due: date


@dataclass(frozen=True)
class Incident:
    """An incident with its clock (T13)."""

    event: Event
    due: datetime
    reported: datetime | None
    closed: datetime | None

    def late(self, now: datetime) -> bool:
        """Whether its report came after the time allowed, or has not come though that time is over."""
        return (self.reported or now) > self.due


@dataclass(frozen=True)
class Cause:
    """One thing that keeps a trial suspended: since which day, what it is about (an id, or words), by which event."""

    why: Why
    since: date
    about: str = ""
    event: str = ""  # id of the decision or of the incident; "" for what only dates bring about


def authorised(trial: Trial | None) -> bool:
    """T1: certificate number, authority, scope and both dates are all there."""
    if trial is None:
        return False
    return all((trial.cert_no, trial.authority, trial.valid_from, trial.valid_to, trial.sectors, trial.classes))


# --- the calendar -------------------------------------------------------------------------------------------------


def first_end(trial: Trial) -> date:
    """The last day without any extension: the certificate's, but within the longest term (T2)."""
    if trial.valid_from is None or trial.valid_to is None:
        raise ValueError("a trial without dates has no last day")
    return min(trial.valid_to, add_months(trial.valid_from, trial.profile.max_months))


def extensions(trial: Trial, now: datetime) -> tuple[date, ...]:
    """The last day after each extension granted up to `now` (T3).

    One that was decided after the trial had ended, or beyond the number allowed, gives nothing; one that promises more
    months than allowed gives what is allowed.
    """
    end, found = first_end(trial), list[date]()
    for event in _past(trial, now):
        if event.kind is not EventKind.EXTENDED or event.until is None or len(found) == trial.profile.max_extensions:
            continue
        until = min(event.until, add_months(end, trial.profile.extension_months))
        if local_day(event.at) <= end < until:
            end = until
            found.append(end)
    return tuple(found)


def last_day(trial: Trial, now: datetime) -> date:
    """The last day on which the trial may act, extensions granted up to `now` included."""
    return next(reversed(extensions(trial, now)), first_end(trial))


def ended(trial: Trial, now: datetime) -> Event | None:
    """The event that ended the trial for good: a termination, whatever else there is, or else its closing."""
    past = _past(trial, now)
    for kind in (EventKind.TERMINATED, EventKind.CLOSED):
        for event in past:
            if event.kind is kind:
                return event
    return None


def state(trial: Trial | None, now: datetime) -> State:
    """Derive the state from dates and events; what ends a trial wins over what stops it, and that over its dates.

    A closing ends the trial even where its report is missing (T18 refuses to record that): what is owed stays owed.
    """
    today = local_day(now)
    if trial is None or trial.valid_from is None or not authorised(trial):
        return State.NOT_AUTHORISED
    end = ended(trial, now)
    if end is not None:
        return State.TERMINATED if end.kind is EventKind.TERMINATED else State.EXITED
    if today > last_day(trial, now):
        return State.EXPIRED
    if today < trial.valid_from:
        return State.NOT_STARTED
    return State.SUSPENDED if suspension(trial, now) else State.ACTIVE


# --- reports, incidents, suspension -------------------------------------------------------------------------------


def periods(trial: Trial, now: datetime) -> tuple[Period, ...]:
    """Every period begun by `now` that needs a report of its own; the rest at the end belongs to the exit report."""
    if trial.valid_from is None or not authorised(trial):
        return ()
    over = ended(trial, now)
    end = min(last_day(trial, now), local_day(over.at)) if over else last_day(trial, now)
    months, grace = trial.profile.report_months[trial.level - 1], timedelta(days=trial.profile.report_grace_days)
    found, first = list[Period](), trial.valid_from
    while first <= local_day(now):
        # Always counted from the first day: adding to an end of February would lose days for good.
        following = add_months(trial.valid_from, months * (len(found) + 1))
        last = following - timedelta(days=1)
        if last > end or date.max - last <= grace:
            break
        found.append(Period(first, last, last + grace))
        first = following
    return tuple(found)


def report_due(trial: Trial, now: datetime) -> Period | None:
    """The oldest period without its report, which may still be running (T12); None when nothing is owed."""
    return next(iter(_unreported(trial, now)), None)


def reports_missed(trial: Trial, now: datetime) -> tuple[Period, ...]:
    """The periods whose report is overdue, days of grace included."""
    return tuple(period for period in _unreported(trial, now) if local_day(now) > period.due)


def _unreported(trial: Trial, now: datetime) -> list[Period]:
    filed = {
        event.until
        for event in _past(trial, now)
        if event.kind is EventKind.REPORTED and event.until is not None and event.until <= local_day(event.at)
    }
    return [period for period in periods(trial, now) if period.last not in filed]


def incident_due(event: Event, profile: Profile = PILOT) -> datetime:
    """Until when an incident detected at `event.at` must be reported; that very moment is in time (T13)."""
    return event.at + timedelta(hours=profile.incident_hours)


def incidents(trial: Trial, now: datetime) -> tuple[Incident, ...]:
    """Every incident detected by `now`, with when it was first reported and when it was closed."""
    past = _past(trial, now)

    def first(kind: EventKind, incident: Event) -> datetime | None:
        return next((event.at for event in past if event.kind is kind and event.about == incident.id), None)

    return tuple(
        Incident(
            event,
            incident_due(event, trial.profile),
            first(EventKind.INCIDENT_REPORTED, event),
            first(EventKind.INCIDENT_CLOSED, event),
        )
        for event in past
        if event.kind is EventKind.INCIDENT
    )


def suspension(trial: Trial, now: datetime) -> tuple[Cause, ...]:
    """Everything that keeps the trial suspended (T16). A decision ends by a decision; a fact, when it is mended.

    A resumption that names a suspension lifts that one, one that names an incident excuses its late report; one that
    names nothing lifts and excuses everything before it.
    """
    return (*_decided(trial, now), *_by_incidents(trial, now), *_by_dates(trial, now))


def _decided(trial: Trial, now: datetime) -> Iterator[Cause]:
    standing: list[Event] = []
    for event in _past(trial, now):
        if event.kind is EventKind.SUSPENDED:
            standing.append(event)
        elif event.kind is EventKind.RESUMED:
            standing = [stop for stop in standing if event.about and stop.id != event.about]
    yield from (Cause(Why.DECISION, local_day(stop.at), stop.reason, stop.id) for stop in standing)


def _by_incidents(trial: Trial, now: datetime) -> Iterator[Cause]:
    """An open incident; and a report that came late, until the authority resumes the trial after it."""
    resumed = [event for event in _past(trial, now) if event.kind is EventKind.RESUMED]
    for incident in incidents(trial, now):
        name, reported = incident.event.id, incident.reported
        if incident.closed is None:
            yield Cause(Why.INCIDENT_OPEN, local_day(incident.event.at), name, name)
        excused = reported is not None and any(each.at >= reported and each.about in ("", name) for each in resumed)
        if incident.late(now) and not excused:
            yield Cause(Why.INCIDENT_REPORT_LATE, local_day(incident.due), name, name)


def _by_dates(trial: Trial, now: datetime) -> Iterator[Cause]:
    security, today = trial.security_valid_to, local_day(now)
    if security is not None and today > security:
        yield Cause(Why.SECURITY_EXPIRED, security + timedelta(days=1))
    missed = reports_missed(trial, now)
    if len(missed) >= trial.profile.missed_reports > 0:
        yield Cause(Why.REPORTS_MISSED, missed[trial.profile.missed_reports - 1].due + timedelta(days=1))


# --- the end ------------------------------------------------------------------------------------------------------


def evaluation_due(trial: Trial, holidays: Collection[date] = ()) -> date | None:
    """The last day for the authority to evaluate (T18), in working days from the exit report; None before that."""
    reported = min((event.at for event in trial.events if event.kind is EventKind.EXIT_REPORTED), default=None)
    days = trial.profile.evaluate_days
    return None if reported is None else add_working_days(local_day(reported), days, holidays)


def transition_ends(trial: Trial) -> date | None:
    """The last day for what the trial began to be moved over or shut down (T18); None before the evaluation."""
    evaluated = min((event.at for event in trial.events if event.kind is EventKind.EVALUATED), default=None)
    return None if evaluated is None else add_months(local_day(evaluated), trial.profile.transition_months)


def _past(trial: Trial, now: datetime) -> list[Event]:
    """What has happened by `now`, in order; of the same moment by id, and without ids the stricter one is the later."""
    past = (event for event in trial.events if event.at <= now)
    return sorted(past, key=lambda each: (each.at, each.id, each.kind is not EventKind.RESUMED, each.until or date.min))
