"""A real server on a free port, a real Chromium, and a page that notices every script error and accessibility fault."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Error, Playwright, sync_playwright
from werkzeug.serving import make_server

from exchange import clock
from exchange.app import create_app
from exchange.config import Config
from exchange.demo import data
from exchange.permissions import OrgKind
from sandbox.runner import Runner
from tests.browser.reader import Reader
from tests.exchange.schema import create_schema
from tests.journeys import steps
from tests.journeys.visitor import Visitor

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--no-first-run"]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One launch for the module. Where CI promises a browser, a missing one is a failure."""
    if not CHROMIUM.exists():
        _absent(f"there is no {CHROMIUM} (Debian: apt-get install chromium)")
    playwright: Playwright = sync_playwright().start()
    try:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
    except Error as error:
        playwright.stop()
        _absent(f"Chromium does not start: {error.message.splitlines()[0]}")
    yield browser
    browser.close()
    playwright.stop()


def _absent(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@dataclass(frozen=True)
class Site:
    """A running exchange and where it is."""

    app: Flask
    url: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The exchange on SQLite behind a threaded server of this process, its sequencer running."""
    home = tmp_path_factory.mktemp("site")
    environ = {"MINHBACH_HOME": str(home), "MINHBACH_DATABASE_URL": f"sqlite:///{home / 'exchange.sqlite'}"}
    app = create_app(Config.from_environ(environ))
    database = app.extensions["minhbach.database"]
    create_schema(database)
    for name, kind in (("operator", OrgKind.OPERATOR), ("regulator", OrgKind.REGULATOR),
                       ("provider", OrgKind.MEMBER), ("buyer", OrgKind.MEMBER)):  # fmt: skip
        steps.set_up(database, name, kind, clock.now())
    app.extensions["minhbach.runner"] = runner = Runner(time_buckets=())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    app.extensions["minhbach.sequencer"].start()
    thread = threading.Thread(target=server.serve_forever, name="site")
    thread.start()
    yield Site(app, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["minhbach.sequencer"].stop()
    runner.close()
    database.dispose()


@pytest.fixture(scope="module")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real file: 26,115 hours of weather at three airports, 1.6 MB of CSV."""
    with data.nycflights(tmp_path_factory.mktemp("files"), "weather") as path:
        yield path


@pytest.fixture(scope="module")
def person(chromium: Browser, site: Site) -> Iterator[Callable[..., Reader]]:
    """``person("buyer")``: somebody at a browser profile of their own, nobody signed in yet."""
    profiles: list[BrowserContext] = []

    def make(name: str) -> Reader:
        profiles.append(chromium.new_context(base_url=site.url, locale="vi-VN", accept_downloads=True))
        return Reader(name, profiles[-1].new_page())

    yield make
    for profile in profiles:
        profile.close()


@pytest.fixture(scope="module")
def listed(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A listing in the catalogue, put there through the pages without a browser; returns its id."""
    seller, operator = (
        Visitor(site.app).sign_in(steps.email_of(name), steps.PASSWORD) for name in ("provider", "operator")
    )
    with data.nycflights(tmp_path_factory.mktemp("planes"), "planes") as path:
        return steps.publish(seller, operator, path)
