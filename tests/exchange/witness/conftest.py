"""A witness that really runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange.witness.running import RunningWitness


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningWitness]:
    """``minhbach witness serve`` with a new key and no log."""
    one = RunningWitness(tmp_path / "witness", "example.com/witness").start()
    yield one
    one.stop()
