"""From the application to the end of a trial: each step by whom it may be taken, out of turn, and two at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlmodel import select

from contracts.log import leaf
from exchange import clock
from exchange.accounts.models import Organisation
from exchange.config import Config
from exchange.db import Database
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.notices.models import Notice
from exchange.notices.timed import tell_due
from exchange.notices.words import DUE
from exchange.permissions import Actor
from exchange.trials import applications, authorities, enrolments, lifecycle, lifecycle_due, service
from exchange.trials.application_models import TrialApplication, TrialApplicationStep
from exchange.trials.applications import Grant
from exchange.trials.dossier import Dossier
from exchange.trials.models import Trial
from sandbox.trial import Approver, EventKind, State
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place, sound
from tests.exchange.trials.steps import (
    DOSSIER,
    at,
    authority,
    drafted,
    happened,
    permitted,
    record,
    refused,
    state,
    submitted,
)


def kinds(place: Place, trial_id: str) -> list[str]:
    leaves = [leaf.parse(data) for data in place.leaves()]
    return [each.type.value for each in leaves if f"trial:{trial_id}" in each.on]


# --- authorities --------------------------------------------------------------------------------------------------


def test_only_a_regulator_is_recorded_as_an_authority_and_only_by_the_operator(place: Place) -> None:
    regulator, operator = place.people.regulator(), place.people.operator()
    with refused("AUTHORITY_UNKNOWN"):
        record(place, place.buyer.org_id, "ministry")
    with refused("AUTHORITY_PROVINCES"):
        record(place, regulator.org_id, "provincial")
    with refused("AUTHORITY_PROVINCES"):
        record(place, regulator.org_id, "ministry", ("VN-SG",))
    with refused("AUTHORITY_BASIS"):
        record(place, regulator.org_id, "ministry", basis=" ")
    for actor in (regulator, place.buyer):
        with pytest.raises(NotPermitted):
            place.do(authorities.record_authority, actor, regulator.org_id, "ministry", (), "x")
    first = record(place, regulator.org_id, "ministry")
    assert record(place, regulator.org_id, "ministry").id == first.id  # sent twice
    second = record(place, regulator.org_id, "provincial", ("VN-SG",))
    with place.database.reading() as session:
        assert [row.id for row, _ in authorities.authorities(session)] == [second.id]
    place.do(authorities.end_authority, operator, second.id)
    with place.database.reading() as session:
        assert authorities.authorities(session) == []


def test_an_authority_is_ended_by_the_first_act_of_a_process(place: Place, config: Config) -> None:
    row = record(place, place.people.regulator().org_id, "ministry", ())
    fresh = Database(config.database_url, config.log_origin, config.secret_key)  # it looks how far the log is behind
    try:
        with fresh.writing() as session:
            authorities.end_authority(session, place.people.operator(), row.id, clock.now())
            session.commit()
    finally:
        fresh.dispose()
    with place.database.reading() as session:
        assert authorities.current(session, row.org_id) is None


# --- applying -----------------------------------------------------------------------------------------------------


def test_an_application_is_handed_in_approved_and_becomes_the_trial(place: Place) -> None:
    ministry = authority(place)
    application_id = submitted(place)
    with place.database.reading() as session:
        row = session.get_one(TrialApplication, application_id)
        assert (row.state, row.due_on) == (
            "submitted",
            date(2026, 12, 21),
        )  # 20 working days at level 2; 24 November is none
        assert [each.id for each, _ in applications.listed(session, ministry)] == [application_id]
    trial = place.do(
        applications.approve, ministry, application_id, Grant("07/GCN", max_members=10, conditions="Báo cáo")
    )
    assert (trial.id, trial.max_members, trial.approver) == (application_id, 10, "ministry")
    assert trial.authority_org_id == ministry.org_id
    assert kinds(place, application_id) == ["trial.applied", "trial.granted"]
    assert state(place, trial) is State.NOT_STARTED
    with place.database.reading() as session:
        told = {(n.kind, n.org_id) for n in session.exec(select(Notice))}
        steps = list(session.exec(select(TrialApplicationStep)))
    assert ("trial.applied", ministry.org_id) in told
    assert ("trial.granted", place.people.operator().org_id) in told
    assert len({step.digest for step in steps}) == 1
    with clock.frozen(at(date(2026, 12, 1))):
        assert state(place, trial) is State.ACTIVE
        place.enrol(place.buyer)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"question": ""}, "DOSSIER_INCOMPLETE"),
        ({"safeguards": ()}, "DOSSIER_INCOMPLETE"),
        ({"valid_to": date(2026, 11, 30)}, "TRIAL_DATES"),
        ({"valid_to": date(2029, 1, 1)}, "TRIAL_TOO_LONG"),
        ({"level": 1}, "LEVEL_AUTHORITY_MISMATCH"),  # results reach real users
        ({"level": 3}, "AUTHORITY_MISSING"),  # public security is not here
        ({"territory": ("VN-SG",)}, "AUTHORITY_MISSING"),  # nor is the province
    ],
)
def test_what_the_rules_forbid_is_not_handed_in_but_kept(place: Place, changes: dict[str, Any], code: str) -> None:
    """T1, T2, T10, T11."""
    authority(place)
    application_id = drafted(place, replace(DOSSIER, **changes))
    with refused(code):
        place.do(applications.submit, place.people.operator(), application_id)
    with place.database.reading() as session:
        assert session.get_one(TrialApplication, application_id).state == "draft"
    assert kinds(place, application_id) == []


def test_an_application_to_an_authority_that_is_not_competent_says_which_is(place: Place) -> None:
    """T11: two provinces are a ministry's."""
    province = authority(place, Approver.PROVINCIAL, ("VN-SG",))
    with place.database.reading() as session:
        chosen = authorities.current(session, province.org_id)
    assert chosen is not None
    asked = replace(DOSSIER, territory=("VN-SG", "VN-DN"), authority_id=chosen.id)
    with pytest.raises(Refused) as caught:
        submitted(place, asked)
    (refusal,) = caught.value.refusals
    assert (refusal.code, refusal.value) == ("APPROVER_NOT_COMPETENT", "Ủy ban nhân dân cấp tỉnh")
    assert refusal.basis
    assert refusal.passes_vi
    submitted(place, replace(asked, territory=("VN-SG",)))


