"""Incidents (T13): who tells, the 72 hours, what stands still until when, what is forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from exchange import clock
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger.models import Disclosure, Entry
from exchange.notices import saying, timed
from exchange.notices.models import Notice
from exchange.permissions import Actor, OrgKind, Role
from exchange.trials import incidents, reporting, service
from exchange.trials.incidents import Account
from exchange.trials.models import TrialEvent
from exchange.trials.report_models import TrialIncident
from sandbox.trial import State
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place

DETECTED = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # an hour before the clock of the tests
WHAT = Account("serious", "leak", "Một tệp bị gửi nhầm cho người khác.", DETECTED, persons="Nguyễn Văn A, 0901234567")
MINOR = Account("minor", "outage", "Trang tải chậm.", DETECTED)


@pytest.fixture
def trial(place: Place) -> str:
    row = place.do(service.grant_trial, place.people.operator(), certificate())
    place.people.regulator()
    return str(row.id)


def told(place: Place, trial: str, actor: Actor, account: Account = WHAT) -> TrialIncident:
    row: TrialIncident = place.do(incidents.tell, actor, trial, account)
    return row


def state(place: Place) -> State:
    with place.database.reading() as session:
        found = service.standing(session, clock.now())
    assert found is not None
    return found.state


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    assert code in {refusal.code for refusal in caught.value.refusals}


def test_a_serious_incident_holds_the_trial_up_until_it_is_reported_and_closed(place: Place, trial: str) -> None:
    operator = place.people.operator()
    row = told(place, trial, operator)
    assert state(place) is State.SUSPENDED
    with refused("INCIDENT_NOT_REPORTED"):
        place.do(incidents.close, operator, row.id, "Nhầm", "Kiểm tra")
    place.do(incidents.report, operator, row.id, "Đã thu hồi.")
    assert state(place) is State.SUSPENDED
    with refused("INCIDENT_REPORTED"):
        place.do(incidents.report, operator, row.id, "Lần nữa.")
    place.do(incidents.close, operator, row.id, "Nhầm", "Kiểm tra")
    assert state(place) is State.ACTIVE
    for act in (
        lambda s, now: incidents.close(s, operator, row.id, "a", "b", now),
        lambda s, now: incidents.assess(s, operator, row.id, "minor", "b", now),
    ):
        with refused("INCIDENT_CLOSED"):
            place.do(act)


def test_a_minor_one_holds_nothing_up_and_needs_no_report(place: Place, trial: str) -> None:
    row = told(place, trial, place.people.operator(), MINOR)
    assert state(place) is State.ACTIVE
    place.do(incidents.close, place.people.operator(), row.id, "Tải cao", "Thêm máy")
    with place.database.reading() as session:
        assert session.exec(select(TrialEvent)).all() == []


@pytest.mark.parametrize(("second", "late"), [(0, False), (1, True)])
def test_the_report_is_in_time_up_to_the_last_second_of_72_hours(
    place: Place, trial: str, second: int, late: bool
) -> None:
    operator, regulator = place.people.operator(), place.people.regulator()
    row = told(place, trial, operator)
    with clock.frozen(DETECTED + timedelta(hours=72, seconds=second)):
        place.do(incidents.report, operator, row.id, "Đã thu hồi.")
        place.do(incidents.close, operator, row.id, "Nhầm", "Kiểm tra")
        with place.database.reading() as session:
            assert incidents.incident_of(session, regulator, row.id, clock.now()).late is late
        assert state(place) is (State.SUSPENDED if late else State.ACTIVE)  # late: until somebody resumes the trial


def test_a_member_calls_it_serious_but_only_operator_or_regulator_stop_the_trial(place: Place, trial: str) -> None:
    row = told(place, trial, place.seller)
    assert state(place) is State.ACTIVE
    with pytest.raises(NotPermitted):
        place.do(incidents.assess, place.seller, row.id, "serious", "Chắc chắn.")
    place.do(incidents.assess, place.people.regulator(), row.id, "serious", "Đúng là nghiêm trọng.")
    assert state(place) is State.SUSPENDED
    with place.database.reading() as session:
        event = session.exec(select(TrialEvent)).one()
        assert (event.kind, event.at, event.code) == ("incident", DETECTED, "leak")  # the clock ran all the time
    with refused("WRONG_STATE"):
        place.do(incidents.assess, place.people.operator(), row.id, "minor", "Không phải.")


def test_what_a_member_told_is_found_to_be_minor(place: Place, trial: str) -> None:
    row = told(place, trial, place.seller)
    place.do(incidents.assess, place.people.operator(), row.id, "minor", "Không có dữ liệu nào lộ ra.")
    assert state(place) is State.ACTIVE


def test_a_member_cannot_bury_the_operator_in_incidents(place: Place, trial: str) -> None:
    for _ in range(incidents.MOST_WAITING):
        told(place, trial, place.seller)
    with refused("INCIDENTS_WAITING"):
        told(place, trial, place.seller)
    told(place, trial, place.buyer)
    told(place, trial, place.people.operator())


def test_who_sees_what(place: Place, trial: str) -> None:
    row = told(place, trial, place.seller)
    finance = place.people.make("ke-toan", OrgKind.MEMBER, Role.FINANCE)
    with place.database.reading() as session:
        for actor, seen in (
            (place.seller, 1), (place.buyer, 0), (place.people.operator(), 1), (place.people.regulator(), 1)
        ):  # fmt: skip
            assert len(incidents.incidents_of(session, actor, trial, clock.now())) == seen
        with pytest.raises(NotFound):
            incidents.incident_of(session, place.buyer, row.id, clock.now())
        with pytest.raises(NotPermitted):
            incidents.incidents_of(session, finance, trial, clock.now())
    with pytest.raises(NotPermitted):
        told(place, trial, finance)
    with pytest.raises(NotPermitted):
        place.do(incidents.report, place.people.regulator(), row.id, "Thay đơn vị vận hành.")


def test_details_about_persons_are_in_no_leaf_and_no_row_and_can_be_erased(place: Place, trial: str) -> None:
    operator = place.people.operator()
    row = told(place, trial, operator)
    place.app.extensions["minhbach.sequencer"].run_once()

    def persons() -> list[Any]:
        with place.database.reading() as session:
            return [(o.value, o.gone) for o in incidents.incident_of(session, operator, row.id, clock.now()).persons]

    assert persons() == [(WHAT.persons, "")]
    with place.database.reading() as session:
        for data in session.exec(select(Entry.leaf)):
            assert b"0901234567" not in data
            assert WHAT.what.encode() not in data
        assert "0901234567" not in repr(session.exec(select(TrialIncident)).one())
    with refused("INCIDENT_OPEN"):
        place.do(incidents.forget_persons, operator, row.id)
    place.do(incidents.report, operator, row.id, "Đã thu hồi.")
    place.do(incidents.close, operator, row.id, "Nhầm", "Kiểm tra")
    with pytest.raises(NotPermitted):
        place.do(incidents.forget_persons, place.people.regulator(), row.id)
    place.do(incidents.forget_persons, operator, row.id)
    assert ("", "erased") in persons()
    assert WHAT.persons not in {value for value, _gone in persons()}
    with place.database.reading() as session:
        query = select(Disclosure).where(Disclosure.subject == f"incident:{row.id}")
        assert session.exec(query).first() is None
    place.do(incidents.forget_persons, operator, row.id)  # twice is once


def notices(place: Place, actor: Actor) -> list[str]:
    with place.database.reading() as session:
        rows = session.exec(select(Notice).where(Notice.org_id == actor.org_id).order_by(Notice.at, Notice.kind))  # type: ignore[arg-type]
        return [row.kind for row in rows]


def test_operator_authority_and_whoever_told_hear_of_it(place: Place, trial: str) -> None:
    operator, regulator = place.people.operator(), place.people.regulator()
    row = told(place, trial, place.seller)
    place.do(incidents.assess, operator, row.id, "minor", "Không có gì.")
    place.do(incidents.close, operator, row.id, "Không", "Không")
    assert notices(place, operator) == ["incident.found:serious"]
    assert notices(place, regulator) == ["incident.assessed", "incident.closed", "incident.found:serious"]
    assert notices(place, place.seller) == ["incident.assessed", "incident.closed"]
    assert notices(place, place.buyer) == []


def tell_due(place: Place, moment: datetime) -> None:
    with clock.frozen(moment), place.database.writing() as session:
        timed.tell_due(session, clock.now())
        session.commit()


def test_the_clock_warns_the_operator_and_tells_the_authority_when_it_is_late(place: Place, trial: str) -> None:
    operator, regulator = place.people.operator(), place.people.regulator()
    told(place, trial, operator)
    for hours in (20, 25, 49, 67, 71, 73, 74):
        tell_due(place, DETECTED + timedelta(hours=hours))
        tell_due(place, DETECTED + timedelta(hours=hours))
    assert notices(place, operator).count("incident.due") == 3  # at 48, 24 and 6 hours left
    assert notices(place, operator).count("incident.late") == 1
    assert notices(place, regulator) == ["incident.found:serious", "incident.late"]
    with place.database.reading() as session:
        query = select(Notice).where(Notice.kind == "incident.due").order_by(Notice.at)  # type: ignore[arg-type]
        said = [saying.say(each, {}, "vi") for each in session.exec(query)]
    assert said[0] == "Phải báo cáo cơ quan quản lý về một sự cố của thử nghiệm có kiểm soát: còn 47 giờ."


def test_the_clock_warns_of_a_report_and_tells_the_authority_when_it_is_overdue(place: Place, trial: str) -> None:
    operator, regulator = place.people.operator(), place.people.regulator()
    with place.database.reading() as session:
        assert len(reporting.overview(session, operator, trial, clock.now()).periods) == 1
    last = datetime(2027, 4, 30, 5, tzinfo=UTC)
    for days in range(14):
        tell_due(place, last + timedelta(days=days))
    assert notices(place, operator) == ["report.due"] * 3 + ["report.late"]
    assert notices(place, regulator) == ["report.late"]


def test_a_report_from_before_it_was_found_serious_stops_the_clock(place: Place, trial: str) -> None:
    """Else the trial would wait for ever for a report that nobody can make any more."""
    operator = place.people.operator()
    row = told(place, trial, place.seller)
    place.do(incidents.report, operator, row.id, "Đã khóa tài khoản.")
    place.do(incidents.assess, place.people.regulator(), row.id, "serious", "Đúng là nghiêm trọng.")
    with clock.frozen(DETECTED + timedelta(hours=80)):
        with refused("INCIDENT_REPORTED"):
            place.do(incidents.report, operator, row.id, "Lần nữa.")
        place.do(incidents.close, operator, row.id, "Nhầm người nhận.", "Gửi qua sàn.")
        assert state(place) is State.ACTIVE
