"""The confined process: one read-only snapshot, one question at a time, numbers out and nothing else.

Started by `launch`. Everything it needs is imported before the lock, for afterwards no other file can be read.
There is no death signal tied to the parent's thread (it would fire when a server thread ends); a parent that vanishes
closes the pipe, which a thread of its own notices in the middle of a query.
"""

import datetime
import decimal
import hashlib
import importlib
import os
import select
import sys
import threading
import uuid
from typing import Any

from sandbox import acts, confine, engines, post, wire
from sandbox.engines import Engine

IMPORTED = (datetime, decimal, uuid)  # the engine loads these when it first converts a value
LARGEST_REQUEST = 1 << 20
LIFETIME_QUERIES = 300  # starting another worker takes 0.3 s of a question: of fewer than one in a hundred
READABLE = ("/proc/self/cgroup", "/sys/fs/cgroup")


def main() -> None:
    """Serve questions from standard input until it closes; after any engine error, stop."""
    replies = os.dup(1)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    try:
        setup = wire.receive(0, LARGEST_REQUEST)
        opened = importlib.import_module(f"sandbox.engines.{setup['engine']}")
        targets = acts.Targets(sys.executable, os.getppid())
        walled = sys.platform == "linux" and all(acts.walls().values())
        if setup["engine"] == engines.DUCKDB:  # the other one starts processes of its own: it reaches tier 0
            confine.limit(setup["mem_mb"], setup["cpu_s"] * LIFETIME_QUERIES, setup["spill_mb"])
            confine.lock([setup["path"], *READABLE], setup["spill"])
        threading.Thread(
            target=_end_with_the_parent, daemon=True
        ).start()  # after the lock: it binds later threads only
        tier = confine.probe(walled, targets)
        engine = _opened(opened, setup)
        if engine is None:
            wire.send(replies, {"unreadable": True})
            return
        wire.send(replies, {"tier": tier, "sha256": _digest(setup["path"])})
        alive = True
        while alive:
            request = wire.receive(0, LARGEST_REQUEST)
            answer = _answer(engine, request)
            wire.send(replies, answer)
            alive = "code" not in answer
    except wire.WireError:
        return  # the supervisor closed the pipe


def _opened(module: Any, setup: dict[str, Any]) -> Engine | None:
    """The engine over the snapshot; None for a file that it cannot read, or that nobody protected."""
    try:
        engine: Engine = module.open(setup)
        if setup["shape"] is not None:
            engine.rows(setup["shape"])
    except MemoryError:
        raise
    except Exception:  # the edge: what it says may quote the file
        return None
    return engine


def _end_with_the_parent() -> None:
    """Wait until nobody holds the other end of the pipe of requests, and be gone."""
    parent = select.poll()
    parent.register(0, 0)  # nothing but its hanging up
    parent.poll()
    os._exit(0)


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _answer(engine: Engine, request: dict[str, Any]) -> dict[str, Any]:
    """Rows, or a code out of a closed list. The engine's own words may quote the data and stay here."""
    try:
        return _ask(engine, request["sql"], request["exact_sql"], post.Plan(**request["plan"]))
    except MemoryError:
        return {"code": "E-MEM"}
    except Exception as error:  # the edge: whatever the query did to the engine, only a code leaves
        return {"code": engine.code(error)}


def _ask(engine: Engine, sql: str, exact_sql: str | None, how: post.Plan) -> dict[str, Any]:
    rows = engine.rows(sql)  # at most max_groups + 1, by the text itself
    if how.noised:  # every group is public, or this snapshot was not made for this policy
        return {"code": "E-ENGINE"} if len(rows) > how.max_groups else {"rows": [post.bare(row, how) for row in rows]}
    if len(rows) > how.max_groups and rows[-1][how.keys] >= how.floor:  # largest first: more of these were left out
        return {"refused": "O4", "limit": how.max_groups}
    exact: dict[tuple[Any, ...], tuple[int, ...]] = {}
    if exact_sql is not None and any(post.doubtful(row, how) for row in rows):
        for row in engine.rows(exact_sql):
            exact[tuple(row[: how.keys])] = tuple(row[how.keys :])
    kept = [post.bare(row, how) for row in rows if post.proven(row, exact, how)]
    if post.too_long(kept):
        return {"refused": "O4", "limit": how.max_groups}
    # No group at all and only small groups must look the same.
    return {"rows": kept, "suppressed": len(kept) < len(rows) or not kept}


if __name__ == "__main__":
    main()
    sys.exit(0)
