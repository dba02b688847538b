"""The whole journey over the JSON API with tokens and over the pages with forms."""

import html
import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from contracts import canonical, signature, text
from contracts.document import parse
from contracts.log.proof import check_proof, parse_proof
from exchange import clock
from exchange.ledger import service as ledger
from exchange.ledger.models import Entry
from exchange.negotiations.models import Contract, Move, Negotiation
from exchange.oauth import service as oauth
from exchange.oversight import warrants
from exchange.permissions import Actor, OrgKind
from tests.exchange.negotiations.market import Market
from tests.exchange.people import People

REQUEST = {
    "purpose": "Dự báo chuyến bay trễ",
    "scenario": "Mô hình nội bộ cho kho hàng không",
    "starts": "2026-12-01",
    "ends": "2027-05-31",
    "territory": "VN",
}

MANDATE = warrants.Mandate("12/QĐ-TTr", "Thanh tra", "Giao dịch", date(2026, 11, 1), date(2026, 12, 31))


class Program:
    """A program of one organisation, with a token of its own."""

    def __init__(self, app: Flask, market: Market, actor: Actor, scope: str = "negotiate sign") -> None:
        with market.database.writing() as session:
            client, secret = oauth.create_client(
                session, actor, name="Chương trình", flow="machine", scopes=scope.split(),
                roles=["signer" if actor.kind == OrgKind.MEMBER else "analyst"],
                now=market.now,
            )  # fmt: skip
            session.commit()
        self._client = app.test_client()
        grant = {"grant_type": "client_credentials", "scope": scope}
        answer = self._client.post("/oauth/token", data=grant, auth=(client.id, secret or ""))
        self._headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

    def get(self, path: str) -> Any:
        return self._client.get("/api/v1" + path, headers=self._headers)

    def post(self, path: str, body: Any) -> Any:
        return self._client.post("/api/v1" + path, json=body, headers=self._headers)

    def put(self, path: str, body: Any) -> Any:
        return self._client.put("/api/v1" + path, json=body, headers=self._headers)

    def delete(self, path: str) -> Any:
        return self._client.delete("/api/v1" + path, headers=self._headers)


def test_the_whole_journey_over_the_api(app: Flask, market: Market) -> None:
    buyer, seller = Program(app, market, market.buyer), Program(app, market, market.seller)
    made = buyer.post("/negotiations", REQUEST | {"listing_id": market.listing_id, "territory": ["VN"]})
    assert made.status_code == 201, made.text
    negotiation = made.get_json()
    path = f"/negotiations/{negotiation['id']}"
    assert seller.get(path).get_json()["allowed"] == ["AGREE", "OFFER", "TERMINATE"]
    offered = seller.post(f"{path}/offer", {"terms": negotiation["terms_hash"], "price_vnd": 7_000_000, "note": "?"})
    assert offered.get_json()["state"] == "OFFERED", offered.text
    stale = buyer.post(f"{path}/accept", {"terms": negotiation["terms_hash"]})
    assert (stale.status_code, stale.get_json()["code"]) == (409, "TERMS_STALE")
    seen = {"terms": offered.get_json()["terms_hash"]}
    assert buyer.post(f"{path}/accept", seen).get_json()["state"] == "ACCEPTED"
    agreed = seller.post(f"{path}/agree", seen).get_json()
    contract = f"/contracts/{agreed['contract_id']}"
    payload = buyer.get(f"{contract}/payload").data
    assert parse(payload).terms.price_vnd == 7_000_000
    for program, actor in ((seller, market.seller), (buyer, market.buyer)):
        entry = signature.sign(payload, market.keys[actor.org_id], now=clock.now())
        signed = program.post(f"{contract}/signatures", entry | {"payload": canonical.b64url(payload)})
        assert signed.status_code == 201, signed.text
    shown = buyer.get(contract).get_json()
    assert (shown["standing"], shown["unsigned"]) == ("UPCOMING", [])
    active = next(receipt for receipt in shown["receipts"] if receipt["event"] == "contract.active")
    with market.database.reading() as session:
        record = ledger.record_of(session, active["event_id"])
        check_proof(parse_proof(active["proof"]), record.data, ledger.verifiers(session))
    assert len(signature.check_all(buyer.get(f"{contract}/jws").get_json(force=True))) == 2
    ended = seller.post(f"{contract}/end", {"code": "security", "reason": "Sự cố"})
    assert (ended.status_code, ended.get_json()["standing"]) == (200, "ENDED")
    assert len(buyer.get("/contracts").get_json()) == len(buyer.get("/negotiations").get_json()) == 1


