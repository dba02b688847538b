"""The trial for programs, and the corpus of attacks through the real HTTP path."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlmodel import Session, select

from exchange import clock
from exchange.oauth.models import Client, Flow, Token
from exchange.oauth.service import secret_hash
from exchange.permissions import Actor
from exchange.rooms import copying, policies
from exchange.rooms.models import BudgetEntry, QueryRun, TestCopy, TestRoom
from exchange.rooms.policies import Plan
from exchange.trials import service
from sandbox.policy import Policy
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place
from tests.sandbox.conftest import shared

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


# --- the corpus -------------------------------------------------------------------------------------------------------


def corpus(*expected: str) -> list[dict[str, Any]]:
    lines = shared("sandbox-attacks.jsonl").read_text(encoding="utf-8").splitlines()
    return [case for case in map(json.loads, lines) if case["expect"] in expected]


@pytest.fixture(scope="module")
def secrets() -> set[str]:
    """Every identifier of the file, and the amounts of the district with four customers."""
    path = shared("sandbox-sales.parquet")
    found = duckdb.sql(
        f"SELECT phone::VARCHAR FROM '{path}' UNION SELECT customer_id::VARCHAR FROM '{path}' "
        f"UNION SELECT amount::VARCHAR FROM '{path}' WHERE district = 'TINY'"
    ).fetchall()
    return {str(row[0]) for row in found}


def leaked(text: str, sql: str, secrets: set[str]) -> set[str]:
    """Values of the file in an answer that the question did not bring along."""
    return (set(re.findall(r"[\w.+-]+", text)) & secrets) - set(re.findall(r"[\w.+-]+", sql))


@pytest.fixture
def sales(place: Place) -> tuple[Place, TestRoom, Program]:
    """A room under the shared policy over the shared file, with nearly no limit on questions."""
    place.do(service.grant_trial, place.people.operator(), certificate())
    place.enrol(place.buyer)
    file = shared("sandbox-sales.parquet")
    place.publish(file)
    document = json.loads(shared("sandbox-policy-sales.json").read_text())
    with place.database.writing() as session:
        room = _room(place, session, document, file)
        session.commit()
    return place, room, Program(place, place.buyer, "query")


def _room(place: Place, session: Session, document: dict[str, Any], file: Path) -> TestRoom:
    from exchange.catalogue import service as catalogue

    shown = catalogue.published(session, place.listing_id)
    types = {str(column["name"]): str(column["type"]) for column in shown.asset.columns}
    used = {name: types[name] for name, column in document["columns"].items() if column["role"] != "forbidden"}
    plan = Plan(document, policies.recipe(document), used, shown.asset.file_key, shown.asset.format)
    folder = place.app.extensions["minhbach.config"].home / "snapshots"
    copy = copying.make(plan, file, folder / "sales.parquet")
    row = TestCopy(
        asset_id=shown.asset.id, recipe=plan.recipe, file_key="sales.parquet", sha256=copy.sha256, rows=copy.rows,
        dropped_rows=copy.dropped_rows, units=copy.units, built_at=place.now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    policy = policies.sealed(document, row.id, copy.sha256)
    trial = service.current(session, place.now)
    assert trial is not None
    room = TestRoom(
        trial_id=trial.id, org_id=place.buyer.org_id, listing_id=place.listing_id, version=1, copy_id=row.id,
        policy=policy, policy_hash=Policy.from_json(policy).hash, opened_at=place.now,
        closes_at=place.now + timedelta(minutes=120), event_id="e" * 26,
    )  # fmt: skip
    budget = BudgetEntry(
        listing_id=place.listing_id, org_id=place.buyer.org_id, cap=100_000, day=place.now.date(), day_cap=100_000,
        requests_cap=100_000,
        starts=room.opened_at, ends=room.closes_at,
    )  # fmt: skip
    session.add_all([room, budget])
    return room


ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the database decides nothing here


@ONLY_SQLITE
def test_every_attack_is_refused_at_the_door(sales: tuple[Place, TestRoom, Program], secrets: set[str]) -> None:
    """Through /check and through /queries: a code of the gate's families, and nothing of the file in what is said."""
    place, room, program = sales
    failures = []
    cases = [case for case in corpus("deny") if "context" not in case]
    assert len(cases) > 150
    for number, case in enumerate(cases):
        if number % 20 == 0:
            place.app.extensions["minhbach.sequencer"].run_once()  # a log that falls behind takes no more records
        body = {"sql": case["sql"], "purpose": "site_selection"}
        answer = program.post(f"/test-rooms/{room.id}/check", body)
        if answer.status_code != 200 or answer.json["verdict"] != "deny" or leaked(answer.text, case["sql"], secrets):
            failures.append((case["id"], answer.text))
        asked = program.post(f"/test-rooms/{room.id}/queries", body)
        family = asked.json["code"][0] in "LSTCAWHFO" if asked.status_code == 422 else False
        if not family or leaked(asked.text, case["sql"], secrets):
            failures.append((case["id"], asked.text))
    assert not failures
    assert place.budget(room).spent == 0


@ONLY_SQLITE
def test_legitimate_questions_are_answered(sales: tuple[Place, TestRoom, Program], secrets: set[str]) -> None:
    _, room, program = sales
    for case in corpus("allow"):
        if "context" in case:
            continue
        answer = program.post(f"/test-rooms/{room.id}/queries", {"sql": case["sql"], "purpose": "site_selection"})
        assert answer.status_code == 200, (case["id"], answer.text)
        assert not leaked(answer.text, case["sql"], secrets), case["id"]


@ONLY_SQLITE
def test_what_may_be_limited_shows_nothing_of_the_small_district(
    sales: tuple[Place, TestRoom, Program], secrets: set[str]
) -> None:
    """Withheld, cut, charged or refused: each is right, as long as nothing of four customers is in it."""
    _, room, program = sales
    for case in corpus("limit"):
        if "context" in case:
            continue
        answer = program.post(f"/test-rooms/{room.id}/queries", {"sql": case["sql"], "purpose": "site_selection"})
        assert answer.status_code in (200, 409, 422), (case["id"], answer.text)
        assert not leaked(answer.text, case["sql"], secrets), case["id"]
        assert "TINY" not in json.dumps(answer.json.get("rows", [])), case["id"]


@ONLY_SQLITE
def test_circumstances_of_the_corpus(sales: tuple[Place, TestRoom, Program]) -> None:
    """CTX-01, 04, 06, 07, 08, 09: as the exchange knows them, not as the asker says."""
    place, room, program = sales
    question = {"sql": "SELECT province, count(*) FROM sales GROUP BY province", "purpose": "site_selection"}
    path = f"/test-rooms/{room.id}/queries"
    with clock.frozen(place.now - timedelta(seconds=1)):
        assert program.post(path, question).json["code"] == "X1"
    for changes, code in (
        ({"purpose": "marketing"}, "X3"),
        ({"purpose": None}, "X3"),
        ({"policy_hash": "sha256:" + "0" * 64}, "X5"),
    ):
        assert program.post(path, question | changes).json["code"] == code
    assert Program(place, place.people.stranger(), "query").post(path, question).status_code == 404
    place.set_budget(room, cap=0)
    assert program.post(path, question).json["code"] == "B1"
    with place.database.reading() as session:
        assert not session.exec(select(QueryRun).where(QueryRun.charged)).all()
