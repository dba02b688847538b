"""Programs that may act on the exchange, the codes people give them and the tokens they hold.

Nothing here can be used as it stands: secrets, codes and tokens are 256 random bits, and only their SHA-256 is kept.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, Column, String
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id


class Flow(StrEnum):
    """How a program gets its token."""

    PERSON = "person"  # authorisation code with PKCE (RFC 6749 section 4.1, RFC 7636): acts for whoever consents
    MACHINE = "machine"  # client credentials (RFC 6749 section 4.4): acts for the organisation that owns it


class Client(SQLModel, table=True):
    """A program registered by an organisation. Never edited: revoked, and made anew."""

    __tablename__ = "oauth_client"
    __table_args__ = (
        CheckConstraint("flow IN ('person', 'machine')", name="oauth_client_flow"),
        CheckConstraint("flow = 'person' OR secret_hash IS NOT NULL", name="oauth_client_machine_has_secret"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)  # the client_id
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    created_by: str = Field(foreign_key="user_account.id", max_length=26)
    name: str = Field(max_length=80)
    flow: Flow = Field(max_length=16, sa_type=String)
    secret_hash: str | None = Field(default=None, max_length=64)  # None: a public client, PKCE alone protects it
    redirect_uris: list[str] = Field(sa_column=Column(JSON, nullable=False))
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))  # the most a token of this client can carry
    roles: list[str] = Field(sa_column=Column(JSON, nullable=False))  # of a machine client; a person brings their own
    created_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Code(SQLModel, table=True):
    """An authorisation code: one use, sixty seconds."""

    __tablename__ = "oauth_code"
    code_hash: str = Field(primary_key=True, max_length=64)
    client_id: str = Field(foreign_key="oauth_client.id", max_length=26, index=True)
    user_id: str = Field(foreign_key="user_account.id", max_length=26, index=True)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    redirect_uri: str = Field(max_length=400)
    scope: str = Field(max_length=200)  # space-separated
    challenge: str = Field(max_length=43)  # PKCE S256
    issued_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Token(SQLModel, table=True):
    """A bearer access token."""

    __tablename__ = "oauth_token"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    token_hash: str = Field(max_length=64, unique=True)
    client_id: str = Field(foreign_key="oauth_client.id", max_length=26, index=True)
    user_id: str | None = Field(default=None, foreign_key="user_account.id", max_length=26, index=True)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    scope: str = Field(max_length=200)
    code_hash: str | None = Field(default=None, foreign_key="oauth_code.code_hash", max_length=64, index=True)
    issued_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
