#!/usr/bin/env python3
"""Checks an evidence bundle of a Minh Bạch data exchange. One file: needs Python 3.11 and the package cryptography.

    python verify.py BUNDLE.zip [--policy FILE] [--head FILE] [--tsa PEM] [--roots PEM] [--lang vi|en] [--json]

    --policy  whom you trust (C2SP tlog-policy), got from elsewhere; without it the bundle itself says whose log it is
    --head    a signed head (checkpoint) of the log that you kept from an earlier day
    --tsa     certificates (PEM) of the time-stamping authority; the program `openssl` does that check
    --roots   root certificates (PEM) of the licensed authorities that you trust; without it the bundle itself says

Exit 0: everything checked holds. 1: something does not hold, or a contract has a signature that cannot be checked here
(one in a PDF: use a PDF reader; CAdES without the program `openssl`). 2: a file could not be read.

It is written apart from the exchange's own checker and imports nothing of it, so that one mistake does not pass both.
Do not use the copy that came inside a bundle. It asks no network and writes no file but time-stamps for openssl.

Formats: RFC 6962 and 9162 trees; C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof and
tlog-policy; RFC 8785 JSON; RFC 7515, 7518 and 7638 signatures; RFC 5280 certificates; RFC 5652 CMS;
RFC 9901 disclosures; RFC 3161 stamps; PKWARE zip.
"""

from __future__ import annotations

import argparse
import base64
import calendar
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

READ_ME_SHA256 = "466592b30b5eafaa7988a890e57470c3685ab25feff399ad6886811a30cfb293"
MEMBER_LIMIT, FILE_LIMIT, MEMBERS_LIMIT = 32 * 2**20, 2**32 - 2, 65_534
WIDTH = 256  # hashes or records in a tile

TITLES = {
    "ARCHIVE": ("Tệp nguyên vẹn đến từng byte", "The file is intact, byte for byte"),
    "MANIFEST": ("Danh mục và mã băm của các tệp thành phần", "The list of members and their hashes"),
    "TEXT": ("Tệp kèm theo là bản khác, đừng dựa vào nó", "A text in the bundle is another version, do not rely on it"),
    "CHECKPOINT": ("Chữ ký của nhật ký và các bên chứng kiến", "Signatures of the log and its witnesses"),
    "NOT_PINNED": ("Khóa lấy từ chính hồ sơ; hãy dùng --policy", "The key comes from this bundle itself; use --policy"),
    "ENTRIES": ("Từng bản ghi nằm trong nhật ký", "Each record is in the log"),
    "HEADS": ("Các mốc kiểm tra cũ thuộc cùng một lịch sử", "Older heads lie on this same history"),
    "SAVED_HEAD": ("Mốc kiểm tra do bạn tự lưu (--head)", "The head that you kept (--head)"),
    "CHAINS": ("Khuôn mẫu bản ghi và chuỗi sự kiện", "Form of each record and chains of events"),
    "CONTRACT": ("Hợp đồng: mã băm, chữ ký, khóa, thứ tự", "Contract: hash, signatures, keys, order"),
    "PINNED_HEAD": ("Mốc nhật ký ghi trong hợp đồng (không có bằng chứng)", "The head named in a contract (no proof)"),
    "NO_DOCUMENT": ("Số hợp đồng không kèm văn bản, chưa kiểm tra chữ ký", "Contracts without document, unchecked"),
    "ROOTS": ("Chứng thư gốc lấy từ chính hồ sơ; hãy dùng --roots", "Roots come from this bundle itself; use --roots"),
    "STAMPS": ("Dấu thời gian (cần openssl và --tsa)", "Time-stamp (needs openssl and --tsa)"),
    "DISCLOSURES": ("Giá trị được tiết lộ khớp với bản ghi", "Disclosed values match their records"),
}
PROBLEMS = {
    "FORM": ("sai định dạng", "malformed"),
    "ZIP": ("tệp zip đã bị thay đổi", "the zip file was changed"),
    "MANIFEST": ("không khớp với danh mục", "does not match the manifest"),
    "MEMBER": ("thiếu hoặc thừa tệp thành phần", "a member is missing or does not belong here"),
    "KEY": ("không có chữ ký của khóa được tin cậy", "no signature by a trusted key"),
    "SIGNATURE": ("chữ ký không đúng", "a signature does not hold"),
    "QUORUM": ("chưa đủ bên chứng kiến theo chính sách", "not enough witnesses for the policy"),
    "KEY_HISTORY": ("lịch sử khóa không có khóa này ở mốc này", "the key history lacks this key at this size"),
    "TREE": ("không dẫn đến mã băm gốc của nhật ký", "does not lead to the root hash of the log"),
    "HISTORY": ("mốc thuộc lịch sử khác: nhật ký đã bị viết lại", "a head of another history: the log was rewritten"),
    "LEAF": ("bản ghi sai khuôn mẫu hoặc của nhật ký khác", "a record breaks the schema or is of another log"),
    "REPEATED": ("sự kiện lặp lại", "an event is repeated"),
    "CHAIN": ("thiếu hoặc thừa sự kiện", "an event is missing or added"),
    "ORDER": ("sự kiện sai thứ tự", "an event is out of order"),
    "NOT_LOGGED": ("không khớp với các bản ghi", "does not match the records"),
    "PUBLIC_KEY": ("khóa công khai bị từ chối", "the public key is refused"),
    "REVOKED": ("khóa đã bị thu hồi trước khi ký", "the key was revoked before it signed"),
    "CERTIFICATE": (
        "chứng thư sai mục đích, hết hạn, bị thu hồi hoặc không dẫn đến chứng thư gốc được tin cậy",
        "the certificate is not for signing, not in its time, revoked, or leads to no trusted root",
    ),
    "GRADE": ("cấp độ chữ ký khác với bản ghi", "the grade of a signature is not the one recorded"),
    "STAMP": ("dấu thời gian không đúng", "the time-stamp does not hold"),
}
MARKS = {"pass": ("ĐẠT", "PASS"), "note": ("LƯU Ý", "NOTE"), "fail": ("KHÔNG ĐẠT", "FAIL")}
MARKS["not checked"] = ("CHƯA KIỂM TRA", "NOT CHECKED")
RESULTS = {
    True: ("KẾT QUẢ: những gì kiểm tra được đều hợp lệ.", "RESULT: everything that could be checked holds."),
    False: ("KẾT QUẢ: hồ sơ KHÔNG hợp lệ.", "RESULT: the bundle does NOT hold."),
    None: (
        "KẾT QUẢ: CHƯA kiểm tra được mọi chữ ký; phần đã kiểm tra đều hợp lệ.",
        "RESULT: NOT every signature could be checked; what was checked holds.",
    ),
}
# What strange bytes may cause in the code below; each becomes a FAIL line.
MALFORMED = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError, OSError),
    *(x509.InvalidVersion, x509.DuplicateExtension, UnsupportedAlgorithm),
)


class Fail(Exception):
    """A check does not hold: the code of the problem, and where."""


def need(holds: object, code: str, where: object = "") -> None:
    """Refuse unless it holds."""
    if not holds:
        raise Fail(code, str(where)[:160])


# --- base64 and JSON have one spelling each here --------------------------------------------------------------------


def b64(text: str) -> bytes:
    """RFC 4648 section 4, with padding."""
    data = base64.b64decode(text.encode("ascii"), validate=True)
    need(base64.b64encode(data).decode() == text, "FORM", text[:40])
    return data


