"""The vocabulary of our ODRL profile, and where each field of the terms stands in a policy.

ODRL 2.2 has no words for some of our clauses (licence type, scenario, caps, duties between the parties); those are
actions and left operands of our own, as section 3 of the Information Model provides. Words of the core vocabulary are
used where they mean what we mean: payAmount, elapsedTime, delayPeriod, timeInterval, dateTime, spatial, purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
PROFILE = "urn:minhbach:odrl:1"
OWN = PROFILE + ":"
CURRENCY = "urn:iso:std:iso:4217:VND"

# The use that each licence type grants; deriving and distributing are granted by the onward-transfer clause.
USE_OF: Mapping[str, str] = {
    "L0": "odrl:use",
    "L1": OWN + "tryOut",
    "L2": OWN + "query",
    "L3": "odrl:use",
    "L4": "odrl:use",
    "L5": "odrl:use",
    "L6": "odrl:use",
    "L7": "odrl:use",
    "L8": OWN + "trainModel",
}
GRANTED_BY_ONWARD: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "derived-only": ("odrl:derive",),
    "allowed": ("odrl:derive", "odrl:distribute"),
}
FORBIDDEN_BY_LICENCE: Mapping[str, tuple[str, ...]] = {
    "L1": ("odrl:extract",),
    "L2": ("odrl:extract",),
    "L7": (OWN + "commercialUse",),
    "L8": (OWN + "reproduceFromModel",),
}


@dataclass(frozen=True)
class Place:
    """Where a field stands: the constraint that states it, in the permissions or in the duty of that action."""

    operand: str
    operator: str
    kind: str  # text | texts | flag | date | integer | dong | days | hours
    duty: str = ""  # "": in every permission


# Always stated.
GRANT: Mapping[str, Place] = {
    "licence": Place(OWN + "licence", "eq", "text"),
    "purpose": Place("odrl:purpose", "eq", "text"),
    "scenario": Place(OWN + "scenario", "eq", "text"),
    "territory": Place("odrl:spatial", "isAnyOf", "texts"),
    "starts": Place("odrl:dateTime", "gteq", "date"),
    "ends": Place("odrl:dateTime", "lteq", "date"),
    "exclusive": Place(OWN + "exclusive", "eq", "flag"),
    "ip_limits": Place(OWN + "ipLimits", "eq", "text"),
}
# Stated where they differ from what holds without them.
CAPS: Mapping[str, Place] = {
    "max_deliveries": Place(OWN + "deliveries", "lteq", "integer"),
    "max_queries": Place(OWN + "queries", "lteq", "integer"),
    "min_group": Place(OWN + "groupSize", "gteq", "integer"),
    "max_hours": Place("odrl:elapsedTime", "lteq", "hours"),
}
PAY, NAME_SOURCE, DELETE = "odrl:compensate", "odrl:attribute", "odrl:delete"
DUTIES: Mapping[str, Place] = {
    "price_vnd": Place("odrl:payAmount", "eq", "dong", PAY),
    "vat": Place(OWN + "vat", "eq", "text", PAY),
    "payment_days": Place("odrl:delayPeriod", "lteq", "days", PAY),
    "royalty_percent": Place(OWN + "royaltyPercent", "eq", "integer", PAY),
    "deletion_days": Place("odrl:delayPeriod", "lteq", "days", DELETE),
    "report_days": Place("odrl:timeInterval", "lteq", "days", OWN + "reportRecipients"),
    "update_days": Place("odrl:timeInterval", "lteq", "days", OWN + "offerUpdate"),
    "acceptance_days": Place("odrl:delayPeriod", "lteq", "days", OWN + "reviewDelivery"),
    "personal_data": Place(OWN + "personalData", "eq", "text", OWN + "protectPersonalData"),
    "personal_basis": Place(OWN + "legalBasis", "eq", "text", OWN + "protectPersonalData"),
    "audit_days": Place("odrl:delayPeriod", "gteq", "days", OWN + "allowInspection"),
    "incident_hours": Place("odrl:delayPeriod", "lteq", "hours", OWN + "reportIncident"),
    "liability_cap_vnd": Place("odrl:payAmount", "lteq", "dong", OWN + "compensateDamage"),
    "penalty_percent": Place(OWN + "penaltyPercent", "eq", "integer", OWN + "payPenalty"),
    "dispute_forum": Place(OWN + "forum", "eq", "text", OWN + "settleDispute"),
}
# A duty binds the buyer (the policy's assignee), except these.
BEARERS: Mapping[str, tuple[str, ...]] = {
    OWN + "offerUpdate": ("assigner",),
    **dict.fromkeys(
        (OWN + name for name in ("reportIncident", "compensateDamage", "payPenalty", "settleDispute")),
        ("assigner", "assignee"),
    ),
    OWN + "protectPersonalData": ("assigner", "assignee"),
}

ACTIONS: Mapping[str, frozenset[str]] = {
    "permission": frozenset({*USE_OF.values(), *GRANTED_BY_ONWARD["allowed"]}),
    "prohibition": frozenset({OWN + "reidentify", "odrl:distribute"}.union(*FORBIDDEN_BY_LICENCE.values())),
    "obligation": frozenset({NAME_SOURCE, *(place.duty for place in DUTIES.values())}),
}

# Left operand -> operators it may carry here; a duty to delete begins after (gt) the last day.
OPERANDS: Mapping[str, frozenset[str]] = {
    operand: frozenset(
        {place.operator for place in (*GRANT.values(), *CAPS.values(), *DUTIES.values()) if place.operand == operand}
        | ({"gt"} if operand == "odrl:dateTime" else set())
    )
    for operand in (place.operand for place in (*GRANT.values(), *CAPS.values(), *DUTIES.values()))
}
