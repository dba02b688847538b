"""Whose move it is. The states are those of the Dataspace Protocol 2025-1, section "Contract Negotiation".

    (none) ──REQUEST──▶ REQUESTED ──OFFER──▶ OFFERED ──ACCEPT──▶ ACCEPTED
                           ▲  │                 │                    │
                           │  └──AGREE──────────┼──▶ AGREED ◀──AGREE─┘
                           └──────REQUEST───────┘       │ VERIFY
                                                        ▼
                           FINALIZED ◀──FINALIZE── VERIFIED       TERMINATE leaves any state that is not final

REQUEST is the buyer's proposal and OFFER the seller's: each puts whole terms on the table, and one answers the other.
A provider may also begin (none ──OFFER──▶ OFFERED). AGREE fixes the document, VERIFY carries the consumer's signature;
FINALIZE is made by the exchange for the provider once the log holds both signatures, whose order does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from contracts.errors import ContractsError


class State(StrEnum):
    """Where a negotiation stands."""

    REQUESTED = "REQUESTED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    AGREED = "AGREED"
    VERIFIED = "VERIFIED"
    FINALIZED = "FINALIZED"
    TERMINATED = "TERMINATED"


class Role(StrEnum):
    """Who moves: the buyer is the consumer."""

    CONSUMER = "CONSUMER"
    PROVIDER = "PROVIDER"


class Act(StrEnum):
    """What a move does."""

    REQUEST = "REQUEST"
    OFFER = "OFFER"
    ACCEPT = "ACCEPT"
    AGREE = "AGREE"
    VERIFY = "VERIFY"
    FINALIZE = "FINALIZE"
    TERMINATE = "TERMINATE"


class Reason(StrEnum):
    """Why a negotiation ended without a contract: the ``code`` of the protocol's termination message."""

    PRICE = "price"
    TERMS = "terms"
    PURPOSE = "purpose"
    PARTY = "party"
    RIGHTS = "rights"
    APPROVAL = "approval"
    NO_NEED = "no-need"
    MISTAKE = "mistake"
    OTHER = "other"
    LAPSED = "lapsed"  # nobody answered in time: never a party's to give


MAX_PROPOSALS = 10  # of each side in one negotiation; a default of ours, the protocol sets none
FINAL = frozenset({State.FINALIZED, State.TERMINATED})
PROPOSALS = frozenset({Act.REQUEST, Act.OFFER})  # these put terms on the table; every other act refers to them

_LEADS_TO = {
    Act.REQUEST: State.REQUESTED,
    Act.OFFER: State.OFFERED,
    Act.ACCEPT: State.ACCEPTED,
    Act.AGREE: State.AGREED,
    Act.VERIFY: State.VERIFIED,
    Act.FINALIZE: State.FINALIZED,
    Act.TERMINATE: State.TERMINATED,
}

_ALLOWED: dict[tuple[State | None, Role], frozenset[Act]] = {
    (None, Role.CONSUMER): frozenset({Act.REQUEST}),
    (None, Role.PROVIDER): frozenset({Act.OFFER}),
    (State.REQUESTED, Role.CONSUMER): frozenset({Act.TERMINATE}),
    (State.REQUESTED, Role.PROVIDER): frozenset({Act.OFFER, Act.AGREE, Act.TERMINATE}),
    (State.OFFERED, Role.CONSUMER): frozenset({Act.REQUEST, Act.ACCEPT, Act.TERMINATE}),
    (State.OFFERED, Role.PROVIDER): frozenset({Act.TERMINATE}),
    (State.ACCEPTED, Role.CONSUMER): frozenset({Act.TERMINATE}),
    (State.ACCEPTED, Role.PROVIDER): frozenset({Act.AGREE, Act.TERMINATE}),
    (State.AGREED, Role.CONSUMER): frozenset({Act.VERIFY, Act.TERMINATE}),
    (State.AGREED, Role.PROVIDER): frozenset({Act.TERMINATE}),
    (State.VERIFIED, Role.CONSUMER): frozenset({Act.TERMINATE}),
    (State.VERIFIED, Role.PROVIDER): frozenset({Act.FINALIZE, Act.TERMINATE}),
}


class NegotiationError(ContractsError):
    """The move cannot be made."""


class OutOfTurn(NegotiationError):
    """The state gives this role no such move."""


class TermsStale(NegotiationError):
    """The move refers to terms that are no longer on the table."""


@dataclass(frozen=True)
class Move:
    """One step. `terms` is the hash of the terms proposed, or of those the mover saw; TERMINATE may leave it out."""

    role: Role
    act: Act
    terms: str | None = None


@dataclass(frozen=True)
class Negotiation:
    """What the moves so far amount to; ``requests`` and ``offers`` count the proposals of each side."""

    state: State | None = None
    terms: str | None = None
    requests: int = 0
    offers: int = 0

    def proposals(self, role: Role) -> int:
        """How many times this side has put terms on the table."""
        return self.requests if role is Role.CONSUMER else self.offers


def allowed(state: State | None, role: Role) -> frozenset[Act]:
    """The acts that the protocol opens to a role in this state."""
    return _ALLOWED.get((state, role), frozenset())


def open_to(so_far: Negotiation, role: Role, *, max_proposals: int = MAX_PROPOSALS) -> frozenset[Act]:
    """The acts open to a role now: its proposals are left out once it has made as many as it may."""
    acts = allowed(so_far.state, role)
    return acts if so_far.proposals(role) < max_proposals else acts - PROPOSALS


def advance(state: State | None, role: Role, act: Act) -> State:
    """The state after the act; raises OutOfTurn when this role may not do it now."""
    acts = allowed(state, role)
    if act not in acts:
        raise OutOfTurn(
            "OUT_OF_TURN",
            state=None if state is None else state.value,
            role=role.value,
            act=act.value,
            passes=", ".join(sorted(acts)),
        )
    return _LEADS_TO[act]


def play(so_far: Negotiation, move: Move, *, max_proposals: int = MAX_PROPOSALS) -> Negotiation:
    """The negotiation after one more move; checks turn, number of proposals and that no terms are stale."""
    state = advance(so_far.state, move.role, move.act)
    if move.act in PROPOSALS:
        return _propose(so_far, move, state, max_proposals)
    if move.terms != so_far.terms and not (move.act is Act.TERMINATE and move.terms is None):
        raise TermsStale("TERMS_STALE", act=move.act.value, value=move.terms, passes=so_far.terms)
    return replace(so_far, state=state)


def _propose(so_far: Negotiation, move: Move, state: State, max_proposals: int) -> Negotiation:
    if so_far.proposals(move.role) >= max_proposals:
        acts = sorted(open_to(so_far, move.role, max_proposals=max_proposals))
        raise NegotiationError(
            "PROPOSALS_SPENT",
            role=move.role.value,
            used=so_far.proposals(move.role),
            limit=max_proposals,
            passes=", ".join(acts),
        )
    if not move.terms:
        raise NegotiationError("TERMS_MISSING", act=move.act.value)
    asked = move.role is Role.CONSUMER
    return Negotiation(state, move.terms, so_far.requests + asked, so_far.offers + (not asked))


def replay(moves: Iterable[Move], *, max_proposals: int = MAX_PROPOSALS) -> Negotiation:
    """The negotiation that a history amounts to; raises at the first move that could not have been made."""
    negotiation = Negotiation()
    for move in moves:
        negotiation = play(negotiation, move, max_proposals=max_proposals)
    return negotiation
