"""The account of one buyer for one dataset: what a statistic costs, who paid for it, what it was close to.

One UPDATE spends a question and its ε, or does nothing: window, state and every cap stand in its condition, so that no
two processes can both have the last of anything. The statistic is claimed in the same transaction (one row for each).
Nothing is ever given back once the engine may have begun: whether a question fails can depend on the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, case, func, or_, update
from sqlmodel import Session, col, select

from exchange.catalogue.models import Listing
from exchange.db import new_id
from exchange.errors import N_, refuse
from exchange.rooms import rules, ties
from exchange.rooms.models import BudgetEntry, Spend, TestRoom
from sandbox import overlap, privacy
from sandbox.denials import Denied
from sandbox.overlap import Overlap, Region
from sandbox.policy import Policy
from sandbox.query import Accepted
from sandbox.trial import ZONE, local_day

ABANDONED = timedelta(minutes=5)  # a run whose process died; no policy lets a question take that long
STOP_PERCENT = 80  # of a budget: here the account pauses and the provider is asked
MOST_OVERLAPS = 5  # refusals under D1: whoever collects more is looking for a gap, and the account pauses
HISTORY = 2_000  # earlier questions compared at most; a policy may ask for fewer
PAUSED_BY_BUDGET, PAUSED_BY_OVERLAPS = "STOP_REACHED", "OVERLAPS"  # reasons of an account that paused itself
STANDING = {"paused": "X8", "killed": "X9"}


@dataclass(frozen=True)
class Accounts:
    """The account that pays, ours until commit, and those that count with it: of tied buyers, over the same file."""

    own: BudgetEntry
    tied: list[BudgetEntry] = field(default_factory=list)

    @property
    def pooled(self) -> list[BudgetEntry]:
        """Those whose spending counts with this account's. What a contract has promised is owed in full."""
        return [] if self.own.contract_id else [each for each in self.tied if each.contract_id is None]

    @property
    def all(self) -> list[BudgetEntry]:
        """Every account whose questions are one reader's."""
        return [self.own, *self.tied]


@dataclass(frozen=True)
class Claim:
    """A statistic paid for, on its way to the engine. Void when the account's epoch has moved on."""

    spend_id: str
    entry_id: str
    epoch: int
    epsilon: int


def entry_of(session: Session, room: TestRoom) -> BudgetEntry:
    """The room's account as it stands."""
    return session.exec(select(BudgetEntry).where(*_account(room))).one()


def open_account(session: Session, room: TestRoom, policy: Policy, now: datetime) -> BudgetEntry:
    """The account that a room spends from, made by the first room. A later one moves the window and adds a privacy
    budget where there was none; every other cap stays what it was, or what the provider has made of it."""
    entry = session.exec(select(BudgetEntry).where(*_account(room))).first()
    budgets = policy.budgets
    if entry is None:
        entry = BudgetEntry(
            listing_id=room.listing_id, org_id=room.org_id, contract_id=room.contract_id,
            cap=budgets.queries_total, day=local_day(now),
            day_cap=budgets.queries_per_day, requests_cap=budgets.requests_total, starts=policy.window.starts,
            ends=policy.window.ends, stop_at=None if room.contract_id else _stop(budgets.queries_total),
        )  # fmt: skip
    entry.starts, entry.ends = policy.window.starts, policy.window.ends
    if entry.epsilon_cap == 0 and privacy.on(policy):
        entry.epsilon_cap = budgets.epsilon_total_micro
        entry.epsilon_stop_at = _stop(budgets.epsilon_total_micro)
    session.add(entry)
    session.flush()
    _forget_other_policies(session, entry, policy)
    return entry


def lock(session: Session, room: TestRoom) -> Accounts:
    """Take the accounts, always in one order; of two questions at once the second waits here."""
    return _accounts(session, room, lock=True)


def seen(session: Session, room: TestRoom) -> Accounts:
    """The same as they stand, to judge by without asking; nobody waits."""
    return _accounts(session, room, lock=False)