def test_another_authority_neither_decides_nor_is_taken_for_the_right_one(place: Place) -> None:
    ministry, police = authority(place), authority(place, Approver.PUBLIC_SECURITY)
    application_id = submitted(place)
    with pytest.raises(Refused) as caught:
        place.do(applications.approve, police, application_id, Grant("07/GCN"))
    codes = [each.code for each in caught.value.refusals]
    assert {"APPROVER_NOT_COMPETENT", "LEVEL_AUTHORITY_MISMATCH", "APPLICATION_ELSEWHERE"} <= set(codes)
    with pytest.raises(NotFound):
        place.do(applications.approve, place.people.regulator(), application_id, Grant("07/GCN"))
    for actor in (place.people.operator(), place.buyer):
        with pytest.raises(NotPermitted):
            place.do(applications.approve, actor, application_id, Grant("07/GCN"))
    place.do(applications.approve, ministry, application_id, Grant("07/GCN"))


def test_returned_completed_and_refused(place: Place) -> None:
    ministry, operator = authority(place), place.people.operator()
    application_id = submitted(place)
    with refused("REASON_MISSING"):
        place.do(applications.give_back, ministry, application_id, " ")
    with refused("WRONG_STATE"):  # it is being reviewed
        drafted(place, DOSSIER, application_id)
    place.do(applications.give_back, ministry, application_id, "Thiếu biện pháp bảo vệ")
    with refused("WRONG_STATE"):
        place.do(applications.approve, ministry, application_id, Grant("07/GCN"))
    drafted(place, replace(DOSSIER, safeguards=("Kiểm tra hằng tuần",)), application_id)
    with clock.frozen(at(date(2026, 12, 1))):
        assert place.do(applications.submit, operator, application_id).due_on == date(2026, 12, 29)
        place.do(applications.refuse_application, ministry, application_id, "Không cần thử nghiệm")
    with refused("WRONG_STATE"):
        place.do(applications.withdraw, operator, application_id)
    assert kinds(place, application_id) == ["trial.applied", "trial.decided", "trial.applied", "trial.decided"]


