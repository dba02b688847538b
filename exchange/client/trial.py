"""``minhbach room|query``: a test room on a listing, and questions to it. Answers are shown, never saved."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import IO, Any
from urllib.parse import quote

import click

from exchange.client.desk import Desk, clean, online


@click.command("room")
@click.argument("listing")
@click.option("--accept-notice", metavar="VERSION", help="First accept this newer notice of the trial.")
@online
def room(desk: Desk, listing: str, accept_notice: str | None) -> None:
    """Open a test room on LISTING, or show the one that is open: columns, what is left to ask, examples."""
    connection = desk.connection("query")
    if accept_notice:
        connection.call("PUT", "/trial/enrolment", {"notice_version": accept_notice})
    found = connection.call("POST", f"/listings/{quote(listing, safe='')}/test-rooms")
    facts = {name: found[name] for name in ("id", "closes", "table", "min_group", "unit")}
    desk.tell("ROOM", **facts, **found["budget_left"])
    click.echo(clean(table(("", ""), [(column["name"], column["uses"]) for column in found["columns"]])))
    for example in found["examples"]:
        click.echo(clean(f"  {example}"))


@click.command("query")
@click.argument("room")
@click.argument("sql")
@click.option("--json", "as_json", is_flag=True, help="Print the answer with its receipt as JSON.")
@click.option("--receipt", type=click.File("w", lazy=True), help="Keep the signed receipt in this file.")
@online
def query(desk: Desk, room: str, sql: str, as_json: bool, receipt: IO[str] | None) -> None:
    """Ask one aggregate question in a test ROOM; a refusal says which rule, and what would pass."""
    found = desk.connection("query").call("POST", f"/test-rooms/{quote(room, safe='')}/queries", {"sql": sql})
    if receipt is not None:
        receipt.write(f"{found['signed_receipt']}\n")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=True, indent=2))
        return
    click.echo(clean(table(found["columns"], found["rows"])))
    if found["suppressed"]:
        desk.tell("SUPPRESSED")
    if found["truncated"]:
        desk.tell("TRUNCATED")
    desk.tell("ANSWERED", ms=found["elapsed_ms"], event=found["event"] or "—")


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns under their names, as wide as their widest value; a missing value is a dash."""
    lines = [[_cell(value) for value in row] for row in rows]
    shown = [list(head), *lines] if any(head) else lines
    widths = [max((_width(line[n]) for line in shown), default=0) for n in range(len(head))]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in shown
    )


def _cell(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, Mapping):  # a typed value, such as a decimal: its text
        return " ".join(str(part) for part in value.values())
    return " ".join(str(value).split())


def _width(text: str) -> int:
    """Places on a screen: a combining mark takes none, a wide sign two."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
