"""Pages of the trial: its certificate and history for everybody, taking part, and the decisions on a running trial."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import forms
from exchange.catalogue import vocabulary
from exchange.error_pages import say
from exchange.errors import Refused
from exchange.i18n import language
from exchange.permissions import Actor, OrgKind, Permission, needs, public
from exchange.trials import enrolments, lifecycle, schemas, service, words
from exchange.trials.models import Enrolment, Trial
from sandbox import rules as core_rules
from sandbox import trial as core
from sandbox import words as sentences
from sandbox.trial import EventKind

blueprint = Blueprint("trials", __name__)


@blueprint.app_template_global("trial_standing")
def governing() -> service.Standing | None:
    """The trial that governs now: pages of other nouns show what is used of its limits (trials/_caps.html)."""
    return service.standing(identity.db_session(), clock.now())


def labels() -> dict[str, Any]:
    """The names of things that every page of a trial's life uses."""
    fields_named = {name: _(label) for name, label in words.FIELDS.items()}
    return {"names": words, "words": vocabulary, "standard": service.Certificate, "field_names": fields_named}


# --- the trial ----------------------------------------------------------------------------------------------------


@blueprint.get("/trial")
@public
def index() -> Response:
    """The trial that governs now: who authorised what until when, what is used of it, what happened to it."""
    return _page(None)


@blueprint.get("/trials/<trial_id>")
@public
def one(trial_id: str) -> Response:
    """A trial by its id, also one that is over."""
    return _page(trial_id)


