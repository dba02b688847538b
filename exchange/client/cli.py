"""``minhbach key|publish|verify``: keys in files, a listing from a file, an evidence bundle. The rest is deals.py."""

import sys
from pathlib import Path
from typing import Any

import click

from exchange.client.desk import Desk, offline, online
from exchange.client.words import ClientError

TYP = "minhbach-key+jws"  # a proof of possession can never pass for a contract's signature
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
@click.argument("file", type=EXISTING)
@click.option("--label", required=True, help="What people call this key, for example where it is kept.")
@online
def key_register(desk: Desk, file: Path, label: str) -> None:
    """Register the public half of the key in FILE, with proof that you hold the private half."""
    from exchange.client.connection import ServerRefused

    private = read_key(desk, file)
    connection = desk.connection("sign")
    challenge = connection.call("POST", "/keys/challenge")["challenge"]
    body = {"proof": proof_of(private, challenge), "label": label, "grade": "file"}
    try:
        made = connection.call("POST", "/keys", body)
    except ServerRefused as refused:
        if refused.status == 403 and connection.credentials.flow == "machine":
            raise ClientError("KEY_NEEDS_PERSON") from None
        raise
    desk.tell("KEY_REGISTERED", kid=made["thumbprint"], id=made["id"])


def proof_of(private: Any, challenge: str) -> str:
    """A compact JWS over the challenge with the key's public half in its header."""
    from contracts import canonical, keys, signature

    jwk = signature.public_jwk(private)
    alg = keys.ALGORITHMS_OF[jwk["kty"]][0]
    header = canonical.b64url(canonical.dumps({"alg": alg, "jwk": jwk, "typ": TYP}))
    text = f"{header}.{canonical.b64url(challenge.encode())}"
    return f"{text}.{canonical.b64url(keys.make_signature(text.encode(), private, alg))}"


def read_key(desk: Desk, file: Path) -> Any:
    """The private key of a file that only its owner can read; its password is asked for when it has one."""
    from contracts import signature
    from exchange.client.files import read_private

    pem = read_private(file)
    password = None
    if b"ENCRYPTED" in pem:
        password = click.prompt(desk.say("KEY_PASSWORD"), hide_input=True, err=True).encode()
    try:
        return signature.from_pem(pem, password)
    except signature.SignatureError as error:
        if error.code != "KEY_FILE_REFUSED":
            raise
        raise ClientError("KEY_FILE_UNUSABLE", path=file) from None


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
        made = connection.call("PATCH", f"/listings/{_id(listing)}", fields)
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


def _id(text: str) -> str:
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
