"""Rules about programs that need no database: redirect addresses, scopes, roles."""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from exchange.errors import N_, Refused, refuse
from exchange.permissions import SCOPES, Actor, Role

# The consent page names the address in its content policy, where ";" would begin another directive.
_NETLOC = re.compile(r"([A-Za-z0-9.-]+|\[::1\])(:[0-9]{1,5})?")
LOOPBACK = frozenset({"127.0.0.1", "::1"})  # RFC 8252 section 7.3; "localhost" may be resolved elsewhere (8.3)


def check_redirect_uri(uri: str) -> str:
    """An address that may be registered: https, or http on the machine itself; no fragment, no credentials."""
    try:
        parts = _split(uri)
    except ValueError:
        raise _bad_redirect(uri) from None
    local = parts.scheme == "http" and parts.hostname in LOOPBACK
    secure = parts.scheme == "https" and bool(parts.hostname)
    if not (local or secure) or parts.fragment or "#" in uri or "@" in parts.netloc or len(uri) > 400:
        raise _bad_redirect(uri)
    return uri


def _split(uri: str) -> SplitResult:
    """The parts of an address in plain printable ASCII; raises ValueError for any other."""
    if not uri.isascii() or not uri.isprintable() or set(uri) & set(' "<>\\^`{|}*'):
        raise ValueError(uri)
    parts = urlsplit(uri)
    if not _NETLOC.fullmatch(parts.netloc):
        raise ValueError(uri)
    _ = parts.port  # raises ValueError when it is no number
    return parts


def _bad_redirect(uri: str) -> Refused:
    return refuse(
        "REDIRECT_URI_REFUSED",
        N_("A redirect address must be an https:// address, or http://127.0.0.1 for a program on one's own machine."),
        field="redirect_uris",
        value=uri,
        passes="https://app.example.vn/callback",
        basis="RFC 9700 section 2.1",
    )


def is_registered(uri: str, registered: Collection[str]) -> bool:
    """Whether ``uri`` is one of the registered addresses: character by character, but for a loopback port."""
    if uri in registered:
        return True
    return (wanted := _without_port(uri)) is not None and wanted in {_without_port(one) for one in registered}


def _without_port(uri: str) -> str | None:
    """A loopback address without its port, which a native program cannot know beforehand (RFC 8252 section 7.3)."""
    try:
        parts = _split(uri)
    except ValueError:
        return None
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or "@" in parts.netloc or "#" in uri:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if parts.netloc not in (host, f"{host}:{parts.port}"):
        return None
    return parts._replace(netloc=host).geturl()


def check_scopes(names: Collection[str]) -> list[str]:
    """The named scopes in their usual order; raises Refused when one does not exist."""
    unknown = sorted(set(names) - set(SCOPES))
    if unknown:
        text = N_("Choose from the scopes that exist.")
        raise refuse("SCOPE_UNKNOWN", text, field="scopes", value=", ".join(unknown), passes=", ".join(SCOPES))
    return [name for name in SCOPES if name in names]


def check_no_more_than(creator: Actor, roles: Collection[Role], scopes: Collection[str]) -> None:
    """Raise Refused when a program would be able to do what its creator may not."""
    program = Actor(None, creator.org_id, creator.kind, frozenset(roles), frozenset(scopes))
    more = sorted(program.permissions - creator.permissions)
    if more:
        text = N_("A program cannot be given rights that you do not have yourself.")
        raise refuse("ROLES_EXCEED_OWN", text, field="roles", value=", ".join(more), status=403)
