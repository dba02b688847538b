"""What a provider answers about a file, what may be answered, and the part of a policy that follows.

Answers are plain JSON (sources are the file's own column names)::

    {"unit": "customer_id" or "", "rows_per_unit": 20, "min_group": 10, "grain": "month", "questions": 100,
     "per_day": 50, "noise": false, "epsilon_total_micro": 4000000, "epsilon_release_micro": 250000, "round_to": 1,
     "watermark": true,
     "columns": {"province": {"use": "filter", "values": ["…"], "public": true}, "amount": {"use": "sum", "low": 0,
                 "high": 1000000}, "sold_at": {"use": "group", "first": "2023-01-01", "last": "2025-12-31"}}}

A column that is not named is never touched. Names no web and no database.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from exchange.catalogue.measures import fold_name
from exchange.catalogue.models import Asset, ListingVersion
from exchange.errors import N_, Refusal
from exchange.rooms import rules
from exchange.rooms.policies import FLOOR, QUESTIONS, TABLE, _profile
from sandbox.draft import DIM_VALUES, draft, public_bounds
from sandbox.policy import GRAINS

MOST_ROWS_PER_UNIT = 50  # as the exchange drafts; a design is only ever stricter
LARGEST_GROUP = 1_000
LONGEST_VALUE = 128  # characters; the gate refuses longer literals
ROUNDINGS = (1, 5, 10, 50, 100)
USES = ("never", "group", "filter", "sum")
MOST_EPSILON = 10_000_000  # micro: beyond it noise protects nobody
TERMS_BASIS = N_("Terms of the listing: smallest group in an answer")
NOISE_BASIS = N_(
    "Law on Personal Data Protection 91/2025/QH15 Art. 2 cl. 1: only de-identified data are no personal data"
)
PERSONAL_BASIS = N_("Decree 314/2026/NĐ-CP Art. 4 cl. 6; Law on Personal Data Protection 91/2025/QH15 Art. 2 cl. 1")
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_IDENTIFIER = re.compile(r"(^|_)(id|ma|code|customer|client|khach_hang|khach|user|person|member|patient|account)(_|$)")


@dataclass(frozen=True)
class Fact:
    """What was measured about a column, and what it may therefore be used for (the first use is the safe one)."""

    source: str
    type: str
    kind: str  # text, int, number, date, bool or other
    distinct: int
    nulls: int
    low: int | float | None
    high: int | float | None
    earliest: str | None  # dates as the file has them
    latest: str | None
    personal: tuple[str, ...]
    uses: tuple[str, ...]


def facts(asset: Asset) -> list[Fact]:
    """Every column of the file, in its order."""
    hits: dict[str, list[str]] = {}
    for hit in asset.personal_hits:
        hits.setdefault(str(hit["column"]), []).append(str(hit["kind"]))
    return [_fact(column, tuple(hits.get(str(column["name"]), ()))) for column in asset.columns]


def _fact(column: Mapping[str, Any], personal: tuple[str, ...]) -> Fact:
    profile = _profile(column)
    kind = _kind(profile.type.upper())
    uses = ["never"]
    listed = 0 < profile.distinct <= DIM_VALUES
    numeric = kind in ("int", "number") and profile.low is not None and profile.high is not None
    if not personal:
        if kind in ("date", "bool") or (kind in ("text", "int") and listed):
            uses += ["group", "filter"]
        if numeric:
            uses += ["sum"]
    low, high = (profile.low, profile.high) if numeric else (None, None)  # the extremes of texts may look like numbers
    dates = [str(column[edge])[:10] if kind == "date" and column.get(edge) else None for edge in ("min", "max")]
    return Fact(
        profile.name, profile.type, kind, profile.distinct, int(column.get("nulls") or 0),
        low, high, dates[0], dates[1], personal, tuple(uses),
    )  # fmt: skip


def _kind(type: str) -> str:
    if type.startswith("BOOL"):
        return "bool"
    if type == "DATE" or type.startswith(("TIMESTAMP", "DATETIME")):
        return "date"
    if type.startswith(("TINYINT", "SMALLINT", "INT", "BIGINT", "HUGEINT", "UINT", "UTINY", "USMALL", "UBIG", "LONG")):
        return "int"
    if type.startswith(("FLOAT", "DOUBLE", "REAL", "DECIMAL", "NUMERIC", "NUMBER")):
        return "number"
    return "text" if type.startswith(("VARCHAR", "TEXT", "STRING", "CHAR", "ENUM")) else "other"


def least_group(version: ListingVersion) -> int:
    """The smallest group that a room of this listing may show, whatever its provider wants."""
    return max(FLOOR, version.min_group or 0)


def proposal(asset: Asset, version: ListingVersion) -> dict[str, Any]:
    """The safe default of sandbox.draft as answers, with a guess at the column that stands for a person or unit."""
    found = facts(asset)
    roles = {entry["source"]: entry for entry in _draft(asset)["columns"].values()}
    columns: dict[str, dict[str, Any]] = {}
    for fact in found:
        wanted = {"dim": "filter", "time": "filter", "measure": "sum"}.get(roles[fact.source]["role"], "never")
        columns[fact.source] = {"use": wanted if wanted in fact.uses else "never"}
        if "sum" in fact.uses and fact.low is not None and fact.high is not None:
            low, high = public_bounds(fact.low, fact.high)
            columns[fact.source] |= {"low": low, "high": high}
    unit = next((f for f in found if f.distinct > DIM_VALUES and _IDENTIFIER.search(fold_name(f.source))), None)
    if unit is not None:
        columns[unit.source] = {"use": "never"}
    most = 1 if unit is None else min(50, -(-3 * asset.rows // unit.distinct)) if unit.distinct < asset.rows else 1
    return {
        "unit": unit.source if unit else "", "rows_per_unit": most, "min_group": least_group(version), "grain": "month",
        "questions": QUESTIONS, "per_day": QUESTIONS, "noise": False, "epsilon_total_micro": 2_000_000,
        "epsilon_release_micro": 100_000, "round_to": 1, "watermark": False, "columns": columns,
    }  # fmt: skip


def _draft(asset: Asset, unit: str | None = None, min_group: int = FLOOR) -> dict[str, Any]:
    """The exchange's own draft; its days and parties are not ours to say."""
    day = datetime(2000, 1, 1, tzinfo=UTC)
    return draft([_profile(each) for each in asset.columns], policy_id="design", starts=day, ends=day, purposes=(),
                 table=TABLE, unit_column=unit, min_group=min_group)  # fmt: skip


