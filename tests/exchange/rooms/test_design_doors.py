"""The provider's rules for test rooms through pages and for programs; the twin behind both."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from exchange.rooms import engine
from exchange.rooms.models import BudgetEntry, QueryRun
from tests.exchange.rooms.test_programs import Program
from tests.exchange.trials.place import Place

GOOD = "SELECT hub, COUNT(*) AS n FROM data GROUP BY hub ORDER BY n DESC"


@pytest.fixture
def listed(place: Place, shipments: Path) -> Place:
    place.publish(shipments)
    return place


def form(browser: FlaskClient, address: str) -> dict[str, Any]:
    """Everything that the page's form would send as it stands."""
    page = browser.get(address).text
    body = page[page.index(f'<form action="{address}"') :]
    body = body[: body.index("</form>")]
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]+>", body):
        name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
        boxed = 'type="radio"' in tag or 'type="checkbox"' in tag
        if name and (not boxed or " checked" in tag):
            sent[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        sent[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        sent[name] = text
    return sent


@pytest.mark.usefixtures("no_csrf")
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_provider_answers_previews_tries_and_publishes(listed: Place, lang: str) -> None:
    browser = listed.browser(listed.seller, lang)
    address = f"/listings/{listed.listing_id}/test-room/rules"
    typed = form(browser, address)
    assert typed["unit"] == "customer"
    assert (typed["use-0"], typed["use-3"]) == ("filter", "sum")
    saved = browser.post(address, data={**typed, "use-1": "never", "min_group": "12", "then": "preview"})
    assert saved.location == f"{address}/preview"
    page = browser.get(saved.location).text
    assert "COUNT(DISTINCT customer)" in page
    assert ("Bản nháp" if lang == "vi" else "Draft") in page
    tried = browser.post(f"{address}/preview", data={"sql": GOOD}).text
    assert "hub 1" in tried
    assert ("Dữ liệu giả lập" if lang == "vi" else "Generated rows") in tried
    assert "data:image/svg+xml;base64," in tried
    assert "Hà Nội" not in tried, "nothing of the file"
    refused = browser.post(f"{address}/preview", data={"sql": "SELECT max(weight) FROM data"}).text
    assert "<code>A1</code>" in refused
    assert "AVG(weight)" in refused
    assert browser.post(f"{address}/publish").status_code == 303
    page = browser.get(f"{address}/preview").text
    assert ("Đang áp dụng phiên bản 1" if lang == "vi" else "Version 1 in force") in page
    assert browser.get(f"{address}/preview?version=1").status_code == 200
    assert browser.post(f"{address}/default").status_code == 303


@pytest.mark.usefixtures("no_csrf")
def test_what_cannot_be_read_is_said_beside_its_field(listed: Place) -> None:
    browser = listed.browser(listed.seller)
    address = f"/listings/{listed.listing_id}/test-room/rules"
    typed = form(browser, address)
    wrong = {"min_group": "viele", "epsilon_total_micro": "0", "low-3": "x", "then": "stay"}
    answer = browser.post(address, data={**typed, **wrong})
    assert answer.status_code == 422
    for name in ("min_group", "epsilon_total_micro", "low-3"):
        assert f'href="#f-{name}"' in answer.text, name
    assert "weight: " in answer.text, "the summary names the column"


@pytest.mark.usefixtures("no_csrf")
def test_measured_values_are_taken_only_after_they_are_said_to_be_public(listed: Place) -> None:
    browser = listed.browser(listed.seller)
    address = f"/listings/{listed.listing_id}/test-room/rules"
    typed = form(browser, address)
    refused = browser.post(address, data={**typed, "then": "take-0"})
    assert refused.status_code == 422
    assert "Hà Nội" not in refused.text
    taken = browser.post(address, data={**typed, "public-0": "1", "then": "take-0"})
    assert taken.location.endswith("?kind=text#column-0")
    assert form(browser, address)["values-0"].split("\n") == ["Cần Thơ", "Hà Nội", "Hải Phòng", "Rare", "Đà Nẵng"]


def answers(browser: FlaskClient, address: str) -> dict[str, str]:
    """What the form holds, without the token, in which the second of the clock stands."""
    return {name: value for name, value in form(browser, address).items() if name != "csrf_token"}


@pytest.mark.usefixtures("no_csrf")
def test_one_use_is_set_for_every_column_of_a_kind(listed: Place) -> None:
    browser = listed.browser(listed.seller)
    address = f"/listings/{listed.listing_id}/test-room/rules"
    typed = answers(browser, address)
    assert typed["use-3"] == "sum"
    set_ = browser.post(address, data={**typed, "all-number": "never", "begins-number": "wei", "then": "all-number"})
    assert set_.location.endswith("?kind=number#kind-number")
    assert answers(browser, address) == {**typed, "use-3": "never"}
    browser.post(address, data={**typed, "all-number": "never", "begins-number": "other", "then": "all-number"})
    assert answers(browser, address) == typed, "no column begins so"
    assert browser.post(address, data={**typed, "then": "all-nothing"}).status_code == 404


@pytest.mark.usefixtures("no_csrf")
def test_rules_that_cannot_stand_are_kept_as_a_draft_and_not_published(listed: Place) -> None:
    browser = listed.browser(listed.seller)
    address = f"/listings/{listed.listing_id}/test-room/rules"
    assert browser.post(address, data={**form(browser, address), "noise": "1", "then": "preview"}).status_code == 303
    page = browser.get(f"{address}/preview").text
    assert "Chưa thể công bố" in page
    assert f'action="{address}/publish"' not in page
    assert browser.post(f"{address}/publish").status_code == 422


def test_forms_ask_for_their_token(listed: Place) -> None:
    browser = listed.browser(listed.seller)
    for name in ("", "/preview", "/publish", "/default"):
        assert browser.post(f"/listings/{listed.listing_id}/test-room/rules{name}").status_code == 400


def test_nobody_else_sees_or_sets_them(listed: Place) -> None:
    assert listed.browser(listed.buyer).get(f"/listings/{listed.listing_id}/test-room/rules").status_code == 404
    program = Program(listed, listed.buyer, "catalogue")
    assert program.get(f"/listings/{listed.listing_id}/test-room-policy").status_code == 404


def test_a_program_reads_tries_sets_and_takes_back(listed: Place) -> None:
    program = Program(listed, listed.seller, "catalogue")
    address = f"/listings/{listed.listing_id}/test-room-policy"
    found = program.get(address).json
    assert (found["version"], found["default"], found["min_group_least"]) == (None, True, 10)
    answers = {**found["answers"], "min_group": 15}
    tried = program.post(f"{address}/try", {"sql": GOOD, "answers": answers}).json
    assert (tried["generated"], tried["receipt"]["min_group"]) == (True, 15)
    assert tried["rows"][0][0] == "hub 1"
    refused = program.post(f"{address}/try", {"sql": "SELECT customer FROM data"})
    assert refused.status_code == 422
    assert refused.json["fix"]
    for _twice in range(2):
        put = program.client.put(f"/api/v1{address}", json=answers, headers=program.headers)
        assert (put.status_code, put.json["version"]) == (200, 1)
    bad = program.client.put(f"/api/v1{address}", json={**answers, "min_group": 2}, headers=program.headers)
    assert (bad.status_code, bad.json["errors"][0]["field"]) == (422, "min_group")
    back = program.client.delete(f"/api/v1{address}", headers=program.headers).json
    assert (back["version"], back["default"]) == (2, True)
    with listed.database.reading() as session:
        assert session.exec(select(QueryRun)).all() == []
        assert session.exec(select(BudgetEntry)).all() == []


def test_a_twin_is_made_once_and_one_that_is_a_day_old_goes(listed: Place) -> None:
    program = Program(listed, listed.seller, "catalogue")
    address = f"/listings/{listed.listing_id}/test-room-policy"
    answers = program.get(address).json["answers"]
    first = program.post(f"{address}/try", {"sql": GOOD, "answers": answers}).json
    assert program.post(f"{address}/try", {"sql": GOOD, "answers": answers}).json["rows"] == first["rows"]
    with listed.app.app_context():
        folder = engine.copies().parent / "twins"
    (made,) = folder.glob("*.parquet")
    os.utime(made, (0, 0))
    other = {**answers, "columns": {"hub": {"use": "group"}}}
    assert program.post(f"{address}/try", {"sql": GOOD, "answers": other}).status_code == 200
    (left,) = folder.glob("*.parquet")
    assert left != made
