"""Detached CAdES signatures over a contract's payload: made, and opened strictly (RFC 5652, ETSI EN 319 122-1).

One file holds one signature: a ContentInfo with SignedData, DER, whose content stands outside, `id-data`; one
SignerInfo; its signed attributes hold at least

    content-type              id-data
    message-digest            of the payload
    signing-certificate-v2    the signer's certificate by its hash, so that no other can take its place (RFC 5035)

and, where the signer's own clock is to be told, signing-time. Each attribute stands once and has one value. Digests are
SHA-256, -384 or -512; keys those that a contract may be signed with: Ed25519 (RFC 8419), ECDSA on P-256, RSA (PKCS #1
v1.5 or PSS). What a signature does not cover is read for nothing: unsigned attributes and revocation data stay in the
file for whoever archives it.

`openssl cms -verify -binary -content payload -inform DER -in contract.p7s -CAfile roots.pem` judges the same file.
An adapter: nothing imports this file at module level. asn1crypto reads and writes, `cryptography` decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from contracts import certificates, keys
from contracts.certificates import Sealed
from contracts.keys import PrivateKey, SignatureError

Chain = Sequence[bytes]
Make = Callable[[bytes], bytes]  # signed attributes -> the raw signature over them
Stamp = Callable[[bytes], bytes]  # a message -> an authority's TimeStampResp over it, checked (RFC 3161)

MAX_FILE = 128 * 1024  # bytes; a signature with its chain and a time-stamp has 3,000 to 20,000
MAX_CERTIFICATES = 8
DIGESTS = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_MAX_DEPTH, _MAX_ELEMENTS = 32, 4_096  # of the file's ASN.1, certificates included
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, OverflowError)
_REQUIRED = ("content_type", "message_digest", "signing_certificate_v2")
_REFUSED = ("signing_certificate", "counter_signature")  # SHA-1; a signature of something else


def open_signature(p7s: bytes, payload: bytes) -> Sealed:
    """The one signature in this file, over exactly `payload`; raises SignatureError.

    To whom the certificate was issued, and whether it was good then, is for `certificates.check_chain`.
    """
    if not 0 < len(p7s) <= MAX_FILE:
        raise SignatureError("FILE_TOO_LARGE", value=len(p7s), limit=MAX_FILE)
    _check_der(p7s)
    try:
        signed, signer, certificate, others = _parts(p7s)
        attributes = _attributes(signer)
        digest = _check_algorithms(signed, signer, attributes)
        _check_attributes(attributes, certificate, hashlib.new(digest, payload).digest())
        certificates.public_jwk(certificate)
        alg = _check_signature(_raw_attributes(signer), signer, certificate, digest)
        return Sealed((certificate, *others), _claimed(attributes), alg)
    except _UNREADABLE as error:
        raise SignatureError("CMS_MALFORMED", reason=type(error).__name__) from None


def sign(payload: bytes, chain: Chain, make: Make, *, now: datetime, stamp: Stamp | None = None) -> bytes:
    """A detached signature of the payload: CAdES-B-B, or B-T with a time-stamp over the signature.

    `chain` is DER, the signer's certificate first; `make` signs with its key, wherever that is kept.
    """
    if now.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    digest = hashlib.new(digest_name(chain[0]), payload).digest()
    return seal(to_sign(digest, chain[0], now=now), chain, make, stamp=stamp)


def local(key: PrivateKey) -> Make:
    """How a key in memory makes the raw signature over signed attributes."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return lambda attributes: key.sign(attributes, ec.ECDSA(hashes.SHA256()))
    return lambda attributes: key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())


def digest_name(certificate: bytes) -> str:
    """The digest that goes with a certificate's key: RFC 8419 asks for SHA-512 with Ed25519."""
    return "sha512" if isinstance(_key_of(certificate), ed25519.Ed25519PublicKey) else "sha256"


def to_sign(digest: bytes, certificate: bytes, *, now: datetime | None) -> bytes:
    """The signed attributes, DER: what the certificate's key signs (RFC 5652 section 5.4).

    With Ed25519 as they are; with ECDSA (signature in DER) and RSA (PKCS #1 v1.5) over their SHA-256.
    """
    identified = {"hash_algorithm": {"algorithm": "sha256"}, "cert_hash": hashlib.sha256(certificate).digest()}
    found: dict[str, Any] = {
        "content_type": "data",
        "message_digest": digest,
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [tsp.ESSCertIDv2(identified)]}),
    }
    if now is not None:
        found["signing_time"] = _time(now)
    attributes = [cms.CMSAttribute({"type": name, "values": [value]}) for name, value in found.items()]
    return bytes(cms.CMSAttributes(attributes).dump(force=True))


