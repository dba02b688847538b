"""What an exchange says of its log (``Minhbach-Log`` on every answer), kept from one command to the next.

An exchange that shows two people two histories must remember for ever whom it told which. Here it is held to what it
said: a command that was told another head than the kept one asks for the proof that one continues the other. Told heads
are not signed; so an alarm keeps, beside both, the signed checkpoint of that moment for whoever looks into it.
"""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from exchange import clock
from exchange.client.files import keep_evidence, read_private, replace_file
from exchange.client.words import ClientError

if TYPE_CHECKING:
    from exchange.client.connection import Connection
    from exchange.client.desk import Desk

HEADER = "Minhbach-Log"
PATIENCE = timedelta(days=1)  # for how long a head may stay unproved before its reader is told
_HEAD = re.compile(r"([1-9][0-9]{0,17}) ([A-Za-z0-9+/]{43}=)")


class Head(NamedTuple):
    """So many records, and the root over them."""

    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> "Head | None":
        """The header's value; None for anything else, so that a stranger cannot make us keep more than this."""
        found = _HEAD.fullmatch(text)
        return cls(int(found[1]), base64.b64decode(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.size} {base64.b64encode(self.root).decode('ascii')}"


@dataclass(frozen=True)
class Kept:
    """Of one exchange: the largest head that continues all before it, and one whose proof it did not give yet."""

    head: str
    doubt: str = ""
    since: str = ""  # when that was first asked for, ISO 8601

    def __post_init__(self) -> None:
        if None in (Head.parse(self.head), Head.parse(self.doubt or self.head), self.age):  # its time must be one too
            raise ValueError(self.head)

    @property
    def age(self) -> timedelta:
        """For how long the doubt has stood."""
        return clock.now() - datetime.fromisoformat(self.since) if self.doubt else timedelta()


@contextmanager
def compared(desk: "Desk") -> Iterator[None]:
    """Let a command do and say all that it has to; then compare. An alarm makes its exit code 1."""
    ended = None
    try:
        yield
    except SystemExit as end:
        ended = end
    for connection in desk.connections:
        try:
            Comparison(desk, connection).make()
        except ClientError as error:
            click.echo(desk.say(error.code, **error.facts), err=True)
            ended = SystemExit(1)
    if ended:
        raise ended


class Comparison:
    """One exchange's newest head in this command against the kept one."""

    def __init__(self, desk: "Desk", connection: "Connection") -> None:
        from exchange.client.plain import Plain

        client = desk.client or Path()  # the connection was made with one
        self._path = client.with_name(f"{client.name}.heads")
        self._desk, self._told, self._answered = desk, connection.told, connection.answered
        self._http = Plain(connection.base)  # without a token: the proof is public, and need not know who asks

    def make(self) -> None:
        """Ask only when something changed. Raises ClientError: the alarm, or a file that cannot be used."""
        book = self._read()
        known = book.get(self._http.base)
        if self._told is None:
            if known and self._answered:
                click.echo(self._desk.say("HEAD_NOT_NAMED", server=self._http.base, kept=known.head), err=True)
            return
        kept = self._weighed(known, self._told) if known else Kept(str(self._told))
        if kept != known:
            self._write(book | {self._http.base: kept})
        if kept.age > PATIENCE:
            raise self._alarm("HEAD_UNPROVED", kept.head, kept.doubt)

    def _weighed(self, known: Kept, told: Head) -> Kept:
        """What is to be kept now. A doubt stays until that very head is proved, whatever is told in between."""
        kept = known.head
        for text in dict.fromkeys(text for text in (known.doubt, str(told)) if text and text != kept):
            if not self._proved(kept, text):
                return Kept(kept, text, known.since if text == known.doubt else clock.now().isoformat())
            kept = max(kept, text, key=lambda each: int(each.split()[0]))
        return Kept(kept)

    def _proved(self, kept: str, told: str) -> bool:
        """Whether the larger of both continues the smaller; False while the exchange gives no proof. Another worker may
        be a moment behind, so the told head may be the smaller. Raises ClientError when they are of two histories."""
        from contracts.errors import TreeError
        from contracts.log.tree import check_consistency
        from contracts.log.witness import MAX_PROOF

        heads = (Head.parse(kept), Head.parse(told))
        old, new = sorted(head for head in heads if head)
        try:
            proof: list[bytes] = []
            if old.size != new.size:
                answer = self._http.ask(f"/log/consistency?from={old.size}&to={new.size}", MAX_PROOF * 45)
                if answer.status != 200:
                    return False
                proof = [base64.b64decode(line, validate=True) for line in answer.body.splitlines()]
            check_consistency(proof, old.size, new.size, old.root, new.root)
        except (TreeError, ValueError):
            raise self._alarm("HEAD_FORK", kept, told) from None
        except ClientError:
            return False
        return True

    def _alarm(self, code: str, kept: str, told: str) -> ClientError:
        from contracts.log.checkpoint import MAX_NOTE

        try:
            checkpoint = self._http.ask("/log/checkpoint", MAX_NOTE).text
        except ClientError as error:
            checkpoint = self._desk.say(error.code, **error.facts)
        facts = {"server": self._http.base, "kept": kept, "told": told}
        shown = {**facts, "at": clock.now().isoformat(), "checkpoint": checkpoint}
        # one file for each kept head, so that a server which lies every time does not fill the disk
        return ClientError(code, **facts, path=keep_evidence(self._path, f"{code} {facts['server']} {kept}", shown))

    def _read(self) -> dict[str, Kept]:
        if not self._path.exists():
            return {}
        try:
            return {server: Kept(**kept) for server, kept in json.loads(read_private(self._path)).items()}
        except (ValueError, TypeError, AttributeError):
            raise ClientError("HEADS_FILE", path=self._path) from None

    def _write(self, book: dict[str, Kept]) -> None:
        """Of two commands at once the later one's head stays: told and proved as well. A client file in a folder where
        nothing can be written is no reason to fail."""
        try:
            replace_file(self._path, json.dumps({server: asdict(kept) for server, kept in book.items()}).encode())
        except ClientError as error:
            click.echo(self._desk.say("HEADS_NOT_KEPT", path=self._path, reason=error.facts["reason"]), err=True)
