"""Who belongs to an organisation: invitations, roles, leaving."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select, update

from exchange import audit
from exchange.accounts import rules
from exchange.accounts.models import Invitation, Membership, Organisation, SignIn, User
from exchange.accounts.service import add_user, new_secret, require_person, roles_of, secret_hash
from exchange.errors import N_, NotFound, refuse
from exchange.permissions import Actor, OrgKind, Permission, Role

INVITATION_LENGTH = timedelta(days=7)


@dataclass(frozen=True)
class Member:
    """A person and their roles, as the owner sees them."""

    user: User
    roles: tuple[Role, ...]


def members_of(session: Session, org_id: str) -> list[Member]:
    """Everybody in the organisation, by name."""
    query = select(User, Membership.role).join(Membership, col(Membership.user_id) == col(User.id))
    people: dict[str, tuple[User, list[Role]]] = {}
    for user, role in session.exec(query.where(Membership.org_id == org_id).order_by(User.full_name, User.id)):
        people.setdefault(user.id, (user, []))[1].append(Role(role))
    return [Member(user, tuple(sorted(roles, key=list(Role).index))) for user, roles in people.values()]


def open_invitations(session: Session, org_id: str, now: datetime) -> list[Invitation]:
    """Links that still work, newest first."""
    query = select(Invitation).where(Invitation.org_id == org_id, col(Invitation.used_at).is_(None))
    return list(session.exec(query.where(col(Invitation.expires_at) > now).order_by(col(Invitation.created_at).desc())))


def invite(
    session: Session, actor: Actor | None, email: str, roles: Collection[str], now: datetime
) -> tuple[Invitation, str]:
    """An invitation and its one-time link's secret, which nobody can be shown again."""
    actor = require_person(actor, Permission.MANAGE_MEMBERS)
    chosen = rules.check_roles(actor.kind, roles)
    token = new_secret()
    row = Invitation(
        token_hash=secret_hash(token),
        org_id=actor.org_id,
        email=rules.check_email(email),
        roles=[str(role) for role in chosen],
        created_by=str(actor.user_id),
        created_at=now,
        expires_at=now + INVITATION_LENGTH,
    )
    session.add(row)
    session.flush()
    _record(session, actor, actor.org_id, "invited", chosen, now)
    return row, token


def withdraw_invitation(session: Session, actor: Actor | None, invitation_id: str, now: datetime) -> None:
    """The link stops working."""
    actor = require_person(actor, Permission.MANAGE_MEMBERS)
    row = session.get(Invitation, invitation_id)
    if row is None or row.org_id != actor.org_id:
        raise NotFound()
    row.expires_at = min(row.expires_at, now)


def invitation(session: Session, token: str, now: datetime) -> tuple[Invitation, Organisation]:
    """What a link invites to; NotFound once it is used, expired or withdrawn, or whoever made it is no longer owner."""
    row = session.exec(select(Invitation).where(Invitation.token_hash == secret_hash(token))).first()
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise NotFound()
    org = session.get_one(Organisation, row.org_id)
    if org.standing != "active" or Role.OWNER not in roles_of(session, row.created_by, org.id):
        raise NotFound()
    return row, org


def accept(session: Session, token: str, full_name: str, password: str, now: datetime, *, locale: str = "vi") -> User:
    """Become a member by a link. A link that two people open at once lets one of them in."""
    row, org = invitation(session, token, now)
    user = add_user(
        session, org, email=row.email, full_name=full_name, password=password, roles=row.roles, now=now, locale=locale
    )
    unused = update(Invitation).where(col(Invitation.id) == row.id, col(Invitation.used_at).is_(None))
    if session.exec(unused.values(used_at=now)).rowcount != 1:
        raise NotFound()
    _record(session, _as(user, org), org.id, "joined", rules.check_roles(OrgKind(org.kind), row.roles), now)
    return user


def set_roles(session: Session, actor: Actor | None, user_id: str, roles: Collection[str], now: datetime) -> None:
    """Give a member exactly these roles; none of them means that the person leaves."""
    actor = require_person(actor, Permission.MANAGE_MEMBERS)
    had = roles_of(session, user_id, actor.org_id)
    if not had:
        raise NotFound()
    wanted = rules.check_roles(actor.kind, roles) if roles else []
    if Role.OWNER in had and Role.OWNER not in wanted and owners_of(session, actor.org_id) == {user_id}:
        text = N_("An organisation needs an owner: make somebody else owner first.")
        raise refuse("LAST_OWNER", text, field="roles", status=409)
    rows = select(Membership).where(Membership.user_id == user_id, Membership.org_id == actor.org_id)
    for row in session.exec(rows):
        if row.role not in wanted:
            session.delete(row)
    session.add_all(Membership(user_id=user_id, org_id=actor.org_id, role=role) for role in wanted if role not in had)
    if not wanted:
        _end_sign_ins(session, user_id, actor.org_id, now)
    name = session.get_one(User, user_id).full_name
    _record(session, actor, actor.org_id, "roles" if wanted else "left", wanted, now, {user_id: name})


def owners_of(session: Session, org_id: str) -> set[str]:
    """Who owns the organisation, held until commit: of two who leave at once the second sees the first one gone."""
    query = select(Membership.user_id).where(Membership.org_id == org_id, Membership.role == Role.OWNER)
    return set(session.exec(query.with_for_update()))


def _end_sign_ins(session: Session, user_id: str, org_id: str, now: datetime) -> None:
    mine = update(SignIn).where(col(SignIn.user_id) == user_id, col(SignIn.org_id) == org_id)
    session.exec(mine.where(col(SignIn.ended_at).is_(None)).values(ended_at=now))


def _as(user: User, org: Organisation) -> Actor:
    return Actor(user_id=user.id, org_id=org.id, kind=OrgKind(org.kind), name=user.full_name)


def _record(
    session: Session, actor: Actor, org_id: str, change: str, roles: Collection[Role], now: datetime,
    whose: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """That rights changed, which and whose. Somebody only invited is not named: they have no account to erase yet."""
    details: dict[str, int | str | bool] = {"change": change, "roles": " ".join(sorted(roles))}
    private = {f"user:{user_id}": {"member": name} for user_id, name in (whose or {}).items()}
    audit.record(
        session, "account.changed", actor, on=[f"org:{org_id}"], now=now, details=details, private=private
    )  # fmt: skip
