"""What may not be agreed in the terms of a data licence, and what would pass. Nothing here changes a value.

Each problem is a `Denied`: a stable code, the field, the value refused, what passes, and the rule or article.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from contracts.errors import Fact
from contracts.terms import (
    ADDED,
    ANSWERS_ONLY,
    FORUMS,
    LICENCES,
    MAX_PRICE_VND,
    ONWARD_TRANSFERS,
    VAT,
    Denied,
    Terms,
    today,
)

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

# Limits without which a licence type may not be agreed, and additions that only some types have a use for.
NEEDED_BY_LICENCE: Mapping[str, tuple[str, ...]] = {"L1": ("max_hours",), "L2": ("max_queries", "min_group")}
ONLY_IN_LICENCE: Mapping[str, tuple[str, ...]] = {
    "max_hours": ("L1",),
    "royalty_percent": ("L4", "L5", "L6"),
    "report_days": ("L5", "L6"),
    "acceptance_days": ("L0", "L3", "L4", "L5", "L6", "L7", "L8"),
    "deletion_days": ("L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8"),
}

MAX_TEXT = 2_000  # characters; a purpose longer than a page is a contract inside the contract
INTERNAL_MONTHS = 12  # L3: own use for at most a year
MAX_YEARS = 50  # a rule of ours: what ends later ends never, and calendars end in 9999
_COUNT = 2**31 - 1

# Each number and the bounds it must keep. 72 hours: Law 91/2025/QH15 Art. 23.1; 8 %: Commercial Law 36/2005/QH11
# Art. 301. The others are limits of ours, so that no duty is put off beyond use.
BOUNDS: Mapping[str, tuple[int, int]] = {
    "max_deliveries": (1, _COUNT),
    "max_queries": (1, _COUNT),
    "min_group": (2, _COUNT),
    "max_hours": (1, 8_760),
    "payment_days": (0, 180),
    "royalty_percent": (1, 100),
    "report_days": (1, 366),
    "update_days": (1, 366),
    "acceptance_days": (1, 90),
    "audit_days": (1, 90),
    "incident_hours": (1, 72),
    "deletion_days": (1, 90),
    "liability_cap_vnd": (1, MAX_PRICE_VND),
    "penalty_percent": (1, 8),
}

_BOUND_BASIS = {"incident_hours": "91/2025/QH15 23.1", "penalty_percent": "36/2005/QH11 301"}

_TERRITORY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")  # ISO 3166-1 alpha-2, or a subdivision of ISO 3166-2
# Signs that nobody sees: bidi controls, zero-width spaces, soft hyphens. Joiners belong to the letters beside them.
_UNSEEN, _JOINERS = ("Cc", "Cf", "Cs", "Co"), "\u200c\u200d"


def problems(terms: Terms, now: datetime, *, cross_border_cleared: bool = False) -> list[Denied]:
    """Everything in the terms that may not be agreed, at `now`. Empty means they may be offered."""
    found = [*_text_problems(terms), *_term_problems(terms, now), *_price_problems(terms), *_limit_problems(terms)]
    found += [*_choice_problems(terms), *_money_problems(terms), *_personal_problems(terms)]
    found += _territory_problems(terms, cross_border_cleared)
    if terms.licence not in LICENCES:
        found.append(_denied("LICENCE_UNKNOWN", "licence", terms.licence, ", ".join(LICENCES), "X9"))
    else:
        found += _licence_problems(terms)
    return found


def _denied(code: str, field: str, value: Fact, passes: Fact, basis: str) -> Denied:
    return Denied(code, {"field": field, "value": value, "passes": passes}, basis)


def _text_problems(terms: Terms) -> Iterator[Denied]:
    for name in ("purpose", "scenario", "ip_limits", "personal_data", "personal_basis"):
        text: str = getattr(terms, name)
        if not text and name in ADDED:
            continue
        if not text.strip():
            if name not in ("purpose", "scenario"):
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
        if unicodedata.category(sign) in _UNSEEN and sign not in "\n" + _JOINERS:
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
    for name, (least, most) in BOUNDS.items():
        limit: int | None = getattr(terms, name)
        if limit is not None and limit < least:
            yield _denied("LIMIT_REFUSED", name, str(limit), least, "X9")
        elif limit is not None and limit > most:
            yield _denied("LIMIT_TOO_LARGE", name, str(limit), most, _BOUND_BASIS.get(name, "X9"))


def _choice_problems(terms: Terms) -> Iterator[Denied]:
    for name, choices in (("vat", VAT), ("dispute_forum", FORUMS)):
        if getattr(terms, name) not in choices:
            yield _denied("CHOICE_UNKNOWN", name, getattr(terms, name), ", ".join(choices), "X9")


def _money_problems(terms: Terms) -> Iterator[Denied]:
    """What makes sense only where something is paid."""
    if terms.price_vnd == 0:
        for name, nothing in (("vat", "excluded"), ("payment_days", None), ("penalty_percent", None)):
            if getattr(terms, name) != nothing:
                yield _denied("NOTHING_TO_PAY", name, getattr(terms, name), nothing, "X27, 314/2026/NĐ-CP 6")


def _personal_problems(terms: Terms) -> Iterator[Denied]:
    """Personal data are never sold: what passes lawfully passes free of charge and no further (X14)."""
    if bool(terms.personal_data) != bool(terms.personal_basis):
        name = "personal_basis" if terms.personal_data else "personal_data"
        yield _denied("PERSONAL_DATA_UNCLEAR", name, "", "1", "356/2025/NĐ-CP 7.1")
    if terms.personal_data and (terms.price_vnd or terms.royalty_percent):
        yield _denied("PERSONAL_DATA_TRADE_BANNED", "price_vnd", terms.price_vnd, 0, "X14, 314/2026/NĐ-CP 4.6")
    if terms.personal_data and terms.onward_transfer == "allowed":
        passes = "none, derived-only"
        yield _denied("PERSONAL_DATA_PASSED_ON", "onward_transfer", "allowed", passes, "356/2025/NĐ-CP 7.1")


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
    for name in NEEDED_BY_LICENCE.get(licence, ()):
        if getattr(terms, name) is None:
            yield _denied("LIMIT_MISSING", name, None, BOUNDS[name][0], licence)
    for name, licences in ONLY_IN_LICENCE.items():
        if getattr(terms, name) != ADDED[name] and licence not in licences:
            yield _denied("NOT_IN_LICENCE", name, getattr(terms, name), ", ".join(licences), licence)
    if licence == "L0" and not terms.attribution:
        yield _denied("ATTRIBUTION_REQUIRED", "attribution", False, True, "L0")
