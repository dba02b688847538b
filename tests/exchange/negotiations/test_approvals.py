"""Two persons inside one side: who may approve what, what waits for it, and what it is worth afterwards."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import Session, select

from contracts.negotiation import State
from exchange.accounts import members
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger import service as ledger
from exchange.negotiations import agreements, approvals, automatic, service
from exchange.negotiations.models import Approval, ContractSignature
from exchange.permissions import Actor, Role
from tests.exchange.negotiations.market import Market
from tests.exchange.negotiations.test_negotiating import together
from tests.exchange.people import People


@pytest.fixture
def clerk(market: Market) -> Actor:
    """A person of the seller's organisation whose role gives no other right."""
    return market.colleague(market.seller, "Lê Kế Toán", Role.FINANCE)


def demand(market: Market, owner: Actor, role: str = "", *, second_signer: bool = False) -> None:
    market.do(approvals.set_rule, owner, role, second_signer)


def refused(run: Callable[..., Any], *arguments: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        run(*arguments)
    return caught.value


def test_without_a_demand_nothing_waits_and_nothing_is_approved(market: Market) -> None:
    asked = market.requested()
    error = refused(market.do, approvals.approve, market.seller, asked.id, "terms", asked.terms_hash)
    assert (error.code, error.status) == ("APPROVAL_NOT_DEMANDED", 409)
    market.do(agreements.agree, market.seller, asked.id, asked.terms_hash)


def test_a_yes_waits_for_a_person_with_the_role(market: Market, clerk: Actor, reading: Session) -> None:
    demand(market, market.seller, "finance")
    asked = market.requested()
    error = refused(market.do, agreements.agree, market.seller, asked.id, asked.terms_hash)
    assert (error.code, error.status) == ("APPROVAL_MISSING", 409)
    assert "finance" in (error.refusals[0].passes or "")
    wrong = refused(market.do, approvals.approve, market.seller, asked.id, "terms", asked.terms_hash)
    assert (wrong.code, wrong.status) == ("APPROVER_ROLE", 403)
    given = market.do(approvals.approve, clerk, asked.id, "terms", asked.terms_hash)
    market.do(agreements.agree, market.seller, asked.id, asked.terms_hash)
    assert reading.get_one(Approval, given.id).used_at == market.now
    leaf = ledger.record_of(reading, given.event_id).leaf
    assert (leaf.h["terms"], leaf.on) == (
        asked.terms_hash, (f"negotiation:{asked.id}", f"org:{market.seller.org_id}"),
    )  # fmt: skip


def test_an_approval_is_of_these_terms_only(market: Market, clerk: Actor) -> None:
    demand(market, market.seller, "finance")
    asked = market.requested()
    market.do(approvals.approve, clerk, asked.id, "terms", asked.terms_hash)
    offered = market.do(service.counter, market.seller, asked.id, asked.terms_hash, {"price_vnd": 1})
    stale = refused(market.do, approvals.approve, clerk, asked.id, "terms", asked.terms_hash)
    assert (stale.code, stale.status) == ("TERMS_STALE", 409)
    market.do(service.accept, market.buyer, asked.id, offered.terms_hash)
    assert refused(market.do, agreements.agree, market.seller, asked.id, offered.terms_hash).code == "APPROVAL_MISSING"


def test_the_proposer_does_not_approve_nor_the_approver_act(market: Market) -> None:
    second = market.colleague(market.seller, "Trần Bình", Role.OWNER)
    demand(market, market.seller, "owner")
    asked = market.requested()
    offered = market.do(service.counter, market.seller, asked.id, asked.terms_hash, {"price_vnd": 1})
    own = refused(market.do, approvals.approve, market.seller, asked.id, "terms", offered.terms_hash)
    assert (own.code, own.status) == ("FOUR_EYES", 403)
    market.do(approvals.approve, second, asked.id, "terms", offered.terms_hash)
    market.do(service.accept, market.buyer, asked.id, offered.terms_hash)
    alone = refused(market.do, agreements.agree, second, asked.id, offered.terms_hash)
    assert (alone.code, alone.status) == ("FOUR_EYES", 403)
    market.do(agreements.agree, market.seller, asked.id, offered.terms_hash)


def test_who_approved_terms_and_then_proposed_them_has_not_approved_them(market: Market) -> None:
    second = market.colleague(market.seller, "Trần Bình", Role.OWNER)
    demand(market, market.seller, "owner")
    asked = market.requested()
    with market.database.reading() as session:
        first, price = asked.terms_hash, service.thread(session, second, asked.id).terms.price_vnd
    market.do(approvals.approve, second, asked.id, "terms", first)
    offered = market.do(service.counter, market.seller, asked.id, first, {"price_vnd": 1})
    again = market.do(service.counter, market.buyer, asked.id, offered.terms_hash, {"price_vnd": 2})
    back = market.do(service.counter, second, asked.id, again.terms_hash, {"price_vnd": price})
    assert back.terms_hash == first
    market.do(service.accept, market.buyer, asked.id, first)
    assert refused(market.do, agreements.agree, market.seller, asked.id, first).code == "APPROVAL_MISSING"


def test_a_program_of_the_organisation_never_approves(market: Market, clerk: Actor) -> None:
    demand(market, market.seller, "finance")
    asked = market.requested()
    for roles in (frozenset({Role.FINANCE}), frozenset(Role)):
        program = Actor(None, clerk.org_id, clerk.kind, roles, frozenset({"negotiate", "sign"}), client_id="c")
        error = refused(market.do, approvals.approve, program, asked.id, "terms", asked.terms_hash)
        assert (error.code, error.status) == ("APPROVAL_NEEDS_PERSON", 403)
    with pytest.raises(NotPermitted):
        market.do(
            approvals.approve, replace(clerk, scopes=frozenset({"query"})), asked.id, "terms", asked.terms_hash
        )  # fmt: skip
    market.do(approvals.approve, replace(clerk, scopes=frozenset({"negotiate"})), asked.id, "terms", asked.terms_hash)


def test_a_buyer_whose_request_is_agreed_to_needs_it_before_signing(market: Market) -> None:
    second = market.colleague(market.buyer, "Phạm Hoa", Role.SIGNER)
    demand(market, market.buyer, "signer")
    contract = market.agreed()  # the buyer's request, agreed at once: there was no ACCEPT
    assert refused(market.signed, contract, market.buyer).code == "APPROVAL_MISSING"
    with market.database.reading() as session:
        terms = service.thread(session, market.buyer, contract.negotiation_id).negotiation.terms_hash
    market.do(approvals.approve, second, contract.negotiation_id, "terms", terms)
    market.signed(contract, market.buyer)


def test_a_signature_waits_for_the_second_signer(market: Market, reading: Session) -> None:
    second = market.colleague(market.buyer, "Phạm Hoa", Role.SIGNER)
    analyst = market.colleague(market.buyer, "Đỗ Phân", Role.ANALYST)
    demand(market, market.buyer, second_signer=True)
    contract = market.agreed()
    assert refused(market.signed, contract, market.buyer).code == "APPROVAL_MISSING"
    assert reading.exec(select(ContractSignature)).all() == []
    where = (contract.negotiation_id, "signature", contract.sha256)
    assert refused(market.do, approvals.approve, analyst, *where).code == "APPROVER_ROLE"
    market.do(approvals.approve, market.buyer, *where)
    assert refused(market.signed, contract, market.buyer).code == "FOUR_EYES"
    market.do(approvals.approve, second, *where)
    market.signed(contract, market.buyer)
    other = refused(market.do, approvals.approve, second, contract.negotiation_id, "signature", "sha-256:" + "A" * 43)
    assert other.code == "CONTRACT_OTHER"
    market.signed(contract, market.seller)  # the other side demands nothing of itself


def test_withdrawn_it_is_gone_and_used_it_stands(market: Market, clerk: Actor, people: People) -> None:
    demand(market, market.seller, "finance")
    asked = market.requested()
    given = market.do(approvals.approve, clerk, asked.id, "terms", asked.terms_hash)
    twice = refused(market.do, approvals.approve, clerk, asked.id, "terms", asked.terms_hash)
    assert (twice.code, twice.status) == ("APPROVED_ALREADY", 409)
    for outsider in (market.buyer, people.stranger()):
        with pytest.raises(NotFound):
            market.do(approvals.withdraw, outsider, given.id)
    with pytest.raises(NotPermitted):
        market.do(approvals.withdraw, market.colleague(market.seller, "Khác", Role.FINANCE), given.id)
    market.do(approvals.withdraw, clerk, given.id)
    assert refused(market.do, approvals.withdraw, clerk, given.id).code == "APPROVAL_WITHDRAWN"
    assert refused(market.do, agreements.agree, market.seller, asked.id, asked.terms_hash).code == "APPROVAL_MISSING"
    again = market.do(approvals.approve, clerk, asked.id, "terms", asked.terms_hash)
    market.do(agreements.agree, market.seller, asked.id, asked.terms_hash)
    used = refused(market.do, approvals.withdraw, market.seller, again.id)  # an owner may try
    assert (used.code, used.status) == ("APPROVAL_USED", 409)


def test_who_has_lost_the_role_has_approved_nothing(market: Market, clerk: Actor) -> None:
    demand(market, market.seller, "finance")
    asked = market.requested()
    market.do(approvals.approve, clerk, asked.id, "terms", asked.terms_hash)
    market.do(members.set_roles, market.seller, clerk.user_id, ["publisher"])
    assert refused(market.do, agreements.agree, market.seller, asked.id, asked.terms_hash).code == "APPROVAL_MISSING"


def test_withdrawing_and_using_at_once_one_wins(market: Market, clerk: Actor) -> None:
    demand(market, market.seller, "finance")
    asked = market.requested()
    given = market.do(approvals.approve, clerk, asked.id, "terms", asked.terms_hash)
    outcomes = together(
        lambda: market.do(approvals.withdraw, clerk, given.id),
        lambda: market.do(agreements.agree, market.seller, asked.id, asked.terms_hash),
    )
    assert [isinstance(outcome, Refused) for outcome in outcomes].count(True) == 1, outcomes
    with market.database.reading() as session:
        row = session.get_one(Approval, given.id)
        agreed = service.thread(session, market.seller, asked.id).negotiation.state == State.AGREED
        assert (row.used_at is not None, row.withdrawn_at is not None) == (agreed, not agreed)


def test_only_an_owner_at_a_page_changes_the_demand_and_only_to_what_can_be_met(market: Market, clerk: Actor) -> None:
    for actor in (clerk, replace(market.seller, scopes=frozenset({"negotiate"})), replace(market.seller, user_id=None)):
        with pytest.raises(NotPermitted):
            demand(market, actor, "finance")
    assert refused(demand, market, market.seller, "emperor").code == "ROLE_UNKNOWN"
    assert refused(demand, market, market.seller, "analyst").code == "APPROVER_MISSING"
    assert refused(demand, market, market.buyer, "owner").code == "APPROVER_MISSING"  # alone in the organisation
    with pytest.raises(Refused) as caught:
        demand(market, market.seller, second_signer=True)
    assert caught.value.code == "SECOND_SIGNER_MISSING"
    demand(market, market.seller, "finance")
    demand(market, market.seller)
    with market.database.reading() as session:
        rule = approvals.rule_of(session, market.seller.org_id)
        assert rule is not None
        assert (rule.role, rule.second_signer) == (None, False)


def test_the_other_side_sees_nothing_of_it(market: Market, clerk: Actor, reading: Session) -> None:
    demand(market, market.seller, "finance")
    asked = market.requested()
    market.do(approvals.approve, clerk, asked.id, "terms", asked.terms_hash)
    (panel,) = approvals.panels(reading, market.seller, asked)
    assert [(name, row.user_id) for row, name in panel.given] == [("Lê Kế Toán", clerk.user_id)]
    assert not panel.may_approve
    assert approvals.panels(reading, market.buyer, asked) == []


def test_a_demand_and_a_rule_exclude_each_other(market: Market, clerk: Actor) -> None:
    market.do(automatic.set_rule, market.seller, market.listing_id, 0, None)
    assert refused(demand, market, market.seller, "finance").code == "AGREE_RULE_STANDS"
    market.do(automatic.end_rule, market.seller, market.listing_id)
    demand(market, market.seller, "finance")
    error = refused(market.do, automatic.set_rule, market.seller, market.listing_id, 0, None)
    assert (error.code, error.status) == ("APPROVAL_DEMANDED", 409)
