"""The terms of a data licence: what both sides negotiate, sign and are held to.

The fields are those that Decree 314/2026/NĐ-CP Art. 8.2c asks of every offer (term, permitted purpose, territory,
exclusive or not, onward transfer, limits of intellectual property), with the price (Art. 6), the caps that the gate
counts, and what parties add to the 22 clauses of a usage contract. What may not be agreed is
said by problems.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta, timezone
from typing import Any

from contracts import canonical
from contracts.errors import ContractsError, Fact

# Asia/Ho_Chi_Minh has kept UTC+7 without daylight saving since 1975: a fixed offset needs no time-zone database.
VIETNAM = timezone(timedelta(hours=7))

LICENCES = ("L0", "L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8")
ONWARD_TRANSFERS = ("none", "derived-only", "allowed")
VAT = ("excluded", "included")  # whether the price holds the value-added tax
FORUMS = ("court", "viac")  # the competent court, or the Vietnam International Arbitration Centre

# Licence types under which the raw files never leave the exchange: answers only.
ANSWERS_ONLY = frozenset({"L1", "L2"})

MAX_PRICE_VND = 10**15  # đồng; below 2^53, so exact in every JSON reader
DELETION_DAYS = 30  # for the proof of deletion, where nothing else is agreed

# Periods of time, and in what they are counted.
PERIODS: Mapping[str, str] = {
    **dict.fromkeys(("payment_days", "report_days", "update_days", "acceptance_days"), "days"),
    **dict.fromkeys(("audit_days", "deletion_days"), "days"),
    **dict.fromkeys(("max_hours", "incident_hours"), "hours"),
}

# Field -> the clause of the contract that states it (contracts.clauses numbers them from 1 to 22).
CLAUSE_OF: Mapping[str, int] = {
    **{"licence": 4, "attribution": 4, "starts": 5, "ends": 5, "purpose": 6, "scenario": 6, "territory": 7},
    **{"exclusive": 8, "onward_transfer": 9, "report_days": 9, "ip_limits": 10},
    **{"price_vnd": 11, "vat": 11, "payment_days": 11, "royalty_percent": 11, "update_days": 12},
    **{"max_deliveries": 13, "max_queries": 13, "min_group": 13, "max_hours": 13, "acceptance_days": 13},
    **{"personal_data": 14, "personal_basis": 14, "audit_days": 18, "incident_hours": 19, "deletion_days": 20},
    **{"liability_cap_vnd": 21, "penalty_percent": 21, "dispute_forum": 21},
}


class TermsError(ContractsError):
    """The JSON is not a set of terms: a field is missing, unknown or of the wrong type."""


@dataclass(frozen=True)
class Denied:
    """A refusal as a value: a stable code, the facts a sentence needs, and the rule or article it rests on."""

    code: str
    facts: Mapping[str, Fact]
    basis: str = ""


@dataclass(frozen=True)
class Change:
    """One field that differs; values as they stand in the JSON form."""

    field: str
    before: Any
    after: Any

    @property
    def clause(self) -> int:
        """The number of the clause that states the field, 1 to 22."""
        return CLAUSE_OF[self.field]


@dataclass(frozen=True)
class Terms:
    """The frozen conditions of one licence. Days are whole and inclusive, in Viet Nam; money is whole đồng.

    From `vat` on, the fields are what parties may add: None or the default leaves the clause as it always reads.
    """

    licence: str
    purpose: str
    scenario: str
    territory: tuple[str, ...]
    starts: date
    ends: date
    exclusive: bool
    onward_transfer: str
    ip_limits: str
    price_vnd: int
    max_deliveries: int | None = None
    max_queries: int | None = None
    min_group: int | None = None
    attribution: bool = False
    vat: str = "excluded"
    payment_days: int | None = None  # days after the contract's record in the log
    royalty_percent: int | None = None  # of what the buyer earns with derived or redistributed data
    report_days: int | None = None  # every so many days the buyer reports who received the data
    update_days: int | None = None  # the seller offers an updated version at least every so many days
    max_hours: int | None = None  # from the first use of the test room
    acceptance_days: int | None = None  # after a delivery, for the buyer to object
    personal_data: str = ""  # whose and which personal data pass, lawfully and outside the exchange
    personal_basis: str = ""  # the lawful basis of that
    audit_days: int | None = None  # days of notice with which the seller may inspect the use
    incident_hours: int | None = None  # None: at once
    deletion_days: int = DELETION_DAYS  # after the end
    liability_cap_vnd: int | None = None
    penalty_percent: int | None = None  # of the value of the duty that was broken
    dispute_forum: str = "court"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, one spelling: what parties may add stands in it only where they added it.

        So terms that were agreed before such a field existed keep their bytes and their hash.
        """
        return {name: value for name, value in self._plainly().items() if name not in ADDED or ADDED[name] != value}

    def _plainly(self) -> dict[str, Any]:
        return {name: _plain(getattr(self, name)) for name in _READERS}

    @classmethod
    def from_json(cls, value: object) -> Terms:
        """The terms a JSON object states; a missing, unknown or wrongly typed field is refused by name.

        A field that parties may add can be left out, or be there with its default.
        """
        if not isinstance(value, dict):
            raise TermsError("TERMS_NOT_OBJECT", type=type(value).__name__)
        for name in value:
            if name not in _READERS:
                raise TermsError("TERMS_FIELD_UNKNOWN", field=str(name))
        for name in _READERS:
            if name not in value and name not in ADDED:
                raise TermsError("TERMS_FIELD_MISSING", field=name)
        return cls(**{name: read(name, value[name]) for name, read in _READERS.items() if name in value})

    @property
    def hash(self) -> str:
        """Digest of the canonical JSON: the name by which a move refers to the terms on the table."""
        return canonical.sha256_b64url(canonical.dumps(self.to_json()))

    def difference(self, other: Terms) -> tuple[Change, ...]:
        """Clause by clause, in the order of the contract, what `other` changes in these terms."""
        before, after = self._plainly(), other._plainly()
        return tuple(Change(name, before[name], after[name]) for name in CLAUSE_OF if before[name] != after[name])


