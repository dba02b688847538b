"""Pages of the regulator: desk, warrant, log, one contract's story, evidence, organisations."""

import hashlib
from contextlib import ExitStack
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)  # fmt: skip
from flask_babel import gettext as _
from marshmallow import ValidationError
from werkzeug.wrappers import Response as AnyResponse

from contracts.bundle import verifier
from exchange import clock, identity
from exchange.accounts.forms import load, page
from exchange.error_pages import say
from exchange.errors import Refusal, Refused
from exchange.home import here
from exchange.i18n import language
from exchange.ledger.witnesses import Witnesses
from exchange.limits import EXPORTS, FETCHES, by_organisation, limiter
from exchange.negotiations import pages
from exchange.oversight import formats, schemas, service, warrants, words
from exchange.permissions import Permission, needs
from exchange.rooms import leaks_web

blueprint = Blueprint("oversight", __name__, url_prefix="/oversight")
SPREADSHEET = 1000  # records of one CSV or JSON answer


@blueprint.app_template_filter("log_moment")
def log_moment(at_ms: int) -> datetime:
    """Milliseconds since 1970, as the log counts, as a moment."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


@blueprint.get("")
@needs(Permission.AUDIT)
def desk() -> Response:
    """The head of the log, what happened last, the way into the search; first of all the warrant."""
    return _desk()


@blueprint.post("/warrants")
@needs(Permission.AUDIT)
def open_warrant() -> AnyResponse:
    """Register the decision that orders an inspection."""
    try:
        mandate = warrants.Mandate(**load(schemas.WarrantForm))
        warrants.open_warrant(identity.db_session(), identity.the_actor(), mandate, clock.now())
    except Refused as refused:
        identity.db_session().rollback()
        return _desk(refused)
    identity.db_session().commit()
    flash(_("The warrant is registered. From now on every look under it is recorded."), "good")
    return redirect(url_for(".desk"), 303)


@blueprint.get("/log")
@needs(Permission.AUDIT)
def log() -> Response:
    """Search by organisation, listing, contract, event and day; ``?format=csv`` and ``?format=json`` give the same."""
    kind = request.args.get("format", "html")
    question, errors = _question(SPREADSHEET if kind in ("csv", "json") else service.PAGE)
    found = None
    if question is not None:
        session = identity.writing_session()
        found = service.search(session, identity.the_actor(), question, clock.now())
        session.commit()
        if kind == "json":
            return jsonify(_as_json(found))
        if kind == "csv":
            return _as_csv(found)
    body = render_template(
        "oversight/log.html", found=found, errors=errors, words=words, moment=formats.moment, events=event_options()
    )
    return Response(body, status=422 if errors else 200)


@blueprint.get("/contracts/<contract_id>")
@needs(Permission.AUDIT)
def contract(contract_id: str) -> str:
    """One contract's whole story, verified on the spot."""
    session = identity.writing_session()
    story = service.story(session, identity.the_actor(), contract_id, _witnesses().policy, clock.now())
    session.commit()
    lines = [(line, line.say(language())) for line in story.report.lines]
    return render_template(
        "oversight/story.html",
        story=story,
        lines=lines,
        words=words,
        moment=formats.moment,
        clause_value=pages.shown,
        checker=hashlib.sha256(verifier()).hexdigest(),
    )


@blueprint.get("/contracts/<contract_id>/evidence.zip")
@needs(Permission.SIGNED_IN)
@limiter.limit(FETCHES, key_func=by_organisation)
def evidence(contract_id: str) -> Response:
    """The evidence bundle, for a regulator under a warrant or a party of the contract."""
    return evidence_answer(contract_id)


@blueprint.get("/log/evidence.zip")
@needs(Permission.AUDIT)
@limiter.limit(EXPORTS, key_func=by_organisation)
def whole_log() -> Response:
    """The evidence bundle of the whole log, for a regulator under a warrant."""
    return whole_log_answer()


