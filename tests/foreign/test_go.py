"""Go's own transparency-log packages, those of its checksum database, judge our log."""

from pathlib import Path

import pytest

from tests.foreign import tampering
from tests.foreign.conftest import INDEX, SIZES, Go, Written


def words(log: Written, old: object = SIZES[2]) -> tuple[object, ...]:
    return log.log, log.vkey, log.proof, log.entry, old


def test_go_accepts_the_log_the_proof_and_every_older_head(written: Written, go: Go) -> None:
    for old in (*SIZES, *(written.heads / str(size) for size in SIZES)):
        answer = go.verify(*words(written, old))
        assert answer.returncode == 0, answer.stdout
        assert [line.split()[1].rstrip(":") for line in answer.stdout.splitlines()] == [
            "checkpoint", "entries", "tiles", "proof", "consistency"
        ]  # fmt: skip
        assert f"one.entry is record {INDEX}" in answer.stdout
    assert go.verify(*words(written), written.consistency).returncode == 0


@pytest.mark.parametrize("lie", tampering.ALL)
def test_go_refuses(written: Written, go: Go, tmp_path: Path, lie: str) -> None:
    copy = written.copy(tmp_path / "copy")
    tampering.ALL[lie](copy)
    answer = go.verify(*words(copy), copy.consistency)
    assert answer.returncode == 1
    assert answer.stdout.splitlines()[-1].startswith("FAILED ")


def test_go_refuses_an_older_head_of_another_history(written: Written, go: Go, tmp_path: Path) -> None:
    copy = written.copy(tmp_path / "copy")
    other = copy.heads / str(SIZES[1])
    other.write_text(other.read_text().replace("\n255\n", "\n254\n"))
    assert "FAILED" in go.verify(*words(copy, other)).stdout
    assert "FAILED" in go.verify(*words(copy, SIZES[-1] + 1)).stdout


def test_go_accepts_the_published_log_and_its_consistency_proof(vectors: Path, go: Go) -> None:
    demo = vectors / "demo_go_verified"
    proved = demo / "log", demo / "s.log.vkey", demo / "e345.tlog-proof", demo / "e345.json", 257
    answer = go.verify(*proved, demo / "cons_257_600")
    assert answer.returncode == 0, answer.stdout
