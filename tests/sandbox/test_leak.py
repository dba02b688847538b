"""What an account's numbers say, and what ties two buyers."""

from dataclasses import replace

import pytest

from sandbox import words
from sandbox.leak import PROBING, Level, Meter, Party, Tie, ties
from sandbox.words_leak import subject

QUIET = Meter(state="open", asked=10, cap=100, epsilon_micro=0, epsilon_cap_micro=0)
LAB = Party("0312345678", frozenset({"u1"}), frozenset({"lab.vn"}), frozenset({"c1"}))


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (Party("0399999999", frozenset({"u2"}), frozenset({"other.vn"}), frozenset({"c2"})), ()),
        (Party("0312345678-001"), (Tie.TAX_CODE,)),
        (Party("0399999999", frozenset({"u1", "u2"})), (Tie.MEMBER,)),
        (Party("0399999999", domains=frozenset({"lab.vn"})), (Tie.MAIL,)),
        (Party("0399999999", programs=frozenset({"c1"})), (Tie.PROGRAM,)),
    ],
)
def test_what_ties_two_buyers(other: Party, found: tuple[Tie, ...]) -> None:
    assert ties(LAB, other) == ties(other, LAB) == found


def test_a_public_mail_provider_ties_nobody() -> None:
    one, other = (Party(code, domains=frozenset({"gmail.com"})) for code in ("0312345678", "0399999999"))
    assert ties(one, other) == ()


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, Level.CALM),
        ({"asked": 49}, Level.CALM),
        ({"asked": 50}, Level.WATCH),
        ({"epsilon_micro": 2_000_000, "epsilon_cap_micro": 4_000_000}, Level.WATCH),
        ({"denied": {"D1": 1}}, Level.WATCH),
        ({"denied": {"W6": PROBING - 1, "X3": 500, "B1": 500, "TRIAL_SUSPENDED": 500}}, Level.CALM),
        ({"denied": {"W6": PROBING}}, Level.WATCH),
        ({"ties": (Tie.MEMBER,)}, Level.WATCH),
        ({"state": "paused"}, Level.STOPPED),
        ({"state": "killed"}, Level.STOPPED),
    ],
)
def test_the_level_of_an_account(changes: dict[str, object], level: Level) -> None:
    assert replace(QUIET, **changes).level is level  # type: ignore[arg-type]


def test_a_budget_of_nothing_is_used_up() -> None:
    assert replace(QUIET, asked=0, cap=0).percent == 100


def test_whoever_counts_refusals_reads_what_each_rule_is_about() -> None:
    """Every code that a question can be refused with has words of its own family, none those of another."""
    questions = {
        code.partition(":")[0] for code in words.known() if len(code.partition(":")[0]) <= 2 or code[:2] == "E-"
    }
    for lang, of_contract in (("vi", "Điều khoản của Hợp đồng"), ("en", "A clause of the contract")):
        assert all(subject(code, lang) != of_contract for code in questions - {"DP"})
        assert subject("CONTRACT_ENDED", lang) == of_contract
    assert subject("TRIAL_SUSPENDED", "en") == subject("OUT_OF_TRIAL_SCOPE", "en") == "A rule of the trial"
    assert subject("E-STOPPED", "en").startswith("Not completed")
