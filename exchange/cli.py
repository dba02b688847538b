"""The ``minhbach`` command: server, database, demo, log, evidence, benchmarks, and a client for members."""

import click

from exchange.accounts import cli as account_commands
from exchange.accounts import trust_cli as trust_commands
from exchange.bench.cli import bench
from exchange.client import (
    certificates,  # noqa: F401 - adds its command to the group `key`
    consents,
    deals,
    hooks,
    keyring,
    leaks,  # noqa: F401 - adds its commands to the group `trial`
    life,
    monitor,
    paper,  # noqa: F401 - adds its commands to the group `contract`
    trial,
    trial_applications,  # noqa: F401 - adds its commands to the group `trial`
    trial_life,
    trial_reports,  # noqa: F401 - and it too
)
from exchange.client import cli as client_commands
from exchange.erasure import cli as erasure_commands
from exchange.ledger import cli as log_commands
from exchange.oversight import cli as oversight_commands
from exchange.rooms import cli as room_commands
from exchange.witness import cli as witness_commands


@click.group()
def main() -> None:
    """Minh Bạch: a data exchange whose every claim can be checked."""


@main.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port to listen on.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=8, show_default=True, help="Threads in each process.")
def serve(bind: str, workers: int, threads: int) -> None:
    """Start the server (gunicorn); the database must be migrated."""
    from exchange.config import Config
    from exchange.server import Server

    config = Config.from_environ()
    click.echo(f"Minh Bạch: {config.base_url} (stop with Ctrl-C)")
    Server(config, bind, workers, threads).run()


@main.command()
@click.option("--if-empty", is_flag=True, help="Do nothing when somebody has joined already.")
def demo(if_empty: bool) -> None:
    """Fill an empty exchange with the demo market and print its sign-ins."""
    from exchange.config import Config
    from exchange.db import Database
    from exchange.demo.story import PASSWORD, SEATS, Story

    config = Config.from_environ()
    if not config.demo:
        raise click.ClickException("the demo's passwords are public: set MINHBACH_DEMO=1 if that is what you want")
    database = Database(config.database_url, config.log_origin, config.secret_key, config.market, config.home)
    story = Story(config, database)
    if story.is_needed():
        story.tell(lambda step: click.echo(f"  demo: {step}"))
    elif not if_empty:
        raise click.ClickException("the exchange is not empty; the demo fills only an empty one")
    click.echo(f"\n{config.base_url}   password for all: {PASSWORD}")
    for seat in SEATS:
        click.echo(f"  {seat.part:<10} {seat.email}")


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the newest migration; creates it when there is none."""
    from exchange.config import Config
    from exchange.migrations import upgrade

    upgrade(Config.from_environ().database_url)


@db.command("reindex")
def db_reindex() -> None:
    """Make the catalogue's index anew, after listings were changed by other means than the exchange."""
    from exchange.catalogue import index
    from exchange.config import Config
    from exchange.db import Database

    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin)
    with database.writing() as session:
        index.build(session.connection())
        session.commit()
    database.dispose()


main.add_command(log_commands.group)
main.add_command(account_commands.join)
main.add_command(trust_commands.group)
main.add_command(erasure_commands.erase)
db.add_command(erasure_commands.scrub)
db.add_command(erasure_commands.rewrap)
main.add_command(oversight_commands.evidence)
main.add_command(witness_commands.group)
main.add_command(room_commands.marks)
main.add_command(bench)
main.add_command(monitor.monitor)
main.add_command(keyring.redraw)  # its module hangs the rest of `key` below it
for command in (client_commands.key, client_commands.publish, client_commands.verify):
    main.add_command(command)
for command in (consents.approve, consents.withdraw_approval, consents.rule):
    deals.negotiate.add_command(command)
main.add_command(trial_life.trial)
for command in (deals.request, deals.negotiate, deals.sign, deals.receipt, deals.download, trial.room, trial.query,
                trial.test_room):  # fmt: skip
    main.add_command(command)
main.add_command(life.contract)
main.add_command(hooks.notices)
main.add_command(hooks.webhook)
