"""``minhbach trial``: the certificate, taking part, applying, deciding, and what happens to a running trial.

Members use the scope ``query``, the operator ``moderate``, an authority ``authority``.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from exchange.client.cli import EXISTING
from exchange.client.deals import YES
from exchange.client.desk import Desk, clean, online
from exchange.client.trial import table

OPERATOR, AUTHORITY, MEMBER = "moderate", "authority", "query"
REASON = click.option("--reason", required=True, help="Why, in words; whoever is concerned reads it.")
AS_AUTHORITY = click.option("--as-authority", is_flag=True, help="Act for an authority, not for the operator.")


@click.group("trial")
def trial() -> None:
    """The controlled trial: its certificate, its participants, its decisions."""


def _address(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _scope(as_authority: bool) -> str:
    return AUTHORITY if as_authority else OPERATOR


@trial.command("show")
@click.argument("trial", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@online
def show(desk: Desk, trial: str | None, as_json: bool) -> None:
    """The certificate that governs now, or of TRIAL: who authorised what until when, what is used of it."""
    found = desk.connection(MEMBER).call("GET", _address("trials", trial) if trial else "/trial")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=True, indent=2))
        return
    desk.tell("TRIAL", **{name: found[name] for name in ("id", "cert_no", "authority", "state")})
    desk.tell("TRIAL_PERIOD", first=found["valid_from"], last=found["valid_to"], level=found["level"])
    for cap, used in found["used"].items():
        desk.tell("TRIAL_CAP", cap=cap, used=used, limit=found["caps"][cap])
    for event in found["events"]:
        desk.tell("TRIAL_EVENT", at=event["at"], kind=event["kind"], why=event["code"] or "—")


# --- taking part --------------------------------------------------------------------------------------------------


@trial.command("enrol")
@click.option("--notice", required=True, metavar="VERSION", help="The version of the notice that you read and accept.")
@click.option("--foreign", is_flag=True, help="The organisation is no legal entity of Viet Nam.")
@click.option("--reorganising", is_flag=True, help="It is being split, merged, dissolved, or is bankrupt.")
@click.option("--licence-until", metavar="DAY", help="Last day of the business licence; left out: it has none.")
@click.option("--degree", required=True, help="Of the person responsible: economics, business, law, it, other.")
@click.option("--years", type=int, required=True, help="Years of management of the person responsible.")
@online
def enrol(
    desk: Desk, notice: str, foreign: bool, reorganising: bool, licence_until: str | None, degree: str, years: int
) -> None:
    """Take part: state what the rules ask and accept the notice."""
    stated = {
        "vietnamese": not foreign, "reorganising": reorganising, "licence_valid_to": licence_until,
        "manager_degree": degree, "manager_years": years,
    }  # fmt: skip
    body = {"notice_version": notice, "statements": stated}
    found = desk.connection(MEMBER).call("PUT", "/trial/enrolment", body)
    desk.tell("TRIAL_JOINED", version=found["notice_version"], event=found["event"])


@trial.command("leave")
@YES
@online
def leave(desk: Desk, yes: bool) -> None:
    """Take part no longer; contracts stay."""
    if not yes:
        click.confirm(desk.say("TRIAL_LEAVE_CONFIRM"), abort=True)
    desk.tell("TRIAL_LEFT", event=desk.connection(MEMBER).call("DELETE", "/trial/enrolment")["event"])


@trial.command("participants")
@click.argument("trial")
@AS_AUTHORITY
@online
def participants(desk: Desk, trial: str, as_authority: bool) -> None:
    """Who takes part in TRIAL and what they stated."""
    found = desk.connection(_scope(as_authority)).call("GET", _address("trials", trial, "participants"))
    head = ("id", "tax_code", "name", "notice_version", "ended")
    rows = [[each[name] for name in head] for each in found["participants"]]
    click.echo(clean(table(head, rows)))


@trial.command("exclude")
@click.argument("trial")
@click.argument("enrolment")
@click.option("--code", required=True, help="false_statement or not_eligible.")
@REASON
@online
def exclude(desk: Desk, trial: str, enrolment: str, code: str, reason: str) -> None:
    """End the place ENROLMENT of an organisation in TRIAL."""
    address, body = _address("trials", trial, "participants", enrolment, "exclude"), {"code": code, "reason": reason}
    desk.tell("TRIAL_DONE", **_body(desk.connection(OPERATOR).call("POST", address, body)))


@trial.command("readmit")
@click.argument("trial")
@click.argument("enrolment")
@REASON
@AS_AUTHORITY
@online
def readmit(desk: Desk, trial: str, enrolment: str, reason: str, as_authority: bool) -> None:
    """Take an exclusion back: the organisation may join again. For the operator, or the trial's authority."""
    address = _address("trials", trial, "participants", enrolment, "readmit")
    answer = desk.connection(_scope(as_authority)).call("POST", address, {"reason": reason})
    desk.tell("TRIAL_DONE", **_body(answer))


