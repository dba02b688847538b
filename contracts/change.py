"""A change between two sets of terms, told to people: the redline of its clause, and what changed for the reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts import change_words as say
from contracts.clauses import TITLES
from contracts.sentences import FIELDS
from contracts.spelling import LANGUAGES, amount, day, money
from contracts.terms import Change


@dataclass(frozen=True)
class Redline:
    """One changed field in one language: its clause, the value before and after as words, and the plain sentence."""

    clause: int  # 1 to 22
    title: str  # of the clause
    label: str  # of the field, with a capital
    before: str
    after: str
    for_you: str


def redline(change: Change, lang: str, role: str = "") -> Redline:
    """The change as people read it, in "vi" or "en".

    `for_you` is said from the side of `role`: "provider", "consumer" (capitals are the same), or "" for anybody else.
    """
    return Redline(
        clause=change.clause,
        title=TITLES[lang][change.clause - 1],
        label=label(change.field, lang),
        before=value(change.field, change.before, lang),
        after=value(change.field, change.after, lang),
        for_you=_effect(change, lang, role.lower()),
    )


def label(field: str, lang: str) -> str:
    """A field's name, with a capital."""
    name = FIELDS[field][LANGUAGES.index(lang)]
    return name[0].upper() + name[1:]


def unit(field: str) -> str:
    """What a number is counted in (contracts.spelling): days, hours, percent, times, queries, units; else nothing."""
    return say.UNIT_OF.get(field, "")


def value(field: str, stated: Any, lang: str) -> str:
    """A field's value as words; `stated` as in the JSON form, None where nothing is agreed."""
    column = LANGUAGES.index(lang)
    if stated is None or stated == "":
        return say.NOTHING.get(field, say.NOT_AGREED)[column]
    if field in say.CHOICES:
        named = say.CHOICES[field].get(stated)
        return named[column] if named else str(stated)
    if field in say.MONEY:
        return money(stated, lang)
    if field in say.DAYS:
        return day(stated if isinstance(stated, date) else date.fromisoformat(stated), lang)
    if field in say.UNIT_OF:
        return amount(stated, say.UNIT_OF[field], lang)
    if field == "territory":
        return ", ".join(say.TERRITORIES[code][column] if code in say.TERRITORIES else code for code in stated)
    return str(stated)


def _effect(change: Change, lang: str, role: str) -> str:
    field, after, column = change.field, change.after, LANGUAGES.index(lang)
    if field == "price_vnd":
        return _price_effect(change, lang, role)
    if field in say.EFFECTS_OF_CHOICES:
        pair = say.EFFECTS_OF_CHOICES[field].get(after, say.REWORDED)
    elif after is None and field in say.EFFECTS_OF_NOTHING:
        pair = say.EFFECTS_OF_NOTHING[field]
    elif field in say.EFFECTS:
        pair = say.EFFECTS[field]
    else:
        pair = say.REWORDED if after else say.REMOVED
    people = {slot: names.get(role, names[""])[column] for slot, names in say.READERS.items()}
    told = {"v": value(field, after, lang), "delta": _delta(change, lang), "label": FIELDS[field][column]}
    sentence = pair[column].format_map({**people, **told})
    return sentence[0].upper() + sentence[1:]


def _price_effect(change: Change, lang: str, role: str) -> str:
    way = "more" if change.after > change.before else "less"
    sentences = say.PRICE[way]
    told = {"d": abs(change.after - change.before), "before": change.before, "after": change.after}
    return sentences.get(role, sentences[""])[LANGUAGES.index(lang)].format_map(
        {name: money(dong, lang) for name, dong in told.items()}
    )


def _delta(change: Change, lang: str) -> str:
    """How the new value of a number or a day compares; nothing where there was none before."""
    field, before, column = change.field, change.before, LANGUAGES.index(lang)
    if field in say.DAYS:
        moved = (date.fromisoformat(change.after) - date.fromisoformat(before)).days
        return (say.LATER if moved > 0 else say.EARLIER)[column].format(d=amount(abs(moved), "days", lang))
    if isinstance(before, int) and isinstance(change.after, int):
        return say.BEFORE[column].format(before=value(field, before, lang))
    return ""
