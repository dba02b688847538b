"""The contract as prose: the 22 clauses of a usage contract, in Vietnamese (which prevails) and in English.

Everything is computed from the document, and the document holds the digest of the result, so the page a person reads
and the bytes that are signed cannot part. A change of wording is a new EDITION, and what the older one said goes to
clauses_older.py: contracts signed under it keep being printed as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from contracts.clauses import BODIES, CHOICES, EDITION, TITLES
from contracts.clauses_older import OLDER
from contracts.parts import AssetRef, Contract, Party
from contracts.spelling import amount, day, money
from contracts.terms import ANSWERS_ONLY, PERIODS, VIETNAM, Terms

EDITIONS = (EDITION, *OLDER)

_HEADINGS = {
    "vi": "HỢP ĐỒNG QUYỀN KHAI THÁC, SỬ DỤNG DỮ LIỆU",
    "en": "CONTRACT FOR THE RIGHT TO EXPLOIT AND USE DATA",
}


class Clause(NamedTuple):
    """One numbered clause; the body may have several lines."""

    number: int
    title: str
    body: str


def clauses(contract: Contract, lang: str) -> tuple[Clause, ...]:
    """The 22 clauses in "vi" or "en"."""
    facts = _facts(contract, lang)
    return tuple(
        clause if fixed else Clause(clause.number, clause.title, _body(clause.body, facts))
        for clause, fixed in _wordings(contract.edition, lang, tuple(_choices(contract).items()))
    )


def plain(contract: Contract, lang: str) -> str:
    """The whole prose as one text: this is what the document's digest covers."""
    parts = [f"{_HEADINGS[lang]}\n{contract.id}"]
    word = "Điều" if lang == "vi" else "Clause"
    parts += [f"{word} {number}. {title}\n{body}" for number, title, body in clauses(contract, lang)]
    return "\n\n".join(parts) + "\n"


@lru_cache(maxsize=256)  # one reader's contracts choose among the sentences in a few ways
def _wordings(edition: str, lang: str, chosen: tuple[tuple[str, str], ...]) -> tuple[tuple[Clause, bool], ...]:
    """Each clause in the words of that edition with the chosen sentences, and whether it is whole without any fact."""
    older = OLDER.get(edition, {}).get(lang, {})
    sentences = _Places({slot: CHOICES[lang][key] if key else "" for slot, key in chosen})
    found = []
    for number, (title, body) in enumerate(zip(TITLES[lang], BODIES[lang], strict=True), 1):
        wording = older.get(number, body).format_map(sentences)
        fixed = "{" not in wording
        found.append((Clause(number, title, _body(wording, {}) if fixed else wording), fixed))
    return tuple(found)


