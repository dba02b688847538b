"""What is recorded: the closed list of event types, and the digests that an event of some types cannot go without."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class EventType(StrEnum):
    """What can happen. A type is never renamed or given another meaning; new ones are added."""

    LISTING_SUBMITTED = "listing.submitted"
    LISTING_PUBLISHED = "listing.published"
    LISTING_RETURNED = "listing.returned"
    LISTING_CHANGED = "listing.changed"
    LISTING_WITHDRAWN = "listing.withdrawn"
    ACCESS_REQUESTED = "access.requested"
    ACCESS_OFFERED = "access.offered"
    ACCESS_ACCEPTED = "access.accepted"
    ACCESS_DECIDED = "access.decided"
    NEGOTIATION_TERMINATED = "negotiation.terminated"
    APPROVAL_GIVEN = "approval.given"
    APPROVAL_WITHDRAWN = "approval.withdrawn"
    RULE_SET = "rule.set"
    RULE_ENDED = "rule.ended"
    CONTRACT_AGREED = "contract.agreed"
    CONTRACT_SIGNED = "contract.signed"
    CONTRACT_ACTIVE = "contract.active"
    CONTRACT_SUSPENDED = "contract.suspended"
    CONTRACT_RESUMED = "contract.resumed"
    CONTRACT_ENDED = "contract.ended"
    DUTY_FULFILLED = "duty.fulfilled"
    DUTY_ACKNOWLEDGED = "duty.acknowledged"
    DUTY_DISPUTED = "duty.disputed"
    QUERY_RUN = "query.run"
    QUERY_REFUSED = "query.refused"
    TESTROOM_OPENED = "testroom.opened"
    BUDGET_CHANGED = "budget.changed"
    TESTROOM_DESIGNED = "testroom.designed"
    DELIVERY_MADE = "delivery.made"
    DELIVERY_REFUSED = "delivery.refused"
    KEY_ADDED = "key.added"
    KEY_REVOKED = "key.revoked"
    KEY_CONFIRMED = "key.confirmed"
    ACCOUNT_REGISTERED = "account.registered"
    ACCOUNT_CHANGED = "account.changed"
    TRIAL_APPLIED = "trial.applied"
    TRIAL_DECIDED = "trial.decided"
    TRIAL_WITHDRAWN = "trial.withdrawn"
    TRIAL_GRANTED = "trial.granted"
    TRIAL_CHANGED = "trial.changed"
    TRIAL_ENROLLED = "trial.enrolled"
    TRIAL_REPORTED = "trial.reported"
    INCIDENT_FOUND = "incident.found"
    INCIDENT_ASSESSED = "incident.assessed"
    INCIDENT_REPORTED = "incident.reported"
    INCIDENT_CLOSED = "incident.closed"
    TRIAL_LEFT = "trial.left"
    TRIAL_REFUSED = "trial.refused"
    AUTHORITY_RECORDED = "authority.recorded"
    AUTHORITY_ENDED = "authority.ended"
    AUDIT_LOOKED = "audit.looked"
    WARRANT_OPENED = "warrant.opened"
    EVIDENCE_EXPORTED = "evidence.exported"
    POLICY_CHANGED = "policy.changed"
    ERASURE_DONE = "erasure.done"
    ANCHOR_MADE = "anchor.made"
    LOG_RESTARTED = "log.restarted"


# What an auditor must be able to recompute: the digests an event of this type cannot go without.
REQUIRED_HASHES: Mapping[EventType, frozenset[str]] = {
    EventType.CONTRACT_AGREED: frozenset({"contract"}),
    EventType.CONTRACT_SIGNED: frozenset({"contract", "signature"}),
    EventType.CONTRACT_ACTIVE: frozenset({"contract"}),
    EventType.CONTRACT_SUSPENDED: frozenset({"contract"}),
    EventType.CONTRACT_RESUMED: frozenset({"contract"}),
    EventType.TRIAL_REPORTED: frozenset({"report"}),
    EventType.TRIAL_APPLIED: frozenset({"dossier"}),
    EventType.TRIAL_DECIDED: frozenset({"dossier"}),
    EventType.DUTY_FULFILLED: frozenset({"contract", "statement"}),
    EventType.DUTY_ACKNOWLEDGED: frozenset({"contract", "statement"}),
    EventType.DUTY_DISPUTED: frozenset({"contract", "statement"}),
}
