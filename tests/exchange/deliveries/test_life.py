"""A delivery asks the one gate: suspended, ended or replaced stops it, whenever that happens and whoever is faster."""

import re
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session

import exchange
from contracts import document
from contracts.log import story
from exchange import clock
from exchange.catalogue import moderation
from exchange.deliveries import service, streaming
from exchange.errors import Refused
from exchange.ledger import service as ledger
from exchange.negotiations import agreements, holds, successors
from exchange.negotiations.models import Contract
from tests.exchange.deliveries.goods import Goods
from tests.exchange.negotiations.test_negotiating import together
from tests.exchange.people import People

TODAY = date(2026, 11, 22)


def check_story(goods: Goods, contract: Contract) -> None:
    """The log's own rules: no delivery while suspended or after the end."""
    goods.sequencer.run_once()
    with goods.database.reading() as session:
        signed = document.parse(session.get_one(Contract, contract.id).payload)
        subject = f"contract:{contract.id}"
        placed = [story.Placed(each.index, each.leaf) for each in ledger.story(session, [subject])]
    story.check_order(placed, subject, signed.hash, frozenset(signed.needs))


def stop(goods: Goods, people: People, contract: Contract, how: str) -> str:
    """Stop the contract; the code with which it then refuses."""
    if how == "listing":
        goods.do(moderation.suspend, people.operator(), goods.listing_id, "Khiếu nại")
    elif how == "replaced":
        proposal = successors.Proposal("amendment", {"price_vnd": 1_000_000})
        negotiation = goods.do(successors.propose, goods.buyer, contract.id, proposal)
        drawn = goods.do(agreements.agree, goods.seller, negotiation.id, negotiation.terms_hash)
        goods.signed(drawn, goods.seller)
        goods.signed(drawn, goods.buyer)
        return "CONTRACT_ENDED"
    else:
        goods.do(holds.suspend, goods.seller if how == "seller" else goods.buyer, contract.id, "security", "Sự cố")
    return "CONTRACT_SUSPENDED"


HOW = ["seller", "buyer", "listing", "replaced"]


@pytest.mark.parametrize("how", HOW)
def test_no_file_leaves_any_more(app: Flask, goods: Goods, people: People, how: str) -> None:
    contract, browser = goods.contract(), people.browser(goods.buyer)
    _ticket, token = goods.do(
        lambda session, now: service.open_grant(session, goods.buyer, contract.id, goods.asset_id, now)
    )
    assert browser.get(goods.path(contract)).data == goods.data
    code = stop(goods, people, contract, how)
    refusals = [
        browser.get(goods.path(contract)),
        browser.get(goods.path(contract), headers={"Range": "bytes=1-"}),
        app.test_client().get(f"/deliveries/{token}/data.csv"),
        browser.get(f"/contracts/{contract.id}"),
    ]
    assert [answer.status_code for answer in refusals] == [403, 403, 403, 200]
    assert all(code in answer.text for answer in refusals[:3])
    assert [found.d["code"] for found in goods.leaves("delivery.refused")] == [code] * 3
    check_story(goods, contract)


def test_after_resuming_it_goes_on(goods: Goods, people: People) -> None:
    contract, browser = goods.contract(), people.browser(goods.buyer)
    goods.do(holds.suspend, goods.seller, contract.id, "security", "Sự cố")
    assert browser.get(goods.path(contract)).status_code == 403
    goods.do(holds.resume, goods.seller, contract.id, "Đã khắc phục")
    assert browser.get(goods.path(contract)).data == goods.data
    check_story(goods, contract)


