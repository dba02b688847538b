"""What each tier of isolation must stop is tried from inside; where a machine cannot reach one, the probe says so."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import launch, query
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.runner import Answer, Runner

COUNT = "SELECT count(*) FROM sales"
# Which tier is the first to stop an act. What a machine refuses its own users anyway (mounting, say) is no matter.
FIRST_STOPPED: dict[str, int] = {
    "no other process is seen": 2,
    "no network but its own": 2,
    "no file of the machine is there": 2,
    "nothing can be written": 2,
    "read the password file": 1,
    "read another file": 1,
    "list a folder": 1,
    "read another process": 1,
    "write memory through /proc": 1,
    "write a file": 1,
    "open a TCP socket": 1,
    "open a UDP socket": 1,
    "open a Unix socket": 1,
    "start a process": 1,
    "run a program": 1,
    "signal another process": 1,
    "trace another process": 1,
    "mount": 1,
    "leave a namespace": 1,
    "share memory": 1,
    "use io_uring": 1,
    "load a kernel program": 1,
    "read a key ring": 1,
    "raise its own limits": 1,
}
FOR_ROOT_ONLY = {"nothing can be written", "mount", "use io_uring", "load a kernel program", "read a key ring"}


def reached(tier: int) -> launch.Tried:
    """What a process of this tier found out; a skip with the reason where the machine cannot."""
    found = launch.trial(tier)
    if found.tier < tier:
        if os.environ.get("CI") and "not installed" in found.why:
            pytest.fail(found.why)
        pytest.skip(f"this machine does not reach tier {tier}: {found.why or found.walls or found.acts}")
    return found


@pytest.mark.parametrize("tier", [1, 2])
def test_a_tier_stops_what_it_must(tier: int) -> None:
    found = reached(tier)
    tried = {**found.walls, **found.acts}
    assert tried.keys() == FIRST_STOPPED.keys()
    assert not [act for act, first in FIRST_STOPPED.items() if first <= tier and not tried[act]]


def test_without_a_lock_the_same_acts_succeed() -> None:
    """Else the table above would prove nothing."""
    found = launch.trial(0)
    tried = {**found.walls, **found.acts}
    assert found.tier == 0
    assert not [act for act, stopped in tried.items() if stopped and act not in FOR_ROOT_ONLY], found


def test_the_walls_need_no_privilege() -> None:
    """The same as a user who may nothing, with an interpreter that this user may run."""
    reached(2)
    python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if os.geteuid() != 0 or not os.path.exists(python):
        pytest.skip("needs root, to become another user, and an interpreter of this version for everybody")
    code = "from sandbox import launch; found = launch.trial(2); print(found.tier, found)"
    path = os.pathsep.join((str(launch.ROOT), str(launch.SITE)))
    made = subprocess.run(
        [python, "-c", code], env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"}, cwd="/", user=65534, group=65534,
        extra_groups=[], capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "Permission denied" in made.stderr or "ModuleNotFoundError" in made.stderr:
        pytest.skip(f"another user cannot read this checkout: {made.stderr[-200:]}")
    assert made.stdout.startswith("2 "), made.stdout + made.stderr


def test_the_receipt_tells_the_tier_that_was_reached(
    runner: Runner, variant: Callable[..., Policy], sales_snapshot: Path
) -> None:
    best = launch.best()
    answer = runner.run(variant(min_isolation_tier=best), sales_snapshot, COUNT)
    assert isinstance(answer, Answer)
    assert answer.receipt["tier"] == best
    above = runner.run(variant(min_isolation_tier=best + 1), sales_snapshot, COUNT)
    assert above == Denied("X7", {"tier": best, "needed": best + 1})


@pytest.fixture
def no_bubblewrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine without it, as far as this process can tell."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for remembered in (launch.trial, launch.best):
        remembered.cache_clear()
    yield
    monkeypatch.undo()
    for remembered in (launch.trial, launch.best):
        remembered.cache_clear()


@pytest.mark.usefixtures("no_bubblewrap")
def test_without_bubblewrap_tier_1_stands_and_tier_2_is_refused(
    variant: Callable[..., Policy], sales_snapshot: Path
) -> None:
    assert launch.trial(2).why == "bubblewrap is not installed"
    if launch.trial(1).tier < 1:
        pytest.skip(f"this kernel does not lock processes in: {launch.trial(1).why}")
    with Runner(time_buckets=()) as own:
        refused = own.run(variant(min_isolation_tier=2), sales_snapshot, COUNT)
        assert refused == Denied("X7", {"tier": 1, "needed": 2})
        answer = own.run(variant(min_isolation_tier=1), sales_snapshot, COUNT)
        assert isinstance(answer, Answer)
        assert answer.receipt["tier"] == 1


# --- what a hostile text can do in there ------------------------------------------------------------------------------


def hostile(policy: Policy, sql: str) -> query.Accepted:
    """What would happen if the gate had let this text through."""
    accepted = query.check(COUNT, policy)
    assert isinstance(accepted, query.Accepted)
    return query.Accepted(
        accepted.question, sql, None, accepted.columns, accepted.statistic, accepted.policy_hash, accepted.limited
    )


def test_another_snapshot_is_out_of_reach(sales_policy: Policy, sales_snapshot: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    other.write_bytes(sales_snapshot.read_bytes())
    with Runner(time_buckets=()) as own:
        for path in (other, sales_snapshot.parent, f"{sales_snapshot}/../other.parquet", "/proc/self/environ"):
            text = f"SELECT count(*), 99, 99 FROM read_blob('{path}')"
            assert own.run_accepted(sales_policy, sales_snapshot, hostile(sales_policy, text)) == Denied("E-ENGINE")


def group_memory(leader: int) -> int:
    """Bytes in memory of all processes of a group."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == leader:
                    total += int((entry / "statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
            except (OSError, IndexError):
                continue
    return total


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT length(repeat('x', 4000000000)), 99, 99",
        "SELECT length(list_reduce(range(100000000)::VARCHAR[], lambda a, b: a || b)), 99, 99",
        "SELECT count(DISTINCT hash(range)), 99, 99 FROM range(200000000)",
    ],
)
def test_a_memory_bomb_stays_within_its_limit(variant: Callable[..., Policy], sales_snapshot: Path, sql: str) -> None:
    policy = variant(resources={"mem_mb": 256, "wall_s": 2, "cpu_s": 4, "threads": 1})
    with Runner(time_buckets=()) as own:
        assert isinstance(own.run(policy, sales_snapshot, COUNT), Answer)
        leader = own.pool._alive[0].launched.process.pid
        outcome: list[Answer | Denied] = []
        asking = threading.Thread(
            target=lambda: outcome.append(own.run_accepted(policy, sales_snapshot, hostile(policy, sql)))
        )
        began, most = time.monotonic(), 0
        asking.start()
        while asking.is_alive():
            most = max(most, group_memory(leader))
            time.sleep(0.01)
        assert time.monotonic() - began < policy.resources.wall_s + 1
        assert isinstance(outcome[0], Denied)
        assert outcome[0].code in {"E-MEM", "E-TIME", "E-ENGINE"}
        assert most < (256 + 1536) << 20
        assert isinstance(own.run(policy, sales_snapshot, COUNT), Answer)


