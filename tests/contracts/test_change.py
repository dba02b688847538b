from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given

from contracts.change import redline, value
from contracts.clauses import TITLES
from contracts.terms import CLAUSE_OF, Change, Terms
from tests.contracts.examples import any_terms, make_terms

LANGUAGES = ("vi", "en")


def told(lang: str, role: str = "", **changes: Any) -> str:
    before = make_terms()
    (change,) = before.difference(replace(before, **changes))
    return redline(change, lang, role).for_you


def test_every_field_belongs_to_a_clause() -> None:
    assert set(CLAUSE_OF) == {field.name for field in fields(Terms)}
    assert all(1 <= number <= len(TITLES["vi"]) for number in CLAUSE_OF.values())


def test_a_price_is_told_from_the_readers_side() -> None:
    assert told("en", "consumer", price_vnd=3_000_000) == (
        "You pay VND 2,000,000 less: VND 3,000,000 instead of VND 5,000,000."
    )
    assert told("en", "PROVIDER", price_vnd=3_000_000).startswith("You receive VND 2,000,000 less")
    assert told("vi", "CONSUMER", price_vnd=6_000_000) == (
        "Tổ chức trả nhiều hơn 1.000.000 đồng: 6.000.000 đồng thay vì 5.000.000 đồng."
    )
    assert told("vi", price_vnd=6_000_000).startswith("Giá tăng 1.000.000 đồng")


def test_a_duty_names_who_has_it() -> None:
    assert told("en", "consumer", deletion_days=10) == (
        "You must delete the data and send proof within 10 days of the end (before: 30 days)."
    )
    assert told("vi", "provider", deletion_days=31) == (
        "Bên mua phải xóa dữ liệu và gửi bằng chứng trong 31 ngày sau khi hợp đồng kết thúc (trước đây: 30 ngày)."
    )
    assert told("en", "provider", update_days=7) == "You must offer an updated version at least every 7 days."
    assert told("vi", "provider", royalty_percent=5).startswith("Bên mua phải trả cho tổ chức 5% doanh thu")


def test_a_day_tells_how_far_it_moved() -> None:
    assert told("en", "consumer", ends=date(2027, 12, 1)) == (
        "You may use the data until 1 December 2027 (1 day later than before)."
    )
    assert told("vi", "provider", starts=date(2026, 11, 29)) == (
        "Bên mua được dùng dữ liệu từ ngày 29/11/2026 (sớm hơn trước 2 ngày)."
    )


def test_a_limit_that_falls_away_is_told() -> None:
    assert told("en", "consumer", max_deliveries=None) == "You may fetch the files any number of times."
    assert told("en", "consumer", max_deliveries=1) == "You may fetch the files at most 1 time (before: 3 times)."


def test_other_words_are_to_be_read() -> None:
    assert told("en", purpose="Khác") == "The purpose is worded differently; read the new text before you answer."
    before = make_terms(personal_data="Lái xe: tên", personal_basis="Đồng ý")
    change = before.difference(replace(before, personal_data=""))[0]
    assert redline(change, "en").for_you == "The part on the persons and kinds of personal data is dropped."


def test_a_redline_carries_the_clause_and_both_values() -> None:
    before = make_terms()
    (change,) = before.difference(replace(before, max_deliveries=None))
    line = redline(change, "en")
    assert (line.clause, line.title) == (13, "Delivery and acceptance")
    assert (line.label, line.before, line.after) == ("Largest number of deliveries", "3 times", "no limit")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_values_are_written_as_people_do(lang: str) -> None:
    shown = [value(name, getattr(make_terms(), name), lang) for name in ("starts", "price_vnd", "territory", "vat")]
    assert (
        shown
        == {
            "vi": ["ngày 01/12/2026", "5.000.000 đồng", "Việt Nam", "chưa gồm trong giá"],
            "en": ["1 December 2026", "VND 5,000,000", "Viet Nam", "not in the price"],
        }[lang]
    )


@given(any_terms, any_terms)
def test_every_change_can_be_told_to_everybody(before: Terms, after: Terms) -> None:
    for change in before.difference(after):
        for lang in LANGUAGES:
            for role in ("provider", "consumer", ""):
                line = redline(change, lang, role)
                assert line.for_you
                assert "{" not in line.for_you or "{" in str(change.after)
                assert "None" not in line.before + line.after


def test_a_change_to_what_is_unknown_still_shows_itself() -> None:
    assert redline(Change("dispute_forum", "court", "moot"), "en").after == "moot"
