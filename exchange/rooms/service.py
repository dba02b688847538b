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
from exchange.negotiations.models import Contract
from exchange.permissions import Actor, Permission, require
from exchange.rooms import designs, policies, receipts, rules, spending
from exchange.rooms.copying import Copy
from exchange.rooms.models import BudgetEntry, QueryRun, TestCopy, TestRoom
from exchange.rooms.policies import Plan
from exchange.trials import service
from exchange.trials.models import Trial
from sandbox import privacy
from sandbox.compile import Agreed
from sandbox.denials import SandboxError
from sandbox.policy import Policy
from sandbox.rules import ActionKind

SESSION = timedelta(minutes=rules.SESSION_MINUTES)


@dataclass(frozen=True)
class Ground:
    """What a room is opened on: a listing's data under the certificate, or under a contract, with a session's end."""

    shown: catalogue.Shown
    buyer: str
    trial: Trial | None
    closes_at: datetime
    contract: Contract | None = None
    agreed: Agreed | None = None


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
    contract: Contract | None = None  # None: to try the data

    @property
    def rows_told(self) -> bool:
        """Whether the number of rows is the buyer's to know."""
        return privacy.rows_told(self.policy)

    def open_at(self, now: datetime) -> bool:
        """Whether questions may still be asked."""
        return self.row.state == "open" and now < self.row.closes_at


def prepare_room(
    session: Session, actor: Actor | None, listing_id: str, now: datetime, *, min_isolation_tier: int = 0
) -> Prepared:
    """Judge the wish and lay out the policy; changes nothing. Raises Refused with every rule of the trial that bars."""
    actor = require(actor, Permission.QUERY)
    return prepare(session, _to_try(session, actor, listing_id, now), now, min_isolation_tier=min_isolation_tier)


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
    return open_on(session, actor, _to_try(session, actor, listing_id, now), prepared, built, now)


def _to_try(session: Session, actor: Actor, listing_id: str, now: datetime) -> Ground:
    shown = catalogue.published(session, listing_id)
    denied = service.judge_action(session, query_act(shown, actor.org_id), now)
    if denied:
        raise Refused(*denied, status=403)
    return Ground(shown, actor.org_id, service.current(session, now), now + SESSION)


def prepare(session: Session, ground: Ground, now: datetime, *, min_isolation_tier: int = 0) -> Prepared:
    """The policy and, when an earlier room has caused one to be made, the copy."""
    plan = plan_of(session, ground, now, min_isolation_tier=min_isolation_tier)
    return Prepared(plan, _copy_of(session, ground.shown.asset.id, plan.recipe))


def plan_of(session: Session, ground: Ground, now: datetime, *, min_isolation_tier: int = 0) -> Plan:
    """The policy that contract, certificate and data make at ``now``."""
    shown, contract = ground.shown, ground.contract
    design = designs.design_of(
        session, shown.listing.id, number=shown.version.number, at=contract.active_at if contract else None
    )
    try:
        return policies.plan(
            shown.asset, shown.version, service.certificate_now(session, now), now,
            buyer=ground.buyer, agreed=ground.agreed, design=design, min_isolation_tier=min_isolation_tier,
        )  # fmt: skip
    except SandboxError as error:
        raise Refused(rules.say_denied(error.denied), status=409) from error


