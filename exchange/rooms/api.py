"""Test rooms and questions for programs (scope ``query``)."""

from typing import Any

from flask import Response, g, jsonify
from flask.views import MethodView

from exchange import clock, identity
from exchange.bodies import Blueprint
from exchange.error_pages import say
from exchange.errors import NotFound, Refused
from exchange.permissions import Permission, needs
from exchange.rooms import engine, hints, queries, rules, showing, twins
from exchange.rooms import service as rooms
from exchange.rooms.models import QueryRun
from exchange.rooms.queries import Asked
from exchange.rooms.schemas import QuestionSchema
from exchange.rooms.service import Room
from exchange.rooms.twins import Tried
from exchange.rooms.web import signed_receipt
from sandbox.trial import local_day

blueprint = Blueprint("rooms_api", __name__, url_prefix="/api/v1", description="Test rooms and questions")


def room_json(room: Room) -> dict[str, Any]:
    """A room: until when, over what, under which policy, what is left."""
    now, entry = clock.now(), room.budget
    today = entry.day_spent if entry.day == local_day(now) else 0
    return {
        "id": room.row.id, "listing": room.row.listing_id, "version": room.row.version, "open": room.open_at(now),
        "opens": room.row.opened_at.isoformat(), "closes": room.row.closes_at.isoformat(),
        "contract": room.row.contract_id, "purpose": room.policy.purposes[0],
        "clauses": dict(room.policy.clauses), "unenforced": list(room.policy.unenforced),
        "table": room.policy.table, "columns": showing.columns(room.policy), "min_group": room.policy.limits.min_group,
        "max_rows": room.policy.limits.max_rows, "unit": room.policy.unit_column or "(row)",
        "round_to": room.policy.output.round_to, "watermark": room.policy.output.watermark,
        "policy_hash": room.row.policy_hash, "copy_sha256": room.copy.sha256, "event": room.row.event_id,
        "budget_left": {"queries": entry.cap - entry.spent, "today": entry.day_cap - today},
        "examples": hints.examples(room.policy),
        "templates": [
            {"title": title, "call": call, "parameters": dict(parameters)}
            for title, call, parameters in hints.approved(room.policy)
        ],
    }  # fmt: skip


def run_json(run: QueryRun) -> dict[str, Any]:
    """An answer with its receipt."""
    answer = run.answer or {"columns": [], "rows": [], "suppressed": False, "truncated": False}
    return {
        "id": run.id, "verdict": run.verdict, "code": run.code, "charged": run.charged, "columns": answer["columns"],
        "rows": answer["rows"], "suppressed": answer["suppressed"], "truncated": answer["truncated"],
        "clauses": answer.get("clauses", {}), "half_widths": answer.get("half_widths", []),
        "elapsed_ms": run.elapsed_ms, "receipt": run.receipt,
        "signed_receipt": run.signed_receipt,
        "event": run.event_id, "at": run.at.isoformat(),
    }  # fmt: skip


def asked_json(run: QueryRun) -> dict[str, Any]:
    """A question of the past in a line."""
    return {
        "id": run.id, "sql": run.sql, "verdict": run.verdict, "code": run.code, "charged": run.charged,
        "rows": run.rows, "event": run.event_id, "at": run.at.isoformat(),
    }  # fmt: skip


def twin_json(tried: Tried) -> Response:
    """What the twin said, in the shape of a real answer or refusal; no run and no record stand behind it."""
    if tried.denied is None:
        verdict = "limit" if tried.answer and tried.answer["suppressed"] else "allow"
        return jsonify(verdict=verdict, generated=True, receipt=tried.receipt, **(tried.answer or {}))
    line = say(rules.say_denied(tried.denied, "sql"))
    answer = jsonify(
        code=line["code"], message=line["message"], errors=[line], verdict="deny", fix=line["passes"],
        position=tried.denied.facts.get("position"), generated=True, request_id=g.get("request_id", ""),
    )  # fmt: skip
    answer.status_code = rules.status_of(tried.denied.code)
    return answer


def refused_json(run: QueryRun) -> Response:
    """A recorded refusal: the one error shape, with the run and its record beside it."""
    refusal = queries.refusal_of(run)
    if refusal is None:
        raise NotFound(run.id)
    line = say(refusal)
    answer = jsonify(
        code=line["code"], message=line["message"], errors=[line], request_id=g.get("request_id", ""), verdict="deny",
        fix=line["passes"], position=run.facts.get("position"), run=run.id, event=run.event_id,
    )  # fmt: skip
    answer.status_code = rules.status_of(refusal.code)
    return answer


