"""The door between the nouns and the regulator's warrant: they ask before an official sees papers, oversight answers.

The log and the contracts stand below ``exchange.oversight`` and may not import it; the application connects the two
when it is made. Until then nobody may look.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from exchange.errors import NotPermitted
from exchange.permissions import Actor, Permission

Look = Callable[[Session, Actor, str, Sequence[str], datetime], object]
_looks: list[Look] = []


def connect(look: Look) -> None:
    """Let this one answer; called once by the application, a second time changes nothing."""
    _looks[:] = [look]


def record(session: Session, actor: Actor, what: str, subjects: Sequence[str], now: datetime) -> None:
    """Record that the official is about to see ``subjects``; raises Refused without a warrant that holds today."""
    if not _looks:
        raise NotPermitted(Permission.AUDIT)
    _looks[0](session, actor, what, subjects, now)
