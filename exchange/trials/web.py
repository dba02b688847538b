"""Pages of the trial: the certificate, the notice, the test room with its editor."""

from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Redirect

from exchange import clock, identity
from exchange.accounts import forms
from exchange.catalogue import service as catalogue
from exchange.catalogue import vocabulary
from exchange.error_pages import say
from exchange.errors import N_, NotFound, Refused
from exchange.permissions import OrgKind, Permission, needs
from exchange.trials import engine, hints, queries, rooms, rules, schemas, service, showing
from exchange.trials.queries import Asked
from sandbox.policy import Policy
from sandbox.trial import State, Verb

blueprint = Blueprint("trials", __name__)

STATES = {
    State.NOT_STARTED: (N_("Not begun"), "wait"),
    State.ACTIVE: (N_("Running"), "good"),
    State.SUSPENDED: (N_("Suspended"), "bad"),
    State.EXPIRED: (N_("Expired"), "off"),
    State.TERMINATED: (N_("Terminated"), "off"),
    State.NOT_AUTHORISED: (N_("Certificate incomplete"), "bad"),
}
CHANGES = {
    "suspended": N_("Suspend the trial"),
    "resumed": N_("Resume the trial"),
    "terminated": N_("Terminate the trial for good"),
}
CHANGED = {
    "extended": N_("Extended"),
    "suspended": N_("Suspended"),
    "resumed": N_("Resumed"),
    "terminated": N_("Terminated"),
}
VERBS = {Verb.OWN: N_("To own"), Verb.MANAGE: N_("To manage"), Verb.PROCESS: N_("To process"),
         Verb.DISTRIBUTE: N_("To distribute")}  # fmt: skip
LEVELS = {
    1: N_("Level 1: chosen participants, results are not used"),
    2: N_("Level 2: real users, results are used"),
    3: N_("Level 3: sensitive, core, important or child data"),
}
# A picture in SVG styles itself; it is shown by <img>, where nothing in it can run.
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


# --- the pilot ----------------------------------------------------------------------------------------------------


@blueprint.get("/trial")
@needs(Permission.SIGNED_IN)
def index() -> Response:
    """The certificate, what is used of its caps, our own enrolment."""
    return _index()


