"""What may be asked for, offered and agreed: rules over listings, organisations, terms. They change no row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from contracts import words
from contracts.document import TrialRef
from contracts.errors import ContractsError, Fact
from contracts.negotiation import MAX_PROPOSALS, Reason, Role
from contracts.problems import problems
from contracts.terms import ADDED, Denied, Terms, first_moment, today
from exchange import pilot
from exchange.accounts.models import Organisation
from exchange.accounts.rules import trading_problems
from exchange.catalogue.models import Listing, ListingVersion
from exchange.config import TURN_DAYS
from exchange.errors import N_, Refusal, Refused, refuse
from exchange.negotiations.models import Negotiation, Succession
from exchange.permissions import Actor


@dataclass(frozen=True)
class Wish:
    """What a buyer asks for. The rest of the terms is the listing's licence offer."""

    purpose: str
    scenario: str
    starts: date
    ends: date
    territory: tuple[str, ...]
    note: str = ""
    added: Mapping[str, Any] = field(default_factory=dict)  # what the buyer adds to, or takes from, the offer's terms


# What each side may change in the terms on the table: purpose and scenario are the buyer's to say, and the kind of
# licence stays the listing's.
_BOTH = frozenset(
    {"price_vnd", "starts", "ends", "territory", "ip_limits", "max_deliveries", "max_queries", "min_group", *ADDED}
)
CHANGEABLE = {Role.PROVIDER: _BOTH, Role.CONSUMER: _BOTH | {"purpose", "scenario"}}


@dataclass(frozen=True)
class TrialAction:
    """What the rules of the pilot judge: somebody is about to propose, agree on or sign a licence of this value."""

    kind: str  # propose | agree | sign
    actor: Actor | None  # None: a seller's rule agrees
    buyer_org_id: str
    listing: Listing
    version: ListingVersion
    terms: Terms
    negotiation_id: str | None = None  # None: it begins with this
    replaces: str | None = None  # the contract that an amendment takes the place of


MAX_REASON = 2_000  # characters
REASONS = tuple(reason for reason in Reason if reason is not Reason.LAPSED)  # what a party may give


def trial_denials(session: Session, action: TrialAction, now: datetime) -> tuple[Refusal, ...]:
    """The refusals of the pilot's trial (rules T1-T19); none while no trial is recorded for this exchange."""
    version, terms = action.version, action.terms
    act = pilot.Act(
        kind="order" if action.kind == "propose" else "contract",
        org_id=action.buyer_org_id,
        sector=version.sector,
        classification=version.classification,
        territory=terms.territory,
        amount_vnd=terms.price_vnd,
        listing_id=action.listing.id,
        negotiation_id=action.negotiation_id,
        replaces=action.replaces,
    )
    return pilot.denials(session, act, now)


def amended_by(session: Session, negotiation_id: str) -> str | None:
    """The contract whose place the outcome of this negotiation takes, its value included; None for any other."""
    found = session.get(Succession, negotiation_id)
    return found.contract_id if found is not None and found.kind == "amendment" else None


def trial_reference(session: Session, action: TrialAction, now: datetime) -> TrialRef | None:
    """The certificate and the accepted notice that the contract names (clause 22), None outside a trial."""
    found = pilot.certificate(session, now)
    return None if found is None else TrialRef(*found)


def terms_of(version: ListingVersion, wish: Wish) -> Terms:
    """The listing's licence offer with the buyer's purpose, scenario, period, territory and additions in it."""
    return Terms(
        licence=version.licence,
        purpose=wish.purpose,
        scenario=wish.scenario,
        territory=wish.territory,
        starts=wish.starts,
        ends=wish.ends,
        exclusive=version.exclusive,
        onward_transfer=version.onward_transfer,
        ip_limits=version.ip_limits,
        price_vnd=version.price_vnd,
        max_deliveries=version.max_deliveries,
        max_queries=version.max_queries,
        min_group=version.min_group,
        attribution=version.attribution,
        **{**version.added_terms, **wish.added},
    )


