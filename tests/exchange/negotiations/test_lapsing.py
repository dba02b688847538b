"""Warnings before a negotiation lapses: on which days, to whom, and each with a name of its own."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from exchange.negotiations import agreements, lapsing, service
from exchange.negotiations.models import Negotiation
from exchange.notices import timed
from exchange.notices.due import Due
from exchange.notices.models import Notice
from tests.exchange.negotiations.market import Market, offer

DAY = timedelta(days=1)


def found(market: Market, now: datetime) -> list[Due]:
    with market.database.reading() as session:
        return list(lapsing.due(session, now))


@pytest.mark.parametrize(
    ("before", "step"), [(8, None), (7, 7), (6, 7), (4, 7), (3, 3), (2, 3), (1, 1), (0, 1)]
)  # fmt: skip
def test_the_side_whose_turn_it_is_hears_7_3_and_1_days_before(market: Market, before: int, step: int | None) -> None:
    asked = market.requested()
    last_day = asked.deadline - timedelta(hours=12)
    told = found(market, last_day - before * DAY)
    if step is None:
        assert told == []
        return
    (due,) = told
    assert (due.kind, due.org_ids) == ("negotiation.lapsing", (market.seller.org_id,))
    assert due.key.endswith(f":{step}")
    assert due.facts == {
        "listing": market.listing_id, "negotiation": asked.id, "day": "2027-01-06", "days": before,
    }  # fmt: skip
    assert due.path == f"/negotiations/{asked.id}"


def test_the_lapse_is_told_to_both_and_each_turn_has_its_own_warnings(market: Market) -> None:
    asked = market.requested()
    (first,) = found(market, asked.deadline - DAY)
    (lapsed,) = found(market, asked.deadline)
    assert (lapsed.kind, set(lapsed.org_ids)) == (
        "negotiation.lapsed", {market.seller.org_id, market.buyer.org_id},
    )  # fmt: skip
    assert found(market, asked.deadline + 31 * DAY) == []
    market.now += timedelta(hours=1)
    offered = market.do(service.counter, market.seller, asked.id, asked.terms_hash, offer())
    assert offered.deadline == asked.deadline  # answered on the same day
    (second,) = found(market, asked.deadline - DAY)
    assert second.org_ids == (market.buyer.org_id,)
    assert second.key != first.key


def test_a_contract_drawn_up_warns_whoever_has_not_signed(market: Market, reading: Session) -> None:
    contract = market.agreed()
    deadline = reading.get_one(Negotiation, contract.negotiation_id).deadline
    assert set(found(market, deadline - DAY)[0].org_ids) == {market.seller.org_id, market.buyer.org_id}
    market.signed(contract, market.seller)
    assert found(market, deadline - DAY)[0].org_ids == (market.buyer.org_id,)
    market.signed(contract, market.buyer)
    assert found(market, deadline - DAY) == []


def test_what_is_over_is_not_warned_of(market: Market) -> None:
    asked = market.requested()
    market.do(service.terminate, market.seller, asked.id, "price", "Giá thấp")
    assert found(market, asked.deadline - DAY) == found(market, asked.deadline) == []
    agreed = market.requested()
    market.do(agreements.agree, market.seller, agreed.id, agreed.terms_hash)
    assert len(found(market, agreed.deadline - DAY)) == 1


def test_the_notices_tell_each_warning_once(market: Market) -> None:
    asked = market.requested()
    last_day = asked.deadline - timedelta(hours=12)
    told = []
    for moment in (last_day - 7 * DAY, last_day - 6 * DAY, last_day, last_day + DAY, last_day + DAY):
        with market.database.writing() as session:
            told.append(timed.tell_due(session, moment))
            session.commit()
    assert told == [1, 0, 1, 1, 0]
    with market.database.reading() as session:
        kinds = [(row.kind, row.org_id) for row in session.exec(select(Notice).order_by(col(Notice.at)))]
    late = [("negotiation.lapsed", org) for org in sorted((market.buyer.org_id, market.seller.org_id))]
    lapsing = [("negotiation.lapsing", market.seller.org_id)]
    assert sorted(one for one in kinds if one[0].startswith("negotiation.laps")) == sorted([*late, *lapsing, *lapsing])
