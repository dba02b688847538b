"""What happens to a trial after its certificate: extended (T3), suspended (T16), ended (T17), closed (T18).

Every step is one row, one record of the log about ``trial:<id>``, and applies from its commit on: states are derived.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from exchange import audit
from exchange.accounts.models import Organisation
from exchange.errors import N_, NotFound, Refusal, Refused, refuse
from exchange.permissions import Actor, OrgKind, Permission, require
from exchange.trials import alone, authorities, rules, service
from exchange.trials.models import Trial, TrialEvent
from sandbox import rules as core_rules
from sandbox import trial as core
from sandbox.rules import Action, ActionKind
from sandbox.trial import EventKind, State, Why

LONGEST_REASON = 2000
CHANGES = (EventKind.SUSPENDED, EventKind.RESUMED, EventKind.TERMINATED)
# T16 lists what suspends a trial by itself; by decision it is suspended for the same reasons, on an inspection, or as a
# precaution of the operator's own.
SUSPENSIONS = ("cap_breach", "incident", "security_certificate", "reports_missed", "inspection", "precaution")
RESUMPTIONS = ("remedied", "unfounded")
TERMINATIONS = tuple(reason.value for reason in core.Termination)
CODES: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.SUSPENDED: SUSPENSIONS,
    EventKind.RESUMED: RESUMPTIONS,
    EventKind.TERMINATED: TERMINATIONS,
    EventKind.EVALUATED: ("met", "partly", "not_met"),
}
_X2 = N_("Decree 314/2026/NĐ-CP Art. 5.4")


def record_event(
    session: Session,
    actor: Actor | None,
    row: Trial,
    kind: EventKind,
    now: datetime,
    *,
    reason: str = "",
    until: date | None = None,
    about: str = "",
    code: str = "",
    at: datetime | None = None,
    event_id: str = "",
) -> TrialEvent:
    """Write down that ``kind`` happened to the trial, in its table and in the log. Whoever calls has judged it.

    ``about`` is the id of the event that this one answers, ``actor`` None the exchange itself, ``at`` when it happened
    if that was not now (an incident is detected before it is written down). The reason is kept beside the log and not
    in it. ``event_id`` names a record of the log that says it already, of a type of its own.
    """
    event_id = event_id or _recorded(session, actor, row, kind, now, reason, until=until, about=about, code=code, at=at)
    event = TrialEvent(
        trial_id=row.id, kind=kind, at=at or now, until=until, reason=reason, code=code, about=about or None,
        org_id=actor.org_id if actor else None, event_id=event_id,
    )  # fmt: skip
    session.add(event)
    session.flush()
    return event


def _recorded(
    session: Session, actor: Actor | None, row: Trial, kind: EventKind, now: datetime, reason: str, *,
    until: date | None, about: str, code: str, at: datetime | None,
) -> str:  # fmt: skip
    before = service.state_of(session, row, now)
    details: dict[str, audit.Value] = {"kind": str(kind), "before": str(before)}
    named = {"code": code, "until": until.isoformat() if until else "", "about": about,
             "at": at.isoformat() if at else ""}  # fmt: skip
    details.update({name: value for name, value in named.items() if value})
    operators = session.exec(select(Organisation.id).where(Organisation.kind == OrgKind.OPERATOR))
    orgs = {*operators, *([actor.org_id] if actor else []), *([row.authority_org_id] if row.authority_org_id else [])}
    private = {f"org:{actor.org_id}": {"reason": reason}} if actor and reason else {}
    return audit.record(
        session, "trial.changed", actor, on=[f"trial:{row.id}", *(f"org:{org}" for org in sorted(orgs))], now=now,
        details=details, private=private,
    )  # fmt: skip


# --- suspending, resuming, ending (T16, T17) ----------------------------------------------------------------------


def change_trial(
    session: Session, actor: Actor | None, trial_id: str, kind: str, reason: str, now: datetime, code: str = ""
) -> TrialEvent:
    """Suspend, resume or terminate the trial, with its reason; from the commit on every act sees it.

    ``code`` is one of ``codes_for`` this actor: what is open to whom is said there.
    """
    actor = require(actor, Permission.SUSPEND)
    row = _locked(session, trial_id)
    if kind not in CHANGES:
        text = N_("Choose what happens to the trial.")
        raise refuse("TRIAL_CHANGE_UNKNOWN", text, field="kind", value=kind, passes=", ".join(CHANGES))
    change, words = EventKind(kind), _words(reason)
    if change not in open_changes(session, row, actor, now):
        raise _wrong_state(service.state_of(session, row, now))
    allowed = codes_for(session, row, actor, change, now)
    if not allowed:
        raise _not_yours(session, row, change, now)
    if code not in allowed:
        text = N_("Choose the reason from the list.")
        basis = core_rules.NotTerminated.basis if change is EventKind.TERMINATED else core_rules.NotSuspended.basis
        raise refuse("TRIAL_REASON_UNKNOWN", text, field="code", value=code, basis=basis, passes=", ".join(allowed))
    lifted = _lifts(session, row, actor, now) if change is EventKind.RESUMED else ("",)
    return [record_event(session, actor, row, change, now, reason=words, code=code, about=each) for each in lifted][-1]


def codes_for(session: Session, row: Trial, actor: Actor, kind: EventKind, now: datetime) -> tuple[str, ...]:
    """The reasons for which this actor may do this; none: not at all.

    Anybody who may stop may stop: the operator and every regulator, also where another has stopped it before. The
    operator ends only its own trial, by leaving it, and never judges itself; what the authority of a certificate on
    paper decided about the end it writes down, for whatever reason that authority gave.
    """
    if not actor.may(Permission.SUSPEND):
        return ()
    operator, paper = actor.kind == OrgKind.OPERATOR, row.authority_org_id is None
    if kind is EventKind.SUSPENDED:
        return SUSPENSIONS if operator or actor.kind == OrgKind.REGULATOR else ()
    if kind is EventKind.RESUMED:
        return RESUMPTIONS if _lifts(session, row, actor, now) else ()
    if is_authority(row, actor) or (paper and (operator or actor.kind == OrgKind.REGULATOR)):
        return TERMINATIONS
    return (core.Termination.SELF_EXIT.value,) if operator else ()


def is_authority(row: Trial, actor: Actor) -> bool:
    """Whether the actor decides for the authority that issued the certificate.

    Of one on paper the operator does, who records here what that authority decided elsewhere; it cannot so lift what
    an official stopped here (``_lifts``).
    """
    if row.authority_org_id is None:
        return actor.may(Permission.RUN_TRIAL)
    return actor.org_id == row.authority_org_id and actor.may(Permission.AUTHORISE)


def _lifts(session: Session, row: Trial, actor: Actor, now: datetime) -> tuple[str, ...]:
    """What a resumption by this actor names, one each: "" is everything, nothing at all: it may not.

    The trial's authority here lifts whatever stops it. Everybody else lifts their own stop only. A late report of an
    incident (T13) is excused by that authority; where it issued the certificate on paper, by any regulator of this
    exchange, and never by the operator whose report it was.
    """
    if row.authority_org_id is not None and is_authority(row, actor):
        return ("",)
    makers, excuses = _makers(session, row), row.authority_org_id is None and actor.kind == OrgKind.REGULATOR
    return tuple(
        cause.event
        for cause in _by_decision(session, row, now)
        if (excuses if cause.why is Why.INCIDENT_REPORT_LATE else makers.get(cause.event) == actor.org_id)
    )


def _by_decision(session: Session, row: Trial, now: datetime) -> list[core.Cause]:
    """What keeps the trial suspended until somebody decides otherwise; every other stop ends when its cause does."""
    causes = core.suspension(service.core_of(session, row), now)
    return [cause for cause in causes if cause.why in (Why.DECISION, Why.INCIDENT_REPORT_LATE)]


def _makers(session: Session, row: Trial) -> dict[str, str | None]:
    """Whose each event is."""
    return {event.id: event.org_id for event in service.events_of(session, row)}


def open_changes(session: Session, row: Trial, actor: Actor, now: datetime) -> list[EventKind]:
    """Which of the three fit the trial's state: nobody stops twice what they have stopped themselves."""
    if service.state_of(session, row, now) in (State.TERMINATED, State.EXITED):
        return []
    causes, makers = _by_decision(session, row, now), _makers(session, row)
    stops = [cause.event for cause in causes if cause.why is Why.DECISION]
    fits = {
        EventKind.SUSPENDED: all(makers.get(stop) != actor.org_id for stop in stops),
        EventKind.RESUMED: bool(causes),
        EventKind.TERMINATED: True,
    }
    return [change for change in CHANGES if fits[change]]