def _accounts(session: Session, room: TestRoom, *, lock: bool) -> Accounts:
    listings = ties.same_data(session, room.listing_id)
    present = session.exec(select(BudgetEntry.org_id).where(col(BudgetEntry.listing_id).in_(listings))).all()
    orgs = [room.org_id, *ties.sharing(ties.tied(session, room.org_id, set(present)))]
    query = select(BudgetEntry).where(col(BudgetEntry.listing_id).in_(listings), col(BudgetEntry.org_id).in_(orgs))
    query = query.order_by(col(BudgetEntry.id))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    rows = session.exec(query).all()
    mine = (room.listing_id, room.org_id, room.contract_id)
    own = next(row for row in rows if (row.listing_id, row.org_id, row.contract_id) == mine)
    return Accounts(own, [row for row in rows if row is not own])


def count_request(session: Session, entry: BudgetEntry) -> None:
    """Every request counts, also one that is refused or answered from memory: those cost no other budget, and unlimited
    they would tell for nothing what was asked before."""
    statement = update(BudgetEntry).where(
        col(BudgetEntry.id) == entry.id, col(BudgetEntry.requests) < col(BudgetEntry.requests_cap)
    )
    if not _one_row(session, statement.values(requests=col(BudgetEntry.requests) + 1)):
        text = N_("This account has taken %(limit)s requests, the most it takes, refused and repeated ones included.")
        passes = N_("Ask the provider for more.")
        raise refuse(
            "REQUESTS_SPENT", text, basis=rules.ROOM_BASIS, limit=entry.requests_cap, passes=passes, status=409
        )
    session.refresh(entry)


def standing(entry: BudgetEntry, now: datetime) -> Denied | None:
    """Why nothing may be asked from this account at all, if so: stopped, or outside its window."""
    if entry.state != "open":
        return Denied(STANDING[entry.state])
    if not entry.starts <= now < entry.ends:
        starts, ends = (f"{each.astimezone(ZONE):%d/%m/%Y %H:%M}" for each in (entry.starts, entry.ends))
        return Denied("X1", {"from": starts, "to": ends})
    return None


def stopped_with(session: Session, accounts: Accounts) -> Denied | None:
    """Whether an account that counts with this one was stopped: who is stopped does not go on under another name.

    Only over data of the same provider, or whoever offers the same file could stop another's buyers.
    """
    stopped = [each for each in accounts.pooled if each.state != "open"]
    listings = {accounts.own.listing_id, *(each.listing_id for each in stopped)}
    found = session.exec(select(Listing.id, Listing.org_id).where(col(Listing.id).in_(listings)))
    providers = dict(found.all()) if stopped else {}
    same = [each for each in stopped if providers[each.listing_id] == providers[accounts.own.listing_id]]
    state = max((each.state for each in same), key=[*STANDING].index, default=None)
    return Denied(STANDING[state]) if state else None


def running(session: Session, accounts: Accounts, now: datetime) -> int:
    """Statistics of this account that the engine works on now."""
    query = select(func.count()).where(
        Spend.entry_id == accounts.own.id, Spend.state == "reserved", col(Spend.at) > now - ABANDONED
    )
    return session.exec(query).one()


def remembered(session: Session, entry: BudgetEntry, statistic: str, now: datetime) -> Spend | Denied | None:
    """The kept table of a statistic; N2 while it is being made; None when it has to be paid for."""
    found = _spend_of(session, entry, statistic)
    if found is None or (found.state == "done" and found.answer is not None):
        return found
    under_way = found.state == "reserved" and found.at > now - ABANDONED
    return Denied("N2") if under_way else None


