"""What is told, to whom and in which words. An event that is not listed here tells nobody anything.

English msgids; saying.py puts them into the reader's language when somebody reads. ``%(listing)s`` is a listing's name,
``%(contract)s`` the beginning of a contract's id, ``%(day)s`` a day. No price, no term, no reason: the page holds them,
for those who may see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exchange.errors import N_
from exchange.permissions import Permission

Facts = Mapping[str, Any]


class Group(StrEnum):
    """What a person decides about at once."""

    NEGOTIATION = "negotiation"
    CONTRACT = "contract"
    DEADLINE = "deadline"
    LISTING = "listing"
    TRIAL = "trial"
    SECURITY = "security"


GROUPS: dict[Group, str] = {
    Group.NEGOTIATION: N_("Negotiations: requests, counter-offers, answers"),
    Group.CONTRACT: N_("Contracts: signatures, beginning, suspension, end, deliveries, duties"),
    Group.DEADLINE: N_("Deadlines: answers, terms and duties that fall due"),
    Group.LISTING: N_("Listings: moderation and its results"),
    Group.TRIAL: N_("Trial: applications, decisions, extension, suspension, end"),
    Group.SECURITY: N_("Security: keys, members, programs, webhooks, the organisation's standing"),
}

GROUP_NAMES: dict[Group, str] = {
    Group.NEGOTIATION: N_("Negotiation"),
    Group.CONTRACT: N_("Contract"),
    Group.DEADLINE: N_("Deadline"),
    Group.LISTING: N_("Listing"),
    Group.TRIAL: N_("Trial"),
    Group.SECURITY: N_("Security"),
}


@dataclass(frozen=True)
class Told:
    """How one kind of event is told."""

    group: Group
    to: frozenset[Permission]  # whoever has one of these in an organisation concerned
    page: str  # where to go, with the facts' ids
    sentence: str
    own: bool = False  # the acting person's colleagues are told too
    operator: bool = False  # the operator's people are told, and not those whom the event concerns
    participants: bool = False  # everybody who takes part in the trial is told as well
    approvers: bool = False  # and, in each organisation, those with the role whose approval of terms it demands


_NEGOTIATION, _CONTRACT = "/negotiations/{negotiation}", "/contracts/{contract}"
_BOTH = frozenset({Permission.REQUEST, Permission.NEGOTIATE})
_ANSWERING = frozenset({Permission.NEGOTIATE})
_SIGNING = frozenset({Permission.SIGN})
_PARTIES = frozenset({Permission.SIGN, Permission.NEGOTIATE, Permission.RECEIVE})
_SELLING = frozenset({Permission.PUBLISH})
_MODERATING = frozenset({Permission.MODERATE})
_OWNING = frozenset({Permission.MANAGE_MEMBERS})
_KEYS = frozenset({Permission.MANAGE_KEYS})
_HOOKS = frozenset({Permission.MANAGE_WEBHOOKS})
_AUTHORITY = frozenset({Permission.AUTHORISE})
_RUNNING = frozenset({Permission.RUN_TRIAL})
_SUPERVISING = frozenset({Permission.AUDIT, Permission.RUN_TRIAL})
_OF_INCIDENT = _SUPERVISING | {Permission.MODERATE, Permission.PUBLISH}  # of members only whoever told of it is named
_TRIAL_PEOPLE = frozenset({Permission.RUN_TRIAL, Permission.AUTHORISE, Permission.QUERY})


def _negotiation(sentence: str, to: frozenset[Permission] = _BOTH, **more: bool) -> Told:
    return Told(Group.NEGOTIATION, to, _NEGOTIATION, sentence, **more)


def _contract(sentence: str, to: frozenset[Permission] = _PARTIES, **more: bool) -> Told:
    return Told(Group.CONTRACT, to, _CONTRACT, sentence, **more)


def _asked_of(sentence: str) -> Told:
    return Told(Group.LISTING, _SELLING | {Permission.QUERY}, "/listings/{listing}", sentence)


def _own(group: Group, to: frozenset[Permission], page: str, sentence: str) -> Told:
    return Told(group, to, page, sentence, own=True)


def _security(sentence: str, page: str, to: frozenset[Permission] = _OWNING) -> Told:
    return _own(Group.SECURITY, to, page, sentence)


def _application(sentence: str, to: frozenset[Permission]) -> Told:
    return Told(Group.TRIAL, to, "/trial/applications/{trial}", sentence)


def _trial(sentence: str, to: frozenset[Permission] = _TRIAL_PEOPLE, **more: bool) -> Told:
    return Told(Group.TRIAL, to, "/trials/{trial}", sentence, **more)


def _incident(sentence: str) -> Told:
    return Told(Group.TRIAL, _OF_INCIDENT, "/incidents/{incident}", sentence)


# A kind is an event's type, or the type and the value of the detail that VARIANTS names.
VARIANTS: Mapping[str, str] = {
    "account.changed": "change",
    "contract.ended": "reason",
    "listing.changed": "state",
    "approval.given": "what",
    "approval.withdrawn": "what",
    "budget.changed": "state",
    "negotiation.terminated": "reason",
    "trial.changed": "kind",
    "trial.reported": "kind",
    "incident.found": "severity",
    "trial.decided": "kind",
    "trial.left": "kind",
}
SILENT = frozenset({
    "contract.ended:unsigned",  # negotiation.terminated, beside it, says the same
    "negotiation.terminated:lapsed",  # recorded when somebody asks anew; the clock has told it
})  # fmt: skip

TOLD: Mapping[str, Told] = {
    "access.requested": _negotiation(
        N_("Somebody asks for “%(listing)s” and waits for your answer."), _ANSWERING, approvers=True
    ),
    "access.offered": _negotiation(
        N_("The other side has made a counter-offer on “%(listing)s”."), approvers=True
    ),
    "access.accepted": _negotiation(
        N_("The other side has accepted your terms on “%(listing)s”."), approvers=True
    ),
    "negotiation.terminated": _negotiation(N_("The other side has ended the negotiation on “%(listing)s”.")),
    "approval.given:terms": _own(
        Group.NEGOTIATION, _BOTH, _NEGOTIATION, N_("A colleague has approved the terms of a negotiation.")
    ),
    "approval.given:signature": _own(
        Group.CONTRACT, _SIGNING, _NEGOTIATION, N_("A colleague has approved that a contract is signed.")
    ),
    "approval.withdrawn:terms": _own(
        Group.NEGOTIATION, _BOTH, _NEGOTIATION, N_("A colleague has taken back their approval of terms.")
    ),
    "approval.withdrawn:signature": _own(
        Group.CONTRACT, _SIGNING, _NEGOTIATION, N_("A colleague has taken back their approval of a signature.")
    ),
    "rule.set": _own(
        Group.NEGOTIATION, _ANSWERING, "/listings/{listing}/agreeing",
        N_("Requests for “%(listing)s” are from now on agreed to by a rule of your organisation."),
    ),
    "rule.ended": _own(
        Group.NEGOTIATION, _ANSWERING, "/listings/{listing}/agreeing",
        N_("The rule that agrees to requests for “%(listing)s” has ended."),
    ),
    "contract.agreed": _contract(N_("The contract on “%(listing)s” is ready and waits for your signature."), _SIGNING),
    "contract.signed": _contract(N_("The other side has signed the contract on “%(listing)s”."), _SIGNING),
    "contract.active": _contract(N_("The contract on “%(listing)s” is concluded: both sides have signed.")),
    "contract.suspended": _contract(N_("The contract %(contract)s on “%(listing)s” is suspended.")),
    "contract.resumed": _contract(N_("The contract %(contract)s on “%(listing)s” is resumed.")),
    "contract.ended": _contract(N_("The other side has ended the contract %(contract)s on “%(listing)s”.")),
    "contract.ended:redrawn": _contract(
        N_("The contract on “%(listing)s” is drawn up again with other keys. Older signatures are void."),
        _SIGNING,
    ),
    "contract.ended:superseded": _contract(N_("The contract %(contract)s on “%(listing)s” is replaced by a new one.")),
    "delivery.made": _contract(N_("Data was delivered under the contract on “%(listing)s”."), _ANSWERING),
    "duty.fulfilled": _contract(N_("The other side says that it fulfilled a duty of the contract on “%(listing)s”.")),
    "duty.acknowledged": _contract(N_("Your duty under the contract on “%(listing)s” is acknowledged as fulfilled.")),
    "duty.disputed": _contract(N_("The other side disputes a statement of yours on the contract on “%(listing)s”.")),
    "listing.submitted": Told(
        Group.LISTING, _MODERATING, "/moderation/{listing}",
        N_("“%(listing)s” was submitted and waits for moderation."), operator=True,
    ),
    "listing.published": Told(
        Group.LISTING, _SELLING, "/listings/{listing}", N_("Your listing “%(listing)s” is published.")
    ),
    "listing.returned": Told(
        Group.LISTING, _SELLING, "/publish/{listing}", N_("Your listing “%(listing)s” was returned for correction.")
    ),
    "budget.changed:paused": _asked_of(
        N_("Questions to “%(listing)s” in the test room are paused; the provider decides whether they go on.")
    ),
    "budget.changed:open": _asked_of(N_("Questions to “%(listing)s” in the test room may be asked again.")),
    "budget.changed:killed": _asked_of(N_("Questions to “%(listing)s” in the test room are ended for good.")),
    "listing.changed:suspended": Told(
        Group.LISTING, _SELLING, "/publish/{listing}", N_("Your listing “%(listing)s” was suspended.")
    ),
    "listing.changed:published": Told(
        Group.LISTING, _SELLING, "/listings/{listing}", N_("Your listing “%(listing)s” is in the catalogue again.")
    ),
    "account.registered": Told(
        Group.SECURITY, _MODERATING, "/organisations/{org}",
        N_("A new organisation has registered and waits to be confirmed."), operator=True,
    ),
    "account.changed:identity": _security(N_("The operator has confirmed your organisation's identity."), "/me"),
    "account.changed:suspended": _security(N_("Your organisation was suspended."), "/organisations/{org}"),
    "account.changed:active": _security(N_("Your organisation may act again."), "/organisations/{org}"),
    "account.changed:joined": _security(N_("Somebody has joined your organisation."), "/me/members"),
    "account.changed:roles": _security(N_("The roles of a member of your organisation were changed."), "/me/members"),
    "account.changed:approval": _security(
        N_("What your organisation demands before it is bound was changed."), "/me/approvals"
    ),
    "account.changed:left": _security(N_("A member was taken out of your organisation."), "/me/members"),
    "account.changed:client-created": _security(
        N_("A program was registered for your organisation."), "/me/clients"
    ),
    "account.changed:client-revoked": _security(N_("A program of your organisation was revoked."), "/me/clients"),
    "account.changed:webhook-added": _security(N_("A webhook was added to your organisation."), "/webhooks", _HOOKS),
    "account.changed:webhook-removed": _security(
        N_("A webhook of your organisation was removed."), "/webhooks", _HOOKS
    ),
    "account.changed:webhook-rotated": _security(
        N_("The secret of a webhook of your organisation was replaced."), "/webhooks", _HOOKS
    ),
    "account.changed:webhook-disabled": _security(
        N_("A webhook of your organisation has failed for days and was switched off."), "/webhooks", _HOOKS
    ),
    "trial.applied": _application(N_("An application for a controlled trial waits for your decision."), _AUTHORITY),
    "trial.withdrawn": _application(N_("An application for a controlled trial was withdrawn."), _AUTHORITY),
    "trial.decided:returned": _application(
        N_("Your application for a controlled trial was returned for completion."), _RUNNING
    ),
    "trial.decided:refused": _application(N_("Your application for a controlled trial was refused."), _RUNNING),
    "trial.granted": _trial(N_("The authority has issued the certificate of your controlled trial."), _RUNNING),
    "trial.changed:extension_asked": _trial(
        N_("The operator asks for an extension of the controlled trial and waits for your answer."), _AUTHORITY
    ),
    "trial.changed:extended": _trial(N_("The controlled trial is extended."), participants=True),
    "trial.changed:extension_refused": _trial(N_("The controlled trial is not extended."), _RUNNING | _AUTHORITY),
    "trial.changed:security_renewed": _trial(
        N_("The operator has recorded a newer security certificate of the controlled trial."), _AUTHORITY
    ),
    "trial.changed:suspended": _trial(
        N_("The controlled trial is suspended. Nothing can be requested, agreed or queried."), participants=True
    ),
    "trial.changed:resumed": _trial(N_("The controlled trial is resumed."), participants=True),
    "trial.changed:terminated": _trial(
        N_("The controlled trial is terminated. Data are returned or deleted as your contracts say."),
        participants=True,
    ),
    "trial.changed:evaluated": _trial(N_("The authority has evaluated the controlled trial."), participants=True),
    "trial.changed:closed": _trial(
        N_("The controlled trial is closed. That gives nobody a right to go on."), participants=True
    ),
    "trial.reported": Told(
        Group.TRIAL, _SUPERVISING, "/trial-reports/{report}",
        N_("A periodic report on the controlled trial is submitted."),
    ),
    "trial.reported:exit": Told(
        Group.TRIAL, _SUPERVISING, "/trial-reports/{report}",
        N_("The exit report on the controlled trial is submitted and waits for its evaluation."),
    ),
    "incident.found:serious": _incident(N_("A serious incident of the controlled trial was recorded.")),
    "incident.found": _incident(N_("An incident of the controlled trial was recorded.")),
    "incident.assessed": _incident(N_("It was decided how serious an incident of the controlled trial is.")),
    "incident.reported": _incident(N_("An incident of the controlled trial was reported to the authority.")),
    "incident.closed": _incident(N_("An incident of the controlled trial was closed.")),
    "trial.left:false_statement": _trial(
        N_("The operator has ended your organisation's part in the controlled trial: a statement was false.")
    ),
    "trial.left:not_eligible": _trial(
        N_("The operator has ended your organisation's part in the controlled trial: it is no longer eligible.")
    ),
    "trial.left:readmitted": _trial(N_("Your organisation may join the controlled trial again.")),
    "authority.recorded": Told(
        Group.TRIAL, _AUTHORITY, "/trial/authorities",
        N_("Your organisation was recorded as an authority that may permit controlled trials."),
    ),
    "authority.ended": Told(
        Group.TRIAL, _AUTHORITY, "/trial/authorities",
        N_("The record of your organisation as an authority for controlled trials was ended."),
    ),
    "key.added": _security(N_("A signing key was registered for your organisation."), "/me/keys", _KEYS),
    "key.confirmed": _security(
        N_("The operator has confirmed the certificate of a signing key of your organisation."), "/me/keys", _KEYS
    ),
    "key.revoked": _security(N_("A signing key of your organisation was revoked."), "/me/keys", _KEYS),
}  # fmt: skip


def _deadline(sentence: str, to: frozenset[Permission] = _PARTIES) -> Told:
    return Told(Group.DEADLINE, to, "", sentence)


# What the clock brings; the page comes with it.
DUE: Mapping[str, Told] = {
    "negotiation.lapsing": _deadline(N_("Answer on “%(listing)s” by %(day)s, or the negotiation lapses."), _BOTH),
    "negotiation.lapsed": _deadline(
        N_("The negotiation on “%(listing)s” has lapsed: nobody answered by %(day)s."), _BOTH
    ),
    "contract.expiring": _deadline(N_("The contract %(contract)s on “%(listing)s” ends after %(ends)s.")),
    "contract.expired": _deadline(N_("The contract %(contract)s on “%(listing)s” has reached the end of its term.")),
    "duty.due": _deadline(N_("A duty of the contract %(contract)s on “%(listing)s” falls due on %(due)s.")),
    "duty.late": _deadline(
        N_("A duty of the contract %(contract)s on “%(listing)s” was due on %(due)s and is overdue."),
        _PARTIES | {Permission.SUSPEND},  # the operator hears of it as well
    ),
    "application.due": _deadline(N_("An application for a controlled trial must be decided by %(due)s."), _AUTHORITY),
    "application.late": _deadline(
        N_("An application for a controlled trial was to be decided by %(due)s and is overdue."),
        _AUTHORITY | _RUNNING,
    ),
    "trial.ask": _deadline(
        N_("An extension of the controlled trial can be asked for until %(day)s; it ends after %(ends)s."), _RUNNING
    ),
    "trial.ending": _deadline(N_("The controlled trial ends after %(ends)s."), _TRIAL_PEOPLE),
    "report.due": _deadline(
        N_("The report on the controlled trial until %(day)s is due by %(due)s."), frozenset({Permission.RUN_TRIAL})
    ),
    "report.late": _deadline(
        N_("The report on the controlled trial until %(day)s was due by %(due)s and is overdue."), _SUPERVISING
    ),
    "incident.due": _deadline(
        N_("An incident of the controlled trial must be reported to the authority: %(hours)s hours are left."),
        frozenset({Permission.RUN_TRIAL, Permission.MODERATE}),
    ),
    "incident.late": _deadline(
        N_("An incident of the controlled trial was not reported to the authority in time."),
        _SUPERVISING | {Permission.MODERATE},
    ),
}


def kind_of(event: str, details: Facts) -> str | None:
    """Under which kind an event is told; None when it tells nothing."""
    value = details.get(VARIANTS.get(event, ""))
    variant = f"{event}:{value}" if value else event
    if variant in SILENT:
        return None
    return variant if variant in TOLD else event if event in TOLD else None


def told(kind: str) -> Told | None:
    """How a kind is told, whoever brought it; None for one that a later version knows."""
    return TOLD.get(kind) or DUE.get(kind)


def path_of(kind: str, facts: Facts) -> str:
    """The page of an event; where it lacks an id, the notices themselves."""
    try:
        return TOLD[kind].page.format_map(facts)
    except KeyError:
        return "/notices"
