from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from contracts.odrl import OdrlError, from_odrl, to_odrl
from contracts.terms import LICENCES, Terms
from tests.contracts.examples import any_terms, make_terms

RICH = {"licence": "L4", "onward_transfer": "derived-only", "payment_days": 30, "update_days": 7, "incident_hours": 24}


def policy(**changes: Any) -> dict[str, Any]:
    return to_odrl(make_terms(**changes), "urn:x:asset", "urn:x:seller", "urn:x:buyer")


@given(any_terms)
def test_a_policy_brings_its_terms_back_exactly(terms: Terms) -> None:
    assert from_odrl(to_odrl(terms, "urn:x:asset", "urn:x:seller", "urn:x:buyer")) == terms


@pytest.mark.parametrize("licence", LICENCES)
def test_every_policy_forbids_reidentification(licence: str) -> None:
    actions = [rule["action"] for rule in policy(licence=licence)["prohibition"]]
    assert "urn:minhbach:odrl:1:reidentify" in actions


def test_answers_only_licences_forbid_extraction() -> None:
    for licence in ("L1", "L2"):
        rules = policy(licence=licence)
        assert "odrl:extract" in [rule["action"] for rule in rules["prohibition"]]
        assert "odrl:use" not in [rule["action"] for rule in rules["permission"]]


def change(path: list[Any], value: object) -> dict[str, Any]:
    whole = copy.deepcopy(policy())
    inside: Any = whole
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    return whole


FIRST = ["permission", 0, "constraint", 0]


@pytest.mark.parametrize(
    ("path", "value", "code", "named"),
    [
        (["permission", 0, "action"], "odrl:sell", "ODRL_ACTION_UNKNOWN", "odrl:sell"),
        ([*FIRST, "leftOperand"], "odrl:industry", "ODRL_OPERAND_UNKNOWN", "odrl:industry"),
        ([*FIRST, "operator"], "isPartOf", "ODRL_OPERATOR_UNKNOWN", "isPartOf"),
        ([*FIRST, "refinement"], [], "ODRL_FIELD_UNKNOWN", "refinement"),
        (["permission", 0, "duty"], [], "ODRL_FIELD_UNKNOWN", "duty"),
        (["inheritFrom"], "urn:x", "ODRL_FIELD_UNKNOWN", "inheritFrom"),
        (["permission"], [], "ODRL_FIELD_MISSING", "permission"),
        (["permission"], {}, "ODRL_NOT_LIST", "permission"),
        (["permission", 0], "use", "ODRL_NOT_OBJECT", "permission"),
        ([*FIRST, "rightOperand"], 3, "ODRL_TERM_MISSING", "licence"),
        ([*FIRST, "rightOperand"], "L99", "ODRL_VALUE_REFUSED", "L99"),
        (["profile"], "urn:x", "ODRL_NOT_EXACT", "/profile"),
        (["prohibition"], [], "ODRL_NOT_EXACT", "/prohibition"),
        (["permission", 0, "constraint", 8, "rightOperand", "@value"], "x", "ODRL_VALUE_REFUSED", "x"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(path: list[Any], value: object, code: str, named: str) -> None:
    with pytest.raises(OdrlError) as caught:
        from_odrl(change(path, value))
    assert caught.value.code == code
    assert named in caught.value.facts.values()


@pytest.mark.parametrize(
    ("action", "change", "code", "named"),
    [
        ("odrl:compensate", {"operator": "gt"}, "ODRL_OPERATOR_UNKNOWN", "gt"),
        ("odrl:compensate", {"leftOperand": "odrl:count"}, "ODRL_OPERAND_UNKNOWN", "odrl:count"),
        ("odrl:compensate", {"rightOperand": {"@value": "P1M", "@type": "xsd:duration"}}, "ODRL_VALUE_REFUSED", "P1M"),
        ("odrl:compensate", {"rightOperand": 30}, "ODRL_VALUE_REFUSED", "P30D"),
        ("odrl:compensate", {"unit": "odrl:day"}, "ODRL_NOT_EXACT", "/obligation/0/constraint/1/unit"),
        ("urn:minhbach:odrl:1:offerUpdate", {"operator": "gteq"}, "ODRL_OPERATOR_UNKNOWN", "gteq"),
    ],
)
def test_a_duty_that_is_not_understood_is_refused_by_name(
    action: str, change: dict[str, Any], code: str, named: str
) -> None:
    whole = copy.deepcopy(policy(**RICH))
    next(duty for duty in whole["obligation"] if duty["action"] == action)["constraint"][-1].update(change)
    with pytest.raises(OdrlError) as caught:
        from_odrl(whole)
    assert caught.value.code == code
    assert named in caught.value.facts.values()


def test_a_duty_names_who_bears_it() -> None:
    bearers = {rule["action"].rpartition(":")[2]: rule.get("assignee") for rule in policy(**RICH)["obligation"]}
    assert bearers == {
        "compensate": None,  # the policy's assignee: the buyer
        "delete": None,
        "offerUpdate": ["urn:x:seller"],
        "reportIncident": ["urn:x:seller", "urn:x:buyer"],
    }
    whole = copy.deepcopy(policy(**RICH))
    whole["obligation"][2]["assignee"] = ["urn:x:buyer"]
    with pytest.raises(OdrlError, match="ODRL_NOT_EXACT"):
        from_odrl(whole)


def test_a_constraint_can_be_neither_dropped_nor_added_nor_doubled() -> None:
    rows = policy()["permission"][0]["constraint"]
    for altered in (rows[:3] + rows[4:], [*rows, rows[0]], [*rows, {**rows[4], "operator": "gt"}]):
        with pytest.raises(OdrlError):
            from_odrl(change(["permission", 0, "constraint"], altered))


def test_terms_that_odrl_has_no_rule_for_are_refused() -> None:
    for changes in ({"licence": "L9"}, {"onward_transfer": "maybe"}):
        with pytest.raises(OdrlError, match="ODRL_VALUE_REFUSED"):
            policy(**changes)
