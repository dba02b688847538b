"""A search for attacks: legal questions are bred until a decoder, trained on invented data, reads one person's amount
out of their answers. What wins was found by nobody's idea of an attack, so it may be one that nobody had.

The idea is that of QuerySnout (Cretu, Houssiau, Cully, de Montjoye, 2022) and QueryCheetah (Stevanoski, Cretu,
de Montjoye, 2024); this is a program of our own. One person of known district and sector has either nothing or the
most. The attacker knows how such data are made, and nobody else's amount: worlds drawn at random train a linear decoder
on the answers to a handful of questions; others say how often it is right, and so which attacks have children; others
again, never seen before, measure the best one.

Each game has an account of its own: gate, brake on close questions (D1), budgets, engine text, floor and noise are
those of `python -m sandbox run`. Only the walls around the engine are left out, for they cost more than its answers.
"""

import argparse
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb

from sandbox import post, privacy, query, runner, snapshot, worker
from sandbox.__main__ import Door
from sandbox.engines.duckdb import DuckDB
from sandbox.policy import Policy
from tests.sandbox import game
from tests.sandbox.breeding import DAYS, HOME, SECTORS, Attack, Question, child, random_question
from tests.sandbox.game import LARGE, MOST, SMALL

SIZE = 4  # questions of an attack: what epsilon pays for, when each costs one release
RIDGE = 1e-4  # of the variance of an answer
ROUNDS = 3  # games in one world where the noise is drawn anew
CHANCE = 0.5

Row = tuple[str, str, str, int, str]  # person, district, sector, amount, day
Game = tuple[list[float], bool]  # what the attacker saw, and the secret


@dataclass(frozen=True)
class World:
    """A protected copy of invented sales, and what the target has in it."""

    copy: Path
    secret: bool


class Inside:
    """The runner without processes: the same text in the same engine, the same floor and noise. An exact table is
    computed once; noise is drawn at every question, as for so many accounts."""

    def __init__(self) -> None:
        self._engines: dict[Path, DuckDB] = {}
        self._replies: dict[tuple[Path, str], dict[str, Any]] = {}

    def run_accepted(self, policy: Policy, copy: Path, accepted: query.Accepted) -> Any:
        """See `Runner.run_accepted`."""
        key = (copy, accepted.statistic)
        if key not in self._replies:
            if copy not in self._engines:
                self._engines[copy] = DuckDB({"path": copy, "threads": 1, "mem_mb": 64, "spill": None})
            how = post.plan(accepted.question, policy)
            self._replies[key] = worker._ask(self._engines[copy], accepted.sql, accepted.exact_sql, how)
        nobody: Any = SimpleNamespace(sha256="", tier=0)
        released = runner._released(self._replies[key], policy, accepted, nobody)
        assert isinstance(released, privacy.Released), released
        return runner.shape_released(policy, released, accepted)


@dataclass
class Room:
    """Where attacks are tried: a policy, who answers under it, and how often each verdict was given."""

    policy: Policy
    inside: Any = field(default_factory=Inside)
    codes: dict[str, int] = field(default_factory=dict)
    _passed: dict[Question, query.Accepted] = field(default_factory=dict)

    def games(self, attack: Attack, worlds: Sequence[World], rounds: int = 0) -> list[Game]:
        """So many games in each world; by default one where the answers are exact."""
        rounds = rounds or (ROUNDS if privacy.on(self.policy) else 1)
        return [(self.answers(attack, world), world.secret) for world in worlds for _ in range(rounds)]

    def answers(self, attack: Attack, world: World) -> list[float]:
        """One game, with an account of its own. A number that is withheld is 0, and marked by a 1 further on."""
        door = Door(self.policy, "en")
        door.runner, door.file = self.inside, world.copy
        seen: list[float | None] = []
        for question in attack:
            reply = door._asked(None, self._accepted(question))
            self.codes[str(reply["code"])] = self.codes.get(str(reply["code"]), 0) + 1
            seen += question.cells(reply["rows"])
        return [0.0 if each is None else float(each) for each in seen] + [float(each is None) for each in seen]

    def _accepted(self, question: Question) -> query.Accepted:
        """What the gate says depends on text and policy alone, so each text passes it once."""
        if question not in self._passed:
            found = query.check(question.sql(), self.policy)
            assert isinstance(found, query.Accepted), (question.sql(), found)
            self._passed[question] = found
        return self._passed[question]


