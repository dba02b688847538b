"""What a contract is at a moment, and who may read it: derived from the document, its events and the log.

``standing_of`` and ``may`` are what deliveries and test rooms ask before they hand out anything.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select

from contracts import document, signature
from contracts.log import leaf
from contracts.log.proof import Proof
from contracts.negotiation import Role
from contracts.standing import Facts, Standing
from contracts.standing import may as _may
from contracts.standing import standing as _standing
from exchange.catalogue.models import Listing
from exchange.errors import NotFound, Refusal
from exchange.ledger import disclosures
from exchange.ledger import service as ledger
from exchange.negotiations import rules, service
from exchange.negotiations.models import Contract, ContractSignature
from exchange.permissions import Actor, Permission


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


def facts_of(session: Session, row: Contract, *, deliveries: int = 0, queries: int = 0) -> Facts:
    """What has happened to a contract. Deliveries and queries are counted by those who make them."""
    listing = session.get_one(Listing, row.listing_id)
    return Facts(
        log_index=logged_index(session, row.active_event),
        ended_at=row.ended_at,
        end_reason=row.end_reason or "",
        suspended=listing.state == "suspended",  # X26: stopping a listing stops what is delivered from it
        deliveries=deliveries,
        queries=queries,
    )


def standing_of(session: Session, row: Contract, now: datetime) -> Standing:
    """Whether the contract is in force at ``now``: only when contract.active is in the tree under a signed head."""
    return _standing(document.parse(row.payload), facts_of(session, row), now)


def may(
    session: Session, row: Contract, action: str, now: datetime, *, deliveries: int = 0, queries: int = 0
) -> Refusal | None:
    """Why ``action`` (contracts.standing.Use: deliver, query) is refused at ``now``; None when it is allowed."""
    facts = facts_of(session, row, deliveries=deliveries, queries=queries)
    denied = _may(document.parse(row.payload), facts, action, now)
    return None if denied is None else rules.say_denied(denied)


def logged_index(session: Session, event_id: str | None) -> int | None:
    """The index of an event that is in the tree under a signed head, else None."""
    if event_id is None or not ledger.is_logged(session, event_id):
        return None
    return ledger.index_of(session, event_id)


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
        .where(Contract.negotiation_id == negotiation_id, ContractSignature.org_id == org_id)
    )
    return session.exec(query).first() is not None


def signed_document(papers: Papers) -> dict[str, object]:
    """The contract with its signatures as one JWS in general JSON serialization; those of other forms are files."""
    return signature.assemble(papers.row.payload, [entry.entry for entry in papers.signatures if entry.entry])


def papers_of(session: Session, row: Contract, actor: Actor) -> Papers:
    """The papers of a contract that the actor may see already."""
    role = {row.buyer_org_id: Role.CONSUMER, row.provider_org_id: Role.PROVIDER}.get(actor.org_id)
    return Papers(row, document.parse(row.payload), signatures_of(session, row.id), role)


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
    """What the log holds of this contract: drawn up, each signature, in force, ended. A party reads the private values
    of its own acts, an official those of all."""
    row = papers.row
    events = [("contract.agreed", row.agreed_event, row.agreed_at, row.provider_org_id)]
    events += [("contract.signed", entry.event_id, entry.signed_at, entry.org_id) for entry in papers.signatures]
    found = [_receipt(session, event, event_id, at, org) for event, event_id, at, org in events]
    if row.active_event and row.active_at:
        found.append(_receipt(session, "contract.active", row.active_event, row.active_at, None))
    if row.end_event and row.ended_at:
        found.append(_receipt(session, "contract.ended", row.end_event, row.ended_at, row.ended_by))
    leaves = [leaf.parse(receipt.entry) for receipt in found if receipt.entry]
    if not reader.may(Permission.AUDIT):
        leaves = disclosures.readable(leaves, reader.org_id)
    private = disclosures.read(session, leaves)
    return [replace(receipt, private=private.get(receipt.event_id, [])) for receipt in found]


def _receipt(session: Session, event: str, event_id: str, at: datetime, org_id: str | None) -> Receipt:
    newest = ledger.head(session)
    try:
        proof = ledger.proof_of(session, event_id)
    except NotFound:
        return Receipt(event, event_id, at, org_id, None)
    size, root = (newest.size, newest.root) if newest else (0, b"")
    return Receipt(event, event_id, at, org_id, proof, size, root, ledger.record_of(session, event_id).data)
