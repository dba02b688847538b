"""Pages: one's contracts, one contract with its proofs, signing it (the one page that needs script), ending it."""

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, Response, current_app, flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from contracts import canonical, text
from contracts.forms import SUFFIX
from contracts.log.proof import format_proof
from exchange import clock, identity
from exchange.accounts.forms import load, page
from exchange.accounts.keys import keys_of
from exchange.accounts.models import Organisation
from exchange.bodies import json_or_none
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Listing
from exchange.error_pages import say
from exchange.errors import Refused
from exchange.i18n import language
from exchange.limits import DRAWINGS, by_organisation, limiter
from exchange.negotiations import (
    agreements,
    api,
    approvals,
    lists,
    opening,
    pages,
    redraw,
    rounds,
    rules,
    schemas,
    standing,
    watching,
)
from exchange.negotiations.models import Contract, Negotiation
from exchange.negotiations.standing import Papers
from exchange.permissions import Permission, needs

blueprint = Blueprint("contracts", __name__, url_prefix="/contracts")


@blueprint.get("")
@needs(Permission.SIGNED_IN)
def index() -> Response:
    """Mine, on either side, newest first."""
    session, actor = identity.db_session(), identity.the_actor()
    show = request.args.get("show", "")
    found = lists.contracts(session, actor, show, request.args.get("before"), clock.now())
    return page(
        "negotiations/contracts.html",
        rows=[_row(row) for row in found.rows],
        older=found.older,
        filters=[(key, _(text), found.counts[key]) for key, text in lists.CONTRACTS.items()],
        show=show if show in lists.CONTRACTS else "",
        stuck=redraw.waiting_on_keys(session, actor),
        suspect=redraw.signed_since(session, actor),
    )


def _row(row: Contract) -> dict[str, Any]:
    session, actor = identity.db_session(), identity.the_actor()
    papers = standing.papers_of(session, row, actor)
    other = row.buyer_org_id if actor.org_id == row.provider_org_id else row.provider_org_id
    return {
        "row": row,
        "name": catalogue.the_version(session, row.listing_id, row.version).name,
        "other": session.get_one(Organisation, other).name,
        "buying": actor.org_id == row.buyer_org_id,
        "must_sign": _may_sign(papers),
        "state": _state(papers),
    }


def _state(papers: Papers) -> tuple[str, str]:
    session = identity.db_session()
    if redraw.redrawn_as(session, papers.row.id):
        return _("Drawn up again"), "off"
    return pages.standing_words(standing.standing_of(session, papers.row, clock.now()), papers)


@blueprint.get("/<contract_id>/version")
@needs(Permission.SIGNED_IN)
def version(contract_id: str) -> Response:
    """Whether anything has moved: a few bytes, or 304."""
    session = identity.db_session()
    led_by = watching.negotiation_of(session, contract_id)
    return watching.answer(watching.version_of(session, identity.the_actor(), led_by))


@blueprint.get("/<contract_id>")
@needs(Permission.SIGNED_IN)
def show(contract_id: str) -> Response:
    """State, parties, term, signatures, prose and receipts."""
    return api.look(contract_id, lambda: contract_page(contract_id), "contract")


