"""From a request to a contract in force, through the JSON API: five calls, two signatures checked, five records.

The time counted is the exchange's; what the parties need to sign on their own machines is left out. The baseline is
what no exchange can do without: check two signatures over the same bytes and commit one row.
"""

import time
from datetime import timedelta
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from sqlalchemy import insert
from sqlmodel import Session

from contracts import signature
from exchange import clock
from exchange.accounts.models import Organisation, SigningKey
from exchange.accounts.service import new_secret
from exchange.bench import Figure, empty_exchange, percentile, rows
from exchange.bench.serving import quiet_app
from exchange.catalogue.models import Listing, ListingVersion
from exchange.catalogue.vocabulary import State
from exchange.db import Database, new_id
from exchange.oauth import service as oauth
from exchange.permissions import Actor, OrgKind

STEPS = ("request", "agree", "payload", "seller signs", "buyer signs")


class _Party:
    """One side: its key, and its program's token."""

    def __init__(self, session: Session, name: str, number: int) -> None:
        now = clock.now()
        self.actor = rows.organisation(session, name, number, now)
        self.key = Ed25519PrivateKey.generate()
        jwk = signature.public_jwk(self.key)
        key = SigningKey(
            org_id=self.actor.org_id, user_id=str(self.actor.user_id), thumbprint=signature.thumbprint(jwk), jwk=jwk,
            alg="Ed25519", grade="file", label="bench", added_at=now, added_event=new_id(),
        )  # fmt: skip
        session.add(key)
        session.flush()
        self.token = _token(session, self.actor)

    def call(self, client: FlaskClient, method: str, path: str, body: object = None) -> tuple[Any, float]:
        """The answer and how long it took, in milliseconds."""
        headers = {"Authorization": f"Bearer {self.token}"}
        start = time.perf_counter()
        answer = client.open(f"/api/v1{path}", method=method, json=body, headers=headers)
        taken = (time.perf_counter() - start) * 1000
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer, taken

    def sign(self, payload: bytes) -> dict[str, str]:
        """This side's entry."""
        return signature.sign(payload, self.key, now=clock.now())


def run(kind: str, count: int = 200) -> list[Figure]:
    """Figures for one database kind; ``count`` contracts, one after the other."""
    with empty_exchange(kind) as config, quiet_app(config) as app:
        database: Database = app.extensions["minhbach.database"]
        with database.writing() as session:
            seller, buyer = _Party(session, "Bench seller", 1), _Party(session, "Bench buyer", 2)
            listing_id = _listing(session, seller.actor)
            session.commit()
        client = app.test_client()
        _deal(client, seller, buyer, listing_id)  # warms every path up
        bare = _Bare(database)
        taken = []
        for _ in range(count):  # in turn, so that a busy moment of the machine meets both
            taken.append(_deal(client, seller, buyer, listing_id))
            bare.once()
        database.dispose()
    return [_figure(kind, taken, round(count * 1000 / sum(bare.taken), 1))]


def _figure(kind: str, taken: list[list[float]], bare: float) -> Figure:
    totals = [sum(steps) for steps in taken]
    steps = {name: percentile([one[n] for one in taken], 0.5) for n, name in enumerate(STEPS)}
    more = {
        "contracts": len(taken), "ms_p50": percentile(totals, 0.5), "ms_p99": percentile(totals, 0.99),
        "steps_ms_p50": steps,
    }  # fmt: skip
    ours = round(len(totals) * 1000 / sum(totals), 1)
    baseline = "two Ed25519 signatures checked and one row committed"
    return Figure(f"request to contract in force, {kind}", "contracts/s", ours, bare, baseline, more)


def _deal(client: FlaskClient, seller: _Party, buyer: _Party, listing_id: str) -> list[float]:
    """One contract; milliseconds of each step."""
    today = clock.now().astimezone(clock.VIETNAM).date()
    wish = {
        "listing_id": listing_id, "purpose": "Đo tốc độ", "scenario": "Đo tốc độ", "territory": ["VN"],
        "starts": today.isoformat(), "ends": (today + timedelta(days=30)).isoformat(),
    }  # fmt: skip
    asked, first = buyer.call(client, "POST", "/negotiations", wish)
    terms = {"terms": asked.json["terms_hash"]}
    agreed, second = seller.call(client, "POST", f"/negotiations/{asked.json['id']}/agree", terms)
    contract = f"/contracts/{agreed.json['contract_id']}"
    shown, third = buyer.call(client, "GET", f"{contract}/payload")
    _, fourth = seller.call(client, "POST", f"{contract}/signatures", seller.sign(shown.data))
    done, fifth = buyer.call(client, "POST", f"{contract}/signatures", buyer.sign(shown.data))
    if done.json["standing"] != "ACTIVE":
        raise RuntimeError(f"the contract is {done.json['standing']}")
    return [first, second, third, fourth, fifth]


class _Bare:
    """The baseline, one at a time; ``taken`` in milliseconds."""

    def __init__(self, database: Database) -> None:
        private, self._message = Ed25519PrivateKey.generate(), bytes(20_000)
        self._public, self._made = private.public_key(), private.sign(self._message)
        self._database, self.taken = database, list[float]()

    def once(self) -> None:
        """Check two signatures, commit one row."""
        name, code, now = "Bench", f"{len(self.taken):09d}x", clock.now()
        start = time.perf_counter()
        self._public.verify(self._made, self._message)
        self._public.verify(self._made, self._message)
        with self._database.writing() as session:
            session.add(Organisation(name=name, tax_code=code, kind=OrgKind.MEMBER, created_at=now))
            session.commit()
        self.taken.append((time.perf_counter() - start) * 1000)


def _listing(session: Session, seller: Actor) -> str:
    now, listing_id = clock.now(), new_id()
    file = rows.asset(session, seller.org_id, now)
    session.add(Listing(id=listing_id, org_id=seller.org_id, created_at=now, updated_at=now))
    session.flush()
    version = rows.version(Random(1), 1, listing_id, file, now)  # noqa: S311 - any listing will do
    session.exec(insert(ListingVersion), params=[version | {"licence": "L3", "ip_limits": "Không"}])
    head = session.get_one(Listing, listing_id)
    head.state, head.current_version = State.PUBLISHED, 1
    return listing_id


def _token(session: Session, actor: Actor) -> str:
    now, token = clock.now(), new_secret()
    client, _secret = oauth.create_client(
        session, actor, name="Bench", flow="machine", scopes=("negotiate", "sign"), roles=("owner",), now=now
    )
    oauth.issue_token(session, client, token, "negotiate sign", None, now)
    return token
