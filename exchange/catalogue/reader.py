"""The process that reads a stranger's file: what is it, can a machine read it, what is in it.

Runs alone (``python -m exchange.catalogue.reader``, by apart.py), one file per process. Its job is ``{"path", "work",
"memory_mb", "threads"}``, its answer a profile or ``{"refused": detail, "facts": {...}}``.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from exchange.catalogue import apart, measures

MAX_COLUMNS = 1_000
MAX_NAME = 200  # characters of a column's name
HEADER_BYTES = 4 * 1024 * 1024  # a header line longer than this is no header
DELIMITERS = (",", ";", "\t", "|")
# First bytes of what people upload by mistake.
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x1f\x8b", "zip"), (b"7z\xbc\xaf", "zip"), (b"Rar!", "zip"),
    (b"BZh", "zip"), (b"\x28\xb5\x2f\xfd", "zip"), (b"\xd0\xcf\x11\xe0", "spreadsheet"), (b"%PDF", "document"),
    (b"\xff\xfe", "utf16"), (b"\xfe\xff", "utf16"), (b"\x89PNG", "image"), (b"\xff\xd8\xff", "image"),
)  # fmt: skip
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_LINE = re.compile(r"[Ll]ine:? (\d+)")


class Unreadable(Exception):
    """The file is refused (X12): ``detail`` ends the code NOT_MACHINE_READABLE:…, facts fill its sentence."""

    def __init__(self, detail: str, **facts: int | str) -> None:
        super().__init__(detail)
        self.detail, self.facts = detail, facts


def kind_of(path: Path) -> str:
    """csv, parquet or jsonl, told from the content; the name a file came with says nothing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(65536)
    if not head.strip():
        raise Unreadable("empty")
    if head.startswith(b"PAR1") and size > 12:
        return "parquet"
    for magic, detail in MAGIC:
        if head.startswith(magic):
            raise Unreadable(_office(path) if detail == "zip" else detail)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if start == b"<":
        raise Unreadable("html")
    if start == b"[":
        raise Unreadable("json_array")
    check_text(path)
    return "jsonl" if start == b"{" else "csv"


def _office(path: Path) -> str:
    with path.open("rb") as file:
        return "spreadsheet" if b"xl/" in file.read(65536) else "zip"


def check_text(path: Path) -> None:
    """UTF-8 throughout, without NUL and other control bytes; names the first line that is not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    forbidden = re.compile(rb"[\x00-\x08\x0e-\x1f]")
    for chunk in _chunks(path):
        found = forbidden.search(chunk)
        if found:
            detail = "nul" if found[0] == b"\x00" else "control"
            raise Unreadable(detail, line=line + chunk.count(b"\n", 0, found.start()))
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise Unreadable("encoding", line=line + chunk.count(b"\n", 0, error.start)) from None
        line += chunk.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Unreadable("encoding", line=line) from None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1024 * 1024):
            yield chunk


def csv_header(path: Path) -> tuple[str, list[str]]:
    """The delimiter (the one that cuts the first line into most cells) and the column names."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    text = head.decode("utf-8-sig", errors="ignore")
    best: tuple[str, list[str]] = (",", [])
    for delimiter in DELIMITERS:
        csv.field_size_limit(HEADER_BYTES)
        try:
            names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        if len(names) > len(best[1]):
            best = (delimiter, names)
    if not best[1]:
        raise Unreadable("ragged", line=1)
    return best


