"""Strict reading of one JSON value: the right type and shape, or a refusal that names the place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from contracts.errors import ContractsError


class DocumentError(ContractsError):
    """The bytes are not a contract of ours, or the contract cannot be built from these parts."""


def keys(value: object, names: Sequence[str], path: str) -> dict[str, Any]:
    """An object with exactly these members."""
    if not isinstance(value, dict):
        raise DocumentError("DOCUMENT_NOT_OBJECT", path=path or "/")
    for name in value:
        if name not in names:
            raise DocumentError("DOCUMENT_FIELD_UNKNOWN", path=f"{path}/{name}".lstrip("/"))
    for name in names:
        if name not in value:
            raise DocumentError("DOCUMENT_FIELD_MISSING", path=f"{path}/{name}".lstrip("/"))
    return value


def items(value: object, path: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise DocumentError("DOCUMENT_VALUE_REFUSED", path=path, value=str(value)[:80], passes="list")
    return value


def text(value: object, path: str) -> str:
    """Text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise DocumentError("DOCUMENT_VALUE_REFUSED", path=path, value=str(value)[:80], passes="text")
    return value


def match(value: object, pattern: re.Pattern[str], path: str) -> str:
    """Text of this form."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise DocumentError("DOCUMENT_VALUE_REFUSED", path=path, value=str(value)[:80], passes=pattern.pattern)
    return value


def count(value: object, path: str, least: int = 0) -> int:
    """A whole number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise DocumentError("DOCUMENT_VALUE_REFUSED", path=path, value=str(value)[:80], passes=least)
    return value
