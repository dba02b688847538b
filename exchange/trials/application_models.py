"""Who may authorise trials, and applications for a trial with every step they took."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, String, text
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id
from exchange.trials.models import one_of
from sandbox.trial import Approver

STATES = ("draft", "submitted", "returned", "approved", "refused", "withdrawn")
STEPS = ("submitted", "returned", "approved", "refused", "withdrawn")


class Authority(SQLModel, table=True):
    """A regulator's organisation as an authority that may permit trials (T11). No ``provinces``: the whole country."""

    __tablename__ = "trial_authority"
    __table_args__ = (
        CheckConstraint(one_of("approver", Approver), name="trial_authority_approver"),
        CheckConstraint("(ended_at IS NULL) = (ended_event IS NULL)", name="trial_authority_ended_whole"),
        Index(
            "trial_authority_once",
            "org_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    approver: Approver = Field(max_length=16, sa_type=String)
    provinces: list[str] = Field(sa_column=Column(JSON, nullable=False))
    basis: str = Field(max_length=300)  # the document that gives it the power
    since: datetime = Field(sa_type=UtcDateTime)
    event_id: str = Field(max_length=26, unique=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_event: str | None = Field(default=None, max_length=26, unique=True)


class TrialApplication(SQLModel, table=True):
    """An application for a trial. The trial it leads to has the same id, so its records begin with the application."""

    __tablename__ = "trial_application"
    __table_args__ = (
        CheckConstraint(one_of("state", STATES), name="trial_application_state"),
        CheckConstraint(
            "state = 'draft' OR (authority_id IS NOT NULL AND submitted_at IS NOT NULL AND due_on IS NOT NULL)",
            name="trial_application_submitted_whole",
        ),
        Index("trial_application_waiting", "state", "due_on"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    state: str = Field(default="draft", max_length=12)
    dossier: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # exchange.trials.dossier.Dossier
    authority_id: str | None = Field(default=None, foreign_key="trial_authority.id", max_length=26)
    submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    due_on: date | None = None  # last working day of the review (T11)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class TrialApplicationStep(SQLModel, table=True):
    """One step of an application: handed in, returned, refused, approved, withdrawn. Never changed."""

    __tablename__ = "trial_application_step"
    __table_args__ = (
        CheckConstraint(one_of("kind", STEPS), name="trial_application_step_kind"),
        CheckConstraint("kind NOT IN ('returned', 'refused') OR length(reason) > 0", name="trial_application_step_why"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    application_id: str = Field(foreign_key="trial_application.id", max_length=26, index=True)
    kind: str = Field(max_length=12)
    at: datetime = Field(sa_type=UtcDateTime)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    reason: str = Field(default="", max_length=2000)
    digest: str = Field(max_length=60)  # of the dossier as it then stood, as the log knows it
    event_id: str = Field(max_length=26, unique=True)
