"""The log's heads stamped by an outside authority (RFC 3161): the last head of each finished hour and day, in UTC.

One token a head, over the text of its checkpoint (contracts/log/timestamp.py), checked before it is stored. An hour in
which nothing was recorded has no head of its own and asks for nothing. After an outage the newest finished head is
stamped: it holds all earlier ones, and the token states the time at which it was made, not the hour that was missed.

The order of things, and what a crash leaves: ask, check, store in one transaction. A crash before its commit loses a
token, and the next run asks again. An authority that is down, slow or wrong delays a stamp and nothing else.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from contracts.errors import ContractsError, TimestampError
from contracts.log import checkpoint, timestamp
from exchange import clock
from exchange.config import Config, ConfigurationError
from exchange.db import Database
from exchange.ledger.leader import leading
from exchange.ledger.models import Anchor, Checkpoint
from exchange.ledger.ticking import Ticking

TICK = 60.0  # seconds between two looks at the clock
PATIENCE = 10.0  # seconds for the authority's whole answer
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_FORMATS = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d"}

log = structlog.get_logger()


class TimeStamps:
    """Asks the configured authority, if there is one. Any number of processes may have one; they take turns."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database, self._home = database, config.home
        self._url = None if config.tsa_url is None else _checked(config.tsa_url)
        self._ticking = Ticking("timestamps", TICK, self.try_run)
        try:
            self._roots = timestamp.parse_roots(config.tsa_roots.read_bytes()) if config.tsa_roots else []
        except (OSError, TimestampError) as error:
            raise ConfigurationError(f"MINHBACH_TSA_ROOTS must name a PEM file of certificates: {error}") from None

    @property
    def configured(self) -> bool:
        """Whether an authority is set."""
        return self._url is not None

    def run_once(self) -> int:
        """Stamp what is due; returns how many stamps were stored, none while another process is at it."""
        if self._url is None:
            return 0
        with leading(self._database, self._home, "timestamps") as leads:
            return sum(self._stamp(kind, self._url) for kind in _FORMATS) if leads else 0

    def _stamp(self, kind: str, url: str) -> int:
        with self._database.reading() as session:  # closed before the authority is asked: nothing waits for it
            head = _due(session, kind, clock.now())
            if head is None or head.note is None:
                return 0
            known = session.exec(select(Anchor).where(Anchor.size == head.size)).first()
        if known is None:
            text = text_of(head.note)
            nonce = secrets.randbits(64)
            token = ask(url, timestamp.request(text, nonce))
            stamped_ms = round(timestamp.check(token, text, self._roots, nonce).time.timestamp() * 1000)
        else:  # the last head of an hour is the last of its day, too: one token serves both
            token, stamped_ms = known.token, known.stamped_ms
        period = _utc(head.made_ms).strftime(_FORMATS[kind])
        with self._database.writing() as session:
            session.add(Anchor(size=head.size, kind=kind, period=period, token=token, stamped_ms=stamped_ms))
            session.commit()
        return 1

    # -- in the background -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Look once a minute in a thread of this process until :meth:`stop`; without an authority, do nothing."""
        if self.configured:
            self._ticking.start()

    def stop(self) -> None:
        """Finish the run under way and end the thread."""
        self._ticking.stop()

    def try_run(self) -> None:
        """:meth:`run_once`, but a failure is noted instead of raised; the next tick tries again."""
        try:
            self.run_once()
        except (OSError, HTTPException, ContractsError, SQLAlchemyError) as error:
            reason = error.code if isinstance(error, ContractsError) else type(error).__name__
            log.error("timestamps", failure=reason)


def text_of(note: str) -> bytes:
    """The bytes of a head that are stamped: its signed text, without the signature lines."""
    return checkpoint.parse_note(note).text.encode()


def ask(url: str, request: bytes) -> bytes:
    """The authority's answer (RFC 3161 section 3.4), at most 64 KiB within ten seconds, from this very address."""
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    proxies = [ProxyHandler({})] if urlsplit(url).hostname in LOOPBACK else []
    deadline = time.monotonic() + PATIENCE
    question = Request(url, request, headers)  # noqa: S310 - the address is checked: HTTPS, or this machine
    try:
        with build_opener(_NoRedirect, *proxies).open(question, timeout=PATIENCE) as answer:
            body = b""
            while piece := answer.read1(timestamp.MAX_TOKEN):
                body += piece
                if len(body) > timestamp.MAX_TOKEN:
                    raise TimestampError("TIMESTAMP_MALFORMED", bytes=len(body))
                if time.monotonic() > deadline:  # a byte every few seconds would otherwise hold us for days
                    raise TimeoutError
    except HTTPError as refused:
        refused.close()
        raise
    return body


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Nowhere else."""


def _due(session: Session, kind: str, now: datetime) -> Checkpoint | None:
    """The last signed head made before the present hour or day, unless it, or one after it, has its stamp."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start -= timedelta(hours=start.hour if kind == "day" else 0)
    made_before = col(Checkpoint.made_ms) < int(start.timestamp() * 1000)
    heads = select(Checkpoint).where(col(Checkpoint.note).is_not(None), made_before)
    head = session.exec(heads.order_by(col(Checkpoint.size).desc()).limit(1)).first()
    if head is None:
        return None
    done = select(Anchor.size).where(Anchor.kind == kind, col(Anchor.size) >= head.size).limit(1)
    return None if session.exec(done).first() is not None else head


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise ConfigurationError("MINHBACH_TSA_URL must begin with https://, except on this very machine")


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
