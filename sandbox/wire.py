"""Length-prefixed JSON between the supervisor and a worker. JSON only: a worker is not trusted to send objects."""

import json
import os
import select
import struct
import time
from datetime import date
from decimal import Decimal
from typing import Any

HEADER = struct.Struct("!I")


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


def receive(channel: int, most: int, deadline: float | None = None) -> dict[str, Any]:
    """Read one message of at most `most` bytes before `deadline` (monotonic seconds)."""
    (size,) = HEADER.unpack(_read(channel, HEADER.size, deadline))
    if size > most:
        raise WireError
    try:
        message = json.loads(_read(channel, size, deadline), object_hook=untagged)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise WireError from error
    if not isinstance(message, dict):
        raise WireError
    return message


def _read(channel: int, size: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([channel], [], [], left)[0]:
                raise WireError(late=True)
        part = os.read(channel, min(size - len(parts), 65536))
        if not part:
            raise WireError
        parts += part
    return bytes(parts)


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
