"""``minhbach trial reports|report|incident``: what is owed, a report counted and submitted, incidents and their clock.

The operator uses the scope ``moderate``, an official ``audit``, a seller ``catalogue``.
"""

from pathlib import Path
from typing import Any

import click

from exchange.client.cli import EXISTING, FILE
from exchange.client.deals import YES
from exchange.client.desk import Desk, address, clean, online
from exchange.client.trial import listed
from exchange.client.trial_life import trial
from exchange.client.words import ClientError

SCOPES = {"operator": "moderate", "official": "audit", "seller": "catalogue"}
AS = click.option(
    "--as", "who", type=click.Choice([*SCOPES]), default="operator", show_default=True, help="In which part you act."
)
SEVERITY = click.option("--severity", required=True, type=click.Choice(["serious", "minor"]), help="How serious it is.")


@trial.command("reports")
@click.argument("trial")
@AS
@online
def reports(desk: Desk, trial: str, who: str) -> None:
    """The periods of TRIAL: when each report is due, and where it stands."""
    found = desk.connection(SCOPES[who]).call("GET", address("trials", trial, "reports"))
    click.echo(clean(listed(("from", "until", "due", "state", "draft", "report"), found["periods"])))
    for each in found["exit"]:
        desk.tell("TRIAL_REPORT", id=each["id"], kind=each["kind"], until=each["until"], state=each["sha256"] or "—")


@trial.command("report")
@click.argument("trial")
@click.option("--exit", "at_exit", is_flag=True, help="The exit report instead of a periodic one.")
@click.option("--last", metavar="DAY", help="Last day of the period; left out: the oldest that is owed.")
@click.option("--words", type=EXISTING, help="JSON with answer, result, deviations and remarks.")
@click.option("--submit", is_flag=True, help="State that it is complete and true, and submit it.")
@click.option("-o", "--output", type=FILE, help="A new file for it: .pdf, or .json for its data.")
@YES
@online
def report(
    desk: Desk, trial: str, at_exit: bool, last: str | None, words: Path | None, submit: bool, output: Path | None,
    yes: bool,
) -> None:  # fmt: skip
    """Count the report of TRIAL from the log, add the operator's WORDS, submit it, fetch it."""
    from exchange.client.files import read_json, write_private

    if output is not None and output.suffix not in (".pdf", ".json"):
        raise ClientError("REPORT_FORM", path=output)
    own = read_json(words) if words else {}
    connection = desk.connection(SCOPES["operator"])
    body = {"kind": "exit" if at_exit else "periodic", "last": last}
    made = connection.call("POST", address("trials", trial, "reports"), body)
    place = address("trial-reports", made["id"])
    if own:
        made = connection.call("PATCH", place, own)
    if submit:
        if not yes:
            click.confirm(desk.say("TRIAL_REPORT_CONFIRM", until=made["until"]), abort=True)
        made = connection.call("POST", f"{place}/submit", {"stated": True})
    if output is not None:
        write_private(output, connection.fetch(f"/api/v1{place}/report{output.suffix}"))
    desk.tell("TRIAL_REPORT", id=made["id"], kind=made["kind"], until=made["until"], state=made["sha256"] or "—")


@trial.group("incident")
def incident() -> None:
    """Incidents of the trial, and the 72 hours in which they are reported."""


@incident.command("list")
@click.argument("trial")
@AS
@online
def incidents(desk: Desk, trial: str, who: str) -> None:
    """The incidents of TRIAL; a seller sees those that it told of."""
    found = desk.connection(SCOPES[who]).call("GET", address("trials", trial, "incidents"))
    head = ("id", "severity", "confirmed", "code", "detected_at", "due", "reported_at", "closed_at")
    click.echo(clean(listed(head, found["incidents"])))


@incident.command("tell")
@click.argument("trial")
@click.argument("file", type=EXISTING)
@AS
@online
def tell(desk: Desk, trial: str, file: Path, who: str) -> None:
    """Tell of an incident of TRIAL; FILE is JSON with severity, code, what, detected_at, and measures, persons."""
    from exchange.client.files import read_json

    body = read_json(file)
    _say(desk, desk.connection(SCOPES[who]).call("POST", address("trials", trial, "incidents"), body))


@incident.command("assess")
@click.argument("incident")
@SEVERITY
@click.option("--reason", required=True, help="Why, in words.")
@AS
@online
def assess(desk: Desk, incident: str, who: str, **body: str) -> None:
    """Decide how serious an INCIDENT is that a member told of."""
    _say(desk, desk.connection(SCOPES[who]).call("POST", address("incidents", incident, "assess"), body))


@incident.command("report")
@click.argument("incident")
@click.option("--measures", required=True, help="What was done so far.")
@online
def report_incident(desk: Desk, incident: str, **body: str) -> None:
    """Report an INCIDENT to the authority; its clock stops."""
    _say(desk, desk.connection(SCOPES["operator"]).call("POST", address("incidents", incident, "report"), body))


@incident.command("close")
@click.argument("incident")
@click.option("--cause", required=True, help="Why it happened.")
@click.option("--remedy", required=True, help="What keeps it from happening again.")
@AS
@online
def close(desk: Desk, incident: str, who: str, **body: str) -> None:
    """Close an INCIDENT."""
    _say(desk, desk.connection(SCOPES[who]).call("POST", address("incidents", incident, "close"), body))


def _say(desk: Desk, made: dict[str, Any]) -> None:
    desk.tell("TRIAL_INCIDENT", **{name: made[name] or "—" for name in ("id", "severity", "due", "reported_at")})
