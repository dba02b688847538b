"""A short crash run on each database; and that its proofs can fail."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.log import checkpoint
from exchange.ledger.keyring import load
from exchange.ledger.sequencer import Sequencer
from tests.exchange.ledger.crash_evidence import CHECKS, Evidence, Logged, collect, complaints
from tests.exchange.ledger.crash_parts import ORIGIN, Place, act, served
from tests.project import ROOT


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost_doubled_or_forked_whoever_is_killed_and_when(kind: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.exchange.ledger.crash", "--kills", "12", "--database", kind]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "every check holds" in ran.stdout


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    """Where nobody is killed."""
    found = Place(tmp_path, database_url)
    found.second.parent.mkdir()
    return found


@pytest.fixture
def evidence(place: Place) -> Evidence:
    """Twelve actions by two writers, three runs of the sequencer, and a stranger who saw each head."""
    database = place.database()
    sequencer = Sequencer(database, place.config)
    for number in range(6):
        for writer in ("0.1", "1.2"):
            with database.writing() as session:
                done = act(session, writer, number)
                session.commit()
            place.note(f"done-{writer}", done)
        if number % 2:
            sequencer.run_once()
            note = (place.published / "checkpoint").read_text()
            place.note("seen", note)
            place.note("promised", place.second.read_text())
            place.note("published", [note, served(place.published, note)])
    database.dispose()
    return collect(place)


def forge(place: Place, evidence: Evidence, size: int) -> str:
    """A head with the log's real signature over a root that its records do not give."""
    head = checkpoint.Checkpoint(ORIGIN, size, evidence.logged[0].leaf_hash)
    return checkpoint.sign_checkpoint(head, load(place.config.home / "log.key"))


def foreign(evidence: Evidence) -> str:
    """A head of the right root that somebody else has signed under the log's name."""
    head = checkpoint.parse_checkpoint(checkpoint.parse_note(evidence.seen[-1]).text)
    return checkpoint.sign_checkpoint(head, Ed25519PrivateKey.generate())


def swapped(logged: tuple[Logged, ...], a: int, b: int) -> tuple[Logged, ...]:
    """Two actions of the log in each other's place."""
    order = list(logged)
    order[a], order[b] = replace(logged[b], index=a), replace(logged[a], index=b)
    return tuple(order)


Lie = Callable[[Place, Evidence], Evidence]
LIES: dict[str, Lie] = {
    "nothing_lost": lambda _, e: replace(e, logged=e.logged[:-1]),
    "nothing_doubled": lambda _, e: replace(e, logged=(*e.logged, replace(e.logged[3], index=12))),
    "no_record_without_its_row": lambda _, e: replace(e, rows=e.rows - {e.logged[5].action.row}),
    "no_row_without_its_record": lambda _, e: replace(e, rows=e.rows | {"01jrow"}),
    "indexes_dense": lambda _, e: replace(e, logged=(*e.logged[:6], *e.logged[7:])),
    "order_kept": lambda _, e: replace(e, logged=swapped(e.logged, 4, 6)),
    "nothing_left_waiting": lambda _, e: replace(e, waiting=1),
    "never_backwards": lambda _, e: replace(e, seen=(*e.seen, e.seen[0])),
    "folder_serves_its_heads": lambda _, e: replace(e, published=((e.published[0][0], "00"), *e.published[1:])),
    "sound_by_its_own_check": lambda _, e: replace(e, problems=("record 3: ...",)),
    "one_history": lambda p, e: replace(e, kept=(*e.kept, forge(p, e, 7))),
}
MORE_LIES: dict[str, tuple[str, Lie]] = {
    "a head beyond the log": ("one_history", lambda p, e: replace(e, seen=(*e.seen, forge(p, e, 13)))),
    "a second root for one size": ("one_history", lambda p, e: replace(e, kept=(*e.kept, forge(p, e, 4)))),
    "a head by another key": ("one_history", lambda _, e: replace(e, seen=(*e.seen, foreign(e)))),
    "a torn promise": ("one_history", lambda _, e: replace(e, kept=(*e.kept, e.kept[0][:40]))),
    "the last head unsigned": ("nothing_left_waiting", lambda _, e: replace(e, kept=e.kept[:1])),
    "a row acknowledged under another id": (
        "nothing_lost",
        lambda _, e: replace(e, acknowledged=(*e.acknowledged, replace(e.acknowledged[0], event="01jevent"))),
    ),
    "a folder that stays behind": ("folder_serves_its_heads", lambda _, e: replace(e, published=e.published[:-1])),
}


def test_the_checks_find_nothing_where_nothing_happened(evidence: Evidence) -> None:
    assert complaints(evidence) == {}
    assert (len(evidence.logged), len(evidence.acknowledged), len(evidence.seen)) == (12, 12, 3)


def test_every_check_has_a_lie_that_it_must_find() -> None:
    assert {check.__name__ for check in CHECKS} == set(LIES)


def test_each_check_finds_its_lie(place: Place, evidence: Evidence) -> None:
    lies = [(name, name, lie) for name, lie in LIES.items()] + [(d, name, lie) for d, (name, lie) in MORE_LIES.items()]
    missed = [description for description, name, lie in lies if name not in complaints(lie(place, evidence))]
    assert missed == []
