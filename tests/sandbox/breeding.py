"""Legal questions about invented sales, and how one attack is made of another (`search`)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.sandbox.game import LARGE, SMALL, TOTAL, UNITS

DISTRICTS = [*LARGE, SMALL]
SECTORS = ["food", "retail", "it"]
HOME = SECTORS[0]  # the target's sector; the target is all of the small district
DAYS = ["2025-05-15", "2025-06-15"]
LOWS, HIGHS = [f"2025-{month:02}-01" for month in (4, 5, 6)], [f"2025-{month:02}-01" for month in (7, 8, 9)]


@dataclass(frozen=True)
class Question:
    """One legal question; None where a column has no condition."""

    what: str
    districts: frozenset[str] | None
    sectors: frozenset[str] | None
    period: tuple[str, str] | None
    split: bool

    def sql(self) -> str:
        """As a buyer writes it."""
        lists = (("district", self.districts), ("sector", self.sectors))
        listed = [(name, ", ".join(f"'{each}'" for each in sorted(values))) for name, values in lists if values]
        where = [f"{name} IN ({values})" for name, values in listed]
        if self.period is not None:
            where += [f"sold_at >= '{self.period[0]}'", f"sold_at < '{self.period[1]}'"]
        text = f"SELECT {'district, ' * self.split}{self.what} AS x FROM sales"
        return text + (f" WHERE {' AND '.join(where)}" if where else "") + " GROUP BY district" * self.split

    def cells(self, rows: Sequence[Sequence[Any]]) -> list[float | None]:
        """The numbers of an answer at places that do not depend on it."""
        if not self.split:
            return [rows[0][0] if rows else None]
        shown = {row[0]: row[1] for row in rows}
        return [shown.get(each) for each in DISTRICTS]


Attack = tuple[Question, ...]


def random_question(dice: random.Random) -> Question:
    """Any legal question."""
    return Question(
        dice.choice((UNITS, TOTAL)), _districts(dice), _sectors(dice), _period(dice), split=dice.random() < 0.2
    )


def _districts(dice: random.Random) -> frozenset[str] | None:
    """No condition, everybody but the target, or any list."""
    some = frozenset(each for each in DISTRICTS if dice.random() < 0.5)
    return dice.choice((None, frozenset(LARGE), some)) or None


def _sectors(dice: random.Random) -> frozenset[str] | None:
    return dice.choice((None, frozenset({HOME}), frozenset(SECTORS) - {HOME}))


def _period(dice: random.Random) -> tuple[str, str] | None:
    return dice.choice((None, (dice.choice(LOWS), dice.choice(HIGHS))))


def child(attack: Attack, dice: random.Random) -> Attack:
    """One question replaced: by another, or by one of the attack's own that is changed in one place or two."""
    made = random_question(dice) if dice.random() < 0.2 else dice.choice(attack)
    for _ in range(dice.choice((1, 2, 2))):
        made = dice.choice((_toggled, _other_sectors, _other_period, _other_shape))(made, dice)
    at = dice.randrange(len(attack))
    return (*attack[:at], made, *attack[at + 1 :])


def _toggled(question: Question, dice: random.Random) -> Question:
    """One district more or less, most often the target's."""
    named = frozenset(DISTRICTS) if question.districts is None else question.districts
    changed = named ^ {SMALL if dice.random() < 0.5 else dice.choice(LARGE)}
    return replace(question, districts=changed if 0 < len(changed) < len(DISTRICTS) else None)


def _other_sectors(question: Question, dice: random.Random) -> Question:
    return replace(question, sectors=_sectors(dice))


def _other_period(question: Question, dice: random.Random) -> Question:
    return replace(question, period=_period(dice))


def _other_shape(question: Question, dice: random.Random) -> Question:
    if dice.random() < 0.5:
        return replace(question, split=not question.split)
    return replace(question, what=TOTAL if question.what == UNITS else UNITS)
