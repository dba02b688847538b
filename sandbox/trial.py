"""The pilot's certificate: what it allows, and the state its dates and events put it in.

Nothing here is stored state: a trial has expired because of its dates, not because a job ran.
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")  # days of a certificate are Vietnamese days
MAX_MONTHS = 24  # Decree 94/2025: at most two years from the certificate


class Verb(StrEnum):
    """The four things Decision 1437/QĐ-TTg lets a trial settle about data."""

    OWN = "own"  # sở hữu
    MANAGE = "manage"  # quản lý
    PROCESS = "process"  # xử lý
    DISTRIBUTE = "distribute"  # phân phối


class EventKind(StrEnum):
    """What an authority or the operator may do to a running trial."""

    EXTENDED = "extended"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    TERMINATED = "terminated"


class State(StrEnum):
    """Where a trial stands at one moment."""

    NOT_AUTHORISED = "not_authorised"
    NOT_STARTED = "not_started"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    TERMINATED = "terminated"


@dataclass(frozen=True)
class Event:
    """One decision on the trial. `until` is the new last day of an extension."""

    kind: EventKind
    at: datetime
    until: date | None = None
    reason: str = ""


@dataclass(frozen=True)
class Caps:
    """Ceilings of the certificate (T9). Money is integer đồng. The numbers are defaults, not law."""

    max_members: int = 50
    max_listings: int = 200
    max_tx_vnd: int = 500_000_000
    max_total_vnd: int = 20_000_000_000


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
    caps: Caps = Caps()
    notice_version: str = "1"
    events: tuple[Event, ...] = ()
    max_months: int = MAX_MONTHS


def local_day(moment: datetime) -> date:
    """The Vietnamese calendar day of an aware moment."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(ZONE).date()


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of a shorter month (Civil Code 2015, Art. 148)."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month0 + 1, min(day.day, calendar.monthrange(year, month0 + 1)[1]))


def authorised(trial: Trial | None) -> bool:
    """T1: certificate number, authority, scope and both dates are all there."""
    if trial is None:
        return False
    return all((trial.cert_no, trial.authority, trial.valid_from, trial.valid_to, trial.sectors, trial.classes))


def last_day(trial: Trial, now: datetime) -> date:
    """The last day on which the trial may act, extensions granted up to `now` included."""
    if trial.valid_from is None or trial.valid_to is None:
        raise ValueError("a trial without dates has no last day")
    end = min(trial.valid_to, add_months(trial.valid_from, trial.max_months))
    for event in _past(trial, now):
        if event.kind is EventKind.EXTENDED and event.until is not None:
            end = max(end, event.until)
    return end


def state(trial: Trial | None, now: datetime) -> State:
    """Derive the state from dates and events; termination and suspension win over the calendar's good news."""
    today = local_day(now)
    if trial is None or trial.valid_from is None or not authorised(trial):
        return State.NOT_AUTHORISED
    standing = State.ACTIVE
    for event in _past(trial, now):
        if event.kind is EventKind.TERMINATED:
            return State.TERMINATED
        if event.kind is EventKind.SUSPENDED:
            standing = State.SUSPENDED
        elif event.kind is EventKind.RESUMED:
            standing = State.ACTIVE
    if today > last_day(trial, now):
        return State.EXPIRED
    if today < trial.valid_from:
        return State.NOT_STARTED
    return standing


def _past(trial: Trial, now: datetime) -> list[Event]:
    return sorted((event for event in trial.events if event.at <= now), key=lambda event: event.at)
