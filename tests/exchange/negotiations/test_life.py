"""Suspending and resuming, changing by a new document, and edits of a listing that touch no running contract."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from contracts import document
from contracts.log.story import Placed, check_order
from contracts.negotiation import State
from contracts.standing import Standing
from exchange import clock
from exchange.catalogue import moderation
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Listing, ListingVersion
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger import service as ledger
from exchange.negotiations import agreements, holds, life, service, standing, successors
from exchange.negotiations.models import Contract, ContractHold, Negotiation
from exchange.permissions import Role as StaffRole
from tests.exchange.negotiations.market import Market, version_row
from tests.exchange.negotiations.test_negotiating import together
from tests.exchange.people import People

START = datetime(2026, 12, 1, tzinfo=clock.VIETNAM)
DURING = START + timedelta(days=10)


def state(market: Market, contract: Contract, now: datetime = DURING) -> Standing:
    with market.database.reading() as session:
        return standing.standing_of(session, session.get_one(Contract, contract.id), now)


def check_story(market: Market, contract: Contract) -> list[str]:
    """The log's own order rules over everything that names the contract; the events, in order."""
    with market.database.reading() as session:
        signed = document.parse(session.get_one(Contract, contract.id).payload)
        subject = f"contract:{contract.id}"
        story = [Placed(each.index, each.leaf) for each in ledger.story(session, [subject])]
    check_order(story, subject, signed.hash, frozenset(signed.needs))
    return [placed.leaf.type for placed in story if placed.leaf.on[0] == subject]


def refused(market: Market, use_case: Any, *arguments: Any) -> str:
    with pytest.raises(Refused) as error:
        market.do(use_case, *arguments)
    return error.value.code


# --- suspending ---------------------------------------------------------------------------------------------------


def test_either_side_suspends_and_only_the_same_side_resumes(market: Market) -> None:
    contract = market.active()
    sides = [market.seller, market.buyer]
    for one, other in (sides, sides[::-1]):
        market.do(holds.suspend, one, contract.id, "security", "Sự cố, đang kiểm tra")
        assert state(market, contract) is Standing.SUSPENDED
        assert refused(market, holds.resume, other, contract.id, "Cho tiếp tục") == "NOT_YOUR_SUSPENSION"
        market.do(holds.resume, one, contract.id, "Đã khắc phục")
        assert state(market, contract) is Standing.ACTIVE
    assert check_story(market, contract)[-4:] == ["contract.suspended", "contract.resumed"] * 2


def test_while_both_have_suspended_one_resuming_is_not_enough(market: Market) -> None:
    contract = market.active()
    market.do(holds.suspend, market.seller, contract.id, "payment", "Chưa nhận được tiền")
    market.do(holds.suspend, market.buyer, contract.id, "breach", "Tệp thiếu cột")
    market.do(holds.resume, market.seller, contract.id, "Đã nhận")
    assert state(market, contract) is Standing.SUSPENDED
    market.do(holds.resume, market.buyer, contract.id, "Đã bổ sung")
    assert state(market, contract) is Standing.ACTIVE


def test_both_read_who_when_why_and_in_which_words(market: Market, people: People, reading: Session) -> None:
    contract = market.active()
    market.do(holds.suspend, market.seller, contract.id, "claim", "Bên thứ ba khiếu nại quyền")
    for reader in (market.seller, market.buyer, people.regulator()):
        found = life.life_of(reading, reader, contract.id, DURING)
        [hold] = found.open_holds
        assert (hold.holder, hold.org_id, hold.code) == ("provider", market.seller.org_id, "claim")
        assert (hold.since, hold.reason) == (market.now, "Bên thứ ba khiếu nại quyền")
    denied = standing.may(reading, contract, document.parse(contract.payload), "deliver", DURING)
    assert denied is not None
    assert denied.code == "CONTRACT_SUSPENDED"
    assert "bên bán" in (denied.vi or "")
    assert "a third party claims rights in the data" in (denied.en or "")
    with pytest.raises(NotFound):
        life.life_of(reading, people.stranger(), contract.id, DURING)
    receipts = standing.receipts_of(reading, standing.papers(reading, market.buyer, contract.id), market.buyer)
    assert receipts[-1].event == "contract.suspended"
    assert receipts[-1].proof is not None


