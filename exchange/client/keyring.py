"""``minhbach key list|rotate|revoke``, ``minhbach redraw``: how a registered key ends, and what then waits for it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from exchange.client.cli import as_person, key, short_id
from exchange.client.desk import Desk, clean, online
from exchange.client.places import Place, place_options
from exchange.client.words import ClientError

ROTATION = "minhbach-key-rotation+jws"
REASONS = ("unused", "lost", "stolen", "left")
YES = click.option("--yes", is_flag=True, help="Do not ask.")


@key.command("list")
@online
def key_list(desk: Desk) -> None:
    """The signing keys of your organisation, newest first."""
    for row in desk.connection("sign").call("GET", "/keys"):
        state = f"{row['revoked_at']} ({row['revoked_reason']})" if row["revoked_at"] else "✓"
        click.echo(
            clean(f"{row['id']}  {row['thumbprint']}  {row['alg']:<7}  {row['grade']:<8}  {state}  {row['label']}")
        )


@key.command("rotate")
@click.argument("old")
@click.argument("key", metavar="NEW")
@click.option("--label", required=True, help="What people call the new key.")
@place_options
@online
def key_rotate(desk: Desk, old: str, label: str, place: Place) -> None:
    """Register the key NEW in place of OLD, which vouches for it and ends: PEM files, or with --pkcs11 labels."""
    connection = desk.connection("sign")
    with as_person(connection):
        challenge = connection.call("POST", "/keys/challenge")["challenge"]
    if place.remote or place.chain:
        raise ClientError("ROTATE_CERTIFICATE")
    with place.opened(desk) as holder:
        proof = holder.proof(challenge)
    with replace(place, key=old).opened(desk) as holder:
        before, endorsement = holder.kid, holder.proof(proof, ROTATION)
    row = _registered(connection.call("GET", "/keys"), before)
    body = {"proof": proof, "endorsement": endorsement, "label": label, "grade": "file"}
    with as_person(connection):
        made = connection.call("POST", f"/keys/{short_id(row['id'])}/rotate", body)
    desk.tell("KEY_ROTATED", kid=made["thumbprint"], id=made["id"], old=before)


@key.command("revoke")
@click.argument("id")
@click.option("--reason", required=True, type=click.Choice(REASONS), help="Why it ends.")
@click.option(
    "--since", help="Lost or stolen since when, as 2026-12-01T09:00 in Viet Nam or with an offset of its own."
)
@YES
@online
def key_revoke(desk: Desk, id: str, reason: str, since: str | None, yes: bool) -> None:
    """Revoke the key ID, as `key list` shows it: from now on it signs nothing, what it signed before stays signed."""
    if not yes and not click.confirm(desk.say("REVOKE_CONFIRM", id=id)):
        raise ClientError("NOTHING_CHANGED")
    connection = desk.connection("sign")
    ended = connection.call("POST", f"/keys/{short_id(id)}/revoke", {"reason": reason, "since": since})
    desk.tell("KEY_REVOKED", kid=ended["thumbprint"], at=ended["revoked_at"])


@click.command("redraw")
@click.argument("contract")
@YES
@online
def redraw(desk: Desk, contract: str, yes: bool) -> None:
    """Have CONTRACT drawn up again, on the same terms, with the keys that are valid now; both sides sign anew."""
    connection = desk.connection("sign")
    address = f"/contracts/{short_id(contract)}"
    for need in connection.call("GET", address)["cannot_sign"]:
        desk.tell(f"CANNOT_SIGN_{need['cause'].upper()}", org=need["org_id"])
    if not yes and not click.confirm(desk.say("REDRAW_CONFIRM")):
        raise ClientError("NOTHING_CHANGED")
    new = connection.call("POST", f"{address}/redraw")
    desk.tell("CONTRACT_DRAWN", id=new["id"])


def _registered(rows: list[Mapping[str, Any]], kid: str) -> Mapping[str, Any]:
    found = next((row for row in rows if row["thumbprint"] == kid and not row["revoked_at"]), None)
    if found is None:
        raise ClientError("KEY_NOT_REGISTERED", kid=kid)
    return found
