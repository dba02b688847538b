"""The state of a trial and its clocks: derived, whatever the order in which its events are given."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import trial as core
from sandbox.competence import competent, level_of, review_due
from sandbox.days import add_working_days
from sandbox.rules import Action, ActionKind, judge
from sandbox.trial import Approver, Event, EventKind, State, Trial, Verb, Why, state

VIETNAM = timezone(timedelta(hours=7))
START = datetime(2026, 1, 1, tzinfo=VIETNAM)
NOON = datetime(2026, 6, 1, 12, tzinfo=VIETNAM)
TRIAL = Trial("01", "UBND", date(2026, 1, 1), date(2027, 12, 31), ("retail",), ("TC",), level=2)
K = EventKind


def moments(hours: int = 24 * 1000) -> st.SearchStrategy[datetime]:
    return st.integers(-24, hours).map(lambda hour: START + timedelta(hours=hour))


EVENTS = st.lists(
    st.builds(
        Event,
        kind=st.sampled_from(EventKind),
        at=moments(),
        until=st.none() | st.dates(date(2026, 1, 1), date(2032, 1, 1)),
        id=st.sampled_from(["", "a", "b", "c", "d"]),
        about=st.sampled_from(["", "a", "b"]),
        code=st.sampled_from(["", "fraud"]),
    ),
    max_size=8,
)


@given(EVENTS, moments(), st.randoms())
def test_the_order_in_which_events_are_given_does_not_matter(
    events: list[Event], now: datetime, random: Random
) -> None:
    given_so = replace(TRIAL, events=tuple(events))
    random.shuffle(events)
    other = replace(TRIAL, events=tuple(events))
    assert state(given_so, now) is state(other, now)
    assert core.last_day(given_so, now) == core.last_day(other, now)
    assert core.report_due(given_so, now) == core.report_due(other, now)


@given(EVENTS, moments(), st.integers(0, 24 * 500))
def test_nothing_brings_a_terminated_trial_back(events: list[Event], now: datetime, hours: int) -> None:
    trial = replace(TRIAL, events=tuple(events))
    was = state(trial, now)
    later = state(trial, now + timedelta(hours=hours))
    if was is State.TERMINATED:
        assert later is State.TERMINATED
    if was in (State.EXITED, State.EXPIRED):
        assert later in (was, State.EXITED, State.TERMINATED)
    if was is State.TERMINATED:
        assert "TRIAL_TERMINATED" in {each.code for each in judge(trial, Action(ActionKind.QUERY), now)}


@given(EVENTS, moments())
def test_only_an_active_trial_lets_anything_happen(events: list[Event], now: datetime) -> None:
    trial = replace(TRIAL, events=tuple(events))
    asked = Action(ActionKind.QUERY, "retail", "TC", notice_accepted="1")
    assert (judge(trial, asked, now) == ()) is (state(trial, now) is State.ACTIVE)


@given(EVENTS, moments())
def test_what_has_not_happened_yet_counts_for_nothing(events: list[Event], now: datetime) -> None:
    past = replace(TRIAL, events=tuple(event for event in events if event.at <= now))
    assert state(replace(TRIAL, events=tuple(events)), now) is state(past, now)


@given(EVENTS, moments())
def test_extensions_never_exceed_their_number_nor_their_length(events: list[Event], now: datetime) -> None:
    trial = replace(TRIAL, events=tuple(events))
    ends = [core.first_end(trial), *core.extensions(trial, now)]
    assert len(ends) <= 3
    assert all(one < two <= core.add_months(one, 12) for one, two in itertools.pairwise(ends))


def test_an_extension_after_the_end_revives_nothing() -> None:
    late = Event(K.EXTENDED, datetime(2028, 1, 1, tzinfo=VIETNAM), until=date(2028, 12, 31))
    trial = replace(TRIAL, events=(late,))
    assert state(trial, late.at + timedelta(days=1)) is State.EXPIRED
    in_time = replace(late, at=datetime(2027, 12, 31, 23, 59, 59, tzinfo=VIETNAM))
    assert core.last_day(replace(TRIAL, events=(in_time,)), late.at) == date(2028, 12, 31)


def test_a_promise_of_more_than_a_year_is_a_year() -> None:
    trial = replace(TRIAL, events=(Event(K.EXTENDED, NOON, until=date(2031, 1, 1)), Event(K.EXTENDED, NOON)))
    assert core.extensions(trial, NOON) == (date(2028, 12, 31),)


def test_a_termination_wins_over_a_closing_and_both_over_everything() -> None:
    closed, ended = Event(K.CLOSED, NOON), Event(K.TERMINATED, NOON + timedelta(days=1), code="fraud")
    trial = replace(TRIAL, events=(closed, ended))
    assert state(trial, NOON - timedelta(seconds=1)) is State.ACTIVE
    assert state(trial, NOON) is State.EXITED
    assert state(trial, ended.at) is State.TERMINATED


def test_of_two_decisions_at_one_moment_the_stricter_holds_unless_their_ids_say_otherwise() -> None:
    stop, go = Event(K.SUSPENDED, NOON), Event(K.RESUMED, NOON)
    assert state(replace(TRIAL, events=(stop, go)), NOON) is State.SUSPENDED
    assert state(replace(TRIAL, events=(go, stop)), NOON) is State.SUSPENDED
    assert state(replace(TRIAL, events=(replace(stop, id="1"), replace(go, id="2"))), NOON) is State.ACTIVE


# --- suspension by rule (T16) -------------------------------------------------------------------------------------


def why(*events: Event, now: datetime = NOON, **changes: object) -> list[Why]:
    trial = replace(TRIAL, events=events, **changes)  # type: ignore[arg-type]
    return [cause.why for cause in core.suspension(trial, now)]


def test_an_incident_suspends_from_its_detection_until_it_is_closed() -> None:
    found = Event(K.INCIDENT, NOON, id="i")
    told = Event(K.INCIDENT_REPORTED, NOON + timedelta(hours=72), about="i")
    closed = Event(K.INCIDENT_CLOSED, NOON + timedelta(hours=80), about="i")
    assert why(found, now=NOON - timedelta(seconds=1)) == []
    assert why(found, told, closed) == [Why.INCIDENT_OPEN]
    assert why(found, told, now=told.at) == [Why.INCIDENT_OPEN]
    assert why(found, told, closed, now=closed.at) == []
    assert why(found, told, replace(closed, about="j"), now=closed.at) == [Why.INCIDENT_OPEN]


def test_a_resumption_does_not_lift_what_is_still_so() -> None:
    found, resumed = Event(K.INCIDENT, NOON, id="i"), Event(K.RESUMED, NOON + timedelta(hours=1))
    assert why(found, resumed, now=resumed.at) == [Why.INCIDENT_OPEN]
    missing = NOON + timedelta(hours=73)
    resumed_later = Event(K.RESUMED, missing)
    closed = Event(K.INCIDENT_CLOSED, NOON + timedelta(hours=2), about="i")
    assert why(found, closed, resumed_later, now=missing) == [Why.INCIDENT_REPORT_LATE]
    told = Event(K.INCIDENT_REPORTED, missing, about="i")
    assert why(found, closed, told, now=missing) == [Why.INCIDENT_REPORT_LATE]
    assert why(found, closed, told, resumed_later, now=missing) == []
    too_soon = Event(K.RESUMED, NOON + timedelta(hours=72, minutes=30))
    assert why(found, closed, told, too_soon, now=missing) == [Why.INCIDENT_REPORT_LATE]


def test_the_hours_of_an_incident_run_through_the_night_and_every_zone() -> None:
    found = Event(K.INCIDENT, datetime(2028, 2, 27, 23, 30, tzinfo=UTC), id="i")
    assert core.incident_due(found) == datetime(2028, 3, 1, 23, 30, tzinfo=UTC)  # over a leap day
    incident = core.incidents(replace(TRIAL, events=(found,)), found.at)[0]
    assert not incident.late(incident.due)
    assert incident.late(incident.due + timedelta(microseconds=1))


# --- reports (T12) ------------------------------------------------------------------------------------------------


def test_periods_are_counted_from_the_first_day_so_that_ends_of_months_do_not_drift() -> None:
    trial = replace(TRIAL, valid_from=date(2027, 8, 31), valid_to=date(2029, 8, 31), level=3)
    found = core.periods(trial, datetime(2029, 12, 1, tzinfo=VIETNAM))
    assert [period.first for period in found][:5] == [
        date(2027, 8, 31), date(2027, 11, 30), date(2028, 2, 29), date(2028, 5, 31), date(2028, 8, 31),
    ]  # fmt: skip
    assert all(one.last + timedelta(days=1) == two.first for one, two in itertools.pairwise(found))
    assert found[-1].last == date(2029, 8, 30)


def test_the_oldest_report_that_is_missing_is_due_first() -> None:
    second = Event(K.REPORTED, datetime(2027, 1, 2, tzinfo=VIETNAM), until=date(2026, 12, 31))
    trial = replace(TRIAL, events=(second,))
    due = core.report_due(trial, datetime(2027, 2, 1, tzinfo=VIETNAM))
    assert due is not None
    assert (due.first, due.last, due.due) == (date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 10))
    assert len(core.reports_missed(trial, datetime(2027, 2, 1, tzinfo=VIETNAM))) == 1


def test_a_report_on_a_period_that_still_runs_does_not_count() -> None:
    early = Event(K.REPORTED, datetime(2026, 6, 29, tzinfo=VIETNAM), until=date(2026, 6, 30))
    late = datetime(2026, 8, 1, tzinfo=VIETNAM)
    assert len(core.reports_missed(replace(TRIAL, events=(early,)), late)) == 1
    assert core.reports_missed(replace(TRIAL, events=(replace(early, at=early.at + timedelta(days=1)),)), late) == ()


def test_no_report_falls_due_after_the_end() -> None:
    ended = Event(K.TERMINATED, datetime(2026, 9, 1, tzinfo=VIETNAM))
    assert len(core.periods(replace(TRIAL, events=(ended,)), datetime(2029, 1, 1, tzinfo=VIETNAM))) == 1
    assert len(core.periods(TRIAL, datetime(2029, 1, 1, tzinfo=VIETNAM))) == 4
    endless = replace(TRIAL, valid_from=date(9999, 1, 1), valid_to=date.max)
    assert core.periods(endless, datetime(9999, 12, 30, tzinfo=VIETNAM)) is not None


# --- working days, levels, the end --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "count", "holidays", "expected"),
    [
        (date(2026, 11, 27), 1, (), date(2026, 11, 30)),  # Friday to Monday
        (date(2026, 11, 28), 1, (), date(2026, 11, 30)),  # a Saturday does not count, nor does it delay
        (date(2026, 11, 27), 15, (), date(2026, 12, 18)),
        (date(2026, 12, 31), 1, (date(2027, 1, 1),), date(2027, 1, 4)),
        (date(2028, 2, 28), 1, (), date(2028, 2, 29)),
        (date(2026, 11, 27), 0, (), date(2026, 11, 27)),
    ],
)
def test_working_days_leave_out_weekends_and_holidays(
    day: date, count: int, holidays: tuple[date, ...], expected: date
) -> None:
    assert add_working_days(day, count, holidays) == expected


def test_the_review_takes_ten_twenty_or_thirty_working_days() -> None:
    friday = date(2026, 11, 27)
    assert [review_due(friday, level) for level in (1, 2, 3)] == [
        date(2026, 12, 11), date(2026, 12, 25), date(2027, 1, 8),
    ]  # fmt: skip
    assert review_due(friday, 1, holidays=(date(2026, 12, 1),)) == date(2026, 12, 14)


def test_levels_follow_from_data_and_from_who_uses_the_results() -> None:
    assert level_of(("TC",), (Verb.PROCESS,)) == 1
    assert level_of(("TC", "CN1"), (Verb.PROCESS, Verb.DISTRIBUTE)) == 2
    assert [level_of(("TC", data), ()) for data in ("CL", "QT", "CN2", "CN3")] == [3, 3, 3, 3]
    assert competent(1, ("VN-SG",)) is competent(2, ("VN-SG", "VN-SG")) is Approver.PROVINCIAL
    assert competent(2, ("VN-SG", "VN-HN")) is competent(2, ("VN",)) is Approver.MINISTRY
    assert competent(3, ("VN-SG",)) is Approver.PUBLIC_SECURITY


def test_the_end_has_its_own_clocks() -> None:
    assert core.evaluation_due(TRIAL) is None
    assert core.transition_ends(TRIAL) is None
    reported = Event(K.EXIT_REPORTED, datetime(2027, 12, 31, 20, tzinfo=UTC))  # 1/1/2028 in Viet Nam
    judged = Event(K.EVALUATED, datetime(2028, 2, 28, 17, tzinfo=UTC))  # 29/2/2028
    over = replace(TRIAL, events=(reported, judged))
    assert core.evaluation_due(over) == date(2028, 1, 21)
    assert core.evaluation_due(over, (date(2028, 1, 3),)) == date(2028, 1, 24)
    assert core.transition_ends(over) == date(2029, 2, 28)
