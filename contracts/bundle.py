"""What lies in an evidence file, and where. Writing and reading only; `evidence.py` does the checking.

  MANIFEST.sha256                    SHA-256 of every other member; `sha256sum -c` reads it
  READ-ME.txt                        what this is and how to check it, in Vietnamese and English
  verify.py                          a checker in one file; get your own copy from elsewhere
  bundle.json                        {"scope":"contract:..." or "log","typ":"minhbach-evidence","v":1}
  checkpoint                         the signed head of the log (C2SP tlog-checkpoint)
  policy                             the log keys the writer believes in (C2SP tlog-policy); bring your own
  keys.json                          the log's keys, as the writer tells: [{"since":0,"until":null,"vkey":"..."}], sizes
  checkpoints/<size>                 older signed heads, such as the one that the parties named in their contract
  timestamps/<size>.tsr              RFC 3161 token over the signed text of the head of that size
  disclosures/<event id>.<n>.json    base64url([salt, name, value]), RFC 9901 section 4.2; its digest is in the leaf
  contracts/<sha256>.jws.json        each signed contract, RFC 7515 section 7.2.1, named by the hash of its payload
  signatures/... x509/...            signatures of other forms, certificates, and what they are judged by, see
                                     evidence_x509.py
of one contract:
  entries/000000000345.json          each leaf of its story, by index
  proofs/000000000345.tlog-proof     and its inclusion proof under `checkpoint` (C2SP tlog-proof)
  checkpoints/<size>.consistency     that `checkpoint` continues that head: base64 hashes, one a line (RFC 9162)
of the whole log:
  tile/entries/...                   all leaves (C2SP tlog-tiles, entry bundles)
  tile/0/... tile/1/...              all hashes (C2SP tlog-tiles)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from contracts import canonical
from contracts.archive import Writer
from contracts.errors import CanonicalError, EvidenceError
from contracts.keys import decode
from contracts.log import proof, tiles
from contracts.log.checkpoint import VerifierKey, parse_vkey
from contracts.log.tiles import Tile

VERSION = 1
TYPE = "minhbach-evidence"
WHOLE_LOG = "log"
MANIFEST = "MANIFEST.sha256"
Members = Mapping[str, bytes | Callable[[], bytes]]  # large ones are made when their turn comes

READ_ME = """\
HỒ SƠ CHỨNG CỨ
Tệp này chứa các bản ghi của nhật ký giao dịch, bằng chứng rằng chúng nằm trong nhật ký, và các hợp đồng đã ký.
Kiểm tra trên bất kỳ máy nào, không cần mạng, bằng một trong hai chương trình viết độc lập với nhau:
  python -m contracts verify TỆP.zip --policy CHÍNH-SÁCH      (mã nguồn Minh Bạch)
  python verify.py TỆP.zip --policy CHÍNH-SÁCH                (một tệp duy nhất; cần Python 3.11 và gói cryptography)
Tệp chính sách (khóa công khai của nhật ký) phải được lấy từ nguồn khác, không lấy trong hồ sơ này.
Cả verify.py cũng vậy: lấy từ nguồn khác, tính SHA-256 và so với giá trị mà cơ quan quản lý công bố.

EVIDENCE BUNDLE
This file holds records of the transaction log, the proofs that they are in it, and the signed contracts.
Check it on any machine, without a network, with one of two programs written independently of each other:
  python -m contracts verify FILE.zip --policy POLICY         (the source of Minh Bạch)
  python verify.py FILE.zip --policy POLICY                   (one file; needs Python 3.11 and the package cryptography)
