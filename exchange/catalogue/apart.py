"""Reading a provider's file in a process of its own: its bytes are not trusted, and a file that makes the parser crash,
eat memory or never end harms only that process. One JSON job in, one JSON answer out.

``ask`` is the web process's half; the module that it runs calls ``answer``.
"""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any


class Unanswered(Exception):
    """The process ended without an answer; ``late`` if because its time was over."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("late" if late else "no answer")
        self.late = late


def ask(module: str, job: Mapping[str, Any], *, work: str, memory_mb: int, seconds: int) -> Any:
    """What ``module`` answers to the job, within as many seconds of wall clock and of processor time. ``work`` is its
    home folder; of the web process's environment it sees nothing. Raises Unanswered."""
    limits = {"memory_mb": memory_mb, "seconds": seconds}
    try:
        done = subprocess.run(  # noqa: S603 - the module is one of ours
            [sys.executable, "-m", module],
            input=json.dumps([limits, job]) + "\n", capture_output=True, text=True, timeout=seconds, check=False,
            env={"PATH": "/usr/bin:/bin", "HOME": work, "LANG": "C.UTF-8", "PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unanswered(late=True) from None
    if done.returncode != 0 or not done.stdout.strip():
        raise Unanswered(late=done.returncode == -signal.SIGXCPU)
    return json.loads(done.stdout)


def answer(do: Callable[[dict[str, Any]], object]) -> None:
    """The other half: one job from standard input, limited as it says; what ``do`` makes of it to standard output."""
    limits, job = json.loads(sys.stdin.readline())
    memory = limits["memory_mb"] * 4 * 1024**2
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"], limits["seconds"]))
    sys.stdout.write(json.dumps(do(job)) + "\n")
