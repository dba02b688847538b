"""Several rounds: who proposes what and how often, what an end tells; nothing else reaches a running deal."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from contracts import document
from contracts.negotiation import Act, Role, State
from contracts.terms import Terms
from exchange.catalogue.models import Listing, ListingVersion
from exchange.config import Config, ConfigurationError
from exchange.db import Database
from exchange.errors import Refused
from exchange.ledger import service as ledger
from exchange.negotiations import agreements, moves, rules, service, standing
from exchange.negotiations.models import Move, Negotiation
from exchange.permissions import Actor
from tests.exchange.negotiations.market import Market, offer, version_row, wish
from tests.exchange.negotiations.test_negotiating import together
from tests.exchange.people import People


@pytest.fixture
def small(database: Database) -> None:
    """Two proposals for each side, and ten days for an answer."""
    with database.reading() as session:
        session.info["market"].update({"max_proposals": 2, "turn_days": 10})


def counter(market: Market, actor: Actor, asked: Negotiation, **changes: Any) -> Negotiation:
    found: Negotiation = market.do(service.counter, actor, asked.id, asked.terms_hash, changes)
    return found


def test_both_sides_propose_in_turn_and_every_round_keeps_its_terms(market: Market, reading: Session) -> None:
    asked = market.requested()
    offered = counter(market, market.seller, asked, price_vnd=7_000_000)
    again = counter(market, market.buyer, offered, price_vnd=6_000_000, purpose="Dự báo và báo cáo chuyến bay trễ")
    assert (again.state, again.requests, again.offers) == (State.REQUESTED, 2, 1)
    assert again.purpose == "Dự báo và báo cáo chuyến bay trễ"
    last = counter(market, market.seller, again, max_deliveries=5)
    market.do(service.accept, market.buyer, asked.id, last.terms_hash)
    contract = market.do(agreements.agree, market.seller, asked.id, last.terms_hash)
    rows = moves.moves_of(reading, asked.id)
    assert [row.act for row in rows] == [
        Act.REQUEST, Act.OFFER, Act.REQUEST, Act.OFFER, Act.ACCEPT, Act.AGREE,
    ]  # fmt: skip
    assert all(Terms.from_json(row.terms).hash == row.terms_hash for row in rows)
    assert all(ledger.is_logged(reading, row.event_id) for row in rows)
    terms = document.parse(contract.payload).terms
    assert (terms.price_vnd, terms.max_deliveries, terms.hash) == (6_000_000, 5, rows[-1].terms_hash)


def test_a_seller_cannot_rewrite_what_is_the_buyers_to_say(market: Market) -> None:
    asked = market.requested()
    with pytest.raises(Refused) as refused:
        counter(market, market.seller, asked, purpose="Bán lại", scenario="Khác")
    assert refused.value.code == "OFFER_UNCHANGED"


def test_a_buyer_answers_only_a_counter_offer_and_only_the_newest(market: Market) -> None:
    asked = market.requested()
    with pytest.raises(Refused) as early:
        counter(market, market.buyer, asked, price_vnd=1)
    assert early.value.code == "OUT_OF_TURN"
    counter(market, market.seller, asked, price_vnd=7_000_000)
    with pytest.raises(Refused) as stale:
        counter(market, market.buyer, asked, price_vnd=6_000_000)
    assert (stale.value.code, stale.value.status) == ("TERMS_STALE", 409)


def test_the_number_of_proposals_is_limited_on_each_side(market: Market, small: None, reading: Session) -> None:
    now = market.requested()
    assert rules.last_turn_day(now).isoformat() == "2026-12-02"  # ten days
    for price, actor in ((9, market.seller), (8, market.buyer), (7, market.seller)):
        now = counter(market, actor, now, price_vnd=price)
    with pytest.raises(Refused) as spent:
        counter(market, market.buyer, now, price_vnd=6)
    assert (spent.value.code, spent.value.status) == ("PROPOSALS_SPENT", 409)
    assert "chấp nhận, chấm dứt" in (spent.value.refusals[0].vi or "")
    assert service.allowed_acts(reading, now, Role.CONSUMER, market.now) == {Act.ACCEPT, Act.TERMINATE}
    market.do(service.accept, market.buyer, now.id, now.terms_hash)


@pytest.mark.parametrize("wrong", [{"MINHBACH_TURN_DAYS": "0"}, {"MINHBACH_MAX_PROPOSALS": "1001"}])
def test_settings_without_sense_stop_the_start(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        Config.from_environ({"MINHBACH_HOME": str(tmp_path), **wrong})
    found = Config.from_environ({"MINHBACH_HOME": str(tmp_path), "MINHBACH_TURN_DAYS": "7"})
    assert found.market == {"turn_days": 7, "max_proposals": 10}


def test_why_it_failed_is_read_by_both_with_who_and_when(market: Market, reading: Session) -> None:
    asked = market.requested()
    market.do(service.terminate, market.seller, asked.id, "purpose", "Chúng tôi không bán cho mục đích này")
    for reader in (market.seller, market.buyer):
        found = service.thread(reading, reader, asked.id).negotiation
        assert (found.terminated_code, found.terminated_reason) == ("purpose", "Chúng tôi không bán cho mục đích này")
        assert (found.terminated_by, found.terminated_at) == (market.seller.org_id, market.now)
    last = moves.latest(reading, asked.id)
    leaf = ledger.record_of(reading, last.event_id).leaf
    assert leaf.d == {"reason": "purpose"}  # the words are the organisation's own and can be erased
    assert b"Ch\xc3\xbang t\xc3\xb4i" not in ledger.record_of(reading, last.event_id).data


def test_nothing_moves_after_the_lapse_and_the_refusal_says_what_would(market: Market) -> None:
    offered = counter(market, market.seller, market.requested(), price_vnd=7_000_000)
    market.now = offered.deadline
    for act in (service.accept, agreements.agree):
        with pytest.raises(Refused) as late:
            market.do(act, market.buyer if act is service.accept else market.seller, offered.id, offered.terms_hash)
        assert (late.value.code, late.value.refusals[0].passes) == ("DEADLINE_PASSED", "A new request by the buyer.")
    with pytest.raises(Refused) as late:
        counter(market, market.buyer, offered, price_vnd=1)
    assert late.value.code == "DEADLINE_PASSED"


# --- two at once --------------------------------------------------------------------------------------------------


def test_whoever_comes_second_is_told_who_was_first_and_when(market: Market, people: People) -> None:
    asked = market.requested()
    colleague = market.colleague(market.seller, "Trần Bình")
    counter(market, colleague, asked, price_vnd=7_000_000)
    with pytest.raises(Refused) as told:
        market.do(agreements.agree, market.seller, asked.id, asked.terms_hash)
    assert [refusal.code for refusal in told.value.refusals] == ["OUT_OF_TURN", "LAST_MOVE"]
    sentence = told.value.refusals[1].en or ""
    assert "Trần Bình" in sentence  # a colleague by name
    assert "09:00:00 22/11/2026" in sentence
    with pytest.raises(Refused) as other_side:
        market.do(service.accept, market.buyer, asked.id, asked.terms_hash)
    sentence = other_side.value.refusals[1].vi or ""
    assert "Trần Bình" not in sentence  # the other side's person is not told
    assert "Công ty provider" in sentence


def test_accept_counter_and_terminate_at_once_one_wins(market: Market) -> None:
    offered = counter(market, market.seller, market.requested(), price_vnd=7_000_000)
    outcomes = together(
        lambda: market.do(service.accept, market.buyer, offered.id, offered.terms_hash),
        lambda: counter(market, market.buyer, offered, price_vnd=6_000_000),
        lambda: market.do(service.accept, market.buyer, offered.id, offered.terms_hash),
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert len(refused) == 2, outcomes
    assert {error.refusals[-1].code for error in refused} == {"LAST_MOVE"}
    with market.database.reading() as session:
        assert [row.number for row in moves.moves_of(session, offered.id)] == [1, 2, 3]


def test_end_and_agree_at_once_leave_one_outcome(market: Market) -> None:
    asked = market.requested()
    together(
        lambda: market.do(agreements.agree, market.seller, asked.id, asked.terms_hash),
        lambda: market.do(service.terminate, market.buyer, asked.id, "no-need", "Đổi ý"),
    )
    with market.database.reading() as session:
        state = session.get_one(Negotiation, asked.id).state
        acts = [row.act for row in moves.moves_of(session, asked.id)]
        contract = service.thread(session, market.buyer, asked.id).contract_id
        assert state == State.TERMINATED  # the buyer may end it before and after the seller agreed
        assert acts in ([Act.REQUEST, Act.TERMINATE], [Act.REQUEST, Act.AGREE, Act.TERMINATE])
        if contract:
            assert standing.papers(session, market.buyer, contract).row.end_code == "unsigned"


# --- a running deal is nobody else's ------------------------------------------------------------------------------


def test_edits_and_other_negotiations_never_touch_a_running_deal(
    market: Market, people: People, reading: Session
) -> None:
    contract = market.active()
    running = market.requested(scenario="Mô hình thứ hai")  # the same buyer, again
    other = market.do(service.request_access, people.stranger(), market.listing_id, wish())
    before = {row.id: row.terms_hash for row in reading.exec(select(Negotiation))}
    reading.rollback()
    new_version(market, price_vnd=99_000_000, permitted_purpose="Khác", ip_limits="Khác", territory=["VN-HN"])
    market.do(service.counter, market.seller, other.id, other.terms_hash, offer(price_vnd=1))
    market.do(service.terminate, market.seller, running.id, "price", "Giá đã đổi")

    papers = standing.papers(reading, market.buyer, contract.id)
    assert papers.row.payload == contract.payload
    assert papers.document.terms.price_vnd == 5_000_000
    assert standing.standing_of(reading, papers.row, market.now + timedelta(days=30)).name == "ACTIVE"
    frozen = reading.get_one(Negotiation, contract.negotiation_id)
    assert (frozen.state, frozen.terms_hash) == (State.FINALIZED, before[frozen.id])
    assert {row.terms_hash for row in moves.moves_of(reading, frozen.id)} == {frozen.terms_hash}


def test_a_request_keeps_the_terms_it_was_made_on(market: Market, reading: Session) -> None:
    asked = market.requested()
    new_version(market, price_vnd=99_000_000)
    contract = market.do(agreements.agree, market.seller, asked.id, asked.terms_hash)
    drawn = document.parse(contract.payload)
    assert (drawn.terms.price_vnd, drawn.assets[0].version) == (5_000_000, 1)
    first = reading.exec(select(Move).where(Move.negotiation_id == asked.id, Move.number == 1)).one()
    assert drawn.terms == Terms.from_json(first.terms)
    assert replace(drawn.terms, price_vnd=99_000_000).hash != drawn.terms.hash


def new_version(market: Market, **changes: Any) -> None:
    """The seller publishes the listing anew, with other terms."""
    with market.database.writing() as session:
        listing = session.get_one(Listing, market.listing_id)
        old = session.exec(select(ListingVersion).where(ListingVersion.listing_id == listing.id)).one()
        session.add(version_row(listing.id, old.asset_id, old.org_id, market.now, number=2, **changes))
        session.flush()
        listing.current_version = 2
        session.commit()
