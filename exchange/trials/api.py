"""The trial's life for programs. Scopes: ``moderate`` the operator, ``authority`` authorities, ``query`` who joins."""

from typing import Any

from flask.views import MethodView

from exchange import clock, identity
from exchange.bodies import Blueprint
from exchange.errors import NotFound
from exchange.permissions import Permission, needs, public
from exchange.trials import applications, authorities, enrolments, lifecycle, service
from exchange.trials.application_models import Authority, TrialApplication
from exchange.trials.applications_web import days_left, grant_of
from exchange.trials.dossier import Dossier
from exchange.trials.models import Enrolment, TrialEvent
from exchange.trials.schemas import (
    AnswerSchema,
    AuthoritySchema,
    CertificateSchema,
    ChangeSchema,
    CodedSchema,
    DossierSchema,
    EnrolmentSchema,
    ExtensionSchema,
    GrantSchema,
    ReasonSchema,
    SecuritySchema,
)
from exchange.trials.web import certificate, entity_of
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


def event_json(event: TrialEvent) -> dict[str, Any]:
    """One thing that happened to it. The reason in words is for the page's readers who take part."""
    return {
        "id": event.id, "kind": event.kind, "at": event.at.isoformat(), "code": event.code,
        "until": event.until.isoformat() if event.until else None, "about": event.about, "event": event.event_id,
    }  # fmt: skip


def application_json(row: TrialApplication, other: str, *, whole: bool = False) -> dict[str, Any]:
    """An application; ``whole`` with its dossier."""
    brief = {
        "id": row.id, "state": row.state, "with": other, "due_on": row.due_on.isoformat() if row.due_on else None,
        "working_days_left": days_left(row) if row.state == "submitted" else None,
        "submitted_at": row.submitted_at.isoformat() if row.submitted_at else None,
    }  # fmt: skip
    return brief | ({"dossier": row.dossier} if whole else {})


def authority_json(row: Authority, name: str) -> dict[str, Any]:
    """Who may permit what."""
    return {"id": row.id, "name": name, "approver": row.approver, "provinces": row.provinces, "basis": row.basis,
            "event": row.event_id}  # fmt: skip


def enrolment_json(found: Enrolment) -> dict[str, Any]:
    """A place in the trial."""
    return {"id": found.id, "notice_version": found.notice_version, "event": found.event_id, "ended": found.end_code}


# --- the certificate ----------------------------------------------------------------------------------------------


@blueprint.route("/trial")
class Trial(MethodView):
    """The trial that governs now."""

    @public
    @blueprint.response(200)
    def get(self) -> dict[str, Any]:
        """Its certificate, for everybody; with a token also whether we accepted the notice."""
        session, actor = identity.db_session(), identity.actor()
        standing = service.standing(session, clock.now())
        if standing is None:
            raise NotFound("trial")
        mine = service.enrolment_of(session, standing.row, actor.org_id) if actor else None
        accepted = mine.notice_version if mine and not mine.ended_at else None
        return trial_json(standing) | {"notice_accepted": accepted}

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(CertificateSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any]) -> dict[str, Any]:
        """Copy a certificate that an authority outside the exchange issued on paper."""
        row = service.grant_trial(identity.db_session(), identity.the_actor(), certificate(values), clock.now())
        identity.commit_logged()
        return {"id": row.id, "cert_no": row.cert_no, "event": row.granted_event}


@blueprint.route("/trials/<trial_id>")
class One(MethodView):
    """Any trial."""

    @public
    @blueprint.response(200)
    def get(self, trial_id: str) -> dict[str, Any]:
        """Its certificate, also after its end."""
        return trial_json(service.standing_of(identity.db_session(), trial_id, clock.now()))


def _happened(event: TrialEvent) -> dict[str, Any]:
    answer = event_json(event)
    identity.commit_logged()
    return answer


@blueprint.route("/trials/<trial_id>/change")
class Change(MethodView):
    """Suspending, resuming, terminating."""

    @needs(Permission.SUSPEND)
    @blueprint.arguments(ChangeSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any], trial_id: str) -> dict[str, Any]:
        """``kind``: suspended, resumed or terminated; ``code`` of its closed list; ``reason`` in words."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        return _happened(
            lifecycle.change_trial(session, actor, trial_id, values["kind"], reason, clock.now(), values["code"])
        )


@blueprint.route("/trials/<trial_id>/extension")
class Extension(MethodView):
    """More time."""

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(ExtensionSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any], trial_id: str) -> dict[str, Any]:
        """Ask for it."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        return _happened(lifecycle.ask_extension(session, actor, trial_id, values["until"], reason, clock.now()))


