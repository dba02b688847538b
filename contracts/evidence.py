"""The evidence bundle: everything a regulator needs to check a contract, or the whole log, without trusting anybody.

`write` and `write_log` take plain values and make a zip. `check` reads such a file and reports one line per check, in
this order, and stops at the first that fails: what comes later would rest on it.

1. the file is exactly the one spelling of its members       6. every leaf: schema, chains complete, ids unique
2. the manifest lists exactly these members                  7. each contract: hash, signatures, keys, order of events
3. the checkpoint is signed by the log, under the policy     8. time-stamps
4. every leaf is in the tree; of a whole log, every tile     9. disclosures
5. older heads, and the reader's own, lie on this history

A whole log is walked twice, once for its hashes and once for its meaning; neither walk holds it in memory.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from contracts import bundle, evidence_words, workers
from contracts.archive import Archive
from contracts.bundle import WHOLE_LOG, Bundle, Extras, KeySpan, OlderHead, Record
from contracts.errors import ContractsError, EvidenceError, Fact
from contracts.evidence_story import Story
from contracts.log import policy, tiles, tree
from contracts.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint, parse_checkpoint, parse_note, parse_vkey
from contracts.log.rebuild import Rebuild
from contracts.log.tiles import ENTRIES, Tile, TileReader

__all__ = [
    "WHOLE_LOG", "Extras", "KeySpan", "Line", "OlderHead", "Record", "Report", "StampChecker", "check", "check_bytes",
    "write", "write_log",
]  # fmt: skip

# What checks an RFC 3161 token over a message: returns the moment it proves, or raises ContractsError.
StampChecker = Callable[[bytes, bytes], str]
KNOWN_TEXTS = ("READ-ME.txt", "verify.py")  # for people: they prove nothing, and another version may say it otherwise


@dataclass(frozen=True)
class Line:
    """One check: its name, whether it held, and the facts; `problem` says what failed and where.

    A warning is something to know. What could not be checked is not `checked`; it neither holds nor fails.
    """

    what: str
    ok: bool
    detail: Mapping[str, Fact]
    problem: ContractsError | None = None
    warning: bool = False
    checked: bool = True

    @property
    def mark(self) -> str:
        """ "ok", "warning", "unchecked" or "failed"."""
        if not self.ok:
            return "failed"
        return "unchecked" if not self.checked else "warning" if self.warning else "ok"

    def say(self, lang: str) -> str:
        """The line for a person, in "vi" or "en"."""
        return evidence_words.line(self.what, self.mark, self.detail, self.problem, lang)


@dataclass(frozen=True)
class Report:
    """All lines; the bundle holds when none failed. A warning does not fail it, a contract left unchecked does."""

    lines: tuple[Line, ...]

    @property
    def ok(self) -> bool:
        """Whether every check that could be made was made and held, those of all signatures among them."""
        return not self.incomplete and all(line.ok for line in self.lines)

    @property
    def incomplete(self) -> bool:
        """Whether a signature could not be checked here."""
        return any(line.what == "CONTRACT" and not line.checked for line in self.lines)

    def plain(self) -> dict[str, Any]:
        """The report for programs, ready for JSON."""
        lines = [
            {
                "check": line.what,
                "result": line.mark,
                "facts": dict(line.detail),
                "code": line.problem.code if line.problem else None,
                "vi": line.say("vi"),
                "en": line.say("en"),
            }
            for line in self.lines
        ]
        return {"ok": self.ok, "lines": lines}


def write(
    *,
    scope: str,
    checkpoint: str,
    log_keys: Sequence[str],
    records: Iterable[Record],
    contracts: Iterable[bytes],
    extras: Extras | None = None,
) -> bytes:
    """The zip. `scope` is "contract:<id>" or WHOLE_LOG, `checkpoint` the signed note, `log_keys` vkeys, `contracts` the
    canonical bytes of general JWS objects (`canonical.dumps(signature.assemble(...))`). Records of one contract: every
    event that names it, each with its inclusion proof; of a whole log: every leaf from index 0, without proofs.
    """
    ordered = sorted(records, key=lambda record: record.index)
    signed = {bundle.payload_sha256(data): data for data in contracts}
    out = io.BytesIO()
    if scope == WHOLE_LOG:
        leaves = [record.leaf for record in ordered]
        reader = tiles.EntryReader(leaves)

        def fetch(tile: Tile) -> bytes:
            first = tile.index * tiles.WIDTH
            if tile.level == ENTRIES:
                return tiles.encode_bundle(leaves[first : first + tile.width])
            return tiles.tile_data(reader, tile)

        write_log(
            out, checkpoint=checkpoint, size=len(leaves), log_keys=log_keys, fetch=fetch,
            contracts={name: partial(bytes, data) for name, data in signed.items()}, extras=extras,
        )  # fmt: skip
        return out.getvalue()
    members = bundle.common_members(scope, checkpoint, _policy(log_keys), _with_keys(extras, log_keys))
    for record in ordered:
        members |= bundle.record_members(record, checkpoint)
    members |= {bundle.contract_name(digest): data for digest, data in signed.items()}
    bundle.write(out, members)
    return out.getvalue()


def write_log(
    out: BinaryIO,
    *,
    checkpoint: str,
    size: int,
    log_keys: Sequence[str],
    fetch: Callable[[Tile], bytes],
    contracts: Mapping[str, Callable[[], bytes]],
    extras: Extras | None = None,
) -> None:
    """The bundle of a whole log of `size` records, written while it is read: `fetch` gives each tile when its turn
    comes, `contracts` each signed contract by the SHA-256 of its payload in hexadecimal. `out` must be able to seek.
    """
    members: dict[str, bytes | Callable[[], bytes]] = {
        **bundle.common_members(WHOLE_LOG, checkpoint, _policy(log_keys), _with_keys(extras, log_keys))
    }
    members |= {bundle.contract_name(digest): give for digest, give in contracts.items()}
    for tile in (*tiles.bundles_of(size), *tiles.tiles_of(size)):
        members[tile.path] = partial(fetch, tile)
    bundle.write(out, members)


def check(
    path: str | Path,
    policy_text: str | None = None,
    *,
    saved_head: bytes | None = None,
    stamps: StampChecker | None = None,
    roots: tuple[bytes, ...] | None = None,
    processes: int = 1,
) -> Report:
    """Check the evidence file at `path`. Without a policy from outside, only the bundle says whose log it is.

    `saved_head` is a signed head that the reader has kept; `stamps` checks time-stamps; `roots` (DER) are those of the
    licensed authorities that the reader trusts, without which the lists inside the bundle say. Where there are many
    contracts, `processes` share them; a program with threads of its own leaves it at one (see workers.py).
    """
    with Path(path).open("rb") as file:
        return _Checking(file, policy_text, saved_head, stamps, roots, processes).report()


def check_bytes(
    data: bytes,
    policy_text: str | None = None,
    *,
    saved_head: bytes | None = None,
    stamps: StampChecker | None = None,
    roots: tuple[bytes, ...] | None = None,
) -> Report:
    """Check the bytes of an evidence file; see `check`."""
    return _Checking(io.BytesIO(data), policy_text, saved_head, stamps, roots).report()


class _Checking:
    """The steps; what the earlier ones have established, the later ones rely on."""

    _archive: Archive
    _bundle: Bundle
    _head: Checkpoint
    _trusted: policy.Policy
    _story: Story

    def __init__(
        self,
        file: BinaryIO,
        policy_text: str | None,
        saved_head: bytes | None,
        stamps: StampChecker | None,
        roots: tuple[bytes, ...] | None,
        processes: int = 1,
    ) -> None:
        self._roots_given, self._processes = roots, processes
        self._file, self._policy_text, self._saved, self._stamps = file, policy_text, saved_head, stamps
        self._roots: dict[int, bytes] = {}  # of older heads that were found to lie on this history

    def report(self) -> Report:
        """Every line up to the first that fails."""
        steps: list[tuple[str, Callable[[], Iterator[Line]]]] = [
            ("ARCHIVE", self.archive), ("MANIFEST", self.manifest), ("CHECKPOINT", self.checkpoint),
            ("ENTRIES", self.entries), ("HEADS", self.heads), ("SAVED_HEAD", self.saved_head),
            ("CHAINS", self.chains), ("CONTRACT", self.contracts), ("STAMPS", self.stamps),
            ("DISCLOSURES", self.disclosures),
        ]  # fmt: skip
        lines: list[Line] = []
        for what, step in steps:
            try:
                for line in step():
                    lines.append(line)
            except ContractsError as problem:
                lines.append(Line(what, False, {}, problem))
                break
        return Report(tuple(lines))

    def archive(self) -> Iterator[Line]:
        self._archive = Archive(self._file)
        yield Line("ARCHIVE", True, {"bytes": self._archive.size, "members": len(self._archive)})

    def manifest(self) -> Iterator[Line]:
        bundle.check_manifest(self._archive, self._archive.sha256)
        self._bundle = Bundle(self._archive)
        yield Line("MANIFEST", True, {"scope": self._bundle.scope})
        known = {"READ-ME.txt": bundle.READ_ME.encode(), "verify.py": bundle.verifier()}
        for name in KNOWN_TEXTS:
            if self._archive[name] != known[name]:
                yield Line("TEXT_DIFFERS", True, {"member": name}, warning=True)

    def checkpoint(self) -> Iterator[Line]:
        claimed = policy.parse_policy(self._bundle.policy)
        self._trusted = claimed if self._policy_text is None else policy.parse_policy(self._policy_text)
        opened = policy.check_policy(self._trusted, self._bundle.checkpoint)
        self._head = head = opened.checkpoint
        yield Line("CHECKPOINT", True, {"origin": head.origin, "size": head.size, "witnesses": len(opened.cosigned)})
        self._check_span(opened.signer, head.size)
        if self._policy_text is None:
            yield Line("NOT_PINNED", True, {"origin": head.origin}, warning=True)

    def entries(self) -> Iterator[Line]:
        head = self._head
        if self._bundle.whole:
            self._bundle.check_tiles(head.size)
            rebuild = Rebuild(self._bundle.tile)
            for tile in tiles.bundles_of(head.size):
                rebuild.add(tiles.decode_bundle(self._bundle.tile(tile), tile.width))
            if rebuild.root() != head.root:
                raise EvidenceError("LOG_ROOT_DIFFERS", size=head.size)
            yield Line("ENTRIES", True, {"entries": head.size})
            return
        for record in self._bundle.records():
            tree.check_inclusion(record.hashes, record.index, head.size, head.root, tree.leaf_hash(record.leaf))
        yield Line("ENTRIES", True, {"entries": len(self._bundle.names("entries"))})

    def heads(self) -> Iterator[Line]:
        names = [name for name in self._bundle.names("checkpoints") if not name.endswith(".consistency")]
        keys = {*self._trusted.logs, *(span.key for span in self._bundle.history)}
        for name in names:
            opened = open_checkpoint(self._bundle.data(name), keys)
            older = opened.checkpoint
            if name != f"checkpoints/{older.size}":
                raise EvidenceError("MEMBER_MALFORMED", member=name, reason=str(older.size))
            self._check_span(opened.signer, older.size)
            self._check_older(older)
            self._roots[older.size] = older.root
        for name in self._bundle.names("checkpoints"):
            if name.removesuffix(".consistency") not in names:
                raise EvidenceError("MEMBER_UNEXPECTED", member=name)
        if names:
            yield Line("HEADS", True, {"heads": len(names), "first": min(self._roots), "last": max(self._roots)})

    def saved_head(self) -> Iterator[Line]:
        if self._saved is None:
            return
        saved = parse_checkpoint(parse_note(self._saved).text)
        root = self.root_at(saved.size)  # its origin may be an older name of this log: the root decides
        if root is None:
            yield Line("SAVED_HEAD", True, {"saved": saved.size, "size": self._head.size}, checked=False)
            return
        if root != saved.root:
            raise EvidenceError("SAVED_HEAD_DIFFERS", size=saved.size)
        yield Line("SAVED_HEAD", True, {"saved": saved.size, "size": self._head.size})

    def chains(self) -> Iterator[Line]:
        self._story = Story(self._bundle, self._head, self._roots_given)
        self._story.read()
        last = self._story.last
        yield Line("CHAINS", True, {"subjects": self._story.subjects, "last": last, "size": self._head.size})

    def contracts(self) -> Iterator[Line]:
        names, subjects, unproved, unpinned = self._bundle.names("contracts"), set(), 0, False
        for facts, proved, pinned in workers.each(self._contract, names, self._processes):
            subjects.add(facts["subject"])
            unproved += not proved
            unpinned |= not pinned
            yield Line("CONTRACT", True, facts, checked="unchecked" not in facts)
        if not self._bundle.whole and self._bundle.scope not in subjects:
            raise EvidenceError("CONTRACT_MISSING", subject=self._bundle.scope)
        if unproved:
            yield Line("PINNED_HEADS", True, {"contracts": unproved}, checked=False)
        if unpinned:
            yield Line("ROOTS_NOT_PINNED", True, {}, warning=True)
        if self._story.agreed > len(names):
            yield Line("DOCUMENTS_ABSENT", True, {"contracts": self._story.agreed - len(names)}, warning=True)
        elif not names:
            yield Line("NO_CONTRACTS", True, {})

    def _contract(self, name: str) -> tuple[dict[str, Fact], bool, bool]:
        """The facts of one contract, whether the head that it names could be proved, and whether no root of the
        bundle's own lists was relied on."""
        facts, head = self._story.contract(name)
        root = None if head is None else self.root_at(head.size)
        if head is not None and root not in (None, head.root):
            raise EvidenceError("HEAD_DIFFERS", subject=facts["subject"], size=head.size)
        return facts, head is None or root is not None, not self._story.certified.unpinned

    def stamps(self) -> Iterator[Line]:
        names = self._bundle.names("timestamps")
        for name in names:
            size = int(name[11:-4])
            note = "checkpoint" if size == self._head.size else f"checkpoints/{size}"
            message = parse_note(self._bundle.data(note)).text.encode()
            if self._stamps is not None:
                yield Line("STAMPS", True, {"size": size, "time": self._stamps(self._bundle.data(name), message)})
        if names and self._stamps is None:
            yield Line("STAMPS_UNCHECKED", True, {"stamps": len(names)}, checked=False)

    def disclosures(self) -> Iterator[Line]:
        names = self._bundle.names("disclosures")
        for name in names:
            self._story.check_disclosure(name)
        if names:
            yield Line("DISCLOSURES", True, {"values": len(names)})

    def root_at(self, size: int) -> bytes | None:
        """The root this log had at a size, as far as the bundle can tell."""
        if size == self._head.size:
            return self._head.root
        if size == 0:
            return tree.EMPTY_ROOT
        if self._bundle.whole and size < self._head.size:
            return tree.root_at(TileReader(self._head.size, self._bundle.tile), size)
        return self._roots.get(size)

    def _check_older(self, older: Checkpoint) -> None:
        head = self._head
        if self._bundle.whole:
            if older.size > head.size:
                raise EvidenceError("HEAD_BEYOND", older=older.size, size=head.size)
            if self.root_at(older.size) != older.root:
                raise EvidenceError("OLDER_HEAD_DIFFERS", size=older.size)
            return
        proof = self._bundle.consistency(older.size)
        tree.check_consistency(proof, older.size, head.size, older.root, head.root)

    def _check_span(self, key: VerifierKey, size: int) -> None:
        """The writer's own key history knows the key that signed this head, at this size."""
        for span in self._bundle.history:
            within = span.since <= size and (span.until is None or size <= span.until)
            if within and span.key == key:
                return
        raise EvidenceError("KEY_NOT_IN_HISTORY", key=key.name, id=key.id.hex(), size=size)


def _policy(log_keys: Sequence[str]) -> str:
    return policy.format_policy(parse_vkey(key) for key in log_keys)


def _with_keys(extras: Extras | None, log_keys: Sequence[str]) -> Extras:
    """Where no history is given, these keys have signed from the first head on."""
    given = extras or Extras()
    return given if given.keys else replace(given, keys=tuple(KeySpan(key) for key in log_keys))
