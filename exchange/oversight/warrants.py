"""Opening a warrant, and looking under it: every look is a record in the log, as those looked at are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from contracts.terms import today
from exchange import audit
from exchange.db import new_id
from exchange.errors import N_, Refusal, Refused, refuse
from exchange.oversight.models import Warrant
from exchange.permissions import Actor, Permission, require

LONGEST = timedelta(days=366)  # a rule of ours: a mandate without an end is none
MAX_SUBJECTS = 8  # of one look that are named in its record


@dataclass(frozen=True)
class Mandate:
    """What the official states of the document that orders the inspection."""

    number: str
    authority: str
    scope: str
    starts: date
    ends: date


def open_warrant(session: Session, actor: Actor | None, mandate: Mandate, now: datetime) -> Warrant:
    """Register the mandate. The same one sent twice is one warrant."""
    actor = require(actor, Permission.AUDIT)
    query = select(Warrant).where(Warrant.org_id == actor.org_id, Warrant.number == mandate.number)
    known = session.exec(query).first()
    if known is not None and mandate == _mandate_of(known):
        return known
    problems = [*_problems(mandate, now)]
    if known is not None:
        text = N_("A warrant with this number is registered already, with other particulars.")
        problems.append(Refusal("WARRANT_NUMBER_TAKEN", text, field="number", value=mandate.number))
    if problems:
        raise Refused(*problems)
    warrant_id = new_id()
    event_id = audit.record(
        session, "warrant.opened", actor, on=[f"warrant:{warrant_id}", f"org:{actor.org_id}"], now=now,
        details={"from": mandate.starts.isoformat(), "to": mandate.ends.isoformat()},
        private={
            f"org:{actor.org_id}": {"number": mandate.number, "authority": mandate.authority, "scope": mandate.scope}
        },
    )  # fmt: skip
    warrant = Warrant(
        id=warrant_id, org_id=actor.org_id, opened_by=actor.user_id, number=mandate.number,
        authority=mandate.authority, scope=mandate.scope, starts=mandate.starts, ends=mandate.ends,
        opened_at=now, event_id=event_id,
    )  # fmt: skip
    session.add(warrant)
    session.flush()
    return warrant


def current_warrant(session: Session, actor: Actor | None, now: datetime) -> Warrant | None:
    """The organisation's warrant that holds today, the newest of several."""
    actor = require(actor, Permission.AUDIT)
    day = today(now)
    query = select(Warrant).where(Warrant.org_id == actor.org_id, Warrant.starts <= day, Warrant.ends >= day)
    return session.exec(query.order_by(col(Warrant.id).desc()).limit(1)).first()


def look(
    session: Session, actor: Actor | None, what: str, subjects: Sequence[str], now: datetime, words: str = ""
) -> Warrant:
    """Record that the actor is about to see ``subjects``, and which ``words`` were searched for; refused without a
    warrant that holds today. Commit it."""
    warrant = need_warrant(session, actor, now)
    on = [f"warrant:{warrant.id}", f"org:{warrant.org_id}", *list(subjects)[:MAX_SUBJECTS]]
    audit.record(
        session, "audit.looked", actor, on=list(dict.fromkeys(on)), now=now, details={"what": what},
        private={f"org:{warrant.org_id}": {"words": words}},
    )  # fmt: skip
    return warrant


def need_warrant(session: Session, actor: Actor | None, now: datetime) -> Warrant:
    """The warrant that holds today, or the refusal."""
    warrant = current_warrant(session, actor, now)
    if warrant is None:
        raise refuse(
            "WARRANT_NEEDED",
            N_("Looking at others' transactions needs a warrant that holds today."),
            status=403,
            passes=N_("Register the decision that orders the inspection on the regulator's desk."),
        )
    return warrant


def _mandate_of(warrant: Warrant) -> Mandate:
    return Mandate(warrant.number, warrant.authority, warrant.scope, warrant.starts, warrant.ends)


def _problems(mandate: Mandate, now: datetime) -> Iterator[Refusal]:
    for name in ("number", "authority", "scope"):
        if not getattr(mandate, name).strip():
            yield Refusal("WARRANT_INCOMPLETE", N_("Fill this in: it is kept with every look."), field=name)
    if mandate.ends < mandate.starts:
        yield Refusal("WARRANT_PERIOD", N_("The last day lies before the first."), field="ends")
    elif mandate.ends < today(now):
        yield Refusal("WARRANT_OVER", N_("The last day has passed."), field="ends")
    elif mandate.ends - mandate.starts > LONGEST:
        yield Refusal(
            "WARRANT_TOO_LONG", N_("A warrant lasts a year at most; register the next one then."), field="ends"
        )
