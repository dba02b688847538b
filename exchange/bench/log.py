"""Appending to the log under load: a business row with its record against the same row without it, written by several
processes as a server's workers do; the time from a commit to a signed and to a witnessed head; many records at once;
inclusion proofs; the full self-check.
"""

import gc
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from threading import Event, Thread

from sqlmodel import Session

from exchange import audit, clock
from exchange.bench import Figure, empty_exchange, open_database, per_second, percentile
from exchange.config import Config
from exchange.db import Database, new_id
from exchange.ledger import service
from exchange.ledger.cli import problems_of
from exchange.ledger.models import Entry
from exchange.ledger.sequencer import Sequencer
from exchange.permissions import OrgKind

WRITERS = 3
QUIET = "query.run"  # nobody is told of it
TOLD = "account.registered"  # the operator is; whoever may be told is looked for in the same transaction
_COLUMNS = (
    "id, name, tax_code, kind, created_at, assurance_level, payment_account, stated_level, stated_payment_account"
)
_INSERT = f"INSERT INTO organisation ({_COLUMNS}, standing) VALUES "  # noqa: S608
# In the driver's own words, so that what is measured is the log and not the writing of its companion.
_BUSINESS_ROW = {
    "sqlite": _INSERT + "(?, ?, ?, ?, ?, 0, 0, 0, 0, 'active')",
    "postgresql": _INSERT + "(%s, %s, %s, %s, %s, 0, false, 0, false, 'active')",
}


def run(kind: str, count: int = 6000) -> list[Figure]:
    """Figures for one database kind; ``count`` transactions by three writing processes."""
    from exchange.bench import proofs  # loads the application, which the writers need not

    gc.collect()
    gc.freeze()  # as a worker of the server does when it has loaded everything
    with empty_exchange(kind) as config:
        database = open_database(config)
        sequencer = Sequencer(database, config)
        sequencer.start()
        try:
            plain = _rate(config, count, "")
            logged = _rate(config, count, QUIET)
            lags = _Lags(database)
            _rate(config, count, QUIET, lags.begin)  # once more, because asking for heads takes time from the writers
            measured = lags.end()
            told = _rate(config, count, TOLD)
            seen = proofs.witnessed(config, database, lambda session: one(session, QUIET), min(20, 1 + count // 100))
            sequencer.stop()
            many = proofs.bulk_import(config, database, sequencer, 10 * count)
            check = _check_speed(database)
        finally:
            sequencer.stop()
            database.dispose()
        single = proofs.inclusion(config, min(500, count))
    more = {
        "writers": WRITERS,
        "told": told,
        "to_signed_head_ms": {"p50": percentile(measured, 0.5), "p99": percentile(measured, 0.99), "n": len(measured)},
    }
    same_row = "the same row committed without a log record"
    return [Figure(f"append, {kind}", "transactions/s", logged, plain, same_row, more), seen, many, *single, check]


def _rate(config: Config, count: int, event: str, begin: Callable[[], None] = lambda: None) -> float:
    """Transactions per second from the first begun to the last committed, over all writers; with no event, without a
    record. ``begin`` is called when all are about to."""
    share = max(1, count // WRITERS)
    words = [sys.executable, "-m", "exchange.bench.log", config.database_url, config.log_origin, str(share), event]
    with ExitStack() as running:
        writers = [
            running.enter_context(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE))  # noqa: S603
            for _ in range(WRITERS)
        ]
        for writer in writers:
            _require_line(writer)  # it has opened the database and waits
        begin()
        start = time.perf_counter()
        for writer in writers:  # all of them before the first is waited for: they are to write at the same time
            assert writer.stdin is not None  # noqa: S101 - for the type checker
            writer.stdin.write(b"go\n")
            writer.stdin.close()
        for writer in writers:
            _require_line(writer)  # it has committed its last; what a process needs to end is not measured
        return round(share * WRITERS / (time.perf_counter() - start), 1)


def _require_line(writer: "subprocess.Popen[bytes]") -> None:
    assert writer.stdout is not None  # noqa: S101 - for the type checker
    if not writer.stdout.readline():
        raise RuntimeError("a writer failed")


def write(url: str, origin: str, count: int, event: str) -> None:
    """One writer: ``count`` transactions, each with its business row. Begins when told to on standard input."""
    database = Database(url, origin)
    with database.writing() as session:
        one(session, event)  # and taken back: what is loaded at the first act is loaded before the clock starts
        session.rollback()
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    for _ in range(count):
        with database.writing() as session:
            one(session, event)
            session.commit()
    print("done", flush=True)  # noqa: T201
    database.dispose()


def one(session: Session, event: str) -> str:
    """A business row, and its record if wanted; the record's event id."""
    now, org_id = clock.now(), new_id()
    values = (org_id, "Bench", org_id[12:], OrgKind.MEMBER.value, now.isoformat())
    connection = session.connection()
    connection.exec_driver_sql(_BUSINESS_ROW[connection.dialect.name], values)
    return audit.record(session, event, None, on=[f"org:{org_id}"], now=now) if event else ""


class _Lags:
    """Milliseconds from a durable commit to a signed head that covers it, taken now and then until told to end."""

    def __init__(self, database: Database) -> None:
        self._database, self._found, self._over = database, list[float](), Event()
        self._thread = Thread(target=self._measure)

    def begin(self) -> None:
        """Measure from now on."""
        self._thread.start()

    def end(self) -> list[float]:
        """What was measured."""
        self._over.set()
        self._thread.join()
        return self._found

    def _measure(self) -> None:
        while not self._found or not self._over.wait(0.02):
            with self._database.writing() as session:
                event = one(session, QUIET)
                session.commit()
            start = time.perf_counter()
            while not self._is_signed(event):
                time.sleep(0.004)
            self._found.append((time.perf_counter() - start) * 1000)

    def _is_signed(self, event: str) -> bool:
        with self._database.reading() as session:
            return service.is_logged(session, event)


def _check_speed(database: Database) -> Figure:
    """A full self-check of the database against hashing the same leaves and nothing else."""
    with database.reading() as session:
        leaves = list(session.connection().execute(Entry.__table__.select().with_only_columns(Entry.leaf)).scalars())  # type: ignore[attr-defined]
        ours = per_second(len(leaves), lambda: _require_sound(session))
    bare = per_second(len(leaves), lambda: _hash_all(leaves))
    return Figure(
        "self-check of the log", "records/s", ours, bare, "SHA-256 of the same records", {"records": len(leaves)}
    )


def _hash_all(leaves: list[bytes]) -> None:
    for data in leaves:
        hashlib.sha256(data).digest()


def _require_sound(session: Session) -> None:
    problems = problems_of(session)
    if problems:
        raise RuntimeError(problems[0])


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
