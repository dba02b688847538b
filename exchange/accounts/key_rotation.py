"""Replacing a signing key while one still holds it: the old key vouches for the new one and ends in the same moment.

The endorsement is a compact JWS made with the old key, header ``{"alg", "jwk", "typ": "minhbach-key-rotation+jws"}``,
over the new key's own proof. So it speaks of that key and of this session's challenge and of nothing else. In the log
the record ``key.added`` of the new key commits to the old one and to the endorsement, and ``key.revoked`` follows it;
both stand in one transaction, so a crash leaves both keys as they were.
"""

import hashlib
from datetime import datetime

from sqlmodel import Session

from contracts import canonical
from contracts.errors import ContractsError
from exchange.accounts import keys
from exchange.accounts.models import SigningKey
from exchange.errors import N_, refuse
from exchange.permissions import Actor, Permission, require

TYP = "minhbach-key-rotation+jws"
MAX_ENDORSEMENT = 8_192  # characters; RSA-4096 over a proof by RSA-4096 takes 4,700


def rotate_key(
    session: Session,
    actor: Actor | None,
    key_id: str,
    *,
    proof: str,
    endorsement: str,
    label: str,
    grade: str,
    secret: str,
    credential: str,
    now: datetime,
) -> SigningKey:
    """Register the key of ``proof`` in place of ``key_id``, whose ``endorsement`` it brings; the old one ends."""
    actor = require(actor, Permission.MANAGE_KEYS)
    old = keys.held(session, actor, key_id)
    if old.revoked_at is not None:
        text = N_("This key has ended already. Register the new one by itself.")
        raise refuse("KEY_REVOKED", text, value=old.thumbprint, status=409)
    check_endorsement(endorsement, old, proof)
    digest = canonical.b64url(hashlib.sha256(endorsement.encode()).digest())
    new = keys.add_key(
        session, actor, proof=proof, label=label, grade=grade, secret=secret, credential=credential, now=now,
        hashes={"replaces": f"sha-256:{old.thumbprint}", "endorsement": f"sha-256:{digest}"},
    )  # fmt: skip
    keys.end_key(session, actor, old, keys.Reason.ROTATED, now)
    return new


def check_endorsement(endorsement: str, old: SigningKey, proof: str) -> None:
    """Raise Refused unless the old key itself signed exactly this proof of the new one."""
    try:
        jwk, _alg, payload = keys.read_proof(endorsement, typ=TYP, limit=MAX_ENDORSEMENT)
    except ContractsError as error:
        raise keys.key_refused(error.code) from error
    if jwk != old.jwk or payload != proof.strip():
        text = N_("The old key did not vouch for this new one. Begin again.")
        raise refuse("ENDORSEMENT_FOREIGN", text, field="endorsement", value=old.thumbprint)
