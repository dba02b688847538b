"""Collecting cosignatures: from real witnesses of ours, whatever the others among them do."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask, Response
from flask.testing import FlaskClient
from sqlmodel import Session, select

from contracts.log import checkpoint, witness
from contracts.log.checkpoint import Checkpoint, format_vkey
from contracts.log.policy import Policy, check_policy, parse_policy
from exchange import audit, clock
from exchange.client.plain import Answer
from exchange.config import Config, ConfigurationError
from exchange.db import Database
from exchange.ledger import cosigned, service, witnesses
from exchange.ledger.keyring import Keyring
from exchange.ledger.models import Cosignature
from exchange.ledger.promises import WouldFork
from exchange.ledger.sequencer import Sequencer
from exchange.ledger.witnesses import Witnesses
from exchange.witness.app import create_app
from exchange.witness.book import Book
from tests.exchange.people import People
from tests.exchange.running import Running
from tests.exchange.witness.running import free_port

Record = Callable[..., None]


class Place:
    """Witnesses on loopback ports, and policy files that name them."""

    def __init__(self, folder: Path, vkey: str) -> None:
        self.folder, self.vkey = folder, vkey
        self.books: dict[str, Book] = {}
        self.lines: dict[str, str] = {}
        self.running: dict[str, Running] = {}

    def add(self, name: str, app: Flask | None = None) -> Book:
        """A witness of ours under this name; ``app`` answers in its place, or nobody when it is down."""
        book = Book.create(self.folder / name, f"{name}.example")
        book.add_log(self.vkey)
        self.books[name], self.running[name] = book, Running()
        self.running[name].start(app or create_app(book))
        self.lines[name] = f"witness {name} {format_vkey(book.key)} {self.running[name].address}"
        return book

    def down(self, name: str) -> None:
        """A witness that nobody can reach."""
        book = Book.create(self.folder / name, f"{name}.example")
        self.books[name] = book
        self.lines[name] = f"witness {name} {format_vkey(book.key)} http://127.0.0.1:{free_port()}"

    def policy(self, quorum: str = "quorum none") -> Path:
        """The policy file."""
        path = self.folder / "policy"
        path.write_text("\n".join([*self.lines.values(), quorum]) + "\n")
        return path

    def stop(self) -> None:
        """Let all go."""
        for one in self.running.values():
            one.stop()


@pytest.fixture
def grow(database: Database, people: People, sequencer: Sequencer) -> Record:
    """``grow(3)``: three more records under a new signed head."""
    actor = people.provider()

    def grow(count: int = 1) -> None:
        with database.writing() as session:
            for n in range(count):
                audit.record(session, "listing.submitted", actor, on=[f"listing:l{n}"], now=clock.now())
            session.commit()
        sequencer.run_once()

    return grow


@pytest.fixture
def place(tmp_path: Path, database: Database, grow: Record) -> Iterator[Place]:
    grow(2)
    with database.reading() as session:
        [vkey] = service.vkeys(session)
    folder = tmp_path / "witnesses"
    folder.mkdir()
    found = Place(folder, vkey)
    yield found
    found.stop()


@pytest.fixture
def collect(place: Place, database: Database, config: Config) -> Iterator[Callable[..., Witnesses]]:
    """``collect()``: the exchange's side, with the policy as it stands now."""
    made = []

    def make(quorum: str = "quorum none") -> Witnesses:
        made.append(Witnesses(database, dataclasses.replace(config, witness_policy=place.policy(quorum))))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def seen(session: Session) -> dict[str, int]:
    """Which head each witness has cosigned last."""
    rows = session.exec(select(Cosignature).order_by(Cosignature.size))  # type: ignore[arg-type]
    return {row.witness.removesuffix(".example"): row.size for row in rows}


def opened(session: Session, place: Place) -> list[str]:
    """The witnesses whose lines stand, verified, under the newest head."""
    newest = service.head(session)
    assert newest is not None
    keys = [book.key for book in place.books.values()]
    found = checkpoint.open_checkpoint(newest.note, service.verifiers(session), keys)
    return [one.key.name for one in found.cosigned]


