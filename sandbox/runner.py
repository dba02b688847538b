"""The supervisor: gate, a confined worker, the clock; it returns an `Answer` or a `Denied`, never an engine's words.

A worker serves one policy and one snapshot only. It is killed when the wall clock runs out, when it breaks the
protocol, after any engine error and after a fixed number of questions. Safe to share between threads; after a
fork (a preloading web server) the child starts with an empty pool and leaves the parent's workers alone.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sandbox import emit, post, privacy, query, wire
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.post import Row
from sandbox.privacy import Released
from sandbox.worker import LIFETIME_QUERIES

ROOT = str(Path(__file__).resolve().parents[1])
PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from sandbox.worker import main; main()"
START_SECONDS = 20.0
SLACK_BYTES = 65_536
RUNTIME_CODES = frozenset({"E-TIME", "E-MEM", "E-ENGINE"})
# An answer is handed over at the next of these moments, so that its speed says nothing about the data.
TIME_BUCKETS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class Answer:
    """What the buyer sees. `suppressed` is always said and never counted; the receipt names what was enforced."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    suppressed: bool
    truncated: bool
    elapsed_ms: int
    receipt: Mapping[str, str | int]
    released: Released  # the table behind it: keep it, and every spelling of this statistic is answered from it
    half_widths: tuple[int | Decimal | None, ...] = ()  # in aggregate_dp, per column: the noise, 19 times in 20


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    key: tuple[str, ...]
    tier: int = 0
    sha256: str = ""
    served: int = 0

    def channels(self) -> tuple[int, int]:
        if self.process.stdin is None or self.process.stdout is None:
            raise wire.WireError
        return self.process.stdin.fileno(), self.process.stdout.fileno()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Runner:
    """A small warm pool of confined workers. Close it when done; it is its own context manager."""

    def __init__(self, max_workers: int = 2, time_buckets: Sequence[float] = TIME_BUCKETS) -> None:
        self._max = max_workers
        self._buckets = tuple(time_buckets)
        self._idle: list[_Worker] = []
        self._alive: list[_Worker] = []
        self._reset()

    def run(self, policy: Policy, snapshot: str | Path, sql: str) -> Answer | Denied:
        """Ask one question of one snapshot. Budgets and dates are the caller's business (`context.judge`)."""
        accepted = query.check(sql, policy)
        if isinstance(accepted, Denied):
            return accepted
        return self.run_accepted(policy, snapshot, accepted)

    def run_accepted(self, policy: Policy, snapshot: str | Path, accepted: query.Accepted) -> Answer | Denied:
        """The same for a question the gate has passed under this very policy."""
        if accepted.policy_hash != policy.hash:
            return Denied("X5")
        began = time.monotonic()
        if self._pid != os.getpid():
            self._reset()
        if not self._slots.acquire(timeout=policy.resources.wall_s):
            return Denied("E-BUSY")
        try:
            outcome = self._with_worker(policy, str(Path(snapshot).resolve()), accepted)
        finally:
            self._slots.release()
        elapsed = self._pad(began)
        if isinstance(outcome, Denied):
            return outcome
        return shape_released(policy, outcome, accepted, elapsed)

    def stop(self, policy_hash: str) -> int:
        """The kill switch: end every worker of a policy now, also in the middle of a question. Says how many."""
        with self._lock:
            doomed = [worker for worker in self._alive if worker.key[0] == policy_hash]
            idle = [worker for worker in doomed if worker in self._idle]
            for worker in doomed:
                worker.process.kill()
                self._forget(worker)
        for worker in idle:
            worker.kill()
        return len(doomed)

    def close(self) -> None:
        """End all workers. A closed runner may be used again; it starts new ones."""
        if self._pid != os.getpid():
            return
        with self._lock:
            idle, self._idle = self._idle, []
            for worker in self._alive:
                worker.process.kill()
            self._alive = []
        for worker in idle:
            worker.kill()

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(self._max)
        self._idle = []
        self._alive = []

    def _pad(self, began: float) -> int:
        elapsed = time.monotonic() - began
        bucket = next((each for each in self._buckets if each >= elapsed), None)
        if bucket is not None:
            time.sleep(bucket - elapsed)
            elapsed = bucket
        return round(elapsed * 1000)

    def _with_worker(self, policy: Policy, path: str, accepted: query.Accepted) -> Denied | Released:
        try:
            worker = self._lease(policy, path)
        except (OSError, wire.WireError):
            return Denied("X6")
        refused = self._mismatch(worker, policy)
        if refused is not None:
            self._end(worker)
            return refused
        # Starting a worker is not the buyer's time.
        deadline = time.monotonic() + policy.resources.wall_s
        try:
            reply = self._exchange(worker, policy, accepted, deadline)
            outcome = _released(reply, policy, accepted, worker)
        except wire.WireError as error:
            self._end(worker)
            return Denied("E-TIME" if error.late else "E-STOPPED")
        if isinstance(outcome, Denied):
            self._end(worker)
            return outcome
        self._give_back(worker)
        return outcome

    def _lease(self, policy: Policy, path: str) -> _Worker:
        facts = os.stat(path)
        key = (policy.hash, path, str(facts.st_ino), str(facts.st_size), str(facts.st_mtime_ns))
        with self._lock:
            for worker in self._idle:
                if worker.key == key and worker.process.poll() is None:
                    self._idle.remove(worker)
                    return worker
            spare = self._idle.pop(0) if self._idle and len(self._alive) >= self._max else None
        if spare is not None:
            self._end(spare)
        return self._start(policy, path, key)

    def _start(self, policy: Policy, path: str, key: tuple[str, ...]) -> _Worker:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and a constant program
            [sys.executable, "-I", "-c", PROGRAM, ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"},
            close_fds=True,
        )
        worker = _Worker(process, key)
        with self._lock:
            self._alive.append(worker)
        resources = policy.resources
        setup = {
            "path": path,
            "mem_mb": resources.mem_mb,
            "cpu_s": resources.cpu_s,
            "spill_mb": 0,
            "threads": max(1, resources.threads),
        }
        try:
            requests, replies = worker.channels()
            wire.send(requests, setup)
            ready = wire.receive(replies, SLACK_BYTES, time.monotonic() + START_SECONDS)
        except wire.WireError:
            self._end(worker)
            raise
        worker.tier, worker.sha256 = int(ready.get("tier", 0)), str(ready.get("sha256", ""))
        return worker

    def _mismatch(self, worker: _Worker, policy: Policy) -> Denied | None:
        if worker.tier < policy.min_isolation_tier:
            return Denied("X7", {"tier": worker.tier, "needed": policy.min_isolation_tier})
        if policy.snapshot_sha256 and policy.snapshot_sha256 != worker.sha256:
            return Denied("X6")
        return None

    def _exchange(
        self, worker: _Worker, policy: Policy, accepted: query.Accepted, deadline: float
    ) -> Mapping[str, object]:
        how = post.plan(accepted.question, policy)
        request = {"sql": accepted.sql, "exact_sql": accepted.exact_sql, "plan": how.to_json()}
        requests, replies = worker.channels()
        wire.send(requests, request)
        worker.served += 1
        # JSON of a row is longer than its text: names of tags, quotes, escapes.
        return wire.receive(replies, 8 * post.TABLE_BYTES + SLACK_BYTES, deadline)

    def _give_back(self, worker: _Worker) -> None:
        if worker.served >= LIFETIME_QUERIES:
            self._end(worker)
            return
        with self._lock:
            if worker in self._alive:
                self._idle.append(worker)
                return
        worker.kill()

    def _end(self, worker: _Worker) -> None:
        with self._lock:
            self._forget(worker)
        worker.kill()

    def _forget(self, worker: _Worker) -> None:
        if worker in self._alive:
            self._alive.remove(worker)
        if worker in self._idle:
            self._idle.remove(worker)


