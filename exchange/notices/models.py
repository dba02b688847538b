"""Notices of each person, what they want by e-mail, and an organisation's webhooks with what is to be sent to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id

LATE = "late"  # the code of a mail that could not be sent while its news was new


class Notice(SQLModel, table=True):
    """One thing told to one person as a member of one organisation; at the same time the e-mail that waits to be sent.

    Kept as kind and facts: the words are found when somebody reads. Nothing secret is in it.
    """

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("mail IN ('none', 'waiting', 'sent', 'dead')", name="notice_mail_state"),
        Index("notice_unread", "org_id", "user_id", "read_at"),
        Index("notice_mail", "mail", "mail_next"),
    )
    org_id: str = Field(primary_key=True, foreign_key="organisation.id", max_length=26)
    user_id: str = Field(primary_key=True, foreign_key="user_account.id", max_length=26)
    id: str = Field(primary_key=True, max_length=26)  # the event's; of what the clock brings, one of its own
    kind: str = Field(max_length=80)  # a key of words.TOLD
    facts: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    path: str = Field(max_length=200)  # the page to go to
    at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    mail: str = Field(default="none", max_length=8)
    mail_tries: int = 0
    mail_next: datetime | None = Field(default=None, sa_type=UtcDateTime)  # not before
    mail_code: str | None = Field(default=None, max_length=40)  # how the last try went: an SMTP code or a word of ours


class MailChoice(SQLModel, table=True):
    """What a person decided about e-mails of one group; without a row they get them."""

    __tablename__ = "mail_choice"
    user_id: str = Field(primary_key=True, foreign_key="user_account.id", max_length=26)
    topic: str = Field(primary_key=True, max_length=16)  # words.Group
    wanted: bool


class DueTold(SQLModel, table=True):
    """A warning of the clock that has been told, so that it is told once."""

    __tablename__ = "due_told"
    key: str = Field(primary_key=True, max_length=120)
    at: datetime = Field(sa_type=UtcDateTime)


class Webhook(SQLModel, table=True):
    """An address of an organisation to which the exchange reports (Standard Webhooks)."""

    __tablename__ = "webhook"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    url: str = Field(max_length=400)
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))  # wrapped, as disclosures.wrap does
    old_secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary))  # signs too, until
    old_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WebhookDelivery(SQLModel, table=True):
    """One message to one webhook; written in the transaction of what it reports."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'done', 'dead')", name="webhook_delivery_state"),
        Index("webhook_delivery_due", "state", "next_at"),
    )
    webhook_id: str = Field(primary_key=True, foreign_key="webhook.id", max_length=26)
    id: str = Field(primary_key=True, max_length=26)  # the webhook-id: the event's, the same at every try
    type: str = Field(max_length=40)
    data: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # ids only
    at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(default="waiting", max_length=8)
    tries: int = 0
    next_at: datetime = Field(sa_type=UtcDateTime)
    code: str | None = Field(default=None, max_length=40)  # how the last try went: an HTTP status or a word of ours
