"""Signing a contract and checking signatures: JWS JSON serialization (RFC 7515 section 7.2), one entry per party.

All parties sign the same payload bytes, in any order. An entry is `{"protected": ..., "signature": ...}` and nothing
else; its protected header holds exactly

    alg  Ed25519 | ES256 | RS256 | PS256       (EdDSA is read, never written: RFC 9864 deprecates it)
    typ  "minhbach-contract+jws"     cty  "json"
    iat  when it was signed, in seconds

and who signed, in one of two ways:

    jwk  the public key, required members only     kid       its RFC 7638 thumbprint
    x5c  certificates, the signer's first          x5t#S256  that one's SHA-256 (the headers of JAdES-B-B)

The key in the header proves nothing by itself: it counts only because the signed contract lists its thumbprint. With
it inside, a regulator needs no key directory to verify. There is no `crit`, no unprotected header, no other alg. To
whom a certificate was issued and under which root is for `certificates.check_chain`, at the time of the log's record.
Signatures of other forms come inside a file; `forms.py` opens those. Checks raise; each failure has its own code.
Signature bytes are never ids: ECDSA signatures are malleable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from contracts import canonical, header
from contracts.document import Contract, parse
from contracts.errors import ContractsError
from contracts.header import protect
from contracts.keys import (
    ALGORITHMS_OF,
    PrivateKey,
    SignatureError,
    check_public_jwk,
    check_signature,
    decode,
    from_pem,
    generate,
    make_signature,
    public_jwk,
    thumbprint,
    to_pem,
)

__all__ = [
    "PartyResult",
    "SignatureError",
    "SignerInfo",
    "assemble",
    "check",
    "check_all",
    "check_public_jwk",
    "check_signer",
    "examine",
    "from_pem",
    "generate",
    "protect",
    "public_jwk",
    "sign",
    "signing_input",
    "thumbprint",
    "to_pem",
]

LEEWAY = timedelta(minutes=5)  # between the clocks of a signer and of the exchange


@dataclass(frozen=True)
class SignerInfo:
    """Who signed, with which key and algorithm, and when by the signer's own clock.

    `kid` is what the contract lists: the key's RFC 7638 thumbprint, or the certificate's x5t#S256 where there is a
    `chain` (DER, the signer's first), which is still to be judged by `certificates.check_chain`.
    """

    org_id: str
    kid: str
    alg: str
    iat: datetime
    chain: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class PartyResult:
    """What came of one signature, or of one that is missing: the signer, or why it does not count."""

    org_id: str | None  # None: it names no key of any party
    signer: SignerInfo | None
    problem: ContractsError | None = None


def signing_input(protected: str, payload: bytes) -> bytes:
    """The ASCII bytes that are signed (RFC 7515 section 5.1)."""
    return f"{protected}.{_coded(payload)}".encode("ascii")


_coded = lru_cache(maxsize=16)(canonical.b64url)  # all parties sign the same payload


def sign(
    payload: bytes, private: PrivateKey, *, now: datetime, alg: str | None = None, chain: Sequence[bytes] = ()
) -> dict[str, str]:
    """One party's signature entry over the payload; by certificate where there is a `chain`, the key's own first."""
    key = public_jwk(private)
    protected = protect(key, now=now, alg=alg, chain=chain)
    raw = make_signature(signing_input(protected, payload), private, alg or ALGORITHMS_OF[key["kty"]][0])
    return {"protected": protected, "signature": canonical.b64url(raw)}


def check(
    payload: bytes,
    entry: object,
    contract: Contract,
    *,
    org_id: str | None = None,
    now: datetime | None = None,
    signed: Collection[SignerInfo] = (),
) -> SignerInfo:
    """Who made this signature of this contract; raises SignatureError when it does not count.

    `org_id` is the organisation in whose name it is handed in; `signed` are the signatures that already count.
    """
    if payload != contract.payload:
        raise SignatureError("PAYLOAD_CHANGED", contract=contract.id)
    if org_id is not None and org_id not in contract.needs:
        raise SignatureError("SIGNER_NOT_PARTY", org=org_id, passes=", ".join(contract.needs))
    protected, signature = _parts(entry)
    fields = header.read(protected)
    kid, key, chain = header.key_of(fields)
    if fields["alg"] not in ALGORITHMS_OF[key["kty"]]:
        raise SignatureError("ALGORITHM_REFUSED", value=fields["alg"], passes=", ".join(ALGORITHMS_OF[key["kty"]]))
    _owner(kid, contract, org_id)
    check_signature(signing_input(protected, payload), decode(signature, "signature"), key, fields["alg"])
    iat = datetime.fromtimestamp(fields["iat"], UTC)
    return check_signer(contract, kid, fields["alg"], iat, chain, org_id=org_id, now=now, signed=signed)


def check_signer(
    contract: Contract,
    kid: str,
    alg: str,
    iat: datetime,
    chain: tuple[bytes, ...],
    *,
    org_id: str | None = None,
    now: datetime | None = None,
    signed: Collection[SignerInfo] = (),
) -> SignerInfo:
    """What is asked of a signature of any form that holds: one party's key, a time that can be, the first of its
    organisation."""
    info = SignerInfo(_owner(kid, contract, org_id), kid, alg, iat, chain)
    _check_time(info, contract, now)
    if any(earlier.org_id == info.org_id for earlier in signed):
        raise SignatureError("SIGNATURE_REPEATED", org=info.org_id)
    return info


def assemble(payload: bytes, entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The signed contract as one JWS in general JSON serialization (RFC 7515 section 7.2.1)."""
    return {
        "payload": canonical.b64url(payload),
        "signatures": [{"protected": entry["protected"], "signature": entry["signature"]} for entry in entries],
    }


def check_all(signed: object, *, now: datetime | None = None) -> list[SignerInfo]:
    """The signers of a complete contract, in order; exactly those whom it needs, each once, or it raises."""
    results = examine(signed, now=now)
    problems = [result.problem for result in results if result.problem is not None]
    for problem in problems:
        if problem.code != "SIGNATURE_MISSING":
            raise problem
    if problems:
        raise SignatureError("SIGNATURE_MISSING", org=", ".join(str(problem.facts["org"]) for problem in problems))
    return [result.signer for result in results if result.signer is not None]


def examine(signed: object, *, now: datetime | None = None) -> list[PartyResult]:
    """Each signature of a contract by itself, in order, and each that is missing; a bad one does not hide the others.

    Raises only when the whole is no signed contract.
    """
    if not isinstance(signed, dict) or set(signed) != {"payload", "signatures"}:
        raise SignatureError("SIGNED_FORM_REFUSED", path="/")
    entries = signed["signatures"]
    if not isinstance(entries, list):
        raise SignatureError("SIGNED_FORM_REFUSED", path="signatures")
    payload = decode(signed["payload"], "payload")
    contract = parse(payload)
    found: list[SignerInfo] = []
    results: list[PartyResult] = []
    for entry in entries:
        try:
            found.append(check(payload, entry, contract, now=now, signed=tuple(found)))
            results.append(PartyResult(found[-1].org_id, found[-1]))
        except ContractsError as problem:
            results.append(PartyResult(_claimed(entry, contract), None, problem))
    named = {result.org_id for result in results}
    if missing := [org for org in contract.needs if org not in named]:
        results += [PartyResult(org, None, SignatureError("SIGNATURE_MISSING", org=org)) for org in missing]
    return results


def _claimed(entry: object, contract: Contract) -> str | None:
    """The party whose key a bad signature names, as far as that can be read."""
    try:
        kid, _, _ = header.key_of(header.read(_parts(entry)[0]))
        return _owner(kid, contract, None)
    except ContractsError:
        return None


def _parts(entry: object) -> tuple[str, str]:
    if not isinstance(entry, Mapping):
        raise SignatureError("SIGNATURE_MALFORMED", path="entry")
    for name in entry:
        if name not in ("protected", "signature"):
            raise SignatureError("SIGNATURE_MALFORMED", path=str(name)[:80])
    for name in ("protected", "signature"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise SignatureError("SIGNATURE_MALFORMED", path=name)
    return entry["protected"], entry["signature"]


def _owner(kid: str, contract: Contract, org_id: str | None) -> str:
    """The one party that listed the key; `document.parse` has made sure that there is at most one."""
    for party in contract.parties:
        if kid in party.keys and org_id in (None, party.org_id):
            if party.org_id not in contract.needs:
                raise SignatureError("SIGNER_NOT_PARTY", org=party.org_id, passes=", ".join(contract.needs))
            return party.org_id
    raise SignatureError("KEY_UNKNOWN", kid=kid, org=org_id)


def _check_time(info: SignerInfo, contract: Contract, now: datetime | None) -> None:
    if info.iat < contract.created - LEEWAY:
        raise SignatureError("SIGNED_BEFORE_CONTRACT", value=info.iat.isoformat(), passes=contract.created.isoformat())
    if now is not None and info.iat > now + LEEWAY:
        raise SignatureError("SIGNED_IN_FUTURE", value=info.iat.isoformat(), passes=now.isoformat())
