"""Erasing a person: their keys and disclosures, their account, the texts they wrote as themselves.

One transaction. What stays: records of the log and every proof over them (they hold digests only), signed contracts,
public keys and thumbprints (evidence of who was bound), an empty account row that old rows still point to. The bytes
leave the database's files when the door calls ``Database.scrub`` after the commit; a crash in between leaves deleted
rows in free pages, without the keys to read them, until the next scrub.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, update
from sqlmodel import Session, col, select

from contracts.terms import today
from exchange import audit
from exchange.accounts import keys, members, passwords, rules
from exchange.accounts.models import Invitation, Membership, Organisation, SignIn, SigningKey, User
from exchange.accounts.service import require_person
from exchange.erasure.rules import BASES, DOMAIN, ERASED, GUESSABLE, LAW, PLACES, PLACES_OF_DETAIL
from exchange.errors import N_, NotFound, Refusal, Refused, refuse
from exchange.ledger import disclosures
from exchange.negotiations.models import Contract, Move
from exchange.notices.models import MailChoice, Notice
from exchange.oauth.models import Code, Token
from exchange.permissions import Actor, OrgKind, Permission, Role, require
from exchange.rooms.models import QueryRun

# Every table that something is taken out of; what Database.scrub rewrites.
TABLES = (
    "subject_key", "log_disclosure", "user_account", "membership", "sign_in", "invitation", "signing_key",
    "oauth_token", "oauth_code", "query_run", "negotiation_move", "notice", "mail_choice",
)  # fmt: skip


@dataclass(frozen=True)
class Effect:
    """What erasing this person would do, or did."""

    user_id: str
    organisations: tuple[str, ...]  # whose member they stop being
    disclosures: int  # private values in the log's records
    keys: int  # signing keys that sign nothing any more
    questions: int  # put in test rooms
    notes: int  # sent in negotiations


# --- use cases ----------------------------------------------------------------------------------------------------


def effect_on_me(session: Session, actor: Actor | None) -> Effect:
    """What erasing oneself would do."""
    return effect_on(session, session.get_one(User, require_person(actor).user_id))


def erase_me(session: Session, actor: Actor | None, password: str, basis: str, now: datetime) -> Effect:
    """A person erases themselves; the password shows that it is they. Commit with commit_logged, then scrub."""
    actor = require_person(actor)
    user = session.get_one(User, actor.user_id)
    try:
        passwords.check_password(password[: rules.PASSWORD_LENGTH[1] + 1], user.password_hash)
    except passwords.WrongPassword:
        raise refuse("PASSWORD_WRONG", N_("This is not your present password."), field="password") from None
    return erase(session, None, user, basis, now)


def effect_on_person(session: Session, actor: Actor | None, email: str) -> Effect:
    """What erasing somebody who asked for it would do; for the operator's owner."""
    require(actor, Permission.ERASE)
    return effect_on(session, the_person(session, email))


def erase_person(session: Session, actor: Actor | None, email: str, basis: str, now: datetime) -> Effect:
    """The operator's owner erases somebody who asked for it."""
    actor = require_person(actor, Permission.ERASE)
    return erase(session, actor, the_person(session, email), basis, now)


def the_person(session: Session, email: str) -> User:
    """Whoever has this address, or this id, as an earlier ``erasure.done`` names it; refused when nobody has."""
    named = or_(col(User.email) == rules.fold_email(email[:254]), col(User.id) == email)
    user = session.exec(select(User).where(named, ~col(User.email).endswith("@" + DOMAIN))).first()
    if user is None:
        text = N_("Nobody has an account under this address.")
        raise refuse("PERSON_UNKNOWN", text, field="email", passes=N_("The address with which the person signs in."))
    return user


def effect_on(session: Session, user: User) -> Effect:
    """Counted, not changed."""
    member_of = select(Membership.org_id).where(Membership.user_id == user.id)
    mine = select(Organisation.name).where(col(Organisation.id).in_(member_of))

    def count(*conditions: ColumnElement[bool]) -> int:
        return session.exec(select(func.count()).where(*conditions)).one()

    return Effect(
        user_id=user.id,
        organisations=tuple(session.exec(mine.order_by(Organisation.name))),
        disclosures=len(disclosures.places_of(session, f"user:{user.id}")),
        keys=count(col(SigningKey.user_id) == user.id, col(SigningKey.revoked_at).is_(None)),
        questions=count(col(QueryRun.user_id) == user.id),
        notes=count(col(Move.user_id) == user.id, col(Move.note) != ""),
    )


