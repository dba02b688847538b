"""Reading one's notices, and deciding what comes by e-mail."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, func, or_, select, update

from exchange.accounts.models import User
from exchange.accounts.service import require_person
from exchange.errors import N_, NotFound, NotPermitted, refuse
from exchange.notices.models import LATE, MailChoice, Notice
from exchange.notices.words import Group
from exchange.permissions import Actor, Permission, require

PAGE = 20
MOST_COUNTED = 99  # a number in the header that is larger says no more


def unread(session: Session, actor: Actor) -> int:
    """How many notices the person has not read, at most one more than MOST_COUNTED; a program has none."""
    if actor.user_id is None:
        return 0
    some = select(Notice.id).where(*_mine(actor), col(Notice.read_at).is_(None)).limit(MOST_COUNTED + 1).subquery()
    return session.exec(select(func.count()).select_from(some)).one()


def page_of(
    session: Session, actor: Actor | None, *, only_unread: bool = False, before: str | None = None, limit: int = PAGE
) -> tuple[list[Notice], str | None]:
    """The person's notices for the organisation they act for, newest first, and where the next page begins."""
    actor = _person(actor)
    query = select(Notice).where(*_mine(actor))
    if only_unread:
        query = query.where(col(Notice.read_at).is_(None))
    if before:
        query = query.where(col(Notice.id) < before)
    found = list(session.exec(query.order_by(col(Notice.id).desc()).limit(limit + 1)))
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def open_notice(session: Session, actor: Actor | None, notice_id: str, now: datetime) -> Notice:
    """The notice, read from now on. One of another organisation of the person is found and left unread."""
    actor = _person(actor)
    query = select(Notice).where(Notice.user_id == actor.user_id, Notice.id == notice_id)
    found = {notice.org_id: notice for notice in session.exec(query)}
    if not found:
        raise NotFound()
    mine = found.get(actor.org_id)
    if mine is None:
        return next(iter(found.values()))
    mine.read_at = mine.read_at or now
    session.add(mine)
    return mine


def mark_read(session: Session, actor: Actor | None, notice_id: str, now: datetime) -> Notice:
    """Read without going to its page."""
    actor = _person(actor)
    notice = open_notice(session, actor, notice_id, now)
    if notice.org_id != actor.org_id:
        raise NotFound()
    return notice


def mark_all_read(session: Session, actor: Actor | None, newest: str, now: datetime) -> int:
    """Everything up to the notice ``newest``, which the person has seen on the page; returns how many that were."""
    actor = _person(actor)
    shown = update(Notice).where(*_mine(actor), col(Notice.id) <= newest, col(Notice.read_at).is_(None))
    return session.exec(shown.values(read_at=now)).rowcount


def choices(session: Session, actor: Actor | None) -> dict[Group, bool]:
    """For each group whether the person wants e-mails; they do until they say otherwise."""
    actor = _person(actor)
    query = select(MailChoice.topic, MailChoice.wanted).where(MailChoice.user_id == actor.user_id)
    said = dict(session.exec(query).all())
    return {group: said.get(str(group), True) for group in Group}


def choose(session: Session, actor: Actor | None, wanted: Mapping[str, bool], lang: str | None = None) -> None:
    """For these groups, from the next event on; what is not named stays. ``lang``: in which language mails come. In the
    application everything is told. For the person at a page: whoever stole a program's token must not be able to
    silence the mails that tell of it."""
    actor = require_person(actor)
    if lang is not None and lang not in ("vi", "en"):
        raise refuse("LANGUAGE_UNKNOWN", N_("Choose Vietnamese or English."), field="lang", value=lang, passes="vi, en")
    unknown = sorted(set(wanted) - set(Group))
    if unknown:
        text = N_("There is no such group of notices.")
        raise refuse("GROUP_UNKNOWN", text, field="mail", value=", ".join(unknown), passes=", ".join(Group))
    for topic, yes in wanted.items():
        session.merge(MailChoice(user_id=str(actor.user_id), topic=str(topic), wanted=yes))
    if lang is not None:
        session.get_one(User, actor.user_id).locale = lang


def mail_refused(session: Session, actor: Actor) -> bool:
    """Whether the newest e-mail to the person that the mail server decided about was refused."""
    decided = or_(Notice.mail == "sent", and_(Notice.mail == "dead", Notice.mail_code != LATE))
    query = select(Notice.mail).where(Notice.user_id == actor.user_id, decided)
    return session.exec(query.order_by(col(Notice.id).desc()).limit(1)).first() == "dead"


def _person(actor: Actor | None) -> Actor:
    """A person, at a page or by a program that they allowed: what a machine was told nobody has read."""
    actor = require(actor, Permission.SIGNED_IN)
    if actor.user_id is None:
        raise NotPermitted(Permission.SIGNED_IN, N_("Notices belong to a person: use a program that acts for one."))
    return actor


def _mine(actor: Actor) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(Notice.org_id) == actor.org_id, col(Notice.user_id) == actor.user_id
