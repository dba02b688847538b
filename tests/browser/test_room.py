"""A provider sets the rules of a test room, a buyer works in it with the keyboard alone."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from exchange import clock
from exchange.accounts.models import Membership, Organisation, User
from exchange.catalogue.models import ListingVersion
from exchange.permissions import Actor
from exchange.trials import enrolments, service
from exchange.trials.service import Certificate
from tests.browser.conftest import Site
from tests.browser.reader import TIMEOUT, Reader
from tests.exchange.trials.place import sound
from tests.journeys import steps
from tests.journeys.words import vi

People = Callable[..., Reader]
WRONG = "SELECT manufacturer, max(seats) FROM data GROUP BY 1"


@pytest.fixture(scope="module")
def open_to_trial(site: Site, listed: str) -> str:
    """The listing with a certificate over its sector, the buyer enrolled."""
    today = clock.now().astimezone(clock.VIETNAM).date()
    with site.app.extensions["minhbach.database"].writing() as session:
        version = session.exec(select(ListingVersion).where(ListingVersion.listing_id == listed)).one()
        certificate = Certificate(
            cert_no="09/GCN", authority="UBND", valid_from=today, valid_to=today + timedelta(days=90), level=2,
            sectors=(version.sector,), classes=(version.classification,),
        )  # fmt: skip
        service.grant_trial(session, actor(session, "operator"), certificate, clock.now())
        enrolments.enrol(session, actor(session, "buyer"), "1", clock.now(), entity=sound())
        session.commit()
    return listed


def actor(session: Session, name: str) -> Actor:
    user = session.exec(select(User).where(User.email == steps.email_of(name))).one()
    seats = session.exec(select(Membership).where(Membership.user_id == user.id)).all()
    org = session.get_one(Organisation, seats[0].org_id)
    return Actor(user.id, org.id, org.kind, frozenset(seat.role for seat in seats), name=user.full_name)


def test_rules_are_designed_tried_and_published(person: People, open_to_trial: str) -> None:
    seller = person("provider").sign_in()
    seller.open(f"/listings/{open_to_trial}/test-room/rules")
    seller.fill({"min_group": "12"})
    seller.press(vi("Save and preview"))
    seller.press(vi("Try the question"))
    seller.look(again=True)
    seller.says(vi("Generated rows: this says nothing about the data."))
    seller.press(f"{vi('Publish as version %(number)s')} 1")
    seller.says(f"{vi('Version %(number)s in force')} 1")


def test_a_room_is_worked_with_the_keyboard_alone(person: People, open_to_trial: str) -> None:
    buyer = person("buyer").sign_in()
    buyer.open(f"/listings/{open_to_trial}/test-room")
    page = buyer.page
    tab_to(page, page.get_by_role("button", name=vi("Open the test room")))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    buyer.look()
    area, says = page.locator("textarea"), page.locator(".says")
    page.keyboard.press("Alt+1")
    expect(area).to_have_value(re.compile(r"SELECT COUNT\(\*\)"))
    expect(says).to_have_text(vi("This question passes the rules."), timeout=TIMEOUT)
    page.keyboard.press("Control+A")
    page.keyboard.type(WRONG)
    expect(says).to_contain_text(vi("The nearest question that is allowed:"), timeout=TIMEOUT)
    buyer.look(again=True)
    page.keyboard.press("F8")
    assert area.evaluate("a => a.value.slice(a.selectionStart, a.selectionEnd)") == "seats"
    page.keyboard.press("Control+.")
    expect(area).to_have_value(re.compile("AVG"))
    page.keyboard.press("Control+Z")
    expect(area).to_have_value(WRONG)
    page.keyboard.press("Control+.")
    with page.expect_navigation():
        page.keyboard.press("Control+Shift+Enter")
    buyer.says(vi("Generated rows: this says nothing about the data."))
    expect(page.locator('[data-meter="questions"] progress')).to_have_attribute("value", "0")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    expect(page.locator("#answer")).to_have_text(vi("Answer"))
    expect(page.locator('[data-meter="questions"] progress')).to_have_attribute("value", "1")
    buyer.look(again=True)


def tab_to(page: Page, target: object) -> None:
    """Press Tab until this has the focus; at most as often as a patient person would."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("e => e === document.activeElement"):  # type: ignore[attr-defined]
            return
    raise AssertionError(f"60 times Tab on {page.url} do not reach it")
