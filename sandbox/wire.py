"""Length-prefixed JSON between the supervisor and a worker. JSON only: a worker is not trusted to send objects."""

import json
import os
import select
import struct
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

HEADER = struct.Struct("!I")
PULSE_SECONDS = 0.25  # how long a kill switch waits at most to be noticed


class WireError(Exception):
    """The other side is gone, too slow, or says more than it may. `late` tells slowness from the rest."""

    def __init__(self, late: bool = False) -> None:
        super().__init__("late" if late else "broken")
        self.late = late


def send(channel: int, message: dict[str, Any]) -> None:
    """Write one message."""
    body = json.dumps(message, default=tagged).encode()
    data = memoryview(HEADER.pack(len(body)) + body)
    try:
        while data:
            data = data[os.write(channel, data) :]
    except OSError as error:
        raise WireError from error


def receive(
    channel: int, most: int, deadline: float | None = None, pulse: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Read one message of at most `most` bytes before `deadline` (monotonic seconds). While nothing comes, `pulse` is
    called every quarter of a second; what it raises ends the waiting."""
    (size,) = HEADER.unpack(_read(channel, HEADER.size, deadline, pulse))
    if size > most:
        raise WireError
    try:
        message = json.loads(_read(channel, size, deadline, pulse), object_hook=untagged)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise WireError from error
    if not isinstance(message, dict):
        raise WireError
    return message


def _read(channel: int, size: int, deadline: float | None, pulse: Callable[[], None] | None) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        if deadline is not None:
            _await(channel, deadline, pulse)
        part = os.read(channel, min(size - len(parts), 65536))
        if not part:
            raise WireError
        parts += part
    return bytes(parts)


def _await(channel: int, deadline: float, pulse: Callable[[], None] | None) -> None:
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise WireError(late=True)
        if poll.poll(1000 * (left if pulse is None else min(left, PULSE_SECONDS))):
            return
        if pulse is not None:
            pulse()


def tagged(value: object) -> dict[str, str]:
    """What JSON has no type for, marked with its name."""
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    raise TypeError(type(value).__name__)


def untagged(value: dict[str, Any]) -> Any:
    """The value that `tagged` marked."""
    if len(value) == 1 and isinstance(value.get("decimal"), str):
        return Decimal(value["decimal"])
    if len(value) == 1 and isinstance(value.get("date"), str):
        return date.fromisoformat(value["date"])
    return value
