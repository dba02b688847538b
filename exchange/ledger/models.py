"""The log's tables: the outbox that use cases write, and what the sequencer makes of it."""

from sqlalchemy import DDL, BigInteger, Column, Index, Integer, LargeBinary, event
from sqlmodel import Field, SQLModel

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
    subject: str = Field(primary_key=True, max_length=80)
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True))


class LastEvent(SQLModel, table=True):
    """The newest event of a subject, so that the next one can name it as its ``prev``."""

    __tablename__ = "log_last_event"
    subject: str = Field(primary_key=True, max_length=80)
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
    vkey: str = Field(max_length=300)  # C2SP signed-note verifier key the log was opened with
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    frontier: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Checkpoint(SQLModel, table=True):
    """A tree head. ``size`` is the key: a second root for one size cannot be stored."""

    __tablename__ = "log_checkpoint"
    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    root: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    note: str | None = None  # signed only after the head was committed
    made_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


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
for _statement in IMMUTABLE_SQLITE:
    event.listen(Entry.__table__, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[attr-defined]
for _statement in IMMUTABLE_POSTGRESQL:
    event.listen(Entry.__table__, "after_create", DDL(_statement.replace("%", "%%")).execute_if(dialect="postgresql"))  # type: ignore[attr-defined]
