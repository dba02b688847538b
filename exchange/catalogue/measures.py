"""What reading the data measures: per column type, nulls, distinct values, range; personal-data hits; a preview.

Works on a DuckDB connection that has a view ``data``. When the source has no types of its own (CSV) every column
arrives as text and the narrowest type that fits *every* value is found.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

SHOWN = 80  # characters of a value that a page shows
PREVIEW_ROWS = 20
BATCH = 16  # columns per query: bounds the memory of the aggregates
DUPLICATE_CELLS = 60_000_000  # rows x columns up to which whole rows are compared
EXACT_CELLS = 20_000_000  # rows x columns up to which distinct values are counted one by one, beyond it estimated
INFERENCE_HEAD = 20_000  # rows
# Tried in this order, {0} is the column; a column of text is what none of them fits. Values that are NULL are left out.
CANDIDATES: dict[str, str] = {
    "BIGINT": "TRY_CAST({0} AS BIGINT) IS NOT NULL AND regexp_full_match({0}, '[+-]?(0|[1-9][0-9]*)')",
    "DOUBLE": "TRY_CAST({0} AS DOUBLE) IS NOT NULL AND NOT regexp_matches({0}, '^[+-]?0[0-9]')",
    "BOOLEAN": "lower({0}) IN ('true', 'false')",
    "DATE": "TRY_CAST({0} AS DATE) IS NOT NULL AND length({0}) <= 10",
    "TIMESTAMP": "TRY_CAST({0} AS TIMESTAMP) IS NOT NULL",
}

# X14. Patterns look for values that single out a person in Viet Nam; a person reviews what they find.
PATTERNS: dict[str, str] = {
    "phone": r"(^|[^0-9])(\+?84|0)[ .-]?[35789][0-9]([ .-]?[0-9]){7}($|[^0-9])",
    "citizen_id": r"(^|[^0-9])0[0-9]{2}[0-9][0-9]{8}($|[^0-9])",  # căn cước: province, century and sex, year, 6 digits
    "email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}",
}
NAMES = frozenset(
    """
    phone phone_number telephone mobile sdt so_dien_thoai dien_thoai email e_mail email_address cccd cmnd can_cuoc
    so_cccd so_cmnd can_cuoc_cong_dan passport passport_number ho_chieu ho_ten ho_va_ten full_name fullname
    first_name last_name customer_name ten_khach_hang ngay_sinh date_of_birth birthday birth_date dob
    dia_chi_nha home_address bien_so_xe licence_plate so_tai_khoan bank_account
    """.split()  # noqa: SIM905 - forty quoted words are harder to read
)


class NoRows(Exception):
    """The file has columns but nothing in them."""


def visible(text: str) -> str:
    """The same text with control and direction-changing signs shown by number: nothing hides in a preview."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(sign):04X}⟩" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else sign
        for sign in text
    )


def shown(value: object) -> str | None:
    """A value as a page may show it: cut, and with nothing invisible in it. Formula-looking text stays text."""
    if value is None:
        return None
    text = str(value)
    return visible(text[:SHOWN]) + ("…" if len(text) > SHOWN else "")


def identifier(name: str) -> str:
    """A column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def fold_name(name: str) -> str:
    """A column's name for comparing: lower case, no diacritics, words joined by underscores."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(sign for sign in plain if unicodedata.category(sign) != "Mn")
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)  # fullName
    return re.sub(r"[^a-z0-9]+", "_", spaced.casefold()).strip("_")


def _batches(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(names), BATCH):
        yield tuple(names[start : start + BATCH])


def measure(db: duckdb.DuckDBPyConnection, *, typed: bool) -> dict[str, Any]:
    """Everything that is stored about a file besides its digest."""
    described = db.execute("SELECT * FROM data LIMIT 0").description or []
    names = [str(column[0]) for column in described]
    rows = int(_one(db, "SELECT count(*) FROM data")[0])
    if rows == 0:
        raise NoRows()
    types = {str(c[0]): str(c[1]) for c in described} if typed else _infer(db, names)
    columns = [column for part in _batches(names) for column in _profile(db, part, types, rows)]
    return {
        "rows": rows,
        "columns": columns,
        "preview": _preview(db, names),
        "personal_hits": _personal(db, [n for n in names if _is_text(types[n])], names),
        "duplicate_rows": _duplicates(db, names, rows),
    }


