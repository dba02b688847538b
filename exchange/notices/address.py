"""Where a webhook may point: a public address, asked over HTTPS.

Whoever adds a webhook chooses where this server connects to. So the name is resolved here, every address that it leads
to must be one of the public internet, and the connection goes to the very address that was looked at: a name that
answers differently the second time gains nothing. No redirect is followed.
"""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from exchange.errors import N_, ExchangeError, Refused, refuse

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
MAX_URL = 400
# Ways to write an IPv4 address as an IPv6 one that a translator on the way understands (RFC 6052; RFC 8215).
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressForbidden(ExchangeError):
    """The name leads to an address that is not of the public internet."""


def check(url: str, *, local: bool) -> SplitResult:
    """The parts of an address that may be registered; raises Refused. The network is not asked.

    ``local``: outside production, plain HTTP to this very machine is taken too.
    """
    try:
        parts = _split(url)
    except ValueError:
        raise _bad(url) from None
    plain = local and parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or plain):
        raise _bad(url)
    try:
        literal = ipaddress.ip_address(str(parts.hostname))
    except ValueError:
        return parts
    if not (is_public(literal) or (local and literal.is_loopback)):
        raise _bad(url)
    return parts


def resolve(host: str, port: int, *, local: bool) -> str:
    """The address to connect to. Raises AddressForbidden when one of the name's addresses is no public one, OSError
    when there is none."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    check_addresses(found, local=local)
    return found[0]


def check_addresses(addresses: Iterable[str], *, local: bool) -> None:
    """Raise AddressForbidden unless all are public, or of this machine where that is allowed."""
    for text in addresses:
        ip = ipaddress.ip_address(text.partition("%")[0])  # a zone marks a link-local address
        if not (is_public(ip) or (local and ip.is_loopback)):
            raise AddressForbidden(text)


def is_public(ip: IP) -> bool:
    """Whether it is a unicast address of the public internet (IANA's special-purpose registries), however written."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None or any(ip in network for network in _TRANSLATED):
            return False  # nobody needs these; what they lead to depends on the network
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\^`{|}'):
        raise ValueError(url)
    parts = urlsplit(url)
    if not parts.hostname or "@" in parts.netloc or parts.fragment or "#" in url or parts.port == 0:
        raise ValueError(url)
    return parts


def _bad(url: str) -> Refused:
    return refuse(
        "WEBHOOK_URL_REFUSED",
        N_("A webhook's address must begin with https:// and lead to a server of the public internet."),
        field="url",
        value=url,
        passes="https://hooks.example.vn/minhbach",
    )
