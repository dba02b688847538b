"""Values out of a policy's JSON, each of the kind it must be; anything else refuses the whole policy.

``where`` is the path of the section, with its dot, so that a refusal names the key.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.denials import PolicyRefused

LARGEST = 10**12


def document(text: str) -> Any:
    """JSON in which no key stands twice and every number is finite. A reader that takes the last of two keys obeys
    something else than a person who has read the first. Raises ValueError, or PolicyRefused with the key."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=_finite, parse_float=_finite)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise PolicyRefused("POLICY_INVALID", key=key)
        found[key] = value
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def subset(entry: Mapping[str, Any], key: str, known: frozenset[str], where: str) -> frozenset[str]:
    """A list of words of a closed set; absent, null and false are the empty one."""
    value = entry.get(key)
    if value is None or value is False:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value) or not known.issuperset(value):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return frozenset(value)


def closed(section: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    """No key that nobody knows."""
    if not isinstance(section, Mapping):
        raise PolicyRefused("POLICY_INVALID", key=where or "(document)")
    for key in section:
        if key not in known:
            raise PolicyRefused("POLICY_UNKNOWN_KEY", key=f"{where}{key}")


def mapping(section: Mapping[str, Any], key: str, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """A section."""
    value = section.get(key, default)
    if not isinstance(value, Mapping):
        raise PolicyRefused("POLICY_INVALID", key=key)
    return value


def text(section: Mapping[str, Any], key: str, default: str | None = None, where: str = "") -> str:
    """A text, which may be empty."""
    value = section.get(key, default)
    if not isinstance(value, str):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return value


def texts(section: Mapping[str, Any], key: str, where: str = "") -> tuple[str, ...]:
    """A list of texts; absent is the empty one."""
    value = section.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return tuple(value)


def one_of(
    section: Mapping[str, Any], key: str, known: tuple[str, ...], default: str | None = None, where: str = ""
) -> str:
    """One word of a closed list."""
    value = text(section, key, default, where)
    if value not in known:
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return value


def flag(section: Mapping[str, Any], key: str, default: bool, where: str = "") -> bool:
    """True or false, nothing that merely counts as either."""
    value = section.get(key, default)
    if not isinstance(value, bool):
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return value


def number(section: Mapping[str, Any], key: str, default: int, least: int, where: str = "") -> int:
    """A whole number of at least ``least``, and of no size that only a mistake has."""
    value = section.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
        raise PolicyRefused("POLICY_INVALID", key=f"{where}{key}")
    return value


def real(value: object, key: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PolicyRefused("POLICY_INVALID", key=key)
    try:
        found = float(value)
    except OverflowError as error:
        raise PolicyRefused("POLICY_INVALID", key=key) from error
    if not math.isfinite(found):
        raise PolicyRefused("POLICY_INVALID", key=key)
    return found


def moment(text: str, key: str) -> datetime:
    """An ISO 8601 moment with its time zone."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise PolicyRefused("POLICY_INVALID", key=key)
        return found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise PolicyRefused("POLICY_INVALID", key=key) from error
