"""One question: reserved and paid for, answered by the engine while nobody holds the database, finished and logged.

``reserve`` and ``finish`` are two short transactions; what comes between is `exchange.trials.engine`'s business.
A budget once spent is never given back: whether a question fails may depend on the data.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, case, func, or_, update
from sqlmodel import Session, col, select

from contracts import document
from exchange import audit
from exchange.catalogue.models import Listing
from exchange.errors import N_, NotFound, Refusal, refuse
from exchange.permissions import Actor, Permission, require
from exchange.trials import contract_rooms, receipts, rooms, rules, service
from exchange.trials.models import BudgetEntry, QueryRun, TestRoom
from exchange.trials.rooms import Room
from sandbox import clauses, context, query
from sandbox.denials import Denied
from sandbox.ir import Dim
from sandbox.policy import Policy
from sandbox.query import Accepted
from sandbox.rules import ActionKind, NoExport
from sandbox.runner import Answer
from sandbox.trial import ZONE, local_day

REQUESTS_PER_ROOM = 1_000  # refused and repeated questions included: they cost no budget, but rows and log records
ABANDONED = timedelta(minutes=5)  # a run whose process died; no policy lets a question take that long
LONGEST_SQL = 65_536  # characters that are kept of what was asked


@dataclass(frozen=True)
class Asked:
    """A question as it came: the text and the circumstances it declares."""

    sql: str
    purpose: str | None = rules.UNSAID
    output: str = "view"
    policy_hash: str | None = None  # the policy the asker believes to be in force


@dataclass(frozen=True)
class Reserved:
    """A question on its way. ``accepted`` is None when it is finished already: refused, or answered from before."""

    run_id: str
    policy: Policy
    file_key: str
    accepted: Accepted | None


@dataclass(frozen=True)
class Checked:
    """What would happen, without asking: the refusal, or None; and the cap that would apply."""

    denied: Denied | None
    refusal: Refusal | None
    limited: str | None


def check(session: Session, actor: Actor | None, room_id: str, asked: Asked, now: datetime) -> Checked:
    """Judge a question by everything but the data. Costs nothing, is not logged, looks at no row of the dataset."""
    actor = require(actor, Permission.QUERY)
    room = rooms.room_of(session, actor, room_id)
    barred = _barred(session, room, actor, asked, now)
    if barred is not None:
        return Checked(barred[0], barred[1], None)
    denied = _circumstances(session, room, actor, asked, _running(session, room.row, now), now)
    outcome = denied or query.check(asked.sql, room.policy)
    if isinstance(outcome, Denied):
        return Checked(outcome, rules.say_denied(outcome, "sql"), None)
    return Checked(None, None, outcome.limited)


def reserve(session: Session, actor: Actor | None, room_id: str, asked: Asked, now: datetime) -> Reserved:
    """Judge a question and pay for it, in this order: trial, circumstances, text, what is remembered, budget.

    A refusal is a finished run and a record in the log, not an exception: the caller commits either way.
    """
    actor = require(actor, Permission.QUERY)
    room = rooms.room_of(session, actor, room_id)
    contract_rooms.hold(session, room)
    entry = _locked_budget(session, room.row)
    _check_requests(session, room.row)
    run = QueryRun(room_id=room.row.id, user_id=actor.user_id, sql=_storable(asked.sql), at=now)
    reserved = Reserved(run.id, room.policy, room.copy.file_key, None)
    barred = _barred(session, room, actor, asked, now)
    if barred is not None:
        _refuse(session, run, room.row, actor, barred[0], now)
        return reserved
    denied = _circumstances(session, room, actor, asked, _running(session, room.row, now), now)
    outcome = denied or query.check(asked.sql, room.policy)
    if isinstance(outcome, Denied):
        _refuse(session, run, room.row, actor, outcome, now)
        return reserved
    run.cache_key = _key(outcome)
    earlier = _remembered(session, room.row, run.cache_key)
    if earlier is not None:
        _repeat(session, run, earlier, room.row, actor, now)
        return reserved
    spent = contract_rooms.barred(session, room, now, spending=True) or _spend(session, entry, room.policy, now)
    if spent is not None:
        _refuse(session, run, room.row, actor, spent, now)
        return reserved
    run.charged = True
    session.add(run)
    session.flush()
    return Reserved(run.id, room.policy, room.copy.file_key, outcome)


def finish(
    session: Session, actor: Actor | None, reserved: Reserved, outcome: Answer | Denied, now: datetime
) -> QueryRun:
    """Keep and log what came of a reserved question. A room shut or a listing stopped in the meantime gives no answer
    any more, nor is one kept of a person erased in the meantime: an erasure takes the run's ``cache_key`` away."""
    actor = require(actor, Permission.QUERY)
    run = session.get_one(QueryRun, reserved.run_id)
    if reserved.accepted is None:
        return run
    room = session.get_one(TestRoom, run.room_id)
    if room.org_id != actor.org_id:
        raise NotFound(run.id)
    stopped = not contract_rooms.in_force(session, room, now) or not _is_offered(session, room)
    session.refresh(run, with_for_update=True)
    session.refresh(room, with_for_update=True)
    if stopped or room.state != "open" or run.cache_key is None:
        outcome = Denied("E-STOPPED")
    if isinstance(outcome, Denied):
        return _refuse(session, run, room, actor, outcome, now)
    limited = "K1" if outcome.suppressed else "O1" if outcome.truncated else reserved.accepted.limited
    run.verdict, run.code = ("allow" if limited is None else "limit"), limited
    rows = json.loads(json.dumps(outcome.rows, default=str))  # decimals and days as text, exactly
    items = [each.item for each in reserved.accepted.question.outputs]
    kinds = [(item.grain or "key") if isinstance(item, Dim) else "number" for item in items]
    run.answer = {"columns": list(outcome.columns), "kinds": kinds, "rows": rows, "suppressed": outcome.suppressed,
                  "truncated": outcome.truncated,
                  "half_widths": [None if each is None else str(each) for each in outcome.half_widths]}  # fmt: skip
    run.rows, run.elapsed_ms, run.receipt = len(rows), outcome.elapsed_ms, dict(outcome.receipt)
    return _done(session, run, room, actor, now)


