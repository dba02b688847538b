"""Two parties who try everything, at random, against the pure state machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.negotiation import (
    FINAL,
    PROPOSALS,
    Act,
    Move,
    Negotiation,
    NegotiationError,
    OutOfTurn,
    Role,
    State,
    TermsStale,
    open_to,
    play,
    replay,
)

C, P = Role.CONSUMER, Role.PROVIDER


class Bargaining(RuleBasedStateMachine):
    """Each side moves as it likes, on terms that are new, on the table, or long gone. What holds is said by a model of
    its own: whose proposal lies on the table, and who has said yes to exactly these terms."""

    @initialize(limit=st.integers(1, 3))
    def begin(self, limit: int) -> None:
        self.limit = limit
        self.now = Negotiation()
        self.history: list[Move] = []
        self.seen: list[str] = []
        self.proposed = {C: 0, P: 0}
        self.consent: dict[Role, str | None] = {C: None, P: None}  # terms that a side proposed or said yes to
        self.signed: set[Role] = set()

    @rule(role=st.sampled_from(Role), act=st.sampled_from(sorted(PROPOSALS)))
    def propose(self, role: Role, act: Act) -> None:
        terms = f"terms-{len(self.history)}-{len(self.seen)}"
        if self.try_to(Move(role, act, terms)):
            self.seen.append(terms)
            self.proposed[role] += 1
            self.consent = {C: None, P: None} | {role: terms}

    @rule(role=st.sampled_from(Role), act=st.sampled_from(sorted(set(Act) - PROPOSALS - {Act.TERMINATE})))
    def answer(self, role: Role, act: Act) -> None:
        if self.try_to(Move(role, act, self.now.terms)):
            self.consent[role] = self.now.terms
            if act in (Act.VERIFY, Act.FINALIZE):
                self.signed.add(role)

    @rule(role=st.sampled_from(Role), act=st.sampled_from(sorted(set(Act) - PROPOSALS)), pick=st.integers(0, 100))
    def answer_what_is_gone(self, role: Role, act: Act, pick: int) -> None:
        """Terms that lay on the table once, or never: whatever the act, they are refused."""
        old = [terms for terms in self.seen if terms != self.now.terms]
        terms = old[pick % len(old)] if old else "never-seen"
        before = self.now
        try:
            play(self.now, Move(role, act, terms), max_proposals=self.limit)
        except (OutOfTurn, TermsStale):
            assert self.now == before
        else:
            raise AssertionError(f"{role} did {act} on {terms}")

    @rule(role=st.sampled_from(Role))
    def leave(self, role: Role) -> None:
        self.try_to(Move(role, Act.TERMINATE))

    def try_to(self, move: Move) -> bool:
        before, may = self.now, open_to(self.now, move.role, max_proposals=self.limit)
        try:
            self.now = play(self.now, move, max_proposals=self.limit)
        except NegotiationError:
            assert move.act not in may
            return False
        assert move.act in may
        assert before.state not in FINAL
        self.history.append(move)
        return True

    @invariant()
    def nobody_is_bound_without_having_said_yes_to_these_terms(self) -> None:
        if self.now.state in (State.AGREED, State.VERIFIED, State.FINALIZED):
            assert self.consent == {C: self.now.terms, P: self.now.terms}

    @invariant()
    def no_signature_is_skipped(self) -> None:
        if self.now.state is State.FINALIZED:
            assert self.signed == {C, P}
        if P in self.signed:
            assert C in self.signed

    @invariant()
    def nobody_proposes_more_than_the_limit(self) -> None:
        assert self.proposed == {C: self.now.requests, P: self.now.offers}
        assert max(self.proposed.values()) <= self.limit

    @invariant()
    def nobody_says_yes_to_their_own_proposal(self) -> None:
        """Whose terms they are waits for the other; only a provider's last word after ACCEPT is their own."""
        if self.now.state is State.OFFERED:
            assert open_to(self.now, P, max_proposals=self.limit) == {Act.TERMINATE}
        if self.now.state is State.REQUESTED:
            assert open_to(self.now, C, max_proposals=self.limit) == {Act.TERMINATE}

    @invariant()
    def the_history_alone_tells_where_it_stands(self) -> None:
        assert replay(self.history, max_proposals=self.limit) == self.now


TestBargaining = Bargaining.TestCase
TestBargaining.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