def renew_security(
    session: Session, actor: Actor | None, trial_id: str, security_until: date, reason: str, now: datetime
) -> TrialEvent:
    """The operator records a newer certificate of the system's security (X2), naming it; the stop it caused ends."""
    actor = require(actor, Permission.RUN_TRIAL)
    row, words = _locked(session, trial_id), _words(reason)
    before = service.state_of(session, row, now)
    if before in (State.TERMINATED, State.EXITED):
        raise _wrong_state(before)
    known = service.core_of(session, row).security_valid_to or date.min
    if security_until <= max(known, core.local_day(now)):
        text = N_("A newer certificate is valid today and longer than the one that is recorded.")
        raise refuse(
            "SECURITY_NOT_NEWER", text, field="security_until", basis=_X2, value=f"{security_until:%d/%m/%Y}",
            passes=f"> {max(known, core.local_day(now)):%d/%m/%Y}",
        )  # fmt: skip
    return record_event(session, actor, row, EventKind.SECURITY_RENEWED, now, reason=words, until=security_until)


# --- extending (T3) -----------------------------------------------------------------------------------------------


def ask_extension(
    session: Session, actor: Actor | None, trial_id: str, until: date, reason: str, now: datetime
) -> TrialEvent:
    """Ask the authority for more time: often enough, long enough and early enough, or refused by T3."""
    actor = require(actor, Permission.RUN_TRIAL)
    row, words = _locked(session, trial_id), _words(reason)
    if open_asking(session, row) is not None:
        raise refuse("EXTENSION_ASKED", N_("An extension is asked for already and waits for an answer."), status=409)
    _judged(session, row, Action(ActionKind.EXTEND, until=until), now)
    _alone(session, row, until, now)
    return record_event(session, actor, row, EventKind.EXTENSION_ASKED, now, reason=words, until=until)


