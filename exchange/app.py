"""The application factory: read it top to bottom to know what the exchange is made of."""

from datetime import timedelta

from flask import Flask
from flask_smorest import Api
from prometheus_client import CollectorRegistry

from exchange import doors, error_pages, headers, i18n, identity
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import gossip
from exchange.ledger.sequencer import Sequencer
from exchange.ledger.timestamps import TimeStamps
from exchange.ledger.witnesses import Witnesses
from exchange.limits import csrf, limiter
from exchange.notices.worker import Notices
from exchange.store import Store


def create_app(config: Config) -> Flask:
    """Build the exchange from its settings. Starts no thread and touches no row; see cli.py for what does."""
    app = Flask("exchange")
    app.config.update(
        SECRET_KEY=config.secret_key,
        PREFERRED_URL_SCHEME="https" if config.secure else "http",
        MAX_CONTENT_LENGTH=2 * 1024**2,  # forms; the upload door sets its own, larger limit
        MAX_FORM_MEMORY_SIZE=2 * 1024**2,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        SESSION_COOKIE_NAME="__Host-minhbach" if config.secure else "minhbach",
        SESSION_COOKIE_SECURE=config.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form left open over lunch must still work
        WTF_CSRF_SSL_STRICT=True,
        API_TITLE="Minh Bạch",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        RATELIMIT_HEADERS_ENABLED=True,
    )
    app.url_map.strict_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    database = Database(config.database_url, config.log_origin, config.secret_key, config.market, config.home)
    registry = CollectorRegistry()
    app.extensions.update({"minhbach.config": config, "minhbach.database": database, "minhbach.metrics": registry})
    app.extensions["minhbach.store"] = Store(config.store_url)

    app.extensions["minhbach.sequencer"] = Sequencer(database, config)
    app.extensions["minhbach.witnesses"] = Witnesses(database, config)
    app.extensions["minhbach.timestamps"] = TimeStamps(database, config)
    app.extensions["minhbach.notices"] = Notices(database, config)

    headers.configure_logging(config.production)
    headers.init_app(app, registry)
    gossip.init_app(app, database)
    i18n.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)
    identity.init_app(app)
    api = Api(app)
    error_pages.init_app(app)  # after Api, which registers a handler of its own for every HTTPException
    doors.register(app, api)
    identity.check_every_view_is_guarded(app)
    return app
