"""The trial that governs: its certificate on paper, what is used of it, and judging every act by it (rules T1-T19)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from exchange import audit, pilot
from exchange.catalogue.models import Listing
from exchange.db import new_id
from exchange.errors import N_, NotFound, Refusal, Refused, refuse
from exchange.negotiations.models import Contract, Succession
from exchange.permissions import Actor, Permission, require
from exchange.trials import alone, rules
from exchange.trials.models import Enrolment, Trial, TrialEvent
from exchange.trials.rules import core_of as core_of
from exchange.trials.rules import events_of as events_of
from sandbox import rules as core_rules
from sandbox import trial as core
from sandbox.competence import competent
from sandbox.rules import Action, ActionKind, Entity, Usage

HALTED = (core.State.SUSPENDED, core.State.TERMINATED)
LIVING = (core.State.ACTIVE, core.State.SUSPENDED)
LOCKED_FOR = frozenset({ActionKind.ENROL, ActionKind.LIST, ActionKind.CONTRACT})  # kinds that use up a cap
Successor = aliased(Contract)
COUNTED = LOCKED_FOR | {ActionKind.ORDER}  # kinds that are judged by what is used up


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
    """Copy a certificate that an authority outside the exchange issued on paper; applications.approve is the other way.

    T1: nothing in it may be empty, and no other governs in its days; T2: it ends within the longest term; T17: a
    trial that was terminated for a fault is not begun again by a copy.
    """
    actor = require(actor, Permission.RUN_TRIAL)
    problems = [*_incomplete(certificate), *_too_long(certificate)]
    if problems:
        raise Refused(*problems)
    if session.exec(select(Trial.id).where(Trial.cert_no == certificate.cert_no)).first() is not None:
        raise refuse("TRIAL_RECORDED", N_("This certificate is recorded already."), field="cert_no", status=409)
    alone.check_nothing_suspended(session, now)
    alone.check_alone(session, certificate.valid_from, certificate.valid_to, now, on_paper=True)
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
        approver=competent(certificate.level, certificate.territory),
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


# --- the trial as the rules see it --------------------------------------------------------------------------------


def state_of(session: Session, row: Trial, now: datetime) -> core.State:
    """Where it stands."""
    return core.state(core_of(session, row), now)


def enrolment_of(session: Session, row: Trial, org_id: str) -> Enrolment | None:
    """An organisation's place in this trial, also one that has ended."""
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
    return None if row is None else _standing(session, row, now)


def standing_of(session: Session, trial_id: str, now: datetime) -> Standing:
    """The same of one trial, whether it governs now or not."""
    row = session.get(Trial, trial_id)
    if row is None:
        raise NotFound(trial_id)
    return _standing(session, row, now)


def trials(session: Session, *, limit: int = 100) -> list[Trial]:
    """Every certificate, the newest first."""
    return list(session.exec(select(Trial).order_by(col(Trial.granted_at).desc(), col(Trial.id).desc()).limit(limit)))


def _standing(session: Session, row: Trial, now: datetime) -> Standing:
    events = events_of(session, row)
    trial = rules.certificate(row, events)
    return Standing(row, trial, core.state(trial, now), core.last_day(trial, now), usage(session, row), events)


def usage(session: Session, row: Trial, apart: pilot.Act | None = None) -> Usage:
    """Counted from the tables (T9): enrolled members, listings on offer, value of contracts that were not given up.

    What ``apart`` is about is left out: the listing, the contract of its negotiation, the contract that it replaces.
    """
    inside = (Enrolment.trial_id == row.id, col(Enrolment.ended_at).is_(None))
    members = session.exec(select(func.count()).select_from(Enrolment).where(*inside)).one()
    shown = select(func.count()).select_from(Listing).where(Listing.state == "published")
    if apart is not None and apart.listing_id is not None:
        shown = shown.where(Listing.id != apart.listing_id)
    return Usage(members, session.exec(shown).one(), _spent(session, row, apart))


def _spent(session: Session, row: Trial, apart: pilot.Act | None) -> int:
    """The value of a contract that an amendment took the place of is that of the amendment."""
    amendment = (
        select(Succession.negotiation_id)
        .join(Successor, col(Successor.negotiation_id) == col(Succession.negotiation_id))
        .where(Successor.id == Contract.end_reason, Succession.kind == "amendment")
    )
    query = select(func.coalesce(func.sum(Contract.price_vnd), 0)).where(
        col(Contract.agreed_at) >= row.granted_at,
        func.coalesce(Contract.end_code, "") != "unsigned",
        (func.coalesce(Contract.end_code, "") != "superseded") | ~amendment.exists(),
    )
    if apart is not None and apart.negotiation_id is not None:
        query = query.where(Contract.negotiation_id != apart.negotiation_id)
    if apart is not None and apart.replaces is not None:
        query = query.where(Contract.id != apart.replaces)
    return int(session.exec(query).one())


def judge_enrolment(
    session: Session, row: Trial | None, org_id: str, stated: Entity | None, now: datetime, *, joining: bool
) -> tuple[Refusal, ...]:
    """Every rule that keeps an organisation out, with what it states of itself (T4-T6).

    One that takes part already uses no new place: the caps do not stand in the way of reading a new notice.
    """
    found = _judge(session, row, pilot.Act(ActionKind.ENROL, org_id), now, stated)
    return tuple(each for each in found if joining or each.code != core_rules.WithinCaps.code)


def _judge(
    session: Session, row: Trial | None, act: pilot.Act, now: datetime, stated: Entity | None = None
) -> tuple[Refusal, ...]:
    found = None if row is None else enrolment_of(session, row, act.org_id)
    action = Action(
        kind=act.kind,
        sector=act.sector,
        classification=act.classification,
        territory=act.territory,
        amount_vnd=act.amount_vnd,
        notice_accepted=None if found is None or found.ended_at else found.notice_version,
        entity=stated,
        used=Usage() if row is None or act.kind not in COUNTED else usage(session, row, act),
        again=act.again,
    )
    trial = None if row is None else core_of(session, row)
    return tuple(rules.say_denied(denied) for denied in core_rules.judge(trial, action, now))


def _current(session: Session, now: datetime, *, lock: bool = False) -> Trial | None:
    """The certificate that governs: the one whose days these are (``alone``), or else the one recorded last."""
    rows = list(session.exec(select(Trial).order_by(col(Trial.granted_at).desc(), col(Trial.id).desc())))
    living = [row for row in rows if core.state(core_of(session, row), now) in LIVING]
    chosen = next(iter([*living, *rows]), None)
    if chosen is not None and lock:
        query = select(Trial).where(Trial.id == chosen.id).with_for_update()
        session.exec(query.execution_options(populate_existing=True)).one()
    return chosen


def is_halted(session: Session, now: datetime) -> bool:
    """Whether the trial was suspended or terminated: what is under way ends too."""
    certificate = certificate_now(session, now)
    return certificate is not None and core.state(certificate, now) in HALTED


def certificate_now(session: Session, now: datetime) -> core.Trial | None:
    """The certificate that governs now, as the sandbox judges it."""
    row = _current(session, now)
    return None if row is None else core_of(session, row)


def current(session: Session, now: datetime, *, lock: bool = False) -> Trial | None:
    """The row of the certificate that governs now; with ``lock`` held until the commit."""
    return _current(session, now, lock=lock)