def shape_released(policy: Policy, released: Released, accepted: query.Accepted, elapsed_ms: int = 0) -> Answer:
    """One spelling of a statistic, cut out of its table: a fresh one, or one that was kept."""
    question = accepted.question
    if not privacy.on(policy):
        rows, truncated = post.shape(released.rows, question, policy)
        receipt = _receipt(policy, accepted, released, rows)
        return Answer(accepted.columns, rows, released.suppressed, truncated, elapsed_ms, receipt, released)
    settled, suppressed = privacy.settle(released.rows, question, policy)
    rows, truncated = post.shape(settled, question, policy)
    receipt = _receipt(policy, accepted, released, rows) | privacy.facts(question, policy)
    widths = privacy.half_widths(released.rows, question, policy)
    return Answer(accepted.columns, rows, suppressed, truncated, elapsed_ms, receipt, released, widths)


def _released(
    reply: Mapping[str, object], policy: Policy, accepted: query.Accepted, worker: _Worker
) -> Released | Denied:
    """Check the shape of what a worker says before believing it."""
    if "code" in reply:
        return Denied(str(reply["code"]) if reply["code"] in RUNTIME_CODES else "E-ENGINE")
    if reply.get("refused") == "O4":
        return Denied("O4", {"limit": reply.get("limit", 0)})
    rows = reply.get("rows")
    if not isinstance(rows, list) or len(rows) > policy.limits.max_groups:
        raise wire.WireError
    noised, question = privacy.on(policy), accepted.question
    width = len(question.keys) + (2 + 2 * len(emit.measured(question)) if noised else len(question.aggs))
    if not all(isinstance(row, list) and len(row) == width for row in rows):
        raise wire.WireError
    if any(isinstance(value, list | dict) for row in rows for value in row):
        raise wire.WireError
    if noised:
        return Released(privacy.release(rows, question, policy), False, worker.sha256, worker.tier)
    return Released(tuple(tuple(row) for row in rows), bool(reply["suppressed"]), worker.sha256, worker.tier)


def _receipt(
    policy: Policy, accepted: query.Accepted, released: Released, rows: Sequence[Sequence[object]]
) -> dict[str, str | int]:
    text = json.dumps([accepted.columns, rows], default=str, separators=(",", ":"))
    return {
        "policy_id": policy.policy_id,
        "policy_version": policy.version,
        "policy_hash": policy.hash,
        "snapshot_sha256": released.snapshot_sha256,
        "statistic": accepted.statistic,
        "result_sha256": "sha256:" + hashlib.sha256(text.encode()).hexdigest(),
        "min_group": accepted.question.floor,
        "unit": policy.unit_column or "(row)",
        "tier": released.tier,
        "mode": policy.mode,
    }
