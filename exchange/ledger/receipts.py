"""COSE receipts (RFC 9942) for one record each, under the newest signed head.

The signature of a root is made when a receipt is asked for: it takes 40 microseconds and is the same every time
(Ed25519), so there is nothing to store and nothing to lose. Its key is a second key of the log, for this purpose only.
The log itself holds the digest of each such key (``key.added`` on ``logkey:receipts``): one that is made anew, or on a
second machine, does not come unseen.
"""

import os
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlmodel import Session

from contracts import canonical
from contracts.log import checkpoint
from contracts.log.receipt import Receipt, format_receipt, sign_root
from exchange.db import new_id
from exchange.ledger import keyring, outbox, service

SUBJECT = "logkey:receipts"  # the chain of all keys that have signed receipts


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


def is_recorded(session: Session, key: Ed25519PrivateKey) -> bool:
    """Whether the log holds the key's digest, or is about to."""
    return outbox.is_known(session, _event_of(key))


def record(session: Session, key: Ed25519PrivateKey, now: datetime) -> str:
    """Put the key's digest into the log, once however often this is called; the event's id. To be committed before
    anybody is given a receipt or the key: a crash before leaves a key that has signed nothing. Raises Refused (503)
    while the log is behind."""
    return outbox.append(
        session, "key.added", actor="system", on=[SUBJECT], now=now, hashes={"key": digest_of(key)}, details={},
        event_id=_event_of(key),
    )  # fmt: skip


def digest_of(key: Ed25519PrivateKey) -> str:
    """``sha-256:`` and the SHA-256 of the public half (DER, SubjectPublicKeyInfo) in base64url."""
    return canonical.sha256_b64url(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _event_of(key: Ed25519PrivateKey) -> str:
    """Of the key itself, so that processes that use it first at once record it once."""
    return sha256(digest_of(key).encode()).hexdigest()[:26]


def pem_of(key: Ed25519PrivateKey) -> bytes:
    """The public half, for those who check receipts (PEM, SubjectPublicKeyInfo)."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