def _one(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = db.execute(sql).fetchone()
    if row is None:
        raise NoRows()
    return row


def _is_text(kind: str) -> bool:
    return kind.startswith(("VARCHAR", "STRUCT", "JSON", "MAP", "ENUM")) or kind.endswith("]")


def _infer(db: duckdb.DuckDBPyConnection, names: list[str]) -> dict[str, str]:
    """The narrowest type that every value of a column fits. Codes with leading zeros stay text.

    The first rows rule most candidates out; only what survives them is tried on the whole column.
    """
    head = f"(SELECT * FROM data LIMIT {INFERENCE_HEAD})"  # noqa: S608 - a constant
    types: dict[str, str] = {}
    for part in _batches(names):
        likely = _fitting(db, head, {name: list(CANDIDATES) for name in part})
        fits = _fitting(db, "data", likely)
        types |= {name: next(iter(fits[name]), "VARCHAR") for name in part}
    return types


def _fitting(db: duckdb.DuckDBPyConnection, source: str, tried: dict[str, list[str]]) -> dict[str, list[str]]:
    """Of the candidates tried for each column, those that fit every value in ``source``."""
    pairs = [(name, kind) for name, kinds in tried.items() for kind in kinds]
    if not pairs:
        return tried
    columns = [(identifier(name), CANDIDATES[kind]) for name, kind in pairs]
    tests = ", ".join(f"bool_and({test.format(c)}) FILTER ({c} IS NOT NULL)" for c, test in columns)
    verdicts = _one(db, f"SELECT {tests} FROM {source}")  # noqa: S608 - identifiers quoted
    # A column without any value (NULL verdict) fits nothing in particular: text.
    good = {pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict}
    return {name: [kind for kind in kinds if (name, kind) in good] for name, kinds in tried.items()}


def _profile(
    db: duckdb.DuckDBPyConnection, names: tuple[str, ...], types: dict[str, str], rows: int
) -> list[dict[str, Any]]:
    exact = rows * len(types) <= EXACT_CELLS
    parts = []
    for name in names:
        column, kind = identifier(name), types[name]
        value = f"TRY_CAST({column} AS {kind})" if not _is_text(kind) else f"left(CAST({column} AS VARCHAR), 200)"
        low, high = (f"CAST({edge}({value}) AS VARCHAR)" for edge in ("min", "max"))
        distinct = f"count(DISTINCT {column})" if exact else f"approx_count_distinct({column})"
        parts.append(f"count({column}), {distinct}, {low}, {high}")
    row = _one(db, f"SELECT {', '.join(parts)} FROM data")  # noqa: S608 - identifiers quoted
    found = []
    for position, name in enumerate(names):
        present, distinct, low, high = row[position * 4 : position * 4 + 4]
        found.append({
            "name": name, "type": types[name][:200], "nulls": rows - present, "distinct": min(distinct, present),
            "distinct_exact": exact, "min": shown(low), "max": shown(high),
        })  # fmt: skip
    return found


def _preview(db: duckdb.DuckDBPyConnection, names: list[str]) -> list[list[str | None]]:
    cells = ", ".join(f"left(CAST({identifier(name)} AS VARCHAR), {SHOWN + 1})" for name in names)
    rows = db.execute(f"SELECT {cells} FROM data LIMIT {PREVIEW_ROWS}").fetchall()  # noqa: S608 - identifiers quoted
    return [[shown(cell) for cell in row] for row in rows]


def _personal(db: duckdb.DuckDBPyConnection, text: list[str], names: list[str]) -> list[dict[str, Any]]:
    """Columns whose name or values look personal, with how many values; never the values themselves."""
    hits = [{"column": name, "kind": "name", "count": 0} for name in names if fold_name(name) in NAMES]
    for part in _batches(text):
        counts = ", ".join(
            f"count(*) FILTER (regexp_matches(CAST({identifier(name)} AS VARCHAR), '{pattern}'))"
            for name in part
            for pattern in PATTERNS.values()
        )
        row = iter(_one(db, f"SELECT {counts} FROM data"))  # noqa: S608 - identifiers quoted, patterns ours
        hits += [{"column": n, "kind": k, "count": count} for n in part for k in PATTERNS if (count := next(row))]
    return hits


def _duplicates(db: duckdb.DuckDBPyConnection, names: list[str], rows: int) -> int | None:
    """Rows that repeat an earlier one entirely; None when comparing them all would cost too much."""
    if rows * len(names) > DUPLICATE_CELLS:
        return None
    whole = ", ".join(identifier(name) for name in names)
    return rows - int(_one(db, f"SELECT count(DISTINCT hash({whole})) FROM data")[0])  # noqa: S608 - quoted
