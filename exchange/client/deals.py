"""``minhbach request|negotiate|sign|receipt|download``: from a listing to the file, each step one command."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from exchange.client.cli import EXISTING
from exchange.client.desk import Desk, clean, online, tell_refusal
from exchange.client.places import Holder, Place, place_options
from exchange.client.words import ClientError, name

if TYPE_CHECKING:
    from contracts.document import Contract
    from contracts.log.policy import Policy
    from exchange.client.connection import Connection

LOG_SECONDS = 10.0  # how long to wait for a record to get under a signed head
POLICY = click.option("--policy", type=EXISTING, help="The log key to trust (C2SP tlog-policy); else the server's.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
CHECK = click.option("--check", is_flag=True, help="Only say what would be refused and what would pass; send nothing.")
SEEN = click.option("--terms-hash", help="Go on only with the terms of this digest, as shown before.")


@click.command("request")
@click.argument("listing")
@click.option("--terms", required=True, type=EXISTING, help="JSON: purpose, scenario, starts, ends, territory, note.")
@CHECK
@online
def request(desk: Desk, listing: str, terms: Path, check: bool) -> None:
    """Ask for access to LISTING as a buyer."""
    from exchange.client.files import read_json

    body = {**read_json(terms), "listing_id": listing}
    if check:
        _tell_checked(desk, desk.connection("negotiate").call("POST", "/negotiations/terms/check", body))
        return
    tell(desk, desk.connection("negotiate").call("POST", "/negotiations", body))


@click.group("negotiate")
def negotiate() -> None:
    """Answer in a negotiation; every step names the terms it answers."""


@negotiate.command("show")
@click.argument("negotiation")
@online
def show(desk: Desk, negotiation: str) -> None:
    """The state of a NEGOTIATION and the terms on the table."""
    found = desk.connection("negotiate").call("GET", address(negotiation))
    click.echo(clean(json.dumps(found["terms"], ensure_ascii=False, indent=2)))
    tell(desk, found)


@negotiate.command("counter")
@click.argument("negotiation")
@click.option("--terms", required=True, type=EXISTING, help="JSON with the changes, such as price_vnd, ends, note.")
@SEEN
@CHECK
@online
def counter(desk: Desk, negotiation: str, terms: Path, terms_hash: str | None, check: bool) -> None:
    """Propose other terms, as the seller or the buyer; what the file leaves out stays as it is."""
    from exchange.client.files import read_json

    changes = read_json(terms)
    connection = desk.connection("negotiate")
    if check:
        _tell_checked(desk, connection.call("POST", f"{address(negotiation)}/terms/check", changes))
        return
    found = connection.call("GET", address(negotiation))
    act = "request" if connection.call("GET", "/me")["org_id"] == found["buyer_org_id"] else "offer"
    body = {**changes, "terms": terms_hash or found["terms_hash"]}
    tell(desk, connection.call("POST", f"{address(negotiation)}/{act}", body))


@negotiate.command("accept")
@click.argument("negotiation")
@SEEN
@YES
@online
def accept(desk: Desk, negotiation: str, terms_hash: str | None, yes: bool) -> None:
    """Accept the seller's counter-offer as the buyer."""
    _answer(desk, negotiation, "accept", terms_hash, yes)


@negotiate.command("agree")
@click.argument("negotiation")
@SEEN
@YES
@online
def agree(desk: Desk, negotiation: str, terms_hash: str | None, yes: bool) -> None:
    """Agree as the seller: the contract is drawn up for both to sign."""
    _answer(desk, negotiation, "agree", terms_hash, yes)


@negotiate.command("terminate")
@click.argument("negotiation")
@click.option("--code", required=True, help="Why, from the list: price, terms, purpose, party, rights, no-need ...")
@click.option("--reason", required=True, help="Why, in words; the other side reads them.")
@online
def terminate(desk: Desk, negotiation: str, code: str, reason: str) -> None:
    """End a negotiation."""
    body = {"code": code, "reason": reason}
    tell(desk, desk.connection("negotiate").call("POST", f"{address(negotiation)}/terminate", body))