def check_names(names: list[str], *, header: bool) -> None:
    """Column names are there, are names, and are different from each other (DuckDB and SQL ignore case)."""
    if len(names) > MAX_COLUMNS:
        raise Unreadable("columns_too_many", count=len(names), most=MAX_COLUMNS)
    if header and all(_NUMBER.fullmatch(name.strip()) for name in names):
        raise Unreadable("header")
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name.strip() or len(name) > MAX_NAME or measures.visible(name) != name:
            raise Unreadable("column_name", number=number, name=measures.visible(name[:80]))
        if name.strip().casefold() in seen:
            raise Unreadable("columns_repeated", name=name.strip()[:80])
        seen.add(name.strip().casefold())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def stage_csv(db: duckdb.DuckDBPyConnection, path: Path, work: Path) -> None:
    """Read the CSV once, strictly and as text, into a columnar copy: from there everything is exact and quick."""
    delimiter, names = csv_header(path)
    check_names(names, header=True)
    columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in names)
    db.execute(
        f"COPY (SELECT * FROM read_csv({_quoted(str(path))}, auto_detect=false, header=true, skip=0, strict_mode=true, "  # noqa: S608 - quoted above
        f"delim={_quoted(delimiter)}, quote='\"', escape='\"', null_padding=false, ignore_errors=false, "
        f"max_line_size=16777216, columns={{{columns}}})) TO {_quoted(str(work / 'staged.parquet'))} (FORMAT parquet)"
    )
    db.execute(f"CREATE VIEW data AS SELECT * FROM read_parquet({_quoted(str(work / 'staged.parquet'))})")  # noqa: S608


def stage_jsonl(db: duckdb.DuckDBPyConnection, path: Path, work: Path) -> None:
    """One object per line; types are taken from all of them, not from a sample."""
    source = (
        f"read_json({_quoted(str(path))}, format='newline_delimited', sample_size=-1, maximum_object_size=16777216)"
    )
    names = [column[0] for column in db.execute(f"SELECT * FROM {source} LIMIT 0").description or []]  # noqa: S608
    if names == ["json"]:
        raise Unreadable("json", line=1)
    check_names(names, header=False)
    db.execute(f"COPY (SELECT * FROM {source}) TO {_quoted(str(work / 'staged.parquet'))} (FORMAT parquet)")  # noqa: S608
    db.execute(f"CREATE VIEW data AS SELECT * FROM read_parquet({_quoted(str(work / 'staged.parquet'))})")  # noqa: S608


def stage_parquet(db: duckdb.DuckDBPyConnection, path: Path, _work: Path) -> None:
    """Columnar already."""
    db.execute(f"CREATE VIEW data AS SELECT * FROM read_parquet({_quoted(str(path))})")  # noqa: S608
    names = [column[0] for column in db.execute("SELECT * FROM data LIMIT 0").description or []]
    check_names(names, header=False)


STAGES = {"csv": stage_csv, "jsonl": stage_jsonl, "parquet": stage_parquet}


def read(path: Path, work: Path, memory_mb: int, threads: int) -> dict[str, Any]:
    """The whole profile of the file at ``path``; ``work`` is a folder for intermediate files."""
    kind = kind_of(path)
    db = connect(path, work, memory_mb, threads)
    try:
        STAGES[kind](db, path, work)
        return {"format": kind, **measures.measure(db, typed=kind != "csv")}
    except duckdb.OutOfMemoryException:
        raise Unreadable("too_large") from None
    except duckdb.Error as error:
        found = _LINE.search(str(error))
        detail = {"csv": "ragged", "jsonl": "json", "parquet": "parquet"}[kind]
        raise Unreadable(detail, line=int(found[1]) if found else 0) from error
    except measures.NoRows:
        raise Unreadable("no_rows") from None
    finally:
        db.close()


def connect(path: Path, work: Path, memory_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """A DuckDB that can open this file and this folder, and nothing else."""
    settings = {"memory_limit": f"{memory_mb}MB", "threads": threads, "temp_directory": str(work / "spill"),
                "autoinstall_known_extensions": False, "autoload_known_extensions": False,
                "preserve_insertion_order": True}  # fmt: skip
    db = duckdb.connect(":memory:", config=settings)  # type: ignore[arg-type]
    db.execute(f"SET allowed_paths=[{_quoted(str(path))}]")
    db.execute(f"SET allowed_directories=[{_quoted(str(work))}]")
    db.execute("SET enable_external_access=false")
    db.execute("SET lock_configuration=true")
    return db


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    try:
        return read(Path(job["path"]), Path(job["work"]), job["memory_mb"], job["threads"])
    except Unreadable as refusal:
        return {"refused": refusal.detail, "facts": refusal.facts}


if __name__ == "__main__":
    apart.answer(_answer)
