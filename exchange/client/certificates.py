"""``minhbach key certificate``: an organisation's certificate as signing key, by proof that its private key is here."""

from base64 import b64encode
from pathlib import Path

import click

from exchange.client.cli import EXISTING, TYP, key
from exchange.client.desk import Desk, online
from exchange.client.paper import Credential, credential_of
from exchange.client.words import ClientError


@key.command("certificate")
@click.option("--key", "private", type=EXISTING, help="The private key, a PEM file of mode 0600.")
@click.option("--certificate", type=EXISTING, help="PEM: the key's certificate, then those above it.")
@click.option("--pkcs12", type=EXISTING, help="Key and certificates in one file (.p12, .pfx) of mode 0600.")
@click.option("--label", required=True, help="What people call it, for example where it is kept.")
@online
def register(desk: Desk, private: Path | None, certificate: Path | None, pkcs12: Path | None, label: str) -> None:
    """Register a certificate of your organisation, with proof that you hold its private key."""
    from exchange.client.connection import ServerRefused

    credential = credential_of(desk, private, certificate, pkcs12)
    connection = desk.connection("sign")
    challenge = connection.call("POST", "/keys/challenge")["challenge"]
    try:
        made = connection.call("POST", "/keys/certificate", {"proof": proof_of(credential, challenge), "label": label})
    except ServerRefused as refused:
        if refused.status == 403 and connection.credentials.flow == "machine":
            raise ClientError("KEY_NEEDS_PERSON") from None
        raise
    desk.tell("KEY_REGISTERED", kid=made["thumbprint"], id=made["id"])
    if not made["confirmed"]:
        desk.tell("CERTIFICATE_WAITS", subject=made["subject"])


def proof_of(credential: Credential, challenge: str) -> str:
    """A compact JWS over the challenge with the certificates in its header."""
    from contracts import canonical, keys

    alg = keys.ALGORITHMS_OF[keys.public_jwk(credential.key)["kty"]][0]
    chain = [b64encode(der).decode("ascii") for der in credential.chain]
    header = canonical.b64url(canonical.dumps({"alg": alg, "typ": TYP, "x5c": chain}))
    text = f"{header}.{canonical.b64url(challenge.encode())}"
    return f"{text}.{canonical.b64url(keys.make_signature(text.encode(), credential.key, alg))}"
