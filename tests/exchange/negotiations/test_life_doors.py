"""A contract's life over the JSON API and on its page."""

import html
import re
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts import canonical, document, statement
from exchange import clock
from exchange.negotiations import agreements
from exchange.negotiations.models import Contract
from tests.exchange.negotiations.market import Market
from tests.exchange.negotiations.test_doors import MANDATE, Program
from tests.exchange.people import People

OVER = datetime(2027, 6, 1, 9, tzinfo=clock.VIETNAM)


def signed_statement(market: Market, contract: Contract, now: datetime) -> dict[str, str]:
    drawn = statement.build(
        document.parse(contract.payload), deed="destroyed", on=now.date(), note="Xóa hết", nonce=b"n" * 16
    )
    entry = statement.sign(drawn.payload, market.keys[market.buyer.org_id], now=now)
    return {"payload": canonical.b64url(drawn.payload), **entry}


def test_a_whole_life_over_the_api(app: Flask, market: Market) -> None:
    contract = market.active()
    buyer, seller = Program(app, market, market.buyer), Program(app, market, market.seller)
    path = f"/contracts/{contract.id}"
    held = seller.post(f"{path}/suspend", {"code": "claim", "reason": "Khiếu nại"}).get_json()
    assert (held["standing"], held["holds"][0]["holder"], held["holds"][0]["code"]) == (
        "SUSPENDED",
        "provider",
        "claim",
    )
    assert buyer.get(f"{path}/life").get_json()["holds"][0]["reason"] == "Khiếu nại"
    assert buyer.get(path).get_json()["standing"] == "SUSPENDED"
    foreign = buyer.post(f"{path}/resume", {"reason": "x"})
    assert (foreign.status_code, foreign.get_json()["code"]) == (409, "NOT_YOUR_SUSPENSION")
    resumed = seller.post(f"{path}/resume", {"reason": "Đã giải quyết"}).get_json()
    assert (resumed["standing"], resumed["holds"][0]["resume_reason"]) == ("UPCOMING", "Đã giải quyết")
    wrong = seller.post(f"{path}/suspend", {"code": "listing", "reason": "x"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "SUSPEND_CODE_UNKNOWN")

    proposed = buyer.post(f"{path}/amend", {"max_deliveries": 9, "note": "Thêm lượt"})
    assert (proposed.status_code, proposed.get_json()["state"]) == (201, "REQUESTED")
    shown = seller.get(f"{path}/life").get_json()["proposed"]
    assert shown["changes"] == [{"field": "max_deliveries", "before": 3, "after": 9}]
    assert shown["kind"] == "amendment"
    busy = seller.post(f"{path}/renew", {})
    assert (busy.status_code, busy.get_json()["code"]) == (409, "REQUEST_ALREADY_OPEN")
    unknown = buyer.post(f"{path}/amend", {"licence": "L5"})
    assert (unknown.status_code, unknown.get_json()["errors"][0]["field"]) == (422, "licence")

    ended = seller.post(f"{path}/end", {"code": "agreed", "reason": "Hai bên thống nhất"})
    assert ended.status_code == 200
    owed = buyer.get(f"{path}/life").get_json()["duty"]
    assert (owed["state"], owed["due"]) == ("OWED", "2026-12-22")
    made = buyer.post(f"{path}/statements", signed_statement(market, contract, market.now))
    assert made.status_code == 201, made.text
    [row] = made.get_json()["duty"]["statements"]
    assert canonical.loads(row["payload"].encode())["act"] == "destroyed"
    disputed = seller.post(f"{path}/statements/answer", {"answer": "disputed", "reason": "Còn bản sao"})
    assert disputed.get_json()["duty"]["state"] == "DISPUTED"
    events = [receipt["event"] for receipt in buyer.get(path).get_json()["receipts"]]
    assert events[4:] == ["contract.suspended", "contract.resumed", "contract.ended", "duty.fulfilled", "duty.disputed"]


@pytest.mark.parametrize("body", [{}, {"payload": 1}, {"payload": "x", "protected": [], "signature": 3}])
def test_a_statement_that_is_none_is_refused_in_one_shape(app: Flask, market: Market, body: dict[str, Any]) -> None:
    contract = market.active()
    market.do(agreements.end_contract, market.seller, contract.id, "agreed", "Xong")
    answer = Program(app, market, market.buyer).post(f"/contracts/{contract.id}/statements", body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "SIGNATURE_MALFORMED")


def test_outsiders_find_nothing_and_an_official_is_recorded(app: Flask, market: Market, people: People) -> None:
    contract = market.active()
    outsider = Program(app, market, people.stranger())
    path = f"/contracts/{contract.id}"
    assert outsider.get(f"{path}/life").status_code == 404
    for act, body in (
        ("suspend", {"code": "other", "reason": "x"}), ("resume", {"reason": "x"}), ("amend", {"price_vnd": 1}),
        ("renew", {}), ("statements", {}), ("statements/answer", {"answer": "disputed", "reason": "x"}),
    ):  # fmt: skip
        assert outsider.post(f"{path}/{act}", body).status_code == 404
    official = Program(app, market, people.regulator(), scope="audit")
    assert official.get(f"{path}/life").status_code == 403  # without a warrant
    assert official.post(f"{path}/suspend", {"code": "other", "reason": "x"}).status_code == 403
    from exchange.oversight import warrants

    market.do(warrants.open_warrant, people.regulator(), MANDATE)
    assert official.get(f"{path}/life").get_json()["standing"] == "UPCOMING"


# --- pages --------------------------------------------------------------------------------------------------------


def text_of(answer: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text)))


