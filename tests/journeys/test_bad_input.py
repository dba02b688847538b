"""What strangers send: each gets a clear answer in the reader's language, and no half-made row or orphan file stays.

Files that cannot be read are judged in tests/exchange/catalogue; here it is what people and programs put into fields.
"""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlmodel import SQLModel
from werkzeug.datastructures import FileStorage

from exchange.db import Database
from tests.exchange.people import tax_code
from tests.journeys import steps
from tests.journeys.test_contract import Program
from tests.journeys.visitor import Visitor

Counts = Callable[[], dict[str, int]]
CSV = b"ma,ten\n01,Hue\n02,Vinh\n"
MEGABYTE = "x" * 1_000_000
RIGHT_TO_LEFT = "Công ty \u202egnod ik\u202c"
VIETNAMESE = "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"


@pytest.fixture
def counts(app: Flask, database: Database) -> Counts:
    """Rows of every table of the exchange and files in every folder it keeps."""

    def count() -> dict[str, int]:
        with database.reading() as session:
            found = {
                name: session.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in SQLModel.metadata.tables.items()
            }
        home: Path = app.extensions["minhbach.config"].home
        found["files"] = sum(1 for path in home.rglob("*") if path.is_file() and ".sqlite" not in path.name)
        return found

    return count


def refused(visitor: Visitor, ending: str, lang: str, field: str | None = None, **typed: Any) -> None:
    """Send the open page's form: refused with 422, said in the reader's language, at the field."""
    page = visitor.send(ending, status=422, **typed)
    start = page.html.index('class="error-summary"')
    said = page.html[start : page.html.index("</section>", start)]
    words = said.split("</h2>")[1].replace("đồng", "")  # the unit of money is the same word in English
    assert any(letter in VIETNAMESE for letter in words) == (lang == "vi"), said
    if field is not None:
        assert f'href="#f-{field}"' in said, said


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_joining_with_strange_names_and_numbers(app: Flask, counts: Counts, lang: str) -> None:
    visitor = Visitor(app, lang)
    good = {
        "name": "Công ty A", "tax_code": tax_code(7201), "stated_level": "2", "full_name": "Trần B",
        "email": "b@example.vn", "password": steps.PASSWORD,
    }  # fmt: skip
    before = counts()
    for field, value in {
        "name": RIGHT_TO_LEFT, "full_name": "a\x07b", "email": "b@localhost", "tax_code": "１２３４５６７８９０",
        "password": "1" * 20, "stated_level": "9",
    }.items():  # fmt: skip
        visitor.open("/join")
        refused(visitor, "/join", lang, field, **(good | {field: value}))
        kept = dict(visitor.page.form("/join").filled)
        assert kept["password"] == ""
        assert kept["name"] == (value if field == "name" else good["name"])
    for value in ("a\0b", MEGABYTE):
        visitor.open("/join")
        refused(visitor, "/join", lang, "name", **(good | {"name": value}))
    assert counts() == before


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_prices_texts_and_codes_of_a_listing(app: Flask, provider: Visitor, counts: Counts, lang: str) -> None:
    provider.open(f"/?lang={lang}")
    provider.open("/publish")
    provider.send("/publish")
    listing_id = provider.page.url.split("/")[-2]
    before = counts()
    for step, field, value in (
        ("licence", "price_vnd", "-1"), ("licence", "price_vnd", "1.5"), ("licence", "price_vnd", "1e9"),
        ("licence", "price_vnd", "NaN"), ("licence", "price_vnd", "9" * 5_000), ("licence", "price_vnd", "٣٠٠"),
        ("licence", "term_months", "1.5"), ("licence", "term_months", "-3"), ("licence", "max_deliveries", "0"),
        ("describe", "name", RIGHT_TO_LEFT), ("describe", "summary", "x" * 301), ("describe", "content", MEGABYTE),
        ("describe", "scope", "a\0b"), ("rights", "provenance", "a\x1bb"),
    ):  # fmt: skip
        provider.open(f"/publish/{listing_id}/{step}")
        refused(provider, f"/{step}", lang, field, **{field: value})
    assert counts() == before
    provider.open(f"/publish/{listing_id}/describe")
    provider.send("/describe", name="Cá biển 🐟 =HYPERLINK(1)", content="Dòng 1\r\nDòng 2")
    provider.open("/publish").says("Cá biển 🐟 =HYPERLINK(1)")


