"""``minhbach trial``: a trial from its application to its end, by the programs of operator, authority and member."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from exchange import clock
from exchange.accounts.models import Organisation
from exchange.permissions import OrgKind, Role
from sandbox.trial import Verb
from tests.exchange.running import Member, named
from tests.exchange.test_client import Floor, floor

__all__ = ["floor"]

JOIN = ("trial", "enrol", "--notice", "1", "--degree", "it", "--years", "3")
WHY = ("--reason", "Theo biên bản số 5")
YEAR = timedelta(days=365)


def today() -> date:
    """In Viet Nam."""
    return clock.now().astimezone(clock.VIETNAM).date()


def dossier(**changes: object) -> dict[str, Any]:
    """What an application needs, for a trial from today."""
    return {
        "question": "Người mua có cần dữ liệu gốc không?", "measure": "10 hợp đồng", "participants": "Chọn công khai",
        "sectors": ["logistics"], "classes": ["TC"], "verbs": [verb.value for verb in Verb], "level": 2,
        "territory": ["VN"], "valid_from": today().isoformat(), "valid_to": (today() + YEAR).isoformat(),
        "max_listings": 20, "safeguards": ["Kiểm duyệt mọi sản phẩm"], "notice_version": "1",
        "security_valid_to": (today() + 3 * YEAR).isoformat(),
    } | changes  # fmt: skip


@pytest.fixture
def authority(floor: Floor) -> Member:
    """A ministry at its terminal, on record as an authority by the operator's command."""
    actor = floor.people.make("bo-khoa-hoc", OrgKind.REGULATOR, Role.OWNER)
    member = Member(floor.people, actor, floor.running.address, floor.operator.folder.parent / "bo", ("authority",))
    with floor.people.database.reading() as session:
        tax_code = session.get_one(Organisation, actor.org_id).tax_code
    told = floor.operator.does("trial", "authority", tax_code, "--kind", "ministry", "--basis", "Nghị định 353/2025")
    assert named("Recorded", told) in member.does("trial", "authorities", "--as", "authority")
    return member


def handed_in(floor: Floor, **changes: object) -> str:
    """An application that waits for the authority."""
    operator = floor.operator
    told = operator.does("trial", "apply", operator.file("dossier.json", dossier(**changes)), "--submit")
    assert "submitted" in told
    return named("Application", told)


def refused(member: Member, *words: object) -> str:
    """What was said of a command that fails."""
    result = member.run(*words)
    assert result.exit_code == 1, result.output
    return result.output


def printed(member: Member, *words: object) -> dict[str, Any]:
    """What a command prints as JSON; the exchange in this process writes its log to the same place."""
    told = member.does(*words)
    found: dict[str, Any] = json.JSONDecoder().raw_decode(told, told.index("{\n"))[0]
    return found


def kinds(member: Member, trial: str, who: str) -> list[str]:
    """What has happened to the trial."""
    found = printed(member, "trial", "show", trial, "--json", "--as", who)
    return [event["kind"] for event in found["events"]]


def test_an_application_goes_back_and_forth_until_it_is_decided(floor: Floor, authority: Member) -> None:
    operator = floor.operator
    draft = named("Application", operator.does("trial", "apply", operator.file("draft.json", {"question": "Gì?"})))
    assert draft in operator.does("trial", "applications")
    assert draft not in authority.does("trial", "applications", "--as-authority")
    whole = operator.file("whole.json", dossier())
    operator.does("trial", "apply", whole, "--application", draft, "--submit")
    assert draft in authority.does("trial", "applications", "--as-authority")
    assert "returned" in authority.does("trial", "return", draft, *WHY)
    steps = printed(operator, "trial", "application", draft)["steps"]
    assert (steps[-1]["kind"], steps[-1]["reason"]) == ("returned", WHY[1])
    operator.does("trial", "apply", whole, "--application", draft, "--submit")
    wide = authority.file("wide.json", {"max_listings": 21})
    assert "GRANT_TOO_WIDE" in refused(authority, "trial", "approve", draft, "--cert-no", "7/GCN", "--grant", wide)
    narrow = authority.file("narrow.json", {"max_listings": 2, "conditions": "Báo cáo mỗi quý"})
    told = authority.does("trial", "approve", draft, "--cert-no", "7/GCN", "--grant", narrow)
    assert "Certificate 7/GCN" in told
    assert "Limit listings: 0 used of 2" in operator.does("trial", "show", "--as", "operator")
    assert "refused" in authority.does("trial", "refuse", handed_in(floor), *WHY)
    given_up = handed_in(floor)
    operator.does("trial", "withdraw", given_up)
    assert printed(authority, "trial", "application", given_up, "--as-authority")["state"] == "withdrawn"
    [record] = floor.as_operator().call("GET", "/trial/authorities")["authorities"]
    operator.does("trial", "end-authority", record["id"])
    assert "AUTHORITY_MISSING" in refused(operator, "trial", "apply", whole, "--submit")


