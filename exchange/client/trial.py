"""``minhbach room|query|test-room``: test rooms, questions to them, their rules. Answers are shown, never saved."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import click

from exchange.client.connection import Connection
from exchange.client.desk import Desk, clean, online, tell_refusal
from exchange.client.files import read_json


@click.command("room")
@click.argument("listing")
@click.option("--contract", "by_contract", is_flag=True, help="LISTING is the number of a contract: ask under it.")
@click.option("--accept-notice", metavar="VERSION", help="First accept this newer notice of the trial.")
@online
def room(desk: Desk, listing: str, by_contract: bool, accept_notice: str | None) -> None:
    """Open a test room on LISTING, or a session under a contract; shows its columns, what is left to ask, examples."""
    connection = desk.connection("query")
    if accept_notice:
        connection.call("PUT", "/trial/enrolment", {"notice_version": accept_notice})
    found = _opened(connection, "contracts" if by_contract else "listings", listing)
    facts = {name: found[name] for name in ("id", "closes", "table", "min_group", "unit")}
    desk.tell("ROOM", **facts, **found["budget_left"])
    click.echo(clean(table(("", ""), [(column["name"], column["uses"]) for column in found["columns"]])))
    for example in found["examples"]:
        click.echo(clean(f"  {example}"))


@click.command("query")
@click.argument("room")
@click.argument("sql", required=False)
@click.option("--contract", "by_contract", is_flag=True, help="ROOM is the number of a contract: ask under it.")
@click.option("--check", "only_check", is_flag=True, help="Only say whether it would be let through; spends nothing.")
@click.option("--twin", is_flag=True, help="Ask generated rows of the same shape; spends nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer with its receipt as JSON.")
@click.option("--receipt", type=click.File("w", lazy=True), help="Keep the signed receipt in this file.")
@online
def query(
    desk: Desk,
    room: str,
    sql: str | None,
    by_contract: bool,
    only_check: bool,
    twin: bool,
    as_json: bool,
    receipt: IO[str] | None,
) -> None:
    """Ask one aggregate question in a test ROOM or under a contract; a refusal says which rule, and what would pass.

    Without SQL: what was asked in the room, with what came of it and the record in the log.
    """
    connection = desk.connection("query")
    if by_contract:
        room = str(_opened(connection, "contracts", room)["id"])
    at = f"/test-rooms/{quote(room, safe='')}"
    if sql is None:
        _history(desk, connection.call("GET", f"{at}/queries")["queries"], as_json)
    elif only_check:
        _checked(desk, connection.call("POST", f"{at}/check", {"sql": sql}), sql, as_json)
    else:
        found = connection.call("POST", f"{at}/{'twin' if twin else 'queries'}", {"sql": sql})
        if receipt is not None and not twin:
            receipt.write(f"{found['signed_receipt']}\n")
        answer(desk, found, as_json)


def answer(desk: Desk, found: Mapping[str, Any], as_json: bool) -> None:
    """An answer as a table with what it leaves out, how far noise puts it off, and its record."""
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=True, indent=2))
        return
    if found.get("generated"):
        desk.tell("GENERATED")
    click.echo(clean(table(found["columns"], found["rows"])))
    if found["suppressed"]:
        desk.tell("SUPPRESSED")
    if found["truncated"]:
        desk.tell("TRUNCATED")
    for column, most in zip(found["columns"], found.get("half_widths") or (), strict=False):
        if most is not None:
            desk.tell("NOISE", column=column, most=most)
    if not found.get("generated"):
        desk.tell("ANSWERED", ms=found["elapsed_ms"], event=found["event"] or "—")


def _checked(desk: Desk, found: Mapping[str, Any], sql: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=True, indent=2))
    elif found["verdict"] != "deny":
        desk.tell("WOULD_PASS")
    if found["verdict"] != "deny":
        return
    if not as_json:
        tell_refusal(desk, {"errors": [{**found, "passes": found["fix"]}]})
        if found["position"] is not None:
            desk.tell("STOPPED_AT", position=found["position"] + 1, text=sql[found["position"] :][:40])
        if found.get("nearest"):
            desk.tell("NEAREST")
            click.echo(clean(found["nearest"]))
    raise SystemExit(1)


def _history(desk: Desk, runs: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(runs, ensure_ascii=True, indent=2))
        return
    if not runs:
        desk.tell("NOTHING_ASKED")
    for run in runs:
        verdict = " ".join(str(part) for part in (run["verdict"], run["code"]) if part)
        click.echo(clean(f"{run['at'][:16]}  {verdict:<12}  {run['event'] or '—'}  {' '.join(run['sql'].split())}"))


@click.group("test-room")
def test_room() -> None:
    """The rules of the test rooms of your own listings."""


@test_room.command("design")
@click.argument("listing")
@click.option(
    "--set",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Answers (JSON) to put in force.",
)
@click.option(
    "--try", "sql", metavar="SQL", help="Ask generated rows under the answers in force or, with --set, these."
)
@click.option("--default", "to_default", is_flag=True, help="Return to the exchange's own safe draft.")
@online
def design(desk: Desk, listing: str, file: Path | None, sql: str | None, to_default: bool) -> None:
    """Print the answers that shape the test rooms of LISTING, as JSON to edit; or put answers in force.

    With --set and --try nothing is put in force: the question goes to the generated rows of these answers.
    """
    connection, at = desk.connection("catalogue"), f"/listings/{quote(listing, safe='')}/test-room-policy"
    answers = read_json(file) if file else None
    if sql is not None:
        answer(desk, connection.call("POST", f"{at}/try", {"sql": sql, "answers": answers}), as_json=False)
        return
    if to_default:
        found = connection.call("DELETE", at)
    else:
        found = connection.call("PUT", at, answers) if answers is not None else connection.call("GET", at)
    if answers is None and not to_default:
        click.echo(json.dumps(found["answers"], ensure_ascii=False, indent=2))
    if found["default"]:
        click.echo(desk.say("RULES_DEFAULT"), err=True)
    else:
        click.echo(
            desk.say("RULES_IN_FORCE", **{name: found[name] for name in ("version", "digest", "event")}), err=True
        )


def _opened(connection: Connection, kind: str, number: str) -> dict[str, Any]:
    found: dict[str, Any] = connection.call("POST", f"/{kind}/{quote(number, safe='')}/test-rooms")
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns under their names, as wide as their widest value; a missing value is a dash."""
    lines = [[_cell(value) for value in row] for row in rows]
    shown = [list(head), *lines] if any(head) else lines
    widths = [max((_width(line[n]) for line in shown), default=0) for n in range(len(head))]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in shown
    )


def listed(head: Sequence[str], found: Sequence[Mapping[str, Any]]) -> str:
    """The same of an answer's objects: of each its fields of these names."""
    return table(head, [[each[name] for name in head] for each in found])


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
