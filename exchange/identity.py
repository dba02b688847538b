"""Who is there: an actor from a session cookie (pages) or from a bearer token (programs), never both."""

from typing import Any, cast

from flask import Flask, current_app, g, request, session
from sqlmodel import Session

from exchange import clock
from exchange.errors import NotFound, NotPermitted, NotSignedIn
from exchange.permissions import Actor, Permission


def db_session() -> Session:
    """This request's database session: writing for unsafe methods, reading otherwise. Closed at the request's end."""
    if "db_session" not in g:
        database = current_app.extensions["minhbach.database"]
        safe = request.method in ("GET", "HEAD", "OPTIONS")
        g.db_session = database.reading() if safe else database.writing()
    return cast(Session, g.db_session)


def writing_session() -> Session:
    """A writing session inside a safe request (a GET that must be logged, such as a download)."""
    release()
    g.db_session = current_app.extensions["minhbach.database"].writing()
    return cast(Session, g.db_session)


def release() -> None:
    """Give the connection back now: before streaming a long body, so that nobody waits for our lock."""
    held = g.pop("db_session", None)
    if held is not None:
        held.close()


def commit_logged() -> None:
    """Commit this request's session, then give its records their place in the tree before anybody is answered.

    If sequencing fails (the key is gone, the disk is full) the change stands and waits in the outbox: what depends
    on being in the tree, such as a contract's being in force, is then simply not so yet.
    """
    db_session().commit()
    release()
    current_app.extensions["minhbach.sequencer"].try_run()
    g.log_moved = True


def actor() -> Actor | None:
    """The actor of this request, or None. A wrong or expired token is an error, not a stranger."""
    if "actor" not in g:
        g.actor = _from_token() if _speaks_api() else _from_cookie()
    return cast(Actor | None, g.actor)


def the_actor() -> Actor:
    """The actor of this request; raises NotSignedIn when nobody is there."""
    somebody = actor()
    if somebody is None:
        raise NotSignedIn()
    return somebody


def _speaks_api() -> bool:
    return request.path.startswith("/api/") or "Authorization" in request.headers


def _from_token() -> Actor | None:
    from exchange.oauth.service import actor_of_token  # late: oauth sits above identity and uses it too

    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not token:
        return None
    if scheme.lower() != "bearer":
        raise NotSignedIn()
    found = actor_of_token(db_session(), token.strip(), clock.now())
    if found is None:
        raise NotSignedIn()
    return found


def _from_cookie() -> Actor | None:
    from exchange.accounts.service import actor_of_sign_in  # late, as above

    token = session.get("sign_in")
    return actor_of_sign_in(db_session(), str(token), clock.now()) if token else None


def guard() -> None:
    """Before every request: a view that is not public needs an actor with the permission it declares."""
    if "\0" in request.path or any("\0" in value for value in request.args.values()):
        raise NotFound()  # no text of ours holds it, and PostgreSQL refuses to compare it
    if request.endpoint is None or request.endpoint == "static":
        return
    permission = permission_of(current_app, request.endpoint, request.method)
    if permission is None:
        return
    if not the_actor().may(permission):
        raise NotPermitted(permission)


def permission_of(app: Flask, endpoint: str, method: str) -> Permission | None:
    """What the view declared by ``@needs`` or ``@public``; raises LookupError when it declared nothing."""
    view = app.view_functions[endpoint]
    if endpoint in UNDECLARED_PUBLIC:
        return None
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        handler = getattr(view_class, {"head": "get"}.get(method.lower(), method.lower()), None)
        if handler is None:  # OPTIONS, or a method that will answer 405
            return None
        view = handler
    try:
        return cast(Permission | None, cast(Any, view).permission)
    except AttributeError:
        raise LookupError(f"{endpoint} is neither public nor guarded: add @needs(...) or @public") from None


# Views of libraries that cannot carry our mark: the OpenAPI document.
UNDECLARED_PUBLIC = frozenset({"static", "api-docs.openapi_json"})


def init_app(app: Flask) -> None:
    """Guard every request and give back the database session at its end."""
    app.before_request(guard)
    app.teardown_request(lambda _error: release())


def check_every_view_is_guarded(app: Flask) -> None:
    """Refuse to start with a view that declared neither a permission nor that it is public."""
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            permission_of(app, rule.endpoint, method)
