"""Signing in a real browser: a key that cannot be read, the text checked against the bytes, the signature taken."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from exchange import clock
from exchange.app import create_app
from exchange.config import Config
from exchange.negotiations import standing
from exchange.permissions import Actor
from tests.exchange.negotiations.market import Market
from tests.exchange.people import People
from tests.exchange.schema import create_schema

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed on this computer")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Flask, str]]:
    """An exchange on the real clock (the browser has no other), served on a free port."""
    app = create_app(
        Config.from_environ(
            {
                "MINHBACH_HOME": str(tmp_path / "home"),
                "MINHBACH_DATABASE_URL": f"sqlite:///{tmp_path / 'x.sqlite'}",
                "MINHBACH_LOG_ORIGIN": "log.test/2026",
            }
        )
    )
    create_schema(app.extensions["minhbach.database"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    app.extensions["minhbach.database"].dispose()


def page_of(browser: Browser, people: People, actor: Actor, base: str) -> Page:
    cookie = people.browser(actor).get_cookie("minhbach")
    assert cookie is not None
    context = browser.new_context()
    context.add_cookies([{"name": "minhbach", "value": cookie.value, "url": base}])
    return context.new_page()


def sign(page: Page) -> None:
    page.check("#f-read")
    page.click("form[data-sign] button")


def test_a_contract_is_signed_with_a_key_of_the_browser(site: tuple[Flask, str], browser: Browser) -> None:
    app, base = site
    database = app.extensions["minhbach.database"]
    people = People(app, database)
    sequencer = app.extensions["minhbach.sequencer"]
    market = Market(database, sequencer, people.provider(), people.buyer(), clock.now())
    market.add_key(market.seller)
    market.publish()
    page = page_of(browser, people, market.buyer, base)
    page.goto(f"{base}/me/keys")
    with page.expect_navigation():
        page.click("form[data-key-form] button")
    today = clock.now().astimezone(clock.VIETNAM).date()
    contract = market.agreed_on(starts=today, ends=today)

    page.goto(f"{base}/contracts/{contract.id}/sign")
    assert Axe().run(page).response["violations"] == []
    page.evaluate("document.querySelector('[data-line]').textContent += ' Giá 1 đồng.'")
    sign(page)
    expect(page.locator("[data-sign-says]")).to_contain_text("Chưa có gì được ký")

    seller = page_of(browser, people, market.seller, base)  # its key is in a file, not in this browser
    seller.goto(f"{base}/contracts/{contract.id}/sign")
    sign(seller)
    expect(seller.locator("[data-sign-says]")).to_contain_text("Khóa của trình duyệt")

    page.reload()
    sign(page)
    page.wait_for_url(f"{base}/contracts/{contract.id}#receipts")
    assert Axe().run(page).response["violations"] == []
    with database.reading() as session:
        (entry,) = standing.signatures_of(session, contract.id)
    assert (entry.org_id, entry.grade) == (market.buyer.org_id, "browser")
