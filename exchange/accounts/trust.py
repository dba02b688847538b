"""The roots and revocation lists by which signing certificates are judged. Every change is a record of the log.

The roots in force are one document, the trust list, and the record of its change holds its digest; so does the record
of each signature that was judged by it. Whoever checks evidence later sees which roots were trusted, and since when.
Roots come from the operator, as the State publishes them: nothing is fetched, and no certificate brings its own root.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from sqlmodel import Session, col, select

from contracts import canonical, certificates, words
from contracts.certificates import LICENSED, Signer, Trust
from contracts.errors import ContractsError
from exchange import audit
from exchange.accounts.models import RevocationList, TrustList
from exchange.errors import N_, Refusal, Refused, refuse

SUBJECT = "policy:trust"  # whose chain the changes are
MAX_LISTS = 4  # newest revocation lists of each authority that are looked at: more than one, for a change of its key


@dataclass(frozen=True)
class Root:
    """One root in force, as people read it."""

    thumbprint: str
    grade: str  # licensed | organisation
    name: str
    until: datetime


@dataclass(frozen=True)
class Judged:
    """A certificate that was good for signing, and the list of roots that said so."""

    signer: Signer
    trust: Trust


def in_force(session: Session) -> Trust:
    """The roots that are trusted now; none at all until the operator lists some."""
    newest = _newest(session)
    return Trust() if newest is None else certificates.parse_trust(newest.document)


def judge(session: Session, chain: Sequence[bytes], at: datetime) -> Judged:
    """Whom the chain's first certificate names, by the roots and lists of the moment; raises ContractsError."""
    trust = in_force(session)
    issuers = [certificates.parse(der) for der in (*chain, *trust.licensed, *trust.organisation)]
    query = select(RevocationList.issuer, RevocationList.digest).where(
        col(RevocationList.issuer).in_({_fingerprint(issuer.subject) for issuer in issuers}),
        RevocationList.this_update <= at,
        RevocationList.next_update >= at,
    )
    newest: dict[str, list[str]] = {}  # of each by itself: one that publishes every hour must not hide another's
    for issuer, digest in session.exec(query.order_by(col(RevocationList.this_update).desc())):
        newest.setdefault(issuer, []).append(digest)
    looked_at = {digest for digests in newest.values() for digest in digests[:MAX_LISTS]}
    return Judged(certificates.check_chain(chain, trust, at, crl_data(session, looked_at)), trust)


def roots(session: Session) -> list[Root]:
    """Those in force, the licensed ones first."""
    trust = in_force(session)
    return [
        Root(certificates.thumbprint(der), grade, parsed.subject.rfc4514_string(), parsed.not_valid_after_utc)
        for grade in certificates.GRADES
        for der in trust.roots(grade)
        for parsed in [certificates.parse(der)]
    ]


def history(session: Session) -> list[TrustList]:
    """Every list that has been in force, newest first."""
    return list(session.exec(select(TrustList).order_by(col(TrustList.number).desc())))


def crls(session: Session) -> list[RevocationList]:
    """The newest revocation list of each authority; their contents are large, so look at few."""
    newest: dict[str, RevocationList] = {}
    for row in session.exec(select(RevocationList).order_by(col(RevocationList.this_update))):
        newest[row.issuer] = row
    return sorted(newest.values(), key=lambda row: row.issuer_name)


def add_root(session: Session, der: bytes, grade: str, now: datetime) -> Root:
    """Trust this root from now on. Whoever may run commands on the exchange's own machine decides."""
    trust = in_force(session)
    try:
        parsed = certificates.parse_root(der)
    except ContractsError as error:
        raise said(error) from None
    if der in (*trust.licensed, *trust.organisation):
        text = N_("This root is trusted already. Remove it first to change its grade.")
        raise refuse("ROOT_LISTED", text, value=parsed.subject.rfc4514_string(), status=409)
    grown = (*trust.roots(grade), der)
    after = replace(trust, licensed=grown) if grade == LICENSED else replace(trust, organisation=grown)
    _change(session, after, "root-added", der, grade, now)
    return Root(certificates.thumbprint(der), grade, parsed.subject.rfc4514_string(), parsed.not_valid_after_utc)


