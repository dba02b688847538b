"""Pages: suspend and resume a contract, propose its successor, state and answer what became of the data at the end."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from contracts import canonical, statement
from contracts.duty import Duty
from contracts.errors import ContractsError
from contracts.standing import PARTY_CODES, Holder, SuspendCode
from contracts.terms import today
from exchange import clock, identity
from exchange.accounts.forms import load, page
from exchange.accounts.keys import keys_of
from exchange.errors import N_, Refused
from exchange.negotiations import (
    contract_web,
    duties,
    holds,
    life,
    life_api,
    life_schemas,
    pages,
    rules,
    schemas,
    service,
    standing,
    successors,
)
from exchange.negotiations.contract_web import blueprint
from exchange.negotiations.models import Contract, Negotiation
from exchange.permissions import Permission, needs

HOLDERS = {
    Holder.PROVIDER: N_("Suspended by the seller"),
    Holder.CONSUMER: N_("Suspended by the buyer"),
    Holder.LISTING: N_("Suspended with its listing, by the operator or a regulator"),
}
CODES = {
    SuspendCode.BREACH: N_("A suspected breach of the contract"),
    SuspendCode.SECURITY: N_("A security or data incident"),
    SuspendCode.CLAIM: N_("A third party claims rights in the data"),
    SuspendCode.PAYMENT: N_("Payment is missing"),
    SuspendCode.AUTHORITY: N_("An order of a competent authority"),
    SuspendCode.OTHER: N_("Another reason"),
    SuspendCode.LISTING: N_("The listing was stopped"),
}
KINDS = {
    successors.AMENDMENT: N_("Amendment"),
    successors.RENEWAL: N_("Renewal"),
}
DEEDS = {
    statement.Deed.DESTROYED: N_("All data and every copy of them were destroyed"),
    statement.Deed.RETURNED: N_("All data were returned, and no copy was kept"),
    statement.Deed.NONE_RECEIVED: N_("No data were received under this contract"),
}
DUTIES = {
    Duty.OWED: (N_("The statement is due"), "wait"),
    Duty.LATE: (N_("The statement is late"), "bad"),
    Duty.STATED: (N_("Stated; the seller has not answered"), "info"),
    Duty.DISPUTED: (N_("Disputed by the seller"), "bad"),
    Duty.ACKNOWLEDGED: (N_("Acknowledged by the seller"), "good"),
}


@blueprint.post("/<contract_id>/suspend")
@needs(Permission.SIGN)
def suspend(contract_id: str) -> AnyResponse:
    """Suspend it at once."""

    def do() -> None:
        form = load(schemas.EndForm)
        session, actor = identity.db_session(), identity.the_actor()
        holds.suspend(session, actor, contract_id, form["code"], form.get("reason") or "", clock.now())

    return _act(contract_id, do, _("The contract is suspended. Nothing is delivered until you resume it."))


@blueprint.post("/<contract_id>/resume")
@needs(Permission.SIGN)
def resume(contract_id: str) -> AnyResponse:
    """Lift one's own suspension."""

    def do() -> None:
        reason = load(life_schemas.ResumeForm).get("reason") or ""
        holds.resume(identity.db_session(), identity.the_actor(), contract_id, reason, clock.now())

    return _act(contract_id, do, _("Your suspension is lifted."))


@blueprint.post("/<contract_id>/amend")
@needs(Permission.SIGNED_IN)
def amend(contract_id: str) -> AnyResponse:
    """Propose other terms."""
    return _propose(contract_id, successors.AMENDMENT)


@blueprint.post("/<contract_id>/renew")
@needs(Permission.SIGNED_IN)
def renew(contract_id: str) -> AnyResponse:
    """Propose another term."""
    return _propose(contract_id, successors.RENEWAL)


def _propose(contract_id: str, kind: str) -> AnyResponse:
    session, actor = identity.db_session(), identity.the_actor()
    try:
        proposal = life_api.proposal_of(load(life_schemas.SuccessorForm), kind)
        made = successors.propose(session, actor, contract_id, proposal, clock.now())
    except Refused as refused:
        session.rollback()
        return contract_web.contract_page(contract_id, refused)
    session.commit()
    flash(_("The proposal is sent. The contract stays as it is until both sides have signed the new one."), "good")
    return redirect(url_for("negotiations.show", negotiation_id=made.id), 303)


