"""The pages answer, in both languages, for everybody they are for."""

from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from exchange.catalogue.models import Listing
from tests.exchange.catalogue.conftest import COMPLETE, CSV, Things
from tests.exchange.people import People

TABS = ("data", "quality", "rights", "licence", "versions", "history")


def test_empty_catalogue_says_what_will_appear(client: FlaskClient) -> None:
    page = client.get("/?lang=en").text
    assert "No data product has been published yet." in page


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_listing_is_found_and_every_tab_opens(client: FlaskClient, on_show: Callable[..., Listing], lang: str) -> None:
    listing = on_show()
    page = client.get(f"/?q=hang hoa cang&lang={lang}").text
    assert f"/listings/{listing.id}" in page
    for tab in TABS:
        answer = client.get(f"/listings/{listing.id}?tab={tab}&lang={lang}")
        assert answer.status_code == 200, tab
        assert COMPLETE["name" if lang == "vi" else "name_en"] in answer.text


def test_a_stranger_never_sees_what_was_not_approved(client: FlaskClient, draft: Callable[..., Listing]) -> None:
    listing = draft()
    assert client.get(f"/listings/{listing.id}").status_code == 404
    assert COMPLETE["name"] not in client.get("/").text


# What the fold of the licence step sends: most of it as it comes, two additions typed.
MORE = {"vat": "excluded", "payment_days": "30", "liability_cap_vnd": "50.000.000", "update_days": "",
        "deletion_days": "30", "dispute_forum": "court", "personal_data": ""}  # fmt: skip


@pytest.mark.usefixtures("no_csrf")
def test_publish_by_the_form_without_script(app: Flask, people: People, things: Things) -> None:
    seller, operator = people.browser(people.provider(), "en"), people.browser(people.operator(), "en")
    address = seller.post("/publish").headers["Location"]
    base = address.removesuffix("/file")
    sent = seller.post(address, data={"file": (BytesIO(CSV), "cảng.csv")}, content_type="multipart/form-data")
    assert sent.status_code == 303, sent.text
    assert "Cần Thơ" in seller.get(address).text
    forms: dict[str, dict[str, object]] = {
        "describe": {**COMPLETE, "items_open": "Tên cảng", "items_shared": "Số tấn"},
        "rights": {**COMPLETE, "rights": ["R4"], "evidence_R4": "QĐ 3/2025"},
        "classify": COMPLETE,
        "licence": {**COMPLETE, "territory": "VN", "exclusive": "", "price_vnd": "12.500.000", **MORE},
    }
    for step, form in forms.items():
        assert seller.get(f"{base}/{step}").status_code == 200
        answer = seller.post(f"{base}/{step}", data={k: v for k, v in form.items() if not isinstance(v, dict)})
        assert answer.status_code == 303, answer.text
    assert "Every rule passes." in seller.get(f"{base}/check").text
    assert seller.post(f"{base}/submit").status_code == 303
    assert "Waiting for review" in seller.get("/publish").text
    listing_id = base.rsplit("/", 1)[-1]
    assert listing_id in operator.get("/moderation").text
    assert operator.get(f"/moderation/{listing_id}").status_code == 200
    refused = operator.post(f"/moderation/{listing_id}/approve", data={})
    assert refused.status_code == 422
    assert "has not confirmed" in refused.text
    assert operator.post(f"/moderation/{listing_id}/approve", data={"personal_data_checked": "1"}).status_code == 303
    assert "12,500,000" in app.test_client().get("/?q=cang&lang=en").text
    shown = app.test_client().get(f"/listings/{listing_id}?tab=licence&lang=en").text
    assert "Days to pay" in shown
    assert "30 days" in shown
    assert "Value-added tax" not in shown
    assert "VND 50,000,000" in shown
    assert things.count() == {"listing": 1, "listing_version": 1, "asset": 1, "stored": 1, "incoming": 0}


FORMS = {
    "provider": ("publish", *(f"publish/{{id}}/{step}" for step in ("describe", "file", "submit", "withdraw"))),
    "operator": ("moderation/{id}/approve", "moderation/{id}/return", "listings/{id}/suspend", "listings/{id}/resume"),
}


@pytest.mark.parametrize("who", FORMS)
def test_every_form_demands_its_token(
    people: People, on_show: Callable[..., Listing], things: Things, who: str
) -> None:
    listing = on_show()
    browser = people.browser(getattr(people, who)())
    before = things.count()
    for path in FORMS[who]:
        assert browser.post("/" + path.format(id=listing.id), data={"reason": "x"}).status_code == 400, path
    assert things.count() == before


@pytest.mark.usefixtures("no_csrf")
def test_a_refused_step_keeps_what_was_typed(people: People, draft: Callable[..., Listing]) -> None:
    listing = draft()
    seller = people.browser(people.provider(), "en")
    typed = {**COMPLETE, "price_vnd": "1.5", "permitted_purpose": "Một câu chỉ có ở đây", "territory": "VN"}
    answer = seller.post(f"/publish/{listing.id}/licence", data=typed)
    assert answer.status_code == 422
    assert "Một câu chỉ có ở đây" in answer.text
    assert 'value="1.5"' in answer.text
    assert 'href="#f-price_vnd"' in answer.text
    assert "whole number of đồng" in answer.text


@pytest.mark.usefixtures("no_csrf")
def test_half_a_step_is_kept(people: People, draft: Callable[..., Listing]) -> None:
    listing = draft()
    seller = people.browser(people.provider(), "en")
    assert seller.post(f"/publish/{listing.id}/describe", data={"name": "Tên <b>& 😀"}).status_code == 303
    page = seller.get(f"/publish/{listing.id}/describe").text
    assert "Tên &lt;b&gt;&amp; 😀" in page
    check = seller.get(f"/publish/{listing.id}/check").text
    assert "OFFER_INCOMPLETE:purpose" in check
    assert f"/publish/{listing.id}/describe" in check