def _answer(desk: Desk, negotiation: str, act: str, terms_hash: str | None, yes: bool) -> None:
    from contracts.terms import Terms

    connection = desk.connection("negotiate")
    found = connection.call("GET", address(negotiation))
    click.echo(clean(json.dumps(found["terms"], ensure_ascii=False, indent=2)))
    shown = Terms.from_json(found["terms"]).hash  # of what the person sees, not of what the exchange says it is
    if terms_hash not in (None, shown):
        raise ClientError("TERMS_DIFFER", got=shown, wanted=terms_hash)
    if not yes and not click.confirm(desk.say(f"{act.upper()}_CONFIRM")):
        raise ClientError("NOTHING_CHANGED")
    tell(desk, connection.call("POST", f"{address(negotiation)}/{act}", {"terms": shown}))


def address(negotiation: str) -> str:
    """Where the API has a negotiation."""
    return f"/negotiations/{quote(negotiation, safe='')}"


def tell(desk: Desk, found: Mapping[str, Any]) -> None:
    """State, terms and next acts; why it ended; which approvals the person's own side still needs."""
    allowed = ", ".join(name(act, desk.lang) for act in found["allowed"]) or "—"
    desk.tell(
        "NEGOTIATION", id=found["id"], state=name(found["state"], desk.lang), listing=found["listing_id"],
        version=found["version"], terms=found["terms_hash"], allowed=allowed,
    )  # fmt: skip
    if found.get("contract_id"):
        desk.tell("CONTRACT_DRAWN", id=found["contract_id"])
    if found.get("terminated_code"):
        by, at = found["terminated_by"] or "—", found["terminated_at"]
        code, reason = name(found["terminated_code"], desk.lang), found["terminated_reason"] or "—"
        desk.tell("NEGOTIATION_ENDED", why=code, reason=reason, by=by, at=at)
    for panel in found.get("approvals", ()):
        roles = ", ".join(panel["roles"])
        given = ", ".join(f"{one['by']} ({one['id']})" for one in panel["given"]) or "—"
        desk.tell("APPROVAL_STANDS", what=name(f"approval.{panel['what']}", desk.lang), roles=roles, given=given)


def _tell_checked(desk: Desk, found: Mapping[str, Any]) -> None:
    """Each change on a line, then each problem as a refusal; with a problem the command fails, as sending would."""
    for change in found["changes"]:
        facts = {name: change[name] for name in ("clause", "label", "before", "after")}
        desk.tell("CHANGE", **facts)
    if found["problems"]:
        tell_refusal(desk, {"errors": found["problems"]})
        raise ClientError("CHECK_REFUSED", count=len(found["problems"]))
    desk.tell("CHECK_GOOD", terms=found["terms_hash"])


# -- signing -------------------------------------------------------------------------------------------------------


@click.command("sign")
@click.argument("contract")
@click.option("--key", help="A PEM file of mode 0600; the key's label with --pkcs11, the credential with --remote.")
@place_options
@SEEN
@POLICY
@YES
@online
def sign(
    desk: Desk, contract: str, place: Place, terms_hash: str | None, policy: Path | None, yes: bool
) -> None:  # fmt: skip
    """Read CONTRACT, compare it with what was negotiated, sign it here, and check its record in the log."""
    connection = desk.connection("sign")
    with place.opened(desk) as holder:
        drawn, entry = _sign(desk, connection, contract, holder, terms_hash, yes)
    from contracts import canonical

    body = {**entry, "payload": canonical.b64url(drawn.payload)}
    answer = connection.call("POST", f"/contracts/{drawn.id}/signatures", body)
    desk.tell("SIGNED", id=drawn.id, kid=holder.kid)
    mine = next(one["event_id"] for one in answer["signatures"] if one["thumbprint"] == holder.kid)
    _prove(desk, connection, drawn, policy, {mine: entry})


def _sign(
    desk: Desk, connection: "Connection", contract: str, holder: Holder, terms_hash: str | None, yes: bool
) -> tuple["Contract", dict[str, str]]:
    """The contract as received, and our signature of exactly the bytes that the person was shown and said yes to."""
    from contracts import text
    from exchange import clock
    from exchange.client import papers

    whom = connection.call("GET", "/me")["org_id"]
    drawn = _negotiated(connection, contract, terms_hash)
    papers.check_signer(drawn, whom, holder.kid)
    click.echo(clean(text.plain(drawn, desk.lang)))
    desk.tell("SIGN_DIGEST", digest=drawn.hash, kid=holder.kid, alg=holder.alg)
    ours = next(party.name for party in drawn.parties if party.org_id == whom)
    if not yes and not click.confirm(desk.say("SIGN_CONFIRM", org=ours)):
        raise ClientError("NOT_SIGNED")
    return drawn, holder.entry(drawn.payload, clock.now())


