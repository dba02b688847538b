"""A trial's life through pages, the JSON API and the command's addresses: without JavaScript, in both languages."""

from typing import Any

import pytest
from sqlmodel import select

from exchange.oversight import warrants
from exchange.permissions import Actor, OrgKind, Role
from exchange.trials import service
from exchange.trials.application_models import TrialApplication
from exchange.trials.models import Trial
from tests.exchange.rooms.test_programs import Program
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place

FORM: dict[str, Any] = {
    "question": "Người mua có cần xem dữ liệu gốc không?", "measure": "10 hợp đồng", "participants": "Chọn công khai",
    "sectors": ["logistics"], "classes": ["TC", "MO"], "verbs": ["process", "distribute"], "level": "2",
    "territory": "VN", "valid_from": "2026-11-23", "valid_to": "2027-11-22", "max_members": "", "max_listings": "20",
    "max_tx_vnd": "", "max_total_vnd": "1.000.000.000", "safeguards": "Kiểm duyệt mọi sản phẩm\nNhật ký công khai",
    "security_valid_to": "2028-01-01", "notice_version": "1", "profile": "pilot", "authority_id": "",
}  # fmt: skip
pytestmark = [
    pytest.mark.usefixtures("no_csrf"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),  # what the rows do is test_lifecycle's
]


@pytest.fixture
def ministry(place: Place) -> Actor:
    """A recorded authority."""
    actor = place.people.make("bo-khoa-hoc", OrgKind.REGULATOR, Role.OWNER)
    fields = {"org": actor.org_id, "approver": "ministry", "provinces": "", "basis": "Nghị định 353/2025"}
    answer = place.browser(place.people.operator()).post("/trial/authorities", data=fields)
    assert answer.status_code == 303, answer.text
    return actor


def handed_in(place: Place, **changes: Any) -> str:
    answer = place.browser(place.people.operator()).post(
        "/trial/applications", data=FORM | {"then": "submit"} | changes
    )
    assert answer.status_code == 303, answer.text
    return str(answer.location.rsplit("/", 1)[1])


def test_nothing_typed_is_lost_when_an_application_is_not_good_enough(place: Place, ministry: Actor) -> None:
    operator = place.browser(place.people.operator())
    answer = operator.post("/trial/applications", data=FORM | {"then": "submit", "measure": ""})
    assert answer.status_code == 422
    assert 'href="#f-measure"' in answer.text
    assert FORM["question"] in answer.text
    with place.database.reading() as session:
        kept = session.exec(select(TrialApplication)).one()
    assert f"/trial/applications/{kept.id}" in answer.text  # the next attempt goes on with the same draft
    again = operator.post(f"/trial/applications/{kept.id}", data=FORM | {"then": "submit"})
    assert again.status_code == 303
    wrong = operator.post("/trial/applications", data=FORM | {"valid_from": "mai", "question": "Câu khác"})
    assert wrong.status_code == 422
    assert "Câu khác" in wrong.text
    assert ministry.org_id


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_from_the_form_to_the_public_page(place: Place, ministry: Actor, lang: str) -> None:
    application_id = handed_in(place)
    desk = place.browser(ministry, lang)
    inbox = desk.get("/trial/applications").text
    assert application_id in inbox
    assert ("Còn 20 ngày làm việc" if lang == "vi" else "Working days left: 20") in inbox
    page = desk.get(f"/trial/applications/{application_id}").text
    assert FORM["question"] in page
    wide = {"cert_no": "07/GCN", "max_listings": "21"}
    refused = desk.post(f"/trial/applications/{application_id}/approve", data=wide)
    assert refused.status_code == 422
    assert "GRANT_TOO_WIDE" in refused.text or 'href="#f-max_listings"' in refused.text
    assert 'value="07/GCN"' in refused.text
    long = {"cert_no": "07/GCN", "conditions": "Đ" * 4000}
    answer = desk.post(f"/trial/applications/{application_id}/approve", data=long)
    assert answer.status_code == 303
    public = place.app.test_client().get(f"/trials/{application_id}?lang={lang}").text
    assert "07/GCN" in public
    assert "1.000.000.000" in public or "1,000,000,000" in public
    assert ("không đương nhiên được kinh doanh" if lang == "vi" else "gives nobody a right") in public
    assert place.app.test_client().get("/trial").status_code == 200
    assert place.app.test_client().get("/trial/authorities").status_code == 200
    assert place.app.test_client().get("/trials/nothing").status_code == 404


