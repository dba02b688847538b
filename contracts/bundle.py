"""What lies in an evidence file, and where. Writing and reading only; `evidence.py` does the checking.

  MANIFEST.sha256                    SHA-256 of every other member; `sha256sum -c` reads it
  READ-ME.txt                        what this is and how to check it, in Vietnamese and English
  bundle.json                        {"scope":"contract:..." or "log","typ":"minhbach-evidence","v":1}
  checkpoint                         the signed head of the log (C2SP tlog-checkpoint)
  policy                             the log keys the writer believes in (C2SP tlog-policy); bring your own
  contracts/<sha256>.jws.json        each signed contract, RFC 7515 section 7.2.1, named by the hash of its payload
of one contract:
  entries/000000000345.json          each leaf of its story, by index
  proofs/000000000345.tlog-proof     and its inclusion proof under `checkpoint` (C2SP tlog-proof)
of the whole log:
  tile/entries/...                   all leaves (C2SP tlog-tiles, entry bundles)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from contracts import canonical
from contracts.errors import CanonicalError, EvidenceError
from contracts.keys import decode
from contracts.log import proof, tiles

VERSION = 1
TYPE = "minhbach-evidence"
WHOLE_LOG = "log"
MANIFEST = "MANIFEST.sha256"

READ_ME = """\
HỒ SƠ CHỨNG CỨ
Tệp này chứa các bản ghi của nhật ký giao dịch, bằng chứng rằng chúng nằm trong nhật ký, và các hợp đồng đã ký.
Kiểm tra trên bất kỳ máy nào, không cần mạng:  python -m contracts verify TỆP.zip --policy CHÍNH-SÁCH
Tệp chính sách (khóa công khai của nhật ký) phải được lấy từ nguồn khác, không lấy trong hồ sơ này.

EVIDENCE BUNDLE
This file holds records of the transaction log, the proofs that they are in it, and the signed contracts.
Check it on any machine, without a network:  python -m contracts verify FILE.zip --policy POLICY
The policy file (the log's public key) must come from another source, not from this bundle.
"""


@dataclass(frozen=True)
class Record:
    """A leaf at its index; `hashes` is its inclusion proof under the bundle's checkpoint (empty in a whole log)."""

    index: int
    leaf: bytes
    hashes: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """The contents of an evidence file. `scope` is the contract's subject, or WHOLE_LOG."""

    scope: str
    checkpoint: str
    policy: str
    records: tuple[Record, ...]
    contracts: tuple[bytes, ...]


def members_of(bundle: Bundle) -> dict[str, bytes]:
    """The members of the zip; its pair is `read`."""
    members = {
        "READ-ME.txt": READ_ME.encode(),
        "bundle.json": canonical.dumps({"v": VERSION, "typ": TYPE, "scope": bundle.scope}),
        "checkpoint": bundle.checkpoint.encode(),
        "policy": bundle.policy.encode(),
    }
    for signed in bundle.contracts:
        members[f"contracts/{_payload_hash(signed)}.jws.json"] = signed
    if bundle.scope == WHOLE_LOG:
        leaves = [record.leaf for record in bundle.records]
        for tile in tiles.bundles_of(len(leaves)):
            first = tile.index * tiles.WIDTH
            members[tile.path] = tiles.encode_bundle(leaves[first : first + tile.width])
    else:
        for record in bundle.records:
            text = proof.format_proof(proof.Proof(record.index, record.hashes, bundle.checkpoint))
            members[f"entries/{record.index:012d}.json"] = record.leaf
            members[f"proofs/{record.index:012d}.tlog-proof"] = text.encode()
    members[MANIFEST] = _manifest(members)
    return members


def check_manifest(members: Mapping[str, bytes]) -> None:
    """Every member is the one the manifest lists, and none is missing or added."""
    others = {name: data for name, data in members.items() if name != MANIFEST}
    stated = members.get(MANIFEST, b"").decode("utf-8", "replace").splitlines()
    actual = _manifest(others).decode().splitlines()
    for line in sorted(set(stated) ^ set(actual), key=lambda line: line[66:]):
        raise EvidenceError("MANIFEST_DIFFERS", member=line[66:][:120] or MANIFEST)
    if _manifest(others) != members.get(MANIFEST):
        raise EvidenceError("MANIFEST_DIFFERS", member=MANIFEST)


def read(members: Mapping[str, bytes]) -> Bundle:
    """The contents of these members; a member that has no place here is refused."""
    scope = _scope(members)
    policy, checkpoint = _text(members, "policy"), _text(members, "checkpoint")
    records = _whole_log(members) if scope == WHOLE_LOG else _story(members, checkpoint)
    contracts = tuple(members[name] for name in sorted(members) if name.startswith("contracts/"))
    bundle = Bundle(scope, checkpoint, policy, records, contracts)
    expected = members_of(bundle)
    for name in sorted(expected.keys() | members.keys()):
        if expected.get(name) != members.get(name):
            raise EvidenceError("MEMBER_UNEXPECTED", member=name)
    return bundle


def _scope(members: Mapping[str, bytes]) -> str:
    try:
        value = canonical.loads(_text(members, "bundle.json").encode())
    except CanonicalError as error:
        raise EvidenceError("MEMBER_MALFORMED", member="bundle.json", reason=str(error)) from None
    if not isinstance(value, dict) or not isinstance(value.get("scope"), str):
        raise EvidenceError("MEMBER_MALFORMED", member="bundle.json", reason="scope")
    scope: str = value["scope"]
    if value != {"v": VERSION, "typ": TYPE, "scope": scope}:
        raise EvidenceError("MEMBER_MALFORMED", member="bundle.json", reason="fields")
    return scope


def _whole_log(members: Mapping[str, bytes]) -> tuple[Record, ...]:
    bundles = sorted(tiles.parse_path(name) for name in members if name.startswith("tile/"))
    leaves = [leaf for tile in bundles for leaf in tiles.decode_bundle(members[tile.path], tile.width)]
    return tuple(Record(index, leaf) for index, leaf in enumerate(leaves))


def _story(members: Mapping[str, bytes], checkpoint: str) -> tuple[Record, ...]:
    records = []
    for name in sorted(members):
        if name.startswith("proofs/"):
            parsed = proof.parse_proof(_text(members, name))
            if parsed.checkpoint != checkpoint:
                raise EvidenceError("MEMBER_MALFORMED", member=name, reason="another checkpoint")
            leaf = members.get(f"entries/{parsed.index:012d}.json")
            if leaf is None:
                raise EvidenceError("MEMBER_MISSING", member=f"entries/{parsed.index:012d}.json")
            records.append(Record(parsed.index, leaf, parsed.hashes))
    return tuple(records)


def _text(members: Mapping[str, bytes], name: str) -> str:
    if name not in members:
        raise EvidenceError("MEMBER_MISSING", member=name)
    try:
        return members[name].decode("utf-8")
    except UnicodeDecodeError as error:
        raise EvidenceError("MEMBER_MALFORMED", member=name, reason=f"UTF-8, byte {error.start}") from None


def _manifest(members: Mapping[str, bytes]) -> bytes:
    lines = [f"{hashlib.sha256(members[name]).hexdigest()}  {name}\n" for name in sorted(members)]
    return "".join(lines).encode()


def _payload_hash(signed: bytes) -> str:
    try:
        value = canonical.loads(signed)
    except CanonicalError as error:
        raise EvidenceError("MEMBER_MALFORMED", member="contracts/", reason=str(error)) from None
    payload = value.get("payload") if isinstance(value, dict) else None
    return hashlib.sha256(decode(payload, "payload")).hexdigest()
