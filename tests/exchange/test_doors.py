"""Every address x every method x every kind of reader: public by name, or guarded. The walk grows with the app."""

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule
from werkzeug.routing.converters import NumberConverter
from werkzeug.test import TestResponse

from exchange import clock, identity
from exchange.accounts.service import secret_hash
from exchange.db import Database
from exchange.oauth import service as oauth
from exchange.oauth.models import Client, Flow, Token
from exchange.permissions import SCOPES, Actor, OrgKind, Permission, Role
from tests.exchange.people import People

# Whoever makes a view public writes its name here and says to themselves why. HEAD goes with GET.
PUBLIC = {
    # the frame and the state of the server
    "GET static", "GET fonts.font", "GET home.about", "GET home.privacy", "GET home.accessibility",
    "GET health.alive", "GET health.ready", "GET health.metrics", "GET api-docs.openapi_json",
    # signing in and joining
    "GET accounts.sign_in", "POST accounts.do_sign_in", "POST accounts.sign_out",
    "GET accounts.join", "POST accounts.do_join", "GET accounts.accept", "POST accounts.do_accept",
    "GET accounts.organisation",
    # programs bring their own credentials
    "POST oauth_api.token", "POST oauth_api.revoke", "GET oauth_api.metadata",
    # anybody browses the catalogue
    "GET catalogue.index", "GET catalogue.listing", "GET catalogue_api.Listings", "GET catalogue_api.One",
    # the log convinces only if anybody can read it
    "GET ledger.checkpoint", "GET ledger.keys", "GET ledger.key_history", "GET ledger.proof", "GET ledger.consistency",
    "GET ledger.receipt", "GET ledger.receipt_key", "GET ledger.receipt_keys",
    "GET ledger.stamp_list", "GET ledger.token", "GET ledger.stamped_text", "GET ledger.tile", "GET ledger.verifier",
    # the rules of the trial are everybody's to read
    "GET rulebook.page", "GET rulebook_api.Rules",
    # who permitted the trial, until when and for how much, is everybody's business
    "GET trials.index", "GET trials.one", "GET trials.authorities_list",
    "GET trials_api.show", "GET trials_api.one", "GET trials_api.authorities_list",
    # whoever is shown a receipt of an answer checks it by this key
    "GET rooms.receipt_key",
    # a link that carries its own secret
    "GET deliveries.by_link",
}  # fmt: skip

Visit = Callable[[str, str], tuple[Actor, TestResponse]]


def doors(app: Flask) -> Iterator[tuple[str, str, str, Permission | None]]:
    """(method, endpoint, an address, the declared permission) of every view."""
    urls = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            needed = identity.permission_of(app, rule.endpoint, method)
            yield method, rule.endpoint, urls.build(rule.endpoint, example(rule), method=method), needed


def example(rule: Rule) -> dict[str, object]:
    """Something for each part of an address: nothing is called like that, so nothing is found."""
    values: dict[str, object] = {}
    for name, converter in rule._converters.items():
        if isinstance(converter, NumberConverter):
            values[name] = 987654
        elif isinstance(converter, AnyConverter):
            values[name] = sorted(converter.items)[0]
        else:
            values[name] = "nothing-is-called-so"
    return values


@pytest.fixture
def no_csrf(app: Flask) -> None:
    """So that the guard answers and not the check of the form's token, which would hide a missing guard."""
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture(params=["owner", "finance", "operator", "regulator", "token without scope"])
def visit(request: pytest.FixtureRequest, app: Flask, people: People, database: Database) -> Visit:
    """A way to send a request as somebody: pages by a fresh session each time, the API by a token with every scope.

    It returns who was acting, because a token may do less than its person. "token without scope" tries pages too.
    """
    if request.param == "token without scope":
        return lambda method, path: by_token(app, database, people.provider(), "", method, path)
    actor = {
        "owner": people.provider,
        "finance": lambda: people.make("ke-toan", OrgKind.MEMBER, Role.FINANCE),
        "operator": people.operator,
        "regulator": people.regulator,
    }[request.param]()

    def send(method: str, path: str) -> tuple[Actor, TestResponse]:
        if path.startswith("/api/"):
            return by_token(app, database, actor, " ".join(SCOPES), method, path)
        return actor, people.browser(actor).open(path, method=method)

    return send


def by_token(
    app: Flask, database: Database, person: Actor, scope: str, method: str, path: str, **more: Any
) -> tuple[Actor, TestResponse]:
    """The request with a new token that acts for ``person``."""
    now, token = clock.now(), secrets.token_urlsafe(32)
    with database.writing() as session:
        client = Client(
            org_id=person.org_id, created_by=str(person.user_id), name="M", flow=Flow.PERSON, redirect_uris=[],
            scopes=[], roles=[], created_at=now,
        )  # fmt: skip
        session.add(client)
        session.flush()
        session.add(
            Token(token_hash=secret_hash(token), client_id=client.id, user_id=person.user_id, org_id=person.org_id,
                  scope=scope, issued_at=now, expires_at=now + oauth.TOKEN_LENGTH)
        )  # fmt: skip
        session.flush()
        actor = oauth.actor_of_token(session, token, now)
        session.commit()
    assert actor is not None
    return actor, app.test_client().open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **more)


