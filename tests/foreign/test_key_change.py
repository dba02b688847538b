"""Foreign checkers follow a change of the log's key: by either while both sign, and by the older one for old heads."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint

from contracts.log.tiles import decode_bundle
from exchange.cli import main
from exchange.config import Config
from exchange.ledger.sequencer import Sequencer
from tests.exchange.conftest import (  # noqa: F401 - fixtures
    app,
    client,
    config,
    database,
    empty_database,
    now,
    people,
    session,
)
from tests.exchange.ledger.conftest import note, sequencer  # noqa: F401 - fixtures
from tests.foreign.conftest import Go


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """One database: what a stranger's tools see does not depend on which."""
    with empty_database("sqlite", request, tmp_path) as url:
        yield url


def test_go_and_tlog_scales_follow_a_change_of_key(
    go: Go,
    config: Config,  # noqa: F811
    client: FlaskClient,  # noqa: F811
    note: Callable[..., list[str]],  # noqa: F811
    sequencer: Sequencer,  # noqa: F811
    tmp_path: Path,
) -> None:
    environ = {
        "MINHBACH_HOME": str(config.home), "MINHBACH_DATABASE_URL": config.database_url,
        "MINHBACH_LOG_ORIGIN": config.log_origin,
    }  # fmt: skip
    (event,) = note("one")
    sequencer.run_once()
    first, old = client.get("/log/keys").text.split()[1], client.get("/log/checkpoint").text
    for change, signing in (("rotate-key", 2), ("retire-key", 1)):
        done = CliRunner().invoke(main, ["log", change], env=environ)
        assert done.exit_code == 0, done.output
        second = client.get("/log/keys").text.split()[1]
        head = Checkpoint.from_text(client.get("/log/checkpoint").text)
        assert len(head.signatures) == signing
        for vkey in (second, first)[:signing]:
            head.verify(Vkey.from_string(vkey))

        folder = tmp_path / change
        assert CliRunner().invoke(main, ["log", "export", str(folder)], env=environ).exit_code == 0
        (folder / "old").write_text(old)
        (folder / "proof").write_text(client.get(f"/log/proof?event={event}").text)
        (folder / "entry").write_bytes(first_entry(folder))
        assert go_says(go, folder, first, second) == "ok consistency"
        assert go_says(go, folder, second) == "FAILED note"  # the old head is the older key's alone
        assert go_says(go, folder, first) == ("ok consistency" if signing == 2 else "FAILED note")


def go_says(go: Go, folder: Path, *vkeys: str) -> str:
    """The beginning of the last line, when the reader trusts these keys."""
    (folder / "trusted").write_text("".join(f"{vkey}\n" for vkey in vkeys))
    words = go.verify(folder, folder / "trusted", folder / "proof", folder / "entry", folder / "old").stdout
    return " ".join(words.splitlines()[-1].split()[:2]).rstrip(":")


def first_entry(folder: Path) -> bytes:
    (bundle,) = (folder / "tile/entries/000.p").iterdir()
    return decode_bundle(bundle.read_bytes(), int(bundle.name))[0]
