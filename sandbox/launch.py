"""Starting the process that a question runs in: walled in by bubblewrap where that works (tier 2), else a plain child.

Inside the walls there are the interpreter, its libraries, this package, the engine's and one snapshot, all read-only;
no network, no other process, no other file. Whether that works here is tried once, by a process that holds no data.
bubblewrap runs without privileges where the kernel lets users make namespaces; containers often do not.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
SITE = Path(duckdb.__file__).resolve().parents[1]
PROGRAM = "import sys; sys.path[:0] = sys.argv[2:]; __import__(sys.argv[1], fromlist=['main']).main()"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
SNAPSHOT, SPILL, CODE, LIBRARIES = "/snapshot.parquet", "/spill", "/code", "/libraries"
SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
NAMESPACES = ("--unshare-user", "--unshare-ipc", "--unshare-net", "--unshare-pid", "--unshare-uts")
TRIAL_SECONDS = 20


@dataclass(frozen=True)
class Tried:
    """What a process with no data found out: the tier it reached, and each act with whether it was stopped."""

    tier: int
    walls: dict[str, bool]
    acts: dict[str, bool]
    why: str = ""


@dataclass(frozen=True)
class Launched:
    """A started worker, the snapshot's name as the worker sees it, and its private folder if it has one."""

    process: subprocess.Popen[bytes]
    snapshot: str
    spill: str | None

    def kill(self) -> None:
        """End it and everything that it started, at once. Namespaces go with their first process."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


def start(snapshot: str, *, spill_mb: int = 0, walled: bool | None = None) -> Launched:
    """Start a worker on a snapshot; `walled` is for who must know, by default it is as strict as the machine can."""
    inside = best() == 2 if walled is None else walled
    if not inside:
        return Launched(_open(_plain("sandbox.worker")), snapshot, None)
    spill = ("--size", str(spill_mb << 20), "--tmpfs", SPILL) if spill_mb else ()
    command = _walled("sandbox.worker", ("--ro-bind", snapshot, SNAPSHOT, *spill))
    return Launched(_open(command), SNAPSHOT, SPILL if spill_mb else None)


@cache
def best() -> int:
    """The highest tier of this machine, tried once in this process's life."""
    return max(trial(tier).tier for tier in (1, 2))


@cache
def trial(tier: int) -> Tried:
    """Start a process the way a tier wants it, let it try everything, and report. Never raises: it says why not."""
    if tier == 2 and shutil.which("bwrap") is None:
        return Tried(0, {}, {}, "bubblewrap is not installed")
    command = _walled("sandbox.acts", ()) if tier == 2 else _plain("sandbox.acts")
    job = {"lock": tier > 0, "targets": {"file": sys.executable, "process": os.getpid()}}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and a constant program
            command, input=json.dumps(job).encode() + b"\n", capture_output=True, timeout=TRIAL_SECONDS,
            cwd="/", env=ENVIRONMENT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return Tried(0, {}, {}, type(error).__name__)
    try:
        return Tried(**json.loads(done.stdout))
    except (ValueError, TypeError):
        return Tried(0, {}, {}, done.stderr.decode(errors="replace").strip()[-300:])


def _open(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and a constant program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", env=ENVIRONMENT,
        close_fds=True, start_new_session=True,
    )  # fmt: skip


def _plain(module: str) -> list[str]:
    return [sys.executable, "-I", "-c", PROGRAM, module, str(ROOT)]


def _walled(module: str, more: Sequence[str]) -> list[str]:
    """bubblewrap's command line. No --die-with-parent: the kernel means the parent's thread, and a server's threads
    come and go. A worker whose parent is gone ends by itself (`worker`)."""
    program = os.path.realpath(sys.executable)
    library = str(Path(os.__file__).resolve().parent)
    bound = [*(path for path in SYSTEM if os.path.isdir(path) and not os.path.islink(path)), program, library]
    prefix = Path(sys.base_prefix, "lib")
    bound += [str(path) for path in prefix.glob("libpython*.so*")]
    return [
        "bwrap", *NAMESPACES, "--unshare-cgroup-try", "--cap-drop", "ALL", "--uid", "65534", "--gid", "65534",
        "--hostname", "worker", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
        *(word for path in bound for word in ("--ro-bind", path, path)),
        *(word for path in SYSTEM if os.path.islink(path) for word in ("--symlink", os.readlink(path), path)),
        "--ro-bind", str(ROOT / "sandbox"), f"{CODE}/sandbox", "--ro-bind", str(SITE), LIBRARIES,
        "--proc", "/proc", "--dev", "/dev", *more, "--remount-ro", "/", "--chdir", "/",
        program, "-I", "-S", "-c", PROGRAM, module, CODE, LIBRARIES,
    ]  # fmt: skip
