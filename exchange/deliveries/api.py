"""JSON: the files of a contract, links to them, the bytes themselves."""

from typing import Any

from flask import Response

from exchange import clock, identity
from exchange.bodies import Blueprint
from exchange.deliveries import schemas, service
from exchange.deliveries.streaming import address_of, answer, keeping_refusals
from exchange.limits import FETCHES, by_organisation, limiter
from exchange.negotiations.api import look
from exchange.permissions import Permission, needs

blueprint = Blueprint(
    "deliveries_api", __name__, url_prefix="/api/v1/contracts", description="Receiving what a contract gives"
)


@blueprint.get("/<contract_id>/deliveries")
@needs(Permission.SIGNED_IN)
@blueprint.response(200, schemas.ShelfView)
def deliveries(contract_id: str) -> service.Shelf:
    """The files of a contract and what was fetched or refused, newest first; for both parties"""
    actor = identity.the_actor()
    return look(
        contract_id,
        lambda: service.shelf(identity.db_session(), actor, contract_id, clock.now(), limit=1000),
        "contract",
    )


@blueprint.post("/<contract_id>/files/<asset_id>/grants")
@needs(Permission.RECEIVE)
@limiter.limit(FETCHES, key_func=by_organisation)
@blueprint.response(201, schemas.GrantView)
def open_grant(contract_id: str, asset_id: str) -> dict[str, Any]:
    """A link to one file, valid for an hour at most, for programs that carry no token"""
    with keeping_refusals():
        ticket, token = service.open_grant(
            identity.db_session(), identity.the_actor(), contract_id, asset_id, clock.now()
        )
    identity.db_session().commit()
    return {
        "id": ticket.grant.id,
        "url": address_of(ticket, token),
        "expires_at": ticket.grant.expires_at,
        "digest": ticket.asset.digest,
        "bytes": ticket.asset.bytes,
    }


@blueprint.delete("/grants/<grant_id>")
@needs(Permission.RECEIVE)
@blueprint.response(204)
def revoke_grant(grant_id: str) -> None:
    """Make a link worthless at once"""
    service.revoke_grant(identity.db_session(), identity.the_actor(), grant_id, clock.now())
    identity.db_session().commit()


@blueprint.get("/<contract_id>/files/<asset_id>")
@needs(Permission.RECEIVE)
@limiter.limit(FETCHES, key_func=by_organisation)
def download(contract_id: str, asset_id: str) -> Response:
    """The file itself; Range and If-Range go on with a broken download, Repr-Digest says what the whole must hash to"""
    actor = identity.the_actor()
    return answer(lambda session: service.continue_or_open(session, actor, contract_id, asset_id, clock.now()))
