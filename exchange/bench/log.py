"""Appending to the log: a business row with its record against the same row without it; time to a signed head."""

import hashlib
import time
from threading import Thread

from sqlmodel import Session

from exchange import audit, clock
from exchange.accounts.models import Organisation
from exchange.bench import Figure, empty_exchange, open_database, per_second, percentile
from exchange.config import Config
from exchange.db import Database, new_id
from exchange.ledger import service
from exchange.ledger.cli import problems_of
from exchange.ledger.sequencer import Sequencer
from exchange.permissions import OrgKind

WRITERS = 4


def run(kind: str, count: int = 2000) -> list[Figure]:
    """Figures for one database kind; ``count`` transactions by four writing threads."""
    with empty_exchange(kind) as config:
        database = open_database(config)
        sequencer = Sequencer(database, config)
        sequencer.start()
        plain = per_second(count, lambda: _write(database, count, logged=False))
        logged = per_second(count, lambda: _write(database, count, logged=True))
        lags = _lags(database, 50)
        check = _check_speed(database, config)
        sequencer.stop()
        database.dispose()
    more = {"writers": WRITERS, "to_signed_head_ms": {"p50": percentile(lags, 0.5), "p99": percentile(lags, 0.99)}}
    same_row = "the same row committed without a log record"
    return [Figure(f"append, {kind}", "transactions/s", logged, plain, same_row, more), check]


def _write(database: Database, count: int, *, logged: bool) -> None:
    threads = [Thread(target=_write_some, args=(database, count // WRITERS, logged)) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write_some(database: Database, count: int, logged: bool) -> None:
    for _ in range(count):
        with database.writing() as session:
            _one(session, logged)
            session.commit()


def _one(session: Session, logged: bool) -> str:
    now = clock.now()
    row = Organisation(name="Bench", tax_code=new_id()[12:], kind=OrgKind.MEMBER, created_at=now)
    session.add(row)
    return audit.record(session, "account.registered", None, on=[f"org:{row.id}"], now=now) if logged else ""


def _lags(database: Database, count: int) -> list[float]:
    """Milliseconds from a durable commit to a signed head that covers it."""
    lags = []
    for _ in range(count):
        with database.writing() as session:
            event = _one(session, True)
            session.commit()
        start = time.perf_counter()
        while True:
            with database.reading() as session:
                if service.is_logged(session, event):
                    break
            time.sleep(0.002)
        lags.append((time.perf_counter() - start) * 1000)
    return lags


def _check_speed(database: Database, config: Config) -> Figure:
    """A full self-check of the database against hashing the same leaves and nothing else."""
    with database.reading() as session:
        size = getattr(service.head(session), "size", 0)
        leaves = [record.data for record in service.find(session, service.Search(limit=1000))]
        ours = per_second(size, lambda: _require_sound(session))
    bare = per_second(len(leaves) * 50, lambda: _hash_all(leaves * 50))
    return Figure("self-check of the log", "records/s", ours, bare, "SHA-256 of the same records", {"records": size})


def _hash_all(leaves: list[bytes]) -> None:
    for data in leaves:
        hashlib.sha256(data).digest()


def _require_sound(session: Session) -> None:
    problems = problems_of(session)
    if problems:
        raise RuntimeError(problems[0])
