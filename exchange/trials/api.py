"""The trial's life for programs. Scopes: ``moderate`` the operator, ``authority`` authorities, ``query`` who joins."""

from typing import Any

from exchange import clock, identity
from exchange.bodies import Blueprint, act
from exchange.errors import NotFound
from exchange.permissions import Permission, needs, public
from exchange.trials import enrolments, lifecycle, schemas, service
from exchange.trials.models import Enrolment, Trial, TrialEvent
from sandbox import trial as core

blueprint = Blueprint(
    "trials_api",
    __name__,
    url_prefix="/api/v1",
    description="A controlled trial: application, certificate, end",
)


def trial_json(standing: service.Standing) -> dict[str, Any]:
    """The certificate with what is used of its caps."""
    row, used, security = standing.row, standing.usage, standing.trial.security_valid_to
    return {
        "id": row.id, "cert_no": row.cert_no, "authority": row.authority, "approver": row.approver,
        "on_paper": row.authority_org_id is None, "state": str(standing.state),
        "valid_from": row.valid_from.isoformat(), "valid_to": standing.last_day.isoformat(), "level": row.level,
        "sectors": row.sectors, "classes": row.classes, "verbs": row.verbs, "territory": row.territory,
        "question": row.question, "measure": row.measure, "safeguards": row.safeguards, "conditions": row.conditions,
        "security_valid_to": security.isoformat() if security else None,
        "profile": row.profile, "notice_version": row.notice_version,
        "caps": {"members": row.max_members, "listings": row.max_listings, "tx_vnd": row.max_tx_vnd,
                 "total_vnd": row.max_total_vnd},
        "used": {"members": used.members, "listings": used.listings, "total_vnd": used.total_vnd},
        "suspended_by": [str(each.why) for each in core.suspension(standing.trial, clock.now())],
        "events": [event_json(event) for event in standing.events], "event": row.granted_event,
    }  # fmt: skip


def granted_json(row: Trial) -> dict[str, Any]:
    """A certificate that was issued or recorded just now."""
    return {"id": row.id, "cert_no": row.cert_no, "event": row.granted_event}


def event_json(event: TrialEvent) -> dict[str, Any]:
    """One thing that happened to it. The reason in words is for the page's readers who take part."""
    return {
        "id": event.id, "kind": event.kind, "at": event.at.isoformat(), "code": event.code,
        "until": event.until.isoformat() if event.until else None, "about": event.about, "event": event.event_id,
    }  # fmt: skip


def enrolment_json(found: Enrolment) -> dict[str, Any]:
    """A place in the trial."""
    return {"id": found.id, "notice_version": found.notice_version, "event": found.event_id, "ended": found.end_code}


# --- the certificate ----------------------------------------------------------------------------------------------


@blueprint.get("/trial")
@public
@blueprint.response(200)
def show() -> dict[str, Any]:
    """Its certificate, for everybody; with a token also whether we accepted the notice."""
    session, actor = identity.db_session(), identity.actor()
    standing = service.standing(session, clock.now())
    if standing is None:
        raise NotFound("trial")
    mine = service.enrolment_of(session, standing.row, actor.org_id) if actor else None
    accepted = mine.notice_version if mine and not mine.ended_at else None
    return trial_json(standing) | {"notice_accepted": accepted}


@blueprint.post("/trial")
@needs(Permission.RUN_TRIAL)
@blueprint.arguments(schemas.CertificateSchema)
@blueprint.response(201)
def grant(values: dict[str, Any]) -> dict[str, Any]:
    """Copy a certificate that an authority outside the exchange issued on paper."""
    return act(granted_json, service.grant_trial, **values)


@blueprint.get("/trials/<trial_id>")
@public
@blueprint.response(200)
def one(trial_id: str) -> dict[str, Any]:
    """Its certificate, also after its end."""
    return trial_json(service.standing_of(identity.db_session(), trial_id, clock.now()))


# --- a running trial ----------------------------------------------------------------------------------------------


@blueprint.post("/trials/<trial_id>/change")
@needs(Permission.SUSPEND)
@blueprint.arguments(schemas.ChangeSchema)
@blueprint.response(201)
def change(values: dict[str, Any], trial_id: str) -> dict[str, Any]:
    """``kind``: suspended, resumed or terminated; ``code`` of its closed list; ``reason`` in words."""
    return act(event_json, lifecycle.change_trial, trial_id, **values)


