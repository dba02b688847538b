"""A contract with a life behind it, and an official who may look."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from exchange import audit
from exchange.catalogue.models import Asset, Listing, ListingVersion
from exchange.catalogue.service import record
from exchange.negotiations.models import Contract
from exchange.oauth.models import Client, Flow, Token
from exchange.oauth.service import secret_hash
from exchange.oversight import warrants
from exchange.permissions import Actor
from tests.exchange.deliveries.conftest import goods, no_csrf  # noqa: F401 - fixtures
from tests.exchange.deliveries.goods import Goods
from tests.exchange.people import People

MANDATE = warrants.Mandate("12/QĐ-TTr", "Thanh tra thành phố", "Giao dịch dữ liệu logistics", date(2026, 11, 1),
                           date(2026, 12, 31))  # fmt: skip


@pytest.fixture
def case(goods: Goods, people: People) -> Contract:  # noqa: F811
    """Published, requested, agreed, signed, downloaded once, asked for by a stranger; all of it in the log."""

    operator, noise = people.operator(), people.stranger()

    def published(session: Any, now: Any) -> None:
        version = session.exec(select(ListingVersion).where(ListingVersion.listing_id == goods.listing_id)).one()
        listing, asset = session.get_one(Listing, goods.listing_id), session.get_one(Asset, goods.asset_id)
        for event, actor in (("listing.submitted", goods.seller), ("listing.published", operator)):
            record(session, event, actor, listing, version, asset, now)
        audit.record(session, "listing.submitted", noise, on=["listing:other", f"org:{noise.org_id}"], now=now)

    goods.do(published)
    contract = goods.contract()
    assert people.browser(goods.buyer).get(goods.path(contract)).data == goods.data
    assert people.browser(people.stranger()).get(goods.path(contract)).status_code == 403
    goods.sequencer.run_once()
    return contract


@pytest.fixture
def official(goods: Goods, people: People) -> FlaskClient:  # noqa: F811
    """A signed-in official with a warrant that holds today."""
    regulator = people.regulator()
    goods.do(lambda session, now: warrants.open_warrant(session, regulator, MANDATE, now))
    return people.browser(regulator)


@pytest.fixture
def token(goods: Goods) -> Callable[[Actor, str], dict[str, str]]:  # noqa: F811
    """``token(actor, "audit")``: the header of a program that acts for that person."""

    def make(actor: Actor, scope: str) -> dict[str, str]:
        secret = f"token-of-{actor.org_id}-{scope}".ljust(43, "x")
        with goods.database.writing() as session:
            client = Client(
                org_id=actor.org_id, created_by=actor.user_id or "", name="Chương trình", flow=Flow.PERSON,
                redirect_uris=["https://example.vn/cb"], scopes=scope.split(), roles=[], created_at=goods.now,
            )  # fmt: skip
            session.add(client)
            session.flush()
            session.add(
                Token(
                    token_hash=secret_hash(secret),
                    client_id=client.id,
                    user_id=actor.user_id,
                    org_id=actor.org_id,
                    scope=scope,
                    issued_at=goods.now,
                    expires_at=goods.now + timedelta(hours=1),
                )
            )
            session.commit()
        return {"Authorization": f"Bearer {secret}"}

    return make
