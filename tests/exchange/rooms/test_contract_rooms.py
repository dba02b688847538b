"""Questions under a contract that gives answers only: opened, counted, stopped, and shown with their clauses."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from exchange import clock
from exchange.errors import NotFound, Refused
from exchange.negotiations import agreements, holds, successors
from exchange.negotiations.models import Contract
from exchange.rooms import contract_rooms, engine, queries
from exchange.rooms.models import BudgetEntry, QueryRun, TestRoom
from exchange.rooms.queries import Asked
from exchange.trials import lifecycle, service
from sandbox.compile import UNLIMITED
from tests.exchange.negotiations.market import Market
from tests.exchange.negotiations.test_life import check_story
from tests.exchange.rooms.test_programs import Program
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place

BY_HUB = "SELECT hub, COUNT(*) AS n, AVG(weight) AS w FROM data GROUP BY hub"
TOTAL = "SELECT COUNT(*) AS n FROM data"
PURPOSE = "Dự báo chuyến bay trễ"
L2 = {"licence": "L2", "max_queries": 3, "min_group": 25, "max_deliveries": None}
L1 = {"licence": "L1", "max_deliveries": None, "price_vnd": 0}


class Deal:
    """A contract in force over the shipments, and asking under it."""

    def __init__(self, place: Place, file: Path, listed: dict[str, Any], **terms: Any) -> None:
        self.place = place
        self.market = Market(
            place.database, place.app.extensions["minhbach.sequencer"], place.seller, place.buyer, place.now
        )
        self.market.add_key(place.seller)
        self.market.add_key(place.buyer, "ES256", grade="browser")
        self.market.listing_id = place.publish(file, **listed)
        self.contract = self.sign(self.market.agreed_on(**{"starts": date(2026, 11, 22), **terms}))

    def sign(self, contract: Contract) -> Contract:
        self.market.signed(contract, self.place.seller)
        self.market.signed(contract, self.place.buyer)
        return self.market.row(contract.id)

    def room(self) -> TestRoom:
        place, verbs = self.place, contract_rooms
        prepared = place.do(verbs.prepare_room, place.buyer, self.contract.id)
        with place.app.app_context():
            built = engine._copy(prepared)
        with place.database.writing() as session:
            room = verbs.open_room(session, place.buyer, self.contract.id, prepared, built, clock.now())
            session.commit()
        return room

    def ask(self, room: TestRoom, sql: str = TOTAL, **more: Any) -> QueryRun:
        return self.place.ask(room, sql, **more)

    def suspend(self) -> None:
        self.market.do(holds.suspend, self.place.seller, self.contract.id, "security", "Nghi ngờ lộ dữ liệu")

    def end(self) -> None:
        self.market.do(agreements.end_contract, self.place.seller, self.contract.id, "breach", "Vi phạm mục đích")


@pytest.fixture
def deal(place: Place, shipments: Path) -> Deal:
    """Three questions from 25 units on, outside any trial."""
    return Deal(place, shipments, L2)


@contextmanager
def later(**more: float) -> Iterator[datetime]:
    with clock.frozen(clock.now() + timedelta(**more)) as _:
        yield clock.now()


def words(place: Place, run: QueryRun) -> tuple[str, str]:
    refusal = queries.refusal_of(run)
    assert refusal is not None
    return refusal.vi or "", refusal.en or ""


def test_a_contract_opens_a_room_and_its_terms_bind_there(deal: Deal) -> None:
    room = deal.room()
    assert (room.contract_id, room.trial_id) == (deal.contract.id, None)
    run = deal.ask(room, BY_HUB)
    assert run.charged
    assert (run.answer or {})["clauses"] == {"K1": "13"}
    page = deal.place.browser(lang="en").get(f"/test-rooms/{room.id}?run={run.id}").text
    assert "is not told. (clause 13 of the contract)" in page
    assert "1/3" in page or "1 of 3" in page
    hubs = {row[0] for row in (run.answer or {})["rows"]}
    assert "Rare" not in hubs
    policy = room.policy
    assert (policy["limits"]["min_group"], policy["budgets"]["queries_total"]) == (25, 3)
    assert policy["purposes"] == [PURPOSE]
    assert policy["clauses"]["limits.min_group"] == "13"
    assert "21" in policy["unenforced"]
    leaves = [json.loads(leaf) for leaf in deal.place.leaves()]
    assert [f"contract:{deal.contract.id}" in leaf["on"] for leaf in leaves[-2:]] == [True, True]


def test_a_contract_that_names_no_number_shows_none(place: Place, shipments: Path) -> None:
    deal = Deal(place, shipments, L2)
    room = deal.room()
    assert deal.ask(room).charged
    place.set_budget(room, cap=UNLIMITED, day_cap=UNLIMITED)
    page = place.browser(lang="en").get(f"/test-rooms/{room.id}").text
    assert "Questions used: 1; no number is agreed" in page
    assert "1,000,000" not in page


def test_the_number_of_questions_is_the_contracts_and_its_clause_is_quoted(deal: Deal) -> None:
    room = deal.room()
    for sql in (TOTAL, BY_HUB, "SELECT SUM(weight) AS s FROM data"):
        assert deal.ask(room, sql).charged
    assert deal.ask(room, TOTAL).verdict != "deny"  # remembered: costs nothing
    refused = deal.ask(room, "SELECT AVG(weight) AS a FROM data")
    assert (refused.verdict, refused.code, refused.charged) == ("deny", "QUERIES_SPENT", False)
    vi, en = words(deal.place, refused)
    assert "(Điều 13 của Hợp đồng)" in vi
    assert "(clause 13 of the contract)" in en
    with later(hours=2), pytest.raises(Refused) as closed:
        deal.room()
    assert closed.value.code == "QUERIES_SPENT"


def test_hours_run_from_the_first_question(place: Place, shipments: Path) -> None:
    deal = Deal(place, shipments, L1, added={"max_hours": 1})
    room = deal.room()
    assert room.closes_at == place.now + timedelta(hours=2)
    with later(minutes=30):
        assert deal.ask(room).charged
    with later(minutes=89):
        assert deal.ask(room, BY_HUB).verdict != "deny"
    with later(minutes=90):
        refused = deal.ask(room, "SELECT AVG(weight) AS a FROM data")
        assert refused.code == "HOURS_SPENT"
        assert "(clause 13 of the contract)" in words(place, refused)[1]
    with later(hours=3), pytest.raises(Refused) as closed:
        deal.room()
    assert closed.value.code == "HOURS_SPENT"


@pytest.mark.parametrize(
    ("stop", "code"), [("suspend", "CONTRACT_SUSPENDED"), ("end", "CONTRACT_ENDED")], ids=["suspended", "ended"]
)
def test_a_contract_that_stops_stops_its_questions_also_the_running_one(deal: Deal, stop: str, code: str) -> None:
    room, place = deal.room(), deal.place
    reserved = place.do(queries.reserve, place.buyer, room.id, Asked(TOTAL))
    with place.app.app_context():
        path = engine.copies() / reserved.file_key
    outcome = place.app.extensions["minhbach.runner"].run_accepted(reserved.policy, path, reserved.accepted)
    getattr(deal, stop)()
    run = place.do(queries.finish, place.buyer, reserved, outcome)
    assert (run.verdict, run.code, run.answer) == ("deny", "E-STOPPED", None)
    refused = deal.ask(room, BY_HUB)
    assert refused.code == code
    assert "(clause 5 of the contract)" in words(place, refused)[1]
    with pytest.raises(Refused) as closed:
        deal.room()
    assert closed.value.code == code
    deal.market.sequencer.run_once()
    check_story(deal.market, deal.contract)  # what was answered under the contract was answered while it was in force


def test_a_contract_that_was_replaced_asks_nothing_and_its_successor_counts_anew(deal: Deal) -> None:
    room = deal.room()
    deal.ask(room)
    old, market = deal.contract, deal.market
    proposal = successors.Proposal("amendment", {"max_queries": 5}, "")
    negotiation = market.do(successors.propose, deal.place.buyer, old.id, proposal)
    agreed = market.do(agreements.agree, deal.place.seller, negotiation.id, negotiation.terms_hash)
    deal.contract = deal.sign(agreed)
    assert deal.ask(room, BY_HUB).code == "CONTRACT_ENDED"
    fresh = deal.room()
    assert fresh.contract_id == agreed.id
    with deal.place.database.reading() as session:
        entries = session.exec(select(BudgetEntry).order_by(BudgetEntry.id)).all()  # type: ignore[arg-type]
        assert [(entry.contract_id, entry.spent, entry.cap) for entry in entries] == [(old.id, 1, 3), (agreed.id, 0, 5)]


def test_only_the_buyer_opens_a_room(deal: Deal) -> None:
    for actor in (deal.place.seller, deal.place.people.stranger()):
        with pytest.raises(NotFound):
            deal.place.do(contract_rooms.prepare_room, actor, deal.contract.id)


def test_a_contract_that_delivers_files_opens_no_room(place: Place, shipments: Path) -> None:
    deal = Deal(place, shipments, {})
    with pytest.raises(Refused) as refused:
        deal.room()
    assert refused.value.code == "ACTION_NOT_IN_LICENCE"


def test_the_purpose_is_the_contracts(deal: Deal) -> None:
    room = deal.room()
    refused = deal.ask(room, purpose="evaluation")
    assert (refused.code, refused.facts["clause"]) == ("X3", "6")
    assert deal.ask(room, purpose=PURPOSE).verdict != "deny"


def test_a_policy_that_was_replaced_is_refused_until_the_room_is_opened_again(place: Place, shipments: Path) -> None:
    operator = place.people.operator()
    row = place.do(service.grant_trial, operator, certificate(valid_to=date(2027, 3, 31)))
    for actor in (place.seller, place.buyer):
        place.enrol(actor)
    deal = Deal(place, shipments, L2)
    room = deal.room()
    assert room.policy["clauses"]["window.to"] == "trial:T2"
    assert deal.ask(room).charged
    assert deal.ask(room, policy_hash="sha256:" + "0" * 64).code == "X5"
    place.do(lifecycle.change_trial, operator, row.id, "terminated", "Thử tiếp", code="self_exit")
    dates = {"valid_from": date(2026, 11, 22), "valid_to": date(2027, 4, 30)}
    place.do(service.grant_trial, operator, certificate(cert_no="02/GCN", **dates))
    for actor in (place.seller, place.buyer):
        place.enrol(actor)
    assert deal.ask(room, BY_HUB).code == "X5"
    again = deal.room()
    assert again.id != room.id
    assert deal.ask(again, BY_HUB).charged
    assert place.budget(again).spent == 2


def test_trying_and_asking_under_a_contract_are_two_accounts(ready: Place, shipments: Path) -> None:
    deal = Deal(ready, shipments, L2)
    trying, asking = ready.room(), deal.room()
    assert trying.id != asking.id
    ready.ask(trying, TOTAL)
    with ready.database.reading() as session:
        spent = {entry.contract_id: entry.spent for entry in session.exec(select(BudgetEntry))}
    assert spent == {None: 1, deal.contract.id: 0}


def test_the_whole_way_over_http(deal: Deal, no_csrf: None) -> None:
    place, contract = deal.place, deal.contract
    program = Program(place, place.buyer, "query contracts")
    opened = program.post(f"/contracts/{contract.id}/test-rooms")
    assert opened.status_code == 201, opened.json
    assert (opened.json["purpose"], opened.json["contract"]) == (PURPOSE, contract.id)
    for sql in (TOTAL, BY_HUB, "SELECT SUM(weight) AS s FROM data"):
        assert program.post(f"/test-rooms/{opened.json['id']}/queries", {"sql": sql}).status_code == 200
    spent = program.post(f"/test-rooms/{opened.json['id']}/queries", {"sql": "SELECT AVG(weight) AS a FROM data"})
    assert (spent.status_code, spent.json["code"]) == (403, "QUERIES_SPENT")
    assert "clause 13 of the contract" in spent.json["message"]
    shown = program.get(f"/contracts/{contract.id}/query-policy").json
    assert (shown["used"]["queries"], shown["agreed"]["max_queries"]) == (3, 3)
    assert shown["refusal"]["code"] == "QUERIES_SPENT"
    assert shown["policy"]["clauses"]["limits.min_group"] == "13"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_both_sides_read_the_policy_with_its_clauses_on_the_contract(deal: Deal, no_csrf: None, lang: str) -> None:
    place, address = deal.place, f"/contracts/{deal.contract.id}"
    buyer, seller = place.browser(lang=lang), place.browser(place.seller, lang)
    ask, clause, anew = {
        "vi": ("Đặt câu hỏi", "Điều 13 của Hợp đồng", "tính lại từ đầu"),
        "en": ("Ask questions", "clause 13 of the contract", "counted anew"),
    }[lang]
    for browser in (buyer, seller):
        page = browser.get(address).text
        assert clause in page
        assert anew in page
        assert (ask in page) == (browser is buyer)
        assert browser.get(f"{address}/query-policy").json["policy"]["limits"]["min_group"] == 25
    assert place.browser(place.people.stranger()).get(f"{address}/query-policy").status_code == 404
    opened = buyer.post(f"{address}/test-rooms")
    assert opened.status_code == 303
    assert buyer.get(opened.location).status_code == 200
    assert ask not in buyer.get(address).text
    deal.suspend()
    again = buyer.post(f"{address}/test-rooms")
    assert again.status_code == 403