def refuse_export(session: Session, actor: Actor | None, room_id: str, now: datetime) -> Refusal:
    """X30: a test room has answers to look at, no files. The attempt is recorded."""
    actor = require(actor, Permission.QUERY)
    room = rooms.room_of(session, actor, room_id)
    _locked_budget(session, room.row)
    _check_requests(session, room.row)
    denied = clauses.quoted(Denied(NoExport.code, {}, NoExport.basis), room.policy)
    run = QueryRun(room_id=room.row.id, user_id=actor.user_id, sql="", at=now)
    _refuse(session, run, room.row, actor, denied, now)
    return rules.say_denied(denied)


def run_of(session: Session, actor: Actor | None, room_id: str, run_id: str) -> QueryRun:
    """One question of one of the organisation's own rooms."""
    room = rooms.room_of(session, actor, room_id)
    run = session.get(QueryRun, run_id)
    if run is None or run.room_id != room.row.id:
        raise NotFound(run_id)
    return run


def refusal_of(run: QueryRun) -> Refusal | None:
    """Why a run was refused, in words; None for one that was answered or still runs."""
    if run.verdict != "deny" or run.code is None:
        return None
    facts = {key: value for key, value in run.facts.items() if key != "basis"}
    return rules.say_denied(Denied(run.code, facts, str(run.facts.get("basis", ""))), "sql")


# --- inside -------------------------------------------------------------------------------------------------------


def _barred(session: Session, room: Room, actor: Actor, asked: Asked, now: datetime) -> tuple[Denied, Refusal] | None:
    """What bars any question: the contract that the room is under, else the first rule of the trial (certificate,
    scope, notice, and X30's ban on export)."""
    if room.contract is not None:
        denied = contract_rooms.barred(session, room, now)
        if denied is not None:
            return denied, rules.say_denied(denied)
        found = contract_rooms.trial_refusals(session, room.contract, document.parse(room.contract.payload), now)
    else:
        kind = ActionKind.QUERY if asked.output == "view" else ActionKind.EXPORT
        found = service.judge_action(session, rooms.query_act(room.shown, actor.org_id, kind), now)
    return (Denied(found[0].code, found[0].facts, found[0].basis or ""), found[0]) if found else None


def _is_offered(session: Session, room: TestRoom) -> bool:
    """Data are tried while they are offered; a contract outlives the offer, and a stopped listing holds it (X26)."""
    return room.contract_id is not None or session.get_one(Listing, room.listing_id).state == "published"


def _circumstances(
    session: Session, room: Room, actor: Actor, asked: Asked, running: int, now: datetime
) -> Denied | None:
    row = room.row
    if not _is_offered(session, row):
        return Denied("X2", {"state": str(room.shown.listing.state)})
    if not row.opened_at <= now < row.closes_at:
        starts, ends = (f"{each.astimezone(ZONE):%d/%m/%Y %H:%M}" for each in (row.opened_at, row.closes_at))
        return Denied("X1", {"from": starts, "to": ends})
    if row.state != "open":
        return Denied("X2", {"state": row.state})
    purpose = next(iter(room.policy.purposes), None) if asked.purpose == rules.UNSAID else asked.purpose
    entry = room.budget
    today = entry.day_cap - (entry.day_spent if entry.day == local_day(now) else 0)
    found = context.judge(
        room.policy,
        context.Context(
            now=now, purpose=purpose, buyer=actor.org_id, policy_hash=asked.policy_hash,
            queries_left=entry.cap - entry.spent, queries_left_today=today, running=running,
        ),
    )  # fmt: skip
    # What is remembered costs nothing: an empty budget is judged when it would be spent.
    return next((each for each in found if each.code not in ("B1", "B2")), None)


