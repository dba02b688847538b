"""From a request to agreed terms: every step, whose turn it is, and every refusal by its code."""

from datetime import date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlmodel import Session, select

from contracts.negotiation import Act, Role, State
from exchange import clock
from exchange.db import Database
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger import service as ledger
from exchange.negotiations import agreements, moves, rules, service
from exchange.negotiations.models import Contract, Move, Negotiation
from exchange.permissions import Actor
from exchange.permissions import Role as StaffRole
from tests.exchange.negotiations.market import Market, offer, wish
from tests.exchange.people import People


def codes(refused: Refused) -> set[tuple[str, str | None]]:
    return {(refusal.code, refusal.field) for refusal in refused.refusals}


def test_a_request_freezes_the_offer_and_is_in_the_log(market: Market, database: Database) -> None:
    negotiation = market.requested()
    with database.reading() as session:
        thread = service.thread(session, market.seller, negotiation.id)
        assert (thread.negotiation.state, thread.role) == (State.REQUESTED, Role.PROVIDER)
        assert thread.terms.price_vnd == 5_000_000
        assert thread.terms.scenario == wish().scenario
        assert thread.terms.hash == negotiation.terms_hash
        assert ledger.is_logged(session, thread.moves[0].event_id)
        # until the end of the 45th day, in Viet Nam
        assert negotiation.deadline == datetime(2027, 1, 7, tzinfo=clock.VIETNAM)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"purpose": "  "}, "NO_SCENARIO", "purpose"),
        ({"scenario": ""}, "NO_SCENARIO", "scenario"),
        ({"scenario": "x" * 2001}, "TEXT_TOO_LONG", "scenario"),
        ({"purpose": "a\u202eb"}, "TEXT_SIGN_REFUSED", "purpose"),
        ({"territory": ()}, "LICENCE_TERMS_MISSING", "territory"),
        ({"territory": ("US",)}, "CROSS_BORDER_NOT_CLEARED", "territory"),
        ({"territory": ("Hà Nội",)}, "TERRITORY_UNKNOWN", "territory"),
        ({"ends": date(2026, 11, 30)}, "ENDS_BEFORE_START", "ends"),
        ({"starts": date(2026, 11, 21)}, "STARTS_IN_PAST", "starts"),
        ({"starts": date(2026, 1, 1), "ends": date(2026, 2, 1)}, "ENDS_IN_PAST", "ends"),
        ({"ends": date(2027, 12, 1)}, "TERM_TOO_LONG", "ends"),
    ],
)
def test_a_request_is_refused_field_by_field(market: Market, changes: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        market.requested(**changes)
    assert (code, field) in codes(refused.value)
    with market.database.reading() as session:
        assert session.exec(select(Negotiation)).all() == []


def test_the_offer_bounds_period_and_territory(market: Market) -> None:
    market.publish(licence="L4", onward_transfer="derived-only", term_months=3, territory=["VN-SG"])
    with pytest.raises(Refused) as refused:
        market.requested(territory=("VN-HN",))
    assert codes(refused.value) == {("TERM_LONGER_THAN_OFFERED", "ends"), ("TERRITORY_NOT_OFFERED", "territory")}
    market.requested(territory=("VN-SG",), ends=date(2027, 2, 28))


def test_who_may_buy_at_all(market: Market, people: People) -> None:
    market.confirm(market.buyer, level=1, payment_account=False)
    with pytest.raises(Refused) as refused:
        market.requested()
    assert codes(refused.value) == {("IDENTITY_LEVEL_TOO_LOW", None), ("NO_PAYMENT_ACCOUNT", None)}
    with pytest.raises(Refused) as own:
        market.do(service.request_access, market.seller, market.listing_id, wish())
    assert own.value.code == "OWN_LISTING"
    publisher = people.make("publisher", market.buyer.kind, StaffRole.PUBLISHER)
    with pytest.raises(NotPermitted):
        market.do(service.request_access, publisher, market.listing_id, wish())
    with pytest.raises(NotFound):
        market.do(service.request_access, market.buyer, "nothing", wish())


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("draft", "NOT_MODERATED"),
        ("returned", "NOT_MODERATED"),
        ("suspended", "LISTING_SUSPENDED"),
        ("withdrawn", "LISTING_WITHDRAWN"),
    ],
)
def test_only_a_listing_in_the_catalogue_can_be_requested(market: Market, state: str, code: str) -> None:
    market.set_state(state)
    with pytest.raises(Refused) as refused:
        market.requested()
    assert (refused.value.code, refused.value.status) == (code, 409)


