"""The test room's page: what is beside the editor, what a check says, generated rows, what was asked."""

from typing import Any

import pytest
from sqlmodel import select

from exchange.rooms import designs, showing
from exchange.rooms.models import QueryRun
from tests.exchange.rooms.test_programs import Program
from tests.exchange.trials.place import Place

GOOD = "SELECT hub, COUNT(*) AS n FROM data GROUP BY hub ORDER BY n DESC"


def answer(**changes: Any) -> dict[str, Any]:
    made = {"columns": ["hub", "n"], "kinds": ["key", "number"], "rows": [["A", 3], ["B", 9], ["C", 5]],
            "suppressed": False, "truncated": False}  # fmt: skip
    return {**made, **changes}


@pytest.mark.usefixtures("no_csrf")
def test_a_check_says_where_it_stops_what_is_nearest_and_what_is_left(ready: Place) -> None:
    browser, room = ready.browser(lang="en"), ready.room()
    told = browser.post(
        f"/test-rooms/{room.id}/check", data={"sql": "SELECT hub, max(weight) FROM data GROUP BY 1"}
    ).json
    assert told is not None
    assert (told["ok"], told["code"], told["position"]) == (False, "A1", 16)
    assert told["place"][1] == "weight"
    assert "AVG(weight)" in told["nearest"]
    assert told["left"]["questions"] == {"spent": 0, "total": 100}
    assert told["left"]["privacy"] is None
    assert 0 < told["left"]["seconds"] <= 7200


@pytest.mark.usefixtures("no_csrf")
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_generated_rows_answer_and_refuse_without_a_trace(ready: Place, lang: str) -> None:
    browser, room = ready.browser(lang=lang), ready.room()
    page = browser.post(f"/test-rooms/{room.id}/twin", data={"sql": GOOD}).text
    assert ("Dữ liệu giả lập" if lang == "vi" else "Generated rows") in page
    assert "hub 1" in page
    assert "Cần Thơ" not in page
    refused = browser.post(f"/test-rooms/{room.id}/twin", data={"sql": "SELECT * FROM data"}).text
    assert "<code>A0</code>" in refused
    with ready.database.reading() as session:
        assert session.exec(select(QueryRun)).all() == []
    assert ready.budget(room).spent == 0


def test_the_form_of_the_generated_rows_asks_for_its_token(ready: Place) -> None:
    room = ready.room()
    assert ready.browser().post(f"/test-rooms/{room.id}/twin").status_code == 400


def test_what_may_be_written_stands_beside_the_editor(ready: Place) -> None:
    page = ready.browser().get(f"/test-rooms/{ready.room().id}").text
    for piece in ("hub", "SUM(weight)", "AVG(weight)", "COUNT(*)"):
        assert f'data-insert="{piece}"' in page
    assert 'data-insert="date_trunc(&#39;month&#39;, shipped_on)"' in page
    assert "customer" not in page, "a column that may not be touched is no help in writing"


def test_a_program_tries_generated_rows_and_reads_what_was_asked(ready: Place) -> None:
    program = Program(ready, ready.buyer, "query")
    room = program.post(f"/listings/{ready.listing_id}/test-rooms").json["id"]
    tried = program.post(f"/test-rooms/{room}/twin", {"sql": GOOD}).json
    assert (tried["generated"], tried["columns"]) == (True, ["hub", "n"])
    assert program.post(f"/test-rooms/{room}/twin", {"sql": "SELECT * FROM data"}).status_code == 422
    assert program.get(f"/test-rooms/{room}/queries").json == {"queries": []}
    asked = program.post(f"/test-rooms/{room}/queries", {"sql": GOOD}).json
    (one,) = program.get(f"/test-rooms/{room}/queries").json["queries"]
    assert (one["id"], one["sql"], one["event"]) == (asked["id"], GOOD, asked["event"])
    stranger = Program(ready, ready.people.stranger(), "query")
    assert stranger.get(f"/test-rooms/{room}/queries").status_code == 404
    assert stranger.post(f"/test-rooms/{room}/twin", {"sql": GOOD}).status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "“n” is largest for B (9) and smallest for A (3)."),
        ({"rows": [["A", 4], ["B", 4]]}, "“n” is 4 in each of 2 groups."),
        ({"rows": [["A", None], ["B", 4]]}, None),
        ({"rows": [["A", 4]]}, None),
    ],
)
def test_a_picture_is_said_in_a_sentence(ready: Place, changes: dict[str, Any], said: str | None) -> None:
    with ready.app.test_request_context("/?lang=en"):
        assert showing.summary(answer(**changes)) == said


def test_numbers_with_noise_say_how_far_they_are_off(ready: Place) -> None:
    with ready.app.test_request_context("/?lang=en"):
        table = showing.table(answer(half_widths=[None, "1234"]))
        assert table is not None
        assert table["errors"] == [("n", "1,234")]


def test_a_designed_room_with_noise_says_how_far_its_numbers_are_off(ready: Place) -> None:
    with ready.database.reading() as session:
        given = designs.desk(session, ready.seller, ready.listing_id).answers
    given |= {"noise": True, "epsilon_release_micro": 500_000}
    given["columns"] = {
        "hub": {"use": "filter", "values": ["Hà Nội", "Đà Nẵng", "Cần Thơ", "Hải Phòng"], "public": True},
        "weight": {"use": "sum", "low": 0, "high": 2000},
    }
    ready.do(designs.publish, ready.seller, ready.listing_id, given)
    room = ready.room()
    assert room.policy["mode"] == "aggregate_dp"
    run = ready.ask(room, GOOD)
    assert run.answer is not None
    assert run.answer["half_widths"][0] is None
    assert int(run.answer["half_widths"][1]) > 0
    page = ready.browser(lang="en").get(f"/test-rooms/{room.id}?run={run.id}").text
    assert "is off by at most ±" in page
    assert "Privacy budget used" in page


def test_a_room_opens_under_a_design_in_which_every_row_stands_for_itself(ready: Place) -> None:
    with ready.database.reading() as session:
        given = {**designs.desk(session, ready.seller, ready.listing_id).answers, "unit": "", "min_group": 20}
    ready.do(designs.publish, ready.seller, ready.listing_id, given)
    room = ready.room()
    assert room.policy["limits"]["min_group"] == 20
    assert ready.ask(room, GOOD).verdict == "limit"