# --- applying and deciding ----------------------------------------------------------------------------------------


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
        kept = connection.call("PUT", _address("trial", "applications", application), fields)
    else:
        kept = connection.call("POST", "/trial/applications", fields)
    _tell(desk, kept)
    if hand_in:
        _tell(desk, connection.call("POST", _address("trial", "applications", kept["id"], "submit")))


@trial.command("applications")
@AS_AUTHORITY
@online
def applications(desk: Desk, as_authority: bool) -> None:
    """The operator's applications; for an authority those addressed to it, with the working days left."""
    found = desk.connection(_scope(as_authority)).call("GET", "/trial/applications")
    head = ("id", "state", "with", "due_on", "working_days_left")
    click.echo(clean(table(head, [[each[name] for name in head] for each in found["applications"]])))


@trial.command("application")
@click.argument("application")
@AS_AUTHORITY
@online
def application(desk: Desk, application: str, as_authority: bool) -> None:
    """One APPLICATION with its dossier and its steps, as JSON."""
    found = desk.connection(_scope(as_authority)).call("GET", _address("trial", "applications", application))
    click.echo(json.dumps(found, ensure_ascii=True, indent=2))


@trial.command("withdraw")
@click.argument("application")
@online
def withdraw(desk: Desk, application: str) -> None:
    """Take APPLICATION back before it is decided."""
    desk.tell("TRIAL_DONE", **_body(desk.connection(OPERATOR).call("DELETE", _application(application))))


@trial.command("return")
@click.argument("application")
@REASON
@online
def give_back(desk: Desk, application: str, reason: str) -> None:
    """As the authority: return APPLICATION for completion."""
    _tell(desk, desk.connection(AUTHORITY).call("POST", _application(application, "return"), {"reason": reason}))


@trial.command("refuse")
@click.argument("application")
@REASON
@online
def refuse(desk: Desk, application: str, reason: str) -> None:
    """As the authority: refuse APPLICATION."""
    _tell(desk, desk.connection(AUTHORITY).call("POST", _application(application, "refuse"), {"reason": reason}))


@trial.command("approve")
@click.argument("application")
@click.option("--cert-no", required=True, help="The certificate's number.")
@click.option("--grant", type=EXISTING, help="JSON with bounds narrower than applied for, and conditions.")
@online
def approve(desk: Desk, application: str, cert_no: str, grant: Path | None) -> None:
    """As the authority: issue the certificate that APPLICATION asks for."""
    from exchange.client.files import read_json

    body = (read_json(grant) if grant else {}) | {"cert_no": cert_no}
    made = desk.connection(AUTHORITY).call("POST", _application(application, "approve"), body)
    desk.tell("TRIAL_GRANTED", **made)


def _application(application: str, *more: str) -> str:
    return _address("trial", "applications", application, *more)


@trial.command("authorities")
@online
def authorities(desk: Desk) -> None:
    """Who may permit which trials."""
    found = desk.connection(MEMBER).call("GET", "/trial/authorities")
    head = ("id", "name", "approver", "provinces", "basis")
    click.echo(clean(table(head, [[_text(each[name]) for name in head] for each in found["authorities"]])))


@trial.command("authority")
@click.argument("org")
@click.option("--kind", required=True, help="provincial, ministry or public_security.")
@click.option("--province", "provinces", multiple=True, help="A province it is competent for; may be repeated.")
@click.option("--basis", required=True, help="The document that gives it this power.")
@online
def authority(desk: Desk, org: str, kind: str, provinces: tuple[str, ...], basis: str) -> None:
    """As the operator: record that the regulator ORG (its tax code) may permit trials."""
    body = {"org": org, "approver": kind, "provinces": list(provinces), "basis": basis}
    desk.tell("TRIAL_DONE", **_body(desk.connection(OPERATOR).call("POST", "/trial/authorities", body)))


@trial.command("end-authority")
@click.argument("authority")
@online
def end_authority(desk: Desk, authority: str) -> None:
    """As the operator: record that AUTHORITY (by its id) may permit no more trials."""
    address = _address("trial", "authorities", authority)
    desk.tell("TRIAL_DONE", **_body(desk.connection(OPERATOR).call("DELETE", address)))


