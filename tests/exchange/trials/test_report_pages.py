"""Reports and incidents through pages and API: who sees what, without JavaScript, in both languages."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlmodel import select

from exchange import clock
from exchange.trials import incidents
from exchange.trials.report_models import TrialIncident, TrialReport
from tests.exchange.negotiations.market import Market
from tests.exchange.test_doors import by_token
from tests.exchange.trials.place import Place
from tests.exchange.trials.test_reporting import AFTER, WORDS, market, the_trial  # noqa: F401 - market is a fixture

SERIOUS = {
    "severity": "serious", "code": "leak", "detected_at": "2026-11-22T08:00", "what": "Một tệp bị gửi nhầm.",
    "persons": "Nguyễn Văn A, 0901234567",
}  # fmt: skip


@pytest.fixture
def afterwards(place: Place, market: Market) -> Iterator[Place]:  # noqa: F811
    with clock.frozen(AFTER):
        yield place


@pytest.mark.usefixtures("no_csrf")
def test_the_operator_counts_answers_and_submits_and_the_regulator_reads(afterwards: Place) -> None:
    place, trial = afterwards, the_trial(afterwards).id
    operator, regulator = place.browser(place.people.operator()), place.browser(place.people.regulator(), "en")
    assert "10/05/2027" in operator.get(f"/trials/{trial}/reports").text
    drawn = operator.post(f"/trials/{trial}/reports", data={"kind": "periodic", "last": "2027-04-30"})
    assert drawn.status_code == 303, drawn.text
    assert regulator.get(drawn.location).status_code == 404
    incomplete = operator.post(drawn.location, data={"answer": "Có", "result": "", "submit": "1"})
    assert incomplete.status_code == 422
    assert 'href="#f-result"' in incomplete.text
    assert 'href="#f-stated"' in incomplete.text
    done = operator.post(drawn.location, data={**WORDS, "stated": "1", "submit": "1"})
    assert done.status_code == 303, done.text
    page = regulator.get(drawn.location).text
    assert WORDS["answer"] in page
    assert "5,000,000 ₫" in page
    assert "of type access.requested" in page
    assert regulator.get(f"/trials/{trial}/reports").text.count("Report submitted") == 1
    data = regulator.get(f"{drawn.location}/report.json")
    with place.database.reading() as session:
        row = session.exec(select(TrialReport)).one()
    assert data.data == row.payload
    text = PdfReader(BytesIO(regulator.get(f"{drawn.location}/report.pdf").data)).pages[0].extract_text()
    assert "Báo cáo định kỳ về thử nghiệm có kiểm soát" in text
    assert place.browser().get(drawn.location).status_code == 403  # a participant
    supervised = regulator.get(f"/oversight/trials/{trial}").text
    assert drawn.location in supervised


@pytest.mark.usefixtures("no_csrf")
def test_a_draft_says_on_every_page_that_it_is_one(afterwards: Place) -> None:
    place = afterwards
    operator = place.browser(place.people.operator())
    drawn = operator.post(f"/trials/{the_trial(place).id}/reports", data={"kind": "periodic", "last": ""})
    reader = PdfReader(BytesIO(operator.get(f"{drawn.location}/report.pdf").data))
    assert all("BẢN DỰ THẢO, CHƯA NỘP" in page.extract_text() for page in reader.pages)


def test_a_program_of_the_operator_reports(afterwards: Place) -> None:
    place, trial = afterwards, the_trial(afterwards).id
    operator = place.people.operator()

    def call(method: str, path: str, **more: object) -> dict[str, object]:
        answer = by_token(place.app, place.database, operator, "moderate", method, f"/api/v1{path}", **more)[1]
        assert answer.status_code < 300, answer.text
        return dict(answer.get_json())

    assert call("GET", f"/trials/{trial}/reports")["periods"][0]["state"] == "due"  # type: ignore[index]
    made = call("POST", f"/trials/{trial}/reports", json={"kind": "periodic"})
    call("PATCH", f"/trial-reports/{made['id']}", json={"remarks": "Qua chương trình"})
    done = call("POST", f"/trial-reports/{made['id']}/submit", json={**WORDS, "stated": True})
    assert str(done["sha256"]).startswith("sha-256:")
    assert call("GET", f"/trial-reports/{made['id']}/report.json")["kind"] == "periodic"
    official = by_token(place.app, place.database, place.people.regulator(), "audit", "GET",
                        f"/api/v1/trial-reports/{made['id']}")[1]  # fmt: skip
    assert official.get_json()["event"] == done["event"]


@pytest.mark.usefixtures("no_csrf", "market")
def test_an_incident_is_told_reported_closed_and_its_persons_forgotten(place: Place) -> None:
    trial = the_trial(place).id
    operator, regulator = place.browser(place.people.operator(), "en"), place.browser(place.people.regulator(), "en")
    told = operator.post(f"/trials/{trial}/incidents", data=SERIOUS)
    assert told.status_code == 303, told.text
    page = operator.get(told.location).text
    assert "71 h 0 min left" in page
    assert "The trial stands still by rule" in page
    assert "0901234567" in regulator.get(told.location).text
    assert place.browser().get(told.location).status_code == 404
    too_soon = operator.post(f"{told.location}/close", data={"cause": "x", "remedy": "y"})
    assert too_soon.status_code == 409
    assert operator.post(f"{told.location}/report", data={"measures": "Đã thu hồi tệp."}).status_code == 303
    assert "Reported in time" in regulator.get(f"/oversight/trials/{trial}").text
    closed = operator.post(f"{told.location}/close", data={"cause": "Nhầm người nhận", "remedy": "Kiểm tra hai lần"})
    assert closed.status_code == 303, closed.text
    assert operator.post(f"{told.location}/forget").status_code == 303
    assert "0901234567" not in regulator.get(told.location).text
    with place.database.reading() as session:
        assert "0901234567" not in str(session.exec(select(TrialIncident)).one())


@pytest.mark.usefixtures("market")
def test_a_seller_tells_of_an_incident_by_program(place: Place) -> None:
    trial = the_trial(place).id
    body = {**SERIOUS, "detected_at": "2026-11-22T01:00:00+00:00"}
    answer = by_token(place.app, place.database, place.seller, "catalogue", "POST",
                      f"/api/v1/trials/{trial}/incidents", json=body)[1]  # fmt: skip
    assert answer.status_code == 201, answer.text
    made = answer.get_json()
    assert (made["confirmed"], made["due"]) == (False, None)
    assert "0901234567" not in json.dumps(made, ensure_ascii=False)


def test_forms_of_reports_and_incidents_ask_for_their_token(place: Place, market: Market) -> None:  # noqa: F811
    operator, trial = place.browser(place.people.operator()), the_trial(place).id
    for path in (f"/trials/{trial}/reports", f"/trials/{trial}/incidents", "/trial-reports/x", "/incidents/x/report",
                 "/incidents/x/close", "/incidents/x/assess", "/incidents/x/forget"):  # fmt: skip
        assert operator.post(path).status_code == 400, path


@pytest.mark.usefixtures("no_csrf", "market")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"detected_at": "hôm qua"}, "detected_at"), ({"detected_at": "2026-11-22T10:00"}, "detected_at"),
        ({"detected_at": "2026-10-31T10:00"}, "detected_at"), ({"severity": "great"}, "severity"),
        ({"code": "?"}, "code"), ({"what": "  "}, "what"), ({"what": "x" * 4001}, "what"),
    ],
)  # fmt: skip
def test_an_incident_with_a_mistake_is_asked_for_again(place: Place, changes: dict[str, str], field: str) -> None:
    answer = place.browser(place.people.operator()).post(
        f"/trials/{the_trial(place).id}/incidents", data=SERIOUS | changes
    )
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text


def test_the_clock_counts_down_to_the_last_minute(place: Place, market: Market) -> None:  # noqa: F811
    account = incidents.Account("serious", "leak", "Tệp lộ", clock.now())
    row = place.do(lambda s, now: incidents.tell(s, place.people.operator(), the_trial(place).id, account, now))
    for moment, words in (
        (datetime(2026, 11, 25, 1, 59, tzinfo=UTC), "0 h 1 min left"),
        (datetime(2026, 11, 25, 2, 0, 1, tzinfo=UTC), "Overdue"),
    ):
        with clock.frozen(moment):
            assert words in place.browser(place.people.operator(), "en").get(f"/incidents/{row.id}").text
