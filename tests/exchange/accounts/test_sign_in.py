"""Signing in, out, and what an attacker tries there."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from exchange import clock
from exchange.accounts import passwords, service
from exchange.accounts.models import Membership, Organisation, SignIn, User
from exchange.db import Database
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.permissions import Actor, OrgKind
from tests.exchange.accounts.conftest import PASSWORD
from tests.exchange.people import People

Account = Callable[..., tuple[Organisation, User]]


def enter(client: FlaskClient, email: str, password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    return client.post("/sign-in", data={"email": email, "password": password, **more})


def test_a_person_signs_in_with_address_and_password_and_sees_their_account(
    client: FlaskClient, an_account: Account, no_csrf: None
) -> None:
    org, _user = an_account("lan@a.vn")
    answer = enter(client, "  LAN@A.vn ")
    assert (answer.status_code, answer.location) == (303, "/me")
    page = client.get("/me").text
    assert org.name in page
    assert "lan@a.vn" in page


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    client: FlaskClient, an_account: Account, no_csrf: None
) -> None:
    an_account("lan@a.vn")
    wrong, unknown = enter(client, "lan@a.vn", "ba con mèo đỏ"), enter(client, "nobody@a.vn")
    assert wrong.status_code == unknown.status_code == 422
    seal = re.compile(r'name="csrf_token" value="[^"]*"')
    assert seal.sub("", wrong.text).replace("lan@a.vn", "X") == seal.sub("", unknown.text).replace("nobody@a.vn", "X")
    assert client.get("/me").status_code == 303


def test_an_unknown_address_costs_the_same_work_as_a_wrong_password(
    session: Session, an_account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_account("lan@a.vn")
    hasher, work = passwords._HASHER, []

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            work.append(stored.split("$")[1:4])  # algorithm, version, cost
            return hasher.verify(stored, password)

    passwords._nobodys()
    monkeypatch.setattr(passwords, "_HASHER", Counting())
    for email in ("lan@a.vn", "nobody@a.vn"):
        with pytest.raises(Refused):
            service.check_sign_in(session, email, "ba con mèo đỏ")
    assert len(work) == 2
    assert work[0] == work[1]
    assert work[0][0] == "argon2id"


def test_the_token_in_the_cookie_is_not_what_the_table_holds(
    client: FlaskClient, session: Session, an_account: Account, no_csrf: None
) -> None:
    an_account("lan@a.vn")
    enter(client, "lan@a.vn")
    with client.session_transaction() as cookie:
        token = cookie["sign_in"]
    stored = session.exec(select(SignIn.token_hash)).one()
    assert token not in stored
    assert stored == service.secret_hash(token)


def test_signing_in_changes_the_token_that_a_fixed_cookie_brought(
    client: FlaskClient, app: Flask, an_account: Account, no_csrf: None
) -> None:
    """Session fixation: the attacker signs in as themselves and plants their cookie in the victim's browser."""
    an_account("mallory@m.vn")
    an_account("lan@a.vn")
    enter(client, "mallory@m.vn")
    with client.session_transaction() as cookie:
        planted = cookie["sign_in"]
        cookie["leftover"] = "planted"
    enter(client, "lan@a.vn")
    with client.session_transaction() as cookie:
        assert cookie["sign_in"] != planted
        assert "leftover" not in cookie
    thief = app.test_client()
    with thief.session_transaction() as cookie:
        cookie["sign_in"] = planted
    assert thief.get("/me").status_code == 303


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "///evil.example", "/\t/evil.example", "/ok\r\nX: y", "http:evil", "", "me",
    ],
)  # fmt: skip
def test_next_never_leads_to_another_site(target: str, app: Flask) -> None:
    from exchange.accounts.web import safe_next

    with app.test_request_context():
        assert safe_next(target) == "/me"


def test_next_leads_back_to_the_page_one_wanted(client: FlaskClient, an_account: Account, no_csrf: None) -> None:
    an_account("lan@a.vn")
    wanted = client.get("/me/keys?x=1")
    assert wanted.location == "/sign-in?next=/me/keys?x%3D1"
    assert enter(client, "lan@a.vn", next="/me/keys?x=1").location == "/me/keys?x=1"
    assert enter(client, "lan@a.vn", next="//evil.example").location == "/me"