def open_on(
    session: Session, actor: Actor, ground: Ground, prepared: Prepared, built: Built | None, now: datetime
) -> TestRoom:
    """The room of this ground that is open, or a new one; the caller has judged, and holds what makes openings wait."""
    shown, contract = ground.shown, ground.contract
    copy = _kept_copy(session, shown.asset.id, prepared, built, now)
    if copy is None or shown.asset.file_key != prepared.plan.file_key:
        raise refuse("LISTING_CHANGED", N_("The listing changed in the meantime. Open the room again."), status=409)
    policy = policies.sealed(prepared.plan.policy, copy.id, copy.sha256)
    policy_hash = Policy.from_json(policy).hash
    found = _open_room_of(session, actor.org_id, shown.listing.id, contract, now)
    if found is not None and found.version == shown.version.number and found.policy_hash == policy_hash:
        return found
    if found is not None:
        _close(session, found, now)
    room = TestRoom(
        id=new_id(), trial_id=ground.trial.id if ground.trial else None, contract_id=contract.id if contract else None,
        org_id=actor.org_id, listing_id=shown.listing.id, version=shown.version.number, copy_id=copy.id, policy=policy,
        policy_hash=policy_hash, opened_at=now, closes_at=ground.closes_at, opened_by=actor.user_id, event_id="",
    )  # fmt: skip
    room.event_id = _opened(session, actor, room, copy, shown.listing.org_id, now)
    session.add(room)
    spending.open_account(session, room, Policy.from_json(policy), now)
    session.flush()
    return room


def _opened(session: Session, actor: Actor, room: TestRoom, copy: TestCopy, provider_org_id: str, now: datetime) -> str:
    minutes = int((room.closes_at - now).total_seconds() // 60)
    told = {"rows": copy.rows} if privacy.rows_told(Policy.from_json(room.policy)) else {}
    return audit.record(
        session, "testroom.opened", actor,
        on=[*subjects(room, provider_org_id), *([f"trial:{room.trial_id}"] if room.trial_id else [])],
        now=now, hashes={"policy": rules.leaf_digest(room.policy_hash), "copy": rules.leaf_digest(copy.sha256),
                         "receipt_key": receipts.key_digest(session)},
        details={"version": room.version, **told, "min_group": room.policy["limits"]["min_group"],
                 "minutes": minutes},
    )  # fmt: skip


def close_room(session: Session, actor: Actor | None, room_id: str, now: datetime) -> TestRoom:
    """Shut the room before its time; its answers are shown no more, its receipts stay. Statistics paid for are the
    account's and outlive it (spending)."""
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
        budget=spending.entry_of(session, row),
        runs=list(session.exec(runs)),
        contract=session.get(Contract, row.contract_id) if row.contract_id else None,
    )


def rooms_of(session: Session, actor: Actor | None, limit: int = 20) -> list[tuple[TestRoom, str]]:
    """The organisation's latest rooms with the names of their listings."""
    actor = require(actor, Permission.QUERY)
    query = select(TestRoom).where(TestRoom.org_id == actor.org_id).order_by(col(TestRoom.id).desc()).limit(limit)
    return [(room, catalogue.the_version(session, room.listing_id, room.version).name) for room in session.exec(query)]


def open_under(session: Session, contract_id: str, now: datetime) -> TestRoom | None:
    """The session of a contract that is open now."""
    query = select(TestRoom).where(TestRoom.contract_id == contract_id, TestRoom.state == "open")
    return session.exec(query.where(col(TestRoom.closes_at) > now)).first()


def subjects(room: TestRoom, provider_org_id: str) -> list[str]:
    """What a room's records are about."""
    orgs = dict.fromkeys((provider_org_id, room.org_id))  # a seller may try its own data
    under = [f"contract:{room.contract_id}"] if room.contract_id else []
    return [f"testroom:{room.id}", f"listing:{room.listing_id}", *under, *(f"org:{org}" for org in orgs)]


def query_act(shown: catalogue.Shown, org_id: str, kind: str = ActionKind.QUERY) -> pilot.Act:
    """What the trial judges when somebody asks a question of this listing."""
    version = shown.version
    return pilot.Act(kind, org_id, version.sector, version.classification, listing_id=shown.listing.id)


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


def _open_room_of(
    session: Session, org_id: str, listing_id: str, contract: Contract | None, now: datetime
) -> TestRoom | None:
    query = select(TestRoom).where(
        TestRoom.org_id == org_id, TestRoom.listing_id == listing_id, TestRoom.state == "open",
        col(TestRoom.contract_id).is_not_distinct_from(contract.id if contract else None),
    )  # fmt: skip
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
