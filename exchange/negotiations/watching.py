"""Whether anything has moved since a page was made: a short name for the state of a negotiation and its contract.

The page's script asks for it every few seconds (watch.js), so it costs three look-ups by key and reads no document.
"""

from hashlib import sha256

from flask import Response, jsonify, request
from sqlmodel import Session, col, select

from exchange.catalogue.models import Listing
from exchange.errors import NotFound
from exchange.ledger.models import LastEvent
from exchange.negotiations.models import Contract, Negotiation
from exchange.permissions import Actor


def version_of(session: Session, actor: Actor, negotiation_id: str | None) -> str:
    """The name of what the parties see now. Parties only: an official's looks are recorded, and this is no look."""
    row = session.get(Negotiation, negotiation_id) if negotiation_id else None
    if row is None or row.role_of(actor.org_id) is None:
        raise NotFound(negotiation_id)
    drawn = select(Contract.id).where(Contract.negotiation_id == row.id).order_by(col(Contract.agreed_at).desc())
    contract_id = session.exec(drawn).first()
    recorded = session.exec(select(LastEvent.event_id).where(col(LastEvent.subject) == f"contract:{contract_id}"))
    listing = session.get_one(Listing, row.listing_id).state
    seen = f"{row.state} {row.updated_at.isoformat()} {contract_id} {recorded.first()} {listing}"
    return sha256(seen.encode()).hexdigest()[:16]


def negotiation_of(session: Session, contract_id: str) -> str | None:
    """The negotiation that led to a contract."""
    return session.exec(select(Contract.negotiation_id).where(Contract.id == contract_id)).first()


def answer(version: str) -> Response:
    """The version with its ETag; 304 and nothing else to a script that knows it already (RFC 9110 section 13.1.2)."""
    response = jsonify(version=version)
    response.set_etag(version)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response
