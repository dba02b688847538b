"""``minhbach marks``: whoever runs the exchange says whose copy a leaked table of counts is."""

import csv
from collections.abc import Sequence
from pathlib import Path

import click

from exchange.config import Config
from exchange.db import Database
from exchange.errors import NotFound
from exchange.rooms import receipts
from sandbox import watermark
from sandbox.ir import Agg, Dim

_COUNTED = {measure.value: Agg(measure) for measure in watermark.COUNTS}


@click.command()
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--room", required=True, metavar="ID", help="A test room of the dataset, whoever's.")
@click.option(
    "--column", "columns", required=True, multiple=True, metavar="NAME=WHAT",
    help="What the table's column NAME holds: a column of the dataset (month=shipped_on/month where it is cut to a "
    f"grain), or {', '.join(_COUNTED)}. Name all by which the counts are grouped.",
)  # fmt: skip
def marks(table: Path, room: str, columns: tuple[str, ...]) -> None:
    """Compare TABLE (CSV with a head line) with the marks of everybody who has had a test room of that dataset.

    Prints for each: how many of the counts bear its mark, of how many, and the chance that the mark of somebody who
    has nothing to do with the table fits as well. Columns that are not named are left out.
    """
    kinds = dict(_kind(each) for each in columns)
    config = Config.from_environ()
    database = Database(config.database_url, config.log_origin, config.secret_key, config.market, config.home)
    try:
        cells = watermark.cells(list(kinds.values()), _rows(table, list(kinds)))
        with database.reading() as session:
            found = receipts.whose(session, config.home, room, cells)
    except NotFound:
        raise click.ClickException(f"no test room {room} whose answers bear marks") from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    finally:
        database.dispose()
    for match, name in found:
        click.echo(f"{match.fits}/{match.cells}  {match.chance:.1e}  org:{match.whose}  {name}")


def _kind(words: str) -> tuple[str, Dim | Agg]:
    name, said, what = words.partition("=")
    if not (name and said and what):
        raise click.BadParameter(f"{words!r} is not NAME=WHAT", param_hint="--column")
    column, _, grain = what.partition("/")
    return name, _COUNTED.get(what) or Dim(column.lower(), grain or None)


def _rows(table: Path, names: Sequence[str]) -> list[list[str | None]]:
    """The named columns; raises ValueError where one is not there or the file is no CSV in UTF-8."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in names if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"the table has no column {missing[0]!r}")
        return [[row[name] or None for name in names] for row in reader]