def test_what_is_public_is_public_by_name(app: Flask) -> None:
    found = {f"{method} {endpoint}" for method, endpoint, _path, needed in doors(app) if needed is None}
    unlisted = {name for name in found if not name.startswith("HEAD ")} - PUBLIC
    assert not unlisted, "public, but not on the list of this test"
    assert {f"GET {name[5:]}" for name in found if name.startswith("HEAD ")} <= PUBLIC


def test_the_list_of_public_views_holds_no_name_that_is_guarded_or_gone(app: Flask) -> None:
    known = {f"{method} {endpoint}": needed for method, endpoint, _path, needed in doors(app)}
    assert {name for name in PUBLIC if known.get(name, Permission.SIGNED_IN) is not None} == set()


def test_a_stranger_gets_no_further_than_the_door(app: Flask, client: FlaskClient, no_csrf: None) -> None:
    wrong = []
    for method, endpoint, path, needed in doors(app):
        answer = app.test_client().open(path, method=method)
        if needed is None:
            right = (answer.status_code < 500 and answer.status_code != 401) or endpoint.startswith("oauth_api.")
        elif answer.status_code == 303:
            right = method in ("GET", "HEAD") and answer.location.startswith("/sign-in?next=")
        else:
            right = answer.status_code == 401
        if not right or answer.status_code == 500:
            wrong.append(f"{method} {path} ({endpoint}): {answer.status_code}")
    assert wrong == []


def test_nobody_passes_a_door_without_its_permission(app: Flask, visit: Visit, no_csrf: None) -> None:
    wrong, refused = [], 0
    for method, endpoint, path, needed in doors(app):
        actor, answer = visit(method, path)
        lacking = needed is not None and not actor.may(needed)
        refused += lacking
        stopped = answer.status_code in (403, 404)
        if answer.status_code == 500 or (lacking and not stopped) or (needed and answer.status_code == 401):
            wrong.append(f"{method} {path} ({endpoint} needs {needed}): {answer.status_code}")
    assert wrong == []
    assert refused > 3


def test_a_form_without_its_token_is_refused_whoever_sends_it(app: Flask, people: People) -> None:
    """The JSON API and the token endpoints take no cookie, so they need none."""
    passed = []
    for method, endpoint, path, _needed in doors(app):
        exempt = path.startswith("/api/") or endpoint.startswith("oauth_api.")
        if method in ("POST", "PUT", "PATCH", "DELETE") and not exempt:
            answer = people.browser(people.provider()).open(path, method=method)
            if answer.status_code != 400:
                passed.append(f"{method} {path} ({endpoint}): {answer.status_code}")
    assert passed == []


def test_a_cookie_opens_no_api(app: Flask, people: People) -> None:
    """Else a foreign page could use it: the API asks for no form token."""
    browser = people.browser(people.provider())
    for method, endpoint, path, needed in doors(app):
        if path.startswith("/api/") and needed is not None:
            assert browser.open(path, method=method).status_code == 401, endpoint


HOSTILE = [
    '{"listing_id": ' * 20_000 + "1" + "}" * 20_000,
    "[" * 100_000,
    '{"price_vnd": ' + "9" * 5_000 + "}",
    '{"listing_id": "\\u0000", "reason": "\\u0000", "number": "\\u0000", "terms": "\\u0000", "label": "\\u0000"}',
    '{"listing_id": "\\ud800", "reason": "\\ud800", "number": "\\ud800", "terms": "\\ud800", "label": "\\ud800"}',
    '{"territory": ["\\ud800"], "items": [{"name": "\\u0000"}], "level": 1e400, "starts": "9999-12-31"}',
    "null",
    '"\\ud800"',
]


@pytest.mark.parametrize("who", ["owner", "operator", "regulator"])
def test_no_body_makes_the_api_fall(app: Flask, people: People, database: Database, who: str) -> None:
    """What cannot be read or kept is the sender's mistake: an answer below 500 in the one shape, everywhere."""
    actor = {"owner": people.provider, "operator": people.operator, "regulator": people.regulator}[who]()
    app.testing = False  # a fault is answered as it would be in service
    for method, _endpoint, address, needed in doors(app):
        if not address.startswith("/api/") or method not in ("POST", "PUT", "PATCH") or needed not in actor.permissions:
            continue
        for body in HOSTILE:
            more = {"data": body, "content_type": "application/json"}
            answer = by_token(app, database, actor, " ".join(SCOPES), method, address, **more)[1]
            assert answer.status_code < 500, (method, address, body[:80])


def test_a_list_of_mistakes_is_told_in_sentences(app: Flask, people: People, database: Database) -> None:
    wrong = {"territory": ["\x00", "VN", "\x00"], "items": [{"access": "x"}]}
    answer = by_token(app, database, people.provider(), "catalogue", "POST", "/api/v1/listings", json=wrong)[1]
    told = {error["field"]: error["message"] for error in answer.get_json()["errors"]}
    assert set(told) == {"territory", "items"}
    assert not any("{" in message for message in told.values())


def test_the_document_of_the_api_names_every_door_of_it(app: Flask, client: FlaskClient) -> None:
    documented = {
        (method.upper(), path)
        for path, operations in client.get("/api/openapi.json").get_json()["paths"].items()
        for method in operations
        if method != "parameters"
    }
    there = {
        (method, re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == there
