"""JSON: suspend, resume, amend, renew, and the statement of destruction at the end; and a contract's life as it is."""

from typing import Any

from marshmallow import RAISE

from exchange import clock, identity
from exchange.negotiations import api, duties, holds, life, life_schemas, schemas, successors
from exchange.negotiations.api import contracts as blueprint
from exchange.permissions import Permission, needs


@blueprint.get("/<contract_id>/life")
@needs(Permission.SIGNED_IN)
@blueprint.response(200, life_schemas.LifeView)
def show_life(contract_id: str) -> dict[str, Any]:
    """What has happened to the contract since it was signed, and what is owed"""
    return api.look(contract_id, lambda: _life(contract_id), "contract")


@blueprint.post("/<contract_id>/suspend")
@needs(Permission.SIGN)
@blueprint.arguments(schemas.EndForm(unknown=RAISE))
@blueprint.response(200, life_schemas.LifeView)
def suspend(body: dict[str, Any], contract_id: str) -> dict[str, Any]:
    """Suspend the contract at once, with a reason; only your side can resume it"""
    session, actor = identity.db_session(), identity.the_actor()
    holds.suspend(session, actor, contract_id, body["code"], body.get("reason") or "", clock.now())
    return _done(contract_id)


@blueprint.post("/<contract_id>/resume")
@needs(Permission.SIGN)
@blueprint.arguments(life_schemas.ResumeForm(unknown=RAISE))
@blueprint.response(200, life_schemas.LifeView)
def resume(body: dict[str, Any], contract_id: str) -> dict[str, Any]:
    """Lift your side's suspension, with a reason"""
    reason = body.get("reason") or ""
    holds.resume(identity.db_session(), identity.the_actor(), contract_id, reason, clock.now())
    return _done(contract_id)


@blueprint.post("/<contract_id>/amend")
@needs(Permission.SIGNED_IN)
@blueprint.arguments(life_schemas.SuccessorForm(unknown=RAISE))
@blueprint.response(201, schemas.NegotiationView)
def amend(body: dict[str, Any], contract_id: str) -> dict[str, Any]:
    """Propose other terms: a negotiation about a new contract that takes this one's place once both have signed it"""
    return _propose(body, contract_id, successors.AMENDMENT)


@blueprint.post("/<contract_id>/renew")
@needs(Permission.SIGNED_IN)
@blueprint.arguments(life_schemas.SuccessorForm(unknown=RAISE))
@blueprint.response(201, schemas.NegotiationView)
def renew(body: dict[str, Any], contract_id: str) -> dict[str, Any]:
    """Propose another term, on what the listing offers now"""
    return _propose(body, contract_id, successors.RENEWAL)


@blueprint.post("/<contract_id>/statements")
@needs(Permission.SIGN)
@blueprint.arguments(life_schemas.StatementJson)
@blueprint.response(201, life_schemas.LifeView)
def state_destruction(body: dict[str, Any], contract_id: str) -> dict[str, Any]:
    """Hand in the buyer's signed statement of what became of the data: a flattened JWS with its payload"""
    duties.state_destruction(identity.db_session(), identity.the_actor(), contract_id, body, clock.now())
    return _done(contract_id)


@blueprint.post("/<contract_id>/statements/answer")
@needs(Permission.SIGN)
@blueprint.arguments(life_schemas.AnswerForm(unknown=RAISE))
@blueprint.response(200, life_schemas.LifeView)
def answer_statement(body: dict[str, Any], contract_id: str) -> dict[str, Any]:
    """Acknowledge the buyer's newest statement as the seller, or dispute it with a reason"""
    session, actor, reason = identity.db_session(), identity.the_actor(), body.get("reason") or ""
    duties.answer(session, actor, contract_id, body["answer"], reason, clock.now())
    return _done(contract_id)


def proposal_of(form: dict[str, Any], kind: str) -> successors.Proposal:
    """The proposal that a loaded SuccessorForm states."""
    return successors.Proposal(kind, schemas.changes_of(form), form.get("note") or "")


def _propose(body: dict[str, Any], contract_id: str, kind: str) -> dict[str, Any]:
    session, actor = identity.db_session(), identity.the_actor()
    made = successors.propose(session, actor, contract_id, proposal_of(body, kind), clock.now())
    return api.done(made.id)


def _done(contract_id: str) -> dict[str, Any]:
    identity.commit_logged()
    return _life(contract_id)


def _life(contract_id: str) -> dict[str, Any]:
    found = life.life_of(identity.db_session(), identity.the_actor(), contract_id, clock.now())
    row, running, proposed = found.papers.row, found.negotiation, found.proposed
    return {
        "contract_id": row.id,
        "standing": str(found.standing),
        **{name: getattr(row, name) for name in ("ended_at", "ended_by", "end_code", "end_reason")},
        "holds": found.holds,
        "proposed": None if running is None or proposed is None else {
            "negotiation_id": running.id, "kind": proposed.kind, "state": str(running.state),
            "terms_hash": running.terms_hash, "changes": proposed.changes,
        },
        "successor_id": found.successor.id if found.successor else None,
        "predecessor_id": found.predecessor.id if found.predecessor else None,
        "duty": found.owed,
    }  # fmt: skip