@blueprint.route("/trials/<trial_id>/extension/answer")
class ExtensionAnswer(MethodView):
    """The answer to it."""

    @needs(Permission.SUSPEND)
    @blueprint.arguments(AnswerSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any], trial_id: str) -> dict[str, Any]:
        """Grant or refuse; the operator may take its asking back (``granted`` false)."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        return _happened(lifecycle.answer_extension(session, actor, trial_id, values["granted"], reason, clock.now()))


@blueprint.route("/trials/<trial_id>/security")
class Security(MethodView):
    """The system's security certificate."""

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(SecuritySchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any], trial_id: str) -> dict[str, Any]:
        """Record a newer one."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        until = values["security_until"]
        return _happened(lifecycle.renew_security(session, actor, trial_id, until, reason, clock.now()))


@blueprint.route("/trials/<trial_id>/evaluation")
class Evaluation(MethodView):
    """What it came to."""

    @needs(Permission.SUSPEND)
    @blueprint.arguments(CodedSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any], trial_id: str) -> dict[str, Any]:
        """The authority's evaluation of the exit report: ``code`` met, partly or not_met."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        return _happened(lifecycle.evaluate(session, actor, trial_id, values["code"], reason, clock.now()))


@blueprint.route("/trials/<trial_id>/close")
class Close(MethodView):
    """The end."""

    @needs(Permission.SUSPEND)
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any], trial_id: str) -> dict[str, Any]:
        """Close it, after its exit report."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        return _happened(lifecycle.close(session, actor, trial_id, reason, clock.now()))


# --- taking part --------------------------------------------------------------------------------------------------


@blueprint.route("/trial/enrolment")
class Place(MethodView):
    """Taking part."""

    @needs(Permission.QUERY)
    @blueprint.arguments(EnrolmentSchema)
    @blueprint.response(200)
    def put(self, values: dict[str, Any]) -> dict[str, Any]:
        """State what T4-T6 ask and accept the notice of this version."""
        session, actor, stated = identity.db_session(), identity.the_actor(), entity_of(values["statements"])
        answer = enrolment_json(enrolments.enrol(session, actor, values["notice_version"], clock.now(), stated))
        identity.commit_logged()
        return answer

    @needs(Permission.QUERY)
    @blueprint.response(200)
    def delete(self) -> dict[str, Any]:
        """Leave."""
        answer = enrolment_json(enrolments.leave(identity.db_session(), identity.the_actor(), clock.now()))
        identity.commit_logged()
        return answer


@blueprint.route("/trials/<trial_id>/participants")
class Participants(MethodView):
    """Who takes part."""

    @needs(Permission.SUSPEND)
    @blueprint.response(200)
    def get(self, trial_id: str) -> dict[str, Any]:
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


@blueprint.route("/trials/<trial_id>/participants/<enrolment_id>/exclude")
class Exclude(MethodView):
    """Ending a place."""

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(CodedSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], trial_id: str, enrolment_id: str) -> dict[str, Any]:
        """``code`` false_statement or not_eligible, and why."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        answer = enrolment_json(enrolments.exclude(session, actor, enrolment_id, values["code"], reason, clock.now()))
        identity.commit_logged()
        return answer


@blueprint.route("/trials/<trial_id>/participants/<enrolment_id>/readmit")
class Readmit(MethodView):
    """Taking that back."""

    @needs(Permission.SUSPEND)
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], trial_id: str, enrolment_id: str) -> dict[str, Any]:
        """The organisation may join again; by the operator or the trial's authority, with the reason."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        answer = enrolment_json(enrolments.readmit(session, actor, enrolment_id, reason, clock.now()))
        identity.commit_logged()
        return answer


# --- applications -------------------------------------------------------------------------------------------------


@blueprint.route("/trial/applications")
class Applications(MethodView):
    """Applications for a trial."""

    @needs(Permission.SUSPEND)
    @blueprint.response(200)
    def get(self) -> dict[str, Any]:
        """One's own, or those that are addressed to us."""
        found = applications.listed(identity.db_session(), identity.the_actor())
        return {"applications": [application_json(row, other) for row, other in found]}

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(DossierSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any]) -> dict[str, Any]:
        """Begin one."""
        session, actor = identity.db_session(), identity.the_actor()
        row = applications.save(session, actor, "", Dossier.of(values), clock.now())
        answer = application_json(row, "", whole=True)
        session.commit()
        return answer