The policy file (the log's public key) must come from another source, not from this bundle.
So must verify.py: get it from elsewhere and compare its SHA-256 with the one that the regulator publishes.
"""

_ALWAYS = ("READ-ME.txt", "verify.py", "bundle.json", "checkpoint", "policy", "keys.json", MANIFEST)
_SIZE = "[1-9][0-9]{0,18}"
_EVERYWHERE = re.compile(
    rf"checkpoints/{_SIZE}|timestamps/{_SIZE}\.tsr|disclosures/[0-9A-Za-z-]{{16,64}}\.(0|[1-9][0-9]?)\.json"
    r"|contracts/[0-9a-f]{64}\.jws\.json|signatures/[0-9a-f]{64}\.(p7s|pdf)|x509/[0-9a-f]{64}\.(trust\.json|crl|pem)"
)
_OF_CONTRACT = re.compile(rf"entries/[0-9]{{12}}\.json|proofs/[0-9]{{12}}\.tlog-proof|checkpoints/{_SIZE}\.consistency")


@dataclass(frozen=True)
class Record:
    """A leaf at its index; `hashes` is its inclusion proof under the bundle's checkpoint (empty in a whole log)."""

    index: int
    leaf: bytes
    hashes: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class KeySpan:
    """A key of the log and the sizes of the first and the last head it signed; `until` is None while it signs."""

    vkey: str
    since: int = 0
    until: int | None = None

    @property
    def key(self) -> VerifierKey:
        """The key itself; raises when the line is none."""
        return parse_vkey(self.vkey)


@dataclass(frozen=True)
class OlderHead:
    """An older signed note, and in a bundle of one contract the proof that the newest head continues it."""

    note: str
    consistency: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Extras:
    """What a bundle may hold beside its records: by size, disclosures by event id and number, `certified` by name."""

    keys: tuple[KeySpan, ...] = ()
    heads: Mapping[int, OlderHead] = field(default_factory=dict)
    timestamps: Mapping[int, bytes] = field(default_factory=dict)
    disclosures: Mapping[tuple[str, int], str] = field(default_factory=dict)
    certified: Mapping[str, bytes] = field(default_factory=dict)  # evidence_x509.members


@cache
def verifier() -> bytes:
    """The one-file checker that goes into each bundle, byte for byte."""
    return Path(__file__).with_name("verify.py").read_bytes()


def common_members(scope: str, checkpoint: str, policy: str, extras: Extras) -> dict[str, bytes]:
    """The members that a bundle has whatever its scope."""
    spans = [{"vkey": span.vkey, "since": span.since, "until": span.until} for span in extras.keys]
    members = {
        "READ-ME.txt": READ_ME.encode(),
        "verify.py": verifier(),
        "bundle.json": _bundle_json(scope),
        "checkpoint": checkpoint.encode(),
        "policy": policy.encode(),
        "keys.json": canonical.dumps(spans),
    }
    for size, head in extras.heads.items():
        members[f"checkpoints/{size}"] = head.note.encode()
        if scope != WHOLE_LOG:
            lines = [base64.b64encode(item) + b"\n" for item in head.consistency]
            members[f"checkpoints/{size}.consistency"] = b"".join(lines)
    members |= {f"timestamps/{size}.tsr": token for size, token in extras.timestamps.items()}
    members |= {f"disclosures/{event}.{n}.json": text.encode() for (event, n), text in extras.disclosures.items()}
    members |= extras.certified
    return members


def record_members(record: Record, checkpoint: str) -> dict[str, bytes]:
    """A record and its proof, in a bundle of one contract."""
    text = proof.format_proof(proof.Proof(record.index, record.hashes, checkpoint))
    return {
        f"entries/{record.index:012d}.json": record.leaf,
        f"proofs/{record.index:012d}.tlog-proof": text.encode(),
    }


def contract_name(payload_sha256: str) -> str:
    """The member of a signed contract; the digest in hexadecimal."""
    return f"contracts/{payload_sha256}.jws.json"


def payload_sha256(signed: bytes) -> str:
    """The name of a signed contract: the digest of its payload, in hexadecimal."""
    value = canonical.loads(signed)
    payload = decode(value.get("payload") if isinstance(value, dict) else None, "payload")
    return hashlib.sha256(payload).hexdigest()


def write(out: BinaryIO, members: Members) -> None:
    """The zip, one member in memory at a time. `out` must be able to seek: the manifest stands first, known last."""
    writer = Writer(out)
    names = sorted({*members, MANIFEST})
    digests: dict[str, str] = {}
    for name in names:
        if name == MANIFEST:
            writer.reserve(name, sum(64 + 2 + len(other) + 1 for other in members))
        else:
            value = members[name]
            digests[name] = writer.add(name, value if isinstance(value, bytes) else value())
    writer.fill(MANIFEST, manifest_of(digests))
    writer.close()


def manifest_of(digests: Mapping[str, str]) -> bytes:
    """The text that `sha256sum -c` reads."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def check_manifest(members: Mapping[str, bytes], sha256: Callable[[str], str] | None = None) -> None:
    """Every member is the one the manifest lists, and none is missing or added. `sha256` may know digests already."""
    digest = sha256 or (lambda name: hashlib.sha256(members[name]).hexdigest())
    actual = manifest_of({name: digest(name) for name in members if name != MANIFEST})
    stated = members.get(MANIFEST, b"")
    if stated == actual:
        return
    lines = set(stated.decode("utf-8", "replace").splitlines()) ^ set(actual.decode().splitlines())
    member = min((line[66:][:120] for line in lines), default="")
    raise EvidenceError("MANIFEST_DIFFERS", member=member or MANIFEST)


class Bundle:
    """The members of an evidence file, each in its place; a member that has no place is refused."""

    def __init__(self, members: Mapping[str, bytes]) -> None:
        self._members = members
        for name in _ALWAYS:
            if name not in members:
                raise EvidenceError("MEMBER_MISSING", member=name)
        self.scope = self._read_scope()
        self.whole = self.scope == WHOLE_LOG
        for name in members:
            if name not in _ALWAYS and not _EVERYWHERE.fullmatch(name) and not self._belongs(name):
                raise EvidenceError("MEMBER_UNEXPECTED", member=name)
        self.history = self._read_history()
        self.checkpoint, self.policy = self.text("checkpoint"), self.text("policy")
        self._at_hand = lru_cache(maxsize=8)(self.tile)
        self._offsets = lru_cache(maxsize=4096)(self._offsets_in)  # 1 KiB each

    def text(self, name: str) -> str:
        """A member that is UTF-8 text."""
        try:
            return self.data(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise EvidenceError("MEMBER_MALFORMED", member=name, reason=f"UTF-8, byte {error.start}") from None

    def data(self, name: str) -> bytes:
        """A member's content; raises MEMBER_MISSING."""
        if name not in self._members:
            raise EvidenceError("MEMBER_MISSING", member=name)
        return self._members[name]

    def names(self, folder: str) -> list[str]:
        """The members of a folder, in order."""
        return sorted(name for name in self._members if name.startswith(folder + "/"))

    def tile(self, tile: Tile) -> bytes:
        """The published bytes of a tile."""
        return self.data(tile.path)

    def check_tiles(self, size: int) -> None:
        """Exactly the tiles of a tree of `size` leaves are here."""
        here = {name: tiles.parse_path(name) for name in self.names("tile")}
        entries = sum(tile.width for tile in here.values() if tile.level == tiles.ENTRIES)
        if entries != size:
            raise EvidenceError("LOG_SIZE_DIFFERS", entries=entries, size=size)
        for tile in (*tiles.bundles_of(size), *tiles.tiles_of(size)):
            if here.pop(tile.path, None) is None:
                raise EvidenceError("MEMBER_MISSING", member=tile.path)
        for name in here:
            raise EvidenceError("MEMBER_UNEXPECTED", member=name)

    def records(self) -> Iterator[Record]:
        """Of one contract: each record with its proof, in order. Every leaf has a proof and every proof a leaf."""
        proofs, entries = self.names("proofs"), self.names("entries")
        for one, other in zip(proofs, entries, strict=False):
            if one[7:19] != other[8:20]:
                raise EvidenceError("MEMBER_MISSING", member=min(f"proofs/{other[8:20]}.tlog-proof", one))
        if len(proofs) != len(entries):
            raise EvidenceError("MEMBER_MISSING", member=(entries or proofs)[-1])
        for name in proofs:
            parsed = proof.parse_proof(self.text(name))
            if parsed.checkpoint != self.checkpoint or parsed.extra is not None or f"{parsed.index:012d}" != name[7:19]:
                raise EvidenceError("MEMBER_MALFORMED", member=name, reason="another checkpoint, index or extra line")
            yield Record(parsed.index, self.data(f"entries/{name[7:19]}.json"), parsed.hashes)

    def leaves(self, size: int) -> Iterator[tuple[int, bytes]]:
        """Every leaf and its index, in order; of a whole log of `size` records."""
        if not self.whole:
            for name in self.names("entries"):
                yield int(name[8:20]), self.data(name)
            return
        for tile in tiles.bundles_of(size):
            for offset, leaf in enumerate(tiles.decode_bundle(self.tile(tile), tile.width)):
                yield tile.index * tiles.WIDTH + offset, leaf

    def leaf(self, index: int, size: int) -> bytes:
        """One leaf; the bundles of entries used last are kept at hand."""
        if not self.whole:
            return self.data(f"entries/{index:012d}.json")
        number = index // tiles.WIDTH
        tile = Tile(tiles.ENTRIES, number, min(tiles.WIDTH, size - number * tiles.WIDTH))
        place, offsets = index % tiles.WIDTH, self._offsets(tile)
        return self._at_hand(tile)[offsets[place] + 2 : offsets[place + 1]]

    def consistency(self, size: int) -> list[bytes]:
        """The proof beside an older head."""
        name = f"checkpoints/{size}.consistency"
        lines = self.text(name).split("\n")
        try:
            hashes = [base64.b64decode(line.encode("ascii"), validate=True) for line in lines[:-1]]
        except (binascii.Error, UnicodeEncodeError):
            raise EvidenceError("MEMBER_MALFORMED", member=name, reason="base64") from None
        if b"".join(base64.b64encode(item) + b"\n" for item in hashes) != self.data(name):
            raise EvidenceError("MEMBER_MALFORMED", member=name, reason="another spelling")
        return hashes

    def signed_contract(self, name: str) -> tuple[dict[str, Any], bytes]:
        """The JWS object of a `contracts/` member and its payload, whose hash is the member's name."""
        value = self._json(name)
        payload = decode(value.get("payload") if isinstance(value, dict) else None, "payload")
        if contract_name(hashlib.sha256(payload).hexdigest()) != name:
            raise EvidenceError("MEMBER_UNEXPECTED", member=name)
        return value, payload

    def _offsets_in(self, tile: Tile) -> array[int]:
        return tiles.bundle_offsets(self._at_hand(tile), tile.width)

    def _belongs(self, name: str) -> bool:
        return name.startswith("tile/") if self.whole else bool(_OF_CONTRACT.fullmatch(name))

    def _read_scope(self) -> str:
        value = self._json("bundle.json")
        scope = value.get("scope") if isinstance(value, dict) else None
        if not isinstance(scope, str) or canonical.dumps(value) != _bundle_json(scope):
            raise EvidenceError("MEMBER_MALFORMED", member="bundle.json", reason="fields")
        return scope

    def _read_history(self) -> list[KeySpan]:
        """The key history as the writer tells it."""
        rows = self._json("keys.json")
        if not isinstance(rows, list):
            raise EvidenceError("MEMBER_MALFORMED", member="keys.json", reason="list")
        return [_span(row) for row in rows]

    def _json(self, name: str) -> Any:
        try:
            return canonical.loads(self.data(name))
        except CanonicalError as error:
            raise EvidenceError("MEMBER_MALFORMED", member=name, reason=str(error)) from None


def _bundle_json(scope: str) -> bytes:
    return canonical.dumps({"v": VERSION, "typ": TYPE, "scope": scope})


def _span(row: object) -> KeySpan:
    """One line of keys.json; sizes, never a boolean."""
    if isinstance(row, dict) and row.keys() == {"vkey", "since", "until"}:
        vkey, since, until = row["vkey"], row["since"], row["until"]
        last = since if until is None else until
        if isinstance(vkey, str) and type(since) is int and type(last) is int and 0 <= since <= last:
            return KeySpan(vkey, since, until)
    raise EvidenceError("MEMBER_MALFORMED", member="keys.json", reason=str(row)[:80])
