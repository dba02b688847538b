"""Opening and closing test rooms (X30), and reading them. The copy of the data is made between two use cases."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from exchange import audit, pilot
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Listing
from exchange.db import new_id
from exchange.errors import N_, NotFound, Refused, refuse
from exchange.permissions import Actor, Permission, require
from exchange.trials import policies, rules, service
from exchange.trials.copying import Copy
from exchange.trials.models import BudgetEntry, QueryRun, TestCopy, TestRoom
from exchange.trials.policies import Plan
from sandbox.policy import Policy
from sandbox.rules import ActionKind
from sandbox.trial import local_day

SESSION = timedelta(minutes=rules.SESSION_MINUTES)


@dataclass(frozen=True)
class Prepared:
    """What opening needs: the plan, and the copy that an earlier room has already caused to be made."""

    plan: Plan
    copy: TestCopy | None


@dataclass(frozen=True)
class Built:
    """A copy just made and the place it lies at."""

    file_key: str
    copy: Copy


@dataclass(frozen=True)
class Room:
    """One room as its people see it."""

    row: TestRoom
    policy: Policy
    shown: catalogue.Shown
    copy: TestCopy
    budget: BudgetEntry
    runs: list[QueryRun]

    def open_at(self, now: datetime) -> bool:
        """Whether questions may still be asked."""
        return self.row.state == "open" and now < self.row.closes_at


def prepare_room(
    session: Session, actor: Actor | None, listing_id: str, now: datetime, *, min_isolation_tier: int = 0
) -> Prepared:
    """Judge the wish and lay out the policy; changes nothing. Raises Refused with every rule of the trial that bars."""
    actor = require(actor, Permission.QUERY)
    shown = catalogue.published(session, listing_id)
    _judge(session, actor, shown, now)
    standing = service.standing(session, now)
    if standing is None:
        raise NotFound(listing_id)
    window = (standing.row.valid_from, standing.last_day)
    plan = policies.plan(shown.asset, shown.version, actor.org_id, window, min_isolation_tier=min_isolation_tier)
    return Prepared(plan, _copy_of(session, shown.asset.id, plan.recipe))


def open_room(
    session: Session,
    actor: Actor | None,
    listing_id: str,
    prepared: Prepared,
    built: Built | None,
    now: datetime,
) -> TestRoom:
    """A room for two hours; the one that is open already, if there is one: a form sent twice acts once."""
    actor = require(actor, Permission.QUERY)
    session.get(Listing, listing_id, with_for_update={"key_share": True})  # one opening at a time for a listing
    shown = catalogue.published(session, listing_id)
    _judge(session, actor, shown, now)
    trial = service.current(session, now)
    found = _open_room_of(session, actor.org_id, listing_id, now)
    if found is not None and found.version == shown.version.number:
        return found
    if found is not None:
        _close(session, found, now)
    copy = _kept_copy(session, shown.asset.id, prepared, built, now)
    if trial is None or copy is None or shown.asset.file_key != prepared.plan.file_key:
        raise refuse("LISTING_CHANGED", N_("The listing changed in the meantime. Open the room again."), status=409)
    policy = policies.sealed(prepared.plan.policy, copy.id, copy.sha256)
    room = TestRoom(
        id=new_id(), trial_id=trial.id, org_id=actor.org_id, listing_id=listing_id, version=shown.version.number,
        copy_id=copy.id, policy=policy, policy_hash=Policy.from_json(policy).hash, opened_at=now,
        closes_at=now + SESSION, opened_by=actor.user_id, event_id="",
    )  # fmt: skip
    room.event_id = audit.record(
        session, "testroom.opened", actor,
        on=[*subjects(room, shown.listing.org_id), f"trial:{trial.id}"],
        now=now, hashes={"policy": rules.leaf_digest(room.policy_hash), "copy": rules.leaf_digest(copy.sha256)},
        details={"version": room.version, "rows": copy.rows, "min_group": policy["limits"]["min_group"],
                 "minutes": rules.SESSION_MINUTES},
    )  # fmt: skip
    session.add(room)
    _budget(session, room, now)
    session.flush()
    return room


def close_room(session: Session, actor: Actor | None, room_id: str, now: datetime) -> TestRoom:
    """Shut the room before its time; its answers are forgotten, its receipts stay."""
    actor = require(actor, Permission.QUERY)
    room = session.get(TestRoom, room_id, with_for_update=True)
    if room is None or room.org_id != actor.org_id:
        raise NotFound(room_id)
    if room.state == "open":
        _close(session, room, now)
    return room


def room_of(session: Session, actor: Actor | None, room_id: str) -> Room:
    """One of the organisation's own rooms, whatever its state."""
    actor = require(actor, Permission.QUERY)
    row = session.get(TestRoom, room_id)
    if row is None or row.org_id != actor.org_id:
        raise NotFound(room_id)
    listing = session.get_one(Listing, row.listing_id)
    runs = select(QueryRun).where(QueryRun.room_id == row.id).order_by(col(QueryRun.id).desc()).limit(50)
    return Room(
        row=row,
        policy=policies.of_room(row),
        shown=catalogue.shown(session, listing, row.version),
        copy=session.get_one(TestCopy, row.copy_id),
        budget=budget_of(session, row),
        runs=list(session.exec(runs)),
    )


