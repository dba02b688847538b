"""Programs, codes and tokens: what Authlib's protocol (server.py) rests on, and who a bearer token is."""

from datetime import datetime

from sqlmodel import Session, col, select

from exchange.accounts.models import Organisation, User
from exchange.accounts.service import roles_of, secret_hash
from exchange.oauth.models import Client, Token
from exchange.permissions import Actor, OrgKind, Role


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