def test_two_witnesses_cosign_each_new_head(
    place: Place, grow: Record, collect: Callable[..., Witnesses], database: Database
) -> None:
    place.add("regulator"), place.add("bank")
    collecting = collect()
    for more in (0, 1, 300, 7):
        grow(more)
        collecting.run_once()
        with database.reading() as session:
            newest = service.head(session)
            assert newest is not None
            assert seen(session) == {"regulator": newest.size, "bank": newest.size}
            assert opened(session, place) == ["bank.example", "regulator.example"]


def test_one_that_is_down_one_that_lies_and_one_that_is_slow_hold_nobody_up(
    place: Place, grow: Record, collect: Callable[..., Witnesses], database: Database
) -> None:
    done = threading.Event()
    place.add("regulator")
    place.down("down")
    for name, answer in (("lies", wrong_signature), ("wrong", lambda: "yes"), ("slow", lambda: drip(done)),
                         ("leads-away", elsewhere), ("floods", lambda: "x" * 100_000)):  # fmt: skip
        place.add(name, answering(answer))
    collecting = collect()
    collecting._push_due()
    pushes = {one.name: one.running for one in collecting._all if one.running is not None}
    slow = pushes.pop("slow")
    assert wait(pushes.values(), timeout=4).not_done == set()
    assert not slow.done()
    with database.reading() as session:
        assert seen(session) == {"regulator": 2}
        assert opened(session, place) == ["regulator.example"]
    done.set()
    assert not collecting.alarmed()
    states = {one.name: one.failures for one in collecting._all if one.name != "slow"}
    assert states.pop("regulator") == 0
    assert set(states.values()) == {1}
    collecting.run_once()
    assert {one.failures for one in collecting._all} <= {0, 1}  # asked again only after a pause


def answering(answer: Callable[[], object]) -> Flask:
    """A server that answers every push in this way."""
    app = Flask("strange")
    app.add_url_rule("/add-checkpoint", "add", answer, methods=["POST"])
    return app


def wrong_signature() -> str:
    key = Ed25519PrivateKey.from_private_bytes(b"z" * 32)
    return witness.format_answer(checkpoint.cosign_note("another text\n", "lies.example", key, 1))


def drip(done: threading.Event) -> Response:
    def body() -> Iterator[bytes]:
        while not done.wait(0.2):
            yield b"x"

    return Response(body())


def elsewhere() -> Response:
    return Response(status=307, headers={"Location": "http://127.0.0.1:1/add-checkpoint"})


def test_a_witness_of_which_we_know_nothing_any_more_tells_its_size(
    place: Place, grow: Record, collect: Callable[..., Witnesses], database: Database
) -> None:
    place.add("regulator")
    collect().run_once()
    with database.writing() as session:
        for row in session.exec(select(Cosignature)):
            session.delete(row)
        session.commit()
    grow(5)
    collect().run_once()  # 409, then from the size it names
    with database.reading() as session:
        assert seen(session) == {"regulator": 7}


def test_the_same_head_is_cosigned_again_after_ten_minutes(
    place: Place, collect: Callable[..., Witnesses], database: Database, now: datetime
) -> None:
    place.add("regulator")
    collecting = collect()
    times = []
    for minutes in (0, 9, 11):
        with clock.frozen(now + timedelta(minutes=minutes)):
            collecting.run_once()
        with database.reading() as session:
            [row] = session.exec(select(Cosignature)).all()
            times.append(row.seen_s - int(now.timestamp()))
    assert times == [0, 0, 660]


