"""Authorisation code with PKCE: the way it goes, and every way it must not go."""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlmodel import Session, select

from exchange import clock
from exchange.db import Database
from exchange.errors import NotPermitted
from exchange.oauth import service
from exchange.oauth.models import Code, Token
from exchange.permissions import Actor, OrgKind, Role
from tests.exchange.oauth.conftest import CALLBACK, Program, allow, answer_of, speaks
from tests.exchange.people import People

Make = Callable[..., Program]


def test_a_person_allows_a_program_which_then_acts_for_them_within_its_scope(
    app: Flask, people: People, program: Make
) -> None:
    made, buyer = program(), people.buyer()
    browser = people.browser(buyer, lang="en")
    page = browser.get(made.address()).text
    for shown in ("Kho dữ liệu", "Công ty provider", "Công ty buyer", "Publish and change listings", "app.example.vn"):
        assert shown in page
    sent_back = answer_of(allow(browser, made.address()))
    assert sent_back["state"] == "s1"
    assert sent_back["iss"] == "http://127.0.0.1:8000"
    answer = made.exchange(sent_back["code"])
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json
    assert token is not None
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, "catalogue")
    assert "refresh_token" not in token
    who = speaks(app, token["access_token"]).json
    assert who is not None
    assert (who["user_id"], who["org_id"], who["client_id"]) == (buyer.user_id, buyer.org_id, made.row.id)
    assert who["permissions"] == ["publish", "signed-in"]


def test_the_consent_page_is_vietnamese_for_vietnamese_readers(people: People, program: Make) -> None:
    page = people.browser(people.buyer(), lang="vi").get(program().address()).text
    assert "Cho phép" in page
    assert "Do not allow" not in page


def test_the_consent_page_lets_the_browser_follow_to_the_program_and_nowhere_else(
    people: People, program: Make
) -> None:
    policy = people.browser(people.buyer()).get(program().address()).headers["Content-Security-Policy"]
    assert "form-action 'self' https://app.example.vn;" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_person_may_say_no(people: People, program: Make) -> None:
    back = answer_of(allow(people.browser(people.buyer()), program().address(), "deny"))
    assert back == {
        "error": "access_denied", "error_description": "The resource owner or authorization server denied the request",
        "state": "s1", "iss": "http://127.0.0.1:8000",
    }  # fmt: skip


def test_whoever_is_not_signed_in_signs_in_first_and_comes_back(app: Flask, program: Make) -> None:
    answer = app.test_client().get(program().address())
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=/oauth/authorize?")


def test_consent_without_the_csrf_token_is_refused(people: People, program: Make, session: Session) -> None:
    answer = people.browser(people.buyer()).post(program().address(), data={"decision": "allow"})
    assert answer.status_code == 400
    assert session.exec(select(Code)).all() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},  # would mean "plain"
        {"code_challenge": None},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": "short"},
        {"code_challenge_method": "s256"},
    ],
)
def test_pkce_is_s256_or_nothing(people: People, program: Make, changes: dict[str, str | None]) -> None:
    answer = people.browser(people.buyer()).get(program().address(**changes))
    back = answer_of(answer)
    assert (back["error"], back["state"], back["iss"]) == ("invalid_request", "s1", "http://127.0.0.1:8000")


def test_a_plain_challenge_is_no_verifier_later(people: People, program: Make) -> None:
    """Whoever saw the authorisation request knows the challenge; it must not open the code."""
    made = program()
    code = made.code(people.browser(people.buyer()))
    assert made.exchange(code, code_verifier=made.challenge).json == {
        "error": "invalid_grant", "error_description": "Code challenge failed."
    }  # fmt: skip