class Decoder:
    """Least squares of the secret on the answers, with a little ridge: a difference of two answers is one of the
    things that it can weigh."""

    def __init__(self, games: Sequence[Game]) -> None:
        columns = list(zip(*(seen for seen, _ in games), strict=True))
        self._means = [sum(column) / len(games) for column in columns]
        spreads = [math.dist(column, [mean] * len(games)) for column, mean in zip(columns, self._means, strict=True)]
        self._scales = [0 if spread < 1e-9 else 1 / spread for spread in spreads]
        rows = [self._scaled(seen) for seen, _ in games]
        share = sum(secret for _, secret in games) / len(games)
        wanted = [secret - share for _, secret in games]
        self._weights = game.solved(
            [
                [sum(row[at] * row[to] for row in rows) + RIDGE * (at == to) for to in range(len(columns))]
                + [sum(row[at] * each for row, each in zip(rows, wanted, strict=True))]
                for at in range(len(columns))
            ]
        )
        self._threshold = 0.5 - share

    def right(self, games: Sequence[Game]) -> float:
        """How often it says the secret."""
        return sum(self._says(seen) == secret for seen, secret in games) / len(games)

    def _says(self, seen: Sequence[float]) -> bool:
        found = sum(x * weight for x, weight in zip(self._scaled(seen), self._weights, strict=True))
        return found > self._threshold

    def _scaled(self, seen: Sequence[float]) -> list[float]:
        return [(x - mean) * scale for x, mean, scale in zip(seen, self._means, self._scales, strict=True)]


@dataclass
class Search:
    """A population of attacks; in each generation every one has a child that differs a little, and the better stays."""

    room: Room
    train: Sequence[World]
    judge: Sequence[World]
    dice: random.Random
    attacks: int = 8  # alive at a time
    tried: int = 0
    best: tuple[float, Attack] = (0.0, ())
    _population: list[tuple[float, Attack]] = field(default_factory=list)

    def run(self, tell: Callable[[], bool]) -> None:
        """Generation after generation, until `tell` says no or an attack is always right."""
        while self.best[0] < 1 and tell():
            self._generation()

    def measured(self, worlds: Sequence[World], rounds: int = 0) -> tuple[int, int]:
        """Games of the best attack in worlds that had no part in finding it: won, and played."""
        games = self.room.games(self.best[1], worlds, rounds)
        return round(self._decoder(self.best[1]).right(games) * len(games)), len(games)

    def _generation(self) -> None:
        if not self._population:
            self._population = [
                self._scored(tuple(random_question(self.dice) for _ in range(SIZE))) for _ in range(self.attacks)
            ]
        for at, (score, attack) in enumerate(self._population):
            tried = self._scored(child(attack, self.dice))
            if tried[0] >= score:
                self._population[at] = tried
        self.best = max(self._population, key=lambda each: each[0])

    def _scored(self, attack: Attack) -> tuple[float, Attack]:
        self.tried += 1
        return self._decoder(attack).right(self.room.games(attack, self.judge)), attack

    def _decoder(self, attack: Attack) -> Decoder:
        return Decoder(self.room.games(attack, self.train))


def document(variant: str) -> dict[str, Any]:
    """The policy of the inference game, over sales that also have a sector."""
    made = game.document(variant, 200)
    made["columns"]["sector"] = {"role": "dim", "domain": SECTORS, "filter": ["=", "IN"]}
    return made


def worlds(folder: Path, policy: Policy, pairs: int, seed: int) -> list[World]:
    """Copies of sales drawn at random. Two of a pair differ in the target's amount alone, so that no decoder is right
    more often than `bound` in both together. Who lives in which district is public."""
    dice, made = random.Random(seed), []
    with duckdb.connect(config={"threads": 1}) as engine:
        for number in range(pairs):
            others = _others(dice)
            for secret in (False, True):
                source = folder / f"{seed}-{number}-{secret}.parquet"
                if not source.exists():
                    _write(engine, source, [*others, ("TARGET", SMALL, HOME, MOST * secret, DAYS[1])])
                copy = snapshot.build(source, policy, folder / f"{policy.hash[-8:]}-{source.name}").path
                made.append(World(copy, secret))
    return made


