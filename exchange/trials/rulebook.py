"""The rules of the controlled trial as anybody may read them: each with its numbers, and where each number comes from.

What is printed here is what ``sandbox.rules`` judges by; there is no second copy of a number.
"""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, render_template
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint as ApiBlueprint
from sqlmodel import Session

from exchange import clock, identity
from exchange.errors import N_
from exchange.permissions import public
from exchange.trials import service
from exchange.trials.words import PROFILES as NAMES
from sandbox import holidays as calendar
from sandbox import words
from sandbox.profiles import PILOT, Profile, Source
from sandbox.rules import LIABILITY, RULES

blueprint = Blueprint("rulebook", __name__)
api = ApiBlueprint("rulebook_api", __name__, url_prefix="/api/v1", description="The rules of the controlled trial")

SAYS = {
    "T1": N_("Nothing without a complete certificate, nor before its first day."),
    "T2": N_("Nothing after the last day; a certificate is not longer than the longest term."),
    "T3": N_("Extensions are limited in number and length, and asked for in time."),
    "T4": N_("The business licence of whoever takes part outlasts the trial."),
    "T5": N_("Vietnamese legal entities take part that are not being split, merged, dissolved or wound up."),
    "T6": N_("The person responsible has a fitting degree and has managed for long enough."),
    "T7": N_("Data stay inside the territory of the certificate."),
    "T8": N_("Sectors, classes of data and activities are those of the certificate."),
    "T9": N_("Members, listings and money stay within the limits of the certificate."),
    "T10": N_("The level follows from the data and from who uses the results; core, important, sensitive and "
              "children's data need level 3."),
    "T11": N_("A province decides on its own territory, a ministry across provinces, the Ministry of Public Security "
              "at level 3."),
    "T12": N_("While a periodic report is overdue, nothing new is listed."),
    "T13": N_("A serious incident, or a limit exceeded, is reported within hours of its detection."),
    "T14": N_("Whoever requests, contracts or queries has accepted the current notice that this is a trial."),
    "T15": N_("Passing a trial gives no right to do business."),
    "T16": N_("The trial stops by decision, or by itself: open incident, late incident report, expired security "
              "certificate, missed reports."),
    "T17": N_("A terminated trial is never resumed."),
    "T18": N_("A trial is closed with its exit report, which the authority evaluates."),
    "X30": N_("Nothing is copied or downloaded out of a test room."),
}  # fmt: skip
NUMBERS = {
    "max_months": N_("Longest term, months"),
    "max_extensions": N_("Extensions"),
    "extension_months": N_("Length of an extension, months"),
    "ask_before_days": N_("Asked for, days before the last day"),
    "manager_years": N_("Years of management"),
    "review_days": N_("Review, working days"),
    "report_months": N_("A report every so many months"),
    "report_grace_days": N_("Days of grace for a report"),
    "missed_reports": N_("Missed reports that suspend the trial"),
    "incident_hours": N_("Time for an incident report, hours"),
    "evaluate_days": N_("Evaluation, working days"),
    "transition_months": N_("Transition afterwards, months"),
    "max_members": N_("Organisations taking part"),
    "max_listings": N_("Listings on show"),
    "max_tx_vnd": N_("Value of one transaction, đồng"),
    "max_total_vnd": N_("Value of all transactions, đồng"),
    "session_minutes": N_("One stay in the test room, minutes"),
    "row_cap": N_("Rows of one answer"),
}
SOURCES_OF_HOLIDAYS = (  # as sandbox/holidays.toml has them
    N_("Labour Code 45/2019/QH14 Art. 112; Notice 6150/TB-BLĐTBXH of 3 December 2024"),
    N_(
        "Labour Code 45/2019/QH14 Art. 111.3, 112; Resolution 28/2026/QH16 Art. 2; Notice 9441/TB-BNV of 16 October "
        "2025; Letter 12729/VPCP-KGVX"
    ),
)
SURE = {
    "text": N_("text of the law read"),
    "secondary": N_("known from accounts of the law"),
    "draft": N_("from a draft"),
    "design": N_("choice of this exchange"),
}


@dataclass(frozen=True)
class Number:
    """One parameter. ``values``: one, or one for each level of trial."""

    name: str
    values: tuple[int, ...]
    source: Source


@dataclass(frozen=True)
class Entry:
    """One rule with its code, its legal basis and the numbers that it reads."""

    rule: str
    code: str
    basis: str
    numbers: tuple[Number, ...]


def entries(profile: Profile) -> list[Entry]:
    """Every rule that is judged, in its order."""
    return [
        Entry(rule.rule, rule.code, rule.basis, tuple(_number(profile, name) for name in rule.parameters))
        for rule in RULES
    ]


def _number(profile: Profile, name: str) -> Number:
    value = getattr(profile, name)
    return Number(name, value if isinstance(value, tuple) else (value,), profile.sources[name])


def _profile(session: Session) -> Profile:
    standing = service.standing(session, clock.now())
    return PILOT if standing is None else standing.trial.profile


@blueprint.get("/trial/rules")
@public
def page() -> Response:
    """For everybody: the rules under which the trial runs, or would run."""
    profile = _profile(identity.db_session())
    said = {lang: (words.say(LIABILITY.statement, lang), words.fix(LIABILITY.statement, lang)) for lang in ("vi", "en")}
    return make_response(
        render_template(
            "trials/rulebook.html", profile=NAMES[profile.name], entries=entries(profile), says=SAYS, numbers=NUMBERS,
            sure=SURE, calendar=calendar, liability=said, liability_basis=LIABILITY.basis,
        )
    )  # fmt: skip


@api.route("/trial/rules")
class Rules(MethodView):
    """The rules of the trial."""

    @public
    @api.response(200)
    def get(self) -> dict[str, Any]:
        """Each rule with its numbers and their legal bases; numbers with three values have one for each level."""
        profile = _profile(identity.db_session())
        stated = {lang: f"{words.say(LIABILITY.statement, lang)} {words.fix(LIABILITY.statement, lang)}"
                  for lang in ("vi", "en")}  # fmt: skip
        return {
            "profile": profile.name,
            "rules": [_json(entry) for entry in entries(profile)],
            "working_days": {
                "holidays_known_until": calendar.KNOWN_UNTIL,
                "holidays": [
                    {"year": year, "source": one.source, "days": [day.isoformat() for day in one.days]}
                    for year, one in calendar.YEARS.items()
                ],
            },
            "liability": {"rule": LIABILITY.rule, "basis": _(LIABILITY.basis), **stated},
        }


def _json(entry: Entry) -> dict[str, Any]:
    numbers = [
        {"name": each.name, "values": list(each.values), "basis": _(each.source.basis), "sure": each.source.sure}
        for each in entry.numbers
    ]
    return {
        "rule": entry.rule, "code": entry.code, "says": _(SAYS[entry.rule]), "basis": _(entry.basis),
        "numbers": numbers,
    }  # fmt: skip
