"""What a seller does with a listing, and what everybody may read of it. The operator's half is moderation.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from contracts import canonical
from contracts.terms import ADDED
from exchange import audit
from exchange.accounts.models import Organisation
from exchange.accounts.rules import trading_problems
from exchange.catalogue import rules
from exchange.catalogue.additions import stated
from exchange.catalogue.models import Asset, Listing, ListingVersion, ModerationDecision
from exchange.catalogue.profile import Profile
from exchange.catalogue.search import searchable
from exchange.catalogue.upload import clean_name
from exchange.catalogue.vocabulary import State
from exchange.errors import N_, NotFound, NotPermitted, Refused, refuse
from exchange.permissions import Actor, OrgKind, Permission, require

# The columns of a version that come from the draft.
VERSION_FIELDS = (
    "name", "name_en", "summary", "purpose", "scope", "content", "collection_mechanism", "update_mechanism",
    "update_cycle", "source", "items", "sector", "classification", "personal_statement", "quality_statement",
    "limitations", "provenance", "right_basis", "rights", "licence", "term_months", "permitted_purpose", "territory",
    "exclusive", "onward_transfer", "ip_limits", "max_queries", "min_group", "max_deliveries", "attribution",
    "price_vnd", "value_added_label", "deid_evidence", "state_price_decision",
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A listing as a reader sees it: head, one version, its file, who offers it."""

    listing: Listing
    version: ListingVersion
    asset: Asset
    org: Organisation


@dataclass(frozen=True)
class Attached:
    """The file now in the draft, and the store keys nobody refers to any more once this is committed."""

    asset: Asset
    stale_keys: tuple[str, ...]


def values_of(version: ListingVersion) -> dict[str, Any]:
    """A version's fields as the mapping that rules judge and programs read."""
    return {**{name: getattr(version, name) for name in VERSION_FIELDS}, **version.added_terms}


def start_draft(session: Session, actor: Actor | None, values: Mapping[str, Any] | None, now: datetime) -> Listing:
    """An empty listing, or one with the given fields (already through DraftSchema)."""
    actor = require(actor, Permission.PUBLISH)
    _check_may_trade(session, actor)
    listing = Listing(org_id=actor.org_id, draft=_merged({}, values or {}), created_at=now, updated_at=now)
    session.add(listing)
    session.flush()
    return listing


def save_draft(
    session: Session, actor: Actor | None, listing_id: str, values: Mapping[str, Any], now: datetime
) -> Listing:
    """Put these fields into the draft and leave the others. What strangers see does not change."""
    listing = own(session, actor, listing_id, for_update=True)
    listing.draft = _merged(listing.draft, values)
    listing.updated_at = now
    session.add(listing)
    session.flush()
    return listing


def attach_file(
    session: Session,
    actor: Actor | None,
    listing_id: str,
    *,
    file_name: str,
    file_key: str,
    size: int,
    sha256: str,
    profile: Profile,
    now: datetime,
) -> Attached:
    """Make the stored and profiled file the draft's file; the draft's earlier one goes if no version refers to it."""
    listing = own(session, actor, listing_id, for_update=True)
    asset = Asset(
        org_id=listing.org_id, file_key=file_key, file_name=clean_name(file_name), format=profile.format, bytes=size,
        sha256=sha256, rows=profile.rows, columns=profile.columns, preview=profile.preview,
        personal_hits=profile.personal_hits, duplicate_rows=profile.duplicate_rows, created_at=now,
    )  # fmt: skip
    session.add(asset)
    session.flush()
    before = listing.draft_asset_id
    listing.draft_asset_id, listing.updated_at = asset.id, now
    session.add(listing)
    session.flush()
    return Attached(asset, _drop_unused(session, before))


def _drop_unused(session: Session, asset_id: str | None) -> tuple[str, ...]:
    used = select(ListingVersion.id).where(col(ListingVersion.asset_id) == asset_id).limit(1)
    asset = session.get(Asset, asset_id) if asset_id else None
    if asset is None or session.exec(used).first() is not None:
        return ()
    key = asset.file_key
    session.delete(asset)
    session.flush()
    return (key,)


