"""Working days with the public holidays of Viet Nam: at their edges, and beyond the last year that is known."""

from datetime import date, timedelta
from typing import Any

import pytest

from sandbox.competence import review_due
from sandbox.days import add_working_days, working_days_left
from sandbox.holidays import HOLIDAYS, KNOWN_UNTIL, YEARS, read


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        (date(2026, 2, 13), 1, date(2026, 2, 23)),  # Tết: the Friday before it, the Monday after it
        (date(2026, 2, 12), 1, date(2026, 2, 13)),  # the last working day of the old year counts
        (date(2026, 4, 24), 3, date(2026, 5, 4)),  # Hùng Kings' day made up on Monday, 30 April, 1 May, a weekend
        (date(2026, 8, 28), 1, date(2026, 9, 3)),  # National Day with its second day and an exchanged Monday
        (date(2026, 11, 23), 1, date(2026, 11, 25)),
        (date(2025, 12, 31), 1, date(2026, 1, 5)),
        (date(2026, 12, 31), 1, date(2027, 1, 1)),  # nobody has recorded 2027 yet: weekends only
    ],
)  # fmt: skip
def test_holidays_are_no_working_days(start: date, count: int, due: date) -> None:
    assert add_working_days(start, count) == due
    assert working_days_left(start, due) == count


def test_a_holiday_after_the_last_day_is_not_late_by_more_than_the_days_worked() -> None:
    friday = date(2026, 2, 13)
    assert [working_days_left(friday + timedelta(days=n), friday) for n in (0, 1, 7, 10, 11)] == [0, -1, -1, -1, -2]


def test_a_review_that_spans_tet_lasts_a_week_longer() -> None:
    assert review_due(date(2026, 2, 2), 1) == date(2026, 2, 23)
    assert review_due(date(2026, 2, 2), 1, holidays=()) == date(2026, 2, 16)


def test_every_known_year_has_the_days_of_the_labour_code() -> None:
    """Art. 112.1: eleven days, of which those on a weekend are made up."""
    assert KNOWN_UNTIL == max(YEARS) >= 2026
    for year, one in YEARS.items():
        named = {date(year, 1, 1), date(year, 4, 30), date(year, 5, 1), date(year, 9, 2)}
        assert {day for day in named if day.weekday() < 5} <= HOLIDAYS
        assert len(one.days) >= 11
        assert "Art. 112" in one.source or "112;" in one.source


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"2025": {"source": "x", "days": []}, "2027": {"source": "x", "days": []}},
        {"2026": {"source": "", "days": []}},
        {"2026": {"source": "x", "days": [date(2025, 1, 1)]}},
        {"2026": {"source": "x", "days": [date(2026, 1, 3)]}},
        {"2026": {"source": "x", "days": [date(2026, 1, 2), date(2026, 1, 1)]}},
    ],
)
def test_a_table_that_cannot_be_right_stops_the_program(tables: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="holidays"):
        read(tables)
