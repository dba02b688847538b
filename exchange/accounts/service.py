"""Signing in and out, and who a signed-in browser is."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from exchange.accounts.models import Membership, Organisation, SignIn, User
from exchange.permissions import Actor, OrgKind, Role

SESSION_LENGTH = timedelta(hours=12)


def secret_hash(secret: str) -> str:
    """What is stored of a 256-bit random secret; nothing slower is needed for something nobody can guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """256 random bits, in base64url."""
    return secrets.token_urlsafe(32)


def roles_of(session: Session, user_id: str, org_id: str) -> frozenset[Role]:
    """The person's present roles in the organisation; empty when they are not (or no longer) a member."""
    rows = session.exec(select(Membership.role).where(Membership.user_id == user_id, Membership.org_id == org_id))
    return frozenset(Role(row) for row in rows)


def actor_of_sign_in(session: Session, token: str, now: datetime) -> Actor | None:
    """Whoever signed in with this cookie token; None once it is ended or expired, the person no longer a member,
    or the organisation suspended. All of it is read afresh at every request.
    """
    row = session.exec(
        select(SignIn, User, Organisation)
        .join(User, col(User.id) == col(SignIn.user_id))
        .join(Organisation, col(Organisation.id) == col(SignIn.org_id))
        .where(SignIn.token_hash == secret_hash(token))
    ).first()
    if row is None:
        return None
    sign_in, user, org = row
    roles = roles_of(session, user.id, org.id)
    if sign_in.ended_at is not None or sign_in.expires_at <= now or org.standing != "active" or not roles:
        return None
    return Actor(user_id=user.id, org_id=org.id, kind=OrgKind(org.kind), roles=roles, name=user.full_name)
