"""Signatures by certificate in an evidence file: what lies there for them, and how each is checked.

  x509/<sha256>.trust.json        a trust list, as the log's records name it
  x509/<sha256>.crl               a revocation list (DER), as the record of a signature names it
  x509/<sha256>.pem               the path from a signer's certificate, whose digest is the name, to the root
  signatures/<sha256>.p7s, .pdf   a signature of another form than JWS, the file as it was handed in

The record of such a signature names what the exchange judged it by: `h` has `trust`, and `crl_1`, `crl_2` ...; the
certificate is judged again by exactly these, at the time of that record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contracts import canonical, certificates, forms
from contracts.bundle import Bundle
from contracts.certificates import Signer, Trust
from contracts.document import Contract
from contracts.errors import ContractsError, EvidenceError
from contracts.keys import decode
from contracts.log.events import EventType
from contracts.log.story import Placed
from contracts.signature import SignerInfo

_TRUST, _LIST = "trust", "crl_"


def hashes_of(trust: Trust, signer: Signer) -> dict[str, str]:
    """What the record of a signature by certificate names beside contract and signature."""
    lists = {f"{_LIST}{n}": _digest(der) for n, der in enumerate(signer.crls, 1)}
    return {_TRUST: trust.digest, **lists}


def members(
    trusts: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    paths: Iterable[tuple[bytes, ...]] = (),
    files: Iterable[tuple[str, bytes]] = (),
) -> dict[str, bytes]:
    """The members of a bundle for these; `files` are form and content."""
    found = {f"x509/{_hex(data)}.trust.json": data for data in trusts}
    found |= {f"x509/{_hex(der)}.crl": der for der in crls}
    for path in paths:
        pem = [x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in path]
        found[f"x509/{_hex(path[0])}.pem"] = b"".join(pem)
    return found | {f"signatures/{_hex(data)}.{forms.SUFFIX[form]}": data for form, data in files}


@dataclass
class Certified:
    """Judges the signatures of a bundle by certificate. `roots` are licensed roots that the reader brought along."""

    bundle: Bundle
    roots: tuple[bytes, ...] | None = None
    unpinned: bool = field(default=False, init=False)  # whether roots of the bundle's own lists were relied on
    _listed: dict[str, int] = field(default_factory=dict, init=False)  # trust list's digest -> index of its record

    def note(self, index: int, digest: str | None) -> None:
        """A `policy.changed` record put this trust list in force."""
        if digest is not None:
            self._listed.setdefault(digest, index)

    def files_of(
        self, contract: Contract, own: Iterable[Placed], found: list[SignerInfo]
    ) -> dict[tuple[str, str], SignerInfo | None]:
        """The signatures that came inside a file, by actor and digest, as the records name them; added to `found`.
        None: this machine has not what it takes to open the form.
        """
        held: dict[tuple[str, str], SignerInfo | None] = {}
        for placed in own:
            form = str(placed.leaf.d.get("form", forms.JWS))
            if placed.leaf.type != EventType.CONTRACT_SIGNED or form == forms.JWS:
                continue
            digest = placed.leaf.h["signature"]
            data = self._named(digest, f"signatures/{{}}.{forms.SUFFIX.get(form, form)}")
            try:
                info = forms.check_file(
                    form, data, contract, at=_time(placed), signed=tuple(found), wanted=_key_named(placed),
                    org_id=placed.leaf.actor.removeprefix("org:"),
                )  # fmt: skip
            except ContractsError as problem:
                if problem.code != "FORM_UNAVAILABLE":
                    raise
                held[placed.leaf.actor, digest] = None
                continue
            found.append(info)
            held[placed.leaf.actor, digest] = info
        return held

    def check(self, info: SignerInfo, placed: Placed) -> str:
        """The grade of a signature, by its certificate where there is one; the record must have said the same."""
        said = placed.leaf.d.get("grade")
        if not info.chain:
            if said in certificates.GRADES:
                raise EvidenceError("GRADE_DIFFERS", kid=info.kid, value=said, expected="key")
            return str(said or "key")
        signer = certificates.check_chain(
            (*info.chain, *self._path(info.kid)), self._trust(placed), _time(placed), self._lists(placed)
        )
        if said != signer.grade:
            raise EvidenceError("GRADE_DIFFERS", kid=info.kid, value=said, expected=signer.grade)
        return signer.grade

    def _trust(self, placed: Placed) -> Trust:
        digest = placed.leaf.h.get(_TRUST, "")
        if self._listed.get(digest, placed.index) >= placed.index:
            raise EvidenceError("TRUST_NOT_LOGGED", index=placed.index, hash=digest)
        trust = certificates.parse_trust(self._named(digest, "x509/{}.trust.json"))
        if self.roots is not None:
            return Trust(licensed=self.roots, organisation=trust.roots(certificates.ORGANISATION))
        self.unpinned = True
        return trust

    def _lists(self, placed: Placed) -> list[bytes]:
        digests = [digest for name, digest in placed.leaf.h.items() if name.startswith(_LIST)]
        return [self._named(digest, "x509/{}.crl") for digest in digests]

    def _path(self, thumbprint: str) -> tuple[bytes, ...]:
        """More certificates of the path, where the file of a signature left them out."""
        name = f"x509/{decode(thumbprint, 'x5t#S256').hex()}.pem"
        if name not in self.bundle.names("x509"):
            return ()
        try:
            found = x509.load_pem_x509_certificates(self.bundle.data(name))
        except ValueError:
            raise EvidenceError("MEMBER_MALFORMED", member=name, reason="PEM") from None
        return tuple(certificate.public_bytes(Encoding.DER) for certificate in found)

    def _named(self, digest: str, place: str) -> bytes:
        """The member whose content has this digest."""
        name = place.format(decode(digest.removeprefix("sha-256:"), "digest").hex())
        data = self.bundle.data(name)
        if _digest(data) != digest:
            raise EvidenceError("MEMBER_UNEXPECTED", member=name)
        return data


def licensed_roots(pem: bytes) -> tuple[bytes, ...]:
    """The roots in a PEM file that a reader brings along; raises ROOTS_MALFORMED or ROOT_REFUSED."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise EvidenceError("ROOTS_MALFORMED") from None
    ders = tuple(certificate.public_bytes(Encoding.DER) for certificate in found)
    for der in ders:
        certificates.parse_root(der)
    return ders


def _key_named(placed: Placed) -> str | None:
    return next((subject[4:] for subject in placed.leaf.on if subject.startswith("key:")), None)


def _time(placed: Placed) -> datetime:
    return datetime.fromtimestamp(placed.leaf.at_ms / 1000, UTC)


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest(data: bytes) -> str:
    return canonical.sha256_b64url(data)
