"""After the end: what the buyer owes until when, the signed statement, the answer to it; and what the clock tells."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from contracts import canonical, document, signature, statement
from contracts.duty import Duty
from exchange import clock
from exchange.accounts.models import SigningKey
from exchange.errors import NotFound, Refused
from exchange.negotiations import agreements, duties, ending, standing, successors
from exchange.negotiations.models import Contract, DestructionStatement
from exchange.notices.due import Due
from tests.exchange.negotiations.market import Market
from tests.exchange.negotiations.test_life import check_story, concluded, new_version, proposed, refused
from tests.exchange.negotiations.test_negotiating import together
from tests.exchange.people import People

OVER = datetime(2027, 6, 1, tzinfo=clock.VIETNAM)  # after 31 May 2027, the last day


def moment(day: int, month: int, hour: int = 9) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=clock.VIETNAM)


def owed(market: Market, contract: Contract, now: datetime | None = None) -> duties.Owed:
    with market.database.reading() as session:
        row = session.get_one(Contract, contract.id)
        return duties.owed(session, row, document.parse(row.payload), now or market.now)


def entry(market: Market, contract: Contract, key: Any = None, **changes: Any) -> dict[str, str]:
    """The buyer's signed statement, with what the test changes in it."""
    facts = {"deed": "destroyed", "on": market.now.date(), "note": "Xóa tệp và bản sao lưu", "nonce": b"0" * 16}
    drawn = statement.build(document.parse(contract.payload), **{**facts, **changes})
    private = key or market.keys[market.buyer.org_id]
    return {"payload": canonical.b64url(drawn.payload)} | statement.sign(drawn.payload, private, now=market.now)


def stated(market: Market, contract: Contract, **changes: Any) -> DestructionStatement:
    made: DestructionStatement = market.do(
        duties.state_destruction, market.buyer, contract.id, entry(market, contract, **changes)
    )
    return made


def test_the_duty_begins_with_the_end_and_is_late_after_thirty_days(market: Market) -> None:
    contract = market.active()
    for now, expected in (
        (OVER - timedelta(seconds=1), Duty.NONE),
        (OVER, Duty.OWED),
        (OVER + timedelta(days=30, seconds=-1), Duty.OWED),
        (OVER + timedelta(days=30), Duty.LATE),
    ):
        assert owed(market, contract, now).state is expected
    assert owed(market, contract, OVER).due == date(2027, 6, 30)


def test_a_statement_is_signed_logged_and_acknowledged(market: Market, reading: Session) -> None:
    contract = market.active()
    market.do(agreements.end_contract, market.seller, contract.id, "fulfilled", "Xong")
    made = stated(market, contract)
    assert owed(market, contract).state is Duty.STATED
    read = statement.check(made.payload, document.parse(contract.payload))
    assert (read.deed, read.contract) == ("destroyed", contract.sha256)
    kept = {"protected": made.protected, "signature": made.signature}
    assert statement.open_signature(made.payload, kept).kid == made.thumbprint
    market.do(duties.answer, market.seller, contract.id, "acknowledged", "")
    assert owed(market, contract).state is Duty.ACKNOWLEDGED
    assert check_story(market, contract)[-3:] == ["contract.ended", "duty.fulfilled", "duty.acknowledged"]
    papers = standing.papers(reading, market.seller, contract.id)
    receipts = standing.receipts_of(reading, papers, market.seller)
    assert [receipt.event for receipt in receipts][-2:] == ["duty.fulfilled", "duty.acknowledged"]


def test_a_disputed_statement_is_followed_by_another(market: Market) -> None:
    contract = market.active()
    market.now = OVER
    stated(market, contract)
    assert refused(market, duties.answer, market.seller, contract.id, "disputed", " ") == "REASON_MISSING"
    market.do(duties.answer, market.seller, contract.id, "disputed", "Vẫn còn bản sao trên máy chủ thử nghiệm")
    assert owed(market, contract).state is Duty.DISPUTED
    stated(market, contract, note="Đã xóa cả máy chủ thử nghiệm", nonce=b"1" * 16)
    assert owed(market, contract).state is Duty.STATED
    market.do(duties.answer, market.seller, contract.id, "acknowledged", "Cảm ơn")
    assert len(owed(market, contract).statements) == 2
    check_story(market, contract)


