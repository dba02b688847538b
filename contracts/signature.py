"""Signing a contract and checking signatures: JWS JSON serialization (RFC 7515 section 7.2), one entry per party.

All parties sign the same payload bytes, in any order. An entry is `{"protected": ..., "signature": ...}` and nothing
else; its protected header holds exactly

    alg  Ed25519 | ES256 | RS256 | PS256       (EdDSA is read, never written: RFC 9864 deprecates it)
    typ  "minhbach-contract+jws"     cty  "json"
    iat  when it was signed, in seconds
    jwk  the public key, required members only     kid  its RFC 7638 thumbprint

The key in the header proves nothing by itself: it counts only because the signed contract lists its thumbprint. With
it inside, a regulator needs no key directory to verify. There is no `crit`, no unprotected header, no other alg.
Checks raise; each failure has its own code. Signature bytes are never ids: ECDSA signatures are malleable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import canonical
from contracts.document import Contract, parse
from contracts.errors import CanonicalError
from contracts.keys import (
    ALGORITHMS_OF,
    WRITTEN,
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
    "SignatureError",
    "SignerInfo",
    "assemble",
    "check",
    "check_all",
    "check_public_jwk",
    "from_pem",
    "generate",
    "protect",
    "public_jwk",
    "sign",
    "signing_input",
    "thumbprint",
    "to_pem",
]

TYP = "minhbach-contract+jws"
CTY = "json"
LEEWAY = timedelta(minutes=5)  # between the clocks of a signer and of the exchange
MAX_HEADER = 2_048  # characters; the key of RSA-4096 with everything else takes 1,100

_HEADER = ("alg", "cty", "iat", "jwk", "kid", "typ")
_LAST_SECOND = 253_402_300_799  # the end of the year 9999
_ACCEPTED = tuple(alg for algs in ALGORITHMS_OF.values() for alg in algs)


@dataclass(frozen=True)
class SignerInfo:
    """Who signed, with which key and algorithm, and when by the signer's own clock."""

    org_id: str
    kid: str
    alg: str
    iat: datetime


def protect(jwk: Mapping[str, Any], *, now: datetime, alg: str | None = None) -> str:
    """The protected header for a key, in base64url: what a browser signs after it is this, a dot and the payload."""
    key = check_public_jwk(jwk)
    chosen = alg or ALGORITHMS_OF[key["kty"]][0]
    if chosen not in WRITTEN or chosen not in ALGORITHMS_OF[key["kty"]]:
        passes = ", ".join(name for name in ALGORITHMS_OF[key["kty"]] if name in WRITTEN)
        raise SignatureError("ALGORITHM_REFUSED", value=chosen, passes=passes)
    return canonical.b64url(canonical.dumps(_header(key, chosen, now)))


def signing_input(protected: str, payload: bytes) -> bytes:
    """The ASCII bytes that are signed (RFC 7515 section 5.1)."""
    return f"{protected}.{canonical.b64url(payload)}".encode("ascii")


def sign(payload: bytes, private: PrivateKey, *, now: datetime, alg: str | None = None) -> dict[str, str]:
    """One party's signature entry over the payload."""
    key = public_jwk(private)
    protected = protect(key, now=now, alg=alg)
    chosen = alg or ALGORITHMS_OF[key["kty"]][0]
    raw = make_signature(signing_input(protected, payload), private, chosen)
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
    header = _read_header(protected)
    key = check_public_jwk(header["jwk"], bare=True)
    kid = thumbprint(key)
    if header["kid"] != kid:
        raise SignatureError("KEY_MISMATCH", value=str(header["kid"])[:80], passes=kid)
    if header["alg"] not in ALGORITHMS_OF[key["kty"]]:
        raise SignatureError("ALGORITHM_REFUSED", value=header["alg"], passes=", ".join(ALGORITHMS_OF[key["kty"]]))
    org = _owner(kid, contract, org_id)
    check_signature(signing_input(protected, payload), decode(signature, "signature"), key, header["alg"])
    info = SignerInfo(org, kid, header["alg"], datetime.fromtimestamp(header["iat"], UTC))
    _check_time(info, contract, now)
    if any(earlier.org_id == org for earlier in signed):
        raise SignatureError("SIGNATURE_REPEATED", org=org)
    return info


def assemble(payload: bytes, entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The signed contract as one JWS in general JSON serialization (RFC 7515 section 7.2.1)."""
    return {
        "payload": canonical.b64url(payload),
        "signatures": [{"protected": entry["protected"], "signature": entry["signature"]} for entry in entries],
    }


def check_all(signed: object, *, now: datetime | None = None) -> list[SignerInfo]:
    """The signers of a complete contract, in order; exactly those whom it needs, each once, or it raises."""
    if not isinstance(signed, dict) or set(signed) != {"payload", "signatures"}:
        raise SignatureError("SIGNED_FORM_REFUSED", path="/")
    entries = signed["signatures"]
    if not isinstance(entries, list):
        raise SignatureError("SIGNED_FORM_REFUSED", path="signatures")
    payload = decode(signed["payload"], "payload")
    contract = parse(payload)
    found: list[SignerInfo] = []
    for entry in entries:
        found.append(check(payload, entry, contract, now=now, signed=tuple(found)))
    if missing := [org for org in contract.needs if org not in {info.org_id for info in found}]:
        raise SignatureError("SIGNATURE_MISSING", org=", ".join(missing))
    return found


def _header(key: Mapping[str, str], alg: str, now: datetime) -> dict[str, Any]:
    if now.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return {"alg": alg, "cty": CTY, "iat": int(now.timestamp()), "jwk": dict(key), "kid": thumbprint(key), "typ": TYP}


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


def _read_header(protected: str) -> dict[str, Any]:
    if len(protected) > MAX_HEADER:
        raise SignatureError("HEADER_TOO_LARGE", value=len(protected), limit=MAX_HEADER)
    try:
        header = canonical.loads(decode(protected, "protected"))
    except CanonicalError as error:
        raise SignatureError("HEADER_NOT_CANONICAL", reason=error.code) from None
    if not isinstance(header, dict):
        raise SignatureError("HEADER_NOT_OBJECT")
    if header.get("alg") not in _ACCEPTED:  # first, so that "none" and its kin are named for what they are
        raise SignatureError("ALGORITHM_REFUSED", value=str(header.get("alg"))[:80], passes=", ".join(_ACCEPTED))
    _check_fields(header)
    return header


def _check_fields(header: Mapping[str, Any]) -> None:
    for name in header:
        if name not in _HEADER:
            raise SignatureError("HEADER_FIELD_UNKNOWN", field=name[:80])
    for name in _HEADER:
        if name not in header:
            raise SignatureError("HEADER_FIELD_MISSING", field=name)
    for name, value in (("typ", TYP), ("cty", CTY)):
        if header[name] != value:
            raise SignatureError("HEADER_FIELD_WRONG", field=name, value=str(header[name])[:80], passes=value)
    iat = header["iat"]
    if isinstance(iat, bool) or not isinstance(iat, int) or not 0 <= iat <= _LAST_SECOND:
        raise SignatureError("HEADER_FIELD_WRONG", field="iat", value=str(iat)[:80], passes="seconds since 1970")


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
