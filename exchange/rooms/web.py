"""Pages of the test room: opening one, its editor, its answers."""

from typing import Any, cast

from flask import Blueprint, Response, current_app, flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Redirect

from exchange import clock, identity
from exchange.accounts import forms
from exchange.catalogue import service as catalogue
from exchange.config import Config
from exchange.error_pages import say
from exchange.errors import NotFound, Refused
from exchange.i18n import language
from exchange.permissions import Permission, needs, public
from exchange.rooms import engine, hints, queries, receipts, rules, showing, twins
from exchange.rooms import service as rooms
from exchange.rooms.models import TestRoom
from exchange.rooms.queries import Asked
from exchange.rooms.showing import picture
from exchange.rooms.twins import Tried
from exchange.trials import service
from sandbox import receipt as signing
from sandbox import words as sentences
from sandbox.policy import Policy

blueprint = Blueprint("rooms", __name__)
# A picture in SVG styles itself; it is shown by <img>, where nothing in it can run.
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@blueprint.app_context_processor
def _rooms_in_templates() -> dict[str, Any]:
    """The trial's page shows the reader's own rooms; it knows nothing else of them."""
    return {"my_test_rooms": _mine}


def _mine() -> list[tuple[TestRoom, str]]:
    actor = identity.actor()
    return rooms.rooms_of(identity.db_session(), actor) if actor and actor.may(Permission.QUERY) else []


# --- opening ------------------------------------------------------------------------------------------------------


@blueprint.get("/listings/<listing_id>/test-room")
@needs(Permission.QUERY)
def open_room(listing_id: str) -> Response:
    """What a test room of this listing is, and whether one may be opened."""
    return _before_opening(listing_id)


@blueprint.post("/listings/<listing_id>/test-room")
@needs(Permission.QUERY)
def open_new(listing_id: str) -> Response | Redirect:
    """Open it; the room that is open already, if there is one."""
    try:
        room = engine.open_room(listing_id)
    except Refused as refused:
        identity.release()
        return _before_opening(listing_id, refused)
    return redirect(url_for(".room", room_id=room.id), 303)


