"""``minhbach witness …``: make a witness's key, tell it which logs to watch, serve."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

HOME = click.option(
    "--home", required=True, type=click.Path(file_okay=False, path_type=Path), help="The witness's folder."
)


@click.group("witness")
def group() -> None:
    """Be a witness: cosign the heads of logs, each only if it continues the last one."""


@group.command("key")
@HOME
@click.option("--name", required=True, help="The name it signs under, for example regulator.example/w1.")
def key(home: Path, name: str) -> None:
    """Make a witness in a new folder and print its public key (vkey) for the logs' policies."""
    from contracts.log.checkpoint import format_vkey
    from exchange.witness.book import Book

    with _plainly():
        click.echo(format_vkey(Book.create(home, name).key))


@group.command("add-log")
@HOME
@click.argument("vkey")
def add_log(home: Path, vkey: str) -> None:
    """Watch the log whose public key is VKEY; a further key of the same log, for its rotation, is added alike."""
    from exchange.witness.book import Book

    with _plainly():
        click.echo(Book(home).add_log(vkey).name)


@group.command("serve")
@HOME
@click.option("--bind", default="127.0.0.1:7380", show_default=True, help="Address and port to listen on.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=4, show_default=True, help="Threads in each process.")
def serve(home: Path, bind: str, workers: int, threads: int) -> None:
    """Answer logs over HTTP until stopped; put a proxy that speaks HTTPS in front."""
    from exchange.witness.app import Server
    from exchange.witness.book import Book

    with _plainly():
        book = Book(home)
    click.echo(f"{book.name}: http://{bind}/ (stop with Ctrl-C)")
    Server(book, bind, workers, threads).run()


@contextmanager
def _plainly() -> Iterator[None]:
    """Errors as a sentence and exit code 1."""
    from contracts.errors import ContractsError
    from contracts.evidence_words import explain
    from exchange.client.words import ClientError, say
    from exchange.witness.book import BookError

    try:
        yield
    except ContractsError as error:
        raise click.ClickException(explain(error, "en")) from None
    except ClientError as error:
        raise click.ClickException(say(error.code, "en", error.facts)) from None
    except BookError as error:
        raise click.ClickException(str(error)) from None
