"""The inference game: an attacker asks N legal questions and must say whether one person is in the data, and with how
much money. It is lost or won against the real gate, engine, noise, cache and budget of `python -m sandbox run`.

The attacker is as strong as the promise of mode aggregate_dp allows: it may know every other person. The person lives
in a district of four. Each attack is a list of questions and an estimate of the district's total out of the answers.

    averaging       one statistic in many spellings that an always-true period makes different: noise averages out
    differencing    everything minus a list that names everything but the district
    tracker         the district padded with a large one, minus what is known of the large one (Denning 1979)
    reconstruction  random lists of districts, then least squares for every district at once (Dinur, Nissim 2003)
"""

import argparse
import json
import math
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from sandbox import snapshot
from sandbox.__main__ import Door
from sandbox.policy import Policy
from sandbox.runner import Runner

SMALL = "TINY"
LARGE = [f"D{at:02}" for at in range(8)]
EACH = 40  # people of a large district
OTHERS = 3  # who share the small one with the target
MOST = 1000  # bound of an amount
AMOUNTS = (0, 333, 667, 1000)  # what the target may have, each as likely as the others; None: not there at all
PERIODS = [(f"2025-{low:02}-01", f"2025-{high:02}-01") for low in range(1, 7) for high in range(7, 13)]  # all of June
EPSILON_MICRO = 500_000  # of a whole game
PER_RELEASE_MICRO = 125_000
PAID_FOR = EPSILON_MICRO // PER_RELEASE_MICRO  # questions, if they cost one release each
UNITS, TOTAL = "count(DISTINCT person)", "sum(amount)"
VARIANTS = ("aggregate", "folded", "aggregate_dp")
Answers = Sequence[tuple[str, Decimal | None]]


@dataclass(frozen=True)
class Attack:
    """`questions(what, dice, n)`: at most n legal questions; `estimate(answers, known)`: the small district's total."""

    name: str
    questions: Callable[[str, random.Random, int], list[str]]
    estimate: Callable[[Answers, dict[str, int]], float | None]


@dataclass
class Score:
    """Games played and won, and questions that got no number."""

    played: int = 0
    won: int = 0
    asked: int = 0
    refused: int = 0
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.won / self.played


def document(variant: str, queries: int) -> dict[str, Any]:
    """The policy of a game, in mode aggregate with its floor and its brake on overlaps, "folded": and with rare values
    folded into one, or in mode aggregate_dp."""
    listed = [*LARGE, SMALL]
    mode = "aggregate_dp" if variant == "aggregate_dp" else "aggregate"
    made: dict[str, Any] = {
        "policy_id": "game",
        "mode": mode,
        "min_isolation_tier": 0,
        "window": {"from": "2026-01-01T00:00:00Z", "to": "2036-01-01T00:00:00Z"},
        "purposes": ["research"],
        "dataset": {"table": "sales", "unit_column": "person", "max_rows_per_unit": 1},
        "columns": {
            "district": {"role": "dim", "domain": listed, "filter": ["=", "IN"],
                         "min_units_for_value": 10 if variant == "folded" else 0},
            "amount": {"role": "measure", "bounds": [0, MOST], "aggregates": ["SUM"]},
            "sold_at": {"role": "time", "domain": ["2025-01-01", "2026-01-01"], "grain": ["month"],
                        "filter": [">=", "<"], "literal_step": "month"},
            "person": {"role": "unit", "aggregates": ["COUNT_DISTINCT"]},
        },
        "limits": {"min_group": 10, "max_in": 50, "max_preds": 8, "max_sql_bytes": 4096, "max_tokens": 500},
        "budgets": {"queries_total": queries, "queries_per_day": queries},
    }  # fmt: skip
    if mode == "aggregate_dp":
        made["budgets"] |= {"epsilon_total_micro": EPSILON_MICRO, "epsilon_per_query_micro": PER_RELEASE_MICRO}
        made["dp"] = {"threshold": 10}
    return made


def write(path: Path, target: int | None) -> Path:
    """The data of one world: the same people in every one, with the target's amount, or without the target."""
    dice = random.Random(1)
    homes = [home for home in LARGE for _ in range(EACH)] + [SMALL] * OTHERS
    rows = [(f"P{at:04}", home, dice.randint(0, MOST), "2025-06-15") for at, home in enumerate(homes)]
    if target is not None:
        rows.append(("TARGET", SMALL, target, "2025-06-15"))
    engine = duckdb.connect()
    engine.execute("CREATE TABLE t (person VARCHAR, district VARCHAR, amount INTEGER, sold_at DATE)")
    engine.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    engine.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def known(what: str) -> dict[str, int]:
    """What the attacker knows beforehand: every district's exact total, the target left out."""
    dice, totals = random.Random(1), dict.fromkeys([*LARGE, SMALL], 0)
    for home in [home for home in LARGE for _ in range(EACH)] + [SMALL] * OTHERS:
        amount = dice.randint(0, MOST)
        totals[home] += 1 if what == UNITS else amount
    return totals


