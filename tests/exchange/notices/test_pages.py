"""The number in the header, the page of notices, what comes by e-mail, webhooks: as people and programs see them."""

import html
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from exchange.accounts.models import Membership, Organisation, User
from exchange.db import Database
from exchange.errors import NotPermitted
from exchange.ledger import service as ledger
from exchange.notices import service
from exchange.notices.models import MailChoice, Notice, Webhook, WebhookDelivery
from exchange.permissions import Actor, Role
from tests.exchange.negotiations.market import Market
from tests.exchange.notices.conftest import Colleague, Told
from tests.exchange.people import People
from tests.exchange.test_doors import by_token

URL = "https://hooks.example.vn/in"


@pytest.fixture
def seller(market: Market, people: People) -> FlaskClient:
    """The seller's owner at a browser, in English."""
    return people.browser(market.seller, "en")


def fill(database: Database, actor: Actor, count: int, **more: Any) -> list[str]:
    """Notices of this person, oldest first."""
    ids = [f"01k{n:023d}" for n in range(count)]
    with database.writing() as session:
        at = session.get_one(User, actor.user_id).created_at
        session.add_all(
            Notice(org_id=actor.org_id, user_id=str(actor.user_id), id=notice_id, kind="key.added", facts={},
                   path="/me/keys", at=at, **more)
            for notice_id in ids
        )  # fmt: skip
        session.commit()
    return ids


def number(page: str) -> str:
    found = re.search(r'class="unread">.*?</span>\s*([0-9+]+)</span>', page)
    return found[1] if found else ""


def test_the_header_counts_what_was_not_read(market: Market, seller: FlaskClient, database: Database) -> None:
    assert number(seller.get("/about").text) == ""
    market.requested()
    page = seller.get("/about").text
    assert number(page) == "1"
    assert page.count('class="unread"') == 2  # on a phone the menu is folded, and its button tells
    fill(database, market.seller, service.MOST_COUNTED)
    assert number(seller.get("/about").text) == "99+"


def test_a_stranger_and_the_other_side_see_no_number(market: Market, people: People, client: FlaskClient) -> None:
    market.requested()
    assert "/notices" not in client.get("/about").text
    assert number(people.browser(market.buyer).get("/about").text) == ""


def test_an_empty_page_says_what_will_appear(seller: FlaskClient) -> None:
    assert "No notice yet" in seller.get("/notices").text
    assert "Nothing unread" in seller.get("/notices?unread=1").text


def test_following_a_notice_leads_to_its_page_and_reads_it(market: Market, seller: FlaskClient, told: Told) -> None:
    negotiation = market.requested()
    [notice] = told(market.seller)
    page = html.unescape(seller.get("/notices").text)
    assert "Somebody asks for “New York flights 2013” and waits for your answer." in page
    assert "Công ty buyer" in page
    assert f'href="/notices/{notice.id}"' in page
    answer = seller.get(f"/notices/{notice.id}")
    assert (answer.status_code, answer.location) == (303, f"/negotiations/{negotiation.id}")
    assert seller.get(answer.location).status_code == 200
    [notice] = told(market.seller)
    assert notice.read_at == market.now
    assert number(seller.get("/about").text) == ""
    assert seller.get(f"/notices/{notice.id}").status_code == 303  # the link in the mail goes on working


def test_a_notice_is_marked_as_read_in_place(market: Market, seller: FlaskClient, told: Told, no_csrf: None) -> None:
    market.requested()
    [notice] = told(market.seller)
    answer = seller.post(f"/notices/{notice.id}/read", data={"unread": "1"})
    assert (answer.status_code, answer.location) == (303, "/notices?unread=1")
    assert told(market.seller)[0].read_at is not None
    assert "Nothing unread" in seller.get("/notices?unread=1").text
    assert "Mark as read" not in seller.get("/notices").text


def test_marking_all_as_read_spares_what_came_since(
    market: Market, seller: FlaskClient, told: Told, database: Database, no_csrf: None
) -> None:
    ids = fill(database, market.seller, 3)
    assert ids[-1] in seller.get("/notices").text
    market.requested()
    assert seller.post("/notices/read", data={"newest": ids[-1]}).status_code == 303
    assert [notice.kind for notice in told(market.seller) if notice.read_at is None] == ["access.requested"]
    assert seller.post("/notices/read", data={}).status_code == 404


def test_pages_follow_one_another(market: Market, seller: FlaskClient, database: Database) -> None:
    ids = fill(database, market.seller, service.PAGE + 5)
    first = seller.get("/notices").text
    assert ids[-1] in first
    assert f'href="/notices/{ids[4]}"' not in first
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = seller.get(html.unescape(following[1])).text
    assert f'href="/notices/{ids[4]}"' in second
    assert f'href="/notices/{ids[5]}"' not in second
    assert 'rel="next"' not in second
    assert 'rel="prev"' in second
    for wrong in ("before=../x", "before=%00", "unread=maybe"):
        assert seller.get(f"/notices?{wrong}").status_code == 404


