"""Steps that several stories take, each through the pages."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from werkzeug.datastructures import FileStorage

from contracts import canonical, signature
from contracts.keys import PrivateKey
from exchange.accounts import service as accounts
from exchange.accounts.keys import TYP
from exchange.catalogue.forms import FIELDS_OF
from exchange.db import Database
from exchange.demo import listings
from exchange.permissions import OrgKind
from tests.exchange.people import tax_code
from tests.journeys.visitor import Page, Visitor

PASSWORD = "bốn con ngựa trắng"
NAMES = {"provider": ("Công ty Dữ liệu Đường bay", 7101), "buyer": ("Công ty Kho vận Đông Nam", 7102),
         "stranger": ("Công ty Người ngoài", 7103), "operator": ("Sàn dữ liệu Thành phố", 7104),
         "regulator": ("Thanh tra Thành phố", 7105)}  # fmt: skip


def email_of(name: str) -> str:
    """The address with which this part of the play signs in."""
    return f"{name}@nghich-thu.example.vn"


def set_up(database: Database, name: str, kind: OrgKind, now: datetime) -> str:
    """An organisation that runs or watches the exchange; returns its owner's address."""
    title, number = NAMES[name]
    with database.writing() as session:
        org = accounts.register_organisation(
            session, name=title, tax_code=tax_code(number), kind=kind, stated_level=2, stated_payment_account=True,
            confirmed=True, now=now,
        )  # fmt: skip
        accounts.add_user(
            session, org, email=email_of(name), full_name=f"Lê {name}", password=PASSWORD, roles=["owner"], now=now
        )
        session.commit()
    return email_of(name)


def join(visitor: Visitor, name: str, operator: Visitor | None = None) -> Visitor:
    """Register an organisation through the page; with ``operator``, its identity is confirmed too."""
    title, number = NAMES[name]
    visitor.open("/join")
    visitor.send(
        "/join", name=title, tax_code=tax_code(number), stated_level="2", stated_payment_account="1",
        full_name="Trần Thị Bình", email=email_of(name), password=PASSWORD,
    )  # fmt: skip
    if operator is not None:
        operator.open(visitor.page.link("/organisations/"))
        operator.send("/identity", level="2", payment_account="1")
    return visitor


def org_id(visitor: Visitor) -> str:
    """The visitor's organisation."""
    return visitor.open("/me").link("/organisations/").rpartition("/")[2]


# --- publishing ---------------------------------------------------------------------------------------------------


def typed(step: str, offer: dict[str, Any]) -> dict[str, Any]:
    """What a seller types at one step to say ``offer``."""
    values = {name: offer[name] for name in FIELDS_OF[step] if name in offer and offer[name] is not None}
    if "items" in values:
        items = values.pop("items")
        for access in ("open", "shared"):
            values[f"items_{access}"] = "\n".join(item["name"] for item in items if item["access"] == access)
    if "rights" in values:
        values |= {f"evidence_{code}": text for code, text in offer["rights"].items()}
        values["rights"] = list(offer["rights"])
    if "territory" in values:
        values["territory"] = ", ".join(offer["territory"])
    for name in ("exclusive", "attribution"):
        if name in values:
            values[name] = "1" if offer[name] else None
    return {name: str(value) if isinstance(value, int) else value for name, value in values.items()}


def start_draft(seller: Visitor, file: Path) -> str:
    """A new draft with its file; returns the listing's id."""
    seller.open("/publish")
    seller.send("/publish")
    listing_id = seller.page.url.split("/")[-2]
    with file.open("rb") as stream:
        seller.send("/file", file=FileStorage(stream, file.name))
    return listing_id


def describe(seller: Visitor, listing_id: str, offer: dict[str, Any]) -> None:
    """The four steps of text, each saved and followed to the next."""
    seller.open(f"/publish/{listing_id}/describe")
    for step in ("describe", "rights", "classify", "licence"):
        assert seller.page.url.endswith(f"/{step}")
        seller.send(f"/{step}", **typed(step, offer))
    assert seller.page.url.endswith("/check")


