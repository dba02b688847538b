"""What the crash run left behind, and what it must prove. Each check yields a sentence for every lie it finds."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from sqlmodel import col, func, select

from contracts.errors import ContractsError
from contracts.log import checkpoint, leaf, tree
from exchange.accounts.models import Organisation
from exchange.ledger import service
from exchange.ledger.cli import problems_of
from exchange.ledger.models import Checkpoint, Entry, Outbox
from tests.exchange.ledger.crash_parts import Place


@dataclass(frozen=True)
class Action:
    """What one writer did: its ``number``-th action, the id of its record, the id of its business row."""

    writer: str
    number: int
    event: str
    row: str


@dataclass(frozen=True)
class Logged:
    """An action as the log has it."""

    index: int
    action: Action
    leaf_hash: bytes


@dataclass(frozen=True)
class Evidence:
    """Everything that anybody did, saw or kept."""

    acknowledged: tuple[Action, ...]  # committed, says the writer's own file
    refused: int  # times that a writer was told that the log is behind
    rows: frozenset[str]  # business rows in the database
    logged: tuple[Logged, ...]
    waiting: int  # records without an index, after a last undisturbed run
    seen: tuple[str, ...]  # signed heads, in the order in which a stranger saw them
    published: tuple[tuple[str, str], ...]  # the same in the folder, with the root that its tiles gave at that moment
    kept: tuple[str, ...]  # promises on both disks, and the heads in the database
    keys: tuple[checkpoint.VerifierKey, ...]
    problems: tuple[str, ...]  # what `minhbach log check` says

    @property
    def heads(self) -> tuple[str, ...]:
        """Every signed head that ever left the sequencer."""
        return (*self.seen, *(note for note, _ in self.published), *self.kept)


def collect(place: Place) -> Evidence:
    """Read it all, when every process has ended."""
    database = place.database()
    with database.reading() as session:
        entries = session.exec(select(Entry.idx, Entry.leaf, Entry.leaf_hash).order_by(col(Entry.idx))).all()
        stored = session.exec(select(Checkpoint.note).where(col(Checkpoint.note).is_not(None))).all()
        evidence = Evidence(
            acknowledged=tuple(Action(**line) for line in place.notes("done-*")),
            refused=len(place.notes("refused")),
            rows=frozenset(session.exec(select(Organisation.id).where(col(Organisation.name).startswith("Crash ")))),
            logged=tuple(Logged(index, _action(data), digest) for index, data, digest in entries),
            waiting=session.exec(select(func.count()).select_from(Outbox)).one(),
            seen=tuple(place.notes("seen")),
            published=tuple((note, root) for note, root in place.notes("published")),
            kept=(*place.notes("promised"), *place.notes("second"), *(note for note in stored if note)),
            keys=tuple(service.verifiers(session)),
            problems=tuple(problems_of(session)),
        )
    database.dispose()
    return evidence


def _action(data: bytes) -> Action:
    read = leaf.parse(data)
    return Action(str(read.d["writer"]), int(read.d["number"]), read.id, read.on[1].removeprefix("org:"))


def nothing_lost(evidence: Evidence) -> Iterator[str]:
    """Each acknowledged action is in the log, as acknowledged; and there are some."""
    if not evidence.acknowledged:
        yield "nobody did anything"
    logged = {one.action for one in evidence.logged}
    yield from (f"acknowledged, but not in the log: {one}" for one in evidence.acknowledged if one not in logged)


def nothing_doubled(evidence: Evidence) -> Iterator[str]:
    """No record and no action has two places."""
    for name, counted in (
        ("record", Counter(one.action.event for one in evidence.logged)),
        ("action", Counter((one.action.writer, one.action.number) for one in evidence.logged)),
    ):
        yield from (f"{name} {key} is in the log {times} times" for key, times in counted.items() if times > 1)


def no_record_without_its_row(evidence: Evidence) -> Iterator[str]:
    """What the log says was done, was done."""
    yield from (f"logged, but not done: {one}" for one in evidence.logged if one.action.row not in evidence.rows)


def no_row_without_its_record(evidence: Evidence) -> Iterator[str]:
    """What was done, acknowledged or not, the log says."""
    logged = {one.action.row for one in evidence.logged}
    yield from (f"done, but not logged: row {row}" for row in evidence.rows if row not in logged)


def indexes_dense(evidence: Evidence) -> Iterator[str]:
    """From nought, without a gap."""
    yield from (f"index {n} holds {one.index}" for n, one in enumerate(evidence.logged) if n != one.index)


def order_kept(evidence: Evidence) -> Iterator[str]:
    """Each writer's actions stand in the order in which it did them."""
    last = dict[str, int]()
    for one in evidence.logged:
        if one.action.number <= last.get(one.action.writer, -1):
            yield f"out of order at index {one.index}: {one.action}"
        last[one.action.writer] = one.action.number


