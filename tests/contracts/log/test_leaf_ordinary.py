"""The quick look at a leaf says what the closer one says, or nothing: on good leaves, and on whatever is near one. The
checker in one file, which reads leaves in its own way, takes the same ones."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts import canonical, verify
from contracts.errors import LeafError
from contracts.log import events, leaf

HASH = canonical.sha256_b64url(b"x")
PLAIN = {
    "origin": "log.example/2026", "type": "query.run", "at_ms": 1_790_000_000_000, "id": "01JB2C3D4E5F6G7H8J9K0M1N2P",
    "actor": "org:7f3a", "on": ["room:r1", "listing:flights"], "prev": "01JB2C3D4E5F6G7H8J9K0M1N2N",
    "h": {"policy": HASH, "result": HASH}, "d": {"open": True, "rows": 336_776, "sector": "transport, [air]"},
}  # fmt: skip
DATA = leaf.make(**PLAIN)
often = settings(max_examples=300, deadline=None)


def closely(data):
    try:
        return leaf.parse_closely(data)
    except LeafError:
        return None


def taken_by_the_one_file(data):
    try:
        return bool(verify.read_leaf(data, 0))
    except (verify.Fail, *verify.MALFORMED):
        return False


def agree(data):
    """Whether the quick look took these bytes; it never takes what the closer one refuses, nor reads it otherwise."""
    quick, close = leaf.parse_ordinary(data), closely(data)
    assert quick is None or repr(quick) == repr(close)  # repr: true is not 1
    assert taken_by_the_one_file(data) == (close is not None)
    return quick is not None


names = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True)
digests = st.binary().map(canonical.sha256_b64url)
ids = st.from_regex(r"[0-9A-Za-z-]{16,64}", fullmatch=True)
subjects = st.from_regex(r"[a-z]{2,20}:[0-9A-Za-z._:/-]{1,120}", fullmatch=True)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=40)
whole = st.integers(-(10**15) + 1, 10**15 - 1)
leaves = st.fixed_dictionaries(
    {
        "origin": st.from_regex(r"[!#-*,-\[\]-~]{1,200}", fullmatch=True),
        "type": st.sampled_from(events.EventType),
        "at_ms": st.integers(0, 10**15 - 1),
        "id": ids,
        "actor": st.just("system") | st.from_regex(r"(org|member|key):[0-9A-Za-z_-]{1,80}", fullmatch=True),
        "on": st.lists(subjects, min_size=1, max_size=5, unique=True),
        "prev": st.none() | ids,
        "h": st.dictionaries(names, digests, max_size=3),
        "d": st.dictionaries(names, whole | st.booleans() | texts, max_size=6),
    }
)


@often
@given(leaves)
def test_an_ordinary_leaf_is_read_quickly_and_rightly(fields):
    required = {name: HASH for name in events.REQUIRED_HASHES.get(fields["type"], ())}
    data = leaf.make(**{**fields, "h": fields["h"] | required})
    assert agree(data)
    assert leaf.parse(data) == leaf.parse_closely(data)


@given(leaves, st.text(max_size=20), st.integers(-(2**53) + 1, 2**53 - 1))
def test_any_other_good_leaf_is_read_alike(fields, text, number):
    fields["d"] |= {"text": text, "number": number}
    try:
        data = leaf.make(**fields)
    except LeafError:
        return
    agree(data)
    assert leaf.parse(data) == leaf.parse_closely(data)


SCRAPS = [*(bytes([code]) for code in range(256)), b'\\"', b"\\u0041", b"\xc3\xa9", b'"a":1,', b"null", b"01", b"-0"]


@often
@given(leaves, st.data())
def test_what_is_near_a_leaf_is_never_read_otherwise_than_closely(fields, data):
    fields["type"] = "query.run"
    changed = leaf.make(**fields)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed)))
        stop = data.draw(st.integers(at, min(at + 12, len(changed))))
        put = data.draw(st.sampled_from(SCRAPS) | st.just(changed[at:stop] * 2) | st.just(b""))
        changed = changed[:at] + put + changed[stop:]
    agree(changed)


@often
@given(st.integers(0, len(DATA)), st.sampled_from(SCRAPS), st.integers(0, 2))
@example(DATA.index(b"336776"), b"0", 0)
@example(DATA.index(b"336776"), b"-0", 6)
def test_a_changed_place_is_never_read_otherwise_than_closely(at, put, gone):
    agree(DATA[:at] + put + DATA[at + gone :])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"open":true,"rows":336776', b'"rows":336776,"open":true'),  # names out of order
        (b'"open":true', b'"open":true,"open":true'),  # one twice
        (b'"open":true', b'"open":false,"open":true'),
        (b"336776", b"0336776"),
        (b"336776", b"-0"),
        (b"336776", b"1e3"),
        (b"336776", b"1.0"),
        (b"336776", b"9007199254740993"),
        (b"336776", b"null"),
        (b"336776", b"[1]"),
        (b"336776", b'"\x7f"'),
        (b"336776", "\uff11".encode()),  # a digit, but not ours
        (b"transport", b"tr\\u0061nsport"),
        (b"transport", "va\u0302n".encode()),  # not NFC
        (b"transport", b"t" * 513),
        (b'"listing:flights"', b'"room:r1"'),  # a subject twice
        (b'"listing:flights"', b",".join(b'"listing:%d"' % n for n in range(16))),
        (b'["room:r1","listing:flights"]', b"[]"),
        (b"query.run", b"contract.agreed"),  # which needs a digest that is not here
        (b"query.run", b"query.walk"),
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":true'),
        (b'"v":1}', b'"v":1}\n'),
        (b'{"actor"', b'{"_sd":[],"_sd_alg":"sha-256","actor"'),
        (b"log.example", b"log+example"),
        (HASH.encode(), HASH[:-1].encode() + b"V"),  # unused bits
        (b"org:7f3a", b"org:"),
        (b"1790000000000", b"-1"),
        (b"1790000000000", b"01"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_both(old, new):
    changed = DATA.replace(old, new, 1)
    assert changed != DATA
    assert not agree(changed)
    with pytest.raises(LeafError):
        leaf.parse(changed)


def test_one_detail_too_many_is_refused_by_both():
    fields = json.loads(DATA)
    for count, good in ((32, True), (33, False)):
        assert agree(canonical.dumps({**fields, "d": {f"x{n:02}": n for n in range(count)}})) is good
        assert (closely(canonical.dumps({**fields, "d": {f"x{n:02}": n for n in range(count)}})) is not None) is good


@pytest.mark.parametrize(
    "change",
    [
        {"d": {True: 1}},
        {"h": {None: HASH}},
        {"d": {"rows": 2.0}},
        {"d": {"a": 1, None: 2}},
        {"d": {"a": {1}}},
        {"on": [1]},
        {"at_ms": False},
        {"id": 10**20},
        {"d": {"half": "\ud800"}},
    ],
)
def test_a_value_of_another_kind_is_not_written_because_its_bytes_look_right(change):
    with pytest.raises(LeafError):
        leaf.make(**{**PLAIN, **change})