@pytest.mark.parametrize("how", HOW)
def test_a_running_download_is_cut(
    app: Flask, goods: Goods, people: People, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(streaming, "LOOK_BYTES", 1)
    goods.stock(app.extensions["minhbach.store"], size=5_000_000)
    contract = goods.contract()
    body = people.browser(goods.buyer).get(goods.path(contract), buffered=False).iter_encoded()
    received = len(next(body)) + len(next(body))
    code = stop(goods, people, contract, how)
    with pytest.raises(streaming.AccessEnded):
        received += sum(len(piece) for piece in body)
    assert received <= 2 * streaming.PIECE
    [row] = goods.deliveries()
    assert (row.complete, row.code, row.bytes_sent) == (False, code, received)
    check_story(goods, contract)


def test_a_new_document_delivers_under_itself(goods: Goods, people: People) -> None:
    old = goods.contract()
    stop(goods, people, old, "replaced")
    with goods.database.reading() as session:
        new = successors.successor_of(session, old.id)
    assert new is not None
    assert people.browser(goods.buyer).get(goods.path(new)).data == goods.data


@pytest.mark.parametrize("how", ["suspend", "end", "listing"])
def test_stopping_and_fetching_at_once_leave_no_delivery_after_the_stop(goods: Goods, people: People, how: str) -> None:
    """Whoever gets the contract's lock first: a delivery's record lies before that of the stop, or it is refused."""
    contracts = [goods.contract(ends=TODAY + timedelta(days=days)) for days in (40, 50, 60)]
    operator = people.operator()

    def fetch(contract: Contract) -> None:
        with goods.database.writing() as session:
            try:
                ticket = service.continue_or_open(session, goods.buyer, contract.id, goods.asset_id, goods.now)
                service.start(session, ticket, 0, 10, goods.now)
            finally:
                session.commit()

    def halt(contract: Contract) -> Any:
        if how == "suspend":
            return goods.do(holds.suspend, goods.seller, contract.id, "breach", "Nghi ngờ")
        if how == "end":
            return goods.do(agreements.end_contract, goods.seller, contract.id, "breach", "Vi phạm")
        return goods.do(moderation.suspend, operator, goods.listing_id, "Khiếu nại")

    for contract in contracts if how != "listing" else contracts[:1]:
        outcomes = together(*[lambda one=contract: fetch(one)] * 3, lambda one=contract: halt(one))
        assert all(outcome is None or isinstance(outcome, Refused | tuple) or hasattr(outcome, "id")
                   for outcome in outcomes), outcomes  # fmt: skip
        check_story(goods, contract)
        with pytest.raises(service.RefusedOnRecord):
            fetch(contract)
        check_story(goods, contract)


def test_a_stop_waits_for_a_delivery_that_was_first(goods: Goods, database_url: str) -> None:
    """The delivery holds the lock: the suspension comes after it, never between its check and its record."""
    contract, started = goods.contract(), Event()
    order: list[str] = []

    def fetch() -> None:
        with goods.database.writing() as session:
            ticket = service.continue_or_open(session, goods.buyer, contract.id, goods.asset_id, goods.now)
            started.set()
            Event().wait(0.3)
            service.start(session, ticket, 0, 10, goods.now)
            order.append("fetched")
            session.commit()

    def halt() -> None:
        started.wait(10)
        with goods.database.writing() as session:
            holds.suspend(session, goods.seller, contract.id, "breach", "Nghi ngờ", goods.now)
            order.append("suspended")
            session.commit()

    assert together(fetch, halt) == [None, None]
    assert order == ["fetched", "suspended"]
    check_story(goods, contract)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_first_and_the_last_second(goods: Goods) -> None:
    """On the first day from midnight in Viet Nam, on the last day to its end."""
    contract = goods.contract(starts=TODAY + timedelta(days=1), ends=TODAY + timedelta(days=10))
    begins = clock.VIETNAM

    def refused(session: Session, moment: Any) -> str | None:
        from exchange.deliveries import gate

        found = gate.why_not(session, session.get_one(Contract, contract.id), document.parse(contract.payload), moment)
        return found.code if found else None

    from contracts.terms import first_moment

    first, after = first_moment(TODAY + timedelta(days=1)), first_moment(TODAY + timedelta(days=11))
    assert first.tzinfo is not None
    assert first.astimezone(begins).hour == 0
    with goods.database.reading() as session:
        for moment, expected in (
            (first - timedelta(microseconds=1), "CONTRACT_UPCOMING"),
            (first, None),
            (after - timedelta(microseconds=1), None),
            (after, "CONTRACT_EXPIRED"),
        ):
            assert refused(session, moment) == expected


def test_nothing_but_the_gate_asks_whether_a_contract_gives_something() -> None:
    """One function decides. Whoever imports it elsewhere, or compares a standing before handing out, makes a second."""
    home = Path(exchange.__file__).parent
    users = {
        str(path.relative_to(home))
        for path in home.rglob("*.py")
        if re.search(r"contracts\.standing import [^\n]*\bmay\b|standing\.may\(", path.read_text(encoding="utf-8"))
    }
    assert users == {"negotiations/standing.py", "deliveries/gate.py"}
