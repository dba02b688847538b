"""Files as strangers send them: what is read, what is refused and why. No database here."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import duckdb
import pytest

from exchange.catalogue.measures import fold_name, shown
from exchange.catalogue.profile import SENTENCES, profile
from exchange.catalogue.upload import clean_name
from exchange.errors import Refused


def _zip(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "a,b\n1,2\n")
    return packed.getvalue()


BAD = {
    "empty": b"",
    "empty_blank": b"\n\n  \n",
    "no_rows": b"a,b\n",
    "zip": _zip("data.csv"),
    "zip_gzip": gzip.compress(b"a,b\n1,2\n"),
    "spreadsheet": _zip("xl/workbook.xml"),
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "html_bom": b"\xef\xbb\xbf  <html>",
    "document": b"%PDF-1.7\n",
    "utf16": "id,tên\n1,Huế\n".encode("utf-16"),
    "encoding": b"id,t\n1," + "Huế".encode()[:-1] + b"\n",
    "encoding_windows1258": b"id,ten\n1,\xd0\xe0 N\xb5ng\n",
    "nul": b"a,b\n1,2\n3,\x00\n",
    "control": b"a,b\n1,\x07\n",
    "ragged": b"a,b\n1,2\n3\n",
    "ragged_more": b"a,b\n1,2\n3,4,5\n",
    "ragged_quote": b'a,b\n1,"2\n3,4\n',
    "columns_repeated": b"id,ten,ID\n1,2,3\n",
    "column_name": b"a,,c\n1,2,3\n",
    "column_name_hidden": "a,b\u202ec\n1,2\n".encode(),
    "columns_too_many": (",".join(f"c{n}" for n in range(10_000)) + "\n" + ",".join("1" * 10_000) + "\n").encode(),
    "header": b"1,2\n3,4\n",
    "json": b'{"a":1}\n{"a":\n',
    "json_repeated": b'{"a":1,"a":2}\n',
    "json_array": b'[{"a":1}]',
    "parquet": b"PAR1" + b"x" * 100 + b"PAR1",
}


@pytest.mark.parametrize("name", BAD)
def test_refused_with_its_own_code(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(BAD[name])
    detail = next(code for code in sorted(SENTENCES, key=len, reverse=True) if name.startswith(code))
    with pytest.raises(Refused) as refused:
        profile(path)
    assert refused.value.code == f"NOT_MACHINE_READABLE:{detail}"
    assert refused.value.refusals[0].passes


def _read(tmp_path: Path, content: bytes):  # type: ignore[no-untyped-def]
    path = tmp_path / "x"
    path.write_bytes(content)
    return profile(path)


def test_types_fit_every_value_and_codes_keep_their_zeros(tmp_path: Path) -> None:
    rows = ("01,1,1.5,2026-01-02,2026-01-02 10:00:00,true,1", "02,2,,2026-01-03,2026-01-02 11:30:00,false,a")
    found = _read(tmp_path, "\n".join(["\ufeffcode,n,x,d,t,b,mixed", *rows, ""]).encode())
    assert [(c["name"], c["type"]) for c in found.columns] == [
        ("code", "VARCHAR"), ("n", "BIGINT"), ("x", "DOUBLE"), ("d", "DATE"), ("t", "TIMESTAMP"), ("b", "BOOLEAN"),
        ("mixed", "VARCHAR"),
    ]  # fmt: skip
    x = found.columns[2]
    assert (x["nulls"], x["distinct"], x["min"], x["max"]) == (1, 1, "1.5", "1.5")


def test_a_late_value_of_another_type_still_decides(tmp_path: Path) -> None:
    rows = b"".join(b"%d\n" % n for n in range(1, 30_000))
    assert _read(tmp_path, b"n\n" + rows + b"1.5\n").columns[0]["type"] == "DOUBLE"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_and_line_ends(tmp_path: Path, delimiter: str) -> None:
    found = _read(tmp_path, f'a{delimiter}b\r\n1{delimiter}"x{delimiter}\r\ny"\r\n'.encode())
    assert found.rows == 1
    assert [c["name"] for c in found.columns] == ["a", "b"]


def test_preview_hides_nothing_and_runs_nothing(tmp_path: Path) -> None:
    found = _read(tmp_path, 'a,b\n=cmd|calc,"\u202eevil"\n@x,\u200bzero\n'.encode())
    assert found.preview == [["=cmd|calc", "⟨U+202E⟩evil"], ["@x", "⟨U+200B⟩zero"]]
    assert shown("x" * 100) == "x" * 80 + "…"


def test_parquet_and_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    duckdb.sql(f"COPY (SELECT 1::INTEGER AS a, 'x' AS b, NULL::DOUBLE AS c) TO '{path}' (FORMAT parquet)")
    assert [(c["type"], c["nulls"]) for c in profile(path).columns] == [("INTEGER", 0), ("VARCHAR", 0), ("DOUBLE", 1)]
    lines = "\n".join(json.dumps({"tên": n, "x": {"y": n}}, ensure_ascii=False) for n in range(3))
    found = _read(tmp_path, lines.encode())
    assert (found.format, found.rows, found.columns[0]["name"]) == ("jsonl", 3, "tên")


def test_personal_data_is_found_by_value_and_by_name(tmp_path: Path) -> None:
    rows = ("0901234567,079123456789,1990,goi +84 90 123 45 67", "a@b.vn,1,1991,khong")
    found = _read(tmp_path, "\n".join(["lien_he,so,Ngày sinh,ghi_chu", *rows, ""]).encode())
    assert {(hit["column"], hit["kind"]) for hit in found.personal_hits} == {
        ("lien_he", "phone"), ("lien_he", "email"), ("so", "citizen_id"), ("Ngày sinh", "name"), ("ghi_chu", "phone"),
    }  # fmt: skip


def test_measurements_are_not_taken_for_phone_numbers(tmp_path: Path) -> None:
    rows = "".join(f"{n / 7:.10f},{n * 912345678},2026-01-01\n" for n in range(1, 200))
    assert _read(tmp_path, b"x,id,day\n" + rows.encode()).personal_hits == []


def test_repeated_rows_are_counted(tmp_path: Path) -> None:
    assert _read(tmp_path, b"a,b\n1,2\n1,2\n1,3\n").duplicate_rows == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\dữ liệu\\cảng.csv", "cảng.csv"), ("a\u202etxt.csv", "atxt.csv"),
        ("\x00\n", "data"), ("..", "data"), ("😀.csv", "😀.csv"), ("x" * 300 + ".csv", "x" * 196 + ".csv"),
    ],
)  # fmt: skip
def test_file_names_lose_what_could_deceive(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_names_are_compared_without_diacritics() -> None:
    assert fold_name("Số Điện thoại") == "so_dien_thoai"
    assert fold_name("fullName") == "full_name"
