"""What the two parties see of the deliveries of their contract: on its page and as JSON."""

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from exchange import identity
from exchange.deliveries import service
from exchange.errors import NotFound
from exchange.permissions import Actor
from tests.exchange.deliveries.goods import Goods
from tests.exchange.people import People

PANEL = "{% set contract_id = id %}{% include 'deliveries/_of_contract.html' %}"


def panel(app: Flask, actor: Actor, contract_id: str, lang: str) -> str:
    """The part of the contract's page, as the actor sees it."""
    from flask import g

    with app.test_request_context(f"/?lang={lang}"):
        g.actor = actor
        text = render_template_string(PANEL, id=contract_id)
        identity.release()
    return text


def test_buyer_and_seller_see_the_same_list(app: Flask, goods: Goods, people: People) -> None:
    contract = goods.contract()
    before = panel(app, goods.buyer, contract.id, "vi")
    assert "Chưa có lần tải nào" in before
    assert people.browser(goods.buyer).get(goods.path(contract)).data == goods.data
    buyer = panel(app, goods.buyer, contract.id, "en")
    seller = panel(app, goods.seller, contract.id, "en")
    for text in (buyer, seller):
        assert "Sent whole" in text
        assert "/log/proof?event=" in text
    assert goods.path(contract) + '"' in buyer
    assert goods.path(contract) not in seller
    goods.end(contract)
    ended = panel(app, goods.buyer, contract.id, "vi")
    assert goods.path(contract) not in ended
    assert "đã chấm dứt" in ended


def test_strangers_see_nothing(goods: Goods, people: People) -> None:
    contract = goods.contract()
    with goods.database.reading() as session, pytest.raises(NotFound):
        service.shelf(session, people.stranger(), contract.id, goods.now)


def test_a_link_can_be_made_worthless(app: Flask, goods: Goods, people: People) -> None:
    contract = goods.contract()
    ticket, token = goods.do(lambda s, now: service.open_grant(s, goods.buyer, contract.id, goods.asset_id, now))
    goods.do(service.revoke_grant, goods.buyer, ticket.grant.id)
    answer: FlaskClient = app.test_client()
    assert answer.get(f"/deliveries/{token}/x.csv").status_code == 403
    stranger = people.stranger()
    with goods.database.writing() as session, pytest.raises(NotFound):
        service.revoke_grant(session, stranger, ticket.grant.id, goods.now)