def test_the_api_refuses_in_one_shape(app: Flask, market: Market, people: People) -> None:
    buyer = Program(app, market, market.buyer)
    body = REQUEST | {"listing_id": market.listing_id, "scenario": "", "ends": "2026-11-30"}
    refused = buyer.post("/negotiations", body)
    assert refused.status_code == 422
    assert {(e["code"], e["field"]) for e in refused.get_json()["errors"]} == {
        ("NO_SCENARIO", "scenario"), ("ENDS_BEFORE_START", "ends"),
    }  # fmt: skip
    unknown = buyer.post("/negotiations", REQUEST | {"listing_id": market.listing_id, "price": 1})
    assert (unknown.status_code, unknown.get_json()["errors"][0]["field"]) == (422, "price")
    asked = buyer.post("/negotiations", REQUEST | {"listing_id": market.listing_id}).get_json()
    outsider = Program(app, market, people.stranger())
    assert outsider.get(f"/negotiations/{asked['id']}").status_code == 404
    assert outsider.post(f"/negotiations/{asked['id']}/terminate", {"code": "other", "reason": "x"}).status_code == 404
    small = Program(app, market, market.buyer, scope="sign")
    assert small.post("/negotiations", REQUEST | {"listing_id": market.listing_id}).status_code == 403
    assert app.test_client().get("/api/v1/contracts").status_code == 401


def test_a_regulators_look_is_recorded(app: Flask, market: Market, people: People) -> None:
    contract, regulator = market.agreed(), people.regulator()
    browser = people.browser(regulator)
    paths = (f"/contracts/{contract.id}", f"/negotiations/{contract.negotiation_id}")
    for path in (*paths, f"/contracts/{contract.id}/payload", f"/contracts/{contract.id}/jws"):
        refused = browser.get(path)  # no warrant, nothing to see
        assert (refused.status_code, "WARRANT_NEEDED" in refused.text) == (403, True)
    program = Program(app, market, regulator, scope="audit")
    for path in (*paths, f"/contracts/{contract.id}/deliveries"):
        assert program.get(path).get_json()["code"] == "WARRANT_NEEDED"
    market.do(warrants.open_warrant, regulator, MANDATE)
    for path in paths:
        assert browser.get(path).status_code == 200
    assert program.get(f"/contracts/{contract.id}/deliveries").status_code == 200
    assert browser.get(f"/contracts/{contract.id}/payload").data == contract.payload
    market.sequencer.run_once()
    with market.database.reading() as session:
        assert len(session.exec(select(Entry).where(Entry.event == "audit.looked")).all()) == 4


def token_of(browser: FlaskClient, path: str) -> str:
    page = browser.get(path)
    assert page.status_code == 200, page.text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def send(browser: FlaskClient, page: str, path: str, **fields: Any) -> Any:
    return browser.post(path, data=fields | {"csrf_token": token_of(browser, page)})


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_whole_journey_over_the_pages(market: Market, people: People, lang: str) -> None:
    buyer, seller = people.browser(market.buyer, lang), people.browser(market.seller, lang)
    form = f"/listings/{market.listing_id}/request"
    sent = send(buyer, form, form, **REQUEST)
    assert sent.status_code == 303, sent.text
    thread = sent.location
    assert buyer.get(form).location == thread  # who has an open request goes to it
    with market.database.reading() as session:
        seen = session.exec(select(Negotiation)).one().terms_hash
    page = seller.get(thread).text
    assert market.listing_id in page
    assert "06/01/2027" in page  # the 45th day is the last one
    sent = send(seller, thread, f"{thread}/offer", terms=seen, price_vnd="7.000.000", max_deliveries="3")
    assert sent.status_code == 303, sent.text
    page = buyer.get(thread).text
    assert "7.000.000" in page if lang == "vi" else "7,000,000" in page
    assert "<del>" in page
    with market.database.reading() as session:
        seen = session.exec(select(Negotiation)).one().terms_hash
    assert send(buyer, thread, f"{thread}/accept", terms=seen).status_code == 303
    agreed = send(seller, thread, f"{thread}/agree", terms=seen)
    assert agreed.status_code == 303, agreed.text
    for browser, actor in ((seller, market.seller), (buyer, market.buyer)):
        sign_by_script(browser, agreed.location, market, actor, lang)
    contract = agreed.location.removesuffix("/sign")
    page = buyer.get(contract).text
    assert "c2sp.org/tlog-proof@v1" in page
    assert buyer.get(agreed.location).location == contract  # nothing left to sign
    end = send(buyer, contract, f"{contract}/end", code="fulfilled", reason="Đã xong việc")
    assert end.status_code == 303, end.text
    assert "Đã xong việc" in seller.get(contract).text
    for path in ("/contracts", "/negotiations"):
        assert "Chuyến bay New York 2013" in buyer.get(path).text