def test_what_cannot_be_suspended_or_resumed(market: Market, people: People) -> None:
    drawn = market.agreed()
    assert refused(market, holds.suspend, market.seller, drawn.id, "other", "Sớm") == "CONTRACT_NOT_ACTIVE"
    market.signed(drawn, market.seller)
    market.signed(drawn, market.buyer)
    for code, reason, expected in (
        ("listing", "x", "SUSPEND_CODE_UNKNOWN"), ("nothing", "x", "SUSPEND_CODE_UNKNOWN"),
        ("other", " ", "REASON_MISSING"), ("other", "x" * 2_001, "REASON_MISSING"),
    ):  # fmt: skip
        assert refused(market, holds.suspend, market.seller, drawn.id, code, reason) == expected
    for outsider in (people.stranger(),):
        with pytest.raises(NotFound):
            market.do(holds.suspend, outsider, drawn.id, "other", "Không liên quan")
    analyst = people.make("analyst", market.buyer.kind, StaffRole.ANALYST)
    with pytest.raises(NotPermitted):
        market.do(holds.suspend, analyst, drawn.id, "other", "Không có quyền")
    assert refused(market, holds.resume, market.seller, drawn.id, "x") == "NOT_YOUR_SUSPENSION"
    market.do(holds.suspend, market.seller, drawn.id, "other", "Một lần")
    assert refused(market, holds.suspend, market.seller, drawn.id, "other", "Hai lần") == "ALREADY_SUSPENDED"
    market.do(agreements.end_contract, market.buyer, drawn.id, "other", "Thôi")
    assert state(market, drawn) is Standing.ENDED
    assert refused(market, holds.resume, market.seller, drawn.id, "Muộn") == "CONTRACT_ENDED"
    assert check_story(market, drawn)[-1] == "contract.ended"


def test_an_expired_contract_is_not_suspended(market: Market) -> None:
    contract = market.active()
    market.now = datetime(2027, 6, 1, tzinfo=clock.VIETNAM)
    assert refused(market, holds.suspend, market.buyer, contract.id, "other", "Muộn") == "CONTRACT_EXPIRED"


def test_two_clicks_at_once_suspend_once(market: Market) -> None:
    contract = market.active()
    outcomes = together(
        *[lambda: market.do(holds.suspend, market.seller, contract.id, "security", "Sự cố")] * 3
    )  # fmt: skip
    told = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert {error.code for error in told} == {"ALREADY_SUSPENDED"}, outcomes
    assert len(told) == 2
    with market.database.reading() as session:
        assert len(session.exec(select(ContractHold)).all()) == 1


# --- the listing --------------------------------------------------------------------------------------------------


def test_a_stopped_listing_holds_its_contracts_with_a_record_of_each(market: Market, people: People) -> None:
    contract, operator, regulator = market.active(), people.operator(), people.regulator()
    drawn = market.agreed()  # not in force: nothing to hold
    market.do(holds.suspend, market.buyer, contract.id, "other", "Tạm nghỉ")
    market.do(moderation.suspend, operator, market.listing_id, "Khiếu nại về nguồn gốc")
    with market.database.reading() as session:
        by_listing = life.life_of(session, market.buyer, contract.id, DURING).open_holds[-1]
        assert (by_listing.holder, by_listing.org_id, by_listing.code) == ("listing", operator.org_id, "listing")
        assert by_listing.reason == "Khiếu nại về nguồn gốc"
        assert holds.holds_of(session, drawn.id) == []
    market.do(holds.resume, market.buyer, contract.id, "Trở lại")
    assert state(market, contract) is Standing.SUSPENDED
    for party in (market.seller, market.buyer):
        assert refused(market, holds.resume, party, contract.id, "Cho tiếp tục") == "NOT_YOUR_SUSPENSION"
    market.do(moderation.resume, regulator, market.listing_id, "Đã xác minh")
    assert state(market, contract) is Standing.ACTIVE
    events = check_story(market, contract)
    assert events[-4:] == ["contract.suspended", "contract.suspended", "contract.resumed", "contract.resumed"]


def test_a_listing_that_is_stopped_without_a_record_holds_all_the_same(market: Market, reading: Session) -> None:
    contract = market.active()
    market.set_state("suspended")
    assert state(market, contract) is Standing.SUSPENDED
    denied = standing.may(reading, contract, document.parse(contract.payload), "deliver", DURING)
    assert denied is not None
    assert "the operator or a regulator" in (denied.en or "")


