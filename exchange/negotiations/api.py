"""JSON: request, negotiate, sign and end. The same fields, rules and use cases as the pages."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from flask import Response
from marshmallow import RAISE
from sqlmodel import SQLModel

from contracts import canonical
from contracts.change import redline
from contracts.forms import SUFFIX
from contracts.log.proof import format_proof
from exchange import clock, identity, looks
from exchange.bodies import Blueprint
from exchange.error_pages import say
from exchange.errors import NotFound
from exchange.i18n import language
from exchange.limits import DRAWINGS, by_organisation, limiter
from exchange.negotiations import (
    agreements,
    approvals,
    automatic,
    checking,
    opening,
    paper,
    redraw,
    rules,
    schemas,
    service,
    standing,
)
from exchange.negotiations.models import Contract, Negotiation
from exchange.permissions import Permission, needs

T = TypeVar("T")
FILE_TYPES = {"cades": "application/pkcs7-signature", "pades": "application/pdf"}
negotiations = Blueprint(
    "negotiations_api", __name__, url_prefix="/api/v1/negotiations", description="From a request to agreed terms"
)
contracts = Blueprint(
    "contracts_api", __name__, url_prefix="/api/v1/contracts", description="Contracts: sign, prove, end"
)


@negotiations.post("")
@needs(Permission.REQUEST)
@negotiations.arguments(schemas.RequestJson(unknown=RAISE))
@negotiations.response(201, schemas.NegotiationView)
def request_access(body: dict[str, Any]) -> dict[str, Any]:
    """Ask for access to a listing. Where the seller's rule says yes at once, the answer has a contract_id"""
    wish = schemas.wish_of(body)
    found, contract = automatic.request_access(
        identity.db_session(), identity.the_actor(), body["listing_id"], wish, clock.now()
    )  # fmt: skip
    if contract is None:
        return done(found.id)
    identity.commit_logged()
    return _shown(found.id)


