"""The pilot's certificate, who takes part, test rooms with their copies of data, and what was asked in them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id
from sandbox.profiles import PILOT
from sandbox.trial import Approver, EventKind

_TRYING = "state = 'open' AND contract_id IS NULL"
VERDICTS = ("allow", "limit", "deny")
ACCOUNT_STATES = ("open", "paused", "killed")
NEED_REASON = ("extension_refused", "suspended", "resumed", "terminated")  # decisions that nobody takes without words
END_CODES = ("left", "false_statement", "not_eligible")  # by itself; the other two by the operator


def one_of(column: str, values: Any) -> str:
    """The text of a CHECK that lets a column hold one of a closed list."""
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


class Trial(SQLModel, table=True):
    """A certificate of controlled trial as the authority issued it. Never changed; what happens later is an event.

    ``authority_org_id`` is the authority that issued it here, from the application with the same id. None: an authority
    outside the exchange issued it on paper, and the operator copied it.
    """

    __tablename__ = "trial"
    __table_args__ = (
        CheckConstraint("valid_from <= valid_to", name="trial_dates"),
        CheckConstraint("level BETWEEN 1 AND 3", name="trial_level"),
        CheckConstraint("length(cert_no) > 0 AND length(authority) > 0", name="trial_named"),
        CheckConstraint(
            "max_members >= 0 AND max_listings >= 0 AND max_tx_vnd >= 0 AND max_total_vnd >= 0", name="trial_caps"
        ),
        CheckConstraint(one_of("approver", Approver), name="trial_approver"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    cert_no: str = Field(max_length=200, unique=True)
    authority: str = Field(max_length=200)
    valid_from: date  # first and last day, in Viet Nam
    valid_to: date
    level: int
    sectors: list[str] = Field(sa_column=Column(JSON, nullable=False))
    classes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    verbs: list[str] = Field(sa_column=Column(JSON, nullable=False))
    territory: list[str] = Field(sa_column=Column(JSON, nullable=False))
    max_members: int
    max_listings: int
    max_tx_vnd: int = Field(sa_column=Column(BigInteger, nullable=False))
    max_total_vnd: int = Field(sa_column=Column(BigInteger, nullable=False))
    notice_version: str = Field(max_length=200)
    approver: Approver = Field(max_length=16, sa_type=String)  # T11: which kind of authority issued it
    authority_org_id: str | None = Field(default=None, foreign_key="organisation.id", max_length=26)
    safeguards: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    question: str = ""  # what the trial is to find out, and by what measure it has succeeded
    measure: str = ""
    conditions: str = ""  # the authority's own words beside the numbers
    security_valid_to: date | None = None  # last day of the system's security certificate (X2)
    profile: str = Field(default=PILOT.name, max_length=20)  # sandbox.profiles: the law's numbers it runs under
    granted_at: datetime = Field(sa_type=UtcDateTime)  # when it was recorded here
    granted_by: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)
    granted_event: str = Field(max_length=26, unique=True)


class TrialEvent(SQLModel, table=True):
    """What happened to a trial after its certificate (sandbox.trial.EventKind): decisions, reports, incidents."""

    __tablename__ = "trial_event"
    __table_args__ = (
        CheckConstraint(one_of("kind", EventKind), name="trial_event_kind"),
        CheckConstraint(f"NOT ({one_of('kind', NEED_REASON)}) OR length(reason) > 0", name="trial_event_reason"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    trial_id: str = Field(foreign_key="trial.id", max_length=26, index=True)
    kind: EventKind = Field(max_length=20, sa_type=String)
    at: datetime = Field(sa_type=UtcDateTime)
    until: date | None = None
    reason: str = Field(default="", max_length=2000)
    code: str = Field(default="", max_length=40)  # of the closed list that belongs to the kind
    about: str | None = Field(default=None, foreign_key="trial_event.id", max_length=26)  # the event it answers
    org_id: str | None = Field(default=None, foreign_key="organisation.id", max_length=26)  # None: the exchange itself
    event_id: str = Field(max_length=26, unique=True)


class Enrolment(SQLModel, table=True):
    """An organisation in the trial: the notice that one of its people accepted (T14) and what it stated (T4-T6).

    Whoever joined before statements were asked for has none (``vietnamese`` is None).
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("trial_id", "org_id", name="enrolment_once"),
        CheckConstraint(
            "(vietnamese IS NULL) = (reorganising IS NULL) AND (vietnamese IS NULL) = (manager_degree IS NULL)"
            " AND (vietnamese IS NULL) = (manager_years IS NULL)",
            name="enrolment_stated_whole",
        ),
        CheckConstraint(
            f"(ended_at IS NULL) = (end_code IS NULL) AND (end_code IS NULL OR {one_of('end_code', END_CODES)})",
            name="enrolment_ended_whole",
        ),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    trial_id: str = Field(foreign_key="trial.id", max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    notice_version: str = Field(max_length=200)
    accepted_at: datetime = Field(sa_type=UtcDateTime)
    accepted_by: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)
    event_id: str = Field(max_length=26, unique=True)
    vietnamese: bool | None = None  # a legal entity of Viet Nam (T5)
    reorganising: bool | None = None  # being split, merged, dissolved or bankrupt (T5)
    licence_valid_to: date | None = None  # last day of its business licence (T4); None: without term
    manager_degree: str | None = Field(default=None, max_length=20)  # of the person responsible (T6)
    manager_years: int | None = None
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    end_code: str | None = Field(default=None, max_length=20)
    end_reason: str | None = Field(default=None, max_length=2000)


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