def test_returned_with_reasons_and_refused(place: Place, ministry: Actor) -> None:
    application_id = handed_in(place)
    desk, operator = place.browser(ministry), place.browser(place.people.operator())
    assert desk.post(f"/trial/applications/{application_id}/return", data={"reason": " "}).status_code == 422
    reason = {"reason": "Thiếu phương án xử lý sự cố"}
    assert desk.post(f"/trial/applications/{application_id}/return", data=reason).status_code == 303
    assert reason["reason"] in operator.get(f"/trial/applications/{application_id}/edit").text
    assert operator.post(f"/trial/applications/{application_id}", data=FORM | {"then": "submit"}).status_code == 303
    assert desk.post(f"/trial/applications/{application_id}/refuse", data=reason).status_code == 303
    assert desk.post(f"/trial/applications/{application_id}/refuse", data=reason).status_code == 409
    assert place.browser(place.buyer).get(f"/trial/applications/{application_id}").status_code == 403


def test_statements_are_kept_when_refused_and_the_operator_sees_them(place: Place) -> None:
    row = place.do(service.grant_trial, place.people.operator(), certificate())
    member, operator = place.browser(), place.browser(place.people.operator())
    stated = {"notice_version": "1", "vietnamese": "true", "reorganising": "false", "licence_valid_to": "2026-12-01",
              "manager_degree": "other", "manager_years": "1"}  # fmt: skip
    refused = member.post("/trial/enrolment", data=stated)
    assert refused.status_code == 403
    assert "LICENCE_SHORTER_THAN_TRIAL" in refused.text
    assert "MANAGER_NOT_QUALIFIED" in refused.text
    assert 'value="2026-12-01"' in refused.text
    assert member.post("/trial/enrolment", data=stated | {"manager_years": "nhiều"}).status_code == 422
    good = stated | {"licence_valid_to": "", "manager_degree": "law", "manager_years": "4"}
    assert member.post("/trial/enrolment", data=good).status_code == 303
    people = operator.get(f"/trials/{row.id}/participants")
    assert place.browser(place.people.regulator()).get(f"/trials/{row.id}/participants").status_code == 403
    assert "Luật" in people.text
    with place.database.reading() as session:
        enrolment = service.enrolment_of(session, session.get_one(Trial, row.id), place.buyer.org_id)
    assert enrolment is not None
    address = f"/trials/{row.id}/participants/{enrolment.id}"
    assert operator.post(f"{address}/exclude", data={"code": "x", "reason": "y"}).status_code == 422
    assert operator.post(f"{address}/exclude", data={"code": "not_eligible", "reason": "Giải thể"}).status_code == 303
    assert member.post("/trial/enrolment", data=good).status_code == 403
    assert operator.post(f"{address}/readmit").status_code == 422
    assert operator.post(f"{address}/readmit", data={"reason": "Đã khắc phục"}).status_code == 303
    assert member.post("/trial/enrolment", data=good).status_code == 303
    assert member.post("/trial/enrolment/leave").status_code == 303


