"""What the trial's rules refuse at a door is on record: once, without its contents, and counted by the reports."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import select

from exchange import clock
from exchange.ledger.models import Entry
from exchange.trials import reporting, service
from exchange.trials.models import Trial
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place

STATED = {"notice_version": "1", "vietnamese": "true", "reorganising": "true", "licence_valid_to": "2026-12-01",
          "manager_degree": "law", "manager_years": "4"}  # fmt: skip


@pytest.fixture
def row(place: Place) -> Trial:
    granted: Trial = place.do(service.grant_trial, place.people.operator(), certificate())
    return granted


def refusals(place: Place) -> list[dict[str, Any]]:
    """Every such record, wherever it is on its way into the tree."""
    with place.database.reading() as session:
        placed = list(session.exec(select(Entry.leaf).order_by(Entry.idx)))  # type: ignore[arg-type]
    found = [json.loads(data) for data in [*placed, *place.leaves()]]
    return [each for each in found if each["t"] == "trial.refused"]


@pytest.mark.usefixtures("no_csrf")
def test_a_refused_act_is_recorded_after_its_transaction_is_gone(place: Place, row: Trial) -> None:
    member = place.browser()
    assert member.post("/trial/enrolment", data=STATED).status_code == 403
    (found,) = refusals(place)
    assert found["d"] == {"act": "enrol", "rules": "T4 T5"}
    assert (found["actor"], found["on"]) == (
        f"org:{place.buyer.org_id}", [f"trial:{row.id}", f"org:{place.buyer.org_id}"],
    )  # fmt: skip
    assert "2026-12-01" not in json.dumps(found)
    assert member.post("/trial/enrolment", data=STATED | {"notice_version": ""}).status_code in (403, 422)
    member.get("/trial/enrolment")
    with place.database.reading() as session:
        assert service.enrolment_of(session, row, place.buyer.org_id) is None


@pytest.mark.usefixtures("no_csrf")
def test_a_refused_room_names_its_listing_and_asking_what_would_happen_is_no_record(ready: Place) -> None:
    stranger = ready.browser(ready.people.stranger())
    assert stranger.get(f"/listings/{ready.listing_id}/test-room").status_code == 200
    assert refusals(ready) == []
    assert stranger.post(f"/listings/{ready.listing_id}/test-room").status_code == 403
    (found,) = refusals(ready)
    assert found["d"] == {"act": "query", "rules": "T14"}
    assert f"listing:{ready.listing_id}" in found["on"]


@pytest.mark.usefixtures("no_csrf")
def test_nobody_floods_the_log_by_being_refused(place: Place, row: Trial) -> None:
    member = place.browser()
    for _ in range(62):
        assert member.post("/trial/enrolment", data=STATED).status_code == 403
    assert len(refusals(place)) == 60
    other = place.browser(place.people.stranger())
    assert other.post("/trial/enrolment", data=STATED).status_code == 403
    assert len(refusals(place)) == 61  # each organisation has its own measure


@pytest.mark.usefixtures("no_csrf")
def test_a_report_counts_them_by_rule(place: Place, row: Trial) -> None:
    member = place.browser()
    for changes in ({}, {"licence_valid_to": ""}):
        member.post("/trial/enrolment", data=STATED | changes)
    place.app.extensions["minhbach.sequencer"].run_once()
    with clock.frozen(datetime(2027, 5, 3, 3, tzinfo=UTC)):
        report = place.do(
            lambda session, now: reporting.draw_up(session, place.people.operator(), row.id, "periodic", None, now)
        )
    counted = {each["name"]: each for each in json.loads(report.counted)["numbers"]}["acts_refused"]
    assert counted["value"] == 2
    assert counted["rows"] == [{"key": "T4", "value": 1}, {"key": "T5", "value": 2}]
