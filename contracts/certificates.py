"""Signing certificates (RFC 5280): whether a chain leads to a root that is trusted, at one moment, and who signed.

The moment is the proven time of the signature: that of its record in the log. Path and validity are judged as of then,
and revocation by what the issuers had then published: for each certificate under the root there must be a complete CRL
of its issuer whose time of validity holds that moment. What an issuer publishes later does not undo a signature whose
record stands, as a key's revocation does not.

Only bytes come in; nothing is fetched. Checks raise CertificateError: a stable code, the facts, and what would pass.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from contracts import canonical, keys
from contracts.errors import ContractsError, Fact

Crl = x509.CertificateRevocationList

ORGANISATION, LICENSED = "organisation", "licensed"
TRUST_TYPE = "minhbach-trust"
GRADES = (LICENSED, ORGANISATION)  # in this order: a path to a licensed root is the one that counts

MAX_CHAIN = 5  # certificates in a signature, the root not needed
MAX_CERTIFICATE = 8_192  # bytes
MAX_CRL = 16 * 2**20  # bytes; a licensed authority's lists have some megabytes
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512, type(None))  # None: Ed25519
_ORGANISATION_ID = x509.ObjectIdentifier("2.5.4.97")  # ETSI EN 319 412-1 section 5.1.4: VATVN-0100109106
_NUMBERED = (NameOID.USER_ID, NameOID.SERIAL_NUMBER, _ORGANISATION_ID)
_TAX_CODE = re.compile(r"(?:MST|MSDN|VATVN|NTRVN)?[:\- ]*([0-9]{10}(?:-[0-9]{3})?)", re.IGNORECASE)


class CertificateError(ContractsError):
    """A certificate, its path or its revocation list does not hold."""


@dataclass(frozen=True)
class Sealed:
    """A signature that came inside a file (CAdES, PAdES), proved to be over the payload and under the first key."""

    chain: tuple[bytes, ...]  # DER, the signer's first
    claimed_at: datetime | None  # by the signer's own clock
    alg: str


@dataclass(frozen=True)
class Trust:
    """The roots that are trusted, as DER: authorities licensed by the State, and organisations' own.

    Written down it is a trust list: canonical JSON, each root in base64, sorted. The log names a list by its digest.
    """

    licensed: tuple[bytes, ...] = ()
    organisation: tuple[bytes, ...] = ()

    @property
    def digest(self) -> str:
        """The name of this list in the log."""
        return canonical.sha256_b64url(format_trust(self))

    def roots(self, grade: str) -> tuple[bytes, ...]:
        """Those of one grade."""
        return self.licensed if grade == LICENSED else self.organisation


@dataclass(frozen=True)
class Signer:
    """Whom a certificate names, and what it holds by; `thumbprint` is x5t#S256 (RFC 7515 section 4.1.8)."""

    subject: str  # RFC 4514
    thumbprint: str
    grade: str  # licensed | organisation
    path: tuple[bytes, ...] = field(repr=False)  # DER, from the signer to the root
    crls: tuple[bytes, ...] = field(repr=False)  # DER, those that were looked at


def format_trust(trust: Trust) -> bytes:
    """The trust list as bytes."""
    roots = {grade: sorted(base64.b64encode(der).decode("ascii") for der in trust.roots(grade)) for grade in GRADES}
    return canonical.dumps({"v": 1, "typ": TRUST_TYPE, **roots})


def parse_trust(data: bytes) -> Trust:
    """The trust list in these bytes, every root a certificate; raises TRUST_MALFORMED or CERTIFICATE_MALFORMED."""
    try:
        value = canonical.loads(data)
        found = {grade: tuple(base64.b64decode(text, validate=True) for text in value[grade]) for grade in GRADES}
    except (ContractsError, KeyError, TypeError, ValueError):
        raise CertificateError("TRUST_MALFORMED") from None
    trust = Trust(found[LICENSED], found[ORGANISATION])
    for grade in GRADES:
        for der in trust.roots(grade):
            parse_root(der)
    if format_trust(trust) != data:
        raise CertificateError("TRUST_MALFORMED")
    return trust


