"""What readers see of the witnesses: who has cosigned which head, and the newest head that has enough of them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from sqlmodel import Session, col, select

from contracts.errors import ContractsError, NoteError
from contracts.log.policy import NONE, Policy, check_policy, parse_policy, satisfied_by
from exchange.config import ConfigurationError
from exchange.ledger import service
from exchange.ledger.models import Checkpoint, Cosignature

RECENT = 2000  # cosignatures among which a new published head is looked for
LATE = timedelta(minutes=20)  # a witness that has cosigned nothing for longer is late
AHEAD = timedelta(minutes=1)  # a witness that states a later time than that has a clock that tells nothing


@dataclass(frozen=True)
class Sighting:
    """What one witness has cosigned last; ``size`` and ``seen`` are None before its first cosignature."""

    name: str
    size: int | None
    seen: datetime | None
    state: str  # "fresh", "late", "ahead" (its clock) or "never"


def read_policy(path: Path | None) -> Policy:
    """The policy file (C2SP tlog-policy); without one, no witness is asked. Raises ConfigurationError."""
    if path is None:
        return Policy(())
    try:
        return parse_policy(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ContractsError) as error:
        raise ConfigurationError(f"MINHBACH_WITNESS_POLICY {path} cannot be read: {error}") from None


class Published:
    """Which head a reader is shown: the newest that satisfies the policy's quorum; without a quorum, the newest."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._names = {key.name: name for name, key in policy.witnesses}
        self._last: int | None = None  # where the search may fall back to: heads and cosignatures stay

    def head(self, session: Session) -> service.Head | None:
        """That head with all its cosignatures, or None while there is none."""
        if self.policy.quorum == NONE:
            return service.head(session)
        found = self._newest(session, RECENT)
        if found is None and self._last is None:
            found = self._newest(session, None)
        size = self._last = found or self._last
        row = None if size is None else session.get_one(Checkpoint, size)
        if row is None or row.note is None:
            return None
        return service.Head(row.size, row.root, service.cosigned_note(session, row.size, row.note), row.made_ms)

    def _newest(self, session: Session, limit: int | None) -> int | None:
        """The newest size that satisfies the quorum, among so many cosignatures. They were verified when stored, and
        are verified again here, because the policy may name other keys by now."""
        query = select(Cosignature.size, Cosignature.witness).order_by(col(Cosignature.size).desc()).limit(limit)
        for size, rows in groupby(session.exec(query), key=lambda row: row[0]):
            seen = {self._names[witness] for _, witness in rows if witness in self._names}
            if self.policy.quorum in satisfied_by(self.policy, seen) and self._holds(session, size):
                return size
        return None

    def _holds(self, session: Session, size: int) -> bool:
        row = session.get_one(Checkpoint, size)
        trusted = replace(self.policy, logs=tuple(service.verifiers(session)))
        try:
            check_policy(trusted, service.cosigned_note(session, size, row.note or ""))
        except NoteError:
            return False
        return True


def sightings(session: Session, policy: Policy, now: datetime) -> list[Sighting]:
    """What each witness of the policy has cosigned last, and whether that is fresh."""
    return [_sighting(session, name, key.name, now) for name, key in policy.witnesses]


def _sighting(session: Session, name: str, key_name: str, now: datetime) -> Sighting:
    query = select(Cosignature).where(Cosignature.witness == key_name)
    row = session.exec(query.order_by(col(Cosignature.size).desc()).limit(1)).first()
    if row is None:
        return Sighting(name, None, None, "never")
    seen = datetime.fromtimestamp(row.seen_s, now.tzinfo)
    if seen - now > AHEAD:
        return Sighting(name, row.size, seen, "ahead")
    return Sighting(name, row.size, seen, "late" if now - seen > LATE else "fresh")
