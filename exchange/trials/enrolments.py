"""Taking part in the trial: what an organisation states of itself (T4-T6), the notice it accepts (T14), leaving.

The rules decide at once, on the statements; the operator checks them afterwards and may end a place that rests on a
false one (docs/decisions/0019).
"""

from datetime import date, datetime

from sqlmodel import Session, col, select

from exchange import audit
from exchange.accounts.models import Organisation
from exchange.errors import N_, NotFound, NotPermitted, Refusal, Refused, refuse
from exchange.permissions import Actor, OrgKind, Permission, require
from exchange.trials import lifecycle, service
from exchange.trials.models import END_CODES, Enrolment, Trial
from sandbox import rules as core_rules
from sandbox.rules import Entity

LEFT, FALSE, NOT_ELIGIBLE = END_CODES
BY_OPERATOR = (FALSE, NOT_ELIGIBLE)
LONGEST_REASON = 2000


def enrol(
    session: Session, actor: Actor | None, notice_version: str, now: datetime, entity: Entity | None = None
) -> Enrolment:
    """Take part and accept the notice. A newer notice is accepted by doing it again, a changed statement made anew.

    ``entity`` None: what was stated before still holds.
    """
    actor = require(actor, Permission.QUERY)
    if actor.kind != OrgKind.MEMBER or session.get_one(Organisation, actor.org_id).standing != "active":
        raise NotPermitted(Permission.QUERY, N_("Only active members of the exchange take part in the trial."))
    row = service.current(session, now, lock=True)
    found = service.enrolment_of(session, row, actor.org_id) if row else None
    if found is not None and found.end_code in BY_OPERATOR:
        raise _excluded(found)
    stated = entity or (stated_by(found) if found else None)
    joining = found is None or found.ended_at is not None
    denied = service.judge_enrolment(session, row, actor.org_id, stated, now, joining=joining)
    if row is not None and stated is None:
        denied = (*denied, _unstated())
    if denied or row is None:
        raise Refused(*denied, status=403)
    if notice_version != row.notice_version:
        raise _other_notice(row, notice_version)
    same = found is not None and not joining and found.notice_version == notice_version
    if found is not None and same and (entity is None or entity == stated_by(found)):
        return found
    return _write(session, actor, row, found, notice_version, stated, now)


def stated_by(found: Enrolment) -> Entity | None:
    """What an organisation stated when it joined; None when nothing was asked then."""
    if found.vietnamese is None or found.reorganising is None or found.manager_years is None:
        return None
    return Entity(
        vietnamese=found.vietnamese, reorganising=found.reorganising, licence_valid_to=found.licence_valid_to,
        manager_degree=found.manager_degree or "", manager_years=found.manager_years,
    )  # fmt: skip


def leave(session: Session, actor: Actor | None, now: datetime) -> Enrolment:
    """Take part no longer. Contracts stay; new ones need to join again."""
    actor = require(actor, Permission.QUERY)
    row = service.current(session, now, lock=True)
    found = service.enrolment_of(session, row, actor.org_id) if row else None
    if found is None:
        raise NotFound("enrolment")
    if found.ended_at is None:
        _end(session, actor, found, LEFT, "", now)
    return found


def exclude(
    session: Session, actor: Actor | None, enrolment_id: str, code: str, reason: str, now: datetime
) -> Enrolment:
    """The operator ends a place: a statement was false, or what it said is no longer so.

    Whoever left by itself in the meantime is excluded all the same: leaving is no way round it.
    """
    actor = require(actor, Permission.RUN_TRIAL)
    found = _locked(session, enrolment_id)
    if code not in BY_OPERATOR:
        text = N_("Choose one of the values offered.")
        raise refuse("FIELD_INVALID", text, field="code", value=code, passes=", ".join(BY_OPERATOR))
    words = _words(reason)
    if found.end_code not in BY_OPERATOR:
        _end(session, actor, found, code, words, now)
    return found


def readmit(session: Session, actor: Actor | None, enrolment_id: str, reason: str, now: datetime) -> Enrolment:
    """The operator or the trial's authority takes an exclusion back, saying why: the organisation may join again, by
    stating anew."""
    actor = require(actor, Permission.SUSPEND)
    found = _locked(session, enrolment_id)
    row = session.get_one(Trial, found.trial_id)
    if not (actor.may(Permission.RUN_TRIAL) or lifecycle.is_authority(row, actor)):
        raise NotPermitted(Permission.RUN_TRIAL)
    words = _words(reason)
    if found.end_code not in BY_OPERATOR:
        return found
    found.end_code, found.end_reason = LEFT, None
    found.event_id = audit.record(
        session, "trial.left", actor, on=[f"trial:{found.trial_id}", f"org:{found.org_id}"], now=now,
        details={"kind": "readmitted"}, private={f"org:{actor.org_id}": {"reason": words}},
    )  # fmt: skip
    session.add(found)
    session.flush()
    return found


