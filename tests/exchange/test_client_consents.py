"""``minhbach negotiate``: both sides' rounds, a person's approval, the rule that agrees, an end with its code."""

import subprocess
import sys
from urllib.request import urlopen

from exchange import clock
from exchange.accounts.models import Membership, User
from exchange.negotiations import approvals
from exchange.permissions import Actor, Role
from tests.exchange.catalogue.conftest import COMPLETE
from tests.exchange.oauth.conftest import allow
from tests.exchange.running import named
from tests.exchange.test_client import Floor, floor, wish

__all__ = ["floor"]


def asked(floor: Floor, **changes: object) -> tuple[str, str]:
    """A listing, and a request for it."""
    listing = floor.published()
    request = floor.buyer.file("wish.json", wish() | changes)
    return listing, named("Negotiation", floor.buyer.does("request", listing, "--terms", request))


def test_both_sides_counter_and_one_ends_it_with_a_code(floor: Floor) -> None:
    _listing, negotiation = asked(floor)
    seller, buyer = floor.seller, floor.buyer
    cheaper = buyer.file("cheaper.json", {"price_vnd": 8_000_000, "scenario": "Chỉ một bảng theo dõi"})
    dearer = seller.file("dearer.json", {"price_vnd": 15_000_000})
    early = buyer.run("negotiate", "counter", negotiation, "--terms", cheaper)
    assert early.exit_code == 1
    assert "OUT_OF_TURN" in early.output
    assert "LAST_MOVE" in early.output
    assert "OFFERED" in seller.does("negotiate", "counter", negotiation, "--terms", dearer)
    assert "REQUESTED" in buyer.does("negotiate", "counter", negotiation, "--terms", cheaper)
    assert "Chỉ một bảng theo dõi" in seller.does("negotiate", "show", negotiation)
    wrong = seller.run("negotiate", "terminate", negotiation, "--code", "because", "--reason", "x")
    assert wrong.exit_code == 1
    assert "no-need" in wrong.output  # what would pass
    seller.does("negotiate", "terminate", negotiation, "--code", "price", "--reason", "Giá thấp")
    told = buyer.does("negotiate", "show", negotiation)
    assert "No agreement on the price [price]" in told
    assert "Giá thấp" in told
    assert seller.actor.org_id in told


def test_a_rule_agrees_and_is_shown_and_ended(floor: Floor) -> None:
    floor.with_keys()
    listing = floor.published()
    seller = floor.seller
    assert "a person answers" in seller.does("negotiate", "rule", listing)
    assert "level 2 or more" in seller.does("negotiate", "rule", listing, "--level", "2", "--max-price", "12500000")
    exact = floor.buyer.file("exact.json", wish() | {"purpose": COMPLETE["permitted_purpose"]})
    agreed = floor.buyer.does("request", listing, "--terms", exact)
    assert "AGREED" in agreed
    assert named("Contract", agreed)
    assert "a person answers" in seller.does("negotiate", "rule", listing, "--end")
    again = seller.run("negotiate", "rule", listing, "--end")
    assert again.exit_code == 1
    assert "AGREE_RULE_NONE" in again.output


def test_a_person_approves_and_a_program_does_not(floor: Floor) -> None:
    floor.with_keys()
    seller = floor.seller
    clerk = colleague(floor)
    _listing, negotiation = asked(floor)
    refused = seller.run("negotiate", "approve", negotiation, "--yes")
    assert refused.exit_code == 1
    assert "APPROVAL_NEEDS_PERSON" in refused.output
    waiting = seller.run("negotiate", "agree", negotiation, "--yes")
    assert "APPROVAL_MISSING" in waiting.output
    out = as_person(floor, clerk, "approve", negotiation, "--yes")
    assert "Approval in your organisation (terms [approval.terms]), by finance: Lê Kế Toán (" in out
    approval = out.rsplit("Lê Kế Toán (", 1)[1].split(")", 1)[0]
    out = as_person(floor, clerk, "withdraw-approval", negotiation, approval)
    assert "by finance: —" in out
    as_person(floor, clerk, "approve", negotiation, "--yes")
    assert named("Contract", seller.does("negotiate", "agree", negotiation, "--yes"))


def colleague(floor: Floor) -> Actor:
    """A clerk of the seller, whose approval the seller demands from now on."""
    actor = floor.seller.actor
    with floor.people.database.writing() as session:
        user = User(email="ke-toan@example.vn", full_name="Lê Kế Toán", password_hash="x", created_at=clock.now())
        session.add(user)
        session.flush()
        session.add(Membership(user_id=user.id, org_id=actor.org_id, role=Role.FINANCE))
        session.flush()
        approvals.set_rule(session, actor, "finance", False, clock.now())
        session.commit()
    floor.seller.register("person")  # an owner registers the program; the clerk allows it
    return Actor(user.id, actor.org_id, actor.kind, frozenset({Role.FINANCE}), name=user.full_name)


def as_person(floor: Floor, person: Actor, *command: str) -> str:
    """A ``minhbach negotiate`` command in a process of its own, while the person answers in their browser."""
    floor.app.extensions["minhbach.sequencer"].run_once()  # as a server's own thread does all the time
    whole = [sys.executable, "-c", "from exchange.cli import main; main()", "negotiate", *command]
    client = floor.seller.folder / "person.json"
    whole += ["--client", str(client), "--server", floor.running.address, "--lang", "en"]
    process = subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "/oauth/authorize?" not in (line := process.stderr.readline()):
        assert line, "the command ended without showing an address"
    browser = floor.people.browser(person)
    back = allow(browser, line.strip().removeprefix(floor.running.address), "allow").location
    with urlopen(back, timeout=10) as answer:
        assert answer.status == 200
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out
