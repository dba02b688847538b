"""``minhbach key|publish|verify``: keys in files, a listing from a file, an evidence bundle. The rest is deals.py."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exchange.client.desk import Desk, offline, online
from exchange.client.places import Place, place_options
from exchange.client.words import ClientError

if TYPE_CHECKING:
    from exchange.client.connection import Connection

ALGORITHMS = ("Ed25519", "ES256", "RS256", "PS256")
FILE = click.Path(path_type=Path)
EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("key")
def key() -> None:
    """Signing keys, kept in files of your own."""


@key.command("new")
@click.argument("file", type=FILE)
@click.option("--alg", type=click.Choice(ALGORITHMS), default="Ed25519", show_default=True, help="What it signs with.")
@click.option("--encrypt", is_flag=True, help="Ask for a password and encrypt the file with it.")
@offline
def key_new(desk: Desk, file: Path, alg: str, encrypt: bool) -> None:
    """Make a signing key in FILE (PEM, mode 0600); an existing file is never overwritten."""
    from contracts import signature
    from exchange.client.files import write_private

    password = _new_password(desk) if encrypt else None
    private = signature.generate(alg)
    write_private(file, signature.to_pem(private, password))
    desk.tell("KEY_MADE", alg=alg, path=file, kid=signature.thumbprint(signature.public_jwk(private)))


@key.command("register")
@click.argument("key", required=False)
@click.option("--label", required=True, help="What people call this key, for example where it is kept.")
@place_options
@online
def key_register(desk: Desk, label: str, place: Place) -> None:
    """Register the public half of KEY with proof that you hold the other half; by --chain or --remote a certificate.

    KEY is a PEM file; with --pkcs11 it is a label, with --remote a credential.
    """
    connection = desk.connection("sign")
    with as_person(connection):
        challenge = connection.call("POST", "/keys/challenge")["challenge"]
        with place.opened(desk) as holder:
            body = {"proof": holder.proof(challenge), "label": label}
        if holder.chain:
            made = connection.call("POST", "/keys/certificate", body)
        else:
            made = connection.call("POST", "/keys", {**body, "grade": "file"})
    desk.tell("KEY_REGISTERED", kid=made["thumbprint"], id=made["id"])


@contextmanager
def as_person(connection: "Connection") -> Iterator[None]:
    """An act that the exchange takes from persons only: a machine is told so."""
    from exchange.client.connection import ServerRefused

    try:
        yield
    except ServerRefused as refused:
        if refused.status == 403 and connection.credentials.flow == "machine":
            raise ClientError("KEY_NEEDS_PERSON") from None
        raise


def _new_password(desk: Desk) -> bytes:
    text: str = click.prompt(desk.say("KEY_PASSWORD"), hide_input=True, confirmation_prompt=True, err=True)
    return text.encode()


@click.command("publish")
@click.argument("file", type=EXISTING)
@click.option("--offer", required=True, type=EXISTING, help="JSON with the catalogue fields and the licence offer.")
@click.option("--listing", help="Put it into this listing of yours, instead of a new one.")
@click.option("--submit", is_flag=True, help="Send it to the operator for review at once.")
@online
def publish(desk: Desk, file: Path, offer: Path, listing: str | None, submit: bool) -> None:
    """Make a draft listing from a data FILE and its OFFER; with --submit, send it for review."""
    from exchange.client.files import read_json

    fields = read_json(offer)
    connection = desk.connection("catalogue")
    if listing:
        made = connection.call("PATCH", f"/listings/{short_id(listing)}", fields)
    else:
        made = connection.call("POST", "/listings", fields)
    desk.tell("DRAFT_MADE", id=made["id"])
    _send(desk, connection, made["id"], file)
    if submit:
        frozen = connection.call("POST", f"/listings/{made['id']}/submit")
        desk.tell("SUBMITTED", **frozen)


def _send(desk: Desk, connection: Any, listing: str, file: Path) -> None:
    from urllib.parse import quote

    with click.progressbar(length=file.stat().st_size, label=desk.say("UPLOADING"), file=sys.stderr) as bar:
        try:
            read = connection.send_file(f"/listings/{listing}/file?name={quote(file.name, safe='')}", file, bar.update)
        except ClientError as error:
            if error.code != "NO_CONNECTION":
                raise
            raise ClientError("UPLOAD_BROKEN", listing=listing) from None
    desk.tell("FILE_READ", **{**read, "columns": len(read["columns"])})


def short_id(text: str) -> str:
    """An identifier that stays one piece of an address."""
    from urllib.parse import quote

    return quote(text, safe="")


@click.command("verify")
@click.argument("bundle", type=FILE)
@click.option("--policy", type=EXISTING, help="Whom you trust: a C2SP tlog-policy file from another source.")
@click.option("--roots", type=EXISTING, help="Root certificates (PEM) of the licensed authorities you trust.")
@offline
def verify(desk: Desk, bundle: Path, policy: Path | None, roots: Path | None) -> None:
    """Check an evidence BUNDLE; the same as python -m contracts verify, and asks nobody."""
    from contracts.__main__ import main

    trusted = [*(["--policy", str(policy)] if policy else []), *(["--roots", str(roots)] if roots else [])]
    raise SystemExit(main(["verify", str(bundle), *trusted, "--lang", desk.lang]))
