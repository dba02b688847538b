"""One move of a negotiation: lock its row, ask contracts.negotiation whose turn it is, append the step.

Every move locks the negotiation and names the terms it saw, so that of two clicks at once one wins and the other is
told (409). Nothing here checks permissions: the use cases in service.py and agreements.py do.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from contracts import negotiation as play
from contracts import words
from contracts.negotiation import Act, Reason, Role, State
from contracts.terms import Terms
from exchange import audit
from exchange.accounts.models import Organisation, User
from exchange.clock import VIETNAM
from exchange.errors import NotFound, Refusal, Refused
from exchange.negotiations import rules
from exchange.negotiations.models import AgreeRule, Contract, Move, Negotiation
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
    rule: AgreeRule | None = None  # the seller's rule that took the step, nobody being there


def lock(session: Session, negotiation_id: str) -> Negotiation:
    """The row as it is now, ours until commit; whoever comes second waits and then sees what the first one did."""
    query = select(Negotiation).where(Negotiation.id == negotiation_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound(negotiation_id)
    return found


def so_far(negotiation: Negotiation) -> play.Negotiation:
    """What the moves so far amount to."""
    state = State(negotiation.state)
    return play.Negotiation(state, negotiation.terms_hash, negotiation.requests, negotiation.offers)


def play_on(session: Session, negotiation: Negotiation, role: Role, act: Act, terms_hash: str | None) -> State:
    """The state after ``act``; raises Refused (409) when it is not this side's turn, the terms seen are stale, or this
    side has made as many proposals as it may. The refusal tells who was here last, and when."""
    try:
        after = play.play(
            so_far(negotiation), play.Move(role, act, terms_hash), max_proposals=rules.max_proposals(session)
        )
    except play.NegotiationError as error:
        raise _told(session, negotiation, role, error) from None
    return after.state or State(negotiation.state)


def check_seen(session: Session, negotiation: Negotiation, role: Role, act: Act, seen: str) -> None:
    """A proposal carries terms of its own; its maker must still have seen those that it answers."""
    if seen != negotiation.terms_hash:
        error = play.TermsStale("TERMS_STALE", act=act.value, value=seen, passes=negotiation.terms_hash)
        raise _told(session, negotiation, role, error)


def _told(session: Session, negotiation: Negotiation, role: Role, error: play.NegotiationError) -> Refused:
    refused = rules.say_error(error, status=409)
    last = latest(session, negotiation.id)
    facts = {"act": last.act, "at": f"{last.at.astimezone(VIETNAM):%H:%M:%S %d/%m/%Y}", "state": negotiation.state}
    who = _who(session, last, mine=last.role == role)
    said = {lang: words.say("LAST_MOVE", facts | {"who": name}, lang) for lang, name in who.items()}
    return Refused(
        *refused.refusals, Refusal("LAST_MOVE", value=last.event_id, vi=said["vi"], en=said["en"]), status=409
    )


def _who(session: Session, move: Move, *, mine: bool) -> dict[str, str]:
    """Who made a move: to the other side its organisation, to its own side also the person."""
    if move.org_id is None:
        return {"vi": "sàn", "en": "the exchange"}
    name = session.get_one(Organisation, move.org_id).name
    if mine and move.user_id:
        name = f"{session.get_one(User, move.user_id).full_name} ({name})"
    return {"vi": name, "en": name}


def moves_of(session: Session, negotiation_id: str) -> list[Move]:
    """Every move, oldest first."""
    query = select(Move).where(Move.negotiation_id == negotiation_id).order_by(col(Move.number))
    return list(session.exec(query))


def terms_on_table(session: Session, negotiation: Negotiation) -> Terms:
    """The terms of the latest move."""
    return Terms.from_json(latest(session, negotiation.id).terms)


def record(
    session: Session, negotiation: Negotiation, step: Step, state: State, now: datetime, *, first: bool = False
) -> None:
    """A REQUEST, OFFER or ACCEPT: its record in the log, its row, the new state."""
    event_id = audit.record(
        session, _EVENTS[step.act], step.actor, on=subjects(negotiation), now=now, hashes={"terms": step.terms.hash}
    )
    append(session, negotiation, step, state, event_id, now, first=first)


def append(
    session: Session,
    negotiation: Negotiation,
    step: Step,
    state: State,
    event_id: str,
    now: datetime,
    *,
    first: bool = False,
) -> None:
    """The row of a step that is in the log under ``event_id``; the negotiation goes to ``state``, the other's turn
    begins."""
    session.add(
        Move(
            negotiation_id=negotiation.id,
            number=1 if first else latest(session, negotiation.id).number + 1,
            act=step.act,
            role=step.role,
            org_id=step.rule.org_id if step.rule else step.actor.org_id if step.actor else None,
            user_id=step.actor.user_id if step.actor else None,
            terms=step.terms.to_json(),
            terms_hash=step.terms.hash,
            note=step.note.strip(),
            rule_event=step.rule.event_id if step.rule else None,
            event_id=event_id,
            at=now,
        )
    )
    negotiation.state, negotiation.terms_hash = state, step.terms.hash
    negotiation.updated_at, negotiation.deadline = now, rules.deadline(session, now)
    session.add(negotiation)
    session.flush()


def close(
    session: Session,
    negotiation: Negotiation,
    actor: Actor | None,
    role: Role,
    code: Reason,
    reason: str,
    now: datetime,
) -> None:
    """TERMINATE, by a party or (``actor`` None) because nobody answered in time; a contract drawn up ends with it."""
    terms = terms_on_table(session, negotiation)
    negotiation.terminated_at, negotiation.terminated_by = now, actor.org_id if actor else None
    negotiation.state, negotiation.terminated_code, negotiation.terminated_reason = State.TERMINATED, code, reason
    event_id = audit.record(
        session,
        "negotiation.terminated",
        actor,
        on=subjects(negotiation),
        now=now,
        hashes={"terms": negotiation.terms_hash},
        details={"reason": str(code)},
        private=_reason(actor, reason),
    )
    _void_contract(session, negotiation, actor, reason, now)
    append(session, negotiation, Step(actor, role, Act.TERMINATE, terms), State.TERMINATED, event_id, now)


def _void_contract(session: Session, negotiation: Negotiation, actor: Actor | None, reason: str, now: datetime) -> None:
    drawn = select(Contract).where(Contract.negotiation_id == negotiation.id, col(Contract.ended_at).is_(None))
    contract = session.exec(drawn).first()  # one that was drawn up again has ended before
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


def latest(session: Session, negotiation_id: str) -> Move:
    """The newest move."""
    query = select(Move).where(Move.negotiation_id == negotiation_id).order_by(col(Move.number).desc()).limit(1)
    return session.exec(query).one()