def rooms_of(session: Session, actor: Actor | None, limit: int = 20) -> list[tuple[TestRoom, str]]:
    """The organisation's latest rooms with the names of their listings."""
    actor = require(actor, Permission.QUERY)
    query = select(TestRoom).where(TestRoom.org_id == actor.org_id).order_by(col(TestRoom.id).desc()).limit(limit)
    return [(room, catalogue.the_version(session, room.listing_id, room.version).name) for room in session.exec(query)]


def budget_of(session: Session, room: TestRoom) -> BudgetEntry:
    """What this buyer has spent on this dataset."""
    query = select(BudgetEntry).where(BudgetEntry.listing_id == room.listing_id, BudgetEntry.org_id == room.org_id)
    return session.exec(query).one()


def subjects(room: TestRoom, provider_org_id: str) -> list[str]:
    """What a room's records are about."""
    orgs = dict.fromkeys((provider_org_id, room.org_id))  # a seller may try its own data
    return [f"testroom:{room.id}", f"listing:{room.listing_id}", *(f"org:{org}" for org in orgs)]


def query_act(shown: catalogue.Shown, org_id: str, kind: str = ActionKind.QUERY) -> pilot.Act:
    """What the trial judges when somebody asks a question of this listing."""
    return pilot.Act(kind, org_id, shown.version.sector, shown.version.classification)


def _judge(session: Session, actor: Actor, shown: catalogue.Shown, now: datetime) -> None:
    denied = service.judge_action(session, query_act(shown, actor.org_id), now)
    if denied:
        raise Refused(*denied, status=403)


def _copy_of(session: Session, asset_id: str, recipe: str) -> TestCopy | None:
    return session.exec(select(TestCopy).where(TestCopy.asset_id == asset_id, TestCopy.recipe == recipe)).first()


def _kept_copy(
    session: Session, asset_id: str, prepared: Prepared, built: Built | None, now: datetime
) -> TestCopy | None:
    """The copy that stands in the table: what was just built, unless somebody else was first and theirs is sound."""
    found = _copy_of(session, asset_id, prepared.plan.recipe)
    if built is None:
        return found
    if found is None:
        found = TestCopy(asset_id=asset_id, recipe=prepared.plan.recipe, file_key="", sha256="", rows=0,
                         dropped_rows=0, built_at=now)  # fmt: skip
    elif prepared.copy is None:
        return found
    found.file_key, found.sha256, found.rows = built.file_key, built.copy.sha256, built.copy.rows
    found.dropped_rows, found.units, found.built_at = built.copy.dropped_rows, built.copy.units, now
    session.add(found)
    session.flush()
    return found


def _open_room_of(session: Session, org_id: str, listing_id: str, now: datetime) -> TestRoom | None:
    query = select(TestRoom).where(
        TestRoom.org_id == org_id, TestRoom.listing_id == listing_id, TestRoom.state == "open"
    )
    found = session.exec(query.with_for_update()).first()
    if found is not None and now >= found.closes_at:
        _close(session, found, now)
        return None
    return found


def _close(session: Session, room: TestRoom, now: datetime) -> None:
    room.state, room.closed_at = "closed", min(now, room.closes_at)
    session.add(room)
    session.exec(update(QueryRun).where(col(QueryRun.room_id) == room.id).values(answer=None, cache_key=None))
    session.flush()


def _budget(session: Session, room: TestRoom, now: datetime) -> None:
    query = select(BudgetEntry).where(BudgetEntry.listing_id == room.listing_id, BudgetEntry.org_id == room.org_id)
    if session.exec(query).first() is None:
        policy = Policy.from_json(room.policy)
        budgets, window = policy.budgets, policy.window
        session.add(
            BudgetEntry(
                listing_id=room.listing_id, org_id=room.org_id, cap=budgets.queries_total, day=local_day(now),
                day_cap=budgets.queries_per_day, epsilon_cap=budgets.epsilon_total_micro,
                requests_cap=budgets.requests_total, starts=window.starts, ends=window.ends,
            )
        )  # fmt: skip