def see(browser: FlaskClient, contract: Contract) -> str:
    answer = browser.get(f"/contracts/{contract.id}")
    assert answer.status_code == 200
    ids = re.findall(r'\bid="([^"]+)"', answer.text)
    assert sorted(ids) == sorted(set(ids)), "each id once"
    return text_of(answer)


def test_suspending_and_resuming_on_the_page(market: Market, people: People, no_csrf: None) -> None:
    contract = market.active()
    seller, buyer = people.browser(market.seller, "en"), people.browser(market.buyer, "en")
    path = f"/contracts/{contract.id}"
    assert "Suspend the contract" in see(seller, contract)
    missing = seller.post(f"{path}/suspend", data={"form": "suspend", "code": "security", "reason": " "})
    assert missing.status_code == 422
    assert "Give the reason" in text_of(missing)
    done = seller.post(f"{path}/suspend", data={"form": "suspend", "code": "security", "reason": "Máy chủ bị xâm nhập"})
    assert done.status_code == 303
    for browser in (seller, buyer):
        page = see(browser, contract)
        assert "Suspended by the seller" in page
        assert "A security or data incident" in page
        assert "Máy chủ bị xâm nhập" in page
    assert "Resume the contract" in see(seller, contract)
    assert "Resume the contract" not in see(buyer, contract)
    assert "Propose changed terms" not in see(buyer, contract)
    assert buyer.post(f"{path}/resume", data={"reason": "x"}).status_code == 409
    assert seller.post(f"{path}/resume", data={"reason": "Đã xử lý"}).status_code == 303
    history = see(buyer, contract)
    assert "Contract resumed" in history
    assert "Đã xử lý" in history
    vietnamese = text_of(people.browser(market.buyer, "vi").get(path))
    assert "Tạm dừng hợp đồng" in vietnamese


