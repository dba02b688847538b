"""``minhbach join``: the first operator, the regulator. Members join by themselves on the page."""

import click

from exchange import clock
from exchange.accounts import service
from exchange.config import Config
from exchange.db import Database
from exchange.errors import Refused
from exchange.ledger.commands import sequence
from exchange.permissions import OrgKind, Role


@click.command("join")
@click.option("--kind", type=click.Choice([str(kind) for kind in OrgKind]), required=True, help="What it is here.")
@click.option("--name", required=True, help="The organisation's registered name.")
@click.option("--tax-code", required=True, help="Its tax code, with the check digit.")
@click.option("--email", required=True, help="The owner's e-mail address, with which they sign in.")
@click.option("--full-name", required=True, help="The owner's name.")
@click.password_option(help="The owner's first password; asked for when not given.")
def join(kind: str, name: str, tax_code: str, email: str, full_name: str, password: str) -> None:
    """Register an organisation of any kind and its owner, on the exchange's own machine.

    Whoever runs this vouches for the identity: level 2 and the payment account count as confirmed.
    """
    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin, config.secret_key)
    try:
        with database.writing() as session:
            now = clock.now()
            org = service.register_organisation(
                session, name=name, tax_code=tax_code, kind=OrgKind(kind), stated_level=2,
                stated_payment_account=True, confirmed=True, now=now,
            )  # fmt: skip
            service.add_user(
                session, org, email=email, full_name=full_name, password=password, roles=[Role.OWNER], now=now
            )
            session.commit()
        sequence(database, config)
    except Refused as refused:
        lines = [f"{r.code}: {r.text % dict(r.facts) if r.text else r.value}" for r in refused.refusals]
        raise click.ClickException("\n".join(lines)) from None
    finally:
        database.dispose()
    click.echo(f"{org.id}  {org.name}")
