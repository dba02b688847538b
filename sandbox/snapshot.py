"""The expensive protection, done once: from the provider's file to the only file a worker may read.

Dropped: every column the policy forbids or does not name. Replaced: the unit's identifier, by a dense number in an
order only the key knows. Clamped: measures to their bounds. Cut: times to the finest grain. Bounded: rows per unit.
"""

import hashlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sandbox.denials import SnapshotRefused
from sandbox.domains import decimals
from sandbox.emit import BITS, UNIT
from sandbox.policy import GRAINS, Column, Kind, Mode, Policy, Role

READERS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".jsonl": "read_ndjson",
    ".ndjson": "read_ndjson",
    ".json": "read_json",
}
BITS_USED = 62  # of a signed 64-bit word: other engines have no unsigned one
PRECISION = 18  # digits of a DECIMAL that still fits 64 bits
FOLDED = "OTHER"
KINDS = {Kind.TEXT: "VARCHAR", Kind.INT: "BIGINT", Kind.BOOL: "BOOLEAN"}
INTEGERS = frozenset(
    "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT BOOLEAN".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class SnapshotInfo:
    """What was built, measured on the result. `units` is None when rows are the unit."""

    path: Path
    sha256: str
    bytes: int
    rows: int
    dropped_rows: int
    units: int | None
    columns: tuple[str, ...]
    policy_hash: str


def build(
    source_file: str | Path,
    policy: Policy,
    out_path: str | Path,
    *,
    key: bytes | None = None,
    mem_mb: int = 1024,
    threads: int = 2,
) -> SnapshotInfo:
    """Write the snapshot beside nothing else: to a temporary name first, then in place."""
    source, out = Path(source_file).resolve(), Path(out_path).resolve()
    reader = READERS.get(source.suffix.lower())
    if reader is None:
        raise SnapshotRefused("SNAPSHOT_FORMAT", suffix=source.suffix)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".snapshot-", dir=out.parent) as folder:
        made = Path(folder) / "snapshot.parquet"
        with _engine(folder, mem_mb, threads) as engine:
            try:
                secret = (key or secrets.token_bytes(32)).hex()
                built = _Build(engine, policy, f"{reader}({_text(str(source))})", secret)
                facts = built.write(made)
            except duckdb.Error:
                # The engine's message may quote a value of the file.
                raise SnapshotRefused("SNAPSHOT_UNREADABLE") from None
        with made.open("rb") as file:
            sha256 = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        os.replace(made, out)
    rows, dropped, units, columns = facts
    return SnapshotInfo(out, sha256, out.stat().st_size, rows, dropped, units, columns, policy.hash)


def _engine(folder: str, mem_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": f"{mem_mb}MB",
        "temp_directory": folder,
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "python_enable_replacements": False,
    }
    engine = duckdb.connect(":memory:", config=config)
    engine.execute("SET enable_progress_bar = false").fetchall()
    return engine