def test_a_contract_that_ended_is_not_touched_by_its_listing(market: Market, people: People) -> None:
    contract = market.active()
    market.do(agreements.end_contract, market.seller, contract.id, "agreed", "Xong")
    market.do(moderation.suspend, people.operator(), market.listing_id, "Khiếu nại")
    assert check_story(market, contract)[-1] == "contract.ended"


@pytest.mark.parametrize("edit", ["price and terms", "a new version", "withdrawal"])
def test_edits_of_a_listing_never_touch_a_running_contract(market: Market, edit: str) -> None:
    contract = market.active()
    before = (contract.payload, contract.sha256, contract.price_vnd, contract.ends)
    if edit == "withdrawal":
        market.do(catalogue.withdraw, market.seller, market.listing_id)
    else:
        new_version(market, price_vnd=99_000_000, max_deliveries=1, licence="L4", onward_transfer="derived-only",
                    in_place=edit == "price and terms")  # fmt: skip
    row = market.row(contract.id)
    assert (row.payload, row.sha256, row.price_vnd, row.ends) == before
    assert state(market, contract) is Standing.ACTIVE
    with market.database.reading() as session:
        signed = document.parse(row.payload)
        assert standing.may(session, row, signed, "deliver", DURING, deliveries=2) is None
    assert check_story(market, contract)[-1] == "contract.active"


def new_version(market: Market, *, in_place: bool = False, **changes: Any) -> None:
    """Another offer on the listing: as a further version, or (which no door does) written over the one that was."""
    with market.database.writing() as session:
        first = session.exec(select(ListingVersion).where(ListingVersion.listing_id == market.listing_id)).one()
        if in_place:
            for name, value in changes.items():
                setattr(first, name, value)
        else:
            row = version_row(market.listing_id, first.asset_id, market.seller.org_id, market.now, **changes)
            row.number = 2
            session.add(row)
            session.flush()
            session.get_one(Listing, market.listing_id).current_version = 2
        session.commit()


# --- successors ---------------------------------------------------------------------------------------------------


def proposed(
    market: Market, contract: Contract, who: str = "buyer", kind: str = "amendment", **changes: Any
) -> Negotiation:
    """A proposal by one side."""
    actor = market.buyer if who == "buyer" else market.seller
    proposal = successors.Proposal(kind, changes, "Đề nghị")
    made: Negotiation = market.do(successors.propose, actor, contract.id, proposal)
    return made


def concluded(market: Market, negotiation: Negotiation) -> Contract:
    """Both agree on the terms on the table and sign."""
    if negotiation.state == State.OFFERED:
        market.do(service.accept, market.buyer, negotiation.id, negotiation.terms_hash)
    drawn = market.do(agreements.agree, market.seller, negotiation.id, negotiation.terms_hash)
    market.signed(drawn, market.seller)
    market.signed(drawn, market.buyer)
    return market.row(drawn.id)


@pytest.mark.parametrize("who", ["buyer", "seller"])
def test_an_amendment_is_a_new_document_that_replaces_the_old_one_when_both_have_signed(
    market: Market, who: str
) -> None:
    old = market.active()
    market.now = DURING
    negotiation = proposed(market, old, who, price_vnd=6_000_000, max_deliveries=9)
    if negotiation.state == State.OFFERED:
        market.do(service.accept, market.buyer, negotiation.id, negotiation.terms_hash)
    drawn = market.do(agreements.agree, market.seller, negotiation.id, negotiation.terms_hash)
    signed = document.parse(drawn.payload)
    assert signed.supersedes == old.sha256
    assert (signed.terms.price_vnd, signed.terms.max_deliveries, signed.terms.ends) == (6_000_000, 9, old.ends)
    market.signed(drawn, market.seller)
    assert market.row(old.id).ended_at is None  # until the other side has signed too, the old terms stay in force
    assert state(market, old) is Standing.ACTIVE
    assert state(market, drawn) is Standing.UNLOGGED
    market.signed(drawn, market.buyer)
    ended = market.row(old.id)
    assert (ended.end_code, ended.end_reason, ended.ended_by) == ("superseded", drawn.id, None)
    assert (state(market, old), state(market, drawn)) == (Standing.ENDED, Standing.ACTIVE)
    assert check_story(market, old)[-1] == "contract.ended"
    assert check_story(market, drawn)[-1] == "contract.active"
    with market.database.reading() as session:
        assert market.row(drawn.id).active_at == ended.ended_at
        found = life.life_of(session, market.buyer, old.id, market.now)
        assert found.successor is not None
        assert found.successor.id == drawn.id
        assert life.life_of(session, market.seller, drawn.id, market.now).predecessor is not None
        denied = standing.may(session, ended, document.parse(ended.payload), "deliver", market.now)
        assert denied is not None
        assert "replaced by a new contract" in (denied.en or "")


