"""The terms of a data licence: what both sides negotiate, sign and are held to.

The fields are those that Decree 314/2026/NĐ-CP Art. 8.2c asks of every offer (term, permitted purpose, territory,
exclusive or not, onward transfer, limits of intellectual property), with the price (Art. 6) and the caps that the
gate counts. `problems` says what may not be agreed and what would pass; it never changes a value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
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

# What each licence type may say about handing data on.
ONWARD_BY_LICENCE: Mapping[str, tuple[str, ...]] = {
    "L0": ("allowed",),
    "L1": ("none",),
    "L2": ("none",),
    "L3": ("none",),
    "L4": ("derived-only",),
    "L5": ("allowed",),
    "L6": ONWARD_TRANSFERS,
    "L7": ("none", "derived-only"),
    "L8": ("none", "derived-only"),
}

# Licence types under which the raw files never leave the exchange: answers only.
ANSWERS_ONLY = frozenset({"L1", "L2"})

MAX_TEXT = 2_000  # characters; a purpose longer than a page is a contract inside the contract
MAX_PRICE_VND = 10**15  # đồng; below 2^53, so exact in every JSON reader
INTERNAL_MONTHS = 12  # L3: own use for at most a year
MAX_YEARS = 50  # a rule of ours: what ends later ends never, and calendars end in 9999

_TERRITORY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")  # ISO 3166-1 alpha-2, or a subdivision of ISO 3166-2
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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
    """One clause that differs; values as they stand in the JSON form."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Terms:
    """The frozen conditions of one licence. Days are whole and inclusive, in Viet Nam; money is whole đồng."""

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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, every field present."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, value: object) -> Terms:
        """The terms a JSON object states; a missing, unknown or wrongly typed field is refused by name."""
        if not isinstance(value, dict):
            raise TermsError("TERMS_NOT_OBJECT", type=type(value).__name__)
        for name in value:
            if name not in _READERS:
                raise TermsError("TERMS_FIELD_UNKNOWN", field=str(name))
        for name in _READERS:
            if name not in value:
                raise TermsError("TERMS_FIELD_MISSING", field=name)
        return cls(**{name: read(name, value[name]) for name, read in _READERS.items()})

    @property
    def hash(self) -> str:
        """Digest of the canonical JSON: the name by which a move refers to the terms on the table."""
        return canonical.sha256_b64url(canonical.dumps(self.to_json()))

    def difference(self, other: Terms) -> tuple[Change, ...]:
        """Clause by clause, what `other` changes in these terms."""
        before, after = self.to_json(), other.to_json()
        return tuple(Change(name, before[name], after[name]) for name in before if before[name] != after[name])


def problems(terms: Terms, now: datetime, *, cross_border_cleared: bool = False) -> list[Denied]:
    """Everything in the terms that may not be agreed, at `now`. Empty means they may be offered."""
    found = [*_text_problems(terms), *_term_problems(terms, now), *_price_problems(terms), *_limit_problems(terms)]
    found += _territory_problems(terms, cross_border_cleared)
    if terms.licence not in LICENCES:
        found.append(_denied("LICENCE_UNKNOWN", "licence", terms.licence, ", ".join(LICENCES), "X9"))
    else:
        found += _licence_problems(terms)
    return found


def today(now: datetime) -> date:
    """The day in Viet Nam at an aware moment."""
    if now.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return now.astimezone(VIETNAM).date()


