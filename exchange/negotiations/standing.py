"""What a contract is at a moment, and who may read it: derived from the document, its events and the log.

``may`` is what everything that hands out data under a contract asks before it does; it asks contracts.standing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select

from contracts import document, signature
from contracts.log import leaf
from contracts.log.proof import Proof
from contracts.negotiation import Role
from contracts.standing import Facts, Hold, Holder, Standing, SuspendCode
from contracts.standing import may as _may
from contracts.standing import standing as _standing
from contracts.terms import Denied, today
from exchange.catalogue.models import Listing
from exchange.errors import N_, NotFound, Refusal, refuse
from exchange.ledger import disclosures
from exchange.ledger import service as ledger
from exchange.negotiations import moves, rules, service
from exchange.negotiations.models import (
    Contract,
    ContractHold,
    ContractSignature,
    DestructionStatement,
    not_redrawn,
)
from exchange.permissions import Actor, Permission, require


@dataclass(frozen=True)
class Papers:
    """One contract as a reader sees it: the row, the document in it, who signed."""

    row: Contract
    document: document.Contract
    signatures: list[ContractSignature]
    role: Role | None  # the reader's side; None for a regulator

    @property
    def unsigned(self) -> tuple[str, ...]:
        """The organisations whose signature is still missing."""
        signed = {entry.org_id for entry in self.signatures}
        return tuple(org for org in self.document.needs if org not in signed)


# --- what a contract allows ---------------------------------------------------------------------------------------


def facts_of(
    session: Session, row: Contract, *, deliveries: int = 0, queries: int = 0, first_query_at: datetime | None = None
) -> Facts:
    """What has happened to a contract. Deliveries and queries are counted by those who make them."""
    listing = session.get_one(Listing, row.listing_id)
    return Facts(
        log_index=logged_index(session, row.active_event),
        ended_at=row.ended_at,
        end_reason=f"superseded-by, {row.end_reason}" if row.end_code == "superseded" else row.end_reason or "",
        holds=_holds(session, row, listing),
        deliveries=deliveries,
        queries=queries,
        first_query_at=first_query_at,
    )


def _holds(session: Session, row: Contract, listing: Listing) -> tuple[Hold, ...]:
    query = select(ContractHold).where(ContractHold.contract_id == row.id, col(ContractHold.resumed_at).is_(None))
    found = tuple(Hold(Holder(each.holder), SuspendCode(each.code), each.since) for each in session.exec(query))
    if listing.state == "suspended" and not any(hold.by is Holder.LISTING for hold in found):
        # X26: stopping a listing stops what is delivered from it, also where no record of a hold was made
        found += (Hold(Holder.LISTING, SuspendCode.LISTING, listing.updated_at),)
    return found


def standing_of(session: Session, row: Contract, now: datetime) -> Standing:
    """Whether the contract is in force at ``now``: only when contract.active is in the tree under a signed head."""
    return _standing(document.parse(row.payload), facts_of(session, row), now)


def may(
    session: Session,
    row: Contract,
    signed: document.Contract,
    action: str,
    now: datetime,
    *,
    deliveries: int = 0,
    queries: int = 0,
) -> Refusal | None:
    """Why ``action`` (contracts.standing.Use: deliver, query) is refused at ``now``; None when the document ``signed``
    allows it. The facts are read anew each time; the document, which never changes, may have been read before."""
    denied = why_not(session, row, signed, action, now, deliveries=deliveries, queries=queries)
    return None if denied is None else rules.say_denied(denied)


def why_not(
    session: Session,
    row: Contract,
    signed: document.Contract,
    action: str,
    now: datetime,
    *,
    deliveries: int = 0,
    queries: int = 0,
    first_query_at: datetime | None = None,
) -> Denied | None:
    """The same as a value, for who keeps the refusal and says it later."""
    facts = facts_of(session, row, deliveries=deliveries, queries=queries, first_query_at=first_query_at)
    return _may(signed, facts, action, now)


def logged_index(session: Session, event_id: str | None) -> int | None:
    """The index of an event that is in the tree under a signed head, else None."""
    return None if event_id is None else ledger.logged_index(session, event_id)


# --- shared by what a party does to a contract ---------------------------------------------------------------------


def party(
    session: Session, actor: Actor | None, contract_id: str, permission: Permission
) -> tuple[Contract, Actor, Role]:
    """The contract with the actor's side in it; not found for everybody else."""
    actor = require(actor, permission)
    row = session.get(Contract, contract_id)
    role = None if row is None else _sides(row).get(actor.org_id)
    if row is None or role is None:
        raise NotFound(contract_id)
    return row, actor, role


def locked(
    session: Session, actor: Actor | None, contract_id: str, permission: Permission
) -> tuple[Contract, Actor, Role]:
    """The same, as the contract stands now, and ours until commit: the lock that a delivery takes too."""
    row, actor, role = party(session, actor, contract_id, permission)
    moves.lock(session, row.negotiation_id)
    session.refresh(row)
    return row, actor, role


def _sides(row: Contract) -> dict[str, Role]:
    return {row.buyer_org_id: Role.CONSUMER, row.provider_org_id: Role.PROVIDER}


def check_running(row: Contract, now: datetime) -> None:
    """Raise unless the contract is in force or will be: what is not, or no longer, cannot be ended or suspended."""
    if row.ended_at is not None:
        raise refuse("CONTRACT_ENDED", N_("This contract has been ended already."), status=409)
    if row.active_event is None:
        text = N_("This contract is not in force yet; end the negotiation instead.")
        raise refuse("CONTRACT_NOT_ACTIVE", text, status=409)
    if today(now) > row.ends:
        raise refuse("CONTRACT_EXPIRED", N_("The term of this contract is over; there is nothing to end."), status=409)


