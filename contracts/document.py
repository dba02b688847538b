"""The contract: one canonical JSON document that is shown, signed, logged by its hash, and enforced.

`build` fixes it, `parse` reads it under a closed schema. What appears twice (the policy beside the terms, the purpose,
price and term beside them, the digests of the prose) is derived: `parse` derives it again and refuses a document that
disagrees with itself, so there is no second copy of the rules to trust.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from contracts import canonical, reading, text
from contracts.clauses import EDITION
from contracts.odrl import to_odrl
from contracts.parts import AssetRef, Contract, LogHead, Party, TrialRef
from contracts.reading import DocumentError
from contracts.spelling import LANGUAGES
from contracts.terms import ADDED, FORUMS, LICENCES, ONWARD_TRANSFERS, VAT, Terms, TermsError

__all__ = ["AssetRef", "Contract", "DocumentError", "LogHead", "Party", "TrialRef", "build", "parse", "prose_digests"]

VERSION = 1
TYPE = "minhbach-contract"
LAW = "VN"
CURRENCY = "VND"
ROLES = ("provider", "consumer", "operator")
MAX_BYTES = 65_535  # as a log entry: small enough to read, to show and to verify anywhere

_FIELDS = (
    *("v", "typ", "id", "created", "nonce", "parties", "assets", "policy", "terms", "purpose", "price", "term", "law"),
    *("text", "trial", "log", "needs"),
)
_SUCCESSORS = (*_FIELDS, "supersedes")  # the digest of the old one: only in a contract that takes another's place
# A choice not known here has no sentence, so it cannot be signed.
_CHOICES = {"licence": LICENCES, "onward_transfer": ONWARD_TRANSFERS, "vat": VAT, "dispute_forum": FORUMS}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_TAX_CODE = re.compile(r"[0-9]{10}(-[0-9]{3})?|[0-9]{12}|")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256, RFC 7638
_DIGEST = re.compile(r"sha-256:[A-Za-z0-9_-]{43}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 bit
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")  # as on the checkpoint


def build(
    *,
    id: str,
    created: datetime,
    nonce: bytes,
    parties: Sequence[Party],
    assets: Sequence[AssetRef],
    terms: Terms,
    trial: TrialRef | None = None,
    log: LogHead | None = None,
    needs: Sequence[str] | None = None,
    supersedes: str | None = None,
) -> Contract:
    """The contract on these terms. `nonce` is 16 random bytes; `needs` are the organisations that must sign;
    `supersedes` is the digest of the contract whose place it takes once it is in force."""
    if created.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    moment = created.astimezone(UTC)
    contract = Contract(
        payload=b"",
        id=id,
        created=moment.replace(microsecond=moment.microsecond // 1000 * 1000),
        nonce=canonical.b64url(nonce),
        parties=tuple(parties),
        assets=tuple(assets),
        terms=terms,
        trial=trial,
        log=log,
        needs=tuple(needs) if needs is not None else tuple(p.org_id for p in parties if p.role != "operator"),
        supersedes=supersedes,
    )
    return parse(canonical.dumps(_body(contract)))


@lru_cache(maxsize=256)  # a value for bytes that never change: one request asks for it several times
def parse(payload: bytes) -> Contract:
    """The contract in these bytes. Refuses other spellings, unknown fields and a document that contradicts itself."""
    if len(payload) > MAX_BYTES:
        raise DocumentError("DOCUMENT_TOO_LARGE", value=len(payload), limit=MAX_BYTES)
    body = canonical.loads(payload)
    fields = _SUCCESSORS if isinstance(body, dict) and "supersedes" in body else _FIELDS
    reading.keys(body, fields, "")
    for name, value in (("v", VERSION), ("typ", TYPE), ("law", LAW)):
        if body[name] != value:
            raise DocumentError("DOCUMENT_VALUE_REFUSED", path=name, value=str(body[name])[:80], passes=value)
    contract = Contract(
        payload=payload,
        id=reading.match(body["id"], _ID, "id"),
        created=_moment(body["created"]),
        nonce=reading.match(body["nonce"], _NONCE, "nonce"),
        parties=tuple(_party(item, f"parties/{n}") for n, item in enumerate(reading.items(body["parties"], "parties"))),
        assets=tuple(_asset(item, f"assets/{n}") for n, item in enumerate(reading.items(body["assets"], "assets"))),
        terms=_terms(body["terms"]),
        trial=None if body["trial"] is None else _trial(body["trial"]),
        log=None if body["log"] is None else _log(body["log"]),
        needs=tuple(reading.text(item, "needs") for item in reading.items(body["needs"], "needs")),
        supersedes=_supersedes(body),
        edition=_edition(body["text"]),
    )
    expected = _body(contract)
    _check_edition(contract)
    if canonical.spelt({**expected, "text": body["text"]}) != payload.decode("utf-8"):
        for name in fields:
            if name != "text" and canonical.spelt(body[name]) != canonical.spelt(expected[name]):
                raise DocumentError("DOCUMENT_CONTRADICTS", path=name)
    _check_prose(body["text"], expected["text"])
    return contract


def prose_digests(contract: Contract) -> tuple[dict[str, str], ...]:
    """The digest of the contract's prose in each language, with the edition of the wording."""
    return tuple(
        {
            "lang": lang,
            "edition": contract.edition,
            "sha256": canonical.sha256_b64url(text.plain(contract, lang).encode("utf-8")),
        }
        for lang in LANGUAGES
    )