def test_the_difference_from_the_terms_in_force_is_shown(market: Market, reading: Session) -> None:
    old = market.active()
    negotiation = proposed(market, old, price_vnd=7_500_000, purpose="Dự báo và lập kế hoạch")
    found = successors.followed(reading, negotiation)
    assert found is not None
    assert {change.field: (change.before, change.after) for change in found.changes} == {
        "price_vnd": (5_000_000, 7_500_000),
        "purpose": ("Dự báo chuyến bay trễ", "Dự báo và lập kế hoạch"),
    }
    running = life.life_of(reading, market.buyer, old.id, market.now)
    assert running.negotiation is not None
    assert not running.may_amend


def test_a_refused_amendment_leaves_everything_as_it_was(market: Market) -> None:
    old = market.active()
    negotiation = proposed(market, old, price_vnd=1)
    market.do(service.terminate, market.seller, negotiation.id, *given_up())
    again = proposed(market, old, price_vnd=4_000_000)
    drawn = market.do(agreements.agree, market.seller, again.id, again.terms_hash)
    market.do(service.terminate, market.buyer, drawn.negotiation_id, *given_up())
    assert market.row(old.id).ended_at is None
    assert state(market, old) is Standing.ACTIVE


def given_up() -> tuple[str, ...]:
    """What terminating asks for."""
    return ("terms", "Không đồng ý")


def test_an_amendment_stays_on_its_version_and_a_renewal_takes_the_newest(market: Market) -> None:
    old = market.active()
    new_version(market, price_vnd=8_000_000)
    amended = proposed(market, old, max_deliveries=5)
    assert amended.version == 1
    market.do(service.terminate, market.buyer, amended.id, *given_up())
    renewed = proposed(market, old, kind="renewal")
    assert renewed.version == 2
    row = concluded(market, renewed)
    assert (row.price_vnd, row.starts) == (8_000_000, date(2027, 6, 1))
    assert market.row(old.id).ended_at is None  # the old term runs to its last day, then the new one begins
    last = datetime(2027, 6, 1, tzinfo=clock.VIETNAM) - timedelta(seconds=1)
    assert (state(market, old, last), state(market, row, last)) == (Standing.ACTIVE, Standing.UPCOMING)
    first = last + timedelta(seconds=1)
    assert (state(market, old, first), state(market, row, first)) == (Standing.EXPIRED, Standing.ACTIVE)
    assert refused(market, successors.propose, market.buyer, old.id, amendment()) == "CONTRACT_SUCCEEDED"


def amendment(**changes: Any) -> successors.Proposal:
    return successors.Proposal("amendment", changes or {"price_vnd": 1_000_000})


def test_a_withdrawn_listing_is_not_renewed_but_its_contracts_can_be_amended(market: Market) -> None:
    old = market.active()
    market.do(catalogue.withdraw, market.seller, market.listing_id)
    renewal = successors.Proposal("renewal", {})
    assert refused(market, successors.propose, market.buyer, old.id, renewal) == "LISTING_WITHDRAWN"
    assert concluded(market, proposed(market, old, price_vnd=2_000_000)).price_vnd == 2_000_000


def test_an_expired_contract_is_renewed_but_not_amended(market: Market) -> None:
    old = market.active()
    market.now = datetime(2027, 6, 3, 9, tzinfo=clock.VIETNAM)
    assert refused(market, successors.propose, market.buyer, old.id, amendment()) == "CONTRACT_EXPIRED"
    with clock.frozen(market.now):
        row = concluded(market, proposed(market, old, kind="renewal"))
    assert row.starts == date(2027, 6, 3)
    assert market.row(old.id).ended_at is None  # it had run out; nothing ended it


