"""One question: reserved and paid for, answered by the engine while nobody holds the database, finished and logged.

``reserve`` and ``finish`` are two short transactions; what comes between is `exchange.rooms.engine`'s business.
What a statistic costs and who has paid for it is `exchange.rooms.spending`'s.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from contracts import document
from exchange import audit
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Listing
from exchange.errors import NotFound, Refusal
from exchange.permissions import Actor, Permission, require
from exchange.rooms import contract_rooms, receipts, rules, spending
from exchange.rooms import service as rooms
from exchange.rooms.models import BudgetEntry, QueryRun, Spend, TestRoom
from exchange.rooms.service import Room
from exchange.rooms.spending import Accounts, Claim
from exchange.trials import service
from sandbox import clauses, context, query
from sandbox.denials import Denied
from sandbox.policy import Policy
from sandbox.privacy import Released
from sandbox.query import Accepted
from sandbox.rules import ActionKind, NoExport
from sandbox.runner import Answer, shape_released
from sandbox.trial import ZONE, local_day

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
    """A question on its way. ``claim`` is None when it is finished already: refused, or answered from before."""

    run_id: str
    policy: Policy
    file_key: str
    accepted: Accepted | None = None
    claim: Claim | None = None
    close: bool = False  # it comes near an earlier question (D1), not so near that it was refused


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
    accounts = spending.seen(session, room.row)
    denied = _circumstances(session, room, actor, asked, accounts, now)
    outcome = denied or query.check(asked.sql, room.policy)
    if not isinstance(outcome, Denied):
        close = _too_close(session, accounts, outcome, room.policy)[0]
        outcome = close or spending.wanting(session, accounts, outcome, room.policy, now) or outcome
    if isinstance(outcome, Denied):
        return Checked(outcome, rules.say_denied(outcome, "sql"), None)
    return Checked(None, None, outcome.limited)


def reserve(session: Session, actor: Actor | None, room_id: str, asked: Asked, now: datetime) -> Reserved:
    """Judge a question and pay for it, in this order: trial, circumstances, text, what is remembered, what it is close
    to, budget.

    A refusal is a finished run and a record in the log, not an exception: the caller commits either way.
    """
    actor = require(actor, Permission.QUERY)
    room = rooms.room_of(session, actor, room_id)
    contract_rooms.hold(session, room)
    accounts = spending.lock(session, room.row)
    spending.count_request(session, accounts.own)
    run = QueryRun(room_id=room.row.id, user_id=actor.user_id, sql=_storable(asked.sql), at=now)
    barred = _barred(session, room, actor, asked, now)
    outcome = barred[0] if barred else _paid(session, run, room, actor, asked, accounts, now)
    if isinstance(outcome, Reserved):
        return outcome
    _refuse(session, run, room.row, actor, outcome, now)
    return Reserved(run.id, room.policy, room.copy.file_key)


def _paid(
    session: Session, run: QueryRun, room: Room, actor: Actor, asked: Asked, accounts: Accounts, now: datetime
) -> Reserved | Denied:
    accepted = _circumstances(session, room, actor, asked, accounts, now) or query.check(asked.sql, room.policy)
    if isinstance(accepted, Denied):
        return accepted
    earlier = spending.remembered(session, accounts.own, spending.key(accepted), now)
    if isinstance(earlier, Denied):
        return earlier
    run.cache_key = spending.key(accepted)
    if isinstance(earlier, Spend):
        _repeat(session, run, earlier, accepted, room, actor, now)
        return Reserved(run.id, room.policy, room.copy.file_key)
    denied, close = _too_close(session, accounts, accepted, room.policy)
    if close:
        spending.note_overlap(session, accounts.own, now, refused=denied is not None)
    denied = denied or contract_rooms.barred(session, room, now, spending=True)
    claim = denied or spending.reserve(session, accounts, accepted, room.policy, now)
    if accounts.own.state == "paused":
        _tell_paused(session, room.row, accounts.own, actor, now)
    if isinstance(claim, Denied):
        return claim
    run.charged = True
    session.add(run)
    session.flush()
    return Reserved(run.id, room.policy, room.copy.file_key, accepted, claim, close)


def finish(
    session: Session, actor: Actor | None, reserved: Reserved, outcome: Answer | Denied, now: datetime
) -> QueryRun:
    """Keep and log what came of a reserved question. A room shut, a listing, an account or the trial stopped in the
    meantime gives no answer any more, nor is one kept of a person erased in the meantime: an erasure takes the run's
    ``cache_key`` away."""
    actor = require(actor, Permission.QUERY)
    run = session.get_one(QueryRun, reserved.run_id)
    if reserved.accepted is None or reserved.claim is None:
        return run
    room = session.get_one(TestRoom, run.room_id)
    if room.org_id != actor.org_id:
        raise NotFound(run.id)
    stopped = _is_stopped(session, room, reserved.claim, now)
    session.refresh(run, with_for_update=True)
    session.refresh(room, with_for_update=True)
    if stopped or room.state != "open" or run.cache_key is None:
        outcome = Denied("E-STOPPED")
    if isinstance(outcome, Denied):
        spending.settle(session, reserved.claim, None)
        return _refuse(session, run, room, actor, outcome, now)
    spending.settle(session, reserved.claim, outcome.released.to_json())
    _answer(run, reserved.policy, reserved.accepted, outcome, "D1" if reserved.close else None)
    run.receipt = {**run.receipt, "epsilon_micro": reserved.claim.epsilon}
    return _done(session, run, room, actor, now)


def is_stopped(session: Session, reserved: Reserved, now: datetime) -> bool:
    """Whether a question under way may not be answered any more; asked by whoever waits for the engine."""
    room = session.exec(select(TestRoom).join(QueryRun).where(QueryRun.id == reserved.run_id)).one()
    return reserved.claim is not None and _is_stopped(session, room, reserved.claim, now)


def refuse_export(session: Session, actor: Actor | None, room_id: str, now: datetime) -> Refusal:
    """X30: a test room has answers to look at, no files. The attempt is recorded."""
    actor = require(actor, Permission.QUERY)
    room = rooms.room_of(session, actor, room_id)
    spending.count_request(session, spending.lock(session, room.row).own)
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


def _is_stopped(session: Session, room: TestRoom, claim: Claim, now: datetime) -> bool:
    """Whether the room, the account, the contract, the listing or the trial (T1-T19) no longer lets an answer leave."""
    if room.state != "open" or not _is_offered(session, room) or spending.is_void(session, claim):
        return True
    if not contract_rooms.in_force(session, room, now):
        return True
    if room.contract_id is not None:
        return service.is_halted(session, now)
    listing = session.get_one(Listing, room.listing_id)
    act = rooms.query_act(catalogue.shown(session, listing, room.version), room.org_id)
    return bool(service.judge_action(session, act, now))


def _is_offered(session: Session, room: TestRoom) -> bool:
    """Data are tried while they are offered; a contract outlives the offer, and a stopped listing holds it (X26)."""
    return room.contract_id is not None or session.get_one(Listing, room.listing_id).state == "published"


def _circumstances(
    session: Session, room: Room, actor: Actor, asked: Asked, accounts: Accounts, now: datetime
) -> Denied | None:
    row, entry = room.row, accounts.own
    if not _is_offered(session, row):
        return Denied("X2", {"state": str(room.shown.listing.state)})
    if not row.opened_at <= now < row.closes_at:
        starts, ends = (f"{each.astimezone(ZONE):%d/%m/%Y %H:%M}" for each in (row.opened_at, row.closes_at))
        return Denied("X1", {"from": starts, "to": ends})
    if row.state != "open":
        return Denied("X2", {"state": row.state})
    purpose = next(iter(room.policy.purposes), None) if asked.purpose == rules.UNSAID else asked.purpose
    running = spending.running(session, accounts, now)
    today = entry.day_cap - (entry.day_spent if entry.day == local_day(now) else 0)
    found = context.judge(
        room.policy,
        context.Context(
            now=now, purpose=purpose, buyer=actor.org_id, policy_hash=asked.policy_hash,
            queries_left=entry.cap - entry.spent, queries_left_today=today, running=running,
        ),
    )  # fmt: skip
    # What is remembered costs nothing: an empty budget is judged when it would be spent.
    denied = next((each for each in found if each.code not in ("B1", "B2")), None)
    return denied or spending.standing(entry, now) or spending.stopped_with(session, accounts)


def _too_close(session: Session, accounts: Accounts, accepted: Accepted, policy: Policy) -> tuple[Denied | None, bool]:
    """The refusal under D1, if it comes to that; and whether the question is close to an earlier one at all."""
    close = spending.close_to(session, accounts.all, accepted, policy)
    if close is None or not close.narrow:
        return None, close is not None
    return Denied("D1", {"column": policy.columns[close.column].name, "parts": close.parts}), True


def _answer(run: QueryRun, policy: Policy, accepted: Accepted, answer: Answer, limited: str | None) -> None:
    limited = "K1" if answer.suppressed else "O1" if answer.truncated else accepted.limited or limited
    run.verdict, run.code = ("allow" if limited is None else "limit"), limited
    run.answer = rules.kept(accepted, answer) | {"clauses": _clauses(policy, answer)}
    run.rows, run.elapsed_ms, run.receipt = len(answer.rows), answer.elapsed_ms, dict(answer.receipt)


def _clauses(policy: Policy, answer: Answer) -> dict[str, str]:
    """The clause of contract or certificate behind each rule that cut the answer."""
    cut = [code for code, did in (("K1", answer.suppressed), ("O1", answer.truncated)) if did]
    found = {code: clauses.quoted(Denied(code), policy).facts.get("clause") for code in cut}
    return {code: clause for code, clause in found.items() if isinstance(clause, str)}


def _repeat(
    session: Session, run: QueryRun, spend: Spend, accepted: Accepted, room: Room, actor: Actor, now: datetime
) -> None:
    """Tell the kept table again, in this spelling. The first run is named while its own room remembers it."""
    first = select(QueryRun.id).join(TestRoom).where(
        TestRoom.org_id == room.row.org_id, TestRoom.listing_id == room.row.listing_id,
        QueryRun.cache_key == spend.statistic, col(QueryRun.charged),
    )  # fmt: skip
    answer = shape_released(room.policy, Released.from_json(spend.answer or {}), accepted)
    _answer(run, room.policy, accepted, answer, "N1")
    named = session.exec(first.order_by(col(QueryRun.id)).limit(1)).first()
    run.receipt = {**run.receipt, "epsilon_micro": 0, "repeats": named or spend.statistic}
    _done(session, run, room.row, actor, now)


def _tell_paused(session: Session, room: TestRoom, entry: BudgetEntry, actor: Actor, now: datetime) -> None:
    """The account has paused itself: recorded, and the provider is asked."""
    provider = session.get_one(Listing, room.listing_id).org_id
    audit.record(
        session, "budget.changed", actor,
        on=[f"budget:{entry.id}", f"listing:{room.listing_id}", *(f"org:{org}" for org in {provider, room.org_id})],
        now=now, details={"state": entry.state, "cause": str(entry.reason), "spent": entry.spent},
    )  # fmt: skip


def _refuse(session: Session, run: QueryRun, room: TestRoom, actor: Actor, denied: Denied, now: datetime) -> QueryRun:
    run.verdict, run.code, run.answer, run.cache_key, run.rows = "deny", denied.code, None, None, 0
    facts = json.loads(json.dumps(dict(denied.facts), default=str))
    run.facts = {**facts, "basis": denied.basis} if denied.basis else facts
    return _done(session, run, room, actor, now)


def _done(session: Session, run: QueryRun, room: TestRoom, actor: Actor, now: datetime) -> QueryRun:
    """The record in the log: digests of policy and receipt, code and number of rows. Text of the question and digest of
    the result are private: both can be guessed, and a run's answer goes when its room closes."""
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
