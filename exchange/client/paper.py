"""``minhbach contract pdf|sign|hand-in``: a contract as a file, signed by certificate on this machine or elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from exchange.client.cli import EXISTING, FILE
from exchange.client.deals import YES
from exchange.client.desk import Desk, clean, offline, online
from exchange.client.life import contract
from exchange.client.places import read_key
from exchange.client.words import ClientError

if TYPE_CHECKING:
    from contracts.document import Contract

FORMS = {".pdf": "pades", ".p7s": "cades"}
MAX_FILE = 2**20  # bytes, as the exchange takes them


@dataclass(frozen=True)
class Credential:
    """A private key and its certificates, DER, its own first."""

    key: Any
    chain: tuple[bytes, ...]


@contract.command("pdf")
@click.argument("contract")
@click.option("-o", "--output", required=True, type=FILE, help="A new file for it.")
@online
def pdf(desk: Desk, contract: str, output: Path) -> None:
    """Fetch CONTRACT as a PDF; kept only if it is what was negotiated, with nothing added."""
    from exchange.client import papers
    from exchange.client.files import write_private

    _need_packages()
    from contracts import pades

    connection, address = desk.connection("sign"), f"/contracts/{quote(contract, safe='')}"
    said = connection.call("GET", address)
    negotiation = connection.call("GET", f"/negotiations/{quote(said['negotiation_id'], safe='')}")
    drawn = papers.check_negotiated(connection.fetch(f"/api/v1{address}/payload"), said, negotiation)
    data = connection.fetch(f"/api/v1{address}/contract.pdf")
    if drawn.id != contract or pades.attached(data) != drawn.payload:
        raise ClientError("PAPER_OTHER")
    write_private(output, data)
    desk.tell("PAPER_SAVED", path=output, id=drawn.id, bytes=len(data), digest=drawn.hash)


@contract.command("sign")
@click.argument("file", type=EXISTING)
@click.option("-o", "--output", required=True, type=FILE, help="A new file: the signed PDF, or the .p7s.")
@click.option("--key", type=EXISTING, help="The private key, a PEM file of mode 0600.")
@click.option("--certificate", type=EXISTING, help="PEM: the key's certificate, then those above it.")
@click.option("--pkcs12", type=EXISTING, help="Key and certificates in one file (.p12, .pfx) of mode 0600.")
@click.option("--timestamp", metavar="URL", help="Ask this RFC 3161 authority for a time-stamp (PAdES-B-T, CAdES-B-T).")
@click.option("--timestamp-roots", type=EXISTING, help="PEM: the roots under which its time-stamps must stand.")
@YES
@offline
def sign(
    desk: Desk, file: Path, output: Path, key: Path | None, certificate: Path | None, pkcs12: Path | None,
    timestamp: str | None, timestamp_roots: Path | None, yes: bool,
) -> None:  # fmt: skip
    """Sign FILE by certificate, without asking the exchange: a contract's PDF (PAdES), or its JSON (CAdES)."""
    _need_packages()
    from contracts import cades, certificates, document, pades
    from exchange import clock
    from exchange.client.files import write_private

    data, by_pdf = _read(file), file.suffix == ".pdf"
    drawn = document.parse(pades.attached(data) if by_pdf else data)
    credential = credential_of(desk, key, certificate, pkcs12)
    subject, kid = certificates.subject(credential.chain[0]), certificates.thumbprint(credential.chain[0])
    org = _check_named(drawn, kid)
    if by_pdf:
        pades.check_pages(data, drawn.payload)
    _ask(desk, drawn, org, yes)
    make, stamp = cades.local(credential.key), _stamper(timestamp, timestamp_roots)
    if by_pdf:
        signed = pades.sign(data, credential.chain, make, now=clock.now(), stamp=stamp)
        sealed = pades.open_signatures(signed, drawn.payload)[-1]
    else:
        signed = cades.sign(data, credential.chain, make, now=clock.now(), stamp=stamp)
        sealed = cades.open_signature(signed, drawn.payload)
    write_private(output, signed)
    form = "PAdES" if by_pdf else "CAdES"
    desk.tell("PAPER_SIGNED", path=output, form=form, subject=subject, alg=sealed.alg, id=drawn.id)


