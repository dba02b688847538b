"""What a contract is made of: frozen values without behaviour of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from contracts import canonical
from contracts.clauses import EDITION
from contracts.terms import Terms


@dataclass(frozen=True)
class Party:
    """One side, and the keys (RFC 7638 thumbprints) with which it may sign."""

    role: str
    org_id: str
    name: str
    tax_code: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class AssetRef:
    """One file of one listing version, named by its digest and that of its schema."""

    listing_id: str
    version: int
    sha256: str
    schema_sha256: str
    name: str
    rows: int


@dataclass(frozen=True)
class TrialRef:
    """The pilot under which the contract is made, and the notice that the buyer has accepted (law.md, T14)."""

    cert_no: str
    notice_version: str


@dataclass(frozen=True)
class LogHead:
    """The newest tree head the parties saw: their signatures pin the history of the log."""

    origin: str
    size: int
    root: str


@dataclass(frozen=True)
class Contract:
    """A contract as read; `payload` holds the very bytes that are signed."""

    payload: bytes
    id: str
    created: datetime
    nonce: str
    parties: tuple[Party, ...]
    assets: tuple[AssetRef, ...]
    terms: Terms
    trial: TrialRef | None
    log: LogHead | None
    needs: tuple[str, ...]
    edition: str = EDITION  # of the wording of its clauses
    supersedes: str | None = None  # digest of the contract whose place this one takes

    @cached_property
    def hash(self) -> str:
        """The name of these bytes in the log."""
        return canonical.sha256_b64url(self.payload)

    def party(self, role: str) -> Party:
        """The one party of a role."""
        return next(party for party in self.parties if party.role == role)