def seal(attributes: bytes, chain: Chain, make: Make, *, stamp: Stamp | None = None) -> bytes:
    """The file around the signature of these attributes."""
    certificate = asn1_x509.Certificate.load(chain[0])
    named = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    digest = {"algorithm": digest_name(chain[0])}
    signature = make(attributes)
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier({"issuer_and_serial_number": named}),
        "digest_algorithm": digest,
        "signed_attrs": cms.CMSAttributes.load(attributes),
        "signature_algorithm": {"algorithm": _algorithm_name(_key_of(chain[0]))},
        "signature": signature,
    }
    if stamp is not None:
        token = tsp.TimeStampResp.load(stamp(signature), strict=True)["time_stamp_token"]
        signer["unsigned_attrs"] = [{"type": "signature_time_stamp_token", "values": [token]}]
    signed = {
        "version": "v1",
        "digest_algorithms": [digest],
        "encap_content_info": {"content_type": "data"},
        "certificates": [asn1_x509.Certificate.load(der) for der in dict.fromkeys(chain)],
        "signer_infos": [signer],
    }
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump())


def _check_der(data: bytes) -> None:
    """Definite lengths in their one spelling, nothing after the end, a bounded number and depth of elements.

    Then every reader of these bytes sees the same tree (X.690 section 10.1), and none is led astray.
    """
    ends, at, count = [len(data)], 0, 0
    while at < len(data) and count <= _MAX_ELEMENTS and len(ends) <= _MAX_DEPTH:
        while at == ends[-1]:
            ends.pop()
        head = data[at : at + 6]
        length, size = _length(head)
        stop = at + size + length
        if not size or stop > ends[-1] or (count == 0 and stop != len(data)):
            break
        inside = head[0] & 0x20 and length
        if inside:
            ends.append(stop)
        at, count = at + size if inside else stop, count + 1
    if at != len(data):
        raise SignatureError("CMS_MALFORMED", reason=f"DER, {at}")


def _length(head: bytes) -> tuple[int, int]:
    """Length of an element's content, and of what stands before it; 0 bytes before it: not DER, or none used here."""
    if len(head) < 2 or head[0] & 0x1F == 0x1F:
        return 0, 0
    first = head[1]
    if first < 0x80:
        return first, 2
    more = first & 0x7F
    length = int.from_bytes(head[2 : 2 + more], "big")
    minimal = 0 < more <= 4 and len(head) >= 2 + more and length >= 0x80 and length >> 8 * (more - 1)
    return (length, 2 + more) if minimal else (0, 0)


def _parts(data: bytes) -> tuple[Any, Any, bytes, list[bytes]]:
    """SignedData, its one SignerInfo, the signer's certificate and the others."""
    info = cms.ContentInfo.load(data, strict=True)
    if info["content_type"].native != "signed_data":
        raise SignatureError(
            "CMS_REFUSED", reason="content-type", value=info["content_type"].dotted, passes="SignedData"
        )
    signed = info["content"]
    inside = signed["encap_content_info"]
    if inside["content_type"].native != "data" or not isinstance(inside["content"], core.Void):
        raise SignatureError("CMS_REFUSED", reason="content", value=inside["content_type"].dotted, passes="detached")
    infos, listed = signed["signer_infos"], signed["certificates"]
    if len(infos) != 1:
        raise SignatureError("CMS_REFUSED", reason="signers", value=len(infos), passes=1)
    if isinstance(listed, core.Void) or not 1 <= len(listed) <= MAX_CERTIFICATES:
        count = 0 if isinstance(listed, core.Void) else len(listed)
        raise SignatureError("CMS_REFUSED", reason="certificates", value=count, passes=f"1-{MAX_CERTIFICATES}")
    if kinds := [one.name for one in listed if one.name != "certificate"]:
        raise SignatureError("CMS_REFUSED", reason="certificates", value=kinds[0], passes="X.509")
    ders = list(dict.fromkeys(one.chosen.dump() for one in listed))
    mine = [der for der in ders if _is_of(infos[0]["sid"], der)]
    if len(mine) != 1:
        raise SignatureError("CMS_REFUSED", reason="signer certificate", value=len(mine), passes=1)
    return signed, infos[0], mine[0], [der for der in ders if der != mine[0]]


def _is_of(sid: Any, der: bytes) -> bool:
    """Whether the SignerInfo names this certificate (RFC 5652 section 5.3)."""
    certificate = asn1_x509.Certificate.load(der)
    if sid.name == "issuer_and_serial_number":
        named = sid.chosen["issuer"].dump(), sid.chosen["serial_number"].native
        return named == (certificate.issuer.dump(), certificate.serial_number)
    return bool(certificate.key_identifier) and sid.chosen.native == certificate.key_identifier


def _attributes(signer: Any) -> dict[str, Any]:
    """The signed attributes by name; each stands once and has one value."""
    if isinstance(signer["signed_attrs"], core.Void):
        raise SignatureError("CMS_REFUSED", reason="signed attributes", value=0, passes=", ".join(_REQUIRED))
    found: dict[str, Any] = {}
    for attribute in signer["signed_attrs"]:
        name = attribute["type"].native
        if name in found or len(attribute["values"]) != 1 or name in _REFUSED:
            raise SignatureError(
                "CMS_REFUSED", reason="signed attributes", value=name[:80], passes=", ".join(_REQUIRED)
            )
        found[name] = attribute["values"][0]
    for name in _REQUIRED:
        if name not in found:
            raise SignatureError("CMS_ATTRIBUTE_MISSING", value=name.replace("_", "-"))
    return found