def test_a_statement_that_does_not_hold_is_refused_and_leaves_nothing(market: Market, people: People) -> None:
    contract, do = market.active(), duties.state_destruction
    assert refused(market, do, market.buyer, contract.id, entry(market, contract)) == "NOTHING_OWED"
    market.now = OVER
    good = entry(market, contract)
    other = entry(market, market.row(contract.id), key=market.keys[market.seller.org_id])
    elsewhere = canonical.loads(signed_bytes(good)) | {"contract": "sha-256:" + "A" * 43}
    for spoilt, code in (
        (None, "SIGNATURE_MALFORMED"),
        ({"payload": 1, "protected": "x", "signature": "x"}, "SIGNATURE_MALFORMED"),
        (good | {"payload": "x" * 40_000}, "SIGNATURE_MALFORMED"),
        (good | {"payload": canonical.b64url(canonical.dumps(elsewhere))}, "STATEMENT_OF_ANOTHER"),
        (good | {"signature": canonical.b64url(b"0" * 64)}, "SIGNATURE_INVALID"),
        (other, "KEY_UNKNOWN"),
        (entry(market, contract, key=signature.generate()), "KEY_UNKNOWN"),
        (entry(market, contract, on=date(2027, 6, 2)), "STATEMENT_DAY"),
        (entry(market, contract, on=date(2026, 11, 21)), "STATEMENT_DAY"),
    ):
        assert refused(market, do, market.buyer, contract.id, spoilt) == code
    assert refused(market, do, market.seller, contract.id, good) == "STATEMENT_IS_THE_BUYERS"
    with pytest.raises(NotFound):
        market.do(do, people.stranger(), contract.id, good)
    assert refused(market, duties.answer, market.seller, contract.id, "acknowledged", "") == "NO_STATEMENT"
    assert refused(market, duties.answer, market.buyer, contract.id, "acknowledged", "") == "ANSWER_IS_THE_SELLERS"
    assert refused(market, duties.answer, market.seller, contract.id, "maybe", "") == "ANSWER_UNKNOWN"
    with market.database.reading() as session:
        assert session.exec(select(DestructionStatement)).all() == []
    market.do(do, market.buyer, contract.id, good)
    assert refused(market, do, market.buyer, contract.id, good) == "ALREADY_STATED"


def signed_bytes(one: dict[str, str]) -> bytes:
    from contracts.keys import decode

    return decode(one["payload"], "payload")


def test_a_revoked_key_states_nothing(market: Market) -> None:
    contract = market.active()
    market.now = OVER
    with market.database.writing() as session:
        key = session.exec(select(SigningKey).where(SigningKey.org_id == market.buyer.org_id)).one()
        key.revoked_at = market.now
        session.commit()
    do = duties.state_destruction
    assert refused(market, do, market.buyer, contract.id, entry(market, contract)) == "KEY_UNKNOWN"
    fresh = market.add_key(market.buyer)  # registered after the contract: good for this all the same
    market.do(do, market.buyer, contract.id, entry(market, contract, key=fresh))


def test_two_statements_at_once_make_one(market: Market) -> None:
    contract = market.active()
    market.now = OVER
    entries = [entry(market, contract, nonce=bytes([n]) * 16) for n in range(3)]
    do = duties.state_destruction
    outcomes = together(*[lambda one=one: market.do(do, market.buyer, contract.id, one) for one in entries])
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 2, outcomes


def test_open_data_are_kept(market: Market) -> None:
    new_version(
        market,
        in_place=True,
        licence="L0",
        classification="MO",
        onward_transfer="allowed",
        price_vnd=0,
        attribution=True,
    )
    contract = market.active()
    assert owed(market, contract, OVER).state is Duty.NONE


def test_a_contract_given_up_unsigned_leaves_no_duty(market: Market) -> None:
    drawn = market.agreed()
    assert owed(market, drawn, OVER).state is Duty.NONE


def test_a_successor_about_the_same_files_carries_the_duty_on(market: Market) -> None:
    old = market.active()
    new = concluded(market, proposed(market, old, price_vnd=1_000_000))
    assert owed(market, old, OVER).state is Duty.NONE
    market.do(agreements.end_contract, market.buyer, new.id, "fulfilled", "Xong")
    assert owed(market, old).state is Duty.NONE
    assert owed(market, new).state is Duty.OWED


def test_a_successor_about_other_files_does_not(market: Market) -> None:
    old = market.active()
    new_version(market)
    from exchange.catalogue.models import Asset, ListingVersion

    with market.database.writing() as session:
        version = session.exec(select(ListingVersion).where(ListingVersion.number == 2)).one()
        asset = session.get_one(Asset, version.asset_id)
        fields = asset.model_dump(exclude={"id"}) | {"sha256": "cd" * 32, "file_key": "assets/other"}
        fresh = Asset(**fields)
        session.add(fresh)
        session.flush()
        version.asset_id = fresh.id
        session.commit()
    concluded(market, proposed(market, old, kind="renewal"))
    assert owed(market, old, OVER).state is Duty.OWED