class _Build:
    """One run of the builder; the trusted SQL here is ours and never sees a buyer."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, policy: Policy, source: str, key: str) -> None:
        self.engine, self.policy, self.key = engine, policy, key
        self.source = f"(SELECT * FROM {source})"  # noqa: S608
        described = engine.execute(f"DESCRIBE {self.source[1:-1]}").fetchall()
        self.types = {str(row[0]): str(row[1]) for row in described}
        self.kept = [each for each in policy.columns.values() if each.role in (Role.DIM, Role.TIME, Role.MEASURE)]
        for column in policy.columns.values():
            if column.role is not Role.FORBIDDEN and column.source not in self.types:
                raise SnapshotRefused("SNAPSHOT_COLUMN_MISSING", column=column.name)

    def write(self, made: Path) -> tuple[int, int, int | None, tuple[str, ...]]:
        """Copy the protected rows out, sorted by dimension, and count what came out."""
        names = [f'"{each.name}"' for each in self.kept]
        shown = [f"{self._value(each)} AS {name}" for each, name in zip(self.kept, names, strict=True)]
        if self.policy.unit_column is None:
            text = f"SELECT {', '.join(shown)} FROM {self.source} s"  # noqa: S608
        else:
            self._units()
            text = self._bounded(shown, names)
        dims = [f'"{each.name}"' for each in self.kept if each.role is not Role.MEASURE]
        order = f" ORDER BY {', '.join(dims)}" if dims else ""
        text = f"SELECT * FROM ({text}){order}"  # noqa: S608
        # Written once and read at every question, which unpacking would slow more than reading a third more.
        self._do(f"COPY ({text}) TO {_text(str(made))} (FORMAT parquet, COMPRESSION uncompressed)")
        rows = self._one(f"SELECT count(*) FROM read_parquet({_text(str(made))})")  # noqa: S608
        total = self._one(f"SELECT count(*) FROM {self.source}")  # noqa: S608
        units = None if self.policy.unit_column is None else self._one("SELECT count(*) FROM _units")
        return rows, total - rows, units, tuple(each.name for each in self.kept)

    def _unit(self) -> str:
        name = str(self.policy.unit_column).lower()
        return f"CAST(s.{_name(self.policy.columns[name].source)} AS VARCHAR)"

    def _units(self) -> None:
        """Dense numbers in keyed order. Rows without an identifier belong to nobody and are left out."""
        distinct = f"SELECT {self._unit()} AS id, count(*) AS rows FROM {self.source} s WHERE {self._unit()} IS NOT NULL GROUP BY 1"  # noqa: S608, E501
        keyed = f"sha256('{self.key}' || sha256('{self.key}' || id))"
        self._do(
            f"CREATE TABLE _units AS SELECT id, rows, CAST(row_number() OVER (ORDER BY {keyed}) - 1 AS INTEGER) AS {UNIT} "  # noqa: S608, E501
            f"FROM ({distinct})"
        )

    def _bounded(self, shown: list[str], names: list[str]) -> str:
        """At most M rows per unit, chosen by the key. A window costs a sort: only rows of units with more enter it."""
        most = self.policy.max_rows_per_unit
        lot = f"CASE WHEN u.rows > {most} THEN hash('{self.key}' || s::VARCHAR) END AS _lot"
        bits = f"1::BIGINT << CAST(u.{UNIT} % {BITS_USED} AS BIGINT) AS {BITS}"
        joined = (
            f"SELECT {', '.join([*shown, f'u.{UNIT}', bits, lot])} "  # noqa: S608
            f"FROM {self.source} s JOIN _units u ON u.id = {self._unit()}"
        )
        wanted = ", ".join([*names, UNIT, BITS])
        few = f"SELECT {wanted} FROM ({joined} WHERE u.rows <= {most})"  # noqa: S608
        window = f"row_number() OVER (PARTITION BY {UNIT} ORDER BY _lot)"
        many = f"SELECT {wanted} FROM ({joined} WHERE u.rows > {most}) QUALIFY {window} <= {most}"  # noqa: S608
        return f"{few} UNION ALL {many}"

    def _value(self, column: Column) -> str:
        raw = f"s.{_name(column.source)}"
        if column.role is Role.MEASURE:
            return self._clamped(raw, column)
        if column.role is Role.TIME:
            return self._cut(raw, column)
        value = f"TRY_CAST({raw} AS {KINDS[column.kind]})"
        if self.policy.mode is Mode.AGGREGATE_DP:
            return self._public(value, column)
        return self._folded(value, column) if column.kind is Kind.TEXT else value

    def _public(self, value: str, column: Column) -> str:
        """Folding by a count would make one row's value depend on the others: here the public list alone decides."""
        listed = ", ".join(_literal(each) for each in column.domain or ())
        return f"CASE WHEN {value} IN ({listed}) THEN {value} END"

    def _folded(self, value: str, column: Column) -> str:
        if column.min_units_for_value < 2:
            return value
        units = f"count(DISTINCT {self._unit()})" if self.policy.unit_column is not None else "count(*)"
        table = f"_keep_{column.name.lower()}"
        self._do(
            f"CREATE TABLE {table} AS SELECT {value} AS v FROM {self.source} s "  # noqa: S608
            f"GROUP BY 1 HAVING {units} >= {column.min_units_for_value}"
        )
        kept = f"SELECT v FROM {table} WHERE v IS NOT NULL"  # noqa: S608
        return f"CASE WHEN {value} IS NULL THEN NULL WHEN {value} IN ({kept}) THEN {value} ELSE '{FOLDED}' END"

    def _clamped(self, raw: str, column: Column) -> str:
        if column.bounds is None:
            raise SnapshotRefused("SNAPSHOT_COLUMN_TYPE", column=column.name)
        low, high = column.bounds
        kind = self.types[column.source]
        if kind in INTEGERS:
            low, high, target, value = int(low), int(high), "BIGINT", f"CAST({raw} AS HUGEINT)"
        else:
            whole = len(str(int(max(abs(low), abs(high)))))
            scale = decimals(column) if self.policy.mode is Mode.AGGREGATE_DP else _scale(kind)
            target = f"DECIMAL({PRECISION}, {min(scale, PRECISION - whole)})"
            value = raw if kind.startswith("DECIMAL") else f"TRY_CAST({raw} AS DOUBLE)"
        empty = (
            f"{value} IS NULL"
            if kind.startswith("DECIMAL") or kind in INTEGERS
            else f"{value} IS NULL OR isnan({value})"
        )
        # greatest and least skip NULL in this engine: a missing amount must stay missing.
        return f"CASE WHEN {empty} THEN NULL ELSE CAST(greatest({low}, least({high}, {value})) AS {target}) END"

    def _cut(self, raw: str, column: Column) -> str:
        kind = self.types[column.source]
        if kind == "TIMESTAMP WITH TIME ZONE":
            raw = f"timezone('Asia/Ho_Chi_Minh', {raw})"
        elif kind == "VARCHAR":
            raw = f"TRY_CAST({raw} AS TIMESTAMP)"
        elif kind != "DATE" and not kind.startswith("TIMESTAMP"):
            raise SnapshotRefused("SNAPSHOT_COLUMN_TYPE", column=column.name)
        cut = f"CAST(date_trunc('{finest(column)}', CAST({raw} AS TIMESTAMP)) AS DATE)"
        if self.policy.mode is not Mode.AGGREGATE_DP or not isinstance(column.domain, tuple):
            return cut
        starts, ends = column.domain
        inside = f"CAST({raw} AS TIMESTAMP) >= DATE '{starts}' AND CAST({raw} AS TIMESTAMP) < DATE '{ends}'"
        return f"CASE WHEN {inside} THEN {cut} END"

    def _do(self, text: str) -> None:
        self.engine.execute(text).fetchall()

    def _one(self, text: str) -> int:
        return int(self.engine.execute(text).fetchall()[0][0])


def finest(column: Column) -> str:
    """The period to which a snapshot cuts a time: the finest that a question may name."""
    used = {*column.grain, column.literal_step}
    grain = next(each for each in GRAINS if each in used)
    return "day" if grain == "week" and len(used) > 1 else grain  # weeks do not add up to months


def _literal(value: str | int | bool) -> str:
    return _text(value) if isinstance(value, str) else str(value)


def _scale(kind: str) -> int:
    return int(kind.rstrip(")").split(",")[1]) if kind.startswith("DECIMAL") else 6


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
