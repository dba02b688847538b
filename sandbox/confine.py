"""Locking a process in: resource limits, no new privileges, Landlock and seccomp, with nothing but ctypes.

The order matters and is kept by the worker: imports first, then `limit`, then `lock`, then the engine's threads.
A version number proves nothing, so `probe` tries what must fail and reports the tier really reached.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Mapping, Sequence

from sandbox import acts

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_VERSION_FLAG, LANDLOCK_RULE_PATH_BENEATH = 1, 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
# In a private spill folder: write, read, list, remove and make files, and cut them.
SPILL = 1 << 1 | READ_FILE | READ_DIR | 1 << 5 | 1 << 8 | 1 << 14
# File-system rights known to each Landlock ABI: 13 bits in the first, one more in 2 (refer), 3 (truncate), 5 (ioctl).
FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15}
NET_TCP = 0b11  # bind and connect, ABI 4
EPERM, ENOSYS = 1, 38
SECCOMP_MODE_FILTER, SECCOMP_TSYNC = 1, 1
CLONE_THREAD = 0x0001_0000
RET_KILL, RET_ERRNO, RET_ALLOW = 0x8000_0000, 0x0005_0000, 0x7FFF_0000
LOAD, JUMP_EQ, JUMP_GE, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
OFFSET_NR, OFFSET_ARCH, OFFSET_ARG0, OFFSET_ARG2 = 0, 4, 16, 32
X32_BIT = 0x4000_0000

# audit architecture, seccomp, clone, clone3, prlimit64, and everything refused: network, exec, fork, tracing, signals
# to others, mounts, namespaces, keys, kernel modules, bpf, io_uring, limits, files by handle, memory shared by number.
SYSCALLS: dict[str, tuple[int, int, int, int, int, tuple[int, ...]]] = {
    "x86_64": (
        0xC000_003E, 317, 56, 435, 302,
        (41, 42, 43, 44, 46, 49, 50, 53, 288, 57, 58, 59, 322, 101, 310, 311, 62, 200, 234, 129, 297, 424, 434, 438,
         155, 161, 165, 166, 272, 308, 428, 429, 430, 431, 432, 442, 246, 320, 175, 176, 313, 248, 249, 250, 298, 321,
         323, 425, 426, 427, 160, 303, 304, 307, 29, 30, 64, 68, 240),
    ),
    "aarch64": (
        0xC000_00B7, 277, 220, 435, 261,
        (198, 199, 200, 201, 202, 203, 206, 211, 242, 269, 221, 281, 117, 270, 271, 129, 130, 131, 138, 240, 424, 434,
         438, 39, 40, 41, 51, 97, 268, 428, 429, 430, 431, 432, 442, 104, 294, 105, 106, 273, 217, 218, 219, 241, 280,
         282, 425, 426, 427, 164, 264, 265, 194, 196, 190, 186, 180),
    ),
}  # fmt: skip


def limit(mem_mb: int, cpu_s: int, spill_mb: int) -> None:
    """Set the kernel's own ceilings. The engine needs address space beyond its memory limit for threads and code."""
    space = (mem_mb + 1536) << 20
    for what, ceiling in (
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, spill_mb << 20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        wanted = ceiling if hard == resource.RLIM_INFINITY else min(ceiling, hard)
        resource.setrlimit(what, (wanted, wanted))


def lock(readable: Sequence[str], spill: str | None = None) -> None:
    """Give up everything but reading `readable`, and writing below `spill` if there is one: a folder that nobody else
    has. Where the kernel cannot, nothing happens: `probe` tells."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return
    _landlock(libc, readable, spill)
    _seccomp(libc)


def probe(walled: bool, targets: acts.Targets) -> int:
    """Try, after the lock, what must be refused, and say which tier of isolation that makes."""
    return tier(walled, acts.attempts(targets))


def tier(walled: bool, stopped: Mapping[str, bool]) -> int:
    """0: limits and a clock only. 1: no act succeeds. 2: nor would it, for nothing of the machine is in sight."""
    return (1 + walled) if all(stopped.values()) else 0


def _landlock(libc: ctypes.CDLL, readable: Sequence[str], spill: str | None) -> None:
    abi = libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_VERSION_FLAG)
    if abi < 1:
        return
    handled = (1 << FS_BITS.get(abi, 16)) - 1
    attributes = struct.pack("QQ", handled, NET_TCP)[: 16 if abi >= 4 else 8]
    rules = libc.syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return
    allowed = {path: READ_FILE | (READ_DIR if os.path.isdir(path) else 0) for path in readable if os.path.exists(path)}
    if spill is not None:
        allowed[spill] = SPILL & handled
    for path, rights in allowed.items():
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", rights, beneath)
        libc.syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_RULE_PATH_BENEATH, rule, 0)
        os.close(beneath)
    libc.syscall(LANDLOCK_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _seccomp(libc: ctypes.CDLL) -> None:
    known = SYSCALLS.get(platform.machine())
    if known is None:
        return
    code = b"".join(struct.pack("=HBBI", *step) for step in _program(known))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    libc.syscall(known[1], SECCOMP_MODE_FILTER, SECCOMP_TSYNC, program)


def _program(known: tuple[int, int, int, int, int, tuple[int, ...]]) -> list[tuple[int, int, int, int]]:
    """A foreign architecture dies, refused calls answer EPERM, clone makes threads only, clone3 is unknown."""
    arch, _, clone, clone3, prlimit, refused = known
    refuse = (RETURN, 0, 0, RET_ERRNO | EPERM)
    steps = [
        (LOAD, 0, 0, OFFSET_ARCH),
        (JUMP_EQ, 1, 0, arch),
        (RETURN, 0, 0, RET_KILL),
        (LOAD, 0, 0, OFFSET_NR),
        (JUMP_GE, 0, 1, X32_BIT),
        refuse,
        (JUMP_EQ, 0, 1, clone3),
        (RETURN, 0, 0, RET_ERRNO | ENOSYS),
    ]
    for number in refused:
        steps += [(JUMP_EQ, 0, 1, number), refuse]
    # Reading one's own limits is harmless and libraries do it; a new limit is a pointer that is not null.
    steps += [(JUMP_EQ, 0, 6, prlimit), (LOAD, 0, 0, OFFSET_ARG2), (JUMP_EQ, 0, 2, 0)]
    steps += [(LOAD, 0, 0, OFFSET_ARG2 + 4), (JUMP_EQ, 1, 0, 0), refuse, (LOAD, 0, 0, OFFSET_NR)]
    steps += [(JUMP_EQ, 0, 3, clone), (LOAD, 0, 0, OFFSET_ARG0), (JUMP_SET, 1, 0, CLONE_THREAD), refuse]
    return [*steps, (RETURN, 0, 0, RET_ALLOW)]
