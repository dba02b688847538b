"""A contract drawn up again with other keys; and what counts when keys end while contracts are being signed."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from contracts import document, signature
from contracts.log import leaf
from contracts.log.story import Chains, Placed, check_order
from contracts.negotiation import State
from exchange.accounts import keys
from exchange.accounts.models import SigningKey
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger.models import Entry
from exchange.migrations import alembic_config
from exchange.negotiations import redraw, service, standing
from exchange.negotiations.models import Contract, ContractSignature, Negotiation
from exchange.permissions import Actor, Role
from tests.exchange.negotiations.market import Market
from tests.exchange.negotiations.test_negotiating import together
from tests.exchange.people import People


def key_of(session: Session, market: Market, actor: Actor) -> SigningKey:
    kid = signature.thumbprint(signature.public_jwk(market.keys[actor.org_id]))
    return session.exec(select(SigningKey).where(SigningKey.thumbprint == kid)).one()


def revoke(market: Market, actor: Actor, reason: str = "lost", **more: Any) -> None:
    with market.database.writing() as session:
        keys.revoke_key(session, actor, key_of(session, market, actor).id, market.now, reason=reason, **more)
        session.commit()
    market.sequencer.run_once()


def story(market: Market) -> list[Placed]:
    with market.database.reading() as session:
        return [Placed(row.idx, leaf.parse(row.leaf)) for row in session.exec(select(Entry).order_by(Entry.idx))]  # type: ignore[arg-type]


def refusal(work: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as refused:
        work()
    return refused.value.code


def test_a_lost_key_is_replaced_and_what_was_signed_before_is_void(market: Market, reading: Session) -> None:
    old = market.agreed()
    market.signed(old, market.buyer)
    revoke(market, market.seller)
    papers = standing.papers(reading, market.buyer, old.id)
    assert redraw.needs(reading, papers) == (redraw.Need(market.seller.org_id, redraw.Cause.LOST, ready=False),)
    assert refusal(lambda: market.do(redraw.redraw, market.buyer, old.id)) == "REDRAW_WAITS_FOR_KEY"
    market.add_key(market.seller, "ES256")
    reading.rollback()
    assert [(row.id, need.ready) for row, need in redraw.waiting_on_keys(reading, market.buyer)] == [(old.id, True)]

    new = market.do(redraw.redraw, market.buyer, old.id)  # the other side may ask for it, too
    reading.rollback()
    before, after = document.parse(old.payload), document.parse(new.payload)
    assert (after.terms, after.assets, after.id == before.id) == (before.terms, before.assets, False)
    assert after.party("consumer") == before.party("consumer")
    assert after.party("provider").keys != before.party("provider").keys
    assert reading.get_one(Negotiation, new.negotiation_id).state == State.AGREED
    replaced = redraw.redrawn_as(reading, old.id)
    assert replaced is not None
    assert (replaced.new_id, replaced.void, redraw.redraws(reading, new.id)) == (new.id, 1, replaced)
    ended = market.row(old.id)
    assert (ended.end_code, ended.end_reason, ended.ended_by) == ("unsigned", f"→ {new.id}", market.buyer.org_id)
    assert refusal(lambda: market.signed(old, market.buyer)) == "NOT_SIGNABLE"
    assert refusal(lambda: market.signed(old, market.seller)) == "NOT_SIGNABLE"
    assert refusal(lambda: market.do(redraw.redraw, market.seller, old.id)) == "NOT_REDRAWABLE"
    assert refusal(lambda: market.do(redraw.redraw, market.seller, new.id)) == "REDRAW_NOT_NEEDED"

    market.signed(new, market.buyer)  # again: of the older document nothing counts
    market.signed(new, market.seller)
    assert market.row(new.id).active_event is not None
    reading.rollback()
    assert service.thread(reading, market.buyer, new.negotiation_id).contract_id == new.id
    placed, chains = story(market), Chains()
    for each in placed:
        chains.follow(each)
    for contract in (before, after):
        check_order(placed, f"contract:{contract.id}", contract.hash, frozenset(contract.needs))
    agreed = next(each.leaf for each in placed if each.leaf.h.get("redraws"))
    assert (agreed.on[0], agreed.h["redraws"]) == (f"contract:{new.id}", old.sha256)
    void = next(each.leaf for each in placed if each.leaf.d.get("reason") == "redrawn")
    assert (void.on[0], void.d["cause"], void.d["void"]) == (f"contract:{old.id}", "lost", 1)


def test_a_late_key_is_its_owners_matter_alone(market: Market, people: People, reading: Session) -> None:
    old = market.agreed()
    market.add_key(market.seller, "ES256")  # made when the contract was drawn up already
    assert refusal(lambda: market.signed(old, market.seller)) == "KEY_UNKNOWN"
    assert refusal(lambda: market.do(redraw.redraw, market.buyer, old.id)) == "REDRAW_NOT_NEEDED"
    assert redraw.waiting_on_keys(reading, market.seller) == []  # the older key could still sign
    for outsider in (people.stranger(), people.regulator(), people.operator()):
        with pytest.raises((NotFound, NotPermitted)):
            market.do(redraw.redraw, outsider, old.id)
    with pytest.raises(NotPermitted):
        market.do(redraw.redraw, people.make("analyst", market.seller.kind, Role.ANALYST), old.id)
    new = market.do(redraw.redraw, market.seller, old.id)
    market.signed(new, market.seller)
    market.add_key(market.seller)
    assert refusal(lambda: market.do(redraw.redraw, market.seller, new.id)) == "REDRAW_NOT_NEEDED"  # it has signed


def test_it_is_not_drawn_up_again_for_ever(market: Market) -> None:
    contract = market.agreed()
    for _ in range(redraw.MAX_REDRAWS):
        market.add_key(market.buyer)
        contract = market.do(redraw.redraw, market.buyer, contract.id)
    market.add_key(market.buyer)
    assert refusal(lambda: market.do(redraw.redraw, market.buyer, contract.id)) == "REDRAWS_SPENT"
    market.signed(contract, market.seller)


def test_no_deadline_is_won_and_nothing_stopped_goes_on(market: Market, reading: Session) -> None:
    contract = market.agreed()
    market.add_key(market.buyer)
    deadline = reading.get_one(Negotiation, contract.negotiation_id).deadline
    reading.rollback()
    market.set_state("suspended")
    assert refusal(lambda: market.do(redraw.redraw, market.buyer, contract.id)) == "LISTING_SUSPENDED"
    market.set_state("published")
    market.now += timedelta(days=1)
    new = market.do(redraw.redraw, market.buyer, contract.id)
    assert reading.get_one(Negotiation, contract.negotiation_id).deadline == deadline
    market.now += timedelta(days=60)
    market.add_key(market.buyer)
    assert refusal(lambda: market.do(redraw.redraw, market.buyer, new.id)) == "DEADLINE_PASSED"


def test_of_two_clicks_at_once_one_draws_and_the_other_is_told(market: Market, reading: Session) -> None:
    contract = market.agreed()
    revoke(market, market.buyer)
    market.add_key(market.buyer)
    both = [market.seller, market.buyer]
    outcomes = together(*[lambda actor=actor: market.do(redraw.redraw, actor, contract.id) for actor in both])
    told = [each.code for each in outcomes if isinstance(each, Refused)]
    assert told == ["NOT_REDRAWABLE"], outcomes
    live = select(Contract.id).where(Contract.ended_at == None)  # noqa: E711
    assert len(reading.exec(live).all()) == 1


def test_giving_up_ends_the_newer_document(market: Market, reading: Session) -> None:
    old = market.agreed()
    market.add_key(market.buyer)
    new = market.do(redraw.redraw, market.buyer, old.id)
    market.do(service.terminate, market.buyer, new.negotiation_id, "no-need", "Đổi ý")
    assert reading.get_one(Contract, new.id).end_reason == "Đổi ý"
    assert reading.get_one(Contract, old.id).end_reason == f"→ {new.id}"


def test_what_a_stolen_key_signed_counts_and_is_shown_to_its_owner(market: Market, reading: Session) -> None:
    contract = market.active()
    market.now += timedelta(hours=2)
    revoke(market, market.buyer, "stolen", since=market.now - timedelta(hours=2))
    assert [row.id for row in redraw.signed_since(reading, market.buyer)] == [contract.id]
    assert redraw.signed_since(reading, market.seller) == []
    assert market.row(contract.id).ended_at is None


# --- a signature counts if its record lies before the revocation's ---------------------------------------------------


SIDES = st.sampled_from(["seller", "buyer"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["sign", "sign older", "revoke", "add", "redraw"]), SIDES), min_size=2, max_size=9
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, at_once=st.booleans(), seed=st.integers(0, 99))
def test_no_signature_counts_whose_record_lies_behind_the_revocation(
    market: Market, steps: list[tuple[str, str]], at_once: bool, seed: int
) -> None:
    """Whatever is done in whatever order, also two things at once: in the log every signature lies before its key's
    revocation, and a contract is in force only if both of its keys were good when they signed."""
    market.listing_id = market.publish()
    for actor in (market.seller, market.buyer):
        market.add_key(actor)
    first = market.agreed()

    def act(step: tuple[str, str]) -> None:
        what, side = step
        actor = market.seller if side == "seller" else market.buyer
        try:
            if what == "revoke":
                revoke(market, actor)
            elif what == "add":
                market.add_key(actor)
            elif what == "sign":
                newest = newest_of(market, first.negotiation_id)
                market.signed(newest, actor)
            elif what == "sign older":
                market.signed(first, actor)
            else:
                market.do(redraw.redraw, actor, newest_of(market, first.negotiation_id).id)
        except Refused:
            pass

    chance = random.Random(seed)
    rest = list(steps)
    while rest:
        taken = [rest.pop() for _ in range(min(len(rest), chance.choice([1, 2, 3]) if at_once else 1))]
        for outcome in together(*[lambda step=step: act(step) for step in taken]):
            assert outcome is None, outcome
    check_counts(market)


def newest_of(market: Market, negotiation_id: str) -> Contract:
    with market.database.reading() as session:
        found = session.exec(select(Contract).where(Contract.negotiation_id == negotiation_id)).all()
    return max(found, key=lambda row: (row.ended_at is None, row.agreed_at, row.id))


def check_counts(market: Market) -> None:
    with market.database.reading() as session:
        placed = {row.event_id: row.idx for row in session.exec(select(Entry))}
        known = {key.thumbprint: key for key in session.exec(select(SigningKey))}
        for row in session.exec(select(Contract)):
            signed = session.exec(select(ContractSignature).where(ContractSignature.contract_id == row.id)).all()
            for each in signed:
                ended = known[each.thumbprint].revoked_event
                assert ended is None or placed[each.event_id] < placed[ended]
                assert each.thumbprint in {kid for party in document.parse(row.payload).parties for kid in party.keys}
            if row.active_event:
                assert {each.org_id for each in signed} == {row.buyer_org_id, row.provider_org_id}
                assert row.ended_at is None


# --- rows that exist -----------------------------------------------------------------------------------------------


def test_the_migration_keeps_contracts_and_their_signatures(market: Market, app: Flask, database_url: str) -> None:
    contract = market.active()
    drawn = market.agreed()
    revoke(market, market.buyer)
    market.database.dispose()
    command.downgrade(alembic_config(database_url), "0013-1")
    command.upgrade(alembic_config(database_url), "head")
    with market.database.reading() as session:
        assert {row.id: row.payload for row in session.exec(select(Contract))} == {
            contract.id: contract.payload, drawn.id: drawn.payload,
        }  # fmt: skip
        assert len(standing.signatures_of(session, contract.id)) == 2
        assert key_of(session, market, market.buyer).revoked_reason == "unused"  # nobody had asked why
    market.now += timedelta(minutes=1)
    market.add_key(market.buyer)
    assert market.do(redraw.redraw, market.seller, drawn.id).negotiation_id == drawn.negotiation_id
