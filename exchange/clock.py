"""The only source of time. Tests replace it; nothing else may call ``datetime.now``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def _system_time() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system_time


def now() -> datetime:
    """The present moment, aware, UTC, whole microseconds."""
    return _source()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Stand still at ``at`` (aware) for the duration of a test, in every thread of this process."""
    global _source
    before = _source
    _source = lambda: at.astimezone(UTC)  # noqa: E731 - a named function would say no more
    try:
        yield
    finally:
        _source = before