def parse_root(der: bytes) -> x509.Certificate:
    """A certificate that may be trusted as a root: an authority's, signed by itself; raises ROOT_REFUSED."""
    root = parse(der)
    constraints = [each.value for each in root.extensions if isinstance(each.value, x509.BasicConstraints)]
    try:
        root.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        raise CertificateError("ROOT_REFUSED", value=_name(root), reason="signature") from None
    if not any(each.ca for each in constraints):
        raise CertificateError("ROOT_REFUSED", value=_name(root), reason="CA")
    return root


def thumbprint(der: bytes) -> str:
    """x5t#S256: SHA-256 of the certificate, base64url."""
    return canonical.b64url(hashlib.sha256(der).digest())


def parse(der: bytes) -> x509.Certificate:
    """The certificate of these bytes, every part of it readable; raises CERTIFICATE_MALFORMED."""
    try:
        if not 0 < len(der) <= MAX_CERTIFICATE:
            raise ValueError
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.public_key()
        if certificate.public_bytes(Encoding.DER) != der:
            raise ValueError
    except _UNREADABLE:
        raise CertificateError(
            "CERTIFICATE_MALFORMED", value=len(der), passes=f"X.509, DER, ≤ {MAX_CERTIFICATE} B"
        ) from None
    return certificate


def parse_crl(der: bytes) -> Crl:
    """A complete list (RFC 5280 section 5): neither a delta nor the part of one; raises CRL_MALFORMED, CRL_PARTIAL."""
    try:
        if not 0 < len(der) <= MAX_CRL:
            raise ValueError
        crl = x509.load_der_x509_crl(der)
        critical = [extension.oid.dotted_string for extension in crl.extensions if extension.critical]
        sound = crl.next_update_utc is not None and isinstance(crl.signature_hash_algorithm, _HASHES)
    except _UNREADABLE:
        sound = False
    if not sound:
        raise CertificateError("CRL_MALFORMED", value=len(der), passes=MAX_CRL)
    if critical:
        raise CertificateError("CRL_PARTIAL", value=", ".join(critical))
    return crl


def subject(der: bytes) -> str:
    """Whom the certificate names (RFC 4514)."""
    return _name(parse(der))


def public_jwk(der: bytes) -> dict[str, str]:
    """The certificate's key, judged as any signing key is: RSA from 2048 bits, P-256, Ed25519; raises KEY_REFUSED."""
    key = parse(der).public_key()
    if not isinstance(key, keys.PublicKey):
        raise keys.SignatureError(
            "KEY_REFUSED", reason="type", value=type(key).__name__, passes=", ".join(keys.WRITTEN)
        )
    return keys.check_public_jwk(keys.public_jwk(key))


def tax_codes(der: bytes) -> tuple[str, ...]:
    """The tax codes in the subject: UID or serialNumber as MST:..., or organizationIdentifier as VATVN-...."""
    found: list[str] = []
    for oid in _NUMBERED:
        for attribute in parse(der).subject.get_attributes_for_oid(oid):
            held = _TAX_CODE.fullmatch(attribute.value.strip()) if isinstance(attribute.value, str) else None
            if held and held[1] not in found:
                found.append(held[1])
    return tuple(found)


def check_chain(chain: Sequence[bytes], trust: Trust, at: datetime, crls: Sequence[bytes] = ()) -> Signer:
    """Whom the first certificate of the chain names, if it was good for signing contracts at the moment `at`.

    The others may come in any order. Raises CertificateError, or SignatureError where the key itself is refused.
    """
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    given = tuple(dict.fromkeys(chain))
    if not 1 <= len(given) <= MAX_CHAIN:
        raise CertificateError("CHAIN_LENGTH", value=len(given), passes=f"1-{MAX_CHAIN}")
    leaf, others = parse(given[0]), [parse(der) for der in given[1:]]
    public_jwk(chain[0])
    _check_purpose(leaf)
    _check_period(leaf, at)
    path, grade = _path(leaf, others, trust, at)
    lists = {der: parse_crl(der) for der in crls}
    used: list[bytes] = []
    for certificate, issuer in pairwise(path):
        used += _check_not_revoked(certificate, issuer, lists, at)
    ders = tuple(certificate.public_bytes(Encoding.DER) for certificate in path)
    return Signer(_name(leaf), thumbprint(given[0]), grade, ders, tuple(dict.fromkeys(used)))


