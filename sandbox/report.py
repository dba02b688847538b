"""The report of a trial, periodic or at its exit: what the log's records say about a period, as plain data.

    {"v":1,"kind":"periodic","trial":{...},"period":{"from":"2026-11-01","until":"2027-04-30"},
     "log":{"origin":"...","size":944,"root":"..."},"made_ms":...,
     "numbers":[{"name":"requests","value":4,"rows":[],"records":{...}}],"money":{...},"caps":[...],
     "incidents":[...],"events":[...],"deviations":[...]}

Every number names the records it comes from, so that whoever has the log can count again:

    "records":{"types":["query.refused"],"where":{},"about":"","from_ms":...,"before_ms":...,"fold":"count","of":"",
               "by":"code","count":7,"first":17,"last":803}

A record is meant when its index is below the tree's size, its time `at` is `from_ms` or later and before `before_ms`,
its type is one of `types`, its details hold every pair of `where`, and `about`, unless empty, is among its subjects.
`count`, `first` and `last` say how many those are and the indexes of the outermost two. `fold` says what was done:

`count`     their number.
`sum`       the sum of the detail `of`.
`subjects`  how many different subjects of the kind `of` they speak of.
`actors`    how many different organisations did them.
`standing`  how many subjects of the kind `of` the last record about each leaves there (see OPENS): who takes part,
            what is on offer.
`by`        unless empty, the detail by whose values `rows` splits the count.

Money is not in the records: they hold the digest of the contract's document, and the price is read there. Nothing
here reads a clock; the same records give the same report. The operator's own words are added by whoever submits it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sandbox.denials import SandboxError
from sandbox.report_lines import (
    AGREED,
    EVENTS,
    GIVEN_UP,
    INCIDENTS,
    LINES,
    MONEY,
    NUMBERS,
    ON_OFFER,
    Detail,
    Record,
    Tally,
)
from sandbox.trial import ZONE, Trial

VERSION = 1
PERIODIC, EXIT = "periodic", "exit"
KINDS = (PERIODIC, EXIT)


class ReportIncomplete(SandboxError):
    """A record names a contract whose document is not there, so its money cannot be counted."""


@dataclass(frozen=True)
class Deal:
    """What a contract's document says that its record does not: price in đồng, and the sector of what was sold."""

    price_vnd: int
    sector: str


@dataclass(frozen=True)
class About:
    """What the report is about: the period (both days included), the signed head, when the trial was recorded and, if
    it was ended before its last day, when."""

    kind: str
    trial_id: str
    first: date
    last: date
    origin: str
    size: int
    root: str
    granted_ms: int
    made_ms: int
    ended_ms: int | None = None

    @property
    def from_ms(self) -> int:
        """The first moment of the period, milliseconds since 1970 UTC."""
        return moment_ms(self.first)

    @property
    def before_ms(self) -> int:
        """The first moment after it."""
        return moment_ms(self.last + timedelta(days=1))

    @property
    def governed_ms(self) -> tuple[int, int]:
        """The part of the period in which this certificate judged the market, its end not included.

        An act of before it was recorded, or of after the trial was ended, is judged by another certificate or by none.
        """
        over = self.before_ms if self.ended_ms is None else min(self.before_ms, self.ended_ms)
        return max(self.from_ms, self.granted_ms), over


def moment_ms(day: date) -> int:
    """The first moment of a Vietnamese day, milliseconds since 1970 UTC."""
    return int(datetime.combine(day, time(), ZONE).timestamp() * 1000)


