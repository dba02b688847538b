"""Warrants: the named, dated mandate under which an official looks."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id


class Warrant(SQLModel, table=True):
    """Who ordered the inspection, by which document, about what, from which day to which (whole days in Viet Nam)."""

    __tablename__ = "warrant"
    __table_args__ = (
        UniqueConstraint("org_id", "number", name="warrant_number"),
        CheckConstraint("starts <= ends", name="warrant_period"),
        CheckConstraint("length(number) > 0 AND length(authority) > 0 AND length(scope) > 0", name="warrant_said"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    opened_by: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)  # None: a program
    number: str = Field(max_length=80)  # of the decision that orders it
    authority: str = Field(max_length=200)
    scope: str = Field(max_length=2000)
    starts: date
    ends: date
    opened_at: datetime = Field(sa_type=UtcDateTime)
    event_id: str = Field(max_length=26)
