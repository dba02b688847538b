"""The contract as prose: the 22 clauses of a usage contract, in Vietnamese (which prevails) and in English.

Everything is computed from the document, and the document holds the digest of the result, so the page a person reads
and the bytes that are signed cannot part. A change of wording is a new EDITION: contracts signed under an older one
must keep being printed as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from contracts.clauses import BODIES, CHOICES, TITLES
from contracts.parts import AssetRef, Contract, Party
from contracts.terms import ANSWERS_ONLY, VIETNAM

EDITION = "2026-1"

_HEADINGS = {
    "vi": "HỢP ĐỒNG QUYỀN KHAI THÁC, SỬ DỤNG DỮ LIỆU",
    "en": "CONTRACT FOR THE RIGHT TO EXPLOIT AND USE DATA",
}


@dataclass(frozen=True)
class Clause:
    """One numbered clause; the body may have several lines."""

    number: int
    title: str
    body: str


def clauses(contract: Contract, lang: str) -> tuple[Clause, ...]:
    """The 22 clauses in "vi" or "en"."""
    facts = _facts(contract, lang)
    chosen = _choices(contract)
    return tuple(
        Clause(number, TITLES[lang][number - 1], _body(number, lang, chosen, facts))
        for number in range(1, len(TITLES[lang]) + 1)
    )


def plain(contract: Contract, lang: str) -> str:
    """The whole prose as one text: this is what the document's digest covers."""
    parts = [f"{_HEADINGS[lang]}\n{contract.id}"]
    word = "Điều" if lang == "vi" else "Clause"
    parts += [f"{word} {clause.number}. {clause.title}\n{clause.body}" for clause in clauses(contract, lang)]
    return "\n\n".join(parts) + "\n"


def money(amount: int, lang: str) -> str:
    """Whole đồng as each language writes it."""
    return f"{amount:,}".replace(",", ".") + " đồng" if lang == "vi" else f"VND {amount:,}"


def day(value: date, lang: str) -> str:
    """A calendar day as each language writes it."""
    return (
        f"ngày {value:%d/%m/}{value.year}" if lang == "vi" else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    )


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _body(number: int, lang: str, chosen: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """The fixed sentences of a clause, with the sentences that depend on the terms put in their places."""
    sentences = {slot: CHOICES[lang][key].format_map(facts) if key else "" for slot, key in chosen.items()}
    lines = BODIES[lang][number - 1].format_map({**facts, **sentences}).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


def _choices(contract: Contract) -> dict[str, str]:
    """Which of the alternative sentences the terms select; an empty key leaves the place empty."""
    terms = contract.terms
    raw = terms.licence not in ANSWERS_ONLY
    return {
        "succession": "succession" if contract.supersedes else "",
        "right": f"right_{terms.licence}",
        "attribution": "attribution" if terms.attribution else "",
        "exclusivity": "exclusive" if terms.exclusive else "not_exclusive",
        "onward": f"onward_{terms.onward_transfer}",
        "price": "price_some" if terms.price_vnd else "price_none",
        "delivery": "delivery_files" if raw else "delivery_answers",
        "delivery_cap": "" if not raw else "deliveries_capped" if terms.max_deliveries else "deliveries_free",
        "query_cap": "queries_capped" if terms.max_queries else "",
        "group_floor": "group_floor" if terms.min_group else "",
        "deletion": "deletion_open" if terms.licence == "L0" else "deletion",
        "history": "history" if contract.log else "",
        "trial": "trial" if contract.trial else "no_trial",
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
