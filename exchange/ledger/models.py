"""The log's tables: the outbox that use cases write, and what the sequencer makes of it."""

from sqlalchemy import DDL, BigInteger, Column, Index, Integer, LargeBinary, event
from sqlmodel import Field, SQLModel

LONGEST_SUBJECT = 80  # characters; a leaf may hold longer ones, these tables not
_BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite autoincrements only INTEGER PRIMARY KEY


class Outbox(SQLModel, table=True):
    """A record waiting for its place in the tree; written in the same transaction as the change it records."""

    __tablename__ = "log_outbox"
    id: int | None = Field(default=None, sa_column=Column(_BIG, primary_key=True, autoincrement=True))
    event_id: str = Field(max_length=26, unique=True)
    leaf: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class Entry(SQLModel, table=True):
    """One leaf of the tree, for ever: the database itself refuses to change or delete it."""

    __tablename__ = "log_entry"
    __table_args__ = (Index("log_entry_event_type", "event", "idx"), Index("log_entry_at", "at_ms"))
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    event_id: str = Field(max_length=26, unique=True)
    event: str = Field(max_length=40)
    at_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    actor: str = Field(max_length=80, index=True)
    leaf: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class Subject(SQLModel, table=True):
    """Which entries speak of which thing (``contract:…``, ``listing:…``, ``org:…``)."""

    __tablename__ = "log_subject"
    subject: str = Field(primary_key=True, max_length=LONGEST_SUBJECT)
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True))


class LastEvent(SQLModel, table=True):
    """The newest event of a subject, so that the next one can name it as its ``prev``."""

    __tablename__ = "log_last_event"
    subject: str = Field(primary_key=True, max_length=LONGEST_SUBJECT)
    event_id: str = Field(max_length=26)


class Tile(SQLModel, table=True):
    """A full tile of 256 hashes (C2SP tlog-tiles); partial ones are computed from the entries."""

    __tablename__ = "log_tile"
    level: int = Field(primary_key=True)
    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class State(SQLModel, table=True):
    """The tree's size and frontier; one row. Its UPDATE is a compare-and-swap on ``size``."""

    __tablename__ = "log_state"
    id: int = Field(default=1, primary_key=True)
    origin: str = Field(max_length=200)
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    frontier: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Checkpoint(SQLModel, table=True):
    """A tree head. ``size`` is the key: a second root for one size cannot be stored."""

    __tablename__ = "log_checkpoint"
    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    root: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    note: str | None = None  # signed only after the head was committed
    made_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class Key(SQLModel, table=True):
    """A key of the log itself and the heads it signs: those of ``since`` records and more, until it is retired."""

    __tablename__ = "log_key"
    vkey: str = Field(primary_key=True, max_length=300)  # C2SP signed-note verifier key
    since: int = Field(sa_column=Column(BigInteger, nullable=False))
    until: int | None = Field(default=None, sa_column=Column(BigInteger))  # the last head it signed


class Cosignature(SQLModel, table=True):
    """A witness's line under a head (C2SP tlog-cosignature), verified before it was stored."""

    __tablename__ = "log_cosignature"
    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    witness: str = Field(primary_key=True, max_length=200)  # the name of its key
    line: str = Field(max_length=600)  # as it stands in the note, without the newline
    seen_s: int = Field(sa_column=Column(BigInteger, nullable=False))  # the witness's time, seconds since 1970 UTC


class Anchor(SQLModel, table=True):
    """An outside proof of time for a head: an RFC 3161 token over the text of its checkpoint."""

    __tablename__ = "log_anchor"
    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str = Field(primary_key=True, max_length=20)  # "hour" or "day"
    period: str = Field(max_length=20, index=True)  # which one, in UTC: 2026-11-26T23 or 2026-11-26
    token: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    stamped_ms: int = Field(sa_column=Column(BigInteger, nullable=False))  # the time the token states


class SubjectKey(SQLModel, table=True):
    """The key under which one subject's disclosures are encrypted. Deleting it is what erasing means."""

    __tablename__ = "subject_key"
    subject: str = Field(primary_key=True, max_length=80)  # "user:...", "org:..."
    key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Disclosure(SQLModel, table=True):
    """A value that a leaf only commits to (RFC 9901): encrypted under its subject's key, beside the log, erasable."""

    __tablename__ = "log_disclosure"
    event_id: str = Field(primary_key=True, max_length=26)
    position: int = Field(primary_key=True)  # in the leaf's ``_sd``
    subject: str = Field(max_length=80, index=True)
    ciphertext: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


# A guard against accidents and bugs; the evidence is the tree itself.
IMMUTABLE_SQLITE = [
    f"CREATE TRIGGER log_entry_no_{verb.lower()} BEFORE {verb} ON log_entry "
    "BEGIN SELECT RAISE(ABORT, 'log entries cannot be changed'); END"
    for verb in ("UPDATE", "DELETE")
]
IMMUTABLE_POSTGRESQL = [
    "CREATE OR REPLACE FUNCTION log_entry_immutable() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'log entries cannot be changed'; END $$",
    "CREATE TRIGGER log_entry_immutable BEFORE UPDATE OR DELETE ON log_entry "
    "FOR EACH ROW EXECUTE FUNCTION log_entry_immutable()",
]
WHOLE_POSTGRESQL = (  # PostgreSQL's way past row triggers; SQLite's is DELETE, which its trigger refuses
    "CREATE TRIGGER log_entry_whole BEFORE TRUNCATE ON log_entry "
    "FOR EACH STATEMENT EXECUTE FUNCTION log_entry_immutable()"
)
for _statement in IMMUTABLE_SQLITE:
    event.listen(Entry.__table__, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[attr-defined]
for _statement in (*IMMUTABLE_POSTGRESQL, WHOLE_POSTGRESQL):
    event.listen(Entry.__table__, "after_create", DDL(_statement.replace("%", "%%")).execute_if(dialect="postgresql"))  # type: ignore[attr-defined]
