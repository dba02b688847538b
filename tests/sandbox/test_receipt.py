"""A receipt: signed, closed, checked by anybody with the public key, and of one answer only."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import OKPKey

from sandbox import __main__ as door
from sandbox import receipt
from sandbox.denials import ReceiptRefused
from sandbox.policy import Policy
from sandbox.runner import Answer, Runner

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
OF_THE_ROOM = {"iss": "log.test/2026", "qid": "01jd", "room": "01jc", "at": "2026-11-22T02:00:00Z"}


@pytest.fixture
def answer(runner: Runner, sales_policy: Policy, sales_snapshot: Path) -> Answer:
    found = runner.run(sales_policy, sales_snapshot, "SELECT sector, sum(amount) AS s FROM sales GROUP BY 1")
    assert isinstance(found, Answer)
    return found


@pytest.fixture
def signed(answer: Answer) -> str:
    return receipt.make({**OF_THE_ROOM, **answer.receipt}, KEY)


def test_what_was_signed_is_read_back_and_belongs_to_its_answer(answer: Answer, signed: str) -> None:
    claims = receipt.check(signed, PUBLIC)
    assert claims == {"v": 1, **OF_THE_ROOM, **answer.receipt}
    assert claims["rules"] == receipt.RULES
    assert claims["unenforced"] == []
    receipt.of_answer(claims, answer.columns, answer.rows)
    with pytest.raises(ReceiptRefused, match="RECEIPT_ANSWER"):
        receipt.of_answer(claims, answer.columns, answer.rows[1:])


def test_another_library_agrees(signed: str) -> None:
    key = OKPKey.import_key(receipt.to_jwk(PUBLIC))  # type: ignore[arg-type]
    assert key.thumbprint() == receipt.thumbprint(PUBLIC)
    found = jws.deserialize_compact(signed, key, algorithms=["Ed25519"])
    assert json.loads(found.payload)["qid"] == "01jd"


def test_every_changed_character_is_noticed(signed: str) -> None:
    for at in range(0, len(signed), 7):
        other = "A" if signed[at] != "A" else "B"
        with pytest.raises(ReceiptRefused):
            receipt.check(signed[:at] + other + signed[at + 1 :], PUBLIC)


def test_another_key_is_named(signed: str) -> None:
    with pytest.raises(ReceiptRefused, match="RECEIPT_KEY"):
        receipt.check(signed, Ed25519PrivateKey.generate().public_key())


def parts(value: Any) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).decode().rstrip("=")
    )


def resigned(header: Any, payload: Any) -> str:
    text = f"{parts(header)}.{parts(payload)}"
    return f"{text}.{base64.urlsafe_b64encode(KEY.sign(text.encode())).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "change",
    [
        lambda header, claims: (header | {"alg": "none"}, claims),
        lambda header, claims: (header | {"crit": ["b64"]}, claims),
        lambda header, claims: (header | {"typ": "minhbach-contract+jws"}, claims),
        lambda header, claims: (header, claims | {"tier": "2"}),
        lambda header, claims: (header, claims | {"tier": True}),
        lambda header, claims: (header, claims | {"more": 1}),
        lambda header, claims: (header, {name: value for name, value in claims.items() if name != "mode"}),
        lambda header, claims: (header, claims | {"v": 2}),
        lambda header, claims: (header, [claims]),
    ],
)
def test_what_is_not_exactly_a_receipt_is_refused_though_signed(
    signed: str, change: Callable[[dict[str, Any], dict[str, Any]], tuple[Any, Any]]
) -> None:
    header = {"alg": "Ed25519", "kid": receipt.thumbprint(PUBLIC), "typ": receipt.TYPE}
    claims = receipt.check(signed, PUBLIC)
    assert resigned(header, claims) == signed
    with pytest.raises(ReceiptRefused, match="RECEIPT_FORM"):
        receipt.check(resigned(*change(header, claims)), PUBLIC)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "....", "é.é.é", "x" * 70_000])
def test_anything_else_is_no_receipt(text: str) -> None:
    with pytest.raises(ReceiptRefused, match="RECEIPT_FORM"):
        receipt.check(text, PUBLIC)


def test_make_refuses_a_receipt_that_says_too_little(answer: Answer) -> None:
    with pytest.raises(ReceiptRefused):
        receipt.make(answer.receipt, KEY)


def test_the_command_checks_a_file_offline(
    answer: Answer, signed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, key, shown = tmp_path / "one.receipt", tmp_path / "key.json", tmp_path / "answer.json"
    file.write_text(signed + "\n")
    key.write_text(json.dumps(receipt.to_jwk(PUBLIC)))
    shown.write_text(json.dumps({"columns": answer.columns, "rows": answer.rows}, default=str))
    arguments = ["receipt", str(file), "--key", str(key), "--answer", str(shown)]
    assert door.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["qid"] == "01jd"
    shown.write_text(json.dumps({"columns": answer.columns, "rows": []}))
    assert door.main(arguments) == 2
    assert "not the one of this answer" in capsys.readouterr().err
    file.write_text(signed[:-3] + "AAA")
    assert door.main([*arguments, "--lang", "vi"]) == 2
    assert "Chữ ký" in capsys.readouterr().err
