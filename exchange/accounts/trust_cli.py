"""``minhbach trust …``: whoever runs the exchange says whose certificates count."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlmodel import Session

from contracts import certificates
from exchange import clock
from exchange.accounts import trust
from exchange.config import Config
from exchange.db import Database
from exchange.errors import Refused
from exchange.ledger.commands import sequence

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("trust")
def group() -> None:
    """The root certificates and revocation lists by which signing certificates are judged."""


@group.command("add")
@click.argument("file", type=FILE)
@click.option("--grade", type=click.Choice(certificates.GRADES), required=True, help="Whose root it is.")
def add(file: Path, grade: str) -> None:
    """Trust every root certificate in FILE (PEM or DER): of a licensed authority, or of an organisation's own."""
    found = _certificates(file.read_bytes())
    with _writing() as session:
        for der in found:
            root = trust.add_root(session, der, grade, clock.now())
            click.echo(f"{root.thumbprint}  {root.grade}  {root.name}")


@group.command("list")
def show() -> None:
    """Print the roots in force, the revocation lists, and the digest that the log knows them by."""
    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin, config.secret_key)
    with database.reading() as session:
        for root in trust.roots(session):
            click.echo(f"{root.thumbprint}  {root.grade}  {root.until:%Y-%m-%d}  {root.name}")
        for crl in trust.crls(session):
            click.echo(f"crl  {crl.this_update:%Y-%m-%dT%H:%MZ}  {crl.next_update:%Y-%m-%dT%H:%MZ}  {crl.issuer_name}")
        click.echo(trust.in_force(session).digest)
    database.dispose()


@group.command("remove", context_settings={"ignore_unknown_options": True})  # a thumbprint may begin with "-"
@click.argument("thumbprint")
def remove(thumbprint: str) -> None:
    """Trust the root of this THUMBPRINT no longer; what was signed under it stays signed."""
    with _writing() as session:
        root = trust.remove_root(session, thumbprint, clock.now())
        click.echo(f"{root.thumbprint}  {root.name}")


@group.command("crl")
@click.argument("files", type=FILE, nargs=-1, required=True)
def crl(files: tuple[Path, ...]) -> None:
    """Load the revocation lists in FILES (DER or PEM); run it as often as the authorities publish new ones."""
    with _writing() as session:
        for file in files:
            row = trust.add_crl(session, _crl(file.read_bytes()), clock.now())
            click.echo(f"{row.next_update:%Y-%m-%dT%H:%MZ}  {row.issuer_name}")


@contextmanager
def _writing() -> Iterator[Session]:
    """One transaction; its record stands in the log when the command ends."""
    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin, config.secret_key)
    try:
        with database.writing() as session:
            yield session
            session.commit()
        sequence(database, config)
    except Refused as refused:
        lines = [f"{r.code}: {r.en or (r.text % dict(r.facts))}" for r in refused.refusals]
        raise click.ClickException("\n".join(lines)) from None
    finally:
        database.dispose()


def _certificates(data: bytes) -> list[bytes]:
    if b"-----BEGIN" not in data:
        return [data]
    try:
        return [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(data)]
    except ValueError:
        raise click.ClickException("the file holds no certificate that can be read") from None


def _crl(data: bytes) -> bytes:
    if b"-----BEGIN" not in data:
        return data
    try:
        return x509.load_pem_x509_crl(data).public_bytes(Encoding.DER)
    except ValueError:
        raise click.ClickException("the file holds no revocation list that can be read") from None
