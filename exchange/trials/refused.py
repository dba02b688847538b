"""What the trial's rules refused, on record: the transaction that was refused is gone, so this is one of its own.

A crash between the two leaves a refusal that nobody counts, never an act that nobody refused. Refused questions and
deliveries are records already (``query.refused``, ``delivery.refused``) and are left out here.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from flask import Flask, Response, current_app, g, request
from limits import parse
from sqlalchemy.exc import InternalError, OperationalError
from sqlmodel import Session

from exchange import audit, clock, identity
from exchange.errors import Judged, Refused
from exchange.limits import by_organisation, limiter
from exchange.permissions import Actor
from sandbox.rules import ActionKind

# Each is a record kept for ten years: what one organisation tries beyond this is refused all the same, and not written.
MOST = parse("60 per hour")

log = structlog.get_logger()


def record(session: Session, actor: Actor, judged: Iterable[Judged], now: datetime) -> None:
    """One record for each act that was refused: which rules, what kind of act, about what. Nothing of its contents."""
    acts: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for each in judged:
        acts.setdefault((each.trial_id, each.kind, each.about), []).append(each.rule)
    for (trial_id, kind, about), found in acts.items():
        audit.record(
            session, "trial.refused", actor, on=[f"trial:{trial_id}", *about, f"org:{actor.org_id}"], now=now,
            details={"act": kind, "rules": " ".join(dict.fromkeys(found))},
        )  # fmt: skip


def init_app(app: Flask) -> None:
    """After every request that was refused by a rule of the trial, write that down."""
    app.after_request(_write)


def _write(response: Response) -> Response:
    refused, actor = g.pop("refused", None), g.get("actor")
    judged = _to_record(refused) if refused is not None and actor is not None else []
    if not judged or not limiter.limiter.hit(MOST, "trial.refused", by_organisation()):
        return response
    identity.release()  # of the transaction that was refused
    try:
        with current_app.extensions["minhbach.database"].writing() as session:
            record(session, actor, judged, clock.now())
            session.commit()
    except (Refused, OperationalError, InternalError) as failure:  # the log or the database takes nothing now
        log.warning("refusal_unrecorded", failure=type(failure).__name__)
        return response
    current_app.extensions["minhbach.sequencer"].try_run()
    return response


def _to_record(refused: Refused) -> list[Judged]:
    """None for a page that only says what would be refused."""
    if request.method in ("GET", "HEAD", "OPTIONS") or refused.status < 400:
        return []
    judged = (each.judged for each in refused.refusals)
    return [each for each in judged if each is not None and each.kind != ActionKind.DELIVER]
