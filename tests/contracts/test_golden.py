"""The prose as people read it. A golden text is changed only after it was read again, in both languages."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts import canonical, document, text
from contracts.document import Contract, DocumentError
from tests.contracts.examples import make_contract, make_terms

FOLDER = Path(__file__).parent / "golden"
LANGUAGES = ("vi", "en")

# What a buyer and a seller in a hurry agree on; all that can be added to a licence to derive; the test room; personal
# data that pass outside the exchange.
GOLDEN: dict[str, dict[str, Any]] = {
    "plain": {},
    "derive": {
        "licence": "L4",
        "onward_transfer": "derived-only",
        "attribution": True,
        "vat": "included",
        "payment_days": 30,
        "royalty_percent": 5,
        "update_days": 7,
        "acceptance_days": 10,
        "audit_days": 15,
        "incident_hours": 24,
        "deletion_days": 14,
        "liability_cap_vnd": 50_000_000,
        "penalty_percent": 8,
        "dispute_forum": "viac",
    },
    "redistribute": {"licence": "L5", "onward_transfer": "allowed", "report_days": 90, "max_deliveries": None},
    "test-room": {"licence": "L1", "price_vnd": 0, "max_deliveries": None, "max_hours": 2, "ends": date(2026, 12, 31)},
    "personal": {
        "licence": "L7",
        "price_vnd": 0,
        "personal_data": "Phi công và tiếp viên trên chuyến bay được khảo sát: họ tên, số hiệu nhân viên",
        "personal_basis": "Sự đồng ý bằng văn bản của từng người, theo Điều 9 Luật 91/2025/QH15",
    },
}


def contract_of(name: str) -> Contract:
    return make_contract(terms=make_terms(**GOLDEN[name]))


def golden(name: str, lang: str) -> str:
    return (FOLDER / f"{name}.{lang}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", GOLDEN)
def test_the_prose_reads_as_it_was_approved(name: str, lang: str) -> None:
    assert text.plain(contract_of(name), lang) == golden(name, lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_contract_of_an_older_edition_is_printed_in_its_own_words(lang: str) -> None:
    contract = document.parse((FOLDER / "2026-1.json").read_bytes().removesuffix(b"\n"))
    assert contract.edition == "2026-1"
    assert text.plain(contract, lang) == golden("2026-1", lang)


def test_an_older_edition_cannot_hide_a_term_it_has_no_words_for() -> None:
    body: Any = canonical.loads(contract_of("derive").payload)
    for row in body["text"]:
        row["edition"] = "2026-1"
    with pytest.raises(DocumentError) as caught:
        document.parse(canonical.dumps(body))
    assert (caught.value.code, caught.value.facts["field"]) == ("EDITION_TOO_OLD", "acceptance_days")


def test_the_editions_may_not_be_mixed() -> None:
    body: Any = canonical.loads(contract_of("plain").payload)
    body["text"][1]["edition"] = "2026-1"
    with pytest.raises(DocumentError, match="PROSE_CHANGED"):
        document.parse(canonical.dumps(body))
