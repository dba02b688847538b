"""The receipt of one answer, signed by whoever ran the question; anybody with the public key checks it offline.

A JWS in compact form (RFC 7515) with an Ed25519 key (RFC 8037, algorithm name of RFC 9864). The header has exactly
`alg`, `kid` (RFC 7638 thumbprint of the key) and `typ`; the payload is a closed JSON object, `CLAIMS`. It names the
answer by its digest and holds no value of it; only who has the answer can tell that the receipt is the answer's.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sandbox.denials import ReceiptRefused

TYPE = "minhbach-answer+jws"
ALGORITHM = "Ed25519"
LONGEST = 65_536  # characters
# The gate is tested against exactly these two; another version is another set of rules.
RULES = f"gate/3 sqlglot/{version('sqlglot')} duckdb/{version('duckdb')}"
CLAIMS: Mapping[str, type] = {
    "v": int,
    "iss": str,  # the log that has the digest of this receipt in it
    "qid": str,  # the question
    "room": str,
    "at": str,  # UTC, RFC 3339
    "rules": str,  # RULES of whoever ran it
    "policy_id": str,
    "policy_version": int,
    "policy_hash": str,
    "snapshot_sha256": str,
    "statistic": str,  # the same for every spelling of one statistic
    "result_sha256": str,  # `answer_digest`
    "mode": str,
    "template": str,  # the provider's question that was filled in; empty in the other modes
    "min_group": int,
    "unit": str,
    "tier": int,  # of isolation, as tried by the worker itself
    "epsilon_micro": int,  # privacy spent on this answer, in millionths
    "round_to": int,
    "watermark": bool,
    "unenforced": list,  # clauses of the contract that no machine rule stands for
}


def answer_digest(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """`sha256:<hex>` over the columns and rows of an answer, decimals and days as their text."""
    text = json.dumps([columns, rows], default=str, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def make(claims: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """Sign a receipt; raises ReceiptRefused when a claim is missing, strange or of another type."""
    payload = _whole({"v": 1, **claims})
    header = {"alg": ALGORITHM, "kid": thumbprint(key.public_key()), "typ": TYPE}
    signed = f"{_encoded(_canonical(header))}.{_encoded(_canonical(payload))}"
    return f"{signed}.{_encoded(key.sign(signed.encode()))}"


def check(text: str, key: Ed25519PublicKey) -> dict[str, Any]:
    """The claims of a receipt that this key has signed; raises ReceiptRefused."""
    parts = text.strip().split(".")
    if len(text) > LONGEST or len(parts) != 3:
        raise ReceiptRefused("RECEIPT_FORM")
    header, payload, signature = (_decoded(part) for part in parts)
    found = _object(header)
    if found.keys() != {"alg", "kid", "typ"} or (found["alg"], found["typ"]) != (ALGORITHM, TYPE):
        raise ReceiptRefused("RECEIPT_FORM")
    if found["kid"] != thumbprint(key):
        raise ReceiptRefused("RECEIPT_KEY", kid=str(found["kid"]))
    try:
        key.verify(signature, f"{parts[0]}.{parts[1]}".encode())
    except InvalidSignature:
        raise ReceiptRefused("RECEIPT_SIGNATURE") from None
    return _whole(_object(payload))


def of_answer(claims: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Raise ReceiptRefused unless the receipt is the one of this very answer."""
    if answer_digest(columns, rows) != claims["result_sha256"]:
        raise ReceiptRefused("RECEIPT_ANSWER")


def digest(text: str) -> str:
    """The name of a receipt in the log: `sha256:<hex>` of its text. Not guessable, for it covers the signature."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def to_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The public key as it is published (RFC 8037, with its thumbprint as `kid`)."""
    return {**_bare(key), "alg": ALGORITHM, "kid": thumbprint(key), "use": "sig"}


def from_jwk(jwk: Any) -> Ed25519PublicKey:
    """The key that `to_jwk` wrote; raises ReceiptRefused."""
    if not isinstance(jwk, Mapping) or (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519"):
        raise ReceiptRefused("RECEIPT_KEY", kid="")
    try:
        return Ed25519PublicKey.from_public_bytes(_decoded(str(jwk.get("x"))))
    except ValueError:
        raise ReceiptRefused("RECEIPT_KEY", kid="") from None


def thumbprint(key: Ed25519PublicKey) -> str:
    """RFC 7638: base64url of SHA-256 over the required members, sorted."""
    return _encoded(hashlib.sha256(_canonical(_bare(key))).digest())


def _bare(key: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _encoded(key.public_bytes_raw())}


def _whole(claims: dict[str, Any]) -> dict[str, Any]:
    """Every claim, no other, each of exactly its type: what somebody does not understand proves nothing to them."""
    if claims.keys() != CLAIMS.keys() or claims["v"] != 1:
        raise ReceiptRefused("RECEIPT_FORM")
    if not all(type(claims[name]) is kind for name, kind in CLAIMS.items()):
        raise ReceiptRefused("RECEIPT_FORM")
    return claims


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ReceiptRefused("RECEIPT_FORM") from None
    if not isinstance(value, dict) or _canonical(value) != data:  # one text for one meaning: no name twice, no spaces
        raise ReceiptRefused("RECEIPT_FORM")
    return value


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ReceiptRefused("RECEIPT_FORM") from None
    if _encoded(data) != text:
        raise ReceiptRefused("RECEIPT_FORM")
    return data
