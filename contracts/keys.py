"""Signing keys: make, store, name and judge them. The exchange sees public keys only.

Ed25519 (RFC 8037), P-256 and RSA (RFC 7518); a key is named by its RFC 7638 thumbprint. A public key is judged before
it is registered and again whenever a signature brings it along.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from contracts import canonical
from contracts.errors import ContractsError

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey
JoseKey = OKPKey | ECKey | RSAKey
Members = tuple[tuple[str, str], ...]  # of a JWK: names and values

# Key type -> algorithms it may sign with; the first is what we use when nobody asks for another.
ALGORITHMS_OF: Mapping[str, tuple[str, ...]] = {
    "OKP": ("Ed25519", "EdDSA"),
    "EC": ("ES256",),
    "RSA": ("RS256", "PS256"),
}
WRITTEN = ("Ed25519", "ES256", "RS256", "PS256")

RSA_BITS = (2048, 4096)  # Circular 15/2025/TT-BKHCN asks for 2048 at least; above 4096 checking gets slow for nothing
_RSA_EXPONENT = 65537

_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "OKP": ("crv", "kty", "x"),
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
}
_CURVE = {"OKP": "Ed25519", "EC": "P-256"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_REMARKS = frozenset({"alg", "ext", "key_ops", "kid", "use"})  # what WebCrypto and others add; not part of the key

# Points whose order divides 8, by their y coordinate: a signature under such a key fits almost any message.
_P = 2**255 - 19
# On y = _ORDER_8 doubling gives y = 0: x^2 = -y^2, so y^2 solves d*z^2 + 2*z - 1 = 0 for the curve's d.
_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_LOW_ORDER_Y = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})


class SignatureError(ContractsError):
    """A key, a signature or a set of signatures does not hold."""


def generate(alg: str = "Ed25519") -> PrivateKey:
    """A new private key for an algorithm."""
    if alg == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if alg in ALGORITHMS_OF["RSA"]:
        return rsa.generate_private_key(_RSA_EXPONENT, 3072)
    raise SignatureError("ALGORITHM_REFUSED", value=alg, passes=", ".join(WRITTEN))


def to_pem(key: PrivateKey, password: bytes | None = None) -> bytes:
    """The private key as PKCS#8 PEM, encrypted when a password is given."""
    cipher: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        cipher = serialization.BestAvailableEncryption(password)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)


def from_pem(pem: bytes, password: bytes | None = None) -> PrivateKey:
    """The private key of a PEM file; raises KEY_FILE_REFUSED when it is none or not of a kind used here."""
    try:
        key = serialization.load_pem_private_key(pem, password)
    except (ValueError, TypeError):
        raise SignatureError("KEY_FILE_REFUSED") from None
    if not isinstance(key, PrivateKey):
        raise SignatureError("KEY_REFUSED", reason="type", value=type(key).__name__, passes=", ".join(WRITTEN))
    check_public_jwk(public_jwk(key))
    return key


