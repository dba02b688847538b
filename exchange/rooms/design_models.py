"""How a provider wants the test rooms of a listing: a working draft, and one immutable version per publication."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id


class DesignDraft(SQLModel, table=True):
    """The answers that a provider is still working on; nobody else sees them and no room obeys them."""

    __tablename__ = "design_draft"
    listing_id: str = Field(foreign_key="listing.id", primary_key=True, max_length=26)
    answers: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    saved_at: datetime = Field(sa_type=UtcDateTime)


class Design(SQLModel, table=True):
    """One published version. The newest governs every room opened from then on; rooms that are open keep theirs.

    Without ``document`` it is the return to the safe default that the exchange drafts itself.
    """

    __tablename__ = "design"
    __table_args__ = (
        UniqueConstraint("listing_id", "number", name="design_number"),
        CheckConstraint("number > 0", name="design_number_positive"),
        CheckConstraint("(answers IS NULL) = (document IS NULL)", name="design_whole_or_default"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    listing_id: str = Field(foreign_key="listing.id", max_length=26)
    number: int
    answers: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    document: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    digest: str | None = Field(default=None, max_length=71)  # sha256:<hex> of the document
    published_at: datetime = Field(sa_type=UtcDateTime)
    published_by: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)
    event_id: str = Field(max_length=26, unique=True)
