"""Spark behind the same gate and floor: the same questions, the same numbers."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox import emit, query
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.runner import Answer, Runner
from tests.sandbox.test_query import HONEST


@pytest.fixture(scope="module")
def spark() -> Iterator[Runner]:
    missing = [
        name
        for name, there in (("pyspark", importlib.util.find_spec("pyspark")), ("Java", shutil.which("java")))
        if not there
    ]
    if missing:
        reason = f"not run: {' and '.join(missing)} not installed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with Runner(time_buckets=(), spark_above=0) as made:
        yield made


def alike(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    """The same values; averages up to the last digits of a floating-point number."""
    return len(ours) == len(theirs) and all(
        a == pytest.approx(b, rel=1e-12) if isinstance(a, float) else a == b for a, b in zip(ours, theirs, strict=True)
    )


def same(sql: str, ours: Answer | Denied, theirs: Answer | Denied) -> bool:
    """Whether both answered, after saying the same."""
    if isinstance(theirs, Denied) or isinstance(ours, Denied):
        assert ours == theirs, sql
        return False
    assert (ours.columns, ours.suppressed, ours.truncated) == (theirs.columns, theirs.suppressed, theirs.truncated), sql
    assert len(ours.rows) == len(theirs.rows), sql
    assert all(map(alike, ours.rows, theirs.rows)), sql
    assert ours.receipt["tier"] == 0  # the receipt says that the walls were missing
    return True


def test_both_engines_give_the_same_answers_and_only_one_is_locked_in(
    spark: Runner, runner: Runner, sales_policy: Policy, sales_snapshot: Path, attacks: list[dict[str, Any]]
) -> None:
    honest = [case["sql"] for case in attacks if case["expect"] in ("allow", "limit") and "context" not in case]
    asked = dict.fromkeys([*HONEST, *honest])
    answered = [
        same(sql, spark.run(sales_policy, sales_snapshot, sql), runner.run(sales_policy, sales_snapshot, sql))
        for sql in asked
    ]
    assert sum(answered) > 30
    strict = replace(sales_policy, min_isolation_tier=1)
    outcome = spark.run(strict, sales_snapshot, "SELECT count(*) FROM sales")
    assert isinstance(outcome, Denied)
    assert (outcome.code, outcome.facts["tier"]) == ("X7", 0)


def test_no_text_of_a_buyer_is_read_as_sparks(sales_policy: Policy) -> None:
    """Spark's quotation marks depend on settings, so a text goes there as bytes."""
    asked = "SELECT count(*) FROM sales WHERE province = 'Đà'' OR 1=1 --'"
    accepted = query.check(asked, sales_policy)
    assert isinstance(accepted, query.Accepted)
    groups, exact = emit.texts(accepted.question, sales_policy, emit.SPARK)
    assert "OR 1" not in groups + (exact or "")
    assert "CAST(X'" + "Đà' OR 1=1 --".encode().hex() + "' AS STRING)" in groups
