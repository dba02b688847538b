"""Two browsers, one deal: each side sees what the other does and why, and nobody reloads a page by hand."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.reader import TIMEOUT, Reader
from tests.journeys import steps
from tests.journeys.words import vi

People = Callable[..., Reader]
NOTE = "Giá mới đã gồm hỗ trợ kỹ thuật."
DOUBT = "Có dấu hiệu dữ liệu được chuyển cho bên thứ ba."
REASON = "Đã dùng xong dữ liệu cho dự án."


def test_two_sides_negotiate_sign_and_end_without_reloading(person: People, listed: str) -> None:
    seller, buyer = (_with_key(person(name).sign_in()) for name in ("provider", "buyer"))
    negotiation = _asked(buyer, listed)
    seller.open(negotiation)
    seller.says(steps.WISH["purpose"])
    _propose(seller, price="7500000", note=NOTE)
    _news(buyer)
    buyer.says(NOTE, vi("What changed for you"), "7.500.000 đồng")
    _redlined(buyer.page, struck="300.000", put_in="7.500.000")
    _propose(buyer, price="6000000", note="Đề nghị giảm giá.")
    _news(seller)
    seller.says("Đề nghị giảm giá.", "6.000.000 đồng")
    _redlined(seller.page, struck="7.500.000", put_in="6.000.000")
    seller.press(vi("Agree and draw up the contract"))
    contract = seller.path.removesuffix("/sign")
    _news(buyer)
    for member in (seller, buyer):
        _sign_by_keyboard(member, contract)
    _news(seller)
    for member in (seller, buyer):
        member.says(vi("In force"))
    _suspend(seller)
    _news(buyer)
    buyer.says(vi("Suspended by the seller"), vi("A suspected breach of the contract"), DOUBT)
    _end(buyer)
    _news(seller)
    seller.says(REASON, vi("The purpose is fulfilled"), vi("Ended"))


def test_news_leave_alone_what_somebody_is_typing(person: People, listed: str) -> None:
    seller, buyer = (_with_key(person(name).sign_in()) for name in ("provider", "buyer"))
    negotiation = _asked(buyer, listed)
    seller.open(negotiation)
    _open_proposal(seller)
    seller.fill({"note": "Còn đang viết"})
    buyer.open(negotiation)
    _end_negotiation(buyer, "Không còn nhu cầu.")
    bar = seller.page.locator("[data-watch-bar]")
    expect(bar).to_be_visible(timeout=TIMEOUT)
    expect(bar).to_contain_text(vi("What you have typed is not sent; it stays until you press the button."))
    expect(seller.page.locator('[name="note"]')).to_have_value("Còn đang viết")
    seller.look(again=True)
    bar.get_by_role("link").click()
    seller.says("Không còn nhu cầu.")


def test_a_check_before_sending_keeps_what_was_typed_and_tells_nobody(person: People, listed: str) -> None:
    seller, buyer = (_with_key(person(name).sign_in()) for name in ("provider", "buyer"))
    negotiation = _asked(buyer, listed)
    seller.open(negotiation)
    _open_proposal(seller)
    seller.fill({"price_vnd": "9000000", "ends": "2020-01-01", "note": "Thử"})
    seller.press(vi("Check without sending"))
    seller.look(again=True)
    seller.says(vi("Checked, nothing has been sent"), vi("These terms would be refused:"))
    for name, value in (("price_vnd", "9000000"), ("ends", "2020-01-01"), ("note", "Thử")):
        expect(seller.page.locator(f'[name="{name}"]')).to_have_value(value)
    buyer.open(negotiation)
    expect(buyer.page.locator(".timeline > li")).to_have_count(1)
    _end_negotiation(buyer, "Xong.")


def _with_key(member: Reader) -> Reader:
    member.open("/me/keys")
    member.press(vi("Make and register the key"))
    return member


def _asked(buyer: Reader, listed: str) -> str:
    buyer.open(f"/listings/{listed}/request")
    buyer.fill({"purpose": steps.WISH["purpose"], "scenario": steps.WISH["scenario"]})
    buyer.press(vi("Send the request"))
    return buyer.path


def _propose(member: Reader, *, price: str, note: str) -> None:
    _open_proposal(member)
    member.fill({"price_vnd": price, "note": note})
    member.press(vi("Send these terms"))


def _open_proposal(member: Reader) -> None:
    member.page.locator("#counter summary").first.click()


def _redlined(page: Page, *, struck: str, put_in: str) -> None:
    """The words stand beside the marks, so that they read without colour and aloud."""
    clause = page.locator("#rounds .redline").last
    expect(clause.locator("del").first).to_have_text(f"{vi('Out:')} {struck}")
    expect(clause.locator("ins").first).to_have_text(f"{vi('In:')} {put_in}")


def _news(reader: Reader) -> None:
    """The bar appears by itself; the reader presses its button and is shown the page as it is now."""
    bar = reader.page.locator("[data-watch-bar]")
    expect(bar).to_be_visible(timeout=TIMEOUT)
    with reader.page.expect_navigation():
        bar.get_by_role("link", name=vi("Show what is new")).click()
    reader.look(again=True)


def _sign_by_keyboard(member: Reader, contract: str) -> None:
    member.open(f"{contract}/sign")
    page = member.page
    _tab_to(page, page.locator('[name="read"]'))
    page.keyboard.press("Space")
    _tab_to(page, page.locator("[data-sign] button[type=submit]"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert member.path == contract
    member.look(again=True)


def _tab_to(page: Page, target: Locator) -> None:
    """Press Tab until this has the focus; at most as often as a patient person would."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError(f"60 times Tab on {page.url} do not reach it")


def _suspend(member: Reader) -> None:
    life = member.page.locator("#life")
    life.locator("summary", has_text=vi("Suspend the contract")).click()
    life.locator('[name="code"][value="breach"]').check()
    life.locator("#suspend-reason").fill(DOUBT)
    member.press(vi("Suspend now"), within=life)


def _end(member: Reader) -> None:
    end = member.page.locator("#end")
    end.locator("summary").click()
    end.locator('[name="code"][value="fulfilled"]').check()
    end.locator('[name="reason"]').fill(REASON)
    member.press(vi("End the contract now"), within=end)


def _end_negotiation(member: Reader, reason: str) -> None:
    end = member.page.locator("#end")
    end.locator("summary").click()
    end.locator('[name="code"]').select_option("no-need")
    end.locator('[name="reason"]').fill(reason)
    member.press(vi("End this negotiation"), within=end)
