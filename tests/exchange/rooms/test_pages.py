"""The trial through pages: without JavaScript, in both languages, with CSRF."""

import re

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from exchange.accounts.models import Organisation
from exchange.rooms.models import TestRoom
from exchange.trials import service
from exchange.trials.models import Enrolment, Trial
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place

FORM = {
    "cert_no": "02/GCN-UBND", "authority": "Ủy ban nhân dân Thành phố Hồ Chí Minh", "valid_from": "2026-11-01",
    "valid_to": "2027-10-31", "level": "2", "sectors": ["logistics"], "classes": ["TC", "MO"],
    "verbs": ["own", "manage", "process", "distribute"], "territory": "VN", "max_members": "50", "max_listings": "200",
    "max_tx_vnd": "500.000.000", "max_total_vnd": "20000000000", "notice_version": "1",
}  # fmt: skip
STATED = {
    "notice_version": "1", "vietnamese": "true", "reorganising": "false", "licence_valid_to": "",
    "manager_degree": "it", "manager_years": "5",
}  # fmt: skip


def opened(place: Place, browser: FlaskClient) -> str:
    answer = browser.post(f"/listings/{place.listing_id}/test-room")
    assert answer.status_code == 303, answer.text
    return answer.location


@pytest.mark.usefixtures("no_csrf")
def test_the_operator_records_a_certificate_and_a_member_enrols(place: Place) -> None:
    operator = place.browser(place.people.operator())
    assert "Chưa ghi nhận giấy chứng nhận nào" in operator.get("/trial").text
    assert operator.post("/trial", data=FORM).status_code == 303
    page = operator.get("/trial").text
    assert "02/GCN-UBND" in page
    assert "20.000.000.000 ₫" in page
    member = place.browser()
    assert 'name="notice_version" value="1"' in member.get("/trial/enrolment").text
    assert member.post("/trial/enrolment", data=STATED).status_code == 303
    assert "phiên bản 1" in member.get("/trial").text
    with place.database.reading() as session:
        row = session.get_one(
            Enrolment, service.enrolment_of(session, session.exec(select(Trial)).one(), place.buyer.org_id).id
        )  # type: ignore[union-attr]
        assert row.accepted_by == place.buyer.user_id


@pytest.mark.usefixtures("no_csrf")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cert_no": ""}, "cert_no"),
        ({"valid_to": "2026-10-31"}, "valid_to"),
        ({"valid_to": "2028-11-02"}, "valid_to"),
        ({"valid_from": "hôm nay"}, "valid_from"),
        ({"level": "4"}, "level"),
        ({"territory": "Việt Nam!"}, "territory"),
        ({"max_tx_vnd": "-1"}, "max_tx_vnd"),
        ({"sectors": []}, "sectors"),
        ({"classes": ["CN1"]}, "classes"),
        ({"cert_no": "01\u202e/GCN"}, "cert_no"),
        ({"authority": "\x00"}, "authority"),
    ],
)
def test_a_certificate_with_a_mistake_is_shown_again(place: Place, changes: dict[str, str], field: str) -> None:
    answer = place.browser(place.people.operator()).post("/trial", data=FORM | changes)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert 'value="20000000000"' in answer.text  # what was typed is kept


def test_forms_ask_for_their_token(ready: Place) -> None:
    browser = ready.browser()
    for address in ("/trial/enrolment", f"/listings/{ready.listing_id}/test-room"):
        assert browser.post(address).status_code == 400
    operator = ready.browser(ready.people.operator())
    for address in ("/trial", "/trial/x/change"):
        assert operator.post(address, data=FORM).status_code == 400
    room = ready.room()
    for name in ("runs", "check", "close", "export"):
        assert browser.post(f"/test-rooms/{room.id}/{name}").status_code == 400


@pytest.mark.usefixtures("no_csrf")
def test_who_has_not_accepted_the_notice_is_led_to_it(ready: Place) -> None:
    stranger = ready.browser(ready.people.stranger())
    page = stranger.get(f"/listings/{ready.listing_id}/test-room")
    assert page.status_code == 200
    assert "TRIAL_NOTICE_NOT_ACCEPTED" in page.text
    assert f"/trial/enrolment?listing_id={ready.listing_id}" in page.text
    refused = stranger.post(f"/listings/{ready.listing_id}/test-room")
    assert refused.status_code == 403
    onward = stranger.post("/trial/enrolment", data=STATED | {"listing_id": ready.listing_id})
    assert onward.location == f"/listings/{ready.listing_id}/test-room"
    opened(ready, stranger)