def test_nobody_else_s_notice_is_there(
    market: Market, people: People, told: Told, no_csrf: None, colleague: Colleague
) -> None:
    market.requested()
    [notice] = told(market.seller)
    for other in (market.buyer, people.stranger(), colleague(market.seller, Role.OWNER)):
        browser = people.browser(other)
        assert browser.get(f"/notices/{notice.id}").status_code == 404
        assert browser.post(f"/notices/{notice.id}/read").status_code == 404
        browser.post("/notices/read", data={"newest": "z" * 26})
    assert told(market.seller)[0].read_at is None


def test_a_mail_s_link_of_another_organisation_asks_for_whom_one_acts(
    market: Market, people: People, told: Told, database: Database
) -> None:
    with database.writing() as session:
        session.add(Membership(user_id=str(market.seller.user_id), org_id=people.stranger().org_id, role=Role.OWNER))
        session.commit()
    market.requested()
    [notice] = told(market.seller)
    elsewhere = people.browser(
        Actor(market.seller.user_id, people.stranger().org_id, market.seller.kind, market.seller.roles)
    )
    answer = elsewhere.get(f"/notices/{notice.id}")
    assert (answer.status_code, answer.location) == (303, f"/sign-in/organisation?next=/notices/{notice.id}")
    assert told(market.seller)[0].read_at is None


def test_a_person_chooses_what_comes_by_mail(
    market: Market, seller: FlaskClient, database: Database, no_csrf: None, told: Told
) -> None:
    page = html.unescape(seller.get("/me/notices").text)
    assert page.count(" checked") == 6 + 1  # every group, and the language
    assert "This exchange sends no e-mail at present" in page
    assert seller.post("/me/notices", data={"mail": ["security", "contract"], "lang": "en"}).status_code == 303
    page = seller.get("/me/notices").text
    assert page.count(" checked") == 2 + 1
    market.requested()
    assert told(market.seller)[0].mail == "none"
    with database.reading() as session:
        assert session.get_one(User, market.seller.user_id).locale == "en"
        assert session.exec(select(MailChoice.user_id)).all() == [market.seller.user_id] * 6
    refused = seller.post("/me/notices", data={"mail": ["moon"], "lang": "en"})
    assert refused.status_code == 422
    assert "There is no such group of notices." in refused.text
    assert seller.post("/me/notices", data={"lang": "fr"}).status_code == 422


def test_a_mail_that_was_refused_is_told_where_one_chooses(
    market: Market, seller: FlaskClient, database: Database
) -> None:
    fill(database, market.seller, 1, mail="dead", mail_code="550")
    assert "was refused by its mail server" in seller.get("/me/notices").text


def test_the_account_s_page_leads_to_both(seller: FlaskClient, market: Market, people: People) -> None:
    page = seller.get("/me").text
    assert "/me/notices" in page
    assert "/webhooks" in page
    finance = people.make("thu-quy", market.seller.kind, Role.FINANCE)
    assert "/webhooks" not in people.browser(finance).get("/me").text


def test_a_webhook_is_added_watched_and_removed(
    seller: FlaskClient, market: Market, database: Database, no_csrf: None, people: People
) -> None:
    assert "No webhook yet" in seller.get("/webhooks").text
    refused = seller.post("/webhooks", data={"url": "https://10.0.0.1/"})
    assert refused.status_code == 422
    assert "must begin with https://" in refused.text
    made = seller.post("/webhooks", data={"url": URL})
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", html.unescape(made.text))
    assert secret is not None
    assert made.headers["Cache-Control"] == "no-store"
    with database.reading() as session:
        hook = session.exec(select(Webhook)).one()
        [record] = ledger.find(session, ledger.Search(event="account.changed"))
    assert record.leaf.d == {"change": "webhook-added", "webhook": hook.id}
    listing = seller.get("/webhooks").text
    assert "whsec_" not in listing
    assert URL in listing
    assert seller.post(f"/webhooks/{hook.id}/test").status_code == 303
    with database.writing() as session:
        message = session.exec(select(WebhookDelivery)).one()
        message.state, message.code, message.tries = "dead", "500", 10
        session.commit()
    assert "1 given up" in html.unescape(seller.get("/webhooks").text)
    page = seller.get(f"/webhooks/{hook.id}").text
    assert "webhook.test" in page
    assert "Given up" in page
    assert seller.post(f"/webhooks/{hook.id}/messages/{message.id}/again").status_code == 303
    assert "Waiting" in seller.get(f"/webhooks/{hook.id}").text
    rotated = seller.post(f"/webhooks/{hook.id}/rotate")
    assert secret[0] not in html.unescape(rotated.text)
    assert "The old secret signs too until 23/11/2026 09:00 (GMT+7)." in rotated.text
    other = people.browser(market.buyer)
    for path in ("", "/test", "/rotate", "/remove", "/enable", f"/messages/{message.id}/again"):
        answer = other.get(f"/webhooks/{hook.id}") if not path else other.post(f"/webhooks/{hook.id}{path}")
        assert answer.status_code == 404, path
    assert seller.post(f"/webhooks/{hook.id}/remove").status_code == 303
    assert "No webhook yet" in seller.get("/webhooks").text


