"""What-if: proposed terms are judged and compared before anything is sent; what parties add goes all the way."""

from typing import Any

from flask import Flask
from sqlmodel import select

from contracts.document import parse
from contracts.terms import Terms
from exchange.ledger.models import Entry
from exchange.negotiations import agreements, checking, service
from exchange.negotiations.models import Move, Negotiation
from tests.exchange.negotiations.market import Market, wish
from tests.exchange.negotiations.test_doors import REQUEST, Program, send
from tests.exchange.people import People


def ask(market: Market) -> dict[str, Any]:
    return REQUEST | {"listing_id": market.listing_id, "territory": ["VN"]}


def rows(market: Market) -> tuple[int, int]:
    with market.database.reading() as session:
        return len(session.exec(select(Negotiation)).all()), len(session.exec(select(Entry)).all())


def test_a_request_is_checked_without_a_trace(app: Flask, market: Market) -> None:
    market.publish(added_terms={"payment_days": 30, "vat": "included"})
    before = rows(market)
    buyer = Program(app, market, market.buyer)
    answer = buyer.post("/negotiations/terms/check", ask(market) | {"payment_days": 45, "incident_hours": 24})
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    assert found["problems"] == []
    assert (found["terms"]["payment_days"], found["terms"]["vat"]) == (45, "included")
    assert found["terms_hash"] == Terms.from_json(found["terms"]).hash
    assert [(change["clause"], change["field"]) for change in found["changes"]] == [
        (11, "payment_days"), (19, "incident_hours"),
    ]  # fmt: skip
    assert found["changes"][0]["for_you"].startswith("Tổ chức phải thanh toán trong 45 ngày")
    assert found["changes"][0]["for_other"].startswith("Bên mua phải thanh toán trong 45 ngày")
    assert rows(market) == before


def test_every_problem_is_told_with_what_would_pass(app: Flask, market: Market) -> None:
    buyer = Program(app, market, market.buyer)
    wrong = {"scenario": "", "penalty_percent": 9, "incident_hours": 100, "royalty_percent": 5, "ends": "2026-11-30"}
    found = buyer.post("/negotiations/terms/check", ask(market) | wrong).get_json()
    assert {(problem["code"], problem["field"]) for problem in found["problems"]} == {
        ("NO_SCENARIO", "scenario"), ("LIMIT_TOO_LARGE", "penalty_percent"), ("LIMIT_TOO_LARGE", "incident_hours"),
        ("NOT_IN_LICENCE", "royalty_percent"), ("ENDS_BEFORE_START", "ends"),
    }  # fmt: skip
    told = {problem["field"]: problem["message"] for problem in found["problems"]}
    assert "nhiều nhất là 8" in told["penalty_percent"]
    refused = buyer.post("/negotiations", ask(market) | wrong).get_json()
    assert {(e["code"], e["field"]) for e in refused["errors"]} == {
        (problem["code"], problem["field"]) for problem in found["problems"]
    }


def test_a_counter_offer_is_checked_by_its_side_only(app: Flask, market: Market, people: People) -> None:
    asked = market.requested()
    before = rows(market)
    seller, outsider = Program(app, market, market.seller), Program(app, market, people.stranger())
    path = f"/negotiations/{asked.id}/terms/check"
    found = seller.post(path, {"price_vnd": 7_000_000, "liability_cap_vnd": 10_000_000}).get_json()
    assert [change["field"] for change in found["changes"]] == ["price_vnd", "liability_cap_vnd"]
    assert found["changes"][0]["for_you"].startswith("Tổ chức nhận nhiều hơn")
    assert found["problems"] == []
    assert seller.post(path, {"deletion_days": 0}).get_json()["problems"][0]["code"] == "LIMIT_REFUSED"
    assert seller.post(path, {"discount": 1}).status_code == 422
    assert outsider.post(path, {"price_vnd": 1}).status_code == 404
    assert rows(market) == before


def test_what_a_side_adds_is_signed_and_what_it_takes_away_is_gone(market: Market) -> None:
    market.publish(added_terms={"payment_days": 30, "audit_days": 10})
    asked = market.requested(added={"payment_days": None, "acceptance_days": 5})
    changes = {"price_vnd": 7_000_000, "dispute_forum": "viac"}
    countered = market.do(service.counter, market.seller, asked.id, asked.terms_hash, changes)
    market.do(service.accept, market.buyer, asked.id, countered.terms_hash)
    contract = market.do(agreements.agree, market.seller, asked.id, countered.terms_hash)
    terms = parse(contract.payload).terms
    assert (terms.payment_days, terms.audit_days, terms.acceptance_days) == (None, 10, 5)
    assert (terms.dispute_forum, terms.price_vnd) == ("viac", 7_000_000)


def test_terms_of_a_move_made_before_the_additions_are_read_as_they_were(market: Market) -> None:
    asked = market.requested()
    with market.database.reading() as session:
        move = session.exec(select(Move).where(Move.negotiation_id == asked.id)).one()
        assert set(move.terms) == {
            *("licence", "purpose", "scenario", "territory", "starts", "ends", "exclusive", "onward_transfer"),
            *("ip_limits", "price_vnd", "max_deliveries", "max_queries", "min_group", "attribution"),
        }
        assert Terms.from_json(move.terms).hash == move.terms_hash


def test_nobody_else_checks(market: Market, people: People) -> None:
    with market.database.reading() as session:
        found = checking.check_request(session, market.seller, market.listing_id, wish(), market.now)
    assert [refusal.code for refusal in found.refusals] == ["OWN_LISTING"]


def test_the_pages_offer_more_terms_folded_away(market: Market, people: People) -> None:
    market.publish(added_terms={"payment_days": 30})
    buyer = people.browser(market.buyer)
    form = f"/listings/{market.listing_id}/request"
    page = buyer.get(form).text
    assert '<details class="section">' in page
    assert 'name="payment_days" type="text" value="30"' in page
    wrong = send(buyer, form, form, **REQUEST | {"penalty_percent": "9"})
    assert wrong.status_code == 422
    assert '<details class="section" open>' in wrong.text
    assert 'name="penalty_percent" type="text" value="9"' in wrong.text
    sent = send(buyer, form, form, **REQUEST | {"payment_days": "", "vat": "included"})
    assert sent.status_code == 303
    with market.database.reading() as session:
        terms = Terms.from_json(session.exec(select(Move)).one().terms)
    assert (terms.payment_days, terms.vat) == (None, "included")


def test_a_page_checks_a_request_and_keeps_what_was_typed(market: Market, people: People) -> None:
    market.publish(added_terms={"payment_days": 30})
    before, buyer = rows(market), people.browser(market.buyer, "en")
    form = f"/listings/{market.listing_id}/request"
    good = send(buyer, form, form, **REQUEST | {"payment_days": "15", "check": "1"})
    assert (good.status_code, "These terms can be sent as they are." in good.text) == (200, True)
    assert "The buyer must pay within 15 days" in good.text
    assert 'name="payment_days" type="text" value="15"' in good.text
    bad = send(buyer, form, form, **REQUEST | {"scenario": "", "penalty_percent": "9", "check": "1"})
    assert "These terms would be refused:" in bad.text
    assert "at most 8 is accepted" in bad.text
    assert rows(market) == before


def test_the_fold_leaves_out_what_the_licence_has_no_use_for(market: Market, people: People) -> None:
    page = people.browser(market.buyer).get(f"/listings/{market.listing_id}/request").text
    assert 'name="acceptance_days"' in page
    assert not [name for name in ("max_hours", "royalty_percent", "report_days") if f'name="{name}"' in page]
