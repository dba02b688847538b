"""``minhbach erase`` and ``minhbach db scrub``, ``minhbach db rewrap``: on the exchange's own machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.erasure import rules, service
from exchange.errors import Refused
from exchange.ledger import disclosures
from exchange.ledger.commands import sequence
from exchange.notices import hooks


@contextmanager
def _opened() -> Iterator[tuple[Config, Database]]:
    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin, config.secret_key)
    try:
        yield config, database
    except Refused as refused:
        raise click.ClickException("\n".join(f"{r.code}: {r.text % dict(r.facts)}" for r in refused.refusals)) from None
    finally:
        database.dispose()


@click.command("erase")
@click.argument("email")
@click.option("--basis", type=click.Choice(list(rules.BASES)), required=True, help="On which ground.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(email: str, basis: str, yes: bool) -> None:
    """Erase the person with the address EMAIL, who asked for it. Nothing brings them back.

    After a backup was restored, give the id instead of the address, as the log's record of the erasure names it.
    """
    with _opened() as (config, database):
        with database.reading() as session:
            effect = service.effect_on(session, service.the_person(session, email))
        click.echo(f"private values of the log: {effect.disclosures}, signing keys: {effect.keys}")
        click.echo(f"questions: {effect.questions}, notes: {effect.notes}")
        click.echo(f"member of: {', '.join(effect.organisations) or 'nothing'}")
        if not yes:
            click.confirm("Erase them for good?", abort=True)
        with database.writing() as session:
            service.erase(session, None, service.the_person(session, email), basis, clock.now())
            session.commit()
        _scrub(database)  # first: where the log may sign nothing now, the person is gone all the same
        sequence(database, config)
        click.echo(f"erased: {effect.user_id}")


@click.command("scrub")
def scrub() -> None:
    """Take what was deleted out of the database's files; every erasure does it too."""
    with _opened() as (_config, database):
        _scrub(database)
    click.echo("nothing deleted is left in the database's files")


@click.command("rewrap")
@click.argument("old_secret", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def rewrap(old_secret: Path) -> None:
    """After MINHBACH_SECRET_FILE was replaced: wrap the subjects' keys anew. OLD_SECRET is the file as it was."""
    with _opened() as (_config, database):
        try:
            with database.writing() as session:
                old = old_secret.read_text().strip()
                count = disclosures.rewrap(session, old) + hooks.rewrap(session, old)
                session.commit()
        except disclosures.SubjectKeyError as error:
            raise click.ClickException(str(error)) from None
        _scrub(database)
    click.echo(f"{count} keys are wrapped under the present secret; destroy {old_secret}")


def _scrub(database: Database) -> None:
    if not database.scrub(service.TABLES):
        raise click.ClickException("the database is busy: the rows are deleted; run `minhbach db scrub` again later")
