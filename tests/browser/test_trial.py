"""A controlled trial in a real browser: from the application to the exit report that the regulator reads."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from exchange import clock
from exchange.demo import data
from tests.browser.conftest import Site
from tests.browser.reader import TIMEOUT, Reader
from tests.exchange.people import tax_code
from tests.journeys import steps
from tests.journeys.visitor import Visitor
from tests.journeys.words import vi

People = Callable[..., Reader]
CERTIFICATE = "07/GCN-BKHCN"
DOSSIER = {
    "question": "Người mua có cần xem dữ liệu gốc trước khi ký không?", "measure": "10 hợp đồng sau 6 tháng",
    "participants": "Doanh nghiệp đăng ký công khai trên sàn", "sectors": ["logistics"], "classes": ["TC"],
    "level": "2", "territory": "VN", "safeguards": "Kiểm duyệt mọi sản phẩm\nNhật ký công khai",
}  # fmt: skip
STATEMENTS = {"vietnamese": "true", "reorganising": "false", "manager_degree": "it", "manager_years": "5"}
WRONG = "SELECT manufacturer, max(seats) FROM data GROUP BY 1"
SECOND = "SELECT engines, COUNT(*) AS n FROM data GROUP BY engines"
THIRD = "SELECT engine, COUNT(*) AS n FROM data GROUP BY engine"
WORDS = {"answer": "Không: phòng thử đã trả lời đủ.", "result": "1 phòng thử, 2 câu hỏi"}


def test_a_trial_from_application_to_exit_report(
    person: People, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    operator, regulator, provider, buyer = (
        person(name).sign_in() for name in ("operator", "regulator", "provider", "buyer")
    )
    trial = _applied_and_approved(operator, regulator)
    for member in (provider, buyer):
        _enrolled(member)
    operator.open(f"/trials/{trial}/participants")
    operator.says(steps.NAMES["provider"][0], steps.NAMES["buyer"][0])
    listing = _listed(site, tmp_path_factory)
    room = _opened(provider, buyer, listing)
    _refused_and_mended_by_keyboard(buyer)
    _exhausted(buyer)
    provider.open(f"/listings/{listing}/leaks")
    provider.says(steps.NAMES["buyer"][0], vi("Paused"), vi("Stopped"))
    _suspended(regulator, buyer, room)
    _ended(regulator)
    _exit_report(operator, regulator, trial)


def _applied_and_approved(operator: Reader, regulator: Reader) -> str:
    today = clock.now().astimezone(clock.VIETNAM).date()
    operator.open("/trial/authorities")
    operator.fill({"org": tax_code(steps.NAMES["regulator"][1]), "approver": "ministry", "basis": "Nghị định 353/2025"})
    operator.press(vi("Record the authority"))
    operator.open("/trial/applications/new")
    operator.fill(DOSSIER | _days(today))
    operator.press(vi("Hand in the application"))
    regulator.open("/trial/applications")
    regulator.page.locator("tbody a").click()
    regulator.look()
    regulator.says(DOSSIER["question"], vi("Working days left: %(count)s").split("%")[0])
    regulator.fill({"cert_no": CERTIFICATE})
    regulator.press(vi("Issue the certificate"))
    application = regulator.path.rpartition("/")[2]
    regulator.open("/trial")
    regulator.says(CERTIFICATE)
    return application


def _days(today: date) -> dict[str, str]:
    return {"valid_from": today.isoformat(), "valid_to": (today + timedelta(days=180)).isoformat(),
            "security_valid_to": (today + timedelta(days=700)).isoformat()}  # fmt: skip


def _enrolled(member: Reader) -> None:
    member.open("/trial")
    member.follow(vi("Take part"))
    member.fill(STATEMENTS)
    member.press(vi("I have read this and take part"))
    member.says(vi("Your organisation takes part in the trial."))


def _listed(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Publishing is test_story's: here it is done without a browser."""
    seller, operator = (
        Visitor(site.app).sign_in(steps.email_of(name), steps.PASSWORD) for name in ("provider", "operator")
    )
    with data.nycflights(tmp_path_factory.mktemp("planes"), "planes") as path:
        return steps.publish(seller, operator, path)


