"""``Minhbach-Log: <size> <root>`` on every answer of the API and the log: the newest signed head.

Two readers who compare what they were told, or one who keeps it, find out when the exchange shows different people
different histories. The root is base64, as in the checkpoint.
"""

import base64
import threading
import time

import structlog
from flask import Flask, Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from exchange.db import Database
from exchange.ledger import service

HEADER = "Minhbach-Log"
FRESH = 0.5  # seconds for which one look at the database serves; an older head is as true as a newer one

log = structlog.get_logger()


class _Newest:
    """The header's value, looked up at most twice a second and after every run of the sequencer in a request."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._looked, self.known = float("-inf"), ""

    def value(self, *, moved: bool) -> str:
        with self._lock:
            if moved or time.monotonic() - self._looked > FRESH:
                with self._database.reading() as session:
                    head = service.head(session)
                self.known = "" if head is None else f"{head.size} {base64.b64encode(head.root).decode('ascii')}"
                self._looked = time.monotonic()
            return self.known


def init_app(app: Flask, database: Database) -> None:
    """Put the header on."""
    newest = _Newest(database)

    @app.after_request
    def name_the_head(response: Response) -> Response:
        if request.path.startswith(("/api/", "/log/")):
            try:
                value = newest.value(moved=g.get("log_moved", False))
            except SQLAlchemyError:  # the answer itself says what is wrong; what was true a moment ago still is
                log.warning("no_head_for_header", exc_info=True)
                value = newest.known
            if value:
                response.headers[HEADER] = value
        return response
