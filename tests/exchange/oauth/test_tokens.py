"""Machine clients, tokens and their end, the metadata, and the pages where programs are managed."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from exchange import clock
from exchange.accounts import service as accounts
from exchange.accounts.models import Membership
from exchange.app import create_app
from exchange.config import Config
from exchange.db import Database
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.oauth import rules, service
from exchange.oauth.models import Client, Token
from exchange.permissions import OrgKind, Role
from tests.exchange.oauth.conftest import Program, speaks
from tests.exchange.people import People

Make = Callable[..., Program]


def token_of(made: Program, **more: str | None) -> str:
    answer = made.post("/oauth/token", {"grant_type": "client_credentials"} | more)
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["access_token"])


def test_a_machine_acts_for_its_organisation_with_its_own_roles(app: Flask, people: People, program: Make) -> None:
    made = program(flow="machine", roles=["publisher"], scopes=["catalogue", "negotiate", "query"])
    who = speaks(app, token_of(made)).get_json()
    assert (who["user_id"], who["org_id"]) == (None, people.provider().org_id)
    assert who["permissions"] == ["negotiate", "publish", "signed-in"]
    assert speaks(app, token_of(made, scope="query")).get_json()["permissions"] == ["signed-in"]


@pytest.mark.parametrize("scope", ["audit", "catalogue audit", "nonsense", 'x"'])
def test_a_machine_gets_no_scope_it_was_not_given(program: Make, scope: str) -> None:
    made = program(flow="machine", roles=["publisher"], scopes=["catalogue"])
    answer = made.post("/oauth/token", {"grant_type": "client_credentials", "scope": scope})
    assert answer.status_code == 400
    assert answer.get_json()["error"] in ("invalid_scope", "invalid_request")


def test_each_program_has_one_way_to_a_token(program: Make) -> None:
    person, machine = program(), program(flow="machine", roles=["publisher"])
    assert (
        person.post("/oauth/token", {"grant_type": "client_credentials"}).get_json()["error"] == "unauthorized_client"
    )
    assert machine.exchange("x").get_json()["error"] == "unauthorized_client"
    for grant in ("password", "refresh_token", "implicit", "", 'x"'):
        assert machine.post("/oauth/token", {"grant_type": grant}).status_code == 400


def test_a_wrong_secret_opens_nothing(program: Make) -> None:
    made = program(flow="machine", roles=["publisher"])
    made.secret = "wrong"
    answer = made.post("/oauth/token", {"grant_type": "client_credentials"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    public = program(confidential=False)
    public.secret = "anything"
    assert public.post("/oauth/token", {"grant_type": "client_credentials"}).status_code == 401


@pytest.mark.parametrize("client_id", ["é", "\x00", 'a"b', "x" * 5000])
def test_strange_client_ids_are_refused_and_not_an_error(client: FlaskClient, client_id: str) -> None:
    answer = client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, "x"))
    assert answer.status_code in (400, 401)
    assert client.post("/oauth/token", data={"grant_type": "x", "client_id": client_id}).status_code in (400, 401)


def test_credentials_in_the_address_are_refused(program: Make) -> None:
    made = program(flow="machine", roles=["publisher"])
    answer = made.post("/oauth/token?grant_type=client_credentials", {})
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_neither_tokens_nor_secrets_are_stored(program: Make, session: Session) -> None:
    made = program(flow="machine", roles=["publisher"])
    token = token_of(made)
    assert len(token) >= 43
    row, client = session.exec(select(Token)).one(), session.exec(select(Client)).one()
    assert row.token_hash == accounts.secret_hash(token)
    assert made.secret is not None
    assert client.secret_hash == accounts.secret_hash(made.secret)
    assert token not in str(vars(row))
    assert made.secret not in str(vars(client))


def test_a_token_lives_one_hour(app: Flask, program: Make, now: datetime) -> None:
    token = token_of(program(flow="machine", roles=["publisher"]))
    with clock.frozen(now + timedelta(minutes=59)):
        assert speaks(app, token).status_code == 200
    with clock.frozen(now + timedelta(hours=1)):
        answer = speaks(app, token)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_is_out_at_once_and_only_its_client_can_revoke_it(app: Flask, program: Make) -> None:
    made, other = (program(flow="machine", roles=["publisher"], name=name) for name in ("Một", "Hai"))
    token = token_of(made)
    assert other.post("/oauth/revoke", {"token": token}).status_code == 400
    assert speaks(app, token).status_code == 200
    assert made.post("/oauth/revoke", {"token": token}).status_code == 200
    assert speaks(app, token).status_code == 401
    assert made.post("/oauth/revoke", {"token": token}).status_code == 200
    assert made.post("/oauth/revoke", {"token": "unknown"}).status_code == 200
    assert made.post("/oauth/revoke", {}).status_code == 400
    made.secret = "wrong"
    assert made.post("/oauth/revoke", {"token": token}).status_code == 401


@pytest.mark.parametrize("header", ["Bearer ", "Bearer x", "Basic eDp4", "bearer \x00", "Bearer é", "Token x"])
def test_a_wrong_token_is_an_error_and_not_a_stranger(app: Flask, header: str) -> None:
    answer = app.test_client().get("/api/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.get_json()["code"] == "SIGN_IN_REQUIRED"


def test_a_revoked_client_loses_its_tokens_and_gets_no_more(
    app: Flask, people: People, program: Make, session: Session, now: datetime
) -> None:
    made = program(flow="machine", roles=["publisher"])
    token = token_of(made)
    with pytest.raises(NotFound):
        service.revoke_client(session, people.buyer(), made.row.id, now)
    service.revoke_client(session, people.provider(), made.row.id, now)
    session.commit()
    assert speaks(app, token).status_code == 401
    assert made.post("/oauth/token", {"grant_type": "client_credentials"}).status_code == 401


def test_a_suspended_organisation_loses_its_machines_and_the_programs_it_made_for_others(
    app: Flask, people: People, program: Make, session: Session, now: datetime
) -> None:
    machine, shared = program(flow="machine", roles=["publisher"]), program(name="Chung")
    own = token_of(machine)
    anothers = shared.exchange(shared.code(people.browser(people.buyer()))).get_json()["access_token"]
    accounts.set_standing(session, people.operator(), people.provider().org_id, "suspended", now)
    session.commit()
    assert speaks(app, own).status_code == 401
    assert speaks(app, anothers).status_code == 401
    assert machine.post("/oauth/token", {"grant_type": "client_credentials"}).status_code == 401


def test_a_person_who_left_takes_their_tokens_with_them(
    app: Flask, people: People, program: Make, database: Database
) -> None:
    made = program()
    token = made.exchange(made.code(people.browser(people.buyer()))).get_json()["access_token"]
    with database.writing() as session:
        for row in session.exec(select(Membership).where(Membership.user_id == people.buyer().user_id)):
            session.delete(row)
        session.commit()
    assert speaks(app, token).status_code == 401


def test_a_person_takes_back_what_they_allowed(app: Flask, people: People, program: Make) -> None:
    made, browser = program(), people.browser(people.buyer(), lang="en")
    token = made.exchange(made.code(browser)).get_json()["access_token"]
    unused = made.code(browser)
    app.config["WTF_CSRF_ENABLED"] = False
    assert "Kho dữ liệu" in browser.get("/me/programs").text
    assert people.browser(people.stranger()).post(f"/me/programs/{made.row.id}/end").status_code == 303
    assert speaks(app, token).status_code == 200
    assert browser.post(f"/me/programs/{made.row.id}/end").status_code == 303
    assert speaks(app, token).status_code == 401
    assert made.exchange(unused).status_code == 400
    assert "Kho dữ liệu" not in browser.get("/me/programs").text


def test_nobody_gives_a_program_more_than_they_have(people: People) -> None:
    operator = people.make("kiem-duyet", OrgKind.OPERATOR, Role.ANALYST)
    rules.check_no_more_than(operator, [Role.ANALYST], ["moderate"])
    with pytest.raises(Refused) as refused:
        rules.check_no_more_than(operator, [Role.OWNER], ["moderate"])
    assert refused.value.code == "ROLES_EXCEED_OWN"


def test_only_who_manages_clients_makes_one_and_no_token_does(
    people: People, program: Make, session: Session, now: datetime
) -> None:
    signer = people.make("ky", OrgKind.MEMBER, Role.SIGNER)
    with pytest.raises(NotPermitted):
        service.create_client(session, signer, name="x", flow="machine", scopes=[], roles=["signer"], now=now)
    with pytest.raises(NotPermitted):
        service.create_client(session, None or signer, name="x", flow="person", scopes=[], now=now)


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.vn/cb", "http://localhost/cb", "https://a.vn/cb#f", "https://u:p@a.vn/", "ftp://a.vn/",
        "javascript:alert(1)", "https://", "https://a.vn/*", "https://é.vn/", "myapp:/cb", "https://a.vn:port/",
        "https://a.vn;sandbox/cb", "https://a.vn,b.vn/cb",
    ],
)  # fmt: skip
def test_unsafe_redirect_addresses_cannot_be_registered(uri: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.check_redirect_uri(uri)
    assert refused.value.code == "REDIRECT_URI_REFUSED"


def test_the_owner_registers_a_program_and_sees_its_secret_once(app: Flask, people: People, session: Session) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    browser = people.browser(people.provider(), lang="en")
    form = {"name": "Kho", "flow": "machine", "scopes": ["catalogue"], "roles": ["publisher"]}
    answer = browser.post("/me/clients", data=form)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    row = session.exec(select(Client)).one()
    session.expunge(row)
    session.rollback()
    found = re.findall(r'data-copy="([A-Za-z0-9_-]{43})"', answer.text)
    assert len(found) == 1
    assert found[0] not in browser.get("/me/clients").text
    token = Program(app, row, found[0]).post("/oauth/token", {"grant_type": "client_credentials"})
    assert token.status_code == 200
    assert browser.post(f"/me/clients/{row.id}/revoke").status_code == 303
    assert speaks(app, token.get_json()["access_token"]).status_code == 401


def test_a_refused_registration_keeps_what_was_typed(app: Flask, people: People) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    browser = people.browser(people.provider(), lang="en")
    answer = browser.post("/me/clients", data={"name": "Kho của tôi", "flow": "person", "redirect_uris": "http://x"})
    assert answer.status_code == 422
    assert "Kho của tôi" in answer.text
    assert "http://x" in answer.text
    assert 'href="#f-redirect_uris"' in answer.text


def test_the_metadata_says_what_the_server_does(client: FlaskClient, config: Config, now: datetime) -> None:
    told = client.get("/.well-known/oauth-authorization-server").get_json()
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["issuer"] == "http://127.0.0.1:8000"
    assert told["authorization_response_iss_parameter_supported"] is True
    from dataclasses import replace

    secure = create_app(replace(config, base_url="https://san.example.vn"))
    told = secure.test_client().get("/.well-known/oauth-authorization-server").get_json()
    AuthorizationServerMetadata(told).validate()
    assert told["token_endpoint"] == "https://san.example.vn/oauth/token"
    secure.extensions["minhbach.database"].dispose()


@pytest.mark.parametrize("header", ["Basic \xff", "Basic /zr/", "Basic !", "Basic", "basic YQ"])
@pytest.mark.parametrize("address", ["/oauth/token", "/oauth/revoke"])
def test_credentials_that_cannot_be_read_are_nobodys(client: FlaskClient, address: str, header: str) -> None:
    form = {"grant_type": "client_credentials", "token": "x"}
    answer = client.post(address, data=form, headers={"Authorization": header})
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
