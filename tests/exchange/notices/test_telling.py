"""Who is told of what: those who may act on it, on the other side, in the same transaction; deny by default."""

import json

import pytest
from sqlmodel import select

from contracts.log.events import EventType
from exchange import audit
from exchange.accounts import keys
from exchange.accounts.models import Membership, SigningKey
from exchange.catalogue.models import Listing, ListingVersion
from exchange.db import Database
from exchange.negotiations import agreements, approvals, service
from exchange.notices import saying, words
from exchange.notices.models import MailChoice, Notice
from exchange.oversight import warrants
from exchange.permissions import OrgKind, Permission, Role, roles_with
from tests.exchange.negotiations.market import Market, wish
from tests.exchange.notices.conftest import Colleague, Told
from tests.exchange.oversight.conftest import MANDATE
from tests.exchange.people import People


def kinds(notices: list[Notice]) -> list[str]:
    return [notice.kind for notice in notices]


def test_a_request_is_told_to_whoever_may_answer_and_to_nobody_else(
    market: Market, colleague: Colleague, told: Told
) -> None:
    publisher = colleague(market.seller, Role.PUBLISHER, Role.SIGNER)  # two roles, one notice
    finance = colleague(market.seller, Role.FINANCE)
    mate = colleague(market.buyer, Role.OWNER)
    negotiation = market.requested()
    for person in (market.seller, publisher):
        [notice] = told(person)
        assert (notice.kind, notice.path) == ("access.requested", f"/negotiations/{negotiation.id}")
        assert notice.read_at is None
        assert notice.mail == "waiting"
    assert told(finance) == told(mate) == told(market.buyer) == []
    assert len(told()) == 2


def test_what_is_rolled_back_is_told_to_nobody(market: Market, database: Database, told: Told) -> None:
    with database.writing() as session:
        service.request_access(session, market.buyer, market.listing_id, wish(), market.now)
        assert session.exec(select(Notice)).all() != []
        session.rollback()
    assert told() == []


def test_a_whole_deal_is_told_to_both_sides(market: Market, told: Told) -> None:
    negotiation = market.requested()
    contract = market.do(agreements.agree, market.seller, negotiation.id, negotiation.terms_hash)
    market.signed(contract, market.seller)
    market.signed(contract, market.buyer)
    market.do(agreements.end_contract, market.buyer, contract.id, "breach", "Dữ liệu sai, giá 5.000.000 ₫ quá cao")
    assert sorted(kinds(told(market.seller))) == sorted(
        ["access.requested", "contract.signed", "contract.active", "contract.ended"]
    )
    assert sorted(kinds(told(market.buyer))) == sorted(["contract.agreed", "contract.signed", "contract.active"])
    for notice in told():
        assert set(notice.facts) <= {"listing", "negotiation", "contract", "by"}  # ids: no price, no reason
        assert "5.000.000" not in json.dumps(notice.facts)
        assert all(len(value) == 26 for value in notice.facts.values())


def test_a_contract_given_up_unsigned_is_told_once(market: Market, told: Told) -> None:
    contract = market.agreed()
    market.do(service.terminate, market.seller, contract.negotiation_id, "other", "Đổi ý")
    assert kinds(told(market.buyer)) == ["contract.agreed", "negotiation.terminated"]


def test_a_lapse_is_told_by_the_clock_and_not_again_by_its_record() -> None:
    assert words.kind_of("negotiation.terminated", {"reason": "lapsed"}) is None
    assert words.kind_of("negotiation.terminated", {"reason": "price"}) == "negotiation.terminated"


def test_whoever_must_approve_hears_of_the_terms(
    market: Market, colleague: Colleague, told: Told, database: Database
) -> None:
    finance = colleague(market.seller, Role.FINANCE)
    market.do(approvals.set_rule, market.seller, "finance", False)
    negotiation = market.requested()
    assert kinds(told(finance)) == ["access.requested"]
    market.do(approvals.approve, finance, negotiation.id, "terms", negotiation.terms_hash)
    assert kinds(told(market.seller)) == ["access.requested", "approval.given:terms"]
    assert told(market.buyer) == []


def test_an_organisation_hears_of_its_own_keys_but_not_who_acted(
    market: Market, colleague: Colleague, told: Told, database: Database
) -> None:
    signer, analyst = colleague(market.buyer, Role.SIGNER), colleague(market.buyer, Role.ANALYST)
    with database.reading() as session:
        [key] = session.exec(select(SigningKey).where(SigningKey.org_id == market.buyer.org_id)).all()
    market.do(keys.revoke_key, signer, key.id)
    assert kinds(told(market.buyer)) == ["key.revoked"]
    assert told(signer) == told(analyst) == told(market.seller) == []


def test_the_operator_hears_what_waits_for_it(
    market: Market, people: People, colleague: Colleague, told: Told, database: Database
) -> None:
    operator = people.operator()
    moderator = colleague(operator, Role.ANALYST)
    with database.writing() as session:
        audit.record(
            session, "listing.submitted", market.seller, now=market.now,
            on=[f"listing:{market.listing_id}", f"org:{market.seller.org_id}"],
        )  # fmt: skip
        audit.record(
            session, "listing.returned", operator, now=market.now,
            on=[f"listing:{market.listing_id}", f"org:{market.seller.org_id}"],
        )  # fmt: skip
        session.commit()
    assert kinds(told(operator)) == kinds(told(moderator)) == ["listing.submitted"]
    assert kinds(told(market.seller)) == ["listing.returned"]


