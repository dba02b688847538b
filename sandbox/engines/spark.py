"""Spark, for snapshots that one machine's DuckDB no longer answers in time (extra `spark`; needs Java 17 or newer).

Its Java process starts others and opens sockets to talk to Python, so the lock of `confine` cannot be put on it: the
worker reports tier 0, and a policy that asks for more refuses to run here (X7). Where that matters the whole worker
belongs into a container without network. The text comes from `emit`, never from a buyer: Spark's own functions can run
commands and read files, and cannot be switched off.
"""

import os
from typing import Any

from pyspark.sql import SparkSession

from sandbox import emit

CONFIG = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.runSQLOnFiles": "false",  # no path in the place of a table
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",  # an overflow would end the query, and so tell something of the data
    "spark.log.level": "OFF",
}


class Spark:
    """A session with one view over one file."""

    def __init__(self, setup: dict[str, Any]) -> None:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = SparkSession.builder.master(f"local[{setup['threads']}]")
        more = {"spark.driver.memory": f"{setup['mem_mb']}m", "spark.sql.shuffle.partitions": str(setup["threads"] * 2)}
        for name, value in (CONFIG | more).items():
            builder = builder.config(name, value)
        self._session = builder.getOrCreate()
        self._session.read.parquet(str(setup["path"])).createTempView(emit.TABLE)

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """See `Engine`."""
        return [tuple(row) for row in self._session.sql(text).collect()]

    def code(self, error: Exception) -> str:
        """See `Engine`. What is too slow is killed from outside."""
        return "E-MEM" if "OutOfMemory" in str(error) else "E-ENGINE"


def open(setup: dict[str, Any]) -> Spark:
    """The engine over the worker's snapshot."""
    return Spark(setup)
