"""How a provider shapes the test rooms of a listing: a draft, versions, the return to the default; and reading them.

Only rooms opened afterwards obey a new version; an open room keeps the policy that its buyer accepted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlmodel import Session, col, select

from exchange import audit
from exchange.catalogue import service as catalogue
from exchange.catalogue.models import Asset, Listing, ListingVersion
from exchange.errors import N_, NotFound, Refused, refuse
from exchange.permissions import Actor
from exchange.rooms import design_answers, policies, rules
from exchange.rooms.design_models import Design, DesignDraft
from sandbox.denials import PolicyRefused
from sandbox.policy import Policy, digest
from sandbox.trial import ZONE, local_day

DAY = timedelta(days=1)

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Desk:
    """A provider's listing with its file, what was published and what is being worked on."""

    listing: Listing
    version: ListingVersion
    asset: Asset
    draft: DesignDraft | None
    versions: list[Design]  # the newest first

    @property
    def current(self) -> Design | None:
        """The version in force; None where the default is."""
        return self.versions[0] if self.versions and self.versions[0].answers is not None else None

    @property
    def answers(self) -> dict[str, Any]:
        """Where to go on: the draft, else what is in force, else the safe proposal."""
        if self.draft is not None:
            return self.draft.answers
        if self.current is not None and self.current.answers is not None:
            return self.current.answers
        return design_answers.proposal(self.asset, self.version)

    def document(self, answers: Answers) -> dict[str, Any]:
        """The part of a policy that these answers make."""
        return design_answers.document(answers, self.asset, self.version)


def design_of(
    session: Session, listing_id: str, *, number: int | None = None, at: datetime | None = None
) -> dict[str, Any] | None:
    """The provider's own part of the policy for the listing's file as it is now; None where the default governs.

    ``number`` is another version of the listing, ``at`` the moment whose design counts: a contract keeps the one that
    stood when it came into force.

    ``{"mode", "dataset": {"unit_column", "max_rows_per_unit"}, "columns", "limits", "budgets", "output"}`` and, with
    noise, ``dp``. Every column of the file is there; one that the design does not know is forbidden.
    """
    query = _newest(listing_id) if at is None else _newest(listing_id).where(col(Design.published_at) <= at)
    design = session.exec(query.limit(1)).first()
    listing = session.get(Listing, listing_id)
    if design is None or design.answers is None or listing is None:
        return None
    number = number or listing.current_version
    if number is None:
        return None
    shown = catalogue.shown(session, listing, number)
    return design_answers.document(design.answers, shown.asset, shown.version)


def desk(session: Session, actor: Actor | None, listing_id: str, *, for_update: bool = False) -> Desk:
    """The provider's own listing; whoever may not publish for it learns nothing."""
    listing = catalogue.own(session, actor, listing_id, for_update=for_update)
    number = listing.current_version or listing.pending_version
    if number is None:
        raise refuse(
            "DESIGN_NO_FILE", N_("Submit the listing first: its file is what the rules are about."), status=409
        )
    shown = catalogue.shown(session, listing, number)
    draft = session.get(DesignDraft, listing_id)
    return Desk(listing, shown.version, shown.asset, draft, list(session.exec(_newest(listing_id))))


def save_draft(session: Session, actor: Actor | None, listing_id: str, answers: Answers, now: datetime) -> DesignDraft:
    """Keep answers, sensible or not; nobody else sees them."""
    at = desk(session, actor, listing_id, for_update=True)
    draft = at.draft or DesignDraft(listing_id=listing_id, answers={}, saved_at=now)
    draft.answers, draft.saved_at = dict(answers), now
    session.add(draft)
    session.flush()
    return draft


def publish(session: Session, actor: Actor | None, listing_id: str, answers: Answers, now: datetime) -> Design:
    """Put answers in force as a new version; the same answers again are the version there is."""
    at = desk(session, actor, listing_id, for_update=True)
    policy_of(at, answers, now)
    if at.current is not None and at.current.answers == answers:
        _forget_draft(session, at)
        return at.current
    return _publish(session, actor, at, dict(answers), now)


def to_default(session: Session, actor: Actor | None, listing_id: str, now: datetime) -> Design:
    """Back to what the exchange drafts by itself, as a version like any other."""
    at = desk(session, actor, listing_id, for_update=True)
    if at.current is None:
        raise refuse("DESIGN_DEFAULT", N_("The default is in force already."), status=409)
    return _publish(session, actor, at, None, now)


def policy_of(at: Desk, answers: Answers, now: datetime) -> Policy:
    """The policy that a room opened now would have under these answers; raises Refused with all that cannot stand."""
    found = design_answers.problems(answers, at.asset, at.version)
    if found:
        raise Refused(*found)
    return preview(at, at.document(answers), now)


def preview(at: Desk, document: dict[str, Any] | None, now: datetime) -> Policy:
    """A room's policy under a design, for today, without a buyer."""
    try:
        return Policy.from_json(whole(at, document, now))
    except PolicyRefused as refused:
        raise Refused(rules.say_denied(refused.denied)) from None


def whole(at: Desk, document: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    """The same as JSON."""
    starts = datetime.combine(local_day(now), time(), ZONE)
    return policies.offered(at.asset, at.version, (starts, starts + DAY), design=document)


def version_of(at: Desk, number: int) -> Design:
    """One version of the past."""
    for design in at.versions:
        if design.number == number:
            return design
    raise NotFound(f"{at.listing.id}.{number}")


def _publish(session: Session, actor: Actor | None, at: Desk, answers: dict[str, Any] | None, now: datetime) -> Design:
    document = None if answers is None else at.document(answers)
    number = at.versions[0].number + 1 if at.versions else 1
    details: dict[str, int | str | bool] = {"version": number, "default": document is None}
    if document is not None:
        details |= {"mode": document["mode"], "min_group": document["limits"]["min_group"]}
    name = None if document is None else digest(document)
    design = Design(
        listing_id=at.listing.id, number=number, answers=answers, document=document, digest=name, published_at=now,
        published_by=actor.user_id if actor else None, event_id="",
    )  # fmt: skip
    design.event_id = audit.record(
        session, "testroom.designed", actor, on=[f"listing:{at.listing.id}", f"org:{at.listing.org_id}"], now=now,
        hashes={} if name is None else {"policy": rules.leaf_digest(name)}, details=details,
    )  # fmt: skip
    session.add(design)
    _forget_draft(session, at)
    session.flush()
    return design


def _forget_draft(session: Session, at: Desk) -> None:
    if at.draft is not None:
        session.delete(at.draft)
        session.flush()


def _newest(listing_id: str) -> Any:
    return select(Design).where(Design.listing_id == listing_id).order_by(col(Design.number).desc())
