"""The log's own keys: Ed25519, one purpose, each in a file that only the exchange's user can read.

The table ``log_key`` says which keys sign; the files ``log*.key`` in the home folder are where their private halves
are looked up, afresh for every head, so that a file taken away stops the signing at once. A file whose key is not in
the table signs nothing: a crash during a rotation may leave one behind, and the next rotation uses it up.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from contracts.log.checkpoint import format_vkey, verifier_key
from exchange.errors import ExchangeError
from exchange.secret_files import make_once


class LogKeyError(ExchangeError):
    """A key file is missing, unreadable, or not the key this log is signed with. Nothing is signed."""


class Keyring:
    """The key files of one log in one folder."""

    def __init__(self, home: Path, origin: str) -> None:
        self._home, self._origin = home, origin
        self.newest = home / "log.key"

    def open(self) -> str:
        """The vkey of ``log.key``, which is made when there is none: for a new log, and for a rotation."""
        if not self.newest.exists():
            create(self.newest)
        return self.vkey(load(self.newest))

    def retire(self, vkey: str) -> None:
        """Move ``log.key`` aside, so that :meth:`open` makes the next one. Its name then holds its key id."""
        key_id = vkey.split("+")[1]
        self.newest.rename(self._home / f"log-{key_id}.key")

    def signers(self, vkeys: Sequence[str]) -> list[Ed25519PrivateKey]:
        """The private half of each of ``vkeys``, in that order; raises LogKeyError when one is not here."""
        files = [path for path in (self.newest, *self._home.glob("log-????????.key")) if path.exists()]
        found = {self.vkey(key): key for key in map(load, files)}
        for vkey in vkeys:
            if vkey not in found:
                raise LogKeyError(f"the log {self._origin} is signed with {vkey}, whose key is not in {self._home}")
        return [found[vkey] for vkey in vkeys]

    def vkey(self, key: Ed25519PrivateKey) -> str:
        """The public half under the log's name (C2SP signed-note, verifier keys)."""
        return format_vkey(verifier_key(self._origin, key))


def create(path: Path) -> None:
    """A new key in a new file (PEM, PKCS #8, mode 0600)."""
    key = Ed25519PrivateKey.generate()
    make_once(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def load(path: Path) -> Ed25519PrivateKey:
    """The key in a file; raises LogKeyError."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:  # TypeError: the file wants a password
        raise LogKeyError(f"{path} cannot be read as a key: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise LogKeyError(f"{path} does not hold an Ed25519 key")
    return key
