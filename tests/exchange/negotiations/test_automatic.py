"""Agreeing by rule: exactly the offer, exactly the buyers meant, never a signature, and the log tells what it was."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from contracts.negotiation import Act, Role, State
from exchange.accounts.models import SigningKey
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger import service as ledger
from exchange.negotiations import agreements, automatic, moves, service, standing
from exchange.negotiations.models import ApprovalRule, Contract, Negotiation
from exchange.permissions import Role as StaffRole
from tests.exchange.negotiations.market import Market, wish
from tests.exchange.people import People

OFFERED = {"purpose": "Mô tả"}  # the offer's permitted purpose, word for word


def asked_for(market: Market, **changes: Any) -> tuple[Negotiation, Contract | None]:
    found: tuple[Negotiation, Contract | None] = market.do(
        automatic.request_access, market.buyer, market.listing_id, wish(**OFFERED | changes)
    )
    return found


def set_rule(market: Market, level: int = 0, price: int | None = None) -> Any:
    return market.do(automatic.set_rule, market.seller, market.listing_id, level, price)


def test_the_offer_taken_as_it_stands_is_agreed_at_once_and_nobody_has_signed(market: Market, reading: Session) -> None:
    rule = set_rule(market)
    negotiation, contract = asked_for(market)
    assert contract is not None
    assert negotiation.state == State.AGREED
    last = moves.latest(reading, negotiation.id)
    assert (last.act, last.role, last.org_id, last.user_id) == (Act.AGREE, Role.PROVIDER, market.seller.org_id, None)
    assert last.rule_event == rule.event_id
    leaf = ledger.record_of(reading, contract.agreed_event).leaf
    assert (leaf.actor, leaf.d["rule"], leaf.d["rule_of"]) == ("system", rule.event_id, f"org:{market.seller.org_id}")
    assert standing.signatures_of(reading, contract.id) == []
    assert set(standing.papers(reading, market.buyer, contract.id).unsigned) == {
        market.seller.org_id, market.buyer.org_id,
    }  # fmt: skip
    market.signed(contract, market.buyer)
    with market.database.reading() as later:
        assert later.get_one(Negotiation, negotiation.id).state == State.VERIFIED


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "Dự báo chuyến bay trễ"},
        {"purpose": "mô tả"},
        {"territory": ("VN-SG",)},
    ],
)
def test_what_is_not_the_offer_word_for_word_waits_for_a_person(market: Market, changes: dict[str, Any]) -> None:
    set_rule(market)
    negotiation, contract = asked_for(market, **changes)
    assert (negotiation.state, contract) == (State.REQUESTED, None)


@pytest.mark.parametrize(("level", "price", "agreed"), [(2, 5_000_000, True), (3, None, False), (0, 4_999_999, False)])
def test_level_and_price_bound_the_rule(market: Market, level: int, price: int | None, agreed: bool) -> None:
    set_rule(market, level, price)
    assert (asked_for(market)[1] is not None) is agreed


def test_a_rule_refuses_nothing_that_a_person_would_not(market: Market, reading: Session) -> None:
    set_rule(market)
    with market.database.writing() as session:
        for key in session.exec(select(SigningKey).where(SigningKey.org_id == market.buyer.org_id)):
            key.revoked_at = market.now
        session.commit()
    negotiation, contract = asked_for(market)  # no contract without the buyer's key, so it waits
    assert (negotiation.state, contract) == (State.REQUESTED, None)
    with pytest.raises(Refused) as wrong:
        market.do(
            automatic.request_access, market.seller, market.listing_id, wish(**OFFERED, starts=date(2026, 11, 1))
        )  # fmt: skip
    assert {refusal.code for refusal in wrong.value.refusals} >= {"OWN_LISTING", "STARTS_IN_PAST"}


def test_a_demand_made_behind_the_rules_back_still_stops_it(market: Market) -> None:
    rule = set_rule(market)
    with market.database.writing() as session:
        session.add(
            ApprovalRule(
                org_id=market.seller.org_id, role=StaffRole.OWNER, changed_at=market.now, event_id=rule.event_id
            )
        )
        session.commit()
    assert asked_for(market)[1] is None


def test_a_listing_that_changed_is_another_offer(market: Market) -> None:
    set_rule(market)
    with market.database.writing() as session:
        from exchange.catalogue.models import ListingVersion

        version = session.exec(select(ListingVersion).where(ListingVersion.listing_id == market.listing_id)).one()
        version.permitted_purpose = "Chỉ nghiên cứu"
        session.commit()
    assert asked_for(market)[1] is None
    market.now += timedelta(days=46)
    assert asked_for(market, purpose="Chỉ nghiên cứu", starts=date(2027, 2, 1), ends=date(2027, 3, 1))[1] is not None


def test_a_rule_that_ended_agrees_to_nothing_more(market: Market) -> None:
    set_rule(market)
    market.do(automatic.end_rule, market.seller, market.listing_id)
    assert asked_for(market)[1] is None
    with pytest.raises(Refused) as none:
        market.do(automatic.end_rule, market.seller, market.listing_id)
    assert none.value.code == "AGREE_RULE_NONE"


def test_whose_rule_and_within_what_bounds(market: Market, people: People) -> None:
    for outsider in (market.buyer, people.stranger()):
        with pytest.raises(NotFound):
            market.do(automatic.set_rule, outsider, market.listing_id, 0, None)
    clerk = market.colleague(market.seller, "Kế toán", StaffRole.FINANCE)
    with pytest.raises(NotPermitted):
        market.do(automatic.set_rule, clerk, market.listing_id, 0, None)
    for level, price, code in ((4, None, "LEVEL_UNKNOWN"), (0, -1, "PRICE_REFUSED"), (0, 10**16, "PRICE_REFUSED")):
        with pytest.raises(Refused) as refused:
            set_rule(market, level, price)
        assert refused.value.code == code


def test_what_the_rule_says_stays_out_of_the_open_log(market: Market, reading: Session) -> None:
    rule = set_rule(market, 2, 123_456_789)
    record = ledger.record_of(reading, rule.event_id)
    assert b"123456789" not in record.data
    assert record.leaf.d == {"acts": "agree"}


def test_agreed_by_rule_it_can_still_be_ended_before_it_is_signed(market: Market) -> None:
    set_rule(market)
    negotiation, contract = asked_for(market)
    assert contract is not None
    market.do(service.terminate, market.seller, negotiation.id, "party", "Không giao kết với bên này")
    with pytest.raises(Refused) as refused:
        market.signed(contract, market.buyer)
    assert refused.value.code == "NOT_SIGNABLE"
    with pytest.raises(Refused):
        market.do(agreements.agree, market.seller, negotiation.id, negotiation.terms_hash)
