"""Signing keys: an organisation's public keys, each added with proof that the private half is there.

The proof is a compact JWS (RFC 7515 section 7.1) made with the new key over a challenge of ours. Its protected header
is exactly ``{"alg", "jwk", "typ": "minhbach-key+jws"}``, so that it can never pass for a contract's signature, nor a
contract's for it. The challenge names organisation, person and session, and is worth nothing to anybody else.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from contracts import canonical
from contracts.errors import ContractsError
from contracts.keys import ALGORITHMS_OF, check_public_jwk, check_signature, decode, thumbprint
from exchange import audit
from exchange.accounts.models import SigningKey
from exchange.accounts.rules import check_name
from exchange.errors import N_, NotFound, NotPermitted, Refused, refuse
from exchange.permissions import Actor, Permission, require

TYP = "minhbach-key+jws"
CHALLENGE_LENGTH = timedelta(minutes=15)
GRADES = ("browser", "file")
MAX_PROOF = 4_096  # characters; RSA-4096 takes 1,900


class Reason(StrEnum):
    """Why a key ends, after the reasons of RFC 5280 section 5.3.1; the last two are set by the exchange."""

    UNUSED = "unused"  # cessationOfOperation
    LOST = "lost"  # nobody can use it any more
    STOLEN = "stolen"  # keyCompromise: somebody else may be able to
    LEFT = "left"  # affiliationChanged: its person has left
    ROTATED = "rotated"  # superseded: its successor was registered by it
    ERASED = "erased"  # its person was erased


REASONS = (Reason.UNUSED, Reason.LOST, Reason.STOLEN, Reason.LEFT)


def make_challenge(secret: str, actor: Actor, credential: str, now: datetime) -> str:
    """What the new key must sign: ``random.expiry.seal``. ``credential`` is the session's cookie or bearer token.

    Nothing is stored: the seal (HMAC-SHA-256) binds it, and a key can be added only once, so replay gains nothing.
    """
    body = f"{secrets.token_urlsafe(32)}.{int((now + CHALLENGE_LENGTH).timestamp())}"
    return f"{body}.{_seal(secret, actor, credential, body)}"


def check_challenge(secret: str, challenge: str, actor: Actor, credential: str, now: datetime) -> None:
    """Raise Refused unless we made this challenge for this very session, less than fifteen minutes ago."""
    body, _, seal = challenge.rpartition(".")
    if not hmac.compare_digest(seal.encode(), _seal(secret, actor, credential, body).encode()):
        raise refuse("CHALLENGE_FOREIGN", N_("This proof was not made for this session. Begin again."), field="proof")
    if int(body.rpartition(".")[2]) <= now.timestamp():
        raise refuse("CHALLENGE_EXPIRED", N_("The proof took too long. Begin again."), field="proof")


def _seal(secret: str, actor: Actor, credential: str, body: str) -> str:
    facts = ["minhbach-key-challenge", actor.org_id, actor.user_id or "", credential, body]
    return hmac.new(secret.encode(), canonical.dumps(facts), hashlib.sha256).hexdigest()


def add_key(
    session: Session,
    actor: Actor | None,
    *,
    proof: str,
    label: str,
    grade: str,
    secret: str,
    credential: str,
    now: datetime,
    hashes: Mapping[str, str] | None = None,
) -> SigningKey:
    """Register the public key inside ``proof`` for the actor's organisation, and record it in the log, with ``hashes``
    of what else the record shall commit to."""
    actor = require(actor, Permission.MANAGE_KEYS)
    if actor.user_id is None:
        raise NotPermitted(Permission.MANAGE_KEYS, N_("A signing key belongs to a person; sign in as one to add it."))
    if grade not in GRADES:
        text = N_("Say where the private key is kept.")
        raise refuse("KEY_GRADE_UNKNOWN", text, field="grade", value=grade, passes=", ".join(GRADES))
    label = check_name(label, "label")
    try:
        jwk, alg, challenge = read_proof(proof)
    except ContractsError as error:
        raise key_refused(error.code) from error
    check_challenge(secret, challenge, actor, credential, now)
    kid = thumbprint(jwk)
    if session.exec(select(SigningKey.id).where(SigningKey.thumbprint == kid)).first():
        text = N_("This key is registered already, or was and has been revoked. Make a new one.")
        raise refuse("KEY_TAKEN", text, field="proof", value=kid, status=409)
    key = SigningKey(
        org_id=actor.org_id, user_id=actor.user_id, thumbprint=kid, jwk=jwk, alg=alg, grade=grade, label=label,
        added_at=now, added_event="",
    )  # fmt: skip
    key.added_event = _record(session, "key.added", actor, key, now, hashes=hashes)
    session.add(key)
    session.flush()
    return key


def revoke_key(
    session: Session,
    actor: Actor | None,
    key_id: str,
    now: datetime,
    *,
    reason: str = Reason.UNUSED,
    since: datetime | None = None,
) -> SigningKey:
    """From here on in the log the key signs nothing; what it signed before stays signed.

    ``since`` is from when on the owner no longer had it to themselves. It is told, not enforced: nobody could check
    it, and whoever regrets a signature could name a day before it. What was signed after it can be seen and ended.
    """
    actor = require(actor, Permission.MANAGE_KEYS)
    key = held(session, actor, key_id)
    if key.revoked_at is not None:
        return key
    if reason not in REASONS:
        text = N_("Say why the key ends.")
        raise refuse("REVOCATION_REASON", text, field="reason", value=reason, passes=", ".join(REASONS))
    if since is not None and not key.added_at <= since <= now:
        text = N_("This moment lies before the key was registered, or has not come yet.")
        raise refuse("REVOCATION_SINCE", text, field="since", value=since.isoformat(timespec="minutes"))
    return end_key(session, actor, key, Reason(reason), now, since=since)


def held(session: Session, actor: Actor, key_id: str) -> SigningKey:
    """The organisation's own key, ours until commit: signing takes the same lock, so of the two one comes first."""
    key = session.get(SigningKey, key_id, with_for_update=True, populate_existing=True)
    if key is None or key.org_id != actor.org_id:
        raise NotFound()
    return key