def public_jwk(key: PrivateKey | PublicKey) -> dict[str, str]:
    """The public key as a JWK with its required members only."""
    public = key.public_key() if isinstance(key, PrivateKey) else key
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": canonical.b64url(public.public_bytes_raw())}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"e": _integer(numbers.e), "kty": "RSA", "n": _integer(numbers.n)}
    size = (public.curve.key_size + 7) // 8
    point = public.public_numbers()
    crv = "P-256" if isinstance(public.curve, ec.SECP256R1) else public.curve.name
    return {"crv": crv, "kty": "EC", "x": _integer(point.x, size), "y": _integer(point.y, size)}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638: SHA-256 over the required members, which is also RFC 8785 of them."""
    return _thumbprint(tuple((name, jwk[name]) for name in _members(jwk)))


@lru_cache(maxsize=256)  # the same few organisations sign again and again
def _thumbprint(required: Members) -> str:
    return canonical.sha256_b64url(canonical.dumps(dict(required))).removeprefix("sha-256:")


def check_public_jwk(jwk: object, *, bare: bool = False) -> dict[str, str]:
    """The required members of a public key fit to be registered; raises KEY_PRIVATE or KEY_REFUSED with the reason.

    `bare` refuses every other member, as a signature's header must not carry any.
    """
    if not isinstance(jwk, Mapping):
        raise _refused("form", type(jwk).__name__, "JWK")
    if leaked := sorted(_PRIVATE & set(jwk)):
        raise SignatureError("KEY_PRIVATE", value=", ".join(leaked))
    members = _members(jwk)
    for name in jwk:
        if name not in members and (bare or name not in _REMARKS):
            raise _refused("member", str(name)[:80], ", ".join(members))
    _check_remarks(jwk)
    required = {name: jwk[name] for name in members}
    _check_values(tuple(required.items()))
    return required


def jose_key(jwk: Mapping[str, str] | PrivateKey) -> JoseKey:
    """The same key as joserfc holds it; a JWK must have passed `check_public_jwk`."""
    if isinstance(jwk, PrivateKey):
        pem = to_pem(jwk)
        if isinstance(jwk, ed25519.Ed25519PrivateKey):
            return OKPKey.import_key(pem)
        return RSAKey.import_key(pem) if isinstance(jwk, rsa.RSAPrivateKey) else ECKey.import_key(pem)
    return _imported(tuple(jwk.items()))


@lru_cache(maxsize=256)
def _imported(members: Members) -> JoseKey:
    value: dict[str, Any] = dict(members)
    if value["kty"] == "OKP":
        return OKPKey.import_key(value)
    return RSAKey.import_key(value) if value["kty"] == "RSA" else ECKey.import_key(value)


def make_signature(message: bytes, key: PrivateKey, alg: str) -> bytes:
    """The raw signature of a JWS algorithm (ES256: r and s side by side)."""
    return JWSRegistry.algorithms[alg].sign(message, jose_key(key))


def check_signature(message: bytes, signature: bytes, jwk: Mapping[str, str], alg: str) -> None:
    """Raises SIGNATURE_LENGTH or SIGNATURE_INVALID; `jwk` and `alg` must have been judged before."""
    length = len(decode(jwk["n"], "jwk/n")) if jwk["kty"] == "RSA" else 64
    if len(signature) != length:
        raise SignatureError("SIGNATURE_LENGTH", value=len(signature), passes=length)
    if not JWSRegistry.algorithms[alg].verify(message, signature, jose_key(jwk)):
        raise SignatureError("SIGNATURE_INVALID", kid=thumbprint(jwk))


def decode(text: object, where: str) -> bytes:
    """Base64url without padding in its one spelling (RFC 7515 section 2); raises BASE64URL_REFUSED."""
    if not isinstance(text, str):
        raise SignatureError("BASE64URL_REFUSED", path=where)
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise SignatureError("BASE64URL_REFUSED", path=where) from None
    if canonical.b64url(data) != text:
        raise SignatureError("BASE64URL_REFUSED", path=where)
    return data


def _members(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in _REQUIRED:
        raise _refused("type", str(kind)[:80], ", ".join(_REQUIRED))
    for name in _REQUIRED[kind]:
        if not isinstance(jwk.get(name), str):
            raise _refused("member", name, ", ".join(_REQUIRED[kind]))
    return _REQUIRED[kind]


def _check_remarks(jwk: Mapping[str, Any]) -> None:
    """A key that says it is for something else (RFC 7517 sections 4.2 to 4.4) is taken at its word."""
    if jwk.get("use", "sig") != "sig":
        raise _refused("use", str(jwk["use"])[:80], "sig")
    if "key_ops" in jwk and jwk["key_ops"] != ["verify"]:
        raise _refused("key_ops", str(jwk["key_ops"])[:80], "verify")
    accepted = ALGORITHMS_OF[jwk["kty"]]
    if jwk.get("alg", accepted[0]) not in accepted:
        raise _refused("alg", str(jwk["alg"])[:80], ", ".join(accepted))


@lru_cache(maxsize=256)  # what has passed once passes again: the judgement rests on these texts alone
def _check_values(required: Members) -> None:
    jwk = dict(required)
    kind = jwk["kty"]
    if kind in _CURVE and jwk["crv"] != _CURVE[kind]:
        raise _refused("curve", jwk["crv"][:80], _CURVE[kind])
    values = {name: decode(text, f"jwk/{name}") for name, text in required if name not in ("kty", "crv")}
    if kind == "OKP":
        _check_ed25519(values["x"])
    elif kind == "EC":
        _check_p256(values["x"], values["y"])
    else:
        _check_rsa(values["n"], values["e"])


def _refused(reason: str, value: str | int, passes: str | int) -> SignatureError:
    return SignatureError("KEY_REFUSED", reason=reason, value=value, passes=passes)


def _check_ed25519(x: bytes) -> None:
    if len(x) != 32:
        raise _refused("length", len(x), 32)
    y = int.from_bytes(x, "little") & (2**255 - 1)
    if y >= _P:
        raise _refused("not-canonical", "x", "x < 2^255-19")
    if y in _LOW_ORDER_Y:
        raise _refused("low-order", "x", "order > 8")


def _check_p256(x: bytes, y: bytes) -> None:
    for name, value in (("x", x), ("y", y)):
        if len(value) != 32:
            raise _refused("length", f"{name}: {len(value)}", 32)
    try:
        ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()).public_key()
    except ValueError:
        raise _refused("not-on-curve", "x, y", "P-256") from None


def _check_rsa(n: bytes, e: bytes) -> None:
    least, most = RSA_BITS
    bits = int.from_bytes(n, "big").bit_length()
    if not least <= bits <= most:
        raise _refused("length", bits, f"{least}-{most}")
    if n[0] == 0 or n[-1] % 2 == 0:
        raise _refused("modulus", "n", "odd, no leading zero")
    if int.from_bytes(e, "big") != _RSA_EXPONENT or e[0] == 0:
        raise _refused("exponent", str(int.from_bytes(e[:16], "big")), _RSA_EXPONENT)


def _integer(value: int, size: int | None = None) -> str:
    return canonical.b64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))
