"""Both parties sign one PDF by certificate: it puts the contract in force, its evidence holds, added pages do not pass."""

from base64 import b64encode

import pytest

from contracts import cades, evidence, pades
from exchange.db import Database
from exchange.errors import Refused
from exchange.negotiations import agreements, paper
from exchange.negotiations.models import Contract
from exchange.oversight import evidence as bundles
from tests.contracts.authority import Certified
from tests.contracts.test_pades import cover, saved_anew, updated
from tests.exchange.negotiations.market import Market
from tests.exchange.negotiations.test_certificates import Certifying


@pytest.fixture
def certifying(market: Market, database: Database) -> Certifying:
    return Certifying(market, database)


def handed(pdf: bytes) -> dict[str, str]:
    return {"form": "pades", "file": b64encode(pdf).decode()}


def signed(market: Market, pdf: bytes, who: Certified) -> bytes:
    return pades.sign(pdf, who.chain, cades.local(who.key), now=market.now)


def test_one_pdf_signed_by_both_puts_the_contract_in_force(
    certifying: Certifying,
    database: Database,
) -> None:
    market = certifying.market
    buyer, seller = certifying.signer(market.buyer), certifying.signer(market.seller, alg="RS256")
    certifying.register(market.buyer, buyer)
    certifying.register(market.seller, seller)
    contract = market.agreed()
    once = signed(market, paper.pdf_of(contract.payload), buyer)
    market.do(agreements.sign, market.buyer, contract.id, handed(once))
    with pytest.raises(Refused):  # it holds the buyer's signature only
        market.do(agreements.sign, market.seller, contract.id, handed(once))
    market.do(agreements.sign, market.seller, contract.id, handed(signed(market, once, seller)))
    market.sequencer.run_once()
    with database.reading() as session:
        assert session.get_one(Contract, contract.id).active_event
        made = bundles.bundle_of(session, contract.id)
    report = evidence.check_bytes(made.data, roots=(certifying.root.der,))
    assert report.ok, report.lines[-1]


def test_a_pdf_that_shows_something_else_is_refused_at_the_door(certifying: Certifying) -> None:
    market, buyer = certifying.market, certifying.signer(certifying.market.buyer)
    certifying.register(market.buyer, buyer)
    contract = market.agreed()
    ours = paper.pdf_of(contract.payload)
    for other in (updated(ours, cover), saved_anew(ours)):
        assert pades.attached(other) == contract.payload
        with pytest.raises(Refused) as refused:
            market.do(agreements.sign, market.buyer, contract.id, handed(signed(market, other, buyer)))
        assert refused.value.code == "PDF_OTHER_PAGES"
