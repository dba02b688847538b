"""Pages of the leak meter: the provider's, of one listing; the operator's, of all accounts; and the switch."""

from flask import Blueprint, Response, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Redirect

from exchange import identity
from exchange.accounts import forms
from exchange.errors import N_, Refused
from exchange.i18n import language
from exchange.permissions import OrgKind, Permission, needs
from exchange.rooms import engine, leaks, schemas
from exchange.rooms.leaks import Change
from exchange.rooms.models import BudgetEntry
from sandbox import words_leak
from sandbox.compile import UNLIMITED
from sandbox.leak import Level, Tie

blueprint = Blueprint("leaks", __name__)

LEVELS = {
    Level.CALM: (N_("Quiet"), "good"),
    Level.WATCH: (N_("Worth a look"), "wait"),
    Level.STOPPED: (N_("Stopped"), "bad"),
}
STATES = {"open": N_("Questions may be asked"), "paused": N_("Paused"), "killed": N_("Ended for good")}
TIES = {
    Tie.TAX_CODE: N_("one tax code"),
    Tie.MEMBER: N_("a person in both"),
    Tie.MAIL: N_("addresses of one e-mail domain"),
    Tie.PROGRAM: N_("a program of the one acts for the other"),
}
CAUSES = {
    "STOP_REACHED": N_("It paused itself before its budget was used up, to ask you."),
    "OVERLAPS": N_(
        "It paused itself: too many questions were refused because they differed from earlier ones in little."
    ),
}


WORDS = {"levels": LEVELS, "states": STATES, "ties": TIES, "causes": CAUSES}


@blueprint.app_template_global("rule_in_words")
def rule_in_words(code: str) -> str:
    """What a rule is about that refused questions; the provider sees no question to tell it from."""
    return words_leak.subject(code, language())


@blueprint.app_template_global("agreed_number")
def agreed_number(cap: int) -> bool:
    """Whether a cap of questions is one that somebody chose: a contract may name none."""
    return cap < UNLIMITED


@blueprint.get("/listings/<listing_id>/leaks")
@needs(Permission.PUBLISH)
def of_listing(listing_id: str) -> Response:
    """What each buyer has taken of one's own data."""
    return _listing(listing_id)


def _listing(listing_id: str, refused: Refused | None = None, entry_id: str = "") -> Response:
    found = leaks.of_listing(identity.db_session(), identity.the_actor(), listing_id)
    return forms.page("rooms/leaks.html", refused, found=found, listing_id=listing_id, asked=entry_id, **WORDS)


@blueprint.get("/query-accounts")
@needs(Permission.RUN_TRIAL)
def index() -> Response:
    """Every account, for the operator."""
    return _index()


def _index(refused: Refused | None = None, entry_id: str = "") -> Response:
    found = leaks.of_operator(identity.db_session(), identity.the_actor())
    return forms.page("rooms/leaks.html", refused, found=found, listing_id=None, asked=entry_id, **WORDS)


@blueprint.post("/query-accounts/<entry_id>/change")
@needs(Permission.SIGNED_IN)
def change(entry_id: str) -> Response | Redirect:
    """Pause, let go on, or end for good; the provider of the data, the operator, the regulator."""
    try:
        values = forms.load(schemas.AccountChangeSchema)
        entry = engine.change_account(entry_id, Change(**{**values, "reason": values.get("reason") or ""}))
    except Refused as refused:
        session, actor = identity.db_session(), identity.the_actor()
        session.rollback()
        if actor.kind == OrgKind.OPERATOR:
            return _index(refused, entry_id)
        if actor.kind == OrgKind.REGULATOR:
            raise  # its page is a look under a warrant, which is another request
        return _listing(leaks.reached(session, actor, entry_id).listing_id, refused, entry_id)
    flash(_("The change is recorded and applies from now on."), "good")
    return redirect(_home(entry), 303)


def _home(entry: BudgetEntry) -> str:
    kind = identity.the_actor().kind
    if kind == OrgKind.OPERATOR:
        return url_for(".index")
    return (
        url_for("oversight.leaks") if kind == OrgKind.REGULATOR else url_for(".of_listing", listing_id=entry.listing_id)
    )
