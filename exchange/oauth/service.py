"""Programs, codes and tokens: what Authlib's protocol (server.py) rests on, and who a bearer token is."""

import hmac
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Session, col, select, update

from exchange import audit
from exchange.accounts.models import Organisation, User
from exchange.accounts.rules import check_name, check_roles
from exchange.accounts.service import new_secret, require_person, roles_of, secret_hash
from exchange.errors import N_, NotFound, refuse
from exchange.oauth import rules
from exchange.oauth.models import Client, Code, Flow, Token
from exchange.permissions import Actor, OrgKind, Permission, Role

CODE_LENGTH = timedelta(seconds=60)
TOKEN_LENGTH = timedelta(hours=1)


# --- who is there -------------------------------------------------------------------------------------------------


def actor_of_token(session: Session, token: str, now: datetime) -> Actor | None:
    """Whoever this access token speaks for; None once it is expired or revoked, its client revoked, its person no
    longer a member, or an organisation behind it suspended. All of it is read afresh at every request.
    """
    row = session.exec(
        select(Token, Client, Organisation)
        .join(Client, col(Client.id) == col(Token.client_id))
        .join(Organisation, col(Organisation.id) == col(Token.org_id))
        .where(Token.token_hash == secret_hash(token))
    ).first()
    if row is None:
        return None
    held, client, org = row
    if held.revoked_at or held.expires_at <= now or client.revoked_at or org.standing != "active":
        return None
    if client.org_id != org.id and not _is_active(session, client.org_id):
        return None
    roles = _roles(session, held, client)
    if not roles:
        return None
    user = session.get(User, held.user_id) if held.user_id else None
    return Actor(
        user_id=held.user_id,
        org_id=org.id,
        kind=OrgKind(org.kind),
        roles=roles,
        scopes=frozenset(held.scope.split()),
        client_id=client.id,
        name=user.full_name if user else client.name,
    )


def _is_active(session: Session, org_id: str) -> bool:
    org = session.get(Organisation, org_id)
    return org is not None and org.standing == "active"


def _roles(session: Session, token: Token, client: Client) -> frozenset[Role]:
    if token.user_id is not None:
        return roles_of(session, token.user_id, token.org_id)
    return frozenset(Role(role) for role in client.roles)


# --- programs -----------------------------------------------------------------------------------------------------


def create_client(
    session: Session,
    actor: Actor | None,
    *,
    name: str,
    flow: str,
    scopes: Collection[str],
    now: datetime,
    redirect_uris: Collection[str] = (),
    roles: Collection[str] = (),
    confidential: bool = True,
) -> tuple[Client, str | None]:
    """Register a program of the actor's organisation; its secret is returned here and kept nowhere.

    A machine client acts for the organisation with ``roles``; a person client acts for whoever consents, and comes
    back to one of ``redirect_uris``. Without ``confidential`` it has no secret (a native or browser program).
    """
    actor = require_person(actor, Permission.MANAGE_CLIENTS)
    if flow not in list(Flow):
        raise refuse("FLOW_UNKNOWN", N_("Choose for whom the program acts."), field="flow", value=flow)
    machine = flow == Flow.MACHINE
    known = rules.check_scopes(scopes)
    given = check_roles(actor.kind, roles) if machine else []
    rules.check_no_more_than(actor, given, known)
    addresses = [] if machine else [rules.check_redirect_uri(uri) for uri in redirect_uris]
    if not machine and not 1 <= len(addresses) <= 10:
        text = N_("Give the address, or up to ten, to which people come back.")
        raise refuse("REDIRECT_URI_MISSING", text, field="redirect_uris", passes="https://app.example.vn/callback")
    secret = new_secret() if machine or confidential else None
    client = Client(
        org_id=actor.org_id,
        created_by=str(actor.user_id),
        name=check_name(name, "name"),
        flow=Flow(flow),
        secret_hash=secret_hash(secret) if secret else None,
        redirect_uris=addresses,
        scopes=known,
        roles=[str(role) for role in given],
        created_at=now,
    )
    session.add(client)
    session.flush()
    _record(session, actor, "client-created", client, now)
    return client, secret


def clients_of(session: Session, org_id: str) -> list[Client]:
    """The organisation's programs, newest first, revoked ones included."""
    query = select(Client).where(Client.org_id == org_id)
    return list(session.exec(query.order_by(col(Client.created_at).desc(), col(Client.id).desc())))


def revoke_client(session: Session, actor: Actor | None, client_id: str, now: datetime) -> Client:
    """The program and every token it holds are out at once."""
    actor = require_person(actor, Permission.MANAGE_CLIENTS)
    client = session.get(Client, client_id)
    if client is None or client.org_id != actor.org_id:
        raise NotFound()
    if client.revoked_at is None:
        client.revoked_at = now
        _record(session, actor, "client-revoked", client, now)
    return client