@pytest.mark.parametrize("grown", [0, 5])
def test_behind_a_witness_the_exchange_signs_nothing(
    place: Place, grow: Record, collect: Callable[..., Witnesses], sequencer: Sequencer, app: Flask, database: Database,
    config: Config, grown: int,
) -> None:  # fmt: skip
    """A restored backup: the witness has seen five records of ours, the database holds two, or seven other ones."""
    book = place.add("regulator")
    lost = lost_head(config, 5)
    book.cosign(witness.format_request(0, (), lost).encode(), int(clock.now().timestamp()))
    if grown:
        grow(grown)
    collecting = collect()
    collecting.start()
    assert collecting.alarmed()
    kept = (config.home / "witnessed_head").read_text()
    assert checkpoint.open_checkpoint(kept, [checkpoint.parse_vkey(place.vkey)]).checkpoint.size == 5
    with pytest.raises(WouldFork):
        grow(1)
    app.extensions["minhbach.witnesses"] = collecting
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["log"]) == (503, "failing")


def lost_head(config: Config, size: int) -> str:
    """A head of records that this database never held, signed by the log's own key."""
    keyring = Keyring(config.home, config.log_origin)
    [key] = keyring.signers([keyring.open()])
    return checkpoint.sign_checkpoint(Checkpoint(config.log_origin, size, b"r" * 32), key)


def test_a_fork_that_shows_only_when_a_head_is_pushed_stops_the_log_too(
    place: Place, grow: Record, collect: Callable[..., Witnesses], config: Config
) -> None:
    book = place.add("regulator")
    collecting = collect()
    book.cosign(witness.format_request(0, (), lost_head(config, 2)).encode(), int(clock.now().timestamp()))
    collecting.run_once()  # the same size, another root
    assert collecting.alarmed()
    with pytest.raises(WouldFork):
        grow(1)


def test_an_unreadable_promise_counts_as_one(collect: Callable[..., Witnesses], config: Config) -> None:
    collecting = collect()
    assert not collecting.alarmed()
    (config.home / "witnessed_head").write_bytes(b"\xff nonsense")
    assert collecting.alarmed()
    ended = lost_head(dataclasses.replace(config, log_origin="log.test/2025"), 9)
    (config.home / "witnessed_head").write_text(ended)  # of a log that has ended: it binds nobody any more
    assert not collecting.alarmed()


