"""The strict reader behind `Policy.from_json`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from typing import Any, TypeVar

from sandbox import strict, templates
from sandbox.denials import PolicyRefused
from sandbox.policy import (
    AGGREGATES,
    GRAINS,
    NAME,
    OPERATORS,
    SMALLEST_GROUP,
    Budgets,
    Column,
    Domain,
    Kind,
    Limits,
    Mode,
    Output,
    Policy,
    Privacy,
    Resources,
    Role,
    Window,
    digest,
)

Section = TypeVar("Section", Limits, Budgets, Output, Resources, Privacy)

TOP = frozenset(
    {"policy_id", "version", "contract_id", "contract_hash", "provider", "buyer", "people", "purposes", "window"}
    | {"state", "mode", "templates", "clauses", "unenforced", "min_isolation_tier", "dataset", "columns", "joins"}
    | {"functions", "aggregates", "limits", "budgets", "dp", "output", "export_ban", "resources", "audit"}
)
DATASET = frozenset({"snapshot_id", "sha256", "table", "unit_column", "max_rows_per_unit", "rows_public"})
COLUMN: Mapping[Role, frozenset[str]] = {
    Role.DIM: frozenset({"role", "type", "source", "domain", "filter", "min_units_for_value"}),
    Role.TIME: frozenset({"role", "type", "source", "grain", "filter", "literal_step", "domain"}),
    Role.MEASURE: frozenset({"role", "type", "source", "bounds", "aggregates", "filter"}),
    Role.UNIT: frozenset({"role", "type", "source", "aggregates"}),
    Role.FORBIDDEN: frozenset({"role", "type", "source"}),
}
DEFAULT_KIND = {Role.MEASURE: Kind.NUMBER, Role.TIME: Kind.DATE}
# Parts of a full policy that this version has no machinery for: present and not empty means refuse.
NOT_ENFORCED = ("joins", "functions", "aggregates", "audit")
MECHANISMS = ("discrete_laplace",)
VALUES = {Kind.TEXT: str, Kind.INT: int, Kind.BOOL: bool}
CLAUSE = re.compile(r"[1-9]\d?|trial:[TX][1-9]\d?")  # of the contract's text, or a rule of the trial


def read(document: Mapping[str, Any]) -> Policy:
    """Build a Policy out of a document that has no key and no value we do not know."""
    strict.closed(document, TOP, "")
    for key in NOT_ENFORCED:
        if document.get(key):
            raise PolicyRefused("POLICY_NOT_ENFORCEABLE", key=key)
    if document.get("mode") not in tuple(Mode):
        raise PolicyRefused("POLICY_NOT_ENFORCEABLE", key="mode")
    mode = Mode(document["mode"])
    if document.get("templates") and mode is not Mode.TEMPLATE:
        raise PolicyRefused("POLICY_NOT_ENFORCEABLE", key="templates")
    dataset = strict.mapping(document, "dataset")
    strict.closed(dataset, DATASET, "dataset.")
    named = strict.mapping(document, "columns")
    columns = {name.lower(): _column(name, strict.mapping(named, name)) for name in named}
    if len(columns) != len(named):
        raise PolicyRefused("POLICY_INVALID", key="columns")
    limits, k_per_column = _limits(document, columns)
    budgets = _section(document, "budgets", Budgets)
    table = strict.text(dataset, "table", "data")
    if not NAME.fullmatch(table):
        raise PolicyRefused("POLICY_INVALID", key="dataset.table")
    return Policy(
        policy_id=strict.text(document, "policy_id"),
        version=strict.number(document, "version", 1, 1),
        contract_hash=strict.text(document, "contract_hash", ""),
        mode=mode,
        min_isolation_tier=strict.number(document, "min_isolation_tier", 1, 0),
        window=_window(strict.mapping(document, "window")),
        purposes=strict.texts(document, "purposes"),
        state=strict.one_of(document, "state", ("open", "paused", "killed", "closed"), "open"),
        provider=strict.text(document, "provider", ""),
        buyer=strict.text(document, "buyer", ""),
        people=strict.texts(document, "people"),
        snapshot_id=strict.text(dataset, "snapshot_id", ""),
        snapshot_sha256=strict.text(dataset, "sha256", ""),
        table=table,
        unit_column=_unit(dataset, columns),
        max_rows_per_unit=strict.number(dataset, "max_rows_per_unit", 1, 1),
        rows_public=strict.flag(dataset, "rows_public", False),
        columns=columns,
        limits=limits,
        k_per_column=k_per_column,
        budgets=budgets,
        output=_stepped(_section(document, "output", Output), "output.round_to"),
        dp=_privacy(document, mode, columns, budgets),
        export_ban=strict.flag(document, "export_ban", True),
        resources=_section(document, "resources", Resources),
        clauses=_clauses(document),
        unenforced=tuple(_clause(each, "unenforced") for each in strict.texts(document, "unenforced")),
        hash=digest(document),
        templates=_templates(document, table, columns, limits) if mode is Mode.TEMPLATE else (),
    )


def _templates(
    document: Mapping[str, Any], table: str, columns: Mapping[str, Column], limits: Limits
) -> tuple[templates.Template, ...]:
    return templates.read(document.get("templates"), table, columns, limits.max_groups)


def _column(name: str, entry: Mapping[str, Any]) -> Column:
    where = f"columns.{name}."
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise PolicyRefused("POLICY_INVALID", key="columns")
    role = Role(strict.one_of(entry, "role", tuple(Role), None, where))
    strict.closed(entry, COLUMN[role], where)
    kind = Kind(strict.one_of(entry, "type", tuple(Kind), DEFAULT_KIND.get(role, Kind.TEXT), where))
    if role is Role.DIM and kind not in (Kind.TEXT, Kind.INT, Kind.BOOL):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}type")
    return Column(
        name=name,
        role=role,
        kind=kind,
        source=strict.text(entry, "source", name, where),
        domain=_domain(entry, role, kind, where),
        bounds=_bounds(entry, where) if role is Role.MEASURE else None,
        filters=strict.subset(entry, "filter", OPERATORS.get(role.value, frozenset()), where),
        aggregates=strict.subset(entry, "aggregates", AGGREGATES, where),
        grain=tuple(g for g in GRAINS if g in strict.subset(entry, "grain", frozenset(GRAINS), where)),
        literal_step=strict.one_of(entry, "literal_step", GRAINS, "year", where),
        min_units_for_value=strict.number(entry, "min_units_for_value", 0, 0, where),
    )


def _limits(document: Mapping[str, Any], columns: Mapping[str, Column]) -> tuple[Limits, dict[str, int]]:
    section = dict(strict.mapping(document, "limits", {}))
    per_column = section.pop("k_per_column", {})
    if not isinstance(per_column, Mapping):
        raise PolicyRefused("POLICY_INVALID", key="limits.k_per_column")
    floors = {}
    for name in per_column:
        if not isinstance(name, str) or name.lower() not in columns:
            raise PolicyRefused("POLICY_INVALID", key="limits.k_per_column")
        floors[name.lower()] = strict.number(per_column, name, 0, SMALLEST_GROUP, "limits.k_per_column.")
    limits = _section({"limits": section}, "limits", Limits)
    if limits.min_group < SMALLEST_GROUP:
        raise PolicyRefused("POLICY_INVALID", key="limits.min_group")
    return limits, floors


def _section(document: Mapping[str, Any], key: str, kind: Callable[..., Section]) -> Section:
    section = strict.mapping(document, key, {})
    defaults = kind()
    names = {each.name for each in fields(defaults)}
    strict.closed(section, frozenset(names), f"{key}.")
    values: dict[str, Any] = {}
    for name in section:
        default = getattr(defaults, name)
        if isinstance(default, bool):
            values[name] = strict.flag(section, name, default, f"{key}.")
        elif isinstance(default, float):
            values[name] = strict.real(section[name], f"{key}.{name}")
        else:
            values[name] = strict.number(section, name, default, 0, f"{key}.")
    return kind(**values)


def _window(window: Mapping[str, Any]) -> Window:
    strict.closed(window, frozenset({"from", "to", "tz"}), "window.")
    starts, ends = (strict.moment(strict.text(window, key, None, "window."), f"window.{key}") for key in ("from", "to"))
    if ends <= starts:
        raise PolicyRefused("POLICY_INVALID", key="window.to")
    return Window(starts, ends)


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
    low, high = (strict.real(each, f"{where}bounds") for each in bounds)
    if low > high or max(abs(low), abs(high)) > 10**15:
        raise PolicyRefused("POLICY_INVALID", key=f"{where}bounds")
    return bounds[0], bounds[1]


def _domain(entry: Mapping[str, Any], role: Role, kind: Kind, where: str) -> Domain | str | None:
    domain = entry.get("domain")
    if domain is None or (isinstance(domain, str) and role is Role.DIM):
        return domain
    if not isinstance(domain, list) or not domain or len({repr(each) for each in domain}) != len(domain):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}domain")
    if role is Role.TIME:
        return _months(domain, f"{where}domain")
    if any(type(each) is not VALUES[kind] for each in domain):  # for Python a bool is an int
        raise PolicyRefused("POLICY_INVALID", key=f"{where}domain")
    return tuple(domain)


def _months(domain: list[Any], key: str) -> Domain:
    """First day and the day after the last, both the first of a month."""
    try:
        starts, ends = (date.fromisoformat(each) for each in domain)
    except (TypeError, ValueError) as error:
        raise PolicyRefused("POLICY_INVALID", key=key) from error
    if starts.day != 1 or ends.day != 1 or ends <= starts:
        raise PolicyRefused("POLICY_INVALID", key=key)
    return (starts.isoformat(), ends.isoformat())


def _privacy(
    document: Mapping[str, Any], mode: Mode, columns: Mapping[str, Column], budgets: Budgets
) -> Privacy | None:
    """The noise, which needs a budget, and public values for whatever may be grouped by or filtered on."""
    if mode is not Mode.AGGREGATE_DP:
        if document.get("dp"):
            raise PolicyRefused("POLICY_NOT_ENFORCEABLE", key="dp")
        return None
    for name in ("epsilon_total_micro", "epsilon_per_query_micro"):
        if getattr(budgets, name) < 1:
            raise PolicyRefused("POLICY_INVALID", key=f"budgets.{name}")
    for column in columns.values():
        if column.role in (Role.DIM, Role.TIME) and not isinstance(column.domain, tuple):
            raise PolicyRefused("POLICY_INVALID", key=f"columns.{column.name}.domain")
    section = dict(strict.mapping(document, "dp", {}))
    strict.one_of(section, "mechanism", MECHANISMS, MECHANISMS[0], "dp.")
    section.pop("mechanism", None)
    return _stepped(_section({"dp": section}, "dp", Privacy), "dp.rounding")


Stepped = TypeVar("Stepped", Output, Privacy)


def _stepped(section: Stepped, key: str) -> Stepped:
    """A step of rounding is at least one."""
    if getattr(section, key.rpartition(".")[2]) < 1:
        raise PolicyRefused("POLICY_INVALID", key=key)
    return section


def _clauses(document: Mapping[str, Any]) -> dict[str, str]:
    """The clause behind each field; a clause behind a field that is not there would vouch for a default."""
    section = strict.mapping(document, "clauses", {})
    for field in section:
        place: Any = document
        for part in str(field).split("."):
            place = place.get(part) if isinstance(place, Mapping) else None
        if place is None:
            raise PolicyRefused("POLICY_INVALID", key=f"clauses.{field}")
    return {field: _clause(section[field], f"clauses.{field}") for field in section}


def _clause(name: object, key: str) -> str:
    if not isinstance(name, str) or not CLAUSE.fullmatch(name):
        raise PolicyRefused("POLICY_INVALID", key=key)
    return name