def participants(session: Session, actor: Actor | None, row: Trial) -> list[tuple[Enrolment, Organisation]]:
    """Everybody who joined with what they stated, those that take part now first.

    For the operator and the trial's own authority; another official asks for a warrant and reads the log.
    """
    if actor is None or not (actor.may(Permission.RUN_TRIAL) or lifecycle.is_authority(row, actor)):
        raise NotPermitted(Permission.RUN_TRIAL)
    query = (
        select(Enrolment, Organisation)
        .join(Organisation, col(Organisation.id) == col(Enrolment.org_id))
        .where(Enrolment.trial_id == row.id)
        .order_by(col(Enrolment.ended_at).is_not(None), col(Organisation.name), col(Enrolment.id))
    )
    return list(session.exec(query).all())


def _write(
    session: Session, actor: Actor, row: Trial, found: Enrolment | None, notice_version: str, stated: Entity | None,
    now: datetime,
) -> Enrolment:  # fmt: skip
    event_id = audit.record(
        session, "trial.enrolled", actor, on=[f"trial:{row.id}", f"org:{actor.org_id}"], now=now,
        details={"notice_version": notice_version},
        private={f"org:{actor.org_id}": _statements(stated)} if stated else {},
    )  # fmt: skip
    found = found or Enrolment(trial_id=row.id, org_id=actor.org_id, notice_version="", accepted_at=now, event_id="")
    found.notice_version, found.accepted_at, found.accepted_by = notice_version, now, actor.user_id
    found.event_id, found.ended_at, found.end_code, found.end_reason = event_id, None, None, None
    if stated:
        found.vietnamese, found.reorganising = stated.vietnamese, stated.reorganising
        found.licence_valid_to = stated.licence_valid_to
        found.manager_degree, found.manager_years = stated.manager_degree, stated.manager_years
    session.add(found)
    session.flush()
    return found


def _statements(stated: Entity) -> dict[str, audit.Value]:
    licence = stated.licence_valid_to.isoformat() if isinstance(stated.licence_valid_to, date) else "without term"
    return {
        "vietnamese": stated.vietnamese, "reorganising": stated.reorganising, "licence_valid_to": licence,
        "manager_degree": stated.manager_degree, "manager_years": stated.manager_years,
    }  # fmt: skip


def _end(session: Session, actor: Actor, found: Enrolment, code: str, reason: str, now: datetime) -> None:
    private = {f"org:{actor.org_id}": {"reason": reason}} if reason else {}
    found.event_id = audit.record(
        session, "trial.left", actor, on=[f"trial:{found.trial_id}", f"org:{found.org_id}"], now=now,
        details={"kind": code}, private=private,
    )  # fmt: skip
    found.ended_at, found.end_code, found.end_reason = found.ended_at or now, code, reason or None
    session.add(found)
    session.flush()


def _locked(session: Session, enrolment_id: str) -> Enrolment:
    found = session.get(Enrolment, enrolment_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(enrolment_id)
    return found


def _words(reason: str) -> str:
    words = reason.strip()
    if not 0 < len(words) <= LONGEST_REASON:
        raise refuse("REASON_MISSING", N_("Give the reason in at most 2,000 characters."), field="reason")
    return words


def _unstated() -> Refusal:
    """Who says nothing of itself cannot be judged, and is not let in."""
    text, passes = N_("Your organisation has not stated what T4 to T6 ask."), N_("Fill in the statements.")
    return Refusal("STATEMENTS_MISSING", text, basis=core_rules.Eligible.basis, passes=passes)


def _excluded(found: Enrolment) -> Refused:
    return refuse(
        "ENROLMENT_ENDED", N_("The operator has ended your organisation's part in the trial."),
        basis=core_rules.Eligible.basis, value=found.end_code or "",
        passes=N_("Show the operator or the trial's authority that every statement is true now; once one of them has "
                  "admitted your organisation again, it joins by stating anew."), status=403,
    )  # fmt: skip


def _other_notice(row: Trial, notice_version: str) -> Refused:
    return refuse(
        "TRIAL_NOTICE_NOT_ACCEPTED", N_("The notice was replaced; read and accept version %(version)s."),
        field="notice_version", basis=core_rules.Informed.basis, value=notice_version,
        passes=row.notice_version, version=row.notice_version, status=409,
    )  # fmt: skip
