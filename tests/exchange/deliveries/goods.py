"""A market whose listing has a real file in the store, and contracts that are in force today."""

import hashlib
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import select

from contracts.log import leaf
from exchange.catalogue.models import Asset, ListingVersion
from exchange.deliveries.models import Delivery, Grant
from exchange.ledger.models import Entry
from exchange.negotiations import agreements
from exchange.negotiations.models import Contract
from exchange.store import Store
from tests.exchange.negotiations.market import Market

TODAY = date(2026, 11, 22)
NAME = "Chuyến bay “đi”.csv"


def content(size: int) -> bytes:
    """Bytes that differ everywhere, so that a wrong range shows."""
    block = b"".join(hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(2048))
    return (block * (size // len(block) + 1))[:size]


class Goods(Market):
    """The market of the negotiations' tests, with goods on its shelf."""

    store: Store
    data: bytes = b""
    asset_id: str = ""

    def stock(self, store: Store, size: int = 100_000, name: str = NAME, **version: Any) -> None:
        """Put a file behind the listing; ``version`` changes the licence offer."""
        self.store, self.data = store, content(size)
        with self.database.writing() as session:
            found = session.exec(select(ListingVersion).where(ListingVersion.listing_id == self.listing_id)).one()
            for field, value in version.items():
                setattr(found, field, value)
            asset = session.get_one(Asset, found.asset_id)
            asset.bytes, asset.sha256 = size, hashlib.sha256(self.data).hexdigest()
            asset.format, asset.file_name = "csv", name
            self.asset_id, key = asset.id, asset.file_key
            session.commit()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "data"
            path.write_bytes(self.data)
            store.put_file(path, key)

    def contract(self, starts: date = TODAY, ends: date = date(2027, 5, 31)) -> Contract:
        """A contract signed by both, its record in the tree."""
        negotiation = self.requested(starts=starts, ends=ends)
        contract = self.do(agreements.agree, self.seller, negotiation.id, negotiation.terms_hash)
        self.signed(contract, self.seller)
        self.signed(contract, self.buyer)
        return self.row(contract.id)

    def end(self, contract: Contract) -> None:
        """The seller ends it now."""
        self.do(agreements.end_contract, self.seller, contract.id, "breach", "Chia sẻ lại cho bên khác")

    def path(self, contract: Contract) -> str:
        """The address of the file for the signed-in buyer."""
        return f"/contracts/{contract.id}/files/{self.asset_id}"

    def leaves(self, event: str) -> list[leaf.Leaf]:
        """The records of one kind that are in the tree."""
        self.sequencer.run_once()
        with self.database.reading() as session:
            rows = session.exec(select(Entry).where(Entry.event == event).order_by(Entry.idx)).all()
            return [leaf.parse(row.leaf) for row in rows]

    def deliveries(self) -> list[Delivery]:
        """All rows, oldest first."""
        with self.database.reading() as session:
            return list(session.exec(select(Delivery).order_by(Delivery.id)))

    def grants(self) -> list[Grant]:
        """All rows, oldest first."""
        with self.database.reading() as session:
            return list(session.exec(select(Grant).order_by(Grant.id)))
