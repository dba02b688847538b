"""Test rooms with their copies of data, the accounts that pay for questions, and what was asked."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id
from exchange.trials.models import one_of

_TRYING = "state = 'open' AND contract_id IS NULL"
VERDICTS = ("allow", "limit", "deny")
ACCOUNT_STATES = ("open", "paused", "killed")


class TestCopy(SQLModel, table=True):
    """A protected copy of one listing version (sandbox.snapshot). ``recipe`` names what it was made by."""

    __tablename__ = "test_copy"
    __test__ = False  # not a test class, whatever its name begins with
    __table_args__ = (
        UniqueConstraint("asset_id", "recipe", name="test_copy_once"),
        CheckConstraint("rows >= 0 AND dropped_rows >= 0", name="test_copy_rows"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    asset_id: str = Field(foreign_key="asset.id", max_length=26)
    recipe: str = Field(max_length=71)  # sha256:<hex> over columns, unit and bounds of the policy
    file_key: str = Field(max_length=60, unique=True)  # under MINHBACH_HOME/snapshots
    sha256: str = Field(max_length=71)  # sha256:<hex>, compared with the file before it is used
    rows: int = Field(sa_column=Column(BigInteger, nullable=False))
    dropped_rows: int = Field(sa_column=Column(BigInteger, nullable=False))
    units: int | None = Field(default=None, sa_column=Column(BigInteger))  # None: a row is the unit
    built_at: datetime = Field(sa_type=UtcDateTime)


class TestRoom(SQLModel, table=True):
    """One buyer, one listing version, one policy, for two hours (X30): to try the data in a trial, or under a contract
    that gives answers only."""

    __tablename__ = "test_room"
    __test__ = False
    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed')", name="test_room_state"),
        CheckConstraint("closes_at > opened_at", name="test_room_session"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="test_room_closed_at"),
        ForeignKeyConstraint(
            ["listing_id", "version"],
            ["listing_version.listing_id", "listing_version.number"],
            name="test_room_listing_version",
        ),
        Index(
            "test_room_open_once",
            "org_id",
            "listing_id",
            unique=True,
            sqlite_where=text(_TRYING),
            postgresql_where=text(_TRYING),
        ),
        Index(
            "test_room_of_contract_open_once",
            "contract_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint("trial_id IS NOT NULL OR contract_id IS NOT NULL", name="test_room_ground"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    trial_id: str | None = Field(default=None, foreign_key="trial.id", max_length=26)  # None: no certificate recorded
    contract_id: str | None = Field(default=None, foreign_key="contract.id", max_length=26, index=True)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    listing_id: str = Field(foreign_key="listing.id", max_length=26, index=True)
    version: int
    copy_id: str = Field(foreign_key="test_copy.id", max_length=26)
    policy: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    policy_hash: str = Field(max_length=71)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    closes_at: datetime = Field(sa_type=UtcDateTime)
    opened_by: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)
    state: str = Field(default="open", max_length=8)  # past closes_at it is shut whatever stands here
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    event_id: str = Field(max_length=26, unique=True)


class BudgetEntry(SQLModel, table=True):
    """The account of one buyer for one dataset, however many rooms and people they use: questions, privacy, requests.
    There is one for trying it, and one for every contract.

    Spent by a single conditional UPDATE that knows window, state and every cap; the CHECKs are the second lock. What
    was spent is never given back. ``epoch`` grows whenever somebody stops the account: work begun before is void.
    """

    __tablename__ = "budget_entry"
    __table_args__ = (
        Index(
            "budget_entry_once",
            "listing_id",
            "org_id",
            unique=True,
            sqlite_where=text("contract_id IS NULL"),
            postgresql_where=text("contract_id IS NULL"),
        ),
        Index("budget_entry_of_contract", "contract_id", unique=True),
        CheckConstraint("spent BETWEEN 0 AND cap", name="budget_entry_total"),
        CheckConstraint("day_spent BETWEEN 0 AND day_cap", name="budget_entry_day"),
        CheckConstraint("epsilon_spent BETWEEN 0 AND epsilon_cap", name="budget_entry_epsilon"),
        CheckConstraint("requests BETWEEN 0 AND requests_cap", name="budget_entry_requests"),
        CheckConstraint(one_of("state", ACCOUNT_STATES), name="budget_entry_state"),
        CheckConstraint("starts < ends", name="budget_entry_window"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    listing_id: str = Field(foreign_key="listing.id", max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    contract_id: str | None = Field(default=None, foreign_key="contract.id", max_length=26)
    spent: int = 0
    cap: int
    day: date  # in Viet Nam; day_spent counts for this day only
    day_spent: int = 0
    day_cap: int
    epsilon_spent: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))  # millionths of ε
    epsilon_cap: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    requests: int = 0  # repeated and refused questions too
    requests_cap: int = 1_000
    starts: datetime = Field(sa_type=UtcDateTime)  # questions may be asked from here on
    ends: datetime = Field(sa_type=UtcDateTime)  # and before this
    stop_at: int | None = None  # questions at which the account pauses and the provider is asked; None: at no number
    epsilon_stop_at: int | None = Field(default=None, sa_column=Column(BigInteger))
    overlaps: int = 0  # questions that differed from an earlier one in little (D1), answered or not
    overlaps_refused: int = 0
    state: str = Field(default="open", max_length=8)
    epoch: int = 1
    changed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    changed_by: str | None = Field(default=None, foreign_key="organisation.id", max_length=26)  # None: it paused itself
    reason: str | None = Field(default=None, max_length=2000)  # given, or the code by which it paused itself


class Spend(SQLModel, table=True):
    """One statistic that an account has paid for, whatever its spelling, and its table while that may be told again.

    It names no person and no run. The table holds groups above the floor only; in privacy mode it is the noisy one.
    """

    __tablename__ = "budget_spend"
    __table_args__ = (
        UniqueConstraint("entry_id", "statistic", name="budget_spend_once"),
        CheckConstraint("state IN ('reserved', 'done', 'failed')", name="budget_spend_state"),
        CheckConstraint("epsilon >= 0", name="budget_spend_epsilon"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    entry_id: str = Field(foreign_key="budget_entry.id", max_length=26)
    statistic: str = Field(max_length=64)  # of sandbox.ir.Question.statistic, hexadecimal
    region: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # sandbox.overlap.Region; values as digests
    policy_hash: str = Field(max_length=71)
    epsilon: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))  # millionths, all attempts together
    state: str = Field(default="reserved", max_length=8)
    at: datetime = Field(sa_type=UtcDateTime)
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class QueryRun(SQLModel, table=True):
    """One question and what came of it. The answer is kept only while its room is open, to be shown again."""

    __tablename__ = "query_run"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done')", name="query_run_state"),
        CheckConstraint(f"verdict IS NULL OR {one_of('verdict', VERDICTS)}", name="query_run_verdict"),
        CheckConstraint(
            "(state = 'done') = (verdict IS NOT NULL) AND (state = 'done') = (event_id IS NOT NULL)",
            name="query_run_done_with_verdict",
        ),
        CheckConstraint("verdict <> 'deny' OR (code IS NOT NULL AND answer IS NULL)", name="query_run_denied"),
        CheckConstraint("signed_receipt IS NULL OR verdict IN ('allow', 'limit')", name="query_run_signed"),
        Index("query_run_of_room", "room_id", "id"),
        Index("query_run_cache", "room_id", "cache_key"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    room_id: str = Field(foreign_key="test_room.id", max_length=26)
    user_id: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)  # None: a program
    sql: str
    cache_key: str | None = Field(default=None, max_length=64)  # the statistic, while the answer is remembered
    state: str = Field(default="running", max_length=8)
    verdict: str | None = Field(default=None, max_length=8)
    code: str | None = Field(default=None, max_length=40)
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    charged: bool = False
    rows: int | None = None
    elapsed_ms: int | None = None
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    receipt: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    signed_receipt: str | None = None  # the same and more (sandbox.receipt), for whoever checks it without us
    at: datetime = Field(sa_type=UtcDateTime)
    event_id: str | None = Field(default=None, max_length=26, unique=True)