def b64url(text: str) -> bytes:
    """RFC 7515 section 2, without padding."""
    data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    need(to_b64url(data) == text, "FORM", text[:40])
    return data


def to_b64url(data: bytes) -> str:
    """The pair of b64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sha256(data: bytes) -> bytes:
    """The only hash in use."""
    return hashlib.sha256(data).digest()


def read_number(spelling: str) -> int:
    """RFC 8785 as used here: whole numbers below 2^53; int() refuses decimals, NaN and Infinity."""
    number = int(spelling)
    need(-(2**53) < number < 2**53, "FORM", spelling)
    return number


READER = json.JSONDecoder(parse_float=read_number, parse_constant=read_number, parse_int=read_number)
WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)


def read_json(data: bytes, where: object) -> Any:
    """The value, if these bytes are its RFC 8785 form: sorted keys, none twice, no spaces, nothing escaped in vain."""
    text = data.decode("utf-8")
    value = READER.decode(text)
    need(WRITER.encode(value) == text, "FORM", where)
    return value


# --- the zip: members sorted by name, stored as they are, every byte of a header known beforehand --------------------


class Zip:
    """The members of a bundle; the whole file is checked when it is opened, one member in memory at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.size = file, file.seek(0, io.SEEK_END)
        self._shared = isinstance(file, io.BufferedReader) and hasattr(os, "pread")
        self.sha256: dict[str, str] = {}
        self._places: dict[str, tuple[int, int]] = {}
        need(self.size <= FILE_LIMIT, "ZIP", self.size)
        at, last, index = 0, "", io.BytesIO()
        while self._read(at, 4) == b"PK\x03\x04":
            size, length = struct.unpack("<18xI4xH2x", self._read(at, 30))
            name = self._read(at + 30, length).decode("ascii")
            named = re.fullmatch(r"[0-9A-Za-z_-][0-9A-Za-z._-]*(/[0-9A-Za-z_-][0-9A-Za-z._-]*)*", name)
            need(named and last < name and length <= 120 and len(self.sha256) < MEMBERS_LIMIT, "ZIP", f"byte {at}")
            need(size <= MEMBER_LIMIT, "ZIP", name)
            data = self._read(at + 30 + length, size)
            common = struct.pack("<5H3I2H", 10, 0, 0, 0, 33, zlib.crc32(data), size, size, length, 0)
            need(len(data) == size and self._read(at, 30) == b"PK\x03\x04" + common, "ZIP", f"byte {at}, {name}")
            index.write(b"PK\x01\x02\x0a\x00" + common + struct.pack("<3H2I", 0, 0, 0, 0, at) + name.encode())
            self.sha256[name], self._places[name] = sha256(data).hex(), (at + 30 + length, size)
            at, last = at + 30 + length + size, name
        count, size = len(self.sha256), index.tell()
        index.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, size, at, 0))
        whole = count and at + index.tell() == self.size  # what follows may be gigabytes: compare sizes first
        need(whole and self._read(at, index.tell()) == index.getvalue(), "ZIP", f"byte {at}, index")

    def _read(self, at: int, size: int) -> bytes:
        if self._shared:  # by several processes, its place in the file too; so that must not matter
            return os.pread(self._file.fileno(), size, at)
        self._file.seek(at)
        return self._file.read(size)

    def __getitem__(self, name: str) -> bytes:
        need(name in self._places, "MEMBER", name)
        return self._read(*self._places[name])

    def names(self, folder: str) -> list[str]:
        """The members of a folder, sorted."""
        return [name for name in self.sha256 if name.startswith(folder)]


# --- the signed head and the policy ---------------------------------------------------------------------------------

Key = tuple[str, int, bytes]  # name, type (1 log, 4 witness), public key


def key_id(key: Key) -> bytes:
    """C2SP signed-note: four bytes that help to find the key."""
    return sha256(key[0].encode() + b"\n" + bytes([key[1]]) + key[2])[:4]


def read_key(text: str) -> Key:
    """C2SP signed-note, a verifier key: name+id+base64(type and key)."""
    name, stated, material = text.split("+", 2)
    key = (name, b64(material)[0], b64(material)[1:])
    need(len(key[2]) == 32 and key[1] in (1, 4) and re.fullmatch(r"\S+", name), "FORM", text)
    need(stated == key_id(key).hex(), "FORM", text)
    return key


class Policy:
    """C2SP tlog-policy: accepted logs, witnesses and groups by name, and the name that must be satisfied."""

    def __init__(self, text: str) -> None:
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.quorum, self._groups, self._grouped = "", dict[str, tuple[int, list[str]]](), set[str]()
        need(not re.search(r"[\x00-\x08\x0b-\x1f]", text), "FORM", "policy")
        for line in text.split("\n"):
            words = [word for word in re.split(r"[ \t]+", line) if word]
            if words and not words[0].startswith("#"):
                need(self._line(*words), "FORM", f"policy: {line}")
        need(self.quorum, "FORM", "policy: quorum")

    def _line(self, kind: str, name: str, *more: str) -> bool:
        known = {*self.witnesses, *self._groups}
        if kind == "log" and len(more) < 2:
            self.logs.append(read_key(name))
            return self.logs[-1][1] == 1 and len({key[2] for key in self.logs}) == len(self.logs)
        if kind == "quorum":
            again, self.quorum = self.quorum, name
            return not again and not more and name in {*known, "none"}
        if kind == "witness" and 0 < len(more) < 3:
            self.witnesses[name] = key = read_key(more[0])
            single = len({key[2] for key in self.witnesses.values()}) == len(self.witnesses)
            return key[1] == 4 and single and name not in {*known, "none"}
        members = list(more[1:])
        count = {"any": "1", "all": str(len(members))}.get(more[0], more[0])
        free = set(members) <= known - self._grouped and len(set(members)) == len(members)
        self._grouped.update(members)
        self._groups[name] = (int(count), members)
        sound = re.fullmatch("[0-9]{1,3}", count) and 1 <= int(count) <= len(members)
        return bool(kind == "group" and free and sound and name not in {*known, "none"})

    def satisfied(self, seen: list[Key]) -> bool:
        """Whether these witnesses are enough."""
        names = {"none", *(name for name, key in self.witnesses.items() if key in seen)}
        for name, (count, members) in self._groups.items():  # a group names only what stands before it
            if len(names & set(members)) >= count:
                names.add(name)
        return self.quorum in names


class Head:
    """A signed head (C2SP tlog-checkpoint): its text, origin, size, root, and its signature lines."""

    def __init__(self, data: bytes, where: str) -> None:
        need(len(data) <= 256 * 1024 and not re.search(rb"[\x00-\x09\x0b-\x1f]", data), "FORM", where)
        body, blank, tail = data.decode("utf-8").rpartition("\n\n")
        self.text, lines = body + "\n", tail.split("\n")
        self.origin, size, root, *more = body.split("\n")
        self.size, self.root = int(size), b64(root)
        need(blank and lines.pop() == "" and 1 <= len(lines) <= 64 and self.origin and all(more), "FORM", where)
        need(str(self.size) == size and 0 <= self.size < 2**63 and len(self.root) == 32, "FORM", where)
        self.lines: list[tuple[str, bytes]] = []
        for line in lines:
            dash, name, value = line.split(" ")
            need(dash == "\u2014" and re.fullmatch(r"[^\s+]+", name) and len(b64(value)) >= 5, "FORM", where)
            self.lines.append((name, b64(value)))

    def signers(self, keys: list[Key]) -> list[Key]:
        """The keys among these that signed. Unknown signatures are ignored, a wrong one by a known key is refused."""
        known = {(key[0], key_id(key)): key for key in keys}
        found: list[Key] = []
        for name, value in self.lines:
            key = known.get((name, value[:4]))
            if key is None:
                continue
            message, signature = self.text.encode(), value[4:]
            if key[1] == 4:  # C2SP tlog-cosignature: eight bytes of time, then the signature over time and text
                time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                need(time < 2**63, "SIGNATURE", name)
                message = f"cosignature/v1\ntime {time}\n".encode() + message
            need(key not in found and len(signature) == 64, "SIGNATURE", name)
            ed25519.Ed25519PublicKey.from_public_bytes(key[2]).verify(signature, message)
            found.append(key)
        return found


