"""Pages of deliveries: the download itself, a link for a download program, the panel on the contract's page."""

from flask import Blueprint, Response, render_template
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.deliveries import service
from exchange.deliveries.streaming import address_of, answer, keeping_refusals, safe_name
from exchange.limits import FETCHES, by_organisation, limiter
from exchange.permissions import Permission, needs, public

blueprint = Blueprint("deliveries", __name__)


@blueprint.get("/contracts/<contract_id>/files/<asset_id>")
@needs(Permission.RECEIVE)
@limiter.limit(FETCHES, key_func=by_organisation)
def download(contract_id: str, asset_id: str) -> Response:
    """The file, for the signed-in buyer."""
    actor = identity.the_actor()
    return answer(lambda session: service.continue_or_open(session, actor, contract_id, asset_id, clock.now()))


@blueprint.get("/deliveries/<token>/<filename>")
@public
@limiter.limit(FETCHES, key_func=by_organisation)
def by_link(token: str, filename: str) -> Response:
    """The file, for whoever holds the link; the name in the address is for people and programs that save files."""
    return answer(lambda session: service.present(session, token, clock.now()))


@blueprint.post("/contracts/<contract_id>/files/<asset_id>/link")
@needs(Permission.RECEIVE)
@limiter.limit(FETCHES, key_func=by_organisation)
def make_link(contract_id: str, asset_id: str) -> AnyResponse:
    """A link that works for an hour without signing in. Shown once, hence no redirect: its token is not stored."""
    with keeping_refusals():
        ticket, token = service.open_grant(
            identity.db_session(), identity.the_actor(), contract_id, asset_id, clock.now()
        )
    identity.db_session().commit()
    name, link = safe_name(ticket.asset.file_name), address_of(ticket, token)
    response = Response(render_template("deliveries/link.html", ticket=ticket, link=link, name=name), status=201)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.app_template_global("shelf_of_contract")
def shelf_of_contract(contract_id: str) -> service.Shelf:
    """For deliveries/_of_contract.html, which the contract's page includes."""
    return service.shelf(identity.db_session(), identity.the_actor(), contract_id, clock.now())