def test_a_form_sent_twice_acts_once(market: Market) -> None:
    first = market.requested()
    with pytest.raises(Refused) as refused:
        market.requested()
    assert refused.value.code == "REQUEST_ALREADY_OPEN"
    assert refused.value.refusals[0].value == first.id


def test_counter_offer_then_accept_then_agree(market: Market, database: Database) -> None:
    asked = market.requested()
    countered = market.do(service.counter, market.seller, asked.id, asked.terms_hash, offer())
    assert countered.state == State.OFFERED
    market.do(service.accept, market.buyer, asked.id, countered.terms_hash)
    contract = market.do(agreements.agree, market.seller, asked.id, countered.terms_hash)
    assert contract.price_vnd == 7_000_000
    with database.reading() as session:
        thread = service.thread(session, market.buyer, asked.id)
        assert [move.act for move in thread.moves] == [Act.REQUEST, Act.OFFER, Act.ACCEPT, Act.AGREE]
        assert thread.contract_id == contract.id
        assert [change.field for change in moves_difference(thread.moves)] == ["price_vnd"]


def moves_difference(rows: list[Move]) -> Any:
    from contracts.terms import Terms

    return Terms.from_json(rows[0].terms).difference(Terms.from_json(rows[1].terms))


def test_a_second_counter_offer_before_the_buyer_answered_is_refused(market: Market) -> None:
    asked = market.requested()
    countered = market.do(service.counter, market.seller, asked.id, asked.terms_hash, offer())
    with pytest.raises(Refused) as refused:
        market.do(service.counter, market.seller, asked.id, countered.terms_hash, offer(price_vnd=1))
    assert (refused.value.code, refused.value.status) == ("OUT_OF_TURN", 409)


def test_an_offer_must_change_something_and_be_agreeable(market: Market) -> None:
    asked = market.requested()
    with pytest.raises(Refused) as same:
        market.do(service.counter, market.seller, asked.id, asked.terms_hash, offer(price_vnd=5_000_000))
    assert same.value.code == "OFFER_UNCHANGED"
    with pytest.raises(Refused) as bad:
        market.do(service.counter, market.seller, asked.id, asked.terms_hash, offer(price_vnd=-1, ip_limits=""))
    assert codes(bad.value) == {("PRICE_NEGATIVE", "price_vnd"), ("LICENCE_TERMS_MISSING", "ip_limits")}


def test_out_of_turn_and_stale_terms(market: Market) -> None:
    asked = market.requested()
    with pytest.raises(Refused) as early:
        market.do(service.accept, market.buyer, asked.id, asked.terms_hash)
    assert (early.value.code, early.value.status) == ("OUT_OF_TURN", 409)
    countered = market.do(service.counter, market.seller, asked.id, asked.terms_hash, offer())
    with pytest.raises(Refused) as stale:
        market.do(service.accept, market.buyer, asked.id, asked.terms_hash)
    assert (stale.value.code, stale.value.status) == ("TERMS_STALE", 409)
    with pytest.raises(Refused) as wrong_side:
        market.do(agreements.agree, market.seller, asked.id, countered.terms_hash)
    assert wrong_side.value.code == "OUT_OF_TURN"


def test_a_counter_offer_to_terms_nobody_sees_any_more_is_stale(market: Market) -> None:
    asked = market.requested()
    with pytest.raises(Refused) as stale:
        market.do(service.counter, market.seller, asked.id, "sha-256:" + "A" * 43, offer())
    assert (stale.value.code, stale.value.status) == ("TERMS_STALE", 409)


def test_nobody_else_sees_or_moves_a_negotiation(market: Market, people: People, reading: Session) -> None:
    asked, session = market.requested(), reading
    for outsider in (people.stranger(), people.operator()):
        with pytest.raises(NotFound):
            service.thread(session, outsider, asked.id)
        assert service.negotiations_of(session, outsider) == []
    with pytest.raises(NotFound):
        market.do(service.terminate, people.stranger(), asked.id, "other", "Không phải việc của tôi")
    assert service.thread(session, people.regulator(), asked.id).role is None
    with pytest.raises(NotFound):
        market.do(service.terminate, people.regulator(), asked.id, "other", "x")


def test_a_token_sees_contracts_only_with_a_scope_for_them(market: Market, reading: Session) -> None:
    market.requested()
    actor = Actor(market.buyer.user_id, market.buyer.org_id, market.buyer.kind, market.buyer.roles)
    for scopes, seen in (({"catalogue"}, False), ({"negotiate"}, True), ({"sign"}, True)):
        token = Actor(actor.user_id, actor.org_id, actor.kind, actor.roles, frozenset(scopes))
        if seen:
            assert len(service.negotiations_of(reading, token)) == 1
        else:
            with pytest.raises(NotPermitted):
                service.negotiations_of(reading, token)


