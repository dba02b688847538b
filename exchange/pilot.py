"""The door between the controlled trial and the nouns below it: they ask, ``exchange.trials`` answers.

Catalogue, negotiations and deliveries stand below the trial and may not import it; the application connects the two
when it is made. While no certificate is recorded the trial has nothing against anything (docs/decisions/0004).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from exchange.errors import Refusal


@dataclass(frozen=True)
class Act:
    """What somebody is about to do. ``kind`` as in sandbox.rules.ActionKind; ``org_id`` the one it is done for.

    ``listing_id`` and ``negotiation_id`` also say what a refusal on record is about.

    What is named by ``listing_id``, ``negotiation_id`` and ``replaces`` (a contract) is the thing that is judged, or
    what it takes the place of: it is not counted as used up before (T9).
    """

    kind: str
    org_id: str
    sector: str | None = None
    classification: str | None = None
    territory: tuple[str, ...] = ()
    amount_vnd: int = 0
    again: bool = False  # as in sandbox.rules.Action
    listing_id: str | None = None
    negotiation_id: str | None = None
    replaces: str | None = None


Judge = Callable[[Session, Act, datetime], tuple[Refusal, ...]]
Certificate = Callable[[Session, datetime], tuple[str, str] | None]
_connected: list[tuple[Judge, Certificate]] = []


def connect(judge: Judge, certificate: Certificate) -> None:
    """Let these two answer; called by whatever is about to run use cases: the application, the demo, a benchmark."""
    _connected[:] = [(judge, certificate)]


def denials(session: Session, act: Act, now: datetime) -> tuple[Refusal, ...]:
    """Every rule of the trial (T1-T19, X30) that refuses ``act``; none while no certificate is recorded.

    Raises LookupError when nobody connected the trial: to go on without asking would be to permit.
    """
    judge, _ = _the_trial()
    return judge(session, act, now)


def certificate(session: Session, now: datetime) -> tuple[str, str] | None:
    """Number of the certificate and version of its notice, as contracts name them (clause 22)."""
    _, name = _the_trial()
    return name(session, now)


def _the_trial() -> tuple[Judge, Certificate]:
    if not _connected:
        raise LookupError("the trial is not connected: call exchange.trials.service.connect() first")
    return _connected[0]
