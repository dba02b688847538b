"""What the pages of negotiations and contracts say: clauses, states and next steps in the reader's words."""

from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from contracts.negotiation import Act, Role, State
from contracts.sentences import FIELDS
from contracts.standing import Standing
from contracts.terms import Change, Terms, today
from exchange.catalogue.vocabulary import LICENCES, ONWARD
from exchange.errors import N_
from exchange.i18n import day, dong, language, number, places
from exchange.negotiations import rules, service
from exchange.negotiations.models import Move, Negotiation
from exchange.negotiations.standing import Papers

# State -> what it is called, and its tone.
STATES: dict[State, tuple[str, str]] = {
    State.REQUESTED: (N_("Requested"), "wait"),
    State.OFFERED: (N_("Counter-offer made"), "wait"),
    State.ACCEPTED: (N_("Counter-offer accepted"), "wait"),
    State.AGREED: (N_("Contract drawn up, to be signed"), "wait"),
    State.VERIFIED: (N_("Signed by the buyer"), "wait"),
    State.FINALIZED: (N_("Contract concluded"), "good"),
    State.TERMINATED: (N_("Ended without a contract"), "off"),
}
STANDINGS: dict[Standing, tuple[str, str]] = {
    Standing.UNLOGGED: (N_("Not in force yet"), "wait"),
    Standing.UPCOMING: (N_("Signed, begins later"), "info"),
    Standing.ACTIVE: (N_("In force"), "good"),
    Standing.SUSPENDED: (N_("Suspended"), "bad"),
    Standing.EXPIRED: (N_("Term is over"), "off"),
    Standing.ENDED: (N_("Ended"), "off"),
}
ACTS: dict[Act, str] = {
    Act.REQUEST: N_("Access requested"),
    Act.OFFER: N_("Counter-offer"),
    Act.ACCEPT: N_("Counter-offer accepted"),
    Act.AGREE: N_("Agreed; the contract was drawn up"),
    Act.VERIFY: N_("Signed by the buyer"),
    Act.FINALIZE: N_("Signed by both sides; recorded by the exchange"),
    Act.TERMINATE: N_("Negotiation ended"),
}
EVENTS = {
    "contract.agreed": N_("Contract drawn up"),
    "contract.signed": N_("Signature taken"),
    "contract.active": N_("Contract concluded"),
    "contract.suspended": N_("Contract suspended"),
    "contract.resumed": N_("Contract resumed"),
    "contract.ended": N_("Contract ended"),
    "duty.fulfilled": N_("Statement of destruction made"),
    "duty.acknowledged": N_("Statement of destruction acknowledged"),
    "duty.disputed": N_("Statement of destruction disputed"),
}
END_CODES = {
    "fulfilled": N_("The purpose is fulfilled"),
    "agreed": N_("Both sides agreed to end it"),
    "breach": N_("The other side broke the contract"),
    "rights-lost": N_("The right to the data has ended"),
    "security": N_("A security or data incident"),
    "other": N_("Another reason"),
    "unsigned": N_("Given up before it was signed"),
    "superseded": N_("Replaced by a new contract"),
}
# What each side waits for or has to do: (state, role) -> sentence; %(day)s is the deadline.
_NEXT: dict[tuple[State, Role], str] = {
    (State.REQUESTED, Role.PROVIDER): N_("Your turn: answer this request by %(day)s."),
    (State.REQUESTED, Role.CONSUMER): N_("The request is sent. The seller has until %(day)s to answer."),
    (State.OFFERED, Role.CONSUMER): N_("Your turn: accept the counter-offer or end the negotiation by %(day)s."),
    (State.OFFERED, Role.PROVIDER): N_("The counter-offer is sent. The buyer has until %(day)s to answer."),
    (State.ACCEPTED, Role.PROVIDER): N_("Your turn: agree, so that the contract is drawn up, by %(day)s."),
    (State.ACCEPTED, Role.CONSUMER): N_("You have accepted. The seller draws up the contract by %(day)s."),
}


