"""Where a member's private key may lie: a PEM file, a PKCS#11 token, a remote signing service. Each signs for us alike.

What a place returns is checked under the public half before it goes anywhere, so a token with a wrong pair of objects,
or a service that signs with another key, is told here and not by the exchange.
"""

import base64
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from exchange.client.desk import Desk
from exchange.client.words import ClientError

PIN_VARIABLE = "MINHBACH_PIN"  # never an option: the words of a command are seen by everybody on the machine
TYP = "minhbach-key+jws"  # a proof of possession can never pass for a contract's signature


@dataclass(frozen=True)
class Holder:
    """One key and the means to sign with it: ``make`` gives the raw JWS signature of ``alg`` over its bytes."""

    jwk: dict[str, str]
    alg: str
    make: Callable[[bytes], bytes]
    chain: tuple[bytes, ...] = ()  # certificates in DER, the key's own first; then it signs by certificate

    @property
    def kid(self) -> str:
        """By what registrations and contracts name it: its RFC 7638 thumbprint, or its certificate's x5t#S256."""
        from contracts import certificates, keys

        if self.chain:
            return certificates.thumbprint(self.chain[0])
        return keys.thumbprint(self.jwk)

    def sign(self, message: bytes) -> bytes:
        """The signature, once it holds under the public half."""
        from contracts import keys

        raw = self.make(message)
        try:
            keys.check_signature(message, raw, self.jwk, self.alg)
        except keys.SignatureError:
            raise ClientError("PLACE_SIGNED_WRONGLY", kid=self.kid) from None
        return raw

    def entry(self, payload: bytes, now: datetime) -> dict[str, str]:
        """A party's signature entry over a contract's payload (contracts.signature)."""
        from contracts import canonical, signature

        protected = signature.protect(self.jwk, now=now, alg=self.alg, chain=self.chain)
        raw = self.sign(signature.signing_input(protected, payload))
        return {"protected": protected, "signature": canonical.b64url(raw)}

    def proof(self, challenge: str, typ: str = TYP) -> str:
        """A compact JWS over a challenge of the exchange, with the key's public half in its header, or certificates."""
        from contracts import canonical

        coded = [base64.b64encode(der).decode("ascii") for der in self.chain]
        whose = {"x5c": coded} if coded else {"jwk": self.jwk}
        header = canonical.b64url(canonical.dumps({"alg": self.alg, "typ": typ, **whose}))
        text = f"{header}.{canonical.b64url(challenge.encode())}"
        return f"{text}.{canonical.b64url(self.sign(text.encode()))}"


@dataclass(frozen=True)
class Place:
    """What a person said about where their key is: a file's name, a label on the token of a PKCS#11 module, or the
    credential of a remote signing service. ``chain`` is a PEM file of certificates that go with a key of one's own."""

    key: str | None
    module: str | None = None
    token: str | None = None
    remote: str | None = None
    service: Path | None = None
    chain: Path | None = None

    @contextmanager
    def opened(self, desk: Desk) -> Iterator[Holder]:
        """The key, for as long as the block lasts; a token is logged out of at its end."""
        if self.remote is not None:
            yield self._remote(desk)
            return
        if self.key is None:
            raise ClientError("KEY_MISSING")
        if self.module is None and self.token is None:
            yield self._certified(of_file(desk, Path(self.key)))
            return
        if not self.module or not self.token:
            raise ClientError("PKCS11_INCOMPLETE")
        try:
            from exchange.client import pkcs11_token
        except ImportError:
            raise ClientError("PKCS11_PACKAGE") from None
        ask = partial(ask_secret, desk, "PIN", self.token)
        with pkcs11_token.opened(self.module, self.token, self.key, ask) as held:
            yield self._certified(held)

    def _remote(self, desk: Desk) -> Holder:
        from exchange.client import csc
        from exchange.client.files import read_credentials

        if self.service is None:
            raise ClientError("REMOTE_PROGRAM")
        ask = partial(ask_secret, desk)
        return csc.opened(str(self.remote), self.key, read_credentials(self.service), desk.lang, ask)

    def _certified(self, holder: Holder) -> Holder:
        if self.chain is None:
            return holder
        chain = read_chain(self.chain)
        from contracts import certificates

        if certificates.public_jwk(chain[0]) != holder.jwk:
            raise ClientError("CHAIN_OTHER", path=self.chain)
        return replace(holder, chain=chain)


def place_options(command: Callable[..., None]) -> Callable[..., None]:
    """Where the key is, when it is not a bare key in a file; the command gets one Place in place of its ``key``."""

    @functools.wraps(command)
    def placed(
        *words: Any, key: str | None, module: str | None, token: str | None, remote: str | None, service: Path | None,
        chain: Path | None, **given: Any,
    ) -> None:  # fmt: skip
        command(*words, place=Place(key, module, token, remote, service, chain), **given)

    for option in reversed(_OPTIONS):
        placed = option(placed)
    return placed


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--pkcs11", "module", metavar="MODULE",
        help=f"The key is on a PKCS#11 token: its library (.so, .dll, .dylib). The PIN is asked for [{PIN_VARIABLE}].",
    ),
    click.option("--token", help="With --pkcs11: the label of the token that holds the key."),
    click.option("--remote", metavar="URL", help="The key is at a remote signing service: its base, https://.../csc/v2."),
    click.option(
        "--service", type=_FILE, envvar="MINHBACH_SERVICE",
        help="With --remote: JSON with the service's client_id and client_secret, mode 0600 [MINHBACH_SERVICE].",
    ),
    click.option("--chain", type=_FILE, help="Sign by certificate: PEM, the key's own first, then those above it."),
)  # fmt: skip


def read_chain(path: Path) -> tuple[bytes, ...]:
    """The certificates of a PEM file, in its order."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        found = x509.load_pem_x509_certificates(path.read_bytes()[:1_000_000])
    except (OSError, ValueError) as error:
        raise ClientError("FILE_UNREADABLE", path=path, reason=error) from None
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in found)


def of_file(desk: Desk, path: Path) -> Holder:
    """The key of a PEM file."""
    from contracts import keys

    private = read_key(desk, path)
    jwk = keys.public_jwk(private)
    alg = keys.ALGORITHMS_OF[jwk["kty"]][0]
    return Holder(jwk, alg, lambda message: keys.make_signature(message, private, alg))


def read_key(desk: Desk, file: Path) -> Any:
    """The private key of a file that only its owner can read; its password is asked for when it has one."""
    from contracts import keys
    from exchange.client.files import read_private

    pem = read_private(file)
    password = None
    if b"ENCRYPTED" in pem:
        password = click.prompt(desk.say("KEY_PASSWORD"), hide_input=True, err=True).encode()
    try:
        return keys.from_pem(pem, password)
    except keys.SignatureError as error:
        if error.code != "KEY_FILE_REFUSED":
            raise
        raise ClientError("KEY_FILE_UNUSABLE", path=file) from None


def ask_secret(desk: Desk, code: str, where: str) -> str:
    """A PIN or one-time password from the environment or a hidden prompt."""
    found = os.environ.get(PIN_VARIABLE) if code == "PIN" else None
    return found or str(click.prompt(desk.say(f"ASK_{code}", where=where), hide_input=True, err=True))
