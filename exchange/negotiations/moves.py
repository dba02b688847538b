"""One move of a negotiation: lock its row, ask contracts.negotiation whose turn it is, append the step.

Every move locks the negotiation and names the terms it saw, so that of two clicks at once one wins and the other is
told (409). Nothing here checks permissions: the use cases in service.py and agreements.py do.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from contracts import negotiation as play
from contracts.negotiation import Act, Role, State
from contracts.terms import Terms
from exchange import audit
from exchange.errors import NotFound
from exchange.negotiations import rules
from exchange.negotiations.models import Contract, Move, Negotiation
from exchange.permissions import Actor

_EVENTS = {Act.REQUEST: "access.requested", Act.OFFER: "access.offered", Act.ACCEPT: "access.accepted"}


@dataclass(frozen=True)
class Step:
    """What is about to be appended: who does what, on which terms. ``actor`` None is the exchange itself."""

    actor: Actor | None
    role: Role
    act: Act
    terms: Terms
    note: str = ""


def lock(session: Session, negotiation_id: str) -> Negotiation:
    """The row as it is now, ours until commit; whoever comes second waits and then sees what the first one did."""
    query = select(Negotiation).where(Negotiation.id == negotiation_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound(negotiation_id)
    return found


def play_on(negotiation: Negotiation, role: Role, act: Act, terms_hash: str | None) -> State:
    """The state after ``act``; raises Refused (409) when it is not this side's turn or the terms seen are stale."""
    so_far = play.Negotiation(State(negotiation.state), negotiation.terms_hash, negotiation.offers)
    try:
        after = play.play(so_far, play.Move(role, act, terms_hash), max_counter_offers=rules.MAX_COUNTER_OFFERS)
    except play.NegotiationError as error:
        raise rules.say_error(error, status=409) from None
    return after.state or State(negotiation.state)


def check_seen(negotiation: Negotiation, seen: str, act: Act) -> None:
    """A counter-offer carries terms of its own; its maker must still have seen those that it answers."""
    if seen != negotiation.terms_hash:
        error = play.TermsStale("TERMS_STALE", act=act.value, value=seen, passes=negotiation.terms_hash)
        raise rules.say_error(error, status=409)


def moves_of(session: Session, negotiation_id: str) -> list[Move]:
    """Every move, oldest first."""
    query = select(Move).where(Move.negotiation_id == negotiation_id).order_by(col(Move.number))
    return list(session.exec(query))


def terms_on_table(session: Session, negotiation: Negotiation) -> Terms:
    """The terms of the latest move."""
    latest = _latest(session, negotiation.id)
    if latest is None:
        raise NotFound(negotiation.id)
    return Terms.from_json(latest.terms)


def record(session: Session, negotiation: Negotiation, step: Step, state: State, now: datetime) -> None:
    """A REQUEST, OFFER or ACCEPT: its record in the log, its row, the new state."""
    event_id = audit.record(
        session, _EVENTS[step.act], step.actor, on=subjects(negotiation), now=now, hashes={"terms": step.terms.hash}
    )
    append(session, negotiation, step, state, event_id, now)


def append(
    session: Session,
    negotiation: Negotiation,
    step: Step,
    state: State,
    event_id: str,
    now: datetime,
) -> None:
    """The row of a step that is in the log under ``event_id``; the negotiation goes to ``state``, the other's turn
    begins."""
    latest = _latest(session, negotiation.id)
    session.add(
        Move(
            negotiation_id=negotiation.id,
            number=latest.number + 1 if latest else 1,
            act=step.act,
            role=step.role,
            org_id=step.actor.org_id if step.actor else None,
            user_id=step.actor.user_id if step.actor else None,
            terms=step.terms.to_json(),
            terms_hash=step.terms.hash,
            note=step.note.strip(),
            event_id=event_id,
            at=now,
        )
    )
    negotiation.state, negotiation.terms_hash = state, step.terms.hash
    negotiation.updated_at, negotiation.deadline = now, rules.deadline(now)
    session.add(negotiation)
    session.flush()


def close(
    session: Session, negotiation: Negotiation, actor: Actor | None, role: Role, reason: str, now: datetime
) -> None:
    """TERMINATE, by a party or (``actor`` None) because nobody answered in time; a contract drawn up ends with it."""
    terms = terms_on_table(session, negotiation)
    negotiation.state, negotiation.terminated_at, negotiation.terminated_reason = State.TERMINATED, now, reason
    negotiation.terminated_by = actor.org_id if actor else None
    event_id = audit.record(
        session,
        "negotiation.terminated",
        actor,
        on=subjects(negotiation),
        now=now,
        hashes={"terms": negotiation.terms_hash},
        details={"lapsed": actor is None},
        private=_reason(actor, reason),
    )
    _void_contract(session, negotiation, actor, reason, now)
    append(session, negotiation, Step(actor, role, Act.TERMINATE, terms), State.TERMINATED, event_id, now)


def _void_contract(session: Session, negotiation: Negotiation, actor: Actor | None, reason: str, now: datetime) -> None:
    contract = session.exec(select(Contract).where(Contract.negotiation_id == negotiation.id)).first()
    if contract is None:
        return
    event_id = audit.record(
        session,
        "contract.ended",
        actor,
        on=[f"contract:{contract.id}", *subjects(negotiation)],
        now=now,
        hashes={"contract": contract.sha256},
        details={"reason": "unsigned"},
        private=_reason(actor, reason),
    )
    contract.ended_at, contract.end_code, contract.end_reason = now, "unsigned", reason
    contract.ended_by, contract.end_event = actor.org_id if actor else None, event_id
    session.add(contract)


def _reason(actor: Actor | None, reason: str) -> dict[str, dict[str, str]]:
    return {} if actor is None else {f"org:{actor.org_id}": {"reason": reason}}


def subjects(negotiation: Negotiation) -> list[str]:
    """What a negotiation's records are about."""
    return [
        f"negotiation:{negotiation.id}",
        f"listing:{negotiation.listing_id}",
        f"org:{negotiation.provider_org_id}",
        f"org:{negotiation.buyer_org_id}",
    ]


def _latest(session: Session, negotiation_id: str) -> Move | None:
    query = select(Move).where(Move.negotiation_id == negotiation_id).order_by(col(Move.number).desc()).limit(1)
    return session.exec(query).first()
