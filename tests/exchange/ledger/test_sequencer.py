"""The log over SQL: every committed record exactly once, provable, under heads that lie on one history."""

from datetime import date, datetime
from itertools import pairwise
from threading import Thread

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from contracts.log import checkpoint, tree
from contracts.log.proof import check_proof, parse_proof
from contracts.log.tiles import TileReader, bundles_of, decode_bundle, tiles_of
from exchange import audit
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import cli, service
from exchange.ledger.cli import problems_of
from exchange.ledger.keyring import LogKeyError, load
from exchange.ledger.models import Entry, Outbox
from exchange.ledger.promises import WouldFork
from exchange.ledger.sequencer import Sequencer
from exchange.oversight import warrants
from tests.exchange.people import People

MANDATE = warrants.Mandate("12/QĐ-TTr", "Thanh tra", "Nhật ký", date(2026, 11, 1), date(2026, 12, 31))


def record(session: Session, now: datetime, listing: str, people: People) -> str:
    return audit.record(session, "listing.submitted", people.provider(), on=[f"listing:{listing}"], now=now)


def test_a_rolled_back_action_leaves_no_record(
    session: Session, now: datetime, people: People, sequencer: Sequencer
) -> None:
    record(session, now, "gone", people)
    session.rollback()
    assert sequencer.run_once() == 0
    assert service.head(session) is None


def test_each_committed_record_gets_one_index_a_proof_and_its_place_in_its_chain(
    session: Session, now: datetime, people: People, sequencer: Sequencer, database: Database
) -> None:
    ids = [record(session, now, f"l{n % 3}", people) for n in range(600)]
    session.commit()
    assert sequencer.run_once() == 600
    with database.reading() as reading:
        assert reading.exec(select(Outbox)).all() == []
        verifiers = service.verifiers(reading)
        for event_id in (ids[0], ids[255], ids[256], ids[599]):
            proof = parse_proof_of(reading, event_id)
            opened = check_proof(proof, service.record_of(reading, event_id).data, verifiers)
            assert opened.checkpoint.size == 600
        assert problems_of(reading) == []
        story = service.story(reading, ["listing:l1"])
        assert [r.leaf.prev for r in story] == [None, *[r.id for r in story[:-1]]]


def parse_proof_of(session: Session, event_id: str):  # type: ignore[no-untyped-def]
    from contracts.log.proof import format_proof

    return parse_proof(format_proof(service.proof_of(session, event_id)))


def test_later_heads_continue_earlier_ones(
    session: Session, now: datetime, people: People, sequencer: Sequencer, database: Database
) -> None:
    heads = []
    for batch in (1, 254, 1, 300):
        for n in range(batch):
            record(session, now, f"{batch}-{n}", people)
        session.commit()
        sequencer.run_once()
        with database.reading() as reading:
            heads.append(service.head(reading))
    with database.reading() as reading:
        for old, new in pairwise(heads):
            assert old is not None
            assert new is not None
            proof = service.prove_consistency(reading, old.size, new.size)
            tree.check_consistency(proof, old.size, new.size, old.root, new.root)


