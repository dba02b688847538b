"""Pages on which an owner lets people in and changes their roles."""

from flask import Blueprint, Response, current_app, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts import members, rules, schemas
from exchange.accounts.forms import load, page
from exchange.config import Config
from exchange.errors import Refused
from exchange.permissions import Permission, needs

blueprint = Blueprint("members", __name__)


@blueprint.get("/me/members")
@needs(Permission.MANAGE_MEMBERS)
def listing() -> Response:
    """Everybody in one's organisation, and open invitations."""
    return _page()


def _page(refused: Refused | None = None, *, link: str | None = None) -> Response:
    actor, db = identity.the_actor(), identity.db_session()
    answer = page(
        "accounts/members.html",
        refused,
        members=members.members_of(db, actor.org_id),
        invitations=members.open_invitations(db, actor.org_id, clock.now()),
        roles=rules.roles_for(actor.kind),
        link=link,
    )
    if link:
        answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/me/members")
@needs(Permission.MANAGE_MEMBERS)
def invite() -> AnyResponse:
    """A one-time link, shown on the answer to this very request and never again."""
    db = identity.db_session()
    try:
        form = load(schemas.InviteForm, "roles")
        _row, token = members.invite(db, identity.the_actor(), form["email"], form["roles"], clock.now())
    except Refused as refused:
        return _page(refused)
    db.commit()
    # On the host we are known by, whatever the request called us: a link that lets people in must not lead elsewhere.
    config: Config = current_app.extensions["minhbach.config"]
    return _page(link=config.base_url + url_for("accounts.accept", token=token))


@blueprint.post("/me/members/<user_id>")
@needs(Permission.MANAGE_MEMBERS)
def set_roles(user_id: str) -> AnyResponse:
    """Exactly these roles; none: the person leaves."""
    db = identity.db_session()
    try:
        form = load(schemas.RolesForm, "roles")
        members.set_roles(db, identity.the_actor(), user_id, form["roles"], clock.now())
    except Refused as refused:
        return _page(refused)
    db.commit()
    flash(_("The roles are changed. They apply from now on."), "good")
    return redirect(url_for("members.listing"), 303)


@blueprint.post("/me/invitations/<invitation_id>/withdraw")
@needs(Permission.MANAGE_MEMBERS)
def withdraw(invitation_id: str) -> AnyResponse:
    """The link stops working."""
    db = identity.db_session()
    members.withdraw_invitation(db, identity.the_actor(), invitation_id, clock.now())
    db.commit()
    flash(_("The invitation is withdrawn."), "good")
    return redirect(url_for("members.listing"), 303)
