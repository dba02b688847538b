"""The destruction statement: what the buyer of an ended contract did with the data, signed with a registered key.

A canonical document (RFC 8785) and one flattened JWS over its bytes (RFC 7515 section 7.2.2), whose header holds
exactly `alg`, `iat`, `jwk`, `kid` and `typ` = "minhbach-statement+jws": it can pass for no contract's signature.

    {"v":1, "typ":"minhbach-destruction", "contract":"sha-256:...", "org":"01J...", "act":"destroyed",
     "on":"2027-06-10", "files":["sha-256:..."], "note":"...", "nonce":"..."}

`contract` is the digest of the signed bytes, `files` are those that the contract names; `on` is a day in Viet Nam.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from contracts import canonical, reading
from contracts.errors import CanonicalError, ContractsError
from contracts.keys import (
    ALGORITHMS_OF,
    PrivateKey,
    check_public_jwk,
    check_signature,
    decode,
    make_signature,
    public_jwk,
    thumbprint,
)
from contracts.parts import Contract

VERSION = 1
TYPE = "minhbach-destruction"
JWS_TYPE = "minhbach-statement+jws"
MAX_BYTES = 16_384
MAX_NOTE = 2_000  # characters
LEEWAY = timedelta(minutes=5)  # between the signer's clock and ours

_FIELDS = ("v", "typ", "contract", "org", "act", "on", "files", "note", "nonce")
_HEADER = ("alg", "iat", "jwk", "kid", "typ")
_NONCE = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 bit: what the log holds the digest of cannot be guessed


class StatementError(ContractsError):
    """The statement is none, or not about this contract, or not signed by the one who makes it."""


class Deed(StrEnum):
    """What the buyer did."""

    DESTROYED = "destroyed"
    RETURNED = "returned"  # and kept no copy
    NONE_RECEIVED = "none-received"


@dataclass(frozen=True)
class Statement:
    """One statement as read; `payload` holds the very bytes that are signed."""

    payload: bytes
    contract: str
    org_id: str
    deed: Deed
    on: date
    files: tuple[str, ...]
    note: str

    @property
    def hash(self) -> str:
        """The name of these bytes in the log."""
        return canonical.sha256_b64url(self.payload)


@dataclass(frozen=True)
class Signed:
    """Who signed: the key, its algorithm, and when by the signer's own clock."""

    kid: str
    alg: str
    iat: datetime


def build(contract: Contract, *, deed: str, on: date, note: str, nonce: bytes) -> Statement:
    """The statement of the buyer of this contract about all of its files. `nonce` is 16 random bytes."""
    body = {
        "v": VERSION,
        "typ": TYPE,
        "contract": contract.hash,
        "org": contract.party("consumer").org_id,
        "act": deed,
        "on": on.isoformat(),
        "files": [asset.sha256 for asset in contract.assets],
        "note": note,
        "nonce": canonical.b64url(nonce),
    }
    return check(canonical.dumps(body), contract)


def check(payload: bytes, contract: Contract) -> Statement:
    """The statement in these bytes, if it is its buyer's about exactly this contract; raises StatementError."""
    if len(payload) > MAX_BYTES:
        raise StatementError("DOCUMENT_TOO_LARGE", value=len(payload), limit=MAX_BYTES)
    body = canonical.loads(payload)
    reading.keys(body, _FIELDS, "")
    expected = {
        "v": VERSION,
        "typ": TYPE,
        "contract": contract.hash,
        "org": contract.party("consumer").org_id,
        "files": [asset.sha256 for asset in contract.assets],
    }
    for name, value in expected.items():
        if body[name] != value:
            raise StatementError("STATEMENT_OF_ANOTHER", path=name, value=str(body[name])[:80], passes=str(value)[:400])
    if body["act"] not in tuple(Deed):
        raise StatementError("STATEMENT_DEED_UNKNOWN", value=str(body["act"])[:80], passes=", ".join(Deed))
    note = body["note"]
    if not isinstance(note, str) or len(note) > MAX_NOTE:
        raise StatementError("STATEMENT_NOTE_REFUSED", limit=MAX_NOTE)
    reading.match(body["nonce"], _NONCE, "nonce")
    return Statement(payload, contract.hash, body["org"], Deed(body["act"]), _day(body["on"]), (*body["files"],), note)


def sign(payload: bytes, private: PrivateKey, *, now: datetime) -> dict[str, str]:
    """The signature entry over the payload."""
    jwk = public_jwk(private)
    alg = ALGORITHMS_OF[jwk["kty"]][0]
    header = {"alg": alg, "iat": int(now.timestamp()), "jwk": jwk, "kid": thumbprint(jwk), "typ": JWS_TYPE}
    protected = canonical.b64url(canonical.dumps(header))
    raw = make_signature(_input(protected, payload), private, alg)
    return {"protected": protected, "signature": canonical.b64url(raw)}


def open_signature(payload: bytes, entry: object, *, now: datetime | None = None) -> Signed:
    """Which key signed these bytes. That it is the buyer's is for whoever knows the registered keys to say."""
    if not isinstance(entry, Mapping) or set(entry) != {"protected", "signature"}:
        raise StatementError("SIGNATURE_MALFORMED", path="entry")
    header = _header(entry["protected"])
    jwk = check_public_jwk(header["jwk"], bare=True)
    kid, alg, iat = thumbprint(jwk), header["alg"], header["iat"]
    if header["kid"] != kid or alg not in ALGORITHMS_OF[jwk["kty"]]:
        raise StatementError("KEY_MISMATCH", value=str(header["kid"])[:80], passes=kid)
    if isinstance(iat, bool) or not isinstance(iat, int) or not 0 <= iat < 2**33:
        raise StatementError("HEADER_FIELD_WRONG", field="iat", value=str(iat)[:80], passes="seconds since 1970")
    check_signature(_input(entry["protected"], payload), decode(entry["signature"], "signature"), jwk, alg)
    made = datetime.fromtimestamp(iat, UTC)
    if now is not None and made > now + LEEWAY:
        raise StatementError("SIGNED_IN_FUTURE", value=made.isoformat(), passes=now.isoformat())
    return Signed(kid, alg, made)


def _header(protected: object) -> dict[str, Any]:
    if not isinstance(protected, str) or len(protected) > MAX_BYTES:
        raise StatementError("SIGNATURE_MALFORMED", path="protected")
    try:
        header = canonical.loads(decode(protected, "protected"))
    except CanonicalError as error:
        raise StatementError("HEADER_NOT_CANONICAL", reason=error.code) from None
    if not isinstance(header, dict) or set(header) != set(_HEADER) or header["typ"] != JWS_TYPE:
        raise StatementError("HEADER_FIELD_WRONG", field="typ", value="", passes=JWS_TYPE)
    return header


def _input(protected: str, payload: bytes) -> bytes:
    return f"{protected}.{canonical.b64url(payload)}".encode("ascii")


def _day(value: object) -> date:
    text = reading.text(value, "on")
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:
        raise StatementError("DOCUMENT_VALUE_REFUSED", path="on", value=text[:80], passes="YYYY-MM-DD")
    return found