def submit(session: Session, actor: Actor | None, listing_id: str, now: datetime) -> ListingVersion:
    """Freeze the draft as the next version and put it into the operator's queue; raises Refused with every problem."""
    listing = own(session, actor, listing_id, for_update=True)
    assert actor is not None  # noqa: S101 - own() has required it
    _check_may_trade(session, actor)
    if listing.state == State.SUSPENDED:
        raise refuse("LISTING_SUSPENDED", N_("This listing is suspended; only the operator can lift that."), status=409)
    if listing.pending_version is not None:
        raise refuse("ALREADY_SUBMITTED", N_("A version of this listing is already waiting for review."), status=409)
    asset = session.get(Asset, listing.draft_asset_id) if listing.draft_asset_id else None
    found = (*trading_problems(session.get_one(Organisation, listing.org_id)), *rules.problems(listing.draft, asset))
    if found or asset is None:
        raise Refused(*found)
    version = _frozen(session, listing, asset, actor, now)
    session.add(version)
    session.flush()
    listing.pending_version, listing.updated_at = version.number, now
    if listing.state != State.PUBLISHED:
        listing.state = State.SUBMITTED
    session.add(listing)
    record(session, "listing.submitted", actor, listing, version, asset, now)
    return version


def withdraw(session: Session, actor: Actor | None, listing_id: str, now: datetime) -> Listing:
    """Take the listing off the catalogue (hủy niêm yết). Contracts already in force are not touched."""
    listing = own(session, actor, listing_id, for_update=True)
    if listing.state not in (State.PUBLISHED, State.SUBMITTED):
        raise refuse("NOT_PUBLISHED", N_("Only a published or submitted listing can be withdrawn."), status=409)
    number = listing.pending_version if listing.state == State.SUBMITTED else listing.current_version
    version = the_version(session, listing.id, number)
    listing.state, listing.pending_version, listing.updated_at = State.WITHDRAWN, None, now
    session.add(listing)
    record(session, "listing.withdrawn", actor, listing, version, _asset(session, version), now)
    return listing


