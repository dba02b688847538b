"""Evidence bundles (contracts.evidence) out of the database: of one contract, and of the whole log."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from sqlalchemy import func
from sqlmodel import Session, col, select

from contracts import canonical, document, evidence, signature
from contracts.errors import EvidenceError
from contracts.log import tree
from contracts.log.checkpoint import parse_vkey
from contracts.log.events import EventType
from contracts.log.policy import NONE, Policy, format_policy
from exchange.accounts import trust
from exchange.errors import N_, NotFound, Refused, refuse
from exchange.ledger import disclosures
from exchange.ledger import service as ledger
from exchange.ledger.cosigned import Published
from exchange.ledger.models import Anchor, Checkpoint, Entry
from exchange.ledger.service import Head, Record
from exchange.ledger.tiles import DatabaseTiles
from exchange.negotiations import opening, standing
from exchange.negotiations.models import Contract, ContractSignature
from exchange.permissions import Actor, Permission

_OF_LISTING = [event for event in EventType if event.startswith("listing.")]
MAX_HEADS = 1_000  # older heads in a bundle of the whole log: the last of each day, the newest of them
DAY_MS = 86_400_000
_OF_KEY = [event for event in EventType if event.startswith("key.")]


@dataclass(frozen=True)
class Made:
    """What the log says of a bundle: its digest, and the head that everything in it is proved under."""

    head: Head
    records: int
    digest: str


@dataclass(frozen=True)
class Bundle(Made):
    """The bundle of one contract as bytes."""

    data: bytes


def records_of(session: Session, row: Contract) -> list[Record]:
    """The contract's whole story, oldest first: its own, its negotiation's, the listing's and the keys' records, and
    where a certificate signed, those of the roots that are trusted."""
    found = ledger.story(session, [f"contract:{row.id}", f"negotiation:{row.negotiation_id}"])
    found += ledger.find(session, ledger.Search(event=EventType.LOG_RESTARTED, limit=1000))  # other names of the log
    signed = standing.signatures_of(session, row.id)
    keys = {f"key:{entry.thumbprint}" for entry in signed}
    if any(entry.trust for entry in signed):
        found += ledger.story(session, [trust.SUBJECT])
    for subject, events in [(f"listing:{row.listing_id}", _OF_LISTING), *((key, _OF_KEY) for key in keys)]:
        for event in events:  # only these: a listing and a key have dealings with others too
            found += ledger.find(session, ledger.Search(subjects=[subject], event=event, limit=1000))
    by_index = {record.index: record for record in found}
    return [by_index[index] for index in sorted(by_index)]


def for_parties(records: list[Record], row: Contract) -> list[Record]:
    """Without the looks of officials and the attempts of strangers: those are for the regulator to read."""
    own = {f"contract:{row.id}", f"negotiation:{row.negotiation_id}", f"listing:{row.listing_id}"}
    own |= {record.leaf.on[0] for record in records if record.leaf.on[0].startswith(("key:", "logkey:", "policy:"))}
    parties = {f"org:{row.buyer_org_id}", f"org:{row.provider_org_id}"}
    return [record for record in records if record.leaf.on[0] in own or record.leaf.actor in parties]


def bundle_of(
    session: Session, contract_id: str, *, reader: Actor | None = None, published: Published | None = None
) -> Bundle:
    """The evidence file of one contract under the newest signed head; one that leaves the house, under the newest that
    is ``published``: no cosignature comes into the file later, and its reader's policy may ask for some.

    Private values are in it as far as ``reader`` may see them: an official, under the warrant that the caller has
    checked, all; a party those of its own acts; nobody in particular, none. They stay in the file when they are erased
    here. A party gets no records of what officials and strangers did.
    """
    row = session.get(Contract, contract_id)
    if row is None:
        raise NotFound(contract_id)
    head, agreed = _newest(session, published), ledger.index_of(session, row.agreed_event)
    if head is None or agreed is None or agreed >= head.size:
        text = N_("The contract's record is not in the log yet. Try again in a moment.")
        raise refuse("NOT_IN_LOG_YET", text, status=409)
    records = records_of(session, row)
    party = reader is not None and reader.org_id in (row.buyer_org_id, row.provider_org_id)
    if party:
        records = for_parties(records, row)
    placed = [record for record in records if record.index < head.size]
    extras = _extras(session, head, [*_pinned(session, row, head), *_stamped(session, placed, head)])
    try:
        data = evidence.write(
            scope=f"contract:{row.id}",
            checkpoint=head.note,
            log_keys=ledger.vkeys(session),
            records=_proved(session, placed, head),
            contracts=[_signed(session, row, head)],
            extras=replace(
                extras,
                disclosures=_disclosed(session, placed, reader),
                certified=_certified_under(session, head, row.id),
            ),
        )
    except EvidenceError as error:
        raise _too_large(len(placed)) if error.code == "ARCHIVE_TOO_LARGE" else error from None
    return Bundle(head, len(placed), canonical.sha256_b64url(data), data)


def _too_large(records: int) -> Refused:
    text = N_("The contract has %(count)s records, more than one evidence file can hold.")
    passes = N_("The evidence of the whole log has room for them; the competent authority may take it along.")
    return refuse("EVIDENCE_TOO_LARGE", text, status=409, passes=passes, count=records)


def write_whole_log(session: Session, out: BinaryIO, published: Published | None = None) -> Made:
    """The evidence file of every record under that same head, written to ``out`` while it is read.

    Use a session that only reads: a large log takes a while. A crash leaves a file that no checker accepts. Private
    values are not in it: who needs one reads it in its record, or in its contract's evidence.
    """
    head = _newest(session, published)
    if head is None:
        raise refuse("NOT_IN_LOG_YET", N_("The log has no record yet."), status=409)
    evidence.write_log(
        out,
        checkpoint=head.note,
        size=head.size,
        log_keys=ledger.vkeys(session),
        fetch=DatabaseTiles(session, head.size).fetch,
        contracts=_contracts_under(session, head),
        extras=replace(
            _extras(session, head, _days(session, head), proved=False), certified=_certified_under(session, head)
        ),
    )
    out.seek(0)
    digest = base64.urlsafe_b64encode(hashlib.file_digest(out, "sha256").digest()).rstrip(b"=").decode()  # type: ignore[arg-type]
    return Made(head, head.size, f"sha-256:{digest}")


def verify(session: Session, bundle: Bundle, asked: Policy | None = None) -> evidence.Report:
    """The same check that a regulator makes elsewhere, with the keys of the log and of the witnesses ``asked`` as this
    exchange knows them. Their lines are checked and counted; the newest head may not have them all yet."""
    witnesses = replace(asked, quorum=NONE) if asked else None
    text = format_policy(map(parse_vkey, ledger.vkeys(session)), witnesses)
    return evidence.check_bytes(bundle.data, text)


def _disclosed(session: Session, records: Sequence[Record], reader: Actor | None) -> dict[tuple[str, int], str]:
    if reader is None:
        return {}
    leaves = [record.leaf for record in records]
    shown = leaves if reader.may(Permission.AUDIT) else disclosures.readable(leaves, reader.org_id)
    found = disclosures.disclosures_of(session, [leaf.id for leaf in shown if leaf.sd])
    return {(event_id, position): text for event_id, position, text in found}


def _proved(session: Session, records: Iterable[Record], head: Head) -> list[evidence.Record]:
    reader = DatabaseTiles(session, head.size).reader
    return [
        evidence.Record(record.index, record.data, tree.prove_inclusion(reader, record.index, head.size))
        for record in records
    ]


def _contracts_under(session: Session, head: Head) -> dict[str, Callable[[], bytes]]:
    """Every contract whose agreement is under the head, by the digest of its document; read when its turn comes."""
    agreed = select(Contract.id, Contract.sha256).join(Entry, col(Entry.event_id) == col(Contract.agreed_event))
    rows = session.exec(agreed.where(col(Entry.idx) < head.size)).all()
    return {_hexadecimal(sha256): partial(_signed_of, session, id, head) for id, sha256 in rows}


def _newest(session: Session, published: Published | None) -> Head | None:
    return ledger.head(session) if published is None else published.head(session)


def _hexadecimal(digest: str) -> str:
    return base64.urlsafe_b64decode(digest.removeprefix("sha-256:") + "=").hex()


def _signed_of(session: Session, contract_id: str, head: Head) -> bytes:
    return _signed(session, session.get_one(Contract, contract_id), head)


def _signed(session: Session, row: Contract, head: Head) -> bytes:
    """The contract with the signatures whose records are under the head; a later one is not part of this bundle."""
    signed = standing.signatures_of(session, row.id)
    events = [entry.event_id for entry in signed]
    logged = set(session.exec(select(Entry.event_id).where(col(Entry.event_id).in_(events), Entry.idx < head.size)))
    entries = [entry.entry for entry in signed if entry.event_id in logged and entry.entry]
    return canonical.dumps(signature.assemble(row.payload, entries))


def _certified_under(session: Session, head: Head, contract_id: str | None = None) -> dict[str, bytes]:
    """What the signatures by certificate under the head are judged by, and the files of other forms."""
    logged = col(ContractSignature.event_id).in_(select(Entry.event_id).where(col(Entry.idx) < head.size))
    query = select(ContractSignature).where(logged, col(ContractSignature.trust).is_not(None))
    mine = query.where(ContractSignature.contract_id == contract_id) if contract_id else query
    return opening.certified_members(session, list(session.exec(mine)))


def _pinned(session: Session, row: Contract, head: Head) -> list[Checkpoint]:
    """The head that the parties named in the contract, which the newest one must continue."""
    named = document.parse(row.payload).log
    found = session.get(Checkpoint, named.size) if named is not None and 0 < named.size < head.size else None
    return [] if found is None or found.note is None else [found]


def _stamped(session: Session, records: Iterable[Record], head: Head) -> list[Checkpoint]:
    """The first stamped head over each step of the contract, which says when it was done at the latest; and the newest
    stamped one, over all the rest."""
    steps = [record.index for record in records if record.leaf.type.startswith(("contract.", "duty."))]
    older = select(Anchor.size).where(Anchor.size < head.size)
    queries = [older.where(Anchor.size > index).order_by(col(Anchor.size)) for index in steps]
    queries.append(older.order_by(col(Anchor.size).desc()))
    sizes = {session.exec(query.limit(1)).first() for query in queries}
    return list(session.exec(select(Checkpoint).where(col(Checkpoint.size).in_(sizes - {None}))))


def _days(session: Session, head: Head) -> list[Checkpoint]:
    """The last signed head of each day, and every head that has a time-stamp; the newest of them."""
    signed = (col(Checkpoint.note).is_not(None), Checkpoint.size < head.size)
    day = col(Checkpoint.made_ms) - col(Checkpoint.made_ms) % DAY_MS
    last = select(func.max(Checkpoint.size)).where(*signed).group_by(day)
    chosen = col(Checkpoint.size).in_(last) | col(Checkpoint.size).in_(select(Anchor.size))
    rows = session.exec(select(Checkpoint).where(*signed, chosen).order_by(col(Checkpoint.size).desc()))
    return list(rows.fetchmany(MAX_HEADS))


def _extras(session: Session, head: Head, older: list[Checkpoint], *, proved: bool = True) -> evidence.Extras:
    """Key history, older heads (with their proofs, unless all hashes are there anyway) and their time-stamps."""
    reader = DatabaseTiles(session, head.size).reader
    sizes = [row.size for row in older]
    anchors = session.exec(select(Anchor).where(col(Anchor.size).in_([*sizes, head.size])).order_by(col(Anchor.kind)))
    return evidence.Extras(
        keys=tuple(evidence.KeySpan(key.vkey, key.since, key.until) for key in ledger.keys(session)),
        heads={
            row.size: evidence.OlderHead(
                row.note or "", tree.prove_consistency(reader, row.size, head.size) if proved else ()
            )
            for row in older
        },
        timestamps={anchor.size: anchor.token for anchor in anchors},
    )
