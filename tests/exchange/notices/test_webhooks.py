"""Webhooks by the Standard Webhooks convention: signed, retried, given up, sent again, switched off."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import standardwebhooks.webhooks as convention
from sqlmodel import select

from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger import disclosures
from exchange.notices import deliveries, hooks, sending
from exchange.notices.models import Webhook, WebhookDelivery
from exchange.notices.worker import Notices
from exchange.permissions import Actor, Role
from tests.exchange.negotiations.market import Market
from tests.exchange.notices.conftest import Colleague, Told
from tests.exchange.notices.mailroom import certificate, free_port
from tests.exchange.notices.receiver import Receiver, receiving
from tests.exchange.people import People


@pytest.fixture(autouse=True)
def _their_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's clock is ours: it refuses messages that are five minutes old."""

    class Ours(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return clock.now()

    monkeypatch.setattr(convention, "datetime", Ours)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 204 to what is rightly signed."""
    with receiving() as opened:
        yield opened


@pytest.fixture
def work(config: Config, database: Database) -> Notices:
    """The background work of one process."""
    return Notices(database, config)


def listen(market: Market, actor: Actor, receiver: Receiver) -> Webhook:
    """A webhook of the actor's organisation that leads to the receiver."""
    hook, receiver.secret = market.do(
        lambda session, now: hooks.add(session, actor, receiver.url, now, local=True)
    )  # fmt: skip
    return hook


def messages(database: Database) -> list[WebhookDelivery]:
    with database.reading() as session:
        return list(session.exec(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def hook_row(database: Database, hook: Webhook) -> Webhook:
    with database.reading() as session:
        return session.get_one(Webhook, hook.id)


def test_a_receiver_learns_what_happened_and_only_ids(market: Market, receiver: Receiver, work: Notices) -> None:
    listen(market, market.seller, receiver)
    negotiation = market.requested()
    assert work.send_webhooks() == 1
    [message], [headers] = receiver.messages, receiver.headers
    assert message == {
        "type": "access.requested",
        "timestamp": "2026-11-22T02:00:00Z",
        "data": {"listing": market.listing_id, "negotiation": negotiation.id, "event": headers["webhook-id"]},
    }
    assert headers["content-type"] == "application/json"
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert receiver.paths == ["/in?x=1"]
    assert work.send_webhooks() == 0


def test_nobody_else_s_webhook_hears_of_it(
    market: Market, receiver: Receiver, work: Notices, people: People, database: Database
) -> None:
    listen(market, people.stranger(), receiver)
    listen(market, market.buyer, receiver)
    market.requested()
    assert messages(database) == []


def test_the_signature_is_the_convention_s(market: Market, receiver: Receiver, work: Notices) -> None:
    listen(market, market.seller, receiver)
    market.requested()
    work.send_webhooks()
    [headers], [body] = receiver.headers, receiver.bodies
    theirs = convention.Webhook(receiver.secret).sign(headers["webhook-id"], market.now, body.decode())
    assert headers["webhook-signature"] == theirs
    assert receiver.secret.startswith("whsec_")
    assert len(base64.b64decode(receiver.secret[6:])) == 32


def test_the_convention_s_own_example_is_signed_alike() -> None:
    """The values that stand in the documents and tests of the convention's libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    moment = datetime.fromtimestamp(1614265330, tz=clock.now().tzinfo)
    headers = sending.headers_of("msg_p5jXN8AQM9LWM0D4loKWxJek", moment, b'{"test": 2432232314}', [secret])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_during_a_rotation_both_secrets_sign(
    market: Market, receiver: Receiver, work: Notices, database: Database
) -> None:
    hook = listen(market, market.seller, receiver)
    old = receiver.secret
    _hook, new = market.do(lambda session, now: hooks.rotate(session, market.seller, hook.id, now))
    assert new != old
    test = lambda session, now: hooks.test(session, market.seller, hook.id, now)  # noqa: E731
    market.do(test)
    assert work.send_webhooks() == 1  # checked with the old one
    receiver.secret = new
    market.do(test)
    assert work.send_webhooks() == 1
    assert [len(headers["webhook-signature"].split()) for headers in receiver.headers] == [2, 2]
    with clock.frozen(market.now + hooks.OVERLAP):
        market.do(test)
        assert work.send_webhooks() == 1
        assert len(receiver.headers[-1]["webhook-signature"].split()) == 1
        receiver.secret = old
        market.do(test)
        assert work.send_webhooks() == 0


def test_a_secret_lies_in_the_database_wrapped(market: Market, receiver: Receiver, database: Database) -> None:
    hook = listen(market, market.seller, receiver)
    plain = base64.b64decode(receiver.secret[6:])
    assert plain not in hook_row(database, hook).secret
    old = "the secret of the server before it was replaced"
    before = Database(database.url, "log.test/2026", old)
    with before.writing() as session:
        session.get_one(Webhook, hook.id).secret = disclosures.wrap(session, plain, f"webhook:{hook.id}")
        session.commit()
    before.dispose()
    with database.writing() as session:
        assert hooks.rewrap(session, old) == 1
        assert hooks.secrets_of(session, session.get_one(Webhook, hook.id), market.now) == [plain]


def test_what_fails_is_tried_again_by_the_schedule_and_given_up(
    market: Market, receiver: Receiver, work: Notices, database: Database
) -> None:
    listen(market, market.seller, receiver)
    market.requested()
    moment, pauses = market.now, []
    for status in (500, 301, 401, 404, 429, 502, 503, 504, 500):
        receiver.statuses = [status]
        receiver.location = receiver.url
        with clock.frozen(moment):
            assert work.send_webhooks() == 0
            assert work.send_webhooks() == 0  # not before its time
        [message] = messages(database)
        assert (message.state, message.code) == ("waiting", str(status))
        pauses.append(message.next_at - moment)
        moment = message.next_at
    assert pauses == list(deliveries.PAUSES)
    assert [pause.total_seconds() for pause in pauses[:3]] == [5, 300, 1800]
    receiver.statuses = [500]
    with clock.frozen(moment):
        work.send_webhooks()
    assert messages(database)[0].state == "dead"
    assert len(receiver.ids) == 10
    assert len(set(receiver.ids)) == 1  # one message, one id
    assert all(path == "/in?x=1" for path in receiver.paths)  # no redirect was followed


def test_what_was_given_up_is_sent_again_on_demand(
    market: Market, receiver: Receiver, work: Notices, database: Database, people: People
) -> None:
    hook = listen(market, market.seller, receiver)
    market.requested()
    with database.writing() as session:
        [row] = session.exec(select(WebhookDelivery)).all()
        row.state, row.tries = "dead", 10
        session.commit()
    again = lambda actor: lambda session, now: hooks.redeliver(session, actor, hook.id, row.id, now)  # noqa: E731
    for stranger in (market.buyer, people.stranger()):
        with pytest.raises(NotFound):
            market.do(again(stranger))
    market.do(again(market.seller))
    assert work.send_webhooks() == 1
    [message] = messages(database)
    assert (message.state, message.tries, message.code) == ("done", 1, "204")


def test_a_webhook_that_does_nothing_but_fail_is_switched_off_and_its_owners_told(
    market: Market, work: Notices, database: Database, told: Told
) -> None:
    with receiving() as receiver:
        hook = listen(market, market.seller, receiver)
    market.requested()
    work.send_webhooks()
    assert messages(database)[0].code == "unreachable"
    assert hook_row(database, hook).failing_since == market.now
    with clock.frozen(market.now + deliveries.HOPELESS):
        work.send_webhooks()
    assert hook_row(database, hook).disabled_at is not None
    assert "account.changed:webhook-disabled" in [notice.kind for notice in told(market.seller)]
    count = len(messages(database))
    market.do(lambda session, now: hooks.add(session, market.buyer, receiver.url, now, local=True))
    assert len(messages(database)) == count
    with pytest.raises(Refused, match="WEBHOOK_DISABLED"):
        market.do(lambda session, now: hooks.test(session, market.seller, hook.id, now))
    market.do(lambda session, now: hooks.enable(session, market.seller, hook.id, now))
    assert hook_row(database, hook).disabled_at is None


def test_one_success_ends_the_failing(market: Market, receiver: Receiver, work: Notices, database: Database) -> None:
    hook = listen(market, market.seller, receiver)
    market.requested()
    receiver.statuses = [500]
    work.send_webhooks()
    assert hook_row(database, hook).failing_since is not None
    with clock.frozen(market.now + timedelta(seconds=5)):
        assert work.send_webhooks() == 1
    assert hook_row(database, hook).failing_since is None


def test_a_receiver_that_is_gone_is_asked_no_more(
    market: Market, receiver: Receiver, work: Notices, database: Database
) -> None:
    hook = listen(market, market.seller, receiver)
    market.requested()
    receiver.statuses = [410]
    work.send_webhooks()
    assert hook_row(database, hook).disabled_at == market.now


def test_a_removed_webhook_is_sent_nothing(
    market: Market, receiver: Receiver, work: Notices, database: Database
) -> None:
    hook = listen(market, market.seller, receiver)
    market.requested()
    market.do(lambda session, now: hooks.remove(session, market.seller, hook.id, now))
    assert work.send_webhooks() == 0
    assert [message.state for message in messages(database)] == ["dead"]
    assert hook_row(database, hook).secret == b""
    with pytest.raises(NotFound):
        market.do(lambda session, now: hooks.test(session, market.seller, hook.id, now))


def test_two_processes_at_once_send_nothing_twice(
    market: Market, receiver: Receiver, config: Config, database: Database
) -> None:
    hook = listen(market, market.seller, receiver)
    for _ in range(6):
        market.do(lambda session, now: hooks.test(session, market.seller, hook.id, now))
    start, sent = Barrier(3), []

    def work() -> None:
        mine = Notices(database, config)
        start.wait()
        sent.append(mine.send_webhooks())

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    start.wait()
    for thread in threads:
        thread.join()
    assert sum(sent) == 6
    assert len(receiver.ids) == len(set(receiver.ids)) == 6


def test_an_answer_that_does_not_end_holds_nobody_up() -> None:
    with receiving(dribble=0.05, statuses=[200]) as receiver:
        began = time.monotonic()
        assert sending.post(receiver.url, {}, b"{}", local=True, patience=0.5) == "timeout"
        assert time.monotonic() - began < 5


def test_over_tls_the_certificate_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem, context = certificate(tmp_path)
    with receiving(context, statuses=[200]) as receiver:
        url = receiver.url.replace("http://", "https://")
        assert sending.post(url, {}, b"{}", local=True) == "tls"
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert sending.post(url, {}, b"{}", local=True) == "200"
        assert sending.post(receiver.url, {}, b"{}", local=True) in ("answer", "unreachable")  # no HTTP in the clear


def test_in_production_this_machine_is_out_of_reach(
    market: Market, receiver: Receiver, config: Config, database: Database
) -> None:
    listen(market, market.seller, receiver)
    market.requested()
    assert Notices(database, replace(config, production=True)).send_webhooks() == 0
    assert [message.code for message in messages(database)] == ["forbidden"]
    assert receiver.ids == []


def test_nobody_there() -> None:
    assert sending.post(f"http://127.0.0.1:{free_port()}/", {}, b"{}", local=True) == "unreachable"


def test_an_organisation_has_a_few_webhooks_and_only_its_owners_manage_them(
    market: Market, receiver: Receiver, colleague: Colleague
) -> None:
    for _ in range(hooks.MOST):
        listen(market, market.seller, receiver)
    with pytest.raises(Refused, match="WEBHOOKS_TOO_MANY"):
        listen(market, market.seller, receiver)
    for role in (Role.SIGNER, Role.PUBLISHER, Role.ANALYST, Role.FINANCE):
        with pytest.raises(NotPermitted):
            listen(market, colleague(market.buyer, role), receiver)


def test_a_payload_is_plain_json() -> None:
    body = sending.body_of("contract.active", datetime.fromisoformat("2026-11-22T02:00:00.5+00:00"), {"a": "b"})
    assert json.loads(body) == {
        "type": "contract.active", "timestamp": "2026-11-22T02:00:00.500000Z", "data": {"a": "b"}
    }  # fmt: skip
