"""The columns of a file on the designer's page: in groups by kind, with one use for many of a wide file at once."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from exchange.errors import N_, NotFound
from exchange.rooms.design_answers import USES, Fact

OPEN_UP_TO = 12  # columns; the groups of a wider file are folded
KINDS = {
    "text": N_("Texts"),
    "number": N_("Columns of numbers"),
    "date": N_("Days"),
    "bool": N_("Yes or no"),
}


class Group(NamedTuple):
    """Columns of one kind with their places in the file; those that can only be left alone are in none."""

    kind: str
    title: str
    columns: list[tuple[int, Fact]]
    uses: list[str]
    used: int


def grouped(facts: Sequence[Fact], answers: Mapping[str, Any]) -> list[Group]:
    """The columns that may be asked of, by kind, in the order of the file."""
    found = []
    for kind, title in KINDS.items():
        columns = [(place, fact) for place, fact in enumerate(facts) if len(fact.uses) > 1 and kind_of(fact) == kind]
        uses = [use for use in USES if any(use in fact.uses for _place, fact in columns)]
        chosen = [answers["columns"].get(fact.source, {}).get("use") or "never" for _place, fact in columns]
        if columns:
            found.append(Group(kind, title, columns, uses, len(chosen) - chosen.count("never")))
    return found


def kind_of(fact: Fact) -> str:
    """Whole numbers and others stand together."""
    return "number" if fact.kind == "int" else fact.kind


def set_all(
    facts: Sequence[Fact], answers: Mapping[str, Any], kind: str, use: str, beginning: str
) -> tuple[dict[str, Any], int]:
    """The answers with one use for every column of a kind whose name begins so, and how many that were.

    A column that cannot be used so keeps what it has.
    """
    if kind not in KINDS or use not in USES:
        raise NotFound(kind)
    chosen = [
        fact.source
        for fact in facts
        if kind_of(fact) == kind and use in fact.uses and len(fact.uses) > 1 and fact.source.startswith(beginning)
    ]
    columns = {source: {**answers["columns"].get(source, {}), "use": use} for source in chosen}
    return {**answers, "columns": {**answers["columns"], **columns}}, len(chosen)
