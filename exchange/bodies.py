"""JSON bodies read so that no text can make the reading itself fail, and the one way from a body to an answer."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import flask_smorest
from flask import Request, request
from webargs.flaskparser import FlaskParser

from exchange import clock, identity

Made = TypeVar("Made")


class JsonParser(FlaskParser):
    """webargs' parser, for which a body that Python cannot read is malformed JSON like any other: 400."""

    def _raw_load_json(self, req: Request) -> Any:
        try:
            return super()._raw_load_json(req)
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:  # nested a thousand deep; a number of thousands of digits
            raise json.JSONDecodeError(type(error).__name__, "", 0) from None


class Blueprint(flask_smorest.Blueprint):
    """What every noun's API is made of."""

    ARGUMENTS_PARSER = JsonParser()


def act(
    tell: Callable[[Made], dict[str, Any]], use_case: Callable[..., Made], *given: object, **values: object
) -> dict[str, Any]:
    """One use case by the program's organisation, one commit; what it made, as ``tell`` says it.

    ``given`` stands in the address; ``values`` are the body's fields, called as the use case's arguments are.
    """
    answer = tell(use_case(identity.db_session(), identity.the_actor(), *given, **values, now=clock.now()))
    identity.commit_logged()
    return answer


def json_or_none() -> Any:
    """The body of a page's script; None when it is no JSON that can be read."""
    try:
        return request.get_json(silent=True)
    except RecursionError:
        return None