def first_moment(day: date) -> datetime:
    """Midnight in Viet Nam with which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM)


def _denied(code: str, field: str, value: Fact, passes: Fact, basis: str) -> Denied:
    return Denied(code, {"field": field, "value": value, "passes": passes}, basis)


def _text_problems(terms: Terms) -> Iterator[Denied]:
    for name in ("purpose", "scenario", "ip_limits"):
        text: str = getattr(terms, name)
        if not text.strip():
            if name == "ip_limits":
                yield _denied("LICENCE_TERMS_MISSING", name, text, "1", "X9, 314/2026/NĐ-CP 8.2c")
            else:
                yield _denied("NO_SCENARIO", name, text, "1", "X31, 314/2026/NĐ-CP 8.1b")
        elif len(text) > MAX_TEXT:
            yield _denied("TEXT_TOO_LONG", name, len(text), MAX_TEXT, "X9")
        elif (sign := _refused_sign(text)) is not None:
            yield _denied("TEXT_SIGN_REFUSED", name, sign, "NFC", "X9")


def _refused_sign(text: str) -> str | None:
    """The first sign that could make the text read otherwise than it is stored, as U+XXXX."""
    for sign in text:
        if sign in _BIDI_CONTROLS or (unicodedata.category(sign) in ("Cc", "Cs", "Co") and sign != "\n"):
            return f"U+{ord(sign):04X}"
    if not unicodedata.is_normalized("NFC", text):
        composed = unicodedata.normalize("NFC", text)
        return next((f"U+{ord(a):04X}" for a, b in zip(text, composed, strict=False) if a != b), "U+0300")
    return None


def _territory_problems(terms: Terms, cross_border_cleared: bool) -> Iterator[Denied]:
    if not terms.territory:
        yield _denied("LICENCE_TERMS_MISSING", "territory", "", "VN", "X9, 314/2026/NĐ-CP 8.2c")
    if len(set(terms.territory)) != len(terms.territory):
        yield _denied("TERRITORY_REPEATED", "territory", ", ".join(terms.territory), 1, "X9")
    for code in terms.territory:
        if not _TERRITORY.fullmatch(code):
            yield _denied("TERRITORY_UNKNOWN", "territory", code, "VN, VN-SG", "X9")
        elif code.partition("-")[0] != "VN" and not cross_border_cleared:
            yield _denied("CROSS_BORDER_NOT_CLEARED", "territory", code, "VN", "X20, 165/2025/NĐ-CP 12")


def _term_problems(terms: Terms, now: datetime) -> Iterator[Denied]:
    current = today(now)
    if terms.ends < terms.starts:
        yield _denied("ENDS_BEFORE_START", "ends", terms.ends.isoformat(), terms.starts.isoformat(), "X9")
    elif terms.ends < current:
        yield _denied("ENDS_IN_PAST", "ends", terms.ends.isoformat(), current.isoformat(), "X9")
    elif terms.licence == "L3" and terms.ends > (limit := _months_later(terms.starts, INTERNAL_MONTHS)):
        yield _denied("TERM_TOO_LONG", "ends", terms.ends.isoformat(), limit.isoformat(), "L3")
    elif terms.ends > (latest := date(current.year + MAX_YEARS, 12, 31)):
        yield _denied("ENDS_TOO_FAR", "ends", terms.ends.isoformat(), latest.isoformat(), "X9")


def _months_later(day: date, months: int) -> date:
    """The last day of a period of whole months that begins on `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    following = date(year, month + 1, 1) + timedelta(days=day.day - 1)
    if following.month != month + 1:  # the 31st of a month that has 30 days
        following = following.replace(day=1)
    return following - timedelta(days=1)


def _price_problems(terms: Terms) -> Iterator[Denied]:
    if terms.price_vnd < 0:
        yield _denied("PRICE_NEGATIVE", "price_vnd", terms.price_vnd, 0, "X27, 314/2026/NĐ-CP 6")
    elif terms.price_vnd > MAX_PRICE_VND:
        yield _denied("PRICE_TOO_LARGE", "price_vnd", str(terms.price_vnd), MAX_PRICE_VND, "X27, 314/2026/NĐ-CP 6")
    elif terms.licence == "L0" and terms.price_vnd:
        yield _denied("OPEN_LICENCE_PRICED", "price_vnd", terms.price_vnd, 0, "L0, 60/2024/QH15 3.4")


def _limit_problems(terms: Terms) -> Iterator[Denied]:
    for name, least in (("max_deliveries", 1), ("max_queries", 1), ("min_group", 2)):
        limit: int | None = getattr(terms, name)
        if limit is not None and not least <= limit < 2**31:
            yield _denied("LIMIT_REFUSED", name, str(limit), least, "X9")


def _licence_problems(terms: Terms) -> Iterator[Denied]:
    licence = terms.licence
    onward = ONWARD_BY_LICENCE[licence]
    if terms.onward_transfer not in onward:
        basis = f"{licence}, 314/2026/NĐ-CP 8.2c"
        yield _denied("ONWARD_TRANSFER_REFUSED", "onward_transfer", terms.onward_transfer, ", ".join(onward), basis)
    if terms.exclusive != (licence == "L6"):
        yield _denied("EXCLUSIVE_MISMATCH", "exclusive", terms.exclusive, licence == "L6", "L6")
    if licence in ANSWERS_ONLY and terms.max_deliveries is not None:
        yield _denied("DELIVERY_NOT_IN_LICENCE", "max_deliveries", terms.max_deliveries, None, licence)
    if licence == "L2":
        for name, least in (("max_queries", 1), ("min_group", 2)):
            if getattr(terms, name) is None:
                yield _denied("LIMIT_MISSING", name, None, least, "L2")
    if licence == "L0" and not terms.attribution:
        yield _denied("ATTRIBUTION_REQUIRED", "attribution", False, True, "L0")


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
}
