"""``minhbach trial``: the certificate, taking part, and what happens to a running trial.

Members use the scope ``query``, the operator ``moderate``, an authority ``authority``. What a command's options are
called is what the exchange calls the fields of the step.
"""

import json
from typing import Any

import click

from exchange.client.deals import YES
from exchange.client.desk import Desk, address, clean, online
from exchange.client.trial import listed

OPERATOR, AUTHORITY, MEMBER = "moderate", "authority", "query"
SCOPES = {"member": MEMBER, "operator": OPERATOR, "authority": AUTHORITY}
AS = click.option(
    "--as", "who", type=click.Choice([*SCOPES]), default="member", show_default=True, help="In which part you read."
)
TRIAL = click.argument("trial")
CODE = click.option("--code", required=True, help="Why, as a code; a wrong one is refused with the list.")
REASON = click.option("--reason", required=True, help="Why, in words; whoever is concerned reads it.")
AS_AUTHORITY = click.option(
    "--as-authority",
    "scope",
    flag_value=AUTHORITY,
    default=OPERATOR,
    help="Act for an authority, not for the operator.",
)


@click.group("trial")
def trial() -> None:
    """The controlled trial: its certificate, its participants, its decisions."""


@trial.command("show")
@click.argument("trial", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@AS
@online
def show(desk: Desk, trial: str | None, as_json: bool, who: str) -> None:
    """The certificate that governs now, or of TRIAL: who authorised what until when, what is used of it."""
    found = desk.connection(SCOPES[who]).call("GET", address("trials", trial) if trial else "/trial")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=True, indent=2))
        return
    desk.tell("TRIAL", **{name: found[name] for name in ("id", "cert_no", "authority", "state")})
    desk.tell("TRIAL_PERIOD", first=found["valid_from"], last=found["valid_to"], level=found["level"])
    for cap, used in found["used"].items():
        desk.tell("TRIAL_CAP", cap=cap, used=used, limit=found["caps"][cap])
    for event in found["events"]:
        _tell(desk, event)


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
@TRIAL
@AS_AUTHORITY
@online
def participants(desk: Desk, trial: str, scope: str) -> None:
    """Who takes part in TRIAL and what they stated."""
    found = desk.connection(scope).call("GET", address("trials", trial, "participants"))
    click.echo(clean(listed(("id", "tax_code", "name", "notice_version", "ended"), found["participants"])))


@trial.command("exclude")
@TRIAL
@click.argument("enrolment")
@click.option("--code", required=True, help="false_statement or not_eligible.")
@REASON
@online
def exclude(desk: Desk, trial: str, enrolment: str, **body: str) -> None:
    """End the place ENROLMENT of an organisation in TRIAL."""
    done = desk.connection(OPERATOR).call("POST", address("trials", trial, "participants", enrolment, "exclude"), body)
    desk.tell("TRIAL_DONE", id=done["id"])


@trial.command("readmit")
@TRIAL
@click.argument("enrolment")
@REASON
@AS_AUTHORITY
@online
def readmit(desk: Desk, trial: str, enrolment: str, scope: str, **body: str) -> None:
    """Take an exclusion back: the organisation may join again. For the operator, or the trial's authority."""
    done = desk.connection(scope).call("POST", address("trials", trial, "participants", enrolment, "readmit"), body)
    desk.tell("TRIAL_DONE", id=done["id"])


# --- a running trial ----------------------------------------------------------------------------------------------


@trial.command("suspend")
@TRIAL
@CODE
@REASON
@AS_AUTHORITY
@online
def suspend(desk: Desk, trial: str, scope: str, **body: str) -> None:
    """Suspend TRIAL at once."""
    _step(desk, scope, trial, "change", {"kind": "suspended", **body})


@trial.command("resume")
@TRIAL
@CODE
@REASON
@AS_AUTHORITY
@online
def resume(desk: Desk, trial: str, scope: str, **body: str) -> None:
    """Let TRIAL go on."""
    _step(desk, scope, trial, "change", {"kind": "resumed", **body})


@trial.command("terminate")
@TRIAL
@CODE
@REASON
@AS_AUTHORITY
@YES
@online
def terminate(desk: Desk, trial: str, scope: str, yes: bool, **body: str) -> None:
    """End TRIAL for good."""
    if not yes:
        click.confirm(desk.say("TRIAL_TERMINATE_CONFIRM", id=trial), abort=True)
    _step(desk, scope, trial, "change", {"kind": "terminated", **body})


@trial.command("extend")
@TRIAL
@click.option("--until", required=True, metavar="DAY", help="The new last day, as YYYY-MM-DD.")
@REASON
@online
def extend(desk: Desk, trial: str, **body: str) -> None:
    """Ask the authority to extend TRIAL."""
    _step(desk, OPERATOR, trial, "extension", body)


@trial.command("security")
@TRIAL
@click.option("--until", "security_until", required=True, metavar="DAY", help="Its last day, as YYYY-MM-DD.")
@REASON
@online
def security(desk: Desk, trial: str, **body: str) -> None:
    """Record a newer security certificate of the system that runs TRIAL; the reason names it."""
    _step(desk, OPERATOR, trial, "security", body)


@trial.command("answer-extension")
@TRIAL
@click.option(
    "--grant/--deny", "granted", required=True, help="Whether it is granted; the operator denies to take it back."
)
@REASON
@AS_AUTHORITY
@online
def answer_extension(desk: Desk, trial: str, scope: str, **body: object) -> None:
    """Answer what was asked for TRIAL."""
    _step(desk, scope, trial, "extension/answer", body)


@trial.command("evaluate")
@TRIAL
@click.option("--code", required=True, help="met, partly or not_met.")
@REASON
@AS_AUTHORITY
@online
def evaluate(desk: Desk, trial: str, scope: str, **body: str) -> None:
    """Evaluate TRIAL on its exit report."""
    _step(desk, scope, trial, "evaluation", body)


@trial.command("close")
@TRIAL
@click.option("--reason", default="", help="A remark.")
@AS_AUTHORITY
@YES
@online
def close(desk: Desk, trial: str, scope: str, yes: bool, **body: str) -> None:
    """Close TRIAL after its exit report."""
    if not yes:
        click.confirm(desk.say("TRIAL_CLOSE_CONFIRM", id=trial), abort=True)
    _step(desk, scope, trial, "close", body)


def _step(desk: Desk, scope: str, trial: str, step: str, body: dict[str, Any]) -> None:
    _tell(desk, desk.connection(scope).call("POST", f"{address('trials', trial)}/{step}", body))


def _tell(desk: Desk, event: dict[str, Any]) -> None:
    desk.tell("TRIAL_EVENT", at=event["at"], kind=event["kind"], why=event["code"] or "—")