def _merged(draft: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A new dict, so that the JSON column notices; an emptied field leaves the draft."""
    known = {name: value for name, value in values.items() if name in VERSION_FIELDS or name in ADDED}
    merged = {**draft, **known}
    return {name: value for name, value in merged.items() if value not in (None, "", [])}


def _frozen(session: Session, listing: Listing, asset: Asset, actor: Actor, now: datetime) -> ListingVersion:
    last = session.exec(
        select(func.max(ListingVersion.number)).where(col(ListingVersion.listing_id) == listing.id)
    ).one()
    fields: dict[str, Any] = {name: listing.draft.get(name) for name in VERSION_FIELDS}
    fields["exclusive"], fields["attribution"] = bool(fields["exclusive"]), bool(fields["attribution"])
    number, added = (last or 0) + 1, stated(listing.draft)
    whole = {**fields, **added, "listing": listing.id, "number": number, "org": listing.org_id, "file": asset.digest,
             "schema": asset.schema_digest, "rows": asset.rows}  # fmt: skip
    return ListingVersion(
        listing_id=listing.id, org_id=listing.org_id, asset_id=asset.id, number=number, **fields,
        added_terms=added,
        search_text=searchable(listing.draft, session.get(Organisation, listing.org_id)),
        digest=canonical.sha256_b64url(canonical.dumps(whole)),
        submitted_at=now, submitted_by=actor.user_id,
    )  # fmt: skip


def _check_may_trade(session: Session, actor: Actor) -> None:
    org = session.get(Organisation, actor.org_id)
    if org is None or org.standing != "active":
        raise NotPermitted(Permission.PUBLISH, N_("Your organisation is suspended on this exchange."))


def record(
    session: Session,
    event: str,
    actor: Actor | None,
    listing: Listing,
    version: ListingVersion,
    asset: Asset,
    now: datetime,
    *,
    reason: str = "",
    **details: int | str | bool,
) -> str:
    """One event about one version of a listing, with the digests that anybody can recompute and the actor's reason."""
    return audit.record(
        session, event, actor, on=[f"listing:{listing.id}", f"org:{listing.org_id}"], now=now,
        hashes={"listing": version.digest, "file": asset.digest},
        details={"version": version.number, "rows": asset.rows, **details},
        private={f"org:{actor.org_id}": {"reason": reason}} if actor else None,
    )  # fmt: skip


def own(session: Session, actor: Actor | None, listing_id: str, *, for_update: bool = False) -> Listing:
    """A listing of the actor's organisation, whatever its state; anything else does not exist for them."""
    actor = require(actor, Permission.PUBLISH)
    listing = session.get(Listing, listing_id, with_for_update=for_update or None)
    if listing is None or listing.org_id != actor.org_id:
        raise NotFound()
    return listing


def mine(session: Session, actor: Actor | None) -> list[Listing]:
    """Every listing of the actor's organisation, the one touched last first."""
    actor = require(actor, Permission.PUBLISH)
    statement = select(Listing).where(col(Listing.org_id) == actor.org_id)
    return list(session.exec(statement.order_by(col(Listing.updated_at).desc(), col(Listing.id).desc())).all())


def draft_asset(session: Session, listing: Listing) -> Asset | None:
    """The file in the draft, if there is one."""
    return session.get(Asset, listing.draft_asset_id) if listing.draft_asset_id else None


def published(session: Session, listing_id: str) -> Shown:
    """What is on offer now. The one way for other nouns to reach a listing; NotFound unless it is published."""
    listing = session.get(Listing, listing_id)
    if listing is None or listing.state != State.PUBLISHED:
        raise NotFound()
    return shown(session, listing, listing.current_version)


def for_reader(session: Session, actor: Actor | None, listing_id: str, number: int | None = None) -> Shown:
    """A listing's page: published for all; suspended or withdrawn still for its seller and the supervisors."""
    listing = session.get(Listing, listing_id)
    if listing is None or listing.current_version is None:
        raise NotFound()
    insider = actor is not None and (actor.org_id == listing.org_id or actor.kind != OrgKind.MEMBER)
    if listing.state != State.PUBLISHED and not insider:
        raise NotFound()
    if number is not None and number not in {v.number for v in published_versions(session, listing_id)}:
        raise NotFound()
    return shown(session, listing, number or listing.current_version)


def shown(session: Session, listing: Listing, number: int | None) -> Shown:
    """Head, the version with that number, its file and seller."""
    version = the_version(session, listing.id, number)
    org = session.get(Organisation, listing.org_id)
    if org is None:
        raise NotFound()
    return Shown(listing, version, _asset(session, version), org)


def the_version(session: Session, listing_id: str, number: int | None) -> ListingVersion:
    """One version by its number."""
    statement = select(ListingVersion).where(
        col(ListingVersion.listing_id) == listing_id, col(ListingVersion.number) == number
    )
    version = session.exec(statement).first()
    if version is None:
        raise NotFound()
    return version


def published_versions(session: Session, listing_id: str) -> list[ListingVersion]:
    """Every version that was ever on show, the newest first."""
    statement = (
        select(ListingVersion)
        .join(ModerationDecision, col(ModerationDecision.version_id) == col(ListingVersion.id))
        .where(col(ListingVersion.listing_id) == listing_id, col(ModerationDecision.verdict) == "approved")
    )
    return list(session.exec(statement.order_by(col(ListingVersion.number).desc())).all())


def last_decision(session: Session, listing_id: str) -> ModerationDecision | None:
    """The operator's latest word on this listing: what a seller whose listing was returned needs to read."""
    statement = (
        select(ModerationDecision)
        .join(ListingVersion, col(ModerationDecision.version_id) == col(ListingVersion.id))
        .where(col(ListingVersion.listing_id) == listing_id)
    )
    return session.exec(statement.order_by(col(ListingVersion.number).desc()).limit(1)).first()


def _asset(session: Session, version: ListingVersion) -> Asset:
    asset = session.get(Asset, version.asset_id)
    if asset is None:
        raise NotFound()
    return asset


def shows_rows(version: ListingVersion) -> bool:
    """Whether a stranger may see rows: only of open data. Nobody hands over data before a contract is signed."""
    return version.licence == "L0"


def public_columns(asset: Asset, version: ListingVersion) -> list[dict[str, Any]]:
    """The dictionary for strangers: the smallest and largest text of a column that is not open data is itself a value
    taken out of it, so it is left out."""
    if shows_rows(version):
        return asset.columns
    return [column | {"min": None, "max": None} if _is_text(column) else column for column in asset.columns]


def _is_text(column: Mapping[str, Any]) -> bool:
    return not str(column["type"]).startswith(("BIGINT", "INT", "DOUBLE", "FLOAT", "DECIMAL", "DATE", "TIME", "BOOL"))