def close_to(session: Session, entries: Sequence[BudgetEntry], accepted: Accepted, policy: Policy) -> Overlap | None:
    """Whether the question differs in little from one that these accounts have paid for (sandbox.overlap)."""
    query = select(Spend.region).where(
        col(Spend.entry_id).in_([entry.id for entry in entries]),
        col(Spend.statistic) != key(accepted),
        col(Spend.state) != "failed",
    )
    most = min(policy.budgets.overlap_history or HISTORY, HISTORY)
    rows = session.exec(query.order_by(col(Spend.at).desc(), col(Spend.id)).limit(most))
    asked = overlap.region(accepted.question, policy)
    return overlap.judge(asked, (Region.from_json(row) for row in rows), policy)


def note_overlap(session: Session, entry: BudgetEntry, now: datetime, *, refused: bool) -> None:
    """Count an overlap; one refusal too many and the account pauses."""
    count = col(BudgetEntry.overlaps_refused) + (1 if refused else 0)
    too_many = and_(col(BudgetEntry.state) == "open", count >= MOST_OVERLAPS) if refused else None
    _one_row(
        session,
        update(BudgetEntry)
        .where(col(BudgetEntry.id) == entry.id)
        .values(
            overlaps=col(BudgetEntry.overlaps) + 1,
            overlaps_refused=count,
            **({} if too_many is None else _pausing(too_many, PAUSED_BY_OVERLAPS, now)),
        ),
    )
    session.refresh(entry)


def reserve(session: Session, accounts: Accounts, accepted: Accepted, policy: Policy, now: datetime) -> Claim | Denied:
    """Pay for a statistic and claim it, or say the first reason why not; then nothing was changed."""
    epsilon = privacy.epsilon_micro(accepted.question, policy)
    denied = _spend(session, accounts, epsilon, now)
    if denied is not None:
        return denied
    entry = accounts.own
    region = overlap.region(accepted.question, policy).to_json()
    spend = _spend_of(session, entry, key(accepted))
    if spend is None:
        spend = Spend(id=new_id(), entry_id=entry.id, statistic=key(accepted), region=region, at=now,
                      policy_hash=policy.hash)  # fmt: skip
    spend.state, spend.at, spend.answer, spend.epsilon = "reserved", now, None, spend.epsilon + epsilon
    session.add(spend)
    session.flush()
    return Claim(spend.id, entry.id, entry.epoch, epsilon)


def wanting(session: Session, accounts: Accounts, accepted: Accepted, policy: Policy, now: datetime) -> Denied | None:
    """What an account lacks to pay for a statistic, read without a lock for who only wonders. What is remembered, or
    being made, costs nothing."""
    if remembered(session, accounts.own, key(accepted), now) is not None:
        return None
    return _first_reason(accounts, privacy.epsilon_micro(accepted.question, policy), now)


def settle(session: Session, claim: Claim, answer: dict[str, Any] | None) -> None:
    """What came of a claim: the table that may be told again, or nothing. The price stays paid."""
    state = "failed" if answer is None else "done"
    statement = update(Spend).where(col(Spend.id) == claim.spend_id, col(Spend.state) == "reserved")
    _one_row(session, statement.values(state=state, answer=answer))


def is_void(session: Session, claim: Claim) -> bool:
    """Whether the account was stopped since the claim was made."""
    epoch = session.exec(select(BudgetEntry.epoch).where(BudgetEntry.id == claim.entry_id)).one()
    return epoch != claim.epoch


def forget(session: Session, entry_id: str) -> None:
    """Erase every kept table of an account. What was paid stays."""
    session.exec(update(Spend).where(col(Spend.entry_id) == entry_id).values(answer=None))


def key(accepted: Accepted) -> str:
    """The statistic's name in the tables."""
    return accepted.statistic.removeprefix("sha256:")


# --- inside -------------------------------------------------------------------------------------------------------


def _account(room: TestRoom) -> tuple[ColumnElement[bool], ...]:
    """Which account a room spends from: the contract's, or the buyer's for trying this dataset."""
    return (
        col(BudgetEntry.listing_id) == room.listing_id, col(BudgetEntry.org_id) == room.org_id,
        col(BudgetEntry.contract_id).is_not_distinct_from(room.contract_id),
    )  # fmt: skip