def contract_page(contract_id: str, refused: Refused | None = None) -> Response:
    """The page; with ``refused`` again, saying why an act on it was refused."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    papers = standing.papers(session, actor, contract_id)
    state = standing.standing_of(session, papers.row, now)
    receipts = standing.receipts_of(session, papers, actor)
    common = _common(papers)
    return page(
        "negotiations/contract.html",
        refused,
        **common,
        contract_id=contract_id,  # what included templates of other nouns know it by
        standing=state,
        state=_state(papers),
        since=pages.since(papers, state, common["unsigned_names"]),
        period=pages.period(papers.row.starts, papers.row.ends, now),
        receipts=receipts,
        proofs={receipt.event_id: format_proof(receipt.proof) for receipt in receipts if receipt.proof},
        event_name=lambda event: _(pages.EVENTS[event]),
        end_codes=[(code.value, _(pages.END_CODES[code.value])) for code in agreements.EndCode],
        end_code_name=lambda code: _(pages.END_CODES[code]),
        may_end=papers.role is not None and actor.may(Permission.SIGN) and not papers.unsigned
        and papers.row.ended_at is None and state not in ("EXPIRED",),
        listing_shown=session.get_one(Listing, papers.row.listing_id).state == "published",
        evidence_url=_evidence_url(contract_id),
    )  # fmt: skip


def _common(papers: Papers) -> dict[str, Any]:
    """What the contract's page and the signing page both show."""
    session, actor, row = identity.db_session(), identity.the_actor(), papers.row
    names = {party.org_id: party.name for party in papers.document.parties}
    negotiation = session.get_one(Negotiation, row.negotiation_id)
    content = canonical.loads(row.payload)
    return {
        "papers": papers,
        "contract": row,
        "document": papers.document,
        "names": names,
        "unsigned_names": ", ".join(names[org] for org in papers.unsigned),
        "listing_name": catalogue.the_version(session, row.listing_id, row.version).name,
        "clauses": pages.clauses(papers.document.terms),
        "prose": text.clauses(papers.document, language()),
        "other_prose": text.clauses(papers.document, rounds.other_language()),
        "json": rounds.pretty(content["terms"]),
        "odrl": rounds.pretty(content["policy"]),
        "whole": rounds.pretty(content),
        "sign_by": rules.last_turn_day(negotiation),
        "may_sign": _may_sign(papers),
        "n": negotiation,
        "panels": approvals.panels(session, actor, negotiation) if actor.org_id in papers.unsigned else [],
        "version": watching.version_of(session, actor, negotiation.id) if papers.role else None,
        "certified": [(entry, opening.subject_of(entry)) for entry in papers.signatures if entry.path],
        "redrawing": _redrawing(papers),
    }


def _redrawing(papers: Papers) -> dict[str, Any]:
    """What _redraw.html says: who cannot sign this document, whether it can be drawn up again, what it replaces."""
    session, actor = identity.db_session(), identity.the_actor()
    found = redraw.needs(session, papers)
    may = papers.role is not None and actor.may(Permission.SIGN)
    return {
        "needs": [need for need in found if need.cause is redraw.Cause.LOST or need.org_id == actor.org_id],
        "possible": redraw.open_to(actor.org_id, found) if may else None,
        "older": redraw.redraws(session, papers.row.id),
        "newer": redraw.redrawn_as(session, papers.row.id),
    }


def _may_sign(papers: Papers) -> bool:
    actor = identity.the_actor()
    return actor.may(Permission.SIGN) and actor.org_id in papers.unsigned and papers.row.ended_at is None


def _evidence_url(contract_id: str) -> str | None:
    if "oversight.evidence" not in current_app.view_functions:
        return None
    return url_for("oversight.evidence", contract_id=contract_id)


@blueprint.get("/<contract_id>/payload")
@needs(Permission.SIGNED_IN)
def payload(contract_id: str) -> Response:
    """The exact bytes that are signed."""
    papers = api.papers(contract_id)
    name = f"{contract_id}.json"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(papers.row.payload, mimetype="application/json", headers=headers)


@blueprint.get("/<contract_id>/jws")
@needs(Permission.SIGNED_IN)
def jws(contract_id: str) -> Response:
    """Contract and signatures in one file: JWS, general JSON serialization."""
    papers = api.papers(contract_id)
    headers = {"Content-Disposition": f'attachment; filename="{contract_id}.jws.json"'}
    return Response(
        canonical.dumps(standing.signed_document(papers)), mimetype="application/jose+json", headers=headers
    )


@blueprint.get("/<contract_id>/contract.pdf")
@needs(Permission.SIGNED_IN)
@limiter.limit(DRAWINGS, key_func=by_organisation)
def pdf(contract_id: str) -> Response:
    """The contract on paper: PDF/A-3 with the signed bytes attached."""
    return api.drawn(api.papers(contract_id))


@blueprint.get("/<contract_id>/sign")
@needs(Permission.SIGN)
def sign(contract_id: str) -> AnyResponse:
    """The contract in prose, what signing means, and the key."""
    return _sign_page(contract_id)


