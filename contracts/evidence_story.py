"""What the records of a bundle tell: chains, contracts, keys, disclosures. `evidence.py` names the steps.

The records are read once, in order; of each contract only the indexes of its events are kept.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from contracts import canonical
from contracts.bundle import Bundle
from contracts.document import Contract
from contracts.document import parse as parse_contract
from contracts.errors import ContractsError, DisclosureError, EvidenceError, Fact
from contracts.evidence_x509 import Certified
from contracts.log import disclosure, leaf
from contracts.log.checkpoint import Checkpoint
from contracts.log.events import EventType
from contracts.log.leaf import Leaf
from contracts.log.story import Chains, Placed, check_order
from contracts.signature import SignerInfo
from contracts.signature import check as check_signature

_CONTRACT = "contract:"


@dataclass
class _Events:
    """Indexes: `own` of the contract's own events, `all` of every event that names it."""

    own: array[int] = field(default_factory=lambda: array("q"))
    all: array[int] = field(default_factory=lambda: array("q"))


class Story:
    """The records under one head."""

    def __init__(self, bundle: Bundle, head: Checkpoint, roots: tuple[bytes, ...] | None = None) -> None:
        self._bundle, self._head = bundle, head
        self.certified = Certified(bundle, roots)
        self._events: dict[str, _Events] = {}
        self._revoked: dict[str, int] = {}  # key's thumbprint -> index of its first revocation
        self._salted: dict[str, tuple[str, ...]] = {
            name.split("/")[1].split(".")[0]: () for name in bundle.names("disclosures")
        }
        self._log: str | None = None  # the origin that the records read so far name
        self.agreed = 0
        self.subjects = 0
        self.last: int | None = None

    def read(self) -> None:
        """Every record: its schema, its place in its chain; and what the later checks need of it."""
        chains = Chains(None if self._bundle.whole else frozenset({self._bundle.scope}))
        for index, data in self._bundle.leaves(self._head.size):
            parsed = self._parse(index, data)
            chains.follow(Placed(index, parsed))
            self._note(index, parsed)
            self.last = index
        if self._log not in (None, self._head.origin):
            raise self._other_log(self.last, self._log)
        self.subjects = chains.count

    def contract(self, name: str) -> tuple[dict[str, Fact], LogPin | None]:
        """Check the signed contract in this member; its facts, and the head that the parties signed."""
        value, payload = self._bundle.signed_contract(name)
        contract = parse_contract(payload)
        subject = _CONTRACT + contract.id
        events = self._events.get(subject, _Events())
        own = list(self._placed(events.own))
        agreed = next((it for it in own if it.leaf.type == EventType.CONTRACT_AGREED), None)
        if agreed is None or agreed.leaf.h["contract"] != contract.hash:
            raise EvidenceError("CONTRACT_NOT_LOGGED", subject=subject, hash=contract.hash)
        signers = self._signatures(value, contract, subject, own)
        unchecked = ", ".join(actor.removeprefix("org:") for actor, signer in signers.items() if signer is None)
        story = self._placed(events.all, {it.index: it for it in own})
        check_order(story, subject, contract.hash, frozenset(contract.needs))
        types = {placed.leaf.type for placed in own}
        active = "active" if EventType.CONTRACT_ACTIVE in types else "open"
        facts: dict[str, Fact] = {
            "subject": subject,
            "hash": contract.hash,
            "signers": ", ".join(f"{it[0].org_id} ({it[0].alg}, {it[1]})" for it in signers.values() if it),
            "state": "ended" if EventType.CONTRACT_ENDED in types else active,
        }
        return facts | ({"unchecked": unchecked} if unchecked else {}), self._pin(contract, agreed)

    def check_disclosure(self, name: str) -> None:
        """RFC 9901 section 4.2.4: the digest of the disclosure's text stands in the leaf it belongs to."""
        event = _event_of(name)
        try:
            disclosure.check(self._bundle.text(name), self._salted[event])
        except DisclosureError as problem:
            raise EvidenceError(problem.code, **{**problem.facts, "member": name, "event": event}) from None

    def _parse(self, index: int, data: bytes) -> Leaf:
        try:
            parsed = leaf.parse(data)
        except ContractsError as problem:
            raise EvidenceError("ENTRY_REFUSED", index=index, reason=str(problem)) from problem
        if parsed.log != self._log:  # only a restart names the log anew, and says how it was called (decision 0009)
            restarted = parsed.type == EventType.LOG_RESTARTED and parsed.d.get("origin") == self._log
            if self._log is not None and not restarted:
                raise self._other_log(index, parsed.log)
            self._log = parsed.log
        return parsed

    def _other_log(self, index: int | None, log: str | None) -> EvidenceError:
        return EvidenceError("ENTRY_OF_ANOTHER_LOG", index=index, log=log, origin=self._head.origin)

    def _note(self, index: int, parsed: Leaf) -> None:
        for number, subject in enumerate(parsed.on):
            if subject.startswith(_CONTRACT):
                events = self._events.setdefault(subject, _Events())
                events.all.append(index)
                if not number and parsed.type.startswith("contract."):
                    events.own.append(index)
        if parsed.type == EventType.CONTRACT_AGREED:
            self.agreed += 1
        elif parsed.type == EventType.KEY_REVOKED:
            self._revoked.setdefault(parsed.on[0].removeprefix("key:"), index)
        elif parsed.type == EventType.POLICY_CHANGED:
            self.certified.note(index, parsed.h.get("trust"))
        if parsed.id in self._salted:
            self._salted[parsed.id] = parsed.sd

    def _placed(self, indexes: array[int], known: Mapping[int, Placed] = MappingProxyType({})) -> Iterator[Placed]:
        """The records at these indexes, one after the other: a contract may be named by a million of them."""
        for index in indexes:
            yield known.get(index) or Placed(index, leaf.parse(self._bundle.leaf(index, self._head.size)))

    def _signatures(
        self, value: Mapping[str, Any], contract: Contract, subject: str, own: list[Placed]
    ) -> dict[str, tuple[SignerInfo, str] | None]:
        """By actor, signer and grade: each signature holds, and the log has exactly these. None: it could not be
        opened here. The order rules then ask for every one needed."""
        entries = value.get("signatures")
        if value.keys() != {"payload", "signatures"} or not isinstance(entries, list):
            raise EvidenceError("SIGNED_FORM", subject=subject)
        found: list[SignerInfo] = []
        held: dict[tuple[str, str], SignerInfo | None] = {}
        for entry in entries:
            found.append(check_signature(contract.payload, entry, contract, signed=tuple(found)))
            held[f"org:{found[-1].org_id}", canonical.digest(entry)] = found[-1]
        held |= self.certified.files_of(contract, own, found)
        signed = (it for it in own if it.leaf.type == EventType.CONTRACT_SIGNED)
        logged = {(it.leaf.actor, it.leaf.h["signature"]): it for it in signed}
        for actor, _ in sorted(logged.keys() ^ held.keys()):
            raise EvidenceError("SIGNATURE_NOT_LOGGED", subject=subject, actor=actor)
        return {
            act[0]: None if info is None else (info, self._grade(info, logged[act], subject))
            for act, info in held.items()
        }

    def _grade(self, info: SignerInfo, signed: Placed, subject: str) -> str:
        revoked = self._revoked.get(info.kid, signed.index)
        if revoked < signed.index:
            raise EvidenceError("KEY_REVOKED", subject=subject, kid=info.kid, index=revoked, signed=signed.index)
        return self.certified.check(info, signed)

    def _pin(self, contract: Contract, agreed: Placed) -> LogPin | None:
        """The head that the parties signed is one that this log had before the contract."""
        head = contract.log
        if head is None:
            return None
        if head.size > agreed.index:
            raise EvidenceError("HEAD_FROM_FUTURE", size=head.size, index=agreed.index)
        return LogPin(head.size, base64.b64decode(head.root))


@dataclass(frozen=True)
class LogPin:
    """A head named inside a contract."""

    size: int
    root: bytes


def _event_of(name: str) -> str:
    """The event id in a member's name, disclosures/<event id>.<n>.json."""
    return name.removeprefix("disclosures/").split(".")[0]