# --- what may not be answered -------------------------------------------------------------------------------------


def problems(answers: Mapping[str, Any], asset: Asset, version: ListingVersion) -> list[Refusal]:
    """Every answer that cannot stand, each with its value and what would pass."""
    known = {fact.source: fact for fact in facts(asset)}
    found = [*_of_limits(answers, least_group(version), version.min_group), *_of_unit(answers, known)]
    for source, column in answers["columns"].items():
        if source not in known:
            found.append(
                _no("DESIGN_COLUMN_UNKNOWN", f"columns.{source}.use", N_("The file has no such column."), source)
            )
        elif source != answers["unit"]:
            found += _of_column(known[source], column, bool(answers["noise"]))
    return found


def _of_limits(answers: Mapping[str, Any], least: int, agreed: int | None) -> list[Refusal]:
    found = []
    if answers["min_group"] < least:
        found.append(
            _no("DESIGN_GROUP_TOO_SMALL", "min_group", N_("A room shows no group that small."), answers["min_group"],
                N_("A number from %(least)s on."), TERMS_BASIS if agreed == least else rules.ROOM_BASIS, least=least)
        )  # fmt: skip
    if answers["per_day"] > answers["questions"]:
        found.append(
            _no("DESIGN_PER_DAY", "per_day", N_("More questions in a day than in all."), answers["per_day"],
                N_("At most %(most)s."), most=answers["questions"])
        )  # fmt: skip
    if answers["noise"] and answers["epsilon_release_micro"] > answers["epsilon_total_micro"]:
        found.append(
            _no("DESIGN_EPSILON", "epsilon_release", N_("One number would spend more than the whole budget."),
                answers["epsilon_release_micro"] / 1_000_000, N_("At most %(most)s."),
                most=answers["epsilon_total_micro"] / 1_000_000)
        )  # fmt: skip
    return found


