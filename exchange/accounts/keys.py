"""Signing keys: an organisation's public keys, each added with proof that the private half is there.

The proof is a compact JWS (RFC 7515 section 7.1) made with the new key over a challenge of ours. Its protected header
is exactly ``{"alg", "jwk", "typ": "minhbach-key+jws"}``, so that it can never pass for a contract's signature, nor a
contract's for it. The challenge names organisation, person and session, and is worth nothing to anybody else.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
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
) -> SigningKey:
    """Register the public key inside ``proof`` for the actor's organisation, and record it in the log."""
    actor = require(actor, Permission.MANAGE_KEYS)
    if actor.user_id is None:
        raise NotPermitted(Permission.MANAGE_KEYS, N_("A signing key belongs to a person; sign in as one to add it."))
    if grade not in GRADES:
        text = N_("Say where the private key is kept.")
        raise refuse("KEY_GRADE_UNKNOWN", text, field="grade", value=grade, passes=", ".join(GRADES))
    label = check_name(label, "label")
    try:
        jwk, alg, challenge = _read_proof(proof)
    except ContractsError as error:
        raise _key_refused(error.code) from error
    check_challenge(secret, challenge, actor, credential, now)
    kid = thumbprint(jwk)
    if session.exec(select(SigningKey.id).where(SigningKey.thumbprint == kid)).first():
        text = N_("This key is registered already, or was and has been revoked. Make a new one.")
        raise refuse("KEY_TAKEN", text, field="proof", value=kid, status=409)
    key = SigningKey(
        org_id=actor.org_id, user_id=actor.user_id, thumbprint=kid, jwk=jwk, alg=alg, grade=grade, label=label,
        added_at=now, added_event="",
    )  # fmt: skip
    key.added_event = _record(session, "key.added", actor, key, now)
    session.add(key)
    session.flush()
    return key


def revoke_key(session: Session, actor: Actor | None, key_id: str, now: datetime) -> SigningKey:
    """From here on in the log the key signs nothing; what it signed before stays signed."""
    actor = require(actor, Permission.MANAGE_KEYS)
    key = session.get(SigningKey, key_id, with_for_update=True)
    if key is None or key.org_id != actor.org_id:
        raise NotFound()
    if key.revoked_at is None:
        key.revoked_at = now
        key.revoked_event = _record(session, "key.revoked", actor, key, now)
    return key


def revoke_keys_of(session: Session, user_id: str, now: datetime) -> None:
    """Of a person who is erased: no key signs any more, and none keeps the name they gave it. Public keys stay: they
    are what old contracts are checked with."""
    for key in session.exec(select(SigningKey).where(SigningKey.user_id == user_id).with_for_update()).all():
        key.label = ""
        if key.revoked_at is None:
            key.revoked_at, key.revoked_event = now, _record(session, "key.revoked", None, key, now)
        session.add(key)


def keys_of(session: Session, org_id: str, *, active: bool = False) -> list[SigningKey]:
    """The organisation's keys, newest first; with ``active`` only those that may sign."""
    query = select(SigningKey).where(SigningKey.org_id == org_id).order_by(col(SigningKey.added_at).desc())
    usable = query.where(col(SigningKey.revoked_at).is_(None), col(SigningKey.confirmed))
    return list(session.exec(usable if active else query))


def _read_proof(proof: str) -> tuple[dict[str, str], str, str]:
    """Key, algorithm and challenge of a proof whose signature holds; raises ContractsError or Refused."""
    parts = proof.strip().split(".") if len(proof) <= MAX_PROOF else []
    if len(parts) != 3:
        raise _key_refused("PROOF_MALFORMED")
    protected, payload, signature = parts
    header: Any = canonical.loads(decode(protected, "protected"))
    if not isinstance(header, dict) or set(header) != {"alg", "jwk", "typ"} or header["typ"] != TYP:
        raise _key_refused("PROOF_MALFORMED")
    jwk = check_public_jwk(header["jwk"])
    if header["alg"] not in ALGORITHMS_OF[jwk["kty"]]:
        raise _key_refused("ALGORITHM_REFUSED")
    check_signature(f"{protected}.{payload}".encode(), decode(signature, "signature"), jwk, header["alg"])
    try:
        return jwk, header["alg"], decode(payload, "payload").decode("ascii")
    except UnicodeDecodeError:
        raise _key_refused("PROOF_MALFORMED") from None


_SENTENCES = {
    "KEY_PRIVATE": N_("This is a private key. It must never leave its owner: make a new one and keep it to yourself."),
    "KEY_REFUSED": N_("The exchange does not accept this kind of key, or the key is weak."),
    "ALGORITHM_REFUSED": N_("The exchange does not accept this signature algorithm."),
    "SIGNATURE_INVALID": N_("The proof was not signed with this key."),
}


def _key_refused(code: str) -> Refused:
    text = _SENTENCES.get(code, N_("The proof cannot be read. Begin again."))
    return refuse(code, text, field="proof", passes=N_("Ed25519, ECDSA P-256, or RSA with 2048 to 4096 bits."))


def _record(session: Session, event: str, actor: Actor | None, key: SigningKey, now: datetime) -> str:
    details: dict[str, int | str | bool] = {"alg": key.alg, "grade": key.grade}
    subjects = [f"key:{key.thumbprint}", f"org:{key.org_id}"]
    hashes = {"key": f"sha-256:{key.thumbprint}"}
    private = {f"user:{key.user_id}": {"label": key.label}}
    return audit.record(
        session, event, actor, on=subjects, now=now, hashes=hashes, details=details, private=private
    )  # fmt: skip
