"""Negotiations and their moves, contracts and their signatures. What a contract allows is derived, never stored."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel, col, select

from contracts.duty import Answer
from contracts.forms import ADAPTERS, JWS
from contracts.negotiation import FINAL, Act, Reason, Role, State
from contracts.standing import Holder, SuspendCode
from exchange.db import UtcDateTime, new_id
from exchange.permissions import Role as StaffRole

FORMS = (JWS, *ADAPTERS)
OPEN_STATES = tuple(state for state in State if state not in FINAL)
# Why a contract ended; the exchange sets the last two: given up before it was in force, and replaced by another.
END_CODES = ("fulfilled", "agreed", "breach", "rights-lost", "security", "other", "unsigned", "superseded")


def _one_of(column: str, values: Any) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


class Negotiation(SQLModel, table=True):
    """One buyer's request for one listing version. Changed only while its row is locked: of two clicks one wins."""

    __tablename__ = "negotiation"
    __table_args__ = (
        CheckConstraint(_one_of("state", State), name="negotiation_state"),
        CheckConstraint("buyer_org_id <> provider_org_id", name="negotiation_two_parties"),
        CheckConstraint("requests >= 0 AND offers >= 0 AND requests + offers > 0", name="negotiation_proposals"),
        CheckConstraint(
            "(state = 'TERMINATED') = (terminated_at IS NOT NULL) AND "
            "(state = 'TERMINATED') = (terminated_code IS NOT NULL) AND "
            "(state = 'TERMINATED') = (terminated_reason IS NOT NULL)",
            name="negotiation_terminated_with_reason",
        ),
        CheckConstraint(
            f"terminated_code IS NULL OR {_one_of('terminated_code', Reason)}", name="negotiation_terminated_code"
        ),
        CheckConstraint("length(purpose) > 0 AND length(scenario) > 0", name="negotiation_scenario"),  # X31
        ForeignKeyConstraint(
            ["listing_id", "version"],
            ["listing_version.listing_id", "listing_version.number"],
            name="negotiation_listing_version",
        ),
        # A form sent twice acts once: one open negotiation for a buyer and a listing.
        Index(
            "negotiation_open_once",
            "listing_id",
            "buyer_org_id",
            unique=True,
            sqlite_where=text(_one_of("state", OPEN_STATES)),
            postgresql_where=text(_one_of("state", OPEN_STATES)),
        ),
        Index("negotiation_of_buyer", "buyer_org_id", "id"),
        Index("negotiation_of_provider", "provider_org_id", "id"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    listing_id: str = Field(foreign_key="listing.id", max_length=26, index=True)
    version: int
    buyer_org_id: str = Field(foreign_key="organisation.id", max_length=26)
    provider_org_id: str = Field(foreign_key="organisation.id", max_length=26)
    state: State = Field(max_length=16, sa_type=String)
    terms_hash: str = Field(max_length=60)  # of the terms on the table: those of the latest proposal
    requests: int = 1  # proposals made by the buyer, who makes the first one but for a contract's successor
    offers: int = 0  # and by the seller
    purpose: str
    scenario: str
    deadline: datetime = Field(sa_type=UtcDateTime)  # of the turn; past it, nobody can move any more
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    terminated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    terminated_code: Reason | None = Field(default=None, max_length=16, sa_type=String)
    terminated_reason: str | None = None  # in the words of whoever ended it; empty when it lapsed
    terminated_by: str | None = Field(default=None, foreign_key="organisation.id", max_length=26)  # None: it lapsed

    def role_of(self, org_id: str) -> Role | None:
        """Which side the organisation is on, if any."""
        return {self.buyer_org_id: Role.CONSUMER, self.provider_org_id: Role.PROVIDER}.get(org_id)


class Move(SQLModel, table=True):
    """One step of a negotiation, with the whole terms it proposes or refers to. Never changed."""

    __tablename__ = "negotiation_move"
    __table_args__ = (
        UniqueConstraint("negotiation_id", "number", name="negotiation_move_number"),
        CheckConstraint("number > 0", name="negotiation_move_number_positive"),
        CheckConstraint(_one_of("act", Act), name="negotiation_move_act"),
        CheckConstraint(_one_of("role", Role), name="negotiation_move_role"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    negotiation_id: str = Field(foreign_key="negotiation.id", max_length=26)
    number: int
    act: Act = Field(max_length=16, sa_type=String)
    role: Role = Field(max_length=16, sa_type=String)
    org_id: str | None = Field(default=None, foreign_key="organisation.id", max_length=26)  # None: the exchange itself
    user_id: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)  # None: a program
    rule_event: str | None = Field(default=None, max_length=26)  # by a seller's rule: the record that set it
    terms: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    terms_hash: str = Field(max_length=60)
    note: str = ""
    event_id: str = Field(max_length=26, unique=True)
    at: datetime = Field(sa_type=UtcDateTime)


class ApprovalRule(SQLModel, table=True):
    """What an organisation demands of itself before it is bound. No row: nothing."""

    __tablename__ = "approval_rule"
    __table_args__ = (CheckConstraint(f"role IS NULL OR {_one_of('role', StaffRole)}", name="approval_rule_role"),)
    org_id: str = Field(primary_key=True, foreign_key="organisation.id", max_length=26)
    role: StaffRole | None = Field(default=None, max_length=16, sa_type=String)  # who approves terms; None: nobody need
    second_signer: bool = False  # whether its signature needs another signer's approval first
    changed_at: datetime = Field(sa_type=UtcDateTime)
    event_id: str = Field(max_length=26)


class Approval(SQLModel, table=True):
    """One person's yes, for their own side, to exactly these terms or to signing exactly this contract."""

    __tablename__ = "negotiation_approval"
    __table_args__ = (
        CheckConstraint("what IN ('terms', 'signature')", name="negotiation_approval_what"),
        CheckConstraint("withdrawn_at IS NULL OR used_at IS NULL", name="negotiation_approval_used_stays"),
        Index(
            "negotiation_approval_once",
            "negotiation_id",
            "user_id",
            "what",
            "digest",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    negotiation_id: str = Field(foreign_key="negotiation.id", max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    user_id: str = Field(foreign_key="user_account.id", max_length=26)
    what: str = Field(max_length=16)
    digest: str = Field(max_length=60)  # of the terms, or of the contract's payload
    given_at: datetime = Field(sa_type=UtcDateTime)
    event_id: str = Field(max_length=26, unique=True)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # it has let its side be bound: it stays


class AgreeRule(SQLModel, table=True):
    """A seller's standing yes to requests on the offer of one listing exactly as it stands. It never signs."""

    __tablename__ = "agree_rule"
    __table_args__ = (
        CheckConstraint("min_level BETWEEN 0 AND 3", name="agree_rule_level"),
        CheckConstraint("max_price_vnd IS NULL OR max_price_vnd >= 0", name="agree_rule_price"),
    )
    listing_id: str = Field(primary_key=True, foreign_key="listing.id", max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26, index=True)
    min_level: int = 0  # of the buyer's confirmed identification (VNeID)
    max_price_vnd: int | None = Field(default=None, sa_column=Column(BigInteger))  # None: whatever the offer says
    set_at: datetime = Field(sa_type=UtcDateTime)
    event_id: str = Field(max_length=26)


class Contract(SQLModel, table=True):
    """The document as it was signed, byte for byte, and the events of its life. ``starts``, ``ends`` and ``price_vnd``
    repeat the document so that lists and caps need not parse every payload; the document decides."""

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint("buyer_org_id <> provider_org_id", name="contract_two_parties"),
        CheckConstraint("starts <= ends", name="contract_term"),
        CheckConstraint("price_vnd >= 0", name="contract_price"),
        CheckConstraint("(active_event IS NULL) = (active_at IS NULL)", name="contract_active_whole"),
        CheckConstraint(
            "(ended_at IS NULL) = (end_event IS NULL) AND (ended_at IS NULL) = (end_code IS NULL) "
            "AND (ended_at IS NULL) = (end_reason IS NULL)",
            name="contract_ended_with_reason",
        ),
        CheckConstraint(f"end_code IS NULL OR {_one_of('end_code', END_CODES)}", name="contract_end_code"),
        ForeignKeyConstraint(
            ["listing_id", "version"],
            ["listing_version.listing_id", "listing_version.number"],
            name="contract_listing_version",
        ),
        # Drawn up again, the older document has ended first: see Redraw.
        Index(
            "contract_of_negotiation_once",
            "negotiation_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("contract_of_buyer", "buyer_org_id", "id"),
        Index("contract_of_provider", "provider_org_id", "id"),
    )
    id: str = Field(primary_key=True, max_length=26)  # the id inside the document
    negotiation_id: str = Field(foreign_key="negotiation.id", max_length=26, index=True)
    listing_id: str = Field(foreign_key="listing.id", max_length=26, index=True)
    version: int
    buyer_org_id: str = Field(foreign_key="organisation.id", max_length=26)
    provider_org_id: str = Field(foreign_key="organisation.id", max_length=26)
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str = Field(max_length=60, unique=True)  # of the payload, as the log writes it
    starts: date  # first and last day, in Viet Nam
    ends: date
    price_vnd: int = Field(sa_column=Column(BigInteger, nullable=False))
    agreed_at: datetime = Field(sa_type=UtcDateTime)
    agreed_event: str = Field(max_length=26)
    active_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    active_event: str | None = Field(default=None, max_length=26)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    end_code: str | None = Field(default=None, max_length=16)
    end_reason: str | None = None
    ended_by: str | None = Field(default=None, foreign_key="organisation.id", max_length=26)
    end_event: str | None = Field(default=None, max_length=26)


class ContractSignature(SQLModel, table=True):
    """One party's signature over the contract's payload, one per organisation: a JWS entry (RFC 7515 section 7.2), or a
    file of another form with a signature in it (contracts.forms)."""

    __tablename__ = "contract_signature"
    __table_args__ = (
        UniqueConstraint("contract_id", "org_id", name="contract_signature_once"),
        UniqueConstraint("contract_id", "thumbprint", name="contract_signature_key_once"),
        CheckConstraint(_one_of("form", FORMS), name="contract_signature_form"),
        CheckConstraint(
            "(form = 'jws') = (protected IS NOT NULL) AND (form = 'jws') = (signature IS NOT NULL) "
            "AND (form = 'jws') = (evidence IS NULL)",
            name="contract_signature_whole",
        ),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    contract_id: str = Field(foreign_key="contract.id", max_length=26)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    user_id: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)
    thumbprint: str = Field(max_length=43)
    alg: str = Field(max_length=8)
    grade: str = Field(max_length=16)  # when it signed: browser | file | organisation | licensed
    form: str = Field(default="jws", max_length=8)
    protected: str | None = None
    signature: str | None = None
    evidence: bytes | None = Field(default=None, sa_column=Column(LargeBinary))  # the file, as it was handed in
    path: list[str] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True))
    )  # DER in base64, to the root
    trust: str | None = Field(default=None, max_length=60)  # digest of the trust list it was judged by
    crls: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))  # digests of the lists
    claimed_at: datetime = Field(sa_type=UtcDateTime)  # ``iat``, by the signer's clock
    signed_at: datetime = Field(sa_type=UtcDateTime)  # when the exchange took it, by its own
    event_id: str = Field(max_length=26, unique=True)

    @property
    def entry(self) -> dict[str, str] | None:
        """The JWS entry as it was handed in; None where the signature has another form."""
        if self.protected is None or self.signature is None:
            return None
        return {"protected": self.protected, "signature": self.signature}


class Redraw(SQLModel, table=True):
    """That a contract was drawn up again with other keys, before it was in force. Never changed."""

    __tablename__ = "contract_redraw"
    __table_args__ = (CheckConstraint("cause IN ('lost', 'late')", name="contract_redraw_cause"),)
    new_id: str = Field(primary_key=True, foreign_key="contract.id", max_length=26)
    old_id: str = Field(foreign_key="contract.id", max_length=26, unique=True)
    cause: str = Field(max_length=16)  # exchange.negotiations.redraw.Cause
    org_id: str = Field(foreign_key="organisation.id", max_length=26)  # who asked for it
    void: int  # signatures of the older document, which count no more
    at: datetime = Field(sa_type=UtcDateTime)


def not_redrawn() -> ColumnElement[bool]:
    """Of a negotiation's documents the one that counts: signatures of those that were drawn up again are void."""
    return col(Contract.id).not_in(select(Redraw.old_id))


class ContractHold(SQLModel, table=True):
    """One suspension of a contract, and who lifted it when. While any is open, the contract gives nothing."""

    __tablename__ = "contract_hold"
    __table_args__ = (
        CheckConstraint(_one_of("holder", Holder), name="contract_hold_holder"),
        CheckConstraint(_one_of("code", SuspendCode), name="contract_hold_code"),
        CheckConstraint("(code = 'listing') = (holder = 'listing')", name="contract_hold_of_listing"),
        CheckConstraint(
            "(resumed_at IS NULL) = (resume_event IS NULL) AND (resumed_at IS NULL) = (resumed_by IS NULL) "
            "AND (resumed_at IS NULL) = (resume_reason IS NULL)",
            name="contract_hold_resumed_whole",
        ),
        # Of two clicks at once one suspends: each side has at most one suspension open.
        Index(
            "contract_hold_open_once",
            "contract_id",
            "holder",
            unique=True,
            sqlite_where=text("resumed_at IS NULL"),
            postgresql_where=text("resumed_at IS NULL"),
        ),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    contract_id: str = Field(foreign_key="contract.id", max_length=26, index=True)
    holder: Holder = Field(max_length=16, sa_type=String)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)  # who suspended
    code: SuspendCode = Field(max_length=16, sa_type=String)
    reason: str
    since: datetime = Field(sa_type=UtcDateTime)
    event_id: str = Field(max_length=26, unique=True)
    resumed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resumed_by: str | None = Field(default=None, foreign_key="organisation.id", max_length=26)
    resume_reason: str | None = None
    resume_event: str | None = Field(default=None, max_length=26, unique=True)


class Succession(SQLModel, table=True):
    """That a negotiation is about taking a contract's place: changed terms, or another term. Never changed."""

    __tablename__ = "contract_succession"
    __table_args__ = (CheckConstraint("kind IN ('amendment', 'renewal')", name="contract_succession_kind"),)
    negotiation_id: str = Field(primary_key=True, foreign_key="negotiation.id", max_length=26)
    contract_id: str = Field(foreign_key="contract.id", max_length=26, index=True)  # the one to be replaced
    kind: str = Field(max_length=16)


class DestructionStatement(SQLModel, table=True):
    """The buyer's signed statement of what became of the data (contracts.statement), and the seller's answer."""

    __tablename__ = "destruction_statement"
    __table_args__ = (
        CheckConstraint(f"answer IS NULL OR {_one_of('answer', Answer)}", name="destruction_statement_answer"),
        CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answer_event IS NULL) "
            "AND (answer IS NULL) = (answer_reason IS NULL)",
            name="destruction_statement_answered_whole",
        ),
        # One statement at a time: another is possible only once the seller has disputed the one before.
        Index(
            "destruction_statement_standing_once",
            "contract_id",
            unique=True,
            sqlite_where=text("answer IS NULL OR answer = 'acknowledged'"),
            postgresql_where=text("answer IS NULL OR answer = 'acknowledged'"),
        ),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=26)
    contract_id: str = Field(foreign_key="contract.id", max_length=26, index=True)
    org_id: str = Field(foreign_key="organisation.id", max_length=26)
    user_id: str | None = Field(default=None, foreign_key="user_account.id", max_length=26)
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str = Field(max_length=60, unique=True)  # of the payload, as the log writes it
    thumbprint: str = Field(max_length=43)
    protected: str
    signature: str
    stated_at: datetime = Field(sa_type=UtcDateTime)
    event_id: str = Field(max_length=26, unique=True)
    answer: Answer | None = Field(default=None, max_length=16, sa_type=String)
    answer_reason: str | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer_event: str | None = Field(default=None, max_length=26, unique=True)