def _before_opening(listing_id: str, refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    shown = catalogue.published(session, listing_id)
    barred = () if refused else service.judge_action(session, rooms.query_act(shown, actor.org_id), now)
    policy = None
    standing = service.standing(session, now)
    if not refused and not barred and standing is not None:
        policy = Policy.from_json(rooms.prepare_room(session, actor, listing_id, now).plan.policy)
    return forms.page(
        "rooms/open.html",
        refused or (Refused(*barred, status=200) if barred else None),
        shown=shown,
        policy=policy,
        columns=showing.columns(policy) if policy else [],
        standing=standing,
        minutes=rules.SESSION_MINUTES,
    )


# --- the room -----------------------------------------------------------------------------------------------------


@blueprint.get("/test-rooms/<room_id>")
@needs(Permission.QUERY)
def room(room_id: str) -> Response:
    """Editor, answer, schema, budget, history. ``?example=``, ``?fix=`` and ``?run=`` fill the editor."""
    return _room(room_id)


def _room(room_id: str, refused: Refused | None = None, tried: Tried | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    found = rooms.room_of(session, actor, room_id)
    examples = hints.examples(found.policy)
    run = None if tried else _asked_for(room_id, "run")
    left = showing.left(found, now)
    return forms.page(
        "rooms/room.html",
        refused,
        room=found,
        is_open=found.open_at(now),
        seconds_left=left["seconds"],
        minutes_left=left["seconds"] // 60,
        minutes=rules.SESSION_MINUTES,
        privacy=left["privacy"],
        again=url_for(".open_room", listing_id=found.row.listing_id),
        examples=examples,
        approved=hints.approved(found.policy),
        sql=_text(room_id, examples),
        columns=showing.columns(found.policy),
        run=run,
        **(_generated(tried, found.policy) if tried else _answered(run, found.policy)),
    )


def _answered(run: queries.QueryRun | None, policy: Policy) -> dict[str, Any]:
    """What the page shows of a question that was asked."""
    refusal = queries.refusal_of(run) if run else None
    if run is None or refusal is None:
        table = showing.table(run.answer) if run else None
        chart = url_for(".chart", room_id=run.room_id, run_id=run.id) if run and table and table["chart"] else None
        clauses = (run.answer or {}).get("clauses", {}) if run else {}
        limited_by = {code: sentences.source(clause, language()) for code, clause in clauses.items()}
        return {"tried": None, "refusal": None, "table": table, "chart": chart, "limited_by": limited_by}
    return {
        "tried": None,
        "refusal": say(refusal),
        "place": hints.around(run.sql, run.facts.get("position")),
        "nearest": hints.nearest(run.sql, policy),
    }


def _generated(tried: Tried, policy: Policy) -> dict[str, Any]:
    """What the page shows of a question to the twin."""
    denied = tried.denied
    if denied is None:
        table, chart = showing.table(tried.answer), picture(tried.answer)
        return {"tried": tried, "refusal": None, "table": table, "chart": chart, "limited_by": {}}
    return {
        "tried": tried,
        "refusal": say(rules.say_denied(denied, "sql")),
        "place": hints.around(tried.sql, denied.facts.get("position")),
        "nearest": hints.nearest(tried.sql, policy),
    }


def _asked_for(room_id: str, name: str) -> queries.QueryRun | None:
    run_id = request.args.get(name, "")
    if not run_id:
        return None
    try:
        return queries.run_of(identity.db_session(), identity.the_actor(), room_id, run_id)
    except NotFound:
        return None


def _text(room_id: str, examples: list[str]) -> str:
    """What stands in the editor: what was typed, a fix, an example, an earlier question, or the second example."""
    if "sql" in request.form:
        return request.form["sql"]
    fixed = _asked_for(room_id, "fix")
    if fixed is not None:
        found = rooms.room_of(identity.db_session(), identity.the_actor(), room_id)
        return hints.nearest(fixed.sql, found.policy) or fixed.sql
    earlier = _asked_for(room_id, "run")
    number = request.args.get("example", "")
    if number.isascii() and number.isdecimal() and 0 < int(number[:4]) <= len(examples):
        return examples[int(number[:4]) - 1]
    return earlier.sql if earlier else examples[min(1, len(examples) - 1)] if examples else ""


@blueprint.post("/test-rooms/<room_id>/runs")
@needs(Permission.QUERY)
def ask(room_id: str) -> Response | Redirect:
    """One question."""
    try:
        run = engine.ask(room_id, Asked(_typed()))
    except Refused as refused:
        identity.release()
        return _room(room_id, refused)
    return redirect(url_for(".room", room_id=room_id, run=run.id, _anchor="answer"), 303)


def _typed() -> str:
    return request.form.get("sql", "").replace("\r\n", "\n")


@blueprint.post("/test-rooms/<room_id>/twin")
@needs(Permission.QUERY)
def twin(room_id: str) -> Response:
    """The same question to generated rows: nothing is spent, nothing is recorded, nothing is learned of the data."""
    found = rooms.room_of(identity.db_session(), identity.the_actor(), room_id)
    identity.release()
    return _room(room_id, tried=twins.ask(found.policy, found.row.policy, _typed()))


@blueprint.post("/test-rooms/<room_id>/check")
@needs(Permission.QUERY)
def check(room_id: str) -> Response:
    """Whether a question would be let through, and what is left; spends nothing. For the editor's script."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    sql = _typed()
    found = queries.check(session, actor, room_id, Asked(sql), now)
    room = rooms.room_of(session, actor, room_id)
    left = showing.left(room, now)
    if found.refusal is None or found.denied is None:
        return jsonify(ok=True, message=_("This question passes the rules."), left=left)
    line, position = say(found.refusal), found.denied.facts.get("position")
    return jsonify(
        ok=False, message=line["message"], passes=line["passes"], code=line["code"], left=left, position=position,
        place=hints.around(sql, position), nearest=hints.nearest(sql, room.policy),
    )  # fmt: skip


@blueprint.get("/test-rooms/<room_id>/runs/<run_id>/chart.svg")
@needs(Permission.QUERY)
def chart(room_id: str, run_id: str) -> Response:
    """The answer as a picture."""
    run = queries.run_of(identity.db_session(), identity.the_actor(), room_id, run_id)
    if run.answer is None or not showing.charted(run.answer):
        raise NotFound(run_id)
    answer = Response(showing.chart(run.answer), mimetype="image/svg+xml")
    answer.headers["Content-Security-Policy"] = SVG_POLICY
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.get("/test-rooms/<room_id>/runs/<run_id>/receipt")
@needs(Permission.QUERY)
def receipt(room_id: str, run_id: str) -> Response:
    """The signed receipt of an answer, as a file. It names the answer and holds nothing of it, so it may leave."""
    return signed_receipt(room_id, run_id)


def signed_receipt(room_id: str, run_id: str) -> Response:
    """The receipt of one of the organisation's own questions; NotFound for one that was refused."""
    run = queries.run_of(identity.db_session(), identity.the_actor(), room_id, run_id)
    if run.signed_receipt is None:
        raise NotFound(run_id)
    answer = Response(run.signed_receipt + "\n", mimetype="application/jose")
    answer.headers["Content-Disposition"] = f'attachment; filename="{run.id}.receipt"'
    return answer


@blueprint.get("/trial/receipt-key")
@public
def receipt_key() -> Response:
    """The public key that receipts of answers are signed with, as a JWK (RFC 8037)."""
    home = cast(Config, current_app.extensions["minhbach.config"]).home
    answer = jsonify(signing.to_jwk(receipts.key_of(home).public_key()))
    answer.mimetype = "application/jwk+json"
    return answer


@blueprint.post("/test-rooms/<room_id>/export")
@needs(Permission.QUERY)
def export(room_id: str) -> Response:
    """Always refused, and recorded (X30)."""
    session = identity.db_session()
    refusal = queries.refuse_export(session, identity.the_actor(), room_id, clock.now())
    session.commit()
    raise Refused(refusal, status=403)


@blueprint.post("/test-rooms/<room_id>/close")
@needs(Permission.QUERY)
def close(room_id: str) -> Redirect:
    """Shut the room before its time."""
    closed = engine.close_room(room_id)
    flash(_("The test room is closed. Its answers are no longer shown, its receipts stay in the log."), "good")
    if closed.contract_id:
        return redirect(url_for("contracts.show", contract_id=closed.contract_id, _anchor="questions"), 303)
    return redirect(url_for(".open_room", listing_id=closed.listing_id), 303)
