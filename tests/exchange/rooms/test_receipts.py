"""Signed receipts, the key they are signed with, marks in answers, and ending what runs in a room that is shut."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.cli import main
from exchange.errors import NotFound
from exchange.rooms import engine, queries, receipts
from exchange.rooms.models import QueryRun, TestRoom
from exchange.rooms.rules import leaf_digest
from exchange.trials import lifecycle, service
from sandbox import receipt, watermark
from sandbox.denials import Denied
from sandbox.ir import Agg, Dim, Measure
from sandbox.policy import Policy
from sandbox.runner import Answer
from tests.exchange.rooms.test_programs import Program
from tests.exchange.rooms.test_rooms import BY_HUB
from tests.exchange.trials.place import Place


def records(place: Place, kind: str) -> list[dict[str, Any]]:
    return [leaf for leaf in map(json.loads, place.leaves()) if leaf["t"] == kind]


def test_a_receipt_names_its_answer_and_is_chained_to_the_log(ready: Place) -> None:
    room = ready.room()
    run = ready.ask(room, BY_HUB)
    assert run.answer is not None
    assert run.signed_receipt is not None
    published = ready.app.test_client().get("/trial/receipt-key")
    assert published.mimetype == "application/jwk+json"
    key = receipt.from_jwk(published.json)
    claims = receipt.check(run.signed_receipt, key)
    assert (claims["iss"], claims["qid"], claims["room"]) == ("log.test/2026", run.id, room.id)
    assert (claims["at"], claims["policy_hash"]) == ("2026-11-22T02:00:00Z", room.policy_hash)
    receipt.of_answer(claims, run.answer["columns"], run.answer["rows"])
    (opened,) = records(ready, "testroom.opened")
    assert opened["h"]["receipt_key"] == f"sha-256:{receipt.thumbprint(key)}"
    (asked,) = records(ready, "query.run")
    assert asked["h"]["receipt"] == leaf_digest(receipt.digest(run.signed_receipt))


def test_a_repeated_question_has_a_receipt_of_its_own_that_spends_nothing(ready: Place) -> None:
    room = ready.room()
    first, again = ready.ask(room, BY_HUB), ready.ask(room, BY_HUB)
    claims = [receipt.check(str(run.signed_receipt), _key(ready)) for run in (first, again)]
    assert claims[0]["result_sha256"] == claims[1]["result_sha256"]
    assert claims[0]["qid"] != claims[1]["qid"]
    assert claims[1]["epsilon_micro"] == 0


def _key(place: Place) -> Any:
    return receipts.key_of(place.app.extensions["minhbach.config"].home).public_key()


def test_a_refusal_has_none(ready: Place) -> None:
    run = ready.ask(ready.room(), "SELECT max(weight) FROM data")
    assert (run.verdict, run.signed_receipt) == ("deny", None)
    (refused,) = records(ready, "query.refused")
    assert refused["h"].keys() == {"policy"}


def test_the_key_is_a_file_that_only_the_exchange_reads(ready: Place) -> None:
    home: Path = ready.app.extensions["minhbach.config"].home
    ready.room()
    assert (home / "room.key").stat().st_mode & 0o777 == 0o600
    assert receipts.key_of(home).public_key() == _key(ready)


def test_programs_and_people_get_the_receipt(ready: Place) -> None:
    room = ready.room()
    program = Program(ready, ready.buyer, "query")
    answer = program.post(f"/test-rooms/{room.id}/queries", {"sql": BY_HUB}).json
    given = program.get(f"/test-rooms/{room.id}/queries/{answer['id']}/receipt")
    assert given.mimetype == "application/jose"
    assert given.text.strip() == answer["signed_receipt"]
    receipt.of_answer(receipt.check(given.text, _key(ready)), answer["columns"], answer["rows"])
    page = ready.browser().get(f"/test-rooms/{room.id}?run={answer['id']}").text
    assert f"/test-rooms/{room.id}/runs/{answer['id']}/receipt" in page
    assert "/trial/receipt-key" in page
    assert ready.browser().get(f"/test-rooms/{room.id}/runs/{answer['id']}/receipt").text == given.text
    refused = program.post(f"/test-rooms/{room.id}/queries", {"sql": "SELECT * FROM data"}).json
    assert program.get(f"/test-rooms/{room.id}/queries/{refused['run']}/receipt").status_code == 404
    stranger = Program(ready, ready.people.stranger(), "query")
    assert stranger.get(f"/test-rooms/{room.id}/queries/{answer['id']}/receipt").status_code == 404


# --- marks ------------------------------------------------------------------------------------------------------------


def test_the_answers_of_a_marking_room_tell_whose_they_are(ready: Place, tmp_path: Path) -> None:
    room = ready.room()

    def marks(place: Place, table: Path, *columns: str) -> Result:
        config = place.app.extensions["minhbach.config"]
        environ = {
            "MINHBACH_HOME": str(config.home), "MINHBACH_DATABASE_URL": config.database_url,
            "MINHBACH_LOG_ORIGIN": config.log_origin,
        }  # fmt: skip
        return CliRunner(env=environ).invoke(main, ["marks", str(table), "--room", room.id, *columns])

    with ready.database.writing() as session:
        row = session.get_one(TestRoom, room.id)
        row.policy = {**row.policy, "output": {**row.policy["output"], "round_to": 7, "watermark": True}}
        row.policy_hash = Policy.from_json(row.policy).hash
        session.add(row)
        session.commit()
    program = Program(ready, ready.buyer, "query")
    sql = "SELECT hub, date_trunc('month', shipped_on) AS m, COUNT(*) AS n FROM data GROUP BY 1, 2"
    answer = program.post(f"/test-rooms/{room.id}/queries", {"sql": sql})
    assert answer.status_code == 200, answer.text
    rows = answer.json["rows"]
    assert len(rows) == 48
    assert all(row[2] % 7 == 0 for row in rows)
    table = watermark.cells((Dim("hub"), Dim("shipped_on", "month"), Agg(Measure.ROWS)), rows)
    home = ready.app.extensions["minhbach.config"].home
    others = {f"org{number}": f"org{number}".encode() for number in range(20)}
    assert watermark.whose(table, 7, others)[0].chance > 1e-3
    with ready.database.reading() as session:
        ((match, name),) = receipts.whose(session, home, room.id, table)
        with pytest.raises(NotFound):
            receipts.whose(session, home, ready.buyer.org_id, table)
    assert match.whose == ready.buyer.org_id
    assert match.chance < 1e-6
    leaked = tmp_path / "leaked.csv"
    leaked.write_text("Số đơn,kho,tháng,ghi chú\n" + "".join(f"{n},{hub},{month},x\n" for hub, month, n in rows))
    columns = [f"--column={each}" for each in ("kho=hub", "tháng=shipped_on/month", "Số đơn=count")]
    told = marks(ready, leaked, *columns)
    assert (told.exit_code, told.output) == (
        0,
        f"{match.fits}/{match.cells}  {match.chance:.1e}  org:{match.whose}  {name}\n",
    )
    assert "no column 'm'" in marks(ready, leaked, "--column=m=count").output
    assert "is not NAME=WHAT" in marks(ready, leaked, "--column=m").output
    leaked.write_text("n\nmany\n")
    assert "'many'" in marks(ready, leaked, "--column=n=count").output
    page = ready.browser(lang="en").get(f"/test-rooms/{room.id}").text
    assert "multiples of 7" in page
    assert "traced to your organisation" in page


# --- the kill switch --------------------------------------------------------------------------------------------------

ENDLESS = "SELECT sum(a.range * b.range), 99, 99 FROM range(10000000) a, range(10000000) b"


class Running:
    """A question that the engine would never finish; what the gate lets through never takes this long."""

    def __init__(self, place: Place, room: TestRoom) -> None:
        self.place, self.runner = place, place.app.extensions["minhbach.runner"]
        self.reserved = place.do(queries.reserve, place.buyer, room.id, queries.Asked("SELECT COUNT(*) AS n FROM data"))
        endless = replace(self.reserved.accepted, sql=ENDLESS, exact_sql=None)
        self.outcome: list[Answer | Denied] = []

        def work() -> None:
            with place.app.app_context():
                self.outcome.append(engine._run(room.id, self.reserved, endless))

        self.thread = threading.Thread(target=work)
        self.thread.start()
        end = time.monotonic() + 20
        while not any(worker.served for worker in self.runner.pool._alive):
            assert time.monotonic() < end
            time.sleep(0.01)

    def ended(self) -> QueryRun:
        began = time.monotonic()
        self.thread.join(10)
        assert time.monotonic() - began < 1.5  # a second, and room for a busy machine
        assert self.runner.pool._alive == []
        assert self.outcome == [Denied("E-STOPPED")]
        run: QueryRun = self.place.do(queries.finish, self.place.buyer, self.reserved, self.outcome[0])
        return run


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_closing_a_room_ends_what_runs_in_it(ready: Place) -> None:
    room = ready.room()
    running = Running(ready, room)
    program = Program(ready, ready.buyer, "query")
    assert program.client.delete(f"/api/v1/test-rooms/{room.id}", headers=program.headers).status_code == 204
    run = running.ended()
    assert (run.verdict, run.code, run.answer, run.signed_receipt) == ("deny", "E-STOPPED", None, None)
    assert ready.budget(room).spent == 1  # never given back


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_suspending_the_trial_ends_what_runs_though_another_process_did_it(ready: Place) -> None:
    """Only the database tells: nobody calls this process's runner."""
    running = Running(ready, ready.room())
    with ready.database.reading() as session:
        current = service.current(session, ready.now)
    assert current is not None
    regulator = ready.people.regulator()
    ready.do(lifecycle.change_trial, regulator, current.id, "suspended", "Kiểm tra", code="inspection")
    assert running.ended().code == "E-STOPPED"
