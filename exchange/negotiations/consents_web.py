"""Pages: approvals inside an organisation, what it demands of itself, and the rule that agrees to requests."""

from flask import Response, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts.forms import load, page
from exchange.accounts.rules import roles_for
from exchange.catalogue import service as catalogue
from exchange.errors import Refused
from exchange.negotiations import approvals, automatic, schemas
from exchange.negotiations.web import act_on, blueprint
from exchange.permissions import Permission, needs


@blueprint.post("/negotiations/<negotiation_id>/approve")
@needs(Permission.SIGNED_IN)
def approve(negotiation_id: str) -> AnyResponse:
    """A person's yes, for their own side."""

    def do() -> None:
        form = load(schemas.ApprovalForm)
        approvals.approve(
            identity.db_session(), identity.the_actor(), negotiation_id, form["what"], form["digest"], clock.now()
        )

    return act_on(negotiation_id, "approve", do, _("Your approval is recorded."))


@blueprint.post("/negotiations/<negotiation_id>/approvals/<approval_id>/withdraw")
@needs(Permission.SIGNED_IN)
def withdraw_approval(negotiation_id: str, approval_id: str) -> AnyResponse:
    """Take it back, as long as nothing rests on it."""

    def do() -> None:
        approvals.withdraw(identity.db_session(), identity.the_actor(), approval_id, clock.now())

    return act_on(negotiation_id, "approve", do, _("The approval is withdrawn."))


@blueprint.get("/me/approvals")
@needs(Permission.MANAGE_MEMBERS)
def approval_rule() -> Response:
    """What the organisation demands of itself before it is bound."""
    return _rule_page()


@blueprint.post("/me/approvals")
@needs(Permission.MANAGE_MEMBERS)
def set_approval_rule() -> AnyResponse:
    """Change it; it applies from now on."""
    session = identity.db_session()
    try:
        form = load(schemas.ApprovalRuleForm)
        approvals.set_rule(session, identity.the_actor(), form["role"], form["second_signer"], clock.now())
    except Refused as refused:
        session.rollback()
        return _rule_page(refused)
    session.commit()
    flash(_("Saved. It applies from now on."), "good")
    return redirect(url_for("negotiations.approval_rule"), 303)


def _rule_page(refused: Refused | None = None) -> Response:
    actor = identity.the_actor()
    rule = approvals.rule_of(identity.db_session(), actor.org_id)
    return page("negotiations/approval_rule.html", refused, rule=rule, roles=roles_for(actor.kind))


@blueprint.get("/listings/<listing_id>/agreeing")
@needs(Permission.NEGOTIATE)
def agree_rule(listing_id: str) -> Response:
    """Whether requests for one of one's listings are agreed to by rule, and which."""
    return _agree_page(listing_id)


@blueprint.post("/listings/<listing_id>/agreeing")
@needs(Permission.NEGOTIATE)
def set_agree_rule(listing_id: str) -> AnyResponse:
    """Set the rule."""
    session = identity.db_session()
    try:
        form = load(schemas.AgreeRuleForm)
        automatic.set_rule(
            session, identity.the_actor(), listing_id, form["min_level"], form.get("max_price_vnd"), clock.now()
        )
    except Refused as refused:
        session.rollback()
        return _agree_page(listing_id, refused)
    session.commit()
    flash(_("The rule is set. It agrees to requests from now on."), "good")
    return redirect(url_for("negotiations.agree_rule", listing_id=listing_id), 303)


@blueprint.post("/listings/<listing_id>/agreeing/end")
@needs(Permission.NEGOTIATE)
def end_agree_rule(listing_id: str) -> AnyResponse:
    """From now on a person answers."""
    session = identity.db_session()
    try:
        automatic.end_rule(session, identity.the_actor(), listing_id, clock.now())
    except Refused as refused:
        session.rollback()
        return _agree_page(listing_id, refused)
    session.commit()
    flash(_("The rule has ended. From now on a person of your organisation answers requests."), "good")
    return redirect(url_for("negotiations.agree_rule", listing_id=listing_id), 303)


def _agree_page(listing_id: str, refused: Refused | None = None) -> Response:
    session, actor = identity.db_session(), identity.the_actor()
    rule = automatic.rule_of(session, actor, listing_id)
    shown = catalogue.for_reader(session, actor, listing_id)
    return page("negotiations/agree_rule.html", refused, rule=rule, listing=shown.listing, version=shown.version)
