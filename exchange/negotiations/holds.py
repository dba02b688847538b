"""Suspending a contract and letting it go on: at once, with a reason both sides read (docs/decisions/0016).

Each side has its own hold and lifts only that; while any is open the contract gives nothing. A stopped listing holds
every contract made on it: whoever stops and releases the listing (catalogue.moderation) calls ``follow_listing``.
Every use case here locks the negotiation, as a delivery does, so that a record of a delivery never follows that of a
suspension. Commit with commit_logged.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from contracts.negotiation import Role
from contracts.standing import PARTY_CODES, Holder, SuspendCode
from contracts.terms import today
from exchange import audit
from exchange.errors import N_, refuse
from exchange.negotiations import moves, rules, standing
from exchange.negotiations.models import Contract, ContractHold
from exchange.permissions import Actor, Permission

HOLDER = {Role.PROVIDER: Holder.PROVIDER, Role.CONSUMER: Holder.CONSUMER}


def suspend(
    session: Session, actor: Actor | None, contract_id: str, code: str, reason: str, now: datetime
) -> ContractHold:
    """A party suspends a contract in force, or one that will be; running downloads are cut."""
    row, actor, role = standing.locked(session, actor, contract_id, Permission.SIGN)
    if code not in PARTY_CODES:
        text = N_("Choose why the contract is suspended.")
        raise refuse("SUSPEND_CODE_UNKNOWN", text, field="code", value=code, passes=", ".join(PARTY_CODES))
    words = rules.check_reason(reason)
    standing.check_running(row, now)
    if _open(session, row.id, HOLDER[role]) is not None:
        text = N_("Your organisation has suspended this contract already.")
        raise refuse("ALREADY_SUSPENDED", text, status=409)
    return _put(session, actor, row, HOLDER[role], SuspendCode(code), words, now)


def resume(session: Session, actor: Actor | None, contract_id: str, reason: str, now: datetime) -> ContractHold:
    """The side that suspended lets the contract go on; somebody else's hold stays."""
    row, actor, role = standing.locked(session, actor, contract_id, Permission.SIGN)
    words = rules.check_reason(reason)
    standing.check_running(row, now)
    hold = _open(session, row.id, HOLDER[role])
    if hold is None:
        text = N_("Your organisation has not suspended this contract; only who suspended it can resume it.")
        raise refuse("NOT_YOUR_SUSPENSION", text, status=409)
    _lift(session, actor, row, hold, words, now)
    return hold


def follow_listing(session: Session, actor: Actor, listing_id: str, stopped: bool, reason: str, now: datetime) -> None:
    """A listing was stopped or released: so are the contracts made on it that run, each with a record of its own."""
    running = select(Contract).where(
        Contract.listing_id == listing_id, col(Contract.active_event).is_not(None), col(Contract.ended_at).is_(None),
        Contract.ends >= today(now),
    )  # fmt: skip
    for found in session.exec(running.order_by(col(Contract.negotiation_id))).all():
        moves.lock(session, found.negotiation_id)
        session.refresh(found)
        if found.ended_at is not None:
            continue
        hold = _open(session, found.id, Holder.LISTING)
        if stopped and hold is None:
            _put(session, actor, found, Holder.LISTING, SuspendCode.LISTING, reason, now)
        elif not stopped and hold is not None:
            _lift(session, actor, found, hold, reason, now)


def holds_of(session: Session, contract_id: str) -> Sequence[ContractHold]:
    """Every suspension so far, lifted or not, oldest first."""
    query = select(ContractHold).where(ContractHold.contract_id == contract_id)
    return session.exec(query.order_by(col(ContractHold.since), col(ContractHold.id))).all()


def _open(session: Session, contract_id: str, holder: Holder) -> ContractHold | None:
    query = select(ContractHold).where(
        ContractHold.contract_id == contract_id, ContractHold.holder == holder, col(ContractHold.resumed_at).is_(None)
    )
    return session.exec(query).first()


def _put(
    session: Session, actor: Actor, row: Contract, holder: Holder, code: SuspendCode, reason: str, now: datetime
) -> ContractHold:
    event_id = _record(session, "contract.suspended", actor, row, holder, {"reason": str(code)}, reason, now)
    hold = ContractHold(
        contract_id=row.id, holder=holder, org_id=actor.org_id, code=code, reason=reason, since=now, event_id=event_id
    )
    session.add(hold)
    session.flush()
    return hold


def _lift(session: Session, actor: Actor, row: Contract, hold: ContractHold, reason: str, now: datetime) -> None:
    hold.resume_event = _record(session, "contract.resumed", actor, row, Holder(hold.holder), {}, reason, now)
    hold.resumed_at, hold.resumed_by, hold.resume_reason = now, actor.org_id, reason
    session.add(hold)
    session.flush()


def _record(
    session: Session,
    event: str,
    actor: Actor,
    row: Contract,
    holder: Holder,
    details: dict[str, str],
    reason: str,
    now: datetime,
) -> str:
    """``hold`` says whose it is: a party's own (the actor's), or that of whoever stops listings (contracts.log.story).
    The words are the organisation's and stand beside the log, as those of an end do."""
    whose = "listing" if holder is Holder.LISTING else "party"
    return audit.record(
        session,
        event,
        actor,
        on=standing.subjects(row),
        now=now,
        hashes={"contract": row.sha256},
        details={"hold": whose, **details},
        private={f"org:{actor.org_id}": {"reason": reason}},
    )
