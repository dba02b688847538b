"""The protected header of a contract's signature: written, and read under a closed schema. `signature.py` says what
is in it and why.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts import canonical, certificates
from contracts.errors import CanonicalError
from contracts.keys import ALGORITHMS_OF, WRITTEN, SignatureError, check_public_jwk, decode, thumbprint

TYP = "minhbach-contract+jws"
CTY = "json"
MAX_HEADER = 49_152  # characters; with three certificates of an authority licensed by the State it takes 10,000

_COMMON = ("alg", "cty", "iat", "typ")
_BY_KEY, _BY_CHAIN = ("jwk", "kid"), ("x5c", "x5t#S256")
_LAST_SECOND = 253_402_300_799  # the end of the year 9999
_ACCEPTED = tuple(alg for algs in ALGORITHMS_OF.values() for alg in algs)


def protect(jwk: Mapping[str, Any], *, now: datetime, alg: str | None = None, chain: Sequence[bytes] = ()) -> str:
    """The protected header for a key, in base64url: what a browser signs after it is this, a dot and the payload.

    With a `chain`, whose first certificate is that key's, the signature is by certificate.
    """
    key = check_public_jwk(jwk)
    chosen = alg or ALGORITHMS_OF[key["kty"]][0]
    if chosen not in WRITTEN or chosen not in ALGORITHMS_OF[key["kty"]]:
        passes = ", ".join(name for name in ALGORITHMS_OF[key["kty"]] if name in WRITTEN)
        raise SignatureError("ALGORITHM_REFUSED", value=chosen, passes=passes)
    if now.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    common = {"alg": chosen, "cty": CTY, "iat": int(now.timestamp()), "typ": TYP}
    return canonical.b64url(canonical.dumps(common | (_by_chain(key, chain) if chain else _by_key(key))))


def read(protected: str) -> dict[str, Any]:
    """The header of these characters; raises SignatureError naming what is wrong."""
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
    names = _COMMON + (_BY_CHAIN if "x5c" in header else _BY_KEY)
    for name in header:
        if name not in names:
            raise SignatureError("HEADER_FIELD_UNKNOWN", field=name[:80])
    for name in names:
        if name not in header:
            raise SignatureError("HEADER_FIELD_MISSING", field=name)
    for name, value in (("typ", TYP), ("cty", CTY)):
        if header[name] != value:
            raise SignatureError("HEADER_FIELD_WRONG", field=name, value=str(header[name])[:80], passes=value)
    iat = header["iat"]
    if isinstance(iat, bool) or not isinstance(iat, int) or not 0 <= iat <= _LAST_SECOND:
        raise SignatureError("HEADER_FIELD_WRONG", field="iat", value=str(iat)[:80], passes="seconds since 1970")


def key_of(header: Mapping[str, Any]) -> tuple[str, dict[str, str], tuple[bytes, ...]]:
    """The name under which a contract lists the key, the key, and its certificates if that is what names it."""
    if "x5c" not in header:
        key = check_public_jwk(header["jwk"], bare=True)
        stated, kid, chain = header["kid"], thumbprint(key), tuple[bytes, ...]()
    else:
        chain = parse_chain(header["x5c"])
        key = certificates.public_jwk(chain[0])
        stated, kid = header["x5t#S256"], certificates.thumbprint(chain[0])
    if stated != kid:
        raise SignatureError("KEY_MISMATCH", value=str(stated)[:80], passes=kid)
    return kid, key, chain


def _by_key(key: Mapping[str, str]) -> dict[str, Any]:
    return {"jwk": dict(key), "kid": thumbprint(key)}


def _by_chain(key: Mapping[str, str], chain: Sequence[bytes]) -> dict[str, Any]:
    if certificates.public_jwk(chain[0]) != dict(key):
        raise SignatureError("KEY_MISMATCH", value="x5c", passes=thumbprint(key))
    coded = [base64.b64encode(der).decode("ascii") for der in chain]
    return {"x5c": coded, "x5t#S256": certificates.thumbprint(chain[0])}


def parse_chain(value: object) -> tuple[bytes, ...]:
    """RFC 7515 section 4.1.6: base64 (not base64url) of DER, the signer's certificate first."""
    passes = f"1-{certificates.MAX_CHAIN}"
    if not isinstance(value, list) or not 1 <= len(value) <= certificates.MAX_CHAIN:
        raise SignatureError("HEADER_FIELD_WRONG", field="x5c", value=str(value)[:80], passes=passes)
    found = []
    for text in value:
        try:
            found.append(base64.b64decode(text.encode("ascii"), validate=True))
        except (AttributeError, UnicodeEncodeError, binascii.Error):
            raise SignatureError("HEADER_FIELD_WRONG", field="x5c", value=str(text)[:80], passes="base64") from None
        if base64.b64encode(found[-1]).decode("ascii") != text:
            raise SignatureError("HEADER_FIELD_WRONG", field="x5c", value=text[:80], passes="base64")
    return tuple(found)
