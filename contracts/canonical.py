"""Canonical JSON: one value, one spelling, so that a hash or a signature means one thing.

RFC 8785 (JSON Canonicalization Scheme), narrowed: no floats at all, integers strictly between -2^53 and 2^53,
text without lone surrogates, object keys that are strings. `loads` accepts exactly what `dumps` writes.
Stored bytes are never re-made in order to check them: parse, then hash what was stored.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import rfc8785

from contracts.errors import CanonicalError

MAX_DEPTH = 32  # a contract nests 5 deep; the limit keeps hostile input off the interpreter's stack
_BEYOND = bytes(range(0xED, 0x100))  # first bytes of what lies beyond U+CFFF; between it and U+D7FF there is no harm
_INT_LIMIT = 2**53  # RFC 8785 section 3.2.2.3 with I-JSON (RFC 7493 section 2.2): exact in every reader


def dumps(value: object) -> bytes:
    """The canonical bytes of a value made of None, bool, int, str, list, tuple and dict."""
    _check(value, "", 0)
    data = _ENCODER.encode(value).encode("utf-8")
    if _writers_agree(data):  # the faster one's text will do
        return data
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # _check has narrowed it


def spelt(value: object) -> str:
    """The text of a value whose types are known to be right, unchecked: one spelling per value, so that true is not
    taken for 1. Keys beyond U+D7FF may stand in another order than RFC 8785 gives them."""
    return _ENCODER.encode(value)


def loads(data: bytes) -> Any:
    """The value of canonical bytes; any other spelling of it is refused, as is a duplicate key or a float."""
    quick = _read_quickly(data)
    return _read_closely(data) if quick is _NOT_PLAIN else quick


def _read_quickly(data: bytes) -> Any:
    """The value of bytes that are plainly canonical, or _NOT_PLAIN: look closer, there may be something to refuse.

    What the C reader and the C writer turn into the very same text holds no duplicate key, no escape that is not
    needed and no half of a character; floats and long numbers stop the reader, deep nesting is left to the closer look.
    """
    try:
        text = data.decode("utf-8")
        if not _writers_agree(data):
            return _NOT_PLAIN
        value = _QUICK_DECODER.decode(text)
    except (ValueError, RecursionError, CanonicalError):
        return _NOT_PLAIN
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_deep(value):
        return _NOT_PLAIN
    return value if _ENCODER.encode(value) == text else _NOT_PLAIN


def _writers_agree(data: bytes) -> bool:
    """Whether RFC 8785 and Python's own writer spell the value of these UTF-8 bytes alike (tested): they differ only in
    how they order keys beyond U+D7FF, the one by UTF-16 units, the other by characters."""
    return data.isascii() or len(data.translate(None, _BEYOND)) == len(data)


def _is_deep(value: object) -> bool:
    """Whether anything lies deeper than MAX_DEPTH; only containers are followed, a level at a time."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        insides = [each.values() if type(each) is dict else each for each in level]
        level = [item for inside in insides for item in inside if type(item) is dict or type(item) is list]
    return any(level)


def _read_closely(data: bytes) -> Any:
    """The value, or a refusal that says which rule is broken and where."""
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CanonicalError("NOT_UTF8", at=error.start) from None
    except json.JSONDecodeError as error:
        raise CanonicalError("NOT_JSON", at=error.pos) from None
    except RecursionError:
        raise CanonicalError("TOO_DEEP", limit=MAX_DEPTH) from None
    except ValueError:  # int() refuses numbers of thousands of digits
        raise CanonicalError("INTEGER_TOO_LARGE", path="") from None
    canonical = dumps(value)
    if canonical != data:
        raise CanonicalError("NOT_CANONICAL", at=_first_difference(canonical, data))
    return value


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def sha256_b64url(data: bytes) -> str:
    """The digest as leaves and contracts name it: `sha-256:` and 43 characters of base64url."""
    return "sha-256:" + b64url(hashlib.sha256(data).digest())


def digest(value: object) -> str:
    """The digest of a value's canonical bytes; of a signature entry it is the `h.signature` of `contract.signed`."""
    return sha256_b64url(dumps(value))


def _check(value: object, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise CanonicalError("TOO_DEEP", limit=MAX_DEPTH)
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise CanonicalError("KEY_NOT_TEXT", path=path)
            _check_text(key, path)
            _check(item, f"{path}/{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            _check(item, f"{path}/{position}", depth + 1)
    else:
        _check_scalar(value, path)


def _check_scalar(value: object, path: str) -> None:
    if value is not None and not isinstance(value, int):  # bool is an int
        raise CanonicalError("TYPE_REFUSED", path=path, type=type(value).__name__)
    if isinstance(value, int) and not -_INT_LIMIT < value < _INT_LIMIT:
        raise CanonicalError("INTEGER_TOO_LARGE", path=path)


def _check_text(text: str, path: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise CanonicalError("LONE_SURROGATE", path=path) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise CanonicalError("DUPLICATE_KEY", key=next(name for name in names if names.count(name) > 1))
    return result


def _refuse_number(spelling: str) -> Any:
    raise CanonicalError("FLOAT_REFUSED", number=spelling[:40])


def _short_integer(spelling: str) -> int:
    if len(spelling) > 15:  # 2^53 has 16 digits
        raise CanonicalError("INTEGER_TOO_LARGE", path="")
    return int(spelling)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)
_DECODER = json.JSONDecoder(parse_float=_refuse_number, parse_constant=_refuse_number, object_pairs_hook=_object)
_QUICK_DECODER = json.JSONDecoder(parse_float=_refuse_number, parse_constant=_refuse_number, parse_int=_short_integer)
_NOT_PLAIN = object()


def _first_difference(one: bytes, other: bytes) -> int:
    for position, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return position
    return min(len(one), len(other))
