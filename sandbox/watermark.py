"""Counts rounded to a step, and in the direction each is rounded a mark that tells whose copy a table is.

Without a key a count becomes the nearest multiple of the step: at most half a step off. With the key of a buyer it
becomes one of the two multiples around it: the one whose number (count / step) is even or odd as a keyed bit of the
cell says, less than a step off. A count that is a multiple already stays, so it carries no mark. The bit belongs to
the cell's name, that is its group and its statistic: asking again, under other names or conditions, gives the same.

Who holds the keys tells from a leaked table alone whose it is: the buyer's own key fits every cell but some of those
that were multiples already, any other key half of all. Two buyers who compare their tables see where these differ, and
that is why both parties are told that the mark is there.
"""

import hashlib
import hmac
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.ir import Agg, Dim, Measure, Question
from sandbox.policy import Mode, Policy
from sandbox.post import Row, Value

COUNTS = (Measure.ROWS, Measure.UNITS, Measure.VALUES)


@dataclass(frozen=True)
class Cell:
    """One count of a table: the group it stands for (column and value, grain where there is one), what it counts, and
    the number that is shown."""

    group: tuple[tuple[str, str], ...]
    counted: str
    shown: int


@dataclass(frozen=True)
class Match:
    """How well a key fits a table: `fits` of `cells`, and the chance that a foreign key fits as well or better."""

    whose: str
    fits: int
    cells: int
    chance: float


def rounded(rows: Iterable[Row], question: Question, policy: Policy, key: bytes | None) -> tuple[Row, ...]:
    """A group table (`Question.keys`, then `Question.aggs`) with its counts rounded as the policy says."""
    step = policy.output.round_to
    if step == 1 or policy.mode is Mode.AGGREGATE_DP:
        return tuple(rows)
    mark = key if policy.output.watermark else None
    return tuple(_rounded(row, question, step, mark) for row in rows)


def key_of(secret: bytes, buyer: str, policy_id: str) -> bytes:
    """The key of one buyer's copies of one dataset, out of the secret that only the marking side knows."""
    return hmac.digest(secret, json.dumps([buyer, policy_id]).encode(), "sha256")


def cells(kinds: Sequence[Dim | Agg], rows: Iterable[Sequence[Value]]) -> list[Cell]:
    """The counts of a table as somebody shows it: `kinds` says what each of its columns is."""
    found = []
    for row in rows:
        group = _group((kind, value) for kind, value in zip(kinds, row, strict=True) if isinstance(kind, Dim))
        for kind, value in zip(kinds, row, strict=True):
            if isinstance(kind, Agg) and kind.measure in COUNTS and value is not None:
                found.append(Cell(group, kind.measure.value, int(str(value))))
    return found


def whose(table: Iterable[Cell], step: int, keys: Mapping[str, bytes]) -> list[Match]:
    """Every candidate with how well its key fits, the best first. A table of few cells proves little: see `chance`."""
    if step < 2:
        return []
    marked = {cell for cell in table if cell.shown % step == 0}
    found = []
    for name, key in keys.items():
        fits = sum(cell.shown // step % 2 == _bit(key, cell.group, cell.counted) for cell in marked)
        found.append(Match(name, fits, len(marked), _chance(fits, len(marked))))
    return sorted(found, key=lambda match: (-match.fits, match.whose))


def _rounded(row: Row, question: Question, step: int, key: bytes | None) -> Row:
    width = len(question.keys)
    group = _group(zip(question.keys, row[:width], strict=True))
    shown = list(row)
    for at, agg in enumerate(question.aggs, start=width):
        value = row[at]
        if agg.measure in COUNTS and isinstance(value, int):
            shown[at] = (
                _nearest(value, step) if key is None else _marked(value, step, _bit(key, group, agg.measure.value))
            )
    return tuple(shown)


def _nearest(value: int, step: int) -> int:
    return (2 * value + step) // (2 * step) * step


def _marked(value: int, step: int, bit: int) -> int:
    number, rest = divmod(value, step)
    return value if rest == 0 else (number + (number % 2 != bit)) * step


def _group(keys: Iterable[tuple[Dim, Value]]) -> tuple[tuple[str, str], ...]:
    """A group's name whatever the order of its columns, and whatever they are called in a table."""
    return tuple(sorted((f"{dim.column}/{dim.grain or ''}", "" if v is None else f"={v}") for dim, v in keys))


def _bit(key: bytes, group: tuple[tuple[str, str], ...], counted: str) -> int:
    return hmac.digest(key, json.dumps([group, counted]).encode(), hashlib.sha256)[0] & 1


def _chance(fits: int, cells: int) -> float:
    """Of a fair coin to fall at least `fits` times in `cells` on one side."""
    return float(sum(math.comb(cells, n) for n in range(fits, cells + 1)) / 2**cells)
