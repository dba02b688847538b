"""Drawing a contract up again, with other keys, before it is in force.

A contract names the keys that may sign it. If a party that has not signed yet loses the last one of them, nobody could
ever sign in its name; if it makes a key only after the contract was drawn up, that key does not count. Then the same
terms are put into a new document. Nobody is bound by that: both sides see the new document, and both sign it. What was
signed of the older one is void, and its record in the log says so. Terms, approvals and the deadline stay as they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import or_
from sqlmodel import Session, col, select

from contracts.negotiation import Act, Role, State
from exchange import audit
from exchange.accounts.models import Organisation, SigningKey
from exchange.errors import N_, NotFound, refuse
from exchange.negotiations import agreements, moves, rules, service, standing
from exchange.negotiations.models import Contract, ContractSignature, Redraw
from exchange.permissions import Actor, Permission, require

MAX_REDRAWS = 5  # of one negotiation: each one costs the other side its signature


class Cause(StrEnum):
    """Why a document that waits for a signature will not do."""

    LOST = "lost"  # none of the keys it names for the party is valid any more
    LATE = "late"  # the party has a valid key that it does not name


@dataclass(frozen=True)
class Need:
    """A party that has not signed and whose keys are not those of the document; ``ready``: it has a new one."""

    org_id: str
    cause: Cause
    ready: bool


def needs(session: Session, papers: standing.Papers) -> tuple[Need, ...]:
    """Whom the document as it stands keeps from signing; nobody once it is in force or has ended."""
    if papers.row.active_event is not None or papers.row.ended_at is not None:
        return ()
    found = []
    for party in papers.document.parties:
        if party.org_id not in papers.unsigned:
            continue
        valid = set(agreements.party_now(session, party.role, party.org_id).keys)
        usable, fresh = valid & set(party.keys), valid - set(party.keys)
        if not usable:
            found.append(Need(party.org_id, Cause.LOST, bool(fresh)))
        elif fresh:
            found.append(Need(party.org_id, Cause.LATE, ready=True))
    return tuple(found)


def open_to(org_id: str, found: Iterable[Need]) -> Need | None:
    """The need for which this organisation may have the contract redrawn: a lost key of either side, or its own late
    one. A late key of the other side is for that side to bring up, because it still can sign without it."""
    fitting = [need for need in found if need.ready and (need.cause is Cause.LOST or need.org_id == org_id)]
    return min(fitting, key=lambda need: need.cause is Cause.LATE, default=None)


def redraw(session: Session, actor: Actor | None, contract_id: str, now: datetime) -> Contract:
    """The contract again, with the keys that are valid now. Commit with commit_logged.

    One transaction ends the older document and draws up the new one: a crash leaves the older one as it was.
    """
    actor = require(actor, Permission.SIGN)
    row = session.get(Contract, contract_id)
    if row is None or actor.org_id not in (row.buyer_org_id, row.provider_org_id):
        raise NotFound(contract_id)
    negotiation = moves.lock(session, row.negotiation_id)
    session.refresh(row)
    papers = standing.papers_of(session, row, actor)
    if row.ended_at is not None or negotiation.state not in (State.AGREED, State.VERIFIED):
        text = N_("This document can no longer be signed, so it is not drawn up again.")
        raise refuse("NOT_REDRAWABLE", text, value=negotiation.state, status=409)
    need = _the_need(session, papers, actor)
    rules.check_open(negotiation, now)
    terms = papers.document.terms
    service.check_still_possible(session, negotiation, terms, now, trial=None)
    _check_patience(session, negotiation.id)
    _void(session, actor, papers, need, now)
    step = moves.Step(actor, Role.CONSUMER if actor.org_id == row.buyer_org_id else Role.PROVIDER, Act.AGREE, terms)
    new = agreements.draw_up(session, negotiation, step, now, hashes={"redraws": row.sha256})
    row.end_reason = f"→ {new.id}"
    negotiation.state, negotiation.updated_at = State.AGREED, now  # a VERIFY of the older document is void with it
    done = Redraw(
        new_id=new.id, old_id=row.id, cause=need.cause, org_id=actor.org_id, void=len(papers.signatures), at=now
    )
    session.add_all([row, negotiation, done])
    session.flush()
    return new


def _the_need(session: Session, papers: standing.Papers, actor: Actor) -> Need:
    found = needs(session, papers)
    need = open_to(actor.org_id, found)
    if need is not None:
        return need
    waiting = [session.get_one(Organisation, each.org_id).name for each in found if not each.ready]
    if waiting:
        raise refuse(
            "REDRAW_WAITS_FOR_KEY",
            N_("%(names)s has no valid signing key yet. The contract can be drawn up again as soon as it has one."),
            passes=N_("A person of that organisation registers a key on the page “Signing keys”."),
            names=", ".join(waiting),
            status=409,
        )
    text = N_("Every party that has not signed can sign this document with a key that it names.")
    raise refuse("REDRAW_NOT_NEEDED", text, status=409)


def _check_patience(session: Session, negotiation_id: str) -> None:
    drawn = session.exec(select(Contract.id).where(Contract.negotiation_id == negotiation_id)).all()
    if len(drawn) > MAX_REDRAWS:
        text = N_("This contract was drawn up again %(times)s times already. End the negotiation and begin a new one.")
        raise refuse("REDRAWS_SPENT", text, times=MAX_REDRAWS, status=409)


def _void(session: Session, actor: Actor, papers: standing.Papers, need: Need, now: datetime) -> None:
    row = papers.row
    row.end_event = audit.record(
        session,
        "contract.ended",
        actor,
        on=standing.subjects(row),
        now=now,
        hashes={"contract": row.sha256},
        details={"reason": "redrawn", "cause": str(need.cause), "void": len(papers.signatures)},
    )
    row.ended_at, row.end_code, row.end_reason, row.ended_by = now, "unsigned", "→", actor.org_id
    session.add(row)
    session.flush()  # a negotiation has one contract that has not ended


# --- reading ------------------------------------------------------------------------------------------------------


def redrawn_as(session: Session, contract_id: str) -> Redraw | None:
    """How this document was replaced, if it was."""
    return session.exec(select(Redraw).where(Redraw.old_id == contract_id)).first()


def redraws(session: Session, contract_id: str) -> Redraw | None:
    """Which older document this one replaces, if any."""
    return session.get(Redraw, contract_id)


def waiting_on_keys(session: Session, actor: Actor) -> list[tuple[Contract, Need]]:
    """One's own contracts that wait for a signature which the keys they name can no longer give, newest first."""
    mine = or_(col(Contract.buyer_org_id) == actor.org_id, col(Contract.provider_org_id) == actor.org_id)
    unsigned = select(Contract).where(mine, col(Contract.active_event).is_(None), col(Contract.ended_at).is_(None))
    found = []
    for row in session.exec(unsigned.order_by(col(Contract.id).desc()).limit(50)):
        every = needs(session, standing.papers_of(session, row, actor))
        found += [(row, need) for need in every if need.cause is Cause.LOST]
    return found


def signed_since(session: Session, actor: Actor) -> list[Contract]:
    """One's own contracts in force that a key signed after it was out of its owner's hands, as they told. They count,
    because their records lie before the revocation's: the owner looks at each and ends what they did not want."""
    query = (
        select(Contract)
        .join(ContractSignature, col(ContractSignature.contract_id) == col(Contract.id))
        .join(SigningKey, col(SigningKey.thumbprint) == col(ContractSignature.thumbprint))
        .where(
            SigningKey.org_id == actor.org_id,
            col(ContractSignature.signed_at) >= col(SigningKey.suspect_since),
            col(Contract.active_event).is_not(None),
            col(Contract.ended_at).is_(None),
        )
    )
    return list(session.exec(query.order_by(col(Contract.id).desc()).limit(50)))
