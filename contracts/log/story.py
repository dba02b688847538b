"""Rules over several leaves: nothing was left out of a chain, and nothing happened before its turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.errors import LeafError
from contracts.log.leaf import EventType, Leaf

# What only a contract in force allows, when the event names that contract.
_UNDER_CONTRACT = frozenset({EventType.DELIVERY_MADE, EventType.QUERY_RUN})


@dataclass(frozen=True)
class Placed:
    """A leaf at its index in the log."""

    index: int
    leaf: Leaf


class Chains:
    """Follows the events one by one: each names the one before it with the same first subject, no id comes twice.

    `whole` names the subjects whose every event is here; None means that every event of the log is here. Of other
    subjects some events may be missing, but those that are here must not contradict each other.

    What is kept of an id or a subject is its 64-bit hash under a key that Python draws anew for every run (SipHash), so
    that a million events take less than 200 MB: nobody can aim at a collision, and by chance a million ids collide
    once in 40 million runs, which would be a false alarm.
    """

    def __init__(self, whole: frozenset[str] | None = None) -> None:
        self._whole = whole
        self._last: dict[int, int] = {}  # hash of a subject -> index of its newest event
        self._seen: dict[int, int] = {}  # hash of an event id -> index

    @property
    def count(self) -> int:
        """How many chains there are so far."""
        return len(self._last)

    def follow(self, placed: Placed) -> None:
        """The next event; raises when it does not fit."""
        leaf, subject = placed.leaf, placed.leaf.on[0]
        key, id = hash(subject), hash(leaf.id)
        if id in self._seen:
            raise LeafError("EVENT_REPEATED", index=placed.index, id=leaf.id)
        expected = self._last.get(key)
        found = None if leaf.prev is None else self._seen.get(hash(leaf.prev), -1)
        complete = self._whole is None or subject in self._whole
        if found != expected and (complete or found not in (None, -1)):
            raise LeafError("CHAIN_BROKEN", index=placed.index, subject=subject, prev=leaf.prev, expected=expected)
        self._seen[id] = self._last[key] = placed.index


def check_order(story: Iterable[Placed], subject: str, contract_hash: str, needs: frozenset[str]) -> None:
    """One contract's life: agreed, signed by each organisation in `needs`, active, used, ended; nothing out of turn."""
    life = _Life(subject, contract_hash, needs)
    for placed in story:
        if subject in placed.leaf.on:
            life.follow(placed)


class _Life:
    def __init__(self, subject: str, contract_hash: str, needs: frozenset[str]) -> None:
        self._subject, self._hash, self._needs = subject, contract_hash, needs
        self._signed: set[str] = set()
        self._agreed = self._active = self._ended = False

    def follow(self, placed: Placed) -> None:
        kind, leaf = placed.leaf.type, placed.leaf
        if kind.startswith("contract."):  # in another chain it could be left out without a gap
            self._require(leaf.on[0] == self._subject, placed)
        if leaf.on[0] == self._subject and leaf.h.get("contract", self._hash) != self._hash:
            raise self._wrong("CONTRACT_HASH_DIFFERS", placed)
        if kind == EventType.CONTRACT_AGREED:
            self._require(not self._agreed and not self._ended, placed)
            self._agreed = True
        elif kind == EventType.CONTRACT_SIGNED:
            self._require(self._agreed and not self._active and not self._ended, placed)
            self._sign(placed)
        elif kind == EventType.CONTRACT_ACTIVE:  # by the exchange, once everybody has signed; nobody else can say so
            self._require(leaf.actor == "system" and self._agreed and not self._active and not self._ended, placed)
            missing = self._needs - self._signed
            if missing:
                raise self._wrong("ACTIVE_BEFORE_SIGNED", placed, missing=" ".join(sorted(missing)))
            self._active = True
        elif kind == EventType.CONTRACT_ENDED:
            self._require(self._agreed and not self._ended, placed)
            self._ended = True
        elif kind in _UNDER_CONTRACT and (not self._active or self._ended):
            raise self._wrong("USED_OUT_OF_FORCE", placed)

    def _sign(self, placed: Placed) -> None:
        organisation = placed.leaf.actor.removeprefix("org:")
        if organisation not in self._needs or organisation in self._signed:
            raise self._wrong("SIGNER_UNEXPECTED", placed, actor=placed.leaf.actor)
        self._signed.add(organisation)

    def _require(self, holds: bool, placed: Placed) -> None:
        if not holds:
            raise self._wrong("OUT_OF_ORDER", placed)

    def _wrong(self, code: str, placed: Placed, **facts: str) -> LeafError:
        details: Mapping[str, str] = facts
        return LeafError(code, index=placed.index, event=placed.leaf.type.value, subject=self._subject, **details)
