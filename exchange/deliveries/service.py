"""Handing out files under contracts: open a grant, fetch, watch while it streams, list what happened.

Every refusal is a record in the log. A use case therefore puts the record into the session and raises
``RefusedOnRecord``; the door commits before it answers (see streaming.py). What may be done is asked of gate.py
each time: at the grant, at each fetch, and while bytes flow.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from contracts import document
from contracts.terms import first_moment
from exchange import audit
from exchange.catalogue.models import Asset, ListingVersion
from exchange.deliveries import gate
from exchange.deliveries.models import Delivery, Grant
from exchange.errors import N_, NotFound, Refusal, Refused
from exchange.negotiations import moves, standing
from exchange.negotiations.models import Contract
from exchange.permissions import Actor, Permission, require

GRANT_LIFE = timedelta(hours=1)


class RefusedOnRecord(Refused):
    """A refusal whose record waits in the session: commit it, then answer."""


@dataclass(frozen=True)
class Ticket:
    """What one request may send: the file, under which contract and grant."""

    grant: Grant
    contract: Contract
    document: document.Contract
    asset: Asset

    @property
    def is_first(self) -> bool:
        """Whether nothing was fetched under this grant before: then it is a delivery of its own."""
        return self.grant.made_event is None


# --- use cases ----------------------------------------------------------------------------------------------------


def open_grant(
    session: Session, actor: Actor | None, contract_id: str, asset_id: str, now: datetime
) -> tuple[Ticket, str]:
    """A new grant and the token of its link, which is known to nobody afterwards."""
    actor = require(actor, Permission.RECEIVE)
    contract, asset = _lock_contract(session, actor, contract_id, asset_id, now)
    return _issue(session, actor, contract, asset, now)


def continue_or_open(session: Session, actor: Actor | None, contract_id: str, asset_id: str, now: datetime) -> Ticket:
    """The organisation's running grant for this file, so that a broken download goes on; else a new one."""
    actor = require(actor, Permission.RECEIVE)
    contract, asset = _lock_contract(session, actor, contract_id, asset_id, now)
    query = select(Grant).where(
        Grant.contract_id == contract.id, Grant.asset_id == asset.id, Grant.org_id == actor.org_id,
        col(Grant.revoked_at).is_(None), col(Grant.expires_at) > now, col(Grant.made_event).is_not(None),
    )  # fmt: skip
    running = session.exec(query.order_by(col(Grant.id).desc()).limit(1)).first()
    if running is None:
        return _issue(session, actor, contract, asset, now)[0]
    return _check(session, actor, Ticket(running, contract, document.parse(contract.payload), asset), now)


def present(session: Session, token: str, now: datetime) -> Ticket:
    """The ticket of a link. An unknown token is NotFound; a known one that holds no more is refused on record."""
    grant = session.exec(select(Grant).where(Grant.token_hash == hash_token(token))).first()
    if grant is None:
        raise NotFound("grant")
    contract, asset = session.get_one(Contract, grant.contract_id), session.get_one(Asset, grant.asset_id)
    moves.lock(session, contract.negotiation_id)
    session.refresh(contract)
    session.refresh(grant)
    ticket = Ticket(grant, contract, document.parse(contract.payload), asset)
    return _check(session, gate.holder_of(session, grant), ticket, now)


