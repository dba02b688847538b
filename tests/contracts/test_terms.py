from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given

from contracts.problems import MAX_TEXT, problems
from contracts.terms import CLAUSE_OF, MAX_PRICE_VND, Change, Terms, TermsError
from tests.contracts.examples import NOW, any_terms, make_terms

L2 = {"licence": "L2", "max_deliveries": None, "max_queries": 100, "min_group": 5}
L0 = {"licence": "L0", "onward_transfer": "allowed", "price_vnd": 0, "attribution": True}
FREE = {"price_vnd": 0, "personal_data": "Phi công: họ tên", "personal_basis": "Sự đồng ý của từng người"}
BANNED = ("PERSONAL_DATA_TRADE_BANNED", "price_vnd")


def codes(**changes: Any) -> list[str]:
    return [denied.code for denied in problems(make_terms(**changes), NOW)]


def test_agreeable_terms_have_no_problems() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    "changes",
    [
        L0,
        L2,
        {"licence": "L1", "max_deliveries": None, "max_hours": 2},
        {"licence": "L4", "onward_transfer": "derived-only"},
        {"licence": "L5", "onward_transfer": "allowed"},
        {"licence": "L6", "exclusive": True},
        {"licence": "L7"},
        {"licence": "L8"},
        {**FREE, "licence": "L7"},
        {"licence": "L4", "onward_transfer": "derived-only", "royalty_percent": 5, "vat": "included"},
        {"licence": "L5", "onward_transfer": "allowed", "report_days": 90, "penalty_percent": 8},
    ],
)
def test_each_licence_type_can_be_agreed(changes: dict[str, Any]) -> None:
    assert codes(**changes) == []


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"purpose": " "}, "NO_SCENARIO", "purpose"),
        ({"scenario": ""}, "NO_SCENARIO", "scenario"),
        ({"ip_limits": "\n"}, "LICENCE_TERMS_MISSING", "ip_limits"),
        ({"territory": ()}, "LICENCE_TERMS_MISSING", "territory"),
        ({"territory": ("Vietnam",)}, "TERRITORY_UNKNOWN", "territory"),
        ({"territory": ("VN", "VN")}, "TERRITORY_REPEATED", "territory"),
        ({"territory": ("VN", "SG")}, "CROSS_BORDER_NOT_CLEARED", "territory"),
        ({"purpose": "x" * (MAX_TEXT + 1)}, "TEXT_TOO_LONG", "purpose"),
        ({"purpose": "nghiên cứu\u202ecod"}, "TEXT_SIGN_REFUSED", "purpose"),
        ({"purpose": "a\x00b"}, "TEXT_SIGN_REFUSED", "purpose"),
        ({"scenario": "nghiên\u200b cứu"}, "TEXT_SIGN_REFUSED", "scenario"),
        ({"ip_limits": "bản\u00ad quyền"}, "TEXT_SIGN_REFUSED", "ip_limits"),
        ({"purpose": "Du\u031b\u0323 báo"}, "TEXT_SIGN_REFUSED", "purpose"),
        ({"ends": date(2026, 11, 30)}, "ENDS_BEFORE_START", "ends"),
        ({"starts": date(2026, 1, 1), "ends": date(2026, 11, 21)}, "ENDS_IN_PAST", "ends"),
        ({"ends": date(2027, 12, 1)}, "TERM_TOO_LONG", "ends"),
        ({**L0, "ends": date(2077, 1, 1)}, "ENDS_TOO_FAR", "ends"),
        ({**L0, "starts": date.max, "ends": date.max}, "ENDS_TOO_FAR", "ends"),
        ({"price_vnd": -1}, "PRICE_NEGATIVE", "price_vnd"),
        ({"price_vnd": MAX_PRICE_VND + 1}, "PRICE_TOO_LARGE", "price_vnd"),
        ({**L0, "price_vnd": 1}, "OPEN_LICENCE_PRICED", "price_vnd"),
        ({**L0, "attribution": False}, "ATTRIBUTION_REQUIRED", "attribution"),
        ({"licence": "L9"}, "LICENCE_UNKNOWN", "licence"),
        ({"onward_transfer": "allowed"}, "ONWARD_TRANSFER_REFUSED", "onward_transfer"),
        ({"onward_transfer": "maybe"}, "ONWARD_TRANSFER_REFUSED", "onward_transfer"),
        ({"exclusive": True}, "EXCLUSIVE_MISMATCH", "exclusive"),
        ({"licence": "L6"}, "EXCLUSIVE_MISMATCH", "exclusive"),
        ({**L2, "max_deliveries": 1}, "DELIVERY_NOT_IN_LICENCE", "max_deliveries"),
        ({**L2, "min_group": None}, "LIMIT_MISSING", "min_group"),
        ({"max_deliveries": 0}, "LIMIT_REFUSED", "max_deliveries"),
        ({"min_group": 1}, "LIMIT_REFUSED", "min_group"),
        ({"licence": "L1", "max_deliveries": None}, "LIMIT_MISSING", "max_hours"),
        ({"max_hours": 2}, "NOT_IN_LICENCE", "max_hours"),
        ({"royalty_percent": 5}, "NOT_IN_LICENCE", "royalty_percent"),
        ({"report_days": 30}, "NOT_IN_LICENCE", "report_days"),
        ({**L2, "acceptance_days": 5}, "NOT_IN_LICENCE", "acceptance_days"),
        ({**L0, "deletion_days": 5}, "NOT_IN_LICENCE", "deletion_days"),
        ({"penalty_percent": 9}, "LIMIT_TOO_LARGE", "penalty_percent"),
        ({"incident_hours": 73}, "LIMIT_TOO_LARGE", "incident_hours"),
        ({"payment_days": -1}, "LIMIT_REFUSED", "payment_days"),
        ({"deletion_days": 0}, "LIMIT_REFUSED", "deletion_days"),
        ({"liability_cap_vnd": MAX_PRICE_VND + 1}, "LIMIT_TOO_LARGE", "liability_cap_vnd"),
        ({"vat": "half"}, "CHOICE_UNKNOWN", "vat"),
        ({"dispute_forum": "duel"}, "CHOICE_UNKNOWN", "dispute_forum"),
        ({"price_vnd": 0, "payment_days": 30}, "NOTHING_TO_PAY", "payment_days"),
        ({"price_vnd": 0, "vat": "included"}, "NOTHING_TO_PAY", "vat"),
        ({"price_vnd": 0, "penalty_percent": 8}, "NOTHING_TO_PAY", "penalty_percent"),
        ({**FREE, "personal_basis": ""}, "PERSONAL_DATA_UNCLEAR", "personal_basis"),
        ({**FREE, "personal_data": ""}, "PERSONAL_DATA_UNCLEAR", "personal_data"),
        ({**FREE, "price_vnd": 1}, "PERSONAL_DATA_TRADE_BANNED", "price_vnd"),
        ({**FREE, "licence": "L4", "onward_transfer": "derived-only", "royalty_percent": 1}, *BANNED),
        ({**FREE, "licence": "L5", "onward_transfer": "allowed"}, "PERSONAL_DATA_PASSED_ON", "onward_transfer"),
        ({**FREE, "personal_basis": " "}, "LICENCE_TERMS_MISSING", "personal_basis"),
    ],
)
def test_a_refused_field_is_named_with_its_value_and_what_would_pass(
    changes: dict[str, Any], code: str, field: str
) -> None:
    found = problems(make_terms(**changes), NOW)
    assert [(denied.code, denied.facts["field"]) for denied in found] == [(code, field)]
    assert {"value", "passes"} <= set(found[0].facts)
    assert found[0].basis