def offer_for(version: ListingVersion, asked: Terms) -> Terms:
    """What the listing offers for the purpose, the days and the territory that were asked for."""
    return terms_of(version, Wish(asked.purpose, asked.scenario, asked.starts, asked.ends, asked.territory))


def countered(terms: Terms, role: Role, changes: Mapping[str, Any]) -> Terms:
    """The terms on the table with the changes of one side (names in CHANGEABLE)."""
    if changes.get("price_vnd", 0) is None:
        text = N_("Name your price; zero makes it free of charge.")
        raise refuse("PRICE_NOT_PUBLISHED", text, field="price_vnd", basis=N_("Decree 314/2026/NĐ-CP Art. 6.1"))
    return replace(terms, **{name: value for name, value in changes.items() if name in CHANGEABLE[role]})


def check_listing(listing: Listing) -> None:
    """Only a moderated listing may be asked for (X25), and none that was stopped (X26)."""
    check_not_suspended(listing)
    if listing.state == "withdrawn":
        raise refuse("LISTING_WITHDRAWN", N_("The seller has withdrawn this listing."), status=409)
    if listing.state != "published" or listing.current_version is None:
        raise refuse(
            "NOT_MODERATED",
            N_("This listing has not been approved by the operator, so nobody can request it yet."),
            basis=N_("Decree 314/2026/NĐ-CP Art. 7.8c, 8.5"),
            passes=N_("A listing that stands in the catalogue."),
            status=409,
        )


def check_not_suspended(listing: Listing) -> None:
    """X26: while the operator has stopped a listing, nothing is requested, agreed or signed on it."""
    if listing.state == "suspended":
        raise refuse(
            "LISTING_SUSPENDED",
            N_("The operator has suspended this listing; no step is possible until it is released."),
            basis=N_("Decree 314/2026/NĐ-CP Art. 7.8d"),
            status=409,
        )


def buyer_problems(buyer: Organisation, version: ListingVersion) -> Iterable[Refusal]:
    """X6 and X7: who may buy at all; and nobody buys from themselves."""
    if buyer.id == version.org_id:
        yield Refusal("OWN_LISTING", N_("This is your own organisation's listing."))
    yield from trading_problems(buyer)


def request_problems(session: Session, buyer: Organisation, action: TrialAction, now: datetime) -> list[Refusal]:
    """Everything that a request would be refused for: the buyer, the terms asked for, the pilot's trial."""
    found = [*buyer_problems(buyer, action.version), *wish_problems(action.version, action.terms, now)]
    return [*found, *trial_denials(session, action, now)]


def wish_problems(version: ListingVersion, terms: Terms, now: datetime) -> list[Refusal]:
    """Everything wrong with the terms a buyer asks for, field by field."""
    found = terms_problems(terms, now)
    wrong = {refusal.field for refusal in found}
    if not wrong & {"starts", "ends"}:
        found += _period_problems(version, terms, now)
    if "territory" not in wrong:
        found += _territory_problems(version, terms)
    return found


def terms_problems(terms: Terms, now: datetime) -> list[Refusal]:
    """What may not be agreed whoever proposes it (contracts.terms), as refusals in both languages."""
    return [say_denied(denied) for denied in problems(terms, now)]


def say_denied(denied: Denied) -> Refusal:
    """A refusal of the contract package in our shape."""
    return _said(denied.code, denied.facts, denied.basis)


def say_error(error: ContractsError, status: int = 422) -> Refused:
    """An error of the contract package (signature, document, turn) as a refusal."""
    return Refused(_said(error.code, error.facts, None), status=status)


def _said(code: str, facts: Mapping[str, Fact], basis: str | None) -> Refusal:
    field, value = facts.get("field"), facts.get("value")
    return Refusal(
        code,
        field=str(field) if field else None,
        basis=basis or None,
        value=None if value in (None, "") else str(value),
        vi=words.say(code, facts, "vi"),
        en=words.say(code, facts, "en"),
    )


