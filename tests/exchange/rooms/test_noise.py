"""A test room in mode aggregate_dp, as its provider designed it: noise, its price, its repetition for nothing, and what
is not told beside it."""

import json

import pytest

from exchange.rooms import designs
from exchange.rooms.models import TestRoom
from exchange.rooms.policies import recipe
from tests.exchange.rooms.test_designs import noisy
from tests.exchange.trials.place import Place

COUNT = "SELECT hub, COUNT(*) AS n FROM data GROUP BY hub ORDER BY hub"


@pytest.fixture
def room(ready: Place) -> TestRoom:
    """Three public hubs of four, noise with 1 epsilon a release and 10 in all, at most five rows of a customer."""
    given = {**noisy(ready), "epsilon_total_micro": 10_000_000, "epsilon_release_micro": 1_000_000}
    ready.do(designs.publish, ready.seller, ready.listing_id, given)
    return ready.room()


def test_a_copy_for_noise_is_not_the_copy_for_a_floor(room: TestRoom) -> None:
    assert recipe(room.policy) != recipe({**room.policy, "mode": "aggregate"})


def test_noise_is_paid_for_once_and_repeated_for_nothing(ready: Place, room: TestRoom) -> None:
    first = ready.ask(room, COUNT)
    assert (first.verdict, first.charged) == ("limit", True)
    assert first.answer is not None
    numbers = {hub: n for hub, n in first.answer["rows"]}
    assert set(numbers) == {"Hà Nội", "Đà Nẵng", "Cần Thơ", None}  # whatever is not public, and what is missing
    # Scale 5: further off by chance less than once in 10^12.
    assert all(abs(numbers[hub] - 749) < 150 for hub in numbers if hub)
    key, width = first.answer["half_widths"]
    assert (key, 15 <= int(width) <= 25) == (None, True)
    assert first.receipt["mechanism"] == "discrete_laplace"
    assert first.receipt["epsilon_micro"] == 2_000_000
    again = ready.ask(room, "SELECT COUNT(*), hub FROM data GROUP BY 2 ORDER BY 2 DESC LIMIT 9")
    assert again.answer is not None
    assert {hub: n for n, hub in again.answer["rows"]} == numbers
    assert (again.charged, again.receipt["epsilon_micro"]) == (False, 0)
    assert ready.budget(room).epsilon_spent == 2_000_000


def test_what_is_too_dear_is_refused_and_nothing_is_spent(ready: Place, room: TestRoom) -> None:
    ready.set_budget(room, epsilon_spent=7_500_001, epsilon_stop_at=None)
    refused = ready.ask(room, "SELECT AVG(weight) FROM data WHERE hub = 'Hà Nội'")
    assert (refused.verdict, refused.code) == ("deny", "B3")
    assert ready.budget(room).epsilon_spent == 7_500_001


def test_the_number_of_rows_is_not_told_beside_noisy_numbers(ready: Place, room: TestRoom) -> None:
    page = ready.browser().get(f"/test-rooms/{room.id}").text
    assert "Số dòng trong bản sao" not in page
    opened = [leaf for leaf in map(json.loads, ready.leaves()) if leaf["t"] == "testroom.opened"]
    assert opened
    assert all("rows" not in leaf["d"] for leaf in opened)


@pytest.mark.usefixtures("no_csrf")
def test_the_page_says_how_much_noise_there_is_and_what_was_promised(ready: Place, room: TestRoom) -> None:
    shown = ready.browser().post(f"/test-rooms/{room.id}/runs", data={"sql": COUNT}, follow_redirects=True).text
    assert "Laplace rời rạc" in shown
    assert "Số dòng tối đa được tính cho mỗi đơn vị" in shown