@contract.command("hand-in")
@click.argument("contract")
@click.argument("file", type=EXISTING)
@online
def hand_in(desk: Desk, contract: str, file: Path) -> None:
    """Hand in FILE, signed here or with other software (.pdf or .p7s), as your organisation's signature of CONTRACT."""
    from base64 import b64encode

    form = FORMS.get(file.suffix)
    if form is None:
        raise ClientError("FILE_UNREADABLE", path=file, reason=", ".join(FORMS))
    body = {"form": form, "file": b64encode(_read(file)).decode("ascii")}
    desk.connection("sign").call("POST", f"/contracts/{quote(contract, safe='')}/signatures", body)
    desk.tell("PAPER_HANDED_IN", path=file, id=contract)


def _need_packages() -> None:
    try:
        from contracts import pades  # noqa: F401 - whether it can be loaded
    except ImportError:
        raise ClientError("PAPER_PACKAGES") from None


def _read(file: Path) -> bytes:
    """A file of at most MAX_FILE bytes; a longer one is cut and then refused for what it says."""
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_FILE + 1)
    except OSError as error:
        raise ClientError("FILE_UNREADABLE", path=file, reason=error.strerror or error) from None


def _check_named(drawn: "Contract", kid: str) -> str:
    """The organisation for which the contract names this certificate."""
    for party in drawn.parties:
        if kid in party.keys:
            return party.name
    passes = ", ".join(key for party in drawn.parties for key in party.keys)
    raise ClientError("CERTIFICATE_NOT_IN_CONTRACT", kid=kid, passes=passes)


def _ask(desk: Desk, drawn: "Contract", org: str, yes: bool) -> None:
    from contracts import text

    click.echo(clean(text.plain(drawn, desk.lang)))
    if not yes and not click.confirm(desk.say("SIGN_CONFIRM", org=org)):
        raise ClientError("NOT_SIGNED")


def credential_of(desk: Desk, key: Path | None, certificate: Path | None, pkcs12: Path | None) -> Credential:
    """Key and certificates out of one file or two, found to belong together."""
    return _pkcs12(desk, pkcs12) if pkcs12 else _pem(desk, key, certificate)


def _pem(desk: Desk, key: Path | None, certificate: Path | None) -> Credential:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    if key is None or certificate is None:
        raise ClientError("CREDENTIAL_MISSING")
    private = read_key(desk, key)
    try:
        found = x509.load_pem_x509_certificates(_read(certificate))
    except ValueError:
        raise ClientError("CREDENTIAL_UNUSABLE", path=certificate) from None
    return _matched(private, [one.public_bytes(Encoding.DER) for one in found])


def _pkcs12(desk: Desk, path: Path) -> Credential:
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    from exchange.client.files import read_private

    data = read_private(path)
    password = str(click.prompt(desk.say("PKCS12_PASSWORD"), hide_input=True, err=True, default="", show_default=False))
    try:
        key, own, above = pkcs12.load_key_and_certificates(data, password.encode() or None)
    except ValueError:
        raise ClientError("CREDENTIAL_UNUSABLE", path=path) from None
    if key is None or own is None:
        raise ClientError("CREDENTIAL_UNUSABLE", path=path)
    return _matched(key, [one.public_bytes(Encoding.DER) for one in (own, *above)])


def _matched(private: Any, chain: list[bytes]) -> Credential:
    """The certificate is the key's, and the key one that contracts are signed with."""
    from contracts import certificates, keys

    if certificates.public_jwk(chain[0]) != keys.public_jwk(private):
        raise ClientError("CERTIFICATE_OF_ANOTHER_KEY", subject=certificates.parse(chain[0]).subject.rfc4514_string())
    return Credential(private, tuple(chain))


def _stamper(url: str | None, roots: Path | None) -> Callable[[bytes], bytes] | None:
    """How to get a time-stamp that holds under these roots; None where nobody asked for one."""
    from contracts.errors import TimestampError
    from contracts.log import timestamp
    from exchange.ledger.timestamps import ask

    if url is None and roots is None:
        return None
    if url is None or roots is None:
        raise ClientError("STAMP_INCOMPLETE")
    trusted = timestamp.parse_roots(_read(roots))

    def stamp(message: bytes) -> bytes:
        import secrets

        nonce = secrets.randbits(63)
        try:
            token = ask(url, timestamp.request(message, nonce))
            timestamp.check(token, message, trusted, nonce)
        except (OSError, TimestampError, ValueError) as error:
            raise ClientError("STAMP_MISSING", url=url, reason=error) from None
        return token

    return stamp
