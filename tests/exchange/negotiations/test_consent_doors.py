"""Approvals, rules and the buyer's other terms over the pages and the JSON API."""

from typing import Any

import pytest
from flask import Flask

from exchange.negotiations import approvals
from exchange.permissions import Actor, Role
from tests.exchange.negotiations.market import Market
from tests.exchange.negotiations.test_doors import REQUEST, Program, send
from tests.exchange.people import People
from tests.exchange.test_doors import by_token


@pytest.fixture
def clerk(market: Market) -> Actor:
    """Who approves terms for the seller."""
    made = market.colleague(market.seller, "Lê Kế Toán", Role.FINANCE)
    market.do(approvals.set_rule, market.seller, "finance", False)
    return made


def test_two_rounds_and_an_end_over_the_api(app: Flask, market: Market) -> None:
    buyer, seller = Program(app, market, market.buyer), Program(app, market, market.seller)
    asked = buyer.post("/negotiations", REQUEST | {"listing_id": market.listing_id}).get_json()
    path = f"/negotiations/{asked['id']}"
    offered = seller.post(f"{path}/offer", {"terms": asked["terms_hash"], "price_vnd": 7_000_000}).get_json()
    again = buyer.post(
        f"{path}/request", {"terms": offered["terms_hash"], "price_vnd": 6_000_000, "purpose": "Dự báo khác"}
    )
    assert again.status_code == 200, again.text
    body = again.get_json()
    assert (body["state"], body["requests"], body["offers"], body["purpose"]) == ("REQUESTED", 2, 1, "Dự báo khác")
    wrong_door = seller.post(f"{path}/request", {"terms": body["terms_hash"], "price_vnd": 1})
    assert wrong_door.status_code in (200, 403)  # the side decides which move it is, not the door
    late = buyer.post(f"{path}/request", {"terms": body["terms_hash"], "price_vnd": 5}).get_json()
    assert {error["code"] for error in late["errors"]} <= {"OUT_OF_TURN", "TERMS_STALE", "LAST_MOVE"}
    unknown = buyer.post(f"{path}/terminate", {"code": "because", "reason": "x"})
    assert (unknown.status_code, unknown.get_json()["code"]) == (422, "REASON_CODE_UNKNOWN")
    assert "no-need" in unknown.get_json()["errors"][0]["passes"]
    ended = buyer.post(f"{path}/terminate", {"code": "no-need", "reason": "Hết nhu cầu"}).get_json()
    seen = seller.get(path).get_json()
    assert (seen["terminated_code"], seen["terminated_reason"]) == ("no-need", "Hết nhu cầu")
    assert (seen["terminated_by"], seen["terminated_at"]) == (market.buyer.org_id, ended["terminated_at"])


def test_a_program_may_not_approve_but_a_persons_may(app: Flask, market: Market, clerk: Actor) -> None:
    asked = market.requested()
    path, body = f"/negotiations/{asked.id}", {"what": "terms", "digest": asked.terms_hash}
    seller = Program(app, market, market.seller)
    assert seller.get("/me/approval-rule").get_json() == {"role": "finance", "second_signer": False}
    refused = seller.post(f"{path}/approvals", body)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "APPROVAL_NEEDS_PERSON")
    missing = seller.post(f"{path}/agree", {"terms": asked.terms_hash})
    assert (missing.status_code, missing.get_json()["code"]) == (409, "APPROVAL_MISSING")

    def as_clerk(method: str, address: str, **more: Any) -> Any:
        return by_token(app, market.database, clerk, "negotiate", method, f"/api/v1{address}", **more)[1]

    given = as_clerk("POST", f"{path}/approvals", json=body)
    assert given.status_code == 201, given.text
    (panel,) = given.get_json()["approvals"]
    assert (panel["what"], panel["given"][0]["by"]) == ("terms", "Lê Kế Toán")
    gone = as_clerk("POST", f"{path}/approvals/{panel['given'][0]['id']}/withdraw")
    assert gone.get_json()["approvals"][0]["given"] == []
    as_clerk("POST", f"{path}/approvals", json=body)
    assert seller.post(f"{path}/agree", {"terms": asked.terms_hash}).status_code == 200
    assert Program(app, market, market.buyer).get(path).get_json()["approvals"] == []