@pytest.mark.parametrize("verifier", [None, "x" * 43, "", "é" * 43])
def test_a_code_without_its_verifier_is_worth_nothing(people: People, program: Make, verifier: str | None) -> None:
    made = program()
    answer = made.exchange(made.code(people.browser(people.buyer())), code_verifier=verifier)
    assert answer.status_code == 400
    assert "access_token" not in (answer.json or {})


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback", "https://app.example.vn/callback/", "https://app.example.vn/callback?x=1",
        "https://app.example.vn:8443/callback", "http://app.example.vn/callback", "https://app.example.vn@evil.example/",
        "https://APP.example.vn/callback", "https://app.example.vn/callback#x", 'https://app.example.vn/"', "https://é.vn",
        "javascript:alert(1)", "http://127.0.0.1/callback", "\x00", None,
    ],
)  # fmt: skip
def test_a_foreign_redirect_is_never_followed(people: People, program: Make, uri: str | None) -> None:
    made, browser = program(), people.browser(people.buyer())
    for answer in (browser.get(made.address(redirect_uri=uri)), browser.get(made.address(redirect_uri=uri, scope="x"))):
        assert answer.status_code in (400, 404)
        assert "Location" not in answer.headers


def test_a_native_program_may_listen_on_any_port_of_its_own_machine(people: People, program: Make) -> None:
    made = program(redirect_uris=["http://127.0.0.1/cb"], confidential=False)
    browser = people.browser(people.buyer())
    uri = "http://127.0.0.1:49152/cb"
    answer = allow(browser, made.address(redirect_uri=uri))
    assert urlsplit(answer.location).netloc == "127.0.0.1:49152"
    code = answer_of(answer)["code"]
    assert made.exchange(code, redirect_uri="http://127.0.0.1:49153/cb").status_code == 400
    code = made.code(browser, redirect_uri=uri)
    assert made.exchange(code, redirect_uri=uri).status_code == 200
    for foreign in ("http://localhost:49152/cb", "http://127.0.0.1:49152/other", "https://127.0.0.1:1/cb",
                    "http://127.0.0.2:1/cb", "http://x@127.0.0.1:1/cb", "http://127.0.0.1:99999/cb"):  # fmt: skip
        assert browser.get(made.address(redirect_uri=foreign)).status_code == 400


def test_a_code_works_once_and_its_replay_revokes_the_token(app: Flask, people: People, program: Make) -> None:
    made = program()
    code = made.code(people.browser(people.buyer()))
    token = made.exchange(code).get_json()["access_token"]
    assert speaks(app, token).status_code == 200
    replay = made.exchange(code)
    assert (replay.status_code, replay.get_json()["error"]) == (400, "invalid_grant")
    assert speaks(app, token).status_code == 401


def test_of_two_that_use_a_code_at_once_one_wins(
    database: Database, people: People, program: Make, now: datetime
) -> None:
    """Both have read the unused code before either writes."""
    made = program()
    code = made.code(people.browser(people.buyer()))
    with database.reading() as early:
        seen = service.find_code(early, made.row.id, code, now)
    assert seen is not None
    assert made.exchange(code).status_code == 200
    with database.writing() as late:
        assert service.spend_code(late, seen, now) is False
        late.commit()
    with database.reading() as after:
        assert after.exec(select(Token.revoked_at)).one() is not None


def test_a_code_lives_sixty_seconds(people: People, program: Make, now: datetime) -> None:
    made, browser = program(), people.browser(people.buyer())
    first, second = made.code(browser), made.code(browser)
    with clock.frozen(now + timedelta(seconds=59)):
        assert made.exchange(first).status_code == 200
    with clock.frozen(now + timedelta(seconds=60)):
        assert made.exchange(second).status_code == 400


def test_a_code_is_for_the_client_it_was_made_for(people: People, program: Make) -> None:
    made, thief = program(), program(name="Khác")
    code = made.code(people.browser(people.buyer()))
    assert thief.exchange(code, code_verifier=made.verifier).status_code == 400
    assert made.exchange(code, redirect_uri=CALLBACK + "/").status_code == 400
    assert made.exchange(code, redirect_uri=None).status_code == 400
    assert made.exchange(code).status_code == 200


