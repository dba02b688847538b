"""``minhbach trial``: applying for a trial, deciding on it, and who the authorities are."""

import json
from pathlib import Path
from typing import Any

import click

from exchange.client.cli import EXISTING
from exchange.client.desk import Desk, address, clean, online
from exchange.client.trial import listed
from exchange.client.trial_life import AS, AS_AUTHORITY, AUTHORITY, OPERATOR, REASON, SCOPES, trial

APPLICATION = click.argument("application")


@trial.command("apply")
@click.argument("dossier", type=EXISTING)
@click.option("--application", help="Replace the dossier of this application of yours, instead of a new one.")
@click.option("--submit", "hand_in", is_flag=True, help="Hand it in to the competent authority at once.")
@online
def apply(desk: Desk, dossier: Path, application: str | None, hand_in: bool) -> None:
    """Write an application from a DOSSIER in JSON; with --submit, hand it in."""
    from exchange.client.files import read_json

    connection, fields = desk.connection(OPERATOR), read_json(dossier)
    if application:
        kept = connection.call("PUT", _application(application), fields)
    else:
        kept = connection.call("POST", "/trial/applications", fields)
    _tell(desk, kept)
    if hand_in:
        _tell(desk, connection.call("POST", _application(kept["id"], "submit")))


@trial.command("applications")
@AS_AUTHORITY
@online
def applications(desk: Desk, scope: str) -> None:
    """The operator's applications; for an authority those addressed to it, with the working days left."""
    found = desk.connection(scope).call("GET", "/trial/applications")
    click.echo(clean(listed(("id", "state", "with", "due_on", "working_days_left"), found["applications"])))


@trial.command("application")
@APPLICATION
@AS_AUTHORITY
@online
def application(desk: Desk, application: str, scope: str) -> None:
    """One APPLICATION with its dossier and its steps, as JSON."""
    found = desk.connection(scope).call("GET", _application(application))
    click.echo(json.dumps(found, ensure_ascii=True, indent=2))


@trial.command("withdraw")
@APPLICATION
@online
def withdraw(desk: Desk, application: str) -> None:
    """Take APPLICATION back before it is decided."""
    desk.tell("TRIAL_DONE", id=desk.connection(OPERATOR).call("DELETE", _application(application))["id"])


@trial.command("return")
@APPLICATION
@REASON
@online
def give_back(desk: Desk, application: str, **body: str) -> None:
    """As the authority: return APPLICATION for completion."""
    _tell(desk, desk.connection(AUTHORITY).call("POST", _application(application, "return"), body))


@trial.command("refuse")
@APPLICATION
@REASON
@online
def refuse(desk: Desk, application: str, **body: str) -> None:
    """As the authority: refuse APPLICATION."""
    _tell(desk, desk.connection(AUTHORITY).call("POST", _application(application, "refuse"), body))


@trial.command("approve")
@APPLICATION
@click.option("--cert-no", required=True, help="The certificate's number.")
@click.option("--grant", type=EXISTING, help="JSON with bounds narrower than applied for, and conditions.")
@online
def approve(desk: Desk, application: str, cert_no: str, grant: Path | None) -> None:
    """As the authority: issue the certificate that APPLICATION asks for."""
    from exchange.client.files import read_json

    body = (read_json(grant) if grant else {}) | {"cert_no": cert_no}
    made = desk.connection(AUTHORITY).call("POST", _application(application, "approve"), body)
    desk.tell("TRIAL_GRANTED", **made)


@trial.command("authorities")
@AS
@online
def authorities(desk: Desk, who: str) -> None:
    """Who may permit which trials."""
    found = desk.connection(SCOPES[who]).call("GET", "/trial/authorities")
    for each in found["authorities"]:
        each["provinces"] = " ".join(each["provinces"]) or None
    click.echo(clean(listed(("id", "name", "approver", "provinces", "basis"), found["authorities"])))


@trial.command("authority")
@click.argument("org")
@click.option("--kind", "approver", required=True, help="provincial, ministry or public_security.")
@click.option("--province", "provinces", multiple=True, help="A province it is competent for; may be repeated.")
@click.option("--basis", required=True, help="The document that gives it this power.")
@online
def authority(desk: Desk, **body: object) -> None:
    """As the operator: record that the regulator ORG (its tax code) may permit trials."""
    desk.tell("TRIAL_DONE", id=desk.connection(OPERATOR).call("POST", "/trial/authorities", body)["id"])


@trial.command("end-authority")
@click.argument("authority")
@online
def end_authority(desk: Desk, authority: str) -> None:
    """As the operator: record that AUTHORITY (by its id) may permit no more trials."""
    done = desk.connection(OPERATOR).call("DELETE", address("trial", "authorities", authority))
    desk.tell("TRIAL_DONE", id=done["id"])


def _application(application: str, *more: str) -> str:
    return address("trial", "applications", application, *more)


def _tell(desk: Desk, row: dict[str, Any]) -> None:
    desk.tell("TRIAL_APPLICATION", id=row["id"], state=row["state"], due=row["due_on"] or "—")
