"""An official finds one contract in the log, reads its story, and checks its evidence on a machine of their own."""

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

import contracts
from tests.journeys import steps
from tests.journeys.visitor import Visitor
from tests.journeys.words import vi

WARRANT = {"number": "12/QĐ-TTr", "authority": "Thanh tra Thành phố", "scope": "Giao dịch dữ liệu hàng không",
           "starts": "2026-11-01", "ends": "2026-12-31"}  # fmt: skip


@pytest.fixture
def contract_id(app: Flask, provider: Visitor, buyer: Visitor, listing_id: str, now: datetime) -> str:
    """In force, downloaded once, asked for by a stranger, with noise of others in the log."""
    made = steps.concluded(buyer, provider, listing_id, now)
    file = buyer.open(f"/contracts/{made}").link("/files/")
    assert buyer.client.get(file).status_code == 200
    steps.join(Visitor(app), "stranger").open(file, 403)
    app.extensions["minhbach.sequencer"].run_once()
    return made


def test_an_official_follows_a_contract_and_proves_it(
    app: Flask, regulator: Visitor, provider: Visitor, contract_id: str, listing_id: str, tmp_path: Path
) -> None:
    _nothing_without_a_warrant(regulator, contract_id)
    _warrant(regulator)
    _found_by(regulator, "Đông Nam", contract_id, listing_id)
    _story(regulator, contract_id)
    bundle = regulator.client.get(f"/oversight/contracts/{contract_id}/evidence.zip")
    assert bundle.status_code == 200
    policy = app.test_client().get("/log/keys").text
    _checked_elsewhere(tmp_path, bundle.data, policy)

    # The looks are themselves in the log, and the parties of the contract see that they were looked at by nobody else.
    app.extensions["minhbach.sequencer"].run_once()
    regulator.open(f"/oversight/log?contract={contract_id}&event=audit.looked").says("audit.looked")
    regulator.open(f"/oversight/log?contract={contract_id}&event=evidence.exported").says("evidence.exported")
    provider.open(f"/oversight/contracts/{contract_id}", 403)


def _nothing_without_a_warrant(regulator: Visitor, contract_id: str) -> None:
    for address in ("/oversight/log", f"/oversight/contracts/{contract_id}"):
        regulator.open(address, 403)
        assert "WARRANT_NEEDED" in steps.refusals(regulator.page)


def _warrant(regulator: Visitor) -> None:
    regulator.open("/oversight")
    regulator.send("/warrants", status=422, **(WARRANT | {"ends": "2026-10-01", "scope": " "}))
    assert ("number", WARRANT["number"]) in regulator.page.form("/warrants").filled
    regulator.send("/warrants", **WARRANT)
    regulator.page.says("12/QĐ-TTr")


def _found_by(regulator: Visitor, name: str, contract_id: str, listing_id: str) -> None:
    regulator.open("/oversight")
    regulator.send("/log", org=name)
    regulator.page.says("Công ty Kho vận Đông Nam", "contract.active", "delivery.made")
    for question in (
        {"listing": listing_id}, {"contract": contract_id}, {"from": "2026-11-22", "to": "2026-11-22"},
        {"event": "contract.active"},
    ):  # fmt: skip
        regulator.open("/oversight/log")
        regulator.send("/log", **question)
        assert f"/oversight/contracts/{contract_id}" in regulator.page.html, question
    regulator.open("/oversight/log?to=2026-11-21")
    assert contract_id not in regulator.page.html
    regulator.open(f"/oversight/log?contract={contract_id}&event=contract.active")
    regulator.follow(f"/oversight/contracts/{contract_id}")


def _story(regulator: Visitor, contract_id: str) -> None:
    assert regulator.page.url.endswith(contract_id)
    regulator.page.says(
        vi("Checked just now against the head of %(size)s records: everything holds."),
        "Công ty Dữ liệu Đường bay",
        "Công ty Kho vận Đông Nam",
        "300.000 ₫",
    )
    regulator.page.says("contract.agreed", "contract.signed", "contract.active", "delivery.made", "delivery.refused")
    order = [regulator.page.html.index(event) for event in ("contract.agreed", "contract.signed", "contract.active")]
    assert order == sorted(order)


def _checked_elsewhere(tmp_path: Path, data: bytes, policy: str) -> None:
    """``python -m contracts verify`` in a folder that holds the contracts package and nothing else of ours."""
    alone = tmp_path / "alone"
    package = Path(contracts.__file__).parent
    shutil.copytree(package, alone / "contracts", ignore=shutil.ignore_patterns("__pycache__"))
    (alone / "log.policy").write_text(policy, encoding="utf-8")
    good = _verify(alone, data)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "KẾT QUẢ: hồ sơ hợp lệ." in good.stdout
    for place in (40, len(data) // 2, len(data) - 30):
        broken = bytearray(data)
        broken[place] ^= 1
        bad = _verify(alone, bytes(broken))
        assert bad.returncode == 1, place
        assert "KHÔNG hợp lệ" in bad.stdout
        assert len(bad.stdout.splitlines()[-2]) > 20, bad.stdout  # the line before the result says where


def _verify(folder: Path, data: bytes) -> subprocess.CompletedProcess[str]:
    (folder / "bundle.zip").write_bytes(data)
    return subprocess.run(
        [sys.executable, "-m", "contracts", "verify", "bundle.zip", "--policy", "log.policy"],
        cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
