"""tlog-scales, a Python reader of tile logs by other hands, judges our log: as a library and by its command."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, ConsistencyProof, InclusionProof

from tests.foreign import tampering
from tests.foreign.conftest import INDEX, SIZES, Written

COMMAND = Path(sys.executable).with_name("tlog-tiles")


def judge(log: Written) -> None:
    """Everything that it can check of a log; raises whatever it raises."""
    key = Vkey.from_string(log.vkey.read_text().strip())
    reader = TilesReader(LocalBackend(log.log))
    head = reader.get_checkpoint()
    head.verify(key)
    assert reader.calculate_root_hash() == head.root_hash, "root"
    for index in range(head.size):
        assert leaf_hash(reader.get_entry(index)) == reader.mth(index, index + 1), index
    for index in (0, *range(5, head.size, 31), head.size - 1):
        reader.get_inclusion_proof(index, head.size).check(leaf_hash(reader.get_entry(index)), head.root_hash)
    for start in range(0, head.size - 255, 256):  # the upper tile promises the root of each whole tile below
        left, right = reader.mth(start, start + 128), reader.mth(start + 128, start + 256)
        InclusionProof(0, 2, [right]).check(left, reader.mth(start, start + 256))
    judge_proof(log, key)
    judge_consistency(log, key, head)


def judge_proof(log: Written, key: Vkey) -> None:
    top, _, note = log.proof.read_text().partition("\n\n")
    _, index, *hashes = top.split("\n")
    head = Checkpoint.from_text(note)
    head.verify(key)
    path = [base64.b64decode(line) for line in hashes]
    number = int(index.removeprefix("index "))
    InclusionProof(number, head.size, path).check(leaf_hash(log.entry.read_bytes()), head.root_hash)


def judge_consistency(log: Written, key: Vkey, head: Checkpoint) -> None:
    old = Checkpoint.from_text((log.heads / str(SIZES[2])).read_text())
    old.verify(key)
    hashes = [base64.b64decode(line) for line in log.consistency.read_text().split()]
    ConsistencyProof(old.size, head.size, hashes).check(old.root_hash, head.root_hash)


def test_it_accepts_the_log_every_record_and_the_proofs(written: Written) -> None:
    judge(written)


def test_it_finds_every_older_head_kept(written: Written) -> None:
    reader = TilesReader(LocalBackend(written.log))
    head = reader.get_checkpoint()
    for size in SIZES:
        old = Checkpoint.from_text((written.heads / str(size)).read_text())
        reader.get_consistency_proof(size, head.size).check(old.root_hash, head.root_hash)


@pytest.mark.parametrize("lie", tampering.ALL)
def test_it_refuses(written: Written, tmp_path: Path, lie: str) -> None:
    copy = written.copy(tmp_path / "copy")
    tampering.ALL[lie](copy)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever that library raises
        judge(copy)


def command(*words: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(COMMAND), *map(str, words)], capture_output=True, timeout=30)


def test_its_command_writes_the_same_proof_byte_for_byte_and_the_same_record(written: Written) -> None:
    assert command("gen-proof", written.log, INDEX).stdout == written.proof.read_bytes()
    assert command("get-leaf", "-c", written.log, INDEX).stdout == written.entry.read_bytes()


@pytest.mark.parametrize(
    ("lie", "index"),
    [
        ("a bit of an entry", 256),
        ("two entries swapped", 1),
        ("an entry left out", 599),
        ("a bit of a partial tile", INDEX),
        ("a tile missing", 599),
        ("a bit of the root", INDEX),
    ],
)
def test_its_command_refuses(written: Written, tmp_path: Path, lie: str, index: int) -> None:
    copy = written.copy(tmp_path / "copy")
    tampering.ALL[lie](copy)
    assert command("get-leaf", "-c", copy.log, index).returncode != 0
