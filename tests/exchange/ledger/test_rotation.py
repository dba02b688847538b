"""The log's key changes and the log goes on: both keys sign for a while, then the older one rests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from contracts.errors import NoteError
from contracts.log import checkpoint
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import cli, service
from exchange.ledger.cli import problems_of
from exchange.ledger.sequencer import Sequencer

Note = Callable[..., list[str]]
Run = Callable[..., Result]


@pytest.fixture
def run(config: Config, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``minhbach log …`` on this exchange."""
    monkeypatch.setenv("MINHBACH_HOME", str(config.home))
    monkeypatch.setenv("MINHBACH_DATABASE_URL", config.database_url)
    monkeypatch.setenv("MINHBACH_LOG_ORIGIN", config.log_origin)
    return lambda *words: CliRunner().invoke(cli.group, words)


def test_whoever_trusts_either_key_can_follow_the_change(
    note: Note, sequencer: Sequencer, database: Database, client: FlaskClient, run: Run, config: Config
) -> None:
    note("one")
    sequencer.run_once()
    first = checkpoint.parse_vkey(client.get("/log/keys").text.split()[1])
    done = run("rotate-key")
    assert done.exit_code == 0, done.output
    second = checkpoint.parse_vkey(done.output.strip())
    both = client.get("/log/checkpoint").text
    assert [checkpoint.open_checkpoint(both, [key]).signer for key in (first, second)] == [first, second]
    assert client.get("/log/keys").text.count("log log.test/2026+") == 2

    done = run("retire-key")
    assert done.exit_code == 0, done.output
    alone = client.get("/log/checkpoint").text
    assert checkpoint.open_checkpoint(alone, [second]).checkpoint.size == 3
    with pytest.raises(NoteError):
        checkpoint.open_checkpoint(alone, [first])
    history = client.get("/log/keys.json").json
    assert [(key["vkey"], key["since"], key["until"]) for key in history] == [
        (checkpoint.format_vkey(second), 2, None),
        (checkpoint.format_vkey(first), 0, 2),
    ]
    with database.reading() as reading:
        assert problems_of(reading) == []
        events = [record.leaf for record in reversed(service.find(reading, service.Search()))]
    assert [event.type for event in events] == ["listing.changed", "key.added", "key.revoked"]
    assert events[2].d == {"vkey": checkpoint.format_vkey(first)}

    (retired,) = Path(config.home).glob("log-????????.key")
    retired.unlink()
    note("two")
    sequencer.run_once()
    assert checkpoint.open_checkpoint(client.get("/log/checkpoint").text, [second]).checkpoint.size == 4


def test_while_two_keys_sign_both_must_be_there(note: Note, sequencer: Sequencer, run: Run, config: Config) -> None:
    note("one")
    sequencer.run_once()
    assert run("rotate-key").exit_code == 0
    (older,) = Path(config.home).glob("log-????????.key")
    older.rename(config.home / "elsewhere")
    note("two")
    sequencer.try_run()
    assert not sequencer.healthy
    (config.home / "elsewhere").rename(older)
    sequencer.try_run()
    assert sequencer.healthy


def test_keys_change_one_at_a_time(note: Note, sequencer: Sequencer, run: Run) -> None:
    assert "LOG_EMPTY" in run("rotate-key").output
    note("one")
    sequencer.run_once()
    assert "LOG_KEY_LAST" in run("retire-key").output
    assert run("rotate-key").exit_code == 0
    again = run("rotate-key")
    assert (again.exit_code, "LOG_KEYS_TWO" in again.output) == (1, True)


def test_a_crash_in_the_middle_of_a_rotation_is_finished_by_the_next(
    note: Note, sequencer: Sequencer, run: Run, config: Config
) -> None:
    note("one")
    sequencer.run_once()
    (config.home / "log.key").rename(config.home / f"log-{'0' * 8}.key")  # moved aside, and then the power failed
    note("two")
    sequencer.run_once()
    assert run("rotate-key").exit_code == 0
    note("three")
    sequencer.run_once()
    assert sequencer.healthy