@blueprint.post("/<contract_id>/statement")
@needs(Permission.SIGN)
def write_statement(contract_id: str) -> Response:
    """The statement as it would be signed, to be read and signed. Nothing is kept until it comes back signed."""
    session, actor = identity.db_session(), identity.the_actor()
    papers = standing.papers(session, actor, contract_id)
    try:
        form = load(life_schemas.DeedForm)
        drawn = statement.build(
            papers.document, deed=form["act"], on=form["on"], note=form.get("note") or "", nonce=os.urandom(16)
        )
    except Refused as refused:
        return contract_web.contract_page(contract_id, refused)
    except ContractsError as error:
        return contract_web.contract_page(contract_id, rules.say_error(error))
    return page(
        "negotiations/statement.html",
        papers=papers,
        drawn=drawn,
        deed=_(DEEDS[drawn.deed]),
        payload=canonical.b64url(drawn.payload),
        keys=keys_of(session, actor.org_id, active=True),
        key_owner=f"{actor.org_id}.{actor.user_id}",
    )


@blueprint.post("/<contract_id>/statement/sign")
@needs(Permission.SIGN)
def take_statement(contract_id: str) -> AnyResponse:
    """What statement.js posts: a flattened JWS with the statement in it."""
    do = partial(duties.state_destruction, identity.db_session(), identity.the_actor(), contract_id)
    done = _("Your statement is recorded. The seller can acknowledge or dispute it.")
    return contract_web.taken(do, done, url_for("contracts.show", contract_id=contract_id) + "#duty")


@blueprint.post("/<contract_id>/statement/answer")
@needs(Permission.SIGN)
def answer_statement(contract_id: str) -> AnyResponse:
    """The seller's word on the newest statement."""

    def do() -> None:
        form = load(life_schemas.AnswerForm)
        session, actor = identity.db_session(), identity.the_actor()
        duties.answer(session, actor, contract_id, form["answer"], form.get("reason") or "", clock.now())

    return _act(contract_id, do, _("Your answer is recorded."))


def _act(contract_id: str, do: Callable[[], None], done: str) -> AnyResponse:
    try:
        do()
    except Refused as refused:
        identity.db_session().rollback()
        return contract_web.contract_page(contract_id, refused)
    identity.commit_logged()
    flash(done, "good")
    return redirect(url_for("contracts.show", contract_id=contract_id) + "#life", 303)


@blueprint.app_template_global("life_of_contract")
def life_of_contract(contract_id: str) -> dict[str, Any]:
    """For _life.html and _duties.html, which the contract's page includes."""
    actor = identity.the_actor()
    found = life.life_of(identity.db_session(), actor, contract_id, clock.now())
    return {
        "it": found,
        "terms": found.papers.document.terms,
        "may_sign": actor.may(Permission.SIGN),
        "may_propose": found.papers.role is not None and actor.may(service.PERMISSION[found.papers.role]),
        "codes": [(str(code), _(CODES[code])) for code in PARTY_CODES],
        "code": lambda code: _(CODES[SuspendCode(code)]),
        "holder": lambda holder: _(HOLDERS[Holder(holder)]),
        "kind": _(KINDS[found.proposed.kind]) if found.proposed else "",
        "changes": _changes(found.proposed),
        "deeds": [(str(deed), _(text)) for deed, text in DEEDS.items()],
        "duty": [_(DUTIES[found.owed.state][0]), DUTIES[found.owed.state][1]] if found.owed.state in DUTIES else None,
        "deed_of": lambda row: _(DEEDS[statement.Deed(canonical.loads(row.payload)["act"])]),
        "note_of": lambda row: canonical.loads(row.payload)["note"],
        "day_of": lambda row: statement.check(row.payload, found.papers.document).on,
        "label": pages.label,
        "today": today(clock.now()).isoformat(),
    }


@blueprint.app_template_global("reasons_of_contract")
def reasons_of_contract(contract: Contract) -> dict[str, str]:
    """For the history on the contract's page: the reason that was given for each act, by the act's record."""
    session = identity.db_session()
    found = {contract.end_event: contract.end_reason}
    for hold in holds.holds_of(session, contract.id):
        found |= {hold.event_id: hold.reason, hold.resume_event: hold.resume_reason}
    for stated in duties.statements_of(session, contract.id):
        found[stated.answer_event] = stated.answer_reason
    return {event: reason for event, reason in found.items() if event and reason}


@blueprint.app_template_global("succession_of")
def succession_of(negotiation: Negotiation) -> dict[str, Any] | None:
    """For _follows.html, which the pages of a negotiation and of signing include: what the new one would replace."""
    found = successors.followed(identity.db_session(), negotiation)
    if found is None:
        return None
    return {"kind": _(KINDS[found.kind]), "contract": found.contract, "changes": _changes(found)}


def _changes(found: successors.Followed | None) -> list[dict[str, str]]:
    return [
        {
            "label": pages.label(change.field),
            "before": pages.shown(change.field, change.before),
            "after": pages.shown(change.field, change.after),
        }
        for change in (found.changes if found else ())
    ]
