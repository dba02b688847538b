"""The report of a trial: what it counts, which records each number names, and that anybody can count again."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from sandbox import report, words_report
from sandbox.report import About, Deal, ReportIncomplete
from sandbox.report_lines import LINES, NUMBERS, Record
from sandbox.trial import Trial
from tests.sandbox import recount

TRIAL = Trial(
    cert_no="01/GCN", authority="UBND", valid_from=date(2026, 11, 1), valid_to=date(2027, 10, 31),
    sectors=("logistics",), classes=("TC",), level=2, question="Có giao dịch được không?", measure="10 hợp đồng",
)  # fmt: skip
ABOUT = About("periodic", "T1", date(2026, 11, 1), date(2027, 4, 30), "log.test", 1000, "ab" * 32, 0, 0)
NOON = datetime(2026, 12, 1, 5, tzinfo=UTC)
DEALS = {"sha-256:c1": Deal(5_000_000, "logistics"), "sha-256:c2": Deal(7_000_000, "tourism"),
         "sha-256:c3": Deal(900_000_000, "logistics")}  # fmt: skip


def log(*events: tuple[str, dict[str, Any]], at: datetime = NOON) -> list[Record]:
    """Records in order; each event may set at, actor, on, details, digests."""
    made = []
    for index, (kind, fields) in enumerate(events):
        moment = fields.pop("at", at)
        defaults = {"actor": "org:o", "on": ("trial:T1", "org:o"), "details": {}, "digests": {}}
        made.append(Record(index, f"e{index}", kind, int(moment.timestamp() * 1000), **(defaults | fields)))
    return made


def of(built: dict[str, Any], name: str) -> dict[str, Any]:
    return next(number for number in built["numbers"] if number["name"] == name)


def life() -> list[Record]:
    """A bit of everything: two who join and one who leaves, listings that come and go, three contracts."""
    listing, deal = ("listing:L1", "org:s"), ("negotiation:N1", "listing:L1", "org:s", "org:b")

    def contract(number: int) -> tuple[str, ...]:
        return (f"contract:K{number}", *deal)

    return log(
        ("trial.granted", {}),
        ("trial.enrolled", {"on": ("trial:T1", "org:b"), "actor": "org:b"}),
        ("trial.enrolled", {"on": ("trial:T1", "org:x"), "actor": "org:x"}),
        ("trial.enrolled", {"on": ("trial:T9", "org:y"), "actor": "org:y"}),
        ("trial.left", {"on": ("trial:T1", "org:x"), "details": {"kind": "left"}}),
        ("listing.submitted", {"on": listing, "actor": "org:s"}),
        ("listing.published", {"on": listing}),
        ("listing.published", {"on": ("listing:L2", "org:s")}),
        ("listing.changed", {"on": ("listing:L2", "org:s"), "details": {"state": "suspended"}}),
        ("listing.changed", {"on": listing, "details": {"version": 2}}),
        ("access.requested", {"on": deal, "actor": "org:b"}),
        ("contract.agreed", {"on": contract(1), "actor": "system", "digests": {"contract": "sha-256:c1"}}),
        ("contract.active", {"on": contract(1), "actor": "system", "digests": {"contract": "sha-256:c1"}}),
        ("contract.agreed", {"on": contract(2), "actor": "org:s", "digests": {"contract": "sha-256:c2"}}),
        ("contract.active", {"on": contract(2), "actor": "system", "digests": {"contract": "sha-256:c2"}}),
        ("contract.agreed", {"on": contract(3), "actor": "org:s", "digests": {"contract": "sha-256:c3"}}),
        ("contract.ended", {"on": contract(3), "details": {"reason": "unsigned"}}),
        ("delivery.made", {"on": contract(1), "details": {"bytes": 1000}}),
        ("delivery.made", {"on": contract(1), "details": {"bytes": 500}}),
        ("delivery.refused", {"on": contract(1), "details": {"code": "GRANT_OVER"}}),
        ("query.run", {"on": ("testroom:R", *listing), "actor": "org:b", "details": {"charged": True}}),
        ("query.run", {"on": ("testroom:R", *listing), "actor": "org:b", "details": {"charged": False}}),
        ("query.refused", {"on": ("testroom:R", *listing), "actor": "org:b", "details": {"code": "W6"}}),
        ("query.refused", {"on": ("testroom:R", *listing), "actor": "org:b", "details": {"code": "W6"}}),
        ("query.refused", {"on": ("testroom:R", *listing), "actor": "org:b", "details": {"code": "B1"}}),
        ("trial.refused", {"on": ("trial:T1", "org:b"), "details": {"act": "order", "rules": "T7 T9"}}),
        ("trial.refused", {"on": ("trial:T1", "org:b"), "details": {"act": "list", "rules": "T9"}}),
        ("trial.refused", {"on": ("trial:T9", "org:b"), "details": {"act": "list", "rules": "T9"}}),
        ("trial.changed", {"details": {"kind": "suspended"}}),
    )  # fmt: skip


def test_each_number_is_what_the_records_say() -> None:
    built = report.build(TRIAL, ABOUT, life(), DEALS)
    values = {number["name"]: number["value"] for number in built["numbers"]}
    assert values == {
        **dict.fromkeys(values, 0), "members": 1, "members_joined": 2, "members_left": 1, "members_acting": 2,
        "buyers": 1, "sellers": 1, "listings_submitted": 1, "listings_published": 2, "listings_suspended": 1,
        "requests": 1, "requests_answered": 1, "contracts_agreed": 3, "contracts_active": 2, "contracts_ended": 1,
        "deliveries": 2, "delivered_bytes": 1500, "deliveries_refused": 1, "queries": 2, "queries_charged": 1,
        "queries_refused": 3, "acts_refused": 2,
    }  # fmt: skip
    assert of(built, "queries_refused")["rows"] == [{"key": "B1", "value": 1}, {"key": "W6", "value": 2}]
    assert of(built, "acts_refused")["rows"] == [{"key": "T7", "value": 1}, {"key": "T9", "value": 2}]
    assert built["money"]["vnd"] == 12_000_000
    assert [(row["sector"], row["vnd"]) for row in built["money"]["rows"]] == [
        ("logistics", 5_000_000), ("tourism", 7_000_000)
    ]  # fmt: skip
    assert {cap["cap"]: (cap["used"], cap["limit"]) for cap in built["caps"]} == {
        "members": (1, 50), "listings": (1, 200), "tx_vnd": (7_000_000, 500_000_000),
        "total_vnd": (12_000_000, 20_000_000_000),
    }  # fmt: skip
    assert [each["code"] for each in built["deviations"]] == ["TRIAL_SUSPENDED"]


def test_every_number_can_be_counted_again_from_the_records_that_it_names() -> None:
    records = life()
    built = report.build(TRIAL, replace(ABOUT, size=len(records)), records, DEALS)
    leaves = [
        {"t": r.type, "at": r.at_ms, "actor": r.actor, "on": list(r.on), "d": r.details, "h": r.digests}
        for r in records
    ]
    documents = {digest: (deal.price_vnd, deal.sector) for digest, deal in DEALS.items()}
    assert recount.check(built, leaves, documents) == len(NUMBERS) + 4
    leaves[10]["at"] = built["numbers"][0]["records"]["before_ms"]  # one request falls out of the period
    with pytest.raises(AssertionError):
        recount.check(built, leaves, documents)


@pytest.mark.parametrize(
    ("moment", "counted"),
    [
        (datetime(2026, 10, 31, 16, 59, 59, 999_000, tzinfo=UTC), 0),
        (datetime(2026, 10, 31, 17, tzinfo=UTC), 1),  # midnight in Viet Nam
        (datetime(2027, 4, 30, 16, 59, 59, 999_000, tzinfo=UTC), 1),
        (datetime(2027, 4, 30, 17, tzinfo=UTC), 0),
    ],
)
def test_a_period_is_whole_days_in_viet_nam(moment: datetime, counted: int) -> None:
    built = report.build(TRIAL, ABOUT, log(("access.requested", {"at": moment})), {})
    assert of(built, "requests")["value"] == counted


def test_two_trials_that_follow_one_another_count_each_act_once() -> None:
    """An act is counted under the certificate that judged it, and under none while none was recorded."""
    hour = 3_600_000
    moments = [datetime(2026, 12, 1, at, tzinfo=UTC) for at in range(5)]
    records = log(*(("access.requested", {"at": moment}) for moment in moments))
    ended, next_granted = ms(moments[2]), ms(moments[2]) + hour
    first = replace(ABOUT, granted_ms=ms(moments[1]), ended_ms=ended)
    second = replace(ABOUT, trial_id="T2", granted_ms=next_granted)
    counted = [of(report.build(TRIAL, about, records, {}), "requests") for about in (first, second)]
    assert [each["value"] for each in counted] == [1, 2]
    assert counted[0]["records"]["before_ms"] == ended
    assert counted[1]["records"]["from_ms"] == next_granted


def test_nothing_above_the_tree_is_counted() -> None:
    records = log(("access.requested", {}), ("access.requested", {}))
    assert of(report.build(TRIAL, replace(ABOUT, size=1), records, {}), "requests")["value"] == 1


def test_the_same_records_give_the_same_report() -> None:
    first, second = (json.dumps(report.build(TRIAL, ABOUT, life(), DEALS)) for _ in range(2))
    assert first == second


def test_a_contract_without_its_document_is_not_counted_as_nothing() -> None:
    with pytest.raises(ReportIncomplete):
        report.build(TRIAL, ABOUT, life(), {})


def incident(*later: tuple[str, datetime], severity: str = "serious", confirmed: bool = True) -> list[Record]:
    on = ("incident:I1", "trial:T1")
    details = {"severity": severity, "code": "leak", "confirmed": confirmed, "detected_ms": ms(NOON)}
    return log(
        ("incident.found", {"on": on, "details": details}),
        *((kind, {"on": on, "at": at, "details": {"severity": severity}}) for kind, at in later),
    )


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@pytest.mark.parametrize(("second", "late"), [(0, False), (1, True)])
def test_an_incident_reported_after_72_hours_is_a_deviation(second: int, late: bool) -> None:
    about = replace(ABOUT, made_ms=ms(datetime(2027, 5, 1, tzinfo=UTC)))
    reported = datetime(2026, 12, 4, 5, 0, second, tzinfo=UTC)
    built = report.build(TRIAL, about, incident(("incident.reported", reported)), {})
    assert built["incidents"][0]["late"] is late
    assert [each["code"] for each in built["deviations"]] == ["INCIDENT_REPORT_LATE"] * late


def test_an_incident_that_nobody_confirmed_has_no_clock() -> None:
    about = replace(ABOUT, made_ms=ms(datetime(2027, 5, 1, tzinfo=UTC)))
    open_one = report.build(TRIAL, about, incident(confirmed=False), {})["incidents"][0]
    assert (open_one["due_ms"], open_one["late"]) == (None, False)
    assessed = incident(("incident.assessed", NOON), confirmed=False)
    assert report.build(TRIAL, about, assessed, {})["incidents"][0]["late"] is True


def test_an_incident_that_was_closed_before_the_period_is_not_in_its_report() -> None:
    later = replace(ABOUT, first=date(2027, 5, 1), last=date(2027, 10, 31))
    still_open = incident(("incident.reported", NOON))
    assert len(report.build(TRIAL, later, still_open, {})["incidents"]) == 1
    closed = incident(("incident.reported", NOON), ("incident.closed", datetime(2027, 4, 30, 16, tzinfo=UTC)))
    assert report.build(TRIAL, later, closed, {})["incidents"] == []


def test_every_number_has_a_name_and_a_place_on_the_page() -> None:
    shown = [name for _heading, names in words_report.GROUPS for name in names]
    assert sorted(shown) == sorted(words_report.NAMES) == sorted(line.name for line in NUMBERS)


@pytest.mark.parametrize(
    ("count", "vi", "en"),
    [
        (0, ": không có bản ghi nào.", ": there are none."),
        (1, ": 1 bản ghi, số 1.021.", ": 1 record, no. 1,021."),
        (2, ": 2 bản ghi, từ số 1.021 đến số 1.030.", ": 2 records, from no. 1,021 to no. 1,030."),
    ],
)
def test_one_record_is_not_several(count: int, vi: str, en: str) -> None:
    records = {**of(report.build(TRIAL, ABOUT, life(), DEALS), "requests")["records"], "count": count}
    places = {"first": 1021 if count else None, "last": {0: None, 1: 1021, 2: 1030}[count]}
    assert words_report.source(records | places, "vi").endswith(vi)
    assert words_report.source(records | places, "en").endswith(en)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_source_is_a_sentence(lang: str) -> None:
    built = report.build(TRIAL, ABOUT, life(), DEALS)
    for number in [*built["numbers"], built["money"], *built["caps"]]:
        text = words_report.source(number["records"], lang)
        assert text.endswith(".")
        assert "{" not in text
        assert all(kind in text for kind in number["records"]["types"])
    for found in built["deviations"]:
        assert words_report.deviation(found, lang)
    assert len(LINES) == len({line.name for line in LINES})


def test_the_sentence_on_liability_promises_no_immunity() -> None:
    assert "Nothing exempts from liability towards other organisations" in words_report.LIABILITY.en
    assert "không được miễn" in words_report.LIABILITY.vi
