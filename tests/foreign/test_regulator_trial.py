"""Section 11 of docs/regulator.md, as it stands there: a trial's report counted again, incidents, a receipt."""

import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exchange.config import Config
from exchange.oversight import warrants
from exchange.trials import reporting, service
from exchange.trials.models import Trial
from tests.exchange.conftest import app, config, database, now, people  # noqa: F401 - fixtures
from tests.exchange.running import Member, Running
from tests.exchange.trials.conftest import place, ready, shipments  # noqa: F401 - fixtures
from tests.exchange.trials.place import Place
from tests.foreign.test_regulator_doc import OF_TRIAL, Desk, block_of, database_url, free_port  # noqa: F401
from tests.project import ROOT

WORDS = {"answer": "Có.", "result": "Đạt.", "deviations": "", "remarks": ""}
MANDATE = warrants.Mandate("12/QĐ-TTr", "Thanh tra", "Thử nghiệm", date(2026, 11, 1), date(2026, 12, 31))


@pytest.fixture
def desk(ready: Place, config: Config, tmp_path: Path) -> Iterator[Desk]:  # noqa: F811
    """A trial with a question answered in a test room and its exit report; a technician with a warrant, a socket."""
    regulator, operator = ready.people.regulator(), ready.people.operator()
    run = ready.ask(ready.room(), "SELECT hub, COUNT(*) AS n FROM data GROUP BY hub")
    ready.do(lambda session, moment: warrants.open_warrant(session, regulator, MANDATE, moment))
    sequencer = ready.app.extensions["minhbach.sequencer"]
    sequencer.run_once()

    def submitted(session: Any, moment: Any) -> None:
        row: Trial | None = service.current(session, moment)
        assert row is not None
        drawn = reporting.draw_up(session, operator, row.id, "exit", None, moment)
        reporting.write(session, operator, drawn.id, WORDS, moment)
        reporting.submit(session, operator, drawn.id, True, moment)

    ready.do(submitted)
    sequencer.run_once()
    running = Running()
    running.start(ready.app)
    technician = Member(ready.people, regulator, running.address, tmp_path / "technician", ("audit",))
    client = dict(re.findall(r'"client_(id|secret)": "([^"]+)"', (technician.folder / "machine.json").read_text()))
    (technician.folder / "answer.jws").write_text(run.signed_receipt or "")
    (technician.folder / "answer.json").write_text(json.dumps(run.answer))
    values = {
        "EXCHANGE": running.address, "CLIENT_ID": client["id"], "CLIENT_SECRET": client["secret"], "EVENT": run.id,
        "CONTRACT": "none", "CLONE": str(ROOT), "TSA_ROOTS": "none",
    }  # fmt: skip
    yield Desk(technician.folder, sequencer, values, environment(config), free_port())
    running.stop()


def environment(config: Config) -> dict[str, str]:  # noqa: F811
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "MINHBACH_HOME": str(config.home)}


def test_a_regulator_counts_again_and_checks_a_receipt(desk: Desk) -> None:
    steps = "mkdir -p heads\n" + "".join(block_of(kind) for kind in ("copy", *OF_TRIAL))
    answer = desk.run(steps)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "queries 1 counted again: 1" in answer.stdout
    assert '"incidents":[]' in answer.stdout.replace(" ", "")
    answered = desk.folder / "answer.json"
    told = json.loads(answered.read_text())
    told["rows"][0][1] += 1
    answered.write_text(json.dumps(told))
    assert desk.run(block_of("receipts")).returncode != 0
