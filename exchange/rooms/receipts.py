"""Signed receipts of answers, and the marks in them: the keys of the test rooms, and what of them is published.

``room.key`` in the home folder signs receipts and nothing else; ``marks.key`` is the secret from which the mark of each
buyer follows (sandbox.watermark). Both are made at first use. A lost ``room.key`` means that checkers must be given
another public key, a lost ``marks.key`` that tables given out before can be attributed to nobody.
"""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session, col, select

from exchange.accounts.models import Organisation
from exchange.errors import NotFound
from exchange.ledger import keyring
from exchange.rooms.models import QueryRun, TestRoom
from exchange.rooms.rules import leaf_digest
from exchange.secret_files import make_once
from sandbox import receipt, watermark
from sandbox.policy import Policy


def key_of(home: Path) -> Ed25519PrivateKey:
    """The rooms' own key; made when there is none. Of two processes that make it at once, one's key stands."""
    path = home / "room.key"
    if not path.exists():
        keyring.create(path)
    return keyring.load(path)


def mark_of(home: Path, policy: Policy) -> bytes | None:
    """The key of this buyer's copies of this dataset, if the policy marks answers."""
    if not policy.output.watermark:
        return None
    return watermark.key_of(_marks_secret(home), policy.buyer, policy.policy_id)


def whose(session: Session, home: Path, room_id: str, table: list[watermark.Cell]) -> list[tuple[watermark.Match, str]]:
    """How well the mark of each buyer who has had a room of this room's dataset fits a leaked table, the best first,
    with the buyer's name. Raises NotFound where there is no such room, or its answers bear no marks."""
    room = session.get(TestRoom, room_id)
    if room is None or not Policy.from_json(room.policy).output.watermark:
        raise NotFound(room_id)
    policy = Policy.from_json(room.policy)
    rooms = session.exec(
        select(Organisation.id, Organisation.name)
        .join(TestRoom, col(TestRoom.org_id) == col(Organisation.id))
        .where(TestRoom.listing_id == room.listing_id, TestRoom.version == room.version)
        .distinct()
    )
    names, secret = dict(rooms.all()), _marks_secret(home)
    keys = {org_id: watermark.key_of(secret, org_id, policy.policy_id) for org_id in names}
    return [(match, names[match.whose]) for match in watermark.whose(table, policy.output.round_to, keys)]


def _marks_secret(home: Path) -> bytes:
    path = home / "marks.key"
    make_once(path, secrets.token_bytes(32))
    return path.read_bytes()


def seal(session: Session, run: QueryRun, room: TestRoom, now: datetime) -> dict[str, str]:
    """Sign what is known of an answer, keep the receipt with it; returns its digest as the log's record holds it."""
    known = {name: value for name, value in run.receipt.items() if name in receipt.CLAIMS}
    claims = {
        **known, "iss": str(session.info["log_origin"]), "qid": run.id, "room": room.id,
        "at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }  # fmt: skip
    run.signed_receipt = receipt.make(claims, _key(session))
    return {"receipt": leaf_digest(receipt.digest(run.signed_receipt))}


def key_digest(session: Session) -> str:
    """The key's thumbprint (RFC 7638) as a record holds a digest: every opened room names the key of its receipts."""
    return "sha-256:" + receipt.thumbprint(_key(session).public_key())


def _key(session: Session) -> Ed25519PrivateKey:
    kept = session.info["kept"]
    if "room_key" not in kept:
        kept["room_key"] = key_of(session.info["home"])
    return cast(Ed25519PrivateKey, kept["room_key"])