def test_every_step_through_the_api(place: Place, ministry: Actor) -> None:
    operator = Program(place, place.people.operator(), "moderate")
    official = Program(place, ministry, "authority")
    body = FORM | {"level": 2, "territory": ["VN"], "safeguards": ["Kiểm duyệt"], "max_listings": 20}
    drawn = operator.post("/trial/applications", body | {"valid_from": "2026-11-22"}).json
    address = f"/trial/applications/{drawn['id']}"
    assert operator.post(f"{address}/submit").json["state"] == "submitted"
    assert official.get("/trial/applications").json["applications"][0]["working_days_left"] == 20
    assert operator.post(f"{address}/approve", {"cert_no": "1"}).status_code == 403
    made = official.post(f"{address}/approve", {"cert_no": "07/GCN"})
    assert made.status_code == 201, made.text
    trial = f"/trials/{made.json['id']}"
    assert place.app.test_client().get(f"/api/v1{trial}").json["state"] == "active"
    member = Program(place, place.buyer, "query")
    stated = {"vietnamese": True, "reorganising": False, "manager_degree": "it", "manager_years": 2}
    joined = member.client.put(
        "/api/v1/trial/enrolment", json={"notice_version": "1", "statements": stated}, headers=member.headers
    )
    assert joined.status_code == 200, joined.text
    change = {"kind": "suspended", "code": "inspection", "reason": "Kiểm tra"}
    assert official.post(f"{trial}/change", change).status_code == 201
    assert operator.post(f"{trial}/change", {**change, "kind": "resumed", "code": "remedied"}).json["code"] == (
        "TRIAL_STEP_NOT_YOURS"
    )
    assert official.post(f"{trial}/change", {**change, "kind": "resumed", "code": "remedied"}).status_code == 201
    asked = operator.post(f"{trial}/extension", {"until": "2028-06-30", "reason": "Cần thêm"})
    assert asked.status_code == 201, asked.text
    assert official.post(f"{trial}/extension/answer", {"granted": True, "reason": "Đồng ý"}).status_code == 201
    renewed = operator.post(f"{trial}/security", {"security_until": "2030-01-01", "reason": "Số 9"})
    assert renewed.status_code == 201, renewed.text
    assert operator.post(f"{trial}/close", {"reason": ""}).json["code"] == "EXIT_REPORT_MISSING"
    assert official.post(f"{trial}/evaluation", {"code": "met", "reason": "Tốt"}).json["code"] == "EXIT_REPORT_MISSING"
    shown = member.get("/trial").json
    assert shown["valid_to"] == "2028-06-30"
    assert [each["kind"] for each in shown["events"]][-2:] == ["extended", "security_renewed"]
    assert official.get(f"{trial}/participants").json["participants"][0]["manager_degree"] == "it"


def test_the_page_of_a_running_trial_offers_each_reader_their_steps(place: Place, ministry: Actor) -> None:
    application_id = handed_in(place, valid_from="2026-11-22")
    place.browser(ministry).post(f"/trial/applications/{application_id}/approve", data={"cert_no": "07/GCN"})
    operator = place.browser(place.people.operator(), "en")
    page = operator.get("/trial").text
    assert "Ask for an extension" in page
    assert "The trial cannot be closed: its exit report is missing. File the exit report" in page
    assert "/close" not in page
    assert "Terminate the trial for good: The operator leaves the trial by itself" in page
    assert "Terminate the trial for good: Fraud" not in page
    late = operator.post(f"/trial/{application_id}/extension", data={"until": "2035-01-01", "reason": "Dài"})
    assert late.status_code == 403
    assert 'value="2035-01-01"' in late.text
    assert (
        operator.post(f"/trial/{application_id}/extension", data={"until": "2028-01-01", "reason": "R"}).status_code
        == 303
    )
    assert "Take the asking back" in operator.get("/trial").text
    desk = place.browser(ministry, "en")
    assert "Grant it" in desk.get("/trial").text
    granted = desk.post(f"/trial/{application_id}/extension/answer", data={"granted": "true", "reason": "OK"})
    assert granted.status_code == 303
    assert "Fraud" in desk.get("/trial").text
    assert "Change the trial" not in place.browser(place.buyer, "en").get("/trial").text


def test_limits_are_shown_where_they_would_bite(ready: Place) -> None:
    page = ready.browser(lang="en").get(f"/listings/{ready.listing_id}/request").text
    assert "Value of contracts" in page
    assert "20,000,000,000" in page


def test_an_official_finds_the_whole_life_under_the_trials_number(place: Place, ministry: Actor) -> None:
    application_id = handed_in(place, valid_from="2026-11-22")
    place.browser(ministry).post(f"/trial/applications/{application_id}/approve", data={"cert_no": "07/GCN"})
    change = {"kind": "suspended", "code": "precaution", "reason": "Sự cố nội bộ"}
    place.browser(place.people.operator()).post(f"/trial/{application_id}/change", data=change)
    regulator = place.people.regulator()
    mandate = warrants.Mandate("01/QĐ-TTr", "Thanh tra", "Thử nghiệm", place.now.date(), place.now.date())
    place.do(warrants.open_warrant, regulator, mandate)
    place.app.extensions["minhbach.sequencer"].run_once()
    found = place.browser(regulator, "en").get(f"/oversight/log?subject=trial:{application_id}&format=json").text
    for event in ("trial.applied", "trial.granted", "trial.changed"):
        assert event in found