def _index(refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    standing = service.standing(session, now)
    mine = service.enrolment_of(session, standing.row, actor.org_id) if standing else None
    return forms.page(
        "trials/index.html",
        refused,
        standing=standing,
        mine=mine,
        may_enrol=actor.kind == OrgKind.MEMBER and actor.may(Permission.QUERY),
        may_grant=actor.may(Permission.RUN_TRIAL),
        may_change=actor.may(Permission.SUSPEND),
        rooms=rooms.rooms_of(session, actor) if actor.may(Permission.QUERY) else [],
        now=now,
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {"states": STATES, "changes": CHANGES, "changed": CHANGED, "verbs": VERBS, "levels": LEVELS,
            "words": vocabulary, "standard": service.Certificate}  # fmt: skip


@blueprint.post("/trial")
@needs(Permission.RUN_TRIAL)
def grant() -> Response | Redirect:
    """Record a certificate."""
    session, actor = identity.db_session(), identity.the_actor()
    try:
        values = forms.load(schemas.CertificateSchema, "sectors", "classes", "verbs")
        service.grant_trial(session, actor, certificate(values), clock.now())
    except Refused as refused:
        session.rollback()
        return _index(refused)
    identity.commit_logged()
    flash(_("The certificate is recorded."), "good")
    return redirect(url_for(".index"), 303)


def certificate(values: dict[str, Any]) -> service.Certificate:
    """The certificate of these fields; a cap left empty is the usual one."""
    named = {name: values.get(name) or "" for name in ("cert_no", "authority", "notice_version")}
    return service.Certificate(**{name: value for name, value in values.items() if value is not None} | named)


@blueprint.post("/trial/enrolment")
@needs(Permission.QUERY)
def enrol() -> Response | Redirect:
    """Take part and accept the notice."""
    session, actor = identity.db_session(), identity.the_actor()
    try:
        service.enrol(session, actor, forms.load(schemas.NoticeSchema)["notice_version"], clock.now())
    except Refused as refused:
        session.rollback()
        return _index(refused)
    identity.commit_logged()
    flash(_("Your organisation takes part in the trial."), "good")
    onward = request.form.get("listing_id", "")
    if onward.isalnum() and len(onward) == 26:
        return redirect(url_for(".open_room", listing_id=onward), 303)
    return redirect(url_for(".index"), 303)


@blueprint.post("/trial/<trial_id>/change")
@needs(Permission.SUSPEND)
def change(trial_id: str) -> Response | Redirect:
    """Suspend, resume or terminate."""
    session, actor = identity.db_session(), identity.the_actor()
    try:
        values = forms.load(schemas.ChangeSchema)
        service.change_trial(session, actor, trial_id, values["kind"], values.get("reason") or "", clock.now())
    except Refused as refused:
        session.rollback()
        return _index(refused)
    identity.commit_logged()
    flash(_("The change is recorded and applies from now on."), "good")
    return redirect(url_for(".index"), 303)


# --- opening ------------------------------------------------------------------------------------------------------


@blueprint.get("/listings/<listing_id>/test-room")
@needs(Permission.QUERY)
def open_room(listing_id: str) -> Response:
    """What a test room of this listing is, and whether one may be opened."""
    return _before_opening(listing_id)


@blueprint.post("/listings/<listing_id>/test-room")
@needs(Permission.QUERY)
def open_new(listing_id: str) -> Response | Redirect:
    """Open it; the room that is open already, if there is one."""
    try:
        room = engine.open_room(listing_id)
    except Refused as refused:
        identity.release()
        return _before_opening(listing_id, refused)
    return redirect(url_for(".room", room_id=room.id), 303)


def _before_opening(listing_id: str, refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    shown = catalogue.published(session, listing_id)
    barred = () if refused else service.judge_action(session, rooms.query_act(shown, actor.org_id), now)
    policy = None
    standing = service.standing(session, now)
    if not refused and not barred and standing is not None:
        policy = Policy.from_json(rooms.prepare_room(session, actor, listing_id, now).plan.policy)
    return forms.page(
        "trials/open.html",
        refused or (Refused(*barred, status=200) if barred else None),
        shown=shown,
        policy=policy,
        columns=showing.columns(policy) if policy else [],
        standing=standing,
        minutes=rules.SESSION_MINUTES,
    )


# --- the room -----------------------------------------------------------------------------------------------------


@blueprint.get("/test-rooms/<room_id>")
@needs(Permission.QUERY)
def room(room_id: str) -> Response:
    """Editor, answer, schema, budget, history. ``?example=``, ``?fix=`` and ``?run=`` fill the editor."""
    return _room(room_id)


def _room(room_id: str, refused: Refused | None = None) -> Response:
    session, actor, now = identity.db_session(), identity.the_actor(), clock.now()
    found = rooms.room_of(session, actor, room_id)
    examples = hints.examples(found.policy)
    run = _asked_for(room_id, "run")
    refusal = queries.refusal_of(run) if run else None
    return forms.page(
        "trials/room.html",
        refused,
        room=found,
        is_open=found.open_at(now),
        minutes_left=max(0, int((found.row.closes_at - now).total_seconds() // 60)),
        minutes=rules.SESSION_MINUTES,
        examples=examples,
        sql=_text(room_id, examples),
        columns=showing.columns(found.policy),
        run=run,
        refusal=say(refusal) if refusal else None,
        place=hints.around(run.sql, run.facts.get("position")) if run and refusal else None,
        nearest=hints.nearest(run.sql, found.policy) if run and refusal else None,
        table=showing.table(run) if run else None,
    )


def _asked_for(room_id: str, name: str) -> queries.QueryRun | None:
    run_id = request.args.get(name, "")
    if not run_id:
        return None
    try:
        return queries.run_of(identity.db_session(), identity.the_actor(), room_id, run_id)
    except NotFound:
        return None


def _text(room_id: str, examples: list[str]) -> str:
    """What stands in the editor: what was typed, a fix, an example, an earlier question, or the second example."""
    if "sql" in request.form:
        return request.form["sql"]
    fixed = _asked_for(room_id, "fix")
    if fixed is not None:
        found = rooms.room_of(identity.db_session(), identity.the_actor(), room_id)
        return hints.nearest(fixed.sql, found.policy) or fixed.sql
    earlier = _asked_for(room_id, "run")
    number = request.args.get("example", "")
    if number.isascii() and number.isdecimal() and 0 < int(number[:4]) <= len(examples):
        return examples[int(number[:4]) - 1]
    return earlier.sql if earlier else examples[min(1, len(examples) - 1)] if examples else ""


@blueprint.post("/test-rooms/<room_id>/runs")
@needs(Permission.QUERY)
def ask(room_id: str) -> Response | Redirect:
    """One question."""
    try:
        run = engine.ask(room_id, Asked(_typed()))
    except Refused as refused:
        identity.release()
        return _room(room_id, refused)
    return redirect(url_for(".room", room_id=room_id, run=run.id, _anchor="answer"), 303)


def _typed() -> str:
    return request.form.get("sql", "").replace("\r\n", "\n")


@blueprint.post("/test-rooms/<room_id>/check")
@needs(Permission.QUERY)
def check(room_id: str) -> Response:
    """Whether a question would be let through; spends nothing. For the editor's script."""
    session, actor = identity.db_session(), identity.the_actor()
    found = queries.check(session, actor, room_id, Asked(_typed()), clock.now())
    if found.refusal is None:
        return jsonify(ok=True, message=_("This question passes the rules. Asking it uses one question."))
    line = say(found.refusal)
    return jsonify(ok=False, message=line["message"], passes=line["passes"], code=line["code"])


@blueprint.get("/test-rooms/<room_id>/runs/<run_id>/chart.svg")
@needs(Permission.QUERY)
def chart(room_id: str, run_id: str) -> Response:
    """The answer as a picture."""
    run = queries.run_of(identity.db_session(), identity.the_actor(), room_id, run_id)
    if run.answer is None or not showing.charted(run.answer):
        raise NotFound(run_id)
    answer = Response(showing.chart(run.answer), mimetype="image/svg+xml")
    answer.headers["Content-Security-Policy"] = SVG_POLICY
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.post("/test-rooms/<room_id>/export")
@needs(Permission.QUERY)
def export(room_id: str) -> Response:
    """Always refused, and recorded (X30)."""
    session = identity.db_session()
    refusal = queries.refuse_export(session, identity.the_actor(), room_id, clock.now())
    session.commit()
    raise Refused(refusal, status=403)


@blueprint.post("/test-rooms/<room_id>/close")
@needs(Permission.QUERY)
def close(room_id: str) -> Redirect:
    """Shut the room before its time."""
    session = identity.db_session()
    closed = rooms.close_room(session, identity.the_actor(), room_id, clock.now())
    session.commit()
    flash(_("The test room is closed. Its answers are forgotten, its receipts stay in the log."), "good")
    if closed.contract_id:
        return redirect(url_for("contracts.show", contract_id=closed.contract_id, _anchor="questions"), 303)
    return redirect(url_for(".open_room", listing_id=closed.listing_id), 303)