@blueprint.post("/trials/<trial_id>/extension")
@needs(Permission.RUN_TRIAL)
@blueprint.arguments(schemas.ExtensionSchema)
@blueprint.response(201)
def ask_extension(values: dict[str, Any], trial_id: str) -> dict[str, Any]:
    """Ask for it."""
    return act(event_json, lifecycle.ask_extension, trial_id, **values)


@blueprint.post("/trials/<trial_id>/extension/answer")
@needs(Permission.SUSPEND)
@blueprint.arguments(schemas.AnswerSchema)
@blueprint.response(201)
def answer_extension(values: dict[str, Any], trial_id: str) -> dict[str, Any]:
    """Grant or refuse; the operator may take its asking back (``granted`` false)."""
    return act(event_json, lifecycle.answer_extension, trial_id, **values)


@blueprint.post("/trials/<trial_id>/security")
@needs(Permission.RUN_TRIAL)
@blueprint.arguments(schemas.SecuritySchema)
@blueprint.response(201)
def renew_security(values: dict[str, Any], trial_id: str) -> dict[str, Any]:
    """Record a newer one."""
    return act(event_json, lifecycle.renew_security, trial_id, **values)


@blueprint.post("/trials/<trial_id>/evaluation")
@needs(Permission.SUSPEND)
@blueprint.arguments(schemas.CodedSchema)
@blueprint.response(201)
def evaluate(values: dict[str, Any], trial_id: str) -> dict[str, Any]:
    """The authority's evaluation of the exit report: ``code`` met, partly or not_met."""
    return act(event_json, lifecycle.evaluate, trial_id, **values)


@blueprint.post("/trials/<trial_id>/close")
@needs(Permission.SUSPEND)
@blueprint.arguments(schemas.ReasonSchema)
@blueprint.response(201)
def close(values: dict[str, Any], trial_id: str) -> dict[str, Any]:
    """Close it, after its exit report."""
    return act(event_json, lifecycle.close, trial_id, **values)


# --- taking part --------------------------------------------------------------------------------------------------


@blueprint.put("/trial/enrolment")
@needs(Permission.QUERY)
@blueprint.arguments(schemas.EnrolmentSchema)
@blueprint.response(200)
def enrol(values: dict[str, Any]) -> dict[str, Any]:
    """State what T4-T6 ask and accept the notice of this version."""
    return act(enrolment_json, enrolments.enrol, **values)


@blueprint.delete("/trial/enrolment")
@needs(Permission.QUERY)
@blueprint.response(200)
def leave() -> dict[str, Any]:
    """Leave."""
    return act(enrolment_json, enrolments.leave)


@blueprint.get("/trials/<trial_id>/participants")
@needs(Permission.SUSPEND)
@blueprint.response(200)
def participants(trial_id: str) -> dict[str, Any]:
    """Everybody with what they stated."""
    session = identity.db_session()
    standing = service.standing_of(session, trial_id, clock.now())
    return {"participants": [
        enrolment_json(found) | {
            "name": org.name, "tax_code": org.tax_code, "vietnamese": found.vietnamese,
            "reorganising": found.reorganising, "manager_degree": found.manager_degree,
            "manager_years": found.manager_years,
            "licence_valid_to": found.licence_valid_to.isoformat() if found.licence_valid_to else None,
        }
        for found, org in enrolments.participants(session, identity.the_actor(), standing.row)
    ]}  # fmt: skip


@blueprint.post("/trials/<trial_id>/participants/<enrolment_id>/exclude")
@needs(Permission.RUN_TRIAL)
@blueprint.arguments(schemas.CodedSchema)
@blueprint.response(200)
def exclude(values: dict[str, Any], trial_id: str, enrolment_id: str) -> dict[str, Any]:
    """``code`` false_statement or not_eligible, and why."""
    return act(enrolment_json, enrolments.exclude, enrolment_id, **values)


@blueprint.post("/trials/<trial_id>/participants/<enrolment_id>/readmit")
@needs(Permission.SUSPEND)
@blueprint.arguments(schemas.ReasonSchema)
@blueprint.response(200)
def readmit(values: dict[str, Any], trial_id: str, enrolment_id: str) -> dict[str, Any]:
    """The organisation may join again; by the operator or the trial's authority, with the reason."""
    return act(enrolment_json, enrolments.readmit, enrolment_id, **values)
