"""The different values of one column, read in a process of its own: the file is the provider's, its bytes not trusted.

Only its provider is shown them, and only to say that they are public. `distinct` is the web process's half; run as a
module this is the other half.
"""

import tempfile
from pathlib import Path

import duckdb

from exchange.catalogue import apart, measures, reader
from exchange.errors import N_, Refused, refuse
from exchange.rooms.copying import MEMORY_MB, THREADS
from sandbox.draft import DIM_VALUES

SECONDS = 120


def distinct(source: Path, format: str, column: str, kind: str, field: str) -> list[str]:
    """The values in their order, as text; raises Refused when they are too many, too long or cannot be read."""
    with tempfile.TemporaryDirectory(prefix="minhbach-values-") as work:
        job = {"source": str(source), "format": format, "work": work, "column": column, "kind": kind}
        try:
            values: list[str] | None = apart.ask(
                "exchange.rooms.measured", job, work=work, memory_mb=MEMORY_MB, seconds=SECONDS
            )
        except apart.Unanswered:
            values = None
    if values is None:
        raise _unread(field)
    from exchange.rooms.design_answers import LONGEST_VALUE  # late: the process below needs nothing of it

    if not 0 < len(values) <= DIM_VALUES or any(len(value) > LONGEST_VALUE for value in values):
        text = N_("The column has no values, too many of them, or one that is too long.")
        raise refuse("DESIGN_VALUES", text, field=field, passes=N_("Type the public values yourself, one a line."))
    return values


def _unread(field: str) -> Refused:
    text = N_("The values could not be read from the file.")
    return refuse("DESIGN_VALUES", text, field=field, passes=N_("Type the public values yourself, one a line."))


def _read(job: dict[str, str]) -> list[str] | None:
    """None where the file cannot be read: the engine's message may quote a value of it."""
    source, work = Path(job["source"]), Path(job["work"])
    db = reader.connect(source, work, MEMORY_MB, THREADS)
    try:
        reader.STAGES[job["format"]](db, source, work)
        value = f"CAST(TRY_CAST({measures.identifier(job['column'])} AS {job['kind']}) AS VARCHAR)"
        text = f"SELECT DISTINCT {value} AS v FROM data WHERE {value} <> '' ORDER BY v LIMIT {DIM_VALUES + 1}"  # noqa: S608
        return [str(row[0]) for row in db.execute(text).fetchall()]
    except (duckdb.Error, reader.Unreadable):
        return None
    finally:
        db.close()


if __name__ == "__main__":
    apart.answer(_read)
