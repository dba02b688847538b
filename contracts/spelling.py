"""Numbers, money and days as each language writes them; the contract's prose and everything said about it agree."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

LANGUAGES = ("vi", "en")  # the first one prevails

_UNITS: dict[str, tuple[str, str, str]] = {  # Vietnamese, English, English for one
    "days": ("{n} ngày", "{n} days", "1 day"),
    "hours": ("{n} giờ", "{n} hours", "1 hour"),
    "percent": ("{n}%", "{n}%", "1%"),
    "times": ("{n} lần", "{n} times", "1 time"),
    "queries": ("{n} lượt", "{n} queries", "1 query"),
    "units": ("{n} đối tượng", "{n} units", "1 unit"),
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def quantity(number: int, lang: str) -> str:
    """A whole number with its thousands grouped."""
    return f"{number:,}".replace(",", ".") if lang == "vi" else f"{number:,}"


@lru_cache(maxsize=1024)
def amount(number: int, unit: str, lang: str) -> str:
    """A number of something: days, hours, percent, times, queries, units."""
    vi, many, one = _UNITS[unit]
    return (vi if lang == "vi" else one if number == 1 else many).format(n=quantity(number, lang))


def money(dong: int, lang: str) -> str:
    """Whole đồng."""
    return f"{quantity(dong, lang)} đồng" if lang == "vi" else f"VND {quantity(dong, lang)}"


@lru_cache(maxsize=1024)
def day(value: date, lang: str) -> str:
    """A calendar day."""
    return (
        f"ngày {value:%d/%m/}{value.year}" if lang == "vi" else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    )
