"""``minhbach key certificate``: an organisation's certificate as signing key, by proof that its private key is here."""

from pathlib import Path

import click

from exchange.client.cli import EXISTING, as_person, key
from exchange.client.desk import Desk, online
from exchange.client.paper import Credential, credential_of
from exchange.client.places import Holder


@key.command("certificate")
@click.option("--key", "private", type=EXISTING, help="The private key, a PEM file of mode 0600.")
@click.option("--certificate", type=EXISTING, help="PEM: the key's certificate, then those above it.")
@click.option("--pkcs12", type=EXISTING, help="Key and certificates in one file (.p12, .pfx) of mode 0600.")
@click.option("--label", required=True, help="What people call it, for example where it is kept.")
@online
def register(desk: Desk, private: Path | None, certificate: Path | None, pkcs12: Path | None, label: str) -> None:
    """Register a certificate of your organisation, with proof that you hold its private key."""
    holder = holder_of(credential_of(desk, private, certificate, pkcs12))
    connection = desk.connection("sign")
    with as_person(connection):
        challenge = connection.call("POST", "/keys/challenge")["challenge"]
        made = connection.call("POST", "/keys/certificate", {"proof": holder.proof(challenge), "label": label})
    desk.tell("KEY_REGISTERED", kid=made["thumbprint"], id=made["id"])
    if not made["confirmed"]:
        desk.tell("CERTIFICATE_WAITS", subject=made["subject"])


def holder_of(credential: Credential) -> Holder:
    """The key of a credential, to sign by its certificates."""
    from contracts import keys

    jwk = keys.public_jwk(credential.key)
    alg = keys.ALGORITHMS_OF[jwk["kty"]][0]
    return Holder(jwk, alg, lambda message: keys.make_signature(message, credential.key, alg), tuple(credential.chain))
