"""Rules about the certificate: that there is one, for how long, where, for what, up to how much, by whom.

T1-T3 and T7-T11 of the project's table of law.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from sandbox.actions import (
    AUTHORISES,
    BOUND_TO_DATA,
    CROSSES_HANDS,
    PREPARES,
    SPENDS,
    VERB_OF,
    Action,
    ActionKind,
    runs,
)
from sandbox.competence import competent, level_of
from sandbox.denials import Denied
from sandbox.trial import (
    Approver,
    EventKind,
    Trial,
    add_months,
    ended,
    extensions,
    first_end,
    last_day,
    local_day,
)


@dataclass(frozen=True)
class Authorised:
    """T1: no trial action without a complete certificate, nor before its first day."""

    rule: ClassVar[str] = "T1"
    code: ClassVar[str] = "TRIAL_NOT_AUTHORISED"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 1, 3; Decree 169/2025/NĐ-CP Art. 8"
    parameters: ClassVar[tuple[str, ...]] = ()

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """Every part that is missing. An application also says what is to be found out, and with what safeguards."""
        parts = ["valid_from", "valid_to", "sectors", "classes"]
        if action.kind != ActionKind.APPLY:
            parts += ["cert_no", "authority"]
        if action.kind in PREPARES:
            parts += ["verbs", "territory", "safeguards", "question", "measure"]
        missing = [part for part in parts if not getattr(trial, part)]
        if missing == parts and runs(action):
            yield Denied(self.code, {}, self.basis)  # no certificate at all is one reason
            return
        for part in missing:
            yield Denied(self.code, {"case": "missing", "part": part, "value": ""}, self.basis)
        today = local_day(now)
        if runs(action) and trial.valid_from is not None and today < trial.valid_from:
            yield Denied(self.code, {"case": "early", "value": today, "limit": trial.valid_from}, self.basis)


@dataclass(frozen=True)
class Duration:
    """T2: nothing after the last day; a certificate cannot promise more than the law's longest term."""

    rule: ClassVar[str] = "T2"
    code: ClassVar[str] = "TRIAL_EXPIRED"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP: at most two years from the certificate"
    parameters: ClassVar[tuple[str, ...]] = ("max_months",)

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """The last second of the last day still counts."""
        if action.kind in PREPARES:
            yield from self._planned(trial)
            return
        closed = ended(trial, now)
        if closed is not None and closed.kind is EventKind.CLOSED:
            facts = {"case": "closed", "value": local_day(now), "limit": local_day(closed.at)}
            yield Denied(self.code, facts, trial.profile.basis("max_months"))
        elif runs(action) and local_day(now) > last_day(trial, now):
            facts = {"value": local_day(now), "limit": last_day(trial, now)}
            yield Denied(self.code, facts, trial.profile.basis("max_months"))

    def _planned(self, trial: Trial) -> Iterator[Denied]:
        if trial.valid_from is None or trial.valid_to is None:
            return
        basis = trial.profile.basis("max_months")
        if trial.valid_to < trial.valid_from:
            yield Denied("TRIAL_DATES", {"value": trial.valid_to, "limit": trial.valid_from}, basis)
        latest = first_end(trial)
        if latest < trial.valid_to:
            facts = {"value": trial.valid_to, "limit": latest, "months": trial.profile.max_months}
            yield Denied("TRIAL_TOO_LONG", facts, basis)


@dataclass(frozen=True)
class Extension:
    """T3: so many extensions of so many months, each asked for in time."""

    rule: ClassVar[str] = "T3"
    code: ClassVar[str] = "EXTENSION_NOT_ALLOWED"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP: two extensions of at most one year"
    parameters: ClassVar[tuple[str, ...]] = ("max_extensions", "extension_months", "ask_before_days")

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """The day of asking counts, not that of the decision: an authority that takes its time loses nobody a trial."""
        if action.kind != ActionKind.EXTEND:
            return
        profile, end = trial.profile, last_day(trial, now)
        used = len(extensions(trial, now))
        if used >= profile.max_extensions:
            yield self._denied(trial, "max_extensions", "count", used + 1, profile.max_extensions)
        asked, latest = _asked_on(trial, action, now), end - timedelta(days=profile.ask_before_days)
        if asked > latest:
            yield self._denied(trial, "ask_before_days", "late", asked, latest)
        longest = add_months(end, profile.extension_months)
        if action.until is None or action.until > longest:
            yield self._denied(trial, "extension_months", "long", action.until or "", longest)
        elif action.until <= end:
            yield self._denied(trial, "extension_months", "short", action.until, end)

    def _denied(self, trial: Trial, parameter: str, case: str, value: object, limit: object) -> Denied:
        return Denied(self.code, {"case": case, "value": value, "limit": limit}, trial.profile.basis(parameter))


def _asked_on(trial: Trial, action: Action, now: datetime) -> date:
    """The day on which as much as this was first asked for, after the extension before; otherwise today.

    What was refused or taken back is over: asked for anew, it is asked for on that later day.
    """
    past = [event for event in trial.events if event.at <= now]
    over = {event.about for event in past if event.kind is EventKind.EXTENSION_REFUSED}
    granted = max((event.at for event in past if event.kind is EventKind.EXTENDED), default=None)
    days = [
        local_day(event.at)
        for event in past
        if event.kind is EventKind.EXTENSION_ASKED and (granted is None or event.at > granted)
        if not event.id or event.id not in over
        if event.until and action.until and action.until <= event.until
    ]
    return min(days, default=local_day(now))