def test_a_draft_is_given_up_and_an_application_withdrawn(place: Place) -> None:
    ministry, operator = authority(place), place.people.operator()
    draft = drafted(place, Dossier())
    with place.database.reading() as session, pytest.raises(NotFound):
        applications.shown(session, ministry, draft)  # nobody reads another's draft
    place.do(applications.withdraw, operator, draft)
    with place.database.reading() as session:
        assert session.get(TrialApplication, draft) is None
    handed_in = submitted(place)
    place.do(applications.withdraw, operator, handed_in)
    with refused("WRONG_STATE"):
        place.do(applications.approve, ministry, handed_in, Grant("07/GCN"))


@pytest.mark.parametrize(
    "wider", [{"max_members": 51}, {"max_total_vnd": 20_000_000_001}, {"valid_to": date(2027, 12, 31)},
              {"valid_from": date(2026, 11, 30)}]
)  # fmt: skip
def test_a_certificate_allows_no_more_than_was_asked_for(place: Place, wider: dict[str, Any]) -> None:
    ministry, application_id = authority(place), submitted(place)
    with refused("GRANT_TOO_WIDE"):
        place.do(applications.approve, ministry, application_id, Grant("07/GCN", **wider))
    with refused("TRIAL_NOT_AUTHORISED"):
        place.do(applications.approve, ministry, application_id, Grant(" "))


def test_of_two_decisions_at_once_one_stands(place: Place) -> None:
    """Two people of the authority press their buttons in the same moment."""
    ministry, application_id = authority(place), submitted(place)
    together = Barrier(2)

    def decide(use_case: Any, *arguments: Any) -> str:
        together.wait()
        try:
            place.do(use_case, ministry, application_id, *arguments)
        except Refused as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(decide, applications.approve, Grant("07/GCN"))
        second = pool.submit(decide, applications.refuse_application, "Cùng lúc")
        assert sorted([first.result(), second.result()]) == ["WRONG_STATE", "done"]
    with place.database.reading() as session:
        state = session.get_one(TrialApplication, application_id).state
        assert len(session.exec(select(Trial)).all()) == (state == "approved")
    assert len(kinds(place, application_id)) == 2


# --- taking part --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"vietnamese": False}, "ENTITY_NOT_ELIGIBLE"),
        ({"reorganising": True}, "ENTITY_NOT_ELIGIBLE"),
        ({"licence_valid_to": date(2027, 10, 30)}, "LICENCE_SHORTER_THAN_TRIAL"),
        ({"manager_degree": "other"}, "MANAGER_NOT_QUALIFIED"),
        ({"manager_years": 1}, "MANAGER_NOT_QUALIFIED"),
    ],
)
def test_who_may_not_take_part_is_told_why(place: Place, changes: dict[str, Any], code: str) -> None:
    """T4-T6."""
    place.do(service.grant_trial, place.people.operator(), certificate())
    with refused(code):
        place.enrol(place.buyer, **changes)
    with refused("STATEMENTS_MISSING"):
        place.do(enrolments.enrol, place.buyer, "1")
    place.enrol(place.buyer, licence_valid_to=date(2027, 10, 31))


def test_leaving_makes_room_and_the_operator_may_exclude_and_admit_again(place: Place) -> None:
    operator = place.people.operator()
    place.do(service.grant_trial, operator, certificate(max_members=1))
    stranger = place.people.stranger()
    place.enrol(place.buyer)
    place.do(enrolments.leave, place.buyer)
    found = place.enrol(stranger)
    with refused("TRIAL_CAP_EXCEEDED"):
        place.enrol(place.buyer)
    with refused("REASON_MISSING"):
        place.do(enrolments.exclude, operator, found.id, "false_statement", " ")
    with pytest.raises(NotPermitted):
        place.do(enrolments.exclude, place.buyer, found.id, "false_statement", "Sai")
    place.do(enrolments.exclude, operator, found.id, "false_statement", "Giấy phép đã hết hạn")
    with refused("ENROLMENT_ENDED"):
        place.enrol(stranger)
    place.enrol(place.buyer)
    place.do(enrolments.leave, place.buyer)
    with refused("REASON_MISSING"):
        place.do(enrolments.readmit, operator, found.id, " ")
    place.do(enrolments.readmit, operator, found.id, "Đã gia hạn giấy phép")
    place.enrol(stranger)
    with place.database.reading() as session:
        assert service.standing(session, clock.now()).usage.members == 1  # type: ignore[union-attr]


