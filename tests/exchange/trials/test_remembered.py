"""What an account remembers of a file that its listing no longer offers."""

from sqlmodel import select

from exchange.trials.models import Spend
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