def _locked_budget(session: Session, room: TestRoom) -> BudgetEntry:
    """The buyer's account for this dataset, ours until commit: of two questions at once the second waits here."""
    query_ = select(BudgetEntry).where(*rooms.account(room))
    return session.exec(query_.with_for_update().execution_options(populate_existing=True)).one()


def _running(session: Session, room: TestRoom, now: datetime) -> int:
    """Questions of this buyer to this dataset that the engine works on now."""
    query_ = (
        select(func.count())
        .select_from(QueryRun)
        .join(TestRoom, col(TestRoom.id) == col(QueryRun.room_id))
        .where(*rooms.sharing(room), QueryRun.state == "running", col(QueryRun.at) > now - ABANDONED)
    )
    return session.exec(query_).one()


def _check_requests(session: Session, room: TestRoom) -> None:
    count = session.exec(select(func.count()).select_from(QueryRun).where(QueryRun.room_id == room.id)).one()
    if count >= REQUESTS_PER_ROOM:
        text = N_("This room has taken %(limit)s requests, the most that one room takes.")
        raise refuse("REQUESTS_SPENT", text, basis=rules.ROOM_BASIS, limit=REQUESTS_PER_ROOM, status=409)


def _spend(session: Session, entry: BudgetEntry, policy: Policy, now: datetime) -> Denied | None:
    """One question off the account, in one statement that does nothing when either cap is reached."""
    today = local_day(now)
    same_day = col(BudgetEntry.day) == today
    statement = (
        update(BudgetEntry)
        .where(
            col(BudgetEntry.id) == entry.id,
            col(BudgetEntry.spent) < col(BudgetEntry.cap),
            or_(~same_day, col(BudgetEntry.day_spent) < col(BudgetEntry.day_cap)),
            col(BudgetEntry.day_cap) > 0,
        )
        .values(
            spent=col(BudgetEntry.spent) + 1,
            day_spent=case((same_day, col(BudgetEntry.day_spent) + 1), else_=1),
            day=today,
        )
        .execution_options(synchronize_session=False)
    )
    result = session.exec(statement)
    done = isinstance(result, CursorResult) and result.rowcount == 1
    session.refresh(entry)
    if done:
        return None
    total = entry.spent >= entry.cap
    facts = {"limit": entry.cap if total else entry.day_cap, "left": 0}
    return clauses.quoted(Denied("B1" if total else "B2", facts), policy)


def _key(accepted: Accepted) -> str:
    """The same question, whatever it looked like; unlike its statistic, this knows names, HAVING, order and limit."""
    return hashlib.sha256(f"{accepted.policy_hash}{accepted.question!r}".encode()).hexdigest()


def _remembered(session: Session, room: TestRoom, key: str) -> QueryRun | None:
    query_ = select(QueryRun).where(
        QueryRun.room_id == room.id, QueryRun.cache_key == key, col(QueryRun.verdict).in_(("allow", "limit"))
    )
    return session.exec(query_.order_by(col(QueryRun.id)).limit(1)).first()


def _repeat(session: Session, run: QueryRun, earlier: QueryRun, room: TestRoom, actor: Actor, now: datetime) -> None:
    run.verdict, run.code, run.rows, run.elapsed_ms = earlier.verdict, earlier.code, earlier.rows, 0
    run.answer, run.receipt = earlier.answer, {**earlier.receipt, "repeats": earlier.id}
    _done(session, run, room, actor, now)


def _refuse(session: Session, run: QueryRun, room: TestRoom, actor: Actor, denied: Denied, now: datetime) -> QueryRun:
    run.verdict, run.code, run.answer, run.cache_key, run.rows = "deny", denied.code, None, None, 0
    facts = json.loads(json.dumps(dict(denied.facts), default=str))
    run.facts = {**facts, "basis": denied.basis} if denied.basis else facts
    return _done(session, run, room, actor, now)


def _done(session: Session, run: QueryRun, room: TestRoom, actor: Actor, now: datetime) -> QueryRun:
    """The record in the log: digests of policy and receipt, code and number of rows. Text of the question and digest of
    the result are private: both can be guessed, and an answer is forgotten when its room closes."""
    run.state = "done"
    refused = run.verdict == "deny"
    whose = {"sql": run.sql}
    if "result_sha256" in run.receipt:
        whose["result"] = rules.leaf_digest(str(run.receipt["result_sha256"]))
    details: dict[str, int | str | bool] = {"rows": run.rows or 0, "charged": run.charged}
    if run.code is not None:
        details["code"] = run.code
    hashes = {"policy": rules.leaf_digest(room.policy_hash)}
    if not refused:
        hashes |= receipts.seal(session, run, room, now)
    with session.no_autoflush:  # the row is whole only with its event
        run.event_id = audit.record(
            session, "query.refused" if refused else "query.run", actor,
            on=rooms.subjects(room, session.get_one(Listing, room.listing_id).org_id),
            now=now, hashes=hashes, details=details,
            private={audit.owner(actor): whose},
        )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def _storable(sql: str) -> str:
    """What was asked, as a database can keep it: no NUL, no half of a character, not endless."""
    return sql.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST_SQL]
