"""A zip file with exactly one spelling: the same members make the same bytes on every machine.

Members are sorted by name, stored uncompressed, dated 1980-01-01 (the zip epoch), with no comment, extra field or
attribute. Any unzip program opens it. `unpack` makes the file again from what it read and compares, so that one changed
byte anywhere (headers, dates and index included) is refused, with its place. Layout: PKWARE APPNOTE 6.3, section 4.3.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping

from contracts.errors import EvidenceError

MAX_BYTES = 2**32 - 1  # beyond it a zip needs another layout (zip64)
MAX_MEMBERS = 65_535
_NAME = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]*(/[0-9A-Za-z_-][0-9A-Za-z._-]*)*")
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 10  # 1.0: stored files
_DATE = (1 << 5) | 1  # 1980-01-01


def pack(members: Mapping[str, bytes]) -> bytes:
    """The zip of these members."""
    if len(members) > MAX_MEMBERS or sum(map(len, members.values())) > MAX_BYTES // 2:
        raise EvidenceError("ARCHIVE_TOO_LARGE", members=len(members))
    body, index = bytearray(), bytearray()
    for name in sorted(members):
        if not _NAME.fullmatch(name):
            raise EvidenceError("ARCHIVE_NAME", member=name[:120])
        data, label = members[name], name.encode("ascii")
        common = (_VERSION, 0, 0, 0, _DATE, zlib.crc32(data), len(data), len(data), len(label), 0)
        index += _CENTRAL.pack(b"PK\x01\x02", _VERSION, *common, 0, 0, 0, 0, len(body)) + label
        body += _LOCAL.pack(b"PK\x03\x04", *common) + label + data
    end = _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(index), len(body), 0)
    return bytes(body + index + end)


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of a zip that `pack` made; any other bytes are refused, naming the first place that differs."""
    members: dict[str, bytes] = {}
    starts: list[tuple[int, str]] = []
    at = 0
    while data[at : at + 4] == b"PK\x03\x04":
        name, content, after = _member(data, at)
        if name in members:
            raise EvidenceError("ARCHIVE_DAMAGED", at=at, member=name)
        members[name] = content
        starts.append((at, name))
        at = after
    starts.append((at, "(index)"))
    if not members:
        raise EvidenceError("ARCHIVE_NOT_OURS", at=0)
    expected = pack(members)
    if expected != data:
        place = _first_difference(expected, data)
        raise EvidenceError("ARCHIVE_DAMAGED", at=place, member=[name for start, name in starts if start <= place][-1])
    return members


def _member(data: bytes, at: int) -> tuple[str, bytes, int]:
    """One member: its name, its content, and where the next begins."""
    header = data[at : at + _LOCAL.size]
    if len(header) < _LOCAL.size:
        raise EvidenceError("ARCHIVE_DAMAGED", at=at, member="(header)")
    crc, _, size, length = _LOCAL.unpack(header)[6:10]
    start = at + _LOCAL.size + length
    name = data[at + _LOCAL.size : start].decode("ascii", "replace")
    if not _NAME.fullmatch(name):
        raise EvidenceError("ARCHIVE_DAMAGED", at=at + _LOCAL.size, member=ascii(name)[:120])
    content = data[start : start + size]
    if len(content) != size or zlib.crc32(content) != crc:
        raise EvidenceError("ARCHIVE_CONTENT", start=at, end=min(start + size, len(data)), member=name)
    return name, content, start + size


def _first_difference(one: bytes, other: bytes) -> int:
    shorter = min(len(one), len(other))
    low, high = 0, shorter
    while low < high:  # halving: comparing slices is fast, comparing bytes in Python is not
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