def _period_problems(version: ListingVersion, terms: Terms, now: datetime) -> Iterable[Refusal]:
    if terms.starts < today(now):
        text = N_("The first day %(value)s has passed.")
        passes = N_("%(day)s or later.")
        facts = {"value": _day(terms.starts), "day": _day(today(now))}
        yield Refusal("STARTS_IN_PAST", text, field="starts", value=_day(terms.starts), passes=passes, facts=facts)
    latest = last_day(terms.starts, version.term_months)
    if terms.ends > latest:
        yield Refusal(
            "TERM_LONGER_THAN_OFFERED",
            N_("The seller offers at most %(months)s months."),
            field="ends",
            basis=N_("Decree 314/2026/NĐ-CP Art. 8.2c"),
            value=_day(terms.ends),
            passes=N_("%(day)s or earlier."),
            facts={"months": version.term_months, "day": _day(latest)},
        )


def _territory_problems(version: ListingVersion, terms: Terms) -> Iterable[Refusal]:
    offered = set(version.territory)
    outside = [code for code in terms.territory if code not in offered and code.partition("-")[0] not in offered]
    if outside:
        yield Refusal(
            "TERRITORY_NOT_OFFERED",
            N_("The seller does not offer the territory %(value)s."),
            field="territory",
            basis=N_("Decree 314/2026/NĐ-CP Art. 8.2c"),
            value=", ".join(outside),
            passes=N_("Offered: %(offered)s."),
            facts={"value": ", ".join(outside), "offered": ", ".join(version.territory)},
        )


def check_code(code: str) -> Reason:
    """Why a party ends a negotiation, from the closed list."""
    if code not in REASONS:
        text = N_("Choose why the negotiation ends.")
        raise refuse("REASON_CODE_UNKNOWN", text, field="code", value=code, passes=", ".join(REASONS))
    return Reason(code)


def check_reason(reason: str) -> str:
    """The reason, or a refusal: what ends a deal is explained to the other side."""
    text = reason.strip()
    if not text or len(text) > MAX_REASON:
        sentence = N_("Give the reason in at most 2,000 characters; the other side will read it.")
        raise refuse("REASON_MISSING", sentence, field="reason")
    return text


def last_day(starts: date, months: int) -> date:
    """The last day of a period of whole months that begins on ``starts``."""
    year, month = divmod(starts.year * 12 + starts.month - 1 + months, 12)
    if year > 9998:
        return date.max
    following = date(year, month + 1, 1) + timedelta(days=starts.day - 1)
    if following.month != month + 1:  # the 31st of a month that has 30 days
        following = following.replace(day=1)
    return following - timedelta(days=1)


def turn_days(session: Session) -> int:
    """The setting MINHBACH_TURN_DAYS."""
    return int(session.info["market"].get("turn_days", TURN_DAYS))


def max_proposals(session: Session) -> int:
    """The setting MINHBACH_MAX_PROPOSALS."""
    return int(session.info["market"].get("max_proposals", MAX_PROPOSALS))


def deadline(session: Session, now: datetime) -> datetime:
    """Until when the next turn may be taken: the end of its last day (45th after today, if not set), in Viet Nam."""
    return first_moment(today(now) + timedelta(days=turn_days(session) + 1))


def last_turn_day(negotiation: Negotiation) -> date:
    """The last day, in Viet Nam, on which the turn can be taken."""
    return today(negotiation.deadline - timedelta(seconds=1))


def is_lapsed(negotiation: Negotiation, now: datetime) -> bool:
    """Whether nobody answered in time. Derived from the date: no job has to run for it to be so."""
    return negotiation.state not in ("FINALIZED", "TERMINATED") and now >= negotiation.deadline


def check_open(negotiation: Negotiation, now: datetime) -> None:
    """Raise when the negotiation has lapsed."""
    if is_lapsed(negotiation, now):
        last = last_turn_day(negotiation)
        text = N_("Nobody answered by %(day)s, so this negotiation has lapsed. A new request is possible.")
        passes = N_("A new request by the buyer.")
        raise refuse("DEADLINE_PASSED", text, day=_day(last), passes=passes, status=409)


def _day(value: date) -> str:
    return value.strftime("%d/%m/%Y")
