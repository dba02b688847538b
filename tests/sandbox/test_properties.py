"""Random legal questions in mode aggregate, judged by a second SQL over the provider's own file."""

import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox import query, snapshot
from sandbox.policy import Policy
from sandbox.runner import Answer, Runner
from tests.sandbox import private

FLOOR = 12
QUESTIONS = 150
# What the builder makes of the file, said again in other words: a missing amount is no amount, times are days.
HAS = {"fee": "fee IS NOT NULL AND NOT isnan(fee)", "change": "change IS NOT NULL"}


@pytest.fixture(scope="module")
def policy() -> Policy:
    document = private.document(limits={"min_group": FLOOR}, dataset={"max_rows_per_unit": 1000})
    document["mode"] = "aggregate"
    del document["dp"]
    return Policy.from_json(document)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("visits")
    source = private.write(folder / "visits.parquet", 400)
    return source, snapshot.build(source, policy, folder / "copy.parquet").path


def truth(source: Path, asked: query.Accepted, sql: str) -> dict[tuple[Any, ...], int]:
    """Per group, the fewest persons that any of its numbers rests on."""
    keys = [f"date_trunc('{each.grain}', day)::DATE" if each.grain else each.column for each in asked.question.keys]
    where = f" WHERE {sql.split(' WHERE ')[1].split(' GROUP BY ')[0]}" if " WHERE " in sql else ""
    counts = ["count(DISTINCT person)"]
    counts += [f"count(DISTINCT CASE WHEN {HAS[name]} THEN person END)" for name in HAS if f"({name})" in sql]
    least = f"least({', '.join(counts)})" if len(counts) > 1 else counts[0]
    group = f" GROUP BY {', '.join(keys)}" if keys else ""
    rows = duckdb.execute(f"SELECT {', '.join([*keys, least])} FROM '{source}'{where}{group}").fetchall()
    return {row[:-1]: row[-1] for row in rows}


def test_a_group_is_shown_if_and_only_if_enough_persons_are_behind_every_number_of_it(
    policy: Policy, files: tuple[Path, Path], runner: Runner
) -> None:
    source, copy = files
    dice, shown, withheld = random.Random(20), 0, 0
    for _ in range(QUESTIONS):
        sql = private.question(dice)
        asked = query.check(sql, policy)
        assert isinstance(asked, query.Accepted), (sql, asked)
        answer = runner.run_accepted(policy, copy, asked)
        assert isinstance(answer, Answer), (sql, answer)  # no legal question makes the engine raise
        width = len(asked.question.keys)
        groups = {row[:width] for row in answer.released.rows}
        people = truth(source, asked, sql)
        assert all(people[group] >= FLOOR for group in groups), sql
        assert groups == {group for group, count in people.items() if count >= FLOOR}, sql
        shown, withheld = shown + len(groups), withheld + len(people) - len(groups)
    assert shown > QUESTIONS
    assert withheld > QUESTIONS


def test_the_same_question_has_the_same_answer_whatever_worker_gives_it(
    policy: Policy, files: tuple[Path, Path], runner: Runner
) -> None:
    dice = random.Random(21)
    questions = [private.question(dice) for _ in range(25)]
    first = [runner.run(policy, files[1], sql) for sql in questions]
    runner.close()
    dice.shuffle(order := list(range(len(questions))))
    for at in order:
        again, before = runner.run(policy, files[1], questions[at]), first[at]
        assert isinstance(again, Answer)
        assert isinstance(before, Answer)
        assert (again.rows, again.suppressed) == (before.rows, before.suppressed)
        assert again.receipt["result_sha256"] == before.receipt["result_sha256"]
