"""What the exchange has promised outside its database, and what it publishes as files."""

import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session

from contracts.errors import LeafError
from contracts.log import checkpoint, tree
from contracts.log.tiles import TileReader
from exchange.accounts.models import Organisation
from exchange.config import Config
from exchange.db import Database
from exchange.errors import Refused
from exchange.ledger import outbox, service
from exchange.ledger.keyring import load
from exchange.ledger.promises import Promises, WouldFork, write_whole
from exchange.ledger.sequencer import Sequencer

Note = Callable[..., list[str]]


@pytest.fixture
def placed(config: Config, tmp_path: Path) -> Config:
    """The same exchange with a second disk and a published folder."""
    (tmp_path / "second").mkdir()
    return dataclasses.replace(config, log_promise=tmp_path / "second" / "promise", log_folder=tmp_path / "published")


def head_in(path: Path) -> checkpoint.Checkpoint:
    return checkpoint.parse_checkpoint(checkpoint.parse_note(path.read_text()).text)


def test_a_restored_home_folder_is_betrayed_by_the_second_disk(note: Note, placed: Config, database: Database) -> None:
    sequencer = Sequencer(database, placed)
    note("one")
    sequencer.run_once()
    old = head_in(placed.home / "last_signed")
    assert placed.log_promise is not None
    lost = checkpoint.Checkpoint(old.origin, 7, tree.leaf_hash(b"records that no backup holds"))
    write_whole(placed.log_promise, checkpoint.sign_checkpoint(lost, load(placed.home / "log.key")).encode())
    note("two")
    with pytest.raises(WouldFork, match="second/promise promises 7 records"):
        sequencer.run_once()
    with database.reading() as reading:
        newest = service.head(reading)
        assert newest is not None
        assert newest.size == old.size, "not even a place in the tree is given: the missing records may come back"


def test_a_head_that_a_witness_has_seen_counts_as_a_promise(note: Note, config: Config, database: Database) -> None:
    sequencer = Sequencer(database, config)
    note("one")
    sequencer.run_once()
    seen = checkpoint.Checkpoint("log.test/2026", 2, tree.EMPTY_ROOT)
    write_whole(
        config.home / "witnessed_head", checkpoint.sign_checkpoint(seen, load(config.home / "log.key")).encode()
    )
    note("two")
    with pytest.raises(WouldFork, match="witnessed_head"):
        sequencer.run_once()


def test_a_second_disk_that_is_not_there_delays_the_head(note: Note, placed: Config, database: Database) -> None:
    sequencer = Sequencer(database, placed)
    assert placed.log_promise is not None
    shutil.rmtree(placed.log_promise.parent)
    note("one")
    sequencer.try_run()
    assert not sequencer.healthy
    with database.reading() as reading:
        assert service.head(reading) is None
    placed.log_promise.parent.mkdir()
    sequencer.try_run()
    assert sequencer.healthy
    with database.reading() as reading:
        assert service.head(reading) is not None


def test_the_published_folder_always_holds_all_tiles_of_its_head(
    note: Note, placed: Config, database: Database, session: Session
) -> None:
    sequencer = Sequencer(database, placed)
    folder = placed.log_folder
    assert folder is not None
    for size in (1, 255, 1, 40, 300):
        note(*[f"l{number}" for number in range(size)])
        sequencer.run_once()
        head = head_in(folder / "checkpoint")
        reader = TileReader(head.size, lambda tile: (folder / tile.path).read_bytes())
        assert tree.root_at(reader, head.size) == head.root
    assert not (folder / "tile/0/000.p").exists(), "partial tiles of a full one are gone"
    assert not (folder / "tile/entries").exists(), "the records name who dealt with whom"
    newest = service.head(session)
    session.rollback()
    assert newest is not None
    assert newest.size == 597
    assert newest.note == (folder / "checkpoint").read_text()


def test_the_published_folder_is_a_promise_too(note: Note, placed: Config, database: Database) -> None:
    sequencer = Sequencer(database, placed)
    note("one")
    sequencer.run_once()
    assert placed.log_folder is not None
    other = checkpoint.Checkpoint("log.test/2026", 1, tree.leaf_hash(b"another history"))
    note_text = checkpoint.sign_checkpoint(other, load(placed.home / "log.key"))
    write_whole(placed.log_folder / "checkpoint", note_text.encode())
    note("two")
    with pytest.raises(WouldFork, match="published/checkpoint"):
        sequencer.run_once()


def test_the_folder_of_a_log_that_ended_is_written_anew(note: Note, placed: Config, database: Database) -> None:
    note(*["a"] * 300)
    Sequencer(database, placed).run_once()
    assert placed.log_folder is not None
    tile = placed.log_folder / "tile/0/000"
    right = tile.read_bytes()
    tile.write_bytes(right[::-1])  # of records that the old log had, and no backup
    ended = checkpoint.Checkpoint("log.test/2025", 400, tree.leaf_hash(b"lost"))
    note_text = checkpoint.sign_checkpoint(ended, load(placed.home / "log.key"))
    write_whole(placed.log_folder / "checkpoint", note_text.encode())
    Sequencer(database, placed).run_once()
    assert head_in(placed.log_folder / "checkpoint").origin == "log.test/2026"
    assert tile.read_bytes() == right


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"no head"])
def test_a_damaged_promise_stops_the_signing_and_not_the_server(
    note: Note, sequencer: Sequencer, config: Config, damage: bytes
) -> None:
    note("one")
    sequencer.run_once()
    (config.home / "last_signed").write_bytes(damage)
    note("two")
    sequencer.try_run()
    assert not sequencer.healthy


