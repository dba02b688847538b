"""Running: right numbers for groups large enough, nothing for the others, and a worker that cannot misbehave."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox import query, snapshot, words
from sandbox.denials import Denied, SnapshotRefused
from sandbox.policy import Policy
from sandbox.runner import TIME_BUCKETS, Answer, Runner

FLOOR = 10


def truth(file: Path, sql: str) -> list[tuple[Any, ...]]:
    return duckdb.connect().execute(sql.replace("sales", f"'{file}'", 1)).fetchall()


def answered(outcome: Answer | Denied) -> Answer:
    assert isinstance(outcome, Answer), outcome
    return outcome


def test_large_groups_get_exact_numbers(
    runner: Runner, sales_policy: Policy, sales_snapshot: Path, sales_file: Path
) -> None:
    asked = "SELECT province, count(*), sum(amount), count(DISTINCT customer_id) FROM sales GROUP BY 1 ORDER BY 1"
    answer = answered(runner.run(sales_policy, sales_snapshot, asked))
    assert list(answer.rows) == truth(sales_file, asked)
    assert answer.columns == ("province", "count", "sum_amount", "units")
    assert not answer.suppressed
    assert not answer.truncated


def test_the_small_district_is_withheld_and_said_to_be(
    runner: Runner, sales_policy: Policy, sales_snapshot: Path
) -> None:
    answer = answered(
        runner.run(sales_policy, sales_snapshot, "SELECT district, count(*), sum(amount) FROM sales GROUP BY district")
    )
    assert answer.suppressed
    assert len(answer.rows) == 510
    assert "TINY" not in {row[0] for row in answer.rows}


def test_too_small_and_not_there_look_the_same(runner: Runner, sales_policy: Policy, sales_snapshot: Path) -> None:
    asked = "SELECT province, count(*) FROM sales WHERE district = '{}' GROUP BY province"
    small = answered(runner.run(sales_policy, sales_snapshot, asked.format("TINY")))
    absent = answered(runner.run(sales_policy, sales_snapshot, asked.format("NOWHERE")))
    assert (small.rows, small.suppressed, small.truncated) == (absent.rows, absent.suppressed, absent.truncated)
    total = answered(runner.run(sales_policy, sales_snapshot, "SELECT count(*) FROM sales WHERE district = 'NOWHERE'"))
    assert (total.rows, total.suppressed) == ((), True)


def test_having_order_and_limit_come_after_the_floor(
    runner: Runner, sales_policy: Policy, sales_snapshot: Path
) -> None:
    small = "SELECT district, count(*) AS n FROM sales GROUP BY 1 HAVING n < 10"
    assert answered(runner.run(sales_policy, sales_snapshot, small)).rows == ()
    asked = "SELECT province, sum(amount) AS t FROM sales GROUP BY 1 ORDER BY t DESC, province LIMIT 3"
    answer = answered(runner.run(sales_policy, sales_snapshot, asked))
    assert len(answer.rows) == 3
    totals = [row[1] for row in answer.rows]
    assert totals == sorted(totals, reverse=True)  # type: ignore[type-var]
    assert all(isinstance(total, Decimal) for total in totals)
    assert not answer.truncated  # the buyer's own LIMIT is no cap of ours


def test_row_and_byte_caps_cut_and_say_so(runner: Runner, variant: Callable[..., Policy], sales_snapshot: Path) -> None:
    asked = "SELECT district, count(*) FROM sales GROUP BY 1"
    rows = answered(runner.run(variant(limits={"max_rows": 7}), sales_snapshot, asked))
    assert (len(rows.rows), rows.truncated) == (7, True)
    wide = answered(runner.run(variant(output={"max_bytes": 200}), sales_snapshot, asked))
    assert 0 < len(wide.rows) < 20
    assert wide.truncated
    many = runner.run(variant(limits={"max_groups": 100}), sales_snapshot, asked)
    assert many == Denied("O4", {"limit": 100})


def test_the_receipt_names_what_was_enforced(runner: Runner, sales_policy: Policy, sales_snapshot: Path) -> None:
    first = answered(runner.run(sales_policy, sales_snapshot, "SELECT count(*) FROM sales")).receipt
    again = answered(runner.run(sales_policy, sales_snapshot, "SELECT COUNT(*) AS n FROM sales")).receipt
    assert first["policy_hash"] == sales_policy.hash
    assert first["statistic"] == again["statistic"]
    assert first["min_group"] == FLOOR
    assert str(first["snapshot_sha256"]).startswith("sha256:")


def test_every_shown_group_has_enough_distinct_units(
    runner: Runner, sales_policy: Policy, sales_snapshot: Path, sales_file: Path
) -> None:
    """Random questions; the units are counted again on the original file by SQL that shares no code."""
    choose = random.Random(7)
    engine = duckdb.connect()
    for _ in range(40):
        keys = choose.sample(["province", "district", "sector", "date_trunc('month', sold_at)"], choose.randint(0, 3))
        where = choose.choice(["", " WHERE sector IN ('it', 'food')", " WHERE sold_at < DATE '2025-03-01'"])
        shown = ", ".join([*(f"{key} AS k{at}" for at, key in enumerate(keys)), "count(*) AS n", "avg(amount) AS a"])
        group = f" GROUP BY {', '.join(str(at + 1) for at in range(len(keys)))}" if keys else ""
        answer = runner.run(sales_policy, sales_snapshot, f"SELECT {shown} FROM sales{where}{group}")
        if isinstance(answer, Denied):
            assert answer.code == "O4"
            continue
        counted = ", ".join([*keys, "count(*)", "count(DISTINCT customer_id)"])
        exact = engine.execute(f"SELECT {counted} FROM '{sales_file}'{where}{group}").fetchall()
        units = {tuple(map(_day, row[: len(keys)])): row[-2:] for row in exact}
        allowed = sum(1 for _, people in units.values() if people >= FLOOR)
        assert all(units[row[: len(keys)]][1] >= FLOOR and units[row[: len(keys)]][0] == row[-2] for row in answer.rows)
        assert len(answer.rows) == min(allowed, 1000)  # and none is withheld without need


def _day(value: Any) -> Any:
    return value.date() if hasattr(value, "date") else value


def test_the_corpus_through_the_command(attacks: list[dict[str, Any]], sales_file: Path, tmp_path: Path) -> None:
    """Both doors; no answer to a refused query may hold a value of the data, and no engine message ever shows."""
    policy = sales_file.parent / "sandbox-policy-sales.json"
    lines = "\n".join(json.dumps(case) for case in attacks)
    phones = {row[0] for row in truth(sales_file, "SELECT phone FROM sales USING SAMPLE 2000")}
    tiny = {str(row[0]) for row in truth(sales_file, "SELECT amount FROM sales WHERE district = 'TINY'")}
    for command in (["check"], ["run", "--table", f"sales={sales_file}"]):
        made = subprocess.run(
            [sys.executable, "-m", "sandbox", command[0], "--policy", str(policy), *command[1:]],
            input=lines,
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        answers = [json.loads(line) for line in made.stdout.splitlines()]
        assert made.stderr == ""
        assert [answer["id"] for answer in answers] == [case["id"] for case in attacks]
        for case, answer in zip(attacks, answers, strict=True):
            if case["expect"] == "deny":
                assert answer["verdict"] == "deny", case["id"]
            elif case["expect"] == "allow":
                assert answer["verdict"] != "deny", case["id"]
            if answer["verdict"] == "deny":
                assert not answer.get("rows")
                assert answer["code"] not in ("E-ENGINE", "Z1"), case["id"]
                assert answer["reason"]
        assert not [value for value in phones | tiny if value in made.stdout]


def test_words_of_an_engine_error_never_leave(runner: Runner, sales_policy: Policy, tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 0912000000 PAR1")
    outcome = runner.run(sales_policy, broken, "SELECT count(*) FROM sales")
    assert outcome == Denied("X6")
    assert runner.run(sales_policy, tmp_path / "absent.parquet", "SELECT count(*) FROM sales") == Denied("X6")


def test_a_raw_file_is_no_snapshot(runner: Runner, sales_policy: Policy, sales_file: Path) -> None:
    assert runner.run(sales_policy, sales_file, "SELECT count(*) FROM sales") == Denied("X6")


def test_a_worker_that_cannot_start_is_no_fault_of_the_copy(
    sales_policy: Policy, sales_snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")  # as where no process gets the memory that it begins with
    with Runner() as runner:
        assert runner.run(sales_policy, sales_snapshot, "SELECT count(*) FROM sales") == Denied("E-ENGINE")


def test_another_snapshot_than_the_agreed_one_is_refused(
    runner: Runner, variant: Callable[..., Policy], sales_snapshot: Path
) -> None:
    policy = variant(dataset={"sha256": "sha256:" + "0" * 64})
    assert runner.run(policy, sales_snapshot, "SELECT count(*) FROM sales") == Denied("X6")


def test_a_question_checked_under_another_policy_does_not_run(
    runner: Runner, sales_policy: Policy, variant: Callable[..., Policy], sales_snapshot: Path
) -> None:
    accepted = query.check("SELECT count(*) FROM sales", variant(limits={"min_group": 2}))
    assert not isinstance(accepted, Denied)
    assert runner.run_accepted(sales_policy, sales_snapshot, accepted) == Denied("X5")


def test_answers_are_handed_over_at_fixed_moments(sales_policy: Policy, sales_snapshot: Path) -> None:
    with Runner() as slow:
        answered(slow.run(sales_policy, sales_snapshot, "SELECT count(*) FROM sales"))
        waited = [
            answered(slow.run(sales_policy, sales_snapshot, f"SELECT count(*) FROM sales WHERE district = '{name}'"))
            for name in ("P01-D01", "TINY", "NOWHERE")
        ]
    assert {answer.elapsed_ms for answer in waited} == {round(TIME_BUCKETS[0] * 1000)}


def test_many_threads_share_two_workers(sales_policy: Policy, sales_snapshot: Path) -> None:
    found: list[Answer | Denied] = []
    with Runner(max_workers=2, time_buckets=()) as shared:
        asked = "SELECT sector, count(*) FROM sales GROUP BY 1"
        threads = [
            threading.Thread(target=lambda: found.append(shared.run(sales_policy, sales_snapshot, asked)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({answered(each).rows for each in found}) == 1
    assert len(found) == 8


def test_a_forked_server_process_starts_its_own_workers(sales_policy: Policy, sales_snapshot: Path) -> None:
    with Runner(time_buckets=()) as shared:
        answered(shared.run(sales_policy, sales_snapshot, "SELECT count(*) FROM sales"))
        child = os.fork()
        if child == 0:
            fine = isinstance(shared.run(sales_policy, sales_snapshot, "SELECT count(*) FROM sales"), Answer)
            shared.close()
            os._exit(0 if fine else 1)
        assert os.waitpid(child, 0)[1] == 0
        answered(shared.run(sales_policy, sales_snapshot, "SELECT count(*) FROM sales"))


def hostile(accepted: query.Accepted, sql: str) -> query.Accepted:
    """What would happen if the gate had let this text through."""
    return query.Accepted(
        accepted.question, sql, None, accepted.columns, accepted.statistic, accepted.policy_hash, accepted.limited
    )


@pytest.fixture
def tight(variant: Callable[..., Policy]) -> Policy:
    return variant(resources={"wall_s": 2, "mem_mb": 256, "cpu_s": 2, "threads": 1})


@pytest.mark.parametrize(
    ("sql", "codes"),
    [
        ("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b", {"E-TIME"}),
        ("SELECT length(repeat('x', 4000000000)), 1, 1, 1", {"E-MEM", "E-ENGINE", "E-STOPPED"}),
        ("SELECT list(a.range) FROM range(1000000000) a", {"E-MEM", "E-TIME", "E-ENGINE", "E-STOPPED"}),
        ("SELECT content, 1, 1, 1 FROM read_text('/etc/passwd')", {"E-ENGINE"}),
        ("COPY (SELECT 1) TO '/tmp/sandbox-escape.csv'", {"E-ENGINE"}),
        ("ATTACH '/tmp/sandbox-escape.db' AS z", {"E-ENGINE"}),
        ("SET enable_external_access = true", {"E-ENGINE"}),
        ("SET memory_limit = '100GB'", {"E-ENGINE"}),
        ("INSTALL httpfs", {"E-ENGINE"}),
        ("SELECT error('0912000000')", {"E-ENGINE"}),
    ],
)
def test_even_ungated_text_cannot_leave_the_worker(
    tight: Policy, sales_snapshot: Path, sql: str, codes: set[str]
) -> None:
    accepted = query.check("SELECT count(*) FROM sales", tight)
    assert not isinstance(accepted, Denied)
    with Runner(time_buckets=()) as own:
        began = time.monotonic()
        outcome = own.run_accepted(tight, sales_snapshot, hostile(accepted, sql))
        assert time.monotonic() - began < tight.resources.wall_s + 2
        assert isinstance(outcome, Denied)
        assert outcome.code in codes
        assert "0912" not in repr(outcome) + words.say(outcome, "en")
        assert not Path("/tmp/sandbox-escape.csv").exists()
        assert not Path("/tmp/sandbox-escape.db").exists()
        answered(own.run(tight, sales_snapshot, "SELECT count(*) FROM sales"))  # a new worker serves the next


def test_the_kill_switch_ends_a_running_question(variant: Callable[..., Policy], sales_snapshot: Path) -> None:
    policy = variant(resources={"wall_s": 20})
    accepted = query.check("SELECT count(*) FROM sales", policy)
    assert not isinstance(accepted, Denied)
    endless = hostile(accepted, "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b")
    found: list[Answer | Denied] = []
    with Runner(time_buckets=()) as own:
        answered(own.run(policy, sales_snapshot, "SELECT count(*) FROM sales"))
        asking = threading.Thread(target=lambda: found.append(own.run_accepted(policy, sales_snapshot, endless)))
        asking.start()
        time.sleep(0.3)
        stopped = time.monotonic()
        assert own.stop(policy.hash) == 1
        asking.join()
    assert time.monotonic() - stopped < 1
    assert found == [Denied("E-STOPPED")]


def test_a_policy_that_needs_more_isolation_than_there_is_does_not_run(
    runner: Runner, variant: Callable[..., Policy], sales_snapshot: Path
) -> None:
    outcome = runner.run(variant(min_isolation_tier=3), sales_snapshot, "SELECT count(*) FROM sales")
    assert isinstance(outcome, Denied)
    assert (outcome.code, outcome.facts["needed"]) == ("X7", 3)


def test_a_closed_runner_leaves_no_process(sales_policy: Policy, sales_snapshot: Path) -> None:
    own = Runner(time_buckets=())
    answered(own.run(sales_policy, sales_snapshot, "SELECT count(*) FROM sales"))
    worker = own.pool._alive[0].launched.process
    own.close()
    assert worker.poll() is not None


# --- the snapshot ---------------------------------------------------------------------------------------------------


def test_no_forbidden_column_or_identifier_is_in_the_snapshots_bytes(sales_snapshot: Path, sales_file: Path) -> None:
    engine = duckdb.connect()
    names = [row[0] for row in engine.execute(f"DESCRIBE SELECT * FROM '{sales_snapshot}'").fetchall()]
    assert names == ["province", "district", "sector", "amount", "sold_at", "_pu", "_b"]
    body = sales_snapshot.read_bytes()
    assert b"phone" not in body
    assert b"customer" not in body
    sample = truth(sales_file, "SELECT phone, customer_id FROM sales LIMIT 200")
    assert not [value for row in sample for value in row if value.encode() in body]


def test_small_values_are_folded_and_days_cut_to_months(sales_snapshot: Path) -> None:
    engine = duckdb.connect()
    districts = {row[0] for row in engine.execute(f"SELECT DISTINCT district FROM '{sales_snapshot}'").fetchall()}
    assert "TINY" not in districts
    assert snapshot.FOLDED in districts
    days = engine.execute(f"SELECT count(*) FROM '{sales_snapshot}' WHERE day(sold_at) <> 1").fetchall()
    assert days == [(0,)]


def small(**columns: dict[str, Any]) -> Policy:
    unit = "person" if "person" in columns else None
    return Policy.from_json(
        {
            "policy_id": "p",
            "version": 1,
            "mode": "aggregate",
            "min_isolation_tier": 0,
            "window": {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"},
            "dataset": {"table": "t", "unit_column": unit, "max_rows_per_unit": 3},
            "columns": columns,
            "limits": {"min_group": 5},
        }
    )


PERSON = {"role": "unit", "aggregates": ["COUNT_DISTINCT"]}
MONEY = {"role": "measure", "bounds": [0, 100], "aggregates": ["SUM", "AVG"]}
PLACE = {"role": "dim", "filter": ["=", "IN"]}


def written(path: Path, rows: list[tuple[Any, ...]], header: str) -> Path:
    path.write_text("\n".join([header, *(",".join("" if v is None else str(v) for v in row) for row in rows)]))
    return path


def test_measures_are_clamped_and_rows_per_person_bounded(runner: Runner, tmp_path: Path) -> None:
    rows = [(f"p{n}", "a", 10.5) for n in range(9)] + [("p0", "a", 1e9), ("p9", "a", -5)] + [("p9", "a", 1.25)] * 20
    policy = small(person=PERSON, place=PLACE, money=MONEY)
    info = snapshot.build(written(tmp_path / "s.csv", rows, "person,place,money"), policy, tmp_path / "o.parquet")
    assert (info.units, info.rows, info.dropped_rows) == (10, 13, 18)
    answer = answered(runner.run(policy, info.path, "SELECT place, count(*), sum(money) FROM t GROUP BY 1"))
    assert answer.rows[0][1] == 13
    kept = Decimal(str(answer.rows[0][2]))  # of p9's rows, three by lot: -5 counts as 0 or is not among them
    assert kept in (Decimal("198.25"), Decimal("197"))


def test_rows_of_nobody_are_left_out(runner: Runner, tmp_path: Path) -> None:
    rows = [(None, "a", 1)] * 50 + [(f"p{n}", "b", 1) for n in range(6)]
    policy = small(person=PERSON, place=PLACE, money=MONEY)
    info = snapshot.build(written(tmp_path / "s.csv", rows, "person,place,money"), policy, tmp_path / "o.parquet")
    assert (info.rows, info.dropped_rows) == (6, 50)


def test_a_statistic_resting_on_few_values_withholds_its_group(runner: Runner, tmp_path: Path) -> None:
    """Ten people, but only one of them has an amount: the sum would be that person's."""
    rows = [(f"p{n}", "a", 42 if n == 0 else None) for n in range(10)] + [(f"q{n}", "b", n) for n in range(10)]
    policy = small(person=PERSON, place=PLACE, money=MONEY)
    info = snapshot.build(written(tmp_path / "s.csv", rows, "person,place,money"), policy, tmp_path / "o.parquet")
    answer = answered(runner.run(policy, info.path, "SELECT place, sum(money) FROM t GROUP BY 1"))
    assert [row[0] for row in answer.rows] == ["b"]
    assert answer.suppressed
    counts = answered(runner.run(policy, info.path, "SELECT place, count(*) FROM t GROUP BY 1"))
    assert [row[0] for row in counts.rows] == ["a", "b"]


