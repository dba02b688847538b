"""What the pages of a deal say: what changed, whose turn it is, whether anything has moved, and which list it is in."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, func, select

from exchange.ledger.models import Outbox
from exchange.negotiations import agreements, lists, redline, service
from exchange.negotiations.models import Move
from tests.contracts.examples import asset, consumer, make_terms, provider
from tests.exchange.conftest import NOW
from tests.exchange.negotiations.market import Market, offer
from tests.exchange.people import People

FRAME = redline.Frame((provider(), consumer()), (asset(),), None, NOW)
SHORT = st.lists(st.sampled_from(["giá", "là", "20.", "300", "đồng", "và"]), max_size=12).map(" ".join)


def text_of(marks: tuple[redline.Mark, ...], *kinds: str) -> list[str]:
    return " ".join(mark.text for mark in marks if mark.kind in kinds).split()


@given(SHORT, SHORT)
def test_the_marks_hold_both_texts_whole(before: str, after: str) -> None:
    found = redline.marks(before, after)
    assert text_of(found, "same", "del") == before.split()
    assert text_of(found, "same", "ins") == after.split()


def test_a_few_words_that_stay_between_two_changes_do_not_tear_the_sentence() -> None:
    found = redline.marks("Giá của quyền là 300 đồng một năm", "Giá của quyền là 500 đồng mỗi năm")
    assert [(mark.kind, mark.text) for mark in found] == [
        ("same", "Giá của quyền là"), ("del", "300 đồng một"), ("ins", "500 đồng mỗi"), ("same", "năm"),
    ]  # fmt: skip


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_redline_names_the_clauses_that_read_differently_and_no_others(lang: str) -> None:
    before = make_terms()
    after = replace(before, price_vnd=before.price_vnd + 1, ends=before.ends - timedelta(days=9))
    assert [clause.number for clause in redline.changed_clauses(FRAME, before, after, lang)] == [5, 11]
    assert redline.changed_clauses(FRAME, before, before, lang) == []


def test_the_first_round_is_compared_with_the_listing_and_later_ones_with_the_round_before(
    app: Flask, market: Market, people: People
) -> None:
    negotiation = market.requested(ends=date(2027, 1, 31))
    page = people.browser(market.seller).get(f"/negotiations/{negotiation.id}?lang=en").text
    assert "Compared with the listing's offer" in page
    market.do(counter, market.seller, negotiation.id, negotiation.terms_hash)
    page = people.browser(market.buyer).get(f"/negotiations/{negotiation.id}?lang=en").text
    assert "Compared with the round before" in page
    assert "You pay VND 2,000,000 more" in page
    own = people.browser(market.seller).get(f"/negotiations/{negotiation.id}?lang=en").text
    assert "What changed for you" not in own  # they know what they proposed


def counter(session: Session, actor: object, negotiation_id: str, seen: str, now: object) -> None:
    service.counter(session, actor, negotiation_id, seen, offer(), now)  # type: ignore[arg-type]


def test_a_check_says_what_would_be_refused_and_leaves_no_trace(
    app: Flask, market: Market, people: People, reading: Session, no_csrf: None
) -> None:
    negotiation = market.requested()
    before = counted(reading)
    typed = {"terms": negotiation.terms_hash, "price_vnd": "9000000", "ends": "2020-01-01", "note": "Thử", "check": "1"}
    answer = people.browser(market.seller).post(f"/negotiations/{negotiation.id}/offer?lang=en", data=typed)
    assert answer.status_code == 200
    assert "These terms would be refused" in answer.text
    assert 'value="9000000"' in answer.text
    assert "Thử</textarea>" in answer.text
    outsider = people.browser(people.stranger()).post(f"/negotiations/{negotiation.id}/offer", data=typed)
    assert outsider.status_code == 404
    reading.rollback()
    assert counted(reading) == before


def counted(session: Session) -> tuple[int, int]:
    return session.exec(select(func.count()).select_from(Move)).one(), session.exec(
        select(func.count()).select_from(Outbox)
    ).one()


def test_the_version_changes_with_each_move_and_is_answered_with_304_until_then(
    app: Flask, market: Market, people: People
) -> None:
    negotiation = market.requested()
    browser, path = people.browser(market.buyer), f"/negotiations/{negotiation.id}/version"
    first = browser.get(path)
    assert first.get_json()["version"] == first.headers["ETag"].strip('"')
    known = {"If-None-Match": first.headers["ETag"]}
    again = browser.get(path, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    assert f'data-version="{first.get_json()["version"]}"' in browser.get(f"/negotiations/{negotiation.id}").text
    assert browser.get(path, headers=known).status_code == 304  # reading is no move
    contract = market.do(agreements.agree, market.seller, negotiation.id, negotiation.terms_hash)
    moved = browser.get(path, headers=known)
    assert moved.status_code == 200
    for side in (market.seller, market.buyer):
        before = moved.headers["ETag"]
        market.signed(contract, side)
        moved = browser.get(f"/contracts/{contract.id}/version", headers={"If-None-Match": before})
        assert moved.status_code == 200
    for stranger in (people.stranger(), people.regulator()):
        assert people.browser(stranger).get(path).status_code == 404
        assert people.browser(stranger).get(f"/contracts/{contract.id}/version").status_code == 404
    assert browser.get("/contracts/nothing/version").status_code == 404


def test_each_filter_of_the_negotiations_shows_what_it_says(market: Market, reading: Session) -> None:
    contract = market.agreed()
    market.signed(contract, market.seller)

    def shown(actor: object, show: str, days: int = 0) -> int:
        reading.rollback()
        later = NOW + timedelta(days=days)
        return len(lists.negotiations(reading, actor, show, None, later).rows)  # type: ignore[arg-type]

    sides = (market.seller, market.buyer)
    assert [shown(side, "sign") for side in sides] == [1, 1]
    assert [shown(side, "ours") for side in sides] == [0, 1]  # the seller has signed
    assert [shown(side, "theirs") for side in sides] == [1, 0]
    assert [shown(market.buyer, "soon", days) for days in (0, 40, 60)] == [0, 1, 0]
    assert [shown(market.buyer, "closed", days) for days in (0, 60)] == [0, 1]  # lapsed
    market.signed(contract, market.buyer)
    assert [shown(market.buyer, show) for show in ("ours", "concluded", "", "nonsense")] == [0, 1, 1, 1]


def test_each_filter_of_the_contracts_shows_what_it_says_and_how_many(market: Market, reading: Session) -> None:
    contract = market.agreed()
    for side in (market.seller, market.buyer):
        assert counts(reading, side, 0) == {"": 1, "sign": 1, "active": 0, "soon": 0, "upcoming": 0, "over": 0}
        market.signed(contract, side)
    assert counts(reading, market.buyer, 0)["upcoming"] == 1
    assert counts(reading, market.buyer, 10)["active"] == 1
    assert counts(reading, market.buyer, 10)["soon"] == 0
    assert counts(reading, market.buyer, 160)["soon"] == 1
    assert counts(reading, market.buyer, 400) == {"": 1, "sign": 0, "active": 0, "soon": 0, "upcoming": 0, "over": 1}


def counts(session: Session, actor: object, days: int) -> dict[str, int]:
    session.rollback()
    return lists.contracts(session, actor, "", None, NOW + timedelta(days=days)).counts  # type: ignore[arg-type]


def test_a_list_says_so_when_a_filter_leaves_nothing(app: Flask, market: Market, people: People) -> None:
    browser = people.browser(market.buyer)
    assert "No negotiations yet" in browser.get("/negotiations?lang=en").text
    assert (
        "No negotiation of your organisation stands like this now."
        in browser.get("/negotiations?show=ours&lang=en").text
    )
    assert "No contract of your organisation stands like this now." in browser.get("/contracts?show=over&lang=en").text
