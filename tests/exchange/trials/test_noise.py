"""A test room in mode aggregate_dp: noise, its price, its repetition for nothing, and what is not told beside it."""

import copy
from typing import Any

import pytest
from sqlmodel import select

from exchange.ledger.models import Outbox
from exchange.trials.models import TestRoom
from exchange.trials.policies import recipe
from tests.exchange.trials.place import Place

COUNT = "SELECT hub, COUNT(*) AS n FROM data GROUP BY hub ORDER BY hub"


def noisy(drafted: dict[str, Any]) -> dict[str, Any]:
    """What a provider designs who wants more than a floor: public lists and bounds, persons counted, noise."""
    document = copy.deepcopy(drafted)
    columns = {
        "hub": {"role": "dim", "domain": ["Cần Thơ", "Hà Nội", "Hải Phòng", "Đà Nẵng"], "filter": ["=", "IN"]},
        "weight": {"role": "measure", "bounds": [0, 2000], "aggregates": ["SUM", "AVG"]},
        "customer": {"role": "unit", "aggregates": ["COUNT_DISTINCT"]},
    }
    budgets = {"epsilon_total_micro": 10_000_000, "epsilon_per_query_micro": 1_000_000}
    document |= {"mode": "aggregate_dp", "columns": columns, "dp": {"threshold": 20}}
    document["dataset"] |= {"unit_column": "customer", "max_rows_per_unit": 2}
    document["budgets"] |= budgets
    return document


@pytest.fixture
def room(ready: Place) -> TestRoom:
    return ready.room(rewrite=noisy)


def test_a_copy_for_noise_is_not_the_copy_for_a_floor(ready: Place) -> None:
    drafted = noisy({"dataset": {}, "budgets": {}})
    assert recipe(drafted) != recipe({**drafted, "mode": "aggregate"})


def test_noise_is_paid_for_once_and_repeated_for_nothing(ready: Place, room: TestRoom) -> None:
    first = ready.ask(room, COUNT)
    assert (first.verdict, first.charged) == ("limit", True)
    assert first.answer is not None
    assert first.answer["half_widths"] == [None, "7"]  # scale 2; 2 ln 20 = 5.99, and the noise is whole
    assert [hub for hub, _ in first.answer["rows"]][:4] == ["Cần Thơ", "Hà Nội", "Hải Phòng", "Đà Nẵng"]
    assert all(abs(n - 749) < 60 for hub, n in first.answer["rows"] if hub)  # scale 2: by chance under 10^-12
    assert first.receipt["mechanism"] == "discrete_laplace"
    assert first.receipt["epsilon_micro"] == 2_000_000
    again = ready.ask(room, "SELECT COUNT(*), hub FROM data GROUP BY 2 ORDER BY 2 DESC LIMIT 9")
    assert again.answer is not None
    assert sorted(map(str, ([hub, n] for n, hub in again.answer["rows"]))) == sorted(map(str, first.answer["rows"]))
    assert (again.charged, again.receipt["epsilon_micro"]) == (False, 0)
    assert ready.budget(room).epsilon_spent == 2_000_000


def test_what_is_too_dear_is_refused_and_nothing_is_spent(ready: Place, room: TestRoom) -> None:
    ready.set_budget(room, epsilon_spent=7_500_001)
    refused = ready.ask(room, "SELECT AVG(weight) FROM data WHERE hub = 'Hà Nội'")
    assert (refused.verdict, refused.code) == ("deny", "B3")
    assert ready.budget(room).epsilon_spent == 7_500_001


def test_the_number_of_rows_is_not_told_beside_noisy_numbers(ready: Place, room: TestRoom) -> None:
    ready.ask(room, COUNT)
    page = ready.browser().get(f"/test-rooms/{room.id}").text
    assert "Số dòng trong bản sao" not in page
    assert "3.000" not in page
    with ready.database.reading() as session:
        leaves = [bytes(record.leaf) for record in session.exec(select(Outbox))]
    opened = [leaf for leaf in leaves if b'"testroom.opened"' in leaf]
    assert opened
    assert all(b'"rows"' not in leaf for leaf in opened)


@pytest.mark.usefixtures("no_csrf")
def test_the_page_says_that_there_is_noise_and_how_much(ready: Place, room: TestRoom) -> None:
    browser = ready.browser()
    shown = browser.post(f"/test-rooms/{room.id}/runs", data={"sql": COUNT}, follow_redirects=True).text
    assert "Các số đã được thêm nhiễu" in shown
    assert "±\N{NO-BREAK SPACE}7" in shown
    assert "Laplace rời rạc" in shown
    assert "2.000.000" in shown
