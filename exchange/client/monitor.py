"""``minhbach monitor``: follow a log from outside, remember what it showed, raise the alarm when it takes it back.

It trusts a policy file and its own state file, nothing else. The state is replaced, in one step, only by a head that
has passed every check; both signed heads of a fork are kept in a file beside it, since they prove the fork to anybody.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exchange.client.cli import EXISTING
from exchange.client.desk import Desk, clean, offline
from exchange.client.words import LANGUAGES, ClientError, say

if TYPE_CHECKING:
    from contracts.log.checkpoint import Checkpoint, Opened
    from contracts.log.policy import Policy
    from contracts.log.tiles import Tile
    from exchange.client.plain import Plain

AGAIN = (
    2.0  # seconds after which a head smaller than the saved one is asked for once more: caches keep one for a second
)
AHEAD = 60.0  # seconds that a witness's clock may be ahead of ours
MAX_BUNDLE = 256 * (65_535 + 2)  # bytes
SILENT = 30.0  # seconds that a server may take for one answer


class Alarm(ClientError):
    """The log has broken a promise, or may have."""


@dataclass
class State:
    """What was seen last, and, with a token, how far the records were read."""

    note: str = ""
    records: int = 0
    frontier: str = ""  # hexadecimal: the tree of the records read
    log: str = ""  # the origin that the last record read belongs to
    chains: dict[str, str] = field(default_factory=dict)  # the newest event of each subject
    ids: set[bytes] = field(default_factory=set)  # what `_short` keeps of every id that was read

    @classmethod
    def read(cls, path: Path) -> "State":
        """From the file; a new one before the first check."""
        from contracts.errors import ContractsError
        from contracts.log.tree import Frontier

        if not path.exists():
            return cls()
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            state = cls(*(found[name] for name in ("checkpoint", "records", "frontier", "log", "chains")))
            _head(state.note)
            if state.frontier:
                Frontier.parse(bytes.fromhex(state.frontier))
            if "ids" not in found:  # written before ids were kept: the records are read again from the first
                return cls(state.note)
            state.ids = {bytes.fromhex(found["ids"][at : at + 16]) for at in range(0, len(found["ids"]), 16)}
            if len(state.ids) != state.records:
                raise ValueError(f"{len(state.ids)} ids of {state.records} records")
        except (OSError, ValueError, KeyError, TypeError, ContractsError, Alarm) as error:
            raise ClientError("MONITOR_STATE", path=path, reason=error) from None
        return state

    def write(self, path: Path) -> None:
        """In one step: a crash leaves the old state or the new one."""
        from exchange.client.files import replace_file

        read = {"records": self.records, "frontier": self.frontier, "log": self.log, "chains": self.chains}
        read["ids"] = b"".join(self.ids).hex()
        replace_file(path, json.dumps({"checkpoint": self.note, **read}).encode())


@dataclass
class Monitor:
    """One log followed from outside."""

    http: "Plain"
    policy: "Policy"
    path: Path
    max_age: timedelta
    reads_records: bool = False
    whole: bool = False  # also the bundle that is still growing; reading it is itself recorded in the log

    def check(self) -> State:
        """One round. Raises Alarm, or ClientError when the log could not be asked; otherwise the new state stands."""
        state = State.read(self.path)
        note, opened = self._checkpoint(state)
        if state.note:
            self._continues(state.note, note, opened.checkpoint)
        self._fresh(opened)
        if self.reads_records:
            Records(self, state, opened.checkpoint).read()
        state.note = note
        state.write(self.path)
        return state

    def tile(self, tile: "Tile", limit: int = 256 * 32) -> bytes:
        """A tile of the log; one that the head promises and the server does not have is an alarm."""
        answer = self.http.ask(f"/log/{tile.path}", limit)
        if answer.status == 404:
            raise Alarm("MONITOR_TILE_MISSING", tile=tile.path)
        if answer.status in (401, 403):
            raise ClientError("MONITOR_TOKEN", status=answer.status)
        return self._body(answer.status, answer.body)

    def _checkpoint(self, state: State) -> tuple[str, "Opened"]:
        """The head now. One that is smaller than before is asked for again, then it is an alarm. What the log has not
        signed proves nothing and is not kept: anybody on the way could send it, and fill the disk."""
        for patience in (AGAIN, 0.0):
            note = self._ask_checkpoint(bool(state.note))
            opened = self._opened(note)
            if not state.note or opened.checkpoint.size >= _head(state.note).size:
                return note, opened
            time.sleep(patience)
        self._keep_evidence(state.note, note)
        raise Alarm("MONITOR_SMALLER", old=_head(state.note).size, size=_head(note).size)

    def _ask_checkpoint(self, known: bool) -> str:
        from contracts.log.checkpoint import MAX_NOTE

        answer = self.http.ask("/log/checkpoint", MAX_NOTE)
        if answer.status == 404:
            raise Alarm("MONITOR_GONE") if known else ClientError("MONITOR_EMPTY", server=self.http.base)
        return self._body(answer.status, answer.body).decode("utf-8", "replace")

    def _body(self, status: int, body: bytes) -> bytes:
        if status != 200:
            raise ClientError("ANSWER_STRANGE", server=self.http.base, status=status)
        return body

    def _opened(self, note: str) -> "Opened":
        from contracts.errors import ContractsError
        from contracts.log.policy import check_policy

        try:
            return check_policy(self.policy, note)
        except ContractsError as error:
            raise Alarm("MONITOR_POLICY", reason=_reason(error)) from None

    def _continues(self, old_note: str, note: str, head: "Checkpoint") -> None:
        from contracts.errors import TreeError
        from contracts.log import tree
        from contracts.log.tiles import TileReader

        old = _head(old_note)
        if old.origin != head.origin:
            raise Alarm("MONITOR_OTHER_LOG", old=old.origin, new=head.origin)
        try:
            if old.size == 0:
                return
            proof = tree.prove_consistency(TileReader(head.size, self.tile), old.size, head.size)
            tree.check_consistency(proof, old.size, head.size, old.root, head.root)
        except TreeError:
            kept = self._keep_evidence(old_note, note)
            raise Alarm("MONITOR_FORK", old=old.size, size=head.size, path=kept) from None

    def _fresh(self, opened: "Opened") -> None:
        """C2SP tlog-cosignature: each line says that at its time this head was the largest. Old lines may be a view
        that is kept back from the witnesses; so the quorum must have seen it lately, not just one of them. A time that
        is still to come does not tell when."""
        from contracts.log.policy import satisfied_by
        from exchange import clock

        if not self.policy.witnesses:
            return
        now, seen = clock.now().timestamp(), set[str]()
        for one in sorted(
            (one for one in opened.cosigned if one.time <= now + AHEAD), key=lambda each: each.time, reverse=True
        ):
            seen.update(name for name, key in self.policy.witnesses if key == one.key)
            if self.policy.quorum in satisfied_by(self.policy, seen):
                break
        else:
            latest = max((one.time for one in opened.cosigned), default=0)
            if latest > now + AHEAD:
                raise Alarm("MONITOR_AHEAD", size=opened.checkpoint.size, minutes=int(latest - now) // 60)
            raise Alarm("MONITOR_UNSEEN", size=opened.checkpoint.size)
        minutes = int(now - one.time) // 60
        if timedelta(minutes=minutes) > self.max_age:
            raise Alarm("MONITOR_STALE", size=opened.checkpoint.size, minutes=minutes)

    def _keep_evidence(self, old: str, new: str) -> str:
        from exchange.client.files import keep_evidence

        return keep_evidence(self.path, new, {"seen before": old, "shown now": new})


class Records:
    """The records since last time: hashed again, compared with the tiles and the head, followed in their chains."""

    def __init__(self, monitor: Monitor, state: State, head: "Checkpoint") -> None:
        from contracts.log.tree import Frontier

        self._monitor, self._state, self._head = monitor, state, head
        self._frontier = Frontier.parse(bytes.fromhex(state.frontier)) if state.frontier else Frontier()
        self._log, self._chains = state.log, dict(state.chains)
        self._ids = set[bytes]()

    def read(self) -> None:
        """Read on to the head, or to the last bundle that is full; the state changes only when all is well."""
        from contracts.errors import ContractsError
        from contracts.log.tiles import WIDTH

        end = self._head.size if self._monitor.whole else self._head.size // WIDTH * WIDTH
        try:
            for number in range(self._frontier.size // WIDTH, -(-end // WIDTH)):
                self._bundle(number, min(WIDTH, end - number * WIDTH))
            self._under_the_head()
        except ContractsError as error:
            raise Alarm("MONITOR_RECORDS", records=self._frontier.size, reason=_reason(error)) from None
        self._state.records, self._state.log, self._state.chains = self._frontier.size, self._log, self._chains
        self._state.frontier = self._frontier.serialise().hex()
        self._state.ids |= self._ids

    def _bundle(self, number: int, width: int) -> None:
        from contracts.errors import TreeError
        from contracts.log import tree
        from contracts.log.tiles import ENTRIES, WIDTH, Tile, decode_bundle, split_hashes

        entries = decode_bundle(self._monitor.tile(Tile(ENTRIES, number, width), MAX_BUNDLE), width)
        hashes = [tree.leaf_hash(entry) for entry in entries]
        tile = Tile(0, number, width)
        if split_hashes(tile, self._monitor.tile(tile)) != hashes:
            raise TreeError("LOG_ROOT_DIFFERS", size=number * WIDTH + width)
        known = self._frontier.size - number * WIDTH
        for index, entry in enumerate(entries[known:], self._frontier.size):
            self._follow(entry, index)
        self._frontier = self._frontier.extend(hashes[known:])

    def _follow(self, entry: bytes, index: int) -> None:
        from contracts.errors import LeafError
        from contracts.log import events, leaf

        found = leaf.parse(entry)
        subject = found.on[0]
        expected = self._chains.get(subject)
        restarted = found.type == events.EventType.LOG_RESTARTED and found.d.get("origin") == self._log
        if found.log != self._log and self._log and not restarted:
            raise LeafError("ENTRY_OF_ANOTHER_LOG", index=index, log=found.log, origin=self._log)
        self._log = found.log
        if found.prev != expected:
            raise LeafError("CHAIN_BROKEN", index=index, subject=subject, prev=found.prev, expected=expected)
        short = _short(found.id)
        if short in self._ids or short in self._state.ids:
            raise LeafError("EVENT_REPEATED", index=index, id=found.id)
        self._chains[subject] = found.id
        self._ids.add(short)

    def _under_the_head(self) -> None:
        from contracts.errors import LeafError
        from contracts.log import tree
        from contracts.log.tiles import TileReader

        if self._frontier.size == self._head.size > 0 and self._log != self._head.origin:
            last = self._frontier.size - 1
            raise LeafError("ENTRY_OF_ANOTHER_LOG", index=last, log=self._log, origin=self._head.origin)
        if self._frontier.size:
            reader = TileReader(self._head.size, self._monitor.tile)
            proof = tree.prove_consistency(reader, self._frontier.size, self._head.size)
            tree.check_consistency(proof, self._frontier.size, self._head.size, self._frontier.root(), self._head.root)


@click.command("monitor")
@click.option("--server", envvar="MINHBACH_SERVER", required=True, help="Address of the exchange [MINHBACH_SERVER].")
@click.option("--policy", required=True, type=EXISTING, help="Whom you trust: a C2SP tlog-policy file.")
@click.option(
    "--state", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File with what was seen last."
)
@click.option("--once", is_flag=True, help="One round: exit code 0 all well, 1 alarm, 2 the log could not be asked.")
@click.option("--interval", default=60, show_default=True, type=click.IntRange(1), help="Seconds between two rounds.")
@click.option("--max-age", default=30, show_default=True, type=click.IntRange(1), help="Minutes until a head is stale.")
@click.option("--token-file", type=EXISTING, help="Regulator's access token (mode 0600): read the records too.")
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text", help="How a line is written.")
@offline
def monitor(
    desk: Desk, server: str, policy: Path, state: Path, once: bool, interval: int, max_age: int,
    token_file: Path | None, kind: str,
) -> None:  # fmt: skip
    """Follow a log from outside; alarm when it forks, shrinks, goes stale or does not keep to your policy."""
    try:
        watch = _prepared(server, policy, state, timedelta(minutes=max_age), token_file, once)
    except ClientError as error:  # 2: exit code 1 is kept for alarms
        raise click.UsageError(desk.say(error.code, **error.facts)) from None
    while True:
        code = _round(desk, watch, _teller(desk, kind))
        if once:
            raise SystemExit(code)
        time.sleep(interval)


def _prepared(
    server: str, policy: Path, state: Path, max_age: timedelta, token_file: Path | None, once: bool
) -> Monitor:
    from contracts.errors import ContractsError
    from contracts.log.policy import parse_policy
    from exchange.client.files import read_private
    from exchange.client.plain import Plain

    token = read_private(token_file).decode("ascii", "replace").strip() if token_file else ""
    try:
        trusted = parse_policy(policy.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ClientError("FILE_UNREADABLE", path=policy, reason=error) from None
    except ContractsError as error:
        raise ClientError("FILE_UNREADABLE", path=policy, reason=_reason(error)) from None
    return Monitor(Plain(server, token, SILENT), trusted, state, max_age, bool(token), whole=once)


def _round(desk: Desk, watch: Monitor, tell: Callable[..., None]) -> int:
    try:
        state = watch.check()
    except ClientError as error:
        tell(error.code, **error.facts)
        return 1 if isinstance(error, Alarm) else 2
    tell("MONITOR_WELL", size=_head(state.note).size, root=_head(state.note).root.hex(), records=state.records)
    return 0


def _teller(desk: Desk, kind: str) -> Callable[..., None]:
    """One line a round: a sentence with its code, or JSON with both languages."""

    def tell(code: str, **facts: Any) -> None:
        from exchange import clock

        if kind == "json":
            told = {lang: clean(say(code, lang, facts)) for lang in LANGUAGES}
            plain = {name: value if isinstance(value, int) else str(value) for name, value in facts.items()}
            line = json.dumps({"at": clock.now().isoformat(), "code": code, **plain, **told}, ensure_ascii=False)
        else:
            line = f"{desk.say(code, **facts)} [{code}]".replace("\n", " ")
        click.echo(line)

    return tell


def _head(note: str) -> "Checkpoint":
    """The head that a note states, not yet verified."""
    from contracts.errors import ContractsError
    from contracts.log.checkpoint import parse_checkpoint, parse_note

    try:
        return parse_checkpoint(parse_note(note).text)
    except ContractsError as error:
        raise Alarm("MONITOR_POLICY", reason=_reason(error)) from None


def _short(id: str) -> bytes:
    """64 bits of an event id's hash, so that a million ids take 100 MB: among them two collide by chance once in 40
    million logs, which would be a false alarm."""
    return sha256(id.encode()).digest()[:8]


def _reason(error: Any) -> str:
    from contracts.evidence_words import explain

    return f"{explain(error, 'vi')} / {explain(error, 'en')}"
