"""The numbers of a trial's report: which records each counts, and how (see sandbox.report)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Detail = int | str | bool


@dataclass(frozen=True)
class Record:
    """One record of the log, as far as a report reads it; `digests` are those of contracts, listings and so on."""

    index: int
    id: str
    type: str
    at_ms: int
    actor: str
    on: tuple[str, ...]
    details: Mapping[str, Detail]
    digests: Mapping[str, str] = field(default_factory=dict)

    def subject(self, kind: str) -> str:
        """The first subject of this kind, or nothing."""
        return next((each for each in self.on if each.startswith(f"{kind}:")), "")


@dataclass(frozen=True)
class Line:
    """One number of the report: of which records, and what is done with them."""

    name: str
    types: tuple[str, ...]
    fold: str = "count"
    of: str = ""
    by: str = ""
    where: tuple[tuple[str, Detail], ...] = ()
    own: bool = False  # of this trial only; the other records are the market's, which the certificate governs
    ever: bool = False  # from the log's first record on, not from the period's

    def begin(self, from_ms: int, before_ms: int, trial: str) -> "Tally":
        """A count of nothing yet; the two moments are those of the period, milliseconds since 1970 UTC."""
        return Tally(self, 0 if self.ever else from_ms, before_ms, trial)


_BUYING = ("access.requested", "access.accepted", "testroom.opened", "query.run")
_SELLING = ("listing.submitted", "access.offered", "contract.agreed")
_OFFERS = ("listing.published", "listing.changed", "listing.withdrawn")

NUMBERS: tuple[Line, ...] = (
    Line("members", ("trial.enrolled", "trial.left"), "standing", "org", own=True, ever=True),
    Line("members_joined", ("trial.enrolled",), "subjects", "org", own=True),
    Line("members_left", ("trial.left",), by="kind", own=True),
    Line("members_acting", (*_BUYING, *_SELLING), "actors"),
    Line("buyers", _BUYING, "actors"),
    Line("sellers", _SELLING, "actors"),
    Line("listings_submitted", ("listing.submitted",), "subjects", "listing"),
    Line("listings_published", ("listing.published",), "subjects", "listing"),
    Line("listings_returned", ("listing.returned",)),
    Line("listings_suspended", ("listing.changed",), where=(("state", "suspended"),)),
    Line("listings_withdrawn", ("listing.withdrawn",)),
    Line("requests", ("access.requested",)),
    Line("requests_answered", ("access.offered", "contract.agreed"), "subjects", "negotiation"),
    Line("negotiations_ended", ("negotiation.terminated",), by="reason"),
    Line("contracts_agreed", ("contract.agreed",)),
    Line("contracts_active", ("contract.active",)),
    Line("contracts_suspended", ("contract.suspended",)),
    Line("contracts_ended", ("contract.ended",), by="reason"),
    Line("duties_disputed", ("duty.disputed",)),
    Line("deliveries", ("delivery.made",)),
    Line("delivered_bytes", ("delivery.made",), "sum", "bytes"),
    Line("deliveries_refused", ("delivery.refused",), by="code"),
    Line("rooms", ("testroom.opened",), own=True),
    Line("queries", ("query.run",)),
    Line("queries_charged", ("query.run",), where=(("charged", True),)),
    Line("queries_refused", ("query.refused",), by="code"),
    Line("acts_refused", ("trial.refused",), by="rules", own=True),
    Line("looks", ("audit.looked",)),
    Line("evidence", ("evidence.exported",)),
)
ON_OFFER = Line("listings", _OFFERS, "standing", "listing", ever=True)
MONEY = Line("money", ("contract.active",))
AGREED = Line("total_vnd", ("contract.agreed",))
GIVEN_UP = tuple(  # before both sides had signed, or in favour of a document with other keys
    Line(reason, ("contract.ended",), where=(("reason", reason),)) for reason in ("unsigned", "redrawn")
)
INCIDENTS = ("incident.found", "incident.assessed", "incident.reported", "incident.closed")
EVENTS = ("trial.granted", "trial.changed", "trial.reported", *INCIDENTS)
LINES = (*NUMBERS, ON_OFFER, MONEY, AGREED, *GIVEN_UP)
TYPES = frozenset({each for line in LINES for each in line.types} | set(EVENTS))  # what a report reads at all

# Whether a record leaves its subject there or gone; a change of a listing that says nothing of it changes nothing.
OPENS: Mapping[str, Callable[[Record], bool | None]] = {
    "trial.enrolled": lambda _record: True,
    "trial.left": lambda record: record.details.get("kind") == "readmitted",
    "listing.published": lambda _record: True,
    "listing.withdrawn": lambda _record: False,
    "listing.changed": lambda record: record.details["state"] == "published" if "state" in record.details else None,
}


@dataclass
class Tally:
    """A line being counted."""

    line: Line
    from_ms: int
    before_ms: int
    trial: str
    count: int = 0
    first: int | None = None
    last: int | None = None
    total: int = 0
    seen: dict[str, bool] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def takes(self, record: Record) -> bool:
        """Whether the record is one of those that the line means."""
        line = self.line
        return (
            self.from_ms <= record.at_ms < self.before_ms
            and record.type in line.types
            and (not line.own or self.trial in record.on)
            and all(record.details.get(name) == value for name, value in line.where)
        )

    def add(self, record: Record) -> None:
        """Count it in; records come in the order of the log."""
        line = self.line
        self.count += 1
        self.first, self.last = record.index if self.first is None else self.first, record.index
        if line.by:
            for key in str(record.details.get(line.by, "")).split() or [""]:
                self.rows[key] = self.rows.get(key, 0) + 1
        if line.fold == "sum":
            self.total += int(record.details.get(line.of, 0))
        elif line.fold == "subjects":
            self.seen[record.subject(line.of)] = True
        elif line.fold == "actors":
            self.seen[record.actor] = record.actor.startswith("org:")
        elif line.fold == "standing":
            opens = OPENS[record.type](record)
            if opens is not None:
                self.seen[record.subject(line.of)] = opens

    @property
    def value(self) -> int:
        """The number."""
        if self.line.fold == "count":
            return self.count
        return self.total if self.line.fold == "sum" else sum(self.seen.values())

    def records(self) -> dict[str, Any]:
        """Where the number comes from, by the module's description."""
        line = self.line
        return {
            "types": list(line.types), "where": dict(line.where), "about": self.trial if line.own else "",
            "from_ms": self.from_ms, "before_ms": self.before_ms, "fold": line.fold, "of": line.of, "by": line.by,
            "count": self.count, "first": self.first, "last": self.last,
        }  # fmt: skip

    def shown(self) -> dict[str, Any]:
        """The number as the report holds it."""
        rows = [{"key": key, "value": self.rows[key]} for key in sorted(self.rows)]
        return {"name": self.line.name, "value": self.value, "rows": rows, "records": self.records()}
