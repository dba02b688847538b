"""A buyer tries data before buying: certificate, notice, test room, a question, a refusal that teaches, the budget."""

import re
from pathlib import Path

import pytest

from exchange.demo import listings
from tests.journeys import steps
from tests.journeys.visitor import Visitor
from tests.journeys.words import vi

CERTIFICATE = {
    "cert_no": "01/GCN-UBND", "authority": "Ủy ban nhân dân Thành phố Hồ Chí Minh", "valid_from": "2026-11-01",
    "valid_to": "2027-10-31", "level": "2", "sectors": ["logistics"], "classes": ["TC"], "max_members": "2",
}  # fmt: skip
STATED = {"vietnamese": "true", "reorganising": "false", "manager_degree": "it", "manager_years": "3"}
BY_AIRPORT = "SELECT origin, COUNT(*) AS n, round(AVG(temp), 1) AS t FROM data GROUP BY origin ORDER BY n DESC"


@pytest.mark.usefixtures("runner")
def test_a_buyer_tries_the_data_before_buying(
    operator: Visitor, provider: Visitor, buyer: Visitor, weather: Path
) -> None:
    _certified(operator)
    listing_id = _listed(provider, operator, weather)
    room = _opened_after_the_notice(buyer, listing_id)
    _answered(buyer)
    _refused_and_taught(buyer, room)
    _spent(buyer, room)
    _shut(buyer, provider, room, listing_id)
    _suspended(operator, buyer, listing_id)


def _certified(operator: Visitor) -> None:
    operator.open("/trial").says(vi("No certificate is recorded."))
    too_long = CERTIFICATE | {"valid_to": "2029-01-01"}
    operator.send("/trial", status=422, **too_long)
    assert ("cert_no", CERTIFICATE["cert_no"]) in operator.page.form("/trial").filled
    operator.send("/trial", **CERTIFICATE)
    operator.page.says("01/GCN-UBND", f"{vi('Running')} {vi('Certificate')}")


def _listed(provider: Visitor, operator: Visitor, weather: Path) -> str:
    """Only what the certificate covers is shown: another sector is refused when the operator approves (T7)."""
    listing_id = steps.start_draft(provider, weather)
    steps.describe(provider, listing_id, listings.WEATHER | {"sector": "tourism"})
    provider.send("/submit")
    operator.open(f"/moderation/{listing_id}")
    operator.send("/approve", status=422, personal_data_checked="1")
    operator.page.says("Giấy chứng nhận chỉ cho phép: logistics")
    operator.send("/return", reason="Giấy chứng nhận chỉ gồm lĩnh vực logistics.")
    provider.open(f"/publish/{listing_id}/describe")
    provider.send("/describe", sector="logistics")
    provider.open(f"/publish/{listing_id}/check")
    provider.send("/submit")
    operator.open(f"/moderation/{listing_id}")
    operator.send("/approve", personal_data_checked="1")
    return listing_id


def _opened_after_the_notice(buyer: Visitor, listing_id: str) -> str:
    buyer.open(f"/listings/{listing_id}")
    buyer.follow("/test-room")
    assert "TRIAL_NOTICE_NOT_ACCEPTED" in steps.refusals(buyer.page)
    buyer.follow("/trial/enrolment?listing_id=")
    buyer.send("/enrolment", **STATED)
    assert buyer.page.url.endswith("/test-room")  # back to what they came for
    buyer.send("/test-room")
    return buyer.page.url


def _answered(buyer: Visitor) -> None:
    buyer.send("/runs", sql=BY_AIRPORT)
    buyer.page.says("EWR", "JFK", "LGA")
    assert '<img src="/test-rooms/' not in buyer.page.html  # two numbers make a table, no picture
    buyer.send("/runs", sql="SELECT origin, COUNT(*) AS n FROM data GROUP BY origin")
    chart = re.search(r'<img src="([^"]+chart\.svg)"', buyer.page.html)
    assert chart is not None
    picture = buyer.client.get(chart[1])
    assert picture.mimetype == "image/svg+xml"
    assert b"<script" not in picture.data


def _refused_and_taught(buyer: Visitor, room: str) -> None:
    """No row leaves; the refusal says why, by which article, and offers the nearest question that is allowed."""
    buyer.open(room)
    buyer.send("/runs", sql="SELECT origin, temp FROM data")
    assert len(steps.refusals(buyer.page)) >= 1
    buyer.page.says("314/2026")
    buyer.follow("?fix=")
    fixed = dict(buyer.page.form("/runs").filled)["sql"]
    assert "GROUP BY" in fixed
    buyer.send("/runs", sql=fixed)
    buyer.page.says("EWR")
    for attempt in ("COPY data TO '/tmp/x'", "SELECT * FROM read_csv('/etc/passwd')", "ATTACH 'x'", "'"):
        buyer.open(room)
        buyer.send("/runs", sql=attempt)
        assert "root:" not in buyer.page.text
        assert steps.refusals(buyer.page), attempt


def _spent(buyer: Visitor, room: str) -> None:
    """Refusals and repetitions cost nothing: two questions and the fixed one (which may repeat the second) are used."""
    buyer.open(room)
    used = re.search(vi("Questions used") + r" (\d+) / 100", buyer.page.text)
    assert used is not None, buyer.page.text
    assert used[1] in ("2", "3")
    assert "/export" not in buyer.page.html  # nothing can be taken out


def _shut(buyer: Visitor, provider: Visitor, room: str, listing_id: str) -> None:
    provider.open(room, 404)
    buyer.open(room)
    buyer.send("/close")
    assert buyer.page.url.endswith(f"/listings/{listing_id}/test-room")
    buyer.open(room)
    buyer.send("/runs", sql=BY_AIRPORT)
    assert "X2" in steps.refusals(buyer.page)


def _suspended(operator: Visitor, buyer: Visitor, listing_id: str) -> None:
    """The certificate is suspended: nobody tries and nobody asks any more."""
    operator.open("/trial")
    operator.send("/change", kind="suspended", code="precaution", reason="Kiểm tra theo yêu cầu của cơ quan cấp phép")
    buyer.open(f"/listings/{listing_id}/test-room")
    assert "TRIAL_SUSPENDED" in steps.refusals(buyer.page)
    buyer.open(f"/listings/{listing_id}/request")
    buyer.send("/request", status=422, **(steps.WISH | {"ends": "2027-02-28"}))
    assert vi("Suspended").casefold() in buyer.page.text.casefold()
