"""The frame of every page, the pages about the exchange, and error pages."""

import re
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from markupsafe import Markup
from marshmallow import Schema, fields

from exchange import home
from exchange.error_pages import LIBRARY_SENTENCES, PERMISSIONS
from exchange.errors import NotPermitted, Refusal, Refused
from exchange.permissions import Actor, OrgKind, Permission, Role, public
from tests.exchange.people import People


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/about?q=1&q=2", "/about?q=1&q=2&lang=en"),
        ("/about?lang=vi", "/about?lang=en"),
        ("/nowhere", "/nowhere?lang=en"),
    ],
)
def test_switching_the_language_keeps_the_page(app_alone: Flask, path: str, expected: str) -> None:
    with app_alone.test_request_context(path, base_url="http://localhost"):
        assert home.here(lang="en") == expected


def test_no_address_leads_to_another_host(app_alone: Flask) -> None:
    with app_alone.test_request_context("/", environ_overrides={"PATH_INFO": "//evil.example/x"}):
        assert home.here(lang="en") == "/evil.example/x?lang=en"


def test_switching_the_language_of_the_answer_to_a_post_leads_home(app_alone: Flask) -> None:
    app_alone.add_url_rule("/only-post", "only_post", public(lambda: ""), methods=["POST"])
    with app_alone.test_request_context("/only-post", method="POST"):
        assert home.here(lang="en") == "/?lang=en"


def test_navigation_shows_what_the_reader_may_use(app_alone: Flask) -> None:
    for _label, endpoint, _permissions in home._NAVIGATION:
        if endpoint not in app_alone.view_functions:
            app_alone.add_url_rule(f"/test/{endpoint}", endpoint, public(lambda: ""))

    def labels(kind: OrgKind, *roles: Role) -> list[str]:
        with app_alone.test_request_context("/?lang=en"):
            someone = Actor(user_id="u", org_id="o", kind=kind, roles=frozenset(roles))
            return [item.label for item in home._navigation(someone)]

    assert labels(OrgKind.MEMBER, Role.OWNER) == ["Catalogue", "Publish", "Requests & contracts", "Trial"]
    assert labels(OrgKind.MEMBER, Role.PUBLISHER) == ["Catalogue", "Publish", "Requests & contracts", "Trial"]
    assert labels(OrgKind.MEMBER, Role.FINANCE) == ["Catalogue", "Trial"]
    assert labels(OrgKind.OPERATOR, Role.OWNER) == ["Catalogue", "Trial", "Moderation"]
    assert labels(OrgKind.REGULATOR, Role.ANALYST) == ["Catalogue", "Trial", "Regulator desk"]
    with app_alone.test_request_context("/?lang=en"):
        assert [item.label for item in home._navigation(None)] == ["Catalogue", "Trial"]


def test_the_frame_names_who_is_signed_in(app: Flask, people: People) -> None:
    provider = people.provider()
    html = people.browser(provider).get("/about").text
    if "accounts.me" in app.view_functions:
        assert provider.name in html
    assert "Minh Bạch" in html


@pytest.mark.parametrize("path", ["/about", "/privacy", "/accessibility"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_pages_about_the_exchange(visitor: FlaskClient, path: str, lang: str) -> None:
    answer = visitor.get(f"{path}?lang={lang}")
    assert answer.status_code == 200
    assert f'<html lang="{lang}">' in answer.text
    assert answer.text.count("<h1>") == 1
    assert "Sàn đang thử nghiệm có kiểm soát." in answer.text or lang == "en"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 416, 422, 429, 500, 503])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_error_page_says_what_to_do_next(app_alone: Flask, status: int, lang: str) -> None:
    app_alone.testing = False
    app_alone.add_url_rule("/test/fail", "fail", public(lambda: abort(status)))
    answer = app_alone.test_client().get(f"/test/fail?lang={lang}")
    assert answer.status_code == status
    assert f'<html lang="{lang}">' in answer.text
    steps = answer.text.split("<h2>")[1]
    assert re.search(r"<li>[^<]{20,}</li>", steps)
    assert answer.headers["X-Request-Id"] in answer.text


def test_every_permission_has_a_name_for_people() -> None:
    assert set(PERMISSIONS) == set(Permission)


def test_the_marked_library_sentences_are_what_the_libraries_say() -> None:
    kinds = [getattr(fields, name) for name in fields.__all__]
    said = {text for kind in kinds for text in kind.default_error_messages.values()}
    said |= set(Schema().error_messages.values()) | {"Invalid JSON body."}  # the last: webargs.core
    assert set(LIBRARY_SENTENCES) <= said


@pytest.mark.parametrize(("lang", "words"), [("vi", "niêm yết dữ liệu"), ("en", "publish data")])
def test_a_missing_right_is_named(app_alone: Flask, lang: str, words: str) -> None:
    def view() -> str:
        raise NotPermitted(Permission.PUBLISH)

    app_alone.add_url_rule("/test/denied", "denied", public(view))
    answer = app_alone.test_client().get(f"/test/denied?lang={lang}")
    assert answer.status_code == 403
    assert words in answer.text


def test_a_refusal_page_teaches(app_alone: Flask) -> None:
    refusal = Refusal(
        "TRIAL_CAP_EXCEEDED", en="Above the cap.", vi="Vượt hạn mức.", basis="T9", value="9", passes_en="At most 8.",
        passes_vi="Tối đa 8.",
    )  # fmt: skip

    def view() -> str:
        raise Refused(refusal, status=409)

    app_alone.add_url_rule("/test/refused", "refused", public(view))
    html = app_alone.test_client().get("/test/refused?lang=vi").text
    assert all(word in html for word in ("Vượt hạn mức.", "Tối đa 8.", "T9", "TRIAL_CAP_EXCEEDED", "<code>9</code>"))


def test_an_error_page_is_shown_even_without_a_database(app_alone: Flask, tmp_path: Path) -> None:
    app_alone.testing = False
    client = app_alone.test_client()
    with client.session_transaction() as cookie:
        cookie["sign_in"] = "anything"
    app_alone.extensions["minhbach.database"].dispose()
    (tmp_path / "exchange.sqlite").unlink()
    assert client.get("/nowhere").status_code == 404


def test_csrf_field_carries_the_token(app_alone: Flask) -> None:
    with app_alone.test_request_context("/"):
        field = home.csrf_field()
    assert isinstance(field, Markup)
    assert re.fullmatch(r'<input type="hidden" name="csrf_token" value="[\w.-]{40,}">', field)
