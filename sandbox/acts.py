"""What a confined process must not be able to do, each thing really tried; harmless where nothing stops it.

A version number proves nothing: `confine.probe` runs these after the lock, and the tier is what they say. Run as a
module (by `launch.trials`) this is a process that holds no data, locks itself in and reports.
"""

import ctypes
import errno
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

OF_THE_MACHINE = ("/etc/passwd", "/etc/hosts", "/bin/sh", "/usr/bin/env", "/sys")
NOT_THERE = "/nonexistent/program"
FILTERED = frozenset({errno.EPERM, errno.ENOSYS})
UNREACHABLE = frozenset({errno.EPERM, errno.EACCES, errno.ENOENT, errno.EROFS})
PTRACE_PEEKUSER = 3
# ptrace, mount, unshare, io_uring_setup, bpf, keyctl, shmget: calls that Python has no name for.
NUMBERS: Mapping[str, Mapping[str, int]] = {
    "x86_64": {"ptrace": 101, "mount": 165, "unshare": 272, "io_uring": 425, "bpf": 321, "keyctl": 250, "shm": 29},
    "aarch64": {"ptrace": 117, "mount": 40, "unshare": 97, "io_uring": 425, "bpf": 280, "keyctl": 219, "shm": 194},
}


@dataclass(frozen=True)
class Targets:
    """Somebody else's things: a file beside the process's own, and the process that started it."""

    file: str
    process: int


def attempts(targets: Targets) -> dict[str, bool]:
    """Each act by name, and whether it was stopped."""
    return {
        "read the password file": _stopped(lambda: _read("/etc/passwd"), UNREACHABLE),
        "read another file": _stopped(lambda: _read(targets.file), UNREACHABLE),
        "list a folder": _stopped(lambda: os.listdir("/etc"), UNREACHABLE),
        "read another process": _stopped(lambda: _read(f"/proc/{targets.process}/environ"), UNREACHABLE),
        "write memory through /proc": _stopped(lambda: _write("/proc/self/mem"), UNREACHABLE),
        "write a file": _stopped(_make_file, UNREACHABLE),
        "open a TCP socket": _stopped(lambda: _socket(socket.AF_INET, socket.SOCK_STREAM), FILTERED),
        "open a UDP socket": _stopped(lambda: _socket(socket.AF_INET, socket.SOCK_DGRAM), FILTERED),
        "open a Unix socket": _stopped(lambda: _socket(socket.AF_UNIX, socket.SOCK_STREAM), FILTERED),
        "start a process": _stopped(_fork, FILTERED),
        "run a program": _stopped(lambda: os.execve(NOT_THERE, ["program"], {}), FILTERED),  # noqa: S606
        "signal another process": _stopped(lambda: os.kill(targets.process, 0), FILTERED),
        "trace another process": _stopped(lambda: _call("ptrace", PTRACE_PEEKUSER, targets.process, 0, 0), FILTERED),
        "mount": _stopped(lambda: _call("mount", 0, 0, 0, 0, 0), FILTERED),
        "leave a namespace": _stopped(lambda: _call("unshare", 0), FILTERED),
        "share memory": _stopped(lambda: _call("shm", 0, 4096, 0o600), FILTERED),
        "use io_uring": _stopped(lambda: _call("io_uring", 0, 0), FILTERED),
        "load a kernel program": _stopped(lambda: _call("bpf", 0, 0, 0), FILTERED),
        "read a key ring": _stopped(lambda: _call("keyctl", 0, -3, 0), FILTERED),
        "raise its own limits": _stopped(_raise_limits, FILTERED),
    }


def walls() -> dict[str, bool]:
    """What namespaces alone take away, tried before the lock; a process without them sees all of it."""
    return {
        "no other process is seen": _processes() <= {1, os.getpid()},
        "no network but its own": [name for _, name in socket.if_nameindex()] == ["lo"],
        "no file of the machine is there": not any(map(os.path.exists, OF_THE_MACHINE)),
        "nothing can be written": _stopped(lambda: _write("/created"), UNREACHABLE),
    }


def main() -> None:
    """Lock in when told to and report, as JSON; standard input says what to try it on."""
    from sandbox import confine

    job = json.loads(sys.stdin.readline())
    targets = Targets(**job["targets"])
    outside = walls() if sys.platform == "linux" else {"namespaces": False}
    if job["lock"]:
        confine.lock([])
    inside = attempts(targets)
    report = {"tier": confine.tier(all(outside.values()), inside), "walls": outside, "acts": inside}
    os.write(1, json.dumps(report).encode())


def _stopped(act: Callable[[], object], answers: frozenset[int]) -> bool:
    try:
        act()
    except OSError as error:
        return error.errno in answers
    return False


def _read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def _write(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY))


def _make_file() -> None:
    path = f"/tmp/.sandbox-act-{os.getpid()}"  # noqa: S108 - whether it can be made is the question
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(path)


def _socket(family: int, kind: int) -> None:
    socket.socket(family, kind).close()


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _raise_limits() -> None:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE))
    except ValueError as error:  # how the standard library tells EPERM
        raise PermissionError(errno.EPERM, "setrlimit") from error


def _processes() -> set[int]:
    with suppress(OSError):
        return {int(name) for name in os.listdir("/proc") if name.isdecimal()}
    return {0}


def _call(name: str, *arguments: int) -> None:
    """A system call by number; on a machine whose numbers we do not know it counts as done."""
    number = NUMBERS.get(os.uname().machine, {}).get(name)
    if number is None:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    if libc.syscall(number, *(ctypes.c_long(each) for each in arguments)) < 0:
        raise OSError(ctypes.get_errno(), name)
