"""What a command of the shell has recorded goes into the tree before the command ends."""

import click

from contracts.errors import ContractsError
from exchange.config import Config
from exchange.db import Database
from exchange.errors import ExchangeError
from exchange.ledger.sequencer import Sequencer
from exchange.ledger.witnesses import Witnesses


def sequence(database: Database, config: Config) -> None:
    """One run of the sequencer, as careful as the start of a server: the witnesses are asked first, because a command
    may be the first thing that is done with a backup that was put back. Raises ClickException when nothing may be
    signed; what was recorded waits then.
    """
    try:
        witnesses = Witnesses(database, config)
        try:
            witnesses.ask()
        finally:
            witnesses.stop()
        Sequencer(database, config).run_once()
    except (ExchangeError, ContractsError) as error:
        raise click.ClickException(f"it is recorded, but not yet in the log: {error}") from None
