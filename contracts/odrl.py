"""Terms as an ODRL 2.2 policy and back, exactly. What this module does not understand it refuses by name.

W3C ODRL Information Model 2.2: one Agreement whose permissions, prohibitions and obligations follow from the licence
type. ODRL has no words for some of our clauses (licence type, scenario, caps); those are left operands and actions of
our own profile, as section 3 of the model provides. Prefixed names are used throughout, because the bare ones do not
all resolve under the context of the Dataspace Protocol.

A foreign policy is never read in part: `from_odrl` rebuilds the policy from the terms it found and refuses anything
that is not that policy, so a constraint can be neither dropped nor added unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.errors import ContractsError
from contracts.terms import Terms, TermsError

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
PROFILE = "urn:minhbach:odrl:1"
_OWN = PROFILE + ":"
_CURRENCY = "urn:iso:std:iso:4217:VND"

# The use that each licence type grants; deriving and distributing are granted by the onward-transfer clause.
_USE_OF: Mapping[str, str] = {
    "L0": "odrl:use",
    "L1": _OWN + "tryOut",
    "L2": _OWN + "query",
    "L3": "odrl:use",
    "L4": "odrl:use",
    "L5": "odrl:use",
    "L6": "odrl:use",
    "L7": "odrl:use",
    "L8": _OWN + "trainModel",
}
_GRANTED_BY_ONWARD: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "derived-only": ("odrl:derive",),
    "allowed": ("odrl:derive", "odrl:distribute"),
}
_FORBIDDEN_BY_LICENCE: Mapping[str, tuple[str, ...]] = {
    "L1": ("odrl:extract",),
    "L2": ("odrl:extract",),
    "L7": (_OWN + "commercialUse",),
    "L8": (_OWN + "reproduceFromModel",),
}

_ACTIONS: Mapping[str, frozenset[str]] = {
    "permission": frozenset({*_USE_OF.values(), "odrl:derive", "odrl:distribute"}),
    "prohibition": frozenset(
        {
            _OWN + "reidentify",
            "odrl:distribute",
            "odrl:extract",
            _OWN + "commercialUse",
            _OWN + "reproduceFromModel",
        }
    ),
    "obligation": frozenset({"odrl:compensate", "odrl:attribute", "odrl:delete"}),
}

# Left operand -> operators it may carry here.
_OPERANDS: Mapping[str, frozenset[str]] = {
    _OWN + "licence": frozenset({"eq"}),
    "odrl:purpose": frozenset({"eq"}),
    _OWN + "scenario": frozenset({"eq"}),
    "odrl:spatial": frozenset({"isAnyOf"}),
    "odrl:dateTime": frozenset({"gteq", "lteq", "gt"}),
    _OWN + "exclusive": frozenset({"eq"}),
    _OWN + "ipLimits": frozenset({"eq"}),
    _OWN + "deliveries": frozenset({"lteq"}),
    _OWN + "queries": frozenset({"lteq"}),
    _OWN + "groupSize": frozenset({"gteq"}),
    "odrl:payAmount": frozenset({"eq"}),
}

_POLICY_KEYS = frozenset(
    {"@context", "@type", "uid", "profile", "target", "assigner", "assignee", "permission", "prohibition", "obligation"}
)
_RULE_KEYS = frozenset({"action", "constraint"})
_CONSTRAINT_KEYS = frozenset({"leftOperand", "operator", "rightOperand", "unit"})


class OdrlError(ContractsError):
    """The policy says something that these terms cannot mean."""


def to_odrl(terms: Terms, target: str, assigner: str, assignee: str) -> dict[str, Any]:
    """The policy of these terms: `assigner` (provider) grants `assignee` (buyer) the use of `target`."""
    if terms.licence not in _USE_OF:
        raise OdrlError("ODRL_VALUE_REFUSED", operand=_OWN + "licence", value=terms.licence, passes="L0-L8")
    if terms.onward_transfer not in _GRANTED_BY_ONWARD:
        raise OdrlError(
            "ODRL_VALUE_REFUSED", operand="odrl:distribute", value=terms.onward_transfer, passes="none, derived-only"
        )
    granted = (_USE_OF[terms.licence], *_GRANTED_BY_ONWARD[terms.onward_transfer])
    forbidden = [_OWN + "reidentify", *_FORBIDDEN_BY_LICENCE.get(terms.licence, ())]
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
    if obligations := _obligations(terms):
        policy["obligation"] = obligations
    return policy


def from_odrl(policy: object) -> Terms:
    """The terms of a policy that `to_odrl` could have written; anything else is refused, naming what."""
    whole = _object(policy, _POLICY_KEYS, "policy")
    rules = {kind: _rules(whole, kind) for kind in _ACTIONS}
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
    rows: list[dict[str, Any]] = [
        _constraint(_OWN + "licence", "eq", terms.licence),
        _constraint("odrl:purpose", "eq", terms.purpose),
        _constraint(_OWN + "scenario", "eq", terms.scenario),
        _constraint("odrl:spatial", "isAnyOf", list(terms.territory)),
        _constraint("odrl:dateTime", "gteq", _typed(terms.starts.isoformat() + "+07:00", "date")),
        _constraint("odrl:dateTime", "lteq", _typed(terms.ends.isoformat() + "+07:00", "date")),
        _constraint(_OWN + "exclusive", "eq", _typed("true" if terms.exclusive else "false", "boolean")),
        _constraint(_OWN + "ipLimits", "eq", terms.ip_limits),
    ]
    caps = (
        ("deliveries", "lteq", terms.max_deliveries),
        ("queries", "lteq", terms.max_queries),
        ("groupSize", "gteq", terms.min_group),
    )
    rows += [_constraint(_OWN + name, op, _typed(str(cap), "integer")) for name, op, cap in caps if cap is not None]
    return rows


def _obligations(terms: Terms) -> list[dict[str, Any]]:
    duties: list[dict[str, Any]] = []
    if terms.price_vnd:
        amount = _constraint("odrl:payAmount", "eq", _typed(str(terms.price_vnd), "decimal"))
        duties.append({"action": "odrl:compensate", "constraint": [{**amount, "unit": _CURRENCY}]})
    if terms.attribution:
        duties.append({"action": "odrl:attribute"})
    if terms.licence != "L0":
        after = _constraint("odrl:dateTime", "gt", _typed(terms.ends.isoformat() + "+07:00", "date"))
        duties.append({"action": "odrl:delete", "constraint": [after]})
    return duties


def _constraint(operand: str, operator: str, value: object) -> dict[str, Any]:
    return {"leftOperand": operand, "operator": operator, "rightOperand": value}


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
    if action not in _ACTIONS[kind]:
        raise OdrlError("ODRL_ACTION_UNKNOWN", path=kind, value=action, passes=", ".join(sorted(_ACTIONS[kind])))
    for constraint in _constraints_of(rule):
        row = _object(constraint, _CONSTRAINT_KEYS, f"{kind}/constraint")
        operand, operator = _text(row, "leftOperand"), _text(row, "operator")
        if operand not in _OPERANDS:
            raise OdrlError("ODRL_OPERAND_UNKNOWN", value=operand, passes=", ".join(sorted(_OPERANDS)))
        if operator not in _OPERANDS[operand]:
            passes = ", ".join(sorted(_OPERANDS[operand]))
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
    found = {
        (row["leftOperand"], row["operator"]): row["rightOperand"] for row in _constraints_of(rules["permission"][0])
    }
    granted = {rule["action"] for rule in rules["permission"]}
    duties = {rule["action"]: rule for rule in rules["obligation"]}
    value = {
        "licence": found.get((_OWN + "licence", "eq")),
        "purpose": found.get(("odrl:purpose", "eq")),
        "scenario": found.get((_OWN + "scenario", "eq")),
        "territory": found.get(("odrl:spatial", "isAnyOf")),
        "starts": _day(found.get(("odrl:dateTime", "gteq"))),
        "ends": _day(found.get(("odrl:dateTime", "lteq"))),
        "exclusive": _literal(found.get((_OWN + "exclusive", "eq"))) == "true",
        "onward_transfer": next(
            (
                name
                for name, action in (("allowed", "odrl:distribute"), ("derived-only", "odrl:derive"))
                if action in granted
            ),
            "none",
        ),
        "ip_limits": found.get((_OWN + "ipLimits", "eq")),
        "price_vnd": _price(duties.get("odrl:compensate")),
        "max_deliveries": _cap(found.get((_OWN + "deliveries", "lteq"))),
        "max_queries": _cap(found.get((_OWN + "queries", "lteq"))),
        "min_group": _cap(found.get((_OWN + "groupSize", "gteq"))),
        "attribution": "odrl:attribute" in duties,
    }
    try:
        return Terms.from_json(value)
    except TermsError as error:
        raise OdrlError("ODRL_TERM_MISSING", field=error.facts.get("field")) from None


def _literal(value: object) -> str:
    return str(value.get("@value")) if isinstance(value, dict) else ""


def _day(value: object) -> str:
    return _literal(value).removesuffix("+07:00")


def _whole(value: object) -> int:
    text = _literal(value)
    if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) <= 20):
        raise OdrlError("ODRL_VALUE_REFUSED", operand="rightOperand", value=text[:80], passes="whole number")
    return int(text)


def _cap(value: object) -> int | None:
    return None if value is None else _whole(value)


def _price(duty: Any) -> int:
    if duty is None:
        return 0
    rows = _constraints_of(duty)
    return _whole(rows[0]["rightOperand"]) if rows else 0


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
