"""``minhbach key`` and ``minhbach redraw``: keys replaced, revoked, and contracts drawn up again, at a terminal."""

import re

from tests.exchange.running import Member, named
from tests.exchange.test_client import Floor, as_person, floor  # noqa: F401 - fixture


def listed(member: Member) -> list[str]:
    return [line for line in member.does("key", "list").splitlines() if re.match(r"[0-9a-z]{26}  ", line)]


def test_a_key_is_replaced_and_a_waiting_contract_drawn_up_again(floor: Floor) -> None:  # noqa: F811
    seller = floor.seller
    contract = floor.drawn()
    old, new = seller.folder / "key.pem", seller.folder / "new.pem"
    seller.does("key", "new", new, "--alg", "ES256")
    machine = seller.run("key", "rotate", old, new, "--label", "Mới")
    assert "belongs to a person" in machine.output
    done = as_person(floor, seller, "rotate", old, new, "--label", "Mới")
    assert done.returncode == 0, done.stderr
    assert "which has ended" in done.stdout
    first, second = listed(seller)
    assert "✓  Mới" in first
    assert "(rotated)" in second
    again = as_person(floor, seller, "rotate", old, new, "--label", "Mới")
    assert "is not registered for your organisation, or was revoked" in again.stderr

    refused = seller.run("sign", contract, "--key", new, "--yes")
    assert "minhbach redraw" in refused.output
    assert "NOT_SIGNABLE" not in refused.output
    assert "KEY_REVOKED" in seller.run("sign", contract, "--key", old, "--yes").output
    assert floor.buyer.run("redraw", contract, input="n\n").exit_code == 1
    drawn = floor.buyer.does("redraw", contract, "--yes")
    assert "None of the keys" in drawn
    redrawn = named("Contract", drawn)
    assert "contract.signed]: record" in seller.does("sign", redrawn, "--key", new, "--yes")
    gone = floor.buyer.run("sign", contract, "--key", floor.buyer.folder / "key.pem", "--yes")
    assert "NOT_SIGNABLE" in gone.output
    assert "contract.active]: record" in floor.buyer.does(
        "sign", redrawn, "--key", floor.buyer.folder / "key.pem", "--yes"
    )


def test_a_lost_key_is_reported_with_its_moment(floor: Floor) -> None:  # noqa: F811
    floor.with_keys()
    key = listed(floor.seller)[0].split()[0]
    early = floor.seller.run("key", "revoke", key, "--reason", "stolen", "--since", "2020-01-01T00:00", "--yes")
    assert "REVOCATION_SINCE" in early.output
    assert floor.seller.run("key", "revoke", key, "--reason", "bored", "--yes").exit_code == 2
    assert "REVOCATION" not in floor.buyer.run("key", "revoke", key, "--reason", "lost", "--yes").output  # not theirs
    assert "Revoked the key" in floor.seller.does("key", "revoke", key, "--reason", "lost", "--yes")
    assert "(lost)" in listed(floor.seller)[0]
