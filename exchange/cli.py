"""The ``minhbach`` command: server, database, demo, log, evidence, benchmarks, and a client for members."""

import click

from exchange.ledger import cli as log_commands


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


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the newest migration; creates it when there is none."""
    from exchange.config import Config
    from exchange.migrations import upgrade

    upgrade(Config.from_environ().database_url)


main.add_command(log_commands.group)
