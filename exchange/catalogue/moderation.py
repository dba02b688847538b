"""What the operator does: the queue, the decision (X25), stopping and resuming a listing (X26)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from exchange import pilot, stops
from exchange.accounts.models import Organisation
from exchange.catalogue import rules, service
from exchange.catalogue.models import Asset, Listing, ListingVersion, ModerationDecision
from exchange.catalogue.service import Shown
from exchange.catalogue.vocabulary import State
from exchange.errors import N_, NotFound, Refusal, Refused, refuse
from exchange.permissions import Actor, Permission, require


@dataclass(frozen=True)
class Waiting:
    """One line of the queue."""

    shown: Shown
    checks: tuple[rules.Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every rule passes now."""
        return all(check.ok for check in self.checks)


def queue(session: Session, actor: Actor | None) -> list[Waiting]:
    """Versions that wait for a decision, the oldest first."""
    require(actor, Permission.MODERATE)
    statement = (
        select(Listing, ListingVersion, Asset, Organisation)
        .where(
            col(ListingVersion.listing_id) == col(Listing.id),
            col(ListingVersion.number) == col(Listing.pending_version),
            col(Asset.id) == col(ListingVersion.asset_id),
            col(Organisation.id) == col(Listing.org_id),
        )
        .order_by(col(ListingVersion.submitted_at), col(ListingVersion.id))
    )
    return [_waiting(Shown(*row)) for row in session.exec(statement).all()]


def waiting(session: Session, actor: Actor | None, listing_id: str) -> Waiting:
    """The version of this listing that waits for a decision."""
    require(actor, Permission.MODERATE)
    return _waiting(service.shown(session, *_pending(session, listing_id)))


def _waiting(shown: Shown) -> Waiting:
    return Waiting(shown, rules.checks(service.values_of(shown.version), shown.asset))


def _pending(session: Session, listing_id: str) -> tuple[Listing, int]:
    listing = session.get(Listing, listing_id, with_for_update=True)
    if listing is None:
        raise NotFound()
    if listing.pending_version is None:
        raise refuse("NOTHING_TO_REVIEW", N_("No version of this listing is waiting for review."), status=409)
    return listing, listing.pending_version


def approve(
    session: Session,
    actor: Actor | None,
    listing_id: str,
    *,
    personal_data_checked: bool,
    reason: str = "",
    now: datetime,
) -> ListingVersion:
    """Put the waiting version on show. The rules are judged again; the reviewer signs off on personal data (X14)."""
    actor = require(actor, Permission.MODERATE)
    listing, number = _pending(session, listing_id)
    if listing.state == State.SUSPENDED:
        raise refuse("LISTING_SUSPENDED", N_("This listing is suspended; resume it first."), status=409)
    item = _waiting(service.shown(session, listing, number))
    found = [refusal for check in item.checks for refusal in check.refusals]
    if not personal_data_checked:
        found.append(_unchecked())
    found += _trial_denials(session, listing, item.shown.version, now, again=listing.state == State.PUBLISHED)
    if found:
        raise Refused(*found)
    listing.state, listing.current_version, listing.pending_version = State.PUBLISHED, number, None
    _decide(session, actor, item, "approved", _note(reason), now, personal_data_checked=True)
    service.record(
        session, "listing.published", actor, listing, item.shown.version, item.shown.asset, now, reason=_note(reason)
    )  # fmt: skip
    return item.shown.version


def _trial_denials(
    session: Session, listing: Listing, version: ListingVersion, now: datetime, *, again: bool
) -> tuple[Refusal, ...]:
    """What the pilot's trial has against showing this version (T1-T19)."""
    act = pilot.Act(
        "list", listing.org_id, version.sector, version.classification, again=again, listing_id=listing.id
    )  # fmt: skip
    return pilot.denials(session, act, now)


def _unchecked() -> Any:
    return refuse(
        "PERSONAL_DATA_NOT_REVIEWED", N_("The reviewer has not confirmed that there is no personal data."),
        field="personal_data_checked", basis=rules.D314_46, passes=N_("Look at profile and preview, then confirm."),
    ).refusals[0]  # fmt: skip


