"""Anybody reads the rules of the trial: the numbers that are judged by, their sources, and what liability means."""

import pytest
from flask import Flask

from exchange.trials.rulebook import NUMBERS, SAYS, SOURCES_OF_HOLIDAYS, SURE
from sandbox import holidays
from sandbox.profiles import PARAMETERS, SURENESS
from sandbox.rules import RULES
from tests.exchange.trials.place import Place


def test_every_rule_and_every_number_has_its_words() -> None:
    assert list(SAYS) == [rule.rule for rule in RULES]
    assert set(NUMBERS) == set(PARAMETERS) == {name for rule in RULES for name in rule.parameters}
    assert set(SURE) == set(SURENESS)
    assert set(SOURCES_OF_HOLIDAYS) == {year.source for year in holidays.YEARS.values()}


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("vi", ("T13", "Thời hạn báo cáo sự cố, giờ: <strong>72</strong>", "500.000.000", "Luật 93/2025/QH15, Điều 9",
                "sàn không cam kết miễn trách nhiệm nào", "đến hết năm 2026", "24/11/2026", "9441/TB-BNV")),
        ("en", ("X30", "Review, working days: <strong>10 / 20 / 30</strong>", "500,000,000", "Law 93/2025/QH15 Art. 9",
                "promises no exemption", "up to the end of 2026", "Resolution 28/2026/QH16")),
    ],
)  # fmt: skip
def test_the_page_prints_the_numbers_that_are_judged_by(place: Place, lang: str, words: tuple[str, ...]) -> None:
    shown = place.app.test_client().get("/trial/rules", headers={"Accept-Language": lang})
    assert shown.status_code == 200
    assert [text for text in words if text not in shown.text] == []
    assert ("Labour Code" in shown.text) == (lang == "en"), "the sources of the holidays in the reader's language"


def test_programs_read_the_same(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/trial/rules").get_json()
    assert answer["profile"] == "pilot"
    found = {entry["rule"]: entry for entry in answer["rules"]}
    assert found["T12"]["numbers"][0]["values"] == [6, 6, 3]
    assert found["T3"]["code"] == "EXTENSION_NOT_ALLOWED"
    assert answer["liability"]["rule"] == "T19"
    assert answer["working_days"]["holidays_known_until"] == 2026
