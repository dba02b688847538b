"""What readers see of the witnesses: who has cosigned which head, and the newest head that has enough of them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session, col, select

from contracts.errors import ContractsError, NoteError
from contracts.log.policy import NONE, Policy, check_policy, parse_policy
from exchange.config import ConfigurationError
from exchange.ledger import service
from exchange.ledger.models import Checkpoint, Cosignature

LATE = timedelta(minutes=20)  # a witness that has cosigned nothing for longer is late


@dataclass(frozen=True)
class Sighting:
    """What one witness has cosigned last; ``size`` and ``seen`` are None before its first cosignature."""

    name: str
    size: int | None
    seen: datetime | None
    state: str  # "fresh", "late" or "never"


def read_policy(path: Path | None) -> Policy:
    """The policy file (C2SP tlog-policy); without one, no witness is asked. Raises ConfigurationError."""
    if path is None:
        return Policy(())
    try:
        return parse_policy(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ContractsError) as error:
        raise ConfigurationError(f"MINHBACH_WITNESS_POLICY {path} cannot be read: {error}") from None


def published(session: Session, policy: Policy) -> service.Head | None:
    """The newest head that satisfies the policy's quorum; without a quorum, simply the newest."""
    if policy.quorum == NONE:
        return service.head(session)
    trusted = replace(policy, logs=tuple(service.verifiers(session)))
    sizes = select(Cosignature.size).distinct().order_by(col(Cosignature.size).desc()).limit(100)
    for size in session.exec(sizes).all():
        row = session.get(Checkpoint, size)
        if row is None or row.note is None:
            continue
        note = service.cosigned_note(session, size, row.note)
        try:
            check_policy(trusted, note)
        except NoteError:
            continue  # not enough witnesses yet, or none of those asked now
        return service.Head(row.size, row.root, note, row.made_ms)
    return None


def sightings(session: Session, policy: Policy, now: datetime) -> list[Sighting]:
    """What each witness of the policy has cosigned last, and whether that is fresh."""
    return [_sighting(session, name, key.name, now) for name, key in policy.witnesses]


def _sighting(session: Session, name: str, key_name: str, now: datetime) -> Sighting:
    query = select(Cosignature).where(Cosignature.witness == key_name)
    row = session.exec(query.order_by(col(Cosignature.size).desc()).limit(1)).first()
    if row is None:
        return Sighting(name, None, None, "never")
    seen = datetime.fromtimestamp(row.seen_s, now.tzinfo)
    return Sighting(name, row.size, seen, "late" if now - seen > LATE else "fresh")