def test_terminating_needs_a_reason_and_is_final(market: Market) -> None:
    asked = market.requested()
    for reason in ("", "   ", "x" * 2001):
        with pytest.raises(Refused) as refused:
            market.do(service.terminate, market.buyer, asked.id, "no-need", reason)
        assert codes(refused.value) == {("REASON_MISSING", "reason")}
    for code in ("", "lapsed", "because"):  # the closed list; "lapsed" is nobody's to say
        with pytest.raises(Refused) as unknown:
            market.do(service.terminate, market.buyer, asked.id, code, "Không còn nhu cầu")
        assert codes(unknown.value) == {("REASON_CODE_UNKNOWN", "code")}
    ended = market.do(service.terminate, market.buyer, asked.id, "no-need", "Không còn nhu cầu")
    assert (ended.state, ended.terminated_by) == (State.TERMINATED, market.buyer.org_id)
    assert (ended.terminated_code, ended.terminated_reason) == ("no-need", "Không còn nhu cầu")
    with pytest.raises(Refused) as again:
        market.do(service.terminate, market.seller, asked.id, "other", "Cũng vậy")
    assert again.value.code == "OUT_OF_TURN"
    assert market.requested().id != asked.id


def test_past_its_deadline_a_negotiation_has_lapsed_without_any_job(market: Market) -> None:
    asked = market.requested()
    market.now = asked.deadline - timedelta(seconds=1)
    assert not rules.is_lapsed(asked, market.now)
    market.now = asked.deadline
    with pytest.raises(Refused) as refused:
        market.do(service.counter, market.seller, asked.id, asked.terms_hash, offer())
    assert (refused.value.code, refused.value.status) == ("DEADLINE_PASSED", 409)
    with market.database.reading() as session:
        assert service.allowed_acts(session, asked, Role.PROVIDER, market.now) == {Act.TERMINATE}
    fresh = market.requested(starts=date(2027, 2, 1))
    with market.database.reading() as session:
        old = session.get_one(Negotiation, asked.id)
        assert (old.state, old.terminated_code, old.terminated_by) == (State.TERMINATED, "lapsed", None)
    assert fresh.state == State.REQUESTED


def test_a_contract_needs_a_key_of_both_sides(market: Market, people: People) -> None:
    keyless = people.make("keyless", market.buyer.kind, StaffRole.OWNER)
    asked = market.do(service.request_access, keyless, market.listing_id, wish())
    with pytest.raises(Refused) as refused:
        market.do(agreements.agree, market.seller, asked.id, asked.terms_hash)
    assert (refused.value.code, refused.value.refusals[0].value) == ("PARTY_WITHOUT_KEY", "Công ty keyless")
    market.add_key(keyless)
    assert market.do(agreements.agree, market.seller, asked.id, asked.terms_hash).sha256


def test_a_listing_stopped_meanwhile_stops_the_deal(market: Market) -> None:
    asked = market.requested()
    market.set_state("suspended")
    with pytest.raises(Refused) as refused:
        market.do(agreements.agree, market.seller, asked.id, asked.terms_hash)
    assert refused.value.code == "LISTING_SUSPENDED"


def test_of_two_clicks_at_once_one_wins_and_the_other_is_told(market: Market) -> None:
    asked = market.requested()
    outcomes = together(
        lambda: market.do(agreements.agree, market.seller, asked.id, asked.terms_hash),
        lambda: market.do(service.counter, market.seller, asked.id, asked.terms_hash, offer()),
        lambda: market.do(agreements.agree, market.seller, asked.id, asked.terms_hash),
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert len(refused) == 2, outcomes
    assert {(error.code, error.status) for error in refused} == {("OUT_OF_TURN", 409)}
    with market.database.reading() as session:
        assert len(moves.moves_of(session, asked.id)) == 2
        assert len(session.exec(select(Contract)).all()) <= 1


def test_two_requests_at_once_make_one_negotiation(market: Market) -> None:
    outcomes = together(market.requested, market.requested)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Negotiation", "Refused"], outcomes


def together(*calls: Any) -> list[Any]:
    """Every call in its own thread, released at the same moment; what each returned or raised."""
    barrier, outcomes = Barrier(len(calls)), []

    def run(call: Any) -> None:
        barrier.wait()
        try:
            outcomes.append(call())
        except Exception as error:  # the assertion looks at it
            outcomes.append(error)

    threads = [Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