def test_signing_out_ends_the_session_on_the_server_too(
    client: FlaskClient, app: Flask, an_account: Account, no_csrf: None
) -> None:
    an_account("lan@a.vn")
    enter(client, "lan@a.vn")
    with client.session_transaction() as cookie:
        stolen = cookie["sign_in"]
    assert client.post("/sign-out").status_code == 303
    thief = app.test_client()
    with thief.session_transaction() as cookie:
        cookie["sign_in"] = stolen
    assert thief.get("/me").status_code == 303


def test_a_session_ends_after_twelve_hours(
    client: FlaskClient, now: datetime, an_account: Account, no_csrf: None
) -> None:
    an_account("lan@a.vn")
    enter(client, "lan@a.vn")
    with clock.frozen(now + timedelta(hours=11, minutes=59)):
        assert client.get("/me").status_code == 200
    with clock.frozen(now + timedelta(hours=12)):
        assert client.get("/me").status_code == 303


def test_a_suspended_organisation_is_out_at_once_and_back_when_let_in(
    client: FlaskClient, people: People, session: Session, now: datetime, an_account: Account, no_csrf: None
) -> None:
    org, _user = an_account("lan@a.vn")
    enter(client, "lan@a.vn")
    regulator = people.browser(people.regulator())
    assert regulator.post(f"/organisations/{org.id}/standing", data={"standing": "suspended"}).status_code == 303
    assert client.get("/me").status_code == 303
    assert enter(client, "lan@a.vn").status_code == 403
    assert regulator.post(f"/organisations/{org.id}/standing", data={"standing": "active"}).status_code == 303
    assert client.get("/me").status_code == 200


def test_nobody_suspends_the_operator_or_the_regulator(people: People, session: Session, now: datetime) -> None:
    for victim in (people.operator(), people.regulator()):
        with pytest.raises(NotFound):
            service.set_standing(session, people.operator(), victim.org_id, "suspended", now)


def test_a_person_who_left_is_out_at_once(people: People, database: Database) -> None:
    actor = people.make("leaver", OrgKind.MEMBER, *people.provider().roles)
    browser = people.browser(actor)
    assert browser.get("/me").status_code == 200
    with database.writing() as session:
        for row in session.exec(select(Membership).where(Membership.user_id == actor.user_id)):
            session.delete(row)
        session.commit()
    assert browser.get("/me").status_code == 303


def test_who_belongs_to_several_organisations_chooses_one_and_may_change(
    client: FlaskClient, session: Session, an_account: Account, no_csrf: None, now: datetime
) -> None:
    first, _ = an_account("lan@a.vn", name="Công ty A")
    second, _ = an_account("lan@a.vn", name="Công ty B")
    foreign, _ = an_account("minh@c.vn", name="Công ty C")
    answer = enter(client, "lan@a.vn", next="/me/keys")
    assert answer.location == "/sign-in/organisation?next=/me/keys"
    page = client.get(answer.location).text
    assert first.id in page
    assert second.id in page
    assert foreign.id not in page
    with client.session_transaction() as cookie:
        before = cookie["sign_in"]
    answer = client.post("/sign-in/organisation", data={"org_id": second.id, "next": "/me/keys"})
    assert answer.location == "/me/keys"
    assert "Công ty B" in client.get("/me").text
    with client.session_transaction() as cookie:
        assert cookie["sign_in"] != before
    assert client.post("/sign-in/organisation", data={"org_id": foreign.id}).status_code == 403
    assert "Công ty B" in client.get("/me").text
    assert service.actor_of_sign_in(session, before, now) is None