def test_a_proposal_shows_what_it_changes_wherever_it_is_read(market: Market, people: People, no_csrf: None) -> None:
    contract = market.active()
    seller, buyer = people.browser(market.seller, "en"), people.browser(market.buyer, "en")
    form = {
        "form": "amend", "purpose": "Dự báo chuyến bay trễ", "scenario": "Mô hình nội bộ cho kho hàng không",
        "price_vnd": "6.000.000", "starts": "2026-12-01", "ends": "2027-05-31", "max_deliveries": "3",
        "ip_limits": "Không đăng ký bản quyền trên dữ liệu", "note": "Giá mới",
    }  # fmt: skip
    unchanged = seller.post(f"/contracts/{contract.id}/amend", data=form | {"price_vnd": "5.000.000"})
    assert unchanged.status_code == 422
    assert "This proposal changes nothing" in text_of(unchanged)
    sent = seller.post(f"/contracts/{contract.id}/amend", data=form)
    assert sent.status_code == 303, text_of(sent)
    negotiation = sent.location.rpartition("/")[2]
    for answer in (buyer.get(sent.location), buyer.get(f"/contracts/{contract.id}"), seller.get(sent.location)):
        page = text_of(answer)
        assert answer.status_code == 200
        assert "Amendment" in page
        assert "5,000,000" in page.replace(".", ",")
        assert "6,000,000" in page.replace(".", ",")
    with market.database.reading() as session:
        from exchange.negotiations.models import Negotiation

        terms = session.get_one(Negotiation, negotiation).terms_hash
    assert buyer.post(f"/negotiations/{negotiation}/accept", data={"terms": terms}).status_code == 303
    drawn = seller.post(f"/negotiations/{negotiation}/agree", data={"terms": terms})
    assert drawn.status_code == 303
    signing = text_of(seller.get(drawn.location))
    assert "Against the earlier contract, this changes:" in signing
    assert contract.sha256 in signing  # the document's own first clause names what it replaces
    assert buyer.post(f"/contracts/{contract.id}/renew", data={"form": "renew"}).status_code == 409


def test_the_duty_on_the_page(app: Flask, market: Market, people: People, no_csrf: None) -> None:
    contract = market.active()
    assert "Return or destruction" not in see(people.browser(market.buyer, "en"), contract)
    path = f"/contracts/{contract.id}"
    with clock.frozen(OVER):
        seller, buyer = people.browser(market.seller, "en"), people.browser(market.buyer, "en")
        assert "The statement is due" in see(seller, contract)
        assert "Make the statement" in see(buyer, contract)
        assert "Make the statement" not in see(seller, contract)
        form = {"form": "deed", "act": "destroyed", "on": "2027-06-01", "note": "Xóa hết <b>"}
        for spoilt in ({"act": "kept"}, {"on": "soon"}, {"act": ""}):
            assert buyer.post(f"{path}/statement", data=form | spoilt).status_code == 422
        shown = buyer.post(f"{path}/statement", data=form)
        assert shown.status_code == 200
        payload = re.search(r'data-payload="([^"]+)"', shown.text)
        assert payload is not None
        assert "<b>" not in shown.text
        bytes_shown = re.search(r"<pre[^>]*data-statement>(.*?)</pre>", shown.text, re.DOTALL)
        assert bytes_shown is not None
        raw = html.unescape(bytes_shown[1]).encode()
        assert canonical.b64url(raw) == payload[1]  # what the script compares before it signs
        entry = statement.sign(raw, market.keys[market.buyer.org_id], now=OVER)
        body = {"payload": payload[1], **entry}
        refused = buyer.post(f"{path}/statement/sign", json=body | {"signature": "AAAA"})
        assert (refused.status_code, bool(refused.get_json()["message"])) == (422, True)
        done = buyer.post(f"{path}/statement/sign", json=body)
        assert done.status_code == 201
        assert done.get_json()["location"].endswith(f"{path}#duty")
        page = see(seller, contract)
        assert "All data and every copy of them were destroyed" in page
        assert "We acknowledge the statement" in page
        bare = seller.post(f"{path}/statement/answer", data={"form": "answer", "answer": "disputed", "reason": ""})
        assert bare.status_code == 422
        answer = {"form": "answer", "answer": "acknowledged", "reason": ""}
        assert seller.post(f"{path}/statement/answer", data=answer).status_code == 303
        assert "Acknowledged by the seller" in see(buyer, contract)
