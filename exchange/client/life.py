"""``minhbach contract``: how a contract stands, suspending, resuming, ending, changing it, and the duty at its end."""

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from exchange.client.cli import EXISTING
from exchange.client.deals import YES, tell
from exchange.client.desk import Desk, online
from exchange.client.places import read_key
from exchange.client.words import ClientError, name

REASON = click.option("--reason", required=True, help="Why; the other side and the regulator read it.")
CODE = click.option("--code", required=True, help="Why, as a code; a wrong one is refused with the list.")
CHANGES = click.option("--terms", type=EXISTING, help="JSON with the changes, such as price_vnd, ends, note.")


@click.group("contract")
def contract() -> None:
    """The life of a signed contract."""


@contract.command("show")
@click.argument("contract")
@online
def show(desk: Desk, contract: str) -> None:
    """How CONTRACT stands: who suspended it, what is being changed, what is owed."""
    _tell(desk, desk.connection("sign").call("GET", f"{_address(contract)}/life"))


@contract.command("suspend")
@click.argument("contract")
@CODE
@REASON
@YES
@online
def suspend(desk: Desk, contract: str, code: str, reason: str, yes: bool) -> None:
    """Suspend CONTRACT at once; only your side can resume it."""
    _confirm(desk, "SUSPEND_CONFIRM", contract, yes)
    _tell(desk, _post(desk, contract, "suspend", {"code": code, "reason": reason}))


@contract.command("resume")
@click.argument("contract")
@REASON
@online
def resume(desk: Desk, contract: str, reason: str) -> None:
    """Lift your side's suspension of CONTRACT."""
    _tell(desk, _post(desk, contract, "resume", {"reason": reason}))


@contract.command("end")
@click.argument("contract")
@CODE
@REASON
@YES
@online
def end(desk: Desk, contract: str, code: str, reason: str, yes: bool) -> None:
    """End CONTRACT before its term is over."""
    _confirm(desk, "END_CONFIRM", contract, yes)
    _post(desk, contract, "end", {"code": code, "reason": reason})
    _tell(desk, desk.connection("sign").call("GET", f"{_address(contract)}/life"))


@contract.command("amend")
@click.argument("contract")
@CHANGES
@online
def amend(desk: Desk, contract: str, terms: Path | None) -> None:
    """Propose changed terms: a new contract, once both sides have signed it; until then CONTRACT stays as it is."""
    _propose(desk, contract, "amend", terms)


@contract.command("renew")
@click.argument("contract")
@CHANGES
@online
def renew(desk: Desk, contract: str, terms: Path | None) -> None:
    """Propose another term of CONTRACT, on what its listing offers now."""
    _propose(desk, contract, "renew", terms)


@contract.command("destroyed")
@click.argument("contract")
@click.option("--key", required=True, type=EXISTING, help="The private key, a PEM file of mode 0600.")
@click.option("--act", default="destroyed", show_default=True, help="destroyed, returned or none-received.")
@click.option("--on", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day on which it was done.")
@click.option("--note", default="", help="How it was done; name no people.")
@YES
@online
def destroyed(desk: Desk, contract: str, key: Path, act: str, day: Any, note: str, yes: bool) -> None:
    """State as the buyer, signed here, what became of the data of a CONTRACT that is over."""
    from contracts import canonical, document, signature, statement
    from exchange import clock

    private = read_key(desk, key)
    connection = desk.connection("sign")
    signed = document.parse(connection.fetch(f"/api/v1{_address(contract)}/payload"))
    if signed.id != contract:
        raise ClientError("CONTRACT_OTHER", got=signed.id, asked=contract)
    made = statement.build(signed, deed=act, on=date(day.year, day.month, day.day), note=note, nonce=os.urandom(16))
    click.echo(made.payload.decode())
    if not yes and not click.confirm(desk.say("STATEMENT_CONFIRM", org=signed.party("consumer").name)):
        raise ClientError("NOT_SIGNED")
    entry = statement.sign(made.payload, private, now=clock.now())
    body = {"payload": canonical.b64url(made.payload), **entry}
    found = connection.call("POST", f"{_address(contract)}/statements", body)
    desk.tell("STATED", digest=made.hash, kid=signature.thumbprint(signature.public_jwk(private)))
    _tell(desk, found)


@contract.command("answer")
@click.argument("contract")
@click.argument("answer", type=click.Choice(["acknowledged", "disputed"]))
@click.option("--reason", default="", help="Why; a dispute needs one.")
@online
def answer(desk: Desk, contract: str, answer: str, reason: str) -> None:
    """Acknowledge or dispute, as the seller, the buyer's statement on CONTRACT."""
    _tell(desk, _post(desk, contract, "statements/answer", {"answer": answer, "reason": reason}))


def _propose(desk: Desk, contract: str, act: str, terms: Path | None) -> None:
    from exchange.client.files import read_json

    changes = read_json(terms) if terms else {}
    tell(desk, desk.connection("negotiate").call("POST", f"{_address(contract)}/{act}", changes))


def _confirm(desk: Desk, question: str, contract: str, yes: bool) -> None:
    if not yes and not click.confirm(desk.say(question, id=contract)):
        raise ClientError("NOTHING_CHANGED")


def _post(desk: Desk, contract: str, act: str, body: Mapping[str, str]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = desk.connection("sign").call("POST", f"{_address(contract)}/{act}", dict(body))
    return found


def _address(contract: str) -> str:
    return f"/contracts/{quote(contract, safe='')}"


def _tell(desk: Desk, found: Mapping[str, Any]) -> None:
    from contracts.words import NAMES

    column = ("vi", "en").index(desk.lang)
    desk.tell("LIFE", id=found["contract_id"], standing=name(found["standing"], desk.lang))
    for hold in found["holds"]:
        if hold["resumed_at"] is None:
            who, why = NAMES[f"holder-{hold['holder']}"][column], NAMES[f"hold-{hold['code']}"][column]
            desk.tell("LIFE_HOLD", since=hold["since"], who=who, why=why, reason=hold["reason"])
    if found["ended_at"]:
        desk.tell("LIFE_ENDED", at=found["ended_at"], why=found["end_code"], reason=found["end_reason"])
    if found["proposed"]:
        new = found["proposed"]
        desk.tell("LIFE_PROPOSED", negotiation=new["negotiation_id"], state=name(new["state"], desk.lang))
        for change in new["changes"]:
            desk.tell("LIFE_CHANGE", **change)
    if found["successor_id"]:
        desk.tell("LIFE_SUCCESSOR", id=found["successor_id"])
    if found["duty"]["state"] != "NONE":
        desk.tell("LIFE_DUTY", state=name(found["duty"]["state"], desk.lang), due=found["duty"]["due"])