@pytest.mark.usefixtures("no_csrf")
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_question_is_asked_answered_drawn_and_refused(ready: Place, lang: str) -> None:
    browser = ready.browser(lang=lang)
    assert browser.get(f"/listings/{ready.listing_id}/test-room").status_code == 200
    address = opened(ready, browser)
    page = browser.get(address).text
    assert "SELECT hub, COUNT(*) AS n" in page
    assert "KH000" not in page
    example = browser.get(f"{address}?example=3").text
    assert "AVG(weight)" in example
    asked = browser.post(f"{address}/runs", data={"sql": "SELECT hub, COUNT(*) AS n FROM data GROUP BY hub"})
    assert asked.status_code == 303
    answer = browser.get(asked.location).text
    assert ">749<" in answer.replace("\n", "")
    assert ("Một số nhóm" if lang == "vi" else "Some groups may be missing") in answer
    chart = re.search(r'src="([^"]+chart\.svg)"', answer)
    assert chart
    svg = browser.get(chart[1])
    assert svg.mimetype == "image/svg+xml"
    assert b"<script" not in svg.data
    assert "sandbox" in svg.headers["Content-Security-Policy"]
    refused = browser.post(f"{address}/runs", data={"sql": "SELECT max(weight) FROM data"})
    page = browser.get(refused.location).text
    assert "<code>A1</code>" in page
    fix = re.search(r'href="([^"]+fix=[^"#]+)', page)
    assert fix
    assert "AVG(weight)" in browser.get(fix[1].replace("&amp;", "&")).text
    assert "7654321" not in page


@pytest.mark.usefixtures("no_csrf")
def test_the_check_spends_nothing(ready: Place) -> None:
    browser = ready.browser()
    address = opened(ready, browser)
    good = browser.post(f"{address}/check", data={"sql": "SELECT COUNT(*) FROM data"}).json
    bad = browser.post(f"{address}/check", data={"sql": "SELECT * FROM data"}).json
    assert good
    assert bad
    assert (good["ok"], bad["ok"], bad["code"]) == (True, False, "A0")
    with ready.database.reading() as session:
        room = session.exec(select(TestRoom)).one()
    assert ready.budget(room).spent == 0


@pytest.mark.usefixtures("no_csrf")
def test_export_and_closing(ready: Place) -> None:
    browser = ready.browser()
    address = opened(ready, browser)
    exported = browser.post(f"{address}/export")
    assert exported.status_code == 403
    assert "TEST_ROOM_EXPORT_BLOCKED" in exported.text
    assert browser.post(f"{address}/close").status_code == 303
    assert "Phòng này đã đóng" in browser.get(address).text
    assert browser.post(f"{address}/runs", data={"sql": "SELECT COUNT(*) FROM data"}).status_code == 303


@pytest.mark.usefixtures("no_csrf")
def test_suspending_stops_everything_at_once(ready: Place) -> None:
    room = ready.room()
    regulator = ready.browser(ready.people.regulator())
    with ready.database.reading() as session:
        trial_id = session.exec(select(Trial)).one().id
    form = {"kind": "suspended", "code": "incident", "reason": "Sự cố nghiêm trọng"}
    assert regulator.post(f"/trial/{trial_id}/change", data=form | {"reason": " "}).status_code == 422
    assert regulator.post(f"/trial/{trial_id}/change", data=form).status_code == 303
    assert ready.ask(room, "SELECT COUNT(*) FROM data").code == "TRIAL_SUSPENDED"
    assert regulator.post(f"/trial/{trial_id}/change", data=form).status_code == 409
    assert (
        regulator.post(f"/trial/{trial_id}/change", data=form | {"kind": "resumed", "code": "remedied"}).status_code
        == 303
    )
    assert ready.ask(room, "SELECT COUNT(*) FROM data").verdict in ("allow", "limit")
    assert (
        regulator.post(f"/trial/{trial_id}/change", data=form | {"kind": "terminated", "code": "fraud"}).status_code
        == 303
    )
    assert ready.ask(room, "SELECT COUNT(*) FROM data").code == "TRIAL_TERMINATED"
    assert regulator.post(f"/trial/{trial_id}/change", data=form | {"kind": "resumed"}).status_code == 409


def test_who_may_not_query_sees_no_room(ready: Place) -> None:
    room = ready.room()
    assert ready.browser(ready.people.regulator()).get(f"/test-rooms/{room.id}").status_code == 403
    assert ready.browser(ready.people.stranger()).get(f"/test-rooms/{room.id}").status_code == 404
    assert ready.app.test_client().get(f"/test-rooms/{room.id}").status_code == 303


def test_a_suspended_member_does_not_enrol(place: Place) -> None:
    place.do(service.grant_trial, place.people.operator(), certificate())
    with place.database.writing() as session:
        session.get_one(Organisation, place.buyer.org_id).standing = "suspended"
        session.commit()
    from exchange.errors import NotPermitted

    with pytest.raises(NotPermitted):
        place.enrol(place.buyer)
