"""A privacy budget in numbers that people can weigh: what one person risks, and by how much answers are off."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Noise:
    """What a privacy budget means. Discrete Laplace noise of scale M·bound/ε (Dwork and others 2006)."""

    belief_percent: int  # how sure somebody may become about one person who was at even odds before
    numbers: int  # how many numbers the whole budget buys
    count_error: int  # a count is off by this much on average
    count_bound: int  # and 19 times of 20 by at most this
    sums: tuple[tuple[str, int, int], ...]  # (column, average, 19 of 20) for totals


def noise(answers: Mapping[str, Any]) -> Noise:
    """The budget of these answers in numbers that people can weigh."""
    total, release = answers["epsilon_total_micro"] / 1e6, answers["epsilon_release_micro"] / 1e6
    scale = (answers["rows_per_unit"] if answers["unit"] else 1) / release
    sums = [
        (source, scale * max(abs(column["low"]), abs(column["high"])))
        for source, column in answers["columns"].items()
        if column["use"] == "sum" and column.get("low") is not None and column.get("high") is not None
    ]
    odds = math.exp(total)
    return Noise(
        belief_percent=math.floor(100 * odds / (1 + odds)), numbers=int(total / release + 1e-9),
        count_error=round(scale), count_bound=round(3 * scale),
        sums=tuple((source, round(each), round(3 * each)) for source, each in sums),
    )  # fmt: skip
