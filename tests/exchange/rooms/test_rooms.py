"""A room over a real file: what may be asked, what is kept, what the log says."""

import json
from datetime import timedelta

import duckdb
import pytest
from sqlmodel import select

from exchange import clock
from exchange.catalogue.models import Listing
from exchange.errors import NotFound, Refused
from exchange.rooms import queries
from exchange.rooms import service as rooms
from exchange.rooms.models import QueryRun, TestCopy, TestRoom
from sandbox.policy import Policy
from tests.exchange.trials.place import Place

BY_HUB = "SELECT hub, COUNT(*) AS n, AVG(weight) AS w FROM data GROUP BY hub ORDER BY n DESC"


def test_a_room_answers_and_logs(ready: Place) -> None:
    room = ready.room()
    assert room.closes_at - room.opened_at == timedelta(minutes=120)
    run = ready.ask(room, BY_HUB)
    assert (run.verdict, run.code) == ("limit", "K1"), run.facts  # the answer says that something is missing, not what
    assert run.answer is not None
    rows = run.answer["rows"]
    assert {row[0] for row in rows} == {"Hà Nội", "Đà Nẵng", "Cần Thơ", "Hải Phòng"}
    assert all(isinstance(row[1], int) and row[1] >= 10 for row in rows)
    assert ready.budget(room).spent == 1
    leaf = json.loads(ready.leaves()[-1])
    assert leaf["t"] == "query.run"
    assert leaf["h"].keys() == {"policy", "receipt"}
    assert len(leaf["_sd"]) == 3  # who asked, what, and the digest of the answer
    assert leaf["d"] == {"rows": 4, "charged": True, "code": "K1"}
    assert "hub" not in json.dumps(leaf)


def test_the_copy_holds_no_identifier(ready: Place) -> None:
    """Text with many values is left out of the copy altogether, rare values are folded, days are cut to months."""
    room = ready.room()
    path = ready.copy_path(room)
    names = [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
    assert "customer" not in names
    assert b"KH000001" not in path.read_bytes()
    hubs = {row[0] for row in duckdb.sql(f"SELECT DISTINCT hub FROM '{path}'").fetchall()}
    assert "Rare" not in hubs
    assert "OTHER" in hubs
    assert duckdb.sql(f"SELECT max(day(shipped_on)) FROM '{path}'").fetchall() == [(1,)]
    assert Policy.from_json(room.policy).column("customer").role == "forbidden"  # type: ignore[union-attr]


def test_vietnamese_column_names_are_asked_without_diacritics(ready: Place) -> None:
    run = ready.ask(ready.room(), "SELECT Phuong_thuc, COUNT(*) AS n FROM data GROUP BY 1 ORDER BY 1")
    assert run.answer is not None
    assert run.answer["rows"] == [["air", 1000], ["road", 2000]]


def test_a_room_asked_twice_is_one_room_and_its_copy_is_made_once(ready: Place) -> None:
    first, second = ready.room(), ready.room()
    assert first.id == second.id
    stranger = ready.people.stranger()

    ready.enrol(stranger)
    ready.room(stranger)
    with ready.database.reading() as session:
        assert len(session.exec(select(TestCopy)).all()) == 1


def test_a_damaged_copy_is_noticed_and_made_again(ready: Place) -> None:
    room = ready.room()
    ready.copy_path(room).write_bytes(b"something else")
    run = ready.ask(room, BY_HUB)
    assert (run.verdict, run.code, run.answer) == ("deny", "X6", None)
    ready.do(rooms.close_room, ready.buyer, room.id)
    again = ready.room()
    assert ready.ask(again, BY_HUB).verdict == "limit"


def test_a_repeated_question_costs_nothing(ready: Place) -> None:
    room = ready.room()
    first = ready.ask(room, BY_HUB)
    second = ready.ask(room, "select  HUB, count(*) as n, avg(weight) as w from data group by 1 order by 2 desc")
    assert second.answer == first.answer
    assert second.receipt["repeats"] == first.id
    assert not second.charged
    assert ready.budget(room).spent == 1
    other = ready.ask(room, BY_HUB + " LIMIT 2")
    assert not other.charged
    assert other.rows == 2
    assert ready.ask(room, "SELECT hub, COUNT(*) FROM data GROUP BY hub").charged


def test_the_session_ends_after_two_hours(ready: Place) -> None:
    room = ready.room()
    with clock.frozen(room.closes_at - timedelta(microseconds=1)):
        assert ready.ask(room, BY_HUB).verdict == "limit"
    with clock.frozen(room.closes_at):
        late = ready.ask(room, BY_HUB)
        assert (late.verdict, late.code) == ("deny", "X1")
        fresh = ready.room()
        assert fresh.id != room.id
        assert ready.budget(fresh).spent == 1  # the account is the buyer's, not the room's
    with ready.database.reading() as session:
        assert session.get_one(TestRoom, room.id).state == "closed"
        assert not session.exec(select(QueryRun).where(QueryRun.room_id == room.id, QueryRun.answer != None)).all()  # noqa: E711


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": None}, "X3"),
        ({"purpose": "marketing"}, "X3"),
        ({"policy_hash": "sha256:" + "0" * 64}, "X5"),
        ({"output": "csv"}, "TEST_ROOM_EXPORT_BLOCKED"),
    ],
)
def test_circumstances_refuse(ready: Place, changes: dict[str, str], code: str) -> None:
    room = ready.room()
    run = ready.ask(room, BY_HUB, **changes)
    assert (run.verdict, run.code, run.charged) == ("deny", code, False)
    assert json.loads(ready.leaves()[-1])["t"] == "query.refused"
    assert ready.budget(room).spent == 0


