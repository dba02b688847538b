"""The trial's certificate: who may do what, until which second, up to which amount."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from sandbox.rules import RULES, Action, ActionKind, Entity, Usage, judge
from sandbox.trial import Caps, Event, EventKind, State, Trial, Verb, add_months, last_day, state

HANOI = timezone(timedelta(hours=7))
NOON = datetime(2026, 6, 1, 12, tzinfo=HANOI)
TRIAL = Trial(
    cert_no="01/GCN-TN",
    authority="UBND TP. Hồ Chí Minh",
    valid_from=date(2026, 1, 1),
    valid_to=date(2027, 12, 31),
    sectors=("retail", "logistics"),
    classes=("MO", "TC"),
    territory=("VN",),
    notice_version="2",
)
REPORTS = tuple(  # the periodic reports of a trial from 1/1/2026, each on the last day of its period (T12)
    Event(EventKind.REPORTED, datetime(day.year, day.month, day.day, 9, tzinfo=HANOI), until=day)
    for day in (add_months(date(2026, 1, 1), 6 * count) - timedelta(days=1) for count in range(1, 7))
)
ORDER = Action(ActionKind.ORDER, "retail", "TC", ("VN-SG",), 1_000_000, "2")


def codes(trial: Trial | None, action: Action, now: datetime = NOON) -> list[str]:
    return [denied.code for denied in judge(trial, action, now)]


def test_an_order_inside_the_certificate_passes() -> None:
    assert codes(TRIAL, ORDER) == []


def test_nothing_is_allowed_without_a_certificate() -> None:
    assert codes(None, ORDER) == ["TRIAL_NOT_AUTHORISED"]


@pytest.mark.parametrize("hole", ["cert_no", "authority", "valid_from", "valid_to", "sectors", "classes"])
def test_a_certificate_with_a_hole_authorises_nothing(hole: str) -> None:
    empty = () if hole in ("sectors", "classes") else None if hole.startswith("valid") else ""
    assert codes(replace(TRIAL, **{hole: empty}), ORDER) == ["TRIAL_NOT_AUTHORISED"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2025, 12, 31, 23, 59, 59, 999999, tzinfo=HANOI), ["TRIAL_NOT_AUTHORISED"]),
        (datetime(2026, 1, 1, 0, 0, 0, tzinfo=HANOI), []),
        (datetime(2025, 12, 31, 17, 0, 0, tzinfo=UTC), []),
        (datetime(2027, 12, 31, 23, 59, 59, 999999, tzinfo=HANOI), []),
        (datetime(2027, 12, 31, 16, 59, 59, tzinfo=UTC), []),
        (datetime(2027, 12, 31, 17, 0, 0, tzinfo=UTC), ["TRIAL_EXPIRED"]),
        (datetime(2028, 1, 1, 0, 0, 0, tzinfo=HANOI), ["TRIAL_EXPIRED"]),
    ],
)
def test_days_begin_and_end_at_midnight_in_viet_nam(moment: datetime, expected: list[str]) -> None:
    assert codes(replace(TRIAL, events=REPORTS), ORDER, moment) == expected


def test_a_moment_without_time_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="time zone"):
        judge(TRIAL, ORDER, datetime(2026, 6, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 2, 29), 24, date(2026, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(9998, 1, 1), 24, date.max),
    ],
)
def test_months_end_on_a_day_that_exists(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


def test_a_certificate_from_a_leap_day_ends_on_the_last_of_february() -> None:
    ends = (date(2024, 8, 28), date(2025, 2, 27), date(2025, 8, 28), date(2026, 2, 27))
    reports = [Event(EventKind.REPORTED, datetime(d.year, d.month, d.day, 9, tzinfo=HANOI), until=d) for d in ends]
    leap = replace(TRIAL, valid_from=date(2024, 2, 29), valid_to=date(2030, 1, 1), events=tuple(reports))
    assert last_day(leap, NOON) == date(2026, 2, 28)
    assert codes(leap, ORDER, datetime(2026, 2, 28, 23, 59, 59, tzinfo=HANOI)) == []
    assert codes(leap, ORDER, datetime(2026, 3, 1, tzinfo=HANOI)) == ["TRIAL_EXPIRED"]


def test_an_extension_counts_only_once_it_was_decided() -> None:
    decided = datetime(2027, 11, 1, tzinfo=HANOI)
    trial = replace(TRIAL, events=(*REPORTS, Event(EventKind.EXTENDED, decided, until=date(2028, 12, 31))))
    assert last_day(trial, decided - timedelta(seconds=1)) == date(2027, 12, 31)
    assert codes(trial, ORDER, datetime(2028, 12, 31, 23, 0, tzinfo=HANOI)) == []


def test_suspension_lasts_until_it_is_lifted() -> None:
    stop, go = NOON - timedelta(days=2), NOON - timedelta(days=1)
    suspended = replace(TRIAL, events=(Event(EventKind.SUSPENDED, stop),))
    assert codes(suspended, ORDER) == ["TRIAL_SUSPENDED"]
    resumed = replace(TRIAL, events=(Event(EventKind.RESUMED, go), Event(EventKind.SUSPENDED, stop)))
    assert state(resumed, NOON) is State.ACTIVE


def test_termination_is_final() -> None:
    events = (Event(EventKind.TERMINATED, NOON), Event(EventKind.RESUMED, NOON + timedelta(days=1)))
    assert codes(replace(TRIAL, events=events), ORDER, NOON + timedelta(days=2)) == ["TRIAL_TERMINATED"]


@pytest.mark.parametrize("places", [("US",), ("VN", "LA"), ("VNM",), ()])
def test_orders_stay_in_the_territory(places: tuple[str, ...]) -> None:
    assert codes(TRIAL, replace(ORDER, territory=places)) == ["TRIAL_TERRITORY"]


def test_a_trial_of_one_province_does_not_cover_the_country() -> None:
    city = replace(TRIAL, territory=("VN-SG",))
    assert codes(city, replace(ORDER, territory=("VN",))) == ["TRIAL_TERRITORY"]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"sector": "banking"}, "sector"),
        ({"sector": None}, "sector"),
        ({"classification": "CN2"}, "classification"),
        ({"kind": "teleport"}, "action"),
    ],
)
def test_what_the_certificate_does_not_list_is_out_of_scope(change: dict[str, str | None], part: str) -> None:
    denials = judge(TRIAL, replace(ORDER, **change), NOON)  # type: ignore[arg-type]
    assert [(denied.code, denied.facts["part"]) for denied in denials] == [("OUT_OF_TRIAL_SCOPE", part)]


def test_a_verb_outside_the_certificate_is_out_of_scope() -> None:
    processing_only = replace(TRIAL, verbs=(Verb.PROCESS,))
    assert codes(processing_only, ORDER) == ["OUT_OF_TRIAL_SCOPE"]
    assert codes(processing_only, replace(ORDER, kind=ActionKind.QUERY)) == []


@pytest.mark.parametrize(
    ("kind", "used", "amount", "cap"),
    [
        (ActionKind.ORDER, Usage(), 501, "tx_vnd"),
        (ActionKind.ORDER, Usage(total_vnd=1000), 1, "total_vnd"),
        (ActionKind.LIST, Usage(listings=2), 0, "listings"),
        (ActionKind.ENROL, Usage(members=3), 0, "members"),
    ],
)
def test_caps_say_used_and_limit(kind: ActionKind, used: Usage, amount: int, cap: str) -> None:
    capped = replace(TRIAL, caps=Caps(max_members=3, max_listings=2, max_tx_vnd=500, max_total_vnd=1000))
    fit = Entity(True, False, None, "law", 2)
    denials = judge(capped, replace(ORDER, kind=kind, used=used, amount_vnd=amount, entity=fit), NOON)
    assert [denied.code for denied in denials] == ["TRIAL_CAP_EXCEEDED"]
    assert denials[0].facts["cap"] == cap
    assert int(str(denials[0].facts["used"])) == int(str(denials[0].facts["limit"])) + 1


def test_exactly_at_the_cap_passes() -> None:
    capped = replace(TRIAL, caps=Caps(max_tx_vnd=500, max_total_vnd=1000))
    assert codes(capped, replace(ORDER, amount_vnd=500, used=Usage(total_vnd=500))) == []


@pytest.mark.parametrize("accepted", [None, False, "1", ""])
def test_the_current_notice_must_be_accepted(accepted: str | bool | None) -> None:
    assert codes(TRIAL, replace(ORDER, notice_accepted=accepted)) == ["TRIAL_NOTICE_NOT_ACCEPTED"]


def test_every_reason_is_named_at_once() -> None:
    wrong = Action(ActionKind.ORDER, "banking", "CN1", ("US",), 600_000_000, None)
    assert codes(TRIAL, wrong) == [
        "TRIAL_TERRITORY",
        "OUT_OF_TRIAL_SCOPE",
        "OUT_OF_TRIAL_SCOPE",
        "TRIAL_CAP_EXCEEDED",
        "TRIAL_NOTICE_NOT_ACCEPTED",
    ]


def test_nothing_leaves_the_test_room_even_when_all_else_is_right() -> None:
    assert codes(TRIAL, replace(ORDER, kind=ActionKind.EXPORT)) == ["TEST_ROOM_EXPORT_BLOCKED"]


def test_a_finished_trial_is_not_a_licence() -> None:
    assert codes(TRIAL, Action(ActionKind.PROMOTE)) == ["NO_AUTOMATIC_GRADUATION"]


def test_every_rule_names_its_legal_basis() -> None:
    assert all(rule.code and rule.basis for rule in RULES)
    assert all(denied.basis for denied in judge(TRIAL, Action("x"), NOON))
