"""Public holidays of Viet Nam on weekdays (Labour Code 2019 Art. 112), read from holidays.toml: no year is computed.

What a year has is decided by the government in the year before. Beyond the last year that is known only weekends are
left out of the count of working days, and whoever shows a deadline says up to which year holidays are known.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

SATURDAY = 5


class Year(NamedTuple):
    """The holidays of one year, and where they are decided."""

    days: tuple[date, ...]
    source: str


def read(tables: Mapping[str, Mapping[str, Any]]) -> Mapping[int, Year]:
    """The years in order. Raises ValueError for a gap, a day of another year, a weekend, or a year without source."""
    found = {int(name): Year(tuple(table["days"]), table["source"]) for name, table in sorted(tables.items())}
    if not found or list(found) != list(range(min(found), max(found) + 1)):
        raise ValueError("holidays: a year is missing")
    for year, (days, source) in found.items():
        if not source or list(days) != sorted(set(days)):
            raise ValueError(f"holidays of {year}: they have a source and stand in order, each once")
        if any(day.year != year or day.weekday() >= SATURDAY for day in days):
            raise ValueError(f"holidays of {year}: weekdays of that year")
    return MappingProxyType(found)


YEARS = read(tomllib.loads(Path(__file__).with_name("holidays.toml").read_text("utf-8")))
HOLIDAYS = frozenset(day for year in YEARS.values() for day in year.days)
KNOWN_FROM, KNOWN_UNTIL = min(YEARS), max(YEARS)
