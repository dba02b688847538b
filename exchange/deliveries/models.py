"""Grants (what may be fetched until when) and deliveries (what was fetched, what was refused)."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id


class Grant(SQLModel, table=True):
    """One delivery of one file under one contract: for an hour, however often the line breaks.

    ``made_event`` is its delivery.made record, None while nothing was fetched; only fetched grants count against the
    contract's ``max_deliveries``. The token of a link is kept as its SHA-256 only.
    """

    __tablename__ = "delivery_grant"
    __table_args__ = (
        CheckConstraint("expires_at > issued_at", name="delivery_grant_period"),
        Index("delivery_grant_of_contract", "contract_id", "asset_id", "org_id"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    contract_id: str = Field(foreign_key="contract.id", max_length=26)
    asset_id: str = Field(foreign_key="asset.id", max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    user_id: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)  # None: a program
    token_hash: str = Field(max_length=64, unique=True)
    issued_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    made_event: str | None = Field(default=None, max_length=26, unique=True)


class Delivery(SQLModel, table=True):
    """One answer to one request for a file: the bytes asked for and sent, or why none were."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint("status IN ('made', 'refused')", name="delivery_status"),
        CheckConstraint("status <> 'refused' OR (code IS NOT NULL AND bytes_sent = 0)", name="delivery_refused_why"),
        CheckConstraint(
            "status <> 'made' OR (grant_id IS NOT NULL AND contract_id IS NOT NULL AND asset_id IS NOT NULL "
            "AND first_byte IS NOT NULL AND end_byte IS NOT NULL)",
            name="delivery_made_of_what",
        ),
        CheckConstraint("first_byte IS NULL OR (first_byte >= 0 AND end_byte > first_byte)", name="delivery_range"),
        CheckConstraint("bytes_sent >= 0 AND (end_byte IS NULL OR bytes_sent <= end_byte - first_byte)",
                        name="delivery_bytes_sent"),
        CheckConstraint("NOT complete OR bytes_sent = end_byte - first_byte", name="delivery_complete"),
        Index("delivery_of_contract", "contract_id", "id"),
    )  # fmt: skip
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    contract_id: str | None = Field(default=None, foreign_key="contract.id", max_length=26)  # None: there is none
    grant_id: str | None = Field(default=None, foreign_key="delivery_grant.id", max_length=26, index=True)
    asset_id: str | None = Field(default=None, foreign_key="asset.id", max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    status: str = Field(max_length=8)  # made | refused
    code: str | None = Field(default=None, max_length=60)  # why refused, or why cut
    first_byte: int | None = Field(default=None, sa_column=Column(BigInteger))
    end_byte: int | None = Field(default=None, sa_column=Column(BigInteger))  # the first one not asked for
    bytes_sent: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    complete: bool = False
    at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    event_id: str = Field(max_length=26)  # of the grant's delivery.made, or of this delivery.refused
