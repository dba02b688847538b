"""Pages: consent, an organisation's programs, and the programs that act in one's own name."""

from urllib.parse import urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from exchange import clock, identity
from exchange.accounts.forms import load, page
from exchange.accounts.models import Organisation
from exchange.accounts.rules import roles_for
from exchange.accounts.service import require_person
from exchange.errors import Refused
from exchange.headers import CONTENT_SECURITY_POLICY
from exchange.oauth import schemas, server, service
from exchange.permissions import SCOPES, Permission, needs

blueprint = Blueprint("oauth", __name__)


@blueprint.get("/oauth/authorize")
@needs(Permission.SIGNED_IN)
def authorize() -> AnyResponse:
    """Who asks, for whom, to do what; the person decides."""
    actor = require_person(identity.the_actor())
    try:
        server.check_parameters()
        grant = server.the_server().get_consent_grant(end_user=actor)
    except OAuth2Error as error:
        return _refused(error)
    db = identity.db_session()
    client = grant.request.client.row
    answer = Response(
        render_template(
            "oauth/consent.html",
            client=client,
            owner=db.get_one(Organisation, client.org_id),
            mine=db.get_one(Organisation, actor.org_id),
            scopes=grant.request.scope.split(),
            destination=urlsplit(grant.redirect_uri).netloc,
            action=request.full_path,
        )
    )
    # Browsers apply form-action to the redirect that follows the form, so the client's address must be named.
    parts = urlsplit(grant.redirect_uri)
    allowed = f"form-action 'self' {parts.scheme}://{parts.netloc}"
    answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace("form-action 'self'", allowed)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/oauth/authorize")
@needs(Permission.SIGNED_IN)
def decide() -> AnyResponse:
    """Back to the program with a code, or with the person's no."""
    actor = require_person(identity.the_actor())
    granted = request.form.get("decision") == "allow"
    try:
        server.check_parameters()
        grant = server.the_server().get_consent_grant(end_user=actor)
    except OAuth2Error as error:
        return _refused(error)
    answer: Response = server.the_server().create_authorization_response(
        grant_user=actor if granted else None, grant=grant
    )
    identity.db_session().commit()
    if answer.status_code == 302:
        answer.status_code = 303  # a GET from here on, whatever the browser
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _refused(error: OAuth2Error) -> AnyResponse:
    """To the program if its address is known to be its own, else a page: never redirect to an unknown address."""
    if error.redirect_uri:
        parameters = [*error.get_body(), ("iss", server.issuer())]
        return redirect(add_params_to_uri(error.redirect_uri, parameters), 303)
    described = error.get_error_description() or error.error
    return Response(render_template("oauth/refused.html", error=error.error, description=described), status=400)


@blueprint.get("/me/programs")
@needs(Permission.SIGNED_IN)
def programs() -> Response:
    """Programs that may act in one's name now."""
    actor = require_person(identity.the_actor())
    return page("oauth/programs.html", programs=service.programs_of(identity.db_session(), actor, clock.now()))


@blueprint.post("/me/programs/<client_id>/end")
@needs(Permission.SIGNED_IN)
def end_program(client_id: str) -> AnyResponse:
    """Take one's consent back."""
    db = identity.db_session()
    service.end_program(db, identity.the_actor(), client_id, clock.now())
    db.commit()
    flash(_("The program can no longer act in your name."), "good")
    return redirect(url_for("oauth.programs"), 303)


@blueprint.get("/me/clients")
@needs(Permission.MANAGE_CLIENTS)
def clients() -> Response:
    """The organisation's programs."""
    return _clients()


def _clients(refused: Refused | None = None, **made: object) -> Response:
    actor = require_person(identity.the_actor(), Permission.MANAGE_CLIENTS)
    answer = page(
        "oauth/clients.html",
        refused,
        clients=service.clients_of(identity.db_session(), actor.org_id),
        scopes=list(SCOPES),
        roles=roles_for(actor.kind),
        chosen_scopes=request.form.getlist("scopes"),
        chosen_roles=request.form.getlist("roles"),
        token_url=server.issuer() + url_for("oauth_api.token"),
        **made,
    )
    if made:
        answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/me/clients")
@needs(Permission.MANAGE_CLIENTS)
def create_client() -> AnyResponse:
    """Register a program; its secret stands on the answer to this very request and nowhere afterwards."""
    db = identity.db_session()
    try:
        form = load(schemas.ClientForm, "scopes", "roles")
        form["redirect_uris"] = form["redirect_uris"].split()
        client, secret = service.create_client(db, identity.the_actor(), **form, now=clock.now())
    except Refused as refused:
        return _clients(refused)
    identity.commit_logged()
    return _clients(made=client, secret=secret)


@blueprint.post("/me/clients/<client_id>/revoke")
@needs(Permission.MANAGE_CLIENTS)
def revoke_client(client_id: str) -> AnyResponse:
    """Out at once, with every token it holds."""
    service.revoke_client(identity.db_session(), identity.the_actor(), client_id, clock.now())
    identity.commit_logged()
    flash(_("The program is revoked. Its tokens no longer work."), "good")
    return redirect(url_for("oauth.clients"), 303)
