"""The door between the controlled trial and the nouns below it: they ask, ``exchange.trials`` answers.

Catalogue, negotiations and deliveries stand below the trial and may not import it; the application connects the two
when it is made. Before that, and while no certificate is recorded, the trial has nothing against anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from exchange.errors import Refusal


@dataclass(frozen=True)
class Act:
    """What somebody is about to do. ``kind`` as in sandbox.rules.ActionKind; ``org_id`` the one it is done for."""

    kind: str
    org_id: str
    sector: str | None = None
    classification: str | None = None
    territory: tuple[str, ...] = ()
    amount_vnd: int = 0


Judge = Callable[[Session, Act, datetime], tuple[Refusal, ...]]
Certificate = Callable[[Session, datetime], tuple[str, str] | None]
_judges: list[tuple[Judge, Certificate]] = []


def connect(judge: Judge, certificate: Certificate) -> None:
    """Let these two answer; called once by the application, a second time changes nothing."""
    _judges[:] = [(judge, certificate)]


def denials(session: Session, act: Act, now: datetime) -> tuple[Refusal, ...]:
    """Every rule of the trial (T1-T17) that refuses ``act``; none while no certificate is recorded."""
    return tuple(refusal for judge, _ in _judges for refusal in judge(session, act, now))


def certificate(session: Session, now: datetime) -> tuple[str, str] | None:
    """Number of the certificate and version of its notice, as contracts name them (clause 22)."""
    return next((found for _, name in _judges if (found := name(session, now)) is not None), None)