@negotiations.get("")
@needs(Permission.SIGNED_IN)
@negotiations.arguments(schemas.PageQuery, location="query")
@negotiations.response(200, schemas.NegotiationView(many=True))
def listing(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Your organisation's negotiations, newest first"""
    found = service.negotiations_of(identity.db_session(), identity.the_actor(), **query)
    return [_row(negotiation) for negotiation in found]


@negotiations.get("/<negotiation_id>")
@needs(Permission.SIGNED_IN)
@negotiations.response(200, schemas.NegotiationView)
def show(negotiation_id: str) -> dict[str, Any]:
    """One negotiation with every move"""
    return look(negotiation_id, lambda: _shown(negotiation_id), "negotiation")


@negotiations.post("/<negotiation_id>/offer")
@needs(Permission.NEGOTIATE)
@negotiations.arguments(schemas.OfferForm(unknown=RAISE))
@negotiations.response(200, schemas.NegotiationView)
def offer(body: dict[str, Any], negotiation_id: str) -> dict[str, Any]:
    """Other terms, as the seller; what you leave out stays as it is"""
    return _counter(body, negotiation_id)


@negotiations.post("/<negotiation_id>/request")
@needs(Permission.REQUEST)
@negotiations.arguments(schemas.CounterForm(unknown=RAISE))
@negotiations.response(200, schemas.NegotiationView)
def request_again(body: dict[str, Any], negotiation_id: str) -> dict[str, Any]:
    """Other terms, as the buyer, in answer to a counter-offer; what you leave out stays as it is"""
    return _counter(body, negotiation_id)


def _counter(body: dict[str, Any], negotiation_id: str) -> dict[str, Any]:
    service.counter(
        identity.db_session(), identity.the_actor(), negotiation_id, body["terms"], schemas.changes_of(body),
        clock.now(), note=body.get("note") or "",
    )  # fmt: skip
    return done(negotiation_id)


@negotiations.post("/terms/check")
@needs(Permission.REQUEST)
@negotiations.arguments(schemas.RequestJson(unknown=RAISE))
@negotiations.response(200, schemas.CheckedView)
def check_request(body: dict[str, Any]) -> dict[str, Any]:
    """What would be refused in this request and what would pass; nothing is sent or kept"""
    session, wish = identity.db_session(), schemas.wish_of(body)
    return _checked(checking.check_request(session, identity.the_actor(), body["listing_id"], wish, clock.now()))


@negotiations.post("/<negotiation_id>/terms/check")
@needs(Permission.SIGNED_IN)
@negotiations.arguments(schemas.CounterJson(unknown=RAISE))
@negotiations.response(200, schemas.CheckedView)
def check_counter(body: dict[str, Any], negotiation_id: str) -> dict[str, Any]:
    """What would be refused in these other terms and what would pass; nothing is sent or kept"""
    session, actor = identity.db_session(), identity.the_actor()
    thread = service.thread(session, actor, negotiation_id)
    return _checked(checking.check_counter(session, thread, schemas.changes_of(body), clock.now()))


@negotiations.post("/<negotiation_id>/accept")
@needs(Permission.REQUEST)
@negotiations.arguments(schemas.SeenForm(unknown=RAISE))
@negotiations.response(200, schemas.NegotiationView)
def accept(body: dict[str, Any], negotiation_id: str) -> dict[str, Any]:
    """Accept the seller's counter-offer"""
    service.accept(identity.db_session(), identity.the_actor(), negotiation_id, body["terms"], clock.now())
    return done(negotiation_id)


@negotiations.post("/<negotiation_id>/agree")
@needs(Permission.NEGOTIATE)
@negotiations.arguments(schemas.SeenForm(unknown=RAISE))
@negotiations.response(200, schemas.NegotiationView)
def agree(body: dict[str, Any], negotiation_id: str) -> dict[str, Any]:
    """Agree as the seller: the contract is drawn up, see contract_id"""
    agreements.agree(identity.db_session(), identity.the_actor(), negotiation_id, body["terms"], clock.now())
    identity.commit_logged()
    return _shown(negotiation_id)


@negotiations.post("/<negotiation_id>/terminate")
@needs(Permission.SIGNED_IN)
@negotiations.arguments(schemas.EndForm(unknown=RAISE))
@negotiations.response(200, schemas.NegotiationView)
def terminate(body: dict[str, Any], negotiation_id: str) -> dict[str, Any]:
    """End the negotiation, with a reason code and the reason in words: both sides read them"""
    code, reason = body["code"], body.get("reason") or ""
    service.terminate(identity.db_session(), identity.the_actor(), negotiation_id, code, reason, clock.now())
    return done(negotiation_id)


@contracts.get("")
@needs(Permission.SIGNED_IN)
@contracts.arguments(schemas.PageQuery, location="query")
@contracts.response(200, schemas.ContractView(many=True))
def contracts_of(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Your organisation's contracts, newest first"""
    found = standing.contracts_of(identity.db_session(), identity.the_actor(), **query)
    return [_contract_row(row) for row in found]


@contracts.get("/<contract_id>")
@needs(Permission.SIGNED_IN)
@contracts.response(200, schemas.ContractView)
def contract(contract_id: str) -> dict[str, Any]:
    """One contract: document, signatures, standing, receipts with their proofs"""
    return look(contract_id, lambda: _contract(contract_id), "contract")


@contracts.get("/<contract_id>/payload")
@needs(Permission.SIGNED_IN)
def payload(contract_id: str) -> Response:
    """The exact bytes that are signed"""
    found = papers(contract_id)
    return Response(found.row.payload, mimetype="application/json")


@contracts.get("/<contract_id>/jws")
@needs(Permission.SIGNED_IN)
def jws(contract_id: str) -> Response:
    """Contract and signatures as one JWS in general JSON serialization"""
    found = papers(contract_id)
    return Response(canonical.dumps(standing.signed_document(found)), mimetype="application/jose+json")


@contracts.get("/<contract_id>/contract.pdf")
@needs(Permission.SIGNED_IN)
@limiter.limit(DRAWINGS, key_func=by_organisation)
def pdf(contract_id: str) -> Response:
    """The contract as PDF/A-3 with the signed bytes attached, unsigned; for certificates to sign"""
    return drawn(papers(contract_id))


@contracts.post("/<contract_id>/signatures")
@needs(Permission.SIGN)
@contracts.arguments(schemas.SignatureJson)
@contracts.response(201, schemas.ContractView)
def sign(body: dict[str, Any], contract_id: str) -> dict[str, Any]:
    """Hand in your organisation's signature: a flattened JWS over the payload, or a file signed elsewhere"""
    agreements.sign(identity.db_session(), identity.the_actor(), contract_id, body, clock.now())
    identity.commit_logged()
    return _contract(contract_id)


@contracts.post("/<contract_id>/redraw")
@needs(Permission.SIGN)
@contracts.response(201, schemas.ContractView)
def draw_again(contract_id: str) -> dict[str, Any]:
    """Draw the contract up again with the keys that are valid now; what was signed of the older document is void"""
    found = redraw.redraw(identity.db_session(), identity.the_actor(), contract_id, clock.now())
    identity.commit_logged()
    return _contract(found.id)


@contracts.get("/<contract_id>/signatures/<org_id>/file")
@needs(Permission.SIGNED_IN)
def signed_file(contract_id: str, org_id: str) -> Response:
    """The file in which an organisation handed in its signature: .p7s (CAdES) or .pdf (PAdES)"""
    return file_of(papers(contract_id), org_id)


@contracts.post("/<contract_id>/end")
@needs(Permission.SIGN)
@contracts.arguments(schemas.EndForm(unknown=RAISE))
@contracts.response(200, schemas.ContractView)
def end(body: dict[str, Any], contract_id: str) -> dict[str, Any]:
    """End the contract before its term is over, with a reason"""
    agreements.end_contract(
        identity.db_session(), identity.the_actor(), contract_id, body["code"], body.get("reason") or "", clock.now()
    )
    identity.commit_logged()
    return _contract(contract_id)


def look(subject_id: str, read: Callable[[], T], kind: str) -> T:
    """Read somebody's papers; an official does so under a warrant, and the look is recorded before it is answered."""
    actor = identity.the_actor()
    if not actor.may(Permission.AUDIT):
        return read()
    session = identity.writing_session()
    found = read()
    looks.record(session, actor, kind, [f"{kind}:{subject_id}"], clock.now())
    session.commit()
    return found


def file_of(found: standing.Papers, org_id: str) -> Response:
    """The file of an organisation's signature; a JWS is none."""
    entry = next((entry for entry in found.signatures if entry.org_id == org_id and entry.evidence), None)
    if entry is None or entry.evidence is None:
        raise NotFound()
    name = f"{found.row.id}.{entry.org_id}.{SUFFIX[entry.form]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(entry.evidence, mimetype=FILE_TYPES[entry.form], headers=headers)


def papers(contract_id: str) -> standing.Papers:
    """One contract's papers for this reader."""
    return look(
        contract_id, lambda: standing.papers(identity.db_session(), identity.the_actor(), contract_id), "contract"
    )


def drawn(found: standing.Papers) -> Response:
    """The contract's PDF as an answer."""
    headers = {
        "Content-Disposition": f'attachment; filename="{found.row.id}.pdf"', "Cache-Control": "private, no-store",
    }  # fmt: skip
    return Response(paper.pdf_of(found.row.payload), mimetype="application/pdf", headers=headers)


def done(negotiation_id: str) -> dict[str, Any]:
    """Commit, and the negotiation as it stands then."""
    identity.db_session().commit()
    return _shown(negotiation_id)


def _checked(found: checking.Checked) -> dict[str, Any]:
    lines = [
        (change, redline(change, language(), found.role), redline(change, language(), found.other))
        for change in found.changes
    ]
    return {
        "terms": found.terms.to_json(),
        "terms_hash": found.terms.hash,
        "problems": [say(refusal) for refusal in found.refusals],
        "changes": [{**asdict(line), "field": change.field, "for_other": told.for_you} for change, line, told in lines],
    }


def _row(negotiation: Negotiation) -> dict[str, Any]:
    role = negotiation.role_of(identity.the_actor().org_id)
    now = clock.now()
    acts = sorted(service.allowed_acts(identity.db_session(), negotiation, role, now))
    return _columns(negotiation) | {"lapsed": rules.is_lapsed(negotiation, now), "allowed": acts}


def _shown(negotiation_id: str) -> dict[str, Any]:
    thread = service.thread(identity.db_session(), identity.the_actor(), negotiation_id)
    more = {"contract_id": thread.contract_id, "terms": thread.terms.to_json(), "approvals": _panels(thread)}
    return _row(thread.negotiation) | more | {"moves": [_columns(move) for move in thread.moves]}


def _panels(thread: service.Thread) -> list[dict[str, Any]]:
    found = approvals.panels(identity.db_session(), identity.the_actor(), thread.negotiation)
    return [
        {
            "what": panel.what,
            "digest": panel.digest,
            "roles": panel.roles,
            "given": [_columns(row) | {"by": name} for row, name in panel.given],
        }
        for panel in found
    ]


def _columns(row: SQLModel) -> dict[str, Any]:
    """A row's plain values; the schema of the answer chooses among them."""
    return {name: getattr(row, name) for name in type(row).model_fields}


def _contract_row(row: Contract) -> dict[str, Any]:
    return _columns(row) | {"standing": str(standing.standing_of(identity.db_session(), row, clock.now()))}


def _contract(contract_id: str) -> dict[str, Any]:
    session = identity.db_session()
    found = standing.papers(session, identity.the_actor(), contract_id)
    older, newer = redraw.redraws(session, contract_id), redraw.redrawn_as(session, contract_id)
    return _contract_row(found.row) | {
        "redraws": older and older.old_id,
        "redrawn_as": newer and newer.new_id,
        "cannot_sign": [vars(need) for need in redraw.needs(session, found)],
        "unsigned": found.unsigned,
        "document": canonical.loads(found.row.payload),
        "signatures": [_columns(entry) | {"subject": opening.subject_of(entry)} for entry in found.signatures],
        "receipts": [_receipt(receipt) for receipt in standing.receipts_of(session, found, identity.the_actor())],
    }


def _receipt(receipt: standing.Receipt) -> dict[str, Any]:
    proof = receipt.proof
    return {
        "event": receipt.event,
        "event_id": receipt.event_id,
        "at": receipt.at,
        "org_id": receipt.org_id,
        "log_index": proof.index if proof else None,
        "entry": receipt.entry.decode() if proof else None,
        "proof": format_proof(proof) if proof else None,
        "private": receipt.private,
    }
