"""After an erasure the person is in no byte of the database, its dumps and its exports, and every proof still holds."""

import io
import zipfile
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlmodel import select

from contracts import evidence as bundles
from contracts import verify
from contracts.log import disclosure, leaf
from exchange.accounts.models import SigningKey, User
from exchange.cli import main
from exchange.config import Config
from exchange.db import Database
from exchange.erasure import service
from exchange.erasure.rules import ERASED
from exchange.ledger import disclosures
from exchange.ledger import service as ledger
from exchange.ledger.cli import problems_of
from exchange.ledger.models import Disclosure
from exchange.ledger.models import SubjectKey as KeyRow
from exchange.negotiations.models import ContractSignature
from exchange.oversight import evidence
from exchange.permissions import Actor
from exchange.rooms import queries
from exchange.rooms.models import QueryRun
from sandbox.privacy import Released
from sandbox.runner import Answer
from tests.exchange.erasure.conftest import EMAIL, NAME, PERSONAL, QUESTION, REASON, Life
from tests.exchange.people import People
from tests.exchange.trials.place import Place


def spellings(value: str) -> list[bytes]:
    """How a text can stand in a file: as UTF-8, and as JSON writes it in ASCII."""
    return [value.encode(), value.encode("ascii", "backslashreplace")]


def found_in(data: bytes) -> list[str]:
    return [value for value in PERSONAL if any(spelling in data for spelling in spellings(value))]


def raw_database(database: Database) -> Iterator[bytes]:
    """The database's own files, whatever lies in their free space."""
    if database.is_sqlite:
        path = Path(database.url.removeprefix("sqlite:///"))
        yield from (file.read_bytes() for file in path.parent.glob(path.name + "*"))
        return
    with database.engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
        folder = Path(connection.execute(text("SHOW data_directory")).scalar_one())
        oid = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar_one()
    yield from (file.read_bytes() for file in (folder / "base" / str(oid)).iterdir() if file.is_file())


def dump(database: Database, folder: Path) -> Iterator[bytes]:
    """What a backup made now holds: every row of every table."""
    raw = database.engine.raw_connection()
    try:
        if database.is_sqlite:
            raw.driver_connection.execute("VACUUM INTO ?", [str(folder / "backup.sqlite")])
            yield (folder / "backup.sqlite").read_bytes()
            return
        cursor = raw.driver_connection.cursor()
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            with cursor.copy(f'COPY "{table}" TO STDOUT') as rows:
                yield b"".join(bytes(part) for part in rows)
    finally:
        raw.close()


