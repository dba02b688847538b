"""An attacker with legal questions: bounded where noise is promised, and shown to win where it is not.

`scripts/inference_game` plays a thousand games of every attack; what it found stands in docs/security.md.
"""

import random
from pathlib import Path

import pytest

from sandbox.policy import Policy
from sandbox.runner import Runner
from tests.sandbox import game

GAMES = 60
BY_CHANCE = 1e-9  # how often this test may fail with nothing wrong


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


@pytest.mark.parametrize(
    ("what", "attack"), [(game.UNITS, 0), (game.UNITS, 1), (game.TOTAL, 2), (game.TOTAL, 3)], ids=str
)
def test_no_attack_beats_the_bound_of_its_epsilon(what: str, attack: int, folder: Path, runner: Runner) -> None:
    policy = Policy.from_json(game.document("aggregate_dp", 6))
    score = game.play(game.ATTACKS[attack], what, policy, folder, runner, GAMES, random.Random(2))
    assert game.luck(score.won, GAMES, game.bound(what)) > BY_CHANCE, score
    assert score.codes["B3"] > 0  # the budget ended the attack, not the attacker
    # An attack that always wins would be noticed.
    assert game.luck(GAMES, GAMES, game.bound(what)) < BY_CHANCE


@pytest.mark.parametrize("attack", game.ATTACKS, ids=lambda attack: str(attack.name))
def test_the_same_attacks_win_in_mode_aggregate_which_promises_no_more_than_a_floor(
    attack: game.Attack, folder: Path, runner: Runner
) -> None:
    policy = Policy.from_json(game.document("aggregate", 40))
    score = game.play(attack, game.TOTAL, policy, folder, runner, 6, random.Random(3))
    assert score.rate == 1, "stronger than documented: say so in docs/security.md"


def test_the_bounds_are_those_of_the_theory() -> None:
    assert game.bound(game.UNITS) == pytest.approx(0.6225, abs=1e-4)
    assert game.bound(game.TOTAL) == pytest.approx(0.4754, abs=1e-4)
    assert game.luck(5, 5, 0.5) == pytest.approx(1 / 32)
