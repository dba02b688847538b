"""E-mails through a real SMTP server: what they say, TLS, a server that is down or refuses, and never twice."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlmodel import delete, select

from exchange import clock
from exchange.accounts.models import Membership, User
from exchange.catalogue.models import ListingVersion
from exchange.config import Config, ConfigurationError
from exchange.db import Database
from exchange.ledger.leader import leading
from exchange.negotiations import agreements
from exchange.notices import post, timed
from exchange.notices.mail import MailServer
from exchange.notices.worker import Notices
from exchange.permissions import Role
from tests.exchange.negotiations.market import Market
from tests.exchange.notices.conftest import Colleague, Told
from tests.exchange.notices.mailroom import Mailroom, Password, certificate, free_port, serving

Sender = Callable[..., Notices]


@pytest.fixture
def room() -> Iterator[Mailroom]:
    """A mail server that takes everything."""
    with serving(Mailroom()) as opened:
        yield opened


@pytest.fixture
def sender(config: Config, database: Database) -> Sender:
    """The background work of a process that sends to this port."""

    def make(port: int, scheme: str = "smtp", query: str = "", **more: object) -> Notices:
        url = f"{scheme}://127.0.0.1:{port}{query}"
        facts = {"smtp_url": url, "mail_from": "Minh Bạch <notices@exchange.example>", **more}
        return Notices(database, replace(config, **facts))

    return make


def address_of(database: Database, user_id: str | None) -> str:
    with database.reading() as session:
        return session.get_one(User, user_id).email


def test_a_mail_says_what_happened_and_leads_there(
    market: Market, room: Mailroom, sender: Sender, database: Database, told: Told
) -> None:
    market.requested()
    assert sender(room.port).send_mail() == 1
    [notice], [letter] = told(market.seller), room.letters
    assert room.recipients == [address_of(database, market.seller.user_id)]
    assert room.senders == ["notices@exchange.example"]
    assert letter["Subject"] == "[Minh Bạch] Có yêu cầu về “Chuyến bay New York 2013” đang chờ quý vị trả lời."
    assert letter["From"] == "Minh Bạch <notices@exchange.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe"] == "<http://127.0.0.1:8000/me/notices>"
    assert letter["Message-ID"].startswith(f"<{notice.id}.")
    assert str(market.seller.user_id) not in letter.as_string()
    assert letter.get_content_type() == "text/plain"
    body = letter.get_content()
    assert f"http://127.0.0.1:8000/notices/{notice.id}" in body.splitlines()
    assert "http://127.0.0.1:8000/me/notices" in body
    assert (notice := told(market.seller)[0]).mail == "sent"
    assert notice.mail_code is None
    assert sender(room.port).send_mail() == 0


def test_mails_come_in_the_reader_s_language(
    market: Market, room: Mailroom, sender: Sender, database: Database
) -> None:
    with database.writing() as session:
        session.get_one(User, market.seller.user_id).locale = "en"
        session.commit()
    market.requested()
    sender(room.port).send_mail()
    assert "New York flights 2013" in room.letters[0]["Subject"]
    assert "You are told this as a member of Công ty provider" in room.letters[0].get_content()


def test_nothing_secret_is_in_any_mail_of_a_deal(market: Market, room: Mailroom, sender: Sender) -> None:
    contract = market.active()
    market.do(agreements.end_contract, market.buyer, contract.id, "breach", "Lý do riêng tư 4711")
    assert sender(room.port).send_mail() == 7
    everything = "".join(letter.as_string() + letter.get_content() for letter in room.letters)
    for secret in ("5000000", "5.000.000", "4711", "Dự báo chuyến bay trễ", "Mô hình nội bộ", "breach"):
        assert secret not in everything


def test_a_name_with_line_breaks_makes_no_header(
    market: Market, room: Mailroom, sender: Sender, database: Database
) -> None:
    with database.writing() as session:
        [version] = session.exec(select(ListingVersion)).all()
        version.name = "Lúa\r\nBcc: ai-do@example.vn\r\n\r\nNội dung khác"
        session.commit()
    market.requested()
    assert sender(room.port).send_mail() == 1
    [letter] = room.letters
    assert letter["Bcc"] is None
    assert "Lúa Bcc: ai-do@example.vn Nội dung khác" in letter["Subject"]
    assert room.recipients == [address_of(database, market.seller.user_id)]


def test_an_address_with_vietnamese_letters_gets_its_mail(
    market: Market, colleague: Colleague, room: Mailroom, sender: Sender
) -> None:
    colleague(market.seller, Role.PUBLISHER, email="đặng.thị.sáu@example.vn")
    market.requested()
    assert sender(room.port).send_mail() == 2
    assert "đặng.thị.sáu@example.vn" in room.recipients


def test_a_server_that_is_down_loses_nothing(market: Market, sender: Sender, told: Told) -> None:
    port = free_port()
    work = sender(port)
    market.requested()
    assert work.send_mail() == 0
    [notice] = told(market.seller)
    assert (notice.mail, notice.mail_tries) == ("waiting", 0)  # no mail is to blame
    with serving(Mailroom(), port) as room:
        assert work.send_mail() == 0  # it is left in peace for a while
        work._post._not_before = 0.0
        assert work.send_mail() == 1
    assert len(room.letters) == 1


def test_what_is_put_off_is_tried_again_after_growing_pauses_and_given_up(
    market: Market, room: Mailroom, sender: Sender, told: Told
) -> None:
    market.requested()
    work, moment = sender(room.port), market.now
    pauses = []
    for _try in range(len(post.PAUSES)):
        room.answers = ["450 Try again later"]
        with clock.frozen(moment):
            assert work.send_mail() == 0
            assert work.send_mail() == 0  # not before its time
        [notice] = told(market.seller)
        assert (notice.mail, notice.mail_code) == ("waiting", "450")
        assert notice.mail_next is not None
        pauses.append(notice.mail_next - moment)
        moment = notice.mail_next
    assert pauses == sorted(pauses)
    assert pauses == list(post.PAUSES)
    room.answers = ["450 Try again later"]
    with clock.frozen(moment):
        work.send_mail()
        assert told(market.seller)[0].mail == "dead"
        assert work.send_mail() == 0
    assert room.letters == []


@pytest.mark.parametrize("where", ["answers", "data_answers"])
def test_what_is_refused_for_good_is_given_up_and_the_others_are_sent(
    market: Market, colleague: Colleague, room: Mailroom, sender: Sender, told: Told, where: str
) -> None:
    colleague(market.seller, Role.PUBLISHER)
    market.requested()
    setattr(room, where, ["550 No such mailbox"])
    assert sender(room.port).send_mail() == 1
    assert sorted((notice.mail, notice.mail_code) for notice in told()) == [("dead", "550"), ("sent", None)]


def test_a_closing_server_blames_no_mail(market: Market, room: Mailroom, sender: Sender, told: Told) -> None:
    market.requested()
    room.data_answers = ["421 Closing"]
    assert sender(room.port).send_mail() == 0
    assert [(notice.mail, notice.mail_tries) for notice in told()] == [("waiting", 0)]


def test_starttls_is_demanded_and_the_certificate_checked(
    market: Market, sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    pem, context = certificate(tmp_path)
    market.requested()
    options = {"tls_context": context, "require_starttls": True, "authenticator": Password("u", "p@ss"),
               "auth_required": True}  # fmt: skip
    secret = tmp_path / "password"
    secret.write_text("p@ss\n")
    with serving(Mailroom()) as plain:  # one that offers no TLS gets nothing
        assert sender(plain.port, query="?starttls").send_mail() == 0
    assert plain.letters == []
    with serving(Mailroom(), **options) as room:
        assert sender(room.port, query="?starttls").send_mail() == 0  # nobody vouches for this certificate
        assert room.letters == []
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        wrong = sender(room.port, query="?starttls")
        assert wrong.send_mail() == 0  # the server wants a password
        url = f"smtp://u@127.0.0.1:{room.port}?starttls"
        right = sender(room.port, query="?starttls", smtp_password_file=secret, smtp_url=url)
        assert right.send_mail() == 1
    assert room.encrypted == [True]


def test_tls_from_the_first_byte(
    market: Market, sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    market.requested()
    with serving(Mailroom(), ssl_context=context) as room:
        assert sender(room.port, "smtps").send_mail() == 1
    assert len(room.letters) == 1


def test_two_processes_at_once_send_no_mail_twice(
    market: Market, colleague: Colleague, room: Mailroom, sender: Sender
) -> None:
    for _ in range(9):
        colleague(market.seller, Role.PUBLISHER)
    market.requested()
    start, sent = Barrier(3), []

    def work() -> None:
        mine = sender(room.port)
        start.wait()
        sent.append(mine.send_mail())

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    start.wait()
    for thread in threads:
        thread.join()
    assert sum(sent) == 10
    assert len({letter["Message-ID"] for letter in room.letters}) == len(room.letters) == 10


def test_after_a_crash_a_mail_is_repeated_under_its_old_id(
    market: Market, room: Mailroom, sender: Sender, database: Database, told: Told
) -> None:
    market.requested()
    work = sender(room.port)
    work._post._note = lambda *_: None  # type: ignore[method-assign] - dies between sending and noting it
    work.send_mail()
    assert told(market.seller)[0].mail == "waiting"
    assert sender(room.port).send_mail() == 1
    first, second = room.letters
    assert first["Message-ID"] == second["Message-ID"]


def test_who_leads_elsewhere_is_left_alone(
    market: Market, room: Mailroom, sender: Sender, database: Database, config: Config
) -> None:
    market.requested()
    with leading(database, config.home, "notices-mail") as leads:
        assert leads
        assert sender(room.port).send_mail() == 0
    assert sender(room.port).send_mail() == 1


def test_who_left_gets_no_mail_and_old_news_are_not_sent(
    market: Market, colleague: Colleague, room: Mailroom, sender: Sender, database: Database, told: Told
) -> None:
    gone = colleague(market.seller, Role.PUBLISHER)
    market.requested()
    with database.writing() as session:
        session.exec(delete(Membership).where(Membership.user_id == gone.user_id))
        session.commit()
    with clock.frozen(market.now + post.OLDEST + timedelta(seconds=1)):
        assert sender(room.port).send_mail() == 0
    assert sender(room.port).send_mail() == 1
    assert room.recipients == [address_of(database, market.seller.user_id)]
    with database.writing() as session:
        timed.forget(session, market.now)
        session.commit()
    assert [(notice.mail, notice.mail_code) for notice in told(gone)] == [("dead", "late")]


def test_without_a_mail_server_nothing_is_looked_for(market: Market, config: Config, database: Database) -> None:
    market.requested()
    work = Notices(database, config)
    assert not work.mailing
    assert work.send_mail() == 0


@pytest.mark.parametrize(
    ("url", "sender_", "said"),
    [
        ("http://mail.example", "a@b.vn", "must be smtps"),
        ("smtp://mail.example?tls", "a@b.vn", "must be smtps"),
        ("smtp://", "a@b.vn", "must be smtps"),
        ("smtp://mail.example:port", "a@b.vn", "cannot be read"),
        ("smtps://mail.example", "a@b.vn\nBcc: c@d.vn", "cannot be read"),
        ("smtps://mail.example", "nobody", "cannot be read"),
        ("smtps://mail.example", "a@b.vn, c@d.vn", "cannot be read"),
        ("smtps://mail.example/path", "a@b.vn", "must be smtps"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(config: Config, url: str, sender_: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        MailServer.of(replace(config, smtp_url=url, mail_from=sender_))


def test_in_production_mail_is_encrypted(config: Config, tmp_path: Path) -> None:
    made = replace(config, production=True, smtp_url="smtp://mail.example", mail_from="a@b.vn")
    with pytest.raises(ConfigurationError, match="must use TLS"):
        MailServer.of(made)
    for url, port in (
        ("smtp://127.0.0.1", 25),
        ("smtp://mail.example?starttls", 587),
        ("smtps://u:p%40@m.example", 465),
    ):
        server = MailServer.of(replace(made, smtp_url=url))
        assert server is not None
        assert server.port == port
    assert (server.user, server.password) == ("u", "p@")
    with pytest.raises(ConfigurationError, match="PASSWORD_FILE"):
        MailServer.of(replace(made, smtp_url="smtps://m.example", smtp_password_file=tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="both or not at all"):
        Config.from_environ({"MINHBACH_HOME": str(tmp_path), "MINHBACH_SMTP_URL": "smtps://m.example"})