def answer_extension(
    session: Session, actor: Actor | None, trial_id: str, granted: bool, reason: str, now: datetime
) -> TrialEvent:
    """The authority grants or refuses what was asked; the operator may take its own asking back.

    Whether it was asked in time is judged at the moment of asking: how long an authority thinks is not the operator's.
    """
    actor = require(actor, Permission.SUSPEND)
    row = _locked(session, trial_id)
    asking = open_asking(session, row)
    if asking is None:
        raise refuse("EXTENSION_NOT_ASKED", N_("No extension is asked for."), status=409)
    takes_back = not granted and actor.may(Permission.RUN_TRIAL) and row.authority_org_id is not None
    if not takes_back and not is_authority(row, actor):
        raise _not_yours(session, row, EventKind.EXTENDED, now)
    kind = EventKind.EXTENDED if granted else EventKind.EXTENSION_REFUSED
    if granted:
        _judged(session, row, Action(ActionKind.EXTEND, until=asking.until), asking.at)
        _still_going(session, row, now)
        _alone(session, row, asking.until, now)
    code = "withdrawn" if takes_back else ""
    words = _remark(reason) if granted else _words(reason)
    until = asking.until if granted else None
    return record_event(session, actor, row, kind, now, reason=words, until=until, about=asking.id, code=code)


def open_asking(session: Session, row: Trial) -> TrialEvent | None:
    """The extension that was asked for and is neither granted nor refused."""
    events = service.events_of(session, row)
    answered = {event.about for event in events}
    asked = [e for e in events if e.kind == EventKind.EXTENSION_ASKED and e.id not in answered]
    return asked[-1] if asked else None


# --- leaving the trial (T18) --------------------------------------------------------------------------------------


def evaluate(session: Session, actor: Actor | None, trial_id: str, code: str, reason: str, now: datetime) -> TrialEvent:
    """The authority says what the trial came to, on its exit report; the transition period begins."""
    actor = require(actor, Permission.SUSPEND)
    row, words = _locked(session, trial_id), _words(reason)
    if not is_authority(row, actor):
        raise _not_yours(session, row, EventKind.EVALUATED, now)
    if code not in CODES[EventKind.EVALUATED]:
        text, passes = N_("Choose what the trial came to."), ", ".join(CODES[EventKind.EVALUATED])
        raise refuse("EVALUATION_UNKNOWN", text, field="code", value=code, passes=passes)
    kinds = {event.kind for event in service.events_of(session, row)}
    if EventKind.EXIT_REPORTED not in kinds:
        raise refuse(
            "EXIT_REPORT_MISSING", N_("There is no exit report to evaluate."), basis=core_rules.ExitReported.basis,
            passes=N_("Hand in the exit report first."), status=409,
        )  # fmt: skip
    if EventKind.EVALUATED in kinds:
        raise _wrong_state(service.state_of(session, row, now))
    return record_event(session, actor, row, EventKind.EVALUATED, now, reason=words, code=code)


