"""The whole market in a real browser, from the upload to the evidence, signing in the page included."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from contracts import canonical, evidence
from exchange import clock
from exchange.demo import listings
from tests.browser.conftest import Site
from tests.browser.reader import Reader
from tests.journeys import steps
from tests.journeys.words import vi

People = Callable[..., Reader]
NAME = "Thời tiết theo giờ tại các sân bay New York năm 2013"
OFFER = listings.WEATHER | {"licence": "L3", "max_queries": None, "min_group": None, "max_deliveries": 5}
BY_AIRPORT = "SELECT origin, COUNT(*) AS n FROM data GROUP BY origin ORDER BY n DESC"


def test_the_whole_story_in_a_browser(person: People, site: Site, weather: Path) -> None:
    provider, buyer, operator, regulator = (
        person(name).sign_in() for name in ("provider", "buyer", "operator", "regulator")
    )
    _certified(operator)
    for member in (provider, buyer):
        _takes_part_and_makes_a_key(member)
    listing = _published(provider, operator, weather)
    _tried(buyer, listing)
    contract = _requested_and_agreed(buyer, provider, listing)
    for member in (buyer, provider):
        _signed_in_the_page(member, contract)
    _proved_and_downloaded(buyer, contract, weather)
    _audited(regulator, site, contract)
    visitor = person("visitor")
    _in_english(visitor, buyer, regulator, listing, contract)
    _in_the_dark(visitor, listing)


def _certified(operator: Reader) -> None:
    today = clock.now().astimezone(clock.VIETNAM).date()
    operator.open("/trial")
    operator.fill({
        "cert_no": "01/GCN-UBND", "authority": "Ủy ban nhân dân Thành phố Hồ Chí Minh",
        "valid_from": today.isoformat(), "valid_to": (today + timedelta(days=300)).isoformat(),
        "sectors": ["logistics"], "classes": ["TC"],
    })  # fmt: skip
    operator.press(vi("Record the certificate"))
    operator.says("01/GCN-UBND")


def _takes_part_and_makes_a_key(member: Reader) -> None:
    member.open("/trial/enrolment")
    member.fill({"vietnamese": "true", "reorganising": "false", "manager_degree": "law", "manager_years": "5"})
    member.press(vi("I have read this and take part"))
    member.open("/me/keys")
    member.press(vi("Make and register the key"))
    member.says("Ed25519")
    stored = member.page.evaluate(
        """async () => { const m = await import('/static/keys.js'); const k = await m.findKey();
           return [k.pair.privateKey.extractable, k.pair.privateKey.type]; }"""
    )
    assert stored == [False, "private"]  # nobody can read it out, this test neither


def _published(provider: Reader, operator: Reader, weather: Path) -> str:
    provider.open("/publish")
    provider.press(vi("Start a new listing"))
    listing = provider.path.split("/")[2]
    provider.page.get_by_label(vi("Data file")).set_input_files(weather)
    _watch_progress(provider)
    provider.press(vi("Upload and measure"))
    assert provider.page.evaluate("sessionStorage.getItem('progress')")
    provider.says("26.115", "wind_speed")
    provider.follow(vi("Continue"))
    for step in ("describe", "rights", "classify", "licence"):
        assert provider.path.endswith(step)
        provider.fill({name: value for name, value in steps.typed(step, OFFER).items() if value is not None})
        provider.press(vi("Save and continue"))
    provider.press(vi("Submit for review"))
    operator.open("/moderation")
    operator.follow(NAME)
    operator.fill({"personal_data_checked": "1"})
    operator.press(vi("Approve and publish"))
    return listing


def _watch_progress(provider: Reader) -> None:
    """Remember that the bar showed something while the file was on its way."""
    provider.page.evaluate(
        """() => { const bar = document.querySelector('[data-progress]');
           new MutationObserver(() => { if (!bar.hidden) sessionStorage.setItem('progress', bar.textContent); })
             .observe(bar, { attributes: true, childList: true, subtree: true }); }"""
    )


def _tried(buyer: Reader, listing: str) -> None:
    buyer.open("/")
    buyer.page.get_by_label(vi("What data are you looking for?")).fill("thoi tiet san bay")
    buyer.press(vi("Search"))
    buyer.follow(NAME)
    assert buyer.path == f"/listings/{listing}"
    buyer.follow(vi("Try it in the test room"))
    buyer.press(vi("Open the test room"))
    buyer.fill({"sql": BY_AIRPORT})
    buyer.press(vi("Ask the question"))
    buyer.says("EWR", "JFK", "LGA")
    expect(buyer.page.locator("main img").first).to_be_visible()
    buyer.fill({"sql": "SELECT * FROM data"})
    buyer.press(vi("Ask the question"))
    buyer.look(again=True)
    buyer.says("314/2026")


def _requested_and_agreed(buyer: Reader, provider: Reader, listing: str) -> str:
    buyer.open(f"/listings/{listing}")
    buyer.follow(vi("Request access"))
    buyer.fill({"purpose": steps.WISH["purpose"], "scenario": steps.WISH["scenario"]})
    buyer.press(vi("Send the request"))
    provider.open("/negotiations")
    provider.follow(NAME)
    provider.press(vi("Agree and draw up the contract"))
    assert provider.path.endswith("/sign")
    return provider.path.split("/")[2]


def _signed_in_the_page(member: Reader, contract: str) -> None:
    member.open(f"/contracts/{contract}/sign")
    member.page.get_by_label(vi("I have read the contract and may sign for my organisation.")).check()
    member.press(vi("Sign the contract"))
    assert member.path == f"/contracts/{contract}"
    member.look(again=True)


def _proved_and_downloaded(buyer: Reader, contract: str, weather: Path) -> None:
    buyer.open(f"/contracts/{contract}")
    buyer.says(vi("In force"), vi("Key in a browser"))
    buyer.page.locator("#receipts summary", has_text=vi("Inclusion proof")).last.click()
    expect(buyer.page.locator("#receipts pre").last).to_contain_text("c2sp.org/tlog-proof")
    with buyer.page.expect_download() as download:
        buyer.page.get_by_role("link", name=vi("Download")).click()
    assert download.value.path().read_bytes() == weather.read_bytes()
    assert download.value.suggested_filename == weather.name


def _audited(regulator: Reader, site: Site, contract: str) -> None:
    today = clock.now().astimezone(clock.VIETNAM).date()
    regulator.open("/oversight")
    regulator.fill({"number": "12/QĐ-TTr", "authority": "Thanh tra Thành phố", "scope": "Dữ liệu thời tiết",
                    "starts": today.isoformat(), "ends": (today + timedelta(days=30)).isoformat()})  # fmt: skip
    regulator.press(vi("Register the warrant"))
    regulator.open(f"/oversight/log?contract={contract}")
    regulator.page.locator(f'main a[href="/oversight/contracts/{contract}"]').first.click()
    regulator.page.wait_for_load_state()
    regulator.look()
    regulator.says(vi("Checked just now against the head of %(size)s records: everything holds."))
    with regulator.page.expect_download() as download:
        regulator.page.get_by_role("link", name=vi("Export the evidence bundle")).click()
    data = download.value.path().read_bytes()
    report = evidence.check_bytes(data, regulator.page.request.get("/log/keys").text())
    assert report.ok, [line.say("vi") for line in report.lines]
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        name = next(name for name in bundle.namelist() if name.startswith("contracts/"))
        assert len(canonical.loads(bundle.read(name))["signatures"]) == 2


def _in_english(visitor: Reader, buyer: Reader, regulator: Reader, listing: str, contract: str) -> None:
    visitor.open("/?lang=en&q=weather")
    visitor.says("Hourly weather at New York City's airports in 2013")
    for tab in ("quality", "rights", "licence", "versions", "history"):
        visitor.open(f"/listings/{listing}?tab={tab}")
    for reader, address in (
        (buyer, f"/contracts/{contract}?lang=en"),
        (regulator, f"/oversight/contracts/{contract}?lang=en"),
    ):
        reader.open(address)
        expect(reader.page.locator("html")).to_have_attribute("lang", "en")


def _in_the_dark(visitor: Reader, listing: str) -> None:
    visitor.page.emulate_media(color_scheme="dark")
    visitor.open(f"/listings/{listing}?tab=data&lang=vi")
    ink = visitor.page.evaluate("getComputedStyle(document.querySelector('h1')).color")
    assert sum(int(part) for part in re.findall(r"\d+", ink)[:3]) > 500, ink  # light on dark; axe has judged the rest
    visitor.open("/sign-in?lang=vi")


def test_a_keyboard_alone_signs_in_searches_and_opens_a_listing(person: People, listed: str) -> None:
    page = person("buyer").page
    page.goto("/sign-in")
    _tab_to(page, "#f-email")
    page.keyboard.type(steps.email_of("buyer"))
    page.keyboard.press("Tab")
    page.keyboard.type("không phải mật khẩu này")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()  # what went wrong is read out first
    _tab_to(page, ".error-summary a")
    page.keyboard.press("Enter")
    expect(page.locator("#f-password")).to_be_focused()  # and leads to the field; the address is still there
    page.keyboard.type(steps.PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("/me")
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()  # the first stop leads past the menu
    page.keyboard.press("Enter")
    _tab_to(page, "#f-q")
    page.keyboard.type("tau bay dang ky")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    _tab_to(page, f'main a[href="/listings/{listed}"]')
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"  # one can see where one is
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith(f"/listings/{listed}")
    _tab_to(page, f'a[href="/listings/{listed}/request"]')


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until this has the focus; at most as often as a patient person would."""
    target = page.locator(selector).first
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError(f"40 times Tab on {page.url} do not reach {selector}")
