"""Counting a report of a trial out of the log's tables, under the newest signed head (sandbox.report says what)."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, col, select

from contracts import canonical
from contracts.log import leaf
from exchange.catalogue.models import ListingVersion
from exchange.errors import N_, Refused, refuse
from exchange.ledger import service as ledger
from exchange.ledger.models import Entry, Outbox
from exchange.ledger.models import State as LogState
from exchange.negotiations.models import Contract
from exchange.trials import service
from exchange.trials.models import Trial
from sandbox import report as core_report
from sandbox import trial as core
from sandbox.report_lines import TYPES, Record


def count(session: Session, row: Trial, kind: str, period: core.Period, now: datetime) -> tuple[int, bytes]:
    """The newest signed head's size, and the report counted under it as canonical JSON."""
    head = ledger.head(session)
    if head is None:
        raise _not_in_log()
    trial = service.core_of(session, row)
    end = core.ended(trial, now)
    about = core_report.About(
        kind=kind, trial_id=row.id, first=period.first, last=period.last,
        origin=session.exec(select(LogState.origin)).one(), size=head.size, root=head.root.hex(),
        granted_ms=_ms(row.granted_at), made_ms=_ms(now), ended_ms=_ms(end.at) if end else None,
    )  # fmt: skip
    _check_whole(session, about)
    counted = core_report.build(trial, about, _records(session, about), _deals(session))
    return head.size, canonical.dumps(counted)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _check_whole(session: Session, about: core_report.About) -> None:
    """Refuse while a record of the period has no place under a signed head yet: it would be left out for good."""
    waits = select(Outbox.id).where(col(Outbox.created_ms) < about.before_ms).limit(1)
    unsigned = select(Entry.idx).where(col(Entry.idx) >= about.size, col(Entry.at_ms) < about.before_ms).limit(1)
    if session.exec(waits).first() is not None or session.exec(unsigned).first() is not None:
        raise _not_in_log()


def _not_in_log() -> Refused:
    text = N_("Records of this period are not in the signed log yet. Try again in a moment.")
    return refuse("NOT_IN_LOG_YET", text, status=409)


def _records(session: Session, about: core_report.About) -> Iterator[Record]:
    query = (
        select(Entry.idx, Entry.leaf)
        .where(
            col(Entry.idx) < about.size, col(Entry.event).in_(sorted(TYPES)), col(Entry.at_ms) < about.before_ms,
        )
        .order_by(col(Entry.idx))
    )  # fmt: skip
    for index, data in session.exec(query.execution_options(yield_per=1000)):
        yield read_record(index, data)


def read_record(index: int, data: bytes) -> Record:
    """A leaf of the log as a report reads it."""
    one = leaf.parse(data)
    return Record(index, one.id, str(one.type), one.at_ms, one.actor, one.on, one.d, one.h)


def _deals(session: Session) -> dict[str, core_report.Deal]:
    """Price and sector of every contract, by the digest of its document."""
    query = select(Contract.sha256, Contract.price_vnd, ListingVersion.sector).join(
        ListingVersion,
        (col(ListingVersion.listing_id) == col(Contract.listing_id))
        & (col(ListingVersion.number) == col(Contract.version)),
    )
    return {digest: core_report.Deal(price, sector or "") for digest, price, sector in session.exec(query)}
