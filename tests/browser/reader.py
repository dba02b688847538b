"""A person at a real browser. Every page they come to is looked over before they go on."""

import re
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.journeys.steps import PASSWORD, email_of
from tests.journeys.words import vi

NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 900}
AXE = Axe()
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SPOILERS = """() => [...document.querySelectorAll('body *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 4)
  .map(e => e.tagName + '.' + e.className + ' ' + (e.textContent || '').trim().slice(0, 40))"""
TIMEOUT = 15_000  # milliseconds; the machine of the tests may be busy


class Reader:
    """One browser profile with one page open."""

    def __init__(self, name: str, page: Page) -> None:
        self.name, self.page = name, page
        self.faults: list[str] = []
        self.seen: set[str] = set()
        page.set_default_timeout(TIMEOUT)
        page.set_viewport_size(WIDE)
        page.emulate_media(reduced_motion="reduce")  # else axe may judge a button halfway between two colours
        page.on("console", lambda said: self.faults.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))

    def open(self, path: str) -> None:
        """Go to an address and look the page over."""
        self.page.goto(path)
        self.look()

    def look(self, again: bool = False) -> None:
        """No script error, no accessibility fault (axe), and on a phone nothing wider than the screen."""
        place = re.sub(r"01[0-9a-z]{24}", "…", urlsplit(self.page.url).path) + urlsplit(self.page.url).query
        if place in self.seen and not again:
            return
        self.seen.add(place)
        self.page.wait_for_load_state("load")
        found = AXE.run(self.page)
        for violation in found.response["violations"]:
            nodes = "; ".join(f"{node['target']} {node['html'][:160]}" for node in violation["nodes"][:3])
            self.faults.append(f"axe {violation['id']}: {violation['help']}: {nodes}")
        self.page.set_viewport_size(NARROW)
        over = self.page.evaluate(OVERFLOW)
        if over > 0:
            self.faults.append(f"{over} px wider than a phone: {self.page.evaluate(SPOILERS)}")
        self.page.set_viewport_size(WIDE)
        assert not self.faults, f"{self.page.url}:\n" + "\n".join(self.faults)

    def press(self, name: str, within: Locator | None = None) -> None:
        """Press the button of this name, go where it leads, and look there."""
        with self.page.expect_navigation():
            (within or self.page.locator("main")).get_by_role("button", name=name, exact=True).click()
        self.look()

    def follow(self, name: str) -> None:
        """Follow the link of this name."""
        self.page.locator("main, aside").get_by_role("link", name=name, exact=True).first.click()
        self.page.wait_for_load_state()
        self.look()

    def fill(self, values: dict[str, Any]) -> None:
        """Type, choose and tick the fields of these names."""
        main = self.page.locator("main")
        for name, value in values.items():
            box = main.locator(f'[name="{name}"]')
            fold = main.locator("details:not([open])", has=self.page.locator(f'[name="{name}"]'))
            if fold.count():
                fold.locator("summary").first.click()
            kind = box.first.evaluate("e => e.type")
            if kind in ("radio", "checkbox"):
                for one in value if isinstance(value, list) else [] if value is None else [value]:
                    main.locator(f'[name="{name}"][value="{one}"]').check()
            elif kind == "select-one":
                box.select_option(value)
            else:
                box.fill(value)

    def says(self, *texts: str) -> None:
        """The page shows each of these."""
        for text in texts:
            expect(self.page.locator("body")).to_contain_text(text, timeout=TIMEOUT)

    def sign_in(self) -> "Reader":
        """Through the page."""
        self.open("/sign-in")
        self.page.get_by_label(vi("E-mail address")).fill(email_of(self.name))
        self.page.get_by_label(vi("Password")).fill(PASSWORD)
        self.press(vi("Sign in"))
        assert urlsplit(self.page.url).path == "/me"
        return self

    @property
    def path(self) -> str:
        """Where we are."""
        return urlsplit(self.page.url).path
