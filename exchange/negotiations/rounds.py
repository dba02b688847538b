"""One negotiation as its page shows it: the rounds, what each changed, what that means for the reader, the draft."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session

from contracts import parts, text
from contracts.change import redline
from contracts.negotiation import PROPOSALS, Act, Role
from contracts.odrl import to_odrl
from contracts.terms import Terms
from exchange import pilot
from exchange.accounts.models import User
from exchange.catalogue.models import Asset
from exchange.error_pages import say
from exchange.i18n import language
from exchange.negotiations import checking, pages, rules
from exchange.negotiations.models import Move, Negotiation
from exchange.negotiations.redline import ChangedClause, Frame, changed_clauses
from exchange.negotiations.service import Thread
from exchange.permissions import Actor

_TONES = {Act.TERMINATE: "bad", Act.FINALIZE: "good"}


@dataclass(frozen=True)
class Round:
    """One move in the reader's words."""

    move: Move
    act: str
    who: str
    person: str  # who pressed the button, told to their own organisation only
    tone: str
    reason: str  # why the negotiation ended
    clauses: list[ChangedClause]  # against the round before; the first against the listing's offer


@dataclass(frozen=True)
class View:
    """What the page says about the terms on the table."""

    rounds: list[Round]
    told: list[str]  # what the other side's latest proposal changed, in plain words for this reader
    told_by: str
    against_offer: list[ChangedClause]
    prose: tuple[text.Clause, ...]
    other_prose: tuple[text.Clause, ...]
    json: str
    odrl: str


def view(session: Session, thread: Thread, reader_org: str, now: datetime) -> View:
    """Everything that is computed from the moves."""
    frame, offer = frame_of(session, thread, now), listing_offer(thread)
    told, by = _told(thread)
    draft = frame.draft(thread.terms)
    return View(
        rounds=list(_rounds(session, thread, reader_org, frame, offer)),
        told=told,
        told_by=by,
        against_offer=changed_clauses(frame, offer, thread.terms, language()),
        prose=text.clauses(draft, language()),
        other_prose=text.clauses(draft, other_language()),
        json=pretty(thread.terms.to_json()),
        odrl=pretty(policy(thread)),
    )


@dataclass(frozen=True)
class Check:
    """What terms would do if they were sent: refusals, and what would change, told from neither side."""

    refusals: list[dict[str, object]]
    told: list[str]
    clauses: list[ChangedClause]
    first: bool = False  # a first request: no terms are on the table yet


def check_request(session: Session, actor: Actor, listing_id: str, wish: rules.Wish, now: datetime) -> Check:
    """Try a request against the rules and against what the listing offers. Changes nothing."""
    found = checking.check_request(session, actor, listing_id, wish, now)
    told = [redline(change, language()).for_you for change in found.changes]
    return Check([say(refusal) for refusal in found.refusals], told, [], first=True)


def check(session: Session, thread: Thread, changes: Mapping[str, Any], now: datetime) -> Check:
    """Try the reader's changes against the rules and against the terms on the table. Changes nothing."""
    found = checking.check_counter(session, thread, changes, now)
    return Check(
        refusals=[say(refusal) for refusal in found.refusals],
        told=pages.told(thread.terms, found.terms, None),
        clauses=changed_clauses(frame_of(session, thread, now), thread.terms, found.terms, language()),
    )


def other_language() -> str:
    """The one that the reader has not chosen."""
    return "en" if language() == "vi" else "vi"


def pretty(value: object) -> str:
    """JSON for eyes; the signed form has no spaces (RFC 8785)."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def policy(thread: Thread) -> dict[str, object]:
    """The terms on the table as the ODRL policy that the contract would hold."""
    return to_odrl(
        thread.terms,
        target=f"urn:minhbach:listing:{thread.listing.id}:{thread.version.number}",
        assigner=f"urn:minhbach:org:{thread.provider.id}",
        assignee=f"urn:minhbach:org:{thread.buyer.id}",
    )


def frame_of(session: Session, thread: Thread, now: datetime) -> Frame:
    """The parties, the file and the trial as they stand: what a contract drawn up now would name."""
    asset = session.get_one(Asset, thread.version.asset_id)
    trial = pilot.certificate(session, now)
    return Frame(
        parties=tuple(
            parts.Party(role, org.id, org.name, org.tax_code, ())
            for role, org in (("provider", thread.provider), ("consumer", thread.buyer))
        ),
        assets=(
            parts.AssetRef(
                thread.listing.id, thread.version.number, asset.digest, asset.schema_digest, asset.file_name, asset.rows
            ),
        ),
        trial=None if trial is None else parts.TrialRef(*trial),
        now=now,
    )


def listing_offer(thread: Thread) -> Terms:
    """What the listing offers to this buyer, for the purpose and from the day that the first request names."""
    asked = Terms.from_json(thread.moves[0].terms)
    ends = rules.last_day(asked.starts, thread.version.term_months)
    return rules.offer_for(thread.version, replace(asked, ends=ends, territory=tuple(thread.version.territory)))


def _rounds(session: Session, thread: Thread, reader_org: str, frame: Frame, offer: Terms) -> Sequence[Round]:
    names = {org.id: org.name for org in (thread.buyer, thread.provider)}
    found, before = [], offer
    for move in thread.moves:
        terms, act = Terms.from_json(move.terms), Act(move.act)
        found.append(
            Round(
                move=move,
                act=_act(move),
                who=names.get(move.org_id or "", _("The exchange")),
                person=_person(session, move) if move.org_id == reader_org else "",
                tone=_TONES.get(act, "info"),
                reason=_reason(thread.negotiation) if act is Act.TERMINATE else "",
                clauses=changed_clauses(frame, before, terms, language()) if act in PROPOSALS else [],
            )
        )
        before = terms
    return found


def _act(move: Move) -> str:
    act = Act(move.act)
    name = pages.AGAIN if act is Act.REQUEST and move.number > 1 else pages.ACTS[act]
    return _(name)


def _reason(negotiation: Negotiation) -> str:
    """The code in words, and what the party wrote."""
    code = pages.reason(negotiation.terminated_code) if negotiation.terminated_code else ""
    return f"{code}. {negotiation.terminated_reason}" if negotiation.terminated_reason else code


def _person(session: Session, move: Move) -> str:
    user = session.get(User, move.user_id) if move.user_id else None
    return user.full_name if user else ""


def _told(thread: Thread) -> tuple[list[str], str]:
    """The latest proposal against the one before, if the other side made it."""
    proposals = [move for move in thread.moves if Act(move.act) in PROPOSALS]
    if len(proposals) < 2 or proposals[-1].role == thread.role:
        return [], ""
    before, after = (Terms.from_json(move.terms) for move in proposals[-2:])
    by = thread.buyer if proposals[-1].role == Role.CONSUMER else thread.provider
    return pages.told(before, after, thread.role), by.name
