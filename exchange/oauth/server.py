"""Authlib's authorisation server on our tables: which protocol rules apply, and the few places where they meet rows.

Authlib's mixins cannot be parents of SQLModel classes, so three small views stand between them. Stricter than its
defaults: PKCE always and S256 only, every scope asked for must be allowed, redirect addresses always given and exact,
one hour for a token, RFC 9207's ``iss`` on every answer of the authorisation endpoint.
"""

import hmac
import re
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge, create_s256_code_challenge
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Flask, current_app, request

from exchange import clock, identity
from exchange.accounts.service import new_secret
from exchange.config import Config
from exchange.oauth import rules, service
from exchange.oauth.models import Client, Code, Flow, Token
from exchange.permissions import SCOPES

AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]
_SENDABLE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")  # RFC 6749 section 4.1.2.1, error_description
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256


class ClientView(ClientMixin):
    """A registered program, answering Authlib's questions."""

    def __init__(self, row: Client) -> None:
        self.row = row

    def get_client_id(self) -> str:
        """Its client_id."""
        return self.row.id

    def get_default_redirect_uri(self) -> None:
        """None: a request must say where it wants the answer."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scopes asked for; None, which refuses the request, when one is not allowed to this client."""
        wanted = (scope or "").split()
        if not set(wanted) <= set(self.row.scopes):
            return None
        return " ".join(name for name in self.row.scopes if name in wanted or not wanted)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether it is registered, character by character."""
        return rules.is_registered(redirect_uri, self.row.redirect_uris)

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether it is this client's."""
        return service.has_secret(self.row, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """A client with a secret must show it, everywhere."""
        return (method == "none") == (self.row.secret_hash is None)

    def check_response_type(self, response_type: str) -> bool:
        """Only codes, and only for programs that people use."""
        return response_type == "code" and self.row.flow == Flow.PERSON

    def check_grant_type(self, grant_type: str) -> bool:
        """One way to a token per program."""
        return grant_type == {Flow.PERSON: "authorization_code", Flow.MACHINE: "client_credentials"}[self.row.flow]


class CodeView(AuthorizationCodeMixin):
    """An issued code, answering Authlib's questions."""

    def __init__(self, row: Code) -> None:
        self.row = row
        self.code_challenge = row.challenge

    def get_redirect_uri(self) -> str:
        """Where it was sent; the token request must repeat it."""
        return self.row.redirect_uri

    def get_scope(self) -> str:
        """What the person consented to."""
        return self.row.scope


class TokenView:
    """A token to be revoked."""

    def __init__(self, row: Token) -> None:
        self.row = row

    def check_client(self, client: ClientView) -> bool:
        """Only whoever holds it may hand it back."""
        return self.row.client_id == client.row.id


class S256(CodeChallenge):
    """PKCE for every client, by S256 and nothing else (RFC 9700 section 2.1.1). Authlib's own class allows "plain"."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - Authlib's attribute
    CODE_CHALLENGE_METHODS = {  # noqa: RUF012 - as above
        "S256": lambda verifier, challenge: hmac.compare_digest(create_s256_code_challenge(verifier), challenge)
    }

    def validate_code_challenge(self, grant: AuthorizationCodeGrant, redirect_uri: str) -> None:
        """An absent method would mean "plain" (RFC 7636 section 4.3), so it must be there."""
        data = grant.request.payload.data
        if data.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(data.get("code_challenge") or ""):
            raise InvalidRequestError("PKCE with code_challenge_method S256 is required")
        super().validate_code_challenge(grant, redirect_uri)

    def get_authorization_code_challenge_method(self, authorization_code: CodeView) -> str:
        """Nothing else was ever accepted."""
        return "S256"


class CodeGrant(AuthorizationCodeGrant):
    """Authorisation code (RFC 6749 section 4.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def generate_authorization_code(self) -> str:
        """256 random bits."""
        return new_secret()

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Remember what was consented to."""
        service.issue_code(
            identity.db_session(),
            request.user,
            request.client.row,
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            challenge=request.payload.data["code_challenge"],
            code=code,
            now=clock.now(),
        )

    def query_authorization_code(self, code: str, client: ClientView) -> CodeView | None:
        """The client's own, unused, unexpired code."""
        row = service.find_code(identity.db_session(), client.row.id, code, clock.now())
        return CodeView(row) if row else None

    def authenticate_user(self, authorization_code: CodeView) -> CodeView:
        """The last step before a token exists: use the code up, so that no second token can come of it."""
        if not service.spend_code(identity.db_session(), authorization_code.row, clock.now()):
            raise InvalidGrantError("Invalid 'code' in request.")
        return authorization_code  # stands for the person: issue_token reads them from it

    def delete_authorization_code(self, authorization_code: CodeView) -> None:
        """It stays, marked as used: a replay must be recognised."""


class MachineGrant(ClientCredentialsGrant):
    """Client credentials (RFC 6749 section 4.4)."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 - Authlib's attribute


class Revocation(RevocationEndpoint):
    """Token revocation (RFC 7009)."""

    CLIENT_AUTH_METHODS = AUTH_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> TokenView | None:
        """The token, whatever the hint says: there is one kind."""
        row = service.find_token(identity.db_session(), token_string)
        return TokenView(row) if row else None

    def revoke_token(self, token: TokenView, request: Any) -> None:
        """Out at once."""
        token.row.revoked_at = token.row.revoked_at or clock.now()


class Issuer(IssuerParameter):
    """Who answered, so that a client talking to two servers cannot be confused (RFC 9207)."""

    def get_issuer(self) -> str:
        """Our address."""
        return issuer()


def issuer() -> str:
    """The issuer identifier: the exchange's base address, without a slash at its end."""
    config: Config = current_app.extensions["minhbach.config"]
    return config.base_url


def check_parameters() -> None:
    """Refuse parameters that no conforming client sends, before Authlib quotes them in an ASCII-only sentence."""
    for name in ("client_id", "redirect_uri", "response_type", "grant_type", "scope", "code", "token"):
        if not all(_SENDABLE.fullmatch(value) for value in request.values.getlist(name)):
            raise InvalidRequestError(f"Malformed '{name}'")


def _query_client(client_id: str) -> ClientView | None:
    if not _SENDABLE.fullmatch(client_id):  # from HTTP Basic it can be anything
        return None
    row = service.active_client(identity.db_session(), client_id)
    return ClientView(row) if row else None


def _save_token(token: dict[str, Any], request: Any) -> None:
    code = request.user.row if request.user else None
    scope = code.scope if code else token.get("scope", "")
    service.issue_token(identity.db_session(), request.client.row, token["access_token"], scope, code, clock.now())


def init_app(app: Flask) -> None:
    """Put the server together; found again by :func:`the_server`."""
    app.config["OAUTH2_SCOPES_SUPPORTED"] = list(SCOPES)
    server = AuthorizationServer(app, _query_client, _save_token)
    lifetime = int(service.TOKEN_LENGTH.total_seconds())
    tokens = BearerTokenGenerator(lambda **_facts: new_secret(), expires_generator=lambda *_facts: lifetime)
    server.register_token_generator("default", tokens)
    server.register_grant(CodeGrant, [S256()])
    server.register_grant(MachineGrant)
    server.register_endpoint(Revocation)
    server.register_extension(Issuer())
    app.extensions["minhbach.oauth"] = server


def the_server() -> AuthorizationServer:
    """This application's server."""
    return current_app.extensions["minhbach.oauth"]