class _Places(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"  # a fact's, filled later


def _body(wording: str, facts: Mapping[str, str]) -> str:
    """The sentences of a clause with every place filled; a line left empty is not printed."""
    lines = map(str.strip, wording.format_map(facts).split("\n"))
    return "\n".join(filter(None, lines))


def _choices(contract: Contract) -> dict[str, str]:
    """Which of the alternative sentences the terms select; an empty key leaves the place empty."""
    terms = contract.terms
    return {
        "succession": "succession" if contract.supersedes else "",
        "right": f"right_{terms.licence}",
        "attribution": "attribution" if terms.attribution else "",
        "exclusivity": "exclusive" if terms.exclusive else "not_exclusive",
        "onward": f"onward_{terms.onward_transfer}",
        "price": _price(terms),
        "deletion": "deletion_open" if terms.licence == "L0" else "deletion",
        "incident": "incident_now" if terms.incident_hours is None else "incident_within",
        "liability": "liability" if terms.liability_cap_vnd is None else "liability_capped",
        "dispute": f"dispute_{terms.dispute_forum}",
        "personal": "personal" if terms.personal_data or terms.personal_basis else "",
        "history": "history" if contract.log else "",
        "trial": "trial" if contract.trial else "no_trial",
        **_delivery(terms),
        **{slot: slot if getattr(terms, name) is not None else "" for slot, name in _ADDED_SENTENCES.items()},
    }


# Place -> the field that a sentence of the same name states where the parties agreed on it.
_ADDED_SENTENCES = {
    "payment": "payment_days",
    "royalty": "royalty_percent",
    "reports": "report_days",
    "updates": "update_days",
    "acceptance": "acceptance_days",
    "hours": "max_hours",
    "audit": "audit_days",
    "penalty": "penalty_percent",
}


def _price(terms: Terms) -> str:
    if terms.vat == "included":
        return "price_with_vat"
    return "price_some" if terms.price_vnd else "price_none"


def _delivery(terms: Terms) -> dict[str, str]:
    raw = terms.licence not in ANSWERS_ONLY
    cap = "deliveries_free" if terms.max_deliveries is None else "deliveries_capped"
    return {
        "delivery": "delivery_files" if raw else "delivery_answers",
        "delivery_cap": cap if raw else "",
        "query_cap": "" if terms.max_queries is None else "queries_capped",
        "group_floor": "" if terms.min_group is None else "group_floor",
    }


def _facts(contract: Contract, lang: str) -> dict[str, str]:
    terms, trial, log = contract.terms, contract.trial, contract.log
    return {
        "id": contract.id,
        "created": day(contract.created.astimezone(VIETNAM).date(), lang),
        "parties": "\n".join(_party(party, lang) for party in contract.parties),
        "provider": contract.party("provider").name,
        "consumer": contract.party("consumer").name,
        "listing": f"{contract.assets[0].listing_id}, {'phiên bản' if lang == 'vi' else 'version'} "
        f"{contract.assets[0].version}",
        "assets": "\n".join(_asset(asset, lang) for asset in contract.assets),
        "licence": terms.licence,
        "purpose": _quoted(terms.purpose),
        "scenario": _quoted(terms.scenario),
        "territory": _territory(terms.territory, lang),
        "starts": day(terms.starts, lang),
        "ends": day(terms.ends, lang),
        "ip_limits": _quoted(terms.ip_limits),
        "amount": money(terms.price_vnd, lang),
        "max_deliveries": str(terms.max_deliveries),
        "max_queries": str(terms.max_queries),
        "min_group": str(terms.min_group),
        "royalty_percent": str(terms.royalty_percent),
        "penalty_percent": str(terms.penalty_percent),
        "personal_data": _quoted(terms.personal_data),
        "personal_basis": _quoted(terms.personal_basis),
        "liability_cap_vnd": money(terms.liability_cap_vnd or 0, lang),
        **{name: amount(getattr(terms, name) or 0, unit, lang) for name, unit in PERIODS.items()},
        "cert_no": trial.cert_no if trial else "",
        "notice_version": trial.notice_version if trial else "",
        "origin": log.origin if log else "",
        "size": str(log.size) if log else "",
        "root": log.root if log else "",
        "supersedes": contract.supersedes or "",
    }


def _quoted(text: str) -> str:
    """A party's own words, on one line, so that they cannot pass for a clause."""
    return "“" + " ".join(text.split()) + "”"


def _party(party: Party, lang: str) -> str:
    name = CHOICES[lang]["role_" + party.role]
    code = f"{'mã số thuế' if lang == 'vi' else 'tax code'} {party.tax_code}, " if party.tax_code else ""
    label = "mã tổ chức trên sàn" if lang == "vi" else "organisation on the exchange"
    return f"- {name}: {' '.join(party.name.split())}, {code}{label} {party.org_id}."


def _asset(asset: AssetRef, lang: str) -> str:
    name = " ".join(asset.name.split())
    if lang == "vi":
        rows = f"{asset.rows:,}".replace(",", ".")
        return f"- {name}: {rows} dòng; mã băm tệp {asset.sha256}; mã băm cấu trúc {asset.schema_sha256}."
    return f"- {name}: {asset.rows:,} rows; file digest {asset.sha256}; schema digest {asset.schema_sha256}."


def _territory(codes: tuple[str, ...], lang: str) -> str:
    names = {"VN": "Việt Nam" if lang == "vi" else "Viet Nam"}
    return ", ".join(names.get(code, code) for code in codes)
