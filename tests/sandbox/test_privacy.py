"""Mode aggregate_dp from snapshot to answer: what one person can move, what is shown, what it costs."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox import __main__ as sandbox_door
from sandbox import post, privacy, query, snapshot
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.post import Row
from sandbox.privacy import Counted, Released
from sandbox.runner import Answer, Runner, shape_released
from tests.sandbox import private
from tests.sandbox.test_domains import accepted, refused

KEY = b"one key for both of two neighbours"
PEOPLE = 60


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.from_json(private.document())


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Path:
    folder = tmp_path_factory.mktemp("visits")
    return snapshot.build(
        private.write(folder / "visits.parquet", PEOPLE), policy, folder / "copy.parquet", key=KEY
    ).path


def raw(copy: Path, asked: query.Accepted, policy: Policy) -> list[list[Any]]:
    """What the engine counts, by the very text the gate made."""
    how = post.plan(asked.question, policy)
    return [list(post.bare(row, how)) for row in engine_of(copy).execute(asked.sql).fetchall()]


@cache
def engine_of(copy: Path) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(config={"threads": 1})
    engine.execute(f"CREATE VIEW snap AS SELECT * FROM '{copy}'")
    return engine


def exactly(rows: Iterable[Sequence[Any]], asked: query.Accepted, policy: Policy) -> tuple[Row, ...]:
    """The table as it would be released if there were no noise."""
    return privacy.release(rows, asked.question, policy, draw=lambda numbers, *_: numbers)


def answered(outcome: Answer | Denied) -> Answer:
    assert isinstance(outcome, Answer), outcome
    return outcome


@pytest.mark.parametrize("person", [0, 17, 59])
def test_no_person_moves_a_release_by_more_than_its_sensitivity(
    policy: Policy, visits: Path, tmp_path: Path, person: int
) -> None:
    source = private.write(tmp_path / "without.parquet", PEOPLE, without=person)
    without = snapshot.build(source, policy, tmp_path / "copy.parquet", key=KEY).path
    dice, moved = random.Random(person), 0
    for _ in range(60):
        asked = query.check(private.question(dice), policy)
        if isinstance(asked, Denied):
            continue
        width = len(asked.question.keys)
        tables = [exactly(raw(copy, asked, policy), asked, policy) for copy in (visits, without)]
        assert [row[:width] for row in tables[0]] == [row[:width] for row in tables[1]]
        for at, each in enumerate(privacy.releases(asked.question, policy), start=width):
            change = sum(abs(int(str(a[at])) - int(str(b[at]))) for a, b in zip(*tables, strict=True))
            assert change <= each.sensitivity, (each, asked.sql)
            moved += change
    assert moved or person != 0


def test_the_sensitivities_are_reached_so_that_no_noise_is_wasted(tmp_path: Path) -> None:
    rows = [("A", "Tây Hồ", None, None, 1000.0, -50, f"2025-0{month}-03", "") for month in (3, 4, 5, 6)]
    engine = duckdb.connect()
    engine.execute(
        "CREATE TABLE v (person VARCHAR, ward VARCHAR, beds INT, urgent BOOL, fee DOUBLE, change INT, day DATE, "
        "phone VARCHAR)"
    )
    engine.executemany("INSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    engine.execute(f"COPY v TO '{tmp_path}/one.parquet'")
    rich = Policy.from_json(private.document(budgets={"epsilon_total_micro": 10_000_000}, limits={"max_cols": 12}))
    copy = snapshot.build(tmp_path / "one.parquet", rich, tmp_path / "copy.parquet").path
    shown = "count(*), count(DISTINCT person), sum(fee), avg(fee), sum(change), avg(change)"
    asked = accepted(f"SELECT date_trunc('month', day) AS m, {shown} FROM visits GROUP BY 1", rich)
    table = exactly(raw(copy, asked, rich), asked, rich)
    for at, each in enumerate(privacy.releases(asked.question, rich), start=1):
        assert sum(abs(int(str(row[at]))) for row in table) == each.sensitivity, each


def test_values_outside_the_public_list_and_missing_ones_fall_into_one_group_and_none_is_lost(
    policy: Policy, visits: Path
) -> None:
    counts = {}
    for key in private.KEYS:
        asked = accepted(f"SELECT {key} AS k, count(*) FROM visits GROUP BY 1", policy)
        table = exactly(raw(visits, asked, policy), asked, policy)
        at = 1 + [each.counted for each in privacy.releases(asked.question, policy)].index(Counted.ROWS)
        counts[key] = sum(int(str(row[at])) for row in table)
        assert next(row[at] for row in table if row[0] is None) != 0
    all_rows = duckdb.execute(f"SELECT count(*) FROM '{visits}'").fetchall()[0][0]
    assert set(counts.values()) == {all_rows}
    stored = duckdb.execute(f"SELECT DISTINCT ward FROM '{visits}' WHERE ward IS NOT NULL").fetchall()
    assert {ward for (ward,) in stored} == set(private.WARDS)


@pytest.mark.parametrize("grain", ["week", "month", "quarter", "year"])
def test_numbers_are_those_of_the_rows_kept_when_epsilon_is_without_measure(
    tmp_path: Path, runner: Runner, grain: str
) -> None:
    """From the buyer's text to the answer, with so little noise that a whole number hides it."""
    lavish = {"epsilon_total_micro": 10**12, "epsilon_per_query_micro": 10**11}
    policy = Policy.from_json(private.document(budgets=lavish, dp={"threshold": 0}, limits={"min_group": 2}))
    source = private.write(tmp_path / "visits.parquet", PEOPLE)
    copy = snapshot.build(source, policy, tmp_path / "copy.parquet").path
    asked = f"SELECT date_trunc('{grain}', day) AS p, ward, count(*), count(DISTINCT person) FROM visits GROUP BY 1, 2"
    answer = answered(runner.run(policy, copy, asked))
    truth = duckdb.execute(
        f"SELECT CAST(date_trunc('{grain}', day) AS DATE), ward, count(*), count(DISTINCT _pu) AS n FROM '{copy}' "
        "GROUP BY 1, 2 HAVING n >= 2"
    ).fetchall()
    assert sorted(answer.rows, key=repr) == sorted(truth, key=repr)
    assert any(row[0] is not None for row in answer.rows)