def members_of(data: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            yield archive.read(name)
            if name.startswith("disclosures/"):
                yield urlsafe_b64decode(archive.read(name) + b"==")


def everywhere(life: Life, config: Config, people: People, folder: Path) -> list[bytes]:
    """Everything that can be taken out of the exchange now."""
    database = life.market.database
    official = people.browser(people.regulator())
    environ = {
        "MINHBACH_HOME": str(config.home), "MINHBACH_DATABASE_URL": config.database_url,
        "MINHBACH_LOG_ORIGIN": config.log_origin,
    }  # fmt: skip
    folder.mkdir()
    exported = CliRunner().invoke(main, ["log", "export", str(folder / "log")], env=environ)
    assert exported.exit_code == 0, exported.output
    with database.reading() as session:
        bundle = evidence.bundle_of(session, life.contract.id, reader=people.regulator())
    found = [official.get(f"/oversight/log?format={kind}").data for kind in ("csv", "json", "html")]
    found += [official.get(f"/oversight/contracts/{life.contract.id}").data]
    found += [file.read_bytes() for file in (folder / "log").rglob("*") if file.is_file()]
    return [*found, *members_of(bundle.data), *dump(database, folder), *raw_database(database)]


def test_what_the_official_reads_is_gone_from_every_byte(
    life: Life, colleague: str, config: Config, people: People, tmp_path: Path
) -> None:
    before = b"\n".join(everywhere(life, config, people, tmp_path / "before"))
    assert set(found_in(before)) == set(PERSONAL)  # else the search below would prove nothing
    answer = people.browser(people.regulator()).get("/oversight/log?format=json&event=query.refused").json
    [record] = answer["records"]
    assert {each["name"]: each["value"] for each in record["private"]} == {"by": NAME, "sql": QUESTION}

    life.market.do(
        lambda session, now: service.erase(session, None, session.get_one(User, life.person.user_id), "left", now)
    )
    assert life.market.database.scrub(service.TABLES)

    for data in everywhere(life, config, people, tmp_path / "after"):
        assert found_in(data) == []
    official = people.browser(people.regulator())
    [record] = official.get("/oversight/log?format=json&event=query.refused").json["records"]
    assert [each["gone"] for each in record["private"]] == ["erased", "erased"]
    assert "(đã xóa)" in official.get("/oversight/log?event=query.refused").text
    assert "(đã xóa)" in official.get("/oversight/log?event=query.refused&format=csv").text
    [ended] = official.get("/oversight/log?format=json&event=contract.ended").json["records"]
    assert REASON in [each["value"] for each in ended["private"]]  # said for the organisation


def test_every_proof_holds_afterwards_and_what_left_before_is_still_evidence(
    life: Life, colleague: str, people: People, database: Database
) -> None:
    with database.reading() as session:
        ids = [record.id for record in ledger.find(session, ledger.Search(limit=200))]
        texts = disclosures.disclosures_of(session, ids)
        keys = "".join(f"log {vkey}\n" for vkey in ledger.vkeys(session)) + "quorum none\n"
    assert any(disclosure.parse(each).value == NAME for _id, _n, each in texts)
    life.market.do(
        lambda session, now: service.erase(session, None, session.get_one(User, life.person.user_id), "left", now)
    )
    with database.reading() as session:
        assert problems_of(session) == []
        newest = ledger.head(session)
        assert newest is not None
        for event_id in ids:
            assert ledger.proof_of(session, event_id).index < newest.size
        for event_id, n, each in texts:  # whoever was handed a value before can still show that it is the one
            assert disclosure.check(each, ledger.record_of(session, event_id).leaf.sd[n : n + 1])
        after = evidence.bundle_of(session, life.contract.id, reader=people.regulator())
        assert evidence.verify(session, after).ok
    assert NAME in values_of(life.before.data)
    assert NAME not in values_of(after.data)
    for data in (life.before.data, after.data):
        assert bundles.check_bytes(data, keys).ok
        assert "fail" not in [line[1] for line in verify.Checker(io.BytesIO(data), keys, None, None).report()]


def values_of(data: bytes) -> list[object]:
    """The private values that a bundle discloses."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [name for name in archive.namelist() if name.startswith("disclosures/")]
        return [disclosure.parse(archive.read(name).decode()).value for name in members]


def test_a_party_is_handed_the_private_values_of_its_own_acts(life: Life, people: People) -> None:
    def bundle(actor: Actor) -> list[object]:
        return values_of(people.browser(actor).get(f"/oversight/contracts/{life.contract.id}/evidence.zip").data)

    assert NAME in bundle(life.person)
    assert REASON in bundle(life.person)
    assert bundle(life.market.seller)
    assert set(bundle(life.market.seller)) == {life.market.seller.name}
    assert {NAME, life.market.seller.name} <= set(bundle(people.regulator()))


def test_the_record_names_places_and_ground_and_nobody(life: Life, colleague: str, database: Database) -> None:
    subject = f"user:{life.person.user_id}"
    with database.reading() as session:
        places = disclosures.places_of(session, subject)
    assert len(places) > 5
    life.market.do(
        lambda session, now: service.erase(session, None, session.get_one(User, life.person.user_id), "order", now)
    )
    with database.reading() as session:
        [record] = ledger.find(session, ledger.Search(event="erasure.done"))
        [key] = session.exec(select(KeyRow).where(KeyRow.subject == subject)).all()
        left = session.exec(select(Disclosure).where(Disclosure.subject == subject)).all()
        keys = session.exec(select(SigningKey).where(SigningKey.user_id == life.person.user_id)).all()
        signed = session.exec(select(ContractSignature).where(ContractSignature.user_id == life.person.user_id)).all()
    assert (record.leaf.actor, record.leaf.on, record.leaf.sd) == ("system", (subject,), ())
    assert record.leaf.d["basis"] == "order"
    assert record.leaf.d["disclosures"] == len(places)
    named = " ".join(str(value) for name, value in record.leaf.d.items() if name.startswith("places_"))
    assert named.split() == places
    assert (key.key, left) == (b"", [])
    assert [(each.label, each.revoked_at is not None, each.thumbprint) for each in keys] == [
        ("", True, signed[0].thumbprint)
    ]


def test_thousands_of_places_fill_several_records() -> None:
    places = [f"01m8d48yfftt8r495rz3v3teq4.{n % 16}" for n in range(1001)]
    parts = list(service._details(places, "left"))
    assert [part["part"] for part in parts] == list(range(1, 8))
    for details in parts:
        leaf.make(
            origin="log.test/2026", type="erasure.done", at_ms=1, id="01m8d48yfftt8r495rz3v3teq4", actor="system",
            on=["user:01m8d48yfftt8r495rz3v3teq4"], d=details,
        )  # fmt: skip
    named = " ".join(str(v) for part in parts for name, v in part.items() if name.startswith("places_"))
    assert named.split() == places


def test_what_is_written_about_an_erased_person_is_stored_nowhere(
    life: Life, colleague: str, database: Database
) -> None:
    subject = f"user:{life.person.user_id}"
    life.market.do(
        lambda session, now: service.erase(session, None, session.get_one(User, life.person.user_id), "left", now)
    )
    with database.writing() as session:
        salted = disclosures.salt({subject: {"by": NAME}})
        disclosures.write(session, "01m8d48yfftt8r495rz3v3teq4", salted)
        session.commit()
    assert life.in_database(Disclosure, subject=subject) == []


def test_a_question_leaves_no_digest_that_can_be_guessed_and_one_under_way_no_answer(
    life: Life, colleague: str, ready: Place, database: Database
) -> None:
    room = ready.room()
    reserved = ready.do(queries.reserve, life.person, room.id, queries.Asked("SELECT COUNT(*) FROM data"))
    assert reserved.accepted is not None, "the engine works on it"
    assert any("result_sha256" in run.receipt for run in life.in_database(QueryRun, user_id=life.person.user_id))
    ready.do(lambda session, now: service.erase(session, None, session.get_one(User, life.person.user_id), "left", now))
    ready.do(queries.finish, life.person, reserved, _answer())
    for run in life.in_database(QueryRun, user_id=life.person.user_id):
        assert (run.sql, run.answer, run.state) == (ERASED, None, "done")
        assert run.receipt.keys().isdisjoint({"statistic", "result_sha256"})
        assert run.signed_receipt is None  # it names the answer by its digest


def _answer() -> Answer:
    rows = (("SGN",),)
    return Answer(("hub",), rows, False, False, 1, {"statistic": "x"}, Released(rows, False, "", 0))


def test_an_erasure_waits_for_whoever_is_writing_and_takes_their_rows_too(database: Database, now: datetime) -> None:
    subject, done = "user:01m8d48yfftt8r495rz3v3teq4", []

    def erase() -> None:
        with database.writing() as session:
            done.extend(disclosures.erase(session, subject))
            session.commit()

    for event_id in ("01m8d48yfftt8r495rz3v3teq5", "01m8d48yfftt8r495rz3v3teq6"):  # the first time makes the key
        with database.writing() as session:
            disclosures.write(session, event_id, disclosures.salt({subject: {"by": NAME}}))
            if event_id.endswith("6"):
                thread = Thread(target=erase)
                thread.start()
                thread.join(timeout=0.5)
                assert thread.is_alive()
            session.commit()
    thread.join(timeout=20)
    assert done == ["01m8d48yfftt8r495rz3v3teq5.0", "01m8d48yfftt8r495rz3v3teq6.0"]
    with database.reading() as session:
        assert session.exec(select(Disclosure)).all() == []


def test_a_row_moved_to_another_place_cannot_be_read(life: Life, database: Database) -> None:
    with database.writing() as session:
        one, other = session.exec(select(Disclosure).where(Disclosure.subject == f"user:{life.person.user_id}")).all()[
            :2
        ]
        one.ciphertext, other.ciphertext = other.ciphertext, one.ciphertext
        ids = [one.event_id, other.event_id]
        session.commit()
    with database.reading() as session:
        leaves = [ledger.record_of(session, event_id).leaf for event_id in ids]
        shown = [each.gone for values in disclosures.read(session, leaves).values() for each in values]
    assert shown.count("unreadable") == 2


def test_a_database_alone_cannot_be_read_and_a_new_secret_needs_the_old_one(
    life: Life, config: Config, database: Database
) -> None:
    with database.reading() as session:
        leaves = [record.leaf for record in ledger.find(session, ledger.Search(event="query.refused"))]
    other = Database(database.url, config.log_origin, "another secret of thirty-two characters")
    with other.reading() as session:
        [values] = disclosures.read(session, leaves).values()
        assert {each.gone for each in values} == {"unreadable"}
        assert disclosures.disclosures_of(session, [leaves[0].id]) == []
    with other.writing() as session:
        assert disclosures.rewrap(session, config.secret_key) > 0
        session.commit()
    with other.reading() as session:
        [values] = disclosures.read(session, leaves).values()
        assert QUESTION in [each.value for each in values]
    other.dispose()


def test_without_a_secret_nothing_private_is_recorded(config: Config, database: Database) -> None:
    bare = Database(database.url, config.log_origin)
    with bare.writing() as session, pytest.raises(disclosures.SubjectKeyError):
        disclosures.write(session, "01m8d48yfftt8r495rz3v3teq4", disclosures.salt({"user:x": {"by": NAME}}))
    bare.dispose()


def test_what_is_too_long_is_cut_and_nothing_is_no_value() -> None:
    [long, short] = sorted(
        disclosures.salt({"org:x": {"sql": "ở\n" * 65_536, "n": 0, "reason": ""}}), key=lambda e: -len(e.text)
    )
    assert len(long.text) <= disclosure.MAX_CHARACTERS
    assert str(disclosure.parse(long.text).value).endswith("…")
    assert disclosure.parse(short.text).value == 0


def test_the_address_is_free_again(life: Life, colleague: str, database: Database) -> None:
    life.market.do(
        lambda session, now: service.erase(session, None, session.get_one(User, life.person.user_id), "left", now)
    )
    assert life.in_database(User, email=EMAIL) == []