def _spend(session: Session, accounts: Accounts, epsilon: int, now: datetime) -> Denied | None:
    entry, today = accounts.own, local_day(now)
    asked, paid = col(BudgetEntry.spent) + 1, col(BudgetEntry.epsilon_spent) + epsilon
    others = sum(each.spent for each in accounts.pooled)
    shared = paid + sum(each.epsilon_spent for each in accounts.pooled)
    same_day = col(BudgetEntry.day) == today
    reached = or_(asked + others >= col(BudgetEntry.stop_at), shared >= col(BudgetEntry.epsilon_stop_at))
    statement = (
        update(BudgetEntry)
        .where(
            col(BudgetEntry.id) == entry.id,
            col(BudgetEntry.state) == "open",
            col(BudgetEntry.starts) <= now,
            col(BudgetEntry.ends) > now,
            asked <= col(BudgetEntry.cap),
            or_(~same_day, col(BudgetEntry.day_spent) < col(BudgetEntry.day_cap)),
            col(BudgetEntry.day_cap) > 0,
            shared <= col(BudgetEntry.epsilon_cap) if epsilon else paid <= col(BudgetEntry.epsilon_cap),
        )
        .values(
            spent=asked,
            epsilon_spent=paid,
            day=today,
            day_spent=case((same_day, col(BudgetEntry.day_spent) + 1), else_=1),
            **_pausing(reached, PAUSED_BY_BUDGET, now),
        )
    )
    done = _one_row(session, statement)
    session.refresh(entry)
    reason = None if done else _first_reason(accounts, epsilon, now)
    if not done and reason is None:
        raise RuntimeError("an account that pays nothing and lacks nothing")
    return reason


def _pausing(when: ColumnElement[bool], reason: str, now: datetime) -> dict[str, Any]:
    """The account pauses itself in the very statement that reaches the limit. Work that runs may finish: its epoch
    stays. An unset limit compares as unknown, which is no."""
    return {
        "state": case((when, "paused"), else_=col(BudgetEntry.state)),
        "reason": case((when, reason), else_=col(BudgetEntry.reason)),
        "changed_at": case((when, now), else_=col(BudgetEntry.changed_at)),
        "changed_by": case((when, None), else_=col(BudgetEntry.changed_by)),
    }


def _first_reason(accounts: Accounts, epsilon: int, now: datetime) -> Denied | None:
    entry, today = accounts.own, local_day(now)
    stopped = standing(entry, now)
    if stopped is not None:
        return stopped
    if entry.spent >= entry.cap:
        return Denied("B1", {"limit": entry.cap, "left": 0})
    if entry.day_cap == 0 or (entry.day == today and entry.day_spent >= entry.day_cap):
        return Denied("B2", {"limit": entry.day_cap, "left": 0})
    left = max(0, entry.epsilon_cap - sum(each.epsilon_spent for each in [entry, *accounts.pooled]))
    return Denied("B3", {"cost": epsilon, "left": left, "limit": entry.epsilon_cap}) if epsilon > left else None


def _spend_of(session: Session, entry: BudgetEntry, statistic: str) -> Spend | None:
    return session.exec(select(Spend).where(Spend.entry_id == entry.id, Spend.statistic == statistic)).first()


def _forget_other_policies(session: Session, entry: BudgetEntry, policy: Policy) -> None:
    """A table made under another policy or copy can never be told again: the statistic's name has both in it."""
    old = update(Spend).where(col(Spend.entry_id) == entry.id, col(Spend.policy_hash) != policy.hash)
    session.exec(old.where(col(Spend.answer).is_not(None)).values(answer=None))


def _one_row(session: Session, statement: Any) -> bool:
    result = session.exec(statement.execution_options(synchronize_session=False))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _stop(cap: int) -> int:
    """Where an account of this size pauses: four fifths, rounded up, so that one question is not stopped before it."""
    return -(-cap * STOP_PERCENT // 100)
