"""PostgreSQL as the exchange uses it: whether a pooled connection still lives is seen, where it can be, without asking.

A server that stops says so on each of its connections, and the kernel closes those of a process that is killed: both
show at once on the socket. To ask the server would be one more round trip, a fifth of an act. What the socket does not
show is that the server's whole machine has started anew, or that a firewall on the way has forgotten the connection;
either takes longer than PAUSE, and a connection that has rested for so long is asked.
"""

import select
import time
from typing import Any, cast

from psycopg import Connection
from psycopg import Error as DriverError
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

PAUSE = 1.0  # seconds
_RESTS_SINCE = "rests_since"


def watch(engine: Engine) -> None:
    """Replace dead connections of the engine's pool before anybody is given one."""
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _require_alive)


def _note_rest(_connection: object, record: Any) -> None:
    record.info[_RESTS_SINCE] = time.monotonic()


def _require_alive(connection: object, record: Any, _proxy: object) -> None:
    driver, since = cast("Connection[Any]", connection), record.info.get(_RESTS_SINCE)
    if since is None:  # it was opened this moment
        return
    if driver.closed or _has_news(driver) or (time.monotonic() - since > PAUSE and not _answers(driver)):
        raise InvalidatePoolError("the server has ended this connection")  # the pool opens another


def _has_news(driver: "Connection[Any]") -> bool:
    """Whether the server has written something that nobody asked for, or has closed the connection."""
    waiting = select.poll()
    waiting.register(driver.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _answers(driver: "Connection[Any]") -> bool:
    try:
        driver.execute("")
        driver.rollback()
    except DriverError:
        return False
    return True