def send_back(session: Session, actor: Actor | None, listing_id: str, reason: str, now: datetime) -> ListingVersion:
    """Return the waiting version to its seller with what to correct; an earlier published version stays on show."""
    actor = require(actor, Permission.MODERATE)
    listing, number = _pending(session, listing_id)
    reason = _reason(reason)
    item = _waiting(service.shown(session, listing, number))
    listing.pending_version = None
    if listing.state == State.SUBMITTED:
        listing.state = State.RETURNED
    _decide(session, actor, item, "returned", reason, now, personal_data_checked=False)
    service.record(
        session, "listing.returned", actor, listing, item.shown.version, item.shown.asset, now, reason=reason
    )  # fmt: skip
    return item.shown.version


def _reason(given: str) -> str:
    text = _note(given)
    if not text:
        raise refuse("REASON_MISSING", N_("Say why, so that the seller can act on it."), field="reason",
                     basis=N_("Decree 314/2026/NĐ-CP Art. 7.8c"), passes=N_("One sentence or more."))  # fmt: skip
    return text


def _note(given: str) -> str:
    """What the reviewer writes, as it can be kept."""
    text = given.replace("\0", "").strip()
    if len(text) > 4_000:
        raise refuse("REASON_TOO_LONG", N_("This text is too long: at most 4,000 characters."), field="reason")
    return text


def _decide(
    session: Session, actor: Actor, item: Waiting, verdict: str, reason: str, now: datetime, *,
    personal_data_checked: bool,
) -> None:  # fmt: skip
    item.shown.listing.updated_at = now
    session.add(item.shown.listing)
    session.add(
        ModerationDecision(
            version_id=item.shown.version.id, verdict=verdict, reason=reason,
            personal_data_checked=personal_data_checked,
            rule_results={check.rule: [refusal.code for refusal in check.refusals] for check in item.checks},
            decided_by=actor.user_id, decided_org=actor.org_id, decided_at=now,
        )
    )  # fmt: skip
    session.flush()


def suspend(session: Session, actor: Actor | None, listing_id: str, reason: str, now: datetime) -> Listing:
    """Stop a listing at once (X26): it leaves the catalogue, nothing new can be agreed on it, and what was
    agreed is held."""
    return _switch(session, actor, listing_id, reason, now, State.PUBLISHED, State.SUSPENDED)


def resume(session: Session, actor: Actor | None, listing_id: str, reason: str, now: datetime) -> Listing:
    """Put a suspended listing back on show and lift the hold on its contracts."""
    return _switch(session, actor, listing_id, reason, now, State.SUSPENDED, State.PUBLISHED)


def _switch(
    session: Session, actor: Actor | None, listing_id: str, reason: str, now: datetime, before: State, after: State
) -> Listing:
    actor = require(actor, Permission.SUSPEND)
    listing = session.get(Listing, listing_id, with_for_update=True)
    if listing is None:
        raise NotFound()
    if listing.state != before:
        raise refuse("WRONG_STATE", N_("The listing is not in the state that this needs."), status=409,
                     value=str(listing.state))  # fmt: skip
    reason = _reason(reason)
    item = service.shown(session, listing, listing.current_version)
    if after is State.PUBLISHED:  # in the meantime the trial may have been stopped, or the place taken
        denied = _trial_denials(session, listing, item.version, now, again=True)
        if denied:
            raise Refused(*denied, status=409)
    listing.state, listing.stopped_reason, listing.updated_at = after, reason, now
    session.add(listing)
    service.record(
        session, "listing.changed", actor, listing, item.version, item.asset, now, reason=reason, state=str(after)
    )  # fmt: skip
    stops.tell(session, actor, listing.id, after is State.SUSPENDED, reason, now)
    return listing


HIT_KINDS = {
    "name": N_("the column's name"),
    "phone": N_("phone numbers"),
    "citizen_id": N_("citizen identity numbers"),
    "email": N_("e-mail addresses"),
}


def hits_in_words(asset: Asset | None) -> list[tuple[str, str, int]]:
    """What the personal-data scan found: column, kind (a msgid), number of values."""
    hits = asset.personal_hits if asset else []
    return [(str(hit["column"]), HIT_KINDS.get(str(hit["kind"]), ""), int(hit["count"])) for hit in hits]