# --- the tree: RFC 6962 section 2.1, C2SP tlog-tiles ----------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees; that of a record is SHA-256(0x00 || record)."""
    return sha256(b"\x01" + left + right)


def root_of(row: list[bytes], see_row: Callable[[int, list[bytes]], None] | None = None) -> bytes:
    """The root over these hashes, pair by pair, level by level; `see_row` is shown the complete subtrees of each."""
    rest, height, hasher = b"", 0, hashlib.sha256
    while row:
        if see_row:
            see_row(height, row)
        if len(row) % 2:  # the ragged right edge
            rest = node(row[-1], rest) if rest else row[-1]
        row = [hasher(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)]
        height += 1
    return rest or sha256(b"")


def root_by_inclusion(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.3.2: the root that this path leads to."""
    need(0 <= index < size and all(len(item) == 32 for item in path), "TREE", index)
    inner = (index ^ (size - 1)).bit_length()  # below, the path may turn either way; above, only left siblings remain
    need(len(path) == inner + (index >> inner).bit_count(), "TREE", index)
    for height, sibling in enumerate(path):
        right = height < inner and not index >> height & 1
        leaf = node(leaf, sibling) if right else node(sibling, leaf)
    return leaf


def roots_by_consistency(old: int, new: int, old_root: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """RFC 9162 section 2.1.4.2: the old and the new root that this proof leads to."""
    need(0 < old <= new and all(len(item) == 32 for item in path) and (path or old == new), "TREE", old)
    if old == new:
        need(not path, "TREE", old)
        return old_root, old_root
    start = (old & -old).bit_length() - 1  # height of the largest subtree that ends where the old tree ends
    first, *path = path if old.bit_count() > 1 else [old_root, *path]
    inner = ((old - 1) ^ (new - 1)).bit_length() - start
    need(len(path) == inner + ((old - 1) >> (start + inner)).bit_count(), "TREE", old)
    one = two = first
    for height, sibling in enumerate(path):
        if height < inner and not (old - 1) >> (start + height) & 1:
            two = node(two, sibling)
        else:
            one, two = node(sibling, one), node(sibling, two)
    return one, two


def tile_path(level: object, number: int, width: int) -> str:
    """The address of a tile or of a bundle of records; the number in groups of three digits."""
    digits = f"{number:03d}"
    groups = re.findall("...", "0" * (-len(digits) % 3) + digits)
    address = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{address}" + (f".p/{width}" if width < WIDTH else "")


def tile_row(level: object, count: int) -> Iterator[tuple[int, str, int]]:
    """The tiles that hold `count` hashes or records: the first one's number, the path, how many."""
    for first in range(0, count, WIDTH):
        width = min(WIDTH, count - first)
        yield first, tile_path(level, first // WIDTH, width), width


def split_bundle(data: bytes, width: int) -> list[bytes]:
    """Each record stands after its length in two bytes."""
    found, at = [], 0
    while at + 2 <= len(data):
        stop = at + 2 + (data[at] << 8) + data[at + 1]
        found.append(data[at + 2 : stop])
        at = stop
    need(at == len(data) and len(found) == width, "FORM", "tile/entries")
    return found


# --- one record -----------------------------------------------------------------------------------------------------

FIELDS = {"v", "log", "t", "at", "id", "actor", "on", "prev", "h", "d"}
TYPES = re.compile(
    r"listing\.(submitted|published|returned|changed|withdrawn)|access\.(requested|offered|accepted|decided)"
    r"|negotiation\.terminated|approval\.(given|withdrawn)|rule\.(set|ended)|contract\."
    r"(agreed|signed|active|suspended|resumed|ended)"
    r"|query\.(run|refused)|testroom\.(opened|designed)|delivery\.(made|refused)|key\.(added|revoked|confirmed)"
    r"|account\.(registered|changed)|trial\.(applied|withdrawn|decided|granted|enrolled|left|refused|changed|reported)"
    r"|incident\.(found|assessed|reported|closed)|authority\.(recorded|ended)|budget\.changed"
    r"|audit\.looked|warrant\.opened|evidence\.exported|policy\.changed|erasure\.done|anchor\.made|log\.restarted"
    r"|duty\.(fulfilled|acknowledged|disputed)"
)
HASHES = {
    "contract.agreed": {"contract"},
    "contract.signed": {"contract", "signature"},
    **{f"contract.{what}": {"contract"} for what in ("active", "suspended", "resumed")},
    **{f"trial.{what}": {"dossier"} for what in ("applied", "decided")},
    "trial.reported": {"report"},
    **{f"duty.{what}": {"contract", "statement"} for what in ("fulfilled", "acknowledged", "disputed")},
}
B43 = "[0-9A-Za-z_-]{42}[048AEIMQUYcgkosw]"  # 32 bytes in base64url, unused bits zero
is_origin = re.compile("[!-*,-~]{1,200}").fullmatch
is_id = re.compile("[0-9A-Za-z-]{16,64}").fullmatch
is_actor = re.compile("system|(org|member|key):[0-9A-Za-z_-]{1,80}").fullmatch
is_subject = re.compile("[a-z]{2,20}:[0-9A-Za-z._:/-]{1,120}").fullmatch
is_name = re.compile("[a-z][a-z0-9_]{0,39}").fullmatch
is_digest = re.compile("sha-256:" + B43).fullmatch
is_salted = re.compile(B43).fullmatch


def read_leaf(data: bytes, index: int) -> dict[str, Any]:
    """One record under its closed schema."""
    need(len(data) <= 8192, "LEAF", index)
    leaf: dict[str, Any] = read_json(data, index)
    at, on, h, d, salted = leaf["at"], leaf["on"], leaf["h"], leaf["d"], leaf.get("_sd")
    good = (
        leaf.keys() == (FIELDS | {"_sd", "_sd_alg"} if "_sd" in leaf else FIELDS)
        and is_origin(leaf["log"]) and leaf["v"] == 1 and type(leaf["v"]) is int and TYPES.fullmatch(leaf["t"])
        and type(at) is int and at >= 0 and is_id(leaf["id"]) and is_actor(leaf["actor"])
        and (leaf["prev"] is None or is_id(leaf["prev"]))
        and type(on) is list and 1 <= len(on) <= 16 and all(map(is_subject, on)) and len(set(on)) == len(on)
        and all(map(is_name, h)) and all(map(is_digest, h.values())) and h.keys() >= HASHES.get(leaf["t"], set())
        and len(d) <= 32 and all(map(is_name, d)) and all(map(is_detail, d.values()))
        and ("_sd" not in leaf or (leaf["_sd_alg"] == "sha-256" and type(salted) is list and 1 <= len(salted) <= 16
             and all(map(is_salted, salted)) and salted == sorted(set(salted))))
    )  # fmt: skip
    need(good, "LEAF", index)
    return leaf


def is_detail(value: object) -> bool:
    """A whole number, yes or no, or a short text: one spelling (NFC), nothing invisible or direction-changing."""
    if isinstance(value, int):
        return True
    text = value if isinstance(value, str) and len(value) <= 512 else "\0"
    if text.isascii():
        return text.isprintable()
    kinds = {unicodedata.category(character) for character in text}
    return unicodedata.normalize("NFC", text) == text and not kinds & {"Cc", "Cf", "Zl", "Zp"}


# --- signatures of a contract: RFC 7515, 7518 and 7638 --------------------------------------------------------------

P25519 = 2**255 - 19
ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
LOW_ORDER = {0, 1, P25519 - 1, ORDER_8, P25519 - ORDER_8}  # y of the points under which almost anything verifies
MEMBERS = {"OKP": {"crv", "kty", "x"}, "EC": {"crv", "kty", "x", "y"}, "RSA": {"e", "kty", "n"}}
ALGORITHMS = {"OKP": ("Ed25519", "EdDSA"), "EC": ("ES256",), "RSA": ("RS256", "PS256")}


def check_jws(entry: dict[str, str], payload: str) -> tuple[str, int, list[bytes]]:
    """One signature over the payload: what names its key, when it was made (seconds, as the signer says), and the
    certificates that came along if a certificate names it."""
    need(entry.keys() == {"protected", "signature"} and len(entry["protected"]) <= 49_152, "FORM", "signatures")
    header = read_json(b64url(entry["protected"]), "protected")
    alg, iat, chain = header["alg"], header["iat"], list[bytes]()
    if "x5c" in header:
        need(header.keys() == {"alg", "cty", "iat", "typ", "x5c", "x5t#S256"}, "FORM", "protected")
        need(type(header["x5c"]) is list and 1 <= len(header["x5c"]) <= 6, "FORM", "x5c")
        chain = [b64(text) for text in header["x5c"]]
        kid, jwk = to_b64url(sha256(chain[0])), jwk_of(chain[0])
        need(header["x5t#S256"] == kid, "PUBLIC_KEY", kid)
    else:
        need(header.keys() == {"alg", "cty", "iat", "jwk", "kid", "typ"}, "FORM", "protected")
        jwk = header["jwk"]
        kid = to_b64url(sha256(WRITER.encode(jwk).encode()))
        need(header["kid"] == kid, "PUBLIC_KEY", kid)
    need(header["typ"] == "minhbach-contract+jws" and header["cty"] == "json", "FORM", "protected")
    need(type(iat) is int and 0 <= iat <= 253402300799, "FORM", "iat")
    need(jwk.keys() == MEMBERS[jwk["kty"]], "PUBLIC_KEY", kid)
    need(alg in ALGORITHMS[jwk["kty"]], "PUBLIC_KEY", f"{kid}, {alg}")
    check_raw(jwk, alg, b64url(entry["signature"]), f"{entry['protected']}.{payload}".encode("ascii"), kid)
    return kid, iat, chain


def check_raw(jwk: dict[str, str], alg: str, signature: bytes, message: bytes, kid: str) -> None:
    """The signature itself, by the one family of algorithms that this type of key may use."""
    raw = {name: b64url(value) for name, value in jwk.items() if name not in ("kty", "crv")}
    number = {name: int.from_bytes(value, "big") for name, value in raw.items()}
    if jwk["kty"] == "OKP":
        y = int.from_bytes(raw["x"], "little") & (2**255 - 1)
        need(jwk["crv"] == "Ed25519" and len(raw["x"]) == 32 and y < P25519 and y not in LOW_ORDER, "PUBLIC_KEY", kid)
        need(len(signature) == 64, "SIGNATURE", kid)
        ed25519.Ed25519PublicKey.from_public_bytes(raw["x"]).verify(signature, message)
    elif jwk["kty"] == "EC":
        need(jwk["crv"] == "P-256" and len(raw["x"]) == len(raw["y"]) == 32, "PUBLIC_KEY", kid)
        need(len(signature) == 64, "SIGNATURE", kid)
        point = ec.EllipticCurvePublicNumbers(number["x"], number["y"], ec.SECP256R1()).public_key()
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        point.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    else:
        sound = 2048 <= number["n"].bit_length() <= 4096 and number["n"] % 2 and raw["n"][0] and jwk["e"] == "AQAB"
        need(sound, "PUBLIC_KEY", kid)
        need(len(signature) == len(raw["n"]), "SIGNATURE", kid)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        scheme: Any = pss if alg == "PS256" else padding.PKCS1v15()
        rsa.RSAPublicNumbers(65537, number["n"]).public_key().verify(signature, message, scheme, hashes.SHA256())


# --- signing certificates: RFC 5280 ---------------------------------------------------------------------------------

GRADES = ("licensed", "organisation")
Certificates = list[x509.Certificate]


def read_certificate(der: bytes) -> x509.Certificate:
    """One certificate, in DER and nothing after it."""
    found = x509.load_der_x509_certificate(der)
    need(len(der) <= 8192 and found.public_bytes(Encoding.DER) == der, "CERTIFICATE", len(der))
    return found


def jwk_of(der: bytes) -> dict[str, str]:
    """A certificate's key as a JWK."""
    key = read_certificate(der).public_key()
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": to_b64url(key.public_bytes_raw())}
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = key.public_numbers()
        x, y = (to_b64url(value.to_bytes(32, "big")) for value in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    need(isinstance(key, rsa.RSAPublicKey), "PUBLIC_KEY", type(key).__name__)
    numbers: Any = key.public_numbers()  # type: ignore[union-attr]
    n, e = (to_b64url(value.to_bytes((value.bit_length() + 7) // 8, "big")) for value in (numbers.n, numbers.e))
    return {"kty": "RSA", "n": n, "e": e}


def extension(certificate: x509.Certificate, kind: Any) -> Any:
    """The value of an extension, or None."""
    return next((each.value for each in certificate.extensions if isinstance(each.value, kind)), None)


def in_time(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether the moment lies in its period."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def issued(issuer: x509.Certificate, certificate: x509.Certificate, at: datetime, below: int) -> bool:
    """Whether this authority made that certificate and might: `below` authorities stand between it and the signer."""
    limits, usage = extension(issuer, x509.BasicConstraints), extension(issuer, x509.KeyUsage)
    understood = {"2.5.29.15", "2.5.29.19", "2.5.29.32"}  # key usage, basic constraints, policies
    critical = {each.oid.dotted_string for each in issuer.extensions if each.critical}
    might = limits is not None and limits.ca and (limits.path_length is None or limits.path_length >= below)
    if not (might and usage and usage.key_cert_sign and critical <= understood and in_time(issuer, at)):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return isinstance(certificate.signature_hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512)


def path_of(certificate: x509.Certificate, pool: Certificates, roots: Certificates, at: datetime) -> Certificates:
    """From the certificate to a root, or nothing; the pool shrinks by one at each step."""

    def walk(last: x509.Certificate, rest: Certificates, below: int) -> Certificates:
        for root in roots:
            if issued(root, last, at, below):
                return [last, root]
        for issuer in rest:
            if issued(issuer, last, at, below):
                upwards = walk(issuer, [other for other in rest if other is not issuer], below + 1)
                if upwards:
                    return [last, *upwards]
        return []

    return walk(certificate, pool, 0)


def check_certificates(
    chain: list[bytes], roots: dict[str, list[bytes]], lists: list[bytes], at: datetime, kid: str
) -> str:
    """The grade of the root that the first certificate leads to, if it was good for signing at that moment."""
    leaf, *pool = [read_certificate(der) for der in dict.fromkeys(chain)]
    usage, limits = extension(leaf, x509.KeyUsage), extension(leaf, x509.BasicConstraints)
    signs = usage is None or usage.digital_signature or usage.content_commitment
    odd = any(each.critical and isinstance(each.value, x509.UnrecognizedExtension) for each in leaf.extensions)
    need(signs and not odd and not (limits and limits.ca) and len(pool) <= 5 and in_time(leaf, at), "CERTIFICATE", kid)
    for grade in GRADES:
        path = path_of(leaf, pool, [read_certificate(der) for der in roots[grade]], at)
        if path:
            for certificate, issuer in pairwise(path):
                need(not_revoked(certificate, issuer, lists, at), "CERTIFICATE", f"{kid}, CRL")
            return grade
    raise Fail("CERTIFICATE", kid)


def not_revoked(certificate: x509.Certificate, issuer: x509.Certificate, lists: list[bytes], at: datetime) -> bool:
    """Whether the issuer's lists of that moment are here, and all are without this certificate."""
    known = False
    for der in lists:
        crl = x509.load_der_x509_crl(der)
        need(not any(each.critical for each in crl.extensions) and crl.next_update_utc, "CERTIFICATE", "CRL")
        strong = isinstance(crl.signature_hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None)
        need(strong, "CERTIFICATE", "CRL")
        current = crl.last_update_utc <= at <= (crl.next_update_utc or at) and crl.issuer == issuer.subject
        if current and crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
            entry, known = crl.get_revoked_certificate_by_serial_number(certificate.serial_number), True
            if entry is not None and entry.revocation_date_utc <= at:
                return False
    return known


def open_cades(signature: bytes, payload: bytes) -> list[bytes] | None:
    """RFC 5652, detached, by openssl: the signer's certificate and those beside it; None when openssl is not here."""
    tool = shutil.which("openssl")
    if tool is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        names = ("signature", "payload", "signer", "others", "out")
        given, content, signer, others, out = (Path(folder, name) for name in names)
        given.write_bytes(signature)
        content.write_bytes(payload)
        command: list[str | Path] = [tool, "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", given]
        command += ["-content", content, "-signer", signer, "-certsout", others, "-out", out]
        done = subprocess.run(command, capture_output=True)  # noqa: S603
        need(done.returncode == 0 and out.read_bytes() == payload, "SIGNATURE", "CAdES")
        (first,) = x509.load_pem_x509_certificates(signer.read_bytes())
        more = x509.load_pem_x509_certificates(others.read_bytes()) if others.exists() else []
        return [certificate.public_bytes(Encoding.DER) for certificate in (first, *more)]


class Life:
    """What the records say of one contract: when each thing happened, and the first thing out of turn."""

    def __init__(self) -> None:
        self.agreed = self.active = self.ended = self.wrong = -1
        self.hashes: set[str] = set()
        self.signed: dict[tuple[str, str], int] = {}  # signer and digest of its signature -> index
        self.holds, self.stated = set[str](), set[str]()  # who suspends it now; who has said what became of the data
        self.acted, self.others = set[str](), set[str]()  # who did what only a party does; what only others do
        self.how: dict[tuple[str, str], dict[str, Any]] = {}  # the records of those not by a bare key

    def follow(self, leaf: dict[str, Any], index: int, *, first: bool) -> None:
        """The next record that names the contract; `first`: whose chain is the contract's own."""
        kind, actor, begun, right = leaf["t"], leaf["actor"], self.agreed >= 0 > self.ended, True
        if kind == "contract.agreed":
            right, self.agreed = self.agreed < 0 > self.ended, index
        elif kind == "contract.signed":
            right = begun and self.active < 0 and actor not in {signer for signer, _ in self.signed}
            act = (actor, leaf["h"]["signature"])
            self.signed[act] = index
            if leaf["d"].get("grade") in GRADES or leaf["d"].get("form", "jws") != "jws":
                self.how[act] = leaf
        elif kind == "contract.active":
            right, self.active = begun and self.active < 0 and actor == "system", index
        elif kind == "contract.ended":
            right, self.ended = begun, index
            self.acted |= {actor} - {"system"}
        elif kind in ("delivery.made", "query.run"):
            right = self.active >= 0 > self.ended and not self.holds
        own = kind.startswith(("contract.", "duty."))
        if not (right and self._later(leaf) and (first or not own)) and self.wrong < 0:
            self.wrong = index

    def _later(self, leaf: dict[str, Any]) -> bool:
        """Whether a suspension, its lifting, or a word on the duty at the end comes in its turn."""
        kind, actor, right = leaf["t"], leaf["actor"], True
        if kind in ("contract.suspended", "contract.resumed"):
            listing = leaf["d"].get("hold") == "listing"
            (self.others if listing else self.acted).add(actor)
            holder = "listing" if listing else actor
            right = self.active >= 0 > self.ended and (holder in self.holds) == (kind == "contract.resumed")
            self.holds ^= {holder}
        elif kind == "duty.fulfilled":
            right = self.active >= 0
            self.stated.add(actor)
        elif kind.startswith("duty."):
            right = bool(self.stated - {actor})
        if kind.startswith("duty."):
            self.acted.add(actor)
        return right


def needs_both_sides(body: dict[str, Any]) -> bool:
    """Whether the document has one provider, one consumer and at most an operator, and asks both sides to sign."""
    roles, orgs = ([party[name] for party in body["parties"]] for name in ("role", "org_id"))
    sides = {org for role, org in zip(roles, orgs, strict=True) if role != "operator"}
    known = sorted(roles) in (["consumer", "provider"], ["consumer", "operator", "provider"])
    single = all(len(set(names)) == len(names) for names in (orgs, body["needs"]))
    return known and single and sides <= set(body["needs"]) <= set(orgs)


def stamp_holds(command: list[str | Path], data: Path, tsa: Path) -> bool:
    """RFC 3161, by openssl. Certificates are judged at the time that the token states: evidence outlives them."""
    told = subprocess.run([*command, "-reply", "-text"], capture_output=True).stdout.decode("utf-8", "replace")  # noqa: S603
    stated = re.findall(r"^Time stamp: (\w{3} [ \d]\d \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", told, re.MULTILINE)
    if not stated:
        return False
    moment = str(calendar.timegm(time.strptime(" ".join(stated[-1]), "%b %d %H:%M:%S %Y")))
    more: list[str | Path] = ["-verify", "-attime", moment, "-data", data, "-CAfile", tsa]
    return subprocess.run([*command, *more], capture_output=True).returncode == 0  # noqa: S603


# --- many contracts: shared by all processors where the system can copy a process as it stands ------------------------

PART = 16  # contracts that a process takes at a time
READY: list[Callable[[str], Any]] = []  # the check, in a process that shares the work


def each(check: Callable[[str], Any], names: list[str]) -> Iterator[Any]:
    """What `check` says of each name, in order. A part in which one fails is done again here, and fails as it would."""
    parts, cores, done = [names[at : at + PART] for at in range(0, len(names), PART)], os.cpu_count(), 0
    if len(parts) > 6 and sys.platform == "linux" and cores != 1:
        with suppress(BrokenExecutor), ProcessPoolExecutor(cores, get_context("fork"), READY.append, (check,)) as pool:
            for done, found in enumerate(pool.map(check_part, parts), 1):
                yield from found or map(check, parts[done - 1])
    yield from map(check, names[PART * done :])  # all, or what is left when the system has killed a process


def check_part(names: list[str]) -> list[Any]:
    """What the check says of these; nothing if one of them fails."""
    try:
        return list(map(READY[0], names))
    except (Fail, InvalidSignature, *MALFORMED, struct.error):
        return []


# --- the checks, in the order in which each rests on the one before -------------------------------------------------

Lines = Iterator[tuple[str, str, object]]  # check, result, where
ALWAYS = {"READ-ME.txt", "verify.py", "bundle.json", "checkpoint", "policy", "keys.json", "MANIFEST.sha256"}
SIZE = "[1-9][0-9]{0,18}"
MAYBE = rf"checkpoints/{SIZE}|timestamps/{SIZE}\.tsr|contracts/[0-9a-f]{{64}}\.jws\.json"
MAYBE += r"|signatures/[0-9a-f]{64}\.(p7s|pdf)|x509/[0-9a-f]{64}\.(trust\.json|crl|pem)"
MAYBE += r"|disclosures/[0-9A-Za-z-]{16,64}\.(0|[1-9][0-9]?)\.json"
OF_LOG = "|tile/.*"
OF_CONTRACT = rf"|entries/[0-9]{{12}}\.json|proofs/[0-9]{{12}}\.tlog-proof|checkpoints/{SIZE}\.consistency"


class Checker:
    """One bundle and what has been established about it."""

    def __init__(
        self, file: BinaryIO, policy: str | None, saved: bytes | None, tsa: Path | None,
        licensed: list[bytes] | None = None,
    ) -> None:  # fmt: skip
        self._file, self._policy, self._saved, self._tsa = file, policy, saved, tsa
        self._licensed, self._trusted_bundle, self._agreed = licensed, False, 0
        self._listed: dict[str, int] = {}  # digest of a list of trusted roots -> index
        self._roots: dict[int, bytes] = {}  # of heads that were found to lie on this history
        self._lives = defaultdict[str, Life](Life)
        self._revoked: dict[str, int] = {}  # key -> index
        self._salted: dict[str, list[str]] = {}  # event id -> digests

    def report(self) -> list[tuple[str, str, str, str]]:
        """All lines up to the first failure: check, result, code of the problem, where."""
        steps = {
            "ARCHIVE": self._archive, "MANIFEST": self._manifest, "CHECKPOINT": self._checkpoint,
            "ENTRIES": self._entries, "HEADS": self._heads, "SAVED_HEAD": self._saved_head, "CHAINS": self._chains,
            "CONTRACT": self._contracts, "STAMPS": self._stamps, "DISCLOSURES": self._disclosures,
        }  # fmt: skip
        lines: list[tuple[str, str, str, str]] = []
        for check, step in steps.items():
            try:
                for what, result, where in step():
                    lines.append((what, result, "", str(where)))
            except Fail as problem:
                return [*lines, (check, "fail", *problem.args)]
            except InvalidSignature:
                return [*lines, (check, "fail", "SIGNATURE", "")]
            except (*MALFORMED, struct.error) as problem:
                return [*lines, (check, "fail", "FORM", f"{type(problem).__name__}: {problem}"[:160])]
        return lines

    def _archive(self) -> Lines:
        self._zip = Zip(self._file)
        yield "ARCHIVE", "pass", f"{self._zip.size} byte"

    def _manifest(self) -> Lines:
        sums = "".join(f"{sha}  {name}\n" for name, sha in self._zip.sha256.items() if name != "MANIFEST.sha256")
        need(sums == self._zip["MANIFEST.sha256"].decode(), "MANIFEST", "MANIFEST.sha256")
        told = self._zip["bundle.json"]
        self._scope = read_json(told, "bundle.json")["scope"]
        self._whole = self._scope == "log"
        right = {"scope": self._scope, "typ": "minhbach-evidence", "v": 1}
        need(isinstance(self._scope, str) and WRITER.encode(right).encode() == told, "FORM", "bundle.json")
        names = self._zip.sha256.keys()
        need(names >= ALWAYS, "MEMBER", ", ".join(ALWAYS - names))
        placed = re.compile(MAYBE + (OF_LOG if self._whole else OF_CONTRACT)).fullmatch
        for name in names - ALWAYS:
            need(placed(name), "MEMBER", name)
        yield "MANIFEST", "pass", self._scope
        own = sha256(Path(__file__).read_bytes()).hex()
        for name, known in (("READ-ME.txt", READ_ME_SHA256), ("verify.py", own)):
            if self._zip.sha256[name] != known:
                yield "TEXT", "note", f"{name}, SHA-256 {self._zip.sha256[name]}"

    def _checkpoint(self) -> Lines:
        claimed = Policy(self._zip["policy"].decode())
        policy = claimed if self._policy is None else Policy(self._policy)
        self._head = head = Head(self._zip["checkpoint"], "checkpoint")
        self._logs = policy.logs
        self._history: list[tuple[Key, int, int]] = []
        for row in read_json(self._zip["keys.json"], "keys.json"):
            since, until = row["since"], 2**63 if row["until"] is None else row["until"]
            sound = row.keys() == {"vkey", "since", "until"} and type(since) is type(until) is int
            need(sound and 0 <= since <= until, "FORM", "keys.json")
            self._history.append((read_key(row["vkey"]), since, until))
        self._check_signed(head, [key for key in self._logs if key[0] == head.origin])
        seen = head.signers(list(policy.witnesses.values()))
        need(policy.satisfied(seen), "QUORUM", policy.quorum)
        self._roots |= {0: sha256(b""), head.size: head.root}
        yield "CHECKPOINT", "pass", f"{head.origin}, {head.size}, +{len(seen)}"
        if self._policy is None:
            yield "NOT_PINNED", "note", head.origin

    def _check_signed(self, head: Head, keys: list[Key]) -> None:
        signed = head.signers(keys)
        need(signed, "KEY", ", ".join(name for name, _ in head.lines))
        known = any(key == signed[0] and since <= head.size <= until for key, since, until in self._history)
        need(known, "KEY_HISTORY", f"{signed[0][0]}, {head.size}")

    def _entries(self) -> Lines:
        size = self._head.size
        if self._whole:
            row: list[bytes] = []
            paths = set()
            for _, path, width in tile_row("entries", size):
                row += [hashlib.sha256(b"\x00" + leaf).digest() for leaf in split_bundle(self._zip[path], width)]
                paths.add(path)

            def see_row(height: int, hashes: list[bytes]) -> None:
                for first, path, width in tile_row(height // 8, len(hashes)) if height % 8 == 0 else ():
                    need(self._zip[path] == b"".join(hashes[first : first + width]), "TREE", path)
                    paths.add(path)

            need(root_of(row, see_row) == self._head.root, "TREE", size)
            need(paths == set(self._zip.names("tile/")), "MEMBER", "tile/")
        else:
            numbers = [name[8:20] for name in self._zip.names("entries/")]
            need(numbers == [name[7:19] for name in self._zip.names("proofs/")], "MEMBER", "proofs/")
            for number in numbers:
                where, leaf = f"proofs/{number}.tlog-proof", sha256(b"\x00" + self._zip[f"entries/{number}.json"])
                start, _, note = self._zip[where].partition(b"\n\n")
                lines = start.decode().split("\n")
                need(lines[:2] == ["c2sp.org/tlog-proof@v1", f"index {int(number)}"], "FORM", where)
                root = root_by_inclusion(leaf, int(number), size, [b64(line) for line in lines[2:]])
                need(note == self._zip["checkpoint"] and root == self._head.root, "TREE", where)
            size = len(numbers)
        yield "ENTRIES", "pass", size

    def _heads(self) -> Lines:
        names = self._zip.names("checkpoints/")
        older = [name for name in names if not name.endswith(".consistency")]
        need({name.removesuffix(".consistency") for name in names} == set(older), "MEMBER", "checkpoints/")
        for name in older:
            head = Head(self._zip[name], name)
            need(name == f"checkpoints/{head.size}", "FORM", name)
            keys = {*self._logs, *(key for key, _, _ in self._history)}
            self._check_signed(head, [key for key in keys if key[:2] == (head.origin, 1)])
            if self._whole:
                need(self._root_at(head.size) == head.root, "HISTORY", head.size)
            else:
                lines = self._zip[f"{name}.consistency"].decode().split("\n")
                need(lines.pop() == "", "FORM", name)
                roots = roots_by_consistency(head.size, self._head.size, head.root, [b64(line) for line in lines])
                need(roots == (head.root, self._head.root), "HISTORY", head.size)
            self._roots[head.size] = head.root
        if older:
            yield "HEADS", "pass", len(older)

    def _root_at(self, size: int) -> bytes | None:
        """The root of this log at that size, as far as the bundle can tell; its tiles have been compared before."""
        if size in self._roots or not self._whole or size > self._head.size:
            return self._roots.get(size)
        subtrees, at = [], 0
        while at < size:  # its complete subtrees, largest first, each within one tile
            height = (size - at).bit_length() - 1
            first, row = at >> (height - height % 8), self._head.size >> (height - height % 8)
            number, offset = divmod(first, WIDTH)
            tile = self._zip[tile_path(height // 8, number, min(WIDTH, row - number * WIDTH))]
            hashes = [tile[32 * n : 32 * n + 32] for n in range(offset, offset + (1 << height % 8))]
            subtrees.append(root_of(hashes))
            at += 1 << height
        root = subtrees.pop()
        while subtrees:
            root = node(subtrees.pop(), root)
        return root

    def _saved_head(self) -> Lines:
        if self._saved is not None:
            saved = Head(self._saved, "--head")
            root = self._root_at(saved.size)  # its origin may be an older name of this log: the root decides
            need(root in (None, saved.root), "HISTORY", saved.size)
            yield "SAVED_HEAD", "not checked" if root is None else "pass", f"{saved.size} / {self._head.size}"

    def _leaves(self) -> Iterator[tuple[int, bytes]]:
        for name in self._zip.names("entries/"):
            yield int(name[8:20]), self._zip[name]
        for first, path, width in tile_row("entries", self._head.size) if self._whole else ():
            yield from enumerate(split_bundle(self._zip[path], width), first)

    def _chains(self) -> Lines:
        # hash() is keyed anew in every run, so nobody can aim at a collision; a chance one would be a false alarm
        seen, last = dict[int, int](), dict[int, int]()
        wanted = {name.split("/")[1].split(".")[0] for name in self._zip.names("disclosures/")}
        log = ""
        for index, data in self._leaves():
            leaf = read_leaf(data, index)
            # only a restart gives the log another name, and says which one it had
            renamed = leaf["t"] == "log.restarted" and leaf["d"].get("origin") == log
            need(leaf["log"] == log or renamed or not log, "LEAF", index)
            log = leaf["log"]
            subject, key = hash(leaf["on"][0]), hash(leaf["id"])
            need(key not in seen, "REPEATED", index)
            before = None if leaf["prev"] is None else seen.get(hash(leaf["prev"]), -1)
            complete = self._whole or leaf["on"][0] == self._scope
            need(before == last.get(subject) or not (complete or before not in (None, -1)), "CHAIN", index)
            seen[key] = last[subject] = index
            if leaf["id"] in wanted:
                self._salted[leaf["id"]] = leaf.get("_sd", [])
            self._note(leaf, index)
        need(log in ("", self._head.origin), "LEAF", log)
        yield "CHAINS", "pass", f"{len(last)}, {max(last.values(), default=0)} / {self._head.size}"

    def _note(self, leaf: dict[str, Any], index: int) -> None:
        for place, subject in enumerate(leaf["on"]):
            if subject.startswith("contract:"):
                life = self._lives[subject]
                life.follow(leaf, index, first=not place)
                if not place and "contract" in leaf["h"]:
                    life.hashes.add(leaf["h"]["contract"])
        self._agreed += leaf["t"] == "contract.agreed"
        if leaf["t"] == "key.revoked":
            self._revoked.setdefault(leaf["on"][0].removeprefix("key:"), index)
        if leaf["t"] == "policy.changed" and "trust" in leaf["h"]:
            self._listed.setdefault(leaf["h"]["trust"], index)

    def _contracts(self) -> Lines:
        names, subjects = self._zip.names("contracts/"), set()
        for subject, signers, unchecked, pinned, unpinned in each(self._contract, names):
            subjects.add(subject)
            self._trusted_bundle |= unpinned
            yield "CONTRACT", "not checked" if unchecked else "pass", f"{subject}, {', '.join(unchecked or signers)}"
            if pinned:
                root, where = self._root_at(pinned["size"]), f"{subject}, {pinned['size']}"
                need(pinned["size"] <= self._lives[subject].agreed, "HISTORY", where)
                need(root in (None, b64(pinned["root"])), "HISTORY", where)
                if root is None:
                    yield "PINNED_HEAD", "not checked", where
        if self._trusted_bundle:
            yield "ROOTS", "note", ""
        need(self._whole or self._scope in subjects, "MEMBER", self._scope)
        if self._agreed > len(names):
            yield "NO_DOCUMENT", "note", self._agreed - len(names)

    def _contract(self, name: str) -> tuple[str, list[str], list[str], dict[str, Any] | None, bool]:
        """One signed contract: its subject, its signers, those of them whose signature this file cannot check, the head
        of the log that it names, and whether roots of the bundle's own lists have been relied on."""
        signed = read_json(self._zip[name], name)
        payload, entries = b64url(signed["payload"]), signed["signatures"]
        form = signed.keys() == {"payload", "signatures"} and type(entries) is list
        need(form and len(payload) < 2**16, "FORM", name)
        need(name == f"contracts/{sha256(payload).hex()}.jws.json", "MEMBER", name)
        body = read_json(payload, name)
        subject, owner = f"contract:{body['id']}", dict[str, str]()
        life = self._lives[subject]
        known = life.agreed >= 0 and life.hashes == {"sha-256:" + to_b64url(sha256(payload))}
        need(known and body["typ"] == "minhbach-contract" and body["v"] == 1, "NOT_LOGGED", subject)
        need(needs_both_sides(body), "FORM", f"{subject}, needs")
        for party in body["parties"]:
            need(not owner.keys() & set(party["keys"]), "PUBLIC_KEY", f"{subject}, parties")
            owner |= dict.fromkeys(party["keys"], party["org_id"])
        held: dict[tuple[str, str], str] = {}
        unchecked: list[str] = []
        for entry in entries:
            kid, iat, chain = check_jws(entry, signed["payload"])
            need(owner.get(kid) in body["needs"], "PUBLIC_KEY", f"{subject}, {kid}")
            need(iat * 1000 >= body["created"] - 300_000, "ORDER", f"{subject}, iat")
            act = f"org:{owner[kid]}", "sha-256:" + to_b64url(sha256(WRITER.encode(entry).encode()))
            held[act] = kid
            need(bool(chain) == (act in life.how), "GRADE", f"{subject}, {kid}")
            if chain:
                self._certified(chain, kid, life.how[act], life.signed[act])
        for act, leaf in life.how.items():
            if leaf["d"].get("form", "jws") != "jws":
                held[act], opened = self._sealed(leaf, payload, life.signed[act])
                need(f"org:{owner.get(held[act])}" == act[0], "PUBLIC_KEY", f"{subject}, {held[act]}")
                unchecked += [] if opened else [f"{act[0].removeprefix('org:')}: {leaf['d']['form']}"]
        jws = len(held) - sum(leaf["d"].get("form", "jws") != "jws" for leaf in life.how.values())
        need(held.keys() == life.signed.keys() and jws == len(entries), "NOT_LOGGED", f"{subject}, signatures")
        for act, kid in held.items():
            need(self._revoked.get(kid, life.signed[act]) >= life.signed[act], "REVOKED", f"{subject}, {kid}")
        needed = {f"org:{org}" for org in body["needs"]}
        need(life.acted <= needed and not life.others & needed, "ORDER", f"{subject}, actor")
        signers = [actor.removeprefix("org:") for actor, _ in held]
        complete = sorted(signers) == sorted(body["needs"])
        need(life.wrong < 0 and (complete or life.active < 0), "ORDER", f"{subject}, {life.wrong}")
        return subject, signers, unchecked, body["log"], self._trusted_bundle

    def _sealed(self, leaf: dict[str, Any], payload: bytes, index: int) -> tuple[str, bool]:
        """A signature that lies in a file: the certificate that the record names, and whether it was checked here."""
        form, kid = leaf["d"]["form"], next(on[4:] for on in leaf["on"] if on.startswith("key:"))
        suffix = {"cades": "p7s", "pades": "pdf"}[form]
        data = self._by_digest(leaf["h"]["signature"], "signatures/{}." + suffix)
        chain = open_cades(data, payload) if form == "cades" else None
        if chain is None:
            return kid, False
        need(to_b64url(sha256(chain[0])) == kid, "PUBLIC_KEY", kid)
        jwk_of(chain[0])
        self._certified(chain, kid, leaf, index)
        return kid, True

    def _certified(self, chain: list[bytes], kid: str, leaf: dict[str, Any], index: int) -> None:
        """The certificate leads to a root that was trusted, at the time of the record, as the record says."""
        trust, at = leaf["h"]["trust"], datetime.fromtimestamp(leaf["at"] / 1000, UTC)
        need(self._listed.get(trust, index) < index, "NOT_LOGGED", f"{index}, trust")
        listed = read_json(self._by_digest(trust, "x509/{}.trust.json"), trust)
        need(listed.keys() == {"v", "typ", *GRADES} and listed["typ"] == "minhbach-trust", "FORM", trust)
        roots = {grade: [b64(text) for text in listed[grade]] for grade in GRADES}
        if self._licensed is not None:
            roots["licensed"] = self._licensed
        self._trusted_bundle |= self._licensed is None
        lists = [self._by_digest(sha, "x509/{}.crl") for name, sha in leaf["h"].items() if name.startswith("crl_")]
        more = f"x509/{b64url(kid).hex()}.pem"
        pool = x509.load_pem_x509_certificates(self._zip[more]) if more in self._zip.sha256 else []
        whole = [*chain, *(certificate.public_bytes(Encoding.DER) for certificate in pool)]
        need(check_certificates(whole, roots, lists, at, kid) == leaf["d"].get("grade"), "GRADE", kid)

    def _by_digest(self, digest: str, place: str) -> bytes:
        name = place.format(b64url(digest.removeprefix("sha-256:")).hex())
        data = self._zip[name]
        need("sha-256:" + to_b64url(sha256(data)) == digest, "MEMBER", name)
        return data

    def _stamps(self) -> Lines:
        for name in self._zip.names("timestamps/"):
            size, tool = int(name[11:-4]), shutil.which("openssl")
            note = "checkpoint" if size == self._head.size else f"checkpoints/{size}"
            text = Head(self._zip[note], note).text.encode()
            if not tool or not self._tsa:
                yield "STAMPS", "not checked", name
                continue
            with tempfile.TemporaryDirectory() as folder:
                token, data = Path(folder, "token"), Path(folder, "data")
                token.write_bytes(self._zip[name])
                data.write_bytes(text)
                # a bare token, or the whole answer of the authority
                forms: tuple[list[str], ...] = [], ["-token_in"]
                held = any(stamp_holds([tool, "ts", "-in", token, *form], data, self._tsa) for form in forms)
            need(held, "STAMP", name)
            yield "STAMPS", "pass", name

    def _disclosures(self) -> Lines:
        names = self._zip.names("disclosures/")
        for name in names:
            data = self._zip[name]
            parts: Any = json.loads(b64url(data.decode())) if len(data) <= 16 * 1024 else None
            sound = isinstance(parts, list) and len(parts) == 3 and all(isinstance(part, str) for part in parts[:2])
            sound = sound and parts[1] not in ("", "_sd", "...") and type(parts[2]) in (str, int, bool)
            sound = sound and (isinstance(parts[2], str) or abs(parts[2]) < 2**53)
            json.dumps(parts, ensure_ascii=False).encode()  # half a character is no text: ValueError
            known = self._salted.get(name.split("/")[1].split(".")[0], [])
            need(sound and to_b64url(sha256(data)) in known, "NOT_LOGGED", name)
        if names:
            yield "DISCLOSURES", "pass", len(names)


def main() -> int:
    """Read the command line, print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bundle", "--policy", "--head", "--tsa", "--roots"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--lang", choices=("vi", "en"), default="vi")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        policy = given.policy.read_text(encoding="utf-8") if given.policy else None
        saved = given.head.read_bytes() if given.head else None
        pem = x509.load_pem_x509_certificates(given.roots.read_bytes()) if given.roots else None
        roots = None if pem is None else [certificate.public_bytes(Encoding.DER) for certificate in pem]
        with given.bundle.open("rb") as file:
            lines = Checker(file, policy, saved, given.tsa, roots).report()
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    sound, which = all(result != "fail" for _, result, _, _ in lines), ("vi", "en").index(given.lang)
    whole = not any(line[:2] == ("CONTRACT", "not checked") for line in lines)
    if given.json:
        rows = [dict(zip(("check", "result", "code", "where"), line, strict=True)) for line in lines]
        print(json.dumps({"ok": sound and whole, "lines": rows}, ensure_ascii=False, indent=1))
    else:
        for check, result, code, where in lines:
            problem = f": {PROBLEMS[code][which]} [{code}]" if code else ""
            print(f"[{MARKS[result][which]}] {TITLES[check][which]}{problem}: {where}")
        print(RESULTS[None if sound and not whole else sound][which])
    return 0 if sound and whole else 1


if __name__ == "__main__":
    sys.exit(main())
