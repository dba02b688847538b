"""The table of law, line by line: for each rule a case that it refuses and one, as close as can be, that passes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from sandbox import words
from sandbox.actions import PREPARES
from sandbox.denials import Denied
from sandbox.profiles import PROFILES
from sandbox.rules import LIABILITY, RULES, Action, ActionKind, Entity, Usage, judge
from sandbox.trial import Approver, Caps, Event, EventKind, Trial

VIETNAM = timezone(timedelta(hours=7))
K = EventKind


def at(year: int, month: int, day: int, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=VIETNAM)


NOW = at(2026, 6, 1)
TRIAL = Trial(
    cert_no="01/GCN-TN",
    authority="UBND TP. Hồ Chí Minh",
    valid_from=date(2026, 1, 1),
    valid_to=date(2027, 12, 31),
    sectors=("retail", "logistics"),
    classes=("MO", "TC"),
    territory=("VN-SG",),
    caps=Caps(3, 2, 500, 1000),
    notice_version="2",
    level=2,
    safeguards=("Nút dừng khẩn cấp",),
    question="Dữ liệu có bán được không?",
    measure="Số hợp đồng",
    security_valid_to=date(2027, 12, 31),
)
FIT = Entity(vietnamese=True, reorganising=False, licence_valid_to=None, manager_degree="law", manager_years=2)
ORDER = Action(ActionKind.ORDER, "retail", "TC", ("VN-SG",), 500, "2")
LIST = Action(ActionKind.LIST, "retail", "TC")
QUERY = replace(ORDER, kind=ActionKind.QUERY, amount_vnd=0)
ENROL = Action(ActionKind.ENROL, entity=FIT)
APPLY = Action(ActionKind.APPLY, approver=Approver.PROVINCIAL)
APPROVE = Action(ActionKind.APPROVE, approver=Approver.PROVINCIAL, provinces=("VN-SG",))
EXTEND = Action(ActionKind.EXTEND, until=date(2028, 12, 31))
CLOSE = Action(ActionKind.CLOSE)
LEVEL_3 = replace(TRIAL, classes=("CL",), level=3)
BY_POLICE = replace(APPROVE, approver=Approver.PUBLIC_SECURITY, provinces=())
FIRST_HALF = Event(K.REPORTED, at(2026, 7, 5), until=date(2026, 6, 30))
SECOND_HALF = Event(K.REPORTED, at(2027, 1, 5), until=date(2026, 12, 31))
REPORTS = (FIRST_HALF, SECOND_HALF, Event(K.REPORTED, at(2027, 7, 5), until=date(2027, 6, 30)))
FOUND = Event(K.INCIDENT, at(2026, 5, 1, 8), id="i1")
TOLD = Event(K.INCIDENT_REPORTED, at(2026, 5, 4, 8), about="i1")  # the 72nd hour
MENDED = Event(K.INCIDENT_CLOSED, at(2026, 5, 2), about="i1")


def having(*events: Event, **changes: Any) -> Trial:
    return replace(TRIAL, events=events, **changes)


class Case(NamedTuple):
    """One line: what is refused, what passes, and what the refusal says of value and limit."""

    rule: str
    refused: tuple[Trial | None, Action, datetime]
    passes: tuple[Trial, Action, datetime]
    facts: Mapping[str, object] = MappingProxyType({})


def permission_and_term() -> Iterator[Case]:
    yield Case("T1", (None, ORDER, NOW), (TRIAL, ORDER, NOW))
    yield Case("T1", (replace(TRIAL, cert_no=""), ORDER, NOW), (TRIAL, ORDER, NOW), {"part": "cert_no"})
    yield Case("T1", (replace(TRIAL, question=""), APPLY, NOW), (TRIAL, APPLY, NOW), {"part": "question"})
    yield Case("T1", (replace(TRIAL, cert_no=""), APPROVE, NOW), (replace(TRIAL, cert_no=""), APPLY, NOW))
    yield Case(
        "T1", (TRIAL, ORDER, at(2025, 12, 31, 23, 59, 59)), (TRIAL, ORDER, at(2026, 1, 1, 0)),
        {"value": date(2025, 12, 31), "limit": date(2026, 1, 1)},
    )  # fmt: skip
    long = having(*REPORTS)
    yield Case(
        "T2", (long, ORDER, at(2028, 1, 1, 0)), (long, ORDER, at(2027, 12, 31, 23, 59, 59)),
        {"value": date(2028, 1, 1), "limit": date(2027, 12, 31)},
    )  # fmt: skip
    yield Case(
        "T2", (having(Event(K.EXIT_REPORTED, NOW), Event(K.CLOSED, NOW)), ORDER, NOW), (TRIAL, ORDER, NOW),
        {"case": "closed", "limit": date(2026, 6, 1)},
    )  # fmt: skip
    yield Case(
        "T2", (replace(TRIAL, valid_to=date(2028, 1, 2)), APPLY, NOW),
        (replace(TRIAL, valid_to=date(2028, 1, 1)), APPLY, NOW),
        {"value": date(2028, 1, 2), "limit": date(2028, 1, 1), "months": 24},
    )  # fmt: skip
    yield Case("T2", (replace(TRIAL, valid_to=date(2025, 1, 1)), APPLY, NOW), (TRIAL, APPLY, NOW))
    yield Case(
        "T3", (long, EXTEND, at(2027, 12, 2, 0)), (long, EXTEND, at(2027, 12, 1, 23, 59, 59)),
        {"case": "late", "value": date(2027, 12, 2), "limit": date(2027, 12, 1)},
    )  # fmt: skip


def extension() -> Iterator[Case]:
    asked = Event(K.EXTENSION_ASKED, at(2027, 11, 30), until=date(2028, 12, 31))
    yield Case(
        "T3", (having(*REPORTS, replace(asked, until=date(2028, 6, 30))), EXTEND, at(2027, 12, 20)),
        (having(*REPORTS, asked), EXTEND, at(2027, 12, 20)), {"case": "late"},
    )  # fmt: skip
    yield Case(
        "T3", (TRIAL, replace(EXTEND, until=date(2029, 1, 1)), NOW), (TRIAL, EXTEND, NOW),
        {"case": "long", "limit": date(2028, 12, 31)},
    )  # fmt: skip
    yield Case("T3", (TRIAL, replace(EXTEND, until=None), NOW), (TRIAL, EXTEND, NOW), {"case": "long"})
    yield Case(
        "T3", (TRIAL, replace(EXTEND, until=date(2027, 12, 31)), NOW),
        (TRIAL, replace(EXTEND, until=date(2028, 1, 1)), NOW), {"case": "short"},
    )  # fmt: skip
    once = Event(K.EXTENDED, at(2026, 5, 1), until=date(2028, 12, 31))
    twice = Event(K.EXTENDED, at(2026, 5, 2), until=date(2029, 12, 31))
    further = replace(EXTEND, until=date(2029, 12, 31))
    yield Case(
        "T3", (having(once, twice), replace(EXTEND, until=date(2030, 1, 31)), NOW), (having(once), further, NOW),
        {"case": "count", "value": 3, "limit": 2},
    )  # fmt: skip


def participants() -> Iterator[Case]:
    short, enough = (replace(FIT, licence_valid_to=day) for day in (date(2027, 12, 30), date(2027, 12, 31)))
    yield Case(
        "T4", (TRIAL, replace(ENROL, entity=short), NOW), (TRIAL, replace(ENROL, entity=enough), NOW),
        {"value": date(2027, 12, 30), "limit": date(2027, 12, 31)},
    )  # fmt: skip
    yield Case("T4", (TRIAL, replace(EXTEND, entity=enough), NOW), (TRIAL, replace(EXTEND, entity=FIT), NOW))
    yield Case("T5", (TRIAL, replace(ENROL, entity=replace(FIT, vietnamese=False)), NOW), (TRIAL, ENROL, NOW))
    yield Case("T5", (TRIAL, replace(ENROL, entity=replace(FIT, reorganising=True)), NOW), (TRIAL, ENROL, NOW))
    yield Case("T5", (TRIAL, replace(ENROL, entity=None), NOW), (TRIAL, ENROL, NOW), {"case": "unknown"})
    for degree in ("", "history"):
        wrong = replace(ENROL, entity=replace(FIT, manager_degree=degree))
        yield Case("T6", (TRIAL, wrong, NOW), (TRIAL, ENROL, NOW), {"value": degree})
    yield Case(
        "T6", (TRIAL, replace(ENROL, entity=replace(FIT, manager_years=1)), NOW), (TRIAL, ENROL, NOW), {"value": "1"}
    )


def place_and_scope() -> Iterator[Case]:
    for places in (("US",), ("VN",), ("VN-HN",), ("VN-SGX",), ()):
        yield Case(
            "T7", (TRIAL, replace(ORDER, territory=places), NOW), (TRIAL, ORDER, NOW),
            {"value": "".join(places), "limit": "VN-SG"},
        )  # fmt: skip
    abroad = replace(ORDER, kind=ActionKind.DELIVER, territory=("VN-SG", "SG"))
    yield Case("T7", (TRIAL, abroad, NOW), (TRIAL, replace(abroad, territory=("VN-SG",)), NOW), {"value": "SG"})
    for kind in (ActionKind.LIST, ActionKind.ORDER, ActionKind.CONTRACT, ActionKind.DELIVER, ActionKind.QUERY):
        inside = replace(ORDER, kind=kind)
        yield Case("T8", (TRIAL, replace(inside, sector="banking"), NOW), (TRIAL, inside, NOW), {"value": "banking"})
        yield Case("T8", (TRIAL, replace(inside, classification="GT"), NOW), (TRIAL, inside, NOW), {"limit": "MO, TC"})
        yield Case("T8", (replace(TRIAL, verbs=("own",)), inside, NOW), (TRIAL, inside, NOW), {"part": "verb"})
    yield Case("T8", (TRIAL, replace(ORDER, kind="teleport"), NOW), (TRIAL, ORDER, NOW), {"part": "action"})


def caps() -> Iterator[Case]:
    yield Case(
        "T9", (TRIAL, replace(ENROL, used=Usage(members=3)), NOW), (TRIAL, replace(ENROL, used=Usage(members=2)), NOW),
        {"cap": "members", "used": 4, "limit": 3},
    )  # fmt: skip
    yield Case(
        "T9", (TRIAL, replace(LIST, used=Usage(listings=2)), NOW), (TRIAL, replace(LIST, used=Usage(listings=1)), NOW),
        {"cap": "listings", "used": 3, "limit": 2, "left": 0},
    )  # fmt: skip
    for kind in (ActionKind.ORDER, ActionKind.CONTRACT):
        spend = replace(ORDER, kind=kind, used=Usage(total_vnd=500))
        yield Case(
            "T9", (TRIAL, replace(spend, amount_vnd=501, used=Usage()), NOW), (TRIAL, spend, NOW),
            {"cap": "tx_vnd", "used": 501, "limit": 500},
        )  # fmt: skip
        yield Case(
            "T9", (TRIAL, replace(spend, used=Usage(total_vnd=501)), NOW), (TRIAL, spend, NOW),
            {"cap": "total_vnd", "used": 1001, "limit": 1000, "left": 499},
        )  # fmt: skip


def level_and_authority() -> Iterator[Case]:
    yield Case("T10", (replace(TRIAL, level=1), APPROVE, NOW), (TRIAL, APPROVE, NOW), {"value": 1, "limit": 2})
    for data in ("CL", "QT", "CN2", "CN3"):
        yield Case(
            "T10", (replace(TRIAL, classes=("TC", data)), APPROVE, NOW), (LEVEL_3, BY_POLICE, NOW),
            {"value": 2, "limit": 3},
        )  # fmt: skip
        low = replace(TRIAL, classes=("TC", data))
        yield Case("T10", (low, replace(ORDER, classification=data), NOW), (low, ORDER, NOW), {"limit": 3})
    yield Case("T10", (TRIAL, BY_POLICE, NOW), (LEVEL_3, BY_POLICE, NOW), {"case": "authority"})
    ministry = replace(APPROVE, approver=Approver.MINISTRY, provinces=())
    both = replace(TRIAL, territory=("VN-SG", "VN-HN"))
    yield Case("T11", (both, APPROVE, NOW), (both, ministry, NOW), {"value": "provincial", "limit": "ministry"})
    yield Case(
        "T11", (replace(TRIAL, territory=("VN",)), APPROVE, NOW), (replace(TRIAL, territory=("VN",)), ministry, NOW)
    )
    yield Case("T11", (TRIAL, ministry, NOW), (TRIAL, APPROVE, NOW), {"value": "ministry", "limit": "provincial"})
    yield Case("T11", (LEVEL_3, ministry, NOW), (LEVEL_3, BY_POLICE, NOW), {"limit": "public_security"})
    yield Case("T11", (TRIAL, replace(APPROVE, provinces=("VN-HN",)), NOW), (TRIAL, APPROVE, NOW), {"value": "VN-SG"})
    yield Case("T11", (TRIAL, replace(EXTEND, approver=Approver.MINISTRY), NOW), (TRIAL, EXTEND, NOW))


def reports_and_incidents() -> Iterator[Case]:
    yield Case(
        "T12", (TRIAL, LIST, at(2026, 7, 11, 0)), (TRIAL, LIST, at(2026, 7, 10, 23, 59, 59)),
        {"from": date(2026, 1, 1), "to": date(2026, 6, 30), "value": date(2026, 7, 11), "limit": date(2026, 7, 10)},
    )  # fmt: skip
    yield Case("T12", (TRIAL, LIST, at(2026, 8, 1)), (having(FIRST_HALF), LIST, at(2026, 8, 1)))
    yield Case("T12", (TRIAL, LIST, at(2026, 8, 1)), (TRIAL, replace(LIST, again=True), at(2026, 8, 1)))
    yield Case("T12", (TRIAL, LIST, at(2026, 8, 1)), (TRIAL, ORDER, at(2026, 8, 1)))
    quarter = replace(LEVEL_3, classes=("TC",))
    yield Case("T12", (quarter, LIST, at(2026, 4, 11, 0)), (quarter, LIST, at(2026, 4, 10)), {"to": date(2026, 3, 31)})
    late = replace(TOLD, at=TOLD.at + timedelta(seconds=1))
    yield Case(
        "T13", (having(FOUND, late, MENDED), ORDER, NOW), (having(FOUND, TOLD, MENDED), ORDER, NOW),
        {"case": "late", "incident": "i1", "value": late.at, "limit": TOLD.at, "hours": 72},
    )  # fmt: skip
    resumed = Event(K.RESUMED, late.at + timedelta(hours=1))
    yield Case("T13", (having(FOUND, late, MENDED), QUERY, NOW), (having(FOUND, late, MENDED, resumed), QUERY, NOW))
    yield Case("T13", (having(FOUND, MENDED), ORDER, NOW), (having(FOUND, MENDED), ORDER, TOLD.at), {"case": ""})


def notice_and_suspension() -> Iterator[Case]:
    for accepted in (None, False, "", "1"):
        for kind in (ActionKind.ORDER, ActionKind.CONTRACT, ActionKind.QUERY):
            told = replace(ORDER, kind=kind)
            yield Case("T14", (TRIAL, replace(told, notice_accepted=accepted), NOW), (TRIAL, told, NOW), {"limit": "2"})
    yield Case("T15", (TRIAL, Action(ActionKind.PROMOTE), NOW), (TRIAL, ORDER, NOW))
    stopped = Event(K.SUSPENDED, at(2026, 5, 30))
    yield Case(
        "T16", (having(stopped), ORDER, NOW), (having(stopped, Event(K.RESUMED, at(2026, 5, 31))), ORDER, NOW),
        {"case": "decision", "value": date(2026, 5, 30)},
    )  # fmt: skip
    yield Case(
        "T16", (having(FOUND, TOLD), ORDER, NOW), (having(FOUND, TOLD, MENDED), ORDER, NOW),
        {"case": "incident_open", "about": "i1"},
    )  # fmt: skip
    yield Case(
        "T16", (replace(TRIAL, security_valid_to=date(2026, 5, 31)), ORDER, at(2026, 6, 1, 0)),
        (replace(TRIAL, security_valid_to=date(2026, 5, 31)), ORDER, at(2026, 5, 31, 23, 59, 59)),
        {"case": "security_expired", "value": date(2026, 6, 1)},
    )  # fmt: skip
    yield Case(
        "T16", (TRIAL, ORDER, at(2027, 1, 11, 0)), (TRIAL, ORDER, at(2027, 1, 10, 23, 59, 59)),
        {"case": "reports_missed", "value": date(2027, 1, 11)},
    )  # fmt: skip
    yield Case("T16", (TRIAL, ORDER, at(2027, 2, 1)), (having(SECOND_HALF), ORDER, at(2027, 2, 1)))
    for kind in (each for each in ActionKind if each not in (*PREPARES, ActionKind.CLOSE)):
        act = replace(ORDER, kind=kind, until=date(2028, 12, 31))
        yield Case("T16", (having(stopped), act, NOW), (TRIAL, ORDER, NOW))


def ends() -> Iterator[Case]:
    fraud = Event(K.TERMINATED, at(2026, 5, 30), code="fraud")
    yield Case(
        "T17", (having(fraud), ORDER, NOW), (having(fraud), ORDER, at(2026, 5, 29)),
        {"value": date(2026, 5, 30), "reason": "fraud"},
    )  # fmt: skip
    yield Case(
        "T17", (having(fraud, Event(K.RESUMED, NOW)), CLOSE, NOW), (having(Event(K.EXIT_REPORTED, NOW)), CLOSE, NOW)
    )
    yield Case("T18", (TRIAL, CLOSE, NOW), (having(Event(K.EXIT_REPORTED, NOW)), CLOSE, NOW), {"days": 15})
    early = having(Event(K.EXIT_REPORTED, NOW + timedelta(seconds=1)))
    yield Case("T18", (early, CLOSE, NOW), (early, CLOSE, NOW + timedelta(seconds=1)))
    yield Case("X30", (TRIAL, replace(QUERY, kind=ActionKind.EXPORT), NOW), (TRIAL, QUERY, NOW))
    yield Case("X30", (None, Action(ActionKind.EXPORT), NOW), (TRIAL, QUERY, NOW))


CASES = [
    case
    for group in (
        permission_and_term,
        extension,
        participants,
        place_and_scope,
        caps,
        level_and_authority,
        reports_and_incidents,
        notice_and_suspension,
        ends,
    )
    for case in group()
]

CODES = {rule.rule: rule.code for rule in RULES}
ALSO = {"T2": {"TRIAL_DATES", "TRIAL_TOO_LONG"}}  # a certificate that is not there yet cannot have expired


def found(trial: Trial | None, action: Action, now: datetime, rule: str) -> list[Denied]:
    return [each for each in judge(trial, action, now) if each.code in {CODES[rule], *ALSO.get(rule, ())}]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.refused[1].kind}")
def test_each_rule_refuses_and_lets_pass(case: Case) -> None:
    denied = found(*case.refused, case.rule)
    assert denied, "this must be refused"
    assert judge(*case.passes) == (), "this must pass"
    said = denied[0]
    assert {key: said.facts.get(key) for key in case.facts} == case.facts
    assert said.basis
    for lang in ("vi", "en"):
        assert words.say(said, lang) not in ("", said.code)
        assert words.fix(said, lang) not in ("", said.code)
        assert "“None”" not in words.say(said, lang)


def test_the_table_has_every_rule() -> None:
    assert {case.rule for case in CASES} == set(CODES) == {f"T{n}" for n in range(1, 19)} | {"X30"}
    assert len(set(CODES.values())) == len(CODES)


def test_every_rule_has_its_basis_and_reads_only_parameters_that_exist() -> None:
    for rule in (*RULES, LIABILITY):
        assert rule.basis
        assert all(PROFILES["pilot"].basis(each) for each in rule.parameters)


def test_liability_is_stated_with_its_basis_and_promises_nothing_more() -> None:
    """T19."""
    assert LIABILITY not in RULES
    assert "không cam kết" in words.fix(LIABILITY.statement, "vi")
    assert "promises no exemption" in words.fix(LIABILITY.statement, "en")
    assert "Nhà nước" in words.say(LIABILITY.statement, "vi")
    assert LIABILITY.statement.basis == "Law 93/2025/QH15 Art. 9"


def codes(trial: Trial | None, action: Action, now: datetime = NOW) -> list[str]:
    return [denied.code for denied in judge(trial, action, now)]


def test_two_refusals_at_once_are_both_reported() -> None:
    fraud = Event(K.TERMINATED, at(2026, 5, 30), code="fraud")
    unfit = replace(FIT, vietnamese=False, manager_years=0, licence_valid_to=date(2026, 12, 31))
    assert codes(having(fraud), replace(ORDER, territory=("US",))) == ["TRIAL_TERRITORY", "TRIAL_TERMINATED"]
    assert codes(TRIAL, replace(ENROL, entity=unfit, used=Usage(members=3))) == [
        "LICENCE_SHORTER_THAN_TRIAL", "ENTITY_NOT_ELIGIBLE", "MANAGER_NOT_QUALIFIED", "TRIAL_CAP_EXCEEDED",
    ]  # fmt: skip
    assert codes(having(FOUND), LIST, at(2028, 1, 1)) == [
        "TRIAL_EXPIRED", "REPORT_OVERDUE", "REPORT_OVERDUE", "REPORT_OVERDUE", "INCIDENT_REPORT_LATE",
        "TRIAL_SUSPENDED", "TRIAL_SUSPENDED", "TRIAL_SUSPENDED", "TRIAL_SUSPENDED",
    ]  # fmt: skip
    assert codes(replace(TRIAL, cert_no="", sectors=()), Action(ActionKind.EXPORT)) == [
        "TRIAL_NOT_AUTHORISED", "TRIAL_NOT_AUTHORISED", "TEST_ROOM_EXPORT_BLOCKED",
    ]  # fmt: skip


def test_what_ended_is_not_suspended_as_well() -> None:
    stopped, fraud = Event(K.SUSPENDED, at(2026, 5, 1)), Event(K.TERMINATED, at(2026, 5, 30), code="fraud")
    late = Event(K.INCIDENT, at(2026, 5, 1), id="i2")
    assert codes(having(stopped, late, fraud), ORDER) == ["TRIAL_TERMINATED"]


def test_what_was_asked_before_one_extension_does_not_ask_for_the_next() -> None:
    asked = Event(K.EXTENSION_ASKED, at(2027, 11, 30), until=date(2029, 12, 31))
    granted = Event(K.EXTENDED, at(2027, 12, 20), until=date(2028, 12, 31))
    filed = [
        Event(K.REPORTED, at(2028, month, 5), until=end)
        for month, end in ((1, date(2027, 12, 31)), (7, date(2028, 6, 30)))
    ]
    again = replace(EXTEND, until=date(2029, 12, 31))
    assert codes(having(*REPORTS, *filed, asked, granted, security_valid_to=None), again, at(2028, 12, 20)) == [
        "EXTENSION_NOT_ALLOWED"
    ]


def test_an_application_may_lack_several_parts_and_is_told_all() -> None:
    empty = replace(TRIAL, cert_no="", authority="", safeguards=(), question="", measure="", sectors=())
    assert codes(empty, APPLY) == ["TRIAL_NOT_AUTHORISED"] * 4
    assert codes(empty, APPROVE) == ["TRIAL_NOT_AUTHORISED"] * 6


def test_a_profile_carries_its_own_numbers_and_bases() -> None:
    capital = replace(TRIAL, profile=PROFILES["capital"], valid_to=date(2029, 1, 1))
    assert codes(capital, APPLY) == []
    assert codes(replace(TRIAL, valid_to=date(2029, 1, 1)), APPLY) == ["TRIAL_TOO_LONG"]
    once = Event(K.EXTENDED, at(2026, 5, 1), until=date(2032, 1, 1))
    denied = judge(replace(capital, events=(once,)), replace(EXTEND, until=date(2032, 2, 1)), NOW)
    assert [each.code for each in denied] == ["EXTENSION_NOT_ALLOWED"]
    assert "Capital Law" in denied[0].basis


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [
        (datetime(2025, 12, 31, 16, 59, 59, 999999, tzinfo=UTC), False),
        (datetime(2025, 12, 31, 17, 0, 0, tzinfo=UTC), True),
        (datetime(2025, 12, 31, 9, 0, 0, tzinfo=timezone(-timedelta(hours=8))), True),
        (datetime(2027, 12, 31, 16, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2028, 1, 1, 1, 59, 59, tzinfo=timezone(timedelta(hours=9))), True),
        (datetime(2028, 1, 1, 2, 0, 0, tzinfo=timezone(timedelta(hours=9))), False),
    ],
)
def test_the_clock_of_viet_nam_decides_whatever_zone_a_moment_is_written_in(moment: datetime, allowed: bool) -> None:
    assert (codes(having(*REPORTS), ORDER, moment) == []) is allowed
