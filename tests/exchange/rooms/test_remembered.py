"""What an account remembers of a file that its listing no longer offers, and whom the stop of one account binds."""

import pytest
from sqlmodel import select

from exchange.accounts.models import Membership
from exchange.permissions import OrgKind, Role
from exchange.rooms import leaks
from exchange.rooms.leaks import Change
from exchange.rooms.models import Spend
from tests.exchange.trials.place import Place

SUM = "SELECT COUNT(*), SUM(weight) FROM data WHERE hub IN ('Hà Nội', 'Đà Nẵng')"


def test_earlier_questions_about_columns_that_are_gone_break_no_later_one(ready: Place) -> None:
    room = ready.room()
    assert ready.ask(room, SUM).code in (None, "K1")
    with ready.database.writing() as session:
        spend = session.exec(select(Spend)).one()
        spend.region = {"values": {"cang": ["0" * 16]}, "ranges": {"hub": ["2025-01-01", None]}, "split": {"cu": None}}
        session.add(spend)
        session.commit()
    run = ready.ask(room, "SELECT COUNT(*) FROM data WHERE hub = 'Hà Nội'")
    assert run.verdict in ("allow", "limit")


@pytest.mark.parametrize(("kind", "code"), [("pause", "X8"), ("kill", "X9")])
def test_who_was_stopped_does_not_go_on_as_another(ready: Place, kind: str, code: str) -> None:
    """A tied buyer's own account is open, and full; a stranger's too, and nobody stops that one."""
    other, stranger = ready.people.make("ben-mua-kia", OrgKind.MEMBER, Role.OWNER), ready.people.stranger()
    for actor in (other, stranger):
        ready.enrol(actor)
    rooms = [ready.room(actor) for actor in (ready.buyer, other, stranger)]
    with ready.database.writing() as session:
        session.add(Membership(user_id=str(ready.buyer.user_id), org_id=other.org_id, role=Role.ANALYST))
        session.commit()
    stopped = ready.do(leaks.change, ready.seller, ready.budget(rooms[0]).id, Change(kind, "Dò tìm."))
    assert ready.ask(rooms[1], SUM, other).code == code
    assert ready.ask(rooms[2], SUM, stranger).code is None
    if kind == "pause":
        ready.do(leaks.change, ready.seller, stopped.id, Change("resume", "Đã giải thích."))
        assert ready.ask(rooms[1], SUM, other).code is None
