"""Days and working days as the law counts them: in Viet Nam, whatever the clock of the sender says."""

import calendar
from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.holidays import HOLIDAYS, SATURDAY

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")  # days of a certificate are Vietnamese days


def local_day(moment: datetime) -> date:
    """The Vietnamese calendar day of an aware moment."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(ZONE).date()


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of a shorter month (Civil Code 2015, Art. 148)."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month0 + 1, min(day.day, calendar.monthrange(year, month0 + 1)[1]))


def add_working_days(day: date, count: int, holidays: Collection[date] = HOLIDAYS) -> date:
    """The `count`-th working day after `day`, which itself does not count (Civil Code 2015, Art. 147).

    Saturdays, Sundays and `holidays` are no working days; which days are holidays is announced year by year, and beyond
    the last year that is known none is left out.
    """
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY and day not in holidays
    return day


def working_days_left(today: date, due: date, holidays: Collection[date] = HOLIDAYS) -> int:
    """How many working days after `today` there are until `due`, that day included.

    Below zero: so many days late. A weekend after the last day is late too, by one.
    """
    if due < today:
        return -max(1, working_days_left(due, today, holidays))
    between = (today + timedelta(days=n) for n in range(1, (due - today).days + 1))
    return sum(day.weekday() < SATURDAY and day not in holidays for day in between)