@blueprint.route("/trial/applications/<application_id>")
class Application(MethodView):
    """One application."""

    @needs(Permission.SUSPEND)
    @blueprint.response(200)
    def get(self, application_id: str) -> dict[str, Any]:
        """Its dossier and its steps."""
        found = applications.shown(identity.db_session(), identity.the_actor(), application_id)
        steps = [
            {"kind": step.kind, "at": step.at.isoformat(), "reason": step.reason, "dossier_digest": step.digest,
             "event": step.event_id}
            for step in found.steps
        ]  # fmt: skip
        return application_json(found.row, found.authority_name, whole=True) | {
            "applicant": found.applicant, "steps": steps
        }  # fmt: skip

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(DossierSchema)
    @blueprint.response(200)
    def put(self, values: dict[str, Any], application_id: str) -> dict[str, Any]:
        """Replace the dossier of a draft, or of one that came back."""
        session, actor = identity.db_session(), identity.the_actor()
        row = applications.save(session, actor, application_id, Dossier.of(values), clock.now())
        answer = application_json(row, "", whole=True)
        session.commit()
        return answer

    @needs(Permission.RUN_TRIAL)
    @blueprint.response(200)
    def delete(self, application_id: str) -> dict[str, Any]:
        """Take it back."""
        row = applications.withdraw(identity.db_session(), identity.the_actor(), application_id, clock.now())
        answer = {"id": row.id, "state": row.state}
        identity.commit_logged()
        return answer


def _decided(row: TrialApplication) -> dict[str, Any]:
    answer = application_json(row, "")
    identity.commit_logged()
    return answer


@blueprint.route("/trial/applications/<application_id>/submit")
class Submit(MethodView):
    """Handing in."""

    @needs(Permission.RUN_TRIAL)
    @blueprint.response(200)
    def post(self, application_id: str) -> dict[str, Any]:
        """To the competent authority."""
        return _decided(applications.submit(identity.db_session(), identity.the_actor(), application_id, clock.now()))


@blueprint.route("/trial/applications/<application_id>/return")
class Return(MethodView):
    """For completion."""

    @needs(Permission.AUTHORISE)
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], application_id: str) -> dict[str, Any]:
        """Back to the operator."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        return _decided(applications.give_back(session, actor, application_id, reason, clock.now()))


@blueprint.route("/trial/applications/<application_id>/refuse")
class Refuse(MethodView):
    """A no."""

    @needs(Permission.AUTHORISE)
    @blueprint.arguments(ReasonSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], application_id: str) -> dict[str, Any]:
        """For good."""
        session, actor, reason = identity.db_session(), identity.the_actor(), values.get("reason") or ""
        return _decided(applications.refuse_application(session, actor, application_id, reason, clock.now()))


@blueprint.route("/trial/applications/<application_id>/approve")
class Approve(MethodView):
    """The certificate."""

    @needs(Permission.AUTHORISE)
    @blueprint.arguments(GrantSchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any], application_id: str) -> dict[str, Any]:
        """Issue it; bounds left out are as applied for."""
        session, actor = identity.db_session(), identity.the_actor()
        row = applications.approve(session, actor, application_id, grant_of(values), clock.now())
        answer = {"id": row.id, "cert_no": row.cert_no, "event": row.granted_event}
        identity.commit_logged()
        return answer


@blueprint.route("/trial/authorities")
class Authorities(MethodView):
    """Who may permit trials."""

    @public
    @blueprint.response(200)
    def get(self) -> dict[str, Any]:
        """Those that may now."""
        found = authorities.authorities(identity.db_session())
        return {"authorities": [authority_json(row, org.name) for row, org in found]}

    @needs(Permission.RUN_TRIAL)
    @blueprint.arguments(AuthoritySchema)
    @blueprint.response(201)
    def post(self, values: dict[str, Any]) -> dict[str, Any]:
        """Record one."""
        row = authorities.record_authority(
            identity.db_session(), identity.the_actor(), values["org"], values["approver"], values["provinces"],
            values.get("basis") or "", clock.now(),
        )  # fmt: skip
        answer = authority_json(row, "")
        identity.commit_logged()
        return answer


@blueprint.route("/trial/authorities/<authority_id>")
class OneAuthority(MethodView):
    """One of them."""

    @needs(Permission.RUN_TRIAL)
    @blueprint.response(200)
    def delete(self, authority_id: str) -> dict[str, Any]:
        """End its record."""
        row = authorities.end_authority(identity.db_session(), identity.the_actor(), authority_id, clock.now())
        answer = {"id": row.id}
        identity.commit_logged()
        return answer
