"""The processes of the crash run: writers, sequencers, a stranger who watches; and where they all meet.

Each is forked, opens its own connections, works until it is killed, and leaves when its parent is gone.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from contracts.errors import ContractsError
from contracts.log import checkpoint, tree
from contracts.log.tiles import WIDTH, Tile, TileReader
from exchange import audit, clock
from exchange.accounts.models import Organisation
from exchange.config import Config
from exchange.db import Database, new_id
from exchange.errors import Refused
from exchange.ledger import service
from exchange.ledger.sequencer import Sequencer
from exchange.permissions import OrgKind

ORIGIN = "log.test/2026"
UNREACHABLE = 75  # how a child ends that found no database: the parent starts it again, as gunicorn does


@dataclass(frozen=True)
class Place:
    """One database, one home folder, and a folder for what everybody saw and did."""

    folder: Path
    url: str

    @property
    def second(self) -> Path:
        """The promise on the second disk."""
        return self.folder / "second disk" / "promise"

    @property
    def published(self) -> Path:
        """The log as static files."""
        return self.folder / "published"

    @property
    def config(self) -> Config:
        """The exchange's settings there."""
        return Config.from_environ(
            {
                "MINHBACH_HOME": str(self.folder / "home"),
                "MINHBACH_DATABASE_URL": self.url,
                "MINHBACH_LOG_ORIGIN": ORIGIN,
                "MINHBACH_LOG_PROMISE": str(self.second),
                "MINHBACH_LOG_FOLDER": str(self.published),
            }
        )

    def database(self) -> Database:
        """A fresh set of connections: none may be shared across a fork."""
        return Database(self.url, ORIGIN)

    def note(self, name: str, facts: object) -> None:
        """Append a line that is on the disk when this returns."""
        with (self.folder / f"{name}.jsonl").open("a") as file:
            file.write(json.dumps(facts) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def notes(self, pattern: str) -> list[Any]:
        """All whole lines of these files; a line that a kill tore was never finished and says nothing."""
        lines = [
            line for path in sorted(self.folder.glob(f"{pattern}.jsonl")) for line in path.read_text().splitlines(True)
        ]
        return [json.loads(line) for line in lines if line.endswith("\n")]


def fork(place: Place, work: Callable[[], None]) -> int:
    """Run ``work`` in a process of its own; what it prints goes to ``children.log``. Returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        log = os.open(place.folder / "children.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        work()
        status = 0
    except SQLAlchemyError:
        status = UNREACHABLE
        traceback.print_exc()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def act(session: Session, writer: str, number: int) -> dict[str, str | int]:
    """One business row and its record, not committed yet. Two writers continue the same chain."""
    row = Organisation(name=f"Crash {writer}", tax_code=new_id()[12:], kind=OrgKind.MEMBER, created_at=clock.now())
    session.add(row)
    subjects = [f"listing:{int(writer.partition('.')[0]) // 2}", f"org:{row.id}"]
    details: dict[str, int | str | bool] = {"writer": writer, "number": number}
    made = audit.record(session, "account.registered", None, on=subjects, now=clock.now(), details=details)
    return {"writer": writer, "number": number, "event": made, "row": row.id}


def write(place: Place, writer: str) -> None:
    """Act, commit, and only then put the acknowledgement on the disk."""
    parent, database, rng = os.getppid(), place.database(), random.Random(writer)
    for number in count():
        if os.getppid() != parent:
            return
        try:
            with database.writing() as session:
                done = act(session, writer, number)
                session.commit()
        except SQLAlchemyError:  # the database is away: not done, not claimed
            time.sleep(0.02)
            continue
        except Refused:  # so are those that the log is behind with
            place.note("refused", writer)
            time.sleep(0.02)
            continue
        place.note(f"done-{writer}", done)
        time.sleep(rng.uniform(0, 0.006))


def sequence(place: Place, spot: int) -> None:
    """A web worker as far as the log sees it: the thread, and requests that ask for a run at any time.

    With ``spot`` it kills itself there, see :func:`die_at`.
    """
    os.environ["PGAPPNAME"] = "sequencer"  # PostgreSQL's list of connections shows it
    parent, database = os.getppid(), place.database()
    if spot:
        die_at(database, spot)
    sequencer = Sequencer(database, place.config)
    sequencer.start()
    while os.getppid() == parent:
        sequencer.try_run()
        time.sleep(random.uniform(0, 0.01))


def die_at(database: Database, spot: int) -> None:
    """SIGKILL this process at the ``spot``-th moment worth dying at.

    Such moments are: before each statement that writes, before and after each commit, before a file is opened for
    writing, and before it is renamed.
    """
    passed = count(1)

    def here(*_: object) -> None:
        if next(passed) == spot:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(_c: object, _cursor: object, sql: str, *_: object) -> None:
        if not sql.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN")):
            here()

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        writes = name == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if name in ("os.rename", "os.link") or writes:
            here()

    event.listen(database.engine, "before_cursor_execute", statement)
    event.listen(database.engine, "commit", here)
    event.listen(Session, "after_commit", here)
    sys.addaudithook(hook)


def watch(place: Place) -> None:
    """A stranger: writes down every head that is published, in the order seen, and every promise on the disk."""
    parent, database, last = os.getppid(), place.database(), dict[str, str]()
    while os.getppid() == parent:
        try:
            with database.reading() as session:
                newest = service.head(session)
        except SQLAlchemyError:
            newest = None
        found = {"seen": newest.note if newest else "", "promised": _text(place.config.home / "last_signed")}
        found |= {"second": _text(place.second), "published": _text(place.published / "checkpoint")}
        for name, text in found.items():
            if text and text != last.get(name):
                place.note(name, [text, served(place.published, text)] if name == "published" else text)
                last[name] = text
        time.sleep(0.003)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def served(folder: Path, note: str) -> str:
    """The root, in hexadecimal, that the published folder's tiles give for the size of this head; or what is wrong."""
    head = checkpoint.parse_checkpoint(checkpoint.parse_note(note).text)
    try:
        return tree.root_at(TileReader(head.size, partial(_fetch, folder)), head.size).hex()
    except (OSError, ContractsError) as error:
        return repr(error)


def _fetch(folder: Path, tile: Tile) -> bytes:
    try:
        return (folder / tile.path).read_bytes()
    except FileNotFoundError:  # a partial tile may go once the full one is there (C2SP tlog-tiles)
        return (folder / replace(tile, width=WIDTH).path).read_bytes()[: tile.width * tree.HASH_SIZE]
