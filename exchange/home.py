"""What stands around every page (navigation, who is there) and the few pages about the exchange itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Blueprint, Flask, current_app, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from exchange import identity
from exchange.errors import N_, ExchangeError
from exchange.permissions import Actor, Permission, public

log = structlog.get_logger()
blueprint = Blueprint("home", __name__)

# Label, endpoint, and whom it is for: a stranger sees only what asks for nothing.
_NAVIGATION: tuple[tuple[str, str, frozenset[Permission]], ...] = (
    (N_("Catalogue"), "catalogue.index", frozenset()),
    (N_("Publish"), "catalogue.mine", frozenset({Permission.PUBLISH})),
    (
        N_("Requests & contracts"),
        "negotiations.index",
        frozenset({Permission.REQUEST, Permission.NEGOTIATE, Permission.SIGN}),
    ),
    (N_("Trial"), "trials.index", frozenset()),
    (N_("Moderation"), "catalogue.moderation", frozenset({Permission.MODERATE})),
    (N_("Regulator desk"), "oversight.desk", frozenset({Permission.AUDIT})),
)


@dataclass(frozen=True)
class NavItem:
    """One entry of the main navigation."""

    label: str
    url: str
    current: bool


def _someone() -> Actor | None:
    """The actor for the page's frame. An error page must be shown whatever keeps us from knowing them."""
    try:
        return identity.actor()
    except (ExchangeError, SQLAlchemyError):
        log.warning("actor_unknown_on_page", exc_info=True)
        return None


def _address(endpoint: str) -> str | None:
    return url_for(endpoint) if endpoint in current_app.view_functions else None


def _navigation(actor: Actor | None) -> list[NavItem]:
    """Only what this reader may use, and only what this exchange has."""
    return [
        NavItem(_(label), url, request.endpoint == endpoint)
        for label, endpoint, anyone_with in _NAVIGATION
        if (not anyone_with or (actor is not None and actor.permissions & anyone_with))
        and (url := _address(endpoint)) is not None
    ]


def frame() -> dict[str, Any]:
    """What base.html needs on every page."""
    actor = _someone()
    return {
        "actor": actor,
        "nav": _navigation(actor),
        "account_url": _address("accounts.me"),
        "sign_in_url": _address("accounts.sign_in"),
        "sign_out_url": _address("accounts.sign_out"),
    }


def here(**changes: object) -> str:
    """This page's address with some of its query changed; None removes. A page that only takes posts leads home."""
    rule = request.url_rule
    path = request.path if rule is None or "GET" in (rule.methods or ()) else "/"
    query = {k: v for k, v in request.args.to_dict(flat=False).items() if k not in changes}
    query.update({k: [str(v)] for k, v in changes.items() if v is not None})
    address = request.script_root + "/" + path.lstrip("/")  # "//host" would lead elsewhere
    pairs = [(k, v) for k, values in query.items() for v in values]
    return address + ("?" + urlencode(pairs) if pairs else "")


def csrf_field() -> Markup:
    """The hidden input that every posting form of a page carries."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def _page(name: str) -> Callable[[], str]:
    @public
    def view() -> str:
        return render_template(f"home/{name}.html")

    return view


for _name in ("about", "privacy", "accessibility"):
    blueprint.add_url_rule(f"/{_name}", _name, _page(_name))


def init_app(app: Flask) -> None:
    """Give every template its frame and its helpers."""
    app.context_processor(frame)
    app.jinja_env.globals.update(here=here, csrf_field=csrf_field)
    app.register_blueprint(blueprint)
