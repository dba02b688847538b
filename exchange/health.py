"""Is the process alive, can it do its work, what has it counted: for load balancers and monitoring."""

from contextlib import suppress

import obstore
import structlog
from flask import Blueprint, Response, current_app, jsonify
from obstore.exceptions import BaseError
from obstore.store import from_url
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from exchange.db import new_id
from exchange.permissions import public

log = structlog.get_logger()
blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> Response:
    """The process answers; nothing else is asked, so that a slow database does not get it killed."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
@public
def ready() -> Response:
    """Whether this process can serve: each part by name, 503 when one of them fails. No detail, as it is public."""
    notices: bool = current_app.extensions["minhbach.notices"].healthy
    checks = {"database": _database(), "store": _store(), "log": _log(), "notices": notices}
    response = jsonify({name: "ok" if good else "failing" for name, good in checks.items()})
    response.status_code = 200 if all(checks.values()) else 503
    response.cache_control.no_store = True
    return response


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    """Counters in Prometheus' text format. They name no person and no organisation."""
    body = generate_latest(current_app.extensions["minhbach.metrics"])
    return Response(body, content_type=CONTENT_TYPE_LATEST)


def _database() -> bool:
    try:
        with current_app.extensions["minhbach.database"].reading() as session:
            session.connection().execute(text("SELECT 1"))
    except SQLAlchemyError:
        log.warning("not_ready", part="database", exc_info=True)
        return False
    return True


def _store() -> bool:
    """Write a few bytes and take them away again: a full or read-only disk shows only so."""
    url = current_app.extensions["minhbach.config"].store_url
    name = f"health/{new_id()}"
    try:
        store = from_url(url, mkdir=True) if url.startswith("file:") else from_url(url)
        obstore.put(store, name, b"ok")
    except (BaseError, OSError):
        log.warning("not_ready", part="store", exc_info=True)
        return False
    with suppress(BaseError, OSError):
        obstore.delete(store, name)
    return True


def _log() -> bool:
    """The sequencer of this process is running and keeps up, and no witness has seen another history. A witness that
    is down does not make the exchange unready."""
    try:
        alarmed = current_app.extensions["minhbach.witnesses"].alarmed()
    except SQLAlchemyError:
        log.warning("not_ready", part="log", exc_info=True)
        return False
    return bool(current_app.extensions["minhbach.sequencer"].healthy) and not alarmed
