"""Whose move it is. The states are those of the Dataspace Protocol 2025-1, section "Contract Negotiation".

    (none) ──REQUEST──▶ REQUESTED ──OFFER──▶ OFFERED ──ACCEPT──▶ ACCEPTED
                           ▲  │                 │                    │
                           │  └──AGREE──────────┼──▶ AGREED ◀──AGREE─┘
                           └──────REQUEST───────┘       │ VERIFY
                                                        ▼
                           FINALIZED ◀──FINALIZE── VERIFIED       TERMINATE leaves any state that is not final

AGREE fixes the document and carries the provider's signature, VERIFY the consumer's; FINALIZE is made by the exchange
for the provider once the log holds both. The signatures themselves do not depend on their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
    """What the moves so far amount to."""

    state: State | None = None
    terms: str | None = None
    offers: int = 0


def allowed(
    state: State | None, role: Role, *, offers: int = 0, max_counter_offers: int | None = None
) -> frozenset[Act]:
    """The acts open to a role. With `max_counter_offers`, OFFER is left out once that many have been made."""
    acts = _ALLOWED.get((state, role), frozenset())
    if max_counter_offers is not None and offers >= max_counter_offers:
        acts -= {Act.OFFER}
    return acts


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


def play(so_far: Negotiation, move: Move, *, max_counter_offers: int = 1) -> Negotiation:
    """The negotiation after one more move; checks turn, number of counter-offers and that no terms are stale."""
    state = advance(so_far.state, move.role, move.act)
    offers = so_far.offers
    if move.act is Act.OFFER:
        if offers >= max_counter_offers:
            raise NegotiationError("COUNTER_OFFERS_SPENT", used=offers, limit=max_counter_offers)
        offers += 1
    if move.act in PROPOSALS:
        if not move.terms:
            raise NegotiationError("TERMS_MISSING", act=move.act.value)
        return Negotiation(state, move.terms, offers)
    if move.terms != so_far.terms and not (move.act is Act.TERMINATE and move.terms is None):
        raise TermsStale("TERMS_STALE", act=move.act.value, value=move.terms, passes=so_far.terms)
    return Negotiation(state, so_far.terms, offers)


def replay(moves: Iterable[Move], *, max_counter_offers: int = 1) -> Negotiation:
    """The negotiation that a history amounts to; raises at the first move that could not have been made."""
    negotiation = Negotiation()
    for move in moves:
        negotiation = play(negotiation, move, max_counter_offers=max_counter_offers)
    return negotiation