def test_names_of_files_lead_nowhere(app: Flask, provider: Visitor, counts: Counts) -> None:
    provider.open("/publish")
    provider.send("/publish")
    address = provider.page.url
    first = None
    for name in ("../../../etc/passwd", "..\\..\\boot.ini", "/abs/olute.csv", "a\u202evsc.exe", "C:\\x\\dữ liệu.csv",
                 "tệp 🐟.csv", "x" * 5_000 + ".csv", ".", ""):  # fmt: skip
        provider.open(address)
        page = provider.send("/file", 422 if not name else 200, file=FileStorage(BytesIO(CSV), name or None, "file"))
        shown = page.text
        assert "etc/passwd" not in shown
        assert "\u202e" not in shown
        first = first or counts()
        assert counts() == first, name  # the new file takes the place of the old one
    home: Path = app.extensions["minhbach.config"].home
    assert all(path.resolve().is_relative_to(home) for path in home.rglob("*"))


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_days_and_places_of_a_request(buyer: Visitor, listing_id: str, counts: Counts, lang: str) -> None:
    buyer.open(f"/?lang={lang}")
    before = counts()
    for field, value in (
        ("ends", "2026-11-21"), ("ends", "2026-13-45"), ("ends", "2027-05-31T00:00:00+14:00"), ("ends", "9999-12-31"),
        ("starts", "2026-11-01"), ("starts", "31/12/2026"), ("starts", ""), ("territory", "XX"), ("territory", "SG"),
        ("purpose", " "), ("scenario", MEGABYTE), ("scenario", RIGHT_TO_LEFT),
    ):  # fmt: skip
        buyer.open(f"/listings/{listing_id}/request")
        refused(buyer, "/request", lang, field, **(steps.WISH | {field: value}))
    assert counts() == before


def test_json_that_is_no_listing(app: Flask, provider: Visitor, counts: Counts) -> None:
    program = Program(app, provider, "catalogue", "negotiate")
    before = counts()
    deep = "[" * 50_000
    for body in ("{", "null", "[]", '"x"', deep, '{"price_vnd": 1e400}', '{"price_vnd": -1}',
                 '{"price_vnd": 0.5}', '{"price_vnd": NaN}', '{"price_vnd": ' + "9" * 10_000 + "}",
                 '{"name": "\\ud800"}', '{"name": "a\\u0000"}',
                 '{"name": {"a": 1}}', '{"state": "published"}', '{"items": [{"name": "a"}]}', "\xff",
                 json.dumps({"purpose": MEGABYTE})):  # fmt: skip
        answer = program.http.post(
            "/api/v1/listings", data=body.encode("latin-1"), content_type="application/json", headers=program.headers
        )
        assert answer.status_code in (400, 422), (body[:40], answer.status_code, answer.text[:300])
        assert answer.json is not None
        assert answer.json["code"], body[:40]
        assert answer.json["message"], body[:40]
    large = program.http.post(
        "/api/v1/listings", data=json.dumps({"purpose": MEGABYTE * 3}), content_type="application/json",
        headers=program.headers,
    )  # fmt: skip
    assert large.status_code == 413
    assert counts() == before


@pytest.mark.parametrize(("lang", "word"), [("vi", "vượt quá"), ("en", "larger than")])
def test_a_form_of_three_megabytes_gets_a_page_that_helps(
    provider: Visitor, counts: Counts, lang: str, word: str
) -> None:
    provider.open(f"/?lang={lang}")
    provider.open("/publish")
    provider.send("/publish")
    listing_id = provider.page.url.split("/")[-2]
    provider.open(f"/publish/{listing_id}/describe")
    before = counts()
    provider.send("/describe", status=413, content=MEGABYTE * 3).says(word)
    assert counts() == before
