"""The trial and its test rooms for programs."""

from datetime import timedelta
from typing import Any

import pytest

from exchange.oauth.models import Client, Flow, Token
from exchange.oauth.service import secret_hash
from exchange.permissions import Actor
from tests.exchange.trials.place import Place

GOOD = "SELECT hub, COUNT(*) AS n FROM data GROUP BY hub ORDER BY n DESC"


class Program:
    """A program with a token."""

    def __init__(self, place: Place, actor: Actor, scope: str) -> None:
        self.client = place.app.test_client()
        secret = f"token-of-{actor.org_id}-{scope}".ljust(43, "x")
        with place.database.writing() as session:
            row = Client(
                org_id=actor.org_id, created_by=actor.user_id or "", name="Chương trình", flow=Flow.PERSON,
                redirect_uris=["https://example.vn/cb"], scopes=scope.split(), roles=[], created_at=place.now,
            )  # fmt: skip
            session.add(row)
            session.flush()
            session.add(
                Token(
                    token_hash=secret_hash(secret), client_id=row.id, user_id=actor.user_id, org_id=actor.org_id,
                    scope=scope, issued_at=place.now, expires_at=place.now + timedelta(days=4000),
                )
            )  # fmt: skip
            session.commit()
        self.headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "en"}

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(f"/api/v1{path}", json=body, headers=self.headers)

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self.headers)


def test_the_whole_way_for_a_program(ready: Place) -> None:
    program = Program(ready, ready.buyer, "query")
    trial = program.get("/trial").json
    assert (trial["cert_no"], trial["state"], trial["notice_accepted"]) == ("01/GCN-UBND", "active", "1")
    assert trial["used"] == {"members": 1, "listings": 1, "total_vnd": 0}
    opened = program.post(f"/listings/{ready.listing_id}/test-rooms")
    assert opened.status_code == 201, opened.text
    room = opened.json
    assert room["budget_left"] == {"queries": 100, "today": 100}
    path = f"/test-rooms/{room['id']}"
    checked = program.post(f"{path}/check", {"sql": "SELECT * FROM data"}).json
    assert (checked["verdict"], checked["code"]) == ("deny", "A0")
    answer = program.post(f"{path}/queries", {"sql": GOOD})
    assert answer.status_code == 200, answer.text
    body = answer.json
    assert body["columns"] == ["hub", "n"]
    assert body["receipt"]["policy_hash"] == room["policy_hash"]
    assert program.get(f"{path}/queries/{body['id']}").json["rows"] == body["rows"]
    refused = program.post(f"{path}/queries", {"sql": "SELECT max(weight) FROM data"})
    assert refused.status_code == 422
    assert refused.json["code"] == "A1"
    assert refused.json["errors"][0]["basis"]
    assert refused.json["fix"]
    exported = program.post(f"{path}/export")
    assert (exported.status_code, exported.json["code"]) == (403, "TEST_ROOM_EXPORT_BLOCKED")
    download = program.post(f"{path}/queries", {"sql": GOOD, "output": "csv"})
    assert (download.status_code, download.json["code"]) == (403, "TEST_ROOM_EXPORT_BLOCKED")
    assert program.get(path).json["budget_left"] == {"queries": 99, "today": 99}
    closed = ready.app.test_client().delete(f"/api/v1{path}", headers=program.headers)
    assert closed.status_code == 204
    shut = program.post(f"{path}/queries", {"sql": GOOD})
    assert (shut.status_code, shut.json["code"]) == (409, "X2")


@pytest.mark.parametrize(
    "body", [None, {}, {"sql": 7}, {"sql": None}, {"sql": GOOD, "rows": 1}, [], {"sql": GOOD, "output": None}]
)
def test_malformed_questions(ready: Place, body: Any) -> None:
    room = ready.room()
    answer = Program(ready, ready.buyer, "query").post(f"/test-rooms/{room.id}/queries", body)
    assert answer.status_code == 422
    assert answer.json["errors"]


def test_scopes_and_strangers(ready: Place) -> None:
    room = ready.room()
    assert (
        Program(ready, ready.buyer, "negotiate").post(f"/test-rooms/{room.id}/queries", {"sql": GOOD}).status_code
        == 403
    )
    stranger = Program(ready, ready.people.stranger(), "query")
    assert stranger.post(f"/test-rooms/{room.id}/queries", {"sql": GOOD}).status_code == 404
    assert stranger.post(f"/test-rooms/{room.id}/check", {"sql": GOOD}).status_code == 404
    barred = stranger.post(f"/listings/{ready.listing_id}/test-rooms")
    assert (barred.status_code, barred.json["code"]) == (403, "TRIAL_NOTICE_NOT_ACCEPTED")
    assert ready.app.test_client().post(f"/api/v1/test-rooms/{room.id}/queries", json={"sql": GOOD}).status_code == 401


def test_a_program_of_the_operator_records_the_certificate(place: Place) -> None:
    body = {
        "cert_no": "9", "authority": "UBND", "valid_from": "2026-11-01", "valid_to": "2027-10-31", "level": 2,
        "sectors": ["logistics"], "classes": ["TC"], "verbs": ["process"], "territory": ["VN"], "notice_version": "1",
    }  # fmt: skip
    operator = Program(place, place.people.operator(), "moderate")
    assert operator.get("/trial").status_code == 404
    assert operator.post("/trial", body).status_code == 201
    again = operator.post("/trial", body)
    assert (again.status_code, again.json["code"]) == (409, "TRIAL_RECORDED")
    assert Program(place, place.buyer, "query").post("/trial", body).status_code == 403