def erase(session: Session, actor: Actor | None, user: User, basis: str, now: datetime) -> Effect:
    """What both doors and the operator's command do. ``actor`` None: the person or the machine's operator, unnamed.

    In this order, so that whoever writes about the person at this moment finishes first: texts, then the key (which
    such a writer holds), last the account's row (which the writer's rows point to).
    """
    if basis not in BASES:
        text = N_("Choose on which ground the data is erased.")
        raise refuse("BASIS_UNKNOWN", text, field="basis", basis=LAW, value=basis or None, passes=", ".join(BASES))
    found = [*_needed(session, user, now)]
    if found:
        raise Refused(*found, status=409)
    done = effect_on(session, user)
    _erase_texts(session, user)
    keys.revoke_keys_of(session, user.id, now)
    session.flush()
    places = disclosures.erase(session, f"user:{user.id}")
    session.refresh(user)
    if user.email.endswith("@" + DOMAIN):  # somebody else erased them while we waited for the key
        raise NotFound()
    _erase_account(session, user)
    for details in _details(places, basis):
        audit.record(session, "erasure.done", actor, on=[f"user:{user.id}"], now=now, details=details)
    return done


# --- inside -------------------------------------------------------------------------------------------------------


def _needed(session: Session, user: User, now: datetime) -> Iterator[Refusal]:
    """Why the person cannot go yet: nobody else could act for an organisation that has obligations."""
    owned = select(Organisation).where(
        col(Organisation.id).in_(
            select(Membership.org_id).where(Membership.user_id == user.id, Membership.role == Role.OWNER)
        )
    )
    for org in session.exec(owned.order_by(Organisation.id)).all():
        if members.owners_of(session, org.id) != {user.id}:
            continue
        if org.kind != OrgKind.MEMBER:
            yield Refusal(
                "LAST_OWNER",
                N_("This person is the only owner of %(name)s, without whom the exchange cannot work."),
                value=org.name,
                basis=LAW,
                passes=N_("Make somebody else an owner first, on the page “Members and invitations”."),
                facts={"name": org.name},
            )
        elif count := _running(session, org.id, now):
            yield Refusal(
                "LAST_OWNER_WITH_CONTRACTS",
                N_("This person is the only owner of %(name)s, which has %(count)s contracts that still run."),
                value=org.name,
                basis=LAW,
                passes=N_("Make somebody else an owner first, on the page “Members and invitations”, or end them."),
                facts={"name": org.name, "count": count},
            )


def _running(session: Session, org_id: str, now: datetime) -> int:
    query = select(func.count()).select_from(Contract)
    mine = or_(col(Contract.buyer_org_id) == org_id, col(Contract.provider_org_id) == org_id)
    return session.exec(query.where(mine, col(Contract.ended_at).is_(None), Contract.ends >= today(now))).one()


def _erase_texts(session: Session, user: User) -> None:
    """What the person wrote as themselves. What they declared for their organisation (purposes, reasons, terms) is the
    organisation's, and the other side relies on it."""
    runs = update(QueryRun).where(col(QueryRun.user_id) == user.id)
    session.exec(runs.where(col(QueryRun.sql) != "").values(sql=ERASED))
    session.exec(runs.values(facts={}, answer=None, cache_key=None, signed_receipt=None))
    for run in session.exec(select(QueryRun).where(col(QueryRun.user_id) == user.id)).all():
        run.receipt = {name: value for name, value in run.receipt.items() if name not in GUESSABLE}
        session.add(run)
    notes = update(Move).where(col(Move.user_id) == user.id, col(Move.note) != "")
    session.exec(notes.values(note=ERASED))


def _erase_account(session: Session, user: User) -> None:
    """Every row that lets the person in or names them; the account's own row stays, of nobody."""
    for model in (Membership, SignIn, Token, Code, Notice, MailChoice):  # a mail that waits is its notice's
        session.exec(delete(model).where(col(model.user_id) == user.id))
    session.exec(delete(Invitation).where(col(Invitation.email) == user.email))
    user.email, user.full_name = f"{secrets.token_hex(16)}@{DOMAIN}", ""
    user.password_hash, user.locale = "!", "vi"  # no password has this hash
    session.add(user)
    session.flush()


def _details(places: Sequence[str], basis: str) -> Iterator[dict[str, int | str | bool]]:
    """What the records of one erasure hold: its ground, and every place that has no disclosure any more."""
    parts = [places[first : first + PLACES] for first in range(0, len(places), PLACES)] or [[]]
    for number, part in enumerate(parts, start=1):
        details: dict[str, int | str | bool] = {
            "basis": basis, "disclosures": len(places), "part": number, "parts": len(parts),
        }  # fmt: skip
        for first in range(0, len(part), PLACES_OF_DETAIL):
            details[f"places_{first // PLACES_OF_DETAIL + 1}"] = " ".join(part[first : first + PLACES_OF_DETAIL])
        yield details
