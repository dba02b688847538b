"""The contract's PDF at its doors: who gets it, what it is, and an exchange without the packages for it."""

import sys
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader

from exchange.negotiations import paper
from tests.exchange.negotiations.market import Market
from tests.exchange.negotiations.test_doors import Program
from tests.exchange.people import People


def test_both_parties_get_the_same_file_at_both_doors(app: Flask, market: Market, people: People) -> None:
    contract = market.agreed()
    page = people.browser(market.buyer).get(f"/contracts/{contract.id}/contract.pdf")
    api = Program(app, market, market.seller).get(f"/contracts/{contract.id}/contract.pdf")
    assert page.status_code == api.status_code == 200
    assert page.data == api.data
    assert PdfReader(BytesIO(page.data)).attachments["contract.json"] == [contract.payload]
    for answer in (page, api):
        assert answer.mimetype == "application/pdf"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{contract.id}.pdf"'


def test_the_contracts_page_leads_to_it(market: Market, people: People) -> None:
    contract = market.agreed()
    shown = people.browser(market.buyer).get(f"/contracts/{contract.id}").text
    assert f"/contracts/{contract.id}/contract.pdf" in shown


def test_a_stranger_does_not_learn_that_it_exists(app: Flask, market: Market, people: People) -> None:
    contract, stranger = market.agreed(), people.stranger()
    assert people.browser(stranger).get(f"/contracts/{contract.id}/contract.pdf").status_code == 404
    assert Program(app, market, stranger).get(f"/contracts/{contract.id}/contract.pdf").status_code == 404


def test_an_official_needs_a_warrant(market: Market, people: People) -> None:
    contract = market.agreed()
    refused = people.browser(people.regulator()).get(f"/contracts/{contract.id}/contract.pdf")
    assert (refused.status_code, "WARRANT_NEEDED" in refused.text) == (403, True)


def test_without_the_packages_the_exchange_says_so(app: Flask, market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = market.agreed()
    paper.pdf_of.cache_clear()
    for name in ("contracts.page", "contracts.sheets"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.delattr(name, raising=False)
    monkeypatch.setitem(sys.modules, "fpdf", None)  # as where it is not installed
    answer = Program(app, market, market.seller).get(f"/contracts/{contract.id}/contract.pdf")
    assert (answer.status_code, answer.get_json()["code"]) == (501, "PAPER_UNAVAILABLE")
