"""Which rule keeps a listing from being published, and what would pass: law.md sections 2b, 3 and 4.

Each rule is one small function from what was filled in (a mapping of the fields) and the file to its refusals.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts import terms as contract_terms
from contracts import words
from contracts.problems import problems as contract_problems
from contracts.terms import ADDED
from exchange.catalogue.additions import added_in
from exchange.catalogue.models import Asset
from exchange.catalogue.vocabulary import FIELDS, PERSONAL, RIGHTS, TRADEABLE
from exchange.errors import N_, Refusal

Values = Mapping[str, Any]

D314_8 = N_("Decree 314/2026/NĐ-CP Art. 8.2")
D314_8C = N_("Decree 314/2026/NĐ-CP Art. 8.2c")
D314_17 = N_("Decree 314/2026/NĐ-CP Art. 17")
D314_46 = N_("Decree 314/2026/NĐ-CP Art. 4.6")
D314_6 = N_("Decree 314/2026/NĐ-CP Art. 6")
D314_76 = N_("Decree 314/2026/NĐ-CP Art. 7.6, 7.7a")
D356_75 = N_("Decree 356/2025/NĐ-CP Art. 7.5")
D1437_B1 = N_("Decision 1437/QĐ-TTg, task B.1")
RIGHTS_BASIS = N_("Decision 1437/QĐ-TTg, task B.3; Decree 314/2026/NĐ-CP Art. 4.1")
TRADE_BAN = N_("Decree 314/2026/NĐ-CP Art. 4.6; Personal Data Protection Law Art. 7.6")
LAW_OPEN = N_("Data Law 60/2024/QH15 Art. 3.4")
LAW_CLASSES = N_("Data Law 60/2024/QH15 Art. 13.2")
LAW_BANNED = N_("Data Law 60/2024/QH15 Art. 42.3")

# X8 and the catalogue of Decision 1437, task B.1.
CATALOGUE_FIELDS = (
    "name", "summary", "purpose", "scope", "content", "collection_mechanism", "update_mechanism", "update_cycle",
    "source", "sector",
)  # fmt: skip
LICENCE_FIELDS = ("licence", "term_months", "permitted_purpose", "territory", "onward_transfer", "ip_limits")


@dataclass(frozen=True)
class Check:
    """One rule's verdict for the check page and the moderator: a tick, or its refusals."""

    rule: str
    title: str
    basis: str
    refusals: tuple[Refusal, ...]

    @property
    def ok(self) -> bool:
        """Whether the rule has nothing against it."""
        return not self.refusals


def _missing(code: str, name: str, basis: str, text: str = N_("“%(label)s” is not filled in.")) -> Refusal:
    passes = N_("Fill in “%(label)s”.")
    return Refusal(code, text, field=name, basis=basis, value="", passes=passes, facts={"label": FIELDS[name]})


def _offer(values: Values, asset: Asset | None) -> Iterator[Refusal]:
    for name in CATALOGUE_FIELDS:
        if not values.get(name):
            yield _missing(f"OFFER_INCOMPLETE:{name}", name, D314_8)
    items = [item for item in values.get("items") or [] if item.get("name")]
    if not items:
        yield _missing("OFFER_INCOMPLETE:items", "items", D1437_B1)


def _machine_readable(_values: Values, asset: Asset | None) -> Iterator[Refusal]:
    if asset is None:
        yield Refusal(
            "OFFER_INCOMPLETE:file", N_("No data file has been uploaded."), field="file", basis=D314_17,
            passes=N_("A CSV, Parquet or JSON Lines file that a machine can read."),
        )  # fmt: skip


def _licence(values: Values, _asset: Asset | None) -> Iterator[Refusal]:
    missing = [name for name in LICENCE_FIELDS if not values.get(name)]
    yield from (_missing("LICENCE_TERMS_MISSING", name, D314_8C) for name in missing)
    if values.get("exclusive") is None:
        yield _missing("LICENCE_TERMS_MISSING", "exclusive", D314_8C)
    if not missing:
        yield from _terms_refusals(values)


# The core's codes in words; the rule itself stands in contracts/terms.py only.
TERMS_SENTENCES: Mapping[str, str] = {
    "ONWARD_TRANSFER_REFUSED": N_("This licence does not go with that answer on passing the data on."),
    "EXCLUSIVE_MISMATCH": N_("Only the exclusive licence (L6) is exclusive, and it always is."),
    "LIMIT_MISSING": N_("The query licence needs “%(label)s”."),
    "LIMIT_REFUSED": N_("This limit is out of range."),
    "DELIVERY_NOT_IN_LICENCE": N_("Under this licence the file is never delivered."),
    "TERM_TOO_LONG": N_("The internal licence lasts at most 12 months."),
    "ATTRIBUTION_REQUIRED": N_("The open licence requires that the source is named."),
    "OPEN_LICENCE_PRICED": N_("Data under the open licence are free."),
    "CROSS_BORDER_NOT_CLEARED": N_("The trial reaches no further than Viet Nam."),
    "TERRITORY_UNKNOWN": N_("This territory code is not known."),
    "TERRITORY_REPEATED": N_("A territory is named twice."),
    "TEXT_TOO_LONG": N_("This text is too long for a contract: at most 2,000 characters."),
    "TEXT_SIGN_REFUSED": N_("This text holds a sign that a contract may not hold."),
}
_OFFER_FIELD = {"purpose": "permitted_purpose", "ends": "term_months"}


