"""Pages: one's notices, what comes by e-mail, and the number in every page's header."""

from flask import Blueprint, Flask, Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts.forms import load, page
from exchange.accounts.models import User
from exchange.accounts.service import require_person
from exchange.errors import NotFound, Refused
from exchange.i18n import language
from exchange.notices import saying, schemas, service
from exchange.notices.words import GROUP_NAMES, GROUPS, Group, told
from exchange.permissions import Actor, Permission, needs

blueprint = Blueprint("notices", __name__)


@blueprint.get("/notices")
@needs(Permission.SIGNED_IN)
def listing() -> str:
    """What happened, newest first; ``?unread=1`` only what was not read."""
    try:
        asked = schemas.PageForm().load(request.args.to_dict())
    except ValidationError:
        raise NotFound() from None
    db, actor = identity.db_session(), require_person(identity.the_actor())
    found, more = service.page_of(db, actor, only_unread=asked["unread"], before=asked["before"])
    names = saying.listing_names(db, found, language())
    return render_template(
        "notices/index.html",
        notices=[(notice, saying.say(notice, names, language())) for notice in found],
        who=saying.organisation_names(db, found),
        groups={notice.id: _(GROUP_NAMES[how.group]) for notice in found if (how := told(notice.kind))},
        only_unread=asked["unread"],
        unread=service.unread(db, actor),
        before=asked["before"],
        more=more,
    )


@blueprint.get("/notices/<notice_id>")
@needs(Permission.SIGNED_IN)
def follow(notice_id: str) -> AnyResponse:
    """To the page of a notice, which is read from now on. Links in e-mails lead here; one for another organisation of
    the person asks first for whom they act."""
    db, actor = identity.writing_session(), identity.the_actor()
    notice = service.open_notice(db, actor, notice_id, clock.now())
    db.commit()
    if notice.org_id != actor.org_id:
        return redirect(
            url_for("accounts.choose_organisation", next=url_for("notices.follow", notice_id=notice_id)), 303
        )
    return redirect(request.script_root + notice.path, 303)


@blueprint.post("/notices/<notice_id>/read")
@needs(Permission.SIGNED_IN)
def mark_read(notice_id: str) -> AnyResponse:
    """Read, without going there."""
    db = identity.db_session()
    service.mark_read(db, identity.the_actor(), notice_id, clock.now())
    db.commit()
    return redirect(url_for("notices.listing", unread=request.form.get("unread") or None), 303)


@blueprint.post("/notices/read")
@needs(Permission.SIGNED_IN)
def mark_all_read() -> AnyResponse:
    """All that the page showed and older; what came since stays unread."""
    db = identity.db_session()
    try:
        newest = load(schemas.SeenForm)["newest"]
    except Refused:
        raise NotFound() from None
    service.mark_all_read(db, identity.the_actor(), newest, clock.now())
    db.commit()
    flash(_("All notices are marked as read."), "good")
    return redirect(url_for("notices.listing"), 303)


@blueprint.get("/me/notices")
@needs(Permission.SIGNED_IN)
def choices() -> Response:
    """What comes by e-mail."""
    return _choices()


def _choices(refused: Refused | None = None) -> Response:
    db, actor = identity.db_session(), require_person(identity.the_actor())
    chosen = request.form.getlist("mail") if refused else [g for g, yes in service.choices(db, actor).items() if yes]
    user = db.get_one(User, actor.user_id)
    return page(
        "notices/choices.html",
        refused,
        groups=[(str(group), _(GROUPS[group])) for group in Group],
        chosen=chosen,
        user=user,
        mailing=current_app.extensions["minhbach.notices"].mailing,
        mail_refused=service.mail_refused(db, actor),
    )


@blueprint.post("/me/notices")
@needs(Permission.SIGNED_IN)
def choose() -> AnyResponse:
    """From the next event on."""
    db = identity.db_session()
    try:
        form = load(schemas.ChoiceForm, "mail")
        wanted = {name: True for name in form["mail"]}
        service.choose(db, identity.the_actor(), dict.fromkeys(Group, False) | wanted, form["lang"])
    except Refused as refused:
        return _choices(refused)
    db.commit()
    flash(_("Your choice is kept. It applies from the next notice on."), "good")
    return redirect(url_for("notices.choices"), 303)


def init_app(app: Flask) -> None:
    """Give base.html a way to count. A page that tells of a fault is shown whatever keeps us from counting."""

    def unread_notices(actor: Actor) -> int:
        try:
            return service.unread(identity.db_session(), actor)
        except SQLAlchemyError:
            return 0

    app.jinja_env.globals.update(unread_notices=unread_notices, most_notices=service.MOST_COUNTED)
