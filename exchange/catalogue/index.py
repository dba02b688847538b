"""The index of the catalogue: for each word, filter and digit of a price, one bit for every version that has it.

A version gets a ``position`` when it is made, counted from 0 in the order of submission. It is the number of its bit in
every row of bits, so that *words, filters and on show* is one AND, how many there are one count of bits, and newest
first is from the highest bit down. A key's bits are kept in blocks of ``BLOCK`` positions::

    word or beginning of a word, folded    ca, can, cang
    :name:value                            :sector:logistics, :classification:TC, :licence:L3, :price:free
    :price:n                               prices in which the binary digit n is 1
    :shown                                 published, and the version that its listing's head names
    :next                                  no bits: its block is the position of the next version

Words, filters and prices of a version never change, so they are written once, with the version; only ``:shown`` does.
Both are written when the ORM writes the row, in the same transaction: no use case can forget it. A statement that
changes many rows at once passes the ORM by; ``build`` makes the index anew after it. Whoever writes holds the row
``:next``, so that writers take turns; readers wait for nobody.
"""

import struct
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, event, func, insert, inspect, text, update
from sqlalchemy.orm import Mapper
from sqlmodel import Session, col, select

from exchange.catalogue.models import IndexRow, Listing, ListingVersion
from exchange.catalogue.vocabulary import CLASSES, LICENCES, SECTORS, State

BLOCK = 7_168  # positions; a full block is 896 bytes, so that no database moves it out of its row
LONGEST = 24  # letters of a word that count
FACETS: Mapping[str, Mapping[str, str]] = {"sector": SECTORS, "classification": CLASSES, "licence": LICENCES}
SHOWN, FREE = ":shown", ":price:free"
PRICE = tuple(f":price:{digit}" for digit in reversed(range(63)))  # the highest digit first
_NEXT = ":next"
_BYTES = BLOCK // 8
_FEW = 64  # fewer bits than this are kept as a list of their numbers
_TABLE = IndexRow.__table__  # type: ignore[attr-defined]
_PUT = text(
    "INSERT INTO listing_index (key, block, bits) VALUES (:key, :block, :bits) "
    "ON CONFLICT (key, block) DO UPDATE SET bits = excluded.bits"
)


def of_value(facet: str, value: str) -> str:
    """The key of a filter's value."""
    return f":{facet}:{value}"


def read(session: Session, keys: Collection[str]) -> dict[str, int]:
    """The bits of each key that has any, all seen at one moment."""
    statement = select(_TABLE.c.key, _TABLE.c.block, _TABLE.c.bits).where(_TABLE.c.key.in_(keys))
    rows = session.exec(statement).all()
    size = (max((block for _key, block, _bits in rows), default=0) + 1) * _BYTES
    found: dict[str, bytearray] = defaultdict(lambda: bytearray(size))
    for key, block, packed in rows:
        found[key][block * _BYTES : (block + 1) * _BYTES] = _unpacked(packed)
    return {key: int.from_bytes(whole, "little") for key, whole in found.items()}


def at_most(price: int, among: int, bits: dict[str, int]) -> int:
    """Those of ``among`` that cost no more: digit by digit, those so far equal and those already below."""
    below, equal = 0, among
    for digit, key in zip(reversed(range(len(PRICE))), PRICE, strict=True):
        ones = equal & bits.get(key, 0)
        if price >> digit & 1:
            below |= equal ^ ones
            equal = ones
        else:
            equal ^= ones
    return below | equal