def test_leaving_is_no_way_round_an_exclusion_and_the_authority_may_lift_it(place: Place) -> None:
    """T4-T6: a false statement bars until somebody who may says why it bars no longer."""
    ministry, operator = authority(place), place.people.operator()
    permitted(place, ministry)
    with clock.frozen(at(date(2026, 12, 2))):
        found = place.enrol(place.buyer)
        place.do(enrolments.leave, place.buyer)
        place.do(enrolments.exclude, operator, found.id, "false_statement", "Giấy phép đã hết hạn")
        with pytest.raises(Refused) as caught:
            place.enrol(place.buyer)
        assert (caught.value.code, caught.value.refusals[0].value) == ("ENROLMENT_ENDED", "false_statement")
        assert caught.value.refusals[0].passes
        for stranger in (place.people.regulator(), place.buyer):
            with pytest.raises(NotPermitted):
                place.do(enrolments.readmit, stranger, found.id, "Tự nhận lại")
        place.do(enrolments.readmit, ministry, found.id, "Giấy phép đã gia hạn")
        place.enrol(place.buyer)


# --- the running trial --------------------------------------------------------------------------------------------


def test_who_stops_and_who_lets_go_on(place: Place) -> None:
    """T16: what an official stopped the operator does not set going again."""
    ministry, operator, regulator = authority(place), place.people.operator(), place.people.regulator()
    row = permitted(place, ministry)
    with clock.frozen(at(date(2026, 12, 2))):
        place.enrol(place.buyer)

        def change(actor: Actor, kind: str, code: str) -> Any:
            return place.do(lifecycle.change_trial, actor, row.id, kind, "Lý do", code=code)

        change(operator, "suspended", "precaution")
        with refused("WRONG_STATE"):
            change(operator, "suspended", "precaution")
        change(regulator, "suspended", "inspection")  # on top of it
        change(operator, "resumed", "unfounded")
        assert state(place, row) is State.SUSPENDED
        with refused("TRIAL_STEP_NOT_YOURS"):
            change(operator, "resumed", "remedied")
        change(ministry, "resumed", "remedied")
        with refused("TRIAL_REASON_UNKNOWN"):
            change(operator, "terminated", "fraud")  # it does not judge itself
        with refused("TRIAL_STEP_NOT_YOURS"):
            change(regulator, "terminated", "fraud")  # another authority's trial
        with refused("TRIAL_CHANGE_UNKNOWN"):
            change(ministry, "extended", "")
        with pytest.raises(NotPermitted):
            change(place.buyer, "suspended", "precaution")
        change(ministry, "terminated", "fraud")
        with refused("WRONG_STATE"):
            change(ministry, "resumed", "remedied")
    with place.database.reading() as session:
        told = {n.org_id for n in session.exec(select(Notice)) if n.kind == "trial.changed:terminated"}
    assert {place.buyer.org_id, operator.org_id} <= told


def test_an_extension_is_asked_for_in_time_and_granted_however_late(place: Place) -> None:
    """T3."""
    ministry, operator = authority(place), place.people.operator()
    row = permitted(place, ministry)
    end = row.valid_to
    later = end + timedelta(days=200)
    with clock.frozen(at(end - timedelta(days=29))), refused("EXTENSION_NOT_ALLOWED"):
        place.do(lifecycle.ask_extension, operator, row.id, later, "Cần thêm dữ liệu")
    with clock.frozen(at(end - timedelta(days=40))):
        _reports_in_order(place, row)
        with refused("EXTENSION_NOT_ALLOWED"):
            place.do(lifecycle.ask_extension, operator, row.id, end + timedelta(days=500), "Quá dài")
        place.do(lifecycle.ask_extension, operator, row.id, later, "Cần thêm dữ liệu")
        with refused("EXTENSION_ASKED"):
            place.do(lifecycle.ask_extension, operator, row.id, later, "Lần nữa")
        place.do(lifecycle.answer_extension, operator, row.id, False, "Rút lại")
        place.do(lifecycle.ask_extension, operator, row.id, later, "Cần thêm dữ liệu")
        with refused("TRIAL_STEP_NOT_YOURS"):
            place.do(lifecycle.answer_extension, operator, row.id, True, "Tự cho")
    with clock.frozen(at(end - timedelta(days=1))):
        place.do(lifecycle.answer_extension, ministry, row.id, True, "Đồng ý")
        with refused("EXTENSION_NOT_ASKED"):
            place.do(lifecycle.answer_extension, ministry, row.id, True, "Đồng ý")
        with place.database.reading() as session:
            assert service.standing_of(session, row.id, clock.now()).last_day == later


