"""Which level a trial has (T10), and which authority may permit it, within how many working days (T11)."""

from collections.abc import Collection, Sequence
from datetime import date

from sandbox.days import add_working_days
from sandbox.events import Approver, Verb
from sandbox.holidays import HOLIDAYS
from sandbox.profiles import PILOT, Profile

COUNTRY = "VN"
# Core, important, sensitive personal and child data: what no trial below level 3 may touch.
LEVEL_THREE = frozenset({"CL", "QT", "CN2", "CN3"})


def level_of(classes: Collection[str], verbs: Collection[str]) -> int:
    """3 for data that need it; 2 where results reach real users, which distributing them means; otherwise 1."""
    if LEVEL_THREE & set(classes):
        return 3
    return 2 if Verb.DISTRIBUTE in verbs else 1


def competent(level: int, territory: Sequence[str]) -> Approver:
    """The kind of authority that permits a trial of this level in these places (ISO 3166-2)."""
    if level == 3:
        return Approver.PUBLIC_SECURITY
    alone = len(set(territory)) == 1 and COUNTRY not in territory
    return Approver.PROVINCIAL if alone else Approver.MINISTRY


def review_due(applied: date, level: int, profile: Profile = PILOT, holidays: Collection[date] = HOLIDAYS) -> date:
    """The last working day on which the authority must have decided on an application."""
    return add_working_days(applied, profile.review_days[level - 1], holidays)