def _sign_page(contract_id: str, refused: Refused | None = None) -> AnyResponse:
    session, actor = identity.db_session(), identity.the_actor()
    papers = standing.papers(session, actor, contract_id)
    if not _may_sign(papers):
        return redirect(url_for("contracts.show", contract_id=contract_id), 303)
    return page(
        "negotiations/sign.html",
        refused,
        **_common(papers),
        negotiation=session.get_one(Negotiation, papers.row.negotiation_id),
        keys=[
            key for key in keys_of(session, actor.org_id, active=True)
            if any(key.thumbprint in party.keys for party in papers.document.parties)
        ],
        key_owner=f"{actor.org_id}.{actor.user_id}",
    )  # fmt: skip


@blueprint.post("/<contract_id>/sign")
@needs(Permission.SIGN)
def take_signature(contract_id: str) -> AnyResponse:
    """What sign.js posts: a flattened JWS."""
    session, actor = identity.db_session(), identity.the_actor()
    do = partial(agreements.sign, session, actor, contract_id)
    return taken(do, _("Your signature is recorded."), url_for("contracts.show", contract_id=contract_id) + "#receipts")


def taken(do: Callable[[Any, datetime], object], done: str, address: str) -> AnyResponse:
    """Hand the JWS that a page's script posts to a use case; answers JSON: where to go next, or every refusal."""
    try:
        do(json_or_none(), clock.now())
    except Refused as refused:
        identity.db_session().rollback()
        errors = [say(refusal) for refusal in refused.refusals]
        answer = jsonify(code=refused.code, message=errors[0]["message"], errors=errors)
        answer.status_code = refused.status
        return answer
    identity.commit_logged()
    flash(done, "good")
    answer = jsonify(location=address)
    answer.status_code = 201
    return answer


@blueprint.post("/<contract_id>/redraw")
@needs(Permission.SIGN)
def draw_again(contract_id: str) -> AnyResponse:
    """The same terms in a new document, with the keys that are valid now."""
    try:
        new = redraw.redraw(identity.db_session(), identity.the_actor(), contract_id, clock.now())
    except Refused as refused:
        identity.db_session().rollback()
        return contract_page(contract_id, refused)
    identity.commit_logged()
    flash(_("The contract is drawn up again. Both sides sign the new document."), "good")
    return redirect(url_for("contracts.show", contract_id=new.id), 303)


@blueprint.post("/<contract_id>/sign/file")
@needs(Permission.SIGN)
def take_file(contract_id: str) -> AnyResponse:
    """A signature made elsewhere: a .p7s over the exact bytes, or the signed PDF."""
    sent = request.files.get("file")
    name, data = (sent.filename or "", sent.read()) if sent else ("", b"")
    form = next((form for form, suffix in SUFFIX.items() if name.lower().endswith(f".{suffix}")), "")
    handed = {"form": form, "file": b64encode(data).decode("ascii")}
    try:
        agreements.sign(identity.db_session(), identity.the_actor(), contract_id, handed, clock.now())
    except Refused as refused:
        identity.db_session().rollback()
        return _sign_page(contract_id, refused)
    identity.commit_logged()
    flash(_("Your signature is recorded."), "good")
    return redirect(url_for("contracts.show", contract_id=contract_id) + "#receipts", 303)


@blueprint.get("/<contract_id>/signatures/<org_id>/file")
@needs(Permission.SIGNED_IN)
def signed_file(contract_id: str, org_id: str) -> Response:
    """The file in which an organisation handed in its signature."""
    return api.file_of(api.papers(contract_id), org_id)


@blueprint.post("/<contract_id>/end")
@needs(Permission.SIGN)
def end(contract_id: str) -> AnyResponse:
    """End it before its term is over."""
    try:
        form = load(schemas.EndForm)
        agreements.end_contract(
            identity.db_session(), identity.the_actor(), contract_id, form["code"], form.get("reason") or "",
            clock.now(),
        )  # fmt: skip
    except Refused as refused:
        identity.db_session().rollback()
        return contract_page(contract_id, refused)
    identity.commit_logged()
    flash(_("The contract is ended. From now on nothing is delivered under it."), "good")
    return redirect(url_for("contracts.show", contract_id=contract_id), 303)