@blueprint.route("/listings/<listing_id>/test-rooms")
class Rooms(MethodView):
    """Test rooms of a listing."""

    @needs(Permission.QUERY)
    @blueprint.response(201)
    def post(self, listing_id: str) -> dict[str, Any]:
        """Open a room for two hours, or get the one that is open."""
        room = engine.open_room(listing_id)
        return room_json(rooms.room_of(identity.db_session(), identity.the_actor(), room.id))


@blueprint.route("/test-rooms/<room_id>")
class OneRoom(MethodView):
    """One room."""

    @needs(Permission.QUERY)
    @blueprint.response(200)
    def get(self, room_id: str) -> dict[str, Any]:
        """Its policy in short, its budget, its columns."""
        return room_json(rooms.room_of(identity.db_session(), identity.the_actor(), room_id))

    @needs(Permission.QUERY)
    @blueprint.response(204)
    def delete(self, room_id: str) -> None:
        """Shut it before its time."""
        engine.close_room(room_id)


@blueprint.route("/test-rooms/<room_id>/queries")
class Queries(MethodView):
    """Questions."""

    @needs(Permission.QUERY)
    @blueprint.response(200)
    def get(self, room_id: str) -> dict[str, Any]:
        """The latest questions of the room, the newest first, with what came of them."""
        room = rooms.room_of(identity.db_session(), identity.the_actor(), room_id)
        return {"queries": [asked_json(run) for run in room.runs]}

    @needs(Permission.QUERY)
    @blueprint.arguments(QuestionSchema)
    def post(self, values: dict[str, Any], room_id: str) -> Response:
        """Ask. An answer, or the rule that refuses; both are recorded."""
        run = engine.ask(room_id, Asked(**values))
        return refused_json(run) if run.verdict == "deny" else jsonify(run_json(run))


@blueprint.route("/test-rooms/<room_id>/queries/<run_id>")
class OneQuery(MethodView):
    """One question of the past."""

    @needs(Permission.QUERY)
    @blueprint.response(200)
    def get(self, room_id: str, run_id: str) -> dict[str, Any]:
        """Its answer while the room is open, its receipt for ever."""
        return run_json(queries.run_of(identity.db_session(), identity.the_actor(), room_id, run_id))


@blueprint.route("/test-rooms/<room_id>/twin")
class Twin(MethodView):
    """Generated rows of the same shape."""

    @needs(Permission.QUERY)
    @blueprint.arguments(QuestionSchema)
    def post(self, values: dict[str, Any], room_id: str) -> Response:
        """Ask the twin: nothing is spent, nothing is recorded, nothing is learned of the data."""
        room = rooms.room_of(identity.db_session(), identity.the_actor(), room_id)
        identity.release()
        return twin_json(twins.ask(room.policy, room.row.policy, values["sql"]))


@blueprint.route("/test-rooms/<room_id>/queries/<run_id>/receipt")
class OneReceipt(MethodView):
    """The signed receipt of an answer."""

    @needs(Permission.QUERY)
    @blueprint.response(200, content_type="application/jose")
    def get(self, room_id: str, run_id: str) -> Response:
        """A JWS in compact form: `python -m sandbox receipt` checks it without the exchange."""
        return signed_receipt(room_id, run_id)


@blueprint.route("/test-rooms/<room_id>/check")
class Check(MethodView):
    """What would happen."""

    @needs(Permission.QUERY)
    @blueprint.arguments(QuestionSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], room_id: str) -> dict[str, Any]:
        """Judge a question without asking it: nothing is spent, nothing is recorded, no row is looked at."""
        session, actor = identity.db_session(), identity.the_actor()
        found = queries.check(session, actor, room_id, Asked(**values), clock.now())
        if found.refusal is None or found.denied is None:
            return {"verdict": "allow" if found.limited is None else "limit", "code": found.limited}
        line = say(found.refusal)
        return {
            "verdict": "deny", "code": line["code"], "message": line["message"], "fix": line["passes"],
            "basis": line["basis"], "position": found.denied.facts.get("position"),
            "nearest": hints.nearest(values["sql"], rooms.room_of(session, actor, room_id).policy),
        }  # fmt: skip


@blueprint.route("/test-rooms/<room_id>/export")
class Export(MethodView):
    """Taking data out, which a test room does not do."""

    @needs(Permission.QUERY)
    @blueprint.response(403)
    def post(self, room_id: str) -> None:
        """Always refused, and recorded (X30)."""
        session = identity.db_session()
        refusal = queries.refuse_export(session, identity.the_actor(), room_id, clock.now())
        session.commit()
        raise Refused(refusal, status=403)
