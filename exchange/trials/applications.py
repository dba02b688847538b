"""Applying for a trial and deciding on it: the operator hands in, the competent authority decides (T10, T11).

The application's id becomes the trial's, so ``trial:<id>`` in the log begins with the application. Only one that waits
is decided on: of two decisions at once the second finds it decided.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from contracts import canonical
from exchange import audit
from exchange.accounts.models import Organisation
from exchange.errors import N_, NotFound, Refusal, Refused, refuse
from exchange.permissions import Actor, Permission, require
from exchange.trials import alone, authorities, rules
from exchange.trials.application_models import Authority, TrialApplication, TrialApplicationStep
from exchange.trials.dossier import Dossier, missing
from exchange.trials.models import Trial
from sandbox import rules as core_rules
from sandbox import trial as core
from sandbox.competence import competent, review_due
from sandbox.rules import Action, ActionKind

OPEN = ("draft", "returned")  # the operator may still change it
LONGEST_REASON = 2000


@dataclass(frozen=True)
class Shown:
    """An application as a page shows it."""

    row: TrialApplication
    dossier: Dossier
    steps: list[TrialApplicationStep]
    authority: Authority | None
    authority_name: str
    applicant: str


@dataclass(frozen=True)
class Grant:
    """What the authority puts on the certificate: its number, and bounds at most as wide as those asked for."""

    cert_no: str
    valid_from: date | None = None  # None, here and below: as asked for
    valid_to: date | None = None
    max_members: int | None = None
    max_listings: int | None = None
    max_tx_vnd: int | None = None
    max_total_vnd: int | None = None
    conditions: str = ""


# --- the operator -------------------------------------------------------------------------------------------------


def save(
    session: Session, actor: Actor | None, application_id: str, dossier: Dossier, now: datetime
) -> TrialApplication:
    """Keep a draft, or go on with one that came back; ``application_id`` empty: a new one. Nothing is judged yet."""
    actor = require(actor, Permission.RUN_TRIAL)
    if application_id:
        row = _own(session, actor, application_id)
        _in_state(row, OPEN)
    else:
        row = TrialApplication(org_id=actor.org_id, dossier={}, created_at=now, updated_at=now)
    row.dossier, row.updated_at = dossier.to_json(), now
    session.add(row)
    session.flush()
    return row


def submit(session: Session, actor: Actor | None, application_id: str, now: datetime) -> TrialApplication:
    """Hand it in to the competent authority, whose working days begin to run (T11)."""
    actor = require(actor, Permission.RUN_TRIAL)
    row = _own(session, actor, application_id)
    _in_state(row, OPEN)
    dossier = Dossier.of(row.dossier)
    if problems := missing(dossier):
        raise Refused(*problems)
    authority, name = _addressed(session, dossier)
    denied = _judge(dossier, authority, name, ActionKind.APPLY, now)
    if denied:
        raise Refused(*denied)
    row.state, row.authority_id, row.submitted_at, row.updated_at = "submitted", authority.id, now, now
    row.due_on = review_due(core.local_day(now), dossier.level or 1, dossier.law)
    _step(session, actor, row, "submitted", "trial.applied", authority.org_id, now)
    return row


def withdraw(session: Session, actor: Actor | None, application_id: str, now: datetime) -> TrialApplication:
    """Take it back before it is decided; a draft is simply given up."""
    actor = require(actor, Permission.RUN_TRIAL)
    row = _own(session, actor, application_id)
    if row.state == "draft":
        session.delete(row)
        session.flush()
        return row
    _in_state(row, ("submitted", "returned"))
    row.state, row.updated_at = "withdrawn", now
    _step(session, actor, row, "withdrawn", "trial.withdrawn", _authority_of(session, row).org_id, now)
    return row


# --- the authority ------------------------------------------------------------------------------------------------


def give_back(
    session: Session, actor: Actor | None, application_id: str, reason: str, now: datetime
) -> TrialApplication:
    """Return it for completion, saying what is missing; handed in again, the days begin anew."""
    return _answer(session, actor, application_id, "returned", reason, now)


def refuse_application(
    session: Session, actor: Actor | None, application_id: str, reason: str, now: datetime
) -> TrialApplication:
    """Refuse it for good, with the reason. The operator may apply anew."""
    return _answer(session, actor, application_id, "refused", reason, now)


def approve(session: Session, actor: Actor | None, application_id: str, grant: Grant, now: datetime) -> Trial:
    """Issue the certificate: from its first day on the trial runs. Raises Refused by T10 and T11, by T1 and T2."""
    actor = require(actor, Permission.AUTHORISE)
    row, authority, name = _waiting(session, actor, application_id, now)
    asked = Dossier.of(row.dossier)
    dossier = _narrowed(asked, grant)
    problems = [*_too_wide(asked, dossier), *_without_number(session, grant)]
    problems += _judge(dossier, authority, name, ActionKind.APPROVE, now, grant.cert_no)
    if problems:
        raise Refused(*problems)
    trial = _certificate(row, dossier, authority, name, grant, actor, now)
    alone.check_alone(session, trial.valid_from, trial.valid_to, now)
    row.state, row.updated_at = "approved", now
    trial.granted_event = _step(session, actor, row, "approved", "trial.granted", row.org_id, now)
    session.add(trial)
    session.flush()
    return trial


def _answer(
    session: Session, actor: Actor | None, application_id: str, kind: str, reason: str, now: datetime
) -> TrialApplication:
    actor = require(actor, Permission.AUTHORISE)
    row, _, _ = _waiting(session, actor, application_id, now)
    words = reason.strip()
    if not 0 < len(words) <= LONGEST_REASON:
        raise refuse("REASON_MISSING", N_("Give the reason in at most 2,000 characters."), field="reason")
    row.state, row.updated_at = kind, now
    _step(session, actor, row, kind, "trial.decided", row.org_id, now, words)
    return row


def _waiting(
    session: Session, actor: Actor, application_id: str, now: datetime
) -> tuple[TrialApplication, Authority, str]:
    """The application, if it waits for exactly this authority."""
    mine = authorities.current(session, actor.org_id)
    row = session.get(TrialApplication, application_id, with_for_update=True, populate_existing=True)
    if row is None or row.state == "draft" or mine is None:
        raise NotFound(application_id)
    _in_state(row, ("submitted",))
    name = session.get_one(Organisation, mine.org_id).name
    if row.authority_id == mine.id:
        return row, mine, name
    denied = _judge(Dossier.of(row.dossier), mine, name, ActionKind.APPROVE, now)
    elsewhere = session.get_one(Organisation, _authority_of(session, row).org_id).name
    text = N_("The application is addressed to another authority.")
    raise Refused(
        *denied, Refusal("APPLICATION_ELSEWHERE", text, basis=authorities.BASIS, passes=elsewhere), status=403
    )


def _narrowed(asked: Dossier, grant: Grant) -> Dossier:
    names = ("valid_from", "valid_to", "max_members", "max_listings", "max_tx_vnd", "max_total_vnd")
    return replace(asked, **{name: value for name in names if (value := getattr(grant, name)) is not None})


def _too_wide(asked: Dossier, granted: Dossier) -> list[Refusal]:
    """A certificate may allow less than was asked for, and never more: more must be applied for."""
    pairs = [
        (name, getattr(granted.caps, name), getattr(asked.caps, name))
        for name in ("max_members", "max_listings", "max_tx_vnd", "max_total_vnd")
    ]
    text = N_("The certificate would allow more than was applied for.")
    found = [
        Refusal("GRANT_TOO_WIDE", text, field=name, value=str(given), passes=str(wanted))
        for name, given, wanted in pairs
        if given > wanted
    ]
    if granted.valid_from and asked.valid_from and granted.valid_from < asked.valid_from:
        found.append(_too_wide_day("valid_from", granted.valid_from, asked.valid_from))
    if granted.valid_to and asked.valid_to and granted.valid_to > asked.valid_to:
        found.append(_too_wide_day("valid_to", granted.valid_to, asked.valid_to))
    return found


def _too_wide_day(name: str, given: date, wanted: date) -> Refusal:
    text = N_("The certificate would allow more than was applied for.")
    return Refusal("GRANT_TOO_WIDE", text, field=name, value=f"{given:%d/%m/%Y}", passes=f"{wanted:%d/%m/%Y}")


def _without_number(session: Session, grant: Grant) -> list[Refusal]:
    if not grant.cert_no.strip():
        text, passes = N_("A certificate has a number."), N_("Fill in this field.")
        return [
            Refusal("TRIAL_NOT_AUTHORISED", text, field="cert_no", basis=core_rules.Authorised.basis, passes=passes)
        ]
    if session.exec(select(Trial.id).where(Trial.cert_no == grant.cert_no.strip())).first() is not None:
        return [Refusal("TRIAL_RECORDED", N_("This certificate is recorded already."), field="cert_no")]
    return []


def _certificate(
    row: TrialApplication, dossier: Dossier, authority: Authority, name: str, grant: Grant, actor: Actor, now: datetime
) -> Trial:
    caps = dossier.caps
    return Trial(
        id=row.id, cert_no=grant.cert_no.strip(), authority=name, valid_from=_day(dossier.valid_from),
        valid_to=_day(dossier.valid_to), level=dossier.level or 1, sectors=list(dossier.sectors),
        classes=list(dossier.classes), verbs=list(dossier.verbs), territory=list(dossier.territory),
        max_members=caps.max_members, max_listings=caps.max_listings, max_tx_vnd=caps.max_tx_vnd,
        max_total_vnd=caps.max_total_vnd, notice_version=dossier.notice_version, approver=authority.approver,
        authority_org_id=authority.org_id, safeguards=list(dossier.safeguards), question=dossier.question,
        measure=dossier.measure, conditions=grant.conditions.strip(), security_valid_to=dossier.security_valid_to,
        profile=dossier.profile, granted_at=now, granted_by=actor.user_id, granted_event="",
    )  # fmt: skip


def _day(day: date | None) -> date:
    if day is None:
        raise ValueError("a dossier that was handed in has its days")
    return day


# --- reading ------------------------------------------------------------------------------------------------------


def shown(session: Session, actor: Actor | None, application_id: str) -> Shown:
    """For the applicant, and for every authority once it was handed in."""
    if actor is None or not (actor.may(Permission.RUN_TRIAL) or actor.may(Permission.AUTHORISE)):
        raise NotFound(application_id)
    row = session.get(TrialApplication, application_id)
    if row is None or not _may_read(session, actor, row):
        raise NotFound(application_id)
    steps = select(TrialApplicationStep).where(TrialApplicationStep.application_id == row.id)
    authority = session.get(Authority, row.authority_id) if row.authority_id else None
    return Shown(
        row, Dossier.of(row.dossier), list(session.exec(steps.order_by(col(TrialApplicationStep.id)))), authority,
        session.get_one(Organisation, authority.org_id).name if authority else "",
        session.get_one(Organisation, row.org_id).name,
    )  # fmt: skip


def _may_read(session: Session, actor: Actor, row: TrialApplication) -> bool:
    if actor.org_id == row.org_id:
        return actor.may(Permission.RUN_TRIAL)
    return (
        row.state != "draft"
        and actor.may(Permission.AUTHORISE)
        and (authorities.current(session, actor.org_id) is not None)
    )


def listed(session: Session, actor: Actor | None, *, limit: int = 200) -> list[tuple[TrialApplication, str]]:
    """The operator's own, newest first; for an authority those addressed to it, those that wait first by their days.

    Each with the name of the other side.
    """
    if actor is None or not (actor.may(Permission.RUN_TRIAL) or actor.may(Permission.AUTHORISE)):
        return []
    query = select(TrialApplication, Organisation.name)
    if actor.may(Permission.RUN_TRIAL):
        query = (
            query.join(Authority, col(Authority.id) == col(TrialApplication.authority_id), isouter=True)
            .join(Organisation, col(Organisation.id) == col(Authority.org_id), isouter=True)
            .where(TrialApplication.org_id == actor.org_id)
            .order_by(col(TrialApplication.updated_at).desc(), col(TrialApplication.id).desc())
        )
    else:
        query = (
            query.join(Authority, col(Authority.id) == col(TrialApplication.authority_id))
            .join(Organisation, col(Organisation.id) == col(TrialApplication.org_id))
            .where(Authority.org_id == actor.org_id, TrialApplication.state != "draft")
            .order_by(col(TrialApplication.state) != "submitted", col(TrialApplication.due_on))
        )
    return [(row, name or "") for row, name in session.exec(query.limit(limit)).all()]


# --- inside -------------------------------------------------------------------------------------------------------


def _own(session: Session, actor: Actor, application_id: str) -> TrialApplication:
    row = session.get(TrialApplication, application_id, with_for_update=True, populate_existing=True)
    if row is None or row.org_id != actor.org_id:
        raise NotFound(application_id)
    return row


def _in_state(row: TrialApplication, states: Sequence[str]) -> None:
    if row.state not in states:
        text = N_("The application is not in the state that this needs.")
        raise refuse("WRONG_STATE", text, value=row.state, passes=", ".join(states), status=409)


def _authority_of(session: Session, row: TrialApplication) -> Authority:
    return session.get_one(Authority, row.authority_id)


def _addressed(session: Session, dossier: Dossier) -> tuple[Authority, str]:
    """The authority that was chosen, or the one whose competence fits (T11)."""
    known = authorities.authorities(session)
    if dossier.authority_id:
        chosen = [(row, org.name) for row, org in known if row.id == dossier.authority_id]
    else:
        needed, places = competent(dossier.level or 1, dossier.territory), set(dossier.territory)
        fitting = [(row, org) for row, org in known if row.approver == needed]
        chosen = [(row, org.name) for row, org in fitting if not row.provinces or places <= set(row.provinces)]
    if not chosen:
        text = N_("No authority on this exchange is competent for this level and territory.")
        passes = N_("Let the competent authority join, or apply on paper and record its certificate here.")
        raise refuse("AUTHORITY_MISSING", text, field="authority_id", basis=authorities.BASIS, passes=passes)
    return chosen[0]


def _judge(
    dossier: Dossier, authority: Authority, name: str, kind: ActionKind, now: datetime, cert_no: str = "…"
) -> list[Refusal]:
    action = Action(kind, approver=core.Approver(authority.approver), provinces=tuple(authority.provinces))
    denied = core_rules.judge(dossier.trial(name, core.Approver(authority.approver), cert_no), action, now)
    return [rules.say_denied(each) for each in denied]


def _step(
    session: Session, actor: Actor, row: TrialApplication, kind: str, event: str, other: str, now: datetime,
    reason: str = "",
) -> str:  # fmt: skip
    digest = digest_of(row)
    private = {f"org:{actor.org_id}": {"reason": reason}} if reason else {}
    details: dict[str, audit.Value] = {"kind": kind, "level": int(row.dossier.get("level") or 0)}
    if kind == "submitted" and row.due_on:
        details["due"] = row.due_on.isoformat()
    event_id = audit.record(
        session, event, actor, on=[f"trial:{row.id}", f"org:{actor.org_id}", f"org:{other}"], now=now, details=details,
        hashes={"dossier": digest}, private=private,
    )  # fmt: skip
    session.add_all([
        row,
        TrialApplicationStep(
            application_id=row.id, kind=kind, at=now, org_id=actor.org_id, reason=reason, digest=digest,
            event_id=event_id,
        ),
    ])  # fmt: skip
    session.flush()
    return event_id


def digest_of(row: TrialApplication) -> str:
    """What the log commits to: the application's id and its dossier, as canonical JSON."""
    digest = hashlib.sha256(canonical.dumps({"application": row.id, "dossier": row.dossier})).digest()
    return "sha-256:" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
