"""A zip file with exactly one spelling: the same members make the same bytes on every machine.

Members are sorted by name, stored uncompressed, dated 1980-01-01 (the zip epoch), with no comment, extra field or
attribute. Any unzip program opens it. Reading compares every header and the index with what writing would have made of
the members, so that one changed byte anywhere is refused, with its place. Layout: PKWARE APPNOTE 6.3, section 4.3.

A file may be larger than memory: one member at a time is held, and none may exceed MAX_MEMBER.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

from contracts.errors import EvidenceError

MAX_BYTES = 2**32 - 2  # from here on a zip needs another layout (zip64)
MAX_MEMBERS = 65_534
MAX_MEMBER = 32 * 2**20  # bytes; a full bundle of the largest entries has 16.8 million, the longest manifest 13
_NAME = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]*(/[0-9A-Za-z_-][0-9A-Za-z._-]*)*")
_LONGEST_NAME = 120
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 10  # 1.0: stored files
_DATE = (1 << 5) | 1  # 1980-01-01


class Place(NamedTuple):
    """Where a member lies in the file (its header, its content), and the digests of its content."""

    at: int
    start: int
    size: int
    crc: int = 0
    sha256: str = ""


class Writer:
    """Writes members in the order of their names to a file that can seek; `close` adds the index.

    A crash before `close` leaves a file that no reader accepts.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._at, self._index_bytes = out, 0, _END.size
        self._places: dict[str, Place] = {}

    def add(self, name: str, data: bytes) -> str:
        """The next member; returns the SHA-256 of its content in hexadecimal."""
        self.reserve(name, len(data))
        return self.fill(name, data)

    def reserve(self, name: str, size: int) -> None:
        """Room for the next member when its content is known only later."""
        if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or name <= next(reversed(self._places), ""):
            raise EvidenceError("ARCHIVE_NAME", member=name[:120])
        place = Place(self._at, self._at + _LOCAL.size + len(name), size)
        self._index_bytes += _CENTRAL.size + len(name)
        self._at = place.start + size
        self._places[name] = place
        if len(self._places) > MAX_MEMBERS or size > MAX_MEMBER or self._at + self._index_bytes > MAX_BYTES:
            raise EvidenceError("ARCHIVE_TOO_LARGE", members=len(self._places), member=name, bytes=self._at)

    def fill(self, name: str, data: bytes) -> str:
        """The content of a reserved member, exactly as long as was said; returns its SHA-256 in hexadecimal."""
        place = self._places[name]
        if len(data) != place.size:
            raise ValueError(f"{name}: {place.size} bytes were reserved, not {len(data)}")
        place = place._replace(crc=zlib.crc32(data), sha256=hashlib.sha256(data).hexdigest())
        self._places[name] = place
        self._out.seek(place.at)
        self._out.write(_local(name, place) + data)
        return place.sha256

    def close(self) -> None:
        """Write the index; the file is complete after this."""
        self._out.seek(self._at)
        for piece in _index(self._places, self._at):
            self._out.write(piece)


class Archive(Mapping[str, bytes]):
    """The members of a zip that `Writer` made; any other bytes are refused, naming the first place that differs.

    The whole file is checked at once; a member's content is read again when it is asked for.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._descriptor = file, _descriptor(file)
        self.size = file.seek(0, io.SEEK_END)
        self._places: dict[str, Place] = {}
        if self.size > MAX_BYTES:
            raise EvidenceError("ARCHIVE_TOO_LARGE", members=0, member="-", bytes=self.size)
        at = 0
        while self._read(at, 4) == b"PK\x03\x04":
            at = self._member(at)
        if not self._places:
            raise EvidenceError("ARCHIVE_NOT_OURS", at=0)
        self._check_index(at)

    def __getitem__(self, name: str) -> bytes:
        place = self._places[name]
        return self._read(place.start, place.size)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def sha256(self, name: str) -> str:
        """The digest of a member's content, in hexadecimal, as it was when the file was opened."""
        return self._places[name].sha256

    def _member(self, at: int) -> int:
        """Check the member whose header begins here; where the next one begins."""
        header = self._read(at, _LOCAL.size)
        if len(header) < _LOCAL.size:
            raise EvidenceError("ARCHIVE_DAMAGED", at=at, member="(header)")
        fields: tuple[int, ...] = _LOCAL.unpack(header)[6:10]
        crc, _, size, length = fields
        start = at + _LOCAL.size + length
        name = self._read(at + _LOCAL.size, length).decode("ascii", "replace")
        if not _NAME.fullmatch(name) or length > _LONGEST_NAME:
            raise EvidenceError("ARCHIVE_DAMAGED", at=at + _LOCAL.size, member=ascii(name)[:120])
        content = self._read(start, size) if size <= MAX_MEMBER else b""
        if len(content) != size or zlib.crc32(content) != crc:
            raise EvidenceError("ARCHIVE_CONTENT", start=at, end=min(start + size, self.size), member=name)
        place = Place(at, start, size, crc, hashlib.sha256(content).hexdigest())
        self._compare(at, _local(name, place), name)
        if name <= next(reversed(self._places), "") or len(self._places) >= MAX_MEMBERS:
            raise EvidenceError("ARCHIVE_DAMAGED", at=at, member=name)
        self._places[name] = place
        return start + size

    def _check_index(self, at: int) -> None:
        start = at
        for piece in _index(self._places, start):
            self._compare(at, piece, "(index)")
            at += len(piece)
        if at != self.size:
            raise EvidenceError("ARCHIVE_DAMAGED", at=at, member="(index)")

    def _compare(self, at: int, expected: bytes, where: str) -> None:
        found = self._read(at, len(expected))
        if found != expected:
            pairs = zip(found, expected, strict=False)
            same = next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(found), len(expected)))
            raise EvidenceError("ARCHIVE_DAMAGED", at=at + same, member=where)

    def _read(self, at: int, size: int) -> bytes:
        if self._descriptor is not None:  # without a place in the file, which several processes would share
            return os.pread(self._descriptor, size, at)
        self._file.seek(at)
        return self._file.read(size)


def _descriptor(file: BinaryIO) -> int | None:
    try:
        return file.fileno() if hasattr(os, "pread") else None
    except OSError:  # bytes in memory
        return None


def pack(members: Mapping[str, bytes]) -> bytes:
    """The zip of these members."""
    out = io.BytesIO()
    writer = Writer(out)
    for name in sorted(members):
        writer.add(name, members[name])
    writer.close()
    return out.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """All members of a small zip that `pack` made."""
    return dict(Archive(io.BytesIO(data)))


def _common(name: str, place: Place) -> tuple[int, ...]:
    return (_VERSION, 0, 0, 0, _DATE, place.crc, place.size, place.size, len(name), 0)


def _local(name: str, place: Place) -> bytes:
    return _LOCAL.pack(b"PK\x03\x04", *_common(name, place)) + name.encode("ascii")


def _index(places: Mapping[str, Place], start: int) -> Iterator[bytes]:
    size = 0
    for name, place in places.items():
        entry = _CENTRAL.pack(b"PK\x01\x02", _VERSION, *_common(name, place), 0, 0, 0, 0, place.at)
        yield entry + name.encode("ascii")
        size += len(entry) + len(name)
    yield _END.pack(b"PK\x05\x06", 0, 0, len(places), len(places), size, start, 0)