def test_guessing_is_slowed_down_per_account(
    client: FlaskClient, app: Flask, an_account: Account, no_csrf: None
) -> None:
    an_account("lan@a.vn")
    for number in range(10):
        visitor = app.test_client()
        answer = visitor.post(
            "/sign-in", data={"email": "lan@a.vn", "password": "x"}, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}
        )
        assert answer.status_code == 422
    last = client.post(
        "/sign-in", data={"email": "LAN@a.vn", "password": PASSWORD}, environ_base={"REMOTE_ADDR": "192.0.2.99"}
    )
    assert last.status_code == 429


def test_one_ends_ones_own_sessions_and_nobody_elses(
    people: People, session: Session, now: datetime, no_csrf: None
) -> None:
    provider, buyer = people.provider(), people.buyer()
    here, elsewhere = people.browser(provider), people.browser(provider)
    people.browser(buyer)
    mine = session.exec(select(SignIn.id).where(SignIn.user_id == provider.user_id).order_by(SignIn.id)).all()
    foreign = session.exec(select(SignIn.id).where(SignIn.user_id == buyer.user_id)).one()
    session.rollback()
    assert here.post(f"/me/sessions/{foreign}/end").status_code == 404
    assert here.post(f"/me/sessions/{mine[1]}/end").status_code == 303
    assert elsewhere.get("/me").status_code == 303
    assert here.get("/me").status_code == 200


def test_a_program_cannot_prolong_or_end_what_is_a_persons(people: People, session: Session, now: datetime) -> None:
    owner = people.provider()
    program = Actor(owner.user_id, owner.org_id, owner.kind, owner.roles, frozenset({"catalogue"}), "client")
    with pytest.raises(NotPermitted):
        service.end_sign_in(session, program, "x", now)
    with pytest.raises(NotPermitted):
        service.change_password(session, program, "a", "b", now, keep="")


def test_a_new_password_ends_every_other_session(
    client: FlaskClient, app: Flask, an_account: Account, no_csrf: None
) -> None:
    an_account("lan@a.vn")
    enter(client, "lan@a.vn")
    other = app.test_client()
    enter(other, "lan@a.vn")
    wrong = client.post("/me/password", data={"old_password": "x", "password": "bốn con chó vàng"})
    assert wrong.status_code == 422
    assert other.get("/me").status_code == 200
    assert (
        client.post("/me/password", data={"old_password": PASSWORD, "password": "bốn con chó vàng"}).status_code == 303
    )
    assert client.get("/me").status_code == 200
    assert other.get("/me").status_code == 303
    assert enter(other, "lan@a.vn").status_code == 422
    assert enter(other, "lan@a.vn", "bốn con chó vàng").status_code == 303


@pytest.mark.parametrize("email", ["\x00", "a\x00@b.vn", "x" * 5000, "<script>@a.vn", ""])
def test_strange_addresses_are_refused_and_not_an_error(client: FlaskClient, email: str, no_csrf: None) -> None:
    assert enter(client, email, "x").status_code == 422


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/sign-in", {"email": "lan@a.vn", "password": PASSWORD}),
        ("/sign-out", {}),
        ("/sign-in/organisation", {"org_id": "x"}),
        ("/join", {"name": "x"}),
        ("/join/token", {"password": "x"}),
        ("/me/password", {"old_password": "x"}),
        ("/me/sessions/x/end", {}),
        ("/me/keys", {"proof": "x"}),
        ("/me/keys/x/revoke", {}),
        ("/me/members", {"email": "x"}),
        ("/me/members/x", {"roles": "owner"}),
        ("/me/invitations/x/withdraw", {}),
        ("/me/clients", {"name": "x"}),
        ("/me/clients/x/revoke", {}),
        ("/me/programs/x/end", {}),
        ("/oauth/authorize", {"decision": "allow"}),
        ("/organisations/x/identity", {"level": "3"}),
        ("/organisations/x/standing", {"standing": "suspended"}),
    ],
)
def test_forms_ask_for_csrf(people: People, path: str, data: dict[str, str]) -> None:
    for actor in (people.provider(), people.operator()):
        answer = people.browser(actor).post(path, data=data)
        assert answer.status_code in (400, 403)
        if answer.status_code == 400:
            assert "BAD_REQUEST" in answer.text or "400" in answer.text