def build(trial: Trial, about: About, records: Iterable[Record], deals: Mapping[str, Deal]) -> dict[str, Any]:
    """The report. `records` are those of TYPES in the order of the log; `deals` by the digest of the document."""
    trial_name = f"trial:{about.trial_id}"
    whole, governed = (about.from_ms, about.before_ms), about.governed_ms
    tallies = {line.name: line.begin(*(whole if line.own else governed), trial_name) for line in LINES}
    for line in (AGREED, *GIVEN_UP):
        tallies[line.name].from_ms = about.granted_ms
    by_type: dict[str, list[Tally]] = {}
    for tally in tallies.values():
        for each in tally.line.types:
            by_type.setdefault(each, []).append(tally)
    kept: dict[str, list[Record]] = {}
    for record in records:
        if record.index >= about.size or record.at_ms >= about.before_ms:
            continue
        for tally in by_type.get(record.type, ()):
            if tally.takes(record):
                tally.add(record)
                if tally.line.name in _WITH_MONEY:
                    kept.setdefault(tally.line.name, []).append(record)
        if record.type in EVENTS and trial_name in record.on:
            kept.setdefault("events", []).append(record)
    return _document(trial, about, tallies, kept, deals)


_WITH_MONEY = frozenset({MONEY.name, AGREED.name, *(line.name for line in GIVEN_UP)})


def _document(
    trial: Trial,
    about: About,
    tallies: Mapping[str, Tally],
    kept: Mapping[str, list[Record]],
    deals: Mapping[str, Deal],
) -> dict[str, Any]:
    caps = _caps(trial, tallies, kept, deals)
    incidents = _incidents(about, kept.get("events", []), trial.profile.incident_hours)
    events = [record for record in kept.get("events", []) if record.at_ms >= about.from_ms]
    return {
        "v": VERSION,
        "kind": about.kind,
        "trial": _trial(trial, about),
        "period": {"from": about.first.isoformat(), "until": about.last.isoformat()},
        "log": {"origin": about.origin, "size": about.size, "root": about.root},
        "made_ms": about.made_ms,
        "numbers": [tallies[line.name].shown() for line in NUMBERS],
        "money": _money(tallies[MONEY.name], kept.get(MONEY.name, []), deals),
        "caps": caps,
        "incidents": incidents,
        "events": [_event(record) for record in events],
        "deviations": [*_late_reports(events), *_late_incidents(incidents), *_over(caps), *_suspensions(events)],
    }


def _trial(trial: Trial, about: About) -> dict[str, Any]:
    return {
        "id": about.trial_id, "cert_no": trial.cert_no, "authority": trial.authority, "level": trial.level,
        "valid_from": trial.valid_from.isoformat() if trial.valid_from else "",
        "valid_to": trial.valid_to.isoformat() if trial.valid_to else "",
        "sectors": list(trial.sectors), "classes": list(trial.classes), "territory": list(trial.territory),
        "question": trial.question, "measure": trial.measure, "safeguards": list(trial.safeguards),
        "profile": trial.profile.name,
    }  # fmt: skip


# --- money and limits ---------------------------------------------------------------------------------------------


def _deal(record: Record, deals: Mapping[str, Deal]) -> Deal:
    digest = record.digests.get("contract", "")
    if digest not in deals:
        raise ReportIncomplete(f"record {record.index} names {digest}")
    return deals[digest]


def _money(tally: Tally, records: Iterable[Record], deals: Mapping[str, Deal]) -> dict[str, Any]:
    """Value of the contracts that came into force in the period, by sector."""
    sectors: dict[str, list[int]] = {}
    for record in records:
        deal = _deal(record, deals)
        sectors.setdefault(deal.sector, []).append(deal.price_vnd)
    rows = [{"sector": name, "contracts": len(sectors[name]), "vnd": sum(sectors[name])} for name in sorted(sectors)]
    return {"vnd": sum(map(sum, sectors.values())), "rows": rows, "records": tally.records()}


