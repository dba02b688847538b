"""What an official sees: the desk, the log by organisation, listing, contract, event and day, one contract's story.

Everything but the public head needs a warrant that holds today, and every look is recorded before it is answered.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import BinaryIO

from sqlalchemy import func
from sqlmodel import Session, col, select

from contracts.evidence import Report
from contracts.log.policy import Policy
from contracts.terms import first_moment
from exchange import audit
from exchange.accounts.models import Organisation
from exchange.catalogue.models import Listing, ListingVersion
from exchange.catalogue.search import fold
from exchange.deliveries import service as deliveries
from exchange.deliveries.models import Delivery
from exchange.errors import NotFound
from exchange.ledger import disclosures
from exchange.ledger import service as ledger
from exchange.ledger.cosigned import Published, Sighting, sightings
from exchange.ledger.models import Entry
from exchange.ledger.service import Head, Record, Stamped
from exchange.negotiations import service as negotiations
from exchange.negotiations import standing
from exchange.negotiations.models import Contract, Move
from exchange.negotiations.standing import Papers
from exchange.oversight import evidence, warrants
from exchange.oversight.models import Warrant
from exchange.permissions import Actor, Permission, require
from exchange.rooms import leaks
from exchange.trials.models import Trial

COUNTED = ("listing.published", "contract.active", "delivery.made", "delivery.refused", "query.run", "query.refused")
PAGE = 50
Private = dict[str, list[disclosures.Shown]]
MAX_MATCHES = 30  # organisations offered for a name that fits several


@dataclass(frozen=True)
class Desk:
    """The first page. Without a warrant only what is public."""

    head: Head | None
    witnesses: list[Sighting]
    warrant: Warrant | None
    counts: dict[str, int] = field(default_factory=dict)
    latest: list[Record] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    hour: Stamped | None = None  # the newest time-stamp of each kind
    day: Stamped | None = None
    private: Private = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What to look for in the log; every field narrows. Days are whole days in Viet Nam, both included."""

    org: str = ""  # name, tax code or id
    listing: str = ""
    contract: str = ""
    subject: str = ""
    actor: str = ""
    event: str = ""
    start: date | None = None
    end: date | None = None
    before: int | None = None  # an index, for the next page
    limit: int = PAGE


@dataclass(frozen=True)
class Found:
    """The answer, newest first. ``matches`` are the organisations that the name fits; of several one is chosen."""

    records: list[Record]
    names: dict[str, str]
    matches: list[Organisation]
    head: Head | None
    more: int | None  # the index before which the next page begins
    private: Private = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """One contract from its listing to its last delivery."""

    papers: Papers
    version: ListingVersion
    listing: Listing
    moves: list[Move]
    deliveries: list[Delivery]
    files: dict[str, str]
    records: list[Record]
    names: dict[str, str]
    report: Report
    head: Head
    warrant: Warrant
    standing: str
    private: Private

    @property
    def index(self) -> dict[str, int]:
        """Place in the log by event id."""
        return {record.id: record.index for record in self.records}


# --- use cases ----------------------------------------------------------------------------------------------------


def desk(session: Session, actor: Actor | None, asked: Policy, now: datetime) -> Desk:
    """The head of the log, what the witnesses asked have seen of it, and, under a warrant, what happened last."""
    actor = require(actor, Permission.AUDIT)
    seen = sightings(session, asked, now)
    hour, day = (next(iter(ledger.stamps(session, kind=kind, limit=1)), None) for kind in ("hour", "day"))
    if warrants.current_warrant(session, actor, now) is None:
        return Desk(ledger.head(session), seen, None, hour=hour, day=day)
    warrant = warrants.look(session, actor, "desk", [], now)
    grouped = select(Entry.event, func.count()).where(col(Entry.event).in_(COUNTED)).group_by(Entry.event)
    counts = dict.fromkeys(COUNTED, 0) | dict(session.exec(grouped).all())
    recent = [r for r in ledger.find(session, ledger.Search(limit=200)) if r.leaf.on[0].partition(":")[0] != "warrant"]
    latest = recent[:15]
    shown = private_of(session, latest)
    return Desk(ledger.head(session), seen, warrant, counts, latest, names_in(session, latest), hour, day, shown)


