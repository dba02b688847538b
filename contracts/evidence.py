"""The evidence bundle: everything a regulator needs to check a contract, or the whole log, without trusting anybody.

`write` takes plain values and returns the bytes of a zip. `check` reads such a file and reports one line per check, in
this order, and stops at the first that fails: what comes later would rest on it.

1. the file is exactly the one spelling of its members       4. every leaf: schema, log, inclusion under the checkpoint
2. the manifest lists exactly these members                  5. chains complete, ids unique
3. the checkpoint is signed by the log, under the policy     6. each contract: hash, signatures, order of events
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts import archive, bundle, canonical, evidence_words
from contracts.bundle import WHOLE_LOG, Bundle, Record
from contracts.document import Contract
from contracts.document import parse as parse_contract
from contracts.errors import ContractsError, EvidenceError, Fact
from contracts.keys import decode
from contracts.log import leaf, policy, story, tiles, tree
from contracts.log.checkpoint import Checkpoint, parse_vkey
from contracts.log.leaf import EventType
from contracts.log.story import Placed
from contracts.signature import SignerInfo
from contracts.signature import check as check_signature

__all__ = ["WHOLE_LOG", "Line", "Record", "Report", "check", "check_bytes", "write"]


@dataclass(frozen=True)
class Line:
    """One check: its name, whether it held, and the facts; `problem` says what failed and where."""

    what: str
    ok: bool
    detail: Mapping[str, Fact]
    problem: ContractsError | None = None
    warning: bool = False

    def say(self, lang: str) -> str:
        """The line for a person, in "vi" or "en"."""
        return evidence_words.line(self.what, self.ok, self.warning, self.detail, self.problem, lang)


@dataclass(frozen=True)
class Report:
    """All lines; the bundle holds when none failed. A warning does not fail it."""

    lines: tuple[Line, ...]

    @property
    def ok(self) -> bool:
        """Whether every check was made and held."""
        return all(line.ok for line in self.lines)


def write(
    *,
    scope: str,
    checkpoint: str,
    log_keys: Sequence[str],
    records: Iterable[Record],
    contracts: Iterable[bytes],
) -> bytes:
    """The zip. `scope` is "contract:<id>" or WHOLE_LOG, `checkpoint` the signed note, `log_keys` vkeys, `contracts` the
    canonical bytes of general JWS objects (`canonical.dumps(signature.assemble(...))`). Records of one contract: every
    event that names it, each with its inclusion proof; of a whole log: every leaf from index 0, without proofs.
    """
    ordered = tuple(sorted(records, key=lambda record: record.index))
    text = policy.format_policy(parse_vkey(key) for key in log_keys)
    return archive.pack(bundle.members_of(Bundle(scope, checkpoint, text, ordered, tuple(contracts))))


def check(path: str | Path, policy_text: str | None = None) -> Report:
    """Check the evidence file at `path`. Without a policy from outside, only the bundle says whose log it is."""
    return check_bytes(Path(path).read_bytes(), policy_text)


def check_bytes(data: bytes, policy_text: str | None = None) -> Report:
    """Check the bytes of an evidence file."""
    lines: list[Line] = []
    for what, step in _steps(data, policy_text):
        facts: dict[str, Fact] = {}
        try:
            lines += step(facts) or [Line(what, True, facts)]
        except ContractsError as problem:
            return Report((*lines, Line(what, False, facts, problem)))
    return Report(tuple(lines))


_Step = Callable[[dict[str, Fact]], list[Line] | None]


def _steps(data: bytes, policy_text: str | None) -> list[tuple[str, _Step]]:
    checking = _Checking(data, policy_text)
    return [
        ("ARCHIVE", checking.archive),
        ("MANIFEST", checking.manifest),
        ("CHECKPOINT", checking.checkpoint),
        ("ENTRIES", checking.entries),
        ("CHAINS", checking.chains),
        ("CONTRACT", checking.contracts),
    ]


class _Checking:
    """What the earlier steps have established for the later ones."""

    _members: dict[str, bytes]
    _bundle: Bundle
    _head: Checkpoint
    _story: list[Placed]

    def __init__(self, data: bytes, policy_text: str | None) -> None:
        self._data, self._policy_text = data, policy_text

    def archive(self, facts: dict[str, Fact]) -> None:
        facts["bytes"] = len(self._data)
        self._members = archive.unpack(self._data)
        facts["members"] = len(self._members)

    def manifest(self, facts: dict[str, Fact]) -> None:
        bundle.check_manifest(self._members)
        self._bundle = bundle.read(self._members)
        facts["scope"] = self._bundle.scope

    def checkpoint(self, facts: dict[str, Fact]) -> list[Line]:
        pinned = self._policy_text is not None
        trusted = policy.parse_policy(self._policy_text if self._policy_text is not None else self._bundle.policy)
        opened = policy.check_policy(trusted, self._bundle.checkpoint)
        self._head = opened.checkpoint
        facts |= {"origin": self._head.origin, "size": self._head.size, "witnesses": len(opened.cosigned)}
        line = Line("CHECKPOINT", True, facts)
        return [line] if pinned else [line, Line("NOT_PINNED", True, {"origin": self._head.origin}, warning=True)]

    def entries(self, facts: dict[str, Fact]) -> None:
        self._story = [self._place(record) for record in self._bundle.records]
        facts["entries"] = len(self._story)
        if self._bundle.scope == WHOLE_LOG:
            self._check_whole_log()
            return
        for record in self._bundle.records:
            hashed = tree.leaf_hash(record.leaf)
            tree.check_inclusion(record.hashes, record.index, self._head.size, self._head.root, hashed)

    def chains(self, facts: dict[str, Fact]) -> None:
        scope = self._bundle.scope
        story.check_chains(self._story, whole=None if scope == WHOLE_LOG else frozenset({scope}))
        facts["subjects"] = len({placed.leaf.on[0] for placed in self._story})
        facts["last"] = self._story[-1].index if self._story else None
        facts["size"] = self._head.size

    def contracts(self, facts: dict[str, Fact]) -> list[Line]:
        agreed = {
            placed.leaf.h["contract"]: placed for placed in self._story if placed.leaf.type == EventType.CONTRACT_AGREED
        }
        lines = []
        for signed in self._bundle.contracts:
            lines.append(self._contract(signed, agreed, facts))
        scope = self._bundle.scope
        if scope != WHOLE_LOG and scope not in {line.detail["subject"] for line in lines}:
            raise EvidenceError("CONTRACT_MISSING", subject=scope)
        if len(agreed) > len(lines):
            absent = len(agreed) - len(lines)
            lines.append(Line("DOCUMENTS_ABSENT", True, {"contracts": absent}, warning=True))
        return lines or [Line("NO_CONTRACTS", True, {})]

    def _place(self, record: Record) -> Placed:
        try:
            parsed = leaf.parse(record.leaf)
        except ContractsError as problem:
            raise EvidenceError("ENTRY_REFUSED", index=record.index, reason=str(problem)) from problem
        if parsed.log != self._head.origin:
            raise EvidenceError("ENTRY_OF_ANOTHER_LOG", index=record.index, log=parsed.log, origin=self._head.origin)
        return Placed(record.index, parsed)

    def _check_whole_log(self) -> None:
        leaves = [record.leaf for record in self._bundle.records]
        if len(leaves) != self._head.size:
            raise EvidenceError("LOG_SIZE_DIFFERS", entries=len(leaves), size=self._head.size)
        if tree.root_of(leaves) != self._head.root:
            raise EvidenceError("LOG_ROOT_DIFFERS", size=self._head.size)

    def _contract(self, signed: bytes, agreed: Mapping[str, Placed], facts: dict[str, Fact]) -> Line:
        value = canonical.loads(signed)
        payload = decode(value["payload"], "payload")
        contract = parse_contract(payload)
        subject = f"contract:{contract.id}"
        facts["subject"] = subject
        placed = agreed.get(contract.hash)
        if placed is None or placed.leaf.on[0] != subject:
            raise EvidenceError("CONTRACT_NOT_LOGGED", subject=subject, hash=contract.hash)
        signers = self._signatures(value, contract, subject)
        story.check_order(self._story, subject, contract.hash, frozenset(contract.needs))
        self._pinned_head(contract, placed)
        names = ", ".join(f"{info.org_id} ({info.alg})" for info in signers)
        return Line(
            "CONTRACT",
            True,
            {"subject": subject, "hash": contract.hash, "signers": names, "state": self._state(subject)},
        )

    def _state(self, subject: str) -> str:
        events = {placed.leaf.type for placed in self._story if placed.leaf.on[0] == subject}
        if EventType.CONTRACT_ENDED in events:
            return "ended"
        return "active" if EventType.CONTRACT_ACTIVE in events else "open"

    def _signatures(self, value: Mapping[str, object], contract: Contract, subject: str) -> list[SignerInfo]:
        """Each signature holds, and the log has exactly these. The order rules then ask for every one needed."""
        entries = value.get("signatures")
        if value.keys() != {"payload", "signatures"} or not isinstance(entries, list):
            raise EvidenceError("SIGNED_FORM", subject=subject)
        found: list[SignerInfo] = []
        for entry in entries:
            found.append(check_signature(contract.payload, entry, contract, signed=tuple(found)))
        logged = {
            (placed.leaf.actor, placed.leaf.h["signature"])
            for placed in self._story
            if placed.leaf.type == EventType.CONTRACT_SIGNED and placed.leaf.on[0] == subject
        }
        held = {(f"org:{info.org_id}", canonical.digest(entry)) for info, entry in zip(found, entries, strict=True)}
        for actor, _ in sorted(logged ^ held):
            raise EvidenceError("SIGNATURE_NOT_LOGGED", subject=subject, actor=actor)
        return found

    def _pinned_head(self, contract: Contract, agreed: Placed) -> None:
        """The head that the parties signed is one that this log had before the contract."""
        head = contract.log
        if head is None or head.origin != self._head.origin:
            return
        if head.size > agreed.index:
            raise EvidenceError("HEAD_FROM_FUTURE", size=head.size, index=agreed.index)
        if self._bundle.scope == WHOLE_LOG:
            reader = tiles.EntryReader([record.leaf for record in self._bundle.records[: head.size]])
            if tree.root_at(reader, head.size) != base64.b64decode(head.root):
                raise EvidenceError("HEAD_DIFFERS", subject=f"contract:{contract.id}", size=head.size)
