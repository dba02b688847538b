"""A market whose people are told, a mail server that takes their mails, a receiver of webhooks."""

from collections.abc import Callable

import pytest
from sqlmodel import select

from exchange.accounts.models import Membership, User
from exchange.db import Database
from exchange.notices.models import Notice
from exchange.permissions import Actor, Role
from tests.exchange.negotiations.conftest import market, no_csrf  # noqa: F401 - fixtures

Colleague = Callable[..., Actor]
Told = Callable[..., list[Notice]]


@pytest.fixture
def colleague(database: Database) -> Colleague:
    """Another person in somebody's organisation, with these roles."""

    def make(of: Actor, *roles: Role, email: str = "") -> Actor:
        with database.writing() as session:
            count = len(session.exec(select(User.id)).all())
            user = User(
                email=email or f"dong-nghiep-{count}@example.vn", full_name=f"Lê {count}", password_hash="!",
                created_at=session.get_one(User, of.user_id).created_at,
            )  # fmt: skip
            session.add(user)
            session.flush()
            session.add_all(Membership(user_id=user.id, org_id=of.org_id, role=role) for role in roles)
            session.commit()
        return Actor(user_id=user.id, org_id=of.org_id, kind=of.kind, roles=frozenset(roles), name=user.full_name)

    return make


@pytest.fixture
def told(database: Database) -> Told:
    """The notices of somebody, oldest first; of everybody when nobody is named."""

    def find(who: Actor | None = None) -> list[Notice]:
        query = select(Notice).order_by(Notice.id)
        if who is not None:
            query = query.where(Notice.user_id == who.user_id, Notice.org_id == who.org_id)
        with database.reading() as session:
            return list(session.exec(query))

    return find
