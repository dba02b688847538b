"""Two policies over one dataset become one that is nowhere looser than either: what both allow, and no more.

Works on documents. A limit that one of them leaves out counts as its default, the strictest, as when it is read.
What cannot be reconciled (two buyers, two files behind one column) refuses.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sandbox.denials import PolicyRefused
from sandbox.policy import GRAINS, Budgets, Kind, Limits, Mode, Output, Privacy, Resources, Role
from sandbox.policy_reader import DEFAULT_KIND
from sandbox.strict import moment

Document = Mapping[str, Any]
Pick = Callable[[Any, Any], Any]

SECTIONS = {"limits": Limits, "budgets": Budgets, "output": Output, "resources": Resources}
# Where the larger number, or the yes, is the stricter one; everywhere else the smaller number, or the no.
LARGER = frozenset({"min_group", "overlap_history", "view_only", "watermark", "round_to"})
EPSILON = ("epsilon_total_micro", "epsilon_per_query_micro", "delta")  # of no meaning where there is no noise
STATES = ("open", "paused", "closed", "killed")
MODES = (Mode.AGGREGATE, Mode.AGGREGATE_DP, Mode.TEMPLATE)
NAMES = ("policy_id", "version", "contract_id", "contract_hash", "provider", "buyer")
DATASET_NAMES = ("snapshot_id", "sha256", "table", "unit_column")
UNENFORCEABLE = ("joins", "functions", "aggregates", "audit")  # reading refuses them, so they stay


def merge(a: Document, b: Document) -> dict[str, Any]:
    """The stricter value of every field of two policy documents; in either order the same. Raises PolicyRefused."""
    merged: dict[str, Any] = {name: _same(a, b, name) for name in NAMES if a.get(name) or b.get(name)}
    merged["mode"] = max(_mode(a), _mode(b), key=MODES.index).value
    merged["min_isolation_tier"] = max(each.get("min_isolation_tier", 1) for each in (a, b))
    merged["state"] = max((each.get("state", "open") for each in (a, b)), key=STATES.index)
    merged["window"] = _window(a, b)
    merged["purposes"] = sorted({*a.get("purposes", ())} & {*b.get("purposes", ())})
    merged["people"] = _people(a.get("people") or [], b.get("people") or [])
    merged["export_ban"] = a.get("export_ban", True) or b.get("export_ban", True)
    merged["dataset"] = _dataset(a["dataset"], b["dataset"])
    merged["columns"] = _columns(a["columns"], b["columns"])
    for name, kind in SECTIONS.items():
        merged[name] = _section(_part(a, name), _part(b, name), kind)
    merged["limits"] |= _floors(a, b, merged["columns"])
    _private(a, b, merged)
    for name in UNENFORCEABLE:
        if a.get(name) or b.get(name):
            merged[name] = a.get(name) or b[name]
    approved = _templates(a.get("templates") or [], b.get("templates") or [])
    if approved:
        merged["templates"] = approved
    merged["unenforced"] = sorted({*a.get("unenforced", ()), *b.get("unenforced", ())}, key=_order)
    merged["clauses"] = _clauses(a, b, merged)
    return merged


def _same(a: Document, b: Document, name: str, where: str = "") -> Any:
    """A name that only one of them gives, or that both give alike."""
    first, second = a.get(name), b.get(name)
    if first and second and first != second:
        raise PolicyRefused("POLICY_CONFLICT", key=f"{where}{name}")
    return first or second


def _mode(document: Document) -> Mode:
    try:
        return Mode(document.get("mode", ""))
    except ValueError as error:
        raise PolicyRefused("POLICY_INVALID", key="mode") from error


def _window(a: Document, b: Document) -> dict[str, str]:
    starts = max((a["window"]["from"], b["window"]["from"]), key=lambda text: (moment(text, "window.from"), text))
    ends = min((a["window"]["to"], b["window"]["to"]), key=lambda text: (moment(text, "window.to"), text))
    if moment(ends, "window.to") <= moment(starts, "window.from"):
        raise PolicyRefused("POLICY_CONFLICT", key="window")
    return {"from": starts, "to": ends}


def _people(a: list[str], b: list[str]) -> list[str]:
    """Nobody named means everybody of the buyer, so two lists without a common name cannot be one."""
    if a and b and not {*a} & {*b}:
        raise PolicyRefused("POLICY_CONFLICT", key="people")
    return sorted({*a} & {*b} if a and b else {*a, *b})


def _dataset(a: Document, b: Document) -> dict[str, Any]:
    found = {name: _same(a, b, name, "dataset.") for name in DATASET_NAMES if a.get(name) or b.get(name)}
    found["max_rows_per_unit"] = min(each.get("max_rows_per_unit", 1) for each in (a, b))
    found["rows_public"] = a.get("rows_public", False) and b.get("rows_public", False)
    return found


def _templates(a: list[Any], b: list[Any]) -> list[Any]:
    """Of two lists what stands in both, word for word; a policy that has none has no say in them."""
    both = [each for each in a if each in b] if a and b else a or b
    if (a or b) and not both:
        raise PolicyRefused("POLICY_CONFLICT", key="templates")
    return sorted(both, key=lambda each: str(each.get("id", "")) if isinstance(each, Mapping) else "")


def _section(a: Document, b: Document, kind: Callable[[], Any]) -> dict[str, Any]:
    defaults = kind()
    found = {}
    for name in (each.name for each in fields(defaults)):
        if name in a or name in b:
            default = getattr(defaults, name)
            found[name] = (max if name in LARGER else min)(a.get(name, default), b.get(name, default))
    return found


def _part(document: Document, name: str) -> dict[str, Any]:
    """A section without what has a rule of its own: floors by column, and the epsilon of a policy without noise."""
    own = {"k_per_column"} if _mode(document) is Mode.AGGREGATE_DP else {"k_per_column", *EPSILON}
    return {key: value for key, value in document.get(name, {}).items() if key not in own}


def _private(a: Document, b: Document, merged: dict[str, Any]) -> None:
    """The noise and its budget: a policy without noise has no say in them."""
    noisy = [each for each in (a, b) if _mode(each) is Mode.AGGREGATE_DP]
    for name in EPSILON:
        values = [each.get("budgets", {}).get(name, 0) for each in noisy or (a, b)]
        if any(name in each.get("budgets", {}) for each in noisy or (a, b)):
            merged["budgets"][name] = min(values)
        else:
            merged["budgets"].pop(name, None)
    if not noisy:
        return
    parts, defaults = [each.get("dp", {}) for each in noisy], Privacy()
    dp: dict[str, Any] = {"mechanism": defaults.mechanism}
    for part in parts:
        dp["mechanism"] = _same(dp, part, "mechanism", "dp.")
    for name in ("threshold", "rounding"):
        dp[name] = max(part.get(name, getattr(defaults, name)) for part in parts)
    merged["dp"] = dp


def _floors(a: Document, b: Document, columns: Document) -> dict[str, Any]:
    """The larger floor of every column that is left."""
    left = {name.lower() for name in columns}
    floors: dict[str, int] = {}
    for each in (a, b):
        for name, floor in each.get("limits", {}).get("k_per_column", {}).items():
            if name.lower() in left:
                floors[name.lower()] = max(floors.get(name.lower(), 0), floor)
    return {"k_per_column": dict(sorted(floors.items()))} if floors else {}


def _columns(a: Document, b: Document) -> dict[str, Any]:
    """What both name. The unit stays also when only one counts by it: without it rows would be counted."""
    ours, theirs = ({name.lower(): (name, each[name]) for name in each} for each in (a, b))
    found = {}
    for key in dict.fromkeys([*ours, *theirs]):  # the order of columns is for people, and in no digest
        pair = [each[key] for each in (ours, theirs) if key in each]
        name = min(name for name, _ in pair)
        first, second = pair[0][1], pair[-1][1]
        if len(pair) == 1:
            first, second = pair[0][1], {"role": "forbidden", "source": pair[0][1].get("source", name)}
            if first["role"] != Role.UNIT:
                continue
        found[name] = _column(name, first, second)
    return found


def _column(name: str, a: Document, b: Document) -> dict[str, Any]:
    source = {each.get("source", name) for each in (a, b)}
    if len(source) > 1:
        raise PolicyRefused("POLICY_CONFLICT", key=f"columns.{name}.source")
    entry: dict[str, Any] = {"role": Role.FORBIDDEN.value, "source": source.pop()}
    if Role.UNIT in (a["role"], b["role"]):
        both = {*(a.get("aggregates") or ())} & {*(b.get("aggregates") or ())}
        return entry | {"role": Role.UNIT.value, "aggregates": sorted(both)}
    if Role.FORBIDDEN in (a["role"], b["role"]) or a["role"] != b["role"] or _kind(a) != _kind(b):
        return entry
    known = _period if a["role"] == Role.TIME else _domain
    narrow: dict[str, Pick] = {"domain": known, "bounds": _bounds, "literal_step": _coarser, "min_units_for_value": max}
    allowed: dict[str, Any] = {"role": a["role"], "type": _kind(a)}
    for key in sorted({*a, *b} - {"role", "type", "source"}):
        if key in narrow:
            allowed[key] = _narrowed(narrow[key], a.get(key), b.get(key), key)
            if allowed[key] is None:
                return entry
        else:  # filters, aggregates, grains: what both have
            allowed[key] = sorted({*(a.get(key) or ())} & {*(b.get(key) or ())})
    return entry | allowed


def _kind(entry: Document) -> str:
    return str(entry.get("type") or DEFAULT_KIND.get(Role(entry["role"]), Kind.TEXT))


def _narrowed(pick: Pick, a: Any, b: Any, key: str) -> Any:
    default = {"literal_step": "year", "min_units_for_value": 0}.get(key)
    a, b = (default if each is None else each for each in (a, b))
    if a is None or b is None:
        return b if a is None else a
    return pick(a, b)


def _domain(a: Any, b: Any) -> Any:
    """Values that both name; of two periods the part in common; a published list yields to values. None: nothing."""
    if isinstance(a, str) or isinstance(b, str):
        named = [each for each in (a, b) if not isinstance(each, str)]
        return named[0] if named else a if a == b else None
    return sorted({*a} & {*b}) or None


def _period(a: Any, b: Any) -> Any:
    starts, ends = max(a[0], b[0]), min(a[1], b[1])
    return [starts, ends] if starts < ends else None


def _bounds(a: Any, b: Any) -> Any:
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return [low, high] if low <= high else None


def _coarser(a: str, b: str) -> str:
    return max(a, b, key=GRAINS.index)


def _clauses(a: Document, b: Document, merged: Document) -> dict[str, str]:
    """The clause of whoever's value stands; of two clauses behind one value the contract's, the first."""
    found: dict[str, str] = {}
    for document in (a, b):
        for field, clause in document.get("clauses", {}).items():
            stands = _at(merged, field)
            if stands is not None and (isinstance(stands, Mapping) or stands == _at(document, field)):
                found[field] = min(clause, found.get(field, clause), key=_order)
    return dict(sorted(found.items()))


def _order(clause: str) -> tuple[bool, int, str]:
    return clause.startswith("trial:"), int("".join(filter(str.isdigit, clause)) or 0), clause


def _at(document: Document, field: str) -> Any:
    place: Any = document
    for part in field.split("."):
        place = place.get(part) if isinstance(place, Mapping) else None
    return place
