"""HTTP to an exchange: one access token, kept in memory; big bodies in pieces; no redirect is ever followed.

A redirect could carry the token to another host, plain HTTP could show it to everybody on the way: both are refused.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from exchange.client.files import Credentials
from exchange.client.gossip import HEADER, Head
from exchange.client.words import ClientError

PIECE = 1024 * 1024  # bytes sent or received at a time
TIMEOUT = 60.0  # seconds without a byte
READING_TIMEOUT = 900.0  # seconds in which the exchange reads an uploaded file
EARLY = 60  # seconds before its end at which a token is not used any more
MAX_ANSWER = 32 * 1024 * 1024  # bytes of a JSON answer
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class ServerRefused(ClientError):
    """The exchange said no; ``body`` is its one shape of an error: code, message, errors, request_id."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body.get("code", status)), message=body.get("message"))
        self.status, self.body = status, body


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Nowhere else."""


class Connection:
    """One exchange, asked with the scope that the command needs and no more."""

    def __init__(self, server: str, credentials: Credentials, scope: str, lang: str) -> None:
        self.base = checked_address(server)
        self.credentials, self.scope, self.lang = credentials, scope, lang
        self.told: Head | None = None  # the largest head of its log that an answer named
        self.answered = False  # whether the API has answered, with or without naming one
        self._token, self._until = "", 0.0  # and when it is no use any more, by the monotonic clock
        proxies = [ProxyHandler({})] if urlsplit(self.base).hostname in LOOPBACK else []
        self._opener = build_opener(_NoRedirect, *proxies)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask the JSON API; the parsed answer."""
        data = None if body is None else json.dumps(body).encode()
        with self.open(method, f"/api/v1{path}", data, {"Content-Type": "application/json"} if data else {}) as answer:
            return self._parsed(answer)

    def fetch(self, path: str) -> bytes:
        """The bytes at an address of the exchange."""
        with self.open("GET", path) as answer:
            return self._read(answer)

    def send_file(self, path: str, file: Path, advance: Callable[[int], object]) -> Any:
        """PUT a file in pieces; ``advance`` is told how many bytes were handed over."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
        with self.open("PUT", f"/api/v1{path}", _pieces(file, advance), headers, READING_TIMEOUT) as answer:
            return self._parsed(answer)

    def open(
        self,
        method: str,
        path: str,
        data: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> HTTPResponse:
        """An answer to read from, with our token; raises ServerRefused, or ClientError when nobody answers."""
        own = {"Authorization": f"Bearer {self._access_token()}", **(headers or {})}
        return self._send(method, path, data, own, timeout)

    # -- the token -----------------------------------------------------------------------------------------------

    def _access_token(self) -> str:
        if time.monotonic() >= self._until:
            if self.credentials.flow == "person":
                from exchange.client.login import ask_person

                self._take_token(ask_person(self.base, self.credentials, self.scope, self.lang))
            else:
                self._take_token({"grant_type": "client_credentials", "scope": self.scope})
        return self._token

    def _take_token(self, parameters: dict[str, str]) -> None:
        """From the token endpoint (RFC 6749 section 3.2); the secret goes into HTTP Basic (2.3.1)."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        client = self.credentials
        if client.client_secret:
            pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            parameters = {**parameters, "client_id": client.client_id}
        try:
            with self._send("POST", "/oauth/token", urlencode(parameters).encode(), headers, TIMEOUT) as answer:
                found = self._parsed(answer)
            self._token = str(found["access_token"])
            self._until = time.monotonic() + int(found["expires_in"]) - EARLY
        except (KeyError, TypeError, ValueError):
            raise ClientError("ANSWER_STRANGE", server=self.base, status=200) from None
        except ServerRefused as refused:
            body = refused.body
            reason = body.get("error_description") or body.get("error") or body.get("message") or refused.status
            raise ClientError("TOKEN_REFUSED", reason=reason) from None

    # -- HTTP ----------------------------------------------------------------------------------------------------

    def _send(
        self, method: str, path: str, data: bytes | Iterator[bytes] | None, headers: dict[str, str], timeout: float
    ) -> HTTPResponse:
        every = {"Accept-Language": self.lang, "User-Agent": "minhbach", **headers}
        request = Request(self.base + path, data, every, method=method)  # noqa: S310 - checked_address knows the scheme
        try:
            answer = cast(HTTPResponse, self._opener.open(request, timeout=timeout))
            self.answered = self.answered or path.startswith("/api/")
            self._hear(answer.headers)
            return answer
        except HTTPError as error:
            with error:
                self._hear(error.headers)
                raise ServerRefused(error.code, self._refusal(error)) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise ClientError("NO_CONNECTION", server=self.base, reason=reason) from None

    def _hear(self, headers: Message) -> None:
        head = Head.parse(headers.get(HEADER, ""))
        if head and (self.told is None or head.size >= self.told.size):
            self.told = head

    def _parsed(self, answer: HTTPResponse) -> Any:
        try:
            return json.loads(self._read(answer) or b"null")
        except ValueError:
            raise ClientError("ANSWER_STRANGE", server=self.base, status=answer.status) from None

    def _read(self, answer: HTTPResponse) -> bytes:
        try:
            return answer.read(MAX_ANSWER)
        except (OSError, HTTPException) as error:
            raise ClientError("NO_CONNECTION", server=self.base, reason=error) from None

    def _refusal(self, error: HTTPError) -> dict[str, Any]:
        try:
            body = json.loads(error.read(MAX_ANSWER))
        except (ValueError, OSError, HTTPException):
            body = None
        if not isinstance(body, dict):
            raise ClientError("ANSWER_STRANGE", server=self.base, status=error.code) from None
        return body


def checked_address(server: str) -> str:
    """The base address without a slash at its end; HTTPS, or HTTP to this machine only."""
    parts = urlsplit(server)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not secure or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ClientError("SERVER_ADDRESS", value=server)
    return server.rstrip("/")


def wait_for(ask: Callable[[], Any], seconds: float) -> Any:
    """Ask until the answer is not None, for a while; the last answer."""
    end = time.monotonic() + seconds
    while (found := ask()) is None and time.monotonic() < end:
        time.sleep(0.2)
    return found


def _pieces(file: Path, advance: Callable[[int], object]) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(PIECE):
            yield piece
            advance(len(piece))
