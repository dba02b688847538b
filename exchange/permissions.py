"""Who may do what. One table; use cases ask it, doors ask it first so that a stranger learns nothing.

A person acts for one organisation at a time. What they may do follows from that organisation's kind and from
their roles in it. Tokens carry scopes as well: a token may do what its person may do *and* its scopes allow.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from exchange.errors import NotPermitted, NotSignedIn

F = TypeVar("F", bound=Callable[..., object])


class OrgKind(StrEnum):
    """What an organisation is on the exchange (Decree 314/2026 Art. 3-5)."""

    MEMBER = "member"  # bên tham gia: sells, buys, or both
    OPERATOR = "operator"  # tổ chức kinh doanh dịch vụ sàn dữ liệu
    REGULATOR = "regulator"  # cơ quan quản lý


class Role(StrEnum):
    """What a person is inside their organisation."""

    OWNER = "owner"
    PUBLISHER = "publisher"
    SIGNER = "signer"
    ANALYST = "analyst"
    FINANCE = "finance"


class Permission(StrEnum):
    """One verb each. Names appear in URLs' guards, in tests and in docs/rules.md."""

    SIGNED_IN = "signed-in"  # anybody with an account: own profile, own organisation's pages
    PUBLISH = "publish"
    REQUEST = "request"  # ask for access, negotiate as buyer
    NEGOTIATE = "negotiate"  # answer requests as provider
    SIGN = "sign"
    MANAGE_KEYS = "manage-keys"
    MANAGE_CLIENTS = "manage-clients"
    MANAGE_MEMBERS = "manage-members"
    MANAGE_WEBHOOKS = "manage-webhooks"
    QUERY = "query"  # open a test room and run queries
    RECEIVE = "receive"  # download under a contract
    MODERATE = "moderate"
    RUN_TRIAL = "run-trial"  # operator: certificate, enrolment
    AUDIT = "audit"
    AUTHORISE = "authorise"  # competent authority: decide on applications for a trial, extend it, evaluate it
    SUSPEND = "suspend"  # regulator or operator: stop a listing or trial
    ERASE = "erase"  # operator's owner: erase a person who asked for it


_MEMBER = {
    Role.OWNER: frozenset(Permission)
    - {
        Permission.MODERATE,
        Permission.RUN_TRIAL,
        Permission.AUDIT,
        Permission.AUTHORISE,
        Permission.SUSPEND,
        Permission.ERASE,
    },
    Role.PUBLISHER: frozenset({Permission.PUBLISH, Permission.NEGOTIATE}),
    Role.SIGNER: frozenset({Permission.SIGN, Permission.MANAGE_KEYS, Permission.NEGOTIATE, Permission.REQUEST}),
    Role.ANALYST: frozenset({Permission.REQUEST, Permission.QUERY, Permission.RECEIVE}),
    Role.FINANCE: frozenset[Permission](),
}
_STAFF = frozenset({Permission.MANAGE_CLIENTS, Permission.MANAGE_MEMBERS, Permission.MANAGE_WEBHOOKS})
_BY_KIND: dict[OrgKind, dict[Role, frozenset[Permission]]] = {
    OrgKind.MEMBER: _MEMBER,
    OrgKind.OPERATOR: {
        Role.OWNER: _STAFF | {Permission.MODERATE, Permission.RUN_TRIAL, Permission.SUSPEND, Permission.ERASE},
        Role.ANALYST: frozenset({Permission.MODERATE}),
    },
    OrgKind.REGULATOR: {
        Role.OWNER: _STAFF | {Permission.AUDIT, Permission.AUTHORISE, Permission.SUSPEND},
        Role.ANALYST: frozenset({Permission.AUDIT}),
    },
}

# What each OAuth scope lets a token do, at most.
SCOPES: dict[str, frozenset[Permission]] = {
    "catalogue": frozenset({Permission.PUBLISH}),
    "negotiate": frozenset({Permission.REQUEST, Permission.NEGOTIATE}),
    "sign": frozenset({Permission.SIGN, Permission.MANAGE_KEYS}),
    "query": frozenset({Permission.QUERY}),
    "deliver": frozenset({Permission.RECEIVE}),
    "webhooks": frozenset({Permission.MANAGE_WEBHOOKS}),
    "moderate": frozenset({Permission.MODERATE, Permission.RUN_TRIAL, Permission.SUSPEND}),
    "audit": frozenset({Permission.AUDIT}),
    "authority": frozenset({Permission.AUTHORISE, Permission.SUSPEND}),
}


def roles_with(kind: OrgKind, permission: Permission) -> frozenset[Role]:
    """Which roles in an organisation of this kind have the permission."""
    return frozenset(role for role, permissions in _BY_KIND[kind].items() if permission in permissions)


@dataclass(frozen=True)
class Actor:
    """Who acts, for whom, with what: made by identity.py from a session cookie or a bearer token."""

    user_id: str | None  # None: a machine client acting for its organisation (client credentials)
    org_id: str
    kind: OrgKind
    roles: frozenset[Role] = field(default_factory=frozenset)
    scopes: frozenset[str] | None = None  # None: a person at a web page
    client_id: str | None = None
    name: str = ""  # for greeting on pages only; never logged

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything this actor may do."""
        table = _BY_KIND[self.kind]
        mine = frozenset({Permission.SIGNED_IN}).union(*(table.get(role, frozenset()) for role in self.roles))
        if self.scopes is None:
            return mine
        scoped = frozenset({Permission.SIGNED_IN}).union(*(SCOPES.get(s, frozenset()) for s in self.scopes))
        return mine & scoped

    def may(self, permission: Permission) -> bool:
        """Whether ``permission`` is among them."""
        return permission in self.permissions


def require(actor: Actor | None, permission: Permission) -> Actor:
    """Return the actor, or raise NotSignedIn / NotPermitted. The first line of every use case."""
    if actor is None:
        raise NotSignedIn(permission)
    if not actor.may(permission):
        raise NotPermitted(permission)
    return actor


def needs(permission: Permission) -> Callable[[F], F]:
    """Declare on a view which permission its door asks for. An undeclared view keeps the exchange from starting."""

    def mark(view: F) -> F:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def public(view: F) -> F:
    """Declare on a view that a stranger may see it. tests/test_doors.py holds the list of all such views by name."""
    view.permission = None  # type: ignore[attr-defined]
    return view
