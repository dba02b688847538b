"""Workers kept warm: each for one room and one snapshot, never for two; few at a time, and ended at a word.

`Pool.admit` lets a question in, `Pool.lease` gives it a worker, `Pool.stop` is the kill switch. Safe to share between
threads; after a fork (a preloading web server) the child starts with an empty pool and leaves the parent's alone.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox import emit, engines, launch, wire
from sandbox.denials import Denied
from sandbox.policy import Mode, Policy
from sandbox.worker import LIFETIME_QUERIES

START_SECONDS = {engines.DUCKDB: 20.0, engines.SPARK: 90.0}
READY_BYTES = 4096
QUEUE = 16  # questions that may wait for a turn; one more is told to come again
IDLE_SECONDS = 600.0  # a warm worker holds 70 MB: nobody keeps it longer than this without asking


class StoppedError(Exception):
    """The kill switch was thrown, here or where `watch` looks."""


class UnreadableError(Exception):
    """The snapshot is not there, or is none."""


@dataclass(eq=False)
class Ticket:
    """One question's right to run. `watch` says whether it still may; it is asked again and again while it runs."""

    room: str
    watch: Callable[[], bool] | None = None
    stopped: bool = False

    def pulse(self) -> None:
        """Raise StoppedError once the question may run no longer."""
        if not self.stopped and self.watch is not None:
            self.stopped = not self.watch()
        if self.stopped:
            raise StoppedError


@dataclass(eq=False)
class Worker:
    """A started process. `key` says for whom and over which bytes."""

    launched: launch.Launched
    room: str
    key: tuple[str, ...]
    tier: int = 0
    sha256: str = ""
    engine: str = engines.DUCKDB
    served: int = 0
    idle_since: float = 0.0

    def ask(self, request: Mapping[str, Any], most: int, deadline: float, pulse: Callable[[], None]) -> dict[str, Any]:
        """One message there and one back, of at most `most` bytes, before `deadline`."""
        requests, replies = self._channels()
        wire.send(requests, dict(request))
        return wire.receive(replies, most, deadline, pulse)

    def kill(self) -> None:
        """End the process and let go of its pipes."""
        process = self.launched.process
        self.launched.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _channels(self) -> tuple[int, int]:
        process = self.launched.process
        if process.stdin is None or process.stdout is None or process.stdin.closed:
            raise wire.WireError
        return process.stdin.fileno(), process.stdout.fileno()


