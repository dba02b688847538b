"""The writer's half of the log: one row in the caller's transaction, nothing else."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from contracts.log import leaf
from exchange.db import new_id
from exchange.ledger.models import LastEvent, Outbox


def append(
    session: Session,
    event: str,
    *,
    actor: str,
    on: Sequence[str],
    now: datetime,
    hashes: Mapping[str, str],
    details: Mapping[str, int | str | bool],
) -> str:
    """Queue one event for the tree and return its id; durable and visible together with the caller's rows.

    A crash before the caller's commit leaves nothing; after it, the sequencer finds the row by its presence.
    """
    event_id = new_id()
    last = session.get(LastEvent, on[0], with_for_update=True)
    at_ms = int(now.timestamp() * 1000)
    body = leaf.make(
        origin=session.info["log_origin"],
        type=event,
        at_ms=at_ms,
        id=event_id,
        actor=actor,
        on=on,
        prev=last.event_id if last else None,
        h=hashes,
        d=details,
    )
    session.add(Outbox(event_id=event_id, leaf=body, created_ms=at_ms))
    session.merge(LastEvent(subject=on[0], event_id=event_id))
    return event_id
