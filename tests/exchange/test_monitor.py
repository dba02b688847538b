"""``minhbach monitor`` against an exchange that really runs: one that is honest, and several that are not."""

import json
import secrets
import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session

from contracts import canonical
from contracts.log import checkpoint, leaf, witness
from contracts.log.checkpoint import format_vkey
from exchange import audit, clock
from exchange.accounts.service import secret_hash
from exchange.app import create_app
from exchange.cli import main
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import restart, service
from exchange.ledger.models import Cosignature, Entry, Outbox
from exchange.oauth import service as oauth
from exchange.oauth.models import Client, Flow, Token
from exchange.oversight import warrants
from exchange.witness.book import Book
from tests.exchange.people import People
from tests.exchange.running import Running

MANDATE = warrants.Mandate("12/QĐ-TTr", "Thanh tra", "Nhật ký", date(2026, 11, 1), date(2026, 12, 31))


class Exchange:
    """An exchange in a folder that can be copied, as a backup is."""

    def __init__(self, folder: Path, people: People | None = None, origin: str = "log.test/2026") -> None:
        self.folder = folder
        url = f"sqlite:///{folder / 'exchange.sqlite'}"
        self.config = Config.from_environ(
            {"MINHBACH_HOME": str(folder), "MINHBACH_DATABASE_URL": url, "MINHBACH_LOG_ORIGIN": origin}
        )
        self.app = create_app(self.config)
        self.app.testing = True
        self.database: Database = self.app.extensions["minhbach.database"]
        self.people = people or People(self.app, self.database)

    def grow(self, count: int) -> None:
        """So many more records under a new signed head."""
        actor = self.people.provider()
        with self.database.writing() as session:
            for n in range(count):
                audit.record(session, "listing.submitted", actor, on=[f"listing:l{n % 7}"], now=clock.now())
            session.commit()
        self.app.extensions["minhbach.sequencer"].run_once()

    def backup(self, name: str) -> "Exchange":
        """A copy as it stands now, on the same key."""
        with self.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        copy = self.folder.with_name(name)
        shutil.copytree(self.folder, copy)
        return Exchange(copy, self.people)

    def note(self) -> str:
        with self.database.reading() as session:
            newest = service.head(session)
        assert newest is not None
        return newest.note


class Watched:
    """The address that is watched: whichever exchange stands behind it now; and who watches."""

    def __init__(self, folder: Path, first: Exchange) -> None:
        self.folder, self.behind = folder, first
        with first.database.reading() as session:
            self.log_line = f"log {service.vkeys(session)[0]}\n"
        self.policy = folder / "policy"
        self.policy.write_text(self.log_line + "quorum none\n")
        self.state = folder / "state"
        self.token: Path | None = None

    def __call__(self, environ: Any, start: Any) -> Any:
        return self.behind.app(environ, start)

    def look(self, *more: str) -> tuple[int, str]:
        """``minhbach monitor --once``: its exit code and the line it says."""
        words = ["monitor", "--server", self.address, "--policy", self.policy, "--state", self.state, "--once"]
        words += ["--token-file", self.token] if self.token else []
        result = CliRunner().invoke(main, [*map(str, words), "--lang", "en", *more])
        [line] = [line for line in result.output.splitlines() if "[info " not in line]  # the server's own lines
        return result.exit_code, line

    def is_well(self) -> None:
        code, line = self.look()
        assert (code, "[MONITOR_WELL]" in line) == (0, True), line

    def alarms(self, alarm: str) -> str:
        """It must raise this alarm, in one line, and keep the state as it was."""
        before = self.state.read_bytes() if self.state.exists() else None
        code, line = self.look()
        assert (code, f"[{alarm}]" in line) == (1, True), line
        assert (self.state.read_bytes() if self.state.exists() else None) == before
        return line

    def cannot_ask(self, why: str) -> None:
        """It must say why it could not look, which is no alarm."""
        code, line = self.look()
        assert (code, f"[{why}]" in line) == (2, True), line

    address = ""


