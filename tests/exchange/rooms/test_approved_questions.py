"""A room whose provider answers its own questions only (mode template): designed, shown, asked, refused."""

from pathlib import Path
from typing import Any

import pytest

from exchange.errors import Refused
from exchange.rooms import designs, hints
from exchange.rooms.designs import Desk
from sandbox.policy import Mode, Policy
from tests.exchange.rooms.test_programs import Program
from tests.exchange.trials.place import Place

SQL = """
WITH each_customer AS (
  SELECT customer, hub, sum(weight) AS total FROM data WHERE Phuong_thuc = $how GROUP BY customer, hub
)
SELECT hub, count(DISTINCT customer) AS customers, median(total) AS middle FROM each_customer GROUP BY hub
"""
HEAVY = {
    "id": "by_hub",
    "title_vi": "Khối lượng theo kho",
    "title_en": "Weight by hub",
    "sql": SQL,
    "parameters": {"how": {"type": "text", "domain": ["air", "road"]}},
}


def answers(place: Place, *templates: dict[str, Any]) -> dict[str, Any]:
    with place.database.reading() as session:
        at: Desk = designs.desk(session, place.seller, place.listing_id)
    return {**at.answers, "templates": list(templates)}


@pytest.fixture
def approved(ready: Place) -> Place:
    ready.do(designs.publish, ready.seller, ready.listing_id, answers(ready, HEAVY))
    return ready


def test_a_room_answers_the_providers_questions_and_no_other(approved: Place) -> None:
    room = approved.room()
    policy = Policy.from_json(room.policy)
    assert policy.mode is Mode.TEMPLATE
    assert hints.examples(policy) == ["by_hub(how => 'air')"]
    run = approved.ask(room, "by_hub(how => 'road')")
    assert run.verdict in ("allow", "limit"), run.facts
    assert run.answer is not None
    assert {row[0] for row in run.answer["rows"]} == {"Hà Nội", "Đà Nẵng", "Cần Thơ", "Hải Phòng"}
    assert run.receipt["template"] == "by_hub"
    again = approved.ask(room, '{"template": "by_hub", "parameters": {"how": "road"}}')
    assert (again.charged, again.answer) == (False, run.answer)
    own = approved.ask(room, "SELECT COUNT(*) FROM data")
    assert (own.verdict, own.code) == ("deny", "P0")
    outside = approved.ask(room, "by_hub(how => 'sea')")
    assert (outside.code, outside.facts["allowed"]) == ("P4", "'air', 'road'")
    assert hints.nearest("by_hub(how => 'sea')", policy) == "by_hub(how => 'air')"


def test_the_page_and_the_program_list_what_may_be_asked(approved: Place, no_csrf: None) -> None:
    room = approved.room()
    browser = approved.browser()
    page = browser.get(f"/test-rooms/{room.id}").text
    assert "Khối lượng theo kho" in page
    assert "by_hub(how =&gt; &#39;air&#39;)" in page
    asked = browser.post(f"/test-rooms/{room.id}/runs", data={"sql": "by_hub(how => 'air')"}, follow_redirects=True)
    assert "customers" in asked.text
    program = Program(approved, approved.buyer, "query")
    listed = program.get(f"/test-rooms/{room.id}").json["templates"]
    call, allowed = "by_hub(how => 'air')", {"how": "'air', 'road'"}
    assert listed == [{"title": "Weight by hub", "call": call, "parameters": allowed}]
    answer = program.post(f"/test-rooms/{room.id}/queries", {"sql": call}).json
    assert (answer["columns"], len(answer["rows"])) == (["hub", "customers", "middle"], 4)


def test_a_program_sets_the_providers_questions(ready: Place) -> None:
    program = Program(ready, ready.seller, "catalogue")
    path = f"/api/v1/listings/{ready.listing_id}/test-room-policy"
    put = program.client.put(path, json=answers(ready, HEAVY), headers=program.headers)
    assert (put.status_code, put.json["design"]["mode"]) == (200, "template")
    wrong = {**HEAVY, "sql": "SELECT count(*) AS n FROM read_csv('/etc/passwd')"}
    put = program.client.put(path, json=answers(ready, wrong), headers=program.headers)
    assert put.status_code == 422
    assert "POLICY_TEMPLATE" in put.text


def test_saving_the_form_keeps_the_questions(approved: Place, no_csrf: None) -> None:
    form = {"unit": "customer", "rows_per_unit": "50", "min_group": "20", "questions": "10", "per_day": "10"}
    form |= {"epsilon_total_micro": "2", "epsilon_release_micro": "0.1"}
    sent = approved.browser(approved.seller).post(f"/listings/{approved.listing_id}/test-room/rules", data=form)
    assert sent.status_code == 303
    assert answers(approved)["questions"] == 10
    with approved.database.reading() as session:
        assert designs.desk(session, approved.seller, approved.listing_id).answers["templates"] == [HEAVY]


def test_a_question_that_shows_rows_is_refused_with_its_place(ready: Place, shipments: Path) -> None:
    with pytest.raises(Refused) as refused:
        ready.do(
            designs.publish, ready.seller, ready.listing_id, answers(ready, {**HEAVY, "sql": "SELECT * FROM data"})
        )
    assert refused.value.refusals[0].code == "POLICY_TEMPLATE"
    with pytest.raises(Refused):
        ready.do(designs.publish, ready.seller, ready.listing_id, {**answers(ready, HEAVY), "noise": True})
