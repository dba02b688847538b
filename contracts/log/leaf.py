"""One event of the market as the bytes of one log leaf: canonical JSON, closed schema.

    {"actor":"org:7f3a","at":1790000000000,"d":{"rows":336776},"h":{"contract":"sha-256:..."},
     "id":"01JZ...","log":"log.minhbach.example/2026","on":["contract:01JZ..."],"prev":"01JZ...",
     "t":"contract.active","v":1}

`log`   origin of the log, so that a leaf cannot be replayed into another one.
`at`    claimed server time, milliseconds since 1970 UTC. Order is the index; proof of time comes from witnesses.
`id`    event id, unique in the log.
`actor` a pseudonym (`org:...`, `member:...`, `key:...`) or `system`; never a name, mail or network address.
`on`    what it is about; the first subject is the story the event belongs to.
`prev`  `id` of the latest earlier event with the same first subject, or null: an event left out breaks its chain.
`h`     digests of high-entropy things: contract payload, signature, listing document, result, policy.
`d`     small public details: integers, booleans, short text.
`_sd`   where there are any: digests of salted disclosures (RFC 9901; disclosure.py), sorted so that their places tell
        nothing; with it `_sd_alg`, which is "sha-256".

The stored bytes are the leaf; they are never re-made in order to check them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from contracts import canonical
from contracts.errors import CanonicalError, LeafError
from contracts.log.events import REQUIRED_HASHES, EventType

VERSION = 1
MAX_BYTES = 8 * 1024  # our limit; C2SP tlog-tiles allows 65,535
ROOM = 64 + 200  # bytes below it that `make` leaves free without `prev`: `link` and `rename` add an id, a longer origin
MAX_SUBJECTS = 16
MAX_DETAILS = 32
MAX_TEXT = 512  # characters of one value in `d`
MAX_DISCLOSURES = 16

Detail = int | str | bool

_TYPES = {event.value: event for event in EventType}
_FIELDS = frozenset({"v", "log", "t", "at", "id", "actor", "on", "prev", "h", "d"})
_WITH_SALTED = _FIELDS | {"_sd", "_sd_alg"}
_ID = re.compile(r"[0-9A-Za-z-]{16,64}")  # ULID, UUID or 128 bits in hexadecimal
_ACTOR = re.compile(r"system|(?:org|member|key):[0-9A-Za-z_-]{1,80}")
_SUBJECT = re.compile(r"[a-z]{2,20}:[0-9A-Za-z._:/-]{1,120}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DIGEST = re.compile(r"sha-256:[0-9A-Za-z_-]{42}[048AEIMQUYcgkosw]")  # 43 characters, unused bits zero
_SALTED = re.compile(r"[0-9A-Za-z_-]{42}[048AEIMQUYcgkosw]")
_ORIGIN = re.compile(r"[!-*,-~]{1,200}")  # C2SP signed-note: no space, no plus


def _several(item: str, most: int) -> str:
    """An expression for one and up to so many, with commas between them."""
    return f"{item}(?:,{item}){{0,{most - 1}}}"


# The leaf that nearly every event has: ASCII, nothing escaped, nothing salted. One expression knows the order of the
# fields and the one spelling of each value; what it matches is canonical JSON, but for names that are out of order.
_VALUE = rf'(?:0|-?[1-9][0-9]{{0,14}}|true|false|"[ !#-\[\]-~]{{0,{MAX_TEXT}}}")'
_DETAILS = _several(f'"{_NAME.pattern}":{_VALUE}', MAX_DETAILS)
_HASHES = _several(f'"{_NAME.pattern}":"{_DIGEST.pattern}"', MAX_DETAILS)
_SUBJECTS = _several(f'"{_SUBJECT.pattern}"', MAX_SUBJECTS)
_ORDINARY = re.compile(
    rf'\{{"actor":"({_ACTOR.pattern})","at":(0|[1-9][0-9]{{0,14}}),"d":\{{((?:{_DETAILS})?)\}},"h":\{{((?:{_HASHES})?)\}},'
    rf'"id":"({_ID.pattern})","log":"([!#-*,-\[\]-~]{{1,200}})","on":\[({_SUBJECTS})\],'
    rf'"prev":(?:null|"({_ID.pattern})"),"t":"([a-z.]+)","v":{VERSION}\}}'
)
_PAIR = re.compile(r'"([a-z0-9_]+)":("[^"]*"|[^,]+)')
_WORDS = {"true": True, "false": False}


class Leaf(NamedTuple):
    """A parsed leaf; the fields as in the module's description."""

    log: str
    type: EventType
    at_ms: int
    id: str
    actor: str
    on: tuple[str, ...]
    prev: str | None
    h: Mapping[str, str]
    d: Mapping[str, Detail]
    sd: tuple[str, ...] = ()