class Pool:
    """At most `most_running` workers at work, twice as many alive.

    A snapshot of more than `spark_above` bytes is opened by Spark, the others by DuckDB.
    """

    def __init__(self, most_running: int, spark_above: int | None) -> None:
        self._most, self._spark_above = most_running, spark_above
        self._reset()

    @contextmanager
    def admit(self, room: str, policy: Policy, watch: Callable[[], bool] | None) -> Iterator[Ticket | Denied]:
        """A turn among the others, for as long as the block lasts; Denied when there is none to be had."""
        if self._pid != os.getpid():
            self._reset()
        ticket = Ticket(room, watch)
        with self._changed:
            denied = self._wait(ticket, policy)
        if denied is not None:
            yield denied
            return
        try:
            yield ticket
        finally:
            with self._changed:
                self._running.remove(ticket)
                self._changed.notify_all()

    def lease(self, ticket: Ticket, policy: Policy, path: str) -> Worker:
        """A worker for this room and these bytes, warm if there is one. Raises UnreadableError, StoppedError, and
        OSError or WireError where none can be started."""
        try:
            facts = os.stat(path)
        except OSError:
            raise UnreadableError from None
        key = (ticket.room, policy.hash, path, str(facts.st_ino), str(facts.st_size), str(facts.st_mtime_ns))
        with self._changed:
            found = next((worker for worker in self._idle if worker.key == key), None)
            if found is not None:
                self._idle.remove(found)
            spare = self._surplus(1 if found is None else 0)
        for worker in spare:
            worker.kill()
        if found is not None and found.launched.process.poll() is None:
            return found
        if found is not None:
            self.end(found)
        return self._start(ticket, policy, path, key)

    def give_back(self, worker: Worker) -> None:
        """Keep it warm, unless it has served its time or was ended meanwhile."""
        with self._changed:
            keep = worker in self._alive and worker.served < LIFETIME_QUERIES
            if keep:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
            elif worker in self._alive:
                self._alive.remove(worker)
        if not keep:
            worker.kill()

    def end(self, worker: Worker) -> None:
        """A worker nobody shall use again: after an error of the engine, too late, or out of protocol."""
        with self._changed:
            if worker in self._alive:
                self._alive.remove(worker)
        worker.kill()

    def stop(self, room: str) -> int:
        """The kill switch: end every worker of a room now, also in the middle of a question, and turn away whoever
        waits. Says how many workers there were."""
        with self._changed:
            for ticket in (*self._waiting, *self._running):
                ticket.stopped = ticket.stopped or ticket.room == room
            count = self._end_all([worker for worker in self._alive if worker.room == room])
            self._changed.notify_all()
        return count

    def close(self) -> None:
        """End all workers. A closed pool may be used again; it starts new ones."""
        if self._pid != os.getpid():
            return
        with self._changed:
            self._end_all(list(self._alive))

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []
        self._alive: list[Worker] = []
        self._idle: list[Worker] = []  # longest idle first; all of them alive

    def _wait(self, ticket: Ticket, policy: Policy) -> Denied | None:
        if len(self._waiting) >= QUEUE:
            return Denied("E-BUSY")
        self._waiting.append(ticket)
        try:
            free = self._changed.wait_for(lambda: self._turn(ticket, policy), policy.resources.wall_s)
        finally:
            self._waiting.remove(ticket)
        if ticket.stopped or not free:
            return Denied("E-STOPPED" if ticket.stopped else "E-BUSY")
        self._running.append(ticket)
        return None

    def _turn(self, ticket: Ticket, policy: Policy) -> bool:
        """No room has more at work than its policy says, so that one room cannot hold up all the others."""
        own = sum(each.room == ticket.room for each in self._running)
        return ticket.stopped or (len(self._running) < self._most and own < max(1, policy.budgets.concurrent))

    def _end_all(self, doomed: list[Worker]) -> int:
        """A worker in the middle of a question is only killed: who waits for its answer tidies up."""
        idle = [worker for worker in doomed if worker in self._idle]
        for worker in self._take(doomed):
            if worker in idle:
                worker.kill()
            else:
                worker.launched.kill()
        return len(doomed)

    def _take(self, doomed: list[Worker]) -> list[Worker]:
        self._alive = [worker for worker in self._alive if worker not in doomed]
        self._idle = [worker for worker in self._idle if worker not in doomed]
        return doomed

    def _surplus(self, wanted: int) -> list[Worker]:
        """The idle workers to end: too long without work, or in the place of one that is to be started."""
        old = time.monotonic() - IDLE_SECONDS
        doomed = [worker for worker in self._idle if worker.idle_since < old]
        room = 2 * self._most - wanted
        over = len(self._alive) - len(doomed) - room
        doomed += [worker for worker in self._idle if worker not in doomed][: max(0, over)]
        return self._take(doomed)

    def _start(self, ticket: Ticket, policy: Policy, path: str, key: tuple[str, ...]) -> Worker:
        resources = policy.resources
        large = self._spark_above is not None and os.path.getsize(path) > self._spark_above
        large = large and policy.mode is not Mode.TEMPLATE  # templates are printed for DuckDB only
        engine = engines.SPARK if large else engines.DUCKDB
        launched = launch.start(path, spill_mb=resources.spill_mb, walled=False if large else None)
        worker = Worker(launched, ticket.room, key, engine=engine)
        with self._changed:
            self._alive.append(worker)
        setup = {
            "engine": engine,
            "path": launched.snapshot, "mem_mb": resources.mem_mb, "cpu_s": resources.cpu_s, "spill": launched.spill,
            "spill_mb": resources.spill_mb if launched.spill else 0, "threads": max(1, resources.threads),
            "shape": emit.shape(policy),
        }  # fmt: skip
        try:
            ready = worker.ask(setup, READY_BYTES, time.monotonic() + START_SECONDS[engine], ticket.pulse)
        except (wire.WireError, StoppedError):
            self.end(worker)
            raise
        if "unreadable" in ready:
            self.end(worker)
            raise UnreadableError
        worker.tier, worker.sha256 = int(ready.get("tier", 0)), str(ready.get("sha256", ""))
        return worker
