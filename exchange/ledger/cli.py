"""``minhbach log …``: the head, an export as static tiles, a full self-check."""

from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Row
from sqlmodel import Session, col, select

from contracts.errors import LeafError, NoteError
from contracts.log import checkpoint as notes
from contracts.log import leaf, tree
from contracts.log.tiles import WIDTH, bundles_of, tiles_of
from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.errors import NotFound, Refused
from exchange.ledger import receipts, restart, rotation, service
from exchange.ledger.batch import names_of
from exchange.ledger.commands import sequence
from exchange.ledger.keyring import Keyring, LogKeyError
from exchange.ledger.leader import leading
from exchange.ledger.models import Anchor, Checkpoint, Entry, LastEvent, Subject
from exchange.ledger.tiles import DatabaseTiles


@click.group("log")
def group() -> None:
    """Look at the transaction log, export it, check it."""


@contextmanager
def _session() -> Iterator[Session]:
    """The log as it stands at one moment, whatever is written meanwhile."""
    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin, config.secret_key)
    try:
        with database.reading() as session:
            if not database.is_sqlite:  # which reads so by itself
                session.connection().exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield session
    finally:
        database.dispose()


def _head(session: Session) -> service.Head:
    newest = service.head(session)
    if newest is None:
        raise click.ClickException("the log is empty: nothing has been recorded yet")
    return newest


@group.command("checkpoint")
def checkpoint() -> None:
    """Print the newest signed head."""
    with _session() as session:
        click.echo(_head(session).note, nl=False)


@group.command("export")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def export(directory: Path) -> None:
    """Write the whole log as a tlog-tiles folder that any static server or foreign checker can read."""
    with _session() as session:
        newest = _head(session)
        tiles = DatabaseTiles(session, newest.size)
        for tile in (*tiles_of(newest.size), *bundles_of(newest.size)):
            path = directory / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tiles.fetch(tile))
        _export_stamps(session, newest.size, directory)
        (directory / "log.vkey").write_text("".join(f"{vkey}\n" for vkey in service.vkeys(session)))
        (directory / "checkpoint").write_text(newest.note)  # last: a reader who sees it finds everything it promises
    click.echo(f"{newest.size} records written to {directory}")


def _export_stamps(session: Session, size: int, directory: Path) -> None:
    """Every token, and the signed head it was made for."""
    for stamped in session.exec(select(Anchor.size).where(col(Anchor.size) <= size).distinct()).all():
        token, note = directory / "timestamps" / f"{stamped}.tsr", directory / "checkpoints" / str(stamped)
        for path in (token, note):
            path.parent.mkdir(parents=True, exist_ok=True)
        token.write_bytes(service.token(session, stamped))
        note.write_text(service.note_of(session, stamped))


@group.command("receipt")
@click.argument("event")
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)
def receipt(event: str, output: Path) -> None:
    """Write the COSE receipt (RFC 9942) of one event under the newest signed head."""
    config = Config.from_environ()
    try:
        key = receipts.key_of(config.home)
        with _session() as session:
            recorded = receipts.is_recorded(session, key)
        if not recorded:
            _change(config, lambda session: receipts.record(session, key, clock.now()))
        with _session() as session:
            data = receipts.receipt_of(session, event, key)
    except NotFound:
        raise click.ClickException(f"{event} is no event under a signed head") from None
    except LogKeyError as error:
        raise click.ClickException(str(error)) from None
    output.write_bytes(data)
    click.echo(f"{len(data)} bytes written to {output}")


@group.command("rotate-key")
def rotate_key() -> None:
    """Make a new key for the log; from then on the old and the new one sign every head together."""
    config = Config.from_environ()
    keyring = Keyring(config.home, config.log_origin)
    vkey = _change(config, lambda session: rotation.rotate(session, keyring, clock.now()))
    click.echo(vkey)


@group.command("retire-key")
def retire_key() -> None:
    """Let the older of the log's two keys sign no more."""
    vkey = _change(Config.from_environ(), lambda session: rotation.retire(session, clock.now()))
    click.echo(f"{vkey} signs no more; its file is log-{rotation.key_id(vkey)}.key in the home folder")


@group.command("restart")
@click.confirmation_option(prompt="This ends the present log for ever and goes on under a new name. Is that meant?")
def restart_log() -> None:
    """End the log and go on under the new name that MINHBACH_LOG_ORIGIN gives; stop the server first."""
    config = Config.from_environ()
    click.echo(_change(config, lambda session: restart.restart(session, config, clock.now())))


def _change(config: Config, use_case: Callable[[Session], str]) -> str:
    """One use case under the sequencer's lead, so that no head is being signed meanwhile; then the next head."""
    database = Database(config.database_url, config.log_origin, config.secret_key)
    try:
        with leading(database, config.home, "sequencer", wait=30) as leads, database.writing() as session:
            if not leads:
                raise click.ClickException("the sequencer did not stop for us; try again")
            result = use_case(session)
            session.commit()
        sequence(database, config)
    except Refused as refused:
        raise click.ClickException(f"{refused.code}: {refused.refusals[0].text}") from None
    finally:
        database.dispose()
    return result


