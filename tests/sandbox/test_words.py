"""Every refusal can be read, in both languages, with what would pass."""

import re
import string
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import sandbox
from sandbox import words
from sandbox.denials import Denied
from sandbox.trial import Approver

SOURCES = [path.read_text() for path in Path(sandbox.__file__).parent.glob("*.py")]
QUOTED = re.compile(
    r"""(?:Denied|Refused|SandboxError)\(\s*"([A-Z][A-Z0-9_-]+)"
      | ^\ {4}code:\ ClassVar\[str\]\ =\ "(\w+)"
      | only\(\w+[^,]*,\ "(\w\d)\"""",
    re.MULTILINE | re.VERBOSE,
)


def raised() -> set[str]:
    return {next(filter(None, found)) for text in SOURCES for found in QUOTED.findall(text)}


def test_the_search_finds_codes_of_every_family() -> None:
    assert {"TRIAL_EXPIRED", "C3", "L0", "E-BUSY", "POLICY_INVALID", "SNAPSHOT_FORMAT", "X7"} <= raised()


def test_every_code_has_words() -> None:
    assert raised() - {key.partition(":")[0] for key in words.known()} == set()


def test_a_case_of_a_rule_has_its_own_sentence() -> None:
    late = Denied("EXTENSION_NOT_ALLOWED", {"case": "late", "value": date(2027, 12, 2), "limit": date(2027, 12, 1)})
    assert words.say(late, "vi") == "Quá hạn xin gia hạn: nộp ngày 02/12/2027, hạn cuối là 01/12/2027."
    assert words.fix(late, "en").startswith("Ask by 2027-12-01;")


def test_moments_are_those_of_viet_nam_and_lists_have_names() -> None:
    facts = {"case": "", "hours": 72, "limit": datetime(2026, 6, 1, 17, 30, tzinfo=UTC), "value": ""}
    assert "00:30 02/06/2026" in words.say(Denied("INCIDENT_REPORT_LATE", facts), "vi")
    wrong = Denied("APPROVER_NOT_COMPETENT", {"value": Approver.PROVINCIAL, "limit": Approver.MINISTRY, "level": 1})
    assert "Ủy ban nhân dân cấp tỉnh" in words.say(wrong, "vi")
    assert words.fix(wrong, "en") == "The competent authority is the ministry in charge."


@pytest.mark.parametrize("code", sorted(words.known()))
def test_words_are_complete_and_name_the_same_facts(code: str) -> None:
    entry = words.known()[code]
    assert all(entry)
    facts = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in entry]
    assert facts[0] == facts[1]
    assert facts[2] == facts[3]


def test_numbers_are_written_as_each_language_writes_them() -> None:
    denied = Denied("TRIAL_CAP_EXCEEDED", {"cap": "tx_vnd", "used": 600_000_000, "limit": 500_000_000})
    assert "600.000.000" in words.say(denied, "vi")
    assert "600,000,000" in words.say(denied, "en")
    assert "500,000,000" in words.fix(denied, "en")


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert words.say(Denied("NEW_RULE"), "vi") == "NEW_RULE"