def close(session: Session, actor: Actor | None, trial_id: str, reason: str, now: datetime) -> TrialEvent:
    """Close the trial for good, after its exit report; T18 refuses without it."""
    actor = require(actor, Permission.SUSPEND)
    row = _locked(session, trial_id)
    if not is_authority(row, actor) and not actor.may(Permission.RUN_TRIAL):
        raise _not_yours(session, row, EventKind.CLOSED, now)
    if any(event.kind == EventKind.CLOSED for event in service.events_of(session, row)):
        raise _wrong_state(service.state_of(session, row, now))
    _judged(session, row, Action(ActionKind.CLOSE), now)
    return record_event(session, actor, row, EventKind.CLOSED, now, reason=_remark(reason))


def closing(session: Session, row: Trial, actor: Actor, now: datetime) -> list[Refusal] | None:
    """What still stands in the way of closing; None for whoever does not close it, or when it is over."""
    over = service.state_of(session, row, now) in (State.TERMINATED, State.EXITED)
    if over or not (is_authority(row, actor) or actor.may(Permission.RUN_TRIAL)):
        return None
    denied = core_rules.judge(service.core_of(session, row), Action(ActionKind.CLOSE), now)
    return [rules.say_denied(each) for each in denied]


# --- inside -------------------------------------------------------------------------------------------------------


def _locked(session: Session, trial_id: str) -> Trial:
    """The row, held until the commit: of two decisions at once the second sees the first."""
    row = session.get(Trial, trial_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(trial_id)
    return row


def _judged(session: Session, row: Trial, action: Action, now: datetime) -> None:
    denied = core_rules.judge(service.core_of(session, row), action, now)
    if denied:
        raise Refused(*(rules.say_denied(each) for each in denied), status=403)


def _still_going(session: Session, row: Trial, now: datetime) -> None:
    """What is over cannot be made longer: a new certificate would be needed."""
    before = service.state_of(session, row, now)
    if before in (State.EXPIRED, State.TERMINATED, State.EXITED):
        raise _wrong_state(before)


def _alone(session: Session, row: Trial, until: date | None, now: datetime) -> None:
    """A longer term does not reach into the days of another certificate."""
    first = core.last_day(service.core_of(session, row), now) + timedelta(days=1)
    alone.check_alone(session, first, until or first, now, apart=row.id)


def _words(reason: str) -> str:
    words = _remark(reason)
    if not words:
        raise refuse("REASON_MISSING", N_("Give the reason in at most 2,000 characters."), field="reason")
    return words


def _remark(reason: str) -> str:
    words = reason.strip()
    if len(words) > LONGEST_REASON:
        raise refuse("REASON_MISSING", N_("Give the reason in at most 2,000 characters."), field="reason")
    return words


def _wrong_state(before: State) -> Refused:
    text = N_("The trial is not in the state that this needs.")
    return refuse("WRONG_STATE", text, field="kind", value=str(before), status=409)


def _not_yours(session: Session, row: Trial, kind: EventKind, now: datetime) -> Refused:
    """The step exists, but somebody else takes it: said with who that is."""
    text = N_("This step of the trial is another body's.")
    passes = [row.authority]
    if kind is EventKind.RESUMED:
        stops = {cause.event for cause in _by_decision(session, row, now) if cause.why is Why.DECISION}
        makers = [org for event, org in _makers(session, row).items() if event in stops and org]
        names = session.exec(select(Organisation.name).where(col(Organisation.id).in_(makers)))
        passes = sorted({*names, *([row.authority] if row.authority_org_id else [])})
    passing = ", ".join(passes) or N_("A regulator of this exchange.")
    return refuse(
        "TRIAL_STEP_NOT_YOURS", text, basis=authorities.BASIS, value=str(kind), passes=passing, status=403
    )  # fmt: skip