def publish(seller: Visitor, operator: Visitor, file: Path, offer: dict[str, Any] = listings.PLANES) -> str:
    """From nothing to the catalogue."""
    listing_id = start_draft(seller, file)
    describe(seller, listing_id, offer)
    seller.send("/submit")
    operator.open("/moderation")
    operator.follow(listing_id)
    operator.send("/approve", personal_data_checked="1")
    return listing_id


# --- keys and signatures ------------------------------------------------------------------------------------------


def make_key(visitor: Visitor, alg: str = "Ed25519") -> PrivateKey:
    """A key in a file: sign the challenge that the page shows, hand in the proof."""
    private = signature.generate(alg)
    page = visitor.open("/me/keys")
    challenge = re.search(r'data-challenge="([^"]+)"', page.html)
    assert challenge is not None
    form = next(form for form in page.forms if ("grade", "file") in form.filled)
    page.forms = [form]
    visitor.send("/me/keys", label="Khóa trong tệp", proof=proof(private, alg, challenge[1]))
    return private


def proof(private: PrivateKey, alg: str, challenge: str) -> str:
    """The compact JWS over a challenge, as ``minhbach key`` makes it."""
    header = canonical.dumps({"alg": alg, "jwk": signature.public_jwk(private), "typ": TYP})
    protected, payload = canonical.b64url(header), canonical.b64url(challenge.encode())
    raw = signature.make_signature(f"{protected}.{payload}".encode(), private, alg)
    return f"{protected}.{payload}.{canonical.b64url(raw)}"


def sign(visitor: Visitor, contract_id: str, private: PrivateKey, now: datetime, status: int = 201) -> Any:
    """What sign.js sends, made with a key file; the CSRF token comes from the page as it does there."""
    page = visitor.open(f"/contracts/{contract_id}/sign")
    token = next(value for form in page.forms for name, value in form.filled if name == "csrf_token")
    payload = visitor.client.get(f"/contracts/{contract_id}/payload").data
    return hand_in(visitor, contract_id, signature.sign(payload, private, now=now), token, status)


def hand_in(visitor: Visitor, contract_id: str, entry: dict[str, str], token: str, status: int) -> Any:
    """Post a signature."""
    answer = visitor.client.post(f"/contracts/{contract_id}/sign", json=entry, headers={"X-CSRFToken": token})
    assert answer.status_code == status, answer.text
    return answer.json


def refusals(page: Page) -> set[str]:
    """Codes of the rules that a page names."""
    return set(re.findall(r"(?:<code>|small\">)([A-Z][A-Z0-9_]+(?::[a-z_]+)?)</", page.html))


# --- a deal -------------------------------------------------------------------------------------------------------

WISH = {
    "purpose": "Dự báo nhu cầu bảo dưỡng tàu bay",
    "scenario": "Mô hình nội bộ xếp lịch kho phụ tùng theo kiểu tàu bay",
    "starts": "2026-11-22",
    "ends": "2027-05-31",
    "territory": "VN",
}


def agreed(buyer: Visitor, provider: Visitor, listing_id: str) -> str:
    """Asked for and agreed without a counter-offer; returns the contract's id."""
    buyer.open(f"/listings/{listing_id}")
    buyer.follow("/request")
    buyer.send("/request", **WISH)
    provider.open("/negotiations")
    provider.follow("/negotiations/01")
    provider.send("/agree")
    return provider.page.url.split("/")[-2]


def concluded(buyer: Visitor, provider: Visitor, listing_id: str, now: datetime) -> str:
    """A contract in force, signed by both with key files; returns its id."""
    keys = [(one, make_key(one)) for one in (buyer, provider)]
    contract_id = agreed(buyer, provider, listing_id)
    for one, private in keys:
        sign(one, contract_id, private, now)
    return contract_id