def _body(contract: Contract) -> dict[str, Any]:
    terms = contract.terms
    _check_parties(contract)
    _check_assets(contract)
    first = contract.assets[0]
    return {
        "v": VERSION,
        "typ": TYPE,
        "id": contract.id,
        "created": (contract.created - _EPOCH) // timedelta(milliseconds=1),
        "nonce": contract.nonce,
        "parties": [{**vars(party), "keys": list(party.keys)} for party in contract.parties],
        "assets": [vars(asset) for asset in contract.assets],
        "policy": to_odrl(
            terms,
            target=f"urn:minhbach:listing:{first.listing_id}:{first.version}",
            assigner="urn:minhbach:org:" + contract.party("provider").org_id,
            assignee="urn:minhbach:org:" + contract.party("consumer").org_id,
        ),
        "terms": terms.to_json(),
        "purpose": terms.purpose,
        "price": {"amount": terms.price_vnd, "currency": CURRENCY},
        "term": {"from": terms.starts.isoformat(), "to": terms.ends.isoformat()},
        "law": LAW,
        "text": list(prose_digests(contract)),
        "trial": None if contract.trial is None else vars(contract.trial),
        "log": None if contract.log is None else vars(contract.log),
        "needs": list(contract.needs),
        **({} if contract.supersedes is None else {"supersedes": contract.supersedes}),
    }


def _check_parties(contract: Contract) -> None:
    roles = [party.role for party in contract.parties]
    for role, least in (("provider", 1), ("consumer", 1), ("operator", 0)):
        if not least <= roles.count(role) <= 1:
            raise DocumentError("PARTIES_REFUSED", role=role, value=roles.count(role), passes=least)
    orgs = [party.org_id for party in contract.parties]
    if len(set(orgs)) != len(orgs):
        raise DocumentError("PARTY_REPEATED", value=next(org for org in orgs if orgs.count(org) > 1))
    keys = [key for party in contract.parties for key in party.keys]
    if len(set(keys)) != len(keys):
        raise DocumentError("KEY_REPEATED", value=next(key for key in keys if keys.count(key) > 1))
    if len(set(contract.needs)) != len(contract.needs) or not set(contract.needs) <= set(orgs):
        raise DocumentError("NEEDS_REFUSED", value=", ".join(contract.needs), passes=", ".join(orgs))
    for party in contract.parties:
        if party.role != "operator" and party.org_id not in contract.needs:
            raise DocumentError("NEEDS_REFUSED", value=", ".join(contract.needs), passes=", ".join(orgs))
        if party.org_id in contract.needs and not party.keys:
            raise DocumentError("PARTY_WITHOUT_KEY", org=party.org_id)


def _check_assets(contract: Contract) -> None:
    if not contract.assets:
        raise DocumentError("ASSETS_MISSING")
    listings = {(asset.listing_id, asset.version) for asset in contract.assets}
    if len(listings) > 1:
        raise DocumentError("ASSETS_MIXED", value=", ".join(sorted(f"{name} {version}" for name, version in listings)))
    digests = [asset.sha256 for asset in contract.assets]
    if len(set(digests)) != len(digests):
        raise DocumentError("ASSET_REPEATED", value=next(d for d in digests if digests.count(d) > 1))


def _supersedes(body: Mapping[str, Any]) -> str | None:
    return reading.match(body["supersedes"], _DIGEST, "supersedes") if "supersedes" in body else None


