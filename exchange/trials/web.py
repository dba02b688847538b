"""Pages of the trial: its certificate and history for everybody, taking part, and the decisions on a running trial."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlmodel import Session
from werkzeug.wrappers import Response as Redirect

from exchange import clock, identity
from exchange.accounts import forms
from exchange.catalogue import vocabulary
from exchange.error_pages import say
from exchange.errors import N_, Refused
from exchange.i18n import language
from exchange.permissions import Actor, OrgKind, Permission, needs, public
from exchange.trials import enrolments, lifecycle, schemas, service, words
from exchange.trials.models import Trial
from sandbox import rules as core_rules
from sandbox import trial as core
from sandbox import words as sentences
from sandbox.rules import Entity
from sandbox.trial import EventKind

blueprint = Blueprint("trials", __name__)
Act = Callable[[Session, Actor], object]


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
def grant() -> Response | Redirect:
    """Copy a certificate that an authority outside the exchange issued on paper."""

    def act(session: Session, actor: Actor) -> object:
        values = forms.load(schemas.CertificateSchema, "sectors", "classes", "verbs")
        return service.grant_trial(session, actor, certificate(values), clock.now())

    return _done(act, N_("The certificate is recorded."))


def certificate(values: dict[str, Any]) -> service.Certificate:
    """The certificate of these fields; a cap left empty is the usual one."""
    named = {name: values.get(name) or "" for name in ("cert_no", "authority", "notice_version")}
    return service.Certificate(**{name: value for name, value in values.items() if value is not None} | named)


@blueprint.post("/trial/<trial_id>/change")
@needs(Permission.SUSPEND)
def change(trial_id: str) -> Response | Redirect:
    """Suspend, resume or terminate."""

    def act(session: Session, actor: Actor) -> object:
        values = forms.load(schemas.ChangeSchema)
        reason, code = values.get("reason") or "", values["code"]
        return lifecycle.change_trial(session, actor, trial_id, values["kind"], reason, clock.now(), code)

    return _done(act, N_("The change is recorded and applies from now on."), trial_id)


@blueprint.post("/trial/<trial_id>/extension")
@needs(Permission.RUN_TRIAL)
def ask_extension(trial_id: str) -> Response | Redirect:
    """Ask for more time."""

    def act(session: Session, actor: Actor) -> object:
        values = forms.load(schemas.ExtensionSchema)
        reason = values.get("reason") or ""
        return lifecycle.ask_extension(session, actor, trial_id, values["until"], reason, clock.now())

    return _done(act, N_("The authority has been asked."), trial_id)


@blueprint.post("/trial/<trial_id>/extension/answer")
@needs(Permission.SUSPEND)
def answer_extension(trial_id: str) -> Response | Redirect:
    """Grant or refuse it, or take the asking back."""

    def act(session: Session, actor: Actor) -> object:
        values = forms.load(schemas.AnswerSchema)
        reason = values.get("reason") or ""
        return lifecycle.answer_extension(session, actor, trial_id, values["granted"], reason, clock.now())

    return _done(act, N_("The answer is recorded."), trial_id)


@blueprint.post("/trial/<trial_id>/security")
@needs(Permission.RUN_TRIAL)
def renew_security(trial_id: str) -> Response | Redirect:
    """Record a newer security certificate."""

    def act(session: Session, actor: Actor) -> object:
        values = forms.load(schemas.SecuritySchema)
        until, reason = values["security_until"], values.get("reason") or ""
        return lifecycle.renew_security(session, actor, trial_id, until, reason, clock.now())

    return _done(act, N_("The security certificate is recorded."), trial_id)


@blueprint.post("/trial/<trial_id>/evaluation")
@needs(Permission.SUSPEND)
def evaluate(trial_id: str) -> Response | Redirect:
    """What the trial came to."""

    def act(session: Session, actor: Actor) -> object:
        values = forms.load(schemas.CodedSchema)
        reason = values.get("reason") or ""
        return lifecycle.evaluate(session, actor, trial_id, values["code"], reason, clock.now())

    return _done(act, N_("The evaluation is recorded."), trial_id)


@blueprint.post("/trial/<trial_id>/close")
@needs(Permission.SUSPEND)
def close(trial_id: str) -> Response | Redirect:
    """The end."""

    def act(session: Session, actor: Actor) -> object:
        reason = forms.load(schemas.ReasonSchema).get("reason") or ""
        return lifecycle.close(session, actor, trial_id, reason, clock.now())

    return _done(act, N_("The trial is closed."), trial_id)


def _done(act: Act, said: str, trial_id: str | None = None) -> Response | Redirect:
    """One use case, one commit, and back to the trial's page; refused: the same page with what was typed."""
    session, actor = identity.db_session(), identity.the_actor()
    try:
        act(session, actor)
    except Refused as refused:
        session.rollback()
        return _page(trial_id, refused)
    identity.commit_logged()
    flash(_(said), "good")
    return redirect(url_for(".one", trial_id=trial_id) if trial_id else url_for(".index"), 303)


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
def enrol() -> Response | Redirect:
    """Take part and accept the notice."""
    session, actor = identity.db_session(), identity.the_actor()
    try:
        notice = forms.load(schemas.EnrolmentSchema)["notice_version"]
        stated = forms.load(schemas.StatementsSchema) if set(schemas.STATED) & set(request.form) else None
        enrolments.enrol(session, actor, notice, clock.now(), entity_of(stated))
    except Refused as refused:
        session.rollback()
        return _enrolment(refused)
    identity.commit_logged()
    flash(_("Your organisation takes part in the trial."), "good")
    onward = request.form.get("listing_id", "")
    if onward.isalnum() and len(onward) == 26:
        return redirect(url_for("rooms.open_room", listing_id=onward), 303)
    return redirect(url_for(".index"), 303)


def entity_of(stated: dict[str, Any] | None) -> Entity | None:
    """The statements as the rules read them."""
    if stated is None:
        return None
    return Entity(
        vietnamese=stated["vietnamese"], reorganising=stated["reorganising"],
        licence_valid_to=stated.get("licence_valid_to"), manager_degree=stated["manager_degree"],
        manager_years=stated.get("manager_years") or 0,
    )  # fmt: skip


@blueprint.post("/trial/enrolment/leave")
@needs(Permission.QUERY)
def leave() -> Redirect:
    """Take part no longer."""
    enrolments.leave(identity.db_session(), identity.the_actor(), clock.now())
    identity.commit_logged()
    flash(_("Your organisation has left the trial. You can join again."), "good")
    return redirect(url_for(".index"), 303)


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
def participant(trial_id: str, enrolment_id: str, step: str) -> Response | Redirect:
    """The operator ends a place; it or the trial's authority takes that back."""
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    try:
        values = forms.load(schemas.CodedSchema)
        code, reason = values.get("code") or "", values.get("reason") or ""
        if step == "readmit":
            enrolments.readmit(session, actor, enrolment_id, reason, now)
        else:
            enrolments.exclude(session, actor, enrolment_id, code, reason, now)
    except Refused as refused:
        session.rollback()
        return _participants(trial_id, refused)
    identity.commit_logged()
    flash(_("The change is recorded and applies from now on."), "good")
    return redirect(url_for(".participants", trial_id=trial_id), 303)
