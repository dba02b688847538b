"""Asking under a contract, for programs: a session, and the policy that its clauses make (scope ``query``)."""

from typing import Any

from flask.views import MethodView

from exchange import clock, identity
from exchange.bodies import Blueprint
from exchange.error_pages import say
from exchange.errors import NotFound
from exchange.permissions import Permission, needs
from exchange.rooms import contract_rooms, engine
from exchange.rooms import service as rooms
from exchange.rooms.api import room_json
from exchange.rooms.contract_rooms import Panel

blueprint = Blueprint(
    "contract_rooms_api", __name__, url_prefix="/api/v1/contracts", description="Questions under a contract"
)


def panel_of(contract_id: str) -> Panel | None:
    """What the reader may see of asking under this contract, as it is now and here."""
    return contract_rooms.panel(
        identity.db_session(), identity.the_actor(), contract_id, clock.now(), min_isolation_tier=engine.least_tier()
    )


def panel_json(panel: Panel) -> dict[str, Any]:
    """What was asked, what stands in the way, and the policy with the clause behind each of its fields."""
    account, terms = panel.account, panel.terms
    return {
        "contract": panel.contract.id,
        "used": {"queries": account.queries,
                 "first_query_at": account.first_query_at.isoformat() if account.first_query_at else None},
        "agreed": {"max_queries": terms.max_queries, "max_hours": terms.max_hours, "min_group": terms.min_group},
        "hours_end": panel.hours_end.isoformat() if panel.hours_end else None,
        "refusal": say(panel.refusal) if panel.refusal else None,
        "room": panel.room.id if panel.room else None,
        "policy": panel.document,
    }  # fmt: skip


@blueprint.route("/<contract_id>/test-rooms")
class Rooms(MethodView):
    """Sessions under a contract."""

    @needs(Permission.QUERY)
    @blueprint.response(201)
    def post(self, contract_id: str) -> dict[str, Any]:
        """Open a session of at most two hours, or get the one that is open."""
        room = engine.open_contract_room(contract_id)
        return room_json(rooms.room_of(identity.db_session(), identity.the_actor(), room.id))


@blueprint.route("/<contract_id>/query-policy")
class QueryPolicy(MethodView):
    """The policy of a contract."""

    @needs(Permission.SIGNED_IN)
    @blueprint.response(200)
    def get(self, contract_id: str) -> dict[str, Any]:
        """For both parties: every limit, the clause behind it, and the clauses that nothing enforces."""
        panel = panel_of(contract_id)
        if panel is None:
            raise NotFound(contract_id)
        return panel_json(panel)
