"""The door between stopping a listing and what was agreed on it: the catalogue tells, ``exchange.negotiations`` acts.

The catalogue stands below the negotiations and may not import them; the application connects the two when it is made.
"""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from exchange.permissions import Actor

Follow = Callable[[Session, Actor, str, bool, str, datetime], None]
_connected: list[Follow] = []


def connect(follow: Follow) -> None:
    """Let this one act; called by whatever is about to run use cases: the application, the demo, a benchmark."""
    _connected[:] = [follow]


def tell(session: Session, actor: Actor, listing_id: str, stopped: bool, reason: str, now: datetime) -> None:
    """The listing was stopped, or released again, by ``actor`` for ``reason``, in the session's transaction.

    Raises LookupError when nobody is connected: contracts would run on under a stopped listing without a record.
    """
    if not _connected:
        raise LookupError("nobody follows stopped listings: call exchange.negotiations.holds through exchange.stops")
    _connected[0](session, actor, listing_id, stopped, reason, now)
