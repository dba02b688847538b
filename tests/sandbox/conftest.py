"""Shared data of the sandbox tests: generated sales with a district of four customers, and a corpus of attacks."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import snapshot
from sandbox.policy import Policy
from sandbox.runner import Runner

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        reason = f"shared data file {name} is absent"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def sales_document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shared("sandbox-policy-sales.json").read_text())
    return document


@pytest.fixture
def sales_policy(sales_document: dict[str, Any]) -> Policy:
    return Policy.from_json(sales_document)


@pytest.fixture(scope="session")
def sales_file() -> Path:
    return shared("sandbox-sales.parquet")


@pytest.fixture(scope="session")
def sales_snapshot(sales_file: Path, sales_document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("snapshot") / "sales.parquet"
    return snapshot.build(sales_file, Policy.from_json(sales_document), out).path


@pytest.fixture(scope="session")
def attacks() -> list[dict[str, Any]]:
    return [json.loads(line) for line in shared("sandbox-attacks.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    with Runner(time_buckets=()) as made:
        yield made


@pytest.fixture
def variant(sales_document: dict[str, Any]) -> Callable[..., Policy]:
    """The sales policy with some sections changed."""

    def make(**sections: Any) -> Policy:
        document = json.loads(json.dumps(sales_document))
        for key, value in sections.items():
            document[key] = {**document.get(key, {}), **value} if isinstance(value, dict) else value
        return Policy.from_json(document)

    return make


@pytest.fixture
def door(sales_file: Path, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """`python -m sandbox` over the sales, one question a line."""
    policy = sales_file.parent / "sandbox-policy-sales.json"

    def ask(command: str, sqls: list[str]) -> list[dict[str, Any]]:
        table = ["--table", f"sales={sales_file}"] if command == "run" else []
        made = subprocess.run(
            [sys.executable, "-m", "sandbox", command, "--policy", str(policy), *table],
            input="\n".join(json.dumps({"sql": sql}) for sql in sqls),
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        return [json.loads(line) for line in made.stdout.splitlines()]

    return ask
