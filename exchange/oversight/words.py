"""Events of the log and moves of a negotiation in words a person reads; English msgids, translated at the edge."""

from contracts.log.leaf import EventType
from contracts.negotiation import Act
from exchange.errors import N_

EVENTS: dict[EventType, str] = {
    EventType.LISTING_SUBMITTED: N_("Listing submitted for moderation"),
    EventType.LISTING_PUBLISHED: N_("Listing published"),
    EventType.LISTING_RETURNED: N_("Listing returned for correction"),
    EventType.LISTING_CHANGED: N_("Listing changed"),
    EventType.LISTING_WITHDRAWN: N_("Listing withdrawn"),
    EventType.ACCESS_REQUESTED: N_("Access requested"),
    EventType.ACCESS_OFFERED: N_("Counter-offer made"),
    EventType.ACCESS_ACCEPTED: N_("Counter-offer accepted"),
    EventType.ACCESS_DECIDED: N_("Access decided"),
    EventType.NEGOTIATION_TERMINATED: N_("Negotiation ended"),
    EventType.APPROVAL_GIVEN: N_("Approval given inside an organisation"),
    EventType.APPROVAL_WITHDRAWN: N_("Approval withdrawn"),
    EventType.RULE_SET: N_("Rule set that agrees to requests"),
    EventType.RULE_ENDED: N_("Rule ended that agreed to requests"),
    EventType.CONTRACT_AGREED: N_("Contract drawn up"),
    EventType.CONTRACT_SIGNED: N_("Contract signed by a party"),
    EventType.CONTRACT_ACTIVE: N_("Contract in force"),
    EventType.CONTRACT_SUSPENDED: N_("Contract suspended"),
    EventType.CONTRACT_RESUMED: N_("Contract resumed"),
    EventType.CONTRACT_ENDED: N_("Contract ended"),
    EventType.DUTY_FULFILLED: N_("Statement of destruction made"),
    EventType.DUTY_ACKNOWLEDGED: N_("Statement of destruction acknowledged"),
    EventType.DUTY_DISPUTED: N_("Statement of destruction disputed"),
    EventType.QUERY_RUN: N_("Query answered"),
    EventType.QUERY_REFUSED: N_("Query refused"),
    EventType.TESTROOM_OPENED: N_("Test room opened"),
    EventType.TESTROOM_DESIGNED: N_("Rules of a test room set"),
    EventType.BUDGET_CHANGED: N_("Account of questions stopped or let go on"),
    EventType.DELIVERY_MADE: N_("Data delivered"),
    EventType.DELIVERY_REFUSED: N_("Delivery refused or cut"),
    EventType.KEY_ADDED: N_("Signing key registered"),
    EventType.KEY_REVOKED: N_("Signing key revoked"),
    EventType.KEY_CONFIRMED: N_("Signing certificate confirmed"),
    EventType.ACCOUNT_REGISTERED: N_("Organisation registered"),
    EventType.ACCOUNT_CHANGED: N_("Organisation's particulars changed"),
    EventType.TRIAL_APPLIED: N_("Trial applied for"),
    EventType.TRIAL_DECIDED: N_("Trial application returned or refused"),
    EventType.TRIAL_WITHDRAWN: N_("Trial application withdrawn"),
    EventType.TRIAL_GRANTED: N_("Trial certificate recorded"),
    EventType.TRIAL_CHANGED: N_("Trial changed"),
    EventType.TRIAL_ENROLLED: N_("Trial joined, notice accepted"),
    EventType.TRIAL_REPORTED: N_("Report on the trial submitted"),
    EventType.INCIDENT_FOUND: N_("Incident recorded"),
    EventType.INCIDENT_ASSESSED: N_("Severity of an incident decided"),
    EventType.INCIDENT_REPORTED: N_("Incident reported to the authority"),
    EventType.INCIDENT_CLOSED: N_("Incident closed"),
    EventType.TRIAL_LEFT: N_("Trial left"),
    EventType.AUTHORITY_RECORDED: N_("Authority for trials recorded"),
    EventType.AUTHORITY_ENDED: N_("Authority for trials ended"),
    EventType.AUDIT_LOOKED: N_("An official looked"),
    EventType.WARRANT_OPENED: N_("Warrant registered"),
    EventType.EVIDENCE_EXPORTED: N_("Evidence bundle exported"),
    EventType.POLICY_CHANGED: N_("Rules changed"),
    EventType.ERASURE_DONE: N_("Personal data erased"),
    EventType.ANCHOR_MADE: N_("Log anchored elsewhere"),
    EventType.LOG_RESTARTED: N_("Log restarted"),
}

ACTS: dict[Act, str] = {
    Act.REQUEST: N_("The buyer requests"),
    Act.OFFER: N_("The seller makes a counter-offer"),
    Act.ACCEPT: N_("The buyer accepts"),
    Act.AGREE: N_("The seller agrees"),
    Act.VERIFY: N_("The buyer signs"),
    Act.FINALIZE: N_("The exchange puts it in force"),
    Act.TERMINATE: N_("A side ends the negotiation"),
}

STANDINGS = {
    "UNLOGGED": (N_("Not in force yet"), "wait"),
    "UPCOMING": (N_("In force later"), "wait"),
    "ACTIVE": (N_("In force"), "good"),
    "SUSPENDED": (N_("Suspended"), "bad"),
    "EXPIRED": (N_("Term over"), "off"),
    "ENDED": (N_("Ended"), "off"),
}

WITNESSED = {
    "fresh": (N_("Up to date"), "good"),
    "late": (N_("Late"), "wait"),
    "never": (N_("Not yet"), "off"),
}
