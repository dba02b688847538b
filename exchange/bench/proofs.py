"""What the log gives out (inclusion proofs, witnessed heads), and how fast it takes in many records at once."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from sqlalchemy import func
from sqlmodel import Session, select

from contracts.log import leaf, tree
from contracts.log.checkpoint import format_vkey
from exchange import clock
from exchange.bench import Figure, percentile
from exchange.bench.serving import quiet_app
from exchange.config import Config
from exchange.db import Database, new_id
from exchange.ledger import bulk, service
from exchange.ledger.keyring import Keyring
from exchange.ledger.models import Cosignature, Entry
from exchange.ledger.sequencer import Sequencer
from exchange.ledger.tiles import DatabaseTiles
from exchange.ledger.witnesses import Witnesses
from exchange.witness.book import Book

_OUTBOX = ("event_id", "leaf", "created_ms")


def bulk_import(config: Config, database: Database, sequencer: Sequencer, count: int) -> Figure:
    """Records that are there all at once: into the tree and under a signed head, against storing the same bytes."""
    rows = list(_records(config, count))
    start = time.perf_counter()
    with database.writing() as session:
        bulk.insert(session, "log_outbox", _OUTBOX, rows)
        session.commit()
    bare = count / (time.perf_counter() - start)
    start = time.perf_counter()
    while sequencer.run_once():
        pass
    ours = count / (time.perf_counter() - start)
    more = {"records": count}
    what = "the same records stored and no more"
    return Figure("bulk import into the tree", "records/s", round(ours, 1), round(bare, 1), what, more)


def _records(config: Config, count: int) -> Iterator[tuple[str, bytes, int]]:
    now = clock.now()
    for _ in range(count):
        event_id, at_ms = new_id(), int(now.timestamp() * 1000)
        data = leaf.make(
            origin=config.log_origin, type="account.registered", at_ms=at_ms, id=event_id, actor="system",
            on=[f"org:{event_id}"],
        )  # fmt: skip
        yield event_id, data, at_ms


def inclusion(config: Config, count: int) -> list[Figure]:
    """Proofs of ``count`` records anywhere in the log: the hashes alone, tiles in memory, and through HTTP."""
    with quiet_app(config) as app:
        database: Database = app.extensions["minhbach.database"]
        with database.reading() as session:
            chosen = _some_records(session, count)
            alone = _hashes_alone(session, chosen)
        client = app.test_client()
        client.get("/log/keys")  # the first request of all finds everything cold
        through = [_microseconds(partial(client.get, f"/log/proof?event={event}")) / 1000 for _, event, _ in chosen]
        plain = [_microseconds(partial(client.get, "/healthz")) / 1000 for _ in chosen]
        database.dispose()
    http = Figure(
        "inclusion proof over HTTP, p50", "ms", percentile(through, 0.5), percentile(plain, 0.5), "GET /healthz",
        {"p99": percentile(through, 0.99), "proofs": count},
    )  # fmt: skip
    return [alone, http]


def _some_records(session: Session, count: int) -> list[tuple[int, str, bytes]]:
    """Index, event and hash of as many records as wanted, one perhaps twice."""
    newest = _newest(session)
    indexes = [Random(n).randrange(newest.size) for n in range(count)]  # noqa: S311 - any records will do
    query = select(Entry.idx, Entry.event_id, Entry.leaf_hash)
    return [session.exec(query.where(Entry.idx == index)).one() for index in indexes]


def _hashes_alone(session: Session, chosen: list[tuple[int, str, bytes]]) -> Figure:
    newest = _newest(session)
    reader = DatabaseTiles(session, newest.size).reader
    proofs = [
        tree.prove_inclusion(reader, index, newest.size) for index, _, _ in chosen
    ]  # brings the tiles into memory
    made = [_microseconds(partial(tree.prove_inclusion, reader, index, newest.size)) for index, _, _ in chosen]
    checked = [
        _microseconds(partial(tree.check_inclusion, proof, index, newest.size, newest.root, digest))
        for proof, (index, _, digest) in zip(proofs, chosen, strict=True)
    ]
    more = {"p99": percentile(made, 0.99), "records": newest.size}
    what = "checking the same proof"
    return Figure("inclusion proof, p50", "us", percentile(made, 0.5), percentile(checked, 0.5), what, more)


def _newest(session: Session) -> service.Head:
    newest = service.head(session)
    if newest is None:
        raise RuntimeError("the log is empty")
    return newest


def _microseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e6


def witnessed(config: Config, database: Database, append: Callable[[Session], str], count: int) -> Figure:
    """From a commit until a witness, a process of its own, has cosigned a head over it; the sequencer must run."""
    waited, signed = list[float](), list[float]()
    with _witness(config) as policy:
        witnesses = Witnesses(database, replace(config, witness_policy=policy))
        witnesses.start()
        try:
            for _ in range(count):
                with database.writing() as session:
                    event = append(session)
                    session.commit()
                start = time.perf_counter()
                signed.append(_until(database, event, _is_signed, start))
                waited.append(_until(database, event, _is_cosigned, start))
        finally:
            witnesses.stop()
    more = {"p99": percentile(waited, 0.99), "n": count}
    what = "the signed head alone"
    return Figure("commit to witnessed head, p50", "ms", percentile(waited, 0.5), percentile(signed, 0.5), what, more)


@contextmanager
def _witness(config: Config) -> Iterator[Path]:
    """The policy file of a witness that runs."""
    home, port = config.home / "witness", _free_port()
    book = Book.create(home, "bench.example/w1")
    vkey = Keyring(config.home, config.log_origin).open()
    book.add_log(vkey)
    policy = config.home / "bench.policy"
    lines = [f"log {vkey}", f"witness w1 {format_vkey(book.key)} http://127.0.0.1:{port}", "quorum w1"]
    policy.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-c", "from exchange.cli import main; main()", "witness", "serve", "--home", str(home)]
    process = subprocess.Popen([*command, "--bind", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        _answers(port)
        yield policy
    finally:
        process.terminate()
        process.wait(15)


def _answers(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the witness does not answer")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _until(database: Database, event: str, holds: Callable[[Session, str], bool], start: float) -> float:
    """Milliseconds since ``start`` when it holds."""
    while True:
        with database.reading() as session:
            if holds(session, event):
                return (time.perf_counter() - start) * 1000
        time.sleep(0.004)


def _is_signed(session: Session, event: str) -> bool:
    return service.is_logged(session, event)


def _is_cosigned(session: Session, event: str) -> bool:
    index = service.index_of(session, event)
    largest = session.exec(select(func.max(Cosignature.size))).one()
    return index is not None and largest is not None and index < largest
