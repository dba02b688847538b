"""Organisations, people, memberships, signing keys, sign-in sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, LargeBinary, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from exchange.db import UtcDateTime, new_id
from exchange.permissions import OrgKind, Role


class Organisation(SQLModel, table=True):
    """A legal entity on the exchange. ``tax_code`` is checked with its check digit when the account is made (X6)."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("kind IN ('member', 'operator', 'regulator')", name="organisation_kind"),
        CheckConstraint("assurance_level BETWEEN 0 AND 3", name="organisation_assurance_level"),
        CheckConstraint("standing IN ('active', 'suspended')", name="organisation_standing"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    name: str = Field(max_length=200)  # as registered, Vietnamese
    name_en: str | None = Field(default=None, max_length=200)
    tax_code: str = Field(max_length=14, unique=True)
    kind: OrgKind = Field(max_length=16, sa_type=String)
    assurance_level: int = 0  # VNeID level the operator has confirmed, 2 needed to trade (X6)
    payment_account: bool = False  # X7, confirmed by the operator
    stated_level: int = 0  # what the organisation said of itself when it joined; the operator confirms or not
    stated_payment_account: bool = False
    standing: str = Field(default="active", max_length=16)  # active | suspended
    created_at: datetime = Field(sa_type=UtcDateTime)


class User(SQLModel, table=True):
    """A person. Their e-mail address and name live here only: never in a leaf of the log, never in a log line."""

    __tablename__ = "user_account"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    email: str = Field(max_length=254, unique=True)  # folded to lower case
    full_name: str = Field(max_length=120)
    password_hash: str = Field(max_length=200)  # argon2id
    locale: str = Field(default="vi", max_length=2)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Membership(SQLModel, table=True):
    """One role of one person in one organisation; several rows for several roles."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("user_id", "org_id", "role", name="membership_once"),)
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    user_id: str = Field(foreign_key="user_account.id", max_length=26, index=True)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    role: Role = Field(max_length=16, sa_type=String)


class SigningKey(SQLModel, table=True):
    """A public key an organisation signs contracts with, by itself or by a certificate. The private half never reaches
    the server.

    Validity is by position in the log (``added_event``, ``revoked_event``), not by clock. Of a certificate the path,
    its period and its revocation are asked anew at each signature.
    """

    __tablename__ = "signing_key"
    __table_args__ = (Index("signing_key_org", "org_id", "revoked_at"),)
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    user_id: str = Field(foreign_key="user_account.id", max_length=26)
    thumbprint: str = Field(max_length=43, unique=True)  # RFC 7638, or a certificate's x5t#S256; SHA-256, base64url
    jwk: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    alg: str = Field(max_length=8)  # Ed25519 | ES256 | RS256 | PS256
    grade: str = Field(default="browser", max_length=16)  # browser | file | organisation | licensed
    chain: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))  # DER in base64
    subject: str | None = Field(default=None, max_length=300)  # of the certificate, RFC 4514
    confirmed: bool = True  # that it is this organisation's; a certificate may have to wait for the operator's word
    label: str = Field(max_length=80)
    added_at: datetime = Field(sa_type=UtcDateTime)
    added_event: str = Field(max_length=26)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_event: str | None = Field(default=None, max_length=26)
    revoked_reason: str | None = Field(default=None, max_length=16)  # exchange.accounts.keys.Reason
    suspect_since: datetime | None = Field(default=None, sa_type=UtcDateTime)  # out of its owner's hands, as they say


class TrustList(SQLModel, table=True):
    """The roots that certificates must lead to, as of one change: the whole list (contracts.certificates). The newest
    one is in force; the older ones stay, because the records of signatures name them."""

    __tablename__ = "trust_list"
    number: int | None = Field(default=None, primary_key=True)
    digest: str = Field(max_length=60, index=True)
    document: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    event_id: str = Field(max_length=26, unique=True)
    since: datetime = Field(sa_type=UtcDateTime)


class RevocationList(SQLModel, table=True):
    """A certificate authority's list of revoked certificates, as it was published (X.509 CRL)."""

    __tablename__ = "revocation_list"
    __table_args__ = (Index("revocation_list_issuer", "issuer", "this_update"),)
    digest: str = Field(primary_key=True, max_length=60)
    issuer: str = Field(max_length=64)  # SHA-256 of the issuer's name in DER, hexadecimal
    issuer_name: str = Field(max_length=300)  # RFC 4514
    this_update: datetime = Field(sa_type=UtcDateTime)
    next_update: datetime = Field(sa_type=UtcDateTime)
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    event_id: str = Field(max_length=26, unique=True)
    added_at: datetime = Field(sa_type=UtcDateTime)


class SignIn(SQLModel, table=True):
    """One signed-in browser. The cookie holds a random token; the table holds only its SHA-256."""

    __tablename__ = "sign_in"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    token_hash: str = Field(max_length=64, unique=True)
    user_id: str = Field(foreign_key="user_account.id", max_length=26, index=True)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    started_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Invitation(SQLModel, table=True):
    """A one-time link by which an owner lets a person in. The link's token is kept only as its SHA-256."""

    __tablename__ = "invitation"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    token_hash: str = Field(max_length=64, unique=True)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    email: str = Field(max_length=254)  # folded to lower case
    roles: list[str] = Field(sa_column=Column(JSON, nullable=False))
    created_by: str = Field(foreign_key="user_account.id", max_length=26)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