def sign_by_script(browser: FlaskClient, path: str, market: Market, actor: Actor, lang: str) -> None:
    """What sign.js does: the shown prose has the digest inside the bytes; sign them; post with the CSRF header."""
    page = browser.get(path)
    assert page.status_code == 200
    contract = path.split("/")[2]
    payload = browser.get(f"/contracts/{contract}/payload").data
    assert canonical.sha256_b64url(payload) in page.text
    assert all(clause.title in html.unescape(page.text) for clause in text.clauses(parse(payload), lang))
    entry = signature.sign(payload, market.keys[actor.org_id], now=clock.now())
    body = entry | {"payload": canonical.b64url(payload)}
    assert browser.post(path, json=body).status_code == 400  # CSRF
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    taken = browser.post(path, json=body, headers={"X-CSRFToken": token[1]})
    assert taken.status_code == 201, taken.text
    assert taken.get_json()["location"].endswith(f"/contracts/{contract}#receipts")
    again = browser.post(path, json=body, headers={"X-CSRFToken": token[1]})
    assert (again.status_code, again.get_json()["code"]) == (409, "SIGNATURE_REPEATED")


def test_a_refused_form_keeps_what_was_typed_and_links_to_the_field(market: Market, people: People) -> None:
    browser = people.browser(market.buyer)
    form = f"/listings/{market.listing_id}/request"
    answer = send(browser, form, form, **REQUEST | {"scenario": "", "ends": "không phải ngày"})
    assert answer.status_code == 422
    assert REQUEST["purpose"] in answer.text
    assert 'href="#f-ends"' in answer.text
    answer = send(browser, form, form, **REQUEST | {"scenario": ""})
    assert answer.status_code == 422
    assert 'href="#f-scenario"' in answer.text
    with market.database.reading() as session:
        assert session.exec(select(Move)).all() == []


def test_a_refused_act_shows_the_thread_again_with_the_reason(market: Market, people: People) -> None:
    asked = market.requested()
    browser, thread = people.browser(market.seller), f"/negotiations/{asked.id}"
    answer = send(browser, thread, f"{thread}/agree", terms="sha-256:" + "A" * 43)
    assert answer.status_code == 409
    assert "error-summary" in answer.text
    answer = send(browser, thread, f"{thread}/terminate", code="price", reason="")
    assert answer.status_code == 422
    assert 'id="f-reason-error"' in answer.text


def test_every_form_asks_for_its_token(market: Market, people: People) -> None:
    contract = market.active()
    browser = people.browser(market.buyer)
    thread = f"/negotiations/{contract.negotiation_id}"
    for path in (
        f"/listings/{market.listing_id}/request", f"{thread}/offer", f"{thread}/accept", f"{thread}/agree",
        f"{thread}/terminate", f"{thread}/request", f"{thread}/approve", f"{thread}/approvals/x/withdraw",
        f"/listings/{market.listing_id}/agreeing", f"/listings/{market.listing_id}/agreeing/end", "/me/approvals",
        f"/contracts/{contract.id}/end", f"/contracts/{contract.id}/sign",
    ):  # fmt: skip
        assert browser.post(path, data={}).status_code in (400, 403), path


def test_outsiders_see_no_page(market: Market, people: People) -> None:
    contract = market.agreed()
    browser = people.browser(people.stranger())
    for path in (f"/negotiations/{contract.negotiation_id}", f"/contracts/{contract.id}",
                 f"/contracts/{contract.id}/payload", f"/contracts/{contract.id}/sign"):  # fmt: skip
        assert browser.get(path).status_code == 404, path


def test_a_lapsed_negotiation_says_so(market: Market, people: People) -> None:
    asked = market.requested()
    browser = people.browser(market.seller, "en")
    with market.database.writing() as session:
        session.get_one(Negotiation, asked.id).deadline = market.now - timedelta(seconds=1)
        session.commit()
    assert "Lapsed: nobody answered in time" in browser.get(f"/negotiations/{asked.id}").text


def test_the_row_of_a_contract_holds_the_signed_bytes(market: Market) -> None:
    contract = market.active()
    with market.database.reading() as session:
        row = session.exec(select(Contract)).one()
        assert canonical.sha256_b64url(row.payload) == row.sha256 == contract.sha256