def remove_root(session: Session, thumbprint: str, now: datetime) -> Root:
    """Trust it no longer. What was signed under it before stays signed."""
    found = next((root for root in roots(session) if root.thumbprint == thumbprint), None)
    if found is None:
        raise refuse("ROOT_UNKNOWN", N_("No such root is trusted."), value=thumbprint, status=404)
    trust = in_force(session)
    removed = next(der for der in trust.roots(found.grade) if certificates.thumbprint(der) == thumbprint)
    kept = Trust(*(tuple(der for der in trust.roots(grade) if der != removed) for grade in certificates.GRADES))
    _change(session, kept, "root-removed", removed, found.grade, now)
    return found


def add_crl(session: Session, der: bytes, now: datetime) -> RevocationList:
    """Keep a revocation list; the same one again changes nothing. Who signed it is asked when it is used."""
    try:
        crl = certificates.parse_crl(der)
    except ContractsError as error:
        raise said(error) from None
    until, issuer = crl.next_update_utc or now, crl.issuer.rfc4514_string()[:300]
    if until < now:
        text = N_("This list is out of date: a newer one was due on %(day)s.")
        raise refuse("CRL_OUTDATED", text, value=issuer, facts={"day": until.isoformat(timespec="minutes")})
    digest = canonical.sha256_b64url(der)
    if held := session.get(RevocationList, digest):
        return held
    event_id = audit.record(
        session, "policy.changed", None, on=[SUBJECT], now=now, hashes={"crl": digest}, details={"change": "crl-added"}
    )
    row = RevocationList(
        digest=digest, issuer=_fingerprint(crl.issuer), issuer_name=issuer, this_update=crl.last_update_utc,
        next_update=until, data=der, event_id=event_id, added_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def document(session: Session) -> bytes:
    """The list in force as the bytes whose digest the log names."""
    return certificates.format_trust(in_force(session))


def documents(session: Session, digests: Iterable[str]) -> list[bytes]:
    """The trust lists of these digests."""
    query = select(TrustList.digest, TrustList.document).where(col(TrustList.digest).in_(list(digests)))
    return list(dict(session.exec(query).all()).values())


def crl_data(session: Session, digests: Iterable[str]) -> list[bytes]:
    """The revocation lists of these digests."""
    return list(session.exec(select(RevocationList.data).where(col(RevocationList.digest).in_(list(digests)))))


def said(error: ContractsError, *, field: str | None = None, status: int = 422) -> Refused:
    """What the contract package refuses of a certificate or list, in both languages."""
    value = error.facts.get("value")
    return Refused(
        Refusal(
            error.code,
            field=field,
            value=None if value in (None, "") else str(value),
            vi=words.say(error.code, error.facts, "vi"),
            en=words.say(error.code, error.facts, "en"),
        ),
        status=status,
    )


def _newest(session: Session) -> TrustList | None:
    return session.exec(select(TrustList).order_by(col(TrustList.number).desc()).limit(1)).first()


def _change(session: Session, after: Trust, change: str, der: bytes, grade: str, now: datetime) -> None:
    """A new list in force. Of two changes at once the second meets the number of the first, and fails."""
    newest = _newest(session)
    event_id = audit.record(
        session, "policy.changed", None, on=[SUBJECT], now=now,
        hashes={"trust": after.digest, "root": canonical.sha256_b64url(der)},
        details={"change": change, "grade": grade},
    )  # fmt: skip
    number = 1 if newest is None or newest.number is None else newest.number + 1
    document = certificates.format_trust(after)
    session.add(TrustList(number=number, digest=after.digest, document=document, event_id=event_id, since=now))
    session.flush()


def _fingerprint(name: x509.Name) -> str:
    return hashlib.sha256(name.public_bytes()).hexdigest()