def test_a_stranger_finds_no_room(ready: Place) -> None:
    room = ready.room()
    for actor in (ready.people.stranger(), ready.seller):
        with pytest.raises(NotFound):
            ready.ask(room, BY_HUB, actor)


def test_a_suspended_listing_stops_its_rooms(ready: Place) -> None:
    room = ready.room()
    with ready.database.writing() as session:
        session.get_one(Listing, ready.listing_id).state = "suspended"  # type: ignore[assignment]
        session.commit()
    assert ready.ask(room, BY_HUB).code == "X2"
    with pytest.raises(NotFound):
        ready.room()


def test_a_room_closed_while_the_engine_works_gives_no_answer(ready: Place) -> None:
    room = ready.room()
    reserved = ready.do(queries.reserve, ready.buyer, room.id, queries.Asked(BY_HUB))
    outcome = ready.app.extensions["minhbach.runner"].run_accepted(
        reserved.policy, ready.copy_path(room), reserved.accepted
    )
    ready.do(rooms.close_room, ready.buyer, room.id)
    run = ready.do(queries.finish, ready.buyer, reserved, outcome)
    assert (run.verdict, run.code, run.answer) == ("deny", "E-STOPPED", None)
    assert ready.budget(room).spent == 1  # never given back


def test_export_is_refused_and_recorded(ready: Place) -> None:
    room = ready.room()
    refusal = ready.do(queries.refuse_export, ready.buyer, room.id)
    assert refusal.code == "TEST_ROOM_EXPORT_BLOCKED"
    assert refusal.vi
    assert refusal.basis
    assert json.loads(ready.leaves()[-1])["d"]["code"] == "TEST_ROOM_EXPORT_BLOCKED"


def test_requests_of_one_account_are_bounded(ready: Place) -> None:
    room = ready.room()
    ready.set_budget(room, requests_cap=3)
    ready.ask(room, BY_HUB)
    ready.ask(room, BY_HUB)  # from memory: no question, but a request
    ready.ask(room, "SELECT * FROM data")
    with pytest.raises(Refused, match="REQUESTS_SPENT"):
        ready.ask(room, BY_HUB)


@pytest.mark.parametrize("sql", ["", "\ud800", "a\0b", "(" * 5000, "é" * 70_000, "SELECT * FROM data"])
def test_any_text_is_kept_and_refused(ready: Place, sql: str) -> None:
    run = ready.ask(ready.room(), sql)
    assert run.verdict == "deny"
    assert run.code


def test_csv_is_copied_with_the_types_that_were_measured(
    ready: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("csv") / "codes.csv"
    lines = "".join(f"{i % 20:03d};{i % 7}.5;2025-0{1 + i % 9}-11\n" for i in range(2000))
    file.write_text("mã tỉnh;price;day\n" + lines, encoding="utf-8")
    ready.publish(file)
    run = ready.ask(ready.room(), "SELECT ma_tinh, SUM(price) AS s FROM data GROUP BY 1 ORDER BY 1 LIMIT 1")
    assert run.answer is not None, run.facts
    assert run.answer["rows"][0][0] == "000"
    assert run.answer["rows"][0][1] == f"{sum(i % 7 + 0.5 for i in range(0, 2000, 20)):.6f}"