def end_key(
    session: Session,
    actor: Actor | None,
    key: SigningKey,
    reason: Reason,
    now: datetime,
    *,
    since: datetime | None = None,
) -> SigningKey:
    """Row and record of a revocation; the caller holds the row and has checked who may."""
    more: dict[str, int | str | bool] = {"reason": str(reason)}
    if since is not None:
        more["since_s"] = int(since.timestamp())
    key.revoked_at, key.revoked_reason, key.suspect_since = now, reason, since
    key.revoked_event = _record(session, "key.revoked", actor, key, now, details=more)
    session.add(key)
    session.flush()
    return key


def revoke_keys_of(session: Session, user_id: str, now: datetime) -> None:
    """Of a person who is erased: no key signs any more, and none keeps the name they gave it. Public keys stay: they
    are what old contracts are checked with."""
    for key in session.exec(select(SigningKey).where(SigningKey.user_id == user_id).with_for_update()).all():
        key.label = ""
        session.add(key)
        if key.revoked_at is None:
            end_key(session, None, key, Reason.ERASED, now)


def keys_of(session: Session, org_id: str, *, active: bool = False) -> list[SigningKey]:
    """The organisation's keys, newest first; with ``active`` only those that may sign."""
    query = select(SigningKey).where(SigningKey.org_id == org_id).order_by(col(SigningKey.added_at).desc())
    usable = query.where(col(SigningKey.revoked_at).is_(None), col(SigningKey.confirmed))
    return list(session.exec(usable if active else query))


def read_proof(proof: str, *, typ: str = TYP, limit: int = MAX_PROOF) -> tuple[dict[str, str], str, str]:
    """Key, algorithm and payload (a challenge) of a proof whose signature holds; raises ContractsError or Refused."""
    parts = proof.strip().split(".") if len(proof) <= limit else []
    if len(parts) != 3:
        raise key_refused("PROOF_MALFORMED")
    protected, payload, signature = parts
    header: Any = canonical.loads(decode(protected, "protected"))
    if not isinstance(header, dict) or set(header) != {"alg", "jwk", "typ"} or header["typ"] != typ:
        raise key_refused("PROOF_MALFORMED")
    jwk = check_public_jwk(header["jwk"])
    if header["alg"] not in ALGORITHMS_OF[jwk["kty"]]:
        raise key_refused("ALGORITHM_REFUSED")
    check_signature(f"{protected}.{payload}".encode(), decode(signature, "signature"), jwk, header["alg"])
    try:
        return jwk, header["alg"], decode(payload, "payload").decode("ascii")
    except UnicodeDecodeError:
        raise key_refused("PROOF_MALFORMED") from None


_SENTENCES = {
    "KEY_PRIVATE": N_("This is a private key. It must never leave its owner: make a new one and keep it to yourself."),
    "KEY_REFUSED": N_("The exchange does not accept this kind of key, or the key is weak."),
    "ALGORITHM_REFUSED": N_("The exchange does not accept this signature algorithm."),
    "SIGNATURE_INVALID": N_("The proof was not signed with this key."),
}


def key_refused(code: str) -> Refused:
    """An error of the contract package about a key or its proof, in words."""
    text = _SENTENCES.get(code, N_("The proof cannot be read. Begin again."))
    return refuse(code, text, field="proof", passes=N_("Ed25519, ECDSA P-256, or RSA with 2048 to 4096 bits."))


def _record(
    session: Session,
    event: str,
    actor: Actor | None,
    key: SigningKey,
    now: datetime,
    *,
    hashes: Mapping[str, str] | None = None,
    details: Mapping[str, int | str | bool] | None = None,
) -> str:
    return audit.record(
        session,
        event,
        actor,
        on=[f"key:{key.thumbprint}", f"org:{key.org_id}"],
        now=now,
        hashes={"key": f"sha-256:{key.thumbprint}", **(hashes or {})},
        details={"alg": key.alg, "grade": key.grade, **(details or {})},
        private={f"user:{key.user_id}": {"label": key.label}},
    )
