"""`python -m sandbox`: what was asked before costs nothing, and what comes too close to it is refused."""

from collections.abc import Callable
from typing import Any

import pytest

BY_PROVINCE = "SELECT province, count(*), avg(amount), sum(amount) FROM sales GROUP BY province"
TOP = "SELECT province p, sum(amount), round(avg(amount), 1), count(*) FROM sales GROUP BY 1 ORDER BY 2 DESC LIMIT 3"
WIDE = "SELECT count(*) FROM sales WHERE province IN ('P01', 'P02')"
LESS = "SELECT count(*) FROM sales WHERE province = 'P01'"

Door = Callable[..., list[dict[str, Any]]]


def test_a_repeated_statistic_shows_the_same_numbers_and_costs_nothing(door: Door) -> None:
    first, again = door("run", [BY_PROVINCE, TOP])
    assert (first["verdict"], again["verdict"], again["code"]) == ("allow", "limit", "N1")
    assert first["budget_left"] == again["budget_left"]
    assert len(again["rows"]) == 3
    assert {row[0]: row[3] for row in first["rows"]}.items() >= {row[0]: row[1] for row in again["rows"]}.items()


@pytest.mark.parametrize("order", [(WIDE, LESS), (LESS, WIDE)])
def test_the_second_of_two_questions_that_differ_in_little_is_refused(door: Door, order: tuple[str, str]) -> None:
    answered, refused = door("run", list(order))
    assert (answered["verdict"], refused["verdict"], refused["code"], refused["rows"]) == ("allow", "deny", "D1", [])
    assert "GROUP BY province" in refused["fix"]
    assert refused["budget_left"] == answered["budget_left"]


def test_the_gate_alone_warns_for_it_has_answered_nothing_to_subtract(door: Door) -> None:
    found = door("check", [BY_PROVINCE, TOP, WIDE, LESS])
    assert [(line["verdict"], line["code"]) for line in found] == [
        ("allow", None), ("limit", "N1"), ("limit", "D1"), ("limit", "D1"),
    ]  # fmt: skip
