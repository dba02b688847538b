"""The trial for programs: the certificate, test rooms and questions (scope ``query``; the operator: ``moderate``)."""

from typing import Any

from flask import Response, g, jsonify
from flask.views import MethodView

from exchange import clock, identity
from exchange.bodies import Blueprint
from exchange.error_pages import say
from exchange.errors import NotFound, Refused
from exchange.permissions import Permission, needs
from exchange.trials import engine, hints, queries, rooms, rules, service, showing, twins
from exchange.trials.models import QueryRun
from exchange.trials.queries import Asked
from exchange.trials.rooms import Room
from exchange.trials.schemas import CertificateSchema, NoticeSchema, QuestionSchema
from exchange.trials.twins import Tried
from exchange.trials.web import certificate
from sandbox.trial import local_day

blueprint = Blueprint(
    "trials_api", __name__, url_prefix="/api/v1", description="The controlled trial: certificate, test rooms, questions"
)


def trial_json(standing: service.Standing) -> dict[str, Any]:
    """The certificate with what is used of its caps."""
    row, used = standing.row, standing.usage
    return {
        "id": row.id, "cert_no": row.cert_no, "authority": row.authority, "state": str(standing.state),
        "valid_from": row.valid_from.isoformat(), "valid_to": standing.last_day.isoformat(), "level": row.level,
        "sectors": row.sectors, "classes": row.classes, "verbs": row.verbs, "territory": row.territory,
        "notice_version": row.notice_version,
        "caps": {"members": row.max_members, "listings": row.max_listings, "tx_vnd": row.max_tx_vnd,
                 "total_vnd": row.max_total_vnd},
        "used": {"members": used.members, "listings": used.listings, "total_vnd": used.total_vnd},
    }  # fmt: skip


def room_json(room: Room) -> dict[str, Any]:
    """A room: until when, over what, under which policy, what is left."""
    now, entry = clock.now(), room.budget
    today = entry.day_spent if entry.day == local_day(now) else 0
    return {
        "id": room.row.id, "listing": room.row.listing_id, "version": room.row.version, "open": room.open_at(now),
        "opens": room.row.opened_at.isoformat(), "closes": room.row.closes_at.isoformat(), "purpose": rules.PURPOSE,
        "table": room.policy.table, "columns": showing.columns(room.policy), "min_group": room.policy.limits.min_group,
        "max_rows": room.policy.limits.max_rows, "unit": room.policy.unit_column or "(row)",
        "policy_hash": room.row.policy_hash, "copy_sha256": room.copy.sha256, "event": room.row.event_id,
        "budget_left": {"queries": entry.cap - entry.spent, "today": entry.day_cap - today},
        "examples": hints.examples(room.policy),
    }  # fmt: skip


def run_json(run: QueryRun) -> dict[str, Any]:
    """An answer with its receipt."""
    answer = run.answer or {"columns": [], "rows": [], "suppressed": False, "truncated": False}
    return {
        "id": run.id, "verdict": run.verdict, "code": run.code, "charged": run.charged, "columns": answer["columns"],
        "rows": answer["rows"], "suppressed": answer["suppressed"], "truncated": answer["truncated"],
        "half_widths": answer.get("half_widths", []),
        "elapsed_ms": run.elapsed_ms, "receipt": run.receipt, "event": run.event_id, "at": run.at.isoformat(),
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


@blueprint.route("/trial")
class Trial(MethodView):
    """The pilot."""

    @needs(Permission.SIGNED_IN)
    @blueprint.response(200)
    def get(self) -> dict[str, Any]:
        """The certificate that governs now."""
        session, now = identity.db_session(), clock.now()
        standing = service.standing(session, now)
        if standing is None:
            raise NotFound("trial")
        mine = service.enrolment_of(session, standing.row, identity.the_actor().org_id)
        return trial_json(standing) | {"notice_accepted": mine.notice_version if mine else None}

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(CertificateSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any]) -> dict[str, Any]:
        """Record a certificate."""
        row = service.grant_trial(identity.db_session(), identity.the_actor(), certificate(values), clock.now())
        identity.commit_logged()
        return {"id": row.id, "cert_no": row.cert_no, "event": row.granted_event}


@blueprint.route("/trial/enrolment")
class Enrolment(MethodView):
    """Taking part."""

    @needs(Permission.QUERY)
    @blueprint.arguments(NoticeSchema)
    @blueprint.response(200)
    def put(self, values: dict[str, Any]) -> dict[str, Any]:
        """Enrol and accept the notice of this version."""
        found = service.enrol(identity.db_session(), identity.the_actor(), values["notice_version"], clock.now())
        identity.commit_logged()
        return {"id": found.id, "notice_version": found.notice_version, "event": found.event_id}


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
        session = identity.db_session()
        rooms.close_room(session, identity.the_actor(), room_id, clock.now())
        session.commit()


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