@pytest.fixture
def watched(tmp_path: Path, sqlite_template: Path, now: datetime) -> Iterator[Watched]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(sqlite_template, home / "exchange.sqlite")
    exchange = Exchange(home)
    exchange.grow(5)
    folder = tmp_path / "watch"
    folder.mkdir()
    found, running = Watched(folder, exchange), Running()
    found.address = running.address
    running.start(found)  # type: ignore[arg-type]
    yield found
    running.stop()


def test_a_log_that_grows_honestly_is_followed(watched: Watched) -> None:
    for more in (0, 0, 1, 250, 300):
        watched.behind.grow(more)
        watched.is_well()
    assert watched.state.read_text().count("log.test/2026") == 2  # origin and the name that signed


def test_a_restored_backup_is_noticed(watched: Watched) -> None:
    old = watched.behind.backup("old")
    watched.behind.grow(4)
    watched.is_well()
    watched.behind = old
    assert "9 records before, 5 now" in watched.alarms("MONITOR_SMALLER")


def test_a_fork_is_noticed_and_both_signed_heads_are_kept(watched: Watched) -> None:
    fork = watched.behind.backup("fork")
    watched.behind.grow(4)
    watched.is_well()
    mine = watched.behind.note()
    for more in (4, 300):  # the same size with another root, then a larger one
        fork.grow(more)
        watched.behind = fork
        watched.alarms("MONITOR_FORK")
    kept = sorted(watched.folder.glob("state.fork-*.json"))
    assert len(kept) == 2
    keys = [checkpoint.parse_vkey(watched.log_line.split()[1])]
    for file in kept:
        notes = json.loads(file.read_text())
        assert notes["seen before"] == mine
        first, second = (checkpoint.open_checkpoint(note, keys).checkpoint for note in notes.values())
        assert first.root != second.root


