"""Rules about those who take part: their licence, their standing, their manager, and what they were told.

T4-T6 and T14 of the project's table of law.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sandbox.actions import AUTHORISES, NEEDS_NOTICE, Action, ActionKind
from sandbox.denials import Denied
from sandbox.trial import Trial, last_day

DEGREES = ("economics", "business", "law", "it")
TAKES_PART = AUTHORISES | {ActionKind.ENROL}


@dataclass(frozen=True)
class Licence:
    """T4: the business licence of whoever takes part outlasts the trial."""

    rule: ClassVar[str] = "T4"
    code: ClassVar[str] = "LICENCE_SHORTER_THAN_TRIAL"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP: licence for the whole term of the trial"
    parameters: ClassVar[tuple[str, ...]] = ()

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """A licence that ends on the trial's last day is long enough."""
        entity = action.entity
        if action.kind not in TAKES_PART or entity is None or entity.licence_valid_to is None:
            return
        if trial.valid_from is None or trial.valid_to is None:
            return
        end = action.until if action.kind == ActionKind.EXTEND and action.until else last_day(trial, now)
        if entity.licence_valid_to < end:
            yield Denied(self.code, {"value": entity.licence_valid_to, "limit": end}, self.basis)


@dataclass(frozen=True)
class Eligible:
    """T5: a Vietnamese legal entity that is not being split, merged, dissolved or wound up."""

    rule: ClassVar[str] = "T5"
    code: ClassVar[str] = "ENTITY_NOT_ELIGIBLE"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP"
    parameters: ClassVar[tuple[str, ...]] = ()

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """Both reasons are said when both hold; an organisation that states nothing of itself does not take part."""
        entity = action.entity
        if action.kind == ActionKind.ENROL and entity is None:
            yield Denied(self.code, {"case": "unknown", "value": ""}, self.basis)
        if action.kind not in TAKES_PART or entity is None:
            return
        if not entity.vietnamese:
            yield Denied(self.code, {"case": "foreign", "value": "", "limit": "VN"}, self.basis)
        if entity.reorganising:
            yield Denied(self.code, {"case": "reorganising", "value": ""}, self.basis)


@dataclass(frozen=True)
class FitManager:
    """T6: who is in charge has a degree of a fitting kind and has managed for long enough."""

    rule: ClassVar[str] = "T6"
    code: ClassVar[str] = "MANAGER_NOT_QUALIFIED"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP: degree and two years of management"
    parameters: ClassVar[tuple[str, ...]] = ("manager_years",)

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """Degree and years are two conditions."""
        entity = action.entity
        if action.kind not in TAKES_PART or entity is None:
            return
        profile = trial.profile
        if entity.manager_degree not in DEGREES:
            facts = {"case": "degree", "value": entity.manager_degree, "limit": ", ".join(DEGREES)}
            yield Denied(self.code, facts, profile.basis("manager_years"))
        if entity.manager_years < profile.manager_years:
            facts = {"case": "years", "value": str(entity.manager_years), "limit": str(profile.manager_years)}
            yield Denied(self.code, facts, profile.basis("manager_years"))


@dataclass(frozen=True)
class Informed:
    """T14: whoever orders or queries has accepted the current "this is a trial" notice."""

    rule: ClassVar[str] = "T14"
    code: ClassVar[str] = "TRIAL_NOTICE_NOT_ACCEPTED"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 2c"
    parameters: ClassVar[tuple[str, ...]] = ()

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """An older version of the notice does not count."""
        if action.kind not in NEEDS_NOTICE:
            return
        accepted = action.notice_accepted
        if accepted is not True and accepted != trial.notice_version:
            yield Denied(self.code, {"value": accepted or "", "limit": trial.notice_version}, self.basis)
