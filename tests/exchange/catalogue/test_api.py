"""The same market through the JSON door: publish, moderate, find; refusals in the one error shape."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from exchange.catalogue.models import Listing
from exchange.db import Database
from exchange.oauth import service as oauth
from exchange.permissions import Actor
from tests.exchange.catalogue.conftest import COMPLETE, CSV, Things
from tests.exchange.people import People

Call = Callable[..., Any]


@pytest.fixture
def program(app: Flask, database: Database, now: datetime) -> Callable[[Actor, str], Call]:
    """A machine client of an organisation, as a function that calls the API with its token."""

    def make(actor: Actor, scope: str) -> Call:
        token = f"token-of-{actor.org_id}-{scope}"
        with database.writing() as session:
            client, _secret = oauth.create_client(
                session, actor, name="program", flow="machine", scopes=[scope], roles=["owner"], now=now
            )
            oauth.issue_token(session, client, token, scope, None, now)
            session.commit()
        caller = app.test_client()
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        return lambda method, path, **more: caller.open(
            "/api/v1/listings" + path, method=method, headers=headers, **more
        )

    return make


def test_publish_moderate_find(app: Flask, people: People, program: Callable[..., Call], things: Things) -> None:
    seller, operator = program(people.provider(), "catalogue"), program(people.operator(), "moderate")
    made = seller("POST", "", json={"name": "x"})
    assert made.status_code == 201, made.text
    address = "/" + made.json["id"]
    refused = seller("POST", address + "/submit")
    assert refused.status_code == 422
    assert refused.json["code"] == "OFFER_INCOMPLETE:file"
    codes = {e["code"] for e in refused.json["errors"]}
    assert {"PRICE_NOT_PUBLISHED", "LICENCE_TERMS_MISSING", "CLASS_NOT_DECLARED"} <= codes
    more = {"payment_days": 30, "dispute_forum": "viac", "vat": "excluded"}
    assert seller("PATCH", address, json=COMPLETE | more).status_code == 200
    measured = seller("PUT", address + "/file?name=cảng.csv", data=CSV)
    assert measured.json["rows"] == 3
    assert [c["type"] for c in measured.json["columns"]] == ["VARCHAR", "VARCHAR", "BIGINT", "DATE"]
    assert seller("POST", address + "/submit").json["version"] == 1
    assert [item["id"] for item in operator("GET", "/queue").json["waiting"]] == [address[1:]]
    assert operator("POST", address + "/approve", json={}).json["code"] == "PERSONAL_DATA_NOT_REVIEWED"
    assert operator("POST", address + "/approve", json={"personal_data_checked": True}).status_code == 200
    found = app.test_client().get("/api/v1/listings?q=hang hoa&sector=logistics").json
    assert found["total"] == 1
    assert found["listings"][0]["file"]["sha256"]
    offered = app.test_client().get("/api/v1/listings" + address).json
    assert offered["price_vnd"] == COMPLETE["price_vnd"]
    assert (offered["payment_days"], offered["dispute_forum"], "vat" in offered) == (30, "viac", False)
    assert things.count() == {"listing": 1, "listing_version": 1, "asset": 1, "stored": 1, "incoming": 0}


@pytest.mark.parametrize(
    "body",
    [{"price_vnd": 1.5}, {"price_vnd": -1}, {"purpose": "x" * 1_000_000}, {"name": "a\u202eb"}, {"state": "published"}],
)
def test_a_wrong_field_changes_nothing(
    people: People, program: Callable[..., Call], things: Things, body: dict[str, Any]
) -> None:
    seller = program(people.provider(), "catalogue")
    before = things.count()
    answer = seller("POST", "", data=json.dumps(body), content_type="application/json")
    assert answer.status_code == 422
    assert [e["field"] for e in answer.json["errors"]] == list(body)
    assert things.count() == before


def test_refused_files_and_wrong_scopes(
    people: People, program: Callable[..., Call], draft: Callable[..., Listing], things: Things
) -> None:
    people.operator()
    listing = draft()
    seller, other = program(people.provider(), "catalogue"), program(people.provider(), "negotiate")
    before = things.count()
    answer = seller("PUT", f"/{listing.id}/file?name=a.csv", data=b"<html></html>")
    assert answer.json["code"] == "NOT_MACHINE_READABLE:html"
    assert other("PUT", f"/{listing.id}/file?name=a.csv", data=CSV).status_code == 403
    assert other("GET", "/queue").status_code == 403
    assert things.count() == before


def test_a_search_that_makes_no_sense(app: Flask) -> None:
    client = app.test_client()
    for query in ("page=0", "page=x", "max_price=-1", "max_price=99999999999999999999999"):
        assert client.get(f"/api/v1/listings?{query}").status_code == 422, query
        assert client.get(f"/?{query}").status_code == 200, query
    assert client.get("/?q=" + "%25_" * 50 + "&sector=mars&sort=--&price=;").status_code == 200
