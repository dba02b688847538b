"""The leak meter and its switch: what each buyer has taken of a dataset, for its provider and the regulator; and
stopping an account, which ends work that runs and lets the next question fail."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from exchange import audit
from exchange.accounts.models import Organisation
from exchange.catalogue.models import Listing, ListingVersion
from exchange.errors import N_, NotFound, NotPermitted, Refusal, Refused, refuse
from exchange.permissions import Actor, OrgKind, Permission, require
from exchange.rooms import rules, spending, ties
from exchange.rooms.models import BudgetEntry, QueryRun, TestRoom
from sandbox import leak
from sandbox.leak import Level, Meter, Tie
from sandbox.trial import local_day

MOST_QUESTIONS = 1_000_000  # that a provider may allow; more is a slip of the finger
MOST_EPSILON = 1_000_000_000  # millionths
SHOWN = 500  # accounts on one page of the regulator


@dataclass(frozen=True)
class Reading:
    """One account with what it says."""

    entry: BudgetEntry
    buyer: Organisation
    listing_name: str
    provider_org_id: str
    meter: Meter
    tied: Mapping[str, tuple[Tie, ...]]  # other buyers of the same data, by name

    @property
    def last_day(self) -> date:
        """The last day, in Viet Nam, on which something may be asked."""
        return local_day(self.entry.ends - timedelta(microseconds=1))

    @property
    def ended(self) -> bool:
        """Whether nothing can bring it back."""
        return self.entry.state == "killed"


@dataclass(frozen=True)
class Change:
    """What somebody does to an account: ``pause``, ``resume`` (perhaps with larger caps) or ``kill``."""

    kind: str
    reason: str
    questions: int | None = None  # the new cap; None leaves it
    epsilon_micro: int | None = None


# --- reading ------------------------------------------------------------------------------------------------------


def of_listing(session: Session, actor: Actor | None, listing_id: str) -> list[Reading]:
    """The accounts of every buyer of one's own listing, and of one's other listings over the same file."""
    actor = require(actor, Permission.PUBLISH)
    listing = session.get(Listing, listing_id)
    if listing is None or listing.org_id != actor.org_id:
        raise NotFound(listing_id)
    mine = select(Listing.id).where(
        Listing.org_id == actor.org_id, col(Listing.id).in_(ties.same_data(session, listing_id))
    )
    entries = select(BudgetEntry).where(col(BudgetEntry.listing_id).in_(mine)).order_by(col(BudgetEntry.id))
    return _readings(session, session.exec(entries).all())


def of_operator(session: Session, actor: Actor | None) -> list[Reading]:
    """Every account, for whoever runs the trial."""
    require(actor, Permission.RUN_TRIAL)
    return everywhere(session)


def everywhere(session: Session) -> list[Reading]:
    """Every account, those that need a look first; the newest of very many. The caller has shown a warrant."""
    entries = session.exec(select(BudgetEntry).order_by(col(BudgetEntry.id).desc()).limit(SHOWN)).all()
    order = {Level.STOPPED: 0, Level.WATCH: 1, Level.CALM: 2}
    return sorted(_readings(session, entries), key=lambda each: (order[each.meter.level], -each.meter.percent))


def _readings(session: Session, entries: Collection[BudgetEntry]) -> list[Reading]:
    buyers = _by_id(session, {entry.org_id for entry in entries})
    parties = ties.parties_of(session, set(buyers))
    listings = _by_listing(session, {entry.listing_id for entry in entries})
    files = ties.files_of(session, set(listings))
    names, denied = _names(session, listings.values()), _denied(session, entries)
    found = []
    for entry in entries:
        same = {each.org_id for each in entries if files[each.listing_id] & files[entry.listing_id]} - {entry.org_id}
        why = {org: leak.ties(parties[entry.org_id], parties[org]) for org in sorted(same)}
        tied = {buyers[org].name: each for org, each in why.items() if each}
        meter = Meter(
            state=entry.state, asked=entry.spent, cap=entry.cap, epsilon_micro=entry.epsilon_spent,
            epsilon_cap_micro=entry.epsilon_cap, overlaps=entry.overlaps,
            denied=denied.get((entry.listing_id, entry.org_id), {}),
            ties=tuple(dict.fromkeys(tie for each in tied.values() for tie in each)),
        )  # fmt: skip
        provider = listings[entry.listing_id].org_id
        found.append(Reading(entry, buyers[entry.org_id], names[entry.listing_id], provider, meter, tied))
    return found


def _by_listing(session: Session, listing_ids: Collection[str]) -> dict[str, Listing]:
    return {row.id: row for row in session.exec(select(Listing).where(col(Listing.id).in_(listing_ids)))}


def _by_id(session: Session, org_ids: Collection[str]) -> dict[str, Organisation]:
    return {org.id: org for org in session.exec(select(Organisation).where(col(Organisation.id).in_(org_ids)))}


def _names(session: Session, listings: Iterable[Listing]) -> dict[str, str]:
    current = {listing.id: listing.current_version for listing in listings}
    query = select(ListingVersion).where(col(ListingVersion.listing_id).in_(current))
    rows = session.exec(query.order_by(col(ListingVersion.number))).all()
    names = {row.listing_id: row.name for row in rows}
    return names | {row.listing_id: row.name for row in rows if row.number == current[row.listing_id]}


def _denied(session: Session, entries: Collection[BudgetEntry]) -> dict[tuple[str, str], dict[str, int]]:
    """Refusals by rule, of each buyer at each listing."""
    query = (
        select(TestRoom.listing_id, TestRoom.org_id, QueryRun.code, func.count())
        .join(QueryRun, col(QueryRun.room_id) == col(TestRoom.id))
        .where(QueryRun.verdict == "deny", col(TestRoom.listing_id).in_({entry.listing_id for entry in entries}))
        .group_by(TestRoom.listing_id, TestRoom.org_id, col(QueryRun.code))
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for listing_id, org_id, code, count in session.exec(query):
        found.setdefault((listing_id, org_id), {})[str(code)] = count
    return found


# --- the switch ---------------------------------------------------------------------------------------------------


def change(session: Session, actor: Actor | None, entry_id: str, wanted: Change, now: datetime) -> BudgetEntry:
    """Pause an account, resume it (with larger caps, if so wanted) or end it for good.

    By the provider of the data, the operator or the regulator, with a reason, recorded. Stopping moves the epoch:
    questions under way are ended by whoever runs them (engine), and give no answer.
    """
    actor = require(actor, Permission.SIGNED_IN)
    entry = reached(session, actor, entry_id)
    listing = session.get_one(Listing, entry.listing_id)
    reason = wanted.reason.strip()
    if not 0 < len(reason) <= 2000:
        raise refuse("REASON_MISSING", N_("Give the reason in at most 2,000 characters."), field="reason")
    before = entry.state
    _DO[wanted.kind](session, actor, entry, wanted)
    entry.reason, entry.changed_at, entry.changed_by = reason, now, actor.org_id
    details: dict[str, int | str | bool] = {
        "state": entry.state,
        "before": before,
        "spent": entry.spent,
        "cap": entry.cap,
    }
    orgs = dict.fromkeys((listing.org_id, entry.org_id, actor.org_id))
    audit.record(
        session, "budget.changed", actor,
        on=[f"budget:{entry.id}", f"listing:{entry.listing_id}", *(f"org:{org}" for org in orgs)],
        now=now, details=details, private={f"org:{actor.org_id}": {"reason": reason[:500]}},
    )  # fmt: skip
    session.add(entry)
    session.flush()
    return entry


def open_rooms(session: Session, entry: BudgetEntry) -> list[str]:
    """The account's open rooms: their workers are to be ended."""
    query = select(TestRoom.id).where(
        TestRoom.listing_id == entry.listing_id,
        TestRoom.org_id == entry.org_id,
        TestRoom.contract_id == entry.contract_id,
        TestRoom.state == "open",
    )
    return list(session.exec(query))


