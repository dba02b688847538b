"""Whom a checker trusts: C2SP tlog-policy. The reader brings this file; a bundle cannot vouch for itself.

log log.minhbach.example/2026+813bcdc6+AUU9zP...
witness regulator regulator.example/w1+0500dc38+BB3g...
witness provider provider.example+...
group parties any provider buyer
group all-of-them all regulator parties
quorum all-of-them
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.errors import NoteError
from contracts.log.checkpoint import KeyType, Opened, VerifierKey, format_vkey, open_checkpoint, parse_vkey

NONE = "none"


@dataclass(frozen=True)
class Group:
    """Counts as a witness when at least `needed` of its members do."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """The logs accepted, the witnesses and groups by name, and the name that has to be satisfied."""

    logs: tuple[VerifierKey, ...]
    witnesses: tuple[tuple[str, VerifierKey], ...] = ()
    groups: tuple[tuple[str, Group], ...] = ()
    quorum: str = NONE
    urls: tuple[tuple[str, str], ...] = ()  # where a witness takes checkpoints (C2SP tlog-witness), by its name


def format_policy(log_keys: Iterable[VerifierKey], asked: Policy | None = None) -> str:
    """A policy that trusts these log keys and asks for the witnesses of ``asked``, if any; addresses are left out."""
    asked = asked or Policy(())
    lines = [f"log {format_vkey(key)}" for key in log_keys]
    lines += [f"witness {name} {format_vkey(key)}" for name, key in asked.witnesses]
    lines += [f"group {name} {group.needed} {' '.join(group.members)}" for name, group in asked.groups]
    return "".join(f"{line}\n" for line in [*lines, f"quorum {asked.quorum}"])


def parse_policy(text: str) -> Policy:
    """C2SP tlog-policy, section "Policy file syntax and structure". What is not understood is refused by line."""
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if any(character < " " and character != "\t" for character in line):
            raise NoteError("POLICY_LINE", line=number, reason="control character")
        if words and not words[0].startswith("#"):
            reading.line(number, words)
    if reading.quorum is None:
        raise NoteError("POLICY_LINE", line=text.count("\n") + 1, reason="no quorum")
    return Policy(
        logs=tuple(reading.logs),
        witnesses=tuple(reading.witnesses.items()),
        groups=tuple(reading.groups.items()),
        quorum=reading.quorum,
        urls=tuple(reading.urls.items()),
    )


def check_policy(policy: Policy, checkpoint: str | bytes) -> Opened:
    """A log of the policy signed this checkpoint, and enough witnesses cosigned it."""
    witnesses = dict(policy.witnesses)
    opened = open_checkpoint(checkpoint, policy.logs, witnesses.values())
    seen = {cosigned.key for cosigned in opened.cosigned}
    satisfied = satisfied_by(policy, {name for name, key in witnesses.items() if key in seen})
    if policy.quorum not in satisfied:
        raise NoteError("POLICY_QUORUM", quorum=policy.quorum, seen=" ".join(sorted(satisfied - {NONE})))
    return opened


def satisfied_by(policy: Policy, witnesses: Iterable[str]) -> set[str]:
    """The names of a policy that count as witnessing when these witnesses do (C2SP tlog-policy, "witness group")."""
    satisfied = {NONE, *witnesses}
    for name, group in policy.groups:  # a group names only what stands before it
        if len(satisfied.intersection(group.members)) >= group.needed:
            satisfied.add(name)
    return satisfied


class _Reading:
    """What the lines read so far have defined."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, VerifierKey] = {}
        self.groups: dict[str, Group] = {}
        self.urls: dict[str, str] = {}
        self.quorum: str | None = None
        self._grouped: set[str] = set()

    def line(self, number: int, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self._log(number, vkey)
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._witness(number, name, vkey)
                self.urls |= {name: url[0]} if url else {}
            case ["group", name, needed, *members] if members:
                self._group(number, name, needed, members)
            case ["quorum", name] if self.quorum is None and (name == NONE or self._defined(name)):
                self.quorum = name
            case _:
                raise NoteError("POLICY_LINE", line=number, reason=" ".join(words)[:80])

    def _log(self, number: int, vkey: str) -> None:
        key = parse_vkey(vkey)
        if key.type != KeyType.ED25519 or key.public in {other.public for other in self.logs}:
            raise NoteError("POLICY_LINE", line=number, reason="log key")
        self.logs.append(key)

    def _witness(self, number: int, name: str, vkey: str) -> None:
        key = parse_vkey(vkey)
        repeated = key.public in {other.public for other in self.witnesses.values()}
        if key.type != KeyType.COSIGNATURE or repeated:
            raise NoteError("POLICY_LINE", line=number, reason="witness key")
        self._free(number, name)
        self.witnesses[name] = key

    def _group(self, number: int, name: str, needed: str, members: list[str]) -> None:
        self._free(number, name)
        if needed in ("any", "all"):
            count = 1 if needed == "any" else len(members)
        else:
            count = int(needed) if needed.isascii() and needed.isdecimal() and len(needed) < 4 else 0
        fresh = all(self._defined(member) and member not in self._grouped for member in members)
        if not fresh or len(set(members)) != len(members) or not 1 <= count <= len(members):
            raise NoteError("POLICY_LINE", line=number, reason=f"group {name}"[:80])
        self._grouped.update(members)
        self.groups[name] = Group(count, tuple(members))

    def _defined(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups

    def _free(self, number: int, name: str) -> None:
        if name == NONE or self._defined(name):
            raise NoteError("POLICY_LINE", line=number, reason=f"name {name}"[:80])
