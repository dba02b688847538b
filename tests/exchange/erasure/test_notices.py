"""What a person was told, chose, and would still get by e-mail goes with them; what others were told stays."""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, select

from exchange.accounts.models import User
from exchange.config import Config
from exchange.erasure import service
from exchange.notices.models import MailChoice, Notice
from exchange.notices.worker import Notices
from tests.exchange.erasure.conftest import Life
from tests.exchange.notices.mailroom import Mailroom, serving


def erase(life: Life) -> None:
    """At the operator's desk."""

    def do(session: Session, now: datetime) -> None:
        service.erase(session, None, session.get_one(User, life.person.user_id), "left", now)

    life.market.do(do)


def test_notices_choices_and_waiting_mails_are_erased(life: Life, colleague: str) -> None:
    me = {"user_id": life.person.user_id}
    with life.market.database.writing() as session:
        session.add(MailChoice(user_id=str(life.person.user_id), topic="contract", wanted=True))
        session.commit()
    assert [row.mail for row in life.in_database(Notice, **me)] != []  # else the rest would prove nothing
    assert {row.mail for row in life.in_database(Notice, **me)} == {"waiting"}
    others = len(life.in_database(Notice)) - len(life.in_database(Notice, **me))
    erase(life)
    assert life.in_database(Notice, **me) == []
    assert life.in_database(MailChoice, **me) == []
    assert {"notice", "mail_choice"} <= set(service.TABLES)
    [told] = life.in_database(Notice, user_id=colleague)
    assert told.kind == "key.revoked"  # it concerns the organisation, and names nobody
    assert set(told.facts) == set()
    assert len(life.in_database(Notice)) == others + 1


def test_nobody_erased_gets_a_mail_whatever_was_left_behind(life: Life, colleague: str, config: Config) -> None:
    erase(life)
    with life.market.database.writing() as session:  # as a use case under way at that very moment would
        row = {"org_id": life.person.org_id, "user_id": str(life.person.user_id), "id": "late", "kind": "key.added"}
        session.add(Notice(**row, facts={}, path="/", at=life.market.now, mail="waiting", mail_next=life.market.now))
        session.commit()
    with serving(Mailroom()) as room:
        url = f"smtp://127.0.0.1:{room.port}"
        Notices(life.market.database, replace(config, smtp_url=url, mail_from="a@b.vn")).send_mail()
    with life.market.database.reading() as session:
        left = session.exec(select(User.email).where(User.id == life.person.user_id)).one()
    assert left not in room.recipients
    assert room.recipients != []