def search(session: Session, actor: Actor | None, question: Question, now: datetime) -> Found:
    """Records of the log, newest first."""
    actor = require(actor, Permission.AUDIT)
    matches = find_organisations(session, question.org) if question.org.strip() else []
    subjects = [f"org:{matches[0].id}"] if len(matches) == 1 else []
    subjects += [f"listing:{question.listing}"] if question.listing else []
    subjects += [f"contract:{question.contract}"] if question.contract else []
    subjects += [question.subject] if question.subject else []
    known = [subject for subject in (*subjects, question.actor) if _is_known(session, subject)]
    typed = (
        question.org, question.listing, question.contract, question.subject, question.actor, question.event,
        question.start, question.end,
    )  # fmt: skip
    warrants.look(session, actor, "log", known, now, " ".join(str(each) for each in typed if each))
    head = ledger.head(session)
    if question.org.strip() and len(matches) != 1:
        return Found([], {}, matches, head, None)
    limit = max(1, min(question.limit, 1000))
    wanted = ledger.Search(
        subjects=subjects,
        actor=question.actor or None,
        event=question.event or None,
        start=first_moment(question.start) if question.start else None,
        end=moment_after(question.end) if question.end else None,
        before=question.before,
        limit=limit,
    )
    records = ledger.find(session, wanted)
    more = records[-1].index if len(records) == limit and records[-1].index > 0 else None
    return Found(records, names_in(session, records), matches, head, more, private_of(session, records))


def story(session: Session, actor: Actor | None, contract_id: str, asked: Policy, now: datetime) -> Story:
    """One contract's whole story, checked on the spot, with the witnesses asked, as the regulator will check it
    elsewhere."""
    actor = require(actor, Permission.AUDIT)
    row = session.get(Contract, contract_id)
    on = [] if row is None else [f"contract:{row.id}", f"org:{row.provider_org_id}", f"org:{row.buyer_org_id}"]
    warrant = warrants.look(session, actor, "contract", on, now)
    if row is None:
        raise NotFound(contract_id)
    papers = standing.papers_of(session, row, actor)
    bundle = evidence.bundle_of(session, row.id)
    records = evidence.records_of(session, row)
    version = session.exec(
        select(ListingVersion).where(ListingVersion.listing_id == row.listing_id, ListingVersion.number == row.version)
    ).one()
    made = deliveries.deliveries_of(session, row.id)
    orgs = [row.buyer_org_id, row.provider_org_id, *(delivery.org_id for delivery in made)]
    return Story(
        papers=papers,
        version=version,
        listing=session.get_one(Listing, row.listing_id),
        moves=_moves_of(session, row.negotiation_id),
        deliveries=made,
        files={asset.id: asset.file_name for asset in deliveries.files_of(session, row, papers.document)},
        records=records,
        names=names_in(session, records, orgs),
        report=evidence.verify(session, bundle, asked),
        head=bundle.head,
        warrant=warrant,
        standing=standing.standing_of(session, row, now),
        private=private_of(session, records),
    )


def export(
    session: Session, actor: Actor | None, contract_id: str, published: Published, now: datetime
) -> tuple[evidence.Bundle, list[str]]:
    """The evidence bundle: for a party of its own contract, for a regulator under a warrant. ``session`` only reads;
    record the export with ``note_export``, by the subjects returned, before the file leaves."""
    actor = negotiations.require_reader(actor)
    row = session.get(Contract, contract_id)
    if row is None or not negotiations.sees(actor, row):
        raise NotFound(contract_id)
    official = actor.org_id not in (row.buyer_org_id, row.provider_org_id)
    on = [f"org:{actor.org_id}", f"contract:{row.id}"]
    if official:
        on.insert(0, f"warrant:{warrants.need_warrant(session, actor, now).id}")
    return evidence.bundle_of(session, row.id, reader=actor, published=published), on