def _caps(
    trial: Trial, tallies: Mapping[str, Tally], kept: Mapping[str, list[Record]], deals: Mapping[str, Deal]
) -> list[dict[str, Any]]:
    """T9 at the end of the period: used and limit. A contract that was given up unsigned uses nothing."""
    given_up = {record.subject("contract") for line in GIVEN_UP for record in kept.get(line.name, [])}
    prices = [
        _deal(record, deals).price_vnd
        for record in kept.get(AGREED.name, [])
        if record.subject("contract") not in given_up
    ]
    caps = trial.caps
    agreed = tallies[AGREED.name].records() | {"without": [tallies[line.name].records() for line in GIVEN_UP]}
    found = (
        ("members", tallies["members"].value, caps.max_members, tallies["members"].records()),
        ("listings", tallies[ON_OFFER.name].value, caps.max_listings, tallies[ON_OFFER.name].records()),
        ("tx_vnd", max(prices, default=0), caps.max_tx_vnd, agreed),
        ("total_vnd", sum(prices), caps.max_total_vnd, agreed),
    )
    return [{"cap": cap, "used": used, "limit": limit, "records": records} for cap, used, limit, records in found]


# --- incidents, events, deviations --------------------------------------------------------------------------------


def _incidents(about: About, records: Iterable[Record], hours: int) -> list[dict[str, Any]]:
    """T13: those found in the period, and older ones that were open in it, by the time of their detection."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        name = record.subject("incident")
        if record.type == "incident.found":
            found[name] = _found(name, record)
        elif record.type in INCIDENTS and name in found:
            found[name] |= _follows(record)
    shown = []
    for one in found.values():
        if one["closed"] is not None and one["closed"]["at_ms"] < about.from_ms:
            continue
        due = one["detected_ms"] + hours * 3_600_000
        known = about.before_ms if one["reported"] is None else one["reported"]["at_ms"]
        owed = one["severity"] == "serious" and one["confirmed"]
        shown.append({**one, "due_ms": due if owed else None, "late": owed and min(known, about.made_ms) > due})
    return sorted(shown, key=lambda one: (one["detected_ms"], one["id"]))


def _found(name: str, record: Record) -> dict[str, Any]:
    details = record.details
    return {
        "id": name.partition(":")[2],
        "severity": str(details.get("severity", "")), "code": str(details.get("code", "")),
        "confirmed": details.get("confirmed") is True, "detected_ms": int(details.get("detected_ms", 0)),
        "found": _place(record), "reported": None, "closed": None,
    }  # fmt: skip


def _follows(record: Record) -> dict[str, Any]:
    """What a later record about an incident changes."""
    if record.type == "incident.assessed":
        return {"severity": str(record.details.get("severity", "")), "confirmed": True}
    return {record.type.partition(".")[2]: _place(record)}


def _place(record: Record) -> dict[str, int]:
    return {"index": record.index, "at_ms": record.at_ms}


def _event(record: Record) -> dict[str, Any]:
    kind = str(record.details.get("kind", ""))
    return {**_place(record), "type": record.type, "kind": kind}


def _late_reports(events: Iterable[Record]) -> list[dict[str, Any]]:
    late = [record for record in events if record.type == "trial.reported" and record.details.get("late") is True]
    return [_deviation("REPORT_OVERDUE", record.index, until=str(record.details.get("until", ""))) for record in late]


def _late_incidents(incidents: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        _deviation("INCIDENT_REPORT_LATE", one["found"]["index"], incident=one["id"])
        for one in incidents
        if one["late"]
    ]


def _over(caps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        _deviation("TRIAL_CAP_EXCEEDED", cap["records"]["last"], cap=cap["cap"], used=cap["used"], limit=cap["limit"])
        for cap in caps
        if cap["used"] > cap["limit"]
    ]


def _suspensions(events: Iterable[Record]) -> list[dict[str, Any]]:
    stops = {"suspended": "TRIAL_SUSPENDED", "terminated": "TRIAL_TERMINATED"}
    found = [(stops.get(str(record.details.get("kind", ""))), record.index) for record in events]
    return [_deviation(code, index) for code, index in found if code is not None]


def _deviation(code: str, index: int | None, **facts: Detail) -> dict[str, Any]:
    return {"code": code, "index": index, "facts": facts}