def start(session: Session, ticket: Ticket, first: int, end: int, now: datetime) -> Delivery:
    """Note that bytes ``first`` up to ``end`` are about to be sent; the grant's first time is its delivery.made.

    Commit and sequence (identity.commit_logged) before the first byte leaves.
    """
    grant, contract, asset = ticket.grant, ticket.contract, ticket.asset
    if grant.made_event is None:
        grant.made_event = audit.record(
            session, "delivery.made", gate.holder_of(session, grant), on=standing.subjects(contract), now=now,
            hashes={"contract": contract.sha256, "file": asset.digest},
            details={"bytes": asset.bytes, "rows": asset.rows, "version": contract.version, "grant": grant.id},
        )  # fmt: skip
        session.add(grant)
    made = Delivery(
        contract_id=contract.id, grant_id=grant.id, asset_id=asset.id, org_id=grant.org_id, status="made",
        first_byte=first, end_byte=end, at=now, event_id=grant.made_event,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def still_allowed(session: Session, ticket: Ticket, now: datetime) -> Refusal | None:
    """Why the stream under this ticket must stop now, or None. The document was read once; the facts are fresh."""
    grant, contract = session.get(Grant, ticket.grant.id), session.get(Contract, ticket.contract.id)
    if grant is None or contract is None or grant.revoked_at is not None:
        return _grant_over()
    if gate.is_out(session, grant):
        return _grant_over()
    return gate.why_not(session, contract, ticket.document, now)


def finish(session: Session, delivery_id: str, ticket: Ticket, sent: int, cut: Refusal | None, now: datetime) -> None:
    """Note how many bytes left. A stream that was cut is a refusal on record, saying how far it had come."""
    made = session.get_one(Delivery, delivery_id)
    made.bytes_sent, made.ended_at = sent, now
    made.complete = sent == (made.end_byte or 0) - (made.first_byte or 0)
    if cut is not None:
        made.code = cut.code
        contract = session.get_one(Contract, ticket.contract.id)
        details: dict[str, int | str | bool] = {"sent": sent}
        if contract.ended_at is not None:  # how long after the end the last byte left
            details["after_ms"] = max(0, (now - contract.ended_at) // timedelta(milliseconds=1))
        _record_refusal(session, gate.holder_of(session, ticket.grant), standing.subjects(contract), cut, now, details)
    session.add(made)


def revoke_grant(session: Session, actor: Actor | None, grant_id: str, now: datetime) -> Grant:
    """Make a link worthless, a running stream under it included."""
    actor = require(actor, Permission.RECEIVE)
    grant = session.get(Grant, grant_id)
    if grant is None or grant.org_id != actor.org_id:
        raise NotFound(grant_id)
    if grant.revoked_at is None:
        grant.revoked_at = now
        session.add(grant)
    return grant


# --- reading ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shelf:
    """A contract's files and what was fetched of them, as one of its parties sees it."""

    contract: Contract
    files: list[Asset]
    deliveries: list[Delivery]
    names: dict[str, str]  # file name by asset id
    made: int
    limit: int | None
    refusal: Refusal | None  # why nothing can be fetched now
    is_buyer: bool


def shelf(session: Session, actor: Actor | None, contract_id: str, now: datetime, limit: int = 50) -> Shelf:
    """The files and latest deliveries of one contract, for its parties (and a regulator, see oversight)."""
    papers = standing.papers(session, actor, contract_id)
    made = count_made(session, contract_id)
    files = files_of(session, papers.row, papers.document)
    return Shelf(
        contract=papers.row,
        files=files,
        deliveries=deliveries_of(session, contract_id, limit),
        names={asset.id: asset.file_name for asset in files},
        made=made,
        limit=papers.document.terms.max_deliveries,
        refusal=gate.why_not(session, papers.row, papers.document, now, made=made),
        is_buyer=actor is not None and actor.org_id == papers.row.buyer_org_id,
    )


def deliveries_of(session: Session, contract_id: str, limit: int = 1000) -> list[Delivery]:
    """What was fetched and refused under a contract, newest first. The caller has checked who reads."""
    query = select(Delivery).where(Delivery.contract_id == contract_id).order_by(col(Delivery.id).desc())
    return list(session.exec(query.limit(limit)))


def count_made(session: Session, contract_id: str) -> int:
    """Deliveries that count against ``max_deliveries``: grants under which something was fetched."""
    query = select(func.count()).where(col(Grant.contract_id) == contract_id, col(Grant.made_event).is_not(None))
    return session.exec(query).one()


def files_of(session: Session, contract: Contract, signed: document.Contract) -> list[Asset]:
    """The stored files that the signed document names by their digests; nothing else is ever handed out."""
    query = (
        select(Asset)
        .join(ListingVersion, col(ListingVersion.asset_id) == col(Asset.id))
        .where(ListingVersion.listing_id == contract.listing_id, ListingVersion.number == contract.version)
    )
    named = {ref.sha256 for ref in signed.assets}
    return [asset for asset in session.exec(query) if asset.digest in named]


def hash_token(token: str) -> str:
    """What is stored of a link's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


# --- inside -------------------------------------------------------------------------------------------------------


def _lock_contract(
    session: Session, actor: Actor, contract_id: str, asset_id: str, now: datetime
) -> tuple[Contract, Asset]:
    """The contract, ours until commit (the lock that ending takes too), and the file; refused on record otherwise."""
    contract = session.get(Contract, contract_id)
    if contract is None or contract.buyer_org_id != actor.org_id:
        raise _refuse(session, actor, contract, None, _no_contract(), now)
    moves.lock(session, contract.negotiation_id)
    session.refresh(contract)
    files = files_of(session, contract, document.parse(contract.payload))
    asset = next((file for file in files if file.id == asset_id), None)
    if asset is None:
        raise _refuse(session, actor, contract, None, _no_such_file(), now)
    return contract, asset


def _issue(session: Session, actor: Actor, contract: Contract, asset: Asset, now: datetime) -> tuple[Ticket, str]:
    token = secrets.token_urlsafe(32)
    over = first_moment(contract.ends) + timedelta(days=1)
    grant = Grant(
        contract_id=contract.id, asset_id=asset.id, org_id=actor.org_id, user_id=actor.user_id,
        token_hash=hash_token(token), issued_at=now, expires_at=min(over, now + GRANT_LIFE),
    )  # fmt: skip
    ticket = _check(session, actor, Ticket(grant, contract, document.parse(contract.payload), asset), now)
    session.add(grant)
    session.flush()
    return ticket, token


def _check(session: Session, actor: Actor, ticket: Ticket, now: datetime) -> Ticket:
    """The ticket, or the refusal put on record."""
    grant, contract = ticket.grant, ticket.contract
    used = count_made(session, contract.id) if ticket.is_first else 0  # a grant that began may be finished
    denied = gate.against(session, contract, ticket.document, now, made=used)
    if denied:
        raise _refuse(session, actor, contract, ticket, denied[0], now, also=denied[1:])
    if grant.revoked_at is not None or now >= grant.expires_at or gate.is_out(session, grant):
        raise _refuse(session, actor, contract, ticket, _grant_over(), now)
    return ticket


def _refuse(
    session: Session, actor: Actor, contract: Contract | None, ticket: Ticket | None, why: Refusal, now: datetime,
    *, also: Sequence[Refusal] = (),
) -> RefusedOnRecord:  # fmt: skip
    """Put the refusal on record: in the log and, where a contract is concerned, in its list of deliveries.

    Whoever asked is told what else bars it; the record names the first reason.
    """
    subjects = [f"org:{actor.org_id}"]
    if contract is not None:
        mine = actor.org_id == contract.buyer_org_id
        subjects = standing.subjects(contract) if mine else [*subjects, f"contract:{contract.id}"]
    event_id = _record_refusal(session, actor, subjects, why, now)
    known = ticket is not None and session.get(Grant, ticket.grant.id) is not None
    session.add(
        Delivery(
            contract_id=contract.id if contract else None,
            grant_id=ticket.grant.id if ticket and known else None,
            asset_id=ticket.asset.id if ticket else None,
            org_id=actor.org_id, status="refused", code=why.code, at=now, ended_at=now, event_id=event_id,
        )
    )  # fmt: skip
    return RefusedOnRecord(why, *also, status=403)


def _record_refusal(
    session: Session, actor: Actor, subjects: list[str], why: Refusal, now: datetime,
    details: Mapping[str, int | str | bool] | None = None,
) -> str:  # fmt: skip
    what = {"code": why.code, **(details or {})}
    return audit.record(session, "delivery.refused", actor, on=subjects, now=now, details=what)


def _no_contract() -> Refusal:
    # The same answer for a contract of others and for none at all: it does not tell which exist.
    return Refusal(
        "NO_CONTRACT",
        N_("Your organisation is not the buyer of such a contract, so the file is not handed out."),
        basis=N_("Decree 314/2026/NĐ-CP Art. 8.2c"),
        passes=N_("A contract in force: send a request on the listing's page and sign it with the seller."),
    )


def _no_such_file() -> Refusal:
    return Refusal(
        "FILE_NOT_IN_CONTRACT",
        N_("The signed contract does not name this file."),
        passes=N_("One of the files listed on the contract's page."),
    )


def _grant_over() -> Refusal:
    return Refusal(
        "GRANT_OVER",
        N_("This download link is no longer valid."),
        passes=N_("A new link from the contract's page."),
    )
