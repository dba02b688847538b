"""Every command of docs/regulator.md, as it stands there, against a running exchange."""

import dataclasses
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.log.tiles import Tile
from exchange import audit, clock
from exchange.config import Config
from exchange.ledger.sequencer import Sequencer
from exchange.ledger.timestamps import TimeStamps
from exchange.negotiations.models import Contract
from tests.exchange.conftest import app, config, database, empty_database, now, people  # noqa: F401 - fixtures
from tests.exchange.deliveries.goods import Goods
from tests.exchange.oversight.conftest import case, goods, official  # noqa: F401 - fixtures
from tests.exchange.people import People
from tests.exchange.running import Member, Running
from tests.foreign.conftest import Go
from tests.project import ROOT
from tests.tsa import Authority, serving

DOCUMENT = ROOT / "docs" / "regulator.md"
BLOCKS = re.findall(r"^```sh ?(\w*)\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
OF_TRIAL = ("report", "incidents", "receipts")
NOT_RUN = {
    "settings": "stands before every block", "install": "needs a registry; what it names is compared",
    "marks": "is the operator's command: tests/exchange/rooms/test_receipts.py",
    **dict.fromkeys(OF_TRIAL, "needs a trial: test_regulator_trial.py"),
}  # fmt: skip


def block_of(kind: str) -> str:
    (block,) = [block for found, block in BLOCKS if found == kind]
    return block


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """One database: what a stranger's tools see does not depend on which."""
    with empty_database("sqlite", request, tmp_path) as url:
        yield url


@dataclass
class Desk:
    """The technician's folder, and what is filled in for the document's placeholders."""

    folder: Path
    sequencer: Sequencer
    values: dict[str, str]
    env: dict[str, str]
    port: int  # a free one in place of the document's 7380

    def script(self, block: str) -> str:
        """The document's words after its settings, for a shell that stops at the first error."""
        words = block_of("settings")
        settings = re.sub(r"^(\w+)=\S+", lambda found: f"{found[1]}='{self.values[found[1]]}'", words, flags=re.M)
        return f"set -euo pipefail\n{settings}\n{block}".replace(":7380", f":{self.port}")

    def run(self, block: str) -> subprocess.CompletedProcess[str]:
        """A block of the document."""
        words = ["bash", "-c", self.script(block)]
        return subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120)

    def does(self, block: str) -> None:
        """The same, and it must succeed."""
        answer = self.run(block)
        assert answer.returncode == 0, f"{block}\n{answer.stdout}{answer.stderr}"

    @contextmanager
    def serving(self, block: str) -> Iterator[None]:
        """A command that does not end by itself."""
        process = subprocess.Popen(["bash", "-c", self.script(f"exec {block}")], cwd=self.folder, env=self.env)
        try:
            for _ in range(400):
                with socket.socket() as trying:
                    if trying.connect_ex(("127.0.0.1", self.port)) == 0:
                        break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(15)


@pytest.fixture
def desk(
    app: Flask,  # noqa: F811
    config: Config,  # noqa: F811
    people: People,  # noqa: F811
    goods: Goods,  # noqa: F811
    case: Contract,  # noqa: F811
    official: FlaskClient,  # noqa: F811
    tmp_path: Path,
) -> Iterator[Desk]:
    """A contract with its story among 600 other records, a stamped head, an official with a warrant, a socket."""
    ids = []
    with goods.database.writing() as session:
        for n in range(600):
            subject = [f"listing:l{n % 7}"]
            ids.append(audit.record(session, "listing.submitted", people.provider(), on=subject, now=goods.now))
        session.commit()
    goods.sequencer.run_once()
    authority = Authority(tmp_path / "tsa")
    with serving(authority) as service, clock.frozen(goods.now + timedelta(hours=1)):
        stamping = dataclasses.replace(config, tsa_url=service.url, tsa_roots=authority.roots)
        assert TimeStamps(goods.database, stamping).run_once() == 1
    running = Running()
    running.start(app)
    technician = Member(people, people.regulator(), running.address, tmp_path / "technician", ("audit",))
    credentials = (technician.folder / "machine.json").read_text()
    client = dict(re.findall(r'"client_(id|secret)": "([^"]+)"', credentials))
    yield Desk(
        technician.folder,
        goods.sequencer,
        {
            "EXCHANGE": running.address, "CLIENT_ID": client["id"], "CLIENT_SECRET": client["secret"],
            "EVENT": ids[345], "CONTRACT": case.id, "CLONE": str(ROOT), "TSA_ROOTS": str(authority.roots),
        },
        {
            **os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MINHBACH_HOME": str(config.home), "MINHBACH_DATABASE_URL": config.database_url,
            "MINHBACH_LOG_ORIGIN": config.log_origin,
        },
        free_port(),
    )  # fmt: skip
    running.stop()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_every_command_works_in_the_order_of_the_document(desk: Desk, go: Go, subtests: pytest.Subtests) -> None:
    desk.env |= go.environ
    with ExitStack() as stack:
        for kind, block in BLOCKS:
            if kind in NOT_RUN:
                continue
            with subtests.test(kind or block.splitlines()[0]):
                if kind == "serve":
                    stack.enter_context(desk.serving(block))
                    continue
                if kind == "fsck":
                    need_fsck(desk)
                desk.does(block)
            desk.sequencer.run_once()  # each look is a record: the log grows under the technician's hands
    assert (desk.folder / "consistency").read_text()  # it did grow
    tile = desk.folder / "mirror/tile/0/001"
    tile.write_bytes(bytes([tile.read_bytes()[0] ^ 1]) + tile.read_bytes()[1:])
    assert "FAILED" in desk.run(block_of("check")).stdout


def need_fsck(desk: Desk) -> None:
    """Somebody else's large program is not fetched for a test: it runs where Go's own cache has it already."""
    for name in ("GOCACHE", "GOMODCACHE", "GO111MODULE", "GOPATH"):
        desk.env.pop(name, None)
        if name in os.environ:
            desk.env[name] = os.environ[name]
    if desk.run('test -d "$(go env GOMODCACHE)/github.com/transparency-dev/tessera@v1.0.4"').returncode:
        pytest.skip("Tessera's fsck is not in Go's module cache: run its command of docs/regulator.md once by hand")


def test_the_copying_loop_names_tiles_of_any_number_as_we_do() -> None:
    function = re.search(r"^tiles\(\).*?^}$", block_of("copy"), re.MULTILINE | re.DOTALL)
    assert function is not None
    for number in (0, 7, 999, 1000, 1_234_067, 2_000_000):
        last = function[0].replace("local tile=0", f"local tile={number}")
        script = f'EXCHANGE=x TOKEN=x\ncurl() {{ echo "${{@: -1}}"; }}\n{last}\ntiles 1 {number * 256 + 88}'
        said = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True).stdout
        assert said == f"mirror/{Tile(1, number, 88).path}\n"


def test_what_is_to_be_installed_is_what_the_tests_use() -> None:
    locked = (ROOT / "requirements.lock").read_text()
    named = re.findall(r"[\w-]+==[\w.]+", block_of("install"))
    assert named
    assert all(f"{package} \\" in locked for package in named)