def test_one_person_with_many_rows_is_one(runner: Runner, tmp_path: Path) -> None:
    rows = [("p0", "a", 1)] * 30 + [(f"q{n}", "b", 1) for n in range(5)]
    policy = small(person=PERSON, place=PLACE, money=MONEY)
    info = snapshot.build(written(tmp_path / "s.csv", rows, "person,place,money"), policy, tmp_path / "o.parquet")
    answer = answered(runner.run(policy, info.path, "SELECT place, count(*) FROM t GROUP BY 1"))
    assert answer.rows == (("b", 5),)


def test_groups_the_cheap_bound_cannot_prove_are_counted_exactly(runner: Runner, tmp_path: Path) -> None:
    """Sixty units share 62 bits with collisions; a floor of 60 needs the exact count, for the empty key as well."""
    rows = [(f"p{n}", "a" if n % 2 else None, 1) for n in range(120)]
    document = small(person=PERSON, place=PLACE, money=MONEY)
    policy = replace(document, limits=replace(document.limits, min_group=60))
    info = snapshot.build(written(tmp_path / "s.csv", rows, "person,place,money"), policy, tmp_path / "o.parquet")
    answer = answered(runner.run(policy, info.path, "SELECT place, count(*), sum(money) FROM t GROUP BY 1"))
    assert answer.rows == (("a", 60, 60), (None, 60, 60))


