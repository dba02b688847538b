"""The default engine, inside the worker's own process."""

from typing import Any

import duckdb

from sandbox import emit

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
}


class DuckDB:
    """An engine that knows one view over one file, and can be told nothing more."""

    def __init__(self, setup: dict[str, Any]) -> None:
        """Whatever the settings say, it may write below `temp_directory`: that is a folder of this process alone, or
        none."""
        path = str(setup["path"]).replace("'", "''")
        self._connection = duckdb.connect(
            ":memory:", config=CONFIG | {"threads": setup["threads"], "memory_limit": f"{setup['mem_mb']}MB"}
        )
        for statement in (
            "SET enable_progress_bar = false",
            "SET parquet_metadata_cache = true",
            f"CREATE VIEW {emit.TABLE} AS SELECT * FROM read_parquet('{path}')",  # noqa: S608
            f"SET allowed_paths = ['{path}']",
            f"SET temp_directory = '{setup['spill'] or ''}'",
            *((f"SET max_temp_directory_size = '{setup['spill_mb']}MB'",) if setup["spill"] else ()),
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            self.rows(statement)
        flags = self.rows("SELECT current_setting('enable_external_access'), current_setting('lock_configuration')")
        if flags != [(False, True)]:
            raise SystemExit(3)

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """See `Engine`."""
        return self._connection.execute(text).fetchall()

    def code(self, error: Exception) -> str:
        """See `Engine`."""
        if isinstance(error, duckdb.OutOfMemoryException):
            return "E-MEM"
        return "E-TIME" if isinstance(error, duckdb.InterruptException) else "E-ENGINE"


def open(setup: dict[str, Any]) -> DuckDB:
    """The engine over the worker's snapshot."""
    return DuckDB(setup)
