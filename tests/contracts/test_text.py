from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import contracts
from contracts import spelling, text
from contracts.clauses import BODIES, CHOICES, TITLES
from contracts.problems import ONWARD_BY_LICENCE
from contracts.sentences import FIELDS
from contracts.terms import CLAUSE_OF, LICENCES
from contracts.words import SENTENCES, say
from tests.contracts.examples import make_contract, make_terms, provider

PLACES = re.compile(r"{(\w+)}")


def body(number: int, lang: str = "vi", **changes: Any) -> str:
    return text.clauses(make_contract(**changes), lang)[number - 1].body


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("licence", LICENCES)
def test_every_licence_gives_twenty_two_full_clauses(lang: str, licence: str) -> None:
    terms = make_terms(licence=licence, onward_transfer=ONWARD_BY_LICENCE[licence][0], max_queries=9, min_group=5)
    found = text.clauses(make_contract(terms=terms), lang)
    assert [clause.number for clause in found] == list(range(1, 23))
    for clause in found:
        assert clause.title
        assert clause.body
        assert "{" not in clause.body
        assert "None" not in clause.body


def test_both_languages_have_the_same_clauses_and_places() -> None:
    assert len(TITLES["vi"]) == len(TITLES["en"]) == len(BODIES["vi"]) == len(BODIES["en"]) == 22
    for one, other in zip(BODIES["vi"], BODIES["en"], strict=True):
        assert sorted(PLACES.findall(one)) == sorted(PLACES.findall(other))
    assert CHOICES["vi"].keys() == CHOICES["en"].keys()
    for key, sentence in CHOICES["vi"].items():
        assert sorted(PLACES.findall(sentence)) == sorted(PLACES.findall(CHOICES["en"][key]))


def test_the_clauses_say_what_the_terms_say() -> None:
    assert "5.000.000 đồng" in body(11)
    assert "VND 5,000,000" in body(11, "en")
    assert "ngày 01/12/2026" in body(5)
    assert "30 November 2027" in body(5, "en")
    assert "Số lần giao tối đa: 3." in body(13)
    assert "01/GCN-TN" in body(22)
    assert "không được thực hiện" in body(22, trial=None)
    assert "miễn phí" in body(11, terms=make_terms(price_vnd=0))
    assert "Bản tiếng Việt có giá trị quyết định" in body(21)


def test_answers_only_contracts_say_that_the_data_stay() -> None:
    terms = make_terms(licence="L2", max_deliveries=None, max_queries=100, min_group=5)
    told = body(13, terms=terms)
    assert "Dữ liệu không rời khỏi sàn" in told
    assert "100" in told
    assert "Số lần giao" not in told


def test_a_partys_own_words_cannot_pass_for_a_clause() -> None:
    terms = make_terms(purpose="Nghiên cứu\n\nĐiều 23. Bên mua được miễn mọi nghĩa vụ {price}")
    plain = text.plain(make_contract(terms=terms), "vi")
    assert not re.search(r"^Điều 23", plain, re.MULTILINE)
    assert "“Nghiên cứu Điều 23. Bên mua được miễn mọi nghĩa vụ {price}”" in plain


def test_a_name_with_line_breaks_stays_on_its_line() -> None:
    party = provider(name="Công ty\nA")
    contract = make_contract(parties=(party, make_contract().parties[1]))
    assert "- Bên bán: Công ty A, mã số thuế 0312345678" in text.plain(contract, "vi")


def test_days_and_money_are_written_as_each_language_does() -> None:
    assert spelling.day(date(2026, 1, 5), "vi") == "ngày 05/01/2026"
    assert spelling.day(date(2026, 1, 5), "en") == "5 January 2026"
    assert spelling.money(0, "vi") == "0 đồng"


# Modules whose codes have their words here; the log and the evidence bundle keep theirs.
OURS = (
    *("terms", "problems", "odrl", "negotiation", "document", "reading", "keys", "header", "signature", "standing"),
    *("statement", "certificates", "forms", "cades", "pades"),
)
RAISED = re.compile(r'(?:Error|Stale|Turn|Denied|_denied|_capped)\(\s*"([A-Z][A-Z0-9_]+[A-Z])"')


def test_every_code_that_is_raised_has_words_in_both_languages() -> None:
    folder = Path(contracts.__file__).parent
    codes = {code for name in OURS for code in RAISED.findall((folder / f"{name}.py").read_text(encoding="utf-8"))}
    codes |= {f"CONTRACT_{state}" for state in ("UNLOGGED", "UPCOMING", "SUSPENDED", "EXPIRED", "ENDED")}
    codes |= {"KEY_REFUSED", "TERMS_FIELD_WRONG"}  # raised by way of a helper
    codes |= {"LAST_MOVE"}  # the exchange adds it to a refusal
    assert codes == set(SENTENCES)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_both_languages_name_the_same_facts(code: str) -> None:
    vi, en = SENTENCES[code]
    assert vi != en
    assert set(PLACES.findall(vi)) == set(PLACES.findall(en))
    assert say(code, {}, "vi")
    assert say(code, {}, "en")


def test_a_sentence_names_the_field_the_value_and_what_would_pass() -> None:
    facts = {"field": "min_group", "value": 1, "passes": 2}
    assert say("LIMIT_REFUSED", facts, "vi") == (
        "Giới hạn cỡ nhóm tối thiểu là 1 không hợp lệ; phải từ 2 trở lên, hoặc để trống."
    )
    assert "smallest group size of 1" in say("LIMIT_REFUSED", facts, "en")
    assert set(FIELDS) == set(CLAUSE_OF)


def test_moves_and_states_are_named_in_the_readers_language() -> None:
    facts = {"state": "OFFERED", "role": "CONSUMER", "act": "VERIFY", "passes": "ACCEPT, TERMINATE"}
    told = say("OUT_OF_TURN", facts, "vi")
    assert "OFFERED" not in told
    assert "bên mua" in told
    assert "chấp nhận, chấm dứt" in told


def test_an_unknown_code_still_shows_itself() -> None:
    assert say("NEW_CODE", {"a": True, "b": None}, "en") == "Refused, code NEW_CODE."
