"""A value beside the log: the leaf holds only the digest of a salted disclosure (RFC 9901 section 4.2).

    WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0  =  ["_26bc…","family_name","Möbius"]

With 128 random bits in it the digest tells nothing of the value, however short the value is; whoever is handed the
disclosure can check that the leaf meant it. Once every copy is destroyed the digest means nothing to anybody, and each
proof over the leaf still holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass

from contracts import canonical
from contracts.errors import ContractsError, DisclosureError
from contracts.keys import decode
from contracts.log.leaf import Detail

ALGORITHM = "sha-256"  # `_sd_alg`; IANA "Named Information Hash Algorithm"
SALT_BYTES = 16  # RFC 9901 section 9.3 recommends 128 bits
MAX_CHARACTERS = 16 * 1024  # of one disclosure; a limit of ours
_RESERVED = ("_sd", "...")  # RFC 9901 section 4.2.1


@dataclass(frozen=True)
class Disclosure:
    """What a disclosure says. `salt` as its text stands: RFC 9901 does not prescribe how it is spelled."""

    salt: str
    name: str
    value: Detail


def make(name: str, value: Detail, salt: bytes) -> str:
    """Base64url of the canonical JSON array [salt, name, value] (RFC 9901 section 4.2.1). The caller has random bits;
    a salt is used once."""
    if len(salt) < SALT_BYTES:
        raise DisclosureError("DISCLOSURE_SALT_SHORT", bytes=len(salt), least=SALT_BYTES)
    text = canonical.b64url(canonical.dumps([canonical.b64url(salt), name, value]))
    parse(text)
    return text


def digest(text: str) -> str:
    """What a leaf's `_sd` holds: base64url of SHA-256 over the ASCII text as it stands (RFC 9901 section 4.2.3)."""
    return canonical.b64url(hashlib.sha256(text.encode("ascii", "replace")).digest())


def parse(text: str) -> Disclosure:
    """The parts of a disclosure, however its JSON is spaced; raises DisclosureError for anything else."""
    if len(text) > MAX_CHARACTERS:
        raise DisclosureError("DISCLOSURE_TOO_LONG", characters=len(text), limit=MAX_CHARACTERS)
    try:
        parts = json.loads(decode(text, "disclosure").decode("utf-8"))
        canonical.dumps(parts)  # no number or text in it that other readers would read differently
    except (ContractsError, ValueError, RecursionError) as error:
        raise DisclosureError("DISCLOSURE_MALFORMED", reason=type(error).__name__) from None
    if not isinstance(parts, list) or len(parts) != 3:
        raise DisclosureError("DISCLOSURE_MALFORMED", reason="array")
    salt, name, value = parts
    if not isinstance(salt, str) or not isinstance(name, str) or not name or name in _RESERVED:
        raise DisclosureError("DISCLOSURE_MALFORMED", reason="name")
    if not isinstance(value, str | int):
        raise DisclosureError("DISCLOSURE_MALFORMED", reason="value")
    return Disclosure(salt, name, value)


def check(text: str, digests: Collection[str]) -> Disclosure:
    """What the disclosure says, if one of `digests` (a leaf's `sd`) is its own; raises DisclosureError otherwise."""
    found = parse(text)
    if digest(text) not in digests:
        raise DisclosureError("DISCLOSURE_UNKNOWN", digest=digest(text))
    return found