def label(name: str) -> str:
    """A clause's name, with a capital."""
    word = FIELDS[name][0 if language() == "vi" else 1]
    return word[0].upper() + word[1:]


def shown(name: str, value: Any) -> str:
    """A clause's value for people."""
    if name == "licence":
        return f"{value} · {_(LICENCES[value])}" if value in LICENCES else str(value)
    if name == "onward_transfer":
        return _(ONWARD[value]) if value in ONWARD else str(value)
    if name == "price_vnd":
        return dong(value)
    if name in ("starts", "ends"):
        return day(value if isinstance(value, date) else date.fromisoformat(value))
    if name in ("exclusive", "attribution"):
        return _("Yes") if value else _("No")
    if value is None:
        return _("no limit")
    if name == "territory":
        return places(value)
    return number(value) if isinstance(value, int) else str(value)


def clauses(terms: Terms) -> list[tuple[str, str]]:
    """All terms as pairs for a list of facts."""
    return [(label(name), shown(name, value)) for name, value in terms.to_json().items()]


def redline(change: Change) -> dict[str, str]:
    """One clause that a round changes."""
    return {
        "label": label(change.field),
        "before": shown(change.field, change.before),
        "after": shown(change.field, change.after),
    }


def rounds(moves: list[Move], names: dict[str, str]) -> list[dict[str, Any]]:
    """Every move with who made it and what it changed."""
    found, before = [], None
    for move in moves:
        terms = Terms.from_json(move.terms)
        found.append(
            {
                "act": _(ACTS[Act(move.act)]),
                "who": names.get(move.org_id or "", _("The exchange")),
                "move": move,
                "changes": [redline(change) for change in before.difference(terms)] if before else [],
                "tone": "bad" if move.act == Act.TERMINATE else "good" if move.act == Act.FINALIZE else "info",
            }
        )
        before = terms
    return found


def state_of(negotiation: Negotiation, now: datetime) -> tuple[str, str]:
    """The state's name and tone."""
    if rules.is_lapsed(negotiation, now) or negotiation.terminated_reason == "lapsed":
        return _("Lapsed: nobody answered in time"), "off"
    text, tone = STATES[State(negotiation.state)]
    return _(text), tone


def next_step(negotiation: Negotiation, role: Role | None, now: datetime) -> str:
    """Whose turn it is and until when, in one sentence."""
    if rules.is_lapsed(negotiation, now):
        return _("Nobody answered in time. A new request is possible.")
    state = State(negotiation.state)
    sentence = _NEXT.get((state, role)) if role else None
    if sentence:
        return _(sentence, day=day(rules.last_turn_day(negotiation)))
    if state in (State.AGREED, State.VERIFIED):
        return _("The contract is waiting for signatures until %(day)s.", day=day(rules.last_turn_day(negotiation)))
    if state is State.FINALIZED:
        return _("Both sides have signed.")
    return _("Closed.") if state is State.TERMINATED else _("The parties are negotiating.")


def is_my_turn(negotiation: Negotiation, role: Role | None, now: datetime) -> bool:
    """Whether the reader's side can do more than give up."""
    acts = service.allowed_acts(negotiation, role, now)
    return bool(acts - {Act.TERMINATE}) or (negotiation.state in (State.AGREED, State.VERIFIED) and role is not None)


def standing_words(standing: Standing, papers: Papers) -> tuple[str, str]:
    """The standing's name and tone; before everybody has signed it is a matter of signatures."""
    if papers.row.end_code == "unsigned":
        given_up = END_CODES["unsigned"]
        return _(given_up), "off"
    if papers.unsigned:
        return _("Waiting for signatures"), "wait"
    text, tone = STANDINGS[standing]
    return _(text), tone


def period(row_starts: date, row_ends: date, now: datetime) -> dict[str, Any]:
    """How much of the term has passed, for the bar."""
    whole = (row_ends - row_starts).days + 1
    passed = min(max((today(now) - row_starts).days, 0), whole)
    left = whole - passed
    return {
        "value": passed,
        "max": whole,
        "text": _("%(left)s of %(whole)s days left", left=number(left), whole=number(whole)),
    }
