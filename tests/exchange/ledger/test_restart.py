"""A log that cannot be kept ends, and goes on under a new name with the same records."""

import base64
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from sqlmodel import Session

from contracts.log import checkpoint, tree
from exchange import audit, clock
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import cli, service
from exchange.ledger.cli import problems_of
from exchange.ledger.keyring import LogKeyError, load
from exchange.ledger.promises import WouldFork, write_whole
from exchange.ledger.sequencer import Sequencer

Note = Callable[..., list[str]]


@pytest.fixture
def renamed(config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The same exchange whose settings give the log a new name."""
    environ = {
        "MINHBACH_HOME": str(config.home),
        "MINHBACH_DATABASE_URL": config.database_url,
        "MINHBACH_LOG_ORIGIN": "log.test/2027",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return Config.from_environ(environ)


def test_a_lost_promise_is_named_in_the_first_record_of_the_new_log(
    note: Note, sequencer: Sequencer, config: Config, renamed: Config, database: Database
) -> None:
    ids = note("one", "two")
    sequencer.run_once()
    lost = checkpoint.Checkpoint("log.test/2026", 9, tree.leaf_hash(b"lost"))
    write_whole(config.home / "last_signed", checkpoint.sign_checkpoint(lost, load(config.home / "log.key")).encode())
    waits = note("waits")
    with pytest.raises(WouldFork):
        sequencer.run_once()
    after = Database(renamed.database_url, renamed.log_origin)
    with pytest.raises(LogKeyError, match="minhbach log restart"):
        Sequencer(after, renamed).run_once()

    done = CliRunner().invoke(cli.group, ["restart", "--yes"])
    assert done.exit_code == 0, done.output
    key = checkpoint.parse_vkey(done.output.strip())
    with after.reading() as session:
        newest = service.head(session)
        assert newest is not None
        opened = checkpoint.open_checkpoint(newest.note, [key]).checkpoint
        assert (opened.origin, opened.size) == ("log.test/2027", 4)
        records = list(reversed(service.find(session, service.Search())))
        assert [record.id for record in records[:2]] == ids
        assert [record.leaf.log for record in records] == ["log.test/2026"] * 2 + ["log.test/2027"] * 2
        restarted = records[2].leaf
        assert restarted.type == "log.restarted"
        assert (restarted.d["origin"], restarted.d["size"]) == ("log.test/2026", 9)
        assert base64.b64decode(str(restarted.d["root"])) == lost.root
        assert records[3].id == waits[0]
        assert problems_of(session) == []
    after.dispose()


def test_the_new_log_contains_what_the_old_one_promised_when_nothing_was_lost(
    note: Note, sequencer: Sequencer, database: Database, renamed: Config
) -> None:
    note("one", "two", "three")
    sequencer.run_once()
    with database.reading() as session:
        before = service.head(session)
    assert CliRunner().invoke(cli.group, ["restart", "--yes"]).exit_code == 0
    with database.reading() as session:
        after = service.head(session)
        assert before is not None
        assert after is not None
        proof = service.prove_consistency(session, before.size, after.size)
    tree.check_consistency(proof, before.size, after.size, before.root, after.root)


def test_the_present_log_is_not_restarted(note: Note, sequencer: Sequencer, renamed: Config) -> None:
    assert "LOG_EMPTY" in CliRunner().invoke(cli.group, ["restart", "--yes"]).output
    note("one")
    sequencer.run_once()
    asked = CliRunner().invoke(cli.group, ["restart"], input="n\n")
    assert asked.exit_code == 1
    assert CliRunner().invoke(cli.group, ["restart", "--yes"]).exit_code == 0
    assert "LOG_SAME_ORIGIN" in CliRunner().invoke(cli.group, ["restart", "--yes"]).output


def test_records_go_on_in_their_chains(note: Note, sequencer: Sequencer, session: Session, renamed: Config) -> None:
    (first,) = note("one")
    sequencer.run_once()
    assert CliRunner().invoke(cli.group, ["restart", "--yes"]).exit_code == 0
    after = Database(renamed.database_url, renamed.log_origin)
    with after.writing() as writing:
        audit.record(writing, "listing.changed", None, on=["listing:one"], now=clock.now())
        writing.commit()
    Sequencer(after, renamed).run_once()
    with after.reading() as reading:
        assert service.find(reading, service.Search(limit=1))[0].leaf.prev == first
    after.dispose()


def test_what_was_written_under_a_wrong_setting_comes_into_the_log_under_its_own_name(
    note: Note, sequencer: Sequencer, database: Database, renamed: Config
) -> None:
    note("one")
    sequencer.run_once()
    wrong = Database(renamed.database_url, renamed.log_origin)  # the operator's slip, taken back a moment later
    with wrong.writing() as writing:
        audit.record(writing, "listing.changed", None, on=["listing:one"], now=clock.now())
        writing.commit()
    wrong.dispose()
    with pytest.raises(LogKeyError):
        Sequencer(database, renamed).run_once()
    assert sequencer.run_once() == 1
    with database.reading() as session:
        assert {record.leaf.log for record in service.find(session, service.Search())} == {"log.test/2026"}
        assert problems_of(session) == []