def active_client(session: Session, client_id: str) -> Client | None:
    """The program, if it may still ask for tokens."""
    client = session.get(Client, client_id)
    if client is None or client.revoked_at is not None or not _is_active(session, client.org_id):
        return None
    return client


def has_secret(client: Client, secret: str) -> bool:
    """Whether this is the client's secret (Authlib asks for a truth value)."""
    return client.secret_hash is not None and hmac.compare_digest(client.secret_hash, secret_hash(secret))


def programs_of(session: Session, actor: Actor, now: datetime) -> list[tuple[Client, Organisation]]:
    """The programs that hold a live token to act as this person, with the organisations they belong to."""
    live = select(Token.client_id).where(Token.user_id == actor.user_id, col(Token.revoked_at).is_(None))
    query = select(Client, Organisation).join(Organisation, col(Organisation.id) == col(Client.org_id))
    query = query.where(col(Client.id).in_(live.where(col(Token.expires_at) > now)), col(Client.revoked_at).is_(None))
    return list(session.exec(query.order_by(Client.name, Client.id)))


def end_program(session: Session, actor: Actor | None, client_id: str, now: datetime) -> None:
    """Take back every token by which this program acts as this person, and the codes it has not used yet."""
    actor = require_person(actor)
    mine = update(Token).where(col(Token.user_id) == actor.user_id, col(Token.client_id) == client_id)
    session.exec(mine.where(col(Token.revoked_at).is_(None)).values(revoked_at=now))
    codes = update(Code).where(col(Code.user_id) == actor.user_id, col(Code.client_id) == client_id)
    session.exec(codes.where(col(Code.used_at).is_(None)).values(used_at=now))


# --- codes and tokens ---------------------------------------------------------------------------------------------


def issue_code(
    session: Session, actor: Actor | None, client: Client, *, redirect_uri: str, scope: str, challenge: str, code: str,
    now: datetime,
) -> None:  # fmt: skip
    """Remember that this person lets this program act for them. Only a person at a page can: see require_person."""
    actor = require_person(actor)
    row = Code(
        code_hash=secret_hash(code), client_id=client.id, user_id=str(actor.user_id), org_id=actor.org_id,
        redirect_uri=redirect_uri, scope=scope, challenge=challenge, issued_at=now, expires_at=now + CODE_LENGTH,
    )  # fmt: skip
    session.add(row)


def find_code(session: Session, client_id: str, code: str, now: datetime) -> Code | None:
    """The client's own unexpired code. A code that comes a second time was stolen, from one side or the other: what
    was issued for it is revoked (RFC 6749 section 4.1.2).
    """
    row = session.get(Code, secret_hash(code))
    if row is None or row.client_id != client_id:
        return None
    if row.used_at is not None:
        _revoke_tokens_of(session, row, now)
        return None
    return row if row.expires_at > now else None


def spend_code(session: Session, row: Code, now: datetime) -> bool:
    """Use the code up; False when another request has just done so. Of two that race, the database lets one win."""
    unused = update(Code).where(col(Code.code_hash) == row.code_hash, col(Code.used_at).is_(None))
    if session.exec(unused.values(used_at=now)).rowcount == 1:
        return True
    _revoke_tokens_of(session, row, now)
    return False


def _revoke_tokens_of(session: Session, row: Code, now: datetime) -> None:
    tokens = update(Token).where(col(Token.code_hash) == row.code_hash, col(Token.revoked_at).is_(None))
    session.exec(tokens.values(revoked_at=now))


def issue_token(session: Session, client: Client, token: str, scope: str, code: Code | None, now: datetime) -> None:
    """Keep the hash of a new access token: for the person behind ``code``, or for the client's organisation."""
    row = Token(
        token_hash=secret_hash(token),
        client_id=client.id,
        user_id=code.user_id if code else None,
        org_id=code.org_id if code else client.org_id,
        scope=scope,
        code_hash=code.code_hash if code else None,
        issued_at=now,
        expires_at=now + TOKEN_LENGTH,
    )
    session.add(row)
    session.flush()


def find_token(session: Session, token: str) -> Token | None:
    """The row of an access token, live or not."""
    return session.exec(select(Token).where(Token.token_hash == secret_hash(token))).first()


def _record(session: Session, actor: Actor, change: str, client: Client, now: datetime) -> None:
    details: dict[str, int | str | bool] = {
        "change": change,
        "client": client.id,
        "flow": str(client.flow),
        "scopes": " ".join(client.scopes),
        "roles": " ".join(client.roles),
    }
    audit.record(session, "account.changed", actor, on=[f"org:{actor.org_id}"], now=now, details=details)