@group.command("check")
def check() -> None:
    """Re-hash every record, rebuild every head ever signed, check tiles, ids, chains and searches; exit 1 if anything
    lies."""
    with _session() as session:
        newest = _head(session)
        problems = problems_of(session)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(1)
    click.echo(f"{newest.size} records, root {newest.root.hex()}: all heads lie on one history")


def problems_of(session: Session) -> list[str]:
    """What is wrong with the log in this database, in sentences; an empty list means nothing is."""
    verifiers = service.verifiers(session)
    heads = {row.size: row for row in session.exec(select(Checkpoint))}
    frontier, found, size, named = tree.Frontier(), list[str](), 0, Named()
    for size, row in enumerate(session.connection().execute(_ENTRIES), start=1):
        digest = tree.leaf_hash(row.leaf)
        if row.idx != size - 1 or row.leaf_hash != digest:
            found.append(f"record {row.idx}: index or hash differs from its leaf")
        found.extend(_leaf_problems(row, named))
        frontier = frontier.append(digest)
        head = heads.pop(size, None)
        if head is not None:
            found.extend(_head_problems(head, frontier.root(), verifiers))
    found.extend(f"a head of {missing} records is stored, but the log holds {size}" for missing in heads)
    found.extend(named.problems(session))
    tiles = DatabaseTiles(session, size)  # level by level: each stands on the one below, which was compared before
    for tile in tiles_of(size):
        if tile.width == WIDTH and tiles.fetch(tile) != tiles.compute(tile):
            found.append(f"{tile.path}: differs from the records below it")
    return found


# Rows of columns: to make an object of each would take as long as to check it.
_ENTRIES = select(Entry.__table__).order_by(col(Entry.idx)).execution_options(yield_per=1000)  # type: ignore[attr-defined]
_SUBJECTS = select(Subject.subject, Subject.idx).execution_options(yield_per=10_000)
_NEWEST = select(LastEvent.subject, LastEvent.event_id).execution_options(yield_per=10_000)


class Named:
    """What the leaves name, to be compared with the rows that a search goes by (``log_subject``) and those that the
    next record is linked by (``log_last_event``).

    Of the names of one record the exclusive or of their hashes is kept, under a key that Python draws anew for every
    run (SipHash): eight bytes for a record, and nobody can aim at other names that give the same.
    """

    def __init__(self) -> None:
        self._names, self._newest = array("q"), dict[str, str]()

    def add(self, record: leaf.Leaf | None) -> str | None:
        """Note the next record, None for one that cannot be read; the event before it with the same first subject."""
        self._names.append(reduce(xor, (hash((name, len(self._names))) for name in names_of(record))) if record else 0)
        if record is None:
            return None
        before, self._newest[record.on[0]] = self._newest.get(record.on[0]), record.id
        return before

    def problems(self, session: Session) -> list[str]:
        """The rows that are missing, and those that are too many."""
        connection, found = session.connection(), list[str]()
        for subject, idx in connection.execute(_SUBJECTS):
            if not 0 <= idx < len(self._names):
                found.append(f"record {idx}: a search by {subject} finds it, but it is not there")
            else:
                self._names[idx] ^= hash((subject, idx))
        wrong = (number for number, rest in enumerate(self._names) if rest)
        found += [f"record {number}: the subjects that a search finds it by differ from its leaf" for number in wrong]
        for subject, id in connection.execute(_NEWEST):
            if self._newest.pop(subject, None) != id:
                found.append(f"the newest event of {subject} is stored as {id}, which it is not")
        return found + [f"the newest event of {subject} is not stored" for subject in self._newest]


def _leaf_problems(row: Row[Any], named: Named) -> list[str]:
    try:
        parsed = leaf.parse(row.leaf)
    except LeafError as error:
        named.add(None)
        return [f"record {row.idx}: {error}"]
    before = named.add(parsed)
    if parsed.id != row.event_id:
        return [f"record {row.idx}: its id differs from its leaf"]
    if (parsed.type, parsed.actor, parsed.at_ms) != (row.event, row.actor, row.at_ms):
        return [f"record {row.idx}: what a search finds it by differs from its leaf"]
    return [] if parsed.prev == before else [f"record {row.idx}: the chain of {parsed.on[0]} is broken"]


def _head_problems(head: Checkpoint, root: bytes, verifiers: list[notes.VerifierKey]) -> list[str]:
    if head.root != root:
        return [f"head {head.size}: the records do not give this root"]
    try:
        promised = root if head.note is None else notes.open_checkpoint(head.note, verifiers).checkpoint.root
    except NoteError as error:
        return [f"head {head.size}: {error}"]
    return [] if promised == root else [f"head {head.size}: the signed note promises another root"]