def test_the_groups_do_not_depend_on_the_data(policy: Policy, visits: Path) -> None:
    dice = random.Random(3)
    for _ in range(50):
        asked = query.check(private.question(dice), policy)
        if not isinstance(asked, Denied):
            width = len(asked.question.keys)
            full, empty = (exactly(rows, asked, policy) for rows in (raw(visits, asked, policy), []))
            assert [row[:width] for row in full] == [row[:width] for row in empty]


@pytest.mark.parametrize(
    ("shown", "columns"),
    [
        ("count(DISTINCT person)", ["units"]),
        ("count(*)", ["units", "rows"]),
        ("sum(fee)", ["units", "sum fee"]),
        ("avg(fee), round(avg(fee), 1) AS r, sum(fee)", ["units", "sum fee", "values fee"]),
        ("count(*), avg(fee), avg(change)", ["units", "rows", "sum fee", "values fee", "sum change", "values change"]),
    ],
)
def test_each_noisy_column_is_paid_for_once(shown: str, columns: list[str]) -> None:
    policy = Policy.from_json(private.document(budgets={"epsilon_total_micro": 10_000_000}))
    asked = accepted(f"SELECT {shown} FROM visits", policy)
    found = privacy.releases(asked.question, policy)
    assert sorted(f"{each.counted} {each.column or ''}".strip() for each in found) == sorted(columns)
    assert asked.epsilon_micro == len(columns) * 500_000
    assert asked.limited == "DP"


def test_one_unit_is_one_row_where_nobody_is_named() -> None:
    document = private.document()
    del document["columns"]["person"]
    document["dataset"]["unit_column"] = None
    policy = Policy.from_json(document)
    asked = accepted("SELECT ward, count(*), sum(fee) FROM visits GROUP BY 1", policy)
    assert [each.sensitivity for each in privacy.releases(asked.question, policy)] == [1, 1000 * 10**5]
    kept, _ = privacy.settle([(None, 30, 10**7)], asked.question, policy)
    assert kept == [(None, 30, Decimal("100.00000"))]


def test_a_question_that_costs_more_than_there_ever_is_is_refused_by_the_gate() -> None:
    policy = Policy.from_json(private.document(budgets={"epsilon_total_micro": 900_000}))
    found = refused("SELECT count(*) FROM visits", policy)
    assert (found.code, found.facts["cost"], found.facts["limit"]) == ("B3", 1_000_000, 900_000)
    accepted("SELECT count(DISTINCT person) FROM visits", policy)