def test_spill_goes_to_a_folder_that_nobody_else_has(variant: Callable[..., Policy], sales_snapshot: Path) -> None:
    reached(2)
    sort = "SELECT count(*), 99, 99 FROM (SELECT hash(range) AS h FROM range(4000000) ORDER BY h OFFSET 1)"
    small = {"mem_mb": 48, "wall_s": 20, "cpu_s": 40, "threads": 1}
    without, spilling = variant(resources=small), variant(resources={**small, "spill_mb": 512})
    with Runner(time_buckets=()) as own:
        assert own.run_accepted(without, sales_snapshot, hostile(without, sort)) == Denied("E-MEM")
        assert isinstance(own.run_accepted(spilling, sales_snapshot, hostile(spilling, sort)), Answer)
        write = "COPY (SELECT 1 AS a) TO '/spill/note.csv'"
        own.run_accepted(spilling, sales_snapshot, hostile(spilling, write), room="writer")
        read = "SELECT count(*), 99, 99 FROM read_csv('/spill/note.csv')"
        found = own.run_accepted(spilling, sales_snapshot, hostile(spilling, read), room="reader")
        assert found == Denied("E-ENGINE")


ORPHAN = """
import sys, threading
sys.path[:0] = sys.argv[1:3]
import json
from sandbox import query
from sandbox.policy import Policy
from sandbox.runner import Runner
from dataclasses import replace
policy = Policy.from_json(json.loads(sys.argv[3]))
own = Runner(time_buckets=())
accepted = query.check("SELECT count(*) FROM sales", policy)
own.run_accepted(policy, sys.argv[4], accepted)
endless = replace(accepted, sql="SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b")
threading.Thread(target=lambda: own.run_accepted(policy, sys.argv[4], endless), daemon=True).start()
print(own.pool._alive[0].launched.process.pid, flush=True)
sys.stdin.read()
"""


def test_a_worker_whose_server_is_killed_ends_in_the_middle_of_a_question(
    sales_document: dict[str, object], sales_snapshot: Path
) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(launch.ROOT), str(launch.SITE), json.dumps(sales_document), sales_snapshot],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    assert server.stdin is not None
    leader = int(server.stdout.readline())
    time.sleep(0.3)
    assert group_memory(leader) > 0
    server.send_signal(signal.SIGKILL)
    server.wait()
    end = time.monotonic() + 5
    while group_memory(leader) and time.monotonic() < end:
        time.sleep(0.02)
    assert group_memory(leader) == 0
    server.stdin.close()
    server.stdout.close()
