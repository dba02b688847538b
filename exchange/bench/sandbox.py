"""A test room's question on a warm worker, the whole way through gate, pipe and floor, against DuckDB alone.

The baseline is the buyer's own SQL run by DuckDB in this process over the provider's file, with as many threads. The
moments to which the sandbox delays an answer (``TIME_BUCKETS``) are off here: they hide the speed on purpose.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from exchange.bench import Figure, percentile
from sandbox import snapshot
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.runner import Runner

SECONDS = 20.0  # spent on one question at most, each way
ROUNDS = 15
THREADS = 2

QUESTIONS = {
    "total": "SELECT COUNT(*) AS n, SUM(amount) AS s FROM sales",
    "one group column": "SELECT province, COUNT(*) AS n, AVG(amount) AS a FROM sales GROUP BY province",
    "two group columns": "SELECT province, sector, SUM(amount) AS s FROM sales GROUP BY province, sector",
    "filtered": "SELECT sector, COUNT(*) AS n FROM sales WHERE province IN ('P01', 'P02', 'P03') GROUP BY sector",
    "distinct customers": "SELECT province, COUNT(DISTINCT customer_id) AS c FROM sales GROUP BY province",
    "by month": "SELECT date_trunc('month', sold_at) AS m, SUM(amount) AS s FROM sales "
    "GROUP BY date_trunc('month', sold_at)",
}  # fmt: skip


def run(_kind: str, count: int = 1_000_000) -> list[Figure]:
    """Figures over a generated file of ``count`` sales; a tenth as many customers."""
    policy = Policy.from_json(_policy())
    with tempfile.TemporaryDirectory(prefix="minhbach-bench-") as folder:
        source, made = Path(folder) / "sales.parquet", Path(folder) / "snapshot.parquet"
        _generate(source, count)
        figures = [_build_figure(source, made, policy, count)]
        with Runner(time_buckets=()) as runner, _engine() as engine:
            engine.execute(f"CREATE VIEW sales AS SELECT * FROM read_parquet('{source}')")  # noqa: S608
            figures += [_figure(name, sql, runner, policy, made, engine) for name, sql in QUESTIONS.items()]
    return figures


def _figure(
    name: str, sql: str, runner: Runner, policy: Policy, made: Path, engine: duckdb.DuckDBPyConnection
) -> Figure:
    def ask() -> None:
        answer = runner.run(policy, made, sql)
        if isinstance(answer, Denied):
            raise RuntimeError(f"{name}: refused, {answer.code}")

    ours, bare = _both(ask, lambda: engine.execute(sql).fetchall())
    more = {
        "asked": len(ours),
        "overhead_ms_p50": round(percentile(ours, 0.5) - percentile(bare, 0.5), 3),
        "p99": percentile(ours, 0.99),
        "baseline_p99": percentile(bare, 0.99),
    }
    baseline = "the same SQL in DuckDB over the provider's file, as many threads"
    return Figure(f"guarded query, {name}", "ms p50", percentile(ours, 0.5), percentile(bare, 0.5), baseline, more)


def _both(ask: Callable[[], object], bare: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Milliseconds of each, in turn, so that a busy moment of the machine meets both; the first round warms up."""
    ours: list[float] = []
    plain: list[float] = []
    end = time.monotonic() + 2 * SECONDS
    for number in range(ROUNDS + 1):
        ours.append(_milliseconds(ask))
        plain.append(_milliseconds(bare))
        if time.monotonic() > end and number > 1:
            break
    return ours[1:], plain[1:]


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _build_figure(source: Path, made: Path, policy: Policy, count: int) -> Figure:
    """Building the snapshot, which happens once per test room, against DuckDB writing the same file again."""
    copy = made.with_name("copy.parquet")
    with _engine() as engine:
        bare = _milliseconds(
            lambda: engine.execute(f"COPY (FROM '{source}') TO '{copy}' (FORMAT parquet, COMPRESSION zstd)").fetchall()
        )
    built: list[snapshot.SnapshotInfo] = []
    ours = _milliseconds(lambda: built.append(snapshot.build(source, policy, made, threads=THREADS)))
    more = {
        "rows": count,
        "source_bytes": source.stat().st_size,
        "snapshot_bytes": built[0].bytes,
        "units": built[0].units,
    }
    baseline = "DuckDB copying the file to a new Parquet file"
    return Figure("snapshot build", "ms", round(ours, 1), round(bare, 1), baseline, more)


def _engine() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(":memory:", config={"threads": THREADS})
    engine.execute("SET enable_progress_bar = false").fetchall()
    return engine


def _generate(path: Path, count: int) -> None:
    """Sales over three years in 34 provinces and 12 sectors; the numbers are hashes: every run's are alike."""
    text = f"""
        COPY (SELECT 'P' || lpad(((hash(i) % 34) + 1)::VARCHAR, 2, '0') AS province,
                     's' || (hash(i, 1) % 12) AS sector,
                     CAST(hash(i, 2) % 1000000 AS BIGINT) AS amount,
                     TIMESTAMP '2023-01-01' + INTERVAL (CAST(hash(i, 3) % 1095 AS INTEGER)) DAY AS sold_at,
                     'c' || (hash(i, 4) % {max(1, count // 10)}) AS customer_id
              FROM range({count}) r(i)) TO '{path}' (FORMAT parquet)"""  # noqa: S608
    with _engine() as engine:
        engine.execute(text).fetchall()


def _policy() -> dict[str, Any]:
    return {
        "policy_id": "bench", "version": 1, "contract_hash": "sha256:" + "0" * 64, "mode": "aggregate",
        "min_isolation_tier": 0, "window": {"from": "2026-01-01T00:00:00Z", "to": "2126-01-01T00:00:00Z"},
        "purposes": ["bench"],
        "dataset": {"snapshot_id": "bench", "table": "sales", "unit_column": "customer_id", "max_rows_per_unit": 50},
        "columns": {
            "province": {"role": "dim", "filter": ["=", "IN"]},
            "sector": {"role": "dim", "filter": ["=", "IN"]},
            "amount": {"role": "measure", "bounds": [0, 1_000_000], "aggregates": ["SUM", "AVG"], "filter": False},
            "sold_at": {"role": "time", "grain": ["month"], "filter": [">=", "<"], "literal_step": "month"},
            "customer_id": {"role": "unit", "aggregates": ["COUNT_DISTINCT"]},
        },
        "limits": {"min_group": 10, "max_rows": 1000, "max_cols": 12, "max_group_cols": 3},
        "budgets": {"queries_total": 1_000_000, "queries_per_day": 1_000_000, "concurrent": 2},
        "output": {"view_only": True, "max_bytes": 262_144},
        "export_ban": True,
        "resources": {"mem_mb": 2048, "cpu_s": 60, "wall_s": 60, "threads": THREADS, "spill_mb": 0},
    }  # fmt: skip
