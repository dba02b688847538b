"""What every answer carries."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from exchange.app import create_app
from exchange.config import Config, ConfigurationError
from exchange.db import Database

PATHS = ["/about", "/nowhere", "/api/v1/nowhere", "/healthz", "/static/style.css", "/fonts/regular.ttf"]


@pytest.fixture
def https_app(tmp_path: Path) -> Flask:
    """An exchange behind HTTPS; none of these tests touches its database."""
    environ = {"MINHBACH_HOME": str(tmp_path), "MINHBACH_BASE_URL": "https://san.example.vn"}
    return create_app(Config.from_environ(environ))


@pytest.fixture
def visitor(https_app: Flask) -> FlaskClient:
    """A browser at the HTTPS exchange."""
    return https_app.test_client()


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_guarded(visitor: FlaskClient, path: str) -> None:
    headers = visitor.get(path, base_url="https://san.example.vn", buffered=True).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Permissions-Policy"]
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert re.fullmatch("[0-9a-z]{26}", headers["X-Request-Id"])


@pytest.mark.parametrize("path", PATHS)
def test_the_policy_allows_nothing_inline_and_nobody_else(visitor: FlaskClient, path: str) -> None:
    policy = visitor.get(path, buffered=True).headers["Content-Security-Policy"]
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["font-src"] == rules["form-action"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_request_id_of_the_proxy_is_kept_and_nonsense_is_not(visitor: FlaskClient) -> None:
    kept = visitor.get("/healthz", headers={"X-Request-Id": "proxy-0123456789"})
    assert kept.headers["X-Request-Id"] == "proxy-0123456789"
    for nonsense in ("short", "x" * 65, "with space 123", "<script>alert(1)</script>"):
        answer = visitor.get("/healthz", headers={"X-Request-Id": nonsense})
        assert answer.headers["X-Request-Id"] != nonsense


def test_pages_are_not_kept_by_shared_caches(visitor: FlaskClient) -> None:
    assert visitor.get("/about").headers["Cache-Control"] == "private, no-cache"
    assert "no-store" in visitor.get("/readyz").headers["Cache-Control"]


def test_the_cookie_is_bound_to_the_host_and_hidden_from_script(visitor: FlaskClient) -> None:
    cookie = visitor.get("/about?lang=en", base_url="https://san.example.vn").headers["Set-Cookie"]
    assert cookie.startswith("__Host-minhbach=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookie


def test_plain_http_makes_no_promise_of_https(tmp_path: Path) -> None:
    app = create_app(Config.from_environ({"MINHBACH_HOME": str(tmp_path)}))
    answer = app.test_client().get("/about?lang=en")
    assert "Strict-Transport-Security" not in answer.headers
    assert "Secure" not in answer.headers["Set-Cookie"]


def test_production_over_plain_http_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 40)
    with pytest.raises(ConfigurationError, match="https"):
        Config.from_environ({"MINHBACH_HOME": str(tmp_path), "MINHBACH_PRODUCTION": "1"})


def test_nobody_else_on_the_machine_looks_into_a_new_home(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    Config.from_environ({"MINHBACH_HOME": str(home)})
    assert home.stat().st_mode & 0o077 == 0
    assert (home / "secret").stat().st_mode & 0o077 == 0


def test_a_database_error_names_no_value(database: Database) -> None:
    with database.reading() as session, pytest.raises(DBAPIError) as error:
        session.connection().execute(text("SELECT :address FROM nowhere"), {"address": "an@example.vn"})
    assert "an@example.vn" not in str(error.value)
