from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.negotiation import (
    FINAL,
    MAX_PROPOSALS,
    Act,
    Move,
    Negotiation,
    NegotiationError,
    OutOfTurn,
    Role,
    State,
    TermsStale,
    advance,
    allowed,
    open_to,
    play,
    replay,
)

C, P = Role.CONSUMER, Role.PROVIDER

# The Dataspace Protocol's table, written again by hand: state -> who may lead it where.
PROTOCOL = {
    None: {(C, "REQUESTED"), (P, "OFFERED")},
    "REQUESTED": {(P, "OFFERED"), (P, "AGREED"), (P, "TERMINATED"), (C, "TERMINATED")},
    "OFFERED": {(C, "REQUESTED"), (C, "ACCEPTED"), (P, "TERMINATED"), (C, "TERMINATED")},
    "ACCEPTED": {(P, "AGREED"), (P, "TERMINATED"), (C, "TERMINATED")},
    "AGREED": {(C, "VERIFIED"), (P, "TERMINATED"), (C, "TERMINATED")},
    "VERIFIED": {(P, "FINALIZED"), (P, "TERMINATED"), (C, "TERMINATED")},
    "FINALIZED": set(),
    "TERMINATED": set(),
}


@pytest.mark.parametrize("state", [None, *State])
def test_the_moves_are_those_of_the_dataspace_protocol(state: State | None) -> None:
    reached = {(role, advance(state, role, act).value) for role in Role for act in allowed(state, role)}
    assert reached == PROTOCOL[state]


@pytest.mark.parametrize("state", [None, *State])
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("act", Act)
def test_every_other_move_is_out_of_turn(state: State | None, role: Role, act: Act) -> None:
    if act in allowed(state, role):
        return
    with pytest.raises(OutOfTurn) as caught:
        advance(state, role, act)
    assert caught.value.facts["act"] == act


def test_request_counter_accept_agree_verify_finalize() -> None:
    end = replay(
        [
            Move(C, Act.REQUEST, "t1"),
            Move(P, Act.OFFER, "t2"),
            Move(C, Act.ACCEPT, "t2"),
            Move(P, Act.AGREE, "t2"),
            Move(C, Act.VERIFY, "t2"),
            Move(P, Act.FINALIZE, "t2"),
        ]
    )
    assert end == Negotiation(State.FINALIZED, "t2", requests=1, offers=1)


def test_a_request_can_be_agreed_at_once() -> None:
    assert replay([Move(C, Act.REQUEST, "t1"), Move(P, Act.AGREE, "t1")]).state is State.AGREED


def test_accepting_terms_that_have_changed_is_refused() -> None:
    offered = replay([Move(C, Act.REQUEST, "t1"), Move(P, Act.OFFER, "t2")])
    with pytest.raises(TermsStale) as caught:
        play(offered, Move(C, Act.ACCEPT, "t1"))
    assert caught.value.facts["passes"] == "t2"
    with pytest.raises(TermsStale):
        play(offered, Move(C, Act.ACCEPT))


def test_each_side_has_as_many_proposals_as_the_limit_says() -> None:
    moves = [Move(C, Act.REQUEST, "t1"), Move(P, Act.OFFER, "t2"), Move(C, Act.REQUEST, "t3")]
    again = Move(P, Act.OFFER, "t4")
    spent = replay(moves, max_proposals=2)
    assert (spent.requests, spent.offers) == (2, 1)
    with pytest.raises(NegotiationError, match="PROPOSALS_SPENT") as caught:
        replay([*moves, again, Move(C, Act.REQUEST, "t5")], max_proposals=2)
    assert caught.value.facts["passes"] == "ACCEPT, TERMINATE"
    assert replay([*moves, again], max_proposals=2).offers == 2
    offered = replay([*moves, again], max_proposals=2)
    assert open_to(offered, C, max_proposals=2) == {Act.ACCEPT, Act.TERMINATE}
    assert open_to(offered, C, max_proposals=3) == {Act.ACCEPT, Act.REQUEST, Act.TERMINATE}


def test_a_provider_may_begin_and_is_bound_no_sooner() -> None:
    offered = replay([Move(P, Act.OFFER, "t1")])
    assert offered == Negotiation(State.OFFERED, "t1", requests=0, offers=1)
    assert allowed(State.OFFERED, P) == {Act.TERMINATE}


def test_a_proposal_must_carry_terms() -> None:
    with pytest.raises(NegotiationError, match="TERMS_MISSING"):
        play(Negotiation(), Move(C, Act.REQUEST))


def test_anyone_may_leave_without_naming_terms() -> None:
    assert replay([Move(C, Act.REQUEST, "t1"), Move(C, Act.TERMINATE)]).state is State.TERMINATED


@given(st.lists(st.tuples(st.sampled_from(Role), st.sampled_from(Act)), max_size=30))
def test_no_history_leaves_a_final_state_or_agrees_to_unseen_terms(tries: list[tuple[Role, Act]]) -> None:
    now = Negotiation()
    for n, (role, act) in enumerate(tries):
        terms = f"t{n}" if act in (Act.REQUEST, Act.OFFER) else now.terms
        before = now
        try:
            now = play(now, Move(role, act, terms))
        except NegotiationError:
            continue
        assert before.state not in FINAL
        assert max(now.requests, now.offers) <= MAX_PROPOSALS
        if act not in (Act.REQUEST, Act.OFFER):
            assert now.terms == before.terms
