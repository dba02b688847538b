"""Listings: a head, its working draft, and one immutable version per submission to the moderator."""

import base64
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from contracts import canonical
from exchange.catalogue.vocabulary import CLASSES, CYCLES, LICENCES, ONWARD, SECTORS, State
from exchange.db import UtcDateTime, new_id


def _one_of(column: str, values: Any) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


class Asset(SQLModel, table=True):
    """One stored file and what reading it measured. Never changed: another file is another row."""

    __tablename__ = "asset"
    __table_args__ = (
        CheckConstraint("format IN ('csv', 'parquet', 'jsonl')", name="asset_format"),
        CheckConstraint("bytes > 0", name="asset_bytes"),
        CheckConstraint("rows > 0", name="asset_rows"),
        CheckConstraint("length(sha256) = 64", name="asset_sha256"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    file_key: str = Field(max_length=80, unique=True)
    file_name: str = Field(max_length=200)  # as given, cleaned; for people, never a path
    format: str = Field(max_length=8)
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    sha256: str = Field(max_length=64)  # hexadecimal, as sha256sum prints it
    rows: int = Field(sa_column=Column(BigInteger, nullable=False))
    columns: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    preview: list[list[str | None]] = Field(sa_column=Column(JSON, nullable=False))
    personal_hits: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    duplicate_rows: int | None = Field(default=None, sa_column=Column(BigInteger))  # None: too large to measure
    created_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def digest(self) -> str:
        """The SHA-256 as log and contracts write it: ``sha-256:<base64url>``."""
        return "sha-256:" + base64.urlsafe_b64encode(bytes.fromhex(self.sha256)).decode().rstrip("=")

    @property
    def schema_digest(self) -> str:
        """Digest over names and types of the columns, in order."""
        pairs = [[column["name"], column["type"]] for column in self.columns]
        return canonical.sha256_b64url(canonical.dumps(pairs))


class Listing(SQLModel, table=True):
    """The head of a listing. ``draft`` is what the seller is working on; versions are what others have seen."""

    __tablename__ = "listing"
    __table_args__ = (
        CheckConstraint(_one_of("state", State), name="listing_state"),
        CheckConstraint("state <> 'published' OR current_version IS NOT NULL", name="listing_published_has_version"),
        CheckConstraint("state <> 'submitted' OR pending_version IS NOT NULL", name="listing_submitted_has_version"),
        # A version named by the head exists, and is this listing's own.
        ForeignKeyConstraint(
            ["id", "current_version"], ["listing_version.listing_id", "listing_version.number"],
            name="listing_current_version", use_alter=True,
        ),
        ForeignKeyConstraint(
            ["id", "pending_version"], ["listing_version.listing_id", "listing_version.number"],
            name="listing_pending_version", use_alter=True,
        ),
        Index("listing_by_state", "state", "updated_at"),
    )  # fmt: skip
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    state: State = Field(default=State.DRAFT, max_length=16, sa_type=String)
    current_version: int | None = None  # the number that strangers see
    pending_version: int | None = None  # the number in the moderator's queue
    draft: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    draft_asset_id: str | None = Field(default=None, foreign_key="asset.id", max_length=26)
    stopped_reason: str | None = Field(default=None, max_length=4000)  # why it was last suspended or resumed (X26)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ListingVersion(SQLModel, table=True):
    """What was submitted, whole and for ever; law.md sections 1, 3, 4 give each field's article."""

    __tablename__ = "listing_version"
    __table_args__ = (
        UniqueConstraint("listing_id", "number", name="listing_version_number"),
        UniqueConstraint("position", name="listing_version_position"),
        CheckConstraint("number > 0", name="listing_version_number_positive"),
        CheckConstraint("price_vnd >= 0", name="listing_version_price"),
        CheckConstraint("licence <> 'L0' OR (price_vnd = 0 AND classification = 'MO')", name="listing_version_open"),
        CheckConstraint("term_months BETWEEN 1 AND 120", name="listing_version_term"),
        CheckConstraint(_one_of("sector", SECTORS), name="listing_version_sector"),
        CheckConstraint(_one_of("classification", CLASSES), name="listing_version_class"),
        CheckConstraint(_one_of("licence", LICENCES), name="listing_version_licence"),
        CheckConstraint(_one_of("onward_transfer", ONWARD), name="listing_version_onward"),
        CheckConstraint(_one_of("update_cycle", CYCLES), name="listing_version_cycle"),
        CheckConstraint("classification NOT IN ('BM', 'CN1', 'CN2', 'CN3')", name="listing_version_not_banned"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    listing_id: str = Field(foreign_key="listing.id", max_length=26, index=True)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    asset_id: str = Field(foreign_key="asset.id", max_length=26, index=True)
    number: int
    name: str = Field(max_length=200)
    name_en: str | None = Field(default=None, max_length=200)
    summary: str = Field(max_length=300)
    purpose: str
    scope: str
    content: str
    collection_mechanism: str
    update_mechanism: str
    update_cycle: str = Field(max_length=16)
    source: str
    items: list[dict[str, str]] = Field(sa_column=Column(JSON, nullable=False))  # [{"name", "access": open|shared}]
    sector: str = Field(max_length=16)
    classification: str = Field(max_length=3)
    personal_statement: str
    quality_statement: str
    limitations: str
    provenance: str
    right_basis: str
    rights: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))  # {"R4": evidence, …}
    licence: str = Field(max_length=2)
    term_months: int
    permitted_purpose: str
    territory: list[str] = Field(sa_column=Column(JSON, nullable=False))
    exclusive: bool
    onward_transfer: str = Field(max_length=16)
    ip_limits: str
    max_queries: int | None = None
    min_group: int | None = None
    max_deliveries: int | None = None
    attribution: bool = False
    price_vnd: int = Field(sa_column=Column(BigInteger, nullable=False))
    added_terms: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}")
    )
    value_added_label: str | None = None
    deid_evidence: str | None = None
    state_price_decision: str | None = None
    search_text: str  # everything a reader may search by, folded; see search.py
    position: int = Field(default=None, nullable=False)  # among all versions by submission, from 0: index.py gives it
    digest: str = Field(max_length=60)  # of the canonical JSON of what service._frozen puts together
    submitted_at: datetime = Field(sa_type=UtcDateTime)
    submitted_by: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)


class IndexRow(SQLModel, table=True):
    """A block of bits of the catalogue's index; see index.py, which alone reads and writes it."""

    __tablename__ = "listing_index"
    __table_args__ = {"sqlite_with_rowid": False}  # a key's blocks lie side by side
    key: str = Field(primary_key=True, max_length=32)
    block: int = Field(primary_key=True)
    bits: bytes


class ModerationDecision(SQLModel, table=True):
    """The operator's word on one version (X25): exactly one, with its reason."""

    __tablename__ = "moderation_decision"
    __table_args__ = (
        CheckConstraint("verdict IN ('approved', 'returned')", name="moderation_verdict"),
        CheckConstraint("verdict <> 'returned' OR length(reason) > 0", name="moderation_returned_with_reason"),
        CheckConstraint("verdict <> 'approved' OR personal_data_checked", name="moderation_personal_data"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    version_id: str = Field(foreign_key="listing_version.id", max_length=26, unique=True)
    verdict: str = Field(max_length=16)
    reason: str = Field(default="", max_length=4000)
    personal_data_checked: bool = False  # the reviewer's sign-off of X14
    rule_results: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    decided_by: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)
    decided_org: str = Field(foreign_key="organisation.id", max_length=26)
    decided_at: datetime = Field(sa_type=UtcDateTime)
