"""The pilot itself: recording the certificate, enrolling, and judging every act against it (rules T1-T17)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from exchange import audit, pilot
from exchange.accounts.models import Organisation
from exchange.catalogue.models import Listing
from exchange.db import new_id
from exchange.errors import N_, NotFound, NotPermitted, Refusal, Refused, refuse
from exchange.negotiations.models import Contract
from exchange.permissions import Actor, OrgKind, Permission, require
from exchange.trials import rules
from exchange.trials.models import Enrolment, Trial, TrialEvent
from sandbox import rules as core_rules
from sandbox import trial as core
from sandbox.rules import Action, ActionKind, Usage

LOCKED_FOR = frozenset({ActionKind.ENROL, ActionKind.LIST, ActionKind.CONTRACT})  # kinds that use up a cap
CHANGES = (core.EventKind.SUSPENDED, core.EventKind.RESUMED, core.EventKind.TERMINATED)


@dataclass(frozen=True)
class Certificate:
    """What the authority issued, as the operator records it."""

    cert_no: str
    authority: str
    valid_from: date
    valid_to: date
    level: int
    sectors: Sequence[str]
    classes: Sequence[str]
    verbs: Sequence[str] = rules.VERBS
    territory: Sequence[str] = ("VN",)
    max_members: int = core.Caps.max_members
    max_listings: int = core.Caps.max_listings
    max_tx_vnd: int = core.Caps.max_tx_vnd
    max_total_vnd: int = core.Caps.max_total_vnd
    notice_version: str = "1"


@dataclass(frozen=True)
class Standing:
    """The trial as a page shows it."""

    row: Trial
    trial: core.Trial
    state: core.State
    last_day: date
    usage: Usage
    events: list[TrialEvent]


# --- the operator -------------------------------------------------------------------------------------------------


def grant_trial(session: Session, actor: Actor | None, certificate: Certificate, now: datetime) -> Trial:
    """Record the pilot's certificate. T1: nothing in it may be empty; T2: it ends within the longest term."""
    actor = require(actor, Permission.RUN_TRIAL)
    problems = [*_incomplete(certificate), *_too_long(certificate)]
    if problems:
        raise Refused(*problems)
    if session.exec(select(Trial.id).where(Trial.cert_no == certificate.cert_no)).first() is not None:
        raise refuse("TRIAL_RECORDED", N_("This certificate is recorded already."), field="cert_no", status=409)
    trial_id = new_id()
    event_id = audit.record(
        session, "trial.granted", actor, on=[f"trial:{trial_id}", f"org:{actor.org_id}"], now=now,
        details={
            "cert_no": certificate.cert_no, "level": certificate.level,
            "valid_from": certificate.valid_from.isoformat(), "valid_to": certificate.valid_to.isoformat(),
            "sectors": " ".join(certificate.sectors), "classes": " ".join(certificate.classes),
            "max_total_vnd": certificate.max_total_vnd, "notice_version": certificate.notice_version,
        },
    )  # fmt: skip
    row = Trial(
        id=trial_id, cert_no=certificate.cert_no, authority=certificate.authority, valid_from=certificate.valid_from,
        valid_to=certificate.valid_to, level=certificate.level, sectors=list(certificate.sectors),
        classes=list(certificate.classes), verbs=list(certificate.verbs), territory=list(certificate.territory),
        max_members=certificate.max_members, max_listings=certificate.max_listings, max_tx_vnd=certificate.max_tx_vnd,
        max_total_vnd=certificate.max_total_vnd, notice_version=certificate.notice_version, granted_at=now,
        granted_by=actor.user_id, granted_event=event_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _incomplete(certificate: Certificate) -> list[Refusal]:
    names = ("cert_no", "authority", "sectors", "classes", "verbs", "territory", "notice_version")
    return [
        Refusal(
            "TRIAL_NOT_AUTHORISED",
            N_("A certificate that lacks this authorises nothing."),
            field=name,
            basis=core_rules.Authorised.basis,
            passes=N_("Copy it from the certificate."),
        )
        for name in names
        if not getattr(certificate, name)
    ]


def _too_long(certificate: Certificate) -> list[Refusal]:
    if certificate.valid_to < certificate.valid_from:
        return [Refusal("TRIAL_DATES", N_("The last day is before the first day."), field="valid_to")]
    latest = core.add_months(certificate.valid_from, core.PILOT.max_months)
    if certificate.valid_to <= latest:
        return []
    text = N_("A trial lasts at most %(months)s months from its first day.")
    facts = {"months": core.PILOT.max_months, "day": latest.strftime("%d/%m/%Y")}
    return [Refusal("TRIAL_TOO_LONG", text, field="valid_to", basis=core_rules.Duration.basis, facts=facts,
                    value=certificate.valid_to.strftime("%d/%m/%Y"), passes=N_("%(day)s or earlier."))]  # fmt: skip


def change_trial(
    session: Session, actor: Actor | None, trial_id: str, kind: str, reason: str, now: datetime
) -> TrialEvent:
    """Suspend (T16), resume or terminate (T17) the trial, with its reason; from the commit on every act sees it."""
    actor = require(actor, Permission.SUSPEND)
    row = session.get(Trial, trial_id, with_for_update=True)
    if row is None:
        raise NotFound(trial_id)
    if kind not in CHANGES:
        text = N_("Choose what happens to the trial.")
        raise refuse("TRIAL_CHANGE_UNKNOWN", text, field="kind", value=kind, passes=", ".join(CHANGES))
    words = reason.strip()
    if not 0 < len(words) <= 2000:
        raise refuse("REASON_MISSING", N_("Give the reason in at most 2,000 characters."), field="reason")
    before = core.state(_core(session, row), now)
    _check_change(core.EventKind(kind), before)
    event_id = audit.record(
        session, "trial.changed", actor, on=[f"trial:{row.id}", f"org:{actor.org_id}"], now=now,
        details={"kind": str(kind), "before": str(before)}, private={f"org:{actor.org_id}": {"reason": words}},
    )  # fmt: skip
    change = TrialEvent(
        trial_id=row.id, kind=core.EventKind(kind), at=now, reason=words, org_id=actor.org_id, event_id=event_id
    )
    session.add(change)
    session.flush()
    return change


def _check_change(kind: core.EventKind, before: core.State) -> None:
    fits = {
        core.EventKind.SUSPENDED: before is not core.State.SUSPENDED,
        core.EventKind.RESUMED: before is core.State.SUSPENDED,
        core.EventKind.TERMINATED: True,
    }
    if before is core.State.TERMINATED or not fits[kind]:
        text = N_("The trial is not in the state that this needs.")
        raise refuse("WRONG_STATE", text, field="kind", value=str(before), status=409)


# --- taking part --------------------------------------------------------------------------------------------------


def enrol(session: Session, actor: Actor | None, notice_version: str, now: datetime) -> Enrolment:
    """Take part in the trial and accept its notice (T14). A newer notice is accepted by doing it again."""
    actor = require(actor, Permission.QUERY)
    if actor.kind != OrgKind.MEMBER or session.get_one(Organisation, actor.org_id).standing != "active":
        raise NotPermitted(Permission.QUERY, N_("Only active members of the exchange take part in the trial."))
    row = _current(session, now, lock=True)
    found = enrolment_of(session, row, actor.org_id) if row else None
    act = pilot.Act(ActionKind.ENROL, actor.org_id)
    denied = _judge(session, row, act, now) if found is None else _standing_denials(session, row, act, now)
    if denied or row is None:
        raise Refused(*denied, status=403)
    if notice_version != row.notice_version:
        raise refuse(
            "TRIAL_NOTICE_NOT_ACCEPTED", N_("The notice was replaced; read and accept version %(version)s."),
            field="notice_version", basis=core_rules.Informed.basis, value=notice_version,
            passes=row.notice_version, version=row.notice_version, status=409,
        )  # fmt: skip
    if found is not None and found.notice_version == notice_version:
        return found
    event_id = audit.record(
        session, "trial.enrolled", actor, on=[f"trial:{row.id}", f"org:{actor.org_id}"], now=now,
        details={"notice_version": notice_version},
    )  # fmt: skip
    found = found or Enrolment(trial_id=row.id, org_id=actor.org_id, notice_version="", accepted_at=now, event_id="")
    found.notice_version, found.accepted_at, found.accepted_by = notice_version, now, actor.user_id
    found.event_id = event_id
    session.add(found)
    session.flush()
    return found


def enrolment_of(session: Session, row: Trial, org_id: str) -> Enrolment | None:
    """An organisation's place in this trial."""
    query = select(Enrolment).where(Enrolment.trial_id == row.id, Enrolment.org_id == org_id)
    return session.exec(query).first()


# --- judging ------------------------------------------------------------------------------------------------------


def judge_action(session: Session, act: pilot.Act, now: datetime) -> tuple[Refusal, ...]:
    """Every rule of the trial that refuses ``act`` at ``now``; without a complete certificate T1 refuses everything.

    For an act that uses up a cap the certificate's row stays locked until commit: two at once cannot both be the last.
    """
    return _judge(session, _current(session, now, lock=act.kind in LOCKED_FOR), act, now)


def judge_if_recorded(session: Session, act: pilot.Act, now: datetime) -> tuple[Refusal, ...]:
    """The same for the nouns below: while no certificate is recorded, the law in force alone governs the market."""
    row = _current(session, now, lock=act.kind in LOCKED_FOR)
    return () if row is None else _judge(session, row, act, now)


def reference(session: Session, now: datetime) -> tuple[str, str] | None:
    """Certificate number and notice version for a contract made now."""
    row = _current(session, now)
    return None if row is None else (row.cert_no, row.notice_version)


def connect() -> None:
    """Let catalogue, negotiations and deliveries ask this trial."""
    pilot.connect(judge_if_recorded, reference)


def standing(session: Session, now: datetime) -> Standing | None:
    """The trial that governs now, with what it has used of its caps; None when no certificate is recorded."""
    row = _current(session, now)
    if row is None:
        return None
    events = _events(session, row)
    trial = rules.certificate(row, events)
    return Standing(row, trial, core.state(trial, now), core.last_day(trial, now), usage(session, row), events)


def usage(session: Session, row: Trial) -> Usage:
    """Counted from the tables (T9): enrolled members, listings on offer, value of contracts that were not given up."""
    members = session.exec(select(func.count()).select_from(Enrolment).where(Enrolment.trial_id == row.id)).one()
    listings = session.exec(select(func.count()).select_from(Listing).where(Listing.state == "published")).one()
    spent = select(func.coalesce(func.sum(Contract.price_vnd), 0)).where(
        col(Contract.agreed_at) >= row.granted_at, func.coalesce(Contract.end_code, "") != "unsigned"
    )
    return Usage(members, listings, int(session.exec(spent).one()))


def _judge(session: Session, row: Trial | None, act: pilot.Act, now: datetime) -> tuple[Refusal, ...]:
    found = None if row is None else enrolment_of(session, row, act.org_id)
    action = Action(
        kind=act.kind,
        sector=act.sector,
        classification=act.classification,
        territory=act.territory,
        amount_vnd=act.amount_vnd,
        notice_accepted=None if found is None else found.notice_version,
        used=Usage() if row is None else usage(session, row),
    )
    trial = None if row is None else _core(session, row)
    return tuple(rules.say_denied(denied) for denied in core_rules.judge(trial, action, now))


def _standing_denials(session: Session, row: Trial | None, act: pilot.Act, now: datetime) -> tuple[Refusal, ...]:
    """An enrolled organisation uses no new place: the caps do not stand in the way of reading a new notice."""
    return tuple(each for each in _judge(session, row, act, now) if each.code != core_rules.WithinCaps.code)


def _core(session: Session, row: Trial) -> core.Trial:
    return rules.certificate(row, _events(session, row))


def _events(session: Session, row: Trial) -> list[TrialEvent]:
    query = select(TrialEvent).where(TrialEvent.trial_id == row.id).order_by(col(TrialEvent.id))
    return list(session.exec(query))


def _current(session: Session, now: datetime, *, lock: bool = False) -> Trial | None:
    """The certificate that governs: the active one, or else the one recorded last."""
    rows = list(session.exec(select(Trial).order_by(col(Trial.id).desc())))
    active = [row for row in rows if core.state(_core(session, row), now) is core.State.ACTIVE]
    chosen = next(iter([*active, *rows]), None)
    if chosen is not None and lock:
        query = select(Trial).where(Trial.id == chosen.id).with_for_update()
        session.exec(query.execution_options(populate_existing=True)).one()
    return chosen


def current(session: Session, now: datetime) -> Trial | None:
    """The row of the certificate that governs now."""
    return _current(session, now)