def _reports_in_order(place: Place, row: Trial) -> None:
    """The periodic reports that would otherwise suspend the trial."""
    from sandbox import trial as core

    with place.database.reading() as session:
        found = core.periods(service.core_of(session, session.get_one(Trial, row.id)), clock.now())
    for period in found:
        happened(place, row, EventKind.REPORTED, until=period.last)


def test_an_expired_security_certificate_stops_the_trial_until_a_newer_one_is_recorded(place: Place) -> None:
    """T16, X2."""
    operator = place.people.operator()
    row = permitted(place, authority(place), replace(DOSSIER, security_valid_to=date(2026, 12, 31)))
    with clock.frozen(at(date(2027, 1, 1))):
        assert state(place, row) is State.SUSPENDED
        with refused("WRONG_STATE"):  # no decision stopped it, so none lets it go on
            place.do(lifecycle.change_trial, operator, row.id, "resumed", "Lý do", code="remedied")
        with refused("SECURITY_NOT_NEWER"):
            place.do(lifecycle.renew_security, operator, row.id, date(2026, 12, 31), "Số 9")
        place.do(lifecycle.renew_security, operator, row.id, date(2028, 12, 31), "Giấy số 9/ATTT")
        assert state(place, row) is State.ACTIVE


def test_a_trial_is_evaluated_and_closed_only_after_its_exit_report(place: Place) -> None:
    """T18: a regulator that is not its authority does neither."""
    ministry, operator = authority(place), place.people.operator()
    row = permitted(place, ministry)
    with clock.frozen(at(date(2026, 12, 20))):
        for step in (
            lambda: place.do(lifecycle.evaluate, ministry, row.id, "met", "Tốt"),
            lambda: place.do(lifecycle.close, operator, row.id, ""),
        ):
            with refused("EXIT_REPORT_MISSING"):
                step()
        assert closing(place, row, operator) == ["EXIT_REPORT_MISSING"]
        assert closing(place, row, place.people.regulator()) is None  # nothing of theirs
        happened(place, row, EventKind.EXIT_REPORTED)
        assert closing(place, row, operator) == closing(place, row, ministry) == []
        for actor in (operator, place.people.regulator()):
            with refused("TRIAL_STEP_NOT_YOURS"):
                place.do(lifecycle.evaluate, actor, row.id, "met", "Tốt")
        with refused("EVALUATION_UNKNOWN"):
            place.do(lifecycle.evaluate, ministry, row.id, "perfect", "Tốt")
        place.do(lifecycle.evaluate, ministry, row.id, "met", "Tốt")
        with refused("WRONG_STATE"):
            place.do(lifecycle.evaluate, ministry, row.id, "met", "Tốt")
        place.do(lifecycle.close, operator, row.id, "")
        assert closing(place, row, operator) is None
        assert state(place, row) is State.EXITED
        with refused("WRONG_STATE"):
            place.do(lifecycle.close, operator, row.id, "")
        with refused("TRIAL_EXPIRED"):
            place.enrol(place.buyer, **vars(sound()))


def closing(place: Place, row: Trial, actor: Actor) -> list[str] | None:
    """What the page says stands in the way of closing; None: nothing is offered."""
    with place.database.reading() as session:
        found = lifecycle.closing(session, session.get_one(Trial, row.id), actor, clock.now())
    return None if found is None else [each.code for each in found]


def test_on_paper_the_operator_writes_down_what_the_authority_decided(place: Place) -> None:
    row = place.do(service.grant_trial, place.people.operator(), certificate())
    operator = place.people.operator()
    place.do(lifecycle.change_trial, operator, row.id, "suspended", "Công văn 4", code="inspection")
    place.do(lifecycle.change_trial, operator, row.id, "resumed", "Công văn 5", code="remedied")
    place.do(lifecycle.ask_extension, operator, row.id, date(2028, 1, 31), "Cần thêm thời gian")
    place.do(lifecycle.answer_extension, operator, row.id, True, "Quyết định 8/QĐ")
    place.do(lifecycle.change_trial, operator, row.id, "terminated", "Quyết định 9/QĐ", code="fraud")
    assert state(place, row) is State.TERMINATED


