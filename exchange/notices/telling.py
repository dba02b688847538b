"""From a record of the log to the notices, e-mails and webhook messages that follow from it: in the same transaction.

Whoever may do something about it in an organisation that the record names is told, but not the side that acted. Each
statement below inserts all rows at once, so that a use case costs the same whether one person is told or fifty.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, Insert, Integer, String, and_, bindparam, case, insert, literal, or_, select
from sqlalchemy.dialects.postgresql import dml as postgresql
from sqlalchemy.dialects.sqlite import dml as sqlite
from sqlmodel import Session, col

from exchange.accounts.models import Membership, Organisation
from exchange.db import UtcDateTime, new_id
from exchange.negotiations.models import ApprovalRule
from exchange.notices import words
from exchange.notices.due import Due
from exchange.notices.models import DueTold, MailChoice, Notice, Webhook, WebhookDelivery
from exchange.permissions import Actor, OrgKind, Permission, roles_with
from exchange.trials.models import Enrolment

_NAMED = ("listing", "negotiation", "contract")  # whose ids a notice and a webhook message carry
_INSERTED = ("org_id", "user_id", "id", "kind", "facts", "path", "at", "mail", "mail_tries", "mail_next")


def tell(
    session: Session,
    event: str,
    actor: Actor | None,
    event_id: str,
    *,
    on: Sequence[str],
    details: Mapping[str, Any],
    now: datetime,
) -> None:
    """What ``audit.record`` does with every event. It adds rows and fails on none: who cannot be told is left out."""
    kind = words.kind_of(event, details)
    if kind is None:
        return
    how = words.TOLD[kind]
    ids = _ids(on)
    orgs = [subject.partition(":")[2] for subject in on if subject.startswith("org:")]
    if how.participants and "trial" in ids:
        orgs = sorted({*orgs, *_participants(session, ids["trial"])})
    if actor is not None and not how.own:
        orgs = [org for org in orgs if org != actor.org_id]
    facts: dict[str, Any] = {name: ids[name] for name in _NAMED if name in ids}
    path = words.path_of(kind, ids)
    me = actor.user_id if actor is not None else None
    if orgs or how.operator:
        _tell(session, kind, facts | ({"by": actor.org_id} if actor else {}), path, event_id, orgs, me, now)
    if orgs and not how.operator and how.group is not words.Group.SECURITY:  # those are for people
        _report(session, kind, facts, event_id, orgs, now)


def tell_due(session: Session, due: Due, now: datetime) -> bool:
    """The same for what the clock brings; False when it has been told already, or nobody knows words for it."""
    if due.kind not in words.DUE:
        return False
    row = {"key": due.key, "at": now}
    once = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    first = once.insert(DueTold).values(**row).on_conflict_do_nothing().returning(col(DueTold.key))
    if session.connection().execute(first).first() is None:
        return False
    notice_id = new_id()
    _tell(session, due.kind, dict(due.facts), due.path, notice_id, due.org_ids, None, now)
    facts = {name: due.facts[name] for name in _NAMED if name in due.facts}
    _report(session, due.kind, facts, notice_id, due.org_ids, now)
    return True


def _participants(session: Session, trial_id: str) -> Iterable[str]:
    """Everybody who takes part: too many for a record to name."""
    inside = select(col(Enrolment.org_id)).where(col(Enrolment.trial_id) == trial_id, col(Enrolment.ended_at).is_(None))
    return session.connection().execute(inside).scalars()


def _ids(subjects: Iterable[str]) -> dict[str, str]:
    """The first id of each kind of thing that a record is about."""
    found: dict[str, str] = {}
    for subject in subjects:
        kind, _, name = subject.partition(":")
        found.setdefault(kind, name)
    return found


def _tell(
    session: Session, kind: str, facts: Mapping[str, Any], path: str, notice_id: str, orgs: Sequence[str],
    me: str | None, now: datetime,
) -> None:  # fmt: skip
    values = {
        "kind": kind, "facts": facts, "path": path, "id": notice_id, "orgs": list(orgs), "me": me or "", "at": now
    }  # fmt: skip
    session.connection().execute(_notices(kind), values)


def _report(
    session: Session, kind: str, facts: Mapping[str, Any], message_id: str, orgs: Sequence[str], now: datetime
) -> None:
    values = {"type": kind.partition(":")[0], "data": facts, "id": message_id, "orgs": list(orgs), "at": now}
    session.connection().execute(_messages(), values)


@cache
def _notices(kind: str) -> Insert:
    """A notice for each member who may act on it; its e-mail waits unless the person wants none of this group."""
    how = words.TOLD.get(kind) or words.DUE[kind]
    refused = select(col(MailChoice.user_id)).where(
        col(MailChoice.user_id) == col(Membership.user_id),
        col(MailChoice.topic) == str(how.group),
        col(MailChoice.wanted).is_(False),
    )
    at = bindparam("at", type_=UtcDateTime)
    rows = (
        select(
            col(Membership.org_id), col(Membership.user_id), bindparam("id", type_=String),
            bindparam("kind", type_=String), bindparam("facts", type_=JSON), bindparam("path", type_=String),
            at, case((refused.exists(), "none"), else_="waiting"), literal(0, Integer), at,
        )
        .join(Organisation, col(Organisation.id) == col(Membership.org_id))
        .where(_of_operator() if how.operator else col(Membership.org_id).in_(bindparam("orgs", expanding=True)))
        .where(_is_told(how), col(Membership.user_id) != bindparam("me", type_=String))
        .group_by(col(Membership.org_id), col(Membership.user_id))
    )  # fmt: skip
    return insert(Notice).from_select(_INSERTED, rows, include_defaults=False)


def _of_operator() -> Any:
    # It does not matter which organisations the event names, but the statement takes the same values as the other.
    named: Any = bindparam("orgs", expanding=True)
    return and_(col(Organisation.kind) == OrgKind.OPERATOR, col(Organisation.id).not_in(named))


def _is_told(how: words.Told) -> Any:
    if not how.approvers:
        return _may_act(how.to)
    demanded = select(col(ApprovalRule.role)).where(col(ApprovalRule.org_id) == col(Membership.org_id))
    return or_(_may_act(how.to), col(Membership.role) == demanded.scalar_subquery())


def _may_act(permissions: Iterable[Permission]) -> Any:
    return or_(
        *(
            and_(col(Organisation.kind) == kind, col(Membership.role).in_([str(role) for role in roles]))
            for kind in OrgKind
            if (roles := frozenset().union(*(roles_with(kind, permission) for permission in permissions)))
        )
    )


@cache
def _messages() -> Insert:
    """A message for every webhook that listens."""
    at = bindparam("at", type_=UtcDateTime)
    rows = select(
        col(Webhook.id), bindparam("id", type_=String), bindparam("type", type_=String), bindparam("data", type_=JSON),
        at, literal("waiting", String), literal(0, Integer), at,
    ).where(
        col(Webhook.org_id).in_(bindparam("orgs", expanding=True)),
        col(Webhook.disabled_at).is_(None), col(Webhook.removed_at).is_(None),
    )  # fmt: skip
    fields = ("webhook_id", "id", "type", "data", "at", "state", "tries", "next_at")
    return insert(WebhookDelivery).from_select(fields, rows, include_defaults=False)