@blueprint.get("/organisations")
@needs(Permission.AUDIT)
def organisations() -> str:
    """Who takes part, and the way to their records."""
    session = identity.writing_session()
    asked = request.args.get("q", "")[:200]
    found = service.organisations(session, identity.the_actor(), asked, clock.now())
    session.commit()
    return render_template("oversight/organisations.html", found=found, asked=asked)


@blueprint.get("/leaks")
@needs(Permission.AUDIT)
def leaks() -> str:
    """What buyers have taken in test rooms."""
    session, actor = identity.writing_session(), identity.the_actor()
    found = service.accounts(session, actor, clock.now())
    session.commit()
    may_stop = actor.may(Permission.SUSPEND)
    return render_template(
        "oversight/leaks.html", found=found, errors=[], typed={}, may_stop=may_stop, **leaks_web.WORDS
    )


def evidence_answer(contract_id: str) -> Response:
    """The zip as an answer, its export recorded in the tree first; the API gives the same. It is made under a session
    that only reads: a long contract takes seconds, in which nobody shall wait to write."""
    published = _witnesses().published
    bundle, on = service.export(identity.db_session(), identity.the_actor(), contract_id, published, clock.now())
    service.note_export(identity.writing_session(), identity.the_actor(), bundle, on, clock.now())
    identity.commit_logged()
    headers = {
        "Content-Disposition": f'attachment; filename="minhbach-evidence-{contract_id}.zip"',
        "Cache-Control": "private, no-store",
    }
    return Response(bundle.data, mimetype="application/zip", headers=headers)


def whole_log_answer() -> Response:
    """The whole log as a file that is sent while it is read from disk; the API gives the same.

    It is made under a session that only reads, so that nobody waits; the export is on record before a byte leaves.
    """
    with ExitStack() as stack:
        file = stack.enter_context(TemporaryFile())
        published = _witnesses().published
        made = service.export_log(identity.db_session(), identity.the_actor(), file, published, clock.now())
        service.note_log_export(identity.writing_session(), identity.the_actor(), made, clock.now())
        identity.commit_logged()
        file.seek(0)
        name = f"minhbach-log-{made.head.size}.zip"
        answer = send_file(file, mimetype="application/zip", as_attachment=True, download_name=name)
        stack.pop_all()  # the server closes the file when it has sent it
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _witnesses() -> Witnesses:
    witnesses: Witnesses = current_app.extensions["minhbach.witnesses"]
    return witnesses


def _desk(refused: Refused | None = None) -> Response:
    session = identity.db_session() if refused else identity.writing_session()
    witnesses = _witnesses()
    shown = service.desk(session, identity.the_actor(), witnesses.policy, clock.now())
    session.commit()
    facts = {
        "desk": shown,
        "forked": witnesses.alarmed(),
        "stamping": current_app.extensions["minhbach.timestamps"].configured,
        "now": clock.now(),
    }
    return page("oversight/desk.html", refused, words=words, moment=formats.moment, **facts)


def _question(limit: int) -> tuple[service.Question | None, list[dict[str, Any]]]:
    try:
        values = schemas.SearchForm().load({**request.args.to_dict(), "limit": limit})
        return service.Question(**values), []
    except ValidationError as error:
        messages = error.normalized_messages()
        return None, [say(Refusal("FIELD_INVALID", texts[0], field=name)) for name, texts in messages.items()]


def _as_json(found: service.Found) -> dict[str, Any]:
    more = here(before=found.more) if found.more is not None else None
    matches = [{"id": org.id, "name": org.name, "tax_code": org.tax_code} for org in found.matches]
    return {
        "records": [formats.record_json(record, found.names, found.private) for record in found.records],
        "organisations": matches,
        "next": more,
    }


def _as_csv(found: service.Found) -> Response:
    response = Response(formats.to_csv(found.records, found.names, found.private), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="minhbach-log.csv"'
    if found.more is not None:
        response.headers["Link"] = f'<{here(before=found.more)}>; rel="next"'
    return response


def event_options() -> list[tuple[str, str]]:
    """Every event in the reader's words, for a choice."""
    return [(event.value, _(text)) for event, text in words.EVENTS.items()]
