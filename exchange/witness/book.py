"""What a witness remembers: its name and key, the logs it knows, the last head of each that it cosigned.

Comparing a new head with the last one and storing it is one transaction (``BEGIN IMMEDIATE``), durable before the
cosignature leaves. A crash before the commit leaves the old head, and no cosignature went out. A crash after it leaves
a head that the log has not heard of: the log's next request gets a 409 with the size and goes on from there.

What no witness can notice by itself is that its own folder was restored from a backup: it would cosign a second head
at a size that it had passed. docs/operating.md says what to do then.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts import signature
from contracts.errors import WitnessError
from contracts.log import checkpoint, witness
from contracts.log.checkpoint import KeyType, VerifierKey
from contracts.log.witness import Known, Request
from exchange.client.files import read_private, write_private
from exchange.errors import ExchangeError

MAX_FORKS = 100  # pairs kept as evidence; each needs the log's own signature, so only a forking log can add one

_TABLES = """
CREATE TABLE IF NOT EXISTS witness (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log_key (vkey TEXT PRIMARY KEY, origin TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
    root BLOB NOT NULL, time INTEGER NOT NULL, note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fork (origin TEXT NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (origin, size));
"""


class BookError(ExchangeError):
    """The folder holds no witness, another one, or a log key that cannot be one."""


@dataclass(frozen=True)
class LogSeen:
    """One log as the witness's front page shows it; size 0 and time None before the first head."""

    origin: str
    size: int
    time: int | None
    forked: bool


class Book:
    """The folder of one witness."""

    def __init__(self, home: Path) -> None:
        self._path = home / "witness.sqlite"
        if not self._path.exists():
            raise BookError(f"{home} holds no witness; make one with: minhbach witness key --home {home} --name NAME")
        with self._open() as database:
            self.name = str(database.execute("SELECT name FROM witness").fetchone()[0])
        private = signature.from_pem(read_private(home / "witness.key"))
        if not isinstance(private, Ed25519PrivateKey):
            raise BookError(f"{home / 'witness.key'} does not hold an Ed25519 key")
        self._private = private
        self.key = checkpoint.verifier_key(self.name, private, KeyType.COSIGNATURE)

    @classmethod
    def create(cls, home: Path, name: str) -> "Book":
        """A new witness: a key (mode 0600) and an empty book. An existing key is never overwritten."""
        private = Ed25519PrivateKey.generate()
        checkpoint.verifier_key(name, private, KeyType.COSIGNATURE)  # refuses a name that no key can have
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(home / "witness.key", signature.to_pem(private))  # a crash after this: remove the key, try again
        database = sqlite3.connect(home / "witness.sqlite")
        with database:
            database.executescript(_TABLES)
            database.execute("INSERT INTO witness VALUES (?)", (name,))
        database.close()
        return cls(home)

    # -- the logs it knows ---------------------------------------------------------------------------------------

    def add_log(self, vkey: str) -> VerifierKey:
        """Know one more key of a log; the key's name is the origin, and one origin may have several keys."""
        key = checkpoint.parse_vkey(vkey)
        if key.type != KeyType.ED25519:
            raise BookError("this is not the key of a log: its type must be 0x01 (Ed25519)")
        with self._open() as database:
            database.execute("INSERT OR IGNORE INTO log_key VALUES (?, ?)", (checkpoint.format_vkey(key), key.name))
        return key

    def logs(self) -> list[LogSeen]:
        """Every log it knows, by origin."""
        query = (
            "SELECT k.origin, coalesce(s.size, 0), s.time, EXISTS (SELECT 1 FROM fork f WHERE f.origin = k.origin)"
            " FROM (SELECT DISTINCT origin FROM log_key) k LEFT JOIN seen s ON s.origin = k.origin ORDER BY k.origin"
        )
        with self._open() as database:
            return [LogSeen(row[0], row[1], row[2], bool(row[3])) for row in database.execute(query)]

    def newest(self, id: str) -> str | None:
        """The newest cosigned head of the log with this id (SHA-256 of its origin, hexadecimal), as a signed note."""
        with self._open() as database:
            row = database.execute("SELECT note FROM seen WHERE id = ?", (id,)).fetchone()
        return None if row is None else str(row[0])

    def forks(self) -> list[str]:
        """Pairs of heads that one log has signed for one size, one below the other: each proves that it has forked."""
        with self._open() as database:
            return [row[0] for row in database.execute("SELECT note FROM fork ORDER BY origin, size")]

    # -- cosigning -----------------------------------------------------------------------------------------------

    def cosign(self, data: bytes, now: int) -> str:
        """The answer to add-checkpoint; raises WitnessError. ``now`` in seconds since 1970 UTC."""
        request = witness.parse_request(data)
        origin = request.head.origin
        with self._open() as database:  # before the lock: a stranger must not hold it while signatures are checked
            found = database.execute("SELECT vkey FROM log_key WHERE origin = ?", (origin,)).fetchall()
        keys = [checkpoint.parse_vkey(row[0]) for row in found]
        witness.open_request(request, keys)
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            known = _known(database, origin)
            try:
                witness.check_growth(request, known)
            except WitnessError as error:
                if error.code == "WITNESS_FORK":
                    _keep_fork(database, request)
                    database.execute("COMMIT")
                raise
            line, known = witness.cosign(request, known, self.name, self._private, now)
            own = tuple(s for s in request.note.signatures if (s.name, s.key_id) in {(k.name, k.id) for k in keys})
            note = checkpoint.format_note(checkpoint.Note(request.note.text, (*own, line)))
            row = (origin, log_id(origin), known.size, known.root, known.time, note)
            database.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?)", row)
            database.execute("COMMIT")
        return witness.format_answer(line)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of one's own: threads and processes share only the file. What is not committed is undone."""
        database = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")  # a commit is on the disk before it returns
            yield database
        finally:
            database.close()


def log_id(origin: str) -> str:
    """How a log is addressed at a witness: SHA-256 of its origin, in hexadecimal."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _known(database: sqlite3.Connection, origin: str) -> Known:
    row = database.execute("SELECT size, root, time FROM seen WHERE origin = ?", (origin,)).fetchone()
    return Known() if row is None else Known(*row)


def _keep_fork(database: sqlite3.Connection, request: Request) -> None:
    """Both heads: the one that was cosigned gives way to the next one here, and one alone proves nothing."""
    if database.execute("SELECT count(*) FROM fork").fetchone()[0] < MAX_FORKS:
        seen = database.execute("SELECT note FROM seen WHERE origin = ?", (request.head.origin,))  # none at size 0
        note = "\n".join([*(row[0] for row in seen), checkpoint.format_note(request.note)])
        database.execute("INSERT OR IGNORE INTO fork VALUES (?, ?, ?)", (request.head.origin, request.head.size, note))