# --- what the clock tells -----------------------------------------------------------------------------------------


def told(market: Market, now: datetime) -> list[Due]:
    with market.database.reading() as session:
        return list(ending.due(session, now))


def kinds(market: Market, now: datetime) -> list[str]:
    return [f"{due.kind} {due.facts.get('days', '')}".strip() for due in told(market, now)]


def test_thirty_seven_and_one_days_before_the_last_day_is_over(market: Market) -> None:
    contract = market.active()
    end_of = datetime(2027, 5, 1, 23, 59, 59, tzinfo=clock.VIETNAM)
    assert kinds(market, end_of) == []
    for now, days, step in (
        (datetime(2027, 5, 2, tzinfo=clock.VIETNAM), 30, 30),
        (datetime(2027, 5, 24, 23, 59, 59, tzinfo=clock.VIETNAM), 8, 30),
        (datetime(2027, 5, 25, tzinfo=clock.VIETNAM), 7, 7),
        (datetime(2027, 5, 30, 23, 59, 59, tzinfo=clock.VIETNAM), 2, 7),
        (datetime(2027, 5, 31, tzinfo=clock.VIETNAM), 1, 1),
        (OVER - timedelta(seconds=1), 1, 1),
    ):
        [due] = told(market, now)
        assert (due.key, due.kind, due.facts["days"]) == (f"expiry:{contract.id}:{step}", "contract.expiring", days)
        assert set(due.org_ids) == {market.seller.org_id, market.buyer.org_id}
        assert due.path == f"/contracts/{contract.id}"


def test_after_the_last_day_that_is_told_and_the_duty_after_it(market: Market, people: People) -> None:
    contract, operator = market.active(), people.operator()
    assert kinds(market, OVER) == ["contract.expired"]
    assert kinds(market, moment(23, 6)) == []
    assert kinds(market, moment(24, 6)) == ["duty.due 7"]
    assert kinds(market, moment(30, 6, 23)) == ["duty.due 1"]
    late, above = told(market, moment(1, 7, 0))
    assert (late.kind, late.facts["days"], late.key) == ("duty.late", 1, f"duty:{contract.id}:late1")
    assert late.org_ids == (market.buyer.org_id, market.seller.org_id)
    assert (above.kind, above.org_ids) == ("duty.late", (operator.org_id,))
    assert above.path == f"/organisations/{market.buyer.org_id}"  # the contract's page is not found for an operator
    with market.database.reading() as session, pytest.raises(NotFound):
        standing.papers(session, operator, contract.id)
    assert told(market, moment(8, 7))[0].key.endswith("late7")
    assert told(market, moment(31, 7))[0].key.endswith("late30")
    assert kinds(market, datetime(2028, 1, 1, tzinfo=clock.VIETNAM)) == []  # old news


def test_what_was_ended_owes_from_its_end(market: Market) -> None:
    contract = market.active()
    market.do(agreements.end_contract, market.seller, contract.id, "breach", "Chia sẻ lại")  # 22 November 2026
    assert kinds(market, market.now + timedelta(days=23)) == []
    assert kinds(market, market.now + timedelta(days=24)) == ["duty.due 7"]
    assert kinds(market, market.now + timedelta(days=31)) == ["duty.late 1"]
    stated(market, contract)
    assert kinds(market, market.now + timedelta(days=31)) == []


def test_nothing_is_told_of_a_contract_that_lives_on_or_is_short(market: Market) -> None:
    old = market.active()
    concluded(market, proposed(market, old, kind="renewal"))
    assert "contract.expiring" not in " ".join(kinds(market, moment(20, 5)))
    short = market.agreed_on(starts=date(2026, 12, 1), ends=date(2026, 12, 7))
    market.signed(short, market.seller)
    market.signed(short, market.buyer)
    assert kinds(market, datetime(2026, 12, 1, tzinfo=clock.VIETNAM)) == []
    assert kinds(market, datetime(2026, 12, 7, tzinfo=clock.VIETNAM)) == ["contract.expiring 1"]


def test_an_open_proposal_does_not_silence_the_warnings(market: Market) -> None:
    old = market.active()
    market.now = moment(20, 5)
    market.do(successors.propose, market.buyer, old.id, successors.Proposal("renewal", {}))
    assert kinds(market, moment(25, 5)) == ["contract.expiring 7"]