def test_what_follows_the_noise_never_raises_and_never_leaves_the_bounds(policy: Policy) -> None:
    shown = ", ".join(private.STATISTICS)
    rich = Policy.from_json(private.document(budgets={"epsilon_total_micro": 10_000_000}, limits={"max_cols": 12}))
    asked = accepted(f"SELECT ward, {shown} FROM visits GROUP BY 1 HAVING count(*) >= 0 ORDER BY 2 DESC", rich)
    dice, width = random.Random(1), len(privacy.releases(asked.question, rich))
    extremes = [0, 1, -1, 10, 2**63 - 1, -(2**63), 2**61]
    rows: list[Row] = [("Tây Hồ", *(dice.choice(extremes) for _ in range(width))) for _ in range(500)]
    answer = shape_released(rich, Released(tuple(rows), False, "", 1), asked)
    assert answer.suppressed
    assert answer.rows
    for _, count, units, fee, mean, _, change in answer.rows:
        assert int(str(count)) >= 0
        assert int(str(units)) >= 10
        assert Decimal(str(fee)) >= 0
        assert mean is None or 0 <= Decimal(str(mean)) <= 1000
        assert change is None or -50 <= Decimal(str(change)) <= 20


def test_groups_under_the_noisy_threshold_are_withheld_and_counts_are_rounded() -> None:
    policy = Policy.from_json(private.document(dp={"rounding": 10}))
    asked = accepted("SELECT ward, count(*) FROM visits GROUP BY 1", policy)
    kept, suppressed = privacy.settle(
        [("Ba Đình", 9, 5000), ("Tây Hồ", 10, 44), (None, 12, -3)], asked.question, policy
    )
    assert suppressed
    assert kept == [("Tây Hồ", 40), (None, 0)]


def test_a_kept_table_answers_every_spelling_with_the_same_numbers(
    policy: Policy, visits: Path, runner: Runner
) -> None:
    first = answered(
        runner.run(policy, visits, "SELECT ward, count(*) AS n, avg(fee) FROM visits GROUP BY 1 ORDER BY 1")
    )
    kept = Released.from_json(json.loads(json.dumps(first.released.to_json())))
    assert kept == first.released
    other = accepted(
        "SELECT round(avg(v.fee), 0) AS mean, v.ward FROM visits AS v GROUP BY v.ward ORDER BY 2 DESC LIMIT 2", policy
    )
    # A spelling with fewer columns would be another statistic, of less cost; this one names the same.
    assert accepted("SELECT avg(fee), ward AS ward, count(*) FROM visits GROUP BY ward", policy).statistic == (
        accepted("SELECT ward, count(*) AS n, avg(fee) FROM visits GROUP BY 1 HAVING n > 3", policy).statistic
    )
    assert other.statistic != first.receipt["statistic"]
    again = accepted(
        "SELECT count(*), round(avg(fee), 1) AS mean, ward FROM visits GROUP BY ward ORDER BY ward", policy
    )
    assert again.statistic == first.receipt["statistic"]
    told = shape_released(policy, kept, again)
    assert [(ward, count) for count, _, ward in told.rows] == [row[:2] for row in first.rows]
    fresh = answered(
        runner.run(policy, visits, "SELECT ward, count(*) AS n, avg(fee) FROM visits GROUP BY 1 ORDER BY 1")
    )
    assert fresh.released != first.released  # without the kept table it would be another draw, and another payment


def test_every_answer_says_what_was_promised_and_how_far_off_it_may_be(
    policy: Policy, visits: Path, runner: Runner
) -> None:
    answer = answered(runner.run(policy, visits, "SELECT ward, count(*), sum(fee) FROM visits GROUP BY 1"))
    said = dict(answer.receipt)
    assert said["mode"] == "aggregate_dp"
    assert said["mechanism"] == "discrete_laplace"
    assert (said["epsilon_micro"], said["epsilon_per_release_micro"], said["releases"]) == (1_500_000, 500_000, 3)
    assert (said["delta"], said["max_rows_per_unit"], said["bounds"]) == ("0", 4, "fee: 0..1000")
    assert (said["threshold"], said["unit"]) == (10, "person")
    key, count, total = answer.half_widths
    assert key is None
    assert count in (24, 25)  # scale 4 / 0.5 = 8; 8 ln 20 = 23.97, and the noise is whole
    assert Decimal(23_900) < Decimal(str(total)) < Decimal(24_100)


