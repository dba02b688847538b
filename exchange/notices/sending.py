"""One message of a webhook on its way: signed by the Standard Webhooks convention, posted once, the answer judged.

Signed are ``id.timestamp.body`` under each secret that holds (HMAC-SHA-256). Only the status line and the headers of
the answer are read; a receiver that dawdles is cut off after PATIENCE seconds, however it spends them.
"""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from exchange.errors import Refused
from exchange.notices import address

PATIENCE = 15.0  # seconds for the whole exchange of messages
AGENT = "minhbach-webhooks"


def body_of(type: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The payload: what kind of thing happened, when, and the ids of what it concerns."""
    value = {"type": type, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": dict(data)}
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def headers_of(message_id: str, now: datetime, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """The three headers of the convention; ``now`` is the time of this try, seconds since 1970."""
    stamp = str(int(now.timestamp()))
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    signatures = [base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def post(url: str, headers: Mapping[str, str], body: bytes, *, local: bool, patience: float = PATIENCE) -> str:
    """Send it; the status as text ("204"), or a word for why there is none: "forbidden", "tls", "timeout",
    "unreachable", "answer". Whatever the other side does, nothing is raised."""
    try:
        parts = address.check(url, local=local)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        ip = address.resolve(str(parts.hostname), port, local=local)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _ask(_Pinned(str(parts.hostname), port, ip, secure, patience), target, headers, body, patience)
    except (Refused, address.AddressForbidden):
        return "forbidden"
    except ssl.SSLError:
        return "tls"
    except TimeoutError:
        return "timeout"
    except (OSError, UnicodeError):
        return "unreachable"
    except (http.client.HTTPException, ValueError):
        return "answer"


def _ask(line: "_Pinned", target: str, headers: Mapping[str, str], body: bytes, patience: float) -> str:
    watch = threading.Timer(patience, line.cut)
    watch.daemon = True
    watch.start()
    try:
        whole = {"Content-Type": "application/json", "User-Agent": AGENT, "Connection": "close", **headers}
        line.request("POST", target, body, whole)
        return str(line.getresponse().status)
    except (OSError, ValueError, http.client.HTTPException):
        if line.was_cut:
            raise TimeoutError from None
        raise
    finally:
        watch.cancel()
        line.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to one address under the name that the certificate and the receiver know."""

    def __init__(self, host: str, port: int, ip: str, secure: bool, patience: float) -> None:
        super().__init__(host, port, timeout=patience)
        self._ip, self._secure, self.was_cut = ip, secure, False
        self.default_port = 443 if secure else 80  # so that the Host header names a port only where it is another

    def connect(self) -> None:
        """To the address that was looked at, whatever the name leads to by now."""
        self.sock = socket.create_connection((self._ip, self.port), self.timeout)
        if self._secure:
            secured = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock = secured  # before the handshake, so that it can be cut too
            secured.do_handshake()

    def cut(self) -> None:
        """End it from another thread."""
        self.was_cut = True
        if self.sock is not None:
            try:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # a TLS socket's own would forget its state
            except OSError:  # it ended at this very moment
                return
