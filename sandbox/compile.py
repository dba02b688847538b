"""From what two parties signed and an authority granted to the policy that a machine enforces.

Values in, document out. Every field that a clause binds remembers it, so that a refusal can quote it; a clause that
binds no field is listed as `unenforced`, never left out. Terms only tighten: where the draft of the policy is
stricter already it stays as it is, and no clause is quoted for what it did not decide.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sandbox import rules
from sandbox.denials import PolicyRefused
from sandbox.merge import STATES
from sandbox.policy import Budgets
from sandbox.strict import moment
from sandbox.trial import ZONE, Trial, authorised, last_day

UNLIMITED = 1_000_000  # questions, where the parties agreed on no number
REQUESTS_EACH = 10  # requests, refused and repeated ones included, per question that was agreed

# What the certificate has against the data or the place makes the policy's state, with the rule behind it.
STOPS: Mapping[str, tuple[str, str]] = {
    rules.Authorised.code: ("closed", "trial:T1"),
    rules.Duration.code: ("closed", "trial:T2"),
    rules.Territory.code: ("closed", "trial:T7"),
    rules.Scope.code: ("closed", "trial:T8"),
    rules.NotSuspended.code: ("paused", "trial:T16"),
    rules.NotTerminated.code: ("killed", "trial:T17"),
}
ROOM = "trial:X30"  # answers inside an isolated room, nothing extracted: also outside any contract


@dataclass(frozen=True)
class Data:
    """What is asked about, as the certificate's scope speaks of it."""

    sector: str
    classification: str


@dataclass(frozen=True)
class Agreed:
    """A signed contract in plain values. `starts` is its first moment, `ends` the first one after its last day.

    `clauses` gives the number of the clause behind each of the names below; `numbers` are all clauses of the text.
    """

    contract: str
    digest: str  # sha256:<hex> of the signed bytes
    provider: str
    buyer: str
    starts: datetime
    ends: datetime
    purpose: str
    territory: tuple[str, ...]
    min_group: int | None
    max_queries: int | None
    clauses: Mapping[str, str]
    numbers: tuple[str, ...]


def compile(
    base: Mapping[str, Any], data: Data, trial: Trial | None, now: datetime, agreed: Agreed | None = None
) -> dict[str, Any]:
    """The policy document for these data under this certificate and contract; `base` is the drafted document."""
    made = _Document(base)
    if agreed is not None:
        _contract(made, agreed)
    if trial is not None:
        _certificate(made, data, trial, now, agreed)
    if agreed is None:
        for field, value in (("export_ban", True), ("output.view_only", True)):
            made.tighten(field, value, ROOM, stricter=max)
        made.name("purposes", ROOM)
    made.document["clauses"] = dict(sorted(made.clauses.items()))
    bound = made.bound | ({agreed.clauses["trial"]} if agreed is not None and trial is not None else set())
    made.document["unenforced"] = [number for number in agreed.numbers if number not in bound] if agreed else []
    return made.document


def period(trial: Trial, now: datetime) -> tuple[datetime, datetime]:
    """The first moment of a certificate's first day, and the first one after the last day that is known at `now`."""
    if trial.valid_from is None:
        raise PolicyRefused("POLICY_INVALID", key="window")
    first, after = trial.valid_from, last_day(trial, now) + timedelta(days=1)
    return datetime.combine(first, time(), ZONE), datetime.combine(after, time(), ZONE)


class _Document:
    """A document on its way, with the clauses behind its fields and those that bind anything at all."""

    def __init__(self, base: Mapping[str, Any]) -> None:
        self.document: dict[str, Any] = copy.deepcopy(dict(base))
        self.clauses: dict[str, str] = {}
        self.bound: set[str] = set()

    def tighten(self, field: str, value: Any, clause: str, *, stricter: Any) -> None:
        """The stricter of what stands there and `value`; the clause stands behind the field when it is `value`."""
        section, _, name = field.rpartition(".")
        place = self.document.setdefault(section, {}) if section else self.document
        self.bound.add(clause)
        if name in place and stricter(place[name], value) != value:
            return
        place[name] = value
        self.clauses[field] = clause

    def put(self, field: str, value: Any, clause: str) -> None:
        """What the contract alone decides."""
        self.tighten(field, value, clause, stricter=lambda old, new: new)

    def name(self, field: str, clause: str) -> None:
        """A clause behind what stands there already, or behind a whole section."""
        self.bound.add(clause)
        self.clauses[field] = clause


def _contract(made: _Document, agreed: Agreed) -> None:
    by = agreed.clauses
    made.put("contract_id", agreed.contract, by["parties"])
    made.put("contract_hash", agreed.digest, by["parties"])
    made.put("provider", agreed.provider, by["parties"])
    made.put("buyer", agreed.buyer, by["parties"])
    made.name("dataset", by["data"])
    made.name("mode", by["licence"])
    made.put("window", {"from": agreed.starts.isoformat(), "to": agreed.ends.isoformat()}, by["starts"])
    made.put("purposes", [agreed.purpose], by["purpose"])
    made.name("columns", by["personal"])
    made.name("min_isolation_tier", by["security"])
    made.name("state", by["stop"])
    for field, value in (("export_ban", True), ("output.view_only", True)):
        made.tighten(field, value, by["delivery"], stricter=max)
    if agreed.min_group is not None:
        made.tighten("limits.min_group", agreed.min_group, by["min_group"], stricter=max)
    _questions(made, agreed)


def _questions(made: _Document, agreed: Agreed) -> None:
    """The number that was sold, whatever a room for trying gives away: neither more nor fewer."""
    total = UNLIMITED if agreed.max_queries is None else agreed.max_queries
    budgets = made.document.setdefault("budgets", {})
    budgets |= {"queries_total": total, "queries_per_day": total, "requests_total": REQUESTS_EACH * total}
    budgets.setdefault("concurrent", Budgets.concurrent)
    if agreed.max_queries is not None:
        for field in ("budgets.queries_total", "budgets.queries_per_day"):
            made.name(field, agreed.clauses["max_queries"])


def _certificate(made: _Document, data: Data, trial: Trial, now: datetime, agreed: Agreed | None) -> None:
    """The certificate's days (T2) cut the window; its territory (T7), scope (T8) and standing make the state."""
    if authorised(trial):
        for end, day in zip(("from", "to"), period(trial, now), strict=True):
            stands = moment(made.document["window"][end], f"window.{end}")
            if (day > stands if end == "from" else day < stands) or (day == stands and agreed is None):
                made.put(f"window.{end}", day.isoformat(), "trial:T2")
    places = agreed.territory if agreed is not None else ()
    action = rules.Action("query", data.sector, data.classification, places)
    for denied in rules.judge(trial, action, now):
        state, rule = STOPS.get(denied.code, ("open", ""))
        if STATES.index(state) > STATES.index(made.document.get("state", "open")):
            made.put("state", state, rule)
