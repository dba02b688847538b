"""Passwords: argon2id (RFC 9106, the library's second recommended setting), and the same work for a stranger."""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()


class WrongPassword(Exception):
    """The password does not belong to this account, or there is no such account: nobody is told which."""


def hash_password(password: str) -> str:
    """What is stored of a password."""
    return _HASHER.hash(_normal(password))


def check_password(password: str, stored: str | None) -> None:
    """Raise WrongPassword unless it fits. ``stored`` None (no such account) costs as much time as a wrong password."""
    try:
        _HASHER.verify(stored or _nobodys(), _normal(password))
    except (VerificationError, InvalidHashError):
        raise WrongPassword from None
    if stored is None:
        raise WrongPassword


def _normal(password: str) -> str:
    """One spelling of one password, whichever keyboard typed the Vietnamese in it."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    return _HASHER.hash("no account has this password")
