"""Reports of a trial through the use cases and doors: due, counted, signed off, counted again by somebody else."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from sqlmodel import select

from contracts import canonical, document
from exchange import audit, clock
from exchange.catalogue.models import ListingVersion
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger import service as ledger
from exchange.negotiations.models import Contract
from exchange.oversight import evidence
from exchange.trials import enrolments, lifecycle, paper, reporting, service
from exchange.trials.models import Trial, TrialEvent
from exchange.trials.report_models import TrialReport
from sandbox import words_report
from sandbox.rules import Entity
from tests.exchange.negotiations.market import Market
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place
from tests.sandbox import recount

AFTER = datetime(2027, 5, 3, 3, tzinfo=UTC)  # the first period, 1 November to 30 April, is over; ten days of grace run
LATE = datetime(2027, 5, 11, 3, tzinfo=UTC)
WORDS = {
    "answer": "Có: dữ liệu logistics được mua bán theo hợp đồng ký số.",
    "result": "Đạt 1 trên 10 hợp đồng.",
    "deviations": "",
    "remarks": "Kỳ đầu, chưa có sự cố.",
}
SOUND = Entity(True, False, None, "law", 5)


@pytest.fixture
def market(place: Place) -> Market:
    """A trial with a member, a contract in force, one given up, and refusals; all of it in the signed log."""
    made = Market(place.database, place.app.extensions["minhbach.sequencer"], place.seller, place.buyer, place.now)
    made.add_key(made.seller)
    made.add_key(made.buyer)
    made.publish()
    made.do(service.grant_trial, place.people.operator(), certificate())
    made.do(lambda session, now: enrolments.enrol(session, place.buyer, "1", now, SOUND))
    made.active()
    refuse(made)
    return made


def refuse(market: Market) -> None:
    def refusals(session: Any, now: datetime) -> None:
        on = ["testroom:01", f"listing:{market.listing_id}", f"org:{market.buyer.org_id}"]
        for code in ("W6", "B1", "W6"):
            audit.record(session, "query.refused", market.buyer, on=on, now=now, details={"code": code, "rows": 0})

    market.do(refusals)


def the_trial(place: Place) -> Trial:
    with place.database.reading() as session:
        return session.exec(select(Trial)).one()


def drawn(place: Place, kind: str = "periodic", last: date | None = None) -> TrialReport:
    report: TrialReport = place.do(
        lambda session, now: reporting.draw_up(session, place.people.operator(), the_trial(place).id, kind, last, now)
    )
    return report


def submitted(place: Place, market: Market, kind: str = "periodic") -> TrialReport:
    operator, row = place.people.operator(), drawn(place, kind)
    place.do(lambda session, now: reporting.write(session, operator, row.id, WORDS, now))
    place.do(lambda session, now: reporting.submit(session, operator, row.id, True, now))
    market.sequencer.run_once()
    with place.database.reading() as session:
        return session.get_one(TrialReport, row.id)


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    assert code in {refusal.code for refusal in caught.value.refusals}


def states(place: Place) -> list[str]:
    with place.database.reading() as session:
        seen = reporting.overview(session, place.people.regulator(), the_trial(place).id, clock.now())
        return [each.state for each in seen.periods]


def leaves_of(bundle: bytes) -> list[dict[str, Any]]:
    """Every record of an exported log, read from its files with nothing of ours."""
    with zipfile.ZipFile(BytesIO(bundle)) as file:
        names = sorted(name for name in file.namelist() if "/entries/" in name or name.startswith("entries"))
        data = b"".join(file.read(name) for name in names)
    leaves = []
    while data:
        length = int.from_bytes(data[:2], "big")
        leaves.append(json.loads(data[2 : 2 + length]))
        data = data[2 + length :]
    return leaves


def test_the_report_agrees_with_an_independent_reading_of_the_exported_log(place: Place, market: Market) -> None:
    market.agreed_on(purpose="Một mục đích khác")
    with clock.frozen(AFTER):
        row = submitted(place, market)
        with place.database.reading() as session:
            out = BytesIO()
            evidence.write_whole_log(session, out)
            documents = {}
            for contract in session.exec(select(Contract)):
                read = document.parse(contract.payload)
                listing = read.assets[0]
                query = select(ListingVersion.sector).where(
                    ListingVersion.listing_id == listing.listing_id, ListingVersion.number == listing.version
                )
                documents[read.hash] = (read.terms.price_vnd, str(session.exec(query).one()))
            head = ledger.head(session, row.size)
    assert row.payload is not None
    report = json.loads(row.payload)
    leaves = leaves_of(out.getvalue())
    assert recount.check(report, leaves, documents) > 20
    assert head is not None
    assert report["log"] == {"origin": "log.test/2026", "size": row.size, "root": head.root.hex()}
    values = {number["name"]: number["value"] for number in report["numbers"]}
    assert (values["members"], values["contracts_active"], values["contracts_agreed"]) == (1, 1, 2)
    assert (values["requests"], values["queries_refused"]) == (2, 3)
    assert report["money"]["vnd"] == 5_000_000
    record = next(leaf for leaf in leaves if leaf["t"] == "trial.reported")
    assert record["h"]["report"] == row.sha256 == canonical.sha256_b64url(row.payload)
    assert record["d"] == {
        "kind": "periodic", "from": "2026-11-01", "until": "2027-04-30", "due": "2027-05-10", "late": False,
        "size": row.size,
    }  # fmt: skip


def test_the_caps_of_the_report_are_those_that_the_rules_count(place: Place, market: Market) -> None:
    with clock.frozen(AFTER):
        counted = json.loads(drawn(place).counted)
    with place.database.reading() as session:
        used = service.usage(session, session.exec(select(Trial)).one())
    caps = {cap["cap"]: cap["used"] for cap in counted["caps"]}
    assert (caps["members"], caps["total_vnd"]) == (used.members, used.total_vnd)


def test_a_report_is_due_when_its_period_is_over_and_overdue_after_ten_days(place: Place, market: Market) -> None:
    assert states(place) == ["running"]
    with refused("PERIOD_RUNNING"):
        drawn(place)
    for moment, state in (
        (datetime(2027, 4, 30, 16, 59, 59, tzinfo=UTC), "running"),
        (datetime(2027, 4, 30, 17, tzinfo=UTC), "due"),
        (datetime(2027, 5, 10, 16, 59, 59, tzinfo=UTC), "due"),
        (datetime(2027, 5, 10, 17, tzinfo=UTC), "overdue"),
    ):
        with clock.frozen(moment):
            assert states(place)[0] == state, moment


def test_a_late_report_says_so_and_is_a_deviation_of_the_next(place: Place, market: Market) -> None:
    with clock.frozen(LATE):
        submitted(place, market)
        assert states(place)[0] == "late"
    with clock.frozen(datetime(2027, 11, 2, tzinfo=UTC)):
        counted = json.loads(drawn(place).counted)
    assert [(one["code"], one["facts"]) for one in counted["deviations"]] == [
        ("REPORT_OVERDUE", {"until": "2027-04-30"})
    ]


def test_a_report_is_submitted_whole_once_and_by_the_operator(place: Place, market: Market) -> None:
    operator, regulator = place.people.operator(), place.people.regulator()
    with clock.frozen(AFTER):
        row = drawn(place)
        for stranger in (place.buyer, regulator):
            with pytest.raises(NotPermitted):
                place.do(lambda s, now, who=stranger: reporting.submit(s, who, row.id, True, now))
        with place.database.reading() as session:
            with pytest.raises(NotFound):  # a draft is the operator's
                reporting.report_of(session, regulator, row.id)
            with pytest.raises(NotPermitted):
                reporting.report_of(session, place.buyer, row.id)
        with refused("REPORT_INCOMPLETE"):
            place.do(lambda session, now: reporting.submit(session, operator, row.id, True, now))
        place.do(lambda session, now: reporting.write(session, operator, row.id, WORDS, now))
        with refused("REPORT_NOT_SIGNED_OFF"):
            place.do(lambda session, now: reporting.submit(session, operator, row.id, False, now))
        place.do(lambda session, now: reporting.submit(session, operator, row.id, True, now))
        with refused("REPORT_SUBMITTED"):
            place.do(lambda session, now: reporting.write(session, operator, row.id, {"remarks": "x"}, now))
        with refused("PERIOD_REPORTED"):
            drawn(place, last=date(2027, 4, 30))
        with place.database.reading() as session:
            shown = reporting.report_of(session, regulator, row.id)
            events = [event.kind for event in session.exec(select(TrialEvent))]
    assert shown.document["operator"] == WORDS
    assert events == ["reported"]


def test_counting_again_keeps_the_words_and_takes_what_is_new(place: Place, market: Market) -> None:
    operator = place.people.operator()
    with clock.frozen(AFTER):
        row = drawn(place)
        place.do(lambda session, now: reporting.write(session, operator, row.id, WORDS, now))
    market.requested(purpose="Đến muộn, nhưng trong kỳ")
    with clock.frozen(AFTER):
        again = drawn(place)
    assert (again.id, again.answer) == (row.id, WORDS["answer"])
    before, after = (
        next(n["value"] for n in json.loads(each.counted)["numbers"] if n["name"] == "requests")
        for each in (row, again)
    )
    assert after == before + 1


def test_nothing_is_counted_while_records_of_the_period_wait_for_their_place(place: Place, market: Market) -> None:
    with place.database.writing() as session:
        audit.record(
            session, "query.refused", market.buyer, on=["testroom:02"], now=clock.now(), details={"code": "W1"}
        )
        session.commit()
    with clock.frozen(AFTER):
        with refused("NOT_IN_LOG_YET"):
            drawn(place)
        market.sequencer.run_once()
        assert drawn(place).size > 0


def test_the_exit_report_covers_the_whole_trial_and_leaves_no_second_after_the_evaluation(
    place: Place, market: Market
) -> None:
    with clock.frozen(AFTER):
        row = submitted(place, market, "exit")
        assert (row.first_day, row.last_day) == (date(2026, 11, 1), date(2027, 5, 3))
        with place.database.reading() as session:
            assert [event.kind for event in session.exec(select(TrialEvent))] == ["exit_reported"]
        operator = place.people.operator()
        place.do(lambda s, now: lifecycle.evaluate(s, operator, the_trial(place).id, "met", "Đạt mục tiêu.", now))
        with refused("EXIT_REPORT_OVER"):
            drawn(place, "exit")


def test_an_exit_report_counted_days_ago_is_counted_again(place: Place, market: Market) -> None:
    operator = place.people.operator()
    with clock.frozen(AFTER):
        row = drawn(place, "exit")
        place.do(lambda session, now: reporting.write(session, operator, row.id, WORDS, now))
    with clock.frozen(datetime(2027, 5, 5, tzinfo=UTC)), refused("REPORT_STALE"):
        place.do(lambda session, now: reporting.submit(session, operator, row.id, True, now))


def test_the_paper_holds_every_number_in_both_languages_and_the_data(place: Place, market: Market) -> None:
    with clock.frozen(AFTER):
        row = submitted(place, market)
    assert row.payload is not None
    assert row.sha256 is not None
    data = paper.pdf_of(row.payload, row.sha256)
    reader = PdfReader(BytesIO(data))
    text = " ".join(" ".join(page.extract_text().split()) for page in reader.pages)
    for term in words_report.NAMES.values():
        assert term.vi in text
        assert term.en in text
    assert words_report.LIABILITY.vi in text
    assert WORDS["answer"] in text
    assert "5.000.000 ₫" in text
    assert row.sha256 in text
    assert reader.attachments["report.json"] == [row.payload]
    assert data == paper.pdf_of.__wrapped__(row.payload, row.sha256)


def test_a_request_of_the_period_before_is_not_counted_in_the_next(place: Place, market: Market) -> None:
    with clock.frozen(datetime(2027, 11, 2, tzinfo=UTC)):
        counted = json.loads(drawn(place, last=date(2027, 10, 31)).counted)
    assert next(n["value"] for n in counted["numbers"] if n["name"] == "requests") == 0
