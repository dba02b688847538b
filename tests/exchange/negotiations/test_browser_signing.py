"""Signing in a real browser: a key that cannot be read, the text checked against the bytes, the signature taken."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from werkzeug.serving import make_server

from exchange import clock
from exchange.accounts.keys import keys_of
from exchange.accounts.models import SigningKey
from exchange.app import create_app
from exchange.config import Config
from exchange.negotiations import standing
from exchange.negotiations.models import Contract, ContractSignature
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


@dataclass
class Scene:
    """An exchange, its market, and the buyer's browser."""

    browser: Browser
    people: People
    market: Market
    base: str

    def page(self, actor: Actor, script: str = "") -> Page:
        """A browser of somebody; ``script`` makes it a browser of another kind before any page runs."""
        page = page_of(self.browser, self.people, actor, self.base)
        if script:
            page.add_init_script(script)
        return page

    def make_key(self, page: Page) -> None:
        """On the page of keys."""
        page.goto(f"{self.base}/me/keys")
        with page.expect_navigation():
            page.click("form[data-key-form] button")

    def drawn(self) -> Contract:
        """A contract for today that nobody has signed."""
        today = clock.now().astimezone(clock.VIETNAM).date()
        return self.market.agreed_on(starts=today, ends=today)

    def signatures(self, contract_id: str) -> list[ContractSignature]:
        """What the exchange took."""
        with self.market.database.reading() as session:
            return standing.signatures_of(session, contract_id)

    def keys(self) -> list[SigningKey]:
        """The buyer's, newest first."""
        with self.market.database.reading() as session:
            return keys_of(session, self.market.buyer.org_id)


@pytest.fixture
def scene(site: tuple[Flask, str], browser: Browser) -> Scene:
    """Everybody there; the seller's key is in a file."""
    app, base = site
    people = People(app, app.extensions["minhbach.database"])
    market = Market(
        people.database, app.extensions["minhbach.sequencer"], people.provider(), people.buyer(), clock.now()
    )
    market.add_key(market.seller)
    market.publish()
    return Scene(browser, people, market, base)


NO_ED25519 = """
const make = crypto.subtle.generateKey.bind(crypto.subtle);
crypto.subtle.generateKey = (how, ...rest) =>
  how.name === "Ed25519" ? Promise.reject(new DOMException("no", "NotSupportedError")) : make(how, ...rest);
"""
NO_CRYPTO = "Object.defineProperty(crypto, 'subtle', { value: undefined });"
NO_STORE = "indexedDB.open = () => { throw new DOMException('blocked', 'SecurityError'); };"
FORGET = "new Promise((done) => { indexedDB.deleteDatabase('minhbach').onsuccess = done; })"
SAYS, BUTTON = "[data-sign-says]", "form[data-sign] button"


def sign(page: Page) -> None:
    page.check("#f-read")
    page.click(BUTTON)


@pytest.mark.parametrize(("script", "alg"), [("", "Ed25519"), (NO_ED25519, "ES256")])
def test_a_contract_is_signed_with_a_key_of_the_browser(scene: Scene, script: str, alg: str) -> None:
    page = scene.page(scene.market.buyer, script)
    scene.make_key(page)
    contract = scene.drawn()
    page.goto(f"{scene.base}/contracts/{contract.id}/sign")
    expect(page.locator(SAYS)).to_contain_text("đúng nguyên văn")
    assert Axe().run(page).response["violations"] == []
    sign(page)
    page.wait_for_url(f"{scene.base}/contracts/{contract.id}#receipts")
    assert Axe().run(page).response["violations"] == []
    (entry,) = scene.signatures(contract.id)
    assert (entry.org_id, entry.grade, entry.alg) == (scene.market.buyer.org_id, "browser", alg)


def test_what_the_page_shows_is_compared_with_the_bytes_before_the_button_works(scene: Scene) -> None:
    page = scene.page(scene.market.buyer)
    scene.make_key(page)
    contract = scene.drawn()
    address = f"{scene.base}/contracts/{contract.id}/sign"

    def served(what: str, change: Callable[[str], str]) -> None:
        """The page as a server would send it that wants something else to be signed."""

        def answer(route: Route) -> None:
            real = route.fetch()
            route.fulfill(response=real, body=change(real.text()))

        page.unroute_all()
        page.route(what, answer)
        page.goto(address)

    lies = [
        (f"**/contracts/{contract.id}/payload", lambda body: body.replace('"max_deliveries":3', '"max_deliveries":9'),
         "không phải các byte"),
        (address, lambda body: re.sub(r"(<p data-line>)", r"\1Miễn phí. ", body, count=1), "Lời văn trên trang"),
        (address, lambda body: re.sub(r"(data-part=.terms.[^<]*)5000000", r"\g<1>1", body, count=1), "dành cho máy"),
        (address, lambda body: re.sub(r'(data-part="">[^<]*)5000000', r"\g<1>1", body, count=1), "dành cho máy"),
    ]  # fmt: skip
    for what, change, said in lies:
        served(what, change)
        expect(page.locator(SAYS)).to_contain_text(said)
        expect(page.locator(SAYS)).to_contain_text("Chưa có gì được ký")
        expect(page.locator(BUTTON)).to_be_disabled()
    page.unroute_all()
    page.goto(address)
    expect(page.locator(BUTTON)).to_be_enabled()
    page.evaluate("document.querySelector('[data-line]').textContent += ' Giá 1 đồng.'")  # after the check
    sign(page)
    expect(page.locator(SAYS)).to_contain_text("Lời văn trên trang")
    assert scene.signatures(contract.id) == []


