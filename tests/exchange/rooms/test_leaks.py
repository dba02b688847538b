"""Averaging, differencing, tied buyers, the threshold and the switch, through the real doors."""

import json
import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from exchange.accounts.models import Membership, Organisation
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.notices.models import Notice
from exchange.oversight import warrants
from exchange.permissions import Role
from exchange.rooms import leaks, queries, spending
from exchange.rooms import service as rooms
from exchange.rooms.leaks import Change
from exchange.rooms.models import BudgetEntry, QueryRun, Spend, TestRoom
from exchange.rooms.queries import Asked
from sandbox.leak import Level, Tie
from tests.exchange.oversight.conftest import MANDATE
from tests.exchange.rooms.test_programs import Program
from tests.exchange.running import Member, Running
from tests.exchange.trials.place import Place, statistics

SIX_SPELLINGS = (
    "SELECT hub, COUNT(*), AVG(weight) FROM data GROUP BY hub",
    "SELECT AVG(weight) AS w, COUNT(*) AS n, hub FROM data GROUP BY 3",
    "select Hub h, count(*) c, avg(weight) a from data group by all order by 2 desc",
    "SELECT hub, COUNT(*) AS n, AVG(weight) FROM data GROUP BY hub HAVING n > 5",
    "SELECT hub, ROUND(AVG(weight), 1), COUNT(*) FROM data GROUP BY hub LIMIT 4",
    "FROM data SELECT hub, COUNT(*), AVG(weight), COUNT(*) AS again GROUP BY hub",
)
ALL = "SELECT COUNT(*) FROM data WHERE hub IN ('Hà Nội', 'Đà Nẵng') AND Phuong_thuc = 'air'"
LESS = "SELECT COUNT(*) FROM data WHERE hub = 'Hà Nội' AND Phuong_thuc = 'air'"


def second_buyer(place: Place, name: str = "stranger") -> Any:
    """Another organisation in the trial."""
    actor = getattr(place.people, name)()
    place.enrol(actor)
    return actor


def entries(place: Place) -> list[BudgetEntry]:
    with place.database.reading() as session:
        return list(session.exec(select(BudgetEntry).order_by(BudgetEntry.id)))  # type: ignore[arg-type]


def opened(program: Program, place: Place) -> str:
    answer = program.post(f"/listings/{place.listing_id}/test-rooms")
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


# --- averaging and differencing ---------------------------------------------------------------------------------------


def test_six_spellings_are_one_statistic_and_one_price_across_rooms_and_people(ready: Place) -> None:
    program = Program(ready, ready.buyer, "query")
    room = opened(program, ready)
    shown = []
    for number, sql in enumerate(SIX_SPELLINGS):
        answer = program.post(f"/test-rooms/{room}/queries", {"sql": sql})
        assert answer.status_code == 200, answer.text
        assert answer.json["charged"] == (number == 0)
        at = {name.lower(): place for place, name in enumerate(answer.json["columns"])}
        key = next(at[name] for name in ("hub", "h") if name in at)
        count = next(at[name] for name in ("count", "n", "c") if name in at)
        shown.append({row[key]: row[count] for row in answer.json["rows"]})
        if number == 3:  # and in a new room as well
            program.client.delete(f"/api/v1/test-rooms/{room}", headers=program.headers)
            room = opened(program, ready)
    assert all(each.items() <= shown[0].items() for each in shown)
    (entry,) = entries(ready)
    assert (entry.spent, entry.requests) == (1, len(SIX_SPELLINGS))


def test_a_difference_is_refused_with_what_would_pass_and_costs_nothing(ready: Place) -> None:
    program = Program(ready, ready.buyer, "query")
    room = opened(program, ready)
    assert program.post(f"/test-rooms/{room}/queries", {"sql": ALL}).status_code == 200
    before = program.post(f"/test-rooms/{room}/check", {"sql": LESS}).json
    assert (before["verdict"], before["code"]) == ("deny", "D1")
    refused = program.post(f"/test-rooms/{room}/queries", {"sql": LESS})
    assert (refused.status_code, refused.json["code"]) == (422, "D1")
    assert "GROUP BY hub" in refused.json["fix"]
    (entry,) = entries(ready)
    assert (entry.spent, entry.overlaps, entry.overlaps_refused) == (1, 1, 1)


