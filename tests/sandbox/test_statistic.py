"""One table, many spellings: each tells the same numbers as asking the engine itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import query, statistic
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.runner import Answer, Runner
from sandbox.statistic import Table

SPELLINGS = (
    "SELECT province, count(*), avg(amount), sum(amount) FROM sales GROUP BY province",
    "SELECT round(avg(amount), 1) AS a, province AS p, sum(amount) AS s, count(*) n FROM sales GROUP BY 2 ORDER BY 3",
    "SELECT count(*) AS n, round(sum(amount), 0) s, avg(amount) a, province FROM sales GROUP BY ALL HAVING n > 5900",
    "SELECT province, avg(amount), sum(amount), count(*) FROM sales GROUP BY 1 ORDER BY 3 DESC LIMIT 3",
)


def accepted(sql: str, policy: Policy) -> query.Accepted:
    found = query.check(sql, policy)
    assert isinstance(found, query.Accepted), found
    return found


def table(runner: Runner, policy: Policy, file: Path, sql: str) -> Table:
    standard = statistic.standard(accepted(sql, policy), policy)
    assert isinstance(standard, query.Accepted)
    answer = runner.run_accepted(statistic.roomy(policy), file, standard)
    assert isinstance(answer, Answer), answer
    made = Table.of(answer)
    assert isinstance(made, Table)
    return made


@pytest.mark.parametrize("sql", SPELLINGS)
def test_each_spelling_is_told_as_the_engine_would(
    runner: Runner, sales_policy: Policy, sales_snapshot: Path, sql: str
) -> None:
    kept = table(runner, sales_policy, sales_snapshot, SPELLINGS[0])
    stored = Table.from_json(json.loads(json.dumps(kept.to_json())))
    asked = accepted(sql, sales_policy)
    assert asked.statistic == accepted(SPELLINGS[0], sales_policy).statistic
    told = statistic.retell(stored, asked, sales_policy)
    direct = runner.run_accepted(sales_policy, sales_snapshot, asked)
    assert isinstance(direct, Answer)
    assert (told.columns, told.rows, told.suppressed, told.truncated) == (
        direct.columns, direct.rows, direct.suppressed, direct.truncated,
    )  # fmt: skip
    assert [[type(cell) for cell in row] for row in told.rows] == [[type(cell) for cell in row] for row in direct.rows]
    assert told.receipt["result_sha256"] == direct.receipt["result_sha256"]


def test_small_groups_are_in_no_kept_table(runner: Runner, sales_policy: Policy, sales_snapshot: Path) -> None:
    sql = "SELECT district, sector, count(*) FROM sales GROUP BY 1, 2 HAVING count(*) < 12"
    kept = table(runner, sales_policy, sales_snapshot, sql)
    assert kept.suppressed
    assert all(isinstance(row[2], int) and row[2] >= 10 for row in kept.rows)


def test_the_real_limits_cut_what_leaves_not_what_is_kept(
    runner: Runner, variant: Callable[..., Policy], sales_snapshot: Path
) -> None:
    policy = variant(output={"max_bytes": 200}, limits={"max_rows": 500})
    sql = "SELECT district, count(*) FROM sales GROUP BY 1"
    kept = table(runner, policy, sales_snapshot, sql)
    told = statistic.retell(kept, accepted(sql, policy), policy)
    assert len(kept.rows) == 510
    assert 0 < len(told.rows) < 20
    assert told.truncated


def test_a_table_that_was_cut_is_not_kept() -> None:
    found = Table.of(Answer(("_0",), ((1,),), False, True, 1, {}))
    assert found == Denied("O4", {"limit": 1})


def test_a_run_of_the_command_answers_repetitions_from_what_it_knows(
    sales_file: Path, door: Callable[..., list[dict[str, Any]]]
) -> None:
    sqls = [SPELLINGS[0], SPELLINGS[3], "SELECT count(*) FROM sales WHERE province IN ('P01', 'P02')",
            "SELECT count(*) FROM sales WHERE province = 'P01'"]  # fmt: skip
    first, again, wide, less = door("run", sqls)
    assert (first["verdict"], again["verdict"], again["code"]) == ("allow", "limit", "N1")
    assert first["budget_left"] == again["budget_left"]
    assert {row[0]: row[2] for row in first["rows"]}[again["rows"][0][0]] == again["rows"][0][1]
    assert (wide["verdict"], wide["code"], less["verdict"], less["code"]) == ("limit", "D1", "deny", "D1")
    assert (less["rows"], bool(less["fix"])) == ([], True)
    assert [line["verdict"] for line in door("check", sqls)] == ["allow", "limit", "limit", "deny"]
