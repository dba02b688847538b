"""Ways to lie: each changes one thing in a copy of what the exchange gave out."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path

from contracts.log.tiles import decode_bundle, encode_bundle
from tests.foreign.conftest import Written


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x01
    path.write_bytes(data)


def _flip_base64(path: Path, line: int, at: int) -> None:
    """One bit of a base64 value, so that the spelling stays good and only the value lies."""
    lines = path.read_text().split("\n")
    *before, value = lines[line].split(" ")
    data = bytearray(base64.b64decode(value))
    data[at] ^= 0x10
    lines[line] = " ".join([*before, base64.b64encode(data).decode()])
    path.write_text("\n".join(lines))


def _rewrite(path: Path, width: int, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(encode_bundle(change(decode_bundle(path.read_bytes(), width))))


def _cut(path: Path, count: int) -> None:
    path.write_bytes(path.read_bytes()[:-count])


def _bit_in_an_entry(copy: Written) -> None:
    _flip(copy.log / "tile/entries/001", 100)


def _entry_dropped(copy: Written) -> None:
    _rewrite(copy.log / "tile/entries/002.p/88", 88, lambda entries: entries[:-1])


def _entries_swapped(copy: Written) -> None:
    _rewrite(copy.log / "tile/entries/000", 256, lambda entries: [entries[1], entries[0], *entries[2:]])


def _bit_in_a_full_tile(copy: Written) -> None:
    _flip(copy.log / "tile/0/001", 32 * (345 - 256) + 5)


def _bit_in_a_partial_tile(copy: Written) -> None:
    _flip(copy.log / "tile/0/002.p/88", 7)


def _bit_in_the_upper_tile(copy: Written) -> None:
    _flip(copy.log / "tile/1/000.p/2", 40)


def _tile_cut_by_a_hash(copy: Written) -> None:
    _cut(copy.log / "tile/0/002.p/88", 32)


def _tile_cut_by_a_byte(copy: Written) -> None:
    _cut(copy.log / "tile/0/001", 1)


def _tile_gone(copy: Written) -> None:
    (copy.log / "tile/1/000.p/2").unlink()


def _bit_in_the_root(copy: Written) -> None:
    _flip_base64(copy.log / "checkpoint", 2, 9)


def _size_of_the_head(copy: Written) -> None:
    path = copy.log / "checkpoint"
    path.write_text(path.read_text().replace("\n600\n", "\n599\n"))


def _bit_in_the_signature(copy: Written) -> None:
    _flip_base64(copy.log / "checkpoint", 4, 20)


def _bit_in_the_key(copy: Written) -> None:
    _flip(copy.vkey, -10)


IN_THE_LOG: Mapping[str, Callable[[Written], None]] = {
    "a bit of an entry": _bit_in_an_entry,
    "an entry left out": _entry_dropped,
    "two entries swapped": _entries_swapped,
    "a bit of a full tile": _bit_in_a_full_tile,
    "a bit of a partial tile": _bit_in_a_partial_tile,
    "a bit of the upper tile": _bit_in_the_upper_tile,
    "a tile without its last hash": _tile_cut_by_a_hash,
    "a tile without its last byte": _tile_cut_by_a_byte,
    "a tile missing": _tile_gone,
    "a bit of the root": _bit_in_the_root,
    "the size of the head": _size_of_the_head,
    "a bit of the signature": _bit_in_the_signature,
    "a bit of the key": _bit_in_the_key,
}


def _bit_in_the_proved_entry(copy: Written) -> None:
    _flip(copy.entry, 50)


def _bit_in_the_proof(copy: Written) -> None:
    _flip_base64(copy.proof, 4, 3)


def _index_of_the_proof(copy: Written) -> None:
    copy.proof.write_text(copy.proof.read_text().replace("index 345", "index 344"))


def _bit_in_the_root_of_the_proof(copy: Written) -> None:
    _flip_base64(copy.proof, _blank(copy.proof) + 3, 9)


def _bit_in_the_signature_of_the_proof(copy: Written) -> None:
    _flip_base64(copy.proof, _blank(copy.proof) + 5, 20)


def _blank(path: Path) -> int:
    return path.read_text().split("\n").index("")


def _bit_in_the_consistency_proof(copy: Written) -> None:
    _flip_base64(copy.consistency, 2, 0)


def _consistency_proof_cut(copy: Written) -> None:
    copy.consistency.write_text("".join(copy.consistency.read_text().splitlines(keepends=True)[:-1]))


IN_A_PROOF: Mapping[str, Callable[[Written], None]] = {
    "a bit of the proved entry": _bit_in_the_proved_entry,
    "a bit of the proof": _bit_in_the_proof,
    "the index of the proof": _index_of_the_proof,
    "a bit of the proof's root": _bit_in_the_root_of_the_proof,
    "a bit of the proof's signature": _bit_in_the_signature_of_the_proof,
    "a bit of the consistency proof": _bit_in_the_consistency_proof,
    "a hash missing from the consistency proof": _consistency_proof_cut,
}
ALL = {**IN_THE_LOG, **IN_A_PROOF}
