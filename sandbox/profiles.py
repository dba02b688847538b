"""The numbers of the law under which a trial runs, read from profiles.toml: each with its legal basis.

A profile that lacks a parameter, or has one that nothing reads, stops the program when it starts: a number that is
silently ignored would be worse than none.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple


class Source(NamedTuple):
    """Where a number comes from. `sure`: text, secondary, draft, or design (no instrument names it)."""

    basis: str
    sure: str


@dataclass(frozen=True)
class Profile:
    """The parameters of rules T2-T18 and X30. A triple has one number for each level of trial, 1 to 3 (T10)."""

    name: str
    max_months: int  # T2, from the first day
    max_extensions: int  # T3
    extension_months: int  # T3, each
    ask_before_days: int  # T3, before the last day
    manager_years: int  # T6
    review_days: tuple[int, int, int]  # T11, working days for the authority
    report_months: tuple[int, int, int]  # T12, between two reports
    report_grace_days: int  # T12, after a period's last day
    missed_reports: int  # T16: as many overdue reports suspend the trial
    incident_hours: int  # T13, from detection
    evaluate_days: int  # T18, working days for the authority
    transition_months: int  # T18, from the evaluation
    max_members: int  # T9: what a certificate allows that names no cap
    max_listings: int
    max_tx_vnd: int
    max_total_vnd: int
    session_minutes: int  # X30, one stay in the test room
    row_cap: int  # X30, rows of one answer
    sources: Mapping[str, Source] = field(hash=False, repr=False)

    def basis(self, parameter: str) -> str:
        """The legal basis of one parameter, as a denial names it."""
        return self.sources[parameter].basis

    @property
    def caps(self) -> "Caps":
        """The ceilings where the certificate names none."""
        return Caps(self.max_members, self.max_listings, self.max_tx_vnd, self.max_total_vnd)


LEVELLED = frozenset({"review_days", "report_months"})
PARAMETERS = tuple(each.name for each in fields(Profile) if each.name not in ("name", "sources"))
SURENESS = ("text", "secondary", "draft", "design")


def read(name: str, entries: Mapping[str, Mapping[str, Any]]) -> Profile:
    """A profile from its table. Raises ValueError for a parameter too many, too few, or without its source."""
    if set(entries) != set(PARAMETERS):
        raise ValueError(f"profile {name}: {sorted(set(entries) ^ set(PARAMETERS))}")
    for parameter, entry in entries.items():
        if set(entry) != {"value", "sure", "basis"} or entry["sure"] not in SURENESS or not entry["basis"]:
            raise ValueError(f"profile {name}: {parameter} needs its value, its basis and how sure that is")
    values = {each: _value(name, each, entry["value"]) for each, entry in entries.items()}
    sources = {each: Source(entry["basis"], entry["sure"]) for each, entry in entries.items()}
    return Profile(name=name, sources=MappingProxyType(sources), **values)


def _value(name: str, parameter: str, value: object) -> Any:
    numbers = value if isinstance(value, list) else [value]
    sound = all(type(number) is int and number >= 0 for number in numbers)
    if not sound or isinstance(value, list) is not (parameter in LEVELLED) or len(numbers) not in (1, 3):
        raise ValueError(f"profile {name}: {parameter} = {value!r} is no number, or not one for each level")
    if parameter == "report_months" and 0 in numbers:
        raise ValueError(f"profile {name}: a report every 0 months has no end")
    return tuple(numbers) if parameter in LEVELLED else value


def _load() -> Mapping[str, Profile]:
    tables = tomllib.loads(Path(__file__).with_name("profiles.toml").read_text("utf-8"))
    return MappingProxyType({name: read(name, {**tables["pilot"], **table}) for name, table in tables.items()})


PROFILES = _load()
PILOT = PROFILES["pilot"]


@dataclass(frozen=True)
class Caps:
    """Ceilings of a certificate (T9); those of the pilot where it names none. Money is integer đồng."""

    max_members: int = PILOT.max_members
    max_listings: int = PILOT.max_listings
    max_tx_vnd: int = PILOT.max_tx_vnd
    max_total_vnd: int = PILOT.max_total_vnd
