"""What changes between two sets of terms, clause by clause, as a lawyer marks it: words struck out, words put in.

The clauses are those of the contract itself (contracts/text.py), drafted on either set of terms, so that a mark shows
what the document would say and no field of the terms can change unseen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from itertools import groupby

from contracts import parts, text
from contracts.terms import Terms

_FEWEST_KEPT = 3  # words; fewer unchanged ones between two changes only tear a sentence to pieces


@dataclass(frozen=True)
class Mark:
    """A run of words: ``same``, ``del`` or ``ins``."""

    kind: str
    text: str


@dataclass(frozen=True)
class ChangedClause:
    """One clause that differs, each of its lines with its marks."""

    number: int
    title: str
    lines: tuple[tuple[Mark, ...], ...]


@dataclass(frozen=True)
class Frame:
    """What a draft needs besides terms: who deals in what, and the day."""

    parties: tuple[parts.Party, ...]
    assets: tuple[parts.AssetRef, ...]
    trial: parts.TrialRef | None
    now: datetime

    def draft(self, terms: Terms) -> parts.Contract:
        """The contract as it would read on these terms; number, keys and log head come when it is drawn up."""
        return parts.Contract(
            payload=b"", id="", created=self.now, nonce="", parties=self.parties, assets=self.assets, terms=terms,
            trial=self.trial, log=None, needs=(),
        )  # fmt: skip


def changed_clauses(frame: Frame, before: Terms, after: Terms, lang: str) -> list[ChangedClause]:
    """The clauses that read differently, in the order of the contract."""
    pairs = zip(text.clauses(frame.draft(before), lang), text.clauses(frame.draft(after), lang), strict=True)
    return [ChangedClause(new.number, new.title, tuple(_lines(old.body, new.body))) for old, new in pairs if old != new]


def marks(before: str, after: str) -> tuple[Mark, ...]:
    """The words of two texts as one run; words that stay are kept only where enough of them stand together."""
    old, new = before.split(), after.split()
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return tuple(Mark(kind, " ".join(words)) for kind, words in _merged(opcodes, old, new) if words)


def _merged(
    opcodes: Sequence[tuple[str, int, int, int, int]], old: list[str], new: list[str]
) -> Iterator[tuple[str, list[str]]]:
    last = len(opcodes) - 1

    def stays(position: int) -> bool:
        tag, start, stop = opcodes[position][:3]
        return tag == "equal" and (stop - start >= _FEWEST_KEPT or position in (0, last))

    for same, run in groupby(range(len(opcodes)), stays):
        positions = list(run)
        _tag, old_from, _old_to, new_from, _new_to = opcodes[positions[0]]
        _tag, _old_from, old_to, _new_from, new_to = opcodes[positions[-1]]
        if same:
            yield "same", new[new_from:new_to]
        else:
            yield "del", old[old_from:old_to]
            yield "ins", new[new_from:new_to]


def _lines(before: str, after: str) -> Iterator[tuple[Mark, ...]]:
    """Line by line where the number of lines is the same, as it is unless a sentence comes or goes."""
    old, new = before.split("\n"), after.split("\n")
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            yield from ((Mark("same", line),) for line in new[new_from:new_to])
            continue
        paired = min(old_to - old_from, new_to - new_from)
        for offset in range(paired):
            yield marks(old[old_from + offset], new[new_from + offset])
        yield from ((Mark("del", line),) for line in old[old_from + paired : old_to])
        yield from ((Mark("ins", line),) for line in new[new_from + paired : new_to])
