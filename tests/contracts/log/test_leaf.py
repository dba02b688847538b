"""One event: what a leaf holds, and that everything else is refused by name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import canonical
from contracts.errors import LeafError
from contracts.log import events, leaf
from contracts.log.events import EventType

HASH = canonical.sha256_b64url(b"x")
GOOD = {
    "origin": "log.minhbach.example/2026",
    "type": EventType.CONTRACT_ACTIVE,
    "at_ms": 1_790_000_000_000,
    "id": "01JB2C3D4E5F6G7H8J9K0M1N2P",
    "actor": "org:7f3a",
    "on": ["contract:01JB", "listing:flights"],
    "prev": "01JB2C3D4E5F6G7H8J9K0M1N2N",
    "h": {"contract": HASH},
    "d": {"rows": 336_776, "sector": "vận tải", "open": True},
}


def test_a_leaf_reads_back():
    data = leaf.make(**GOOD)
    read = leaf.parse(data)
    assert (read.log, read.type, read.at_ms, read.id) == (GOOD["origin"], GOOD["type"], GOOD["at_ms"], GOOD["id"])
    assert (read.actor, read.on, read.prev) == (GOOD["actor"], tuple(GOOD["on"]), GOOD["prev"])
    assert (read.h, read.d) == (GOOD["h"], GOOD["d"])
    assert json.loads(data)["v"] == 1


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), st.integers(0, 2**50) | st.booleans(), max_size=5
    )
)
def test_details_come_back_as_they_were(details):
    assert leaf.parse(leaf.make(**{**GOOD, "d": details})).d == details


def test_every_type_of_event_can_be_written():
    for event in EventType:
        hashes = {name: HASH for name in events.REQUIRED_HASHES.get(event, ())}
        assert leaf.parse(leaf.make(**{**GOOD, "type": event.value, "h": hashes})).type is event


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "contract.eaten"}, "LEAF_TYPE_UNKNOWN"),
        ({"h": {}}, "LEAF_HASH_MISSING"),
        ({"h": {"contract": "sha-256:short"}}, "LEAF_FIELD_INVALID"),
        ({"h": {"contract": HASH[:-1] + "V"}}, "LEAF_FIELD_INVALID"),  # unused bits set: a second spelling
        ({"h": {"contract": HASH, "Name": HASH}}, "LEAF_FIELD_INVALID"),
        ({"origin": "with space"}, "LEAF_FIELD_INVALID"),
        ({"origin": "with+plus"}, "LEAF_FIELD_INVALID"),
        ({"at_ms": -1}, "LEAF_FIELD_INVALID"),
        ({"at_ms": True}, "LEAF_FIELD_INVALID"),
        ({"at_ms": 1.5}, "LEAF_NOT_CANONICAL"),
        ({"id": "short"}, "LEAF_FIELD_INVALID"),
        ({"actor": "Nguyễn Văn A"}, "LEAF_FIELD_INVALID"),
        ({"actor": "org:someone@example.com"}, "LEAF_FIELD_INVALID"),
        ({"actor": "192.0.2.1"}, "LEAF_FIELD_INVALID"),
        ({"on": []}, "LEAF_FIELD_INVALID"),
        ({"on": ["contract"]}, "LEAF_FIELD_INVALID"),
        ({"on": ["listing:a", "listing:a"]}, "LEAF_FIELD_INVALID"),
        ({"on": [f"listing:{n}" for n in range(17)]}, "LEAF_FIELD_INVALID"),
        ({"prev": "x"}, "LEAF_FIELD_INVALID"),
        ({"d": {"x": None}}, "LEAF_FIELD_INVALID"),
        ({"d": {"x": [1]}}, "LEAF_FIELD_INVALID"),
        ({"d": {"X": 1}}, "LEAF_FIELD_INVALID"),
        ({"d": {"x": "a\nb"}}, "LEAF_FIELD_INVALID"),
        ({"d": {"x": "a\u202eb"}}, "LEAF_FIELD_INVALID"),
        ({"d": {"x": "vâ\u0323n"}}, "LEAF_FIELD_INVALID"),  # not NFC
        ({"d": {"x": "x" * 513}}, "LEAF_FIELD_INVALID"),
        ({"d": {f"x{n}": 1 for n in range(33)}}, "LEAF_FIELD_INVALID"),
        ({"d": {f"x{n}": "đ" * 500 for n in range(20)}}, "LEAF_TOO_LARGE"),
    ],
)
def test_what_the_schema_does_not_know_is_refused(change, code):
    with pytest.raises(LeafError) as caught:
        leaf.make(**{**GOOD, **change})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda value: value | {"extra": 1}, "LEAF_FIELDS"),
        (lambda value: {name: item for name, item in value.items() if name != "d"}, "LEAF_FIELDS"),
        (lambda value: [value], "LEAF_FIELDS"),
        (lambda value: value | {"v": 2}, "LEAF_FIELD_INVALID"),
        (lambda value: value | {"v": True}, "LEAF_FIELD_INVALID"),
        (lambda value: value | {"on": "contract:x"}, "LEAF_FIELD_INVALID"),
        (lambda value: value | {"h": []}, "LEAF_FIELD_INVALID"),
        (lambda value: value | {"d": []}, "LEAF_FIELD_INVALID"),
        (lambda value: value | {"t": 1}, "LEAF_TYPE_UNKNOWN"),
    ],
)
def test_bytes_from_elsewhere_are_held_to_the_same_schema(change, code):
    value = json.loads(leaf.make(**GOOD))
    with pytest.raises(LeafError) as caught:
        leaf.parse(canonical.dumps(change(value)))
    assert caught.value.code == code


def test_another_spelling_of_a_leaf_is_not_that_leaf():
    with pytest.raises(LeafError) as caught:
        leaf.parse(json.dumps(json.loads(leaf.make(**GOOD))).encode())
    assert caught.value.code == "LEAF_NOT_CANONICAL"


def test_the_largest_leaf_is_still_one_when_it_is_linked_and_renamed():
    def make(length):
        details = {f"x{number}": "x" * 512 for number in range(14)} | {"y": "y" * length, "z": "z" * 300}
        return leaf.make(
            origin="log.example", type="query.run", at_ms=0, id="0" * 26, actor="system", on=["query:q"], d=details
        )

    largest = 0
    for length in range(512):
        try:
            largest = len(data := make(length))
        except LeafError:
            break
    assert largest == leaf.MAX_BYTES - leaf.ROOM
    assert leaf.parse(leaf.link(leaf.rename(data, "o" * 200), "p" * 64)).prev == "p" * 64