def _terms_refusals(values: Values) -> Iterator[Refusal]:
    """What contracts.terms would refuse in any agreement made from this offer, told already now."""
    start = datetime(2026, 1, 1, tzinfo=contract_terms.VIETNAM)  # any first day of a month: only lengths matter
    months = int(values["term_months"])
    years, month = divmod(months, 12)
    ends = (start.replace(year=start.year + years, month=month + 1) - start).days
    offer = contract_terms.Terms(
        licence=values["licence"], purpose=values["permitted_purpose"], scenario="—",
        territory=tuple(values["territory"]), starts=start.date(),
        ends=start.date().fromordinal(start.date().toordinal() + ends - 1), exclusive=bool(values.get("exclusive")),
        onward_transfer=values["onward_transfer"], ip_limits=values["ip_limits"],
        price_vnd=values.get("price_vnd") or 0, max_deliveries=values.get("max_deliveries"),
        max_queries=values.get("max_queries"), min_group=values.get("min_group"),
        attribution=bool(values.get("attribution")), **added_in(values),
    )  # fmt: skip
    for denied in contract_problems(offer, start):
        name = str(denied.facts["field"])
        name = _OFFER_FIELD.get(name, name)
        value, passes = denied.facts["value"], denied.facts.get("passes")
        if name in ADDED or denied.code not in TERMS_SENTENCES:
            yield Refusal(
                denied.code, field=name, basis=denied.basis, value=None if value is None else _in_words(value),
                vi=words.say(denied.code, denied.facts, "vi"), en=words.say(denied.code, denied.facts, "en"),
            )  # fmt: skip
            continue
        yield Refusal(
            denied.code, TERMS_SENTENCES[denied.code],
            field=name, basis=denied.basis, value=None if value is None else _in_words(value),
            passes=N_("At least %(allowed)s.") if denied.code == "LIMIT_MISSING" else N_("Allowed: %(allowed)s"),
            facts={"allowed": _in_words(passes), "label": FIELDS[name]},
        )  # fmt: skip


def _in_words(value: object) -> str:
    """A yes or no is a word of the reader's language; anything else is shown as it is."""
    if isinstance(value, bool):
        return N_("Yes") if value else N_("No")
    return "—" if value is None else str(value)


def _provenance(values: Values, _asset: Asset | None) -> Iterator[Refusal]:
    for name in ("provenance", "right_basis"):
        if not values.get(name):
            yield _missing("PROVENANCE_MISSING", name, D314_17)


def _rights(values: Values, _asset: Asset | None) -> Iterator[Refusal]:
    rights = values.get("rights") or {}
    if "R4" not in rights:
        yield Refusal(
            "RIGHT_NOT_HELD", N_("Whoever offers data must hold the right to distribute them (R4)."), field="rights",
            basis=RIGHTS_BASIS, value=", ".join(sorted(rights)), passes=N_("Claim R4 and say what proves it."),
        )  # fmt: skip
    for code in sorted(rights):
        if not rights[code]:
            yield Refusal(
                "PROVENANCE_MISSING", N_("Nothing proves the right “%(right)s”."), field=f"rights.{code}",
                basis=RIGHTS_BASIS, value=code, passes=N_("A creation record, contract, licence or law."),
                facts={"right": RIGHTS[code]},
            )  # fmt: skip


def _quality(values: Values, _asset: Asset | None) -> Iterator[Refusal]:
    for name in ("quality_statement", "limitations"):
        if not values.get(name):
            yield _missing("QUALITY_STATEMENT_MISSING", name, D314_17)


def _personal(values: Values, asset: Asset | None) -> Iterator[Refusal]:
    kind = values.get("classification")
    if not values.get("personal_statement"):
        yield _missing("OFFER_INCOMPLETE:personal_statement", "personal_statement", D314_46)
    if kind in PERSONAL:
        yield Refusal(
            "PERSONAL_DATA_TRADE_BANNED", N_("Buying and selling personal data is forbidden."), field="classification",
            basis=TRADE_BAN, value=kind,
            passes=N_("Data about things or organisations, or de-identified data (KN) with evidence."),
        )  # fmt: skip
    elif asset is not None and asset.personal_hits and kind != "KN":
        columns = ", ".join(dict.fromkeys(str(hit["column"]) for hit in asset.personal_hits))
        yield Refusal(
            "PERSONAL_DATA_TRADE_BANNED", N_("Columns that look like personal data were found: %(columns)s."),
            field="file", basis=TRADE_BAN, value=columns[:200],
            passes=N_("A file without these columns, or de-identified data (KN) with evidence."),
            facts={"columns": columns[:200]},
        )  # fmt: skip


