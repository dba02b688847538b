"""The log's own key: one Ed25519 key, one purpose, in a file that only the exchange's user can read."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from exchange.errors import ExchangeError


class LogKeyError(ExchangeError):
    """The key file is missing, unreadable, or not the key this log was opened with. Nothing is signed."""


def load_or_create(path: Path) -> Ed25519PrivateKey:
    """The key in ``path`` (PEM, PKCS #8); a new log gets a new key, mode 0600."""
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return key
    key_found = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key_found, Ed25519PrivateKey):
        raise LogKeyError(f"{path} does not hold an Ed25519 key")
    return key_found
