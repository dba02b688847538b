"""The rules of the controlled trial, one small class each; `judge` says everything that stands in the way.

Codes, parameters and legal bases are those of the project's table of law (rules T1-T17, X30).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from sandbox.denials import Denied
from sandbox.trial import Approver, State, Trial, Verb, authorised, last_day, state


class ActionKind(StrEnum):
    """What somebody wants to do inside the trial."""

    ENROL = "enrol"
    LIST = "list"
    ORDER = "order"
    CONTRACT = "contract"
    DELIVER = "deliver"
    QUERY = "query"
    EXPORT = "export"
    PROMOTE = "promote"
    APPLY = "apply"
    APPROVE = "approve"
    EXTEND = "extend"
    CLOSE = "close"


@dataclass(frozen=True)
class Usage:
    """What the trial has used up before this action."""

    members: int = 0
    listings: int = 0
    total_vnd: int = 0


@dataclass(frozen=True)
class Entity:
    """The organisation that would take part, as its dossier shows it (T4-T6)."""

    vietnamese: bool
    reorganising: bool  # splitting, merging, dissolving or bankrupt
    licence_valid_to: date | None  # last day of its business licence; None: without term
    manager_degree: str  # economics, business, law, it, or anything else
    manager_years: int  # whole years of management


@dataclass(frozen=True)
class Action:
    """One wish. `notice_accepted` is the notice version the person accepted (True: the current one).

    `approver` and `provinces` belong to an application and its approval, `until` is the last day an extension asks for.
    """

    kind: str
    sector: str | None = None
    classification: str | None = None
    territory: tuple[str, ...] = ()
    amount_vnd: int = 0
    notice_accepted: str | bool | None = None
    used: Usage = Usage()
    entity: Entity | None = None
    approver: Approver | None = None
    provinces: tuple[str, ...] = ()
    until: date | None = None


VERB_OF = {
    ActionKind.LIST: Verb.DISTRIBUTE,
    ActionKind.ORDER: Verb.DISTRIBUTE,
    ActionKind.CONTRACT: Verb.DISTRIBUTE,
    ActionKind.DELIVER: Verb.DISTRIBUTE,
    ActionKind.QUERY: Verb.PROCESS,
    ActionKind.EXPORT: Verb.PROCESS,
}
BOUND_TO_DATA = frozenset(VERB_OF)
CROSSES_HANDS = frozenset({ActionKind.ORDER, ActionKind.CONTRACT, ActionKind.DELIVER})
SPENDS = frozenset({ActionKind.ORDER, ActionKind.CONTRACT})
NEEDS_NOTICE = frozenset({ActionKind.ORDER, ActionKind.CONTRACT, ActionKind.QUERY})


class Rule(Protocol):
    """A rule yields a denial for every reason it finds."""

    code: ClassVar[str]
    basis: ClassVar[str]

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]: ...


@dataclass(frozen=True)
class Authorised:
    """T1: no trial action without a complete certificate, nor before its first day."""

    code: ClassVar[str] = "TRIAL_NOT_AUTHORISED"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 1, 3; Decree 169/2025/NĐ-CP Art. 8"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """A certificate that is not yet valid authorises nothing."""
        if trial.valid_from is not None and state(trial, now) is State.NOT_STARTED:
            yield Denied(self.code, {"valid_from": trial.valid_from.isoformat()}, self.basis)


@dataclass(frozen=True)
class Duration:
    """T2: nothing after the last day; a certificate cannot promise more than the law's longest term."""

    code: ClassVar[str] = "TRIAL_EXPIRED"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP: at most two years from the certificate"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """The last second of the last day still counts."""
        if state(trial, now) is State.EXPIRED:
            yield Denied(self.code, {"ended": last_day(trial, now).isoformat()}, self.basis)


@dataclass(frozen=True)
class Territory:
    """T7: the data stay inside the certificate's territory."""

    code: ClassVar[str] = "TRIAL_TERRITORY"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP: trials within Viet Nam only"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """An order or delivery that names no place is refused as well: silence is not consent."""
        if not action.territory and action.kind in CROSSES_HANDS:
            yield self._denied("", trial)
        for place in action.territory:
            if not any(place == ours or place.startswith(f"{ours}-") for ours in trial.territory):
                yield self._denied(place, trial)

    def _denied(self, place: str, trial: Trial) -> Denied:
        return Denied(self.code, {"territory": place, "allowed": ", ".join(trial.territory)}, self.basis)


@dataclass(frozen=True)
class Scope:
    """T8: sectors, classes of data and verbs are those listed in the certificate."""

    code: ClassVar[str] = "OUT_OF_TRIAL_SCOPE"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 2d, 3g; Decision 1437/QĐ-TTg"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """An unknown kind of action is out of scope: what we do not understand we do not allow."""
        known = {kind.value for kind in ActionKind}
        if action.kind not in known:
            yield self._denied("action", action.kind, tuple(sorted(known)))
        if action.kind not in BOUND_TO_DATA:
            return
        if action.sector not in trial.sectors:
            yield self._denied("sector", action.sector, trial.sectors)
        if action.classification not in trial.classes:
            yield self._denied("classification", action.classification, trial.classes)
        verb = VERB_OF[ActionKind(action.kind)]
        if verb not in trial.verbs:
            yield self._denied("verb", verb.value, trial.verbs)

    def _denied(self, part: str, value: str | None, allowed: tuple[str, ...]) -> Denied:
        facts = {"part": part, "value": value or "", "allowed": ", ".join(allowed)}
        return Denied(self.code, facts, self.basis)


@dataclass(frozen=True)
class WithinCaps:
    """T9: members, listings and money stay under the certificate's ceilings."""

    code: ClassVar[str] = "TRIAL_CAP_EXCEEDED"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 2d; caps written in the certificate"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """`used` is what would be used with this action; `limit` the ceiling; equal passes."""
        for cap, used, limit in self._bills(trial, action):
            if used > limit:
                yield Denied(self.code, {"cap": cap, "used": used, "limit": limit}, self.basis)

    def _bills(self, trial: Trial, action: Action) -> Iterator[tuple[str, int, int]]:
        caps, used = trial.caps, action.used
        if action.kind == ActionKind.ENROL:
            yield "members", used.members + 1, caps.max_members
        if action.kind == ActionKind.LIST:
            yield "listings", used.listings + 1, caps.max_listings
        if action.kind in SPENDS:
            yield "tx_vnd", action.amount_vnd, caps.max_tx_vnd
            yield "total_vnd", used.total_vnd + action.amount_vnd, caps.max_total_vnd


@dataclass(frozen=True)
class Informed:
    """T14: whoever orders or queries has accepted the current "this is a trial" notice."""

    code: ClassVar[str] = "TRIAL_NOTICE_NOT_ACCEPTED"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 2c"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """An older version of the notice does not count."""
        if action.kind not in NEEDS_NOTICE:
            return
        if action.notice_accepted is not True and action.notice_accepted != trial.notice_version:
            yield Denied(self.code, {"notice_version": trial.notice_version}, self.basis)


@dataclass(frozen=True)
class NoVestedRight:
    """T15: finishing a trial is not a licence to do business."""

    code: ClassVar[str] = "NO_AUTOMATIC_GRADUATION"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """Promotion always needs a licence of its own, which a trial cannot give."""
        if action.kind == ActionKind.PROMOTE:
            yield Denied(self.code, {}, self.basis)


@dataclass(frozen=True)
class NotSuspended:
    """T16: a suspended trial does nothing until it is resumed."""

    code: ClassVar[str] = "TRIAL_SUSPENDED"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 3e"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """Suspension ends by an event, never by itself."""
        if state(trial, now) is State.SUSPENDED:
            yield Denied(self.code, {}, self.basis)


@dataclass(frozen=True)
class NotTerminated:
    """T17: a terminated trial is read-only for ever."""

    code: ClassVar[str] = "TRIAL_TERMINATED"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """There is no event that brings a terminated trial back."""
        if state(trial, now) is State.TERMINATED:
            yield Denied(self.code, {}, self.basis)


@dataclass(frozen=True)
class NoExport:
    """X30: nothing is copied or downloaded out of the test room."""

    code: ClassVar[str] = "TEST_ROOM_EXPORT_BLOCKED"
    basis: ClassVar[str] = "Decree 314/2026/NĐ-CP Art. 1"

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """The test room has answers, no files."""
        if action.kind == ActionKind.EXPORT:
            yield Denied(self.code, {}, self.basis)


RULES: tuple[Rule, ...] = (
    Authorised(),
    Duration(),
    Territory(),
    Scope(),
    WithinCaps(),
    Informed(),
    NoVestedRight(),
    NotSuspended(),
    NotTerminated(),
    NoExport(),
)


def judge(trial: Trial | None, action: Action, now: datetime) -> tuple[Denied, ...]:
    """Every denial that stands in the way, in the order of the rules; empty means allowed."""
    if trial is None or not authorised(trial):
        missing = Denied(Authorised.code, {"valid_from": ""}, Authorised.basis)
        exported = tuple(NoExport().check(trial, action, now)) if trial else ()
        return (missing, *exported)
    return tuple(denied for rule in RULES for denied in rule.check(trial, action, now))
