"""The provider's pages of a listing's test rooms: questions in plain words, a preview with the twin, versions."""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError
from werkzeug.wrappers import Response as Redirect

from exchange import clock, identity
from exchange.accounts import forms
from exchange.catalogue import moderation
from exchange.error_pages import say
from exchange.errors import N_, NotFound, Refusal, Refused
from exchange.permissions import Permission, needs
from exchange.rooms import design_answers, design_columns, designs, hints, measured, rules, showing, twins
from exchange.rooms.design_noise import noise
from exchange.rooms.design_schemas import AnswersSchema
from exchange.rooms.designs import Desk
from exchange.rooms.twins import Tried
from exchange.store import the_store
from sandbox.policy import GRAINS, Policy

blueprint = Blueprint("designs", __name__)

USES = {
    "never": N_("Never touched"),
    "group": N_("Grouped by"),
    "filter": N_("Grouped by and filtered"),
    "sum": N_("Summed and averaged"),
}
PERIODS = {"month": N_("Month"), "quarter": N_("Quarter"), "year": N_("Year")}
FIELDS = ("use", "values", "public", "low", "high", "first", "last")
NUMBERS = ("rows_per_unit", "min_group", "questions", "per_day")


@blueprint.get("/listings/<listing_id>/test-room/rules")
@needs(Permission.PUBLISH)
def questions(listing_id: str) -> Response:
    """The questions with the answers so far."""
    at = _desk(listing_id)
    return _questions(at, at.answers)


@blueprint.post("/listings/<listing_id>/test-room/rules")
@needs(Permission.PUBLISH)
def save(listing_id: str) -> Response | Redirect:
    """Keep the answers; ``then`` says where to go on. ``take-3`` fetches the public values of the fourth column,
    ``all-date`` gives one use to every column of days."""
    at = _desk(listing_id)
    typed = _typed(at)
    then, _dash, what = request.form.get("then", "").partition("-")
    said = _("Saved. Nothing applies before you publish it.")
    try:
        answers = checked(typed)
        if then == "take":
            answers = _with_measured(at, answers, what)
        elif then == "all":
            answers, said = _all_at_once(at, answers, what)
    except Refused as refused:
        return _questions(_desk(listing_id), typed, refused)
    session = identity.db_session()
    designs.save_draft(session, identity.the_actor(), listing_id, answers, clock.now())
    session.commit()
    flash(said, "good")
    return redirect(_next(listing_id, then, what), 303)


def _next(listing_id: str, then: str, what: str) -> str:
    if then == "preview":
        return url_for(".preview", listing_id=listing_id)
    if then == "take":
        fact = dict(enumerate(design_answers.facts(_desk(listing_id).asset)))[int(what)]
        kind = design_columns.kind_of(fact)
        return url_for(".questions", listing_id=listing_id, kind=kind, _anchor=f"column-{what}")
    if then == "all":
        return url_for(".questions", listing_id=listing_id, kind=what, _anchor=f"kind-{what}")
    return url_for(".questions", listing_id=listing_id)


@blueprint.get("/listings/<listing_id>/test-room/rules/preview")
@needs(Permission.PUBLISH)
def preview(listing_id: str) -> Response:
    """What a buyer sees under the answers so far, or under ``?version=``; the twin, and publishing."""
    return _preview(_desk(listing_id))


@blueprint.post("/listings/<listing_id>/test-room/rules/preview")
@needs(Permission.PUBLISH)
def attempt(listing_id: str) -> Response:
    """One question on generated rows."""
    at = _desk(listing_id)
    sql = request.form.get("sql", "").replace("\r\n", "\n")
    document = _document(at)
    policy = designs.preview(at, document, clock.now())
    whole = designs.whole(at, document, clock.now())
    identity.release()
    return _preview(_desk(listing_id), twins.ask(policy, whole, sql))


@blueprint.post("/listings/<listing_id>/test-room/rules/publish")
@needs(Permission.PUBLISH)
def publish(listing_id: str) -> Response | Redirect:
    """Put the draft in force for rooms opened from now on."""
    session, actor = identity.db_session(), identity.the_actor()
    at = _desk(listing_id)
    try:
        made = designs.publish(session, actor, listing_id, at.answers, clock.now())
    except Refused as refused:
        session.rollback()
        return _preview(_desk(listing_id), refused=refused)
    identity.commit_logged()
    flash(_("Version %(number)s is in force for rooms opened from now on.", number=made.number), "good")
    return redirect(url_for(".preview", listing_id=listing_id), 303)


