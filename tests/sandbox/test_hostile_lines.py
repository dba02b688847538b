"""`python -m sandbox` with lines and files that nobody means well: a verdict or a refusal each, never a traceback."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox import __main__ as door
from tests.sandbox.test_policy import at

SQL = "SELECT count(*) FROM sales"


@pytest.fixture
def policy_file(tmp_path: Path, sales_document: dict[str, Any]) -> Path:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(sales_document))
    return file


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("[" * 100_000, "S0"),
        ('{"sql": ' * 50_000, "S0"),
        (json.dumps({"sql": SQL, "context": {"now": "9999-12-31T23:59:59-14:00"}}), "X0"),
        (json.dumps({"sql": SQL, "context": {"now": "0001-01-01T00:00:00+14:00"}}), "X0"),
        (json.dumps({"sql": SQL, "id": "\ud800"}), None),
        (json.dumps({"sql": "SELECT \udfff FROM sales", "id": "\ud800"}), "L2"),
        (json.dumps({"sql": SQL, "context": {"state": "\ud800"}}), "X2"),
        ('{"sql": "SELECT phone FROM sales", "sql": "SELECT count(*) FROM sales"}', "S0"),
        ('{"id": NaN, "sql": "SELECT count(*) FROM sales"}', "S0"),
        ('{"id": 1e999, "sql": "SELECT count(*) FROM sales"}', "S0"),
        (json.dumps({"sql": "x" * 1_000_000}), "L0"),
        (json.dumps({"sql": SQL, "context": {"queries_left": True}}), "X0"),
        (json.dumps({"sql": SQL, "context": {"running": -1}}), "X0"),
        (json.dumps({"sql": SQL, "context": {"purpose": ["site_selection"]}}), "X0"),
        (json.dumps({"sql": SQL, "context": {"parallel": "two"}}), "X0"),
        (json.dumps({"sql": SQL, "context": {"output": ["view"]}}), "X0"),
    ],
)
def test_a_hostile_line_is_judged_and_the_next_one_too(
    policy_file: Path, line: str, code: str | None, capfdbinary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{line}\n{json.dumps({'sql': SQL, 'id': 'after'})}\n"))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8"))
    assert door.main(["check", "--policy", str(policy_file)]) == 0
    first, second = (json.loads(each) for each in capfdbinary.readouterr().out.splitlines())
    assert first["code"] == code
    assert (second["id"], second["verdict"] != "deny") == ("after", True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("policy_id", "\ud800"),
        ("window.from", "9999-12-31T23:59:59-14:00"),
        ("window.to", "0001-01-01T00:00:00+14:00"),
        ("columns.amount.bounds", [0, 10**400]),
    ],
)
def test_a_value_that_no_machine_can_hold_refuses_the_policy(
    policy_file: Path, sales_document: dict[str, Any], path: str, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    policy_file.write_text(json.dumps(at(sales_document, path, value)))
    assert door.main(["check", "--policy", str(policy_file)]) == 2
    assert "policy" in capsys.readouterr().err.lower()


@pytest.mark.parametrize("data", [b"\xff", b"[" * 100_000, b'{"version": ' + b"9" * 5_000 + b"}", b"", b"{"])
def test_a_file_that_is_no_json_is_refused(tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    assert door.main(["check", "--policy", str(file)]) == 2
    assert door.main(["receipt", str(file), "--key", str(file)]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["[]", "1", "{}", '{"columns": 1, "rows": 2}', '{"columns": [], "rows": [1]}'])
def test_an_answer_of_another_form_is_not_the_one_of_a_receipt(
    tmp_path: Path, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answer.json"
    file.write_text(answer)
    monkeypatch.setattr("sandbox.receipt.check", lambda _text, _key: {"result_sha256": "sha256:0"})
    monkeypatch.setattr("sandbox.receipt.from_jwk", lambda _jwk: None)
    (tmp_path / "empty").write_text("{}")
    arguments = ["receipt", str(tmp_path / "empty"), "--key", str(tmp_path / "empty"), "--answer", str(file)]
    assert door.main(arguments) == 2


@pytest.mark.parametrize(
    "text",
    ["", "{", "\ufeff{}", "[" * 100_000, '{"policy_id": NaN}', '{"version": 1e999}', '{"version": ' + "9" * 5000 + "}"],
)
def test_a_file_that_is_no_json_is_no_policy(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.json"
    for path in (file, tmp_path):  # a folder is no policy either
        file.write_text(text)
        assert door.main(["check", "--policy", str(path), "--lang", "vi"]) == 2
        assert "Không đọc được tệp chính sách" in capsys.readouterr().err


def test_of_two_limits_of_one_name_neither_is_taken(policy_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy_file.write_text(policy_file.read_text().replace('"min_group": 10', '"min_group": 10, "min_group": 2'))
    assert door.main(["check", "--policy", str(policy_file)]) == 2
    assert "min_group" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("window", {"from": "2020-01-01T00:00:00Z", "to": "2021-01-01T00:00:00Z"}, "X1"),
        ("window", {"from": "9000-01-01T00:00:00Z", "to": "9001-01-01T00:00:00Z"}, "X1"),
        ("state", "killed", "X2"),
        ("purposes", [], "X3"),
        ("budgets.concurrent", 0, "B4"),
    ],
)
def test_a_policy_that_lets_nobody_ask_now_answers_nothing(
    policy_file: Path, sales_document: dict[str, Any], path: str, value: Any, code: str, capsys: Any, monkeypatch: Any
) -> None:
    """Without a word about circumstances in the line: the clock's time and the policy's own terms hold."""
    policy_file.write_text(json.dumps(at(sales_document, path, value)))
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"sql": SQL})))
    assert door.main(["check", "--policy", str(policy_file)]) == 0
    assert json.loads(capsys.readouterr().out)["code"] == code


def test_lines_are_utf8_whatever_the_machine_speaks(policy_file: Path, sales_document: dict[str, Any]) -> None:
    asked = f"SELECT count(*) FROM {sales_document['dataset']['table']} WHERE province = 'Hà Nội'"
    made = subprocess.run(
        [sys.executable, "-m", "sandbox", "check", "--policy", str(policy_file), "--lang", "vi"],
        input=b'{"sql": "\xff"}\n' + json.dumps({"id": "Hà", "sql": asked}, ensure_ascii=False).encode(),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    broken, fine = (json.loads(line) for line in made.stdout.splitlines())
    assert (broken["code"], fine["id"], fine["verdict"]) == ("L2", "Hà", "allow")
