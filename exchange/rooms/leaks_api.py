"""The leak meter for programs: the provider's (scope ``catalogue``), the operator's (``moderate``), and the switch."""

from collections.abc import Iterable
from typing import Any

from flask.views import MethodView

from exchange import identity
from exchange.permissions import Permission, needs
from exchange.rooms import engine, leaks
from exchange.rooms.api import blueprint
from exchange.rooms.leaks import Change, Reading
from exchange.rooms.schemas import AccountChangeSchema
from sandbox import words_leak


def readings_json(found: Iterable[Reading]) -> list[dict[str, Any]]:
    """Every account with its meter."""
    return [_json(each) for each in found]


def _json(each: Reading) -> dict[str, Any]:
    entry, meter = each.entry, each.meter
    return {
        "id": entry.id, "listing": entry.listing_id, "listing_name": each.listing_name, "buyer": entry.org_id,
        "buyer_name": each.buyer.name, "state": entry.state, "reason": entry.reason, "level": str(meter.level),
        "percent": meter.percent, "questions": {"used": entry.spent, "limit": entry.cap, "stops_at": entry.stop_at},
        "epsilon_micro": {"used": entry.epsilon_spent, "limit": entry.epsilon_cap, "stops_at": entry.epsilon_stop_at},
        "requests": {"used": entry.requests, "limit": entry.requests_cap},
        "overlaps": {"seen": entry.overlaps, "refused": meter.denied.get("D1", 0)},
        "denied": dict(meter.denied), "attempts": meter.attempts,
        "rules": {code: {lang: words_leak.subject(code, lang) for lang in ("vi", "en")} for code in meter.denied},
        "tied": {name: [str(tie) for tie in why] for name, why in each.tied.items()},
    }  # fmt: skip


@blueprint.route("/listings/<listing_id>/leaks")
class OfListing(MethodView):
    """The provider's meter."""

    @needs(Permission.PUBLISH)
    @blueprint.response(200)
    def get(self, listing_id: str) -> dict[str, Any]:
        """What each buyer has taken of one's own data."""
        found = leaks.of_listing(identity.db_session(), identity.the_actor(), listing_id)
        return {"accounts": readings_json(found)}


@blueprint.route("/query-accounts")
class Everywhere(MethodView):
    """The operator's meter."""

    @needs(Permission.RUN_TRIAL)
    @blueprint.response(200)
    def get(self) -> dict[str, Any]:
        """Every account, those that need a look first."""
        return {"accounts": readings_json(leaks.of_operator(identity.db_session(), identity.the_actor()))}


@blueprint.route("/query-accounts/<entry_id>/change")
class Switch(MethodView):
    """The switch."""

    @needs(Permission.SIGNED_IN)
    @blueprint.arguments(AccountChangeSchema)
    @blueprint.response(200)
    def post(self, values: dict[str, Any], entry_id: str) -> dict[str, Any]:
        """Pause an account, resume it (perhaps with larger budgets) or end it for good; work that runs is ended."""
        entry = engine.change_account(entry_id, Change(**{**values, "reason": values.get("reason") or ""}))
        return {"id": entry.id, "state": entry.state, "epoch": entry.epoch, "questions": entry.cap,
                "epsilon_micro": entry.epsilon_cap}  # fmt: skip
