"""The short citations of contracts/ are said as people cite the law, in both languages."""

import re
from pathlib import Path

import pytest
from flask import Flask

import contracts
from exchange.citations import in_words

SHORT = re.compile(r'"((?:\w+, |\{licence\}, )?\d+/\d{4}/[^" ]+ \d[^"]*)"')


@pytest.mark.parametrize(
    ("lang", "basis", "said"),
    [
        ("vi", "X31, 314/2026/NĐ-CP 8.1b", "Nghị định 314/2026/NĐ-CP, điểm b khoản 1 Điều 8; X31"),
        ("en", "X31, 314/2026/NĐ-CP 8.1b", "Decree 314/2026/NĐ-CP, Art. 8.1b; X31"),
        ("vi", "91/2025/QH15 23.1", "Luật 91/2025/QH15, khoản 1 Điều 23"),
        ("vi", "X27, 314/2026/NĐ-CP 6", "Nghị định 314/2026/NĐ-CP, Điều 6; X27"),
        ("vi", "Decree 94/2025/NĐ-CP", "Nghị định 94/2025/NĐ-CP"),
    ],
)
def test_an_article_is_cited_in_words(app: Flask, lang: str, basis: str, said: str) -> None:
    with app.test_request_context(headers={"Accept-Language": lang}):
        assert in_words(basis) == said


def test_every_citation_of_the_contracts_is_understood(app: Flask) -> None:
    texts = [path.read_text("utf-8") for path in Path(contracts.__file__).parent.glob("*.py")]
    found = {basis.replace("{licence}", "L3") for text in texts for basis in SHORT.findall(text)}
    assert len(found) >= 10
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert [basis for basis in found if in_words(basis) == basis] == []