def _deidentified(values: Values, _asset: Asset | None) -> Iterator[Refusal]:
    if values.get("classification") == "KN" and not values.get("deid_evidence"):
        yield _missing("DEID_EVIDENCE_MISSING", "deid_evidence", D356_75)


def _classified(values: Values, _asset: Asset | None) -> Iterator[Refusal]:
    kind = values.get("classification")
    if not kind:
        yield _missing("CLASS_NOT_DECLARED", "classification", LAW_CLASSES)
    elif kind == "BM":
        yield Refusal(
            "DATA_BANNED_FROM_TRADE", N_("Data of this class may never be traded."), field="classification",
            basis=LAW_BANNED, value=kind, passes=N_("Withdraw the draft."),
        )  # fmt: skip
    elif kind not in TRADEABLE and kind not in PERSONAL:
        yield Refusal(
            "CLASS_NOT_TRADEABLE", N_("Data of this class are not traded on this exchange."), field="classification",
            basis=LAW_CLASSES, value=kind,
            passes=N_("Classes allowed here: %(allowed)s"), facts={"allowed": ", ".join(sorted(TRADEABLE))},
        )  # fmt: skip


def _value_added(values: Values, _asset: Asset | None) -> Iterator[Refusal]:
    if values.get("classification") in ("GT", "NN") and not values.get("value_added_label"):
        yield _missing("VALUE_ADDED_LABEL_MISSING", "value_added_label", D314_76)


def _price(values: Values, _asset: Asset | None) -> Iterator[Refusal]:
    price, kind, licence = values.get("price_vnd"), values.get("classification"), values.get("licence")
    if price is None:
        yield _missing("PRICE_NOT_PUBLISHED", "price_vnd", D314_6)
    elif kind == "MO" and (licence != "L0" or price):
        yield Refusal(
            "OPEN_DATA_PRICED", N_("Open data are offered free, under the open licence (L0)."), field="licence",
            basis=LAW_OPEN, value=f"{licence}, {price}", passes=N_("Licence L0 and price 0."),
        )  # fmt: skip
    elif licence == "L0" and kind != "MO":
        yield Refusal(
            "OPEN_LICENCE_CLASS", N_("The open licence is for open data (class MO) only."), field="licence",
            basis=LAW_OPEN, value=str(kind), passes=N_("Another licence, or class MO."),
        )  # fmt: skip
    elif price == 0 and licence not in ("L0", "L1", "L7"):
        yield Refusal(
            "PRICE_NOT_PUBLISHED", N_("A price of 0 goes with the open, test-room or research licence only."),
            field="price_vnd", basis=D314_6, value="0", passes=N_("A price above 0, or licence L0, L1 or L7."),
        )  # fmt: skip
    if kind == "NN" and not values.get("state_price_decision"):
        yield _missing("STATE_PRICE_DECISION_MISSING", "state_price_decision", D314_6)


RULES: tuple[tuple[str, str, str, Callable[[Values, Asset | None], Iterator[Refusal]]], ...] = (
    ("X12", N_("A machine can read the file"), D314_17, _machine_readable),
    ("X8", N_("The offer is complete"), D314_8, _offer),
    ("X11", N_("Origin and basis of right are shown"), D314_17, _provenance),
    ("R4", N_("The right to distribute is held"), RIGHTS_BASIS, _rights),
    ("X13", N_("Quality and limitations are stated"), D314_17, _quality),
    ("X18", N_("The data are classified and may be traded"), LAW_CLASSES, _classified),
    ("X14", N_("No personal data"), D314_46, _personal),
    ("X15", N_("De-identification is proved"), D356_75, _deidentified),
    ("X23", N_("Value-added products are labelled"), D314_76, _value_added),
    ("X9", N_("The licence terms are complete"), D314_8C, _licence),
    ("X27", N_("The price is public"), D314_6, _price),
)


def checks(values: Values, asset: Asset | None) -> tuple[Check, ...]:
    """Every rule with its verdict, in the order in which people work through the form."""
    return tuple(Check(rule, title, basis, tuple(judge(values, asset))) for rule, title, basis, judge in RULES)


def problems(values: Values, asset: Asset | None) -> tuple[Refusal, ...]:
    """Everything that keeps the listing from being submitted; empty means it may be."""
    return tuple(refusal for check in checks(values, asset) for refusal in check.refusals)
