"""A real HTTP receiver of webhooks that checks every signature with the convention's own library."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass
class Receiver:
    """What came, and how it answers: ``statuses`` in turn, then 204."""

    secret: str = ""
    statuses: list[int] = field(default_factory=list)
    location: str = ""
    dribble: float = 0.0  # seconds between two bytes of an answer that does not end
    port: int = 0
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)  # those whose signature holds

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/in?x=1"

    @property
    def ids(self) -> list[str]:
        """The webhook-id of everything that came."""
        return [headers["webhook-id"] for headers in self.headers]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Keep and check one message; the status to answer with."""
        self.paths.append(path)
        self.headers.append(headers)
        self.bodies.append(body)
        if self.statuses:
            return self.statuses.pop(0)
        try:
            self.messages.append(Webhook(self.secret).verify(body, headers))
        except WebhookVerificationError:
            return 401
        return 204


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.receiver.take(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        if self.receiver.dribble:
            self._dribble()
            return
        self.send_response(status)
        if self.receiver.location:
            self.send_header("Location", self.receiver.location)
        self.end_headers()
        self.wfile.write(b"x" * 1_000_000)  # nobody reads it

    def _dribble(self) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
            try:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
            except OSError:
                return
            time.sleep(self.receiver.dribble)

    def do_GET(self) -> None:
        self.receiver.paths.append("GET " + self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quietly."""

    def handle(self) -> None:
        """The other side hangs up without reading everything; that is no fault."""
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError):
            return


@contextmanager
def receiving(context: ssl.SSLContext | None = None, **facts: Any) -> Iterator[Receiver]:
    """The receiver on a loopback port for the length of the block."""
    receiver = Receiver(**facts)

    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"receiver": receiver}))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