def test_a_head_pushed_while_another_process_asks_the_witness_is_no_alarm(
    place: Place, grow: Record, collect: Callable[..., Witnesses], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between this process's question and its look into the database, the log may have grown."""
    place.add("regulator")
    leader, other = collect(), collect()
    leader.run_once()
    [one] = other._all
    ask = one.http.ask

    def slowly(path: str, limit: int, body: bytes | None = None) -> Answer:
        grow(1)
        leader.run_once()
        return ask(path, limit, body)

    monkeypatch.setattr(one.http, "ask", slowly)
    other.start()
    assert not other.alarmed()


def test_a_long_absence_does_not_take_the_published_head_away(
    place: Place, grow: Record, collect: Callable[..., Witnesses], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cosigned, "RECENT", 2)
    place.add("regulator"), place.add("bank")
    collecting = collect("group two all regulator bank\nquorum two")
    collecting.run_once()
    place.running.pop("bank").stop()
    for _ in range(4):
        grow(1)
        collecting.run_once()
        for shown in (collecting.published, cosigned.Published(collecting.policy)):
            with database.reading() as session:
                head = shown.head(session)
            assert head is not None
            assert head.size == 2


def test_a_witness_that_only_claims_to_have_seen_more_stops_nothing(
    place: Place, grow: Record, collect: Callable[..., Witnesses]
) -> None:
    place.add("boaster", answering(lambda: Response("9999\n", 409, content_type=witness.SIZE_TYPE)))
    collecting = collect()
    collecting.start()
    collecting.run_once()
    assert not collecting.alarmed()
    grow(1)


def test_with_a_quorum_the_newest_head_that_has_it_is_served(
    place: Place, grow: Record, collect: Callable[..., Witnesses], app: Flask, client: FlaskClient
) -> None:
    for name in ("regulator", "bank", "union"):
        place.add(name)
    rule = "group two 2 regulator bank union\nquorum two"
    collecting = collect(rule)
    app.extensions["minhbach.witnesses"] = collecting
    assert client.get("/log/checkpoint").status_code == 404  # nothing is published before it is witnessed
    place.running["union"].stop()
    collecting.run_once()
    grow(3)
    assert size_of(client) == 2
    place.running["bank"].stop()
    collecting.run_once()  # only one of two is left
    assert size_of(client) == 2
    policy = parse_policy(client.get("/log/keys").text)
    assert check_policy(policy, client.get("/log/checkpoint").text).checkpoint.size == 2
    assert [name for name, _ in policy.witnesses] == ["regulator", "bank", "union"]
    assert "http" not in client.get("/log/keys").text
    for name in ("bank", "union"):
        place.running.pop(name)


def size_of(client: FlaskClient) -> int:
    return checkpoint.parse_checkpoint(checkpoint.parse_note(client.get("/log/checkpoint").text).text).size


def test_the_published_folder_follows_the_quorum(
    place: Place, grow: Record, collect: Callable[..., Witnesses], database: Database, config: Config, tmp_path: Path
) -> None:
    place.add("regulator")
    collecting = collect("quorum regulator")
    folder = tmp_path / "public"
    settings = dataclasses.replace(config, log_folder=folder, witness_policy=place.policy("quorum regulator"))
    publishing = Sequencer(database, settings)
    publishing.run_once()
    assert not folder.exists()
    collecting.run_once()
    publishing.run_once()
    grow(2)
    publishing.run_once()
    policy = dataclasses.replace(collecting.policy, logs=(checkpoint.parse_vkey(place.vkey),))
    assert check_policy(policy, (folder / "checkpoint").read_text()).checkpoint.size == 2
    collecting.run_once()
    publishing.run_once()
    assert check_policy(policy, (folder / "checkpoint").read_text()).checkpoint.size == 4


def test_what_a_witness_has_seen_is_fresh_late_or_never_or_its_clock_is_ahead(
    place: Place, collect: Callable[..., Witnesses], database: Database, now: datetime
) -> None:
    place.add("regulator")
    place.down("bank")
    collecting = collect()
    collecting.run_once()
    with database.reading() as session:
        states = [
            {one.name: one.state for one in cosigned.sightings(session, collecting.policy, now + timedelta(minutes=m))}
            for m in (-2, -1, 0, 20, 21)
        ]
        assert [one["regulator"] for one in states] == ["ahead", "fresh", "fresh", "fresh", "late"]
        assert {one["bank"] for one in states} == {"never"}
        assert cosigned.sightings(session, Policy(()), now) == []


def test_in_the_background_one_process_pushes_and_another_takes_over(
    place: Place, grow: Record, collect: Callable[..., Witnesses], database: Database
) -> None:
    place.add("regulator")
    first, second = collect(), collect()
    first._tick(), second._tick()
    assert (first._lead is not None, second._lead is not None) == (True, False)
    first.stop()
    second.start()
    grow(1)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with database.reading() as session:
            if seen(session) == {"regulator": 3}:
                return
        time.sleep(0.05)
    raise AssertionError(f"nobody pushed within {witnesses.TICK + 10} seconds")


@pytest.mark.parametrize(
    "line",
    [
        "witness w {key}",
        "witness w {key} http://witness.example",
        "witness w {key} ftp://witness.example",
        "witness w {key} https://user:secret@witness.example",
        "nonsense",
    ],
)
def test_a_policy_that_cannot_be_followed_stops_the_start(
    place: Place, database: Database, config: Config, line: str
) -> None:
    key = format_vkey(place.add("regulator").key)
    path = place.folder / "bad"
    path.write_text(f"{line.format(key=key)}\nquorum none\n")
    with pytest.raises(ConfigurationError, match="MINHBACH_WITNESS_POLICY"):
        Witnesses(database, dataclasses.replace(config, witness_policy=path))


def test_a_policy_file_that_is_missing_stops_the_start(database: Database, config: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        Witnesses(database, dataclasses.replace(config, witness_policy=tmp_path / "missing"))
