"""Proof of time by somebody else: RFC 3161 tokens over the text of a checkpoint.

What is stamped is the signed text of the head, in UTF-8, without its signature lines: origin, size and root, a line
each. So a token stays good whoever signs or cosigns that head later. It proves that the head, and with it every record
under it, existed at the stated time; it says nothing about how long before.

A time-stamping authority answers `request` with a TimeStampResp. Those bytes are kept as they came, for any other tool:
`openssl ts -verify -in 70.tsr -data 70.txt -CAfile roots.pem`. Certificates are judged at the stated time; whether one
was revoked later only its issuer knows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from rfc3161_client import PKIStatus, TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

from contracts.errors import TimestampError

MAX_TOKEN = 64 * 1024  # bytes; a token with its certificates has 2,000 to 8,000
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_VERSION_AND_HASH = bytes.fromhex("0201013031300d060960864801650304020105000420")  # 1, SHA-256, 32 bytes follow
_WANTS_CERTIFICATE = bytes.fromhex("0101ff")


@dataclass(frozen=True)
class Stamp:
    """What a token states, once it holds."""

    time: datetime  # aware, UTC
    policy: str  # the authority's policy, an object identifier
    serial: int
    authority: str  # RFC 4514 name of the certificate that signed


def request(message: bytes, nonce: int) -> bytes:
    """RFC 3161 section 2.4.1: a TimeStampReq (DER) over the SHA-256 of `message`; `nonce`: 0 to 2**64."""
    number = nonce.to_bytes(nonce.bit_length() // 8 + 1, "big")
    body = _VERSION_AND_HASH + hashlib.sha256(message).digest() + bytes([2, len(number)]) + number + _WANTS_CERTIFICATE
    return bytes([0x30, len(body)]) + body


def parse_roots(pem: bytes) -> list[x509.Certificate]:
    """The authorities' own certificates out of a PEM file, one or several."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise TimestampError("TIMESTAMP_ROOTS") from None


def check(token: bytes, message: bytes, roots: Sequence[x509.Certificate], nonce: int | None = None) -> Stamp:
    """`message` was stamped by an authority under one of `roots`; with `nonce`: in answer to that very request.

    RFC 3161 sections 2.2 to 2.4.2: granted, over the SHA-256 of `message`, signed by the one certificate named, which
    has the critical purpose time-stamping and leads to a root at the stated time.
    """
    response = _decode(token)
    if response.status != PKIStatus.GRANTED:
        raise TimestampError("TIMESTAMP_NOT_GRANTED", status=response.status)
    info = response.tst_info
    imprint = info.message_imprint
    if (imprint.hash_algorithm, imprint.message) != (_SHA256, hashlib.sha256(message).digest()):
        raise TimestampError("TIMESTAMP_OF_ANOTHER_TEXT")
    if nonce is not None and info.nonce != nonce:
        raise TimestampError("TIMESTAMP_NONCE")
    try:
        VerifierBuilder(roots=list(roots)).build().verify_message(response, message)
        authority = _signer(response)
    except (VerificationError, ValueError) as error:
        raise TimestampError("TIMESTAMP_UNTRUSTED", reason=_reason(str(error))) from None
    return Stamp(info.gen_time.astimezone(UTC), info.policy.dotted_string, info.serial_number, authority)


def _decode(token: bytes) -> TimeStampResponse:
    """Strict DER, as it was written and nothing after it."""
    if len(token) > MAX_TOKEN:
        raise TimestampError("TIMESTAMP_MALFORMED", bytes=len(token))
    try:
        response = decode_timestamp_response(token)
        exact = response.as_bytes() == token
        if response.status == PKIStatus.GRANTED:
            _ = response.tst_info, response.signed_data
    except ValueError:
        exact = False
    if not exact:
        raise TimestampError("TIMESTAMP_MALFORMED", bytes=len(token))
    return response


def _reason(text: str) -> str:
    """OpenSSL's own words where it has any ("certificate has expired"), without its source lines."""
    verdict = re.search(r'"Verify error: ([^"]*)"', text)
    return verdict[1] if verdict else text.partition(": ErrorStack")[0]


def _signer(response: TimeStampResponse) -> str:
    signed = response.signed_data
    (signer,) = signed.signer_infos
    if (signed.version, signer.version) != (3, 1):  # RFC 5652 sections 5.1 and 5.3; no signature covers these
        raise ValueError("another version of the signature's format")
    for certificate in map(x509.load_der_x509_certificate, signed.certificates):
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return certificate.subject.rfc4514_string()
    raise ValueError("the signer's certificate is not in the token")
