"""Signing, being in force, ending: what counts, what is refused with which code, and what the log then proves."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from contracts import canonical, document, signature
from contracts.log.proof import check_proof
from contracts.log.story import Placed, check_order
from contracts.negotiation import Act, State
from contracts.standing import Standing
from exchange import clock
from exchange.accounts.models import SigningKey
from exchange.db import Database
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger import service as ledger
from exchange.ledger.models import Outbox
from exchange.negotiations import agreements, moves, service, standing
from exchange.negotiations.models import Contract, ContractSignature, Negotiation
from exchange.permissions import Role as StaffRole
from tests.exchange.negotiations.market import Market
from tests.exchange.negotiations.test_negotiating import together
from tests.exchange.people import People

START = datetime(2026, 12, 1, tzinfo=clock.VIETNAM)


def test_both_signatures_in_either_order_put_the_contract_in_force(market: Market, reading: Session) -> None:
    contract = market.agreed()
    market.signed(contract, market.buyer)
    assert reading.get_one(Negotiation, contract.negotiation_id).state == State.VERIFIED
    reading.rollback()
    market.signed(contract, market.seller)
    row = reading.get_one(Contract, contract.id, populate_existing=True)
    negotiation = reading.get_one(Negotiation, contract.negotiation_id, populate_existing=True)
    assert negotiation.state == State.FINALIZED
    assert standing.standing_of(reading, row, START - timedelta(seconds=1)) is Standing.UPCOMING
    assert standing.standing_of(reading, row, START) is Standing.ACTIVE
    assert standing.may(reading, row, document.parse(row.payload), "deliver", START) is None
    spent = standing.may(reading, row, document.parse(row.payload), "deliver", START, deliveries=3)
    assert spent is not None
    assert spent.code == "DELIVERIES_SPENT"
    assert standing.standing_of(reading, row, datetime(2027, 6, 1, tzinfo=clock.VIETNAM)) is Standing.EXPIRED


def test_the_seller_may_sign_first(market: Market, reading: Session) -> None:
    contract = market.active()
    acts = [move.act for move in moves.moves_of(reading, contract.negotiation_id)]
    assert acts == [Act.REQUEST, Act.AGREE, Act.VERIFY, Act.FINALIZE]


def test_in_force_only_once_its_record_is_under_a_signed_head(market: Market, database: Database) -> None:
    contract = market.agreed()
    market.signed(contract, market.buyer)
    with database.writing() as session:
        agreements.sign(session, market.seller, contract.id, market.entry(contract, market.seller), market.now)
        session.commit()
    with database.reading() as session:
        row = session.get_one(Contract, contract.id)
        assert standing.standing_of(session, row, START) is Standing.UNLOGGED
        refused = standing.may(session, row, document.parse(row.payload), "deliver", START)
        assert refused is not None
        assert refused.code == "CONTRACT_UNLOGGED"
    market.sequencer.run_once()
    with database.reading() as session:
        assert standing.standing_of(session, row, START) is Standing.ACTIVE


def test_the_receipts_prove_the_whole_story(market: Market, reading: Session) -> None:
    contract = market.active()
    market.do(agreements.end_contract, market.buyer, contract.id, "fulfilled", "Đã xong")
    papers = standing.papers(reading, market.buyer, contract.id)
    receipts = standing.receipts_of(reading, papers, market.buyer)
    assert [r.event for r in receipts] == [
        "contract.agreed", "contract.signed", "contract.signed", "contract.active", "contract.ended",
    ]  # fmt: skip
    for receipt in receipts:
        assert receipt.proof is not None
        record = ledger.record_of(reading, receipt.event_id)
        opened = check_proof(receipt.proof, record.data, ledger.verifiers(reading))
        assert (opened.checkpoint.root, opened.checkpoint.size) == (receipt.root, receipt.size)
        assert record.leaf.h["contract"] == canonical.sha256_b64url(papers.row.payload)
    story = [Placed(r.index, r.leaf) for r in ledger.story(reading, [f"contract:{contract.id}"])]
    check_order(story, f"contract:{contract.id}", papers.row.sha256, frozenset(papers.document.needs))
    signers = signature.check_all(standing.signed_document(papers))
    assert {info.org_id for info in signers} == {market.buyer.org_id, market.seller.org_id}


def test_the_document_names_keys_head_and_file(market: Market, reading: Session) -> None:
    contract = market.agreed()
    drawn = standing.papers(reading, market.seller, contract.id).document
    for actor, role in ((market.seller, "provider"), (market.buyer, "consumer")):
        mine = signature.thumbprint(signature.public_jwk(market.keys[actor.org_id]))
        assert drawn.party(role).keys == (mine,)
    assert drawn.log is not None
    assert drawn.log.size == 1  # the request was in the tree when the contract was drawn up
    assert drawn.assets[0].rows == 336_776


Spoil = Callable[[Market, Contract], Any]


def _changed_byte(market: Market, contract: Contract) -> Any:
    changed = contract.payload.replace(b'"amount":5000000', b'"amount":4000000')
    assert changed != contract.payload
    return signature.sign(changed, market.keys[market.buyer.org_id], now=market.now)


def _changed_payload(market: Market, contract: Contract) -> Any:
    entry = market.entry(contract, market.buyer)
    return entry | {"payload": canonical.b64url(contract.payload.replace(b"5000000", b"4000000"))}


def _unknown_key(market: Market, contract: Contract) -> Any:
    return signature.sign(contract.payload, signature.generate(), now=market.now)


def _late_key(market: Market, contract: Contract) -> Any:
    return signature.sign(contract.payload, market.add_key(market.buyer), now=market.now)


def _other_sides(market: Market, contract: Contract) -> Any:
    return market.entry(contract, market.seller)


def _revoked_key(market: Market, contract: Contract) -> Any:
    with market.database.writing() as session:
        key = session.exec(select(SigningKey).where(SigningKey.org_id == market.buyer.org_id)).one()
        key.revoked_at = market.now
        session.commit()
    return market.entry(contract, market.buyer)


def _future(market: Market, contract: Contract) -> Any:
    key = market.keys[market.buyer.org_id]
    return signature.sign(contract.payload, key, now=market.now + timedelta(hours=1))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_changed_byte, "SIGNATURE_INVALID"),
        (_changed_payload, "PAYLOAD_CHANGED"),
        (_unknown_key, "KEY_UNKNOWN"),
        (_late_key, "KEY_UNKNOWN"),
        (_other_sides, "KEY_UNKNOWN"),
        (_revoked_key, "KEY_REVOKED"),
        (_future, "SIGNED_IN_FUTURE"),
        (lambda m, c: None, "SIGNATURE_MALFORMED"),
        (lambda m, c: [], "SIGNATURE_MALFORMED"),
        (lambda m, c: market_entry_with(m, c, header={}), "SIGNATURE_MALFORMED"),
    ],
)
def test_a_bad_signature_is_refused_and_leaves_nothing(market: Market, spoil: Spoil, code: str) -> None:
    contract = market.agreed()
    entry = spoil(market, contract)
    with market.database.writing() as session:
        with pytest.raises(Refused) as refused:
            agreements.sign(session, market.buyer, contract.id, entry, market.now)
        session.commit()  # even then
    assert refused.value.code == code
    with market.database.reading() as session:
        assert session.exec(select(ContractSignature)).all() == []
        assert session.exec(select(Outbox)).all() == []
        assert session.get_one(Negotiation, contract.negotiation_id).state == State.AGREED


def market_entry_with(market: Market, contract: Contract, **more: Any) -> Any:
    return market.entry(contract, market.buyer) | more


def test_a_doubled_signature_counts_once(market: Market) -> None:
    contract = market.agreed()
    market.signed(contract, market.buyer)
    for again in (market.entry(contract, market.buyer), market.entry(contract, market.buyer)):
        with pytest.raises(Refused) as refused:
            market.do(agreements.sign, market.buyer, contract.id, again)
        assert (refused.value.code, refused.value.status) == ("SIGNATURE_REPEATED", 409)


def test_a_signature_of_another_contract_cannot_be_replayed(market: Market) -> None:
    first = market.active()
    second = market.agreed()
    with market.database.reading() as session:
        stored = standing.signatures_of(session, first.id)
    old = next(entry for entry in stored if entry.org_id == market.buyer.org_id)
    with pytest.raises(Refused) as refused:
        market.do(agreements.sign, market.buyer, second.id, old.entry)
    assert refused.value.code == "SIGNATURE_INVALID"


def test_who_is_not_a_party_cannot_sign(market: Market, people: People) -> None:
    contract = market.agreed()
    stranger = people.stranger()
    market.add_key(stranger)
    with pytest.raises(Refused) as refused:
        market.do(agreements.sign, stranger, contract.id, market.entry(contract, stranger))
    assert (refused.value.code, refused.value.status) == ("SIGNER_NOT_PARTY", 403)
    analyst = people.make("analyst", market.buyer.kind, StaffRole.ANALYST)
    with pytest.raises(NotPermitted):
        market.do(agreements.sign, analyst, contract.id, {})
    with pytest.raises(NotFound):
        market.do(agreements.sign, market.buyer, "nothing", {})


def test_two_signatures_at_once_make_one(market: Market) -> None:
    contract = market.agreed()
    market.signed(contract, market.seller)
    entry = market.entry(contract, market.buyer)
    outcomes = together(*[lambda: market.do(agreements.sign, market.buyer, contract.id, entry)] * 3)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert {error.code for error in refused} == {"SIGNATURE_REPEATED"}, outcomes
    assert len(refused) == 2
    with market.database.reading() as session:
        assert len(standing.signatures_of(session, contract.id)) == 2


def test_a_negotiation_given_up_before_signing_voids_its_contract(market: Market, reading: Session) -> None:
    contract = market.agreed()
    market.do(service.terminate, market.buyer, contract.negotiation_id, "no-need", "Đổi ý")
    assert reading.get_one(Contract, contract.id).end_code == "unsigned"
    with pytest.raises(Refused) as refused:
        market.signed(contract, market.buyer)
    assert (refused.value.code, refused.value.status) == ("NOT_SIGNABLE", 409)


def test_nothing_is_signed_while_the_listing_is_suspended_or_the_deadline_has_passed(market: Market) -> None:
    contract = market.agreed()
    market.set_state("suspended")
    with pytest.raises(Refused) as refused:
        market.signed(contract, market.buyer)
    assert refused.value.code == "LISTING_SUSPENDED"
    market.set_state("published")
    market.now += timedelta(days=47)
    with pytest.raises(Refused) as late:
        market.signed(contract, market.buyer)
    assert late.value.code == "DEADLINE_PASSED"


def test_suspending_a_listing_suspends_what_is_in_force(market: Market, reading: Session) -> None:
    contract = market.active()
    market.set_state("suspended")
    assert standing.standing_of(reading, contract, START) is Standing.SUSPENDED


def test_ending_a_contract(market: Market, people: People, reading: Session) -> None:
    drawn = market.agreed()
    with pytest.raises(Refused) as early:
        market.do(agreements.end_contract, market.buyer, drawn.id, "other", "Sớm quá")
    assert early.value.code == "CONTRACT_NOT_ACTIVE"
    market.signed(drawn, market.seller)
    market.signed(drawn, market.buyer)
    with pytest.raises(NotFound):
        market.do(agreements.end_contract, people.stranger(), drawn.id, "other", "Không liên quan")
    for code, reason, refused_as in (("unsigned", "x", "END_CODE_UNKNOWN"), ("breach", " ", "REASON_MISSING")):
        with pytest.raises(Refused) as refused:
            market.do(agreements.end_contract, market.buyer, drawn.id, code, reason)
        assert refused.value.code == refused_as
    ended = market.do(agreements.end_contract, market.seller, drawn.id, "breach", "Chuyển dữ liệu cho bên thứ ba")
    assert standing.standing_of(reading, ended, START) is Standing.ENDED
    denied = standing.may(reading, ended, document.parse(ended.payload), "deliver", START)
    assert denied is not None
    assert denied.code == "CONTRACT_ENDED"
    with pytest.raises(Refused) as again:
        market.do(agreements.end_contract, market.buyer, drawn.id, "other", "Lần nữa")
    assert again.value.code == "CONTRACT_ENDED"


def test_a_contract_whose_term_is_over_cannot_be_ended(market: Market) -> None:
    contract = market.active()
    market.now = datetime(2027, 6, 1, 0, 0, tzinfo=clock.VIETNAM)
    with pytest.raises(Refused) as refused:
        market.do(agreements.end_contract, market.buyer, contract.id, "other", "Muộn")
    assert refused.value.code == "CONTRACT_EXPIRED"


def test_only_parties_and_the_regulator_read_a_contract(market: Market, people: People, reading: Session) -> None:
    contract = market.agreed()
    for outsider in (people.stranger(), people.operator()):
        with pytest.raises(NotFound):
            standing.papers(reading, outsider, contract.id)
        assert standing.contracts_of(reading, outsider) == []
    assert standing.papers(reading, people.regulator(), contract.id).role is None
    assert [row.id for row in standing.contracts_of(reading, market.buyer)] == [contract.id]
