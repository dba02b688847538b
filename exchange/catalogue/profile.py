"""From a file on our disk to its profile, or to a refusal that says what to correct (X12)."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.catalogue import apart
from exchange.errors import N_, Refused, refuse

MEMORY_MB = 1024  # for the reading process; larger data spill to disk
THREADS = 2
SECONDS = 900  # of wall clock and of processor time; a 4 GB CSV takes about two minutes on two cores

BASIS = N_("Decree 314/2026/NĐ-CP Art. 17")
_UTF8 = N_("Save the file as “CSV UTF-8” and upload it again.")
_FORMATS = N_("A CSV file in UTF-8, a Parquet file, or JSON Lines (one object per line).")
# The detail after "NOT_MACHINE_READABLE:" -> what is wrong, what would pass.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "empty": (N_("The file is empty."), _FORMATS),
    "no_rows": (N_("The file names its columns but has no rows."), N_("At least one row of data.")),
    "zip": (N_("This is a compressed archive, not a data file."), N_("Unpack it and upload the data file inside.")),
    "spreadsheet": (
        N_("This is a spreadsheet file (Excel), whatever its name says."),
        N_("Save the sheet as “CSV UTF-8”."),
    ),
    "document": (N_("This is a PDF document; a machine cannot read its tables reliably."), _FORMATS),
    "image": (N_("This is a picture, not data."), _FORMATS),
    "html": (N_("This is a web page or XML, not a data file."), _FORMATS),
    "utf16": (N_("The file is encoded in UTF-16."), _UTF8),
    "encoding": (
        N_("Line %(line)s is not UTF-8. Older encodings such as Windows-1258 or TCVN3 cannot be told apart safely."),
        _UTF8,
    ),
    "nul": (N_("Line %(line)s holds a NUL byte, so this is not a text file."), _FORMATS),
    "control": (N_("Line %(line)s holds a control character that text does not use."), _FORMATS),
    "ragged": (
        N_("Line %(line)s does not fit the header: it has more or fewer values, or a quotation mark is not closed."),
        N_("Every line has as many values as the header has names; values with commas stand in quotation marks."),
    ),
    "json": (N_("Line %(line)s is not one JSON object with distinct names."), N_("One JSON object per line.")),
    "json_array": (
        N_("This is one JSON array, not JSON Lines."),
        N_("One JSON object per line, without brackets around them."),
    ),
    "parquet": (N_("The Parquet file is damaged or cut off."), N_("Upload the whole file again.")),
    "header": (
        N_("The first line holds numbers, not the names of the columns."),
        N_("The first line names the columns."),
    ),
    "column_name": (
        N_("The name of column %(number)s (“%(name)s”) is empty, too long or holds invisible characters."),
        N_("A visible name of at most 200 characters for each column."),
    ),
    "columns_repeated": (
        N_("The column name “%(name)s” appears more than once (upper and lower case count as the same)."),
        N_("A different name for each column."),
    ),
    "columns_too_many": (N_("The file has %(count)s columns."), N_("At most %(most)s columns.")),
    "too_large": (
        N_("Reading the file needs more memory than the exchange gives to one file."),
        N_("Split the file, or upload it as Parquet."),
    ),
    "too_slow": (N_("Reading the file took too long."), N_("Split the file, or upload it as Parquet.")),
    "unreadable": (N_("The file could not be read as data."), _FORMATS),
}


@dataclass(frozen=True)
class Profile:
    """What reading a file measured; see measures.py for each value."""

    format: str
    rows: int
    columns: list[dict[str, Any]]
    preview: list[list[str | None]]
    personal_hits: list[dict[str, Any]]
    duplicate_rows: int | None


def profile(path: Path) -> Profile:
    """Read the file in a process of its own; raises Refused with NOT_MACHINE_READABLE:<detail>."""
    with tempfile.TemporaryDirectory(prefix="minhbach-read-") as work:
        job = {"path": str(path), "work": work, "memory_mb": MEMORY_MB, "threads": THREADS}
        try:
            answer = apart.ask("exchange.catalogue.reader", job, work=work, memory_mb=MEMORY_MB, seconds=SECONDS)
        except apart.Unanswered as ended:
            # Killed by its limits, or a file that breaks the parser: refused all the same, the rest goes on.
            raise refusal("too_slow" if ended.late else "unreadable", {}) from None
    if "refused" in answer:
        raise refusal(answer["refused"], answer["facts"])
    return Profile(**answer)


def refusal(detail: str, facts: Mapping[str, Any]) -> Refused:
    """The X12 refusal with its sentence."""
    text, passes = SENTENCES[detail]
    shown = ", ".join(f"{name}={value}" for name, value in facts.items()) or None
    return refuse(
        f"NOT_MACHINE_READABLE:{detail}", text, field="file", basis=BASIS, value=shown, passes=passes, **facts
    )