def test_without_a_unit_column_rows_are_the_units(runner: Runner, tmp_path: Path) -> None:
    rows = [("a", 1)] * 4 + [("b", 1)] * 5
    policy = small(place=PLACE, money=MONEY)
    info = snapshot.build(written(tmp_path / "s.csv", rows, "place,money"), policy, tmp_path / "o.parquet")
    answer = answered(runner.run(policy, info.path, "SELECT place, avg(money) FROM t GROUP BY 1"))
    assert answer.rows == (("b", 1.0),)
    assert answer.receipt["unit"] == "(row)"
    assert info.units is None


def test_typed_dimensions_and_zoned_times(runner: Runner, tmp_path: Path) -> None:
    source = tmp_path / "s.parquet"
    duckdb.connect().execute(
        f"COPY (SELECT range % 2 = 0 AS flag, range % 3 AS level, TIMESTAMPTZ '2025-01-31 18:00:00+00' AS at "
        f"FROM range(60)) TO '{source}' (FORMAT parquet)"
    ).fetchall()
    policy = small(
        flag={"role": "dim", "type": "bool", "filter": ["="]},
        level={"role": "dim", "type": "int", "filter": ["=", "IN"]},
        at={"role": "time", "grain": ["month"], "filter": [">=", "<"], "literal_step": "month"},
    )
    info = snapshot.build(source, policy, tmp_path / "o.parquet")
    asked = (
        "SELECT level, date_trunc('month', at) AS m, count(*) FROM t WHERE flag = TRUE AND level IN (0, 2) GROUP BY ALL"
    )
    answer = answered(runner.run(policy, info.path, asked))
    # 18:00 UTC on 31 January is 1 February in Viet Nam.
    assert [(row[0], str(row[1]), row[2]) for row in answer.rows] == [(0, "2025-02-01", 10), (2, "2025-02-01", 10)]


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("s.xlsx", "x", "SNAPSHOT_FORMAT"),
        ("s.parquet", "x", "SNAPSHOT_UNREADABLE"),
        ("s.csv", "place\n0912000000\n", "SNAPSHOT_COLUMN_MISSING"),
    ],
)
def test_a_source_that_cannot_be_protected_is_refused(tmp_path: Path, name: str, body: str, code: str) -> None:
    (tmp_path / name).write_text(body)
    with pytest.raises(SnapshotRefused) as refused:
        snapshot.build(tmp_path / name, small(place=PLACE, money=MONEY), tmp_path / "o.parquet")
    assert refused.value.code == code
    assert not (tmp_path / "o.parquet").exists()
    assert "0912" not in repr(refused.value.denied)
