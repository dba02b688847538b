"""Steps in the life of a trial, shared by its tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest

from exchange import clock
from exchange.clock import VIETNAM
from exchange.demo.trial import dossier as whole_dossier
from exchange.errors import Refused
from exchange.permissions import Actor, OrgKind, Role
from exchange.trials import applications, authorities, lifecycle, service
from exchange.trials.applications import Grant
from exchange.trials.dossier import Dossier
from exchange.trials.models import Trial
from sandbox.trial import Approver, EventKind, State
from tests.exchange.trials.place import Place

TODAY = date(2026, 11, 22)  # a Sunday
DOSSIER = whole_dossier(date(2026, 12, 1))


@contextmanager
def refused(code: str) -> Iterator[None]:
    """Refused, with this code among the reasons."""
    with pytest.raises(Refused) as caught:
        yield
    assert code in [each.code for each in caught.value.refusals]


def authority(place: Place, approver: Approver = Approver.MINISTRY, provinces: tuple[str, ...] = ()) -> Actor:
    """A regulator that is recorded as an authority of this kind."""
    actor = place.people.make(f"co-quan-{approver}", OrgKind.REGULATOR, Role.OWNER)
    operator = place.people.operator()
    place.do(authorities.record_authority, operator, actor.org_id, approver, provinces, "Quyết định 1/QĐ")
    return actor


# The clock is the last argument of ``Place.do``; these use cases take it before or after others.
def record(place: Place, org: str, approver: str, provinces: tuple[str, ...] = (), basis: str = "QĐ 1") -> Any:
    return place.do(authorities.record_authority, place.people.operator(), org, approver, provinces, basis)


def drafted(place: Place, dossier: Dossier = DOSSIER, application_id: str = "") -> str:
    row = place.do(applications.save, place.people.operator(), application_id, dossier)
    return str(row.id)


def submitted(place: Place, dossier: Dossier = DOSSIER) -> str:
    application_id = drafted(place, dossier)
    place.do(applications.submit, place.people.operator(), application_id)
    return application_id


def permitted(place: Place, ministry: Actor, dossier: Dossier = DOSSIER) -> Trial:
    row: Trial = place.do(applications.approve, ministry, submitted(place, dossier), Grant("07/GCN"))
    return row


def happened(place: Place, row: Trial, kind: EventKind, **more: Any) -> Any:
    """Another lane's step: its event is simply there."""
    with place.database.writing() as session:
        event = lifecycle.record_event(session, None, session.get_one(Trial, row.id), kind, clock.now(), **more)
        session.commit()
    return event


def state(place: Place, row: Trial) -> State:
    with place.database.reading() as session:
        return service.state_of(session, session.get_one(Trial, row.id), clock.now())


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=VIETNAM)
