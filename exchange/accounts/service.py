"""Signing in and out, who a signed-in browser is, and how organisations and people come to exist."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from exchange import audit
from exchange.accounts import passwords, rules
from exchange.accounts.models import Membership, Organisation, SignIn, User
from exchange.errors import N_, NotFound, NotPermitted, Refused, refuse
from exchange.permissions import Actor, OrgKind, Permission, Role, require

SESSION_LENGTH = timedelta(hours=12)


def secret_hash(secret: str) -> str:
    """What is stored of a 256-bit random secret; nothing slower is needed for something nobody can guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """256 random bits, in base64url."""
    return secrets.token_urlsafe(32)


def require_person(actor: Actor | None, permission: Permission = Permission.SIGNED_IN) -> Actor:
    """As ``require``, for what only a person at a page may do: a token must not widen or prolong itself."""
    actor = require(actor, permission)
    if actor.scopes is not None or actor.user_id is None:
        raise NotPermitted(permission, N_("Only a person who has signed in may do this, not a program."))
    return actor


# --- who is there -------------------------------------------------------------------------------------------------


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


def organisations_of(session: Session, user_id: str) -> list[Organisation]:
    """The active organisations the person may act for, by name."""
    mine = select(Membership.org_id).where(Membership.user_id == user_id)
    query = select(Organisation).where(col(Organisation.id).in_(mine), Organisation.standing == "active")
    return list(session.exec(query.order_by(Organisation.name, Organisation.id)))


# --- signing in ---------------------------------------------------------------------------------------------------


def check_sign_in(session: Session, email: str, password: str) -> User:
    """The person of this address and password. Only reads: call it outside a writing transaction, it takes long."""
    folded = rules.fold_email(email)
    user = session.exec(select(User).where(User.email == folded)).first() if folded.isprintable() else None
    try:
        passwords.check_password(password, user.password_hash if user else None)
    except passwords.WrongPassword:
        user = None
    if user is None:
        raise refuse("SIGN_IN_FAILED", N_("The e-mail address or the password is wrong."), field="password")
    return user


def start_sign_in(session: Session, user_id: str, org_id: str | None, now: datetime, *, before: str | None) -> str:
    """Begin a browser session and return its cookie token; the one the browser had ``before`` ends.

    Without ``org_id`` the person acts for the first of their organisations until they choose another.
    """
    mine = organisations_of(session, user_id)
    chosen = next((org for org in mine if org_id in (None, org.id)), None)
    if chosen is None:
        text = N_("Your account belongs to no active organisation. Ask the organisation's owner or the operator.")
        raise refuse("NO_ORGANISATION", text, status=403)
    if before:
        end_sign_in_of_token(session, before, now)
    token = new_secret()
    end = now + SESSION_LENGTH
    row = SignIn(token_hash=secret_hash(token), user_id=user_id, org_id=chosen.id, started_at=now, expires_at=end)
    session.add(row)
    return token


def end_sign_in_of_token(session: Session, token: str, now: datetime) -> None:
    """Sign out the browser that holds this token."""
    row = session.exec(select(SignIn).where(SignIn.token_hash == secret_hash(token))).first()
    if row is not None and row.ended_at is None:
        row.ended_at = now


def active_sign_ins(session: Session, actor: Actor, now: datetime) -> list[SignIn]:
    """Where this person is signed in, newest first."""
    query = select(SignIn).where(SignIn.user_id == actor.user_id, col(SignIn.ended_at).is_(None))
    return list(session.exec(query.where(col(SignIn.expires_at) > now).order_by(col(SignIn.started_at).desc())))


def end_sign_in(session: Session, actor: Actor | None, sign_in_id: str, now: datetime) -> SignIn:
    """End one of one's own sessions, wherever its browser is."""
    actor = require_person(actor)
    row = session.get(SignIn, sign_in_id)
    if row is None or row.user_id != actor.user_id:
        raise NotFound()
    row.ended_at = row.ended_at or now
    return row


def change_password(session: Session, actor: Actor | None, old: str, new: str, now: datetime, *, keep: str) -> None:
    """A new password; every browser but the one holding the token ``keep`` is signed out."""
    actor = require_person(actor)
    new_hash = _checked_hash(new)
    user = session.get_one(User, actor.user_id)
    try:
        passwords.check_password(old, user.password_hash)
    except passwords.WrongPassword:
        raise refuse("PASSWORD_WRONG", N_("This is not your present password."), field="old_password") from None
    _refuse_weak(new, user.email, user.full_name)
    user.password_hash = new_hash
    for row in active_sign_ins(session, actor, now):
        if row.token_hash != secret_hash(keep):
            row.ended_at = now


# --- organisations and people -------------------------------------------------------------------------------------