@dataclass(frozen=True)
class Territory:
    """T7: the data stay inside the certificate's territory."""

    rule: ClassVar[str] = "T7"
    code: ClassVar[str] = "TRIAL_TERRITORY"
    basis: ClassVar[str] = "Decree 94/2025/NĐ-CP: trials within Viet Nam only"
    parameters: ClassVar[tuple[str, ...]] = ()

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """An order or delivery that names no place is refused as well: silence is not consent."""
        if not action.territory and action.kind in CROSSES_HANDS:
            yield self._denied("", trial)
        for place in action.territory:
            if not any(place == ours or place.startswith(f"{ours}-") for ours in trial.territory):
                yield self._denied(place, trial)

    def _denied(self, place: str, trial: Trial) -> Denied:
        facts = {"case": "" if place else "missing", "value": place, "limit": ", ".join(trial.territory)}
        return Denied(self.code, facts, self.basis)


@dataclass(frozen=True)
class Scope:
    """T8: sectors, classes of data and verbs are those listed in the certificate."""

    rule: ClassVar[str] = "T8"
    code: ClassVar[str] = "OUT_OF_TRIAL_SCOPE"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 2d, 3g; Decision 1437/QĐ-TTg"
    parameters: ClassVar[tuple[str, ...]] = ()

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
        return Denied(self.code, {"part": part, "value": value or "", "limit": ", ".join(allowed)}, self.basis)


@dataclass(frozen=True)
class WithinCaps:
    """T9: members, listings and money stay under the certificate's ceilings."""

    rule: ClassVar[str] = "T9"
    code: ClassVar[str] = "TRIAL_CAP_EXCEEDED"
    basis: ClassVar[str] = "Law 93/2025/QH15, Chapter II Section 2 cl. 2d; caps written in the certificate"
    parameters: ClassVar[tuple[str, ...]] = ("max_members", "max_listings", "max_tx_vnd", "max_total_vnd")

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """`used` is what would be used with this action; equal to the `limit` passes."""
        for cap, before, wanted, limit in self._bills(trial, action):
            if before + wanted > limit:
                facts = {"cap": cap, "used": before + wanted, "limit": limit, "left": max(limit - before, 0)}
                yield Denied(self.code, facts, trial.profile.basis(f"max_{cap}"))

    def _bills(self, trial: Trial, action: Action) -> Iterator[tuple[str, int, int, int]]:
        caps, used = trial.caps, action.used
        if action.kind == ActionKind.ENROL:
            yield "members", used.members, 1, caps.max_members
        if action.kind == ActionKind.LIST:
            yield "listings", used.listings, 1, caps.max_listings
        if action.kind in SPENDS:
            yield "tx_vnd", 0, action.amount_vnd, caps.max_tx_vnd
            yield "total_vnd", used.total_vnd, action.amount_vnd, caps.max_total_vnd


@dataclass(frozen=True)
class Level:
    """T10: the level follows from the data and from who uses the results, and the authority is one for that level."""

    rule: ClassVar[str] = "T10"
    code: ClassVar[str] = "LEVEL_AUTHORITY_MISMATCH"
    basis: ClassVar[str] = "Decree 142/2026/NĐ-CP Art. 22, as a model"
    parameters: ClassVar[tuple[str, ...]] = ()

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """A running trial of a level that is too low may still not touch the data that need a higher one."""
        if action.kind in AUTHORISES:
            yield from self._permitted(trial, action)
        elif action.classification is not None and action.classification in trial.classes:
            yield from self._low(trial, level_of((action.classification,), ()), action.classification)

    def _permitted(self, trial: Trial, action: Action) -> Iterator[Denied]:
        yield from self._low(trial, level_of(trial.classes, trial.verbs), ", ".join(trial.classes))
        approver = action.approver or (trial.approver if action.kind in PREPARES else None)
        if approver and (approver is Approver.PUBLIC_SECURITY) is not (trial.level == 3):
            facts = {"case": "authority", "value": approver, "limit": competent(trial.level, trial.territory),
                     "level": trial.level}  # fmt: skip
            yield Denied(self.code, facts, self.basis)

    def _low(self, trial: Trial, needed: int, classes: str) -> Iterator[Denied]:
        if trial.level < needed:
            yield Denied(self.code, {"value": trial.level, "limit": needed, "classes": classes}, self.basis)


@dataclass(frozen=True)
class Competence:
    """T11: a province permits in its own territory, a ministry across provinces, public security at level 3."""

    rule: ClassVar[str] = "T11"
    code: ClassVar[str] = "APPROVER_NOT_COMPETENT"
    basis: ClassVar[str] = "Decree 142/2026/NĐ-CP Art. 23, as a model"
    parameters: ClassVar[tuple[str, ...]] = ("review_days",)

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]:
        """Who decides on an extension needs the same competence as who permitted the trial."""
        approver = action.approver or (trial.approver if action.kind in PREPARES else None)
        if action.kind not in AUTHORISES or approver is None:
            return
        needed = competent(trial.level, trial.territory)
        if approver is not needed:
            yield Denied(self.code, {"value": approver, "limit": needed, "level": trial.level}, self.basis)
        elif approver is Approver.PROVINCIAL and action.provinces:
            for place in sorted(set(trial.territory) - set(action.provinces)):
                facts = {"case": "province", "value": place, "limit": ", ".join(action.provinces)}
                yield Denied(self.code, facts, self.basis)