def export_log(
    session: Session, actor: Actor | None, out: BinaryIO, published: Published, now: datetime
) -> evidence.Made:
    """The evidence bundle of the whole log into ``out``, for a regulator under a warrant. ``session`` only reads;
    record the export with ``note_log_export`` before the file leaves."""
    actor = require(actor, Permission.AUDIT)
    warrants.need_warrant(session, actor, now)
    return evidence.write_whole_log(session, out, published)


def note_log_export(session: Session, actor: Actor | None, made: evidence.Made, now: datetime) -> None:
    """Record that the whole log left, under the warrant that must still hold."""
    actor = require(actor, Permission.AUDIT)
    warrant = warrants.need_warrant(session, actor, now)
    note_export(session, actor, made, [f"warrant:{warrant.id}", f"org:{actor.org_id}"], now)


def note_export(session: Session, actor: Actor | None, bundle: evidence.Made, on: list[str], now: datetime) -> None:
    """Record that a bundle left, by its digest."""
    details: dict[str, int | str | bool] = {"records": bundle.records, "size": bundle.head.size}
    audit.record(session, "evidence.exported", actor, on=on, now=now, hashes={"bundle": bundle.digest}, details=details)


def organisations(session: Session, actor: Actor | None, words: str, now: datetime) -> list[Organisation]:
    """Who takes part in the exchange."""
    warrants.look(session, actor, "organisations", [], now, words)
    return find_organisations(session, words, limit=500)


def accounts(session: Session, actor: Actor | None, now: datetime) -> list[leaks.Reading]:
    """What each buyer has taken of each dataset in test rooms, those that need a look first."""
    warrants.look(session, actor, "leaks", [], now)
    return leaks.everywhere(session)


# --- inside -------------------------------------------------------------------------------------------------------


def find_organisations(session: Session, words: str, limit: int = MAX_MATCHES) -> list[Organisation]:
    """By id, tax code, or part of the name in either language, diacritics or not; an exact hit stands alone."""
    text = words.strip()
    if text:
        exact = select(Organisation).where((Organisation.tax_code == text) | (Organisation.id == text))
        hit = session.exec(exact).first()
        if hit is not None:
            return [hit]
    wanted = fold(text)
    rows = session.exec(select(Organisation).order_by(col(Organisation.name)))
    return [org for org in rows if wanted in fold(f"{org.name} {org.name_en or ''}") or not wanted][:limit]


def names_in(session: Session, records: Iterable[Record], more: Iterable[str] = ()) -> dict[str, str]:
    """The registered names of all organisations that these records speak of, by id."""
    ids = set(more)
    for record in records:
        ids |= {s.removeprefix("org:") for s in (*record.leaf.on, record.leaf.actor) if s.startswith("org:")}
    rows = session.exec(select(Organisation.id, Organisation.name).where(col(Organisation.id).in_(ids)))
    return dict(rows.all())


def private_of(session: Session, records: Iterable[Record]) -> Private:
    """The private values of these records by event id: under the warrant that the records themselves are read by."""
    return disclosures.read(session, [record.leaf for record in records])


def moment_after(day: date) -> datetime | None:
    """The first moment that no longer belongs to ``day``; None after the last day that there is."""
    return first_moment(day + timedelta(days=1)) if day < date.max else None


def _is_known(session: Session, subject: str) -> bool:
    """What somebody typed is named in a record only if it is the id of something here."""
    kind, _, id_ = subject.partition(":")
    if kind == "org":
        return session.get(Organisation, id_) is not None
    if kind in ("listing", "contract"):
        return session.get(Listing if kind == "listing" else Contract, id_) is not None
    if kind == "trial":
        return session.get(Trial, id_) is not None
    return False


def _moves_of(session: Session, negotiation_id: str) -> list[Move]:
    query = select(Move).where(Move.negotiation_id == negotiation_id).order_by(col(Move.number))
    return list(session.exec(query))