def test_too_many_differences_pause_the_account_and_ask_the_provider(ready: Place) -> None:
    room = ready.room()
    assert ready.ask(room, ALL).verdict != "deny"
    codes = [ready.ask(room, LESS).code for _ in range(spending.MOST_OVERLAPS + 1)]
    assert codes == ["D1"] * spending.MOST_OVERLAPS + ["X8"]
    assert json.loads(ready.leaves()[-2])["t"] == "query.refused"
    changed = [leaf for leaf in map(json.loads, ready.leaves()) if leaf["t"] == "budget.changed"]
    assert [leaf["d"]["cause"] for leaf in changed] == ["OVERLAPS"]
    with ready.database.reading() as session:
        told = session.exec(select(Notice).where(Notice.kind == "budget.changed:paused")).all()
    assert {notice.org_id for notice in told} == {ready.seller.org_id}


# --- tied buyers ------------------------------------------------------------------------------------------------------


def test_what_one_buyer_asked_counts_for_another_that_shares_a_person(ready: Place) -> None:
    other = second_buyer(ready)
    with ready.database.writing() as session:
        session.add(Membership(user_id=other.user_id or "", org_id=ready.buyer.org_id, role=Role.ANALYST))
        session.commit()
    assert ready.ask(ready.room(), ALL).verdict != "deny"
    room = ready.room(other)
    with ready.database.reading() as session:  # asking whether it would pass spends nothing and says the same
        would = queries.check(session, other, room.id, Asked(LESS), ready.now).denied
        assert would is not None
        assert would.code == "D1"
    assert ready.ask(room, LESS, other).code == "D1"
    with ready.database.reading() as session:
        found = leaks.of_listing(session, ready.seller, ready.listing_id)
    assert all(Tie.MEMBER in each.meter.ties and each.meter.level is Level.WATCH for each in found)
    assert len(found) == 2


def test_strangers_with_addresses_of_one_domain_are_shown_and_share_nothing(ready: Place) -> None:
    other = second_buyer(ready)
    assert ready.ask(ready.room(), ALL).verdict != "deny"
    assert ready.ask(ready.room(other), LESS, other).verdict != "deny"
    with ready.database.reading() as session:
        found = leaks.of_listing(session, ready.seller, ready.listing_id)
    assert [each.meter.ties for each in found] == [(Tie.MAIL,), (Tie.MAIL,)]


def test_a_branch_shares_the_privacy_of_its_company(ready: Place) -> None:
    other = second_buyer(ready)
    with ready.database.writing() as session:
        company = session.get_one(Organisation, ready.buyer.org_id)
        session.get_one(Organisation, other.org_id).tax_code = f"{company.tax_code}-001"
        session.commit()
    mine, theirs = ready.room(), ready.room(other)
    ready.set_budget(mine, epsilon_cap=1000, epsilon_spent=700)
    ready.set_budget(theirs, epsilon_cap=1000)
    with ready.database.writing() as session:
        accounts = spending.lock(session, theirs)
        assert [each.org_id for each in accounts.tied] == [ready.buyer.org_id]
        denied = spending._spend(session, accounts, 301, ready.now)
        assert denied is not None
        assert (denied.code, denied.facts) == ("B3", {"cost": 301, "left": 300, "limit": 1000})
        assert spending._spend(session, accounts, 300, ready.now) is None
        session.rollback()


# --- the threshold ----------------------------------------------------------------------------------------------------


def test_the_account_pauses_before_the_budget_is_gone_and_the_provider_decides(ready: Place) -> None:
    room = ready.room()
    ready.set_budget(room, cap=5, day_cap=5, stop_at=4)
    asked = list(statistics())
    answered = [ready.ask(room, sql) for sql in asked[:4]]
    assert all(run.verdict != "deny" for run in answered)
    assert ready.ask(room, asked[4]).code == "X8"
    assert ready.ask(room, "SELECT customer FROM data").code == "X8"
    (entry,) = entries(ready)
    assert (entry.state, entry.reason, entry.changed_by) == ("paused", "STOP_REACHED", None)
    page = ready.browser(ready.seller).get(f"/listings/{ready.listing_id}/leaks").get_data(as_text=True)
    assert "tự tạm dừng" in page
    assert "Hoàn cảnh: thời gian, mục đích, tài khoản <code>X8</code>" in page
    program = Program(ready, ready.seller, "catalogue")
    change = f"/query-accounts/{entry.id}/change"
    too_few = program.post(change, {"kind": "resume", "reason": "Thêm", "questions": 3})
    assert (too_few.status_code, too_few.json["code"]) == (422, "BUDGET_RANGE")
    grown = program.post(change, {"kind": "resume", "reason": "Bên mua cần thêm", "questions": 6})
    assert (grown.status_code, grown.json["state"], grown.json["questions"]) == (200, "open", 6)
    assert [ready.ask(room, sql).code for sql in asked[4:7]][-1] == "B1"


