"""Every benchmark runs, small, and prints the one shape of figures. Speed itself is not judged here."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from exchange.bench import cli
from exchange.bench.cli import bench

FIGURE = {"name", "unit", "ours", "baseline", "baseline_is", "more", "ratio"}


def figures(*words: str) -> dict[str, Any]:
    """What ``minhbach bench`` prints: JSON and nothing else."""
    result = CliRunner().invoke(bench, words)
    assert result.exit_code == 0, result.output + repr(result.exception)
    printed: dict[str, Any] = json.loads(result.stdout)
    assert set(printed["machine"]) == {"cores", "python", "machine"}
    assert printed["figures"]
    for figure in printed["figures"]:
        assert set(figure) == FIGURE
        assert figure["ours"] > 0
        assert figure["baseline"] > 0
        assert figure["ratio"] is not None
        assert figure["baseline_is"]
    return printed


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("name", "size"), [("log", "40"), ("search", "50"), ("negotiate", "2")])
def test_every_benchmark_of_the_exchange_runs_on_both_databases(name: str, size: str, database: str) -> None:
    printed = figures(name, "--database", database, "--size", size)
    assert (printed["bench"], printed["database"], printed["size"]) == (name, database, int(size))


def test_the_sandbox_answers_every_shape_of_question() -> None:
    printed = figures("sandbox", "--size", "20000")
    names = [figure["name"] for figure in printed["figures"]]
    assert names[0] == "snapshot build"
    assert len(names) == 7
    assert "database" not in printed


def test_both_checkers_are_measured() -> None:
    printed = figures("verify", "--size", "300")
    assert [figure["unit"] for figure in printed["figures"]] == ["records/s"] * 3 + ["contracts/s"] * 2
    assert all(figure["more"]["peak_mib"] > 0 for figure in printed["figures"][1:])
    assert "database" not in printed


def test_an_unknown_benchmark_is_told_which_there_are() -> None:
    result = CliRunner().invoke(bench, ["nonsense"])
    assert result.exit_code == 2
    for name in cli.SIZES:
        assert name in result.output
