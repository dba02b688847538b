"""A party's signature of any form, opened and judged: whose it is, its grade, and what its record must name.

A JWS by a bare key needs nothing more than the contract, which lists the key. A certificate must also lead to a root in
force at this moment, which is that of the record; what it was judged by is kept, and named in the record.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from contracts import canonical, certificates, evidence_x509, forms, signature
from contracts.signature import SignatureError, SignerInfo
from exchange.accounts import trust
from exchange.accounts.certificates import chain_of
from exchange.accounts.models import SigningKey
from exchange.negotiations.models import ContractSignature
from exchange.negotiations.standing import Papers


@dataclass(frozen=True)
class Opened:
    """A signature that holds; ``columns`` are those of its row that depend on the form, ``hashes`` its record's."""

    signer: SignerInfo
    form: str
    grade: str | None  # None: that of the registered key
    columns: Mapping[str, Any]
    hashes: Mapping[str, str] = field(default_factory=dict)


def open_signature(session: Session, papers: Papers, org_id: str, handed: object, now: datetime) -> Opened:
    """What an organisation hands in: a flattened JWS, or ``{"form": "cades" | "pades", "file": base64}``.

    Raises ContractsError.
    """
    signed = [_signer(earlier) for earlier in papers.signatures]
    form = handed.get("form", forms.JWS) if isinstance(handed, dict) else forms.JWS
    if not isinstance(handed, dict) or form == forms.JWS:
        entry = _bare(handed, papers)
        found = signature.check(papers.row.payload, entry, papers.document, org_id=org_id, now=now, signed=signed)
        assert isinstance(entry, dict)  # noqa: S101 - `check` refuses anything else
        parts = {name: entry[name] for name in ("protected", "signature")}
        opened = Opened(found, forms.JWS, None, parts, {"signature": canonical.digest(parts)})
    else:
        data = _content(handed)
        found = forms.check_file(
            str(form), data, papers.document, at=now, org_id=org_id, now=now, signed=signed
        )  # fmt: skip
        forms.check_shown(str(form), data, papers.row.payload)
        opened = Opened(found, str(form), None, {"evidence": data}, {"signature": canonical.sha256_b64url(data)})
    return _judged(session, opened, now) if found.chain else opened


def _judged(session: Session, opened: Opened, now: datetime) -> Opened:
    """By its certificate. Intermediates that the signature left out are those that came when it was registered."""
    signer = opened.signer
    registered = session.exec(select(SigningKey).where(SigningKey.thumbprint == signer.kid)).first()
    more = chain_of(registered) if registered else ()
    judged = trust.judge(session, (*signer.chain, *more), now)
    columns = {
        "path": [base64.b64encode(der).decode("ascii") for der in judged.signer.path],
        "trust": judged.trust.digest,
        "crls": [canonical.sha256_b64url(der) for der in judged.signer.crls],
    }
    named = evidence_x509.hashes_of(judged.trust, judged.signer)
    return Opened(signer, opened.form, judged.signer.grade, {**opened.columns, **columns}, {**opened.hashes, **named})


def certified_members(session: Session, signed: list[ContractSignature]) -> dict[str, bytes]:
    """What a bundle of evidence must hold beside these signatures (contracts.evidence_x509)."""
    certified = [entry for entry in signed if entry.trust is not None]
    return evidence_x509.members(
        trust.documents(session, {str(entry.trust) for entry in certified}),
        trust.crl_data(session, {digest for entry in certified for digest in entry.crls or ()}),
        [tuple(base64.b64decode(text) for text in entry.path or ()) for entry in certified],
        [(entry.form, entry.evidence) for entry in signed if entry.evidence is not None],
    )


def subject_of(entry: ContractSignature) -> str | None:
    """Whom the certificate of a signature names (RFC 4514); None of a bare key."""
    return certificates.subject(base64.b64decode(entry.path[0])) if entry.path else None


def _bare(entry: object, papers: Papers) -> object:
    """The entry without the payload that RFC 7515 section 7.2.2 lets it carry; that must be ours, byte for byte."""
    if not isinstance(entry, dict):
        return entry
    if "payload" in entry and entry["payload"] != canonical.b64url(papers.row.payload):
        raise SignatureError("PAYLOAD_CHANGED", contract=papers.row.id)
    return {name: value for name, value in entry.items() if name not in ("payload", "form")}


def _content(handed: Mapping[str, Any]) -> bytes:
    for name in handed:
        if name not in ("form", "file"):
            raise SignatureError("SIGNATURE_MALFORMED", path=str(name)[:80])
    text = handed.get("file")
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)  # type: ignore[union-attr]
    except (AttributeError, UnicodeEncodeError, binascii.Error):
        raise SignatureError("SIGNATURE_MALFORMED", path="file") from None


def _signer(stored: ContractSignature) -> SignerInfo:
    return SignerInfo(stored.org_id, stored.thumbprint, stored.alg, stored.claimed_at)
