"""Recording what happened: one call per use case, in the caller's own transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from exchange.ledger import outbox
from exchange.permissions import Actor


def record(
    session: Session,
    event: str,
    actor: Actor | None,
    *,
    on: Sequence[str],
    now: datetime,
    hashes: Mapping[str, str] | None = None,
    details: Mapping[str, int | str | bool] | None = None,
) -> str:
    """Put ``event`` (``noun.verb``) into the log's outbox; returns its event id.

    Committing the session makes row and record durable together; rolling back removes both. ``on`` lists the
    subjects as ``kind:id`` ("listing:01j…"), the first one's chain is continued. ``details`` must hold nothing
    personal and nothing guessable that is not public: leaves are kept for ten years and cannot be changed.
    """
    who = "system" if actor is None else f"org:{actor.org_id}"
    return outbox.append(session, event, actor=who, on=on, now=now, hashes=hashes or {}, details=details or {})