def _check_algorithms(signed: Any, signer: Any, attributes: dict[str, Any]) -> str:
    """The digest algorithm: one of ours, announced, and the same wherever it is named (RFC 6211)."""
    digest = signer["digest_algorithm"]["algorithm"].native
    named = [one["algorithm"].native for one in signed["digest_algorithms"]]
    if digest not in DIGESTS or digest not in named:
        raise SignatureError("ALGORITHM_REFUSED", value=str(digest)[:80], passes=", ".join(DIGESTS))
    protected = attributes.get("cms_algorithm_protection")
    if protected is not None:
        same = [protected["digest_algorithm"], protected["signature_algorithm"]]
        if [one.native for one in same] != [signer["digest_algorithm"].native, signer["signature_algorithm"].native]:
            raise SignatureError("CMS_REFUSED", reason="algorithm protection", value="", passes=digest)
    return str(digest)


def _check_attributes(attributes: dict[str, Any], certificate: bytes, digest: bytes) -> None:
    """What is signed is `id-data` with this digest, under exactly this certificate."""
    if attributes["content_type"].native != "data":
        raise SignatureError(
            "CMS_REFUSED", reason="content-type", value=attributes["content_type"].dotted, passes="data"
        )
    if attributes["message_digest"].native != digest:
        raise SignatureError("CMS_OTHER_CONTENT")
    identified = attributes["signing_certificate_v2"]["certs"][0]
    algorithm = identified["hash_algorithm"]["algorithm"].native
    if algorithm not in DIGESTS:
        raise SignatureError("ALGORITHM_REFUSED", value=str(algorithm)[:80], passes=", ".join(DIGESTS))
    if identified["cert_hash"].native != hashlib.new(algorithm, certificate).digest():
        raise SignatureError("CMS_OTHER_CERTIFICATE")


def _raw_attributes(signer: Any) -> bytes:
    """The signed attributes as they stand, under the tag of a SET (RFC 5652 section 5.4)."""
    raw = signer["signed_attrs"].dump()
    return b"\x31" + bytes(raw[1:])


def _claimed(attributes: dict[str, Any]) -> datetime | None:
    if "signing_time" not in attributes:
        return None
    claimed = attributes["signing_time"].native
    if not isinstance(claimed, datetime) or claimed.tzinfo is None:
        raise ValueError
    return claimed.astimezone(UTC)


def _check_signature(message: bytes, signer: Any, certificate: bytes, digest: str) -> str:
    """Raises SIGNATURE_INVALID unless the certificate's key made it; the algorithm as JOSE calls it."""
    key = _key_of(certificate)
    algorithm, signature = signer["signature_algorithm"], signer["signature"].native
    name = str(algorithm["algorithm"].native)
    bits = digest.removeprefix("sha")
    try:
        if isinstance(key, ed25519.Ed25519PublicKey) and name == "ed25519" and digest == "sha512":  # RFC 8419 section 3
            key.verify(signature, message)
            return "Ed25519"
        if isinstance(key, ec.EllipticCurvePublicKey) and name in ("ecdsa", f"{digest}_ecdsa"):
            key.verify(signature, message, ec.ECDSA(DIGESTS[digest]))
            return f"ES{bits}"
        if isinstance(key, rsa.RSAPublicKey) and name in ("rsassa_pkcs1v15", f"{digest}_rsa"):
            key.verify(signature, message, padding.PKCS1v15(), DIGESTS[digest])
            return f"RS{bits}"
        if isinstance(key, rsa.RSAPublicKey) and name == "rsassa_pss":
            key.verify(signature, message, _pss(algorithm["parameters"], digest), DIGESTS[digest])
            return f"PS{bits}"
    except InvalidSignature:
        raise SignatureError("SIGNATURE_INVALID", kid=certificates.thumbprint(certificate)) from None
    raise SignatureError("ALGORITHM_REFUSED", value=f"{name}, {digest}"[:80], passes=", ".join(keys.WRITTEN))


def _pss(parameters: Any, digest: str) -> padding.PSS:
    """RFC 4056: one hash throughout, and a salt at least as long as the hash."""
    used = [parameters["hash_algorithm"]["algorithm"].native]
    used += [parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native]
    salt = parameters["salt_length"].native
    if used != [digest, digest] or not DIGESTS[digest].digest_size <= salt <= keys.RSA_BITS[1] // 8:
        raise SignatureError("ALGORITHM_REFUSED", value=f"rsassa_pss, {used}, {salt}"[:80], passes=digest)
    return padding.PSS(padding.MGF1(DIGESTS[digest]), salt)


def _time(now: datetime) -> cms.Time:
    """RFC 5652 section 11.3: two digits for the year until 2049."""
    moment = now.astimezone(UTC).replace(microsecond=0)
    return cms.Time({"utc_time": moment} if moment.year < 2050 else {"general_time": moment})


def _key_of(certificate: bytes) -> object:
    return x509.load_der_x509_certificate(certificate).public_key()


def _algorithm_name(key: object) -> str:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    return "sha256_ecdsa" if isinstance(key, ec.EllipticCurvePublicKey) else "rsassa_pkcs1v15"
