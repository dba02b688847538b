"""Where a member's private key may lie: a PEM file, a PKCS#11 token, a remote signing service. Each signs for us alike.

What a place returns is checked under the public half before it goes anywhere, so a token with a wrong pair of objects,
or a service that signs with another key, is told here and not by the exchange.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

    @property
    def kid(self) -> str:
        """Its RFC 7638 thumbprint, by which registrations and contracts name it."""
        from contracts import keys

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

        protected = signature.protect(self.jwk, now=now, alg=self.alg)
        raw = self.sign(signature.signing_input(protected, payload))
        return {"protected": protected, "signature": canonical.b64url(raw)}

    def proof(self, challenge: str, typ: str = TYP) -> str:
        """A compact JWS over a challenge of the exchange, with the key's public half in its header."""
        from contracts import canonical

        header = canonical.b64url(canonical.dumps({"alg": self.alg, "jwk": self.jwk, "typ": typ}))
        text = f"{header}.{canonical.b64url(challenge.encode())}"
        return f"{text}.{canonical.b64url(self.sign(text.encode()))}"


@dataclass(frozen=True)
class Place:
    """What a person said about where their key is: a file's name, or a label on the token of a PKCS#11 module."""

    key: str
    module: str | None = None
    token: str | None = None

    @contextmanager
    def opened(self, desk: Desk) -> Iterator[Holder]:
        """The key, for as long as the block lasts; a token is logged out of at its end."""
        if self.module is None and self.token is None:
            yield of_file(desk, Path(self.key))
            return
        if not self.module or not self.token:
            raise ClientError("PKCS11_INCOMPLETE")
        try:
            from exchange.client import pkcs11_token
        except ImportError:
            raise ClientError("PKCS11_PACKAGE") from None
        ask = partial(ask_pin, desk, "PIN", self.token)
        with pkcs11_token.opened(self.module, self.token, self.key, ask) as held:
            yield held


def place_options(command: Callable[..., None]) -> Callable[..., None]:
    """``--pkcs11`` and ``--token``: the key is not in a file but on a token."""
    command = click.option("--token", help="With --pkcs11: the label of the token that holds the key.")(command)
    return click.option(
        "--pkcs11", "module", metavar="MODULE",
        help=f"The key is on a PKCS#11 token: its library (.so, .dll, .dylib). The PIN is asked for [{PIN_VARIABLE}].",
    )(command)  # fmt: skip


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


def ask_pin(desk: Desk, code: str, where: str) -> str:
    """A PIN or one-time password from the environment or a hidden prompt."""
    found = os.environ.get(PIN_VARIABLE) if code == "PIN" else None
    return found or str(click.prompt(desk.say(f"ASK_{code}", where=where), hide_input=True, err=True))
