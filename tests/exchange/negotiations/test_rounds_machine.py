"""Persons of both sides who try everything, at random, against the real use cases and a real database."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlmodel import Session, select

from contracts import document
from contracts import negotiation as play
from contracts.negotiation import FINAL, PROPOSALS, Act, State
from contracts.negotiation import Role as Side
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.negotiations import agreements, approvals, moves, service, standing
from exchange.negotiations.models import Approval, Contract, ContractSignature, Move, Negotiation
from exchange.permissions import Actor, OrgKind, Role
from tests.exchange.negotiations.market import Market, wish
from tests.exchange.people import People

NO = (Refused, NotFound, NotPermitted)
NUMBERS = count(1)
C, P = Side.CONSUMER, Side.PROVIDER


class Deal(RuleBasedStateMachine):
    """One negotiation: a seller's owner, second signer and clerk, a buyer with two persons, a stranger, a program."""

    market: Market
    people: People
    begin_at: Any

    @initialize(approver=st.booleans(), second=st.booleans())
    def begin(self, approver: bool, second: bool) -> None:
        market, number = self.market, next(NUMBERS)
        market.now = self.begin_at
        owner = self.people.make(f"buyer-{number}", OrgKind.MEMBER, Role.OWNER)
        market.add_key(owner)
        self.buyers = [owner, market.colleague(owner, f"Mua {number}", Role.SIGNER)]
        self.sellers = [market.seller, *self.staff()]
        market.do(approvals.set_rule, market.seller, "finance" if approver else "", second)
        self.approver, self.second = approver, second
        self.asked: Negotiation = market.do(service.request_access, owner, market.listing_id, wish())
        self.hashes = [self.asked.terms_hash]

    def staff(self) -> list[Actor]:
        if not hasattr(type(self), "_staff"):
            seller = self.market.seller
            program = Actor(None, seller.org_id, seller.kind, frozenset(Role), frozenset({"negotiate", "sign"}))
            type(self)._staff = [  # type: ignore[attr-defined]
                self.market.colleague(seller, "Bán hai", Role.SIGNER, Role.FINANCE),
                self.market.colleague(seller, "Kế toán", Role.FINANCE),
                program,
                self.people.stranger(),
            ]
        found: list[Actor] = type(self)._staff  # type: ignore[attr-defined]
        return found

    def anybody(self, pick: int, *, fit: list[Actor] | None = None) -> Actor:
        """Mostly somebody for whom the step is meant, if any is named, and sometimes anybody at all."""
        chosen = fit if fit and pick % 3 else [*self.buyers, *self.sellers]
        return chosen[pick // 3 % len(chosen)]

    def terms(self, pick: int) -> str:
        """Mostly the newest terms, sometimes those that are gone."""
        return self.hashes[-1] if pick % 4 else self.hashes[pick % len(self.hashes)]

    def try_to(self, use_case: Any, actor: Actor, seen: str, *more: Any) -> bool:
        before = self.negotiation()
        try:
            self.market.do(use_case, actor, self.asked.id, *((seen, *more) if seen else more))
        except NO:
            assert self.negotiation() == before  # refused, it leaves nothing
            return False
        assert actor.org_id in (self.asked.buyer_org_id, self.asked.provider_org_id)
        assert before.state not in FINAL
        assert use_case is service.terminate or seen == before.terms_hash
        return True

    @rule(who=st.integers(0, 99), pick=st.integers(0, 99), price=st.integers(0, 9))
    def counter(self, who: int, pick: int, price: int) -> None:
        turn = self.sellers if self.negotiation().state == State.REQUESTED else self.buyers
        if self.try_to(service.counter, self.anybody(who, fit=turn), self.terms(pick), {"price_vnd": price}):
            self.hashes.append(self.negotiation().terms_hash)

    @rule(who=st.integers(0, 99), pick=st.integers(0, 99))
    def accept(self, who: int, pick: int) -> None:
        self.try_to(service.accept, self.anybody(who, fit=self.buyers), self.terms(pick))

    @rule(who=st.integers(0, 99), pick=st.integers(0, 99))
    def agree(self, who: int, pick: int) -> None:
        self.try_to(agreements.agree, self.anybody(who, fit=self.sellers[:2]), self.terms(pick))

    @rule(who=st.integers(0, 99), rare=st.integers(0, 19))
    def leave(self, who: int, rare: int) -> None:
        if rare == 19:
            self.try_to(service.terminate, self.anybody(who), "", "other", "Thôi")

    @rule(who=st.integers(0, 99), pick=st.integers(0, 99))
    def approve_terms(self, who: int, pick: int) -> None:
        self.quietly(
            approvals.approve, self.anybody(who, fit=self.sellers[1:3]), self.asked.id, "terms", self.terms(pick)
        )

    @rule(who=st.integers(0, 99))
    def approve_signature(self, who: int) -> None:
        contract = self.contract()
        if contract:
            actor = self.anybody(who, fit=self.sellers[:2])
            self.quietly(approvals.approve, actor, contract.negotiation_id, "signature", contract.sha256)

    @rule(who=st.integers(0, 99), pick=st.integers(0, 99))
    def withdraw(self, who: int, pick: int) -> None:
        given = self.rows(select(Approval).where(Approval.negotiation_id == self.asked.id))
        if given:
            self.quietly(approvals.withdraw, self.anybody(who), given[pick % len(given)].id)

    @rule(who=st.integers(0, 99))
    def sign(self, who: int) -> None:
        contract, actor = self.contract(), self.anybody(who, fit=[*self.buyers, *self.sellers[:2]])
        key = self.market.keys.get(actor.org_id)
        if contract and key:
            self.quietly(agreements.sign, actor, contract.id, self.market.entry(contract, actor))

    @rule()
    def go_on(self) -> None:
        """What people who know their business do next, so that the rest is tried in every state."""
        state, seen, contract = self.negotiation().state, self.hashes[-1], self.contract()
        if state == State.OFFERED:
            self.try_to(service.accept, self.buyers[0], seen)
        elif contract is None:
            self.quietly(approvals.approve, self.sellers[2], self.asked.id, "terms", seen)
            self.try_to(agreements.agree, self.sellers[0], seen)
        else:
            self.quietly(approvals.approve, self.sellers[1], self.asked.id, "signature", contract.sha256)
            actor = self.buyers[0] if self.signatures(contract) else self.sellers[0]
            self.quietly(agreements.sign, actor, contract.id, self.market.entry(contract, actor))

    @rule()
    def act_alone(self) -> None:
        """One person who has every role, approves, and then takes the step that rests on it."""
        contract, alone = self.contract(), self.sellers[1]
        if contract is None:
            self.quietly(approvals.approve, alone, self.asked.id, "terms", self.hashes[-1])
            self.try_to(agreements.agree, alone, self.hashes[-1])
        else:
            self.quietly(approvals.approve, alone, self.asked.id, "signature", contract.sha256)
            self.quietly(agreements.sign, alone, contract.id, self.market.entry(contract, alone))

    @rule(rare=st.integers(0, 19))
    def lapse(self, rare: int) -> None:
        if rare == 19:
            self.market.now += timedelta(days=46)

    def quietly(self, use_case: Any, *arguments: Any) -> None:
        try:
            self.market.do(use_case, *arguments)
        except NO:
            return

    # --- what holds whatever happened -----------------------------------------------------------------------------

    @invariant()
    def the_moves_replay_to_the_state_and_name_the_terms(self) -> None:
        row = self.negotiation()
        history = [play.Move(Side(move.role), Act(move.act), move.terms_hash) for move in self.moves()]
        replayed = play.replay(history)
        assert (replayed.state, replayed.terms) == (row.state, row.terms_hash)
        assert (replayed.requests, replayed.offers) == (row.requests, row.offers)

    @invariant()
    def both_said_yes_to_what_binds_them(self) -> None:
        contract = self.contract()
        if contract is None:
            return
        agreed = document.parse(contract.payload).terms.hash
        yes = {move.role for move in self.moves() if move.terms_hash == agreed and move.act in (*PROPOSALS, Act.ACCEPT)}
        yes |= {move.role for move in self.moves() if move.terms_hash == agreed and move.act == Act.AGREE}
        assert yes == {C, P}
        assert agreed == self.negotiation().terms_hash

    @invariant()
    def in_force_means_two_signatures(self) -> None:
        contract, state = self.contract(), self.negotiation().state
        signers = {row.org_id for row in self.signatures(contract)} if contract else set()
        assert (state == State.FINALIZED) == (signers == {self.asked.buyer_org_id, self.asked.provider_org_id})
        assert (contract is not None and contract.active_event is not None) == (state == State.FINALIZED)

    @invariant()
    def a_demanded_approval_was_there_and_another_persons(self) -> None:
        contract = self.contract()
        if contract is None:
            return
        if self.approver:
            by = next(move.user_id for move in self.moves() if move.act == Act.AGREE)
            self.check_used("terms", self.negotiation().terms_hash, by)
        if self.second:
            for entry in self.signatures(contract):
                if entry.org_id == self.asked.provider_org_id:
                    self.check_used("signature", contract.sha256, entry.user_id)

    def check_used(self, what: str, digest: str, by: str | None) -> None:
        rows = self.rows(select(Approval).where(Approval.negotiation_id == self.asked.id, Approval.what == what))
        used = [row for row in rows if row.digest == digest and row.used_at]
        assert used
        assert all(row.user_id != by and row.withdrawn_at is None for row in used)

    # --- looking --------------------------------------------------------------------------------------------------

    def rows(self, query: Any) -> list[Any]:
        with self.market.database.reading() as session:
            return list(session.exec(query))

    def negotiation(self) -> Negotiation:
        found: Negotiation = self.rows(select(Negotiation).where(Negotiation.id == self.asked.id))[0]
        return found

    def contract(self) -> Contract | None:
        found: list[Contract] = self.rows(select(Contract).where(Contract.negotiation_id == self.asked.id))
        return found[0] if found else None

    def signatures(self, contract: Contract) -> list[ContractSignature]:
        with self.market.database.reading() as session:
            return standing.signatures_of(session, contract.id)

    def moves(self) -> list[Move]:
        with self.market.database.reading() as session:
            return moves.moves_of(session, self.asked.id)


def test_whatever_they_try_nobody_is_bound_without_their_own_yes(market: Market, people: People) -> None:
    machine = type("ThisMarket", (Deal,), {"market": market, "people": people, "begin_at": market.now})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip


@pytest.mark.parametrize("act", ["accept", "agree"])
def test_the_machine_reaches_contracts_in_force(market: Market, reading: Session, act: str) -> None:
    """What it may find lies within its reach: a deal by each way, with approval and second signer."""
    second = market.colleague(market.seller, "Bán hai", Role.SIGNER, Role.FINANCE)
    market.do(approvals.set_rule, market.seller, "finance", True)
    asked = market.requested()
    if act == "accept":
        asked = market.do(service.counter, market.seller, asked.id, asked.terms_hash, {"price_vnd": 1})
        market.do(service.accept, market.buyer, asked.id, asked.terms_hash)
    market.do(approvals.approve, second, asked.id, "terms", asked.terms_hash)
    contract = market.do(agreements.agree, market.seller, asked.id, asked.terms_hash)
    market.do(approvals.approve, second, asked.id, "signature", contract.sha256)
    market.signed(contract, market.seller)
    market.signed(contract, market.buyer)
    assert reading.get_one(Negotiation, asked.id).state == State.FINALIZED
