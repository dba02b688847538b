"""``minhbach evidence``: the evidence bundle of one contract as a file."""

from pathlib import Path

import click

from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.errors import ExchangeError
from exchange.oversight import evidence as bundles
from exchange.oversight import service


@click.command("evidence")
@click.argument("contract")
@click.option("-o", "output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
def evidence(contract: str, output: Path) -> None:
    """Write the evidence bundle of CONTRACT; its export is recorded in the log."""
    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin, config.secret_key)
    try:
        with database.writing() as session:
            bundle = bundles.bundle_of(session, contract, official=True)
            service.note_export(session, None, bundle, [f"contract:{contract}"], clock.now())
            session.commit()
    except ExchangeError as error:
        raise click.ClickException(f"{type(error).__name__}: {error}") from None
    finally:
        database.dispose()
    output.write_bytes(bundle.data)
    click.echo(f"{output}: {bundle.records} records under a head of {bundle.head.size}, {bundle.digest}")
