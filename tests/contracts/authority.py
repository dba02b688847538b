"""A certificate authority for tests: roots, intermediates, signers, revocation lists."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from contracts import keys

DER = serialization.Encoding.DER
SIGNING = {"digital_signature": True, "content_commitment": True}
YEAR = timedelta(days=365)


def usage(**on: bool) -> x509.KeyUsage:
    """A key usage with these bits set and no other."""
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: on.get(name, False) for name in names})


def named(common_name: str, **more: str) -> x509.Name:
    """A subject: C=VN, what `more` holds by attribute name (USER_ID="MST:..."), CN."""
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")]
    parts += [x509.NameAttribute(getattr(NameOID, name), value) for name, value in more.items()]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass
class Certified:
    """A private key and its certificate, DER; above it the intermediates."""

    key: keys.PrivateKey
    der: bytes
    above: tuple[bytes, ...] = ()

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Signer first, without the root."""
        return (self.der, *self.above)


@dataclass
class Authority:
    """A root, or an authority under one."""

    name: x509.Name
    key: Any
    certificate: x509.Certificate
    above: tuple[bytes, ...] = ()
    revoked: dict[int, datetime] = field(default_factory=dict)

    @property
    def der(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(DER)

    @classmethod
    def root(cls, common_name: str, now: datetime, *, alg: str = "ES256", years: int = 10) -> "Authority":
        """A root that signs itself, valid from a year ago."""
        key, name = keys.generate(alg), named(common_name)
        return cls(name, key, _authority(name, key, name, key, now, years * YEAR))

    def under(self, common_name: str, now: datetime, *, years: int = 5) -> "Authority":
        """An intermediate authority."""
        key, name = keys.generate("ES256"), named(common_name)
        made = _authority(name, key, self.name, self.key, now, years * YEAR)
        return Authority(name, key, made, (made.public_bytes(DER), *self.above))

    def certify(
        self,
        subject: x509.Name,
        now: datetime,
        *,
        alg: str = "ES256",
        key: Any = None,
        since: datetime | None = None,
        until: datetime | None = None,
        extensions: Collection[tuple[x509.ExtensionType, bool]] = ((usage(**SIGNING), True),),
    ) -> Certified:
        """A signer's certificate, valid for a year from a day ago unless told otherwise."""
        key = key or keys.generate(alg)
        builder = _builder(subject, key, self.name, self.key, since or now - timedelta(days=1), until or now + YEAR)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return Certified(key, _signed(builder, self.key).public_bytes(DER), self.above)

    def revoke(self, der: bytes, at: datetime) -> None:
        """Listed in every list made from now on."""
        self.revoked[x509.load_der_x509_certificate(der).serial_number] = at

    def crl(
        self,
        now: datetime,
        *,
        days: int = 7,
        key: Any = None,
        extensions: Collection[tuple[x509.ExtensionType, bool]] = (),
    ) -> bytes:
        """Its revocation list as of now, DER."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(now).next_update(now + timedelta(days=days))
        for serial, at in self.revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
            builder = builder.add_revoked_certificate(entry.build())
        for extension, critical in ((x509.CRLNumber(1), False), *extensions):
            builder = builder.add_extension(extension, critical)
        return builder.sign(key or self.key, _hash(key or self.key)).public_bytes(DER)


def _authority(
    name: x509.Name, key: Any, issuer: x509.Name, issuer_key: Any, now: datetime, length: timedelta
) -> x509.Certificate:
    builder = _builder(name, key, issuer, issuer_key, now - YEAR, now - YEAR + length)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
    return _signed(builder, issuer_key)


def _builder(
    name: x509.Name, key: Any, issuer: x509.Name, issuer_key: Any, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return builder.add_extension(identifier, critical=False)


def _signed(builder: x509.CertificateBuilder, key: Any) -> x509.Certificate:
    return builder.sign(key, _hash(key))


def _hash(key: Any) -> hashes.HashAlgorithm | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
