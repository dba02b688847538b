"""What is signed is what is printed: no term is lost between the terms, the policy, the document and the prose."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings

from contracts import document, text
from contracts.clauses import CHOICES
from contracts.odrl import from_odrl, to_odrl
from contracts.spelling import amount, day, money
from contracts.terms import ADDED, CLAUSE_OF, PERIODS, Terms
from tests.contracts.examples import agreeable_terms, make_contract, make_terms

LANGUAGES = ("vi", "en")
COUNTS = ("max_deliveries", "max_queries", "min_group")
PERCENTS = ("royalty_percent", "penalty_percent")
OWN_WORDS = ("purpose", "scenario", "ip_limits", "personal_data", "personal_basis")
# A choice -> the sentence by which the prose states it.
SENTENCES: dict[str, dict[object, str]] = {
    "exclusive": {True: "exclusive", False: "not_exclusive"},
    "onward_transfer": {name: f"onward_{name}" for name in ("none", "derived-only", "allowed")},
    "dispute_forum": {"court": "dispute_court", "viac": "dispute_viac"},
}


def spelt(name: str, value: Any, lang: str) -> str:
    """How the prose must write a field's value."""
    if name in OWN_WORDS:
        return "“" + " ".join(value.split()) + "”"
    if name in ("starts", "ends"):
        return day(value, lang)
    if name in ("price_vnd", "liability_cap_vnd"):
        return money(value, lang)
    if name in PERIODS:
        return amount(value, PERIODS[name], lang)
    if name in PERCENTS:
        return f"{value}%"
    if name == "territory":
        home = "Việt Nam" if lang == "vi" else "Viet Nam"
        return ", ".join(home if code == "VN" else code for code in value)
    return CHOICES[lang][SENTENCES[name][value]] if name in SENTENCES else str(value)


def is_left_out(name: str, terms: Terms) -> bool:
    """What the prose states by a sentence without a value, or by saying nothing."""
    value = getattr(terms, name)
    if name in ("attribution", "vat"):
        return True  # their sentences are looked for below
    if name == "deletion_days":
        return terms.licence == "L0"
    return value is None or value == "" or (name == "price_vnd" and value == 0)


@settings(max_examples=60, deadline=None)
@given(agreeable_terms())
def test_terms_to_policy_to_terms_to_prose_loses_nothing(terms: Terms) -> None:
    again = from_odrl(to_odrl(terms, "urn:x:asset", "urn:x:seller", "urn:x:buyer"))
    assert again == terms
    contract = make_contract(terms=again)
    assert document.parse(contract.payload).terms == terms
    for lang in LANGUAGES:
        clauses = text.clauses(contract, lang)
        for name, number in CLAUSE_OF.items():
            if not is_left_out(name, terms):
                assert spelt(name, getattr(terms, name), lang) in clauses[number - 1].body, (name, number)
        assert terms.attribution == ("Công ty Hàng Không A" in clauses[3].body)
        if terms.price_vnd:
            included = {"vi": "đã bao gồm thuế", "en": "including value-added tax"}[lang]
            assert (terms.vat == "included") == (included in clauses[10].body)


@settings(max_examples=60, deadline=None)
@given(agreeable_terms(), agreeable_terms())
def test_two_different_terms_have_two_different_texts(one: Terms, other: Terms) -> None:
    texts = [[text.plain(make_contract(terms=terms), lang) for lang in LANGUAGES] for terms in (one, other)]
    assert (in_one_spelling(one) == in_one_spelling(other)) == (texts[0][0] == texts[1][0])
    assert (texts[0][0] == texts[1][0]) == (texts[0][1] == texts[1][1])


def in_one_spelling(terms: Terms) -> dict[str, Any]:
    """White space in a party's own words is printed as one space."""
    return {name: " ".join(v.split()) if isinstance(v, str) else v for name, v in terms.to_json().items()}


CHANGES: dict[str, Any] = {
    "licence": "L7",
    "territory": ("VN-SG",),
    "exclusive": True,
    "onward_transfer": "derived-only",
    "starts": make_terms().ends,
    "ends": make_terms().starts,
    "vat": "included",
    "dispute_forum": "viac",
    "attribution": True,
}


@pytest.mark.parametrize("name", [field.name for field in fields(Terms)])
def test_changing_one_field_changes_its_own_clause_and_no_other(name: str) -> None:
    value = CHANGES.get(name, "Khác" if name in OWN_WORDS else 7)
    before, after = make_contract(), make_contract(terms=make_terms(**{name: value}))
    for lang in LANGUAGES:
        pairs = zip(text.clauses(before, lang), text.clauses(after, lang), strict=True)
        assert [one.number for one, other in pairs if one != other] == [CLAUSE_OF[name]]


@pytest.mark.parametrize("name", ADDED)
def test_what_nobody_added_leaves_no_trace_in_json_and_policy(name: str) -> None:
    terms = make_terms(**{name: ADDED[name]})
    assert name not in terms.to_json()
    assert terms.hash == make_terms().hash
    assert Terms.from_json({**terms.to_json(), name: ADDED[name]}) == terms
    assert terms.to_json() != make_terms(**{name: CHANGES.get(name, "Khác" if name in OWN_WORDS else 7)}).to_json()
