"""Every rule of law.md section 2b that a listing meets: complete passes, each gap is refused by its own code."""

from typing import Any

import pytest

from exchange.catalogue import rules
from exchange.catalogue.forms import load
from exchange.catalogue.models import Asset
from exchange.clock import now as moment
from exchange.errors import Refused
from tests.exchange.catalogue.conftest import COMPLETE


def _asset(**more: Any) -> Asset:
    fields = {
        "org_id": "o", "file_key": "k", "file_name": "n", "format": "csv", "bytes": 1, "sha256": "ab" * 32, "rows": 3,
        "columns": [], "preview": [], "personal_hits": [], "created_at": moment(),
    }  # fmt: skip
    return Asset(**{**fields, **more})


HITS = [{"column": "sdt", "kind": "phone", "count": 3}]


def test_a_complete_offer_passes_every_rule() -> None:
    assert rules.problems(COMPLETE, _asset()) == ()
    assert all(check.ok for check in rules.checks(COMPLETE, _asset()))


@pytest.mark.parametrize("name", [*rules.CATALOGUE_FIELDS, "items", "personal_statement"])
def test_each_missing_field_is_named(name: str) -> None:
    (refusal,) = rules.problems({**COMPLETE, name: ""}, _asset())
    assert refusal.code == f"OFFER_INCOMPLETE:{name}"
    assert refusal.field == name
    assert refusal.basis
    assert refusal.passes


L2: dict[str, Any] = {"licence": "L2", "max_queries": 100, "min_group": 10}
OPEN: dict[str, Any] = {
    "classification": "MO", "licence": "L0", "price_vnd": 0, "onward_transfer": "allowed", "attribution": True,
}  # fmt: skip


@pytest.mark.parametrize("fields", [L2, OPEN, {"classification": "KN", "deid_evidence": "k=10"}])
def test_other_complete_offers_pass(fields: dict[str, Any]) -> None:
    assert rules.problems({**COMPLETE, **fields}, _asset()) == ()


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"licence": None}, "LICENCE_TERMS_MISSING", "licence"),
        ({"ip_limits": ""}, "LICENCE_TERMS_MISSING", "ip_limits"),
        ({"exclusive": None}, "LICENCE_TERMS_MISSING", "exclusive"),
        ({"exclusive": True}, "EXCLUSIVE_MISMATCH", "exclusive"),
        ({"onward_transfer": "allowed"}, "ONWARD_TRANSFER_REFUSED", "onward_transfer"),
        ({"term_months": 13}, "TERM_TOO_LONG", "term_months"),
        ({"territory": ["SG"]}, "CROSS_BORDER_NOT_CLEARED", "territory"),
        ({"territory": ["Mars"]}, "TERRITORY_UNKNOWN", "territory"),
        ({**L2, "min_group": None}, "LIMIT_MISSING", "min_group"),
        ({"payment_days": 500}, "LIMIT_TOO_LARGE", "payment_days"),
        ({"max_hours": 2}, "NOT_IN_LICENCE", "max_hours"),
        ({"personal_data": "Khách: họ tên", "personal_basis": "Đồng ý"}, "PERSONAL_DATA_TRADE_BANNED", "price_vnd"),
        ({**OPEN, "attribution": False}, "ATTRIBUTION_REQUIRED", "attribution"),
        ({"provenance": ""}, "PROVENANCE_MISSING", "provenance"),
        ({"rights": {"R1": "x"}}, "RIGHT_NOT_HELD", "rights"),
        ({"rights": {"R4": ""}}, "PROVENANCE_MISSING", "rights.R4"),
        ({"quality_statement": ""}, "QUALITY_STATEMENT_MISSING", "quality_statement"),
        ({"limitations": ""}, "QUALITY_STATEMENT_MISSING", "limitations"),
        ({"classification": ""}, "CLASS_NOT_DECLARED", "classification"),
        ({"classification": "BM"}, "DATA_BANNED_FROM_TRADE", "classification"),
        ({"classification": "CL"}, "CLASS_NOT_TRADEABLE", "classification"),
        ({"classification": "QT"}, "CLASS_NOT_TRADEABLE", "classification"),
        ({"classification": "CN1"}, "PERSONAL_DATA_TRADE_BANNED", "classification"),
        ({"classification": "CN2"}, "PERSONAL_DATA_TRADE_BANNED", "classification"),
        ({"classification": "CN3"}, "PERSONAL_DATA_TRADE_BANNED", "classification"),
        ({"classification": "KN"}, "DEID_EVIDENCE_MISSING", "deid_evidence"),
        ({"classification": "GT"}, "VALUE_ADDED_LABEL_MISSING", "value_added_label"),
        ({"classification": "NN", "value_added_label": "x"}, "STATE_PRICE_DECISION_MISSING", "state_price_decision"),
        ({"price_vnd": None}, "PRICE_NOT_PUBLISHED", "price_vnd"),
        ({"price_vnd": 0}, "PRICE_NOT_PUBLISHED", "price_vnd"),
        ({"classification": "MO"}, "OPEN_DATA_PRICED", "licence"),
        ({**OPEN, "classification": "TC"}, "OPEN_LICENCE_CLASS", "licence"),
    ],
)  # fmt: skip
def test_each_gap_is_refused_by_its_own_code(fields: dict[str, Any], code: str, field: str) -> None:
    found = rules.problems({**COMPLETE, **fields}, _asset())
    assert (code, field) in {(refusal.code, refusal.field) for refusal in found}


def test_no_file_and_personal_columns() -> None:
    assert [r.code for r in rules.problems(COMPLETE, None)] == ["OFFER_INCOMPLETE:file"]
    (refusal,) = rules.problems(COMPLETE, _asset(personal_hits=HITS))
    assert (refusal.code, refusal.value) == ("PERSONAL_DATA_TRADE_BANNED", "sdt")
    with_evidence = {**COMPLETE, "classification": "KN", "deid_evidence": "k=10"}
    assert rules.problems(with_evidence, _asset(personal_hits=HITS)) == ()


@pytest.mark.parametrize(
    "values",
    [
        {"price_vnd": -1}, {"price_vnd": "1.5"}, {"price_vnd": 1.5}, {"price_vnd": "1,50"}, {"price_vnd": "-5"},
        {"price_vnd": 10**16}, {"price_vnd": "9" * 5000}, {"price_vnd": True}, {"name": "x" * 201},
        {"purpose": "x" * 1_000_000}, {"name": "a\u202eb"}, {"name": "a\x00b"}, {"name": ["x"]},
        {"sector": "finance"}, {"licence": "L9"}, {"term_months": 0}, {"term_months": "٣"}, {"rights": {"R9": "x"}},
        {"items": [{"name": "x", "access": "secret"}]}, {"state": "published"}, {"unknown": 1},
    ],
)  # fmt: skip
def test_values_that_no_field_takes(values: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        load(values)
    assert [r.field for r in refused.value.refusals] == list(values)


@pytest.mark.parametrize(
    ("typed", "amount"), [("12.500.000", 12_500_000), ("12 500 000 ₫", 12_500_000), ("0", 0), ("", None), (7, 7)]
)
def test_prices_as_people_write_them(typed: object, amount: int | None) -> None:
    assert load({"price_vnd": typed})["price_vnd"] == amount


def test_emoji_and_decomposed_letters_are_text() -> None:
    assert load({"name": " Cá \U0001f41f "})["name"] == "Cá \U0001f41f"
    assert load({"name": "Hue\u0302\u0301"})["name"] == "Huế"
