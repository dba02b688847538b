"""Applying for a trial, deciding on it, and who the authorities are, for programs. Adds to the trial's API."""

from typing import Any

from exchange import identity
from exchange.bodies import act
from exchange.permissions import Permission, needs, public
from exchange.trials import applications, authorities, schemas
from exchange.trials.api import blueprint, granted_json
from exchange.trials.application_models import Authority, TrialApplication
from exchange.trials.applications_web import days_left


def application_json(row: TrialApplication, other: str = "") -> dict[str, Any]:
    """An application in short."""
    return {
        "id": row.id, "state": row.state, "with": other, "due_on": row.due_on.isoformat() if row.due_on else None,
        "working_days_left": days_left(row) if row.state == "submitted" else None,
        "submitted_at": row.submitted_at.isoformat() if row.submitted_at else None,
    }  # fmt: skip


def whole_json(row: TrialApplication, other: str = "") -> dict[str, Any]:
    """An application with its dossier."""
    return application_json(row, other) | {"dossier": row.dossier}


def authority_json(row: Authority, name: str = "") -> dict[str, Any]:
    """Who may permit what."""
    return {"id": row.id, "name": name, "approver": row.approver, "provinces": row.provinces, "basis": row.basis,
            "event": row.event_id}  # fmt: skip


# --- applications -------------------------------------------------------------------------------------------------


@blueprint.get("/trial/applications")
@needs(Permission.SUSPEND)
@blueprint.response(200)
def listed() -> dict[str, Any]:
    """One's own, or those that are addressed to us."""
    found = applications.listed(identity.db_session(), identity.the_actor())
    return {"applications": [application_json(row, other) for row, other in found]}


@blueprint.post("/trial/applications")
@needs(Permission.RUN_TRIAL)
@blueprint.arguments(schemas.DossierSchema)
@blueprint.response(201)
def begin(values: dict[str, Any]) -> dict[str, Any]:
    """Begin one."""
    return act(whole_json, applications.save, "", **values)


@blueprint.get("/trial/applications/<application_id>")
@needs(Permission.SUSPEND)
@blueprint.response(200)
def application(application_id: str) -> dict[str, Any]:
    """Its dossier and its steps."""
    found = applications.shown(identity.db_session(), identity.the_actor(), application_id)
    steps = [
        {"kind": step.kind, "at": step.at.isoformat(), "reason": step.reason, "dossier_digest": step.digest,
         "event": step.event_id}
        for step in found.steps
    ]  # fmt: skip
    return whole_json(found.row, found.authority_name) | {"applicant": found.applicant, "steps": steps}


@blueprint.put("/trial/applications/<application_id>")
@needs(Permission.RUN_TRIAL)
@blueprint.arguments(schemas.DossierSchema)
@blueprint.response(200)
def replace(values: dict[str, Any], application_id: str) -> dict[str, Any]:
    """Replace the dossier of a draft, or of one that came back."""
    return act(whole_json, applications.save, application_id, **values)


@blueprint.delete("/trial/applications/<application_id>")
@needs(Permission.RUN_TRIAL)
@blueprint.response(200)
def withdraw(application_id: str) -> dict[str, Any]:
    """Take it back."""
    return act(lambda row: {"id": row.id, "state": row.state}, applications.withdraw, application_id)


@blueprint.post("/trial/applications/<application_id>/submit")
@needs(Permission.RUN_TRIAL)
@blueprint.response(200)
def submit(application_id: str) -> dict[str, Any]:
    """To the competent authority."""
    return act(application_json, applications.submit, application_id)


@blueprint.post("/trial/applications/<application_id>/return")
@needs(Permission.AUTHORISE)
@blueprint.arguments(schemas.ReasonSchema)
@blueprint.response(200)
def give_back(values: dict[str, Any], application_id: str) -> dict[str, Any]:
    """Back to the operator."""
    return act(application_json, applications.give_back, application_id, **values)


@blueprint.post("/trial/applications/<application_id>/refuse")
@needs(Permission.AUTHORISE)
@blueprint.arguments(schemas.ReasonSchema)
@blueprint.response(200)
def refuse(values: dict[str, Any], application_id: str) -> dict[str, Any]:
    """For good."""
    return act(application_json, applications.refuse_application, application_id, **values)


@blueprint.post("/trial/applications/<application_id>/approve")
@needs(Permission.AUTHORISE)
@blueprint.arguments(schemas.GrantSchema)
@blueprint.response(201)
def approve(values: dict[str, Any], application_id: str) -> dict[str, Any]:
    """Issue it; bounds left out are as applied for."""
    return act(granted_json, applications.approve, application_id, **values)


# --- who the authorities are --------------------------------------------------------------------------------------


@blueprint.get("/trial/authorities")
@public
@blueprint.response(200)
def authorities_list() -> dict[str, Any]:
    """Those that may now."""
    found = authorities.authorities(identity.db_session())
    return {"authorities": [authority_json(row, org.name) for row, org in found]}


@blueprint.post("/trial/authorities")
@needs(Permission.RUN_TRIAL)
@blueprint.arguments(schemas.AuthoritySchema)
@blueprint.response(201)
def record_authority(values: dict[str, Any]) -> dict[str, Any]:
    """Record one."""
    return act(authority_json, authorities.record_authority, **values)


@blueprint.delete("/trial/authorities/<authority_id>")
@needs(Permission.RUN_TRIAL)
@blueprint.response(200)
def end_authority(authority_id: str) -> dict[str, Any]:
    """End its record."""
    return act(lambda row: {"id": row.id}, authorities.end_authority, authority_id)
