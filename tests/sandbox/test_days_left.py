"""Working days that are left, over weekends and holidays, and how late it is after the last one."""

from datetime import date

import pytest

from sandbox.days import add_working_days, working_days_left

FRIDAY = date(2026, 12, 18)


@pytest.mark.parametrize(
    ("today", "left"),
    [
        (date(2026, 12, 11), 5),
        (date(2026, 12, 12), 5),  # a Saturday
        (date(2026, 12, 17), 1),
        (FRIDAY, 0),
        (date(2026, 12, 19), -1),  # no working day, and late all the same
        (date(2026, 12, 21), -1),
        (date(2026, 12, 22), -2),
    ],
)
def test_days_left_until_a_friday(today: date, left: int) -> None:
    assert working_days_left(today, FRIDAY) == left


def test_it_counts_as_the_deadline_was_counted() -> None:
    holidays = {date(2026, 12, 16)}
    for start in (date(2026, 12, day) for day in range(1, 14)):
        due = add_working_days(start, 7, holidays)
        assert working_days_left(start, due, holidays) == 7