def today(now: datetime) -> date:
    """The day in Viet Nam at an aware moment."""
    if now.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return now.astimezone(VIETNAM).date()


def first_moment(day: date) -> datetime:
    """Midnight in Viet Nam with which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM)


def _plain(value: object) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _wrong(name: str, value: object, expected: str) -> TermsError:
    return TermsError("TERMS_FIELD_WRONG", field=name, value=str(value)[:80], passes=expected)


def _read_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "text")
    return value


def _read_texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(name, value, "list of text")
    return tuple(_read_text(name, item) for item in value)


def _read_flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "true, false")
    return value


def _read_whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, value, "whole number")
    return value


def _read_limit(name: str, value: object) -> int | None:
    return None if value is None else _read_whole(name, value)


def _read_day(name: str, value: object) -> date:
    text = _read_text(name, value)
    with suppress(ValueError):
        if (day := date.fromisoformat(text)).isoformat() == text:  # week dates and others have a second spelling
            return day
    raise _wrong(name, value, "YYYY-MM-DD")


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "licence": _read_text,
    "purpose": _read_text,
    "scenario": _read_text,
    "territory": _read_texts,
    "starts": _read_day,
    "ends": _read_day,
    "exclusive": _read_flag,
    "onward_transfer": _read_text,
    "ip_limits": _read_text,
    "price_vnd": _read_whole,
    "max_deliveries": _read_limit,
    "max_queries": _read_limit,
    "min_group": _read_limit,
    "attribution": _read_flag,
    "vat": _read_text,
    "payment_days": _read_limit,
    "royalty_percent": _read_limit,
    "report_days": _read_limit,
    "update_days": _read_limit,
    "max_hours": _read_limit,
    "acceptance_days": _read_limit,
    "personal_data": _read_text,
    "personal_basis": _read_text,
    "audit_days": _read_limit,
    "incident_hours": _read_limit,
    "deletion_days": _read_whole,
    "liability_cap_vnd": _read_limit,
    "penalty_percent": _read_limit,
    "dispute_forum": _read_text,
}

# What parties may add to the terms of the first edition -> its value while they do not.
ADDED: Mapping[str, Any] = {field.name: field.default for field in fields(Terms)[list(_READERS).index("vat") :]}