@blueprint.post("/listings/<listing_id>/test-room/rules/default")
@needs(Permission.PUBLISH)
def to_default(listing_id: str) -> Redirect:
    """Back to the exchange's own draft."""
    session = identity.db_session()
    designs.to_default(session, identity.the_actor(), listing_id, clock.now())
    identity.commit_logged()
    flash(_("The default is in force for rooms opened from now on."), "good")
    return redirect(url_for(".preview", listing_id=listing_id), 303)


def checked(typed: Any) -> dict[str, Any]:
    """Answers of the right shape; raises Refused with the path of every field that is not."""
    try:
        return dict(AnswersSchema().load(typed))
    except ValidationError as error:
        raise Refused(*_flat(error.normalized_messages(), "")) from None


def _flat(messages: dict[Any, Any], path: str) -> list[Refusal]:
    found = []
    for key, inner in messages.items():
        here = path if key in ("value", "key") or isinstance(key, int) else f"{path}.{key}".lstrip(".")
        if isinstance(inner, dict):
            found += _flat(inner, here)
        else:
            found += [Refusal("FIELD_INVALID", text, field=here) for text in inner[:1]]
    return found


# --- from form to answers -----------------------------------------------------------------------------------------


def _desk(listing_id: str) -> Desk:
    return designs.desk(identity.db_session(), identity.the_actor(), listing_id)


def _typed(at: Desk) -> dict[str, Any]:
    """The form as answers, whatever was typed."""
    form = request.form
    typed: dict[str, Any] = {
        "unit": form.get("unit", ""), "grain": form.get("grain", "month"), "noise": form.get("noise") == "1",
        "round_to": _int(form.get("round_to", "1")), "watermark": "watermark" in form, "columns": {},
        "epsilon_total_micro": _micro(form.get("epsilon_total_micro", "")),
        "epsilon_release_micro": _micro(form.get("epsilon_release_micro", "")),
    }  # fmt: skip
    typed |= {name: form.get(name, "") for name in NUMBERS}
    for place, fact in enumerate(design_answers.facts(at.asset)):
        if f"use-{place}" in form:
            typed["columns"][fact.source] = _column(place)
    kept = at.answers.get("templates")  # no page writes them, so none may lose them
    return typed | ({"templates": kept} if kept else {})


def _column(place: int) -> dict[str, Any]:
    given = {name: request.form.get(f"{name}-{place}") for name in FIELDS}
    lines = (given.pop("values") or "").splitlines()
    values = [line.strip() for line in lines if line.strip()]
    public = given.pop("public") is not None
    return {**{name: text for name, text in given.items() if text is not None}, "values": values, "public": public}


