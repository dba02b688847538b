"""A key on a PKCS#11 token: a smart card, a USB token of a licensed CA, a hardware security module.

An adapter: the package ``python-pkcs11`` is needed here only, and this file is loaded only when a token is named. The
private half never leaves the token. Ed25519 is signed with CKM_EDDSA; P-256 with CKM_ECDSA over a digest made here,
which gives r and s side by side as JWS wants them (not every token hashes by itself); RSA with CKM_SHA256_RSA_PKCS.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asn1crypto.core import OctetString
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, Session, Token, exceptions, lib
from pkcs11.util.ec import encode_ec_public_key
from pkcs11.util.rsa import encode_rsa_public_key

from contracts import keys
from exchange.client.places import Holder
from exchange.client.words import ClientError

_REFUSED = {
    exceptions.PinIncorrect: "PIN_WRONG",
    exceptions.PinInvalid: "PIN_WRONG",
    exceptions.PinLenRange: "PIN_WRONG",
    exceptions.PinLocked: "PIN_LOCKED",
    exceptions.PinExpired: "PIN_EXPIRED",
    exceptions.UserPinNotInitialized: "PIN_EXPIRED",
    exceptions.MechanismInvalid: "TOKEN_CANNOT",
    exceptions.KeyTypeInconsistent: "TOKEN_CANNOT",
    exceptions.TokenNotPresent: "TOKEN_GONE",
    exceptions.DeviceRemoved: "TOKEN_GONE",
}


@contextmanager
def opened(module: str, token_label: str, key_label: str, ask_pin: Callable[[], str]) -> Iterator[Holder]:
    """The key of this label on the token of that label, logged in to until the block ends."""
    token = _token(module, token_label)
    pin = ask_pin()  # only once the token is known to be there
    with _telling(token_label), token.open(user_pin=pin) as session:
        yield _holder(session, token_label, key_label)


def _token(module: str, label: str) -> Token:
    try:
        library = lib(module)
    except RuntimeError as error:  # of which the package's own errors are a kind
        raise ClientError("PKCS11_MODULE", module=module, reason=error) from None
    with _telling(label):
        found = [slot.get_token() for slot in library.get_slots(token_present=True)]
    fitting = [token for token in found if token.label == label]
    if len(fitting) != 1:
        there = ", ".join(sorted(token.label for token in found if token.label)) or "—"
        raise ClientError("TOKEN_AMBIGUOUS" if fitting else "TOKEN_MISSING", label=label, passes=there)
    return fitting[0]


def _holder(session: Session, token: str, label: str) -> Holder:
    private = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: label}))
    if len(private) != 1:
        every = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})
        there = ", ".join(sorted(str(key.label) for key in every)) or "—"  # type: ignore[attr-defined]
        raise ClientError(
            "TOKEN_KEY_AMBIGUOUS" if private else "TOKEN_KEY_MISSING", label=label, token=token, passes=there
        )
    jwk = keys.check_public_jwk(keys.public_jwk(_public(session, private[0], token, label)))
    return Holder(jwk, keys.ALGORITHMS_OF[jwk["kty"]][0], _signer(private[0], jwk["kty"], token))


def _signer(private: Any, kind: str, token: str) -> Callable[[bytes], bytes]:
    def make(message: bytes) -> bytes:
        with _telling(token):
            if kind == "OKP":
                return bytes(private.sign(message, mechanism=Mechanism.EDDSA))
            if kind == "EC":
                return bytes(private.sign(hashlib.sha256(message).digest(), mechanism=Mechanism.ECDSA))
            return bytes(private.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))

    return make


def _public(session: Session, private: Any, token: str, label: str) -> Any:
    """The public half: its own object, or what the certificate of the same CKA_ID says; cards often hold only that."""
    same = {Attribute.ID: private.id}
    for key in session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, **same}):
        return _of_object(key)
    for certificate in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE, **same}):
        return x509.load_der_x509_certificate(certificate[Attribute.VALUE]).public_key()
    raise ClientError("TOKEN_KEY_HALF", label=label, token=token)


def _of_object(key: Any) -> Any:
    if key.key_type == KeyType.EC_EDWARDS:
        point = key[Attribute.EC_POINT]
        raw = OctetString.load(point).native if len(point) == 34 else point  # both spellings are met in tokens
        return Ed25519PublicKey.from_public_bytes(raw)
    der = encode_rsa_public_key(key) if key.key_type == KeyType.RSA else encode_ec_public_key(key)
    if key.key_type == KeyType.RSA:  # PKCS#1
        return _rsa(der)
    return serialization.load_der_public_key(der)


def _rsa(der: bytes) -> Any:
    from asn1crypto.keys import PublicKeyInfo, RSAPublicKey

    return serialization.load_der_public_key(PublicKeyInfo.wrap(RSAPublicKey.load(der), "rsa").dump())


@contextmanager
def _telling(token: str) -> Iterator[None]:
    try:
        yield
    except exceptions.PKCS11Error as error:
        code = _REFUSED.get(type(error), "TOKEN_FAILED")
        raise ClientError(code, token=token, reason=type(error).__name__) from None
