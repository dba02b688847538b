"""``minhbach bench NAME``: prints one JSON document."""

import importlib
import json

import click

SIZES = {"log": 2_000, "search": 20_000, "sandbox": 1_000_000, "negotiate": 200, "verify": 1_000_000}
UNITS = {"log": "transactions", "search": "listings", "sandbox": "rows", "negotiate": "contracts", "verify": "records"}


@click.command("bench")
@click.argument("name", type=click.Choice(list(SIZES)))
@click.option(
    "--database",
    type=click.Choice(["sqlite", "postgresql"]),
    default="sqlite",
    show_default=True,
    help="Which database to measure on; postgresql starts a server of its own. The sandbox and the checkers need none.",
)
@click.option(
    "--size",
    type=click.IntRange(min=1),
    help="How much: " + ", ".join(f"{name} {size:,} {UNITS[name]}" for name, size in SIZES.items()) + " by default.",
)
def bench(name: str, database: str, size: int | None) -> None:
    """Measure one part against a baseline from the same run; JSON on standard output."""
    from exchange import bench as measuring

    count = size or SIZES[name]
    figures = importlib.import_module(f"exchange.bench.{name}").run(database, count)
    facts = {"bench": name, "size": count, "machine": measuring.machine()}
    if name not in ("sandbox", "verify"):
        facts["database"] = database
    click.echo(json.dumps({**facts, "figures": [figure.plain() for figure in figures]}, indent=2, ensure_ascii=False))
