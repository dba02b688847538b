"""Every act on the market is judged by the trial with full facts, at the moment it is done."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from exchange import clock
from exchange.catalogue import moderation
from exchange.catalogue.models import Listing
from exchange.clock import VIETNAM
from exchange.deliveries import service as deliveries
from exchange.errors import Refused
from exchange.negotiations import agreements, checking, successors
from exchange.negotiations import service as negotiations
from exchange.negotiations.models import Contract, Negotiation
from exchange.rooms import engine, queries
from exchange.rooms.queries import Asked
from exchange.trials import lifecycle, service
from exchange.trials.models import Trial
from sandbox.trial import EventKind
from tests.exchange.deliveries.goods import TODAY, Goods
from tests.exchange.negotiations.market import version_row, wish
from tests.exchange.trials.conftest import certificate
from tests.exchange.trials.place import Place

PRICE = 5_000_000  # of the listing


@pytest.fixture
def goods(place: Place) -> Goods:
    """A listing with a real file; nobody has granted a trial yet."""
    made = Goods(place.database, place.app.extensions["minhbach.sequencer"], place.seller, place.buyer, place.now)
    made.add_key(made.seller)
    made.add_key(made.buyer)
    made.publish()
    made.stock(place.app.extensions["minhbach.store"])
    place.listing_id = made.listing_id
    return made


def granted(place: Place, **changes: Any) -> Trial:
    row: Trial = place.do(service.grant_trial, place.people.operator(), certificate(**changes))
    place.enrol()
    return row


def stop(place: Place, row: Trial) -> None:
    place.do(record, row.id, EventKind.SUSPENDED, reason="Thanh tra", code="inspection")


def record(session: Any, trial_id: str, kind: EventKind, now: datetime, **more: Any) -> Any:
    row = session.get_one(Trial, trial_id)
    return lifecycle.record_event(session, None, row, kind, now, **more)


def codes(use_case: Any, *arguments: Any) -> list[str]:
    """Every code of the refusal; each with its basis, the value or the sentence, and what would pass."""
    with pytest.raises(Refused) as caught:
        use_case(*arguments)
    found = caught.value.refusals
    assert all(each.basis and each.vi and each.en and each.passes_vi and each.passes_en for each in found)
    return [refusal.code for refusal in found]


def counter(place: Place, negotiation: Negotiation, **changes: Any) -> Negotiation:
    made: Negotiation = place.do(
        negotiations.counter, place.seller, negotiation.id, negotiation.terms_hash, changes
    )  # fmt: skip
    return made


def test_a_counter_offer_is_judged_by_what_it_changes(place: Place, goods: Goods) -> None:
    granted(place, max_tx_vnd=6_000_000, territory=("VN-SG", "VN-HN"))
    negotiation = goods.requested(territory=("VN-SG",))
    thread = _thread(place, negotiation)
    with place.database.reading() as session:
        wrong = checking.check_counter(session, thread, {"price_vnd": 6_000_001, "territory": ("VN",)}, place.now)
    assert [refusal.code for refusal in wrong.refusals] == ["TRIAL_TERRITORY", "TRIAL_CAP_EXCEEDED"]
    assert codes(lambda: counter(place, negotiation, price_vnd=6_000_001)) == ["TRIAL_CAP_EXCEEDED"]
    assert codes(lambda: counter(place, negotiation, territory=("VN",))) == ["TRIAL_TERRITORY"]
    assert counter(place, negotiation, price_vnd=6_000_000).state == "OFFERED"


def _thread(place: Place, negotiation: Negotiation) -> Any:
    with place.database.reading() as session:
        return negotiations.thread(session, place.seller, negotiation.id)


def test_a_suspension_stops_every_move_from_the_request_to_the_delivery(place: Place, goods: Goods) -> None:
    offered = counter(place, goods.requested(), price_vnd=4_000_000)
    other = place.people.stranger()
    goods.add_key(other)
    row = granted(place)
    place.enrol(other)
    asked = place.do(negotiations.request_access, other, place.listing_id, wish(starts=TODAY))
    drawn = place.do(agreements.agree, place.seller, asked.id, asked.terms_hash)
    entry = goods.entry(drawn, place.seller)
    stop(place, row)
    stopped = ["TRIAL_SUSPENDED"]
    assert codes(place.do, negotiations.accept, place.buyer, offered.id, offered.terms_hash) == stopped
    assert codes(place.do, agreements.sign, place.seller, drawn.id, entry) == stopped
    with place.database.reading() as session:
        found = checking.check_request(session, place.buyer, place.listing_id, wish(), place.now).refusals
        assert "TRIAL_SUSPENDED" in [each.code for each in found]
    place.do(record, row.id, EventKind.RESUMED, reason="Đã xong", code="remedied")
    goods.signed(drawn, place.seller)
    goods.signed(drawn, other)
    stop(place, row)
    assert codes(place.do, deliveries.continue_or_open, other, drawn.id, goods.asset_id) == stopped
    assert codes(place.do, successors.propose, other, drawn.id, amendment(PRICE - 1)) == stopped


def amendment(price: int) -> successors.Proposal:
    return successors.Proposal("amendment", {"price_vnd": price})


def concluded(goods: Goods, negotiation: Negotiation) -> Contract:
    drawn = goods.do(agreements.agree, goods.seller, negotiation.id, negotiation.terms_hash)
    goods.signed(drawn, goods.seller)
    goods.signed(drawn, goods.buyer)
    return goods.row(drawn.id)


def test_a_contract_that_fills_the_cap_can_still_be_signed(place: Place, goods: Goods) -> None:
    """T9: what is being signed is not counted a second time."""
    granted(place, max_total_vnd=PRICE)
    assert concluded(goods, goods.requested()).active_event


def test_an_amendment_replaces_the_value_of_its_contract_and_a_renewal_adds_to_it(place: Place, goods: Goods) -> None:
    row = granted(place, max_total_vnd=6_000_000)
    old = concluded(goods, goods.requested())
    renewal = successors.Proposal("renewal", {})
    assert codes(place.do, successors.propose, place.buyer, old.id, renewal) == ["TRIAL_CAP_EXCEEDED"]
    assert codes(place.do, successors.propose, place.buyer, old.id, amendment(6_000_001)) == ["TRIAL_CAP_EXCEEDED"]
    new = concluded(goods, place.do(successors.propose, place.buyer, old.id, amendment(6_000_000)))
    assert goods.row(old.id).end_code == "superseded"
    with place.database.reading() as session:
        assert service.usage(session, session.get_one(Trial, row.id)).total_vnd == new.price_vnd == 6_000_000


def test_a_delivery_is_told_every_reason(place: Place, goods: Goods) -> None:
    """The contract was made before the pilot; its certificate covers neither the sector nor the place."""
    contract = goods.contract()
    row = granted(place, sectors=("tourism",), territory=("VN-SG",))
    stop(place, row)
    found = codes(place.do, deliveries.continue_or_open, place.buyer, contract.id, goods.asset_id)
    assert found == ["TRIAL_TERRITORY", "OUT_OF_TRIAL_SCOPE", "TRIAL_SUSPENDED"]
    assert [each.code for each in goods.deliveries()] == []  # rolled back with the transaction of this test


def approve(place: Place, listing_id: str) -> Any:
    def approving(session: Any, now: datetime) -> Any:
        operator = place.people.operator()
        return moderation.approve(session, operator, listing_id, personal_data_checked=True, now=now)

    return place.do(approving)


def waiting(place: Place, listing_id: str, **changes: Any) -> None:
    """A second version of a listing on show, waiting for the operator."""
    with place.database.writing() as session:
        listing = session.get_one(Listing, listing_id)
        first = negotiations.catalogue.the_version(session, listing.id, 1)
        row = version_row(listing.id, first.asset_id, listing.org_id, place.now, **changes)
        row.number = 2
        session.add(row)
        session.flush()
        listing.pending_version = 2
        session.commit()


def unlisted(place: Place, goods: Goods) -> str:
    """A listing that has never been on show."""
    goods.publish()
    with place.database.writing() as session:
        listing = session.get_one(Listing, goods.listing_id)
        listing.state, listing.current_version, listing.pending_version = "submitted", None, 1  # type: ignore[assignment]
        session.commit()
    return goods.listing_id


OVERDUE = datetime(2027, 5, 11, tzinfo=VIETNAM)  # six months and ten days of grace after 1 November 2026


def test_an_overdue_report_freezes_new_listings_and_nothing_else(place: Place, goods: Goods) -> None:
    """T12."""
    row = granted(place)
    shown, new = place.listing_id, unlisted(place, goods)
    waiting(place, shown)
    with clock.frozen(OVERDUE):
        assert codes(approve, place, new) == ["REPORT_OVERDUE"]
        approve(place, shown)
        for verb in (moderation.suspend, moderation.resume):
            place.do(_moderated, verb, place.people.operator(), shown)
        place.do(record, row.id, EventKind.REPORTED, until=date(2027, 4, 30), reason="Kỳ 1")
        approve(place, new)


def _moderated(session: Any, verb: Any, operator: Any, listing_id: str, now: datetime) -> Any:
    return verb(session, operator, listing_id, "Kiểm tra", now)


def test_a_newer_version_stays_within_the_scope_and_uses_no_further_place(place: Place, goods: Goods) -> None:
    granted(place, max_listings=1)
    waiting(place, place.listing_id, sector="tourism")
    assert codes(approve, place, place.listing_id) == ["OUT_OF_TRIAL_SCOPE"]
    with place.database.writing() as session:
        negotiations.catalogue.the_version(session, place.listing_id, 2).sector = "commerce"
        session.commit()
    approve(place, place.listing_id)


def test_a_listing_is_not_put_back_while_the_trial_is_suspended(place: Place, goods: Goods) -> None:
    row = granted(place)
    place.do(_moderated, moderation.suspend, place.people.operator(), place.listing_id)
    stop(place, row)
    with pytest.raises(Refused, match="TRIAL_SUSPENDED"):
        place.do(_moderated, moderation.resume, place.people.operator(), place.listing_id)


def test_an_answer_under_way_is_not_given_once_the_trial_is_suspended(ready: Place) -> None:
    room = ready.room()
    reserved = ready.do(queries.reserve, ready.buyer, room.id, Asked("SELECT COUNT(*) FROM data"))
    assert reserved.accepted is not None
    with ready.app.app_context():
        outcome = ready.app.extensions["minhbach.runner"].run_accepted(
            reserved.policy, engine.copies() / reserved.file_key, reserved.accepted
        )
    with ready.database.reading() as session:
        row = service.current(session, ready.now)
    assert row is not None
    stop(ready, row)
    run = ready.do(queries.finish, ready.buyer, reserved, outcome)
    assert (run.verdict, run.code, run.answer) == ("deny", "E-STOPPED", None)


def test_an_open_incident_stops_the_market_by_itself_and_its_end_lets_it_go_on(place: Place, goods: Goods) -> None:
    """T13 and T16: nobody has to suspend anything."""
    row = granted(place)
    found = place.do(record, row.id, EventKind.INCIDENT, reason="Lộ dữ liệu", code="serious")
    assert codes(goods.requested) == ["TRIAL_SUSPENDED"]
    with clock.frozen(place.now + timedelta(hours=1)):
        place.do(record, row.id, EventKind.INCIDENT_REPORTED, about=found.id)
        place.do(record, row.id, EventKind.INCIDENT_CLOSED, about=found.id)
        place.do(negotiations.request_access, place.buyer, place.listing_id, wish())
