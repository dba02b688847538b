"""What every answer carries: request id, content-security policy and its companions, one structured log line."""

import logging
import re
import time

import structlog
from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram

from exchange.db import new_id

# 'self' only: no inline script or style anywhere. blob: lets the signing page offer a download made in the browser.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SHORTLY = "5"  # seconds
log = structlog.get_logger()


def _start() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-Id"] = g.get("request_id", "")
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if response.status_code == 503:
        headers["Retry-After"] = _SHORTLY  # the rate limiter has put there when its window ends, an hour away
    if request.endpoint != "static" and "Cache-Control" not in headers:
        headers["Cache-Control"] = "private, no-cache"
    return response


def _log_line(app: Flask, registry: CollectorRegistry) -> None:
    requests = Counter("minhbach_requests", "Requests answered", ["endpoint", "status"], registry=registry)
    seconds = Histogram("minhbach_request_seconds", "Time to answer", ["endpoint"], registry=registry)

    @app.after_request
    def measure(response: Response) -> Response:
        elapsed = time.perf_counter() - g.get("started", time.perf_counter())
        endpoint = request.endpoint or "none"
        requests.labels(endpoint, response.status_code).inc()
        seconds.labels(endpoint).observe(elapsed)
        # The rule, never the path or query: those may name people or carry codes.
        rule = request.url_rule.rule if request.url_rule else "-"
        log.info("request", method=request.method, rule=rule, status=response.status_code,
                 ms=round(elapsed * 1000, 1), request_id=g.get("request_id", ""))  # fmt: skip
        return response


def configure_logging(production: bool) -> None:
    """JSON lines in production, readable lines otherwise; nothing secret or personal is ever passed in."""
    renderer = structlog.processors.JSONRenderer() if production else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )


def init_app(app: Flask, registry: CollectorRegistry) -> None:
    """Wire the three into ``app``."""
    app.before_request(_start)
    app.after_request(_finish)
    _log_line(app, registry)
    if app.config["PREFERRED_URL_SCHEME"] == "https":
        app.after_request(_strict_transport)


def _strict_transport(response: Response) -> Response:
    response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