def search(policy: Policy, made: Sequence[World], seed: int) -> tuple[Search, Sequence[World]]:
    """A search over the first three quarters of the worlds, and the worlds that have no part in it."""
    half, most = len(made) // 2, len(made) * 3 // 4
    return Search(Room(policy), made[:half], made[half:most], random.Random(seed)), made[most:]


def bound() -> float:
    """The largest chance of being right that the epsilon of a game leaves: another amount is one person less and one
    more, so 2 eps, and e^(2 eps) / (1 + e^(2 eps))."""
    grown = math.exp(2 * game.EPSILON_MICRO / 1_000_000)
    return grown / (1 + grown)


def _others(dice: random.Random) -> list[Row]:
    homes = [home for home in LARGE for _ in range(game.EACH)]
    drawn = ((dice.choice(SECTORS), dice.randint(0, MOST), dice.choice(DAYS)) for _ in homes)
    return [(f"P{at:04}", home, *each) for at, (home, each) in enumerate(zip(homes, drawn, strict=True))]


def _write(engine: duckdb.DuckDBPyConnection, path: Path, rows: list[Row]) -> None:
    names = ("person VARCHAR", "district VARCHAR", "sector VARCHAR", "amount INTEGER", "sold_at DATE")
    shown = ", ".join(f"unnest(?::{kind}[]) AS {name}" for name, _, kind in (each.partition(" ") for each in names))
    engine.execute(f"CREATE OR REPLACE TABLE t AS SELECT {shown}", [list(column) for column in zip(*rows, strict=True)])
    engine.execute(f"COPY t TO '{path}' (FORMAT parquet)")


def main() -> int:
    """Search in every mode and print what was found; 1 if noise was beaten more often than its epsilon allows."""
    parser = argparse.ArgumentParser(description="breed attacks on one person's amount, per mode")
    parser.add_argument(
        "--minutes", type=float, default=10, help="of searching; a mode that is soon beaten leaves its time to the next"
    )
    parser.add_argument("--pairs", type=int, default=80, help="of invented worlds: half train, half of the rest judge")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    beaten = False
    sys.stdout.write(f"{'mode':13} {'attacks':>7} {'games':>6} {'right':>6} {'guess':>6} {'bound':>6}  verdicts\n")
    ends = time.monotonic() + 60 * chosen.minutes
    for left, variant in zip((3, 2, 1), game.VARIANTS, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            policy = Policy.from_json(document(variant))
            made = worlds(Path(folder), policy, chosen.pairs, chosen.seed)
            found, fresh = search(policy, made, chosen.seed)
            found.run(_bar(found, variant, (ends - time.monotonic()) / left))
            sys.stderr.write("\n")
            noisy = privacy.on(policy)
            won, played = found.measured(fresh, 10 if noisy else 1)
        limit = f"{bound():6.3f}" if noisy else "     -"
        codes = dict(sorted(found.room.codes.items()))
        sys.stdout.write(
            f"{variant:13} {found.tried:7} {played:6} {won / played:6.3f} {CHANCE:6.3f} {limit}  {codes}\n"
        )
        sys.stdout.writelines(f"    {each.sql()}\n" for each in found.best[1])
        beaten |= noisy and game.luck(won, played, bound()) < 1e-6
    return int(beaten)


def _bar(found: Search, variant: str, seconds: float) -> Callable[[], bool]:
    """A line on standard error that says how far it is, and the answer to whether there is time left."""
    began = time.monotonic()

    def tell() -> bool:
        share = min(1.0, (time.monotonic() - began) / max(seconds, 1))
        bar = "#" * round(40 * share)
        sys.stderr.write(f"\r{variant:13} [{bar:.<40}] {found.tried:6} attacks, best {found.best[0]:.2f} ")
        sys.stderr.flush()
        return share < 1

    return tell


if __name__ == "__main__":
    sys.exit(main())