def test_racing_sequencers_lose_and_double_nothing(
    session: Session, now: datetime, people: People, sequencer: Sequencer, database: Database, config: Config
) -> None:
    second = Sequencer(database, config)
    for round_ in range(5):
        for n in range(40):
            record(session, now, f"{round_}-{n}", people)
        session.commit()
        threads = [Thread(target=s.run_once) for s in (sequencer, second, sequencer)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sequencer.run_once()
    with database.reading() as reading:
        assert [row.idx for row in reading.exec(select(Entry).order_by(Entry.idx))] == list(range(200))  # type: ignore[arg-type]
        assert problems_of(reading) == []


@pytest.mark.parametrize("statement", ["UPDATE log_entry SET actor='org:other'", "DELETE FROM log_entry"])
def test_the_database_itself_refuses_to_change_or_delete_an_entry(
    session: Session, now: datetime, people: People, sequencer: Sequencer, statement: str
) -> None:
    record(session, now, "kept", people)
    session.commit()
    sequencer.run_once()
    with pytest.raises(DBAPIError, match="cannot be changed"):
        session.execute(text(statement))


def test_an_entry_cannot_be_replaced_either(
    session: Session, now: datetime, people: People, sequencer: Sequencer
) -> None:
    record(session, now, "kept", people)
    session.commit()
    sequencer.run_once()
    columns = "idx, event_id, event, at_ms, 'org:other', leaf, leaf_hash FROM log_entry"
    replace = "INSERT OR REPLACE INTO log_entry SELECT " + columns
    if session.get_bind().dialect.name == "postgresql":
        replace = f"INSERT INTO log_entry SELECT {columns} ON CONFLICT (idx) DO UPDATE SET actor = EXCLUDED.actor"
    with pytest.raises(DBAPIError, match="cannot be changed"):
        session.execute(text(replace))


def test_a_restored_backup_is_not_signed_over(
    session: Session, now: datetime, people: People, sequencer: Sequencer, config: Config
) -> None:
    record(session, now, "one", people)
    session.commit()
    sequencer.run_once()
    promised = config.home / "last_signed"
    note = checkpoint.parse_checkpoint(checkpoint.parse_note(promised.read_text()).text)
    larger = checkpoint.Checkpoint(note.origin, 99, note.root)
    promised.write_text(checkpoint.sign_checkpoint(larger, load(config.home / "log.key")))
    record(session, now, "two", people)
    session.commit()
    with pytest.raises(WouldFork, match="restored from a backup"):
        sequencer.run_once()
    session.rollback()
    newest = service.head(session)
    assert newest is not None
    assert newest.size == 1


def test_a_restored_backup_that_grew_past_the_promise_is_not_signed_over_either(
    session: Session, now: datetime, people: People, sequencer: Sequencer, config: Config, database: Database
) -> None:
    record(session, now, "one", people)
    session.commit()
    sequencer.run_once()
    promised = config.home / "last_signed"
    lost = checkpoint.Checkpoint("log.test/2026", 2, tree.leaf_hash(b"a history that the backup does not know"))
    promised.write_text(checkpoint.sign_checkpoint(lost, load(config.home / "log.key")))
    for listing in ("two", "three", "four"):
        record(session, now, listing, people)
    session.commit()
    with pytest.raises(WouldFork, match="does not hold"):
        sequencer.run_once()
    sequencer.try_run()
    assert not sequencer.healthy
    with database.reading() as reading:
        newest = service.head(reading)
    assert newest is not None
    assert newest.size == 1


def test_a_damaged_promise_stops_signing_and_shows(
    session: Session, now: datetime, people: People, sequencer: Sequencer, config: Config
) -> None:
    record(session, now, "one", people)
    session.commit()
    sequencer.run_once()
    (config.home / "last_signed").write_text("torn")
    record(session, now, "two", people)
    session.commit()
    sequencer.try_run()
    assert not sequencer.healthy


def test_another_key_never_signs_this_log(
    session: Session, now: datetime, people: People, sequencer: Sequencer, config: Config, database: Database
) -> None:
    record(session, now, "one", people)
    session.commit()
    sequencer.run_once()
    (config.home / "log.key").unlink()
    record(session, now, "two", people)
    session.commit()
    with pytest.raises(LogKeyError, match="whose key is not in"):
        Sequencer(database, config).run_once()


def test_strangers_read_head_tiles_and_proofs_but_not_entries(
    session: Session, now: datetime, people: People, sequencer: Sequencer, client: FlaskClient
) -> None:
    ids = [record(session, now, f"x{n}", people) for n in range(300)]
    session.commit()
    sequencer.run_once()
    key = checkpoint.parse_vkey(client.get("/log/keys").text.split()[1])
    answer = client.get("/log/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    head = checkpoint.open_checkpoint(answer.text, [key]).checkpoint
    fetched = {tile: client.get(f"/log/{tile.path}") for tile in tiles_of(head.size)}
    assert all(answer.status_code == 200 for answer in fetched.values())
    reader = TileReader(head.size, lambda tile: fetched[tile].data)
    assert tree.root_at(reader, head.size) == head.root
    proof = parse_proof(client.get(f"/log/proof?event={ids[7]}").text)
    assert proof.index == 7
    assert client.get("/log/tile/entries/000").status_code == 401
    assert client.get("/log/tile/0/000.p/257").status_code == 404
    assert client.get("/log/tile/0/002").status_code == 404


def test_a_regulator_reads_the_entries_behind_the_tiles(
    session: Session, now: datetime, people: People, sequencer: Sequencer
) -> None:
    record(session, now, "x", people)
    session.commit()
    sequencer.run_once()
    (bundle,) = bundles_of(1)
    regulator = people.regulator()
    browser = people.browser(regulator)
    refused = browser.get(f"/log/{bundle.path}")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "WARRANT_NEEDED")
    warrants.open_warrant(session, regulator, MANDATE, now)
    session.commit()
    answer = browser.get(f"/log/{bundle.path}")
    assert tree.root_of(decode_bundle(answer.data, 1)) == sequencer_root(session)
    assert people.browser(people.buyer()).get(f"/log/{bundle.path}").status_code == 403
    sequencer.run_once()
    [look] = service.find(session, service.Search(event="audit.looked"))
    assert "tile:entries/000.p/1" in look.leaf.on, "which records were read is on record"
    session.rollback()


def sequencer_root(session: Session) -> bytes:
    newest = service.head(session)
    session.rollback()  # a writing session keeps SQLite's lock until it ends
    assert newest is not None
    return newest.root


def test_a_proof_under_an_older_head_and_as_json(
    session: Session, now: datetime, people: People, sequencer: Sequencer, client: FlaskClient
) -> None:
    first = record(session, now, "one", people)
    session.commit()
    sequencer.run_once()
    record(session, now, "two", people)
    session.commit()
    sequencer.run_once()
    answer = client.get(f"/log/proof?event={first}&size=1")
    assert "immutable" not in answer.headers["Cache-Control"], "witnesses may still cosign that head"
    old = parse_proof(answer.text)
    assert checkpoint.parse_checkpoint(checkpoint.parse_note(old.checkpoint).text).size == 1
    assert client.get(f"/log/proof?event={first}").mimetype == "text/plain"
    told = client.get(f"/log/proof?event={first}", headers={"Accept": "application/json"})
    assert (told.json["index"], told.json["size"], len(told.json["hashes"])) == (0, 2, 1)
    assert told.json["checkpoint"] == client.get("/log/checkpoint").text
    for query in (f"event={first}&size=3", "event=nothing", f"event={first}&size=0"):
        assert client.get(f"/log/proof?{query}").status_code == 404
    assert client.get(f"/log/proof?event={first}&size=x").status_code == 422


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE log_entry SET leaf = :data WHERE idx = 1", "record 1: LEAF_NOT_CANONICAL"),
        ("UPDATE log_entry SET leaf_hash = :hash WHERE idx = 1", "record 1: index or hash differs"),
        ("UPDATE log_entry SET event_id = 'x' WHERE idx = 1", "record 1: its id differs"),
        ("UPDATE log_entry SET actor = 'org:other' WHERE idx = 1", "record 1: what a search finds it by differs"),
        ("UPDATE log_entry SET at_ms = 1 WHERE idx = 1", "record 1: what a search finds it by differs"),
        ("DELETE FROM log_subject WHERE idx = 1 AND subject = 'listing:one'", "record 1: the subjects"),
        ("DELETE FROM log_subject WHERE idx = 2 AND subject LIKE 'org:%'", "record 2: the subjects"),
        ("INSERT INTO log_subject VALUES ('listing:two', 1)", "record 1: the subjects"),
        ("INSERT INTO log_subject VALUES ('', 1)", "record 1: the subjects"),
        ("UPDATE log_subject SET idx = 3 WHERE idx = 2", "record 3: a search by listing:one finds it"),
        ("UPDATE log_last_event SET event_id = 'x'", "the newest event of listing:one is stored as x"),
        ("DELETE FROM log_last_event", "the newest event of listing:one is not stored"),
        ("INSERT INTO log_last_event VALUES ('listing:two', 'x')", "the newest event of listing:two is stored as x"),
        ("DELETE FROM log_entry WHERE idx = 0", "the chain of listing:one is broken"),
        ("UPDATE log_checkpoint SET root = :hash", "head 3: the records do not give this root"),
        ("UPDATE log_checkpoint SET note = 'x'", "head 3: NOTE_MALFORMED"),
    ],
)
def test_the_self_check_names_what_is_wrong(
    harm: str, said: str, session: Session, now: datetime, people: People, sequencer: Sequencer, database: Database
) -> None:
    for _ in range(3):
        record(session, now, "one", people)
    session.commit()
    sequencer.run_once()
    triggers = ["log_entry_no_update", "log_entry_no_delete"]
    with database.writing() as writing:
        for trigger in triggers if database.is_sqlite else ["log_entry_immutable ON log_entry"]:
            writing.connection().execute(text(f"DROP TRIGGER {trigger}"))
        values = {"data": b"{}x", "hash": bytes(32)}
        writing.connection().execute(text(harm), {name: values[name] for name in values if f":{name}" in harm})
        writing.commit()
    with database.reading() as reading:
        assert said in "\n".join(problems_of(reading))


def test_the_commands_see_the_log_at_one_moment(
    session: Session, now: datetime, people: People, sequencer: Sequencer, config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MINHBACH_HOME", str(config.home))
    monkeypatch.setenv("MINHBACH_DATABASE_URL", config.database_url)
    monkeypatch.setenv("MINHBACH_LOG_ORIGIN", config.log_origin)
    record(session, now, "one", people)
    session.commit()
    sequencer.run_once()
    with cli._session() as reading:
        before = service.head(reading)
        record(session, now, "one", people)
        session.commit()
        sequencer.run_once()
        assert (service.head(reading), problems_of(reading)) == (before, [])


def test_the_self_check_compares_the_stored_tiles(
    session: Session, now: datetime, people: People, sequencer: Sequencer, database: Database
) -> None:
    for n in range(256):
        record(session, now, f"x{n}", people)
    session.commit()
    sequencer.run_once()
    with database.writing() as writing:
        assert problems_of(writing) == []
        writing.connection().execute(text("UPDATE log_tile SET data = :data"), {"data": bytes(256 * 32)})
        writing.commit()
    with database.reading() as reading:
        assert problems_of(reading) == ["tile/0/000: differs from the records below it"]
