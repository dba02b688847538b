"""Actors for tests: ``people.provider()`` is an Actor, ``people.browser(actor)`` a signed-in client."""

import hashlib
import secrets
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from stdnum.vn import mst

from exchange import clock
from exchange.accounts.models import Membership, Organisation, SignIn, User
from exchange.db import Database
from exchange.permissions import Actor, OrgKind, Role


def tax_code(number: int) -> str:
    """A ten-digit Vietnamese tax code with a right check digit, different for each ``number``."""
    front = f"03{number:07d}"
    digit = str(mst.calc_check_digit(front))
    return (
        front + digit if len(digit) == 1 else tax_code((number + 4_000_000) % 10_000_000)
    )  # one front in eleven has no check digit


class People:
    """Makes organisations and people straight in the tables (no use case), and browsers signed in as them."""

    def __init__(self, app: Flask, database: Database) -> None:
        self.app, self.database = app, database
        self._count = 0
        self._known: dict[str, Actor] = {}
        self.make("noise", OrgKind.MEMBER, Role.OWNER)

    def make(self, name: str, kind: OrgKind, *roles: Role) -> Actor:
        """A new person in a new organisation."""
        self._count += 1
        number = int(hashlib.sha256(name.encode()).hexdigest()[:6], 16) % 8_999_999 + self._count
        org = Organisation(
            name=f"Công ty {name}", tax_code=tax_code(number), kind=kind, assurance_level=2, payment_account=True,
            created_at=clock.now(),
        )  # fmt: skip
        user = User(
            email=f"{name}-{number}@example.vn", full_name=f"Nguyễn {name}", password_hash="x", created_at=clock.now()
        )
        with self.database.writing() as session:
            session.add_all([org, user])
            session.flush()
            session.add_all(Membership(user_id=user.id, org_id=org.id, role=role) for role in roles)
            session.commit()
        return Actor(user_id=user.id, org_id=org.id, kind=kind, roles=frozenset(roles), name=user.full_name)

    def _once(self, name: str, kind: OrgKind, *roles: Role) -> Actor:
        if name not in self._known:
            self._known[name] = self.make(name, kind, *roles)
        return self._known[name]

    def provider(self) -> Actor:
        """The owner of the selling organisation."""
        return self._once("provider", OrgKind.MEMBER, Role.OWNER)

    def buyer(self) -> Actor:
        """The owner of the buying organisation."""
        return self._once("buyer", OrgKind.MEMBER, Role.OWNER)

    def stranger(self) -> Actor:
        """The owner of an organisation that has nothing to do with anything."""
        return self._once("stranger", OrgKind.MEMBER, Role.OWNER)

    def operator(self) -> Actor:
        """The exchange's operator."""
        return self._once("operator", OrgKind.OPERATOR, Role.OWNER)

    def regulator(self) -> Actor:
        """An official with the right to audit."""
        return self._once("regulator", OrgKind.REGULATOR, Role.OWNER)

    def browser(self, actor: Actor, lang: str = "vi") -> FlaskClient:
        """A client whose cookie says that ``actor`` has signed in."""
        token = secrets.token_urlsafe(32)
        assert actor.user_id is not None
        with self.database.writing() as session:
            session.add(
                SignIn(
                    token_hash=hashlib.sha256(token.encode()).hexdigest(), user_id=actor.user_id, org_id=actor.org_id,
                    started_at=clock.now(), expires_at=clock.now() + timedelta(hours=12),
                )
            )  # fmt: skip
            session.commit()
        client = self.app.test_client()
        with client.session_transaction() as cookie:
            cookie["sign_in"] = token
            cookie["lang"] = lang
        return client
