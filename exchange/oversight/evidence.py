"""One contract's records out of the log, and the evidence bundle made of them (contracts.evidence)."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session

from contracts import canonical, evidence, signature
from contracts.log import tree
from contracts.log.leaf import EventType
from exchange.errors import N_, NotFound, refuse
from exchange.ledger import service as ledger
from exchange.ledger.service import Head, Record
from exchange.ledger.tiles import DatabaseTiles
from exchange.negotiations import standing
from exchange.negotiations.models import Contract

_OF_LISTING = [event for event in EventType if event.startswith("listing.")]
_OF_KEY = [event for event in EventType if event.startswith("key.")]


@dataclass(frozen=True)
class Bundle:
    """The zip, and the head of the log that everything in it is proved under."""

    data: bytes
    head: Head
    records: int

    @property
    def digest(self) -> str:
        """What the log says of this file."""
        return canonical.sha256_b64url(self.data)


def records_of(session: Session, row: Contract) -> list[Record]:
    """The contract's whole story, oldest first: its own, its negotiation's, the listing's and the keys' records."""
    found = ledger.story(session, [f"contract:{row.id}", f"negotiation:{row.negotiation_id}"])
    keys = {f"key:{entry.thumbprint}" for entry in standing.signatures_of(session, row.id)}
    for subject, events in [(f"listing:{row.listing_id}", _OF_LISTING), *((key, _OF_KEY) for key in keys)]:
        for event in events:  # only these: a listing and a key have dealings with others too
            found += ledger.find(session, ledger.Search(subjects=[subject], event=event, limit=1000))
    by_index = {record.index: record for record in found}
    return [by_index[index] for index in sorted(by_index)]


def for_parties(records: list[Record], row: Contract) -> list[Record]:
    """Without the looks of officials and the attempts of strangers: those are for the regulator to read."""
    own = {f"contract:{row.id}", f"negotiation:{row.negotiation_id}", f"listing:{row.listing_id}"}
    own |= {record.leaf.on[0] for record in records if record.leaf.on[0].startswith("key:")}
    parties = {f"org:{row.buyer_org_id}", f"org:{row.provider_org_id}"}
    return [record for record in records if record.leaf.on[0] in own or record.leaf.actor in parties]


def bundle_of(session: Session, contract_id: str, *, official: bool) -> Bundle:
    """The evidence file of one contract under the newest signed head."""
    row = session.get(Contract, contract_id)
    if row is None:
        raise NotFound(contract_id)
    head = ledger.head(session)
    if head is None or standing.logged_index(session, row.agreed_event) is None:
        text = N_("The contract's record is not in the log yet. Try again in a moment.")
        raise refuse("NOT_IN_LOG_YET", text, status=409)
    records = records_of(session, row)
    if not official:
        records = for_parties(records, row)
    placed = [record for record in records if record.index < head.size]
    data = evidence.write(
        scope=f"contract:{row.id}",
        checkpoint=head.note,
        log_keys=ledger.vkeys(session),
        records=_proved(session, placed, head),
        contracts=[_signed(session, row, {record.id for record in placed})],
    )
    return Bundle(data, head, len(placed))


def verify(session: Session, bundle: Bundle) -> evidence.Report:
    """The same check that a regulator makes elsewhere, with the log's key as this exchange knows it."""
    keys = "".join(f"log {vkey}\n" for vkey in ledger.vkeys(session))
    return evidence.check_bytes(bundle.data, f"{keys}quorum none\n")


def _proved(session: Session, records: Iterable[Record], head: Head) -> list[evidence.Record]:
    reader = DatabaseTiles(session, head.size).reader
    return [
        evidence.Record(record.index, record.data, tree.prove_inclusion(reader, record.index, head.size))
        for record in records
    ]


def _signed(session: Session, row: Contract, logged: set[str]) -> bytes:
    """The contract with the signatures whose records are under the head; a later one is not part of this bundle."""
    entries = [entry.entry for entry in standing.signatures_of(session, row.id) if entry.event_id in logged]
    return canonical.dumps(signature.assemble(row.payload, entries))