def nothing_left_waiting(evidence: Evidence) -> Iterator[str]:
    """One undisturbed run is enough to sequence and sign everything."""
    if evidence.waiting:
        yield f"{evidence.waiting} records still wait"
    largest = max((_claimed(note).size for note in evidence.kept), default=0)
    if largest < len(evidence.logged):
        yield f"the largest signed head has {largest} of {len(evidence.logged)} records"


def one_history(evidence: Evidence) -> Iterator[str]:
    """Every head that was ever signed, kept or seen opens with the log's key and is what the log's records give."""
    roots, frontier = {0: tree.Frontier().root()}, tree.Frontier()
    wanted = set[int]()
    heads = list[checkpoint.Checkpoint]()
    for note in dict.fromkeys(evidence.heads):
        try:
            heads.append(checkpoint.open_checkpoint(note, evidence.keys).checkpoint)
            wanted.add(heads[-1].size)
        except ContractsError as error:
            yield f"a head that nobody can open ({error}): {note!r}"
    for size, one in enumerate(evidence.logged, 1):
        frontier = frontier.append(one.leaf_hash)
        if size in wanted:
            roots[size] = frontier.root()
    for head in heads:
        if roots.get(head.size) != head.root:
            yield f"another history: {head.size} records, root {head.root.hex()}"


def never_backwards(evidence: Evidence) -> Iterator[str]:
    """A stranger never sees the log shrink."""
    for place in (evidence.seen, [note for note, _ in evidence.published]):
        sizes = [_claimed(note).size for note in place]
        yield from (
            f"a head of {old} records was followed by one of {new}" for old, new in pairwise(sizes) if new < old
        )


def folder_serves_its_heads(evidence: Evidence) -> Iterator[str]:
    """Whoever reads a head in the published folder finds the tiles that give its root there, at that moment."""
    for note, root in evidence.published:
        if _claimed(note).root.hex() != root:
            yield f"published: {_claimed(note).size} records, but the tiles there give {root}"
    last = [_claimed(note).size for note, _ in evidence.published[-1:]]
    if last != [len(evidence.logged)]:
        yield f"the last published head is of {last} records, the log has {len(evidence.logged)}"


def _claimed(note: str) -> checkpoint.Checkpoint:
    """What a head says, unchecked; nothing if it cannot be read, which ``one_history`` reports."""
    try:
        return checkpoint.parse_checkpoint(checkpoint.parse_note(note).text)
    except ContractsError:
        return checkpoint.Checkpoint("", 0, b"")


def sound_by_its_own_check(evidence: Evidence) -> Iterator[str]:
    """`minhbach log check` finds nothing."""
    yield from evidence.problems


CHECKS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    nothing_lost,
    nothing_doubled,
    no_record_without_its_row,
    no_row_without_its_record,
    indexes_dense,
    order_kept,
    nothing_left_waiting,
    one_history,
    never_backwards,
    folder_serves_its_heads,
    sound_by_its_own_check,
)


def complaints(evidence: Evidence) -> dict[str, list[str]]:
    """The name of each check that found something, and what."""
    found = {check.__name__: list(check(evidence)) for check in CHECKS}
    return {name: sentences for name, sentences in found.items() if sentences}
