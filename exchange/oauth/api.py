"""What programs call: the token and revocation endpoints and the server's metadata. Answers are Authlib's."""

import base64
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from flask import Blueprint, Response, jsonify, request, url_for

from exchange import identity
from exchange.oauth import server
from exchange.permissions import SCOPES, public

blueprint = Blueprint("oauth_api", __name__)


def _check_body() -> None:
    """Parameters belong into the body (RFC 6749 section 2.3.1): addresses end up in other people's logs."""
    if request.args:
        raise InvalidRequestError("Parameters must be sent in the request body")
    server.check_parameters()
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            base64.b64decode(credentials).decode()
        except ValueError:  # not base64, or not UTF-8 inside: Authlib would fail on it
            raise InvalidClientError(status_code=401) from None


@blueprint.post("/oauth/token")
@public
def token() -> Response:
    """A token for a code or for a client's own credentials (RFC 6749 section 3.2)."""
    try:
        _check_body()
        answer: Response = server.the_server().create_token_response()
    except OAuth2Error as error:
        return _refused(error)
    identity.db_session().commit()  # also after a refusal: a replayed code has just revoked its token
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/oauth/revoke")
@public
def revoke() -> Response:
    """Hand a token back (RFC 7009). An unknown one is a success too: it no longer works."""
    try:
        _check_body()
        answer: Response = server.the_server().create_endpoint_response("revocation")
    except OAuth2Error as error:
        return _refused(error)
    identity.db_session().commit()
    return answer


def _refused(error: OAuth2Error) -> Response:
    status, body, headers = error()
    answer = jsonify(dict(body))
    answer.status_code = status
    answer.headers.update(dict(headers))
    return answer


@blueprint.get("/.well-known/oauth-authorization-server")
@public
def metadata() -> Response:
    """What this server can do and where (RFC 8414)."""
    return jsonify(describe())


def describe() -> dict[str, Any]:
    """The metadata document; a test holds it against Authlib's reading of RFC 8414."""
    base = server.issuer()
    return {
        "issuer": base,
        "authorization_endpoint": base + url_for("oauth.authorize"),
        "token_endpoint": base + url_for("oauth_api.token"),
        "revocation_endpoint": base + url_for("oauth_api.revoke"),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": server.AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": server.AUTH_METHODS,
        "authorization_response_iss_parameter_supported": True,
        "service_documentation": base + "/api/openapi.json",
        "ui_locales_supported": ["vi", "en"],
    }
