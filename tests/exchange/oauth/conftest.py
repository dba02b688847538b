"""Programs, and a person who lets them in through the real consent page."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from exchange.db import Database
from exchange.oauth import service
from exchange.oauth.models import Client
from exchange.permissions import Actor
from tests.exchange.people import People

CALLBACK = "https://app.example.vn/callback"


@dataclass
class Program:
    """A client application as its author would write it."""

    app: Flask
    row: Client
    secret: str | None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """S256 of the verifier."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def address(self, **changes: str | None) -> str:
        """Where it sends the person; None leaves a parameter out."""
        query: dict[str, str | None] = {
            "response_type": "code", "client_id": self.row.id, "redirect_uri": CALLBACK, "scope": "catalogue",
            "state": "s1", "code_challenge": self.challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        query.update(changes)
        return "/oauth/authorize?" + urlencode({k: v for k, v in query.items() if v is not None})

    def code(self, browser: FlaskClient, **changes: str | None) -> str:
        """What comes back when the person allows it."""
        return answer_of(allow(browser, self.address(**changes)))["code"]

    def exchange(self, code: str, **changes: str | None) -> TestResponse:
        """The token request."""
        body: dict[str, str | None] = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": self.verifier,
        }  # fmt: skip
        return self.post("/oauth/token", body | changes)

    def post(self, path: str, body: dict[str, str | None]) -> TestResponse:
        """As this client: with its secret if it has one, else by its bare client_id."""
        data = {k: v for k, v in body.items() if v is not None}
        auth = (self.row.id, self.secret) if self.secret else None
        if self.secret is None:
            data.setdefault("client_id", self.row.id)
        return self.app.test_client().post(path, data=data, auth=auth)


def allow(browser: FlaskClient, address: str, decision: str = "allow") -> TestResponse:
    """Open the consent page and press a button on it, CSRF token included."""
    page = browser.get(address)
    assert page.status_code == 200, page.text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    return browser.post(address, data={"csrf_token": token[1], "decision": decision})


def answer_of(redirect: TestResponse) -> dict[str, str]:
    """The parameters with which the browser is sent back."""
    assert redirect.status_code == 303, redirect.text
    parts = urlsplit(redirect.location)
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


@pytest.fixture
def program(app: Flask, database: Database, people: People, now: datetime) -> Callable[..., Program]:
    """``program(flow="machine", roles=["analyst"], …)``: registered by the provider unless ``actor`` is given."""

    def make(actor: Actor | None = None, **facts: Any) -> Program:
        wanted: dict[str, Any] = {"name": "Kho dữ liệu", "flow": "person", "scopes": ["catalogue", "query"]} | facts
        if wanted["flow"] == "person":
            wanted.setdefault("redirect_uris", [CALLBACK])
        with database.writing() as session:
            row, secret = service.create_client(session, actor or people.provider(), **wanted, now=now)
            session.commit()
        return Program(app, row, secret)

    return make


def speaks(app: Flask, token: str) -> TestResponse:
    """Ask the exchange who this token is."""
    return app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
