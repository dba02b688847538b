"""A person lets this program act for them: authorisation code with PKCE over a loopback address (RFC 8252, RFC 7636).

The program must be registered with the redirect address http://127.0.0.1/callback; its port may be any.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import click

from exchange.client.files import Credentials
from exchange.client.words import ClientError, say

MINUTES = 5
CALLBACK = "/callback"


class _Listener(HTTPServer):
    """Waits for the browser's one answer."""

    answer: dict[str, str] | None = None
    lang = "vi"


class _Door(BaseHTTPRequestHandler):
    server: _Listener

    def do_GET(self) -> None:
        """The browser comes back with a code, or with a no."""
        parts = urlsplit(self.path)
        if parts.path == CALLBACK:
            self.server.answer = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.send_response(200 if parts.path == CALLBACK else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        if parts.path == CALLBACK:
            self.wfile.write(say("LOGIN_DONE", self.server.lang, {}).encode())

    def log_message(self, *_: object) -> None:
        """The address holds a code: it is written nowhere."""


def ask_person(
    base: str,
    credentials: Credentials,
    scope: str,
    lang: str,
    *,
    path: str = "/oauth/authorize",
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Show the address, wait for the answer; the parameters of the token request that follows. ``path`` and ``more``
    are what another server than an exchange wants."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    with _Listener(("127.0.0.1", 0), _Door) as listener:
        listener.lang = lang
        redirect_uri = f"http://127.0.0.1:{listener.server_port}{CALLBACK}"
        query = {
            "response_type": "code", "client_id": credentials.client_id, "redirect_uri": redirect_uri, "scope": scope,
            "state": state, "code_challenge": challenge, "code_challenge_method": "S256",
            **(more or {}),
        }  # fmt: skip
        url = f"{base}{path}?{urlencode(query)}"
        click.echo(say("LOGIN_OPEN", lang, {"url": url}), err=True)
        answer = _wait(listener)
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()) or answer.get("iss", base) != base:
        raise ClientError("LOGIN_FOREIGN")
    if "code" not in answer:
        raise ClientError("TOKEN_REFUSED", reason=answer.get("error_description") or answer.get("error", "?"))
    return {
        "grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }  # fmt: skip


def _wait(listener: _Listener) -> dict[str, str]:
    end = time.monotonic() + MINUTES * 60
    while listener.answer is None:
        listener.timeout = end - time.monotonic()
        if listener.timeout <= 0:
            raise ClientError("LOGIN_TIMEOUT", minutes=MINUTES)
        listener.handle_request()
    return listener.answer