def saying(note: str) -> Any:
    def app(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [note.encode()]

    return app


def test_what_the_log_has_not_signed_is_not_kept_as_evidence(watched: Watched) -> None:
    watched.is_well()
    stranger = Ed25519PrivateKey.generate()
    for size in (1, 2):
        forged = checkpoint.sign_checkpoint(checkpoint.Checkpoint("log.test/2026", size, bytes(32)), stranger)
        watched.behind.app = saying(forged)
        watched.alarms("MONITOR_POLICY")
    assert list(watched.folder.glob("state.fork-*")) == []


def test_another_key_another_log_and_an_emptied_one_are_noticed(
    watched: Watched, tmp_path: Path, sqlite_template: Path
) -> None:
    watched.is_well()
    home = tmp_path / "other"
    home.mkdir()
    shutil.copy(sqlite_template, home / "exchange.sqlite")
    watched.behind = Exchange(home)
    watched.alarms("MONITOR_GONE")
    watched.behind.grow(9)
    watched.alarms("MONITOR_POLICY")


def with_witness(watched: Watched, quorum: str) -> Book:
    book = Book.create(watched.folder / "w", "regulator.example")
    book.add_log(watched.log_line.split()[1])
    line = f"witness regulator {format_vkey(book.key)}\n"
    watched.policy.write_text(f"{watched.log_line}{line}quorum {quorum}\n")
    return book


def cosigned(exchange: Exchange, book: Book, at: datetime) -> None:
    """The newest head, cosigned at that time."""
    note, seconds = exchange.note(), int(at.timestamp())
    head = checkpoint.parse_checkpoint(checkpoint.parse_note(note).text)
    line = book.cosign(witness.format_request(0, (), note).encode(), seconds).rstrip("\n")
    with exchange.database.writing() as session:
        session.merge(Cosignature(size=head.size, witness=book.name, line=line, seen_s=seconds))
        session.commit()


def test_a_head_without_its_quorum_is_noticed(watched: Watched, now: datetime) -> None:
    book = with_witness(watched, "regulator")
    watched.alarms("MONITOR_POLICY")
    cosigned(watched.behind, book, now)
    watched.is_well()


def test_a_head_that_no_witness_has_seen_lately_is_noticed(watched: Watched, now: datetime) -> None:
    book = with_witness(watched, "none")
    watched.alarms("MONITOR_UNSEEN")
    cosigned(watched.behind, book, now - timedelta(minutes=30))
    watched.is_well()
    with clock.frozen(now + timedelta(minutes=1)):
        assert "31 minutes ago" in watched.alarms("MONITOR_STALE")


def test_a_witness_whose_clock_is_ahead_is_not_taken_for_one_that_has_looked(watched: Watched, now: datetime) -> None:
    cosigned(watched.behind, with_witness(watched, "regulator"), now + timedelta(minutes=90))
    assert "90 minutes ahead" in watched.alarms("MONITOR_AHEAD")
    with clock.frozen(now + timedelta(minutes=89)):
        watched.is_well()


def test_one_witness_who_looks_away_does_not_make_up_for_the_others(watched: Watched, now: datetime) -> None:
    books = [Book.create(watched.folder / name, f"{name}.example") for name in ("bank", "regulator")]
    lines = [f"witness {book.name} {format_vkey(book.key)}\n" for book in books]
    group = f"group both all {' '.join(book.name for book in books)}\nquorum both\n"
    watched.policy.write_text(watched.log_line + "".join(lines) + group)
    for book, minutes in zip(books, (0, 45), strict=True):
        book.add_log(watched.log_line.split()[1])
        cosigned(watched.behind, book, now - timedelta(minutes=minutes))
    assert "45 minutes ago" in watched.alarms("MONITOR_STALE")


def give_token(watched: Watched, *, warrant: bool = True) -> None:
    """A regulator's token in a file of mode 0600."""
    exchange, now, text = watched.behind, clock.now(), secrets.token_urlsafe(32)
    official = exchange.people.regulator()
    with exchange.database.writing() as session:
        client = Client(
            org_id=official.org_id, created_by=str(official.user_id), name="M", flow=Flow.PERSON, redirect_uris=[],
            scopes=[], roles=[], created_at=now,
        )  # fmt: skip
        session.add(client)
        session.flush()
        session.add(
            Token(token_hash=secret_hash(text), client_id=client.id, user_id=official.user_id, org_id=official.org_id,
                  scope="audit", issued_at=now, expires_at=now + oauth.TOKEN_LENGTH)
        )  # fmt: skip
        if warrant:
            warrants.open_warrant(session, official, MANDATE, now)
        session.commit()
    watched.token = watched.folder / "token"
    watched.token.write_text(text + "\n")
    watched.token.chmod(0o600)


def test_with_a_token_every_record_is_read_hashed_and_followed(watched: Watched) -> None:
    give_token(watched)
    for more in (3, 1, 300, 2):
        watched.behind.grow(more)
        watched.is_well()
        state = json.loads(watched.state.read_text())
        head = checkpoint.parse_checkpoint(checkpoint.parse_note(state["checkpoint"]).text)
        assert state["records"] == head.size
    assert "listing:l3" in state["chains"]


@pytest.mark.parametrize(
    ("harm", "alarm"), [("prev", "MONITOR_RECORDS"), ("leaf", "MONITOR_RECORDS"), ("dropped", "MONITOR_FORK")]
)
def test_records_that_do_not_match_the_head_are_noticed(watched: Watched, harm: str, alarm: str) -> None:
    give_token(watched)
    watched.is_well()
    watched.behind.grow(40)
    with watched.behind.database.writing() as session:
        harm_records(session, harm)
    watched.alarms(alarm)


def harm_records(session: Session, harm: str) -> None:
    """What an operator could do to the tables, triggers switched off."""
    connection = session.connection()
    for verb in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER log_entry_no_{verb}")
    if harm == "prev":  # the leaf hash stays as it was signed: only reading the record shows it
        connection.exec_driver_sql(
            "UPDATE log_entry SET leaf = (SELECT leaf FROM log_entry WHERE idx = 20) WHERE idx = 21"
        )
    elif harm == "leaf":
        connection.exec_driver_sql("UPDATE log_entry SET leaf = CAST('{}' AS BLOB) WHERE idx = 30")
    else:
        connection.exec_driver_sql("DELETE FROM log_entry WHERE idx = 30")
    session.commit()


def record_again(exchange: Exchange, index: int) -> None:
    """An event that the log holds already, under a new signed head: its first row gets another id to make room."""
    with exchange.database.writing() as session:
        data = session.get_one(Entry, index).leaf
        id = leaf.parse(data).id
        connection = session.connection()
        connection.exec_driver_sql("DROP TRIGGER log_entry_no_update")
        connection.exec_driver_sql(f"UPDATE log_entry SET event_id = '{'0' * 26}' WHERE idx = {index}")
        waiting = canonical.dumps({**canonical.loads(data), "prev": None})
        session.add(Outbox(event_id=id, leaf=waiting, created_ms=0))
        session.commit()
    exchange.app.extensions["minhbach.sequencer"].run_once()


@pytest.mark.parametrize("read_before", [True, False])
def test_an_event_that_is_recorded_twice_is_noticed(watched: Watched, read_before: bool) -> None:
    give_token(watched)
    if read_before:
        watched.is_well()
    record_again(watched.behind, 2)
    assert "repeats the event" in watched.alarms("MONITOR_RECORDS")


def test_a_state_without_ids_has_its_records_read_again(watched: Watched) -> None:
    give_token(watched)
    watched.is_well()
    state = json.loads(watched.state.read_text())
    watched.state.write_text(json.dumps({name: value for name, value in state.items() if name != "ids"}))
    record_again(watched.behind, 2)
    assert "repeats the event" in watched.alarms("MONITOR_RECORDS")


def test_a_log_that_goes_on_under_a_new_name_is_read_from_its_first_record(watched: Watched) -> None:
    give_token(watched)
    watched.is_well()
    old = watched.behind
    watched.behind = Exchange(old.folder, old.people, "log.test/2027")
    with watched.behind.database.writing() as session:
        vkey = restart.restart(session, watched.behind.config, clock.now())
        session.commit()
    watched.behind.grow(3)
    watched.alarms("MONITOR_POLICY")
    watched.policy.write_text(f"log {vkey}\nquorum none\n")
    watched.alarms("MONITOR_OTHER_LOG")
    watched.state.unlink()
    watched.is_well()
    state = json.loads(watched.state.read_text())
    assert state["log"] == "log.test/2027"
    assert state["records"] > 8
    watched.behind.grow(1)
    watched.is_well()


def test_a_log_that_cannot_be_asked_is_not_an_alarm(watched: Watched, tmp_path: Path, sqlite_template: Path) -> None:
    give_token(watched, warrant=False)
    watched.cannot_ask("MONITOR_TOKEN")
    watched.token = None
    home = tmp_path / "new"
    home.mkdir()
    shutil.copy(sqlite_template, home / "exchange.sqlite")
    watched.behind = Exchange(home)
    watched.cannot_ask("MONITOR_EMPTY")
    watched.address = "http://127.0.0.1:1"
    watched.cannot_ask("NO_CONNECTION")
    assert not watched.state.exists()


def test_a_line_can_be_json_in_both_languages(watched: Watched) -> None:
    result = json.loads(watched.look("--format", "json")[1])
    assert (result["code"], result["size"]) == ("MONITOR_WELL", 5)
    assert "bản ghi" in result["vi"]
    assert "records" in result["en"]


@pytest.mark.parametrize(
    "text", ["", "nonsense", "{}", '{"checkpoint": 1}', {"checkpoint": "cut"}, {"frontier": "00"}, {"records": 1}]
)
def test_a_damaged_state_is_not_taken_for_a_first_look(watched: Watched, text: str | dict[str, str]) -> None:
    if isinstance(text, dict):
        watched.is_well()
        text = json.dumps(json.loads(watched.state.read_text()) | text)
    watched.state.write_text(text)
    watched.cannot_ask("MONITOR_STATE")
    assert watched.state.read_text() == text


def test_what_it_cannot_begin_with_is_no_alarm(watched: Watched) -> None:
    watched.policy.write_text("trust me\n")
    words = ["--policy", str(watched.policy), "--state", str(watched.state), "--once", "--lang", "en"]
    for server in (watched.address, "http://exchange.example", "ftp://exchange.example"):
        result = CliRunner().invoke(main, ["monitor", "--server", server, *words])
        assert (result.exit_code, "ALARM" in result.output) == (2, False)
    give_token(watched)
    assert watched.token is not None
    watched.token.chmod(0o644)
    result = CliRunner().invoke(
        main, ["monitor", "--server", watched.address, *words, "--token-file", str(watched.token)]
    )
    assert (result.exit_code, "chmod 600" in result.output) == (2, True)
