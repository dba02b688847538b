"""JSON: approvals, and the rule that agrees to requests for a listing. What an organisation demands of itself can be
read here and is changed on the page only: no program may do away with what keeps it in check."""

from typing import Any

from marshmallow import RAISE

from exchange import clock, identity
from exchange.bodies import Blueprint
from exchange.errors import NotFound
from exchange.negotiations import api, approvals, automatic, schemas
from exchange.negotiations.models import AgreeRule
from exchange.permissions import Permission, needs

blueprint = Blueprint(
    "consents_api", __name__, url_prefix="/api/v1", description="Approvals inside an organisation; agreeing by rule"
)


@blueprint.post("/negotiations/<negotiation_id>/approvals")
@needs(Permission.SIGNED_IN)
@blueprint.arguments(schemas.ApprovalForm(unknown=RAISE))
@blueprint.response(201, schemas.NegotiationView)
def approve(body: dict[str, Any], negotiation_id: str) -> dict[str, Any]:
    """Approve, as a person, the terms on the table or signing the contract drawn up, for your own side"""
    approvals.approve(
        identity.db_session(), identity.the_actor(), negotiation_id, body["what"], body["digest"], clock.now()
    )
    return api.done(negotiation_id)


@blueprint.post("/negotiations/<negotiation_id>/approvals/<approval_id>/withdraw")
@needs(Permission.SIGNED_IN)
@blueprint.response(200, schemas.NegotiationView)
def withdraw(negotiation_id: str, approval_id: str) -> dict[str, Any]:
    """Take an approval back before it was used"""
    approvals.withdraw(identity.db_session(), identity.the_actor(), approval_id, clock.now())
    return api.done(negotiation_id)


@blueprint.get("/me/approval-rule")
@needs(Permission.SIGNED_IN)
@blueprint.response(200, schemas.ApprovalRuleView)
def approval_rule() -> dict[str, Any]:
    """What your organisation demands of itself before it is bound"""
    rule = approvals.rule_of(identity.db_session(), identity.the_actor().org_id)
    return {"role": rule.role if rule else None, "second_signer": bool(rule and rule.second_signer)}


@blueprint.get("/listings/<listing_id>/agree-rule")
@needs(Permission.NEGOTIATE)
@blueprint.response(200, schemas.AgreeRuleView)
def agree_rule(listing_id: str) -> dict[str, Any]:
    """The rule by which requests for your listing are agreed to at once; 404 when there is none"""
    rule = automatic.rule_of(identity.db_session(), identity.the_actor(), listing_id)
    if rule is None:
        raise NotFound(listing_id)
    return _view(rule)


@blueprint.put("/listings/<listing_id>/agree-rule")
@needs(Permission.NEGOTIATE)
@blueprint.arguments(schemas.AgreeRuleForm(unknown=RAISE))
@blueprint.response(200, schemas.AgreeRuleView)
def set_agree_rule(body: dict[str, Any], listing_id: str) -> dict[str, Any]:
    """Agree at once to requests on this listing's unchanged offer"""
    session = identity.db_session()
    rule = automatic.set_rule(
        session, identity.the_actor(), listing_id, body["min_level"], body.get("max_price_vnd"), clock.now()
    )
    session.commit()
    return _view(rule)


@blueprint.delete("/listings/<listing_id>/agree-rule")
@needs(Permission.NEGOTIATE)
@blueprint.response(204)
def end_agree_rule(listing_id: str) -> None:
    """End the rule: a person answers from now on"""
    session = identity.db_session()
    automatic.end_rule(session, identity.the_actor(), listing_id, clock.now())
    session.commit()


def _view(rule: AgreeRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in type(rule).model_fields}