def make(
    *,
    origin: str,
    type: EventType | str,
    at_ms: int,
    id: str,
    actor: str,
    on: Sequence[str],
    prev: str | None = None,
    h: Mapping[str, str] | None = None,
    d: Mapping[str, Detail] | None = None,
    sd: Sequence[str] = (),
) -> bytes:
    """The bytes of one leaf. What `parse` would refuse is refused here; `sd` may come in any order."""
    fields: dict[str, object] = {
        "v": VERSION,
        "log": origin,
        "t": str(type),
        "at": at_ms,
        "id": id,
        "actor": actor,
        "on": list(on),
        "prev": prev,
        "h": dict(h or {}),
        "d": dict(d or {}),
    }
    if sd:
        fields |= {"_sd": sorted(sd), "_sd_alg": "sha-256"}
    data = _write_ordinary(fields) or _write_closely(fields)
    if len(data) > MAX_BYTES:
        raise LeafError("LEAF_TOO_LARGE", bytes=len(data), limit=MAX_BYTES)
    if prev is None and len(data) > MAX_BYTES - ROOM:  # linked, it would be in the tree for ever and parsed by nobody
        raise LeafError("LEAF_TOO_LARGE", bytes=len(data), limit=MAX_BYTES - ROOM)
    return data


def _write_ordinary(fields: Mapping[str, object]) -> bytes | None:
    """The bytes if they read back as an ordinary leaf of these fields; what is in them is then good."""
    try:
        data = canonical.spelt(fields).encode("utf-8")
    except (TypeError, ValueError, RecursionError):
        return None
    read = parse_ordinary(data)
    return data if read and (read.h, read.d) == (fields["h"], fields["d"]) else None  # no name that was not a text


def _write_closely(fields: Mapping[str, object]) -> bytes:
    try:
        data = canonical.dumps(fields)
    except CanonicalError as error:
        raise LeafError("LEAF_NOT_CANONICAL", reason=str(error)) from error
    _read(fields)
    return data


def link(data: bytes, prev: str | None) -> bytes:
    """The leaf that `make` wrote without `prev`, now naming the event before it. The bytes `"prev":null` stand in a
    leaf exactly once: inside a text every quotation mark is escaped, and no detail is null.
    """
    return data if prev is None else data.replace(b'"prev":null', b'"prev":"%b"' % prev.encode("ascii"), 1)


def rename(data: bytes, origin: str) -> bytes:
    """The leaf that `make` wrote for another log, which has not taken it in, now of the log `origin`."""
    renamed = canonical.dumps({**canonical.loads(data), "log": origin})
    parse(renamed)
    return renamed


def parse(data: bytes) -> Leaf:
    """The event of these bytes, or LeafError naming the field that breaks the schema."""
    if len(data) > MAX_BYTES:
        raise LeafError("LEAF_TOO_LARGE", bytes=len(data), limit=MAX_BYTES)
    return parse_ordinary(data) or parse_closely(data)


def parse_ordinary(data: bytes) -> Leaf | None:
    """The event of an ordinary leaf, in a third of the time that the closer look takes; None: it needs that look."""
    found = _ORDINARY.fullmatch(data.decode("latin-1"))  # which gives every byte a character, and only ASCII matches
    if found is None:
        return None
    actor, at, details, hashes, id, log, on, prev, kind = found.groups()
    event, subjects = _TYPES.get(kind), tuple(on[1:-1].split('","'))
    h, d = _in_order(hashes), _in_order(details)
    if event is None or h is None or d is None or len(set(subjects)) != len(subjects):
        return None
    if event in REQUIRED_HASHES and not REQUIRED_HASHES[event] <= h.keys():
        return None
    return Leaf(log, event, int(at), id, actor, subjects, prev, h, d)


