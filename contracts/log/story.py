"""Rules over several leaves: nothing was left out of a chain, and nothing happened before its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from contracts.errors import LeafError
from contracts.log.events import EventType
from contracts.log.leaf import Leaf

# What only a contract in force allows, when the event names that contract.
_UNDER_CONTRACT = frozenset({EventType.DELIVERY_MADE, EventType.QUERY_RUN})
_LISTING = "listing"  # the hold of whoever stopped the listing: not a party's


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
    """One contract's life: agreed, signed by each organisation in `needs`, active, used, suspended and resumed by the
    same one, ended by a party or the exchange, the duty at the end stated and answered; nothing out of turn, and
    nothing handed out while somebody's suspension stands or after the end."""
    life = _Life(subject, contract_hash, needs)
    for placed in story:
        if subject in placed.leaf.on:
            life.follow(placed)


class _Life:
    def __init__(self, subject: str, contract_hash: str, needs: frozenset[str]) -> None:
        self._subject, self._hash, self._needs = subject, contract_hash, needs
        self._parties = {f"org:{org}" for org in needs}
        self._signed: set[str] = set()
        self._holds: set[str] = set()
        self._stated: set[str] = set()  # who has made a statement at the end
        self._agreed = self._active = self._ended = False

    def follow(self, placed: Placed) -> None:
        kind, leaf = placed.leaf.type, placed.leaf
        if kind.startswith(("contract.", "duty.")):  # in another chain it could be left out without a gap
            self._require(leaf.on[0] == self._subject, placed)
        if leaf.on[0] == self._subject and leaf.h.get("contract", self._hash) != self._hash:
            raise self._wrong("CONTRACT_HASH_DIFFERS", placed)
        if kind in _STEPS:
            _STEPS[kind](self, placed)
        elif kind in _UNDER_CONTRACT and (not self._active or self._ended or self._holds):
            raise self._wrong("USED_OUT_OF_FORCE", placed)

    def _agree(self, placed: Placed) -> None:
        self._require(not self._agreed and not self._ended, placed)
        self._agreed = True

    def _sign(self, placed: Placed) -> None:
        self._require(self._agreed and not self._active and not self._ended, placed)
        organisation = placed.leaf.actor.removeprefix("org:")
        if organisation not in self._needs or organisation in self._signed:
            raise self._wrong("SIGNER_UNEXPECTED", placed, actor=placed.leaf.actor)
        self._signed.add(organisation)

    def _activate(self, placed: Placed) -> None:
        """By the exchange, once everybody has signed; nobody else can say so."""
        begun = self._agreed and not self._active and not self._ended
        self._require(placed.leaf.actor == "system" and begun, placed)
        missing = self._needs - self._signed
        if missing:
            raise self._wrong("ACTIVE_BEFORE_SIGNED", placed, missing=" ".join(sorted(missing)))
        self._active = True

    def _suspend(self, placed: Placed) -> None:
        holder = self._holder(placed)
        self._require(self._active and not self._ended and holder not in self._holds, placed)
        self._holds.add(holder)

    def _resume(self, placed: Placed) -> None:
        holder = self._holder(placed)
        self._require(holder in self._holds and not self._ended, placed)
        self._holds.remove(holder)

    def _holder(self, placed: Placed) -> str:
        """Whose suspension it is: a party's own, or that of whoever stopped the listing, which no party can lift."""
        actor, whose = placed.leaf.actor, placed.leaf.d.get("hold")
        self._require((actor not in self._parties) if whose == _LISTING else (actor in self._parties), placed)
        return _LISTING if whose == _LISTING else actor

    def _end(self, placed: Placed) -> None:
        by = placed.leaf.actor
        self._require(self._agreed and not self._ended and (by == "system" or by in self._parties), placed)
        self._ended = True

    def _state(self, placed: Placed) -> None:
        self._require(self._active and placed.leaf.actor in self._parties, placed)
        self._stated.add(placed.leaf.actor)

    def _answer(self, placed: Placed) -> None:
        others = self._stated - {placed.leaf.actor}
        self._require(bool(others) and placed.leaf.actor in self._parties, placed)

    def _require(self, holds: bool, placed: Placed) -> None:
        if not holds:
            raise self._wrong("OUT_OF_ORDER", placed)

    def _wrong(self, code: str, placed: Placed, **facts: str) -> LeafError:
        details: Mapping[str, str] = facts
        return LeafError(code, index=placed.index, event=placed.leaf.type.value, subject=self._subject, **details)


_STEPS: Mapping[EventType, Callable[[_Life, Placed], None]] = {
    EventType.CONTRACT_AGREED: _Life._agree,
    EventType.CONTRACT_SIGNED: _Life._sign,
    EventType.CONTRACT_ACTIVE: _Life._activate,
    EventType.CONTRACT_SUSPENDED: _Life._suspend,
    EventType.CONTRACT_RESUMED: _Life._resume,
    EventType.CONTRACT_ENDED: _Life._end,
    EventType.DUTY_FULFILLED: _Life._state,
    EventType.DUTY_ACKNOWLEDGED: _Life._answer,
    EventType.DUTY_DISPUTED: _Life._answer,
}