def _opened(provider: Reader, buyer: Reader, listing: str) -> str:
    """A room with two questions in all; returns its address."""
    provider.open(f"/listings/{listing}/test-room/rules")
    provider.fill({"questions": "2", "per_day": "2"})
    provider.press(vi("Save and preview"))
    provider.press(f"{vi('Publish as version %(number)s')} 1")
    buyer.open(f"/listings/{listing}/test-room")
    buyer.press(vi("Open the test room"))
    return buyer.path


def _refused_and_mended_by_keyboard(buyer: Reader) -> None:
    """No mouse: the refusal explains itself, its fix is a Tab away, and the mended question is answered."""
    page = buyer.page
    _asks(page, WRONG)
    expect(page.locator("#answer")).to_have_text(vi("This question was refused"))
    buyer.look(again=True)
    expect(_meter(page)).to_have_attribute("value", "0")
    _tab_to(page, page.locator('main a[href*="fix="]'))
    page.keyboard.press("Enter")
    expect(page.locator("textarea")).to_be_focused()
    expect(page.locator(".says")).to_have_text(vi("This question passes the rules."), timeout=TIMEOUT)
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    expect(page.locator("#answer")).to_have_text(vi("Answer"))
    expect(_meter(page)).to_have_attribute("value", "1")


def _exhausted(buyer: Reader) -> None:
    page = buyer.page
    _asks(page, SECOND)
    expect(page.locator("#answer")).to_have_text(vi("Answer"))
    expect(_meter(page)).to_have_attribute("value", "2")
    _asks(page, THIRD)
    buyer.look(again=True)
    buyer.says("X8")


def _suspended(regulator: Reader, buyer: Reader, room: str) -> None:
    _decides(regulator, "suspended", "inspection")
    regulator.says(vi("The trial is suspended"))
    buyer.open(room)
    _asks(buyer.page, THIRD)
    buyer.says("TRIAL_SUSPENDED")
    buyer.look(again=True)
    _decides(regulator, "resumed", "remedied")


def _ended(regulator: Reader) -> None:
    _decides(regulator, "terminated", "fraud")
    regulator.open("/trial/rules")


def _exit_report(operator: Reader, regulator: Reader, trial: str) -> None:
    operator.open(f"/trials/{trial}/incidents")
    operator.open(f"/trials/{trial}/reports")
    operator.press(vi("Count the exit report"))
    report = operator.path
    operator.fill(WORDS | {"stated": "1"})
    operator.press(vi("Submit to the authority"))
    operator.look(again=True)
    regulator.open(f"/oversight/trials/{trial}")
    regulator.follow(vi("Exit report"))
    assert regulator.path == report
    regulator.says(WORDS["answer"], vi("Report submitted"))
    with regulator.page.expect_download() as download:
        regulator.page.locator('main a[href$="/report.pdf"]').click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")


def _decides(regulator: Reader, kind: str, code: str) -> None:
    regulator.open("/trial")
    regulator.page.locator("summary", has_text=vi("Change the trial")).click()
    form = regulator.page.locator("form", has=regulator.page.locator('[name="kind"]'))
    form.locator(f'[name="kind"][value="{kind}"]').check()
    form.locator('[name="code"]').select_option(code)
    form.locator('[name="reason"]').fill("Kiểm tra theo kế hoạch")
    regulator.press(vi("Record the change"), within=form)
    regulator.look(again=True)


def _asks(page: Page, question: str) -> None:
    page.locator("textarea").fill(question)
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")


def _meter(page: Page) -> Locator:
    return page.locator('[data-meter="questions"] progress')


def _tab_to(page: Page, target: Locator) -> None:
    """Press Tab until this has the focus; at most as often as a patient person would."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError(f"60 times Tab on {page.url} do not reach it")
