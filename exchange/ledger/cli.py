"""``minhbach log …``: the head, an export as static tiles, a full self-check."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
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
from exchange.ledger.commands import sequence
from exchange.ledger.keyring import Keyring, LogKeyError
from exchange.ledger.leader import leading
from exchange.ledger.models import Anchor, Checkpoint, Entry
from exchange.ledger.tiles import DatabaseTiles


@click.group("log")
def group() -> None:
    """Look at the transaction log, export it, check it."""


@contextmanager
def _session() -> Iterator[Session]:
    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin, config.secret_key)
    try:
        with database.reading() as session:
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
    try:
        with _session() as session:
            data = receipts.receipt_of(session, event, receipts.key_of(Config.from_environ().home))
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
    """Re-hash every record, rebuild every head ever signed, check tiles, ids and chains; exit 1 if anything lies."""
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
    frontier, found, newest_of, size = tree.Frontier(), [], dict[str, str](), 0
    rows = select(Entry).order_by(col(Entry.idx)).execution_options(yield_per=1000)
    for size, row in enumerate(session.exec(rows), start=1):
        if row.idx != size - 1 or row.leaf_hash != tree.leaf_hash(row.leaf):
            found.append(f"record {row.idx}: index or hash differs from its leaf")
        found.extend(_leaf_problems(row, newest_of))
        frontier = frontier.append(tree.leaf_hash(row.leaf))
        head = heads.pop(size, None)
        if head is not None:
            found.extend(_head_problems(head, frontier.root(), verifiers))
    found.extend(f"a head of {missing} records is stored, but the log holds {size}" for missing in heads)
    tiles = DatabaseTiles(session, size)  # level by level: each stands on the one below, which was compared before
    for tile in tiles_of(size):
        if tile.width == WIDTH and tiles.fetch(tile) != tiles.compute(tile):
            found.append(f"{tile.path}: differs from the records below it")
    return found


def _leaf_problems(row: Entry, newest_of: dict[str, str]) -> list[str]:
    try:
        parsed = leaf.parse(row.leaf)
    except LeafError as error:
        return [f"record {row.idx}: {error}"]
    before, newest_of[parsed.on[0]] = newest_of.get(parsed.on[0]), parsed.id
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
