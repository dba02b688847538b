"""Terms as an ODRL 2.2 policy and back, exactly. What this module does not understand it refuses by name.

W3C ODRL Information Model 2.2: one Agreement whose permissions, prohibitions and obligations follow from the terms;
odrl_profile.py says where each field stands. Prefixed names are used throughout, because the bare ones do not all
resolve under the context of the Dataspace Protocol.

A foreign policy is never read in part: `from_odrl` rebuilds the policy from the terms it found and refuses anything
that is not that policy, so a constraint can be neither dropped nor added unseen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from contracts.errors import ContractsError
from contracts.odrl_profile import (
    ACTIONS,
    BEARERS,
    CAPS,
    CONTEXT,
    CURRENCY,
    DELETE,
    DUTIES,
    FORBIDDEN_BY_LICENCE,
    GRANT,
    GRANTED_BY_ONWARD,
    NAME_SOURCE,
    OPERANDS,
    OWN,
    PAY,
    PROFILE,
    USE_OF,
    Place,
)
from contracts.terms import ADDED, Terms, TermsError

_POLICY_KEYS = frozenset(
    {"@context", "@type", "uid", "profile", "target", "assigner", "assignee", "permission", "prohibition", "obligation"}
)
_RULE_KEYS = frozenset({"action", "assignee", "constraint"})
_CONSTRAINT_KEYS = frozenset({"leftOperand", "operator", "rightOperand", "unit"})
_PERIOD = {"days": re.compile(r"(-?)P([0-9]{1,19})D"), "hours": re.compile(r"(-?)PT([0-9]{1,19})H")}

# What holds where a field is not stated.
_UNSTATED: Mapping[str, Any] = {"max_deliveries": None, "max_queries": None, "min_group": None, "price_vnd": 0, **ADDED}

# Each duty with the places that it has, in the order in which a policy names them.
_PLACES_OF: Mapping[str, Mapping[str, Place]] = {
    action: {name: place for name, place in DUTIES.items() if place.duty == action}
    for action in (PAY, NAME_SOURCE, DELETE, *(place.duty for place in DUTIES.values()))
}


class OdrlError(ContractsError):
    """The policy says something that these terms cannot mean."""


def to_odrl(terms: Terms, target: str, assigner: str, assignee: str) -> dict[str, Any]:
    """The policy of these terms: `assigner` (provider) grants `assignee` (buyer) the use of `target`."""
    if terms.licence not in USE_OF:
        raise OdrlError("ODRL_VALUE_REFUSED", operand=OWN + "licence", value=terms.licence, passes="L0-L8")
    if terms.onward_transfer not in GRANTED_BY_ONWARD:
        raise OdrlError(
            "ODRL_VALUE_REFUSED", operand="odrl:distribute", value=terms.onward_transfer, passes="none, derived-only"
        )
    granted = (USE_OF[terms.licence], *GRANTED_BY_ONWARD[terms.onward_transfer])
    forbidden = [OWN + "reidentify", *FORBIDDEN_BY_LICENCE.get(terms.licence, ())]
    if terms.onward_transfer != "allowed":
        forbidden.append("odrl:distribute")
    policy: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": "urn:minhbach:terms:" + terms.hash.removeprefix("sha-256:"),
        "profile": PROFILE,
        "target": target,
        "assigner": assigner,
        "assignee": assignee,
        "permission": [{"action": action, "constraint": _constraints(terms)} for action in granted],
        "prohibition": [{"action": action} for action in forbidden],
    }
    if obligations := _obligations(terms, {"assigner": assigner, "assignee": assignee}):
        policy["obligation"] = obligations
    return policy


def from_odrl(policy: object) -> Terms:
    """The terms of a policy that `to_odrl` could have written; anything else is refused, naming what."""
    whole = _object(policy, _POLICY_KEYS, "policy")
    rules = {kind: _rules(whole, kind) for kind in ACTIONS}
    if not rules["permission"]:
        raise OdrlError("ODRL_FIELD_MISSING", path="permission")
    for kind, entries in rules.items():
        for rule in entries:
            _check_rule(kind, rule)
    terms = _read_terms(rules)
    parties = [_text(whole, name) for name in ("target", "assigner", "assignee")]
    expected = to_odrl(terms, *parties)
    if expected != whole:
        raise OdrlError("ODRL_NOT_EXACT", path=_first_difference(expected, whole, ""))
    return terms


def _constraints(terms: Terms) -> list[dict[str, Any]]:
    rows = [_constraint(place, getattr(terms, name)) for name, place in GRANT.items()]
    return rows + _stated(terms, CAPS)


def _obligations(terms: Terms, parties: Mapping[str, str]) -> list[dict[str, Any]]:
    """The duties in a fixed order; one that the terms say nothing about is not there."""
    duties: list[dict[str, Any]] = []
    for action, places in _PLACES_OF.items():
        rows = _stated(terms, places)
        if action == DELETE and (rows or terms.licence != "L0"):
            rows.insert(0, _constraint(Place("odrl:dateTime", "gt", "date"), terms.ends))
        if not rows and not (action == NAME_SOURCE and terms.attribution):
            continue
        duty: dict[str, Any] = {"action": action}
        if bearers := BEARERS.get(action):
            duty["assignee"] = [parties[name] for name in bearers]
        duties.append({**duty, "constraint": rows} if rows else duty)
    return duties


def _stated(terms: Terms, places: Mapping[str, Place]) -> list[dict[str, Any]]:
    values = {name: getattr(terms, name) for name in places}
    return [_constraint(places[name], value) for name, value in values.items() if value != _UNSTATED[name]]


def _constraint(place: Place, value: Any) -> dict[str, Any]:
    row = {"leftOperand": place.operand, "operator": place.operator, "rightOperand": _right(place.kind, value)}
    return {**row, "unit": CURRENCY} if place.kind == "dong" else row


def _right(kind: str, value: Any) -> Any:
    match kind:
        case "text":
            return value
        case "texts":
            return list(value)
        case "flag":
            return _typed("true" if value else "false", "boolean")
        case "date":
            return _typed(value.isoformat() + "+07:00", "date")
        case "days" | "hours":
            sign, number = "-" if value < 0 else "", abs(value)
            return _typed(f"{sign}P{number}D" if kind == "days" else f"{sign}PT{number}H", "duration")
    return _typed(str(value), "decimal" if kind == "dong" else "integer")


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": "xsd:" + kind}


def _object(value: object, known: frozenset[str], path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise OdrlError("ODRL_NOT_OBJECT", path=path)
    for name in value:
        if name not in known:
            raise OdrlError("ODRL_FIELD_UNKNOWN", path=path, field=str(name))
    return value


def _rules(policy: Mapping[str, Any], kind: str) -> list[Any]:
    rules = policy.get(kind, [])
    if not isinstance(rules, list):
        raise OdrlError("ODRL_NOT_LIST", path=kind)
    return rules


def _check_rule(kind: str, rule: object) -> None:
    action = _text(_object(rule, _RULE_KEYS, kind), "action")
    if action not in ACTIONS[kind]:
        raise OdrlError("ODRL_ACTION_UNKNOWN", path=kind, value=action, passes=", ".join(sorted(ACTIONS[kind])))
    for constraint in _constraints_of(rule):
        row = _object(constraint, _CONSTRAINT_KEYS, f"{kind}/constraint")
        operand, operator = _text(row, "leftOperand"), _text(row, "operator")
        if operand not in OPERANDS:
            raise OdrlError("ODRL_OPERAND_UNKNOWN", value=operand, passes=", ".join(sorted(OPERANDS)))
        if operator not in OPERANDS[operand]:
            passes = ", ".join(sorted(OPERANDS[operand]))
            raise OdrlError("ODRL_OPERATOR_UNKNOWN", operand=operand, value=operator, passes=passes)
        if "rightOperand" not in row:
            raise OdrlError("ODRL_FIELD_MISSING", path=f"{operand}/rightOperand")


def _constraints_of(rule: Any) -> list[Any]:
    rows = rule.get("constraint", [])
    if not isinstance(rows, list):
        raise OdrlError("ODRL_NOT_LIST", path="constraint")
    return rows


def _text(value: Mapping[str, Any], name: str) -> str:
    if name not in value:
        raise OdrlError("ODRL_FIELD_MISSING", path=name)
    text = value[name]
    if not isinstance(text, str):
        raise OdrlError("ODRL_VALUE_REFUSED", operand=name, value=str(text)[:80], passes="text")
    return text


def _read_terms(rules: Mapping[str, list[Any]]) -> Terms:
    """Terms from the first permission and the obligations; the caller proves that nothing else was said."""
    granted = {rule["action"] for rule in rules["permission"]}
    duties = {rule["action"]: rule for rule in rules["obligation"]}
    found = {"": _rows(rules["permission"][0]), **{action: _rows(rule) for action, rule in duties.items()}}
    value: dict[str, Any] = {
        "onward_transfer": "allowed"
        if "odrl:distribute" in granted
        else "derived-only"
        if "odrl:derive" in granted
        else "none",
        "attribution": NAME_SOURCE in duties,
    }
    for name, place in {**GRANT, **CAPS, **DUTIES}.items():
        stated = found.get(place.duty, {}).get((place.operand, place.operator))
        value[name] = _UNSTATED.get(name) if stated is None else _read(place.kind, stated)
    try:
        return Terms.from_json(value)
    except TermsError as error:
        raise OdrlError("ODRL_TERM_MISSING", field=error.facts.get("field")) from None


def _rows(rule: Any) -> dict[tuple[str, str], Any]:
    return {(row["leftOperand"], row["operator"]): row["rightOperand"] for row in _constraints_of(rule)}


def _read(kind: str, value: Any) -> Any:
    """A right operand as the JSON value of the field."""
    if kind in ("text", "texts"):
        return value
    text = str(value.get("@value")) if isinstance(value, dict) else ""
    if kind == "flag":
        return text == "true"
    if kind == "date":
        return text.removesuffix("+07:00")
    if kind in _PERIOD:
        if (period := _PERIOD[kind].fullmatch(text)) is None:
            passes = "P30D" if kind == "days" else "PT24H"
            raise OdrlError("ODRL_VALUE_REFUSED", operand="rightOperand", value=text[:80], passes=passes)
        return int(period[1] + period[2])
    if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) <= 20):
        raise OdrlError("ODRL_VALUE_REFUSED", operand="rightOperand", value=text[:80], passes="whole number")
    return int(text)


def _first_difference(expected: object, found: object, path: str) -> str:
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted({*expected, *found}):
            if expected.get(name) != found.get(name):
                return _first_difference(expected.get(name), found.get(name), f"{path}/{name}")
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for position, (one, other) in enumerate(zip(expected, found, strict=True)):
            if one != other:
                return _first_difference(one, other, f"{path}/{position}")
    return path or "/"