# --- a running trial ----------------------------------------------------------------------------------------------


def _change(desk: Desk, trial: str, as_authority: bool, kind: str, code: str, reason: str) -> None:
    body = {"kind": kind, "code": code, "reason": reason}
    _happened(desk, desk.connection(_scope(as_authority)).call("POST", _address("trials", trial, "change"), body))


CODE = click.option("--code", required=True, help="Why, as a code; a wrong one is refused with the list.")


@trial.command("suspend")
@click.argument("trial")
@CODE
@REASON
@AS_AUTHORITY
@online
def suspend(desk: Desk, trial: str, code: str, reason: str, as_authority: bool) -> None:
    """Suspend TRIAL at once."""
    _change(desk, trial, as_authority, "suspended", code, reason)


@trial.command("resume")
@click.argument("trial")
@CODE
@REASON
@AS_AUTHORITY
@online
def resume(desk: Desk, trial: str, code: str, reason: str, as_authority: bool) -> None:
    """Let TRIAL go on."""
    _change(desk, trial, as_authority, "resumed", code, reason)


@trial.command("terminate")
@click.argument("trial")
@CODE
@REASON
@AS_AUTHORITY
@YES
@online
def terminate(desk: Desk, trial: str, code: str, reason: str, as_authority: bool, yes: bool) -> None:
    """End TRIAL for good."""
    if not yes:
        click.confirm(desk.say("TRIAL_TERMINATE_CONFIRM", id=trial), abort=True)
    _change(desk, trial, as_authority, "terminated", code, reason)


@trial.command("extend")
@click.argument("trial")
@click.option("--until", required=True, metavar="DAY", help="The new last day, as YYYY-MM-DD.")
@REASON
@online
def extend(desk: Desk, trial: str, until: str, reason: str) -> None:
    """Ask the authority to extend TRIAL."""
    body = {"until": until, "reason": reason}
    _happened(desk, desk.connection(OPERATOR).call("POST", _address("trials", trial, "extension"), body))


@trial.command("security")
@click.argument("trial")
@click.option("--until", required=True, metavar="DAY", help="Its last day, as YYYY-MM-DD.")
@REASON
@online
def security(desk: Desk, trial: str, until: str, reason: str) -> None:
    """Record a newer security certificate of the system that runs TRIAL; the reason names it."""
    body = {"security_until": until, "reason": reason}
    _happened(desk, desk.connection(OPERATOR).call("POST", _address("trials", trial, "security"), body))


@trial.command("answer-extension")
@click.argument("trial")
@click.option("--grant/--deny", required=True, help="Whether it is granted; the operator denies to take it back.")
@REASON
@AS_AUTHORITY
@online
def answer_extension(desk: Desk, trial: str, grant: bool, reason: str, as_authority: bool) -> None:
    """Answer what was asked for TRIAL."""
    body = {"granted": grant, "reason": reason}
    address = _address("trials", trial, "extension", "answer")
    _happened(desk, desk.connection(_scope(as_authority)).call("POST", address, body))


@trial.command("evaluate")
@click.argument("trial")
@click.option("--code", required=True, help="met, partly or not_met.")
@REASON
@AS_AUTHORITY
@online
def evaluate(desk: Desk, trial: str, code: str, reason: str, as_authority: bool) -> None:
    """Evaluate TRIAL on its exit report."""
    body = {"code": code, "reason": reason}
    _happened(desk, desk.connection(_scope(as_authority)).call("POST", _address("trials", trial, "evaluation"), body))


@trial.command("close")
@click.argument("trial")
@click.option("--reason", default="", help="A remark.")
@AS_AUTHORITY
@YES
@online
def close(desk: Desk, trial: str, reason: str, as_authority: bool, yes: bool) -> None:
    """Close TRIAL after its exit report."""
    if not yes:
        click.confirm(desk.say("TRIAL_CLOSE_CONFIRM", id=trial), abort=True)
    body = {"reason": reason}
    _happened(desk, desk.connection(_scope(as_authority)).call("POST", _address("trials", trial, "close"), body))


def _happened(desk: Desk, event: dict[str, Any]) -> None:
    desk.tell("TRIAL_EVENT", at=event["at"], kind=event["kind"], why=event["code"] or "—")


def _tell(desk: Desk, row: dict[str, Any]) -> None:
    desk.tell("TRIAL_APPLICATION", id=row["id"], state=row["state"], due=row["due_on"] or "—")


def _body(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["id"]}


def _text(value: Any) -> str:
    return " ".join(value) or "—" if isinstance(value, list) else str(value)