def reached(session: Session, actor: Actor, entry_id: str) -> BudgetEntry:
    """The account, locked, if it is this actor's to stop: the provider's, or any by the right to suspend."""
    entry = session.get(BudgetEntry, entry_id, with_for_update=True)
    if entry is not None and actor.may(Permission.SUSPEND):
        return entry
    provider = None if entry is None else session.get_one(Listing, entry.listing_id).org_id
    if entry is None or provider != actor.org_id or not actor.may(Permission.PUBLISH):
        raise NotFound(entry_id)
    return entry


def _pause(_session: Session, _actor: Actor, entry: BudgetEntry, _wanted: Change) -> None:
    if entry.state == "killed":
        raise _wrong(entry)
    entry.state, entry.epoch = "paused", entry.epoch + 1


def _kill(session: Session, _actor: Actor, entry: BudgetEntry, _wanted: Change) -> None:
    if entry.state == "killed":
        raise _wrong(entry)
    entry.state, entry.epoch = "killed", entry.epoch + 1
    spending.forget(session, entry.id)


def _resume(session: Session, actor: Actor, entry: BudgetEntry, wanted: Change) -> None:
    """Whoever stopped it lets it go on; where it stopped itself, the provider decides. This uses the threshold up, for
    the provider has been asked. Caps are the provider's to change."""
    if entry.state == "killed":
        raise _wrong(entry)
    if entry.state == "paused" and not _may_resume(session, actor, entry):
        raise NotPermitted(Permission.SUSPEND, N_("Only whoever paused this account can let it go on."))
    provider = session.get_one(Listing, entry.listing_id).org_id
    if (wanted.questions, wanted.epsilon_micro) != (None, None) and actor.org_id != provider:
        raise NotPermitted(Permission.PUBLISH, N_("Only the provider of the data sets its budgets."))
    problems = [*_too_little("questions", wanted.questions, entry.spent, MOST_QUESTIONS)]
    problems += _too_little("epsilon_micro", wanted.epsilon_micro, entry.epsilon_spent, MOST_EPSILON)
    if problems:
        raise Refused(*problems)
    if wanted.questions is not None:
        if entry.day_cap >= entry.cap:  # no limit of its own
            entry.day_cap = max(wanted.questions, entry.day_spent)
        entry.cap = wanted.questions
    if wanted.epsilon_micro is not None:
        entry.epsilon_cap = wanted.epsilon_micro
    entry.state, entry.stop_at, entry.epsilon_stop_at, entry.overlaps_refused = "open", None, None, 0


def _may_resume(session: Session, actor: Actor, entry: BudgetEntry) -> bool:
    if entry.changed_by is None:
        return actor.kind != OrgKind.REGULATOR
    by = session.get_one(Organisation, entry.changed_by)
    return entry.changed_by == actor.org_id or (actor.kind == by.kind and actor.may(Permission.SUSPEND))


def _too_little(field: str, value: int | None, least: int, most: int) -> list[Refusal]:
    if value is None or least <= value <= most:
        return []
    text = N_("A budget is no smaller than what is spent already (%(least)s), and at most %(most)s.")
    facts = {"least": least, "most": most}
    return [Refusal("BUDGET_RANGE", text, field=field, value=str(value), basis=rules.ROOM_BASIS, facts=facts,
                          passes=f"{least}–{most}")]  # fmt: skip


def _wrong(entry: BudgetEntry) -> Refused:
    text = N_("This account has been ended for good.")
    return refuse("WRONG_STATE", text, field="kind", value=entry.state, status=409)


_DO = {"pause": _pause, "kill": _kill, "resume": _resume}
KINDS = tuple(_DO)
