"""What answers the text that `emit` makes: DuckDB, or Spark when a snapshot has outgrown one machine's patience.

Each engine is one module with `open(setup) -> Engine`, imported by its name in the worker and nowhere else. Both get
text made from the same question in their own dialect, and their rows go through the same floor and noise.
"""

from typing import Any, Protocol

DUCKDB, SPARK = "duckdb", "spark"


class Engine(Protocol):
    """One opened snapshot."""

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """Every row of the answer; `text` itself holds the limit. Raises whatever the engine raises."""
        ...

    def code(self, error: Exception) -> str:
        """Which of the codes that may leave the worker (E-MEM, E-TIME, E-ENGINE) an error of `rows` is."""
        ...
