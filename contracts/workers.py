"""One check over many things, by several processes at once. What comes back, and in which order, is as with one."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from typing import Any, TypeVar

from contracts.errors import ContractsError

T = TypeVar("T")

LEAST = 100  # things: for fewer, starting the processes takes longer than they save
_CHUNK = 16  # things that a process takes at a time

_check: Callable[[str], Any]  # of this process, if it is one of several


def each(check: Callable[[str], T], names: Sequence[str], processes: int) -> Iterator[T]:
    """What `check` says of each name, in order; raises the ContractsError of the first name that has one.

    The processes are forked, so `check` may hold anything, an open file among it, and sees nothing that happens later.
    Where forking is not what the system is made for (Windows, macOS), or for few names, one process does it all.
    So it does what is left when one of them is killed.
    """
    told = 0
    if processes > 1 and len(names) >= LEAST and sys.platform == "linux":
        chunks = [names[at : at + _CHUNK] for at in range(0, len(names), _CHUNK)]
        pool = ProcessPoolExecutor(processes, get_context("fork"), _begin, (check,))
        try:
            with suppress(BrokenExecutor):  # the system has killed a process, for want of memory say
                for results, problem in pool.map(_check_some, chunks):
                    yield from results
                    if problem is not None:
                        raise problem
                    told += len(results)
        finally:
            pool.shutdown(cancel_futures=True)
    yield from map(check, names[told:])


def _begin(check: Callable[[str], Any]) -> None:
    gc.freeze()  # what was there before is not ours to collect
    gc.set_threshold(20_000)  # new objects between two searches for cycles, of which a check makes hardly any
    global _check  # the one place of a process where a pool can leave what all its calls need
    _check = check


def _check_some(names: Sequence[str]) -> tuple[list[Any], ContractsError | None]:
    """The results up to the first problem, and that problem."""
    results: list[Any] = []
    try:
        for name in names:
            results.append(_check(name))
    except ContractsError as problem:
        return results, problem
    return results, None
