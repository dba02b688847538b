"""The strict reader behind `Policy.from_json`."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from sandbox.denials import PolicyRefused
from sandbox.policy import (
    AGGREGATES,
    GRAINS,
    NAME,
    OPERATORS,
    SMALLEST_GROUP,
    Budgets,
    Column,
    Kind,
    Limits,
    Output,
    Policy,
    Resources,
    Role,
    Window,
    digest,
)

Section = TypeVar("Section", Limits, Budgets, Output, Resources)

TOP = frozenset(
    [
        "policy_id",
        "version",
        "contract_id",
        "contract_hash",
        "provider",
        "buyer",
        "people",
        "purposes",
        "window",
        "state",
        "mode",
        "min_isolation_tier",
        "dataset",
        "columns",
        "joins",
        "functions",
        "aggregates",
        "limits",
        "budgets",
        "dp",
        "output",
        "export_ban",
        "resources",
        "audit",
    ]
)
DATASET = frozenset({"snapshot_id", "sha256", "table", "unit_column", "max_rows_per_unit", "rows_public"})
COLUMN: Mapping[Role, frozenset[str]] = {
    Role.DIM: frozenset({"role", "type", "source", "domain", "filter", "min_units_for_value"}),
    Role.TIME: frozenset({"role", "type", "source", "grain", "filter", "literal_step"}),
    Role.MEASURE: frozenset({"role", "type", "source", "bounds", "aggregates", "filter"}),
    Role.UNIT: frozenset({"role", "type", "source", "aggregates"}),
    Role.FORBIDDEN: frozenset({"role", "type", "source"}),
}
DEFAULT_KIND = {Role.MEASURE: Kind.NUMBER, Role.TIME: Kind.DATE}
# Parts of a full policy that this version has no machinery for: present and not empty means refuse.
NOT_ENFORCED = ("joins", "functions", "aggregates", "dp", "audit")


def read(document: Mapping[str, Any]) -> Policy:
    """Build a Policy out of a document that has no key and no value we do not know."""
    _closed(document, TOP, "")
    for key in NOT_ENFORCED:
        if document.get(key):
            raise PolicyRefused("POLICY_NOT_ENFORCEABLE", key=key)
    if document.get("mode") != "aggregate":
        raise PolicyRefused("POLICY_NOT_ENFORCEABLE", key="mode")
    dataset = _mapping(document, "dataset")
    _closed(dataset, DATASET, "dataset.")
    columns = {
        name.lower(): _column(name, _mapping(_mapping(document, "columns"), name)) for name in document["columns"]
    }
    if len(columns) != len(document["columns"]):
        raise PolicyRefused("POLICY_INVALID", key="columns")
    limits, k_per_column = _limits(document, columns)
    table = _text(dataset, "table", "data")
    if not NAME.fullmatch(table):
        raise PolicyRefused("POLICY_INVALID", key="dataset.table")
    return Policy(
        policy_id=_text(document, "policy_id"),
        version=_number(document, "version", 1, 1),
        contract_hash=_text(document, "contract_hash", ""),
        mode="aggregate",
        min_isolation_tier=_number(document, "min_isolation_tier", 1, 0),
        window=_window(_mapping(document, "window")),
        purposes=_texts(document, "purposes"),
        state=_one_of(document, "state", ("open", "paused", "killed", "closed"), "open"),
        provider=_text(document, "provider", ""),
        buyer=_text(document, "buyer", ""),
        people=_texts(document, "people"),
        snapshot_id=_text(dataset, "snapshot_id", ""),
        snapshot_sha256=_text(dataset, "sha256", ""),
        table=table,
        unit_column=_unit(dataset, columns),
        max_rows_per_unit=_number(dataset, "max_rows_per_unit", 1, 1),
        rows_public=_flag(dataset, "rows_public", False),
        columns=columns,
        limits=limits,
        k_per_column=k_per_column,
        budgets=_section(document, "budgets", Budgets),
        output=_section(document, "output", Output),
        export_ban=_flag(document, "export_ban", True),
        resources=_section(document, "resources", Resources),
        hash=digest(document),
    )


def _column(name: str, entry: Mapping[str, Any]) -> Column:
    where = f"columns.{name}."
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise PolicyRefused("POLICY_INVALID", key="columns")
    role = Role(_one_of(entry, "role", tuple(Role), None, where))
    _closed(entry, COLUMN[role], where)
    kind = Kind(_one_of(entry, "type", tuple(Kind), DEFAULT_KIND.get(role, Kind.TEXT), where))
    if role is Role.DIM and kind not in (Kind.TEXT, Kind.INT, Kind.BOOL):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}type")
    return Column(
        name=name,
        role=role,
        kind=kind,
        source=_text(entry, "source", name, where),
        domain=_domain(entry, where),
        bounds=_bounds(entry, where) if role is Role.MEASURE else None,
        filters=_subset(entry, "filter", OPERATORS.get(role.value, frozenset()), where),
        aggregates=_subset(entry, "aggregates", AGGREGATES, where),
        grain=tuple(g for g in GRAINS if g in _subset(entry, "grain", frozenset(GRAINS), where)),
        literal_step=_one_of(entry, "literal_step", GRAINS, "year", where),
        min_units_for_value=_number(entry, "min_units_for_value", 0, 0, where),
    )


def _limits(document: Mapping[str, Any], columns: Mapping[str, Column]) -> tuple[Limits, dict[str, int]]:
    section = dict(_mapping(document, "limits", {}))
    per_column = section.pop("k_per_column", {})
    if not isinstance(per_column, Mapping):
        raise PolicyRefused("POLICY_INVALID", key="limits.k_per_column")
    floors = {}
    for name in per_column:
        if not isinstance(name, str) or name.lower() not in columns:
            raise PolicyRefused("POLICY_INVALID", key="limits.k_per_column")
        floors[name.lower()] = _number(per_column, name, 0, SMALLEST_GROUP, "limits.k_per_column.")
    limits = _section({"limits": section}, "limits", Limits)
    if limits.min_group < SMALLEST_GROUP:
        raise PolicyRefused("POLICY_INVALID", key="limits.min_group")
    return limits, floors


def _section(document: Mapping[str, Any], key: str, kind: Callable[..., Section]) -> Section:
    section = _mapping(document, key, {})
    defaults = kind()
    names = {each.name for each in fields(defaults)}
    _closed(section, frozenset(names), f"{key}.")
    values: dict[str, Any] = {}
    for name in section:
        default = getattr(defaults, name)
        if isinstance(default, bool):
            values[name] = _flag(section, name, default, f"{key}.")
        elif isinstance(default, float):
            values[name] = _real(section[name], f"{key}.{name}")
        else:
            values[name] = _number(section, name, default, 0, f"{key}.")
    return kind(**values)


def _window(window: Mapping[str, Any]) -> Window:
    _closed(window, frozenset({"from", "to", "tz"}), "window.")
    starts, ends = (_moment(_text(window, key, None, "window."), f"window.{key}") for key in ("from", "to"))
    if ends <= starts:
        raise PolicyRefused("POLICY_INVALID", key="window.to")
    return Window(starts, ends)


def _moment(text: str, key: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise PolicyRefused("POLICY_INVALID", key=key) from error
    if moment.tzinfo is None:
        raise PolicyRefused("POLICY_INVALID", key=key)
    return moment.astimezone(UTC)


def _unit(dataset: Mapping[str, Any], columns: Mapping[str, Column]) -> str | None:
    units = [column for column in columns.values() if column.role is Role.UNIT]
    name = dataset.get("unit_column")
    if name is None and not units:
        return None
    if not isinstance(name, str) or [unit.name.lower() for unit in units] != [name.lower()]:
        raise PolicyRefused("POLICY_INVALID", key="dataset.unit_column")
    return units[0].name


def _bounds(entry: Mapping[str, Any], where: str) -> tuple[int | float, int | float]:
    bounds = entry.get("bounds")
    if not isinstance(bounds, list) or len(bounds) != 2:
        raise PolicyRefused("POLICY_INVALID", key=f"{where}bounds")
    low, high = (_real(each, f"{where}bounds") for each in bounds)
    if low > high or max(abs(low), abs(high)) > 10**15:
        raise PolicyRefused("POLICY_INVALID", key=f"{where}bounds")
    return bounds[0], bounds[1]


def _domain(entry: Mapping[str, Any], where: str) -> tuple[str, ...] | str | None:
    domain = entry.get("domain")
    if domain is None or isinstance(domain, str):
        return domain
    return _texts(entry, "domain", where)


def _subset(entry: Mapping[str, Any], key: str, known: frozenset[str], where: str) -> frozenset[str]:
    value = entry.get(key)
    if value is None or value is False:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value) or not known.issuperset(value):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return frozenset(value)


def _closed(section: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if not isinstance(section, Mapping):
        raise PolicyRefused("POLICY_INVALID", key=where or "(document)")
    for key in section:
        if key not in known:
            raise PolicyRefused("POLICY_UNKNOWN_KEY", key=f"{where}{key}")


def _mapping(section: Mapping[str, Any], key: str, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    value = section.get(key, default)
    if not isinstance(value, Mapping):
        raise PolicyRefused("POLICY_INVALID", key=key)
    return value


def _text(section: Mapping[str, Any], key: str, default: str | None = None, where: str = "") -> str:
    value = section.get(key, default)
    if not isinstance(value, str):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return value


def _texts(section: Mapping[str, Any], key: str, where: str = "") -> tuple[str, ...]:
    value = section.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return tuple(value)


def _one_of(
    section: Mapping[str, Any], key: str, known: tuple[str, ...], default: str | None = None, where: str = ""
) -> str:
    value = _text(section, key, default, where)
    if value not in known:
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return value


def _flag(section: Mapping[str, Any], key: str, default: bool, where: str = "") -> bool:
    value = section.get(key, default)
    if not isinstance(value, bool):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return value


def _number(section: Mapping[str, Any], key: str, default: int, least: int, where: str = "") -> int:
    value = section.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return value


def _real(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PolicyRefused("POLICY_INVALID", key=key)
    return float(value)
