"""COSE receipts (RFC 9942) for one record each, under the newest signed head.

The signature of a root is made when a receipt is asked for: it takes 40 microseconds and is the same every time
(Ed25519), so there is nothing to store and nothing to lose. Its key is a second key of the log, for this purpose only.
"""

import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlmodel import Session

from contracts.log import checkpoint
from contracts.log.receipt import Receipt, format_receipt, sign_root
from exchange.db import new_id
from exchange.ledger import keyring, service


def receipt_of(session: Session, event_id: str, key: Ed25519PrivateKey) -> bytes:
    """The receipt of an event; raises NotFound while it stands under no signed head."""
    proof = service.proof_of(session, event_id)
    head = checkpoint.parse_checkpoint(checkpoint.parse_note(proof.checkpoint).text)
    return format_receipt(Receipt(head.size, proof.index, proof.hashes, sign_root(head.root, key)))


def key_of(home: Path) -> Ed25519PrivateKey:
    """The log's key for receipts, ``log-cose.key`` in the home folder; made when there is none.

    It gets its name only when it is whole. A crash before leaves a draft that nobody reads.
    """
    path = home / "log-cose.key"
    if not path.exists():
        draft = home / f"log-cose.{new_id()}.new"
        keyring.create(draft)
        with suppress(FileExistsError):  # another process was faster: its key is the log's
            os.link(draft, path)
        draft.unlink()
    return keyring.load(path)


def pem_of(key: Ed25519PrivateKey) -> bytes:
    """The public half, for those who check receipts (PEM, SubjectPublicKeyInfo)."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
