"""HTTP to a server that nobody vouches for: seconds, not minutes; a limit on the answer; no redirect; HTTPS.

Plain HTTP goes to this very machine only. A server that sends one byte now and then is cut off at the deadline.
"""

import time
from dataclasses import dataclass
from http.client import HTTPException
from typing import cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from exchange.client.connection import LOOPBACK, checked_address
from exchange.client.words import ClientError

SECONDS = 5.0  # to connect, for each silence, and for the whole answer
_PIECE = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back, whatever the status."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 shows as such."""
        return self.body.decode("utf-8", "replace")


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Nowhere else."""


class Plain:
    """One server, asked without signing in, with a bearer token of one's own, or with another ``authorization``."""

    def __init__(
        self, address: str, token: str = "", seconds: float = SECONDS, *, authorization: str = ""
    ) -> None:  # fmt: skip
        self.base = checked_address(address)
        shown = authorization or (f"Bearer {token}" if token else "")
        self._headers = {"User-Agent": "minhbach"} | ({"Authorization": shown} if shown else {})
        self._seconds = seconds
        proxies = [ProxyHandler({})] if urlsplit(self.base).hostname in LOOPBACK else []
        self._opener = build_opener(_NoRedirect, *proxies)

    def ask(self, path: str, limit: int, body: bytes | None = None, *, kind: str = "text/plain") -> Answer:
        """GET, or POST of a body; raises ClientError when nobody answers in time or with more than ``limit`` bytes."""
        headers = self._headers | ({"Content-Type": kind} if body is not None else {})
        request = Request(self.base + path, body, headers)  # noqa: S310 - checked_address knows the scheme
        end = time.monotonic() + self._seconds
        try:
            try:
                answer = self._opener.open(request, timeout=self._seconds)
            except HTTPError as error:
                answer = error
            with answer:
                pieces, size = [], 0
                while piece := answer.read1(_PIECE):
                    pieces.append(piece)
                    size += len(piece)
                    if size > limit or time.monotonic() > end:
                        raise ClientError("ANSWER_STRANGE", server=self.base, status=answer.status)
                return Answer(cast(int, answer.status), b"".join(pieces))
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise ClientError("NO_CONNECTION", server=self.base, reason=reason) from None