def test_a_rule_over_the_api_agrees_to_the_next_request(app: Flask, market: Market, people: People) -> None:
    seller, buyer = Program(app, market, market.seller), Program(app, market, market.buyer)
    place = f"/listings/{market.listing_id}/agree-rule"
    assert seller.get(place).status_code == 404
    made = seller.put(place, {"min_level": 2, "max_price_vnd": 5_000_000})
    assert made.status_code == 200, made.text
    assert seller.get(place).get_json() == made.get_json()
    assert buyer.get(place).status_code == 404
    assert Program(app, market, people.stranger()).put(place, {"min_level": 0}).status_code == 404
    asked = buyer.post("/negotiations", REQUEST | {"listing_id": market.listing_id, "purpose": "Mô tả"}).get_json()
    assert asked["state"] == "AGREED"
    assert asked["moves"][-1]["rule_event"] == made.get_json()["event_id"]
    assert buyer.get(f"/contracts/{asked['contract_id']}").get_json()["receipts"][0]["proof"]  # in the log already
    assert seller.delete(place).status_code == 204
    assert seller.get(place).status_code == 404


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_buyers_other_terms_and_the_end_over_the_pages(market: Market, people: People, lang: str) -> None:
    buyer, seller = people.browser(market.buyer, lang), people.browser(market.seller, lang)
    asked = market.requested()
    thread = f"/negotiations/{asked.id}"
    sent = send(seller, thread, f"{thread}/offer", terms=asked.terms_hash, price_vnd="7.000.000")
    assert sent.status_code == 303, sent.text
    page = buyer.get(thread).text
    assert f'action="{thread}/request"' in page
    seen = page.split('name="terms" value="', 1)[1].split('"', 1)[0]
    sent = send(buyer, thread, f"{thread}/request", terms=seen, price_vnd="6.000.000", purpose="Dự báo khác")
    assert sent.status_code == 303, sent.text
    assert "Dự báo khác" in seller.get(thread).text
    refused = send(seller, thread, f"{thread}/terminate", code="", reason="Giá thấp")
    assert (refused.status_code, 'id="f-code-error"' in refused.text) == (422, True)
    ended = send(seller, thread, f"{thread}/terminate", code="price", reason="Giá thấp")
    assert ended.status_code == 303
    page = buyer.get(thread).text
    assert "Không thống nhất được về giá" in page if lang == "vi" else "No agreement on the price" in page
    assert "Giá thấp" in page
    assert "Công ty provider" in page


def test_demanding_approving_and_withdrawing_over_the_pages(market: Market, people: People) -> None:
    clerk = market.colleague(market.seller, "Lê Kế Toán", Role.FINANCE)
    owner, approver = people.browser(market.seller, "en"), people.browser(clerk, "en")
    refused = send(owner, "/me/approvals", "/me/approvals", role="analyst")
    assert (refused.status_code, 'id="f-role-error"' in refused.text) == (422, True)
    assert send(owner, "/me/approvals", "/me/approvals", role="finance").status_code == 303
    assert approver.get("/me/approvals").status_code == 403
    asked = market.requested()
    thread = f"/negotiations/{asked.id}"
    waiting = send(owner, thread, f"{thread}/agree", terms=asked.terms_hash)
    assert (waiting.status_code, "demands a person" in waiting.text) == (409, True)
    assert "Approve these terms" not in owner.get(thread).text
    assert "Approve these terms" in approver.get(thread).text
    given = send(approver, thread, f"{thread}/approve", what="terms", digest=asked.terms_hash)
    assert given.status_code == 303, given.text
    page = owner.get(thread).text
    assert "Lê Kế Toán" in page
    assert "Lê Kế Toán" not in people.browser(market.buyer).get(thread).text
    address = page.split("/withdraw", 1)[0].rsplit('"', 1)[1] + "/withdraw"
    assert send(approver, thread, address).status_code == 303
    assert send(owner, thread, f"{thread}/agree", terms=asked.terms_hash).status_code == 409


def test_the_second_signer_approves_on_the_contracts_page(market: Market, people: People) -> None:
    second = market.colleague(market.buyer, "Phạm Hoa", Role.SIGNER)
    market.do(approvals.set_rule, market.buyer, "", True)
    contract = market.agreed()
    owner, other = people.browser(market.buyer, "en"), people.browser(second, "en")
    page, thread = f"/contracts/{contract.id}", f"/negotiations/{contract.negotiation_id}"
    for shown in (page, f"{page}/sign", thread):
        assert "Approve the signature" in other.get(shown).text
        assert "Approve the signature" not in people.browser(market.seller, "en").get(shown).text
    assert send(other, page, f"{thread}/approve", what="signature", digest=contract.sha256).status_code == 303
    assert "Phạm Hoa" in owner.get(f"{page}/sign").text
    market.signed(contract, market.buyer)
    assert "Phạm Hoa" not in owner.get(page).text  # signed: nothing is left to approve


def test_a_rule_over_the_pages_leads_the_buyer_to_the_contract(market: Market, people: People) -> None:
    owner, buyer = people.browser(market.seller, "en"), people.browser(market.buyer, "en")
    page = f"/listings/{market.listing_id}/agreeing"
    wrong = send(owner, page, page, min_level="9")
    assert wrong.status_code == 422
    assert send(owner, page, page, min_level="0", max_price_vnd="").status_code == 303
    assert "End the rule" in owner.get(page).text
    assert buyer.get(page).status_code == 404
    form = f"/listings/{market.listing_id}/request"
    sent = send(buyer, form, form, **REQUEST | {"purpose": "Mô tả"})
    assert (sent.status_code, sent.location.endswith("/sign")) == (303, True), sent.text
    thread = owner.get("/negotiations").text
    assert "Chuyến bay New York 2013" in thread
    assert send(owner, page, f"{page}/end").status_code == 303
    assert send(owner, page, f"{page}/end").status_code == 409