def _of_unit(answers: Mapping[str, Any], known: Mapping[str, Fact]) -> list[Refusal]:
    unit = answers["unit"]
    if unit and unit not in known:
        return [_no("DESIGN_COLUMN_UNKNOWN", "unit", N_("The file has no such column."), unit)]
    return []


def _of_column(fact: Fact, column: Mapping[str, Any], noise: bool) -> list[Refusal]:
    use, where = column["use"], f"columns.{fact.source}"
    if use not in fact.uses:
        return [_unusable(fact, use, f"{where}.use")]
    if use == "sum":
        low, high = column.get("low"), column.get("high")
        if low is None or high is None or low >= high or max(abs(low), abs(high)) > 10**15:
            return [_no("DESIGN_BOUNDS", f"{where}.low", N_("The smaller bound must lie below the larger one."),
                        f"{low} – {high}", N_("Two numbers between which almost every value lies."))]  # fmt: skip
    if fact.kind == "int" and not all(map(_WHOLE.fullmatch, column.get("values") or ())):
        text = N_("The values of this column are whole numbers.")
        return [_no("DESIGN_DOMAIN_TYPE", f"{where}.values", text, None, N_("One whole number a line."))]
    return _of_domain(fact, column, where) if noise and use in ("group", "filter") else []


def _unusable(fact: Fact, use: str, where: str) -> Refusal:
    if fact.personal:
        text = N_("Personal data were found in this column; nothing of it is shown.")
        return _no("DESIGN_PERSONAL", where, text, use, N_("Never touched, or the column that stands for a person."),
                   PERSONAL_BASIS)  # fmt: skip
    return _no("DESIGN_USE", where, N_("A column of this kind cannot be used so."), use,
               N_("One of: %(uses)s."), uses=", ".join(fact.uses))  # fmt: skip


def _of_domain(fact: Fact, column: Mapping[str, Any], where: str) -> list[Refusal]:
    """Noise hides whether a person is among the data only if the list of groups does not depend on the data."""
    if fact.kind == "bool":
        return []
    if fact.kind == "date":
        first, last = column.get("first"), column.get("last")
        if first and last and first <= last:
            return []
        text, passes = N_("With noise, a time needs a first and a last day."), N_("The first day before the last.")
        return [_no("DESIGN_DOMAIN_MISSING", f"{where}.first", text, None, passes, NOISE_BASIS)]
    values = column.get("values") or []
    if not values:
        text = N_("With noise, a column needs its list of public values.")
        passes = N_("Type the values, one a line, or take the measured ones.")
        return [_no("DESIGN_DOMAIN_MISSING", f"{where}.values", text, None, passes, NOISE_BASIS)]
    return [] if column.get("public") else [not_public(f"{where}.public")]


def not_public(field: str) -> Refusal:
    """Nobody has said that a list of values is known to everybody."""
    text, passes = N_("You have not confirmed that these values are public."), N_("Confirm it, or do not use them.")
    return _no("DESIGN_DOMAIN_NOT_PUBLIC", field, text, None, passes, NOISE_BASIS)


def _no(
    code: str, field: str, text: str, value: object, passes: str | None = None, basis: str | None = None, **more: Any
) -> Refusal:
    shown = None if value is None else str(value)
    return Refusal(code, text, field=field, basis=basis or rules.ROOM_BASIS, value=shown, passes=passes, facts=more)


