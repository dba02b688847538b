"""Certificates beside one another: one governs at a time, and a copy does not get round a stop or an end."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from exchange import clock
from exchange.errors import Refused
from exchange.trials import applications, lifecycle, service
from exchange.trials.applications import Grant
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place
from tests.exchange.trials.steps import DOSSIER, TODAY, at, authority, permitted, refused, submitted


def test_another_paper_does_not_get_round_a_suspension(place: Place) -> None:
    """T16: what a regulator stopped goes on when it says so, not under a certificate that the operator writes down."""
    operator, ministry = place.people.operator(), authority(place)
    row = permitted(place, ministry)
    with clock.frozen(at(date(2026, 12, 2))):
        place.do(lifecycle.change_trial, ministry, row.id, "suspended", "Kiểm tra", code="inspection")
        later = certificate(valid_from=row.valid_to + timedelta(days=1), valid_to=row.valid_to + timedelta(days=300))
        for paper in (certificate(), later):
            with refused("TRIAL_SUSPENDED"):
                place.do(service.grant_trial, operator, paper)
        place.do(lifecycle.change_trial, ministry, row.id, "resumed", "Đã sửa", code="remedied")
        place.do(service.grant_trial, operator, later)


def test_one_certificate_governs_at_a_time(place: Place) -> None:
    """T1: neither a copy, nor an authority, nor an extension reaches into the days of another one."""
    operator, ministry = place.people.operator(), authority(place)
    asked = submitted(place, replace(DOSSIER, valid_from=date(2026, 12, 1), valid_to=date(2027, 11, 30)))
    first = place.do(service.grant_trial, operator, certificate(valid_to=date(2027, 1, 31)))
    with pytest.raises(Refused) as caught:
        place.do(service.grant_trial, operator, certificate(cert_no="2", valid_from=date(2027, 1, 31)))
    (refusal,) = caught.value.refusals
    assert (refusal.code, refusal.value) == ("CERTIFICATE_IN_FORCE", "31/01/2027")
    assert refusal.basis
    assert refusal.passes_en == "Choose days after 2027-01-31, or end the trial under certificate 01/GCN-UBND first."
    with refused("CERTIFICATE_IN_FORCE"):
        place.do(applications.approve, ministry, asked, Grant("07/GCN"))
    second = place.do(service.grant_trial, operator, certificate(cert_no="2", valid_from=date(2027, 2, 1)))
    with refused("CERTIFICATE_IN_FORCE"):
        place.do(lifecycle.ask_extension, operator, first.id, date(2027, 3, 1), "Thêm thời gian")
    for day, governs in ((date(2027, 1, 31), first), (date(2027, 2, 1), second)):
        with place.database.reading() as session:
            now_governing = service.current(session, at(day))
            assert now_governing is not None
            assert now_governing.id == governs.id
    place.do(lifecycle.change_trial, place.people.regulator(), first.id, "suspended", "Thanh tra", code="inspection")
    with place.database.reading() as session:
        assert service.is_halted(session, clock.now())  # the one that waits does not hide the stop


def test_a_trial_that_was_ended_for_a_fault_is_not_begun_again_by_a_copy(place: Place) -> None:
    """T17: the competent authority may permit another here; the operator alone may not write one down."""
    operator, ministry = place.people.operator(), authority(place)
    row = place.do(service.grant_trial, operator, certificate())
    place.do(lifecycle.change_trial, operator, row.id, "terminated", "Quyết định 9/QĐ", code="fraud")
    with refused("TRIAL_TERMINATED"):
        place.do(service.grant_trial, operator, certificate(cert_no="2", valid_from=TODAY))
    place.do(applications.approve, ministry, submitted(place), Grant("07/GCN"))


def test_after_the_operator_left_a_newer_copy_is_taken_and_an_older_one_is_not(place: Place) -> None:
    operator = place.people.operator()
    row = place.do(service.grant_trial, operator, certificate())
    place.do(lifecycle.change_trial, operator, row.id, "terminated", "Thôi thử nghiệm", code="self_exit")
    with refused("CERTIFICATE_IN_FORCE"):
        place.do(service.grant_trial, operator, certificate(cert_no="2", valid_from=TODAY - timedelta(days=1)))
    place.do(service.grant_trial, operator, certificate(cert_no="2", valid_from=TODAY))
