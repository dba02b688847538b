"""Recording what happened: one call per use case, in the caller's own transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from exchange.ledger import disclosures, outbox
from exchange.permissions import Actor

Value = int | str | bool


def record(
    session: Session,
    event: str,
    actor: Actor | None,
    *,
    on: Sequence[str],
    now: datetime,
    hashes: Mapping[str, str] | None = None,
    details: Mapping[str, Value] | None = None,
    private: Mapping[str, Mapping[str, Value]] | None = None,
) -> str:
    """Put ``event`` (``noun.verb``) into the log's outbox; returns its event id.

    Committing the session makes row and record durable together; rolling back removes both. ``on`` lists the
    subjects as ``kind:id`` ("listing:01j…"), the first one's chain is continued. ``details`` and ``hashes`` must hold
    nothing personal and nothing guessable that is not public: leaves are kept for ten years and cannot be changed.

    Such values go into ``private``, by whose they are ("user:…", "org:…"): the leaf commits to them, they are stored
    beside it and can be erased. The name of the person who acts is always among them.

    Those whom the event concerns are told of it by rows of the same transaction (exchange/notices/telling.py).
    """
    who = "system" if actor is None else f"org:{actor.org_id}"
    salted = disclosures.salt(_with_name(actor, private or {}))
    event_id = outbox.append(
        session,
        event,
        actor=who,
        on=on,
        now=now,
        hashes=hashes or {},
        details=details or {},
        sd=[each.digest for each in salted],
    )
    disclosures.write(session, event_id, salted)
    _tell(session, event, actor, event_id, on=on, details=details or {}, now=now)
    return event_id


def _tell(session: Session, event: str, actor: Actor | None, event_id: str, **more: Any) -> None:
    from exchange.notices import telling  # late: notices stands above the nouns whose people it tells

    telling.tell(session, event, actor, event_id, **more)


def owner(actor: Actor) -> str:
    """Whose the private values of an act are: the person's, or the organisation's whose program acted."""
    return f"user:{actor.user_id}" if actor.user_id else f"org:{actor.org_id}"


def _with_name(actor: Actor | None, private: Mapping[str, Mapping[str, Value]]) -> dict[str, Mapping[str, Value]]:
    if actor is None or actor.user_id is None:
        return dict(private)
    person = owner(actor)
    return {**private, person: {**private.get(person, {}), "by": actor.name}}