def _page(trial_id: str | None, refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.actor(), clock.now()
    standing = service.standing(session, now) if trial_id is None else service.standing_of(session, trial_id, now)
    row = standing.row if standing else None
    mine = service.enrolment_of(session, row, actor.org_id) if row and actor else None
    return forms.page(
        "trials/index.html", refused, standing=standing, mine=mine, now=now,
        others=[each for each in service.trials(session) if row is None or each.id != row.id],
        causes=core.suspension(standing.trial, now) if standing else (),
        may_enrol=actor is not None and actor.kind == OrgKind.MEMBER and actor.may(Permission.QUERY),
        liability=_liability(), may_grant=actor is not None and actor.may(Permission.RUN_TRIAL),
        may_apply=actor is not None and actor.may(Permission.RUN_TRIAL),
        **(_steps(session, row, actor) if row and actor else {}), **labels(),
    )  # fmt: skip


def _liability() -> str:
    """T19, in the reader's language: what the law says, and not a word more."""
    statement = core_rules.LIABILITY.statement
    return f"{sentences.say(statement, language())} {sentences.fix(statement, language())}"


def _steps(session: Session, row: Trial, actor: Actor) -> dict[str, Any]:
    """What this reader may do with this trial now."""
    now = clock.now()
    changes = {
        str(kind): lifecycle.codes_for(session, row, actor, kind, now)
        for kind in lifecycle.open_changes(session, row, actor, now)
    }
    kinds = {event.kind for event in service.events_of(session, row)}
    over = EventKind.CLOSED in kinds
    authority, operator = lifecycle.is_authority(row, actor), actor.may(Permission.RUN_TRIAL)
    asking, closing = lifecycle.open_asking(session, row), lifecycle.closing(session, row, actor, now)
    return {
        "changes": {kind: codes for kind, codes in changes.items() if codes}, "asking": asking,
        "may_renew": operator and not over,
        "may_ask": operator and asking is None and not over and EventKind.TERMINATED not in kinds,
        "may_answer": asking is not None and authority, "may_take_back": asking is not None and operator,
        "may_evaluate": authority and EventKind.EXIT_REPORTED in kinds and EventKind.EVALUATED not in kinds,
        "may_close": closing == [], "unclosed": [say(each) for each in closing or ()],
        "sees_people": authority or operator,
        "evaluation_due": core.evaluation_due(service.core_of(session, row)),
        "transition_ends": core.transition_ends(service.core_of(session, row)),
    }  # fmt: skip


@blueprint.post("/trial")
@needs(Permission.RUN_TRIAL)
def grant() -> AnyResponse:
    """Copy a certificate that an authority outside the exchange issued on paper."""

    return forms.act(
        service.grant_trial, form=schemas.CertificateSchema, lists=("sectors", "classes", "verbs"),
        again=lambda refused: _page(None, refused), said=_("The certificate is recorded."),
        onward=lambda made: url_for(".index"),
    )  # fmt: skip


# --- a running trial ----------------------------------------------------------------------------------------------


@blueprint.post("/trial/<trial_id>/change")
@needs(Permission.SUSPEND)
def change(trial_id: str) -> AnyResponse:
    """Suspend, resume or terminate."""
    said = _("The change is recorded and applies from now on.")
    return _step(lifecycle.change_trial, trial_id, schemas.ChangeSchema, said)


@blueprint.post("/trial/<trial_id>/extension")
@needs(Permission.RUN_TRIAL)
def ask_extension(trial_id: str) -> AnyResponse:
    """Ask for more time."""
    return _step(lifecycle.ask_extension, trial_id, schemas.ExtensionSchema, _("The authority has been asked."))


@blueprint.post("/trial/<trial_id>/extension/answer")
@needs(Permission.SUSPEND)
def answer_extension(trial_id: str) -> AnyResponse:
    """Grant or refuse it, or take the asking back."""
    return _step(lifecycle.answer_extension, trial_id, schemas.AnswerSchema, _("The answer is recorded."))


@blueprint.post("/trial/<trial_id>/security")
@needs(Permission.RUN_TRIAL)
def renew_security(trial_id: str) -> AnyResponse:
    """Record a newer security certificate."""
    return _step(lifecycle.renew_security, trial_id, schemas.SecuritySchema, _("The security certificate is recorded."))


@blueprint.post("/trial/<trial_id>/evaluation")
@needs(Permission.SUSPEND)
def evaluate(trial_id: str) -> AnyResponse:
    """What the trial came to."""
    return _step(lifecycle.evaluate, trial_id, schemas.CodedSchema, _("The evaluation is recorded."))


@blueprint.post("/trial/<trial_id>/close")
@needs(Permission.SUSPEND)
def close(trial_id: str) -> AnyResponse:
    """The end."""
    return _step(lifecycle.close, trial_id, schemas.ReasonSchema, _("The trial is closed."))


def _step(use_case: Callable[..., object], trial_id: str, form: type[Schema], said: str) -> AnyResponse:
    """One step of a trial's life, and back to its page."""
    return forms.act(
        use_case, trial_id, form=form, again=lambda refused: _page(trial_id, refused), said=said,
        onward=lambda made: url_for(".one", trial_id=trial_id),
    )  # fmt: skip


# --- taking part --------------------------------------------------------------------------------------------------


@blueprint.get("/trial/enrolment")
@needs(Permission.QUERY)
def enrolment() -> Response:
    """The notice and the statements."""
    return _enrolment()


def _enrolment(refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    standing = service.standing(session, now)
    mine = service.enrolment_of(session, standing.row, actor.org_id) if standing else None
    stated = enrolments.stated_by(mine) if mine else None
    may = actor.kind == OrgKind.MEMBER
    return forms.page(
        "trials/enrolment.html", refused, standing=standing, mine=mine, stated=stated, may_enrol=may, **labels()
    )  # fmt: skip


@blueprint.post("/trial/enrolment")
@needs(Permission.QUERY)
def enrol() -> AnyResponse:
    """Take part and accept the notice."""
    return forms.act(
        _enrol, again=_enrolment, said=_("Your organisation takes part in the trial."), onward=lambda made: _back()
    )


def _enrol(session: Session, actor: Actor, now: datetime) -> Enrolment:
    """The page's form states everything in one piece; what is not on it was stated before."""
    accepted = forms.load(schemas.EnrolmentSchema)
    stated = forms.load(schemas.StatementsSchema) if set(schemas.STATED) & set(request.form) else None
    return enrolments.enrol(session, actor, accepted["notice_version"], now, schemas.entity_of(stated))


def _back() -> str:
    """The listing whose test room the reader wanted to open, or the trial."""
    listing_id = request.form.get("listing_id", "")
    if listing_id.isalnum() and len(listing_id) == 26:
        return url_for("rooms.open_room", listing_id=listing_id)
    return url_for(".index")


@blueprint.post("/trial/enrolment/leave")
@needs(Permission.QUERY)
def leave() -> AnyResponse:
    """Take part no longer."""
    said = _("Your organisation has left the trial. You can join again.")
    return forms.act(enrolments.leave, again=_enrolment, said=said, onward=lambda made: url_for(".index"))


@blueprint.get("/trials/<trial_id>/participants")
@needs(Permission.SUSPEND)
def participants(trial_id: str) -> Response:
    """Who takes part and what they stated."""
    return _participants(trial_id)


def _participants(trial_id: str, refused: Refused | None = None) -> Response:
    session, now = identity.db_session(), clock.now()
    standing = service.standing_of(session, trial_id, now)
    return forms.page(
        "trials/participants.html", refused, standing=standing,
        list=enrolments.participants(session, identity.the_actor(), standing.row),
        may_exclude=identity.the_actor().may(Permission.RUN_TRIAL), codes=enrolments.BY_OPERATOR, **labels(),
    )  # fmt: skip


@blueprint.post("/trials/<trial_id>/participants/<enrolment_id>/<any(exclude, readmit):step>")
@needs(Permission.SUSPEND)
def participant(trial_id: str, enrolment_id: str, step: str) -> AnyResponse:
    """The operator ends a place; it or the trial's authority takes that back."""
    out = step == "exclude"
    return forms.act(
        enrolments.exclude if out else enrolments.readmit, enrolment_id,
        form=schemas.CodedSchema if out else schemas.ReasonSchema,
        again=lambda refused: _participants(trial_id, refused),
        said=_("The change is recorded and applies from now on."),
        onward=lambda made: url_for(".participants", trial_id=trial_id),
    )  # fmt: skip
