"""Every refusal can be read, in both languages, with what would pass."""

import re
import string
from pathlib import Path

import pytest

import sandbox
from sandbox import words
from sandbox.denials import Denied

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
    assert raised() - set(words.known()) == set()


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
