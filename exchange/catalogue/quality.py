"""Measured quality (law.md section 5): only what reading the file can tell; the rest is said to be not measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exchange.catalogue.models import Asset
from exchange.catalogue.vocabulary import CYCLES
from exchange.errors import N_

RULES_VERSION = "2026-11"  # the set of metrics and thresholds below


@dataclass(frozen=True)
class Score:
    """One dimension: 0-100, or None where nothing measured it, with the sentence that says what was counted."""

    dimension: str
    badge: str
    score: float | None
    passes: float  # the default threshold
    text: str

    @property
    def ok(self) -> bool | None:
        """Whether it reaches its threshold; None when not measured."""
        return None if self.score is None else self.score >= self.passes


@dataclass(frozen=True)
class Badge:
    """đúng, đủ, sạch or sống: the smallest of its measured dimensions."""

    code: str
    label: str
    score: int | None


BADGES: Mapping[str, str] = {
    "dung": N_("Correct"), "du": N_("Complete"), "sach": N_("Clean"), "song": N_("Live"),
}  # fmt: skip


def scores(asset: Asset, version: Any, now: datetime) -> tuple[Score, ...]:
    """Every dimension of the file of ``version``, measured or honestly not."""
    cells = asset.rows * max(1, len(asset.columns))
    filled = cells - sum(int(column["nulls"]) for column in asset.columns)
    repeated = asset.duplicate_rows
    return (
        Score("accuracy", "dung", None, 99.5, N_("Accuracy: needs reference data; not measured")),
        Score("validity", "dung", _validity(asset), 99, N_("Validity: columns whose values all fit one type")),
        Score("completeness", "du", 100 * filled / cells, 95, N_("Completeness: cells that hold a value")),
        Score("countability", "du", 100, 100, N_("Countability: rows, columns and digest counted from the file")),
        Score("uniqueness", "sach", None if repeated is None else 100 * (1 - repeated / asset.rows), 99.9,
              N_("Uniqueness: rows that repeat no earlier row")),
        Score("anomaly", "sach", None, 99.5, N_("Anomalies: not measured yet")),
        Score("timeliness", "song", _timeliness(asset, version, now), 100,
              N_("Timeliness: age of the file against the declared cycle")),
        Score("upkeep", "song", None, 95, N_("Upkeep: needs an update log; not measured")),
    )  # fmt: skip


def badges(asset: Asset, version: Any, now: datetime) -> tuple[Badge, ...]:
    """The four badges; a badge none of whose dimensions was measured has no score."""
    measured = scores(asset, version, now)
    found = []
    for code, label in BADGES.items():
        values = [score.score for score in measured if score.badge == code and score.score is not None]
        found.append(Badge(code, label, int(min(values)) if values else None))
    return tuple(found)


def _validity(asset: Asset) -> float:
    """A column without values or with values of mixed kinds (JSON) has no one type."""
    good = sum(1 for c in asset.columns if c["type"] != "JSON" and int(c["nulls"]) < asset.rows)
    return 100 * good / max(1, len(asset.columns))


def _timeliness(asset: Asset, version: Any, now: datetime) -> float | None:
    days = CYCLES[version.update_cycle][1] if version.update_cycle in CYCLES else None
    if days is None:
        return None
    age = (now - asset.created_at).total_seconds() / 86400
    return 100.0 if age <= days else max(0.0, 100 * days / age)