# --- the switch -------------------------------------------------------------------------------------------------------


def test_a_kill_during_a_run_ends_it_within_a_second_and_gives_no_answer(ready: Place) -> None:
    """The worker is stopped by a signal, so that its question lasts; the switch is thrown at another process's door,
    whose runner knows nothing of this worker."""
    room = ready.room()
    runner = ready.app.extensions["minhbach.runner"]
    program, answers = Program(ready, ready.buyer, "query"), []
    assert program.post(f"/test-rooms/{room.id}/queries", {"sql": SIX_SPELLINGS[0]}).status_code == 200
    (worker,) = runner.pool._alive
    os.killpg(worker.launched.process.pid, signal.SIGSTOP)
    asking = threading.Thread(
        target=lambda: answers.append(program.post(f"/test-rooms/{room.id}/queries", {"sql": LESS}))
    )
    asking.start()
    deadline = time.monotonic() + 20
    while ready.budget(room).spent < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    (entry,) = entries(ready)
    ready.do(leaks.change, ready.seller, entry.id, Change("kill", "Nghi dò dữ liệu"))
    killed = time.monotonic()
    asking.join(20)
    assert time.monotonic() - killed < 1
    assert (answers[0].status_code, answers[0].json["code"]) == (409, "E-STOPPED")
    assert worker.launched.process.poll() is not None
    with ready.database.reading() as session:
        assert sorted(session.exec(select(Spend.state)).all()) == ["done", "failed"]
        assert session.exec(select(Spend.answer)).all() == [None, None]
    (entry,) = entries(ready)
    assert (entry.spent, entry.state, entry.epoch) == (2, "killed", 2)
    assert ready.ask(room, LESS).code == "X9"


def test_who_may_stop_and_who_may_let_go_on(ready: Place) -> None:
    room = ready.room()
    entry = ready.budget(room)
    for actor in (ready.buyer, ready.people.stranger()):
        with pytest.raises(NotFound):
            ready.do(leaks.change, actor, entry.id, Change("pause", "x"))
    with pytest.raises(Refused, match="REASON_MISSING"):
        ready.do(leaks.change, ready.seller, entry.id, Change("pause", "  "))
    regulator, operator = ready.people.regulator(), ready.people.operator()
    ready.do(leaks.change, regulator, entry.id, Change("pause", "Kiểm tra"))
    for actor in (ready.seller, operator):
        with pytest.raises(NotPermitted):
            ready.do(leaks.change, actor, entry.id, Change("resume", "Tiếp tục"))
    assert ready.do(leaks.change, regulator, entry.id, Change("resume", "Xong")).state == "open"
    with pytest.raises(NotPermitted):
        ready.do(leaks.change, operator, entry.id, Change("resume", "Thêm", questions=500))
    ready.do(leaks.change, operator, entry.id, Change("kill", "Vi phạm"))
    with pytest.raises(Refused, match="WRONG_STATE"):
        ready.do(leaks.change, ready.seller, entry.id, Change("resume", "Tiếp tục"))
    leaf = json.loads(ready.leaves()[-1])
    assert (leaf["t"], leaf["d"]["state"], leaf["d"]["before"]) == ("budget.changed", "killed", "open")
    assert "Vi phạm" not in json.dumps(leaf, ensure_ascii=False)


def test_a_room_that_closes_shows_nothing_and_an_account_that_ends_keeps_nothing(ready: Place) -> None:
    room = ready.room()
    run = ready.ask(room, SIX_SPELLINGS[0])
    ready.do(rooms.close_room, ready.buyer, room.id)
    with ready.database.reading() as session:
        assert session.get_one(QueryRun, run.id).answer is None
        kept = session.exec(select(Spend)).one()
    assert kept.answer is not None
    assert "Rare" not in json.dumps(kept.answer, ensure_ascii=False)
    ready.do(leaks.change, ready.seller, ready.budget(room).id, Change("kill", "Hết thử nghiệm"))
    with ready.database.reading() as session:
        assert session.exec(select(Spend.answer)).all() == [None]