def test_exact_numbers_lie_within_the_half_width_as_often_as_promised(policy: Policy, visits: Path) -> None:
    asked = accepted("SELECT count(*), sum(fee), avg(fee) FROM visits", policy)
    rows = raw(visits, asked, policy)
    exact = privacy.settle(exactly(rows, asked, policy), asked.question, policy)[0][0]
    inside = [0, 0, 0]
    for _ in range(400):
        noisy = privacy.release(rows, asked.question, policy)
        widths = privacy.half_widths(noisy, asked.question, policy)
        shown = privacy.settle(noisy, asked.question, policy)[0][0]
        values = [Decimal(str(value)) for value in shown]
        # The table's order is Question.aggs: avg, count, sum.
        for at, width in enumerate((widths[2], widths[0], widths[1])):
            inside[at] += abs(values[at] - Decimal(str(exact[at]))) <= Decimal(str(width))
    # 95 % promised; with 400 trials fewer than 336 happens by chance less than once in 10^9 (binomial tail).
    assert min(inside) > 336


def test_mode_aggregate_claims_no_privacy_and_costs_none(
    sales_policy: Policy, sales_snapshot: Path, runner: Runner
) -> None:
    answer = answered(runner.run(sales_policy, sales_snapshot, "SELECT count(*) FROM sales"))
    assert not {"mechanism", "delta", "releases"} & set(answer.receipt)
    assert answer.half_widths == ()
    assert accepted("SELECT count(*) FROM sales", sales_policy).epsilon_micro == 0


@pytest.fixture
def visits_door(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """`python -m sandbox run` over the visits: questions in, verdicts out."""
    (tmp_path / "policy.json").write_text(json.dumps(private.document()))
    source = private.write(tmp_path / "visits.parquet", PEOPLE)

    def ask(*questions: str) -> list[dict[str, Any]]:
        monkeypatch.setattr("sys.stdin", [json.dumps({"id": at, "sql": sql}) for at, sql in enumerate(questions)])
        chosen = ["run", "--policy", str(tmp_path / "policy.json"), "--table", f"visits={source}"]
        assert sandbox_door.main(chosen) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return ask


def test_the_door_spends_epsilon_until_it_is_gone_and_repeats_for_nothing(visits_door: Callable[..., Any]) -> None:
    # 3 epsilon in all: 1 for rows, 1.5 for an average, then 0.5 are left.
    rows, again, mean, refused_, units = visits_door(
        "SELECT ward, count(*) FROM visits GROUP BY ward ORDER BY ward",
        "SELECT count(*) AS n, ward FROM visits GROUP BY 2 ORDER BY ward LIMIT 10",
        "SELECT avg(fee) FROM visits",
        "SELECT beds, count(*) FROM visits GROUP BY 1",
        "SELECT count(DISTINCT person) FROM visits",
    )
    assert [each["verdict"] for each in (rows, again, mean, refused_, units)] == [
        "limit",
        "limit",
        "limit",
        "deny",
        "limit",
    ]
    assert [[ward, count] for count, ward in again["rows"]] == rows["rows"]
    assert again["code"] in ("K1", "N1")
    left = [each["budget_left"]["epsilon_micro"] for each in (rows, again, mean, refused_, units)]
    assert left == [2_000_000, 2_000_000, 500_000, 500_000, 0]
    assert refused_["code"] == "B3"
    assert "1,000,000" in refused_["reason"]
    assert "500,000" in refused_["reason"]
    assert units["code"] == "DP"
    assert units["half_widths"] == [7]  # one person counts once: scale 1 / 0.5, 2 ln 20 = 5.99, and the noise is whole
    assert units["receipt"]["mechanism"] == "discrete_laplace"


def test_the_door_tells_the_public_list_when_a_value_is_not_in_it(visits_door: Callable[..., Any]) -> None:
    (found,) = visits_door("SELECT count(*) FROM visits WHERE ward = 'Nơi khác'")
    assert (found["verdict"], found["code"]) == ("deny", "W7")
    assert "Ba Đình, Cầu Giấy, Tây Hồ" in found["fix"]
    assert found["budget_left"]["epsilon_micro"] == 3_000_000


def test_questions_that_differ_in_little_are_answered_where_noise_covers_the_difference(
    visits_door: Callable[..., Any],
) -> None:
    found = visits_door(
        "SELECT count(DISTINCT person) FROM visits WHERE ward IN ('Ba Đình', 'Tây Hồ')",
        "SELECT count(DISTINCT person) FROM visits WHERE ward IN ('Ba Đình')",
    )
    assert [each["verdict"] for each in found] == ["limit", "limit"]