def play(
    attack: Attack, what: str, policy: Policy, folder: Path, runner: Runner, games: int, dice: random.Random
) -> Score:
    """So many games. Secrets are drawn first and sorted, so that one warm worker serves one world; each game has an
    account and a memory of its own."""
    score, before = Score(), known(what)
    secrets: list[int | None] = [dice.choice((None, MOST) if what == UNITS else AMOUNTS) for _ in range(games)]
    for secret in sorted(secrets, key=lambda each: -1 if each is None else each):
        door = Door(policy, "en")
        door.runner, door.file = runner, _copy(policy, folder, secret)
        answers = list(_answers(door, attack.questions(what, dice, policy.budgets.queries_total), score))
        found = attack.estimate(answers, before)
        score.played += 1
        score.won += _guess(found, before[SMALL], what, dice) == secret
    return score


def bound(what: str) -> float:
    """The largest chance of winning that the whole epsilon of a game leaves anyone.

    There or not, one coin: e^eps / (1 + e^eps). One of n amounts: to change it is to remove a person and to add
    another, so 2 eps, and e^(2 eps) / (e^(2 eps) + n - 1).
    """
    epsilon = EPSILON_MICRO / 1_000_000
    if what == UNITS:
        return math.exp(epsilon) / (1 + math.exp(epsilon))
    return math.exp(2 * epsilon) / (math.exp(2 * epsilon) + len(AMOUNTS) - 1)


def chance(what: str) -> float:
    """Of winning without asking anything."""
    return 0.5 if what == UNITS else 1 / len(AMOUNTS)


def _copy(policy: Policy, folder: Path, secret: int | None) -> Path:
    copy = folder / f"{policy.hash[-8:]}-{secret}.parquet"
    if not copy.exists():
        snapshot.build(write(folder / f"{secret}.parquet", secret), policy, copy)
    return copy


def _answers(door: Door, questions: list[str], score: Score) -> Iterator[tuple[str, Decimal | None]]:
    for sql in questions:
        reply = door.answer(json.dumps({"sql": sql}))
        rows = reply.get("rows") or [[None]]
        score.asked += 1
        score.refused += rows[0][0] is None
        score.codes[str(reply["code"])] = score.codes.get(str(reply["code"]), 0) + 1
        yield sql, rows[0][0]


def _guess(found: float | None, without: int, what: str, dice: random.Random) -> int | None:
    """The likeliest secret, given an estimate of the small district's total; any, if there is none."""
    if found is None:
        return dice.choice((None, MOST) if what == UNITS else AMOUNTS)
    if what == UNITS:
        return MOST if found - without > 0.5 else None
    return min(AMOUNTS, key=lambda amount: abs(found - without - amount))


def _asked(what: str, districts: Sequence[str] = (), spelling: int = 0) -> str:
    """The total of some districts, or of all; spelling 0 has no period, the others have one that holds every row."""
    listed = ", ".join(f"'{each}'" for each in districts)
    where = [f"district IN ({listed})"] * bool(districts)
    if spelling:
        where += [f"sold_at >= '{PERIODS[spelling - 1][0]}'", f"sold_at < '{PERIODS[spelling - 1][1]}'"]
    return f"SELECT {what} AS x FROM sales" + (f" WHERE {' AND '.join(where)}" if where else "")