def test_an_officials_look_announces_itself_to_nobody(market: Market, people: People, told: Told) -> None:
    market.do(lambda session, now: warrants.open_warrant(session, people.regulator(), MANDATE, now))
    market.do(
        lambda session, now: warrants.look(
            session, people.regulator(), "contract", [f"org:{market.seller.org_id}"], now, ""
        )
    )
    assert told() == []


@pytest.mark.parametrize("event", ["audit.looked", "query.run", "evidence.exported", "warrant.opened", "anchor.made"])
def test_an_event_without_a_sentence_tells_nothing(event: str) -> None:
    assert words.kind_of(event, {}) is None


def test_a_change_of_an_account_that_has_no_sentence_tells_nothing() -> None:
    assert words.kind_of("account.changed", {"change": "something-new"}) is None
    assert words.kind_of("account.changed", {"change": "roles"}) == "account.changed:roles"


def test_somebody_in_both_organisations_is_told_by_each(
    market: Market, people: People, told: Told, database: Database
) -> None:
    both = people.stranger()
    with database.writing() as session:
        session.add_all(
            Membership(user_id=both.user_id, org_id=org, role=Role.OWNER)
            for org in (market.seller.org_id, market.buyer.org_id)
        )
        session.commit()
    contract = market.active()
    mine = [notice for notice in told() if notice.user_id == both.user_id and notice.kind == "contract.active"]
    assert {notice.org_id for notice in mine} == {market.seller.org_id, market.buyer.org_id}
    assert {notice.facts["contract"] for notice in mine} == {contract.id}


def test_no_mail_waits_for_whoever_wants_none_of_the_group(market: Market, told: Told, database: Database) -> None:
    with database.writing() as session:
        session.add(MailChoice(user_id=str(market.seller.user_id), topic="negotiation", wanted=False))
        session.add(MailChoice(user_id=str(market.seller.user_id), topic="contract", wanted=True))
        session.commit()
    market.active()
    states = {notice.kind: notice.mail for notice in told(market.seller)}
    assert states["access.requested"] == "none"
    assert states["contract.active"] == "waiting"


def test_the_sentence_is_found_when_it_is_read(market: Market, told: Told, database: Database) -> None:
    market.requested()
    [notice] = told(market.seller)

    def read(lang: str) -> str:
        with database.reading() as session:
            return saying.say(notice, saying.listing_names(session, [notice], lang), lang)

    assert read("vi") == "Có yêu cầu về “Chuyến bay New York 2013” đang chờ quý vị trả lời."
    assert read("en") == "Somebody asks for “New York flights 2013” and waits for your answer."
    with database.writing() as session:
        [version] = session.exec(select(ListingVersion)).all()
        version.name = "Tên\r\nBcc: ai@example.vn\u202e" + "dài " * 40
        session.commit()
    line = read("vi")
    assert line.isprintable()
    assert len(line) < 200


def test_names_are_those_that_the_catalogue_shows(market: Market, told: Told, database: Database) -> None:
    market.requested()
    with database.writing() as session:
        listing = session.get_one(Listing, market.listing_id)
        [first] = session.exec(select(ListingVersion)).all()
        row = first.model_dump(exclude={"id"}) | {"number": 2, "name": "Phiên bản chưa duyệt", "name_en": None}
        session.add(ListingVersion(**row))
        session.flush()
        listing.pending_version = 2
        session.commit()
        names = saying.listing_names(session, told(market.seller), "vi")
    assert names == {market.listing_id: "Chuyến bay New York 2013"}


def test_every_kind_can_be_told_to_somebody_in_both_languages() -> None:
    for kind, how in (words.TOLD | words.DUE).items():
        assert any(roles_with(org, permission) for org in OrgKind for permission in how.to), kind
        facts = {"listing": "l", "contract": "0123456789abc", "day": "2026-11-29", "ends": "2026-11-29",
                 "due": "2026-11-29", "hours": 6}  # fmt: skip
        notice = Notice(kind=kind, facts=facts)
        said = {lang: saying.say(notice, {"l": "Lúa"}, lang) for lang in ("vi", "en")}
        assert said["vi"] != said["en"]
        assert all("%" not in line and "…" not in line and line.isprintable() for line in said.values()), kind


def test_every_kind_comes_from_an_event_that_there_is() -> None:
    assert {kind.partition(":")[0] for kind in words.TOLD} <= set(EventType)
    assert not {event for event in EventType if event.startswith(("audit.", "warrant."))} & set(words.TOLD)


def test_a_kind_of_a_later_version_is_named() -> None:
    assert saying.say(Notice(kind="moon.risen", facts={}), {}, "vi") == "moon.risen"


def test_a_record_that_lacks_the_page_s_id_still_tells(market: Market, told: Told, database: Database) -> None:
    with database.writing() as session:
        audit.record(session, "contract.signed", None, on=[f"org:{market.seller.org_id}"], now=market.now,
                     hashes={"contract": "sha-256:" + "A" * 43, "signature": "sha-256:" + "A" * 43})  # fmt: skip
        session.commit()
    [notice] = told(market.seller)
    assert notice.path == "/notices"


def test_nobody_is_told_by_a_permission_they_lack() -> None:
    assert roles_with(OrgKind.MEMBER, Permission.SIGN) == {Role.OWNER, Role.SIGNER}
    assert roles_with(OrgKind.MEMBER, Permission.MODERATE) == frozenset()