def _path(
    leaf: x509.Certificate, others: list[x509.Certificate], trust: Trust, at: datetime
) -> tuple[list[x509.Certificate], str]:
    """The path to a root, signer first, and the grade of that root."""
    reasons: list[str] = []
    policies = {"ca_policy": ExtensionPolicy.webpki_defaults_ca(), "ee_policy": ExtensionPolicy.permit_all()}
    for grade in GRADES:
        roots = [parse(der) for der in trust.roots(grade)]
        if not roots:
            continue
        builder = PolicyBuilder().store(Store(roots)).time(at.astimezone(UTC).replace(tzinfo=None))
        try:
            verifier = builder.extension_policies(**policies).build_client_verifier()
            return verifier.verify(leaf, others).chain, grade
        except VerificationError as error:
            reasons.append(str(error).removeprefix("validation failed: "))
    for certificate in others:  # what is wrong above the signer is named, where it is that
        _check_period(certificate, at)
    names = [_name(parse(der)) for grade in GRADES for der in trust.roots(grade)]
    raise CertificateError(
        "CERTIFICATE_UNTRUSTED", value=_name(leaf), issuer=_name(leaf, issuer=True), reason="; ".join(reasons)[:200],
        passes="; ".join(names)[:500],
    )  # fmt: skip


def _check_purpose(leaf: x509.Certificate) -> None:
    """For signing, and no authority: RFC 5280 sections 4.2.1.3 and 4.2.1.9. Unknown critical extensions refuse."""
    facts: dict[str, Fact] = {"value": _name(leaf), "passes": "digitalSignature, nonRepudiation"}
    for extension in leaf.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            raise CertificateError("CERTIFICATE_PURPOSE", reason="CA", **facts)
        if isinstance(value, x509.KeyUsage) and not (value.digital_signature or value.content_commitment):
            raise CertificateError("CERTIFICATE_PURPOSE", reason="keyUsage", **facts)
        if extension.critical and isinstance(value, x509.UnrecognizedExtension):
            raise CertificateError("CERTIFICATE_PURPOSE", reason=extension.oid.dotted_string, **facts)


def _check_period(certificate: x509.Certificate, at: datetime) -> None:
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    facts: dict[str, Fact] = {"value": _name(certificate), "at": _moment(at)}
    if at < since:
        raise CertificateError("CERTIFICATE_NOT_YET_VALID", passes=_moment(since), **facts)
    if at > until:
        raise CertificateError("CERTIFICATE_EXPIRED", passes=_moment(until), **facts)


def _check_not_revoked(
    certificate: x509.Certificate, issuer: x509.Certificate, lists: Mapping[bytes, Crl], at: datetime
) -> list[bytes]:
    """The issuer's lists of that moment, all without this certificate. One that it did not sign counts as none."""
    facts: dict[str, Fact] = {"value": _name(certificate), "issuer": _name(issuer), "at": _moment(at)}
    key, used = issuer.public_key(), []
    for der, crl in lists.items():
        if crl.issuer != issuer.subject or not crl.last_update_utc <= at <= (crl.next_update_utc or at):
            continue
        if not crl.is_signature_valid(key):  # type: ignore[arg-type]
            continue
        used.append(der)
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None and entry.revocation_date_utc <= at:
            raise CertificateError("CERTIFICATE_REVOKED", since=_moment(entry.revocation_date_utc), **facts)
    if not used:
        raise CertificateError("CERTIFICATE_STATUS_UNKNOWN", **facts)
    return used


def _name(certificate: x509.Certificate, *, issuer: bool = False) -> str:
    return (certificate.issuer if issuer else certificate.subject).rfc4514_string()[:300]


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds")
