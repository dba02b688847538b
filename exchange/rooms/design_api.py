"""The rules of a listing's test rooms for its provider's programs (scope ``catalogue``). Adds to the trial's API."""

from typing import Any

from flask import Response
from flask.views import MethodView

from exchange import clock, identity
from exchange.permissions import Permission, needs
from exchange.rooms import design_answers, designs, twins
from exchange.rooms.api import blueprint, twin_json
from exchange.rooms.design_schemas import AnswersSchema, TrySchema
from exchange.rooms.designs import Desk


def desk_json(at: Desk) -> dict[str, Any]:
    """Where the rules stand: the version in force, answers to go on with, what was measured, the part of a policy."""
    newest = at.versions[0] if at.versions else None
    return {
        "version": newest.number if newest else None,
        "default": at.current is None,
        "design": at.current.document if at.current else None,
        "digest": at.current.digest if at.current else None,
        "event": newest.event_id if newest else None,
        "answers": at.answers,
        "min_group_least": design_answers.least_group(at.version),
        "columns": [
            {"source": fact.source, "type": fact.type, "distinct": fact.distinct, "nulls": fact.nulls,
             "personal": list(fact.personal), "uses": list(fact.uses)}
            for fact in design_answers.facts(at.asset)
        ],
    }  # fmt: skip


@blueprint.route("/listings/<listing_id>/test-room-policy")
class TestRoomPolicy(MethodView):
    """How the provider wants the test rooms of a listing."""

    __test__ = False

    @needs(Permission.PUBLISH)
    @blueprint.response(200)
    def get(self, listing_id: str) -> dict[str, Any]:
        """The version in force, the answers behind it or proposed, the measured columns."""
        return desk_json(designs.desk(identity.db_session(), identity.the_actor(), listing_id))

    @needs(Permission.PUBLISH)
    @blueprint.arguments(AnswersSchema)
    @blueprint.response(200)
    def put(self, values: dict[str, Any], listing_id: str) -> dict[str, Any]:
        """Put answers in force for rooms opened from now on; the same answers again change nothing."""
        session, actor = identity.db_session(), identity.the_actor()
        designs.publish(session, actor, listing_id, values, clock.now())
        identity.commit_logged()
        return desk_json(designs.desk(identity.db_session(), actor, listing_id))

    @needs(Permission.PUBLISH)
    @blueprint.response(200)
    def delete(self, listing_id: str) -> dict[str, Any]:
        """Back to the exchange's safe draft, as a version of its own."""
        session, actor = identity.db_session(), identity.the_actor()
        designs.to_default(session, actor, listing_id, clock.now())
        identity.commit_logged()
        return desk_json(designs.desk(identity.db_session(), actor, listing_id))


@blueprint.route("/listings/<listing_id>/test-room-policy/try")
class TestRoomPolicyTry(MethodView):
    """A question on generated rows."""

    __test__ = False

    @needs(Permission.PUBLISH)
    @blueprint.arguments(TrySchema)
    def post(self, values: dict[str, Any], listing_id: str) -> Response:
        """Ask the twin of the answers given, else of those in force or in work. Nothing is spent or recorded."""
        at = designs.desk(identity.db_session(), identity.the_actor(), listing_id)
        now, given = clock.now(), values["answers"] or at.answers
        policy = designs.policy_of(at, given, now)
        document = designs.whole(at, at.document(given), now)
        identity.release()
        return twin_json(twins.ask(policy, document, values["sql"]))