def test_programs_read_notices_only_for_a_person(app: Flask, market: Market, database: Database, told: Told) -> None:
    market.requested()

    def ask(method: str, path: str, **more: Any) -> Any:
        more |= {"query_string": {"lang": "en"}}
        return by_token(app, database, market.seller, "", method, f"/api/v1{path}", **more)[1]

    found = ask("GET", "/notices").get_json()
    assert found.get("unread") == 1, found
    [notice] = found["notices"]
    assert notice["text"] == "Somebody asks for “New York flights 2013” and waits for your answer."
    assert (notice["kind"], notice["group"], notice["read_at"]) == ("access.requested", "negotiation", None)
    assert ask("POST", f"/notices/{notice['id']}/read").get_json()["read_at"] is not None
    assert ask("GET", "/notices").get_json()["unread"] == 0
    with database.writing() as session:
        session.add(MailChoice(user_id=str(market.seller.user_id), topic="deadline", wanted=False))
        session.commit()
    assert ask("GET", "/notices/choices").get_json() == {
        "mail": {
            "negotiation": True,
            "contract": True,
            "deadline": False,
            "listing": True,
            "trial": True,
            "security": True,
        },
        "lang": "vi",
    }
    program = replace(market.seller, scopes=frozenset({"sign"}))
    with database.writing() as session, pytest.raises(NotPermitted):  # a stolen token must not silence the mails
        service.choose(session, program, {"security": False})
    with database.reading() as session, pytest.raises(NotPermitted):
        service.page_of(session, replace(market.seller, user_id=None))


def test_programs_manage_webhooks_with_their_own_scope_only(app: Flask, market: Market, database: Database) -> None:
    def ask(scope: str, method: str, path: str, **more: Any) -> Any:
        return by_token(app, database, market.seller, scope, method, f"/api/v1/webhooks{path}", **more)[1]

    assert ask("catalogue negotiate sign query deliver", "GET", "").status_code == 403
    made = ask("webhooks", "POST", "", json={"url": URL})
    assert made.status_code == 201
    hook = made.get_json()
    assert hook["secret"].startswith("whsec_")
    [listed] = ask("webhooks", "GET", "").get_json()
    assert "secret" not in listed
    sent = ask("webhooks", "POST", f"/{hook['id']}/test")
    assert (sent.status_code, sent.get_json()["type"]) == (202, "webhook.test")
    [message] = ask("webhooks", "GET", f"/{hook['id']}/messages?state=waiting").get_json()
    assert message["id"] == sent.get_json()["id"]
    assert ask("webhooks", "GET", f"/{hook['id']}/messages?state=dead").get_json() == []
    assert ask("webhooks", "GET", f"/{hook['id']}/messages?state=moon").status_code == 422
    assert ask("webhooks", "POST", f"/{hook['id']}/messages/{message['id']}/again").status_code == 202
    assert ask("webhooks", "POST", f"/{hook['id']}/rotate").get_json()["secret"] != hook["secret"]
    assert ask("webhooks", "POST", f"/{hook['id']}/enable").status_code == 200
    assert ask("webhooks", "DELETE", f"/{hook['id']}").status_code == 204
    assert ask("webhooks", "GET", "").get_json() == []


def test_the_header_is_shown_whatever_the_language(market: Market, people: People) -> None:
    market.requested()
    page = people.browser(market.seller, "vi").get("/notices").text
    assert "Thông báo" in page
    assert "Có yêu cầu về “Chuyến bay New York 2013” đang chờ quý vị trả lời." in html.unescape(page)


def test_facts_hold_what_the_database_can_keep(market: Market, told: Told, database: Database) -> None:
    market.requested()
    [notice] = told(market.seller)
    assert json.loads(json.dumps(notice.facts)) == notice.facts
    with database.reading() as session:
        assert session.get(Organisation, notice.facts["by"]) is not None