def test_whoever_stopped_a_trial_on_paper_lets_it_go_on(place: Place) -> None:
    """T16: the operator copied the certificate, and still does not lift what an official stopped."""
    row = place.do(service.grant_trial, place.people.operator(), certificate())
    operator, first, second = place.people.operator(), place.people.regulator(), authority(place)

    def change(actor: Actor, kind: str, code: str) -> Any:
        return place.do(lifecycle.change_trial, actor, row.id, kind, "Lý do", code=code)

    for actor in (first, second):
        change(actor, "suspended", "inspection")
    with place.database.reading() as session:
        name = session.get_one(Organisation, first.org_id).name
    with pytest.raises(Refused) as caught:
        change(operator, "resumed", "remedied")
    assert caught.value.code == "TRIAL_STEP_NOT_YOURS"
    assert name in (caught.value.refusals[0].passes or "")
    change(second, "resumed", "remedied")
    with refused("TRIAL_STEP_NOT_YOURS"):
        change(second, "resumed", "remedied")
    assert state(place, row) is State.SUSPENDED
    change(first, "resumed", "remedied")
    assert state(place, row) is State.ACTIVE


def test_a_late_report_of_the_operator_is_not_excused_by_the_operator(place: Place) -> None:
    """T13, on paper: any regulator of this exchange may, and nothing else is lifted by that."""
    operator, regulator = place.people.operator(), place.people.regulator()
    row = place.do(service.grant_trial, operator, certificate())
    found = happened(place, row, EventKind.INCIDENT, at=clock.now() - timedelta(hours=80))
    happened(place, row, EventKind.INCIDENT_REPORTED, about=found.id)
    happened(place, row, EventKind.INCIDENT_CLOSED, about=found.id)
    place.do(lifecycle.change_trial, operator, row.id, "suspended", "Kiểm tra lại", code="precaution")
    place.do(lifecycle.change_trial, regulator, row.id, "resumed", "Đã giải trình", code="remedied")
    assert state(place, row) is State.SUSPENDED
    place.do(lifecycle.change_trial, operator, row.id, "resumed", "Đã kiểm tra", code="unfounded")
    assert state(place, row) is State.ACTIVE
    late = happened(place, row, EventKind.INCIDENT, at=clock.now() - timedelta(hours=80))
    happened(place, row, EventKind.INCIDENT_REPORTED, about=late.id)
    with refused("TRIAL_STEP_NOT_YOURS"):
        place.do(lifecycle.change_trial, operator, row.id, "resumed", "Tự tha", code="remedied")


def test_the_clock_reminds_of_decisions_and_ends_once_each(place: Place) -> None:
    ministry, application_id = authority(place), submitted(place)

    def told() -> list[str]:
        with place.database.writing() as session:
            tell_due(session, clock.now(), (lifecycle_due.due,))
            session.commit()
            return sorted(n.kind for n in session.exec(select(Notice)) if n.kind in DUE)

    assert told() == []
    with clock.frozen(at(date(2026, 12, 16))):
        assert told() == ["application.due"]
        assert told() == ["application.due"]
    with clock.frozen(at(date(2026, 12, 22))):
        assert told() == ["application.due", "application.late", "application.late"]  # the applicant hears of it too
        row = place.do(applications.approve, ministry, application_id, Grant("07/GCN"))
    with clock.frozen(at(row.valid_to - timedelta(days=45))):
        assert told()[-1] == "trial.ask"
    with clock.frozen(at(row.valid_to - timedelta(days=14))):
        assert told()[-1] == "trial.ending"


def test_an_asking_that_was_taken_back_keeps_no_day_for_a_later_one(place: Place) -> None:
    """T3: who asks early for much and withdraws would otherwise be in time for ever."""
    ministry, operator = authority(place), place.people.operator()
    row = permitted(place, ministry)
    end = row.valid_to
    later = end + timedelta(days=200)
    for refuser in (operator, ministry):
        with clock.frozen(at(date(2026, 12, 2), 9 if refuser is operator else 10)):
            place.do(lifecycle.ask_extension, operator, row.id, end + timedelta(days=300), "Giữ chỗ")
            place.do(lifecycle.answer_extension, refuser, row.id, False, "Thôi")
    with clock.frozen(at(end)):
        _reports_in_order(place, row)
        with refused("EXTENSION_NOT_ALLOWED"):
            place.do(lifecycle.ask_extension, operator, row.id, later, "Muộn")