# --- the part of a policy that follows ----------------------------------------------------------------------------


def document(answers: Mapping[str, Any], asset: Asset, version: ListingVersion) -> dict[str, Any]:
    """The design as policy JSON without parties, window and snapshot.

    Reads leniently towards strictness, so that an older design still protects a newer file: a column that it does not
    name, or that is now of another kind, is never touched; if the column that stands for a person is gone, none is.
    """
    known = {fact.source: fact for fact in facts(asset)}
    unit = answers["unit"] if answers["unit"] in known else None
    usable = bool(unit) or not answers["unit"]
    floor = max(answers["min_group"], least_group(version))
    made = _draft(asset, unit, floor)
    for name, entry in made["columns"].items():
        source = entry["source"]
        if source != unit:
            given = answers["columns"].get(source, {}) if usable else {}
            made["columns"][name] = _entry(known[source], given, answers, floor)
    found: dict[str, Any] = {
        "mode": "aggregate_dp" if answers["noise"] else "aggregate",
        "dataset": {
            "unit_column": made["dataset"]["unit_column"],
            "max_rows_per_unit": answers["rows_per_unit"] if unit else 1,  # a row that stands for itself is one
        },
        "columns": made["columns"],
        "limits": {"min_group": floor},
        "budgets": {"queries_total": answers["questions"], "queries_per_day": answers["per_day"]},
        "output": {"watermark": answers["watermark"]},
    }
    if answers["round_to"] > 1 and not answers["noise"]:  # noise is rounded by itself
        found["output"]["round_to"] = answers["round_to"]
    if answers["noise"]:
        found["budgets"] |= {
            "epsilon_total_micro": answers["epsilon_total_micro"],
            "epsilon_per_query_micro": answers["epsilon_release_micro"],
        }
        found["dp"] = {"mechanism": "discrete_laplace", "threshold": floor, "rounding": answers["round_to"]}
    if answers.get("templates"):  # with noise the policy is refused: templates have none
        found |= {"mode": "template", "templates": answers["templates"]}
    return found


def _entry(fact: Fact, column: Mapping[str, Any], answers: Mapping[str, Any], floor: int) -> dict[str, Any]:
    use = column.get("use", "never")
    if use not in fact.uses or use == "never":
        return {"role": "forbidden", "source": fact.source}
    if use == "sum":
        return {"role": "measure", "source": fact.source, "bounds": [column["low"], column["high"]],
                "aggregates": ["SUM", "AVG"]}  # fmt: skip
    if fact.kind == "date":
        return _time(fact, column, use, answers["grain"])
    entry: dict[str, Any] = {"role": "dim", "source": fact.source, "type": fact.kind}
    if use == "filter":
        entry["filter"] = ["="] if fact.kind == "bool" else ["=", "IN"]
    if fact.kind == "bool":
        entry |= {"domain": [False, True]} if answers["noise"] else {}
    elif column.get("public") and column.get("values"):
        values = dict.fromkeys(column["values"])
        entry["domain"] = [int(value) for value in values] if fact.kind == "int" else list(values)
    elif fact.kind == "text":
        entry["min_units_for_value"] = floor  # rarer values are shown together
    return entry


def _time(fact: Fact, column: Mapping[str, Any], use: str, finest: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"role": "time", "source": fact.source, "grain": list(GRAINS[GRAINS.index(finest) :])}
    entry["literal_step"] = "month" if finest in ("day", "week") else finest
    if use == "filter":
        entry["filter"] = [">=", "<"]
    if column.get("first") and column.get("last"):
        entry["domain"] = whole_months(column["first"], column["last"])
    return entry


def whole_months(first: str, last: str) -> list[str]:
    """First day (included) and end (excluded) of the months from one day to another."""
    start, end = date.fromisoformat(first).replace(day=1), date.fromisoformat(last).replace(day=1)
    return [start.isoformat(), (end + timedelta(days=32)).replace(day=1).isoformat()]
