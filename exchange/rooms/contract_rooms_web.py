"""Pages of asking under a contract: the panel on the contract's page, its policy as JSON, opening a session."""

from typing import Any

from flask import Blueprint, Response, jsonify, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from exchange import identity
from exchange.error_pages import say
from exchange.errors import NotFound, Refused
from exchange.negotiations.contract_web import contract_page
from exchange.permissions import Permission, needs
from exchange.rooms import engine, policy_lines
from exchange.rooms.contract_rooms_api import panel_json, panel_of

blueprint = Blueprint("contract_rooms", __name__, url_prefix="/contracts")


@blueprint.post("/<contract_id>/test-rooms")
@needs(Permission.QUERY)
def open_room(contract_id: str) -> AnyResponse:
    """Open a session, or go to the one that is open."""
    try:
        room = engine.open_contract_room(contract_id)
    except Refused as refused:
        identity.release()
        return contract_page(contract_id, refused)
    return redirect(url_for("rooms.room", room_id=room.id), 303)


@blueprint.get("/<contract_id>/query-policy")
@needs(Permission.SIGNED_IN)
def policy(contract_id: str) -> Response:
    """The compiled policy as JSON, as the gate reads it."""
    panel = panel_of(contract_id)
    if panel is None:
        raise NotFound(contract_id)
    return jsonify(panel_json(panel))


@blueprint.app_template_global("asking_of_contract")
def asking_of_contract(contract_id: str) -> dict[str, Any] | None:
    """For rooms/_of_contract.html, which the contract's page includes."""
    panel = panel_of(contract_id)
    if panel is None:
        return None
    policy = panel.policy
    return {
        "panel": panel,
        "refusal": say(panel.refusal) if panel.refusal else None,
        "lines": policy_lines.lines(policy, panel.terms.max_hours) if policy else [],
        "unenforced": policy_lines.unenforced(policy) if policy else [],
    }