def _int(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


def _micro(text: str) -> int | str:
    """An epsilon as people write it, in millionths."""
    try:
        value = Decimal(text.strip().replace(",", ".")) * 1_000_000
        return int(value) if value == value.to_integral_value() and abs(value) < 10**12 else text
    except (InvalidOperation, ValueError):
        return text


def _with_measured(at: Desk, answers: dict[str, Any], place: str) -> dict[str, Any]:
    """The same answers with the different values of one column of the file, which its provider says are public."""
    facts = design_answers.facts(at.asset)
    if not place.isdecimal() or int(place[:4]) >= len(facts):
        raise NotFound(place)
    fact = facts[int(place[:4])]
    column, where = answers["columns"].get(fact.source, {}), f"columns.{fact.source}"
    if "group" not in fact.uses or not column.get("public"):
        raise Refused(design_answers.not_public(f"{where}.public"))
    key, format = at.asset.file_key, at.asset.format
    identity.release()
    with the_store().local_path(key) as source:
        values = measured.distinct(source, format, fact.source, fact.type, f"{where}.values")
    columns = {**answers["columns"], fact.source: {**column, "values": values}}
    return {**answers, "columns": columns}


def _all_at_once(at: Desk, answers: dict[str, Any], kind: str) -> tuple[dict[str, Any], str]:
    """One use for many columns, and the sentence that says for how many."""
    use, beginning = (request.form.get(f"{name}-{kind}", "") for name in ("all", "begins"))
    answers, count = design_columns.set_all(design_answers.facts(at.asset), answers, kind, use, beginning.strip())
    words = {"count": count, "use": _(USES[use]), "kept": _("Saved. Nothing applies before you publish it.")}
    return answers, _("Set for %(count)s columns: %(use)s. %(kept)s", **words)


# --- pages --------------------------------------------------------------------------------------------------------


def _questions(at: Desk, answers: dict[str, Any], refused: Refused | None = None) -> Response:
    facts = design_answers.facts(at.asset)
    found = forms.page(
        "rooms/design.html",
        None,
        at=at,
        answers=answers,
        facts=facts,
        groups=design_columns.grouped(facts, answers),
        wide=sum(len(fact.uses) > 1 for fact in facts) > design_columns.OPEN_UP_TO,
        opened=request.args.get("kind"),
        unusable=[fact for fact in facts if len(fact.uses) == 1],
        hits={column: _(kind) for column, kind, _count in moderation.hits_in_words(at.asset)},
        least=design_answers.least_group(at.version),
        uses=[(use, _(text)) for use, text in USES.items()],
        periods=[(grain, _(PERIODS[grain])) for grain in GRAINS[2:]],
        roundings=design_answers.ROUNDINGS,
        noise=noise(answers) if refused is None else None,
        problems=_named(at, refused.refusals if refused else ()),
    )
    found.status_code = refused.status if refused else 200
    return found


def _named(at: Desk, refusals: tuple[Refusal, ...] | list[Refusal]) -> list[dict[str, Any]]:
    """Refusals with the field as the form calls it: ``columns.weight.low`` is ``low-3``."""
    known = {fact.source: fact for fact in design_answers.facts(at.asset)}
    places = {source: place for place, source in enumerate(known)}
    found = []
    for line in map(say, refusals):
        field = str(line["field"] or "")
        if field.startswith("columns."):
            source, _dot, name = field.removeprefix("columns.").rpartition(".")
            kind = design_columns.kind_of(known[source]) if source in known else None
            line |= {"field": f"{name}-{places.get(source, 0)}", "column": source, "kind": kind}
        found.append(line)
    return found


def _document(at: Desk) -> dict[str, Any] | None:
    """The design that the preview shows: the draft, or the version that the address names."""
    number = request.args.get("version", "")
    if number.isascii() and number.isdecimal():
        return designs.version_of(at, int(number[:9])).document
    if at.draft is None and at.current is None:
        return None
    return at.document(at.answers)


def _preview(at: Desk, tried: Tried | None = None, refused: Refused | None = None) -> Response:
    policy: Policy | None = None
    barred = refused
    if barred is None:
        try:
            policy = designs.preview(at, _document(at), clock.now())
        except Refused as found:
            barred = found
    shown = design_answers.problems(at.answers, at.asset, at.version) if at.draft and not refused else []
    examples = hints.examples(policy) if policy else []
    number = request.args.get("example", "")
    chosen = examples[int(number[:4]) - 1 : int(number[:4])] if number.isdecimal() and int(number[:4]) > 0 else []
    page = forms.page(
        "rooms/design_preview.html",
        None,
        at=at,
        policy=policy,
        version=request.args.get("version"),
        columns=showing.columns(policy) if policy else [],
        examples=examples,
        approved=hints.approved(policy) if policy else [],
        sql=tried.sql if tried else next(iter(chosen or examples[1:2] or examples), ""),
        problems=_named(at, shown or (barred.refusals if barred else ())),
        **_outcome(tried, policy),
    )
    page.status_code = refused.status if refused else 200
    return page


def _outcome(tried: Tried | None, policy: Policy | None) -> dict[str, Any]:
    """What the page shows of a question tried."""
    if tried is None:
        return {"tried": None, "refusal": None, "table": None}
    denied = tried.denied
    return {
        "tried": tried,
        "refusal": say(rules.say_denied(denied, "sql")) if denied else None,
        "place": hints.around(tried.sql, denied.facts.get("position")) if denied else None,
        "nearest": hints.nearest(tried.sql, policy) if denied and policy else None,
        "table": showing.table(tried.answer),
        "chart": showing.picture(tried.answer),
    }
