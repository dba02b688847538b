"""``minhbach trial report`` and ``minhbach trial incident``: by programs of the operator and of a seller."""

import json
import re
from datetime import timedelta

from contracts import canonical
from exchange import clock
from sandbox.trial import Verb
from tests.exchange.running import named
from tests.exchange.test_client import Floor, floor

__all__ = ["floor"]


def a_trial(floor: Floor) -> str:
    """A certificate whose first period is just over."""
    today = clock.now().astimezone(clock.VIETNAM).date()
    facts = {
        "cert_no": "01/GCN", "authority": "UBND", "valid_from": (today - timedelta(days=185)).isoformat(),
        "valid_to": (today + timedelta(days=300)).isoformat(), "level": 2, "sectors": ["logistics"],
        "classes": ["TC"], "verbs": [verb.value for verb in Verb], "territory": ["VN"], "notice_version": "1",
    }  # fmt: skip
    return str(floor.as_operator().call("POST", "/trial", facts)["id"])


def test_a_report_is_counted_submitted_and_fetched(floor: Floor) -> None:
    trial, operator = a_trial(floor), floor.operator
    assert re.search(r"due|overdue", operator.does("trial", "reports", trial))
    words = operator.file("words.json", {"answer": "Có", "result": "Một hợp đồng"})
    assert "digest: —" in operator.does("trial", "report", trial)
    wrong = operator.run("trial", "report", trial, "-o", operator.folder / "report.doc")
    assert wrong.exit_code == 1
    assert ".pdf or .json" in wrong.output
    data = operator.folder / "report.json"
    told = operator.does("trial", "report", trial, "--words", words, "--submit", "--yes", "-o", data)
    assert canonical.sha256_b64url(data.read_bytes()) in told
    assert json.loads(data.read_bytes())["operator"]["answer"] == "Có"
    assert re.search(r"submitted|late", operator.does("trial", "reports", trial))


def test_a_seller_tells_of_an_incident_and_the_operator_follows_it_to_its_end(floor: Floor) -> None:
    trial, seller, operator = a_trial(floor), floor.seller, floor.operator
    detected = (clock.now() - timedelta(minutes=5)).isoformat()
    file = seller.file(
        "incident.json", {"severity": "serious", "code": "leak", "what": "Lộ tệp", "detected_at": detected}
    )
    incident = named("Incident", seller.does("trial", "incident", "tell", trial, file, "--as", "seller"))
    assert incident in seller.does("trial", "incident", "list", trial, "--as", "seller")
    operator.does("trial", "incident", "assess", incident, "--severity", "serious", "--reason", "Đúng vậy")
    assert floor.as_operator().call("GET", f"/trials/{trial}")["state"] == "suspended"
    early = operator.run("trial", "incident", "close", incident, "--cause", "x", "--remedy", "y")
    assert early.exit_code == 1
    operator.does("trial", "incident", "report", incident, "--measures", "Đã thu hồi")
    operator.does("trial", "incident", "close", incident, "--cause", "Nhầm", "--remedy", "Kiểm tra")
    assert floor.as_operator().call("GET", f"/trials/{trial}")["state"] == "active"
