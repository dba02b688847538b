"""A listing's life: draft, submission, decision, versions, withdrawal, suspension; who may do what; what is logged."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from contracts.log import leaf
from exchange.catalogue import moderation, search, service
from exchange.catalogue.models import Listing, ListingVersion, ModerationDecision
from exchange.errors import NotFound, NotPermitted, NotSignedIn, Refused
from exchange.ledger.models import Outbox
from exchange.permissions import Actor, OrgKind, Role
from tests.exchange.catalogue.conftest import COMPLETE, PROFILE
from tests.exchange.people import People

Maker = Callable[..., Listing]


def logged(session: Session) -> list[leaf.Leaf]:
    rows = session.exec(select(Outbox).order_by(Outbox.id)).all()  # type: ignore[arg-type]
    return [leaf.parse(row.leaf) for row in rows]


def test_submission_and_approval_are_logged_with_recomputable_digests(on_show: Maker, session: Session) -> None:
    listing = on_show()
    version = service.the_version(session, listing.id, 1)
    asset = service.published(session, listing.id).asset
    events = logged(session)
    assert [event.type for event in events] == ["listing.submitted", "listing.published"]
    assert all(event.h == {"listing": version.digest, "file": asset.digest} for event in events)
    assert events[0].on == (f"listing:{listing.id}", f"org:{listing.org_id}")


def test_an_incomplete_draft_is_kept(draft: Maker, session: Session, people: People, now: datetime) -> None:
    listing = draft(purpose=None, price_vnd=None)
    with pytest.raises(Refused) as refused:
        service.submit(session, people.provider(), listing.id, now)
    assert {r.code for r in refused.value.refusals} == {"OFFER_INCOMPLETE:purpose", "PRICE_NOT_PUBLISHED"}
    session.rollback()
    kept = session.get_one(Listing, listing.id)
    assert kept.state == "draft"
    assert kept.draft["name"] == COMPLETE["name"]
    assert logged(session) == []


def test_nothing_is_submitted_twice(draft: Maker, session: Session, people: People, now: datetime) -> None:
    listing = draft()
    service.submit(session, people.provider(), listing.id, now)
    with pytest.raises(Refused, match="ALREADY_SUBMITTED"):
        service.submit(session, people.provider(), listing.id, now)


def test_returned_with_a_reason(draft: Maker, session: Session, people: People, now: datetime) -> None:
    seller, operator = people.provider(), people.operator()
    listing = draft()
    service.submit(session, seller, listing.id, now)
    with pytest.raises(Refused, match="REASON_MISSING"):
        moderation.send_back(session, operator, listing.id, "  ", now)
    moderation.send_back(session, operator, listing.id, "Thiếu nguồn", now)
    assert listing.state == "returned"
    decision = service.last_decision(session, listing.id)
    assert decision is not None
    assert decision.reason == "Thiếu nguồn"
    assert service.submit(session, seller, listing.id, now).number == 2


def test_approval_needs_the_reviewers_sign_off(draft: Maker, session: Session, people: People, now: datetime) -> None:
    operator = people.operator()
    listing = draft()
    service.submit(session, people.provider(), listing.id, now)
    with pytest.raises(Refused, match="PERSONAL_DATA_NOT_REVIEWED"):
        moderation.approve(session, operator, listing.id, personal_data_checked=False, now=now)
    assert session.get_one(Listing, listing.id).state == "submitted"


def test_the_published_version_stays_until_the_next_is_approved(
    on_show: Maker, session: Session, people: People, now: datetime
) -> None:
    listing = on_show()
    seller, operator = people.provider(), people.operator()
    service.save_draft(session, seller, listing.id, {"name": "Tên mới", "price_vnd": 1}, now)
    service.submit(session, seller, listing.id, now)
    assert service.published(session, listing.id).version.name == COMPLETE["name"]
    moderation.approve(session, operator, listing.id, personal_data_checked=True, now=now)
    assert service.published(session, listing.id).version.name == "Tên mới"
    assert [v.number for v in service.published_versions(session, listing.id)] == [2, 1]
    assert service.the_version(session, listing.id, 1).price_vnd == COMPLETE["price_vnd"]


def test_a_new_file_leaves_the_published_one(on_show: Maker, session: Session, people: People, now: datetime) -> None:
    listing = on_show()
    before = service.published(session, listing.id).asset.id
    attached = service.attach_file(
        session, people.provider(), listing.id, file_name="b.csv", file_key="assets/b", size=1, sha256="cd" * 32,
        profile=replace(PROFILE, rows=9), now=now,
    )  # fmt: skip
    assert attached.stale_keys == ()
    assert service.published(session, listing.id).asset.id == before


def test_withdrawn_and_suspended_listings_leave_the_catalogue(
    on_show: Maker, session: Session, people: People, now: datetime
) -> None:
    seller, operator = people.provider(), people.operator()
    one, other = on_show(), on_show()
    service.withdraw(session, seller, one.id, now)
    moderation.suspend(session, operator, other.id, "Khiếu nại", now)
    assert search.find(session, search.Query()).total == 0
    for listing in (one, other):
        with pytest.raises(NotFound):
            service.published(session, listing.id)
        with pytest.raises(NotFound):
            service.for_reader(session, None, listing.id)
        assert service.for_reader(session, seller, listing.id).version.number == 1
    with pytest.raises(Refused, match="LISTING_SUSPENDED"):
        service.submit(session, seller, other.id, now)
    moderation.resume(session, operator, other.id, "Đã giải quyết", now)
    assert search.find(session, search.Query()).total == 1
    assert [event.type for event in logged(session)][-3:] == ["listing.withdrawn", "listing.changed", "listing.changed"]


def test_who_may_do_what(draft: Maker, session: Session, people: People, now: datetime) -> None:
    seller, stranger, operator, regulator = (
        people.provider(), people.stranger(), people.operator(), people.regulator(),
    )  # fmt: skip
    analyst = Actor("u", seller.org_id, OrgKind.MEMBER, frozenset({Role.ANALYST}))
    program = Actor(None, seller.org_id, OrgKind.MEMBER, frozenset({Role.OWNER}), frozenset({"query"}))
    listing = draft()
    for actor in (operator, regulator, analyst, program):
        with pytest.raises(NotPermitted):
            service.save_draft(session, actor, listing.id, {}, now)
    with pytest.raises(NotSignedIn):
        service.start_draft(session, None, {}, now)
    with pytest.raises(NotFound):
        service.submit(session, stranger, listing.id, now)
    for actor in (seller, regulator):
        with pytest.raises(NotPermitted):
            moderation.queue(session, actor)
        with pytest.raises(NotPermitted):
            moderation.approve(session, actor, listing.id, personal_data_checked=True, now=now)


def test_the_database_holds_its_own_invariants(on_show: Maker, session: Session, people: People, now: datetime) -> None:
    listing = on_show()
    version = service.the_version(session, listing.id, 1)
    fields = version.model_dump(exclude={"id"})
    for change in ({"price_vnd": -1}, {"classification": "CN1"}, {"licence": "L0"}, {"sector": "finance"}):
        session.add(ListingVersion(**{**fields, "number": 2, **change}))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
    listing.current_version = 7  # a version that does not exist
    with pytest.raises(IntegrityError):
        session.flush()


def test_one_decision_per_version(on_show: Maker, session: Session, people: People, now: datetime) -> None:
    listing = on_show()
    first = session.exec(select(ModerationDecision)).one()
    assert first.rule_results["X14"] == []
    session.add(ModerationDecision(**first.model_dump(exclude={"id"})))
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    assert listing.state == "published"


def test_strangers_see_no_row_and_no_text_value_of_paid_data(
    on_show: Maker, session: Session, client: FlaskClient
) -> None:
    shown = service.published(session, on_show().id)
    assert shown.version.licence != "L0"
    texts = [column for column in shown.asset.columns if column["type"] == "VARCHAR"]
    assert texts
    assert all(column["min"] is not None for column in texts)
    told = {column["name"]: column for column in service.public_columns(shown.asset, shown.version)}
    assert all(told[column["name"]]["min"] is None and told[column["name"]]["max"] is None for column in texts)
    session.commit()
    columns = client.get(f"/api/v1/listings/{shown.listing.id}").json["file"]["columns"]  # type: ignore[index]
    assert columns == list(told.values())
    page = client.get(f"/listings/{shown.listing.id}?lang=en").text
    assert "No rows are handed over before a contract is signed" in page
    cells = [cell for row in shown.asset.preview for cell in row if cell]
    assert cells
    assert not [cell for cell in cells if f"<td>{cell}</td>" in page]


def test_search_finds_words_filters_and_counts(on_show: Maker, session: Session) -> None:
    port = on_show(name="Đường biển và cảng")
    on_show(name="Giá gạo 100%_", name_en=None, sector="agriculture", price_vnd=5, summary="Gạo", content="Gạo",
            scope="Cần Thơ", items=[{"name": "gạo", "access": "open"}])  # fmt: skip

    def found(**asked: object) -> list[str]:
        return [hit.version.name for hit in search.find(session, search.Query(**asked)).hits]  # type: ignore[arg-type]

    assert found(words="duong BIEN") == ["Đường biển và cảng"]
    assert found(words="ĐƯỜNG biển") == ["Đường biển và cảng"]
    assert found(words="cong ty provider gao") == ["Giá gạo 100%_"]
    assert found(words="%") == found()
    assert found(sector="agriculture") == ["Giá gạo 100%_"]
    assert found(max_price=10) == ["Giá gạo 100%_"]
    assert found(free=True) == []
    assert found(sort="price")[0] == "Giá gạo 100%_"
    assert len(found(page=99)) == 2
    facets = search.find(session, search.Query(sector="agriculture")).facets
    assert facets["sector"] == {"agriculture": 1, "logistics": 1}
    assert facets["licence"] == {"L3": 1}
    assert port.state == "published"
