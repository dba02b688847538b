"""A small market for tests: a published listing, keys of both sides, and the steps of a deal as single calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from contracts import signature
from contracts.keys import ALGORITHMS_OF, PrivateKey
from exchange.accounts.models import Membership, Organisation, SigningKey, User
from exchange.catalogue.models import Asset, Listing, ListingVersion
from exchange.db import Database, new_id
from exchange.ledger.sequencer import Sequencer
from exchange.negotiations import agreements, rules, service
from exchange.negotiations.models import Contract, Negotiation
from exchange.permissions import Actor, Role

WISH: dict[str, Any] = {
    "purpose": "Dự báo chuyến bay trễ",
    "scenario": "Mô hình nội bộ cho kho hàng không",
    "starts": date(2026, 12, 1),
    "ends": date(2027, 5, 31),
    "territory": ("VN",),
}


def wish(**changes: Any) -> rules.Wish:
    """A good request, with what the test changes in it."""
    return rules.Wish(**{**WISH, **changes})


def offer(**changes: Any) -> dict[str, Any]:
    """A counter-offer that asks for a higher price."""
    return {"price_vnd": 7_000_000, **changes}


@dataclass
class Market:
    """Rows made straight in the tables; the steps go through the use cases and commit."""

    database: Database
    sequencer: Sequencer
    seller: Actor
    buyer: Actor
    now: datetime
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    listing_id: str = ""

    def publish(self, **changes: Any) -> str:
        """A listing in the catalogue; returns its id."""
        with self.database.writing() as session:
            asset = Asset(
                org_id=self.seller.org_id, file_key=f"assets/{new_id()}", file_name="flights.parquet",
                format="parquet", bytes=1000, sha256="ab" * 32, rows=336_776,
                columns=[{"name": "carrier", "type": "VARCHAR"}], preview=[["UA"]], personal_hits=[],
                created_at=self.now,
            )  # fmt: skip
            listing = Listing(org_id=self.seller.org_id, created_at=self.now, updated_at=self.now)
            session.add_all([asset, listing])
            session.flush()
            session.add(version_row(listing.id, asset.id, self.seller.org_id, self.now, **changes))
            session.flush()
            listing.state, listing.current_version = "published", 1  # type: ignore[assignment]
            session.commit()
            self.listing_id = listing.id
        return self.listing_id

    def set_state(self, state: str) -> None:
        """Move the listing as moderation would."""
        with self.database.writing() as session:
            session.get_one(Listing, self.listing_id).state = state  # type: ignore[assignment]
            session.commit()

    def add_key(self, actor: Actor, alg: str = "Ed25519", grade: str = "file") -> PrivateKey:
        """A registered signing key of the actor's organisation; the test keeps the private half."""
        private = signature.generate(alg)
        jwk = signature.public_jwk(private)
        with self.database.writing() as session:
            session.add(
                SigningKey(
                    org_id=actor.org_id,
                    user_id=actor.user_id or "",
                    thumbprint=signature.thumbprint(jwk),
                    jwk=jwk,
                    alg=ALGORITHMS_OF[jwk["kty"]][0],
                    grade=grade,
                    label="Khóa thử",
                    added_at=self.now,
                    added_event=new_id(),
                )
            )
            session.commit()
        self.keys[actor.org_id] = private
        return private

    def do(self, use_case: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Run one use case in a transaction of its own, and give its records their place in the tree."""
        with self.database.writing() as session:
            result = use_case(session, *arguments, self.now, **named)
            session.commit()
        self.sequencer.run_once()
        return result

    def requested(self, **changes: Any) -> Negotiation:
        """A request by the buyer."""
        found: Negotiation = self.do(service.request_access, self.buyer, self.listing_id, wish(**changes))
        return found

    def agreed(self) -> Contract:
        """A contract drawn up, nobody has signed."""
        return self.agreed_on()

    def agreed_on(self, **changes: Any) -> Contract:
        """The same with another request."""
        negotiation = self.requested(**changes)
        found: Contract = self.do(agreements.agree, self.seller, negotiation.id, negotiation.terms_hash)
        return found

    def entry(self, contract: Contract, actor: Actor) -> dict[str, str]:
        """The actor's own signature of the contract."""
        return signature.sign(contract.payload, self.keys[actor.org_id], now=self.now)

    def signed(self, contract: Contract, actor: Actor) -> Any:
        """Sign as the actor."""
        return self.do(agreements.sign, actor, contract.id, self.entry(contract, actor))

    def active(self) -> Contract:
        """A contract in force from 1 December 2026."""
        contract = self.agreed()
        self.signed(contract, self.seller)
        self.signed(contract, self.buyer)
        return self.row(contract.id)

    def row(self, contract_id: str) -> Contract:
        """The contract's row as it stands now."""
        with self.database.reading() as session:
            return session.get_one(Contract, contract_id)

    def colleague(self, actor: Actor, name: str, *roles: Role) -> Actor:
        """Another person of the actor's organisation, a signer if nothing else is said."""
        given = roles or (Role.SIGNER,)
        with self.database.writing() as session:
            user = User(email=f"{new_id()}@example.vn", full_name=name, password_hash="x", created_at=self.now)
            session.add(user)
            session.flush()
            session.add_all(Membership(user_id=user.id, org_id=actor.org_id, role=role) for role in given)
            session.commit()
        return Actor(user.id, actor.org_id, actor.kind, frozenset(given), name=name)

    def confirm(self, actor: Actor, *, level: int, payment_account: bool) -> None:
        """What the operator has confirmed of an organisation."""
        with self.database.writing() as session:
            org = session.get_one(Organisation, actor.org_id)
            org.assurance_level, org.payment_account = level, payment_account
            session.commit()


def version_row(listing_id: str, asset_id: str, org_id: str, now: datetime, **changes: Any) -> ListingVersion:
    """A version that passes every rule of the catalogue."""
    text = {
        name: "Mô tả"
        for name in (
            "purpose", "scope", "content", "collection_mechanism", "update_mechanism", "source", "personal_statement",
            "quality_statement", "limitations", "provenance", "right_basis", "permitted_purpose", "search_text",
        )
    }  # fmt: skip
    fields: dict[str, Any] = {
        **text, "listing_id": listing_id, "asset_id": asset_id, "org_id": org_id, "number": 1,
        "name": "Chuyến bay New York 2013", "name_en": "New York flights 2013", "summary": "336.776 chuyến bay",
        "update_cycle": "once", "items": [{"name": "Chuyến bay", "access": "shared"}], "sector": "logistics",
        "classification": "TC", "rights": {"R4": "Hợp đồng"}, "licence": "L3", "term_months": 12, "territory": ["VN"],
        "exclusive": False, "onward_transfer": "none", "ip_limits": "Không đăng ký bản quyền trên dữ liệu",
        "max_deliveries": 3, "price_vnd": 5_000_000, "digest": "sha-256:" + "A" * 43, "submitted_at": now,
    }  # fmt: skip
    return ListingVersion(**{**fields, **changes})