def test_a_change_of_what_has_not_begun_does_not_put_two_documents_in_force(market: Market) -> None:
    old = market.active()
    market.now = DURING
    following = concluded(market, proposed(market, old, kind="renewal"))
    assert (following.starts > old.ends, state(market, old)) == (True, Standing.ACTIVE)
    early = amendment(starts=market.now.astimezone(clock.VIETNAM).date(), ends=old.ends)
    assert refused(market, successors.propose, market.buyer, following.id, early) == "SUCCESSOR_OVERLAPS"
    last = amendment(starts=old.ends, ends=following.ends - timedelta(days=30))
    assert refused(market, successors.propose, market.buyer, following.id, last) == "SUCCESSOR_OVERLAPS"
    changed = concluded(market, proposed(market, following, price_vnd=6_000_000))
    assert refused(market, successors.propose, market.buyer, changed.id, last) == "SUCCESSOR_OVERLAPS"
    assert (state(market, old), state(market, changed)) == (Standing.ACTIVE, Standing.UPCOMING)


def test_what_a_proposal_may_not_be(market: Market, people: People) -> None:
    drawn = market.agreed()
    assert refused(market, successors.propose, market.buyer, drawn.id, amendment()) == "REQUEST_ALREADY_OPEN"
    market.signed(drawn, market.seller)
    market.signed(drawn, market.buyer)
    propose = successors.propose
    assert refused(market, propose, market.buyer, drawn.id, amendment(price_vnd=5_000_000)) == "OFFER_UNCHANGED"
    assert refused(market, propose, market.buyer, drawn.id, amendment(licence="L5")) == "OFFER_UNCHANGED"
    assert refused(market, propose, market.buyer, drawn.id, amendment(price_vnd=None)) == "PRICE_NOT_PUBLISHED"
    assert refused(market, propose, market.buyer, drawn.id, amendment(price_vnd=-1)) == "PRICE_NEGATIVE"
    gap = amendment(starts=date(2027, 3, 1))
    assert refused(market, propose, market.buyer, drawn.id, gap) == "SUCCESSOR_LEAVES_GAP"
    with pytest.raises(NotFound):
        market.do(propose, people.stranger(), drawn.id, amendment())
    with pytest.raises(NotFound):
        market.do(propose, market.buyer, "nothing", amendment())
    market.do(holds.suspend, market.seller, drawn.id, "security", "Sự cố")
    assert refused(market, propose, market.buyer, drawn.id, amendment()) == "CONTRACT_SUSPENDED"
    market.do(agreements.end_contract, market.seller, drawn.id, "other", "Thôi")
    assert refused(market, propose, market.buyer, drawn.id, amendment()) == "CONTRACT_ENDED"


@pytest.mark.parametrize("how", ["suspended", "ended"])
def test_a_successor_is_not_signed_while_the_old_one_is_held_or_after_it_ended(market: Market, how: str) -> None:
    """A suspension is not evaded by a new document, and what is over is not brought back by one."""
    old = market.active()
    negotiation = proposed(market, old, price_vnd=2_000_000)
    drawn = market.do(agreements.agree, market.seller, negotiation.id, negotiation.terms_hash)
    market.signed(drawn, market.seller)
    if how == "suspended":
        market.do(holds.suspend, market.seller, old.id, "breach", "Nghi ngờ chia sẻ lại")
    else:
        market.do(agreements.end_contract, market.seller, old.id, "breach", "Chia sẻ lại")
    expected = f"CONTRACT_{how.upper()}"
    assert refused(market, agreements.sign, market.buyer, drawn.id, market.entry(drawn, market.buyer)) == expected
    assert market.row(drawn.id).active_at is None


def test_signing_a_successor_and_ending_the_old_one_at_once_leaves_one_of_both(market: Market) -> None:
    old = market.active()
    negotiation = proposed(market, old, price_vnd=2_000_000)
    drawn = market.do(agreements.agree, market.seller, negotiation.id, negotiation.terms_hash)
    market.signed(drawn, market.seller)
    entry = market.entry(drawn, market.buyer)
    outcomes = together(
        lambda: market.do(agreements.sign, market.buyer, drawn.id, entry),
        lambda: market.do(agreements.end_contract, market.seller, old.id, "other", "Thôi"),
    )
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 1, outcomes
    row, new = market.row(old.id), market.row(drawn.id)
    assert (new.active_at is not None) == (row.end_code == "superseded")
    check_story(market, old)
