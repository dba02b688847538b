"""The certificate of controlled trial, what happened to it, and who takes part."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id
from sandbox.profiles import PILOT
from sandbox.trial import Approver, EventKind

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