def test_a_room_under_other_rules_erases_what_can_never_be_told_again(ready: Place) -> None:
    room = ready.room()
    ready.ask(room, SIX_SPELLINGS[0])
    with ready.database.writing() as session:
        row = session.get_one(TestRoom, room.id)
        changed = {**row.policy, "limits": {**row.policy["limits"], "max_rows": 7}}
        policy = spending.Policy.from_json(changed)
        spending.open_account(session, row, policy, ready.now)
        session.commit()
        assert session.exec(select(Spend.answer)).all() == [None]


# --- who sees it ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_csrf")
def test_provider_operator_and_regulator_see_the_meter_and_no_question(ready: Place) -> None:
    room = ready.room()
    ready.ask(room, ALL)
    ready.ask(room, "SELECT max(weight) FROM data")
    (entry,) = entries(ready)
    found = Program(ready, ready.seller, "catalogue").get(f"/listings/{ready.listing_id}/leaks").json["accounts"]
    assert [(each["questions"]["used"], each["denied"], each["attempts"]) for each in found] == [(1, {"A1": 1}, 1)]
    assert found[0]["rules"]["A1"]["en"] == "A way of aggregating that is not allowed"
    assert Program(ready, ready.buyer, "catalogue").get(f"/listings/{ready.listing_id}/leaks").status_code == 404
    assert Program(ready, ready.people.operator(), "moderate").get("/query-accounts").json["accounts"] == found
    official = ready.people.regulator()
    program = Program(ready, official, "audit")
    assert program.get("/oversight/leaks").json["code"] == "WARRANT_NEEDED"
    ready.do(lambda session, now: warrants.open_warrant(session, official, MANDATE, now))
    assert program.get("/oversight/leaks").json["accounts"] == found
    pages = {
        ready.seller: f"/listings/{ready.listing_id}/leaks", ready.people.operator(): "/query-accounts",
        official: "/oversight/leaks",
    }  # fmt: skip
    for actor, path in pages.items():
        text = ready.browser(actor, "en").get(path).get_data(as_text=True)
        assert "Worth a look" in text or "Quiet" in text
        assert "Hà Nội" not in text
        assert entry.id in text
    refused = ready.browser(ready.seller, "en").post(f"/query-accounts/{entry.id}/change", data={"kind": "pause"})
    assert refused.status_code == 422
    assert "reason-" in refused.get_data(as_text=True)
    done = ready.browser(official).post(
        f"/query-accounts/{entry.id}/change", data={"kind": "pause", "reason": "Kiểm tra"}
    )
    assert (done.status_code, done.location) == (303, "/oversight/leaks")
    assert entries(ready)[0].state == "paused"


def test_a_program_that_only_asks_cannot_stop_anybody(ready: Place) -> None:
    entry = ready.budget(ready.room())
    body = {"kind": "kill", "reason": "x"}
    assert Program(ready, ready.seller, "query").post(f"/query-accounts/{entry.id}/change", body).status_code == 404


def test_the_provider_reads_the_meter_and_turns_the_switch_by_command(ready: Place, tmp_path: Path) -> None:
    room = ready.room()
    ready.ask(room, "SELECT max(weight) FROM data")
    entry, running = ready.budget(room), Running()
    running.start(ready.app)
    seller = Member(ready.people, ready.seller, running.address, tmp_path / "seller")
    told = seller.does("trial", "leaks", ready.listing_id)
    assert f"{entry.id}" in told
    assert re.search(r"A way of aggregating that is not allowed \(A1\) +1", told)
    assert "Cách tổng hợp không được phép (A1)" in seller.does("trial", "leaks", ready.listing_id, "--lang", "vi")
    assert '"A1": 1' in seller.does("trial", "leaks", ready.listing_id, "--json")
    assert "paused" in seller.does("trial", "account", entry.id, "pause", "--reason", "Xem lại")
    assert seller.run("trial", "account", entry.id, "kill", "--reason", "x", input="n\n").exit_code == 0
    assert [each.state for each in entries(ready)] == ["paused"]
    running.stop()
