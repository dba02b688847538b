"""What happens in the demo market: who joins, what is offered, asked for and signed; all through use cases."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlmodel import Session, select

from contracts import canonical, signature
from exchange import clock
from exchange.accounts import keys
from exchange.accounts import service as accounts
from exchange.accounts.models import Organisation, User
from exchange.catalogue import moderation
from exchange.catalogue import service as catalogue
from exchange.catalogue.profile import profile
from exchange.catalogue.upload import received
from exchange.config import Config
from exchange.db import Database, new_id
from exchange.demo import data, listings, trial
from exchange.ledger.sequencer import Sequencer
from exchange.negotiations import agreements, rules
from exchange.negotiations import service as negotiations
from exchange.negotiations.models import Contract, Negotiation
from exchange.oauth import service as oauth
from exchange.permissions import SCOPES, Actor, OrgKind, Role
from exchange.store import Store
from exchange.trials import service as trials

T = TypeVar("T")
PASSWORD = "minh-bach-demo-2026"  # noqa: S105 - printed at start; production refuses the demo


@dataclass(frozen=True)
class Seat:
    """One demo sign-in."""

    part: str
    email: str
    person: str
    organisation: str
    organisation_en: str
    tax_code: str
    kind: OrgKind


# Tax codes with a right check digit out of a range that is not given out.
SEATS = (
    Seat("provider", "provider@demo.example.vn", "Trần Thị Bên Bán", "Công ty Trình diễn Dữ liệu Hàng không",
         "Demo Aviation Data Company", "9900000016", OrgKind.MEMBER),
    Seat("buyer", "buyer@demo.example.vn", "Lê Văn Bên Mua", "Công ty Trình diễn Phân tích Logistics",
         "Demo Logistics Analytics Company", "9900000023", OrgKind.MEMBER),
    Seat("operator", "operator@demo.example.vn", "Phạm Thị Vận Hành", "Đơn vị Trình diễn Vận hành Sàn dữ liệu",
         "Demo Exchange Operator", "9900000030", OrgKind.OPERATOR),
    Seat("regulator", "regulator@demo.example.vn", "Nguyễn Văn Thanh Tra", "Cơ quan Quản lý Trình diễn",
         "Demo Regulator", "9900000048", OrgKind.REGULATOR),
)  # fmt: skip


class Story:
    """Tells the story once into an empty exchange. Each step is one use case and one commit, as at a door."""

    def __init__(self, config: Config, database: Database) -> None:
        self._config, self._database = config, database
        self._store = Store(config.store_url)
        self._sequencer = Sequencer(database, config)
        self._folder = config.home / "demo"  # what would lie on the members' own machines: their private keys
        self._actors: dict[str, Actor] = {}
        trials.connect()

    def is_needed(self) -> bool:
        """Whether nobody has joined yet."""
        with self._database.reading() as session:
            return session.exec(select(Organisation.id).limit(1)).first() is None

    def tell(self, say: Callable[[str], None]) -> None:
        """All of it; ``say`` hears what is being done."""
        say("organisations, people, signing keys")
        self._people()
        say("the trial: applied for, approved, joined")
        self._trial()
        with tempfile.TemporaryDirectory(prefix="minhbach-demo-") as folder:
            self._listings(Path(folder), say)
        say("a contract, signed by both, and a request that waits for an answer")
        self._deal()
        say("an incident of the trial, told of and closed")
        self._mishap()

    def _do(self, use_case: Callable[[Session, datetime], T]) -> T:
        with self._database.writing() as session:
            result = use_case(session, clock.now())
            session.commit()
        self._sequencer.run_once()
        return result

    # -- people ------------------------------------------------------------------------------------------------

    def _people(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for seat in SEATS:
            self._actors[seat.part] = self._do(lambda session, now, seat=seat: _seat(session, seat, now))  # type: ignore[misc]
        for part in ("provider", "buyer"):
            self._key(part)
            self._client(part)

    def _key(self, part: str) -> None:
        """A key made in a file, as `minhbach key new` makes it, and registered with proof of possession."""
        key = signature.generate("Ed25519")
        _private_file(self._folder / f"{part}.pem", signature.to_pem(key).decode())
        actor, secret = self._actors[part], self._config.secret_key

        def register(session: Session, now: datetime) -> object:
            challenge = keys.make_challenge(secret, actor, "demo", now)
            return keys.add_key(
                session, actor, proof=_proof(key, challenge), label="Khóa trình diễn", grade="file", secret=secret,
                credential="demo", now=now,
            )  # fmt: skip

        self._do(register)

    def _client(self, part: str) -> None:
        """A program of the organisation, for the API and the `minhbach` command."""
        actor = self._actors[part]
        client, secret = self._do(
            lambda session, now: oauth.create_client(
                session, actor, name="Dòng lệnh trình diễn", flow="machine",
                scopes=sorted(set(SCOPES) - {"moderate", "audit", "authority"}), roles=[Role.OWNER], now=now,
            )
        )  # fmt: skip
        body = json.dumps({"client_id": client.id, "client_secret": secret}, indent=2)
        _private_file(self._folder / f"{part}-client.json", body + "\n")

    # -- the trial ---------------------------------------------------------------------------------------------

    def _trial(self) -> None:
        today = clock.now().astimezone(clock.VIETNAM).date()
        notice = trial.permit(self._do, self._actors["operator"], self._actors["regulator"], today)
        for part in ("provider", "buyer"):
            trial.join(self._do, self._actors[part], notice)

    def _mishap(self) -> None:
        with self._database.reading() as session:
            row = trials.current(session, clock.now())
        if row is not None:
            trial.mishap(self._do, self._actors["provider"], self._actors["operator"], row.id)

    # -- listings ----------------------------------------------------------------------------------------------

    def _listings(self, folder: Path, say: Callable[[str], None]) -> None:
        offers: tuple[tuple[str, dict[str, Any], Any], ...] = (
            ("flights", listings.FLIGHTS, data.flights(folder)),
            ("weather", listings.WEATHER, data.nycflights(folder, "weather")),
            ("wards", listings.WARDS, data.wards(folder)),
            ("planes", listings.PLANES, data.nycflights(folder, "planes")),
        )
        self._listed: dict[str, str] = {}
        for name, offer, made in offers:
            with made as path:
                say(f"listing {path.name}")
                self._listed[name] = self._submit(offer, path)
            if name != "planes":  # one waits for the operator
                self._approve(self._listed[name])

    def _submit(self, offer: dict[str, Any], path: Path) -> str:
        actor = self._actors["provider"]
        listing = self._do(lambda session, now: catalogue.start_draft(session, actor, offer, now))
        with path.open("rb") as stream, received(stream, self._config.home / "incoming", 4 * 10**9) as file:
            measured, key = profile(file.path), f"assets/{new_id()}"
            self._store.put_file(file.path, key)
            size, sha256 = file.bytes, file.sha256
        self._do(
            lambda session, now: catalogue.attach_file(
                session, actor, listing.id, file_name=path.name, file_key=key, size=size, sha256=sha256,
                profile=measured, now=now,
            )
        )  # fmt: skip
        self._do(lambda session, now: catalogue.submit(session, actor, listing.id, now))
        return listing.id

    def _approve(self, listing_id: str) -> None:
        self._do(
            lambda session, now: moderation.approve(
                session, self._actors["operator"], listing_id, personal_data_checked=True,
                reason="Đã kiểm tra hồ sơ nguồn gốc và dữ liệu.", now=now,
            )
        )  # fmt: skip

    # -- a deal ------------------------------------------------------------------------------------------------

    def _deal(self) -> None:
        buyer, provider = self._actors["buyer"], self._actors["provider"]
        today = clock.now().astimezone(clock.VIETNAM).date()
        wish = rules.Wish(
            purpose="Phân tích nội bộ về khai thác và độ trễ trong vận tải hàng không.",
            scenario="Dự báo độ trễ theo giờ và tuyến bay để lập lịch kho hàng không.",
            starts=today, ends=today + timedelta(days=180), territory=("VN",),
        )  # fmt: skip
        asked = self._do(lambda s, now: negotiations.request_access(s, buyer, self._listed["flights"], wish, now))
        drawn = self._do(lambda s, now: agreements.agree(s, provider, asked.id, asked.terms_hash, now))
        for part in ("provider", "buyer"):
            self._sign(part, drawn)
        later = rules.Wish(
            purpose="Thống kê thời tiết theo nhóm, không xuất dữ liệu gốc.",
            scenario="Đối chiếu gió và tầm nhìn với độ trễ của chuyến bay.",
            starts=today + timedelta(days=7), ends=today + timedelta(days=100), territory=("VN",),
        )  # fmt: skip
        self._do(lambda s, now: _request(s, buyer, self._listed["weather"], later, now))

    def _sign(self, part: str, drawn: Contract) -> None:
        key = signature.from_pem((self._folder / f"{part}.pem").read_bytes())
        entry = signature.sign(drawn.payload, key, now=clock.now())
        self._do(lambda session, now: agreements.sign(session, self._actors[part], drawn.id, entry, now))


def _request(session: Session, buyer: Actor, listing_id: str, wish: rules.Wish, now: datetime) -> Negotiation:
    return negotiations.request_access(session, buyer, listing_id, wish, now)


def _seat(session: Session, seat: Seat, now: datetime) -> Actor:
    org = accounts.register_organisation(
        session, name=seat.organisation, name_en=seat.organisation_en, tax_code=seat.tax_code, kind=seat.kind,
        stated_level=2, stated_payment_account=True, confirmed=True, now=now,
    )  # fmt: skip
    user: User = accounts.add_user(
        session, org, email=seat.email, full_name=seat.person, password=PASSWORD, roles=[Role.OWNER], now=now
    )
    return Actor(user_id=user.id, org_id=org.id, kind=seat.kind, roles=frozenset({Role.OWNER}), name=user.full_name)


def _proof(key: Any, challenge: str) -> str:
    """A compact JWS over the challenge by the new key (see accounts.keys)."""
    jwk = signature.public_jwk(key)
    header = canonical.dumps({"alg": "Ed25519", "jwk": jwk, "typ": keys.TYP})
    protected, payload = canonical.b64url(header), canonical.b64url(challenge.encode())
    return f"{protected}.{payload}.{canonical.b64url(key.sign(f'{protected}.{payload}'.encode()))}"


def _private_file(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
