"""One contract's life as a reader sees it: its holds, its successor, its duty at the end, and what may be done now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from contracts.duty import Duty
from contracts.negotiation import Role
from contracts.standing import Standing
from exchange.negotiations import duties, holds, standing, successors
from exchange.negotiations.duties import Owed
from exchange.negotiations.models import Contract, ContractHold, Negotiation
from exchange.negotiations.standing import Papers
from exchange.negotiations.successors import Followed
from exchange.permissions import Actor

_RUNNING = frozenset({Standing.UPCOMING, Standing.ACTIVE, Standing.SUSPENDED})


@dataclass(frozen=True)
class Life:
    """All of it, read at one moment."""

    papers: Papers
    standing: Standing
    holds: Sequence[ContractHold]
    negotiation: Negotiation | None  # about the successor, while it runs
    proposed: Followed | None  # what that negotiation would change
    successor: Contract | None
    predecessor: Contract | None
    owed: Owed

    @property
    def open_holds(self) -> list[ContractHold]:
        """The suspensions that stand."""
        return [hold for hold in self.holds if hold.resumed_at is None]

    @property
    def mine(self) -> ContractHold | None:
        """The reader's own suspension, which they may lift."""
        role = self.papers.role
        return next((hold for hold in self.open_holds if role and hold.holder == holds.HOLDER[role]), None)

    @property
    def may_suspend(self) -> bool:
        """Whether the reader's side could suspend now."""
        return self.papers.role is not None and self.standing in _RUNNING and self.mine is None

    @property
    def may_amend(self) -> bool:
        """Whether the reader's side could propose other terms now."""
        free = self.negotiation is None and self.successor is None and not self.open_holds
        return self.papers.role is not None and free and self.standing in _RUNNING - {Standing.SUSPENDED}

    @property
    def may_renew(self) -> bool:
        """Whether the reader's side could propose another term now; also after the last day."""
        expired = self.standing is Standing.EXPIRED and self.negotiation is None and self.successor is None
        return self.may_amend or (self.papers.role is not None and expired and not self.open_holds)

    @property
    def may_state(self) -> bool:
        """Whether the reader is the buyer and owes a statement."""
        return self.papers.role is Role.CONSUMER and self.owed.state in (Duty.OWED, Duty.LATE, Duty.DISPUTED)

    @property
    def may_answer(self) -> bool:
        """Whether the reader is the seller and a statement waits for an answer."""
        return self.papers.role is Role.PROVIDER and self.owed.state is Duty.STATED


def life_of(session: Session, actor: Actor | None, contract_id: str, now: datetime) -> Life:
    """The life of one contract. Parties only; a regulator may read, see ``looks``."""
    papers = standing.papers(session, actor, contract_id)
    row = papers.row
    negotiation = successors.open_of(session, row.id)
    return Life(
        papers=papers,
        standing=standing.standing_of(session, row, now),
        holds=holds.holds_of(session, row.id),
        negotiation=negotiation,
        proposed=None if negotiation is None else successors.followed(session, negotiation),
        successor=successors.successor_of(session, row.id),
        predecessor=successors.predecessor_of(session, row),
        owed=duties.owed(session, row, papers.document, now),
    )
