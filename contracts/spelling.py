"""Numbers, money and days as each language writes them; the contract's prose and everything said about it agree."""

from __future__ import annotations

from datetime import date

LANGUAGES = ("vi", "en")  # the first one prevails

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def quantity(number: int, lang: str) -> str:
    """A whole number with its thousands grouped."""
    return f"{number:,}".replace(",", ".") if lang == "vi" else f"{number:,}"


def money(amount: int, lang: str) -> str:
    """Whole đồng."""
    return f"{quantity(amount, lang)} đồng" if lang == "vi" else f"VND {quantity(amount, lang)}"


def day(value: date, lang: str) -> str:
    """A calendar day."""
    return (
        f"ngày {value:%d/%m/}{value.year}" if lang == "vi" else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    )
