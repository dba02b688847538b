"""From an error to an answer: one JSON shape under ``/api/``, a page that helps everywhere else.

JSON shape (also of every refusal)::

    {"code": "PRICE_NOT_PUBLISHED", "message": "…", "request_id": "…",
     "errors": [{"code", "field", "message", "basis", "value", "passes"}]}
"""

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, Request, Response, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_smorest import Blueprint
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError

from exchange import citations
from exchange.errors import N_, NotFound, NotPermitted, NotSignedIn, Refusal, Refused
from exchange.i18n import language
from exchange.permissions import Permission

log = structlog.get_logger()

# What the web says when a page cannot be shown; the reader's next step stands in the template.
SENTENCES = {
    400: ("BAD_REQUEST", N_("We could not read this request.")),
    401: ("SIGN_IN_REQUIRED", N_("Please sign in first.")),
    403: ("NOT_PERMITTED", N_("Your account does not have the right to do this.")),
    404: ("NOT_FOUND", N_("This page does not exist, or you may not see it.")),
    405: ("METHOD_NOT_ALLOWED", N_("This address does not accept that kind of request.")),
    409: ("CONFLICT", N_("Something changed in the meantime. Reload the page and try again.")),
    413: ("TOO_LARGE", N_("What you sent is larger than the exchange accepts.")),
    415: ("UNSUPPORTED_MEDIA_TYPE", N_("The exchange cannot read this kind of content.")),
    416: ("RANGE_NOT_SATISFIABLE", N_("The requested part of the file does not exist.")),
    422: ("INVALID", N_("Some of the values need correcting.")),
    429: ("TOO_MANY_REQUESTS", N_("Too many requests. Please wait a moment and try again.")),
    500: ("INTERNAL_ERROR", N_("Something went wrong on our side. Nothing was changed.")),
    503: (
        "UNAVAILABLE",
        N_("The exchange cannot record actions now, so it accepts none. Try again shortly."),
    ),
}

# What marshmallow and webargs say by themselves where a schema of ours says nothing; marked here to be translated.
LIBRARY_SENTENCES = (
    N_("Missing data for required field."),
    N_("Field may not be null."),
    N_("Unknown field."),
    N_("Invalid input type."),
    N_("Invalid JSON body."),
    N_("Not a valid string."),
    N_("Not a valid integer."),
    N_("Not a valid number."),
    N_("Not a valid boolean."),
    N_("Not a valid list."),
    N_("Not a valid mapping type."),
)

# A permission as a person would name it.
PERMISSIONS = {
    Permission.SIGNED_IN: N_("use an account"),
    Permission.PUBLISH: N_("publish data"),
    Permission.REQUEST: N_("ask for data"),
    Permission.NEGOTIATE: N_("answer requests"),
    Permission.SIGN: N_("sign contracts"),
    Permission.MANAGE_KEYS: N_("manage signing keys"),
    Permission.MANAGE_CLIENTS: N_("manage programs"),
    Permission.MANAGE_MEMBERS: N_("manage members"),
    Permission.MANAGE_WEBHOOKS: N_("manage webhooks"),
    Permission.QUERY: N_("query in a test room"),
    Permission.RECEIVE: N_("receive data"),
    Permission.MODERATE: N_("moderate listings"),
    Permission.RUN_TRIAL: N_("run the trial"),
    Permission.AUDIT: N_("audit"),
    Permission.AUTHORISE: N_("decide on trials"),
    Permission.SUSPEND: N_("suspend a listing or trial"),
    Permission.ERASE: N_("erase a person's data"),
}


def say(refusal: Refusal) -> dict[str, Any]:
    """One refusal in the reader's language, as plain data for JSON and templates alike."""
    vietnamese = language() == "vi"
    # A fact may itself be a marked sentence (a field's label); anything else comes back from gettext as it went in.
    facts = {k: _(v) if isinstance(v, str) and v else v for k, v in refusal.facts.items()}
    own, passes = (refusal.vi, refusal.passes_vi) if vietnamese else (refusal.en, refusal.passes_en)
    return {
        "code": refusal.code,
        "field": refusal.field,
        "message": own or (_(refusal.text, **facts) if refusal.text else refusal.code),
        "basis": refusal.basis and citations.in_words(refusal.basis),
        "value": None if refusal.value is None else refusal.value[:200],
        "passes": passes or (_(refusal.passes, **facts) if refusal.passes else None),
    }


def wants_json() -> bool:
    """Programs talk to /api/, /oauth/token and friends; everything else is a page."""
    return request.path.startswith(
        ("/api/", "/oauth/token", "/oauth/revoke", "/oauth/introspect", "/log/", "/.well-known/")
    )