def newest(among: int, skip: int, count: int) -> list[int]:
    """``count`` positions after the first ``skip``, the highest first."""
    found: list[int] = []
    whole = among.to_bytes(-(-among.bit_length() // BLOCK) * _BYTES, "little")
    for start in range(len(whole) - _BYTES, -1, -_BYTES):
        part = int.from_bytes(whole[start : start + _BYTES], "little")
        if (here := part.bit_count()) <= skip:
            skip -= here
            continue
        numbers = list(_numbers(part))[::-1]
        found += [start * 8 + number for number in numbers[skip : skip + count - len(found)]]
        skip = 0
        if len(found) == count:
            break
    return found


def _numbers(part: int) -> Iterator[int]:
    while part:
        lowest = part & -part
        yield lowest.bit_length() - 1
        part ^= lowest


def _block(numbers: Iterable[int]) -> bytes:
    whole = bytearray(_BYTES)
    for number in numbers:
        whole[number >> 3] |= 1 << (number & 7)
    return bytes(whole)


def _packed(whole: bytes) -> bytes:
    """As it is kept: a block with few bits as the list of their numbers, which is shorter than the block."""
    part = int.from_bytes(whole, "little")
    return whole if part.bit_count() >= _FEW else struct.pack(f"<{part.bit_count()}H", *_numbers(part))


def _unpacked(packed: bytes) -> bytes:
    return packed if len(packed) == _BYTES else _block(number for (number,) in struct.iter_unpack("<H", packed))


def _keys(version: Any) -> set[str]:
    """Every key of a version, or of a row with its columns."""
    words = {word[:LONGEST] for word in version.search_text.split()}
    keys = {word[:length] for word in words for length in range(1, len(word) + 1)}
    keys |= {of_value(facet, getattr(version, facet)) for facet in FACETS}
    keys |= {f":price:{digit}" for digit in _numbers(version.price_vnd)}
    return keys if version.price_vnd else keys | {FREE}


def _take_turn(connection: Connection, more: int) -> int:
    """Wait until no other transaction changes the index; the position after ``more`` new ones."""
    turn = update(_TABLE).where(_TABLE.c.key == _NEXT).values(block=_TABLE.c.block + more).returning(_TABLE.c.block)
    return int(connection.execute(turn).scalar_one())


def _set(connection: Connection, position: int, keys: Collection[str], *, has: bool) -> None:
    """Write this position's bit into the rows of these keys."""
    block, number = divmod(position, BLOCK)
    here = select(_TABLE.c.key, _TABLE.c.bits).where(_TABLE.c.block == block, _TABLE.c.key.in_(keys))
    bits = dict.fromkeys(sorted(keys), 0) | {
        key: int.from_bytes(_unpacked(packed), "little") for key, packed in connection.execute(here)
    }
    changed = {key: old | 1 << number if has else old & ~(1 << number) for key, old in bits.items()}
    rows = [
        {"key": key, "block": block, "bits": _packed(new.to_bytes(_BYTES, "little"))} for key, new in changed.items()
    ]
    connection.execute(_PUT, rows)


@event.listens_for(ListingVersion, "before_insert")
def _number_version(_mapper: Mapper[Any], connection: Connection, version: ListingVersion) -> None:
    version.position = _take_turn(connection, 1) - 1


@event.listens_for(ListingVersion, "after_insert")
def _add_version(_mapper: Mapper[Any], connection: Connection, version: ListingVersion) -> None:
    _set(connection, version.position, _keys(version), has=True)


@event.listens_for(Listing, "before_update")
def _show_version(_mapper: Mapper[Any], connection: Connection, listing: Listing) -> None:
    """What is on show of this listing, from its head alone: whatever stood here before does not matter."""
    attributes = inspect(listing).attrs
    if not (attributes.state.history.has_changes() or attributes.current_version.history.has_changes()):
        return
    _take_turn(connection, 0)
    versions = select(col(ListingVersion.number), col(ListingVersion.position)).where(
        col(ListingVersion.listing_id) == listing.id
    )
    for number, position in connection.execute(versions).all():
        on_show = listing.state == State.PUBLISHED and number == listing.current_version
        _set(connection, position, [SHOWN], has=on_show)


def build(connection: Connection) -> None:
    """Make the whole index anew from the versions and heads as they stand."""
    count = connection.execute(select(func.coalesce(func.max(col(ListingVersion.position)) + 1, 0))).scalar_one()
    connection.execute(delete(_TABLE))
    connection.execute(insert(_TABLE), [{"key": _NEXT, "block": count, "bits": b""}])
    for block in range(-(-count // BLOCK)):
        numbers: dict[str, list[int]] = defaultdict(list)
        for version in connection.execute(_versions(block)):
            for key in _keys(version) | ({SHOWN} if version.on_show else set()):
                numbers[key].append(version.position % BLOCK)
        rows = [{"key": key, "block": block, "bits": _packed(_block(found))} for key, found in numbers.items()]
        connection.execute(insert(_TABLE), rows)


def _versions(block: int) -> Select[Any]:
    columns = ("position", "search_text", *FACETS, "price_vnd")
    on_show = and_(col(Listing.state) == State.PUBLISHED, col(Listing.current_version) == col(ListingVersion.number))
    return (
        select(on_show.label("on_show"))
        .add_columns(*(getattr(ListingVersion, name) for name in columns))
        .select_from(ListingVersion)
        .join(Listing, col(Listing.id) == col(ListingVersion.listing_id))
        .where(col(ListingVersion.position).between(block * BLOCK, (block + 1) * BLOCK - 1))
    )
