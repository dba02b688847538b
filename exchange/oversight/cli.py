"""``minhbach evidence``: the evidence bundle of one contract, or of the whole log, as a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from contracts.errors import ContractsError
from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.errors import ExchangeError
from exchange.ledger.cosigned import Published, read_policy
from exchange.oversight import evidence as bundles
from exchange.oversight import service


@click.command("evidence")
@click.argument("contract", required=False)
@click.option("--all", "whole", is_flag=True, help="The whole log instead of one contract.")
@click.option("-o", "output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
def evidence(contract: str | None, whole: bool, output: Path) -> None:
    """Write the evidence bundle of CONTRACT, or with --all of the whole log; its export is recorded in the log."""
    if whole == bool(contract):
        raise click.UsageError("name one contract, or give --all")
    with _database() as (database, published):
        if contract is None:
            made = _whole_log(database, published, output)
        else:
            made = _one(database, published, contract, output)
    click.echo(f"{output}: {made.records} records under a head of {made.head.size}, {made.digest}")


def _one(database: Database, published: Published, contract: str, output: Path) -> bundles.Made:
    with database.writing() as session:
        bundle = bundles.bundle_of(session, contract, published=published)
        service.note_export(session, None, bundle, [f"contract:{contract}"], clock.now())
        session.commit()
    output.write_bytes(bundle.data)
    return bundle


def _whole_log(database: Database, published: Published, output: Path) -> bundles.Made:
    """Under another name until its export is on record, so that a crash leaves no file that could be taken for it."""
    part = output.with_name(output.name + ".part")
    try:
        with part.open("w+b") as out, database.reading() as session:
            made = bundles.write_whole_log(session, out, published)
        with database.writing() as session:
            service.note_export(session, None, made, ["log:whole"], clock.now())
            session.commit()
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return made


@contextmanager
def _database() -> Iterator[tuple[Database, Published]]:
    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin, config.secret_key)
    try:
        yield database, Published(read_policy(config.witness_policy))
    except (ExchangeError, ContractsError) as error:
        raise click.ClickException(f"{type(error).__name__}: {error}") from None
    finally:
        database.dispose()