def answer(status: int, code: str, message: str, errors: list[dict[str, Any]], headers: Mapping[str, str]) -> Response:
    """The one place where an error becomes bytes."""
    if wants_json():
        body = {"code": code, "message": message, "errors": errors, "request_id": g.get("request_id", "")}
        response = jsonify(body)
    else:
        response = Response(render_template("error.html", status=status, code=code, message=message, errors=errors))
    response.status_code = status
    response.headers.update(headers)
    return response


def remember(refused: Refused) -> None:
    """Keep it until the request ends: what a trial refused is written down then (exchange/trials/refused.py)."""
    g.refused = refused


def _refused(error: Refused) -> Response:
    remember(error)
    errors = [say(r) for r in error.refusals]
    return answer(error.status, error.code, errors[0]["message"], errors, {})


def _not_signed_in(_error: NotSignedIn) -> Response:
    if not wants_json() and request.method == "GET":
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")), 303)  # type: ignore[return-value]
    return answer(401, "SIGN_IN_REQUIRED", _(SENTENCES[401][1]), [], {"WWW-Authenticate": 'Bearer realm="minhbach"'})


def _not_permitted(error: NotPermitted) -> Response:
    message = _(error.reason or SENTENCES[403][1])
    words = _(PERMISSIONS[Permission(error.permission)]) if error.permission in set(Permission) else error.permission
    passes = _("The permission “%(name)s” is needed.", name=words)
    line = _line("NOT_PERMITTED", None, message) | {"passes": passes}
    return answer(403, "NOT_PERMITTED", message, [line], {})


def _line(code: str, field: str | None, message: str) -> dict[str, Any]:
    return {"code": code, "field": field, "message": message, "basis": None, "value": None, "passes": None}


def _not_found(_error: NotFound) -> Response:
    return answer(404, "NOT_FOUND", _(SENTENCES[404][1]), [], {})


def _http(error: HTTPException) -> Any:
    status = error.code or 500
    if status < 400:
        return error
    code, sentence = SENTENCES.get(status, SENTENCES[400 if status < 500 else 500])
    headers = {k: v for k, v in error.get_headers() if k.lower() in ("allow", "retry-after", "content-range")}
    return answer(status, code, _(sentence), _schema_errors(error), headers)


def _schema_errors(error: HTTPException) -> list[dict[str, Any]]:
    """marshmallow's messages (put there by webargs) as our shape: one line per field."""
    data = getattr(error, "data", None) or {}
    lines: list[dict[str, Any]] = []
    for place in (data.get("messages") or {}).values():
        for field, texts in place.items() if isinstance(place, dict) else [(None, place)]:
            for text in dict.fromkeys(_flat(texts)):
                lines.append(_line("FIELD_INVALID", field and str(field), _(text) if text else ""))
    return lines


def _flat(messages: Any) -> list[str]:
    """Every sentence about one field; a list's or mapping's stand under the index or name of the item."""
    if isinstance(messages, dict):
        return [text for part in messages.values() for text in _flat(part)]
    return [str(text) for text in messages] if isinstance(messages, list) else [str(messages)]


def _clash(error: IntegrityError) -> Response:
    """Two did the same thing in the same moment: the database let one through; the other is told to look again."""
    log.warning("integrity", constraint=type(error.orig).__name__, request_id=g.get("request_id", ""))
    return answer(409, *_pair(409), [], {})


def _no_database(error: OperationalError | InternalError) -> Response:
    """The database is away, full or read-only. What was begun is rolled back with the request's session."""
    log.error("database", failure=type(error.orig).__name__, request_id=g.get("request_id", ""))
    return answer(503, *_pair(503), [], {})


def _too_deep(_error: RecursionError) -> Response:
    """JSON nested thousands of levels deep: the reader of JSON gives up, and so do we. Nothing of ours recurses so."""
    return answer(400, *_pair(400), [], {})


@Blueprint.ARGUMENTS_PARSER.location_loader("json")
def read_json(sent: Request, schema: Any) -> Any:
    """The body of a call of the API; a number too long for Python to read is malformed, not a failure of ours."""
    try:
        return Blueprint.ARGUMENTS_PARSER.load_json(sent, schema)
    except ValueError:
        raise BadRequest() from None


def _unexpected(error: InternalServerError) -> Response:
    # Flask has logged the traceback already; the reader gets the request id to quote.
    return answer(500, *_pair(500), [], {})


def _pair(status: int) -> tuple[str, str]:
    code, sentence = SENTENCES[status]
    return code, _(sentence)


def init_app(app: Flask) -> None:
    """Register the handlers. Must run after flask-smorest's Api, which claims HTTPException for itself."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(InternalServerError, _unexpected)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(IntegrityError, _clash)
    app.register_error_handler(OperationalError, _no_database)
    app.register_error_handler(InternalError, _no_database)  # PostgreSQL's "read-only transaction"
    app.register_error_handler(NotSignedIn, _not_signed_in)
    app.register_error_handler(NotPermitted, _not_permitted)
    app.register_error_handler(NotFound, _not_found)