@click.command("receipt")
@click.argument("contract")
@POLICY
@online
def receipt(desk: Desk, contract: str, policy: Path | None) -> None:
    """Check on this machine that the log holds every record of CONTRACT."""
    connection = desk.connection("sign")
    _prove(desk, connection, _negotiated(connection, contract, None), policy, {})


def _negotiated(connection: "Connection", contract: str, terms_hash: str | None) -> "Contract":
    from exchange.client import papers

    place = f"/contracts/{quote(contract, safe='')}"
    said = connection.call("GET", place)
    if said["id"] != contract:
        raise ClientError("CONTRACT_OTHER", got=said["id"], asked=contract)
    negotiation = connection.call("GET", address(said["negotiation_id"]))
    payload = connection.fetch(f"/api/v1{place}/payload")
    return papers.check_negotiated(payload, said, negotiation, terms_hash)


def _prove(
    desk: Desk, connection: "Connection", drawn: "Contract", policy: Path | None, own: Mapping[str, Mapping[str, str]]
) -> None:
    """Check every record's proof; ``own`` are signatures just made, by event id, which the log must commit to."""
    from exchange.client import papers
    from exchange.client.connection import wait_for

    ask = _logged(connection, drawn.id)
    found = wait_for(ask, LOG_SECONDS) or connection.call("GET", f"/contracts/{drawn.id}")
    trusted = _policy(connection, policy)
    for record in found["receipts"]:
        if not record["proof"]:
            desk.tell("PROOF_PENDING", event=record["event"], contract=drawn.id)
            continue
        proved = papers.check_receipt(record, drawn, trusted)
        if record["event_id"] in own:
            papers.check_own_signature(record, own[record["event_id"]])
        desk.tell(
            "PROVED", event=name(proved.event, desk.lang), index=proved.index, size=proved.size, log=proved.origin
        )
    if policy is None:
        desk.tell("TRUSTED_SERVER")
    desk.tell("IN_FORCE", standing=name(found["standing"], desk.lang))
    if found["unsigned"]:
        desk.tell("WAITING_FOR", orgs=", ".join(found["unsigned"]))


def _logged(connection: "Connection", contract: str) -> Callable[[], Any]:
    def ask() -> Any:
        found = connection.call("GET", f"/contracts/{contract}")
        return found if all(record["proof"] for record in found["receipts"]) else None

    return ask


def _policy(connection: "Connection", file: Path | None) -> "Policy":
    from contracts.log.policy import parse_policy

    try:
        text = (file.read_bytes() if file else connection.fetch("/log/keys")).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ClientError("FILE_UNREADABLE", path=file or "/log/keys", reason=error) from None
    return parse_policy(text)


# -- receiving -----------------------------------------------------------------------------------------------------


@click.command("download")
@click.argument("contract")
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for it.")
@online
def download(desk: Desk, contract: str, output: Path) -> None:
    """Fetch the files of CONTRACT; a broken download goes on, and only what has the signed digest is kept."""
    from contracts import document
    from exchange.client.fetch import Wanted, fetch

    connection = desk.connection("deliver")
    address = f"/contracts/{quote(contract, safe='')}"
    signed = document.parse(connection.fetch(f"/api/v1{address}/payload"))
    if signed.id != contract:
        raise ClientError("CONTRACT_OTHER", got=signed.id, asked=contract)
    files = connection.call("GET", f"{address}/deliveries")["files"]
    if not files:
        raise ClientError("NO_FILE")
    for file in files:
        if file["digest"] not in {asset.sha256 for asset in signed.assets}:
            raise ClientError("FILE_NOT_IN_CONTRACT", name=file["name"])
        place = f"/api/v1{address}/files/{quote(file['id'], safe='')}"
        wanted = Wanted(place, file["name"], file["digest"], file["bytes"])
        with click.progressbar(length=wanted.bytes, label=desk.say("DOWNLOADING"), file=sys.stderr) as bar:
            path = fetch(connection, wanted, output, bar.update)
        desk.tell("FETCHED", path=path, bytes=wanted.bytes, digest=wanted.digest)