def _edition(value: object) -> str:
    """The edition that the first text names; one whose wording is not kept here is refused."""
    rows = reading.items(value, "text")
    if not rows:
        raise DocumentError("DOCUMENT_CONTRADICTS", path="text")
    edition = str(reading.keys(rows[0], ("lang", "edition", "sha256"), "text/0")["edition"])
    if edition not in text.EDITIONS:
        raise DocumentError("EDITION_UNKNOWN", value=edition[:80], passes=", ".join(text.EDITIONS))
    return edition


def _check_edition(contract: Contract) -> None:
    """An older wording has no sentence for what parties may add since: such a term would be signed unseen."""
    if contract.edition == EDITION:
        return
    added = contract.terms.to_json().keys() & ADDED.keys()
    added |= {"supersedes"} if contract.supersedes else set()
    if added:
        raise DocumentError("EDITION_TOO_OLD", value=contract.edition, field=min(added), passes=EDITION)


def _check_prose(found: object, expected: Sequence[Mapping[str, str]]) -> None:
    """The digests must be those of the prose printed here."""
    rows = reading.items(found, "text")
    if len(rows) != len(expected):
        raise DocumentError("DOCUMENT_CONTRADICTS", path="text")
    for n, (row, right) in enumerate(zip(rows, expected, strict=True)):
        reading.keys(row, ("lang", "edition", "sha256"), f"text/{n}")
        reading.match(row["sha256"], _DIGEST, f"text/{n}/sha256")
        if row["lang"] != right["lang"]:
            raise DocumentError("DOCUMENT_CONTRADICTS", path=f"text/{n}/lang")
        if row != right:
            raise DocumentError("PROSE_CHANGED", lang=right["lang"])


def _party(value: object, path: str) -> Party:
    row = reading.keys(value, ("role", "org_id", "name", "tax_code", "keys"), path)
    if row["role"] not in ROLES:
        raise DocumentError(
            "DOCUMENT_VALUE_REFUSED", path=f"{path}/role", value=str(row["role"])[:80], passes=", ".join(ROLES)
        )
    return Party(
        role=row["role"],
        org_id=reading.match(row["org_id"], _ID, f"{path}/org_id"),
        name=reading.text(row["name"], f"{path}/name"),
        tax_code=reading.match(row["tax_code"], _TAX_CODE, f"{path}/tax_code"),
        keys=tuple(
            reading.match(key, _THUMBPRINT, f"{path}/keys") for key in reading.items(row["keys"], f"{path}/keys")
        ),
    )


def _asset(value: object, path: str) -> AssetRef:
    row = reading.keys(value, ("listing_id", "version", "sha256", "schema_sha256", "name", "rows"), path)
    return AssetRef(
        listing_id=reading.match(row["listing_id"], _ID, f"{path}/listing_id"),
        version=reading.count(row["version"], f"{path}/version", least=1),
        sha256=reading.match(row["sha256"], _DIGEST, f"{path}/sha256"),
        schema_sha256=reading.match(row["schema_sha256"], _DIGEST, f"{path}/schema_sha256"),
        name=reading.text(row["name"], f"{path}/name"),
        rows=reading.count(row["rows"], f"{path}/rows"),
    )


def _trial(value: object) -> TrialRef:
    row = reading.keys(value, ("cert_no", "notice_version"), "trial")
    return TrialRef(
        reading.text(row["cert_no"], "trial/cert_no"), reading.text(row["notice_version"], "trial/notice_version")
    )


def _log(value: object) -> LogHead:
    row = reading.keys(value, ("origin", "size", "root"), "log")
    return LogHead(
        reading.text(row["origin"], "log/origin"),
        reading.count(row["size"], "log/size"),
        reading.match(row["root"], _ROOT, "log/root"),
    )


def _terms(value: object) -> Terms:
    try:
        terms = Terms.from_json(value)
    except TermsError as error:
        raise DocumentError(error.code, **error.facts) from None
    for name, known in _CHOICES.items():
        if (stated := getattr(terms, name)) not in known:
            passes = ", ".join(known)
            raise DocumentError("DOCUMENT_VALUE_REFUSED", path=f"terms/{name}", value=stated[:80], passes=passes)
    return terms


def _moment(value: object) -> datetime:
    milliseconds = reading.count(value, "created")
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise DocumentError(
            "DOCUMENT_VALUE_REFUSED", path="created", value=str(value), passes="milliseconds since 1970"
        ) from None