def test_a_trial_runs_from_its_certificate_to_its_end(floor: Floor, authority: Member) -> None:
    operator, buyer = floor.operator, floor.buyer
    trial = handed_in(floor)
    authority.does("trial", "approve", trial, "--cert-no", "8/GCN")

    buyer.does(*JOIN)
    [place] = floor.as_operator().call("GET", f"/trials/{trial}/participants")["participants"]
    assert place["id"] in authority.does("trial", "participants", trial, "--as-authority")
    operator.does("trial", "exclude", trial, place["id"], "--code", "not_eligible", *WHY)
    assert "ENROLMENT_ENDED" in refused(buyer, *JOIN)
    authority.does("trial", "readmit", trial, place["id"], *WHY, "--as-authority")
    buyer.does(*JOIN)
    assert buyer.run("trial", "leave", input="n\n").exit_code == 1
    assert "Left the trial" in buyer.does("trial", "leave", "--yes")

    authority.does("trial", "suspend", trial, "--code", "inspection", *WHY, "--as-authority")
    assert "suspended" in buyer.does("trial", "show")
    resume = ("trial", "resume", trial, "--code", "remedied", *WHY)
    assert "TRIAL_STEP_NOT_YOURS" in refused(operator, *resume)
    authority.does(*resume, "--as-authority")
    extend = ("trial", "extend", trial, "--until", (today() + YEAR + timedelta(days=90)).isoformat(), *WHY)
    operator.does(*extend)
    assert "withdrawn" in operator.does("trial", "answer-extension", trial, "--deny", *WHY)
    operator.does(*extend)
    authority.does("trial", "answer-extension", trial, "--grant", *WHY, "--as-authority")
    operator.does("trial", "security", trial, "--until", (today() + 4 * YEAR).isoformat(), *WHY)

    close = ("trial", "close", trial, "--as-authority", "--yes")
    assert "EXIT_REPORT_MISSING" in refused(authority, *close)
    words = operator.file("words.json", {"answer": "Có", "result": "Không hợp đồng nào"})
    operator.does("trial", "report", trial, "--exit", "--words", words, "--submit", "--yes")
    authority.does("trial", "evaluate", trial, "--code", "partly", *WHY, "--as-authority")
    authority.does(*close)
    assert kinds(authority, trial, "authority") == [
        "suspended", "resumed", "extension_asked", "extension_refused", "extension_asked", "extended",
        "security_renewed", "exit_reported", "evaluated", "closed",
    ]  # fmt: skip
    assert "exited" in buyer.does("trial", "show", trial)


def test_a_trial_is_ended_for_good_after_a_question(floor: Floor, authority: Member) -> None:
    trial = handed_in(floor)
    authority.does("trial", "approve", trial, "--cert-no", "9/GCN")
    end = ("trial", "terminate", trial, "--code", "self_exit", *WHY)
    asked = floor.operator.run(*end, input="n\n")
    assert asked.exit_code == 1
    assert f"Terminate the trial {trial}?" in asked.output
    assert kinds(authority, trial, "authority") == []
    unknown = refused(floor.operator, "trial", "terminate", trial, "--code", "tired", *WHY, "--yes")
    assert "self_exit" in unknown
    floor.operator.does(*end, "--yes")
    assert kinds(authority, trial, "authority") == ["terminated"]