# --- reading ------------------------------------------------------------------------------------------------------


def contracts_of(
    session: Session, actor: Actor | None, *, before: str | None = None, limit: int = 50
) -> list[Contract]:
    """The organisation's own contracts on either side, newest first; ``before`` is an id, for paging."""
    actor = service.require_reader(actor)
    mine = or_(col(Contract.buyer_org_id) == actor.org_id, col(Contract.provider_org_id) == actor.org_id)
    query = select(Contract).where(mine).order_by(col(Contract.id).desc()).limit(min(limit, 200))
    return list(session.exec(query.where(col(Contract.id) < before) if before else query))


def papers(session: Session, actor: Actor | None, contract_id: str) -> Papers:
    """One contract. Parties only; a regulator may read, see ``looks``."""
    actor = service.require_reader(actor)
    row = session.get(Contract, contract_id)
    if row is None or not service.sees(actor, row):
        raise NotFound(contract_id)
    return papers_of(session, row, actor)


def signatures_of(session: Session, contract_id: str) -> list[ContractSignature]:
    """The signatures taken so far, in order."""
    query = select(ContractSignature).where(ContractSignature.contract_id == contract_id)
    return list(session.exec(query.order_by(col(ContractSignature.id))))


def has_signed(session: Session, negotiation_id: str, org_id: str) -> bool:
    """Whether the organisation's signature stands under the contract that a negotiation led to."""
    query = (
        select(ContractSignature.id)
        .join(Contract, col(Contract.id) == col(ContractSignature.contract_id))
        .where(Contract.negotiation_id == negotiation_id, ContractSignature.org_id == org_id, not_redrawn())
    )
    return session.exec(query).first() is not None


def signed_document(papers: Papers) -> dict[str, object]:
    """The contract with its signatures as one JWS in general JSON serialization; those of other forms are files."""
    return signature.assemble(papers.row.payload, [entry.entry for entry in papers.signatures if entry.entry])


def papers_of(session: Session, row: Contract, actor: Actor) -> Papers:
    """The papers of a contract that the actor may see already."""
    return Papers(row, document.parse(row.payload), signatures_of(session, row.id), _sides(row).get(actor.org_id))


def subjects(row: Contract) -> list[str]:
    """What a contract's records are about."""
    return [
        f"contract:{row.id}",
        f"negotiation:{row.negotiation_id}",
        f"listing:{row.listing_id}",
        f"org:{row.provider_org_id}",
        f"org:{row.buyer_org_id}",
    ]


@dataclass(frozen=True)
class Receipt:
    """One record of a contract's life in the log, with its proof once it is under a signed head."""

    event: str
    event_id: str
    at: datetime
    org_id: str | None  # who acted; None: the exchange
    proof: Proof | None
    size: int = 0  # of the tree that the proof leads to
    root: bytes = b""
    entry: bytes = b""  # the record itself: with the proof, all that a party needs to check it without us
    private: list[disclosures.Shown] = field(default_factory=list)  # what this reader may see of it


def receipts_of(session: Session, papers: Papers, reader: Actor) -> list[Receipt]:
    """What the log holds of this contract's life, in order. A party reads the private values of its own acts, an
    official those of all."""
    row = papers.row
    events: list[_Event] = [("contract.agreed", row.agreed_event, row.agreed_at, row.provider_org_id)]
    events += [("contract.signed", entry.event_id, entry.signed_at, entry.org_id) for entry in papers.signatures]
    if row.active_event and row.active_at:
        events.append(("contract.active", row.active_event, row.active_at, None))
    later: list[_Event] = [*_of_holds(session, row.id), *_of_duty(session, row)]
    if row.end_event and row.ended_at:
        later.append(("contract.ended", row.end_event, row.ended_at, row.ended_by))
    events += sorted(later, key=lambda event: (event[2], event[1]))  # of one moment: as their ids were made
    found = _with_proofs(session, events)
    leaves = [leaf.parse(receipt.entry) for receipt in found if receipt.entry]
    if not reader.may(Permission.AUDIT):
        leaves = disclosures.readable(leaves, reader.org_id)
    private = disclosures.read(session, leaves)
    return [replace(receipt, private=private.get(receipt.event_id, [])) for receipt in found]


_Event = tuple[str, str, datetime, str | None]


def _of_holds(session: Session, contract_id: str) -> Iterable[_Event]:
    for hold in session.exec(select(ContractHold).where(ContractHold.contract_id == contract_id)):
        yield "contract.suspended", hold.event_id, hold.since, hold.org_id
        if hold.resume_event and hold.resumed_at:
            yield "contract.resumed", hold.resume_event, hold.resumed_at, hold.resumed_by


def _of_duty(session: Session, row: Contract) -> Iterable[_Event]:
    for stated in session.exec(select(DestructionStatement).where(DestructionStatement.contract_id == row.id)):
        yield "duty.fulfilled", stated.event_id, stated.stated_at, stated.org_id
        if stated.answer_event and stated.answered_at:
            yield f"duty.{stated.answer}", stated.answer_event, stated.answered_at, row.provider_org_id


def _with_proofs(session: Session, events: Sequence[_Event]) -> list[Receipt]:
    """Each event with its record and proof, all under one head; without them while it waits for the next."""
    proved = ledger.proved(session, [event_id for _, event_id, _, _ in events])
    found = []
    for event, event_id, at, org_id in events:
        if (shown := proved.get(event_id)) is None:
            found.append(Receipt(event, event_id, at, org_id, None))
        else:
            head = shown.head
            found.append(Receipt(event, event_id, at, org_id, shown.proof, head.size, head.root, shown.record.data))
    return found
