"""``minhbach webhook`` and ``minhbach notices`` against a real server."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from standardwebhooks.webhooks import Webhook as TheirWebhook

from exchange import clock
from exchange.accounts.service import new_secret, secret_hash
from exchange.client import connection
from exchange.notices.worker import Notices
from exchange.oauth.models import Client, Flow, Token
from tests.exchange.negotiations.market import Market
from tests.exchange.notices.receiver import receiving
from tests.exchange.people import People
from tests.exchange.running import Member, Running, named


@pytest.fixture
def terminal(app: Flask, people: People, market: Market, tmp_path: Path) -> Iterator[Member]:
    """The seller's owner at a terminal."""
    running = Running()
    running.start(app)
    try:
        yield Member(people, market.seller, running.address, tmp_path / "seller", scopes=("webhooks",))
    finally:
        running.stop()


def test_webhooks_by_command(terminal: Member, app: Flask, market: Market) -> None:
    work: Notices = app.extensions["minhbach.notices"]
    with receiving() as receiver:
        made = terminal.does("webhook", "add", receiver.url)
        hook = named("Webhook", made)
        found = re.search(r"whsec_\S+", made)
        assert found is not None
        receiver.secret = found[0]
        listed = terminal.does("webhook", "list")
        assert hook in listed
        assert "active" in listed
        assert "whsec_" not in listed
        receiver.statuses = [200, 200, 200]
        sent = named("On its way", terminal.does("webhook", "test", hook))
        work.send_webhooks()
        assert receiver.ids == [sent]
        moment = clock.now()
        signature = TheirWebhook(receiver.secret).sign(sent, moment, receiver.bodies[0].decode())
        assert receiver.headers[0]["webhook-signature"] == signature
        assert json.loads(receiver.bodies[0])["type"] == "webhook.test"
        assert re.search(rf"{sent}.*webhook\.test.*done.*1.*200", terminal.does("webhook", "messages", hook))
        assert sent not in terminal.does("webhook", "messages", hook, "--state", "dead")
        assert named("On its way", terminal.does("webhook", "redeliver", hook, sent)) == sent
        work.send_webhooks()
        assert receiver.ids == [sent, sent]
        assert receiver.secret not in terminal.does("webhook", "rotate", hook)
        assert "is removed" in terminal.does("webhook", "remove", hook)
        assert hook not in terminal.does("webhook", "list")


def test_an_address_that_is_refused_says_why(terminal: Member) -> None:
    result = terminal.run("webhook", "add", "https://192.168.0.1/")
    assert result.exit_code == 1
    assert "WEBHOOK_URL_REFUSED" in result.output
    assert "https://hooks.example.vn/minhbach" in result.output


def test_a_person_s_notices_by_command(
    terminal: Member, market: Market, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.requested()
    assert "belong to a person" in terminal.run("notices").output
    token, now = new_secret(), clock.now()
    with people.database.writing() as session:  # as the browser's consent would give it
        client = Client(
            org_id=market.seller.org_id, created_by=str(market.seller.user_id), name="T", flow=Flow.PERSON,
            redirect_uris=[], scopes=[], roles=[], created_at=now,
        )  # fmt: skip
        session.add(client)
        session.flush()
        session.add(
            Token(token_hash=secret_hash(token), client_id=client.id, user_id=market.seller.user_id,
                  org_id=market.seller.org_id, scope="", issued_at=now, expires_at=now + timedelta(hours=1))
        )  # fmt: skip
        session.commit()
    monkeypatch.setattr(connection.Connection, "_access_token", lambda _self: token)
    told = terminal.does("notices")
    assert "Somebody asks for “New York flights 2013”" in told
    assert f"{terminal.address}/negotiations/" in told
    assert "Unread: 1" in told
    terminal.does("notices", "--read")
    assert "Unread: 0" in terminal.does("notices")
    assert "New York" not in terminal.does("notices")
    assert "New York" in terminal.does("notices", "--all")
