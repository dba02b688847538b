"""What has been promised outside the database, and the refusal to break it.

A signed head is a promise for ever. A database restored from a backup holds fewer records than were promised, or, once
it has grown past that size again, other ones; to sign either would fork the log. So every head is written down outside
the database before anybody sees it, and nothing is sequenced or signed that does not continue every head found there:

    last_signed              in the home folder, written at each signature
    MINHBACH_LOG_PROMISE     the same on a second disk, when that is set
    MINHBACH_LOG_FOLDER      the published folder's ``checkpoint``, when that is set
    witnessed_head           in the home folder: a head that a witness has seen and we have not
"""

import os
from collections.abc import Iterator
from pathlib import Path

from sqlmodel import Session

from contracts.log import checkpoint, tree
from exchange.config import Config
from exchange.errors import ExchangeError
from exchange.ledger.tiles import DatabaseTiles


class WouldFork(ExchangeError):
    """The database does not hold what was promised. Nothing is sequenced or signed until it does again."""


class Promises:
    """The heads written down outside the database of one log."""

    def __init__(self, config: Config, *, origin: str | None = None) -> None:
        self._origin = origin or config.log_origin
        self._written = [config.home / "last_signed"]
        self._read_only = [config.home / "witnessed_head"]
        if config.log_promise:
            self._written.append(config.log_promise)
        if config.log_folder:
            self._read_only.append(config.log_folder / "checkpoint")

    def keep(self, note: str) -> None:
        """Write the newest signed head down everywhere, durably. A crash in between leaves some places behind by one
        head, which is what they were before: each is a beginning of the same history. A larger promise stays: another
        process may have led in between, when the database server had lost sight of this one."""
        head = _head(note)
        for path in self._written:
            if not any(size > head.size for size in self._sizes_in(path)):
                write_whole(path, note.encode())

    def require(self, session: Session, frontier: tree.Frontier) -> None:
        """Raise WouldFork unless the database, whose tree has this frontier, continues every promise."""
        for path, promised in self._found():
            if promised.size > frontier.size or _root(session, frontier, promised.size) != promised.root:
                raise WouldFork(
                    f"{path} promises {promised.size} records that the database (of {frontier.size}) does not hold: "
                    "it was restored from a backup; nothing is signed until the missing records are back"
                )

    def heads(self) -> Iterator[checkpoint.Checkpoint]:
        """All that is found of this origin."""
        for _path, head in self._found():
            yield head

    def _sizes_in(self, path: Path) -> list[int]:
        return [head.size for found, head in self._found() if found == path]

    def _found(self) -> Iterator[tuple[Path, checkpoint.Checkpoint]]:
        for path in (*self._written, *self._read_only):
            try:
                head = _head(path.read_bytes())
            except FileNotFoundError:
                continue
            if head.origin == self._origin:  # another log's promise, after a restart under a new origin
                yield path, head


def _head(note: str | bytes) -> checkpoint.Checkpoint:
    return checkpoint.parse_checkpoint(checkpoint.parse_note(note).text)


def _root(session: Session, frontier: tree.Frontier, promised: int) -> bytes:
    """The root that the tree had at the promised size. Mostly that is now, and then the frontier tells it, from which
    alone the next heads will grow."""
    if promised == frontier.size:
        return frontier.root()
    return tree.root_at(DatabaseTiles(session, frontier.size).reader, promised)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one durable step: a crash leaves the old or the new content, never half of one."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too, must outlive a loss of power
    finally:
        os.close(folder)
