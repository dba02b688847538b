"""A file as an HTTP answer: ranges, digests, a safe file name, constant memory, and a watch on the contract.

Standards: ranges and conditions RFC 9110 sections 13-14, Repr-Digest RFC 9530, file names RFC 6266 and RFC 8187.
"""

import base64
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import structlog
from flask import Response, current_app, request, url_for
from sqlmodel import Session
from werkzeug.exceptions import RequestedRangeNotSatisfiable, ServiceUnavailable
from werkzeug.http import parse_range_header

from exchange import clock, identity
from exchange.catalogue.models import Asset
from exchange.config import Config
from exchange.db import Database
from exchange.deliveries import service
from exchange.deliveries.service import RefusedOnRecord, Ticket
from exchange.errors import N_, ExchangeError, Refusal, refuse
from exchange.ledger import service as ledger
from exchange.store import the_store

PIECE = 256 * 1024  # bytes given to the server at a time; what is in flight when access ends
LOOK_SECONDS = 1.0  # between two looks at the contract while bytes flow,
LOOK_BYTES = 8 * 1024 * 1024  # or sooner when they flow fast

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
}
log = structlog.get_logger()


class AccessEnded(ExchangeError):
    """The contract or grant ended while its file was being sent: the connection is cut."""


@dataclass(frozen=True)
class Span:
    """The bytes of one answer, from ``first`` up to but without ``end``; ``partial``: a 206."""

    first: int
    end: int
    partial: bool = False


def answer(take: Callable[[Session], Ticket]) -> Response:
    """The answer to one request for a file. ``take`` is the use case that says which file, or refuses."""
    session = identity.writing_session()
    with keeping_refusals():
        ticket = take(session)
    asset = ticket.asset
    if request.if_none_match.contains(asset.sha256):
        return Response(status=304, headers=_headers(asset, None))
    span = _span(asset)
    response = Response(status=206 if span.partial else 200, headers=_headers(asset, span), direct_passthrough=True)
    if request.method != "HEAD":  # which asks whether it could: nothing is sent, nothing counted
        response.response = _begin(session, ticket, span)
    return response


class keeping_refusals:
    """``with keeping_refusals():`` a refusal on record is committed and sequenced before it is answered."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, RefusedOnRecord):
            identity.commit_logged()


def _begin(session: Session, ticket: Ticket, span: Span) -> Iterator[bytes]:
    """Note the delivery, wait for its record to be in the tree, then begin to send."""
    try:
        chunks = the_store().open_range(ticket.asset.file_key, span.first, span.end)
    except FileNotFoundError:
        log.error("file_missing", asset=ticket.asset.id)
        text = N_("The file is not in the exchange's store. The operator has been told.")
        raise refuse("FILE_MISSING", text, status=503) from None
    made = service.start(session, ticket, span.first, span.end, clock.now())
    identity.commit_logged()
    database: Database = current_app.extensions["minhbach.database"]
    with database.reading() as reading:
        if not ledger.is_logged(reading, made.event_id):
            raise ServiceUnavailable
    return _stream(chunks, _Watch(database, ticket, made.id))


def _stream(chunks: Iterator[bytes], watch: "_Watch") -> Iterator[bytes]:
    """The bytes, for as long as the contract allows; what was sent is noted however it ends."""
    try:
        for chunk in chunks:
            view = memoryview(chunk)
            for start in range(0, len(view), PIECE):
                watch.look()
                piece = bytes(view[start : start + PIECE])
                yield piece
                watch.sent += len(piece)  # only now: the server has taken it and asks for more
    finally:
        watch.close()


class _Watch:
    """Looks at the contract now and then, holding no database connection in between."""

    def __init__(self, database: Database, ticket: Ticket, delivery_id: str) -> None:
        self._database, self._ticket, self._delivery_id = database, ticket, delivery_id
        self.sent = 0
        self._cut: Refusal | None = None
        self._looked_at, self._looked_bytes = time.monotonic(), 0

    def look(self) -> None:
        """Raise AccessEnded when the contract no longer allows this; asks the database only when it is time."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS and self.sent - self._looked_bytes < LOOK_BYTES:
            return
        with self._database.reading() as session:
            self._cut = service.still_allowed(session, self._ticket, clock.now())
        if self._cut is not None:
            raise AccessEnded(self._cut.code)  # the server closes the connection: the reader sees a broken file
        self._looked_at, self._looked_bytes = time.monotonic(), self.sent

    def close(self) -> None:
        """Write down how it ended."""
        with self._database.writing() as session:
            service.finish(session, self._delivery_id, self._ticket, self.sent, self._cut, clock.now())
            session.commit()


def _span(asset: Asset) -> Span:
    """What the Range header asks for. Several ranges at once, or a malformed header, get the whole (RFC 9110 14.2)."""
    whole = Span(0, asset.bytes)
    wanted = parse_range_header(request.headers.get("Range"))
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or not _same_file(asset):
        return whole
    found = wanted.range_for_length(asset.bytes)
    if found is None:
        raise RequestedRangeNotSatisfiable(length=asset.bytes)
    return Span(found[0], found[1], partial=True)


def _same_file(asset: Asset) -> bool:
    """If-Range: go on only if the reader's first half is of this very file; dates are no proof of that."""
    if "If-Range" not in request.headers:
        return True
    return request.headers["If-Range"].strip() == f'"{asset.sha256}"'


def _headers(asset: Asset, span: Span | None) -> dict[str, str]:
    headers = {
        "ETag": f'"{asset.sha256}"',
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(asset.sha256)).decode('ascii')}:",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
    }
    if span is None:
        return headers
    if span.partial:
        headers["Content-Range"] = f"bytes {span.first}-{span.end - 1}/{asset.bytes}"
    return headers | {
        "Content-Type": _TYPES[asset.format],
        "Content-Length": str(span.end - span.first),
        "Content-Disposition": disposition(asset.file_name),
    }


def address_of(ticket: Ticket, token: str) -> str:
    """The whole address of a link, on the host we are known by, whatever the request called us."""
    config: Config = current_app.extensions["minhbach.config"]
    return config.base_url + url_for("deliveries.by_link", token=token, filename=safe_name(ticket.asset.file_name))


def disposition(name: str) -> str:
    """``attachment`` with the name twice: plain ASCII for old readers, UTF-8 for all others (RFC 6266 section 4.3)."""
    safe = safe_name(name)
    plain = unicodedata.normalize("NFKD", safe.replace("đ", "d").replace("Đ", "D")).encode("ascii", "ignore").decode()
    plain = "".join(c if c.isalnum() or c in "._- " else "_" for c in plain).strip(" .") or "data"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"


def safe_name(name: str) -> str:
    """A file name that is no path and shows what it is: no separators, no control or direction-changing signs."""
    kept = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] != "C")
    return "".join("_" if c in '/\\:*?"<>|' else c for c in kept).strip(" .")[:150] or "data"
