"""Each rule of the trial through the use cases: one step inside passes, one step outside is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest
from sqlmodel import select

from exchange import clock
from exchange.catalogue import moderation
from exchange.catalogue.models import Listing
from exchange.clock import VIETNAM
from exchange.errors import NotPermitted, Refused
from exchange.negotiations import agreements
from exchange.negotiations import service as negotiations
from exchange.negotiations.models import Contract
from exchange.pilot import Act
from exchange.rooms import service as rooms
from exchange.trials import lifecycle, rules, service
from exchange.trials.models import Enrolment, Trial
from sandbox import rules as core_rules
from tests.exchange.negotiations.market import Market, wish
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place


@pytest.fixture
def market(place: Place) -> Market:
    """A listing that can be bought: logistics, class TC, five million đồng."""
    sequencer = place.app.extensions["minhbach.sequencer"]
    made = Market(place.database, sequencer, place.seller, place.buyer, place.now)
    made.add_key(made.seller)
    made.add_key(made.buyer)
    made.publish()
    place.listing_id = made.listing_id
    return made


def grant(place: Place, **changes: Any) -> Trial:
    row: Trial = place.do(service.grant_trial, place.people.operator(), certificate(**changes))
    return row


def replace_by(place: Place, row: Trial, **changes: Any) -> Trial:
    """The operator leaves the trial and begins another, under certificate number 2, on the same day."""
    place.do(lifecycle.change_trial, place.people.operator(), row.id, "terminated", "Thử tiếp", code="self_exit")
    return grant(place, cert_no="2", valid_from=date(2026, 11, 22), **changes)


def request(place: Place, **changes: Any) -> Any:
    return place.do(negotiations.request_access, place.buyer, place.listing_id, wish(**changes))


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    found = {refusal.code: refusal for refusal in caught.value.refusals}
    assert code in found
    refusal = found[code]
    assert refusal.basis
    assert refusal.vi or refusal.text
    assert refusal.passes_vi or refusal.passes


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=VIETNAM)


def test_without_a_certificate_there_is_no_test_room(place: Place, market: Market) -> None:
    """T1. What the law in force governs, requests and contracts, does not wait for a pilot."""
    with refused("TRIAL_NOT_AUTHORISED"):
        place.do(rooms.prepare_room, place.buyer, place.listing_id)
    with refused("TRIAL_NOT_AUTHORISED"):
        place.enrol(place.buyer)
    request(place)


@pytest.mark.parametrize("missing", ["cert_no", "authority", "sectors", "classes"])
def test_a_certificate_without_its_parts_is_refused(place: Place, missing: str) -> None:
    """T1."""
    with refused("TRIAL_NOT_AUTHORISED"):
        grant(place, **{missing: ()})


def test_only_the_operator_records_a_certificate_and_only_once(place: Place) -> None:
    for actor in (place.buyer, place.people.regulator()):
        with pytest.raises(NotPermitted):
            place.do(service.grant_trial, actor, certificate())
    grant(place)
    with pytest.raises(Refused, match="TRIAL_RECORDED"):
        grant(place)


def test_a_trial_lasts_at_most_two_years(place: Place) -> None:
    """T2."""
    grant(place, valid_from=date(2026, 11, 1), valid_to=date(2028, 11, 1))
    with refused("TRIAL_TOO_LONG"):
        grant(place, cert_no="2", valid_from=date(2026, 11, 1), valid_to=date(2028, 11, 2))


@pytest.mark.usefixtures("market")
def test_nothing_before_the_first_and_after_the_last_day(place: Place) -> None:
    """T1 and T2 at their edges, in Viet Nam's days."""
    first, last = date(2026, 11, 1), date(2027, 10, 31)
    grant(place, valid_from=first, valid_to=last)
    late = place.people.stranger()
    for actor in (place.buyer, late):
        place.enrol(actor)
    with clock.frozen(at(date(2026, 10, 31), 23, 59)), refused("TRIAL_NOT_AUTHORISED"):
        place.do(rooms.prepare_room, place.buyer, place.listing_id)
    with clock.frozen(at(first)):
        place.do(rooms.prepare_room, place.buyer, place.listing_id)
    with clock.frozen(at(last, 23, 59)):
        place.do(rooms.prepare_room, place.buyer, place.listing_id)
        request(place, starts=last, ends=last)
    with clock.frozen(at(date(2027, 11, 1))):
        with refused("TRIAL_EXPIRED"):
            place.do(rooms.prepare_room, place.buyer, place.listing_id)
        with refused("TRIAL_EXPIRED"):
            asked = wish(starts=date(2027, 11, 1), ends=date(2027, 11, 2))
            place.do(negotiations.request_access, late, place.listing_id, asked)


@pytest.mark.parametrize(
    ("territory", "passes"), [(("VN-SG",), True), (("VN",), False), (("VN-HN",), False), (("VN-SG", "VN-DN"), False)]
)
@pytest.mark.usefixtures("market")
def test_territory(place: Place, territory: tuple[str, ...], passes: bool) -> None:
    """T7: a trial of one city."""
    grant(place, territory=("VN-SG",))
    place.enrol(place.buyer)
    if passes:
        request(place, territory=territory)
        return
    with refused("TRIAL_TERRITORY"):
        request(place, territory=territory)


