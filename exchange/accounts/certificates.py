"""A certificate as a signing key: registered with proof that its private key is there, for the organisation it names.

The proof is the compact JWS of keys.py with ``{"alg", "typ", "x5c"}`` as its header, or, for programs that make nothing
else, a ``.p7s`` (CAdES detached, in base64) over the challenge, which then comes along. The certificate must lead to a
root in force (trust.py), whose kind is the grade of what it signs. Whose it is, its subject says by the tax code; where
it says nothing the operator confirms it before it may sign (decision 0013). Revocation is that of any key.
"""

import base64
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from contracts import canonical, certificates, forms, header
from contracts.errors import ContractsError
from contracts.keys import ALGORITHMS_OF, SignatureError, check_signature, decode
from exchange import audit
from exchange.accounts import keys, trust
from exchange.accounts.models import Organisation, SigningKey
from exchange.accounts.rules import check_name
from exchange.errors import N_, NotFound, NotPermitted, refuse
from exchange.permissions import Actor, Permission, require

MAX_PROOF = 65_536  # characters; three certificates of an authority licensed by the State take 14,000


def add_certificate(
    session: Session,
    actor: Actor | None,
    *,
    proof: str,
    label: str,
    secret: str,
    credential: str,
    now: datetime,
    challenge: str | None = None,
) -> SigningKey:
    """Register the certificate that made ``proof`` for the actor's organisation, and record it in the log."""
    actor = require(actor, Permission.MANAGE_KEYS)
    if actor.user_id is None:
        raise NotPermitted(Permission.MANAGE_KEYS, N_("A signing key belongs to a person; sign in as one to add it."))
    label = check_name(label, "label")
    try:
        chain, alg, signed = _read_file(proof, challenge) if challenge and "." not in proof else _read_proof(proof)
        keys.check_challenge(secret, signed, actor, credential, now)
        judged = trust.judge(session, chain, now)
    except ContractsError as error:
        raise trust.said(error, field="proof") from error
    kid = judged.signer.thumbprint
    if session.exec(select(SigningKey.id).where(SigningKey.thumbprint == kid)).first():
        text = N_("This certificate is registered already, or was and has been revoked.")
        raise refuse("KEY_TAKEN", text, field="proof", value=kid, status=409)
    own = _names(chain[0], session.get_one(Organisation, actor.org_id))
    key = SigningKey(
        org_id=actor.org_id, user_id=actor.user_id, thumbprint=kid, jwk=certificates.public_jwk(chain[0]), alg=alg,
        grade=judged.signer.grade, chain=[base64.b64encode(der).decode() for der in judged.signer.path[:-1]],
        subject=judged.signer.subject, label=label, added_at=now, added_event="", confirmed=own,
    )  # fmt: skip
    key.added_event = audit.record(
        session, "key.added", actor, on=_subjects(key), now=now, hashes={"key": f"sha-256:{kid}"},
        details={"alg": alg, "grade": key.grade, "confirmed": own}, private={f"user:{key.user_id}": {"label": label}},
    )  # fmt: skip
    session.add(key)
    session.flush()
    return key


def confirm(session: Session, actor: Actor | None, key_id: str, now: datetime) -> SigningKey:
    """The operator has seen proof that the certificate is this organisation's; from now on it may sign."""
    actor = require(actor, Permission.MODERATE)
    key = session.get(SigningKey, key_id, with_for_update=True)
    if key is None or key.chain is None:
        raise NotFound()
    if key.revoked_at is not None:
        raise refuse("KEY_REVOKED", N_("This certificate was revoked; it cannot be confirmed."), status=409)
    if not key.confirmed:
        key.confirmed = True
        audit.record(
            session, "key.confirmed", actor, on=_subjects(key), now=now, hashes={"key": f"sha-256:{key.thumbprint}"}
        )
        session.add(key)
        session.flush()
    return key


def waiting(session: Session) -> list[tuple[SigningKey, Organisation]]:
    """Certificates that the operator has still to confirm, oldest first."""
    query = select(SigningKey, Organisation).join(Organisation, col(Organisation.id) == col(SigningKey.org_id))
    unconfirmed = query.where(col(SigningKey.confirmed).is_(False), col(SigningKey.revoked_at).is_(None))
    return list(session.exec(unconfirmed.order_by(col(SigningKey.added_at))).all())


def chain_of(key: SigningKey) -> tuple[bytes, ...]:
    """The certificates of a registered one, the signer's first; none of a bare key."""
    return tuple(base64.b64decode(text) for text in key.chain or ())


def _read_proof(proof: str) -> tuple[tuple[bytes, ...], str, str]:
    """Certificates, algorithm and challenge of a proof whose signature holds."""
    parts = proof.strip().split(".") if len(proof) <= MAX_PROOF else []
    if len(parts) != 3:
        raise refuse("PROOF_MALFORMED", N_("The proof cannot be read. Begin again."), field="proof")
    protected, payload, signature = parts
    fields: Any = canonical.loads(decode(protected, "protected"))
    if not isinstance(fields, dict) or set(fields) != {"alg", "typ", "x5c"} or fields["typ"] != keys.TYP:
        raise refuse("PROOF_MALFORMED", N_("The proof cannot be read. Begin again."), field="proof")
    chain = header.parse_chain(fields["x5c"])
    jwk = certificates.public_jwk(chain[0])
    if fields["alg"] not in ALGORITHMS_OF[jwk["kty"]]:
        passes = ", ".join(ALGORITHMS_OF[jwk["kty"]])
        raise SignatureError("ALGORITHM_REFUSED", value=str(fields["alg"])[:80], passes=passes)
    check_signature(f"{protected}.{payload}".encode(), decode(signature, "signature"), jwk, fields["alg"])
    return chain, fields["alg"], decode(payload, "payload").decode("ascii", "replace")


def _read_file(proof: str, challenge: str) -> tuple[tuple[bytes, ...], str, str]:
    """The same of a CAdES signature over the challenge."""
    try:
        data = base64.b64decode("".join(proof.split()), validate=True)
    except ValueError:
        raise refuse("PROOF_MALFORMED", N_("The proof cannot be read. Begin again."), field="proof") from None
    (sealed,) = forms.open_file("cades", data, challenge.encode())
    return sealed.chain, sealed.alg, challenge


def _names(der: bytes, org: Organisation) -> bool:
    """Whether the certificate's subject states the organisation's tax code."""
    return _digits(org.tax_code) in {_digits(code) for code in certificates.tax_codes(der)}


def _digits(code: str) -> str:
    return code.replace("-", "")


def _subjects(key: SigningKey) -> list[str]:
    return [f"key:{key.thumbprint}", f"org:{key.org_id}"]