def _mean(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def _named(sql: str) -> list[str]:
    return [each for each in [*LARGE, SMALL] if f"'{each}'" in sql]


def _averaging(what: str, dice: random.Random, n: int) -> list[str]:
    return [_asked(what, [LARGE[0], SMALL], spelling) for spelling in range(min(n, len(PERIODS) + 1))]


def _tracker(what: str, dice: random.Random, n: int) -> list[str]:
    return [_asked(what, [LARGE[at % len(LARGE)], SMALL], at // len(LARGE)) for at in range(n)]


def _padded(answers: Answers, before: dict[str, int]) -> float | None:
    """Each list's answer less what is known of the large districts in it."""
    return _mean(
        [float(x) - sum(before[each] for each in _named(sql) if each != SMALL) for sql, x in answers if x is not None]
    )


def _differencing(what: str, dice: random.Random, n: int) -> list[str]:
    """The two halves in different spellings: what looks for one difference between two questions finds two."""
    half = min(n, len(PERIODS)) // 2
    pairs = [(_asked(what, (), at), _asked(what, LARGE, half + at)) for at in range(half)]
    return [sql for pair in pairs for sql in pair]


def _difference(answers: Answers, before: dict[str, int]) -> float | None:
    whole = [float(x) for sql, x in answers if x is not None and "district" not in sql]
    rest = [float(x) for sql, x in answers if x is not None and "district" in sql]
    return sum(whole) / len(whole) - sum(rest) / len(rest) if whole and rest else None


def _reconstruction(what: str, dice: random.Random, n: int) -> list[str]:
    lists = [[each for each in [*LARGE, SMALL] if dice.random() < 0.5] for _ in range(n)]
    return [_asked(what, sorted(each)) for each in lists if len(each) > 1]


def _least_squares(answers: Answers, before: dict[str, int]) -> float | None:
    """One unknown per district. A little ridge towards what is known, so that few answers also give an estimate."""
    names = [*LARGE, SMALL]
    size, ridge = len(names), 1e-6
    matrix = [[ridge * (at == to) for to in range(size)] + [ridge * before[names[at]]] for at in range(size)]
    for sql, x in answers:
        if x is not None:
            there = [float(each in _named(sql)) for each in names]
            for at in range(size):
                for to in range(size):
                    matrix[at][to] += there[at] * there[to]
                matrix[at][size] += there[at] * float(x)
    return solved(matrix)[-1]


def solved(matrix: list[list[float]]) -> list[float]:
    """The unknowns of as many linear equations, each a row of factors and its right side (Gauss and Jordan)."""
    size = len(matrix)
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(matrix[row][at]))
        matrix[at], matrix[pivot] = matrix[pivot], matrix[at]
        for row in range(size):
            if row != at:
                factor = matrix[row][at] / matrix[at][at]
                matrix[row] = [a - factor * b for a, b in zip(matrix[row], matrix[at], strict=True)]
    return [row[-1] / row[at] for at, row in enumerate(matrix)]


ATTACKS = (
    Attack("averaging", _averaging, _padded),
    Attack("differencing", _differencing, _difference),
    Attack("tracker", _tracker, _padded),
    Attack("reconstruction", _reconstruction, _least_squares),
)


def luck(won: int, played: int, chance_: float) -> float:
    """The probability of winning so often or more by chance alone (binomial tail)."""
    return sum(math.comb(played, k) * chance_**k * (1 - chance_) ** (played - k) for k in range(won, played + 1))


def main() -> int:
    """Play and print; 1 if privacy mode was beaten more often than its epsilon allows."""
    parser = argparse.ArgumentParser(description="success of four attacks on one person's data, per mode")
    parser.add_argument("--games", type=int, default=1000, help="per attack in mode aggregate_dp; the others take 20")
    parser.add_argument(
        "--queries", type=int, default=40, help="questions an attacker may ask where no epsilon ends it sooner"
    )
    parser.add_argument("--seed", type=int, default=5)
    chosen = parser.parse_args()
    beaten = False
    sys.stdout.write(f"{'mode':13} {'secret':12} {'attack':15} {'games':>5} {'won':>6} {'guess':>6} {'bound':>6}\n")
    with tempfile.TemporaryDirectory() as folder, Runner(time_buckets=()) as runner:
        for variant in VARIANTS:
            noisy = variant == "aggregate_dp"
            most = PAID_FOR + 2 if noisy else chosen.queries  # what epsilon pays for, and the refusals after it
            policy = Policy.from_json(document(variant, most))
            for what, secret in ((UNITS, "membership"), (TOTAL, "amount")):
                for attack in ATTACKS:
                    games = chosen.games if noisy else 20
                    score = play(attack, what, policy, Path(folder), runner, games, random.Random(chosen.seed))
                    limit = f"{bound(what):6.3f}" if noisy else "     -"
                    row = f"{variant:13} {secret:12} {attack.name:15} {games:5} {score.rate:6.3f} {chance(what):6.3f}"
                    sys.stdout.write(f"{row} {limit} {dict(sorted(score.codes.items()))}\n")
                    sys.stdout.flush()
                    beaten |= noisy and luck(score.won, games, bound(what)) < 1e-6
    return int(beaten)


if __name__ == "__main__":
    sys.exit(main())
