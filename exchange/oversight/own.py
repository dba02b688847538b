"""A member's own records: what the log says of their organisation, each record provable, and of nobody else."""

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlmodel import Session

from contracts.log.events import EventType
from contracts.terms import first_moment
from exchange.ledger import disclosures
from exchange.ledger import service as ledger
from exchange.ledger.service import Head, Record
from exchange.oversight.service import Private, moment_after, names_in
from exchange.permissions import Actor, Permission, require

PAGE = 50
# What officials do under a warrant. By event: which texts lie between two others is up to PostgreSQL's collation.
OFFICIAL = (EventType.AUDIT_LOOKED, EventType.WARRANT_OPENED)


@dataclass(frozen=True)
class Question:
    """What to look for; every field narrows. Days are whole days in Viet Nam, both included."""

    event: str = ""
    listing: str = ""
    contract: str = ""
    start: date | None = None
    end: date | None = None
    before: int | None = None  # an index, for the next page
    limit: int = PAGE


@dataclass(frozen=True)
class Own:
    """The answer, newest first."""

    head: Head | None
    records: list[Record] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    more: int | None = None  # the index before which the next page begins
    private: Private = field(default_factory=dict)  # of what the organisation's own people and programs did


def records(session: Session, actor: Actor | None, question: Question, now: datetime) -> Own:
    """Records that name the actor's organisation, as doer or as concerned. What officials looked at is not among them:
    an inspection need not announce itself, and its record is for the regulator."""
    actor = require(actor, Permission.SIGNED_IN)
    subjects = [f"org:{actor.org_id}"]
    subjects += [f"listing:{question.listing}"] if question.listing else []
    subjects += [f"contract:{question.contract}"] if question.contract else []
    limit = max(1, min(question.limit, 1000))
    found = ledger.find(
        session,
        ledger.Search(
            subjects=subjects,
            event=question.event or None,
            start=first_moment(question.start) if question.start else None,
            end=moment_after(question.end) if question.end else None,
            before=question.before,
            limit=limit,
            without=OFFICIAL,
        ),
    )
    more = found[-1].index if len(found) == limit and found[-1].index > 0 else None
    private = disclosures.read(session, disclosures.readable([record.leaf for record in found], actor.org_id))
    return Own(ledger.head(session), found, names_in(session, found), more, private)
