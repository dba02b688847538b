"""The page on which a member reads what the log says of their organisation."""

from typing import Any

from flask import Blueprint, Response, render_template, request
from marshmallow import ValidationError

from exchange import clock, identity
from exchange.error_pages import say
from exchange.errors import Refusal
from exchange.oversight import formats, own, schemas, words
from exchange.oversight.web import event_options
from exchange.permissions import Permission, needs

blueprint = Blueprint("own_records", __name__)


@blueprint.get("/records")
@needs(Permission.SIGNED_IN)
def listing() -> Response:
    """Search by event, day, listing and contract; newest first."""
    errors: list[dict[str, Any]] = []
    found = None
    try:
        question = own.Question(**schemas.OwnSearchForm().load({**request.args.to_dict(), "limit": own.PAGE}))
        found = own.records(identity.db_session(), identity.the_actor(), question, clock.now())
    except ValidationError as error:
        messages = error.normalized_messages()
        errors = [say(Refusal("FIELD_INVALID", texts[0], field=name)) for name, texts in messages.items()]
    body = render_template(
        "oversight/own.html", found=found, errors=errors, words=words, moment=formats.moment, events=event_options()
    )
    return Response(body, status=422 if errors else 200)
