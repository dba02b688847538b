"""A log written by the real exchange, exported by the real command; and the foreign programs that judge it."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange import audit, clock
from exchange.app import create_app
from exchange.config import Config
from exchange.ledger import service
from tests.exchange.conftest import (
    empty_database,
    postgresql_server,  # noqa: F401 - fixture
    sqlite_template,  # noqa: F401 - fixture
)
from tests.exchange.people import People

SIZES = (1, 255, 257, 600)  # heads on both sides of a full tile; the last one ends in a partial tile
INDEX = 345  # the record that is proved


@dataclass(frozen=True)
class Written:
    """What a stranger gets of a log: the exported folder, one record and its proof, and older heads."""

    log: Path
    vkey: Path
    proof: Path
    entry: Path
    consistency: Path  # from SIZES[2] to the end
    heads: Path  # the head at each of SIZES

    def copy(self, folder: Path) -> "Written":
        """The same in another folder, to be tampered with."""
        top = self.log.parent
        shutil.copytree(top, folder)
        paths = (self.log, self.vkey, self.proof, self.entry, self.consistency, self.heads)
        return Written(*(folder / path.relative_to(top) for path in paths))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """600 records, written by the application on each kind of database."""
    home, out = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("out")
    with empty_database(request.param, request, home) as url:
        environ = {
            "MINHBACH_HOME": str(home), "MINHBACH_DATABASE_URL": url, "MINHBACH_LOG_ORIGIN": "log.test/2026",
        }  # fmt: skip
        yield _write(environ, out)


def _write(environ: dict[str, str], out: Path) -> Written:
    app = create_app(Config.from_environ(environ))
    database, client = app.extensions["minhbach.database"], app.test_client()
    provider = People(app, database).provider()
    (out / "heads").mkdir()
    ids: list[str] = []
    for size in SIZES:
        with database.writing() as session:
            for n in range(len(ids), size):
                subject = [f"listing:l{n % 7}"]
                ids.append(audit.record(session, "listing.submitted", provider, on=subject, now=clock.now()))
            session.commit()
        app.extensions["minhbach.sequencer"].run_once()
        (out / "heads" / str(size)).write_text(client.get("/log/checkpoint").text)
    command = [sys.executable, "-c", "from exchange.cli import main; main()", "log", "export", str(out / "log")]
    subprocess.run(command, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL, timeout=60)
    (out / "one.tlog-proof").write_text(client.get(f"/log/proof?event={ids[INDEX]}").text)
    (out / "consistency").write_text(client.get(f"/log/consistency?from={SIZES[2]}&to={SIZES[-1]}").text)
    with database.reading() as session:
        (out / "one.entry").write_bytes(service.record_of(session, ids[INDEX]).data)
    database.dispose()
    names = ("log", "log/log.vkey", "one.tlog-proof", "one.entry", "consistency", "heads")
    return Written(*(out / name for name in names))


@dataclass(frozen=True)
class Go:
    """Our Go program, and the environment in which Go builds it without touching the project or the user's folders."""

    program: Path
    environ: dict[str, str]

    def verify(self, *words: object) -> subprocess.CompletedProcess[str]:
        """``verify`` with these words."""
        return subprocess.run([str(self.program), *map(str, words)], capture_output=True, text=True, timeout=30)


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """Built once for all worker processes of this session."""
    if shutil.which("go") is None:
        absent("there is no Go (Debian: apt-get install golang-go golang-golang-x-mod-dev)")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    found = Go(shared / "go-verify", _go_environ(shared / "go"))
    with (shared / "go.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.program.exists():
            _build(found)
    return found


def _go_environ(folder: Path) -> dict[str, str]:
    """Debian's copy of the library where there is one, otherwise the pinned one of the module registry."""
    environ = {
        "GOCACHE": str(folder / "cache"), "GOMODCACHE": str(folder / "modules"), "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false -modcacherw",  # the second, so that the folder can be deleted
    }  # fmt: skip
    if DEBIAN_LIBRARY.is_dir():
        environ |= {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "-buildvcs=false"}
    return environ


def _build(go: Go) -> None:
    built = subprocess.run(
        ["go", "build", "-o", str(go.program), "verify.go"],
        cwd=SOURCE, env={**os.environ, **go.environ}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if built.returncode:
        absent(f"Go cannot build the verifier here: {built.stderr.strip()[-500:]}")


SOURCE = Path(__file__).parent / "go"
DEBIAN_LIBRARY = Path("/usr/share/gocode/src/golang.org/x/mod")


def absent(why: str) -> None:
    """A foreign program is not here: a failure where CI promises it, otherwise a skip."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