@pytest.mark.parametrize(("script", "said"), [(NO_CRYPTO, "mật mã"), (NO_STORE, "không lưu khóa")])
def test_a_browser_that_cannot_hold_a_key_says_so_and_what_to_do(scene: Scene, script: str, said: str) -> None:
    page = scene.page(scene.market.buyer, script)
    page.goto(f"{scene.base}/me/keys")
    expect(page.locator("form[data-key-form] [data-key-says]")).to_contain_text(said)
    scene.market.add_key(scene.market.buyer)
    page.goto(f"{scene.base}/contracts/{scene.drawn().id}/sign")
    expect(page.locator(SAYS)).to_contain_text(said)
    expect(page.locator(BUTTON)).to_be_disabled()


def test_a_lost_key_is_reported_and_the_contract_drawn_up_again(scene: Scene) -> None:
    page = scene.page(scene.market.buyer)
    scene.make_key(page)
    contract = scene.drawn()
    scene.market.signed(contract, scene.market.seller)
    page.evaluate(FORGET)

    page.goto(f"{scene.base}/contracts/{contract.id}/sign")
    expect(page.locator(SAYS)).to_contain_text("không giữ khóa nào của quý vị")
    expect(page.locator("form[data-sign] [data-key-lost]")).to_be_visible()
    assert Axe().run(page).response["violations"] == []

    page.goto(f"{scene.base}/me/keys")
    expect(page.locator("[data-own-keys] [data-key-lost]")).to_be_visible()
    expect(page.locator("div[data-rotate]")).to_be_hidden()
    page.click("details.confirm summary")
    page.select_option("details.confirm select", "lost")
    assert Axe().run(page).response["violations"] == []
    page.click("details.confirm button")
    scene.make_key(page)
    new, old = scene.keys()
    assert (new.revoked_at, old.revoked_reason) == (None, "lost")

    page.goto(f"{scene.base}/contracts")
    page.click("text=Xem cách xử lý")
    assert Axe().run(page).response["violations"] == []
    page.click("details.confirm summary:has-text('Lập lại hợp đồng')")
    page.click("details.confirm button:has-text('Lập lại hợp đồng')")
    page.wait_for_url(lambda address: contract.id not in address and "/contracts/" in address)
    expect(page.locator("main")).to_contain_text("không còn giá trị")
    assert Axe().run(page).response["violations"] == []
    again = page.url.rsplit("/", 1)[1]
    page.goto(f"{scene.base}/contracts/{again}/sign")
    expect(page.locator(BUTTON)).to_be_enabled()
    sign(page)
    page.wait_for_url(f"{scene.base}/contracts/{again}#receipts")
    assert [entry.thumbprint for entry in scene.signatures(again)] == [new.thumbprint]


def test_a_key_of_the_browser_is_replaced_by_one_that_it_vouches_for(scene: Scene) -> None:
    page = scene.page(scene.market.buyer)
    scene.make_key(page)
    with page.expect_navigation():
        page.click("form[data-rotate-form] button")
    new, old = scene.keys()
    assert (new.revoked_at, old.revoked_reason, new.grade) == (None, "rotated", "browser")
    expect(page.locator(f"[data-thumbprint='{new.thumbprint}'] [data-own]")).to_be_visible()
    contract = scene.drawn()
    page.goto(f"{scene.base}/contracts/{contract.id}/sign")
    sign(page)
    page.wait_for_url(f"{scene.base}/contracts/{contract.id}#receipts")
    assert [entry.thumbprint for entry in scene.signatures(contract.id)] == [new.thumbprint]


def test_a_key_in_a_file_is_not_the_browsers(scene: Scene) -> None:
    scene.market.add_key(scene.market.buyer)
    contract = scene.drawn()
    page = scene.page(scene.market.buyer)
    scene.make_key(page)  # too late: the contract does not name it
    page.goto(f"{scene.base}/contracts/{contract.id}/sign")
    expect(page.locator(SAYS)).to_contain_text("Khóa của trình duyệt")
    expect(page.locator(BUTTON)).to_be_disabled()
    expect(page.locator("main")).to_contain_text("Khóa mới hơn của quý vị")