def register_organisation(
    session: Session,
    *,
    name: str,
    tax_code: str,
    now: datetime,
    name_en: str | None = None,
    kind: OrgKind = OrgKind.MEMBER,
    stated_level: int = 0,
    stated_payment_account: bool = False,
    confirmed: bool = False,
) -> Organisation:
    """A new organisation. The page /join makes members only, and unconfirmed: what they state of themselves counts
    once the operator has confirmed it. ``kind`` and ``confirmed`` are for the command line and the demo.
    """
    code = rules.check_tax_code(tax_code)
    if session.exec(select(Organisation.id).where(Organisation.tax_code == code)).first():
        text = N_("An organisation with this tax code is registered already. Ask its owner to invite you.")
        raise refuse("TAX_CODE_TAKEN", text, field="tax_code", value=code, status=409)
    org = Organisation(
        name=rules.check_name(name, "name"),
        name_en=rules.check_name(name_en, "name_en") if name_en and name_en.strip() else None,
        tax_code=code,
        kind=kind,
        stated_level=stated_level,
        stated_payment_account=stated_payment_account,
        assurance_level=stated_level if confirmed else 0,
        payment_account=stated_payment_account and confirmed,
        created_at=now,
    )
    session.add(org)
    session.flush()
    audit.record(session, "account.registered", None, on=[f"org:{org.id}"], now=now, details={"kind": str(kind)})
    return org


def add_user(
    session: Session,
    org: Organisation,
    *,
    email: str,
    full_name: str,
    password: str,
    roles: Collection[str],
    now: datetime,
    locale: str = "vi",
) -> User:
    """A person with ``roles`` in ``org``. Who has an account already proves it with its password."""
    chosen = rules.check_roles(OrgKind(org.kind), roles)
    folded = rules.check_email(email)
    password_hash = _checked_hash(password)
    user = session.exec(select(User).where(User.email == folded)).first()
    if user is None:
        name = rules.check_name(full_name, "full_name")
        _refuse_weak(password, folded, name, org.name)
        user = User(email=folded, full_name=name, password_hash=password_hash, locale=locale, created_at=now)
        session.add(user)
        session.flush()
    else:
        _prove_same_person(user, password)
    had = roles_of(session, user.id, org.id)
    session.add_all(Membership(user_id=user.id, org_id=org.id, role=role) for role in chosen if role not in had)
    session.flush()
    return user


def confirm_identity(
    session: Session, actor: Actor | None, org_id: str, *, level: int, payment_account: bool, now: datetime
) -> Organisation:
    """The operator has seen the proof of an organisation's VNeID level (X6) and payment account (X7)."""
    actor = require(actor, Permission.MODERATE)
    org = the_member(session, org_id)
    if not 0 <= level <= 3:
        raise refuse("LEVEL_UNKNOWN", N_("Choose a level from 0 to 3."), field="level", value=str(level))
    org.assurance_level, org.payment_account = level, payment_account
    details: dict[str, int | str | bool] = {"change": "identity", "level": level, "payment_account": payment_account}
    audit.record(session, "account.changed", actor, on=[f"org:{org.id}"], now=now, details=details)
    return org


def set_standing(session: Session, actor: Actor | None, org_id: str, standing: str, now: datetime) -> Organisation:
    """Suspend a member, or let it back in. Suspended, its people, programs and tokens are out at once."""
    actor = require(actor, Permission.SUSPEND)
    org = the_member(session, org_id)
    if standing not in ("active", "suspended"):
        raise refuse("STANDING_UNKNOWN", N_("Choose active or suspended."), field="standing", value=standing)
    org.standing = standing
    details: dict[str, int | str | bool] = {"change": standing}
    audit.record(session, "account.changed", actor, on=[f"org:{org.id}"], now=now, details=details)
    return org


def the_member(session: Session, org_id: str) -> Organisation:
    """The organisation, if it is a member of the market; the operator and the regulator are nobody's to change."""
    org = session.get(Organisation, org_id)
    if org is None or org.kind != OrgKind.MEMBER:
        raise NotFound()
    return org


def _prove_same_person(user: User, password: str) -> None:
    try:
        passwords.check_password(password, user.password_hash)
    except passwords.WrongPassword:
        text = N_("This address has an account already; give that account's password.")
        raise refuse("EMAIL_HAS_ACCOUNT", text, field="password", status=409) from None


def _checked_hash(password: str) -> str:
    """The hash of a password whose length is sane: hashing megabytes would be a gift to an attacker."""
    if len(password) > rules.PASSWORD_LENGTH[1]:
        raise Refused(*rules.password_problems(password))
    return passwords.hash_password(password)


def _refuse_weak(password: str, *about: str) -> None:
    problems = rules.password_problems(password, *about)
    if problems:
        raise Refused(*problems)