def _in_order(text: str) -> dict[str, Any] | None:
    """Names and values inside an object; None when the names do not ascend, or one comes twice."""
    if not text:
        return {}
    found = _PAIR.findall(text)
    value = {name: _value(spelling) for name, spelling in found}
    return value if [name for name, _ in found] == sorted(value) else None


def _value(spelling: str) -> Detail:
    if spelling[0] == '"':
        return spelling[1:-1]
    return _WORDS[spelling] if spelling in _WORDS else int(spelling)


def parse_closely(data: bytes) -> Leaf:
    """Any event, or what is wrong with these bytes."""
    try:
        value = canonical.loads(data)
    except CanonicalError as error:
        raise LeafError("LEAF_NOT_CANONICAL", reason=str(error)) from error
    return _read(value)


def _read(value: object) -> Leaf:
    """The event that these fields state, by the closed schema."""
    if not isinstance(value, dict) or value.keys() not in (_FIELDS, _WITH_SALTED):
        raise LeafError("LEAF_FIELDS", fields=_strange_fields(value))
    if type(value["v"]) is not int or value["v"] != VERSION:
        raise _bad("v", value["v"])
    event = _event_type(value["t"])
    hashes = _hashes(value["h"])
    missing = REQUIRED_HASHES.get(event, frozenset()) - hashes.keys()
    if missing:
        raise LeafError("LEAF_HASH_MISSING", type=event.value, names=" ".join(sorted(missing)))
    return Leaf(
        log=_text("log", value["log"], _ORIGIN),
        type=event,
        at_ms=_time(value["at"]),
        id=_text("id", value["id"], _ID),
        actor=_text("actor", value["actor"], _ACTOR),
        on=_subjects(value["on"]),
        prev=None if value["prev"] is None else _text("prev", value["prev"], _ID),
        h=hashes,
        d=_details(value["d"]),
        sd=_salted(value["_sd"], value["_sd_alg"]) if "_sd" in value else (),
    )


def _event_type(value: object) -> EventType:
    event = _TYPES.get(value) if isinstance(value, str) else None
    if event is None:
        raise LeafError("LEAF_TYPE_UNKNOWN", type=str(value)[:80])
    return event


def _text(field: str, value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _bad(field, value)
    return value


def _time(value: object) -> int:
    if type(value) is not int or value < 0:
        raise _bad("at", value)
    return value


def _subjects(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_SUBJECTS:
        raise _bad("on", value)
    subjects = tuple(_text("on", item, _SUBJECT) for item in value)
    if len(set(subjects)) != len(subjects):
        raise _bad("on", value)
    return subjects


def _hashes(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _bad("h", value)
    return {_text("h", name, _NAME): _text(f"h.{name}", digest, _DIGEST) for name, digest in value.items()}


def _details(value: object) -> dict[str, Detail]:
    if not isinstance(value, dict) or len(value) > MAX_DETAILS:
        raise _bad("d", value)
    return {_text("d", name, _NAME): _detail(name, item) for name, item in value.items()}


def _salted(value: object, algorithm: object) -> tuple[str, ...]:
    if algorithm != "sha-256":
        raise _bad("_sd_alg", algorithm)
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_DISCLOSURES:
        raise _bad("_sd", value)
    digests = tuple(_text("_sd", item, _SALTED) for item in value)
    if list(digests) != sorted(set(digests)):
        raise _bad("_sd", value)
    return digests


def _detail(name: str, item: object) -> Detail:
    if isinstance(item, int):  # and bool
        return item
    if not isinstance(item, str) or len(item) > MAX_TEXT or not _plain(item):
        raise _bad(f"d.{name}", item)
    return item


def _plain(text: str) -> bool:
    """One spelling (NFC) and no control or direction-changing characters, which would deceive a reader."""
    return (text.isascii() and text.isprintable()) or _plain_unicode(text)


def _plain_unicode(text: str) -> bool:
    if unicodedata.normalize("NFC", text) != text:
        return False
    return not any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in text)


def _strange_fields(value: object) -> str:
    if not isinstance(value, dict):
        return type(value).__name__
    return " ".join(sorted(value.keys() ^ _FIELDS))[:200]


def _bad(field: str, value: object) -> LeafError:
    return LeafError("LEAF_FIELD_INVALID", field=field, value=str(value)[:80])