@pytest.mark.parametrize("changes", [{"sectors": ("tourism",)}, {"classes": ("MO",)}, {"verbs": ("own", "manage")}])
@pytest.mark.usefixtures("market")
def test_scope(place: Place, changes: dict[str, Any]) -> None:
    """T8 for a request and for a room."""
    row = grant(place, **changes)
    place.enrol(place.buyer)
    with refused("OUT_OF_TRIAL_SCOPE"):
        request(place)
    with refused("OUT_OF_TRIAL_SCOPE"):
        place.do(rooms.prepare_room, place.buyer, place.listing_id)
    replace_by(place, row)
    place.enrol(place.buyer)
    request(place)
    place.do(rooms.prepare_room, place.buyer, place.listing_id)


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("cap", ["max_tx_vnd", "max_total_vnd"])
def test_money_caps(place: Place, cap: str) -> None:
    """T9: the listing costs 5,000,000; equal passes."""
    row = grant(place, **{cap: 4_999_999})
    place.enrol(place.buyer)
    with refused("TRIAL_CAP_EXCEEDED"):
        request(place)
    replace_by(place, row, **{cap: 5_000_000})
    place.enrol(place.buyer)
    request(place)


def test_the_total_counts_what_was_agreed(place: Place, market: Market) -> None:
    """T9: a second contract no longer fits; one that was given up makes room again."""
    grant(place, max_total_vnd=9_999_999)
    for actor in (place.buyer, place.people.stranger()):
        place.enrol(actor)
    negotiation = request(place)
    other = place.do(negotiations.request_access, place.people.stranger(), place.listing_id, wish())
    market.add_key(place.people.stranger())
    contract: Contract = place.do(agreements.agree, place.seller, negotiation.id, negotiation.terms_hash)
    assert b"01/GCN-UBND" in contract.payload  # clause 22 names the certificate
    with refused("TRIAL_CAP_EXCEEDED"):
        place.do(agreements.agree, place.seller, other.id, other.terms_hash)
    place.do(negotiations.terminate, place.buyer, negotiation.id, "no-need", "Không còn nhu cầu")
    place.do(agreements.agree, place.seller, other.id, other.terms_hash)


def test_member_cap(place: Place) -> None:
    """T9."""
    grant(place, max_members=1)
    place.enrol(place.buyer)
    place.enrol(place.buyer)  # a form sent twice
    with refused("TRIAL_CAP_EXCEEDED"):
        place.enrol(place.people.stranger())
    with place.database.reading() as session:
        assert len(session.exec(select(Enrolment)).all()) == 1


def test_listing_cap_is_judged_when_a_listing_goes_on_show(place: Place, market: Market) -> None:
    """T8 and T9 for publication."""
    grant(place, max_listings=1)
    with place.database.writing() as session:
        listing = session.get_one(Listing, market.listing_id)
        listing.state, listing.current_version, listing.pending_version = "submitted", None, 1  # type: ignore[assignment]
        session.commit()
    market.publish()
    operator = place.people.operator()
    waiting = listing.id
    with refused("TRIAL_CAP_EXCEEDED"):
        place.do(_approve, operator, waiting)
    market.set_state("withdrawn")
    place.do(_approve, operator, waiting)


def _approve(session: Any, actor: Any, listing_id: str, now: datetime) -> Any:
    return moderation.approve(session, actor, listing_id, personal_data_checked=True, now=now)


@pytest.mark.usefixtures("market")
def test_the_notice_must_be_the_current_one(place: Place) -> None:
    """T14: none, an older one, the current one."""
    row = grant(place)
    with refused("TRIAL_NOTICE_NOT_ACCEPTED"):
        request(place)
    place.enrol(place.buyer)
    row = replace_by(place, row, notice_version="2")
    with refused("TRIAL_NOTICE_NOT_ACCEPTED"):
        place.do(rooms.prepare_room, place.buyer, place.listing_id)
    with refused("TRIAL_NOTICE_NOT_ACCEPTED"):
        place.enrol(place.buyer)
    place.enrol(place.buyer, "2")
    request(place)
    with place.database.reading() as session:
        found = service.enrolment_of(session, row, place.buyer.org_id)
        assert found is not None
        assert (found.notice_version, found.accepted_by) == ("2", place.buyer.user_id)


@pytest.mark.usefixtures("market")
def test_suspension_and_termination_stop_every_kind(place: Place) -> None:
    """T16 and T17."""
    row = grant(place)
    place.enrol(place.buyer)
    acts = [
        Act(kind, place.buyer.org_id, "logistics", "TC", ("VN",))
        for kind in ("list", "order", "contract", "deliver", "query")
    ]
    with place.database.writing() as session:
        assert [service.judge_action(session, act, place.now) for act in acts] == [()] * 5
    code_of = {"suspended": "inspection", "terminated": "fraud"}
    for kind, code in (("suspended", "TRIAL_SUSPENDED"), ("terminated", "TRIAL_TERMINATED")):
        place.do(lifecycle.change_trial, place.people.regulator(), row.id, kind, "Lý do", code=code_of[kind])
        with place.database.writing() as session:
            for act in acts:
                assert code in [refusal.code for refusal in service.judge_action(session, act, place.now)]
    with refused("TRIAL_TERMINATED"):
        request(place)


def test_every_legal_basis_of_the_core_is_translated() -> None:
    assert len(core_rules.bases()) > 20
    assert core_rules.bases() == set(rules.BASES)
