"""JSON bodies read so that no text can make the reading itself fail."""

import json
from typing import Any

import flask_smorest
from flask import Request, request
from webargs.flaskparser import FlaskParser


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


def json_or_none() -> Any:
    """The body of a page's script; None when it is no JSON that can be read."""
    try:
        return request.get_json(silent=True)
    except RecursionError:
        return None