def test_one_event_id_is_one_event_before_and_after_sequencing(
    session: Session, sequencer: Sequencer, database: Database
) -> None:
    given = {"actor": "system", "on": ["listing:x"], "hashes": {}, "details": {}}
    from exchange import clock

    def append() -> None:
        event_id = "01hzzzzzzzzzzzzzzzzzzzzzzz"
        outbox.append(session, "listing.changed", now=clock.now(), event_id=event_id, **given)  # type: ignore[arg-type]
        session.commit()

    append()
    append()
    assert sequencer.run_once() == 1
    append()
    assert sequencer.run_once() == 0
    with database.reading() as reading:
        newest = service.head(reading)
    assert newest is not None
    assert newest.size == 1


def test_a_record_that_no_table_could_take_never_waits_in_front_of_the_others(
    note: Note, session: Session, sequencer: Sequencer
) -> None:
    with pytest.raises(LeafError, match="on"):
        note("x" * 73)
    session.rollback()
    note("x" * 72)
    assert sequencer.run_once() == 1


def test_writers_are_refused_while_the_oldest_record_waits_too_long(
    note: Note, session: Session, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog = outbox.Backlog()
    note("waits")
    moment = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    backlog.require_room(session)
    moment += outbox.LONGEST_WAIT - 0.1
    backlog.require_room(session)
    moment += 0.2
    with pytest.raises(Refused) as caught:
        backlog.require_room(session)
    assert (caught.value.code, caught.value.status) == ("LOG_BEHIND", 503)
    session.rollback()
    sequencer.run_once()
    moment += 0.3
    backlog.require_room(session)


def test_writers_are_refused_while_no_head_is_signed_for_too_long(
    note: Note, session: Session, sequencer: Sequencer, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    note("one")
    sequencer.run_once()
    key = (config.home / "log.key").rename(config.home / "taken away")
    note("two")
    sequencer.try_run()
    backlog, moment = outbox.Backlog(), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    backlog.require_room(session)
    moment += outbox.LONGEST_WAIT + 0.3
    with pytest.raises(Refused, match="LOG_BEHIND"):
        backlog.require_room(session)
    session.rollback()
    key.rename(config.home / "log.key")
    sequencer.try_run()
    moment += 0.3
    backlog.require_room(session)
    session.rollback()


def test_a_smaller_head_never_replaces_a_larger_promise(
    note: Note, sequencer: Sequencer, config: Config, tmp_path: Path
) -> None:
    note("one")
    sequencer.run_once()
    smaller = (config.home / "last_signed").read_text()
    note("two")
    sequencer.run_once()
    Promises(config).keep(smaller)
    assert head_in(config.home / "last_signed").size == 2


def test_writers_are_refused_while_too_many_records_wait(
    note: Note, session: Session, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_WAITING", 3)
    note("a", "b", "c")
    outbox.Backlog().require_room(session)
    session.rollback()
    note("d")
    with pytest.raises(Refused, match="LOG_BEHIND"):
        outbox.Backlog().require_room(session)
    session.rollback()
    sequencer.run_once()
    outbox.Backlog().require_room(session)
    session.rollback()


def test_two_who_ask_for_room_never_wait_for_each_other(database: Database) -> None:
    backlog = outbox.Backlog()
    with database.writing() as first, database.writing() as second:
        first.connection()  # SQLite's write lock is ours
        asks = Thread(target=backlog.require_room, args=(second,))
        asks.start()
        time.sleep(0.3)
        begun = time.monotonic()
        backlog.require_room(first)
        first.commit()
        asks.join()
        second.rollback()
    assert time.monotonic() - begun < 5


def test_programs_are_told_the_head_with_every_answer(note: Note, sequencer: Sequencer, client: FlaskClient) -> None:
    assert "Minhbach-Log" not in client.get("/api/v1/listings").headers
    note("one")
    sequencer.run_once()
    time.sleep(0.6)
    for address in ("/api/v1/listings", "/log/checkpoint", "/api/v1/nothing"):
        size, root = client.get(address).headers["Minhbach-Log"].split()
        lines = client.get("/log/checkpoint").text.split("\n")
        assert [size, root] == lines[1:3]
    assert "Minhbach-Log" not in client.get("/").headers


def test_programs_are_told_the_last_head_that_was_seen_while_the_database_is_away(
    note: Note, sequencer: Sequencer, client: FlaskClient, database: Database
) -> None:
    note("one")
    sequencer.run_once()
    told = client.get("/log/checkpoint").headers["Minhbach-Log"]
    database.dispose()  # what follows finds no table: as with a database that is away, every statement fails
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE log_checkpoint RENAME TO away")
        connection.commit()
    time.sleep(0.6)
    answer = client.get("/api/v1/nothing")
    assert (answer.status_code, answer.headers["Minhbach-Log"]) == (404, told)


def test_looking_how_far_the_log_is_behind_writes_nothing_of_the_caller(session: Session) -> None:
    half = Organisation(name="not yet whole")  # its tax code comes later in the same act
    session.add(half)
    outbox.Backlog().require_room(session)
    assert half in session.new
