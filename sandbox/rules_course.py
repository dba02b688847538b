"""Rules about the course of a trial: its reports, its incidents, what stops it, how it ends, and what it never gives.

T12, T13, T15-T19 and X30 of the project's table of law.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sandbox.actions import PREPARES, Action, ActionKind, runs
from sandbox.denials import Denied
from sandbox.trial import (
    EventKind,
    Trial,
    Why,
    ended,
    incidents,
    local_day,
    reports_missed,
    suspension,
)


@dataclass(frozen=True)
class Reported:
    """T12: while a periodic report is overdue, nothing new goes on show."""

    rule: ClassVar[str] = "T12"
    code: ClassVar[str] = "REPORT_OVERDUE"
    basis: ClassVar[str] = "Decree 142/2026/NĐ-CP Art. 25, as a model"
    parameters: ClassVar[tuple[str, ...]] = ("report_months", "report_grace_days")

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """One denial for each period whose report is missing when its days of grace are over."""
        if action.kind != ActionKind.LIST or action.again:
            return
        for period in reports_missed(trial, now):
            facts = {"from": period.first, "to": period.last, "value": local_day(now), "limit": period.due}
            yield Denied(self.code, facts, trial.profile.basis("report_months"))


@dataclass(frozen=True)
class IncidentReported:
    """T13: a serious incident, or a limit exceeded, is reported within hours of its detection."""

    rule: ClassVar[str] = "T13"
    code: ClassVar[str] = "INCIDENT_REPORT_LATE"
    basis: ClassVar[str] = "Decree 142/2026/NĐ-CP Art. 25.3, as a model"
    parameters: ClassVar[tuple[str, ...]] = ("incident_hours",)

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """What came late bars until the authority resumes the trial."""
        if not runs(action) or ended(trial, now) is not None:
            return
        barring = {cause.about for cause in suspension(trial, now) if cause.why is Why.INCIDENT_REPORT_LATE}
        for incident in incidents(trial, now):
            if incident.event.id in barring and incident.late(now):
                facts = {"case": "late" if incident.reported else "", "incident": incident.event.id,
                         "value": incident.reported or now, "limit": incident.due,
                         "hours": trial.profile.incident_hours}  # fmt: skip
                yield Denied(self.code, facts, trial.profile.basis("incident_hours"))


@dataclass(frozen=True)
class NoVestedRight:
    """T15: finishing a trial is not a licence to do business."""

    rule: ClassVar[str] = "T15"
    code: ClassVar[str] = "NO_AUTOMATIC_GRADUATION"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP"
    parameters: ClassVar[tuple[str, ...]] = ()

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """Promotion always needs a licence of its own, which a trial cannot give."""
        if action.kind == ActionKind.PROMOTE:
            yield Denied(self.code, {}, self.basis)


@dataclass(frozen=True)
class NotSuspended:
    """T16: a suspended trial does nothing until what suspended it is gone."""

    rule: ClassVar[str] = "T16"
    code: ClassVar[str] = "TRIAL_SUSPENDED"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 3e"
    parameters: ClassVar[tuple[str, ...]] = ("missed_reports",)

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """One denial for each cause: mending one of two does not help."""
        if not runs(action) or ended(trial, now) is not None:
            return
        for cause in suspension(trial, now):
            facts = {"case": cause.why, "value": cause.since, "about": cause.about}
            parameter = "missed_reports" if cause.why is Why.REPORTS_MISSED else ""
            yield Denied(self.code, facts, trial.profile.basis(parameter) if parameter else self.basis)


@dataclass(frozen=True)
class NotTerminated:
    """T17: a trial terminated for a reason of the closed list is read-only for ever."""

    rule: ClassVar[str] = "T17"
    code: ClassVar[str] = "TRIAL_TERMINATED"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP"
    parameters: ClassVar[tuple[str, ...]] = ()

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """No event brings a terminated trial back, and it cannot be closed as if it had been completed."""
        end = ended(trial, now)
        if action.kind not in PREPARES and end is not None and end.kind is EventKind.TERMINATED:
            yield Denied(self.code, {"value": local_day(end.at), "reason": end.code}, self.basis)


@dataclass(frozen=True)
class ExitReported:
    """T18: a trial is closed with its exit report, which the authority then evaluates."""

    rule: ClassVar[str] = "T18"
    code: ClassVar[str] = "EXIT_REPORT_MISSING"
    basis: ClassVar[str] = "Decree 142/2026/NĐ-CP Art. 27, as a model"
    parameters: ClassVar[tuple[str, ...]] = ("evaluate_days", "transition_months")

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """A report that is filed later does not close a trial earlier."""
        if action.kind != ActionKind.CLOSE:
            return
        if not any(event.kind is EventKind.EXIT_REPORTED and event.at <= now for event in trial.events):
            yield Denied(self.code, {"value": "", "days": trial.profile.evaluate_days}, self.basis)


@dataclass(frozen=True)
class Liability:
    """T19: what the law says about liability. A statement with its basis, nothing to check and nothing to promise.

    Its two sentences stand under its code in sandbox.words: who is exempt, and what that does not cover.
    """

    rule: ClassVar[str] = "T19"
    code: ClassVar[str] = "TRIAL_LIABILITY"
    basis: ClassVar[str] = "Law 93/2025/QH15 Art. 9"
    parameters: ClassVar[tuple[str, ...]] = ()

    @property
    def statement(self) -> Denied:
        """For `words.say` and `words.fix`; it denies nothing but expectations."""
        return Denied(self.code, {}, self.basis)


@dataclass(frozen=True)
class NoExport:
    """X30: nothing is copied or downloaded out of the test room."""

    rule: ClassVar[str] = "X30"
    code: ClassVar[str] = "TEST_ROOM_EXPORT_BLOCKED"
    basis: ClassVar[str] = "Decree 314/2026/NĐ-CP Art. 1"
    parameters: ClassVar[tuple[str, ...]] = ("session_minutes", "row_cap")

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """The test room has answers, no files."""
        if action.kind == ActionKind.EXPORT:
            yield Denied(self.code, {}, self.basis)