def test_a_client_with_a_secret_must_show_it(people: People, program: Make) -> None:
    made = program()
    code = made.code(people.browser(people.buyer()))
    secret, made.secret = made.secret, None
    assert made.exchange(code).get_json()["error"] == "invalid_client"
    assert made.exchange(code, client_id=made.row.id, client_secret="wrong").get_json()["error"] == "invalid_client"
    assert made.exchange(code, client_id=made.row.id, client_secret=secret).status_code == 200


@pytest.mark.parametrize("scope", ["catalogue sign", "everything", "catalogue\tx", "audit"])
def test_a_scope_that_the_client_does_not_have_is_refused(people: People, program: Make, scope: str) -> None:
    answer = people.browser(people.buyer()).get(program().address(scope=scope))
    if answer.status_code == 303:
        assert answer_of(answer)["error"] == "invalid_scope"
    else:
        assert answer.status_code == 400


def test_a_scope_cannot_be_widened_when_the_code_is_exchanged(people: People, program: Make) -> None:
    made = program()
    code = made.code(people.browser(people.buyer()))
    assert made.exchange(code, scope="catalogue query").get_json()["scope"] == "catalogue"


def test_a_scope_gives_nobody_what_they_may_not_do_themselves(app: Flask, people: People, program: Make) -> None:
    finance = people.make("ke-toan", OrgKind.MEMBER, Role.FINANCE)
    made = program()
    token = made.exchange(made.code(people.browser(finance))).get_json()["access_token"]
    assert speaks(app, token).get_json()["permissions"] == ["signed-in"]


def test_a_token_cannot_consent_to_a_wider_one(app: Flask, people: People, program: Make) -> None:
    """The thief of a narrow token opens the consent page with it instead of a cookie."""
    made = program()
    token = made.exchange(made.code(people.browser(people.buyer()))).get_json()["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    app.config["WTF_CSRF_ENABLED"] = False
    thief = app.test_client()
    assert thief.get(made.address(scope="query"), headers=header).status_code == 403
    assert thief.post(made.address(scope="query"), headers=header, data={"decision": "allow"}).status_code == 403
    assert thief.post("/me/clients", headers=header, data={"name": "x"}).status_code == 403


def test_only_a_person_can_be_behind_a_code(session: Session, people: People, program: Make, now: datetime) -> None:
    owner = people.provider()
    actor = Actor(None, owner.org_id, owner.kind, owner.roles, frozenset({"catalogue"}), "client")
    with pytest.raises(NotPermitted):
        service.issue_code(
            session, actor, program().row, redirect_uri=CALLBACK, scope="", challenge="x", code="y", now=now
        )


@pytest.mark.parametrize("changes", [{"response_type": "token"}, {"response_type": None}, {"response_type": 'co"de'}])
def test_other_response_types_do_not_exist(people: People, program: Make, changes: dict[str, str | None]) -> None:
    answer = people.browser(people.buyer()).get(program().address(**changes))
    assert answer.status_code in (303, 400)
    if answer.status_code == 303:
        assert answer.location.startswith(CALLBACK + "?error=unsupported_response_type")


def test_a_parameter_sent_twice_is_refused(people: People, program: Make) -> None:
    made, browser = program(), people.browser(people.buyer())
    for twice in ("scope=query", "redirect_uri=https://evil.example", f"client_id={made.row.id}", "state=x"):
        assert browser.get(made.address() + "&" + twice).status_code == 400


def test_an_unknown_or_revoked_client_gets_a_page_and_no_redirect(
    people: People, program: Make, session: Session, now: datetime
) -> None:
    made, browser = program(), people.browser(people.buyer())
    assert browser.get(made.address(client_id="nobody")).status_code == 400
    service.revoke_client(session, people.provider(), made.row.id, now)
    session.commit()
    assert browser.get(made.address()).status_code == 400
