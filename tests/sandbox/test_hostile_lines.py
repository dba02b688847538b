"""`python -m sandbox` with lines and files that nobody means well: a verdict or a refusal each, never a traceback."""

import io
import json
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
