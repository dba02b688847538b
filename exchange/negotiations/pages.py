"""What the pages of negotiations and contracts say: clauses, states and next steps in the reader's words."""

from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from contracts import change
from contracts.negotiation import FINAL, Act, Reason, Role, State, allowed
from contracts.negotiation_words import REASONS
from contracts.sentences import FIELDS
from contracts.standing import Standing
from contracts.terms import Terms, today
from exchange.errors import N_
from exchange.i18n import day, dong, language, number, places
from exchange.negotiations import rules
from exchange.negotiations.models import Negotiation
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
    Act.REQUEST: N_("Access requested"),  # the first of them; see AGAIN
    Act.OFFER: N_("Counter-offer"),
    Act.ACCEPT: N_("Counter-offer accepted"),
    Act.AGREE: N_("Agreed; the contract was drawn up"),
    Act.VERIFY: N_("Signed by the buyer"),
    Act.FINALIZE: N_("Signed by both sides; recorded by the exchange"),
    Act.TERMINATE: N_("Negotiation ended"),
}
AGAIN = N_("Other terms asked for")  # a later REQUEST
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
    (State.OFFERED, Role.CONSUMER): N_("Your turn: accept the counter-offer or propose other terms by %(day)s."),
    (State.OFFERED, Role.PROVIDER): N_("The counter-offer is sent. The buyer has until %(day)s to answer."),
    (State.ACCEPTED, Role.PROVIDER): N_("Your turn: agree, so that the contract is drawn up, by %(day)s."),
    (State.ACCEPTED, Role.CONSUMER): N_("You have accepted. The seller draws up the contract by %(day)s."),
}
_TO_SIGN = (State.AGREED, State.VERIFIED)


def label(name: str) -> str:
    """A clause's name, with a capital."""
    word = FIELDS[name][0 if language() == "vi" else 1]
    return word[0].upper() + word[1:]


def shown(name: str, value: Any) -> str:
    """A clause's value for people, with a capital."""
    if name == "price_vnd":
        return dong(value)
    if name in ("starts", "ends"):
        return day(date.fromisoformat(value))
    word = places(value) if name == "territory" else change.value(name, value, language())
    return word[:1].upper() + word[1:]


def clauses(terms: Terms) -> list[tuple[str, str]]:
    """All terms as pairs for a list of facts."""
    return [(label(name), shown(name, value)) for name, value in terms.to_json().items()]


def told(before: Terms, after: Terms, role: Role | None) -> list[str]:
    """What a proposal changes, each clause as one plain sentence for the reader's side."""
    return [change.redline(one, language(), role or "").for_you for one in before.difference(after)]


def state_of(negotiation: Negotiation, now: datetime) -> tuple[str, str]:
    """The state's name and tone."""
    if rules.is_lapsed(negotiation, now) or negotiation.terminated_code == Reason.LAPSED:
        return _("Lapsed: nobody answered in time"), "off"
    text, tone = STATES[State(negotiation.state)]
    return _(text), tone


def next_step(negotiation: Negotiation, role: Role | None, now: datetime, *, signed: bool = False) -> str:
    """Whose turn it is and until when, in one sentence; ``signed``: the reader's side has signed already."""
    if rules.is_lapsed(negotiation, now):
        return _("Nobody answered in time. A new request is possible.")
    state, last = State(negotiation.state), day(rules.last_turn_day(negotiation))
    if role and (state, role) in _NEXT:
        sentence = _NEXT[(state, role)]
        return _(sentence, day=last)
    if state in _TO_SIGN:
        if role is None:
            return _("The contract is waiting for signatures until %(day)s.", day=last)
        if signed:
            return _("Your side has signed. The other side has until %(day)s to sign.", day=last)
        return _("Your turn: read the contract and sign it by %(day)s.", day=last)
    if state is State.FINALIZED:
        return _("Both sides have signed.")
    return _("Closed.") if state is State.TERMINATED else _("The parties are negotiating.")


def time_left(negotiation: Negotiation, now: datetime) -> str:
    """How many days the turn still has, or nothing when nobody has to move any more."""
    if negotiation.state in FINAL or rules.is_lapsed(negotiation, now):
        return ""
    days = (rules.last_turn_day(negotiation) - today(now)).days
    if days > 1:
        return _("%(days)s days left.", days=number(days))
    return _("Only until tomorrow.") if days else _("Only today.")


def reason(code: str) -> str:
    """Why a negotiation ended, or may end."""
    return REASONS[Reason(code)][0 if language() == "vi" else 1]


def ended(negotiation: Negotiation, names: dict[str, str]) -> dict[str, Any] | None:
    """Why it ended without a contract, said by whom and when; None while it goes on or once it is concluded."""
    if negotiation.terminated_code is None:
        return None
    return {
        "code": reason(negotiation.terminated_code),
        "text": negotiation.terminated_reason,
        "who": names.get(negotiation.terminated_by or "", _("The exchange")),
        "at": negotiation.terminated_at,
    }


def reasons() -> list[tuple[str, str]]:
    """What a party may choose from when it ends a negotiation."""
    return [(str(code), reason(code)) for code in rules.REASONS]


def is_my_turn(negotiation: Negotiation, role: Role | None, now: datetime, *, signed: bool = False) -> bool:
    """Whether the reader's side can do more than give up."""
    if role is None or rules.is_lapsed(negotiation, now):
        return False
    state = State(negotiation.state)
    return not signed if state in _TO_SIGN else bool(allowed(state, role) - {Act.TERMINATE})


def standing_words(standing: Standing, papers: Papers) -> tuple[str, str]:
    """The standing's name and tone; before everybody has signed it is a matter of signatures."""
    if papers.row.end_code == "unsigned":
        given_up = END_CODES["unsigned"]
        return _(given_up), "off"
    if papers.unsigned:
        return _("Waiting for signatures"), "wait"
    text, tone = STANDINGS[standing]
    return _(text), tone


def since(papers: Papers, standing: Standing, waiting_for: str) -> str:
    """Since when, until when and why it stands as it does, in one sentence."""
    row, until = papers.row, day(papers.row.ends)
    if row.ended_at is not None:
        return ""  # who ended it, when and why stands in a box of its own
    if papers.unsigned:
        return _("Drawn up on %(day)s; still to sign: %(names)s.", day=day(row.agreed_at), names=waiting_for)
    sentences = {
        Standing.UNLOGGED: N_("Both sides have signed; its record is on the way into the log, which takes moments."),
        Standing.UPCOMING: N_("Signed by both sides on %(signed)s; runs from %(starts)s to %(until)s."),
        Standing.ACTIVE: N_("Runs from %(starts)s to the end of %(until)s, because both sides have signed."),
        Standing.EXPIRED: N_("Ran from %(starts)s to the end of %(until)s."),
    }
    if standing not in sentences:
        return ""
    sentence = sentences[standing]
    return _(sentence, signed=day(row.active_at), starts=day(row.starts), until=until)


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