def test_every_problem_is_told_at_once() -> None:
    assert codes(purpose="", price_vnd=-1, territory=()) == ["NO_SCENARIO", "PRICE_NEGATIVE", "LICENCE_TERMS_MISSING"]


def test_a_cleared_transfer_abroad_passes() -> None:
    assert problems(make_terms(territory=("VN", "SG")), NOW, cross_border_cleared=True) == []


def test_the_last_day_is_a_day_in_viet_nam() -> None:
    terms = make_terms(starts=date(2026, 11, 1), ends=date(2026, 11, 22))
    assert problems(terms, datetime(2026, 11, 22, 16, 59, tzinfo=UTC)) == []
    assert [d.code for d in problems(terms, datetime(2026, 11, 22, 17, 0, tzinfo=UTC))] == ["ENDS_IN_PAST"]


@pytest.mark.parametrize(
    ("starts", "last"),
    [
        (date(2027, 1, 1), date(2027, 12, 31)),
        (date(2027, 6, 15), date(2028, 6, 14)),
        (date(2028, 2, 29), date(2029, 2, 28)),
    ],
)
def test_internal_use_lasts_twelve_whole_months(starts: date, last: date) -> None:
    assert codes(starts=starts, ends=last) == []
    assert codes(starts=starts, ends=date.fromordinal(last.toordinal() + 1)) == ["TERM_TOO_LONG"]


@given(any_terms)
def test_json_brings_any_terms_back(terms: Terms) -> None:
    assert Terms.from_json(terms.to_json()) == terms


@given(any_terms)
def test_any_terms_can_be_judged(terms: Terms) -> None:
    for denied in problems(terms, NOW):
        assert denied.facts["field"] in CLAUSE_OF


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price_vnd", 1.5),
        ("price_vnd", True),
        ("price_vnd", "5"),
        ("starts", "2026-W49-2"),
        ("starts", "20261201"),
        ("starts", "2026-02-30"),
        ("exclusive", 1),
        ("territory", "VN"),
        ("territory", [1]),
        ("purpose", None),
        ("max_queries", "1"),
        ("payment_days", "30"),
        ("deletion_days", None),
        ("vat", 10),
    ],
)
def test_a_wrongly_typed_field_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(TermsError) as caught:
        Terms.from_json({**make_terms().to_json(), field: value})
    assert (caught.value.code, caught.value.facts["field"]) == ("TERMS_FIELD_WRONG", field)


def test_unknown_and_missing_fields_are_refused() -> None:
    value = make_terms().to_json()
    with pytest.raises(TermsError, match="TERMS_FIELD_UNKNOWN"):
        Terms.from_json({**value, "discount": 1})
    del value["purpose"]
    with pytest.raises(TermsError, match="TERMS_FIELD_MISSING"):
        Terms.from_json(value)
    with pytest.raises(TermsError, match="TERMS_NOT_OBJECT"):
        Terms.from_json([])


def test_difference_names_the_clauses_that_changed() -> None:
    before = make_terms()
    after = replace(before, price_vnd=4_000_000, ends=date(2027, 6, 30))
    assert before.difference(after) == (
        Change("ends", "2027-11-30", "2027-06-30"),
        Change("price_vnd", 5_000_000, 4_000_000),
    )
    assert before.difference(before) == ()


def test_the_hash_follows_every_field() -> None:
    terms = make_terms()
    assert terms.hash == make_terms().hash
    assert terms.hash != replace(terms, max_deliveries=4).hash
