"""Canonical JSON: the published vectors, one spelling only, and agreement of both writers."""

import json
from enum import StrEnum

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import canonical
from contracts.errors import CanonicalError

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(values)
def test_what_is_written_reads_back_and_agrees_with_the_reference_writer(value):
    data = canonical.dumps(value)
    assert data == rfc8785.dumps(value)
    assert canonical.loads(data) == value


@settings(max_examples=80, deadline=None)
@given(values)
def test_every_other_spelling_is_refused(value):
    data = canonical.dumps(value)
    for other in (b" " + data, data + b"\n", json.dumps([value], indent=1).encode()):
        with pytest.raises(CanonicalError):
            canonical.loads(other)


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_published_vectors(vectors, name):
    text = (vectors / "jcs/input" / f"{name}.json").read_text(encoding="utf-8")
    expected = (vectors / "jcs/output" / f"{name}.json").read_bytes()
    value = json.loads(text)
    if name in ("structures", "values"):  # they hold floats, which a contract never does
        with pytest.raises(CanonicalError) as caught:
            canonical.dumps(value)
        assert caught.value.code == "TYPE_REFUSED"
    else:
        assert canonical.dumps(value) == expected
        assert canonical.loads(expected) == value


def test_keys_sort_by_utf16_as_the_rfc_asks():
    assert canonical.dumps({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


def test_text_enums_and_tuples_are_written_as_their_values():
    class State(StrEnum):
        OPEN = "open"

    assert canonical.dumps({"s": State.OPEN, "t": (1, 2)}) == b'{"s":"open","t":[1,2]}'


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.0, "TYPE_REFUSED"),
        (float("nan"), "TYPE_REFUSED"),
        (b"x", "TYPE_REFUSED"),
        ({1: 2}, "KEY_NOT_TEXT"),
        ({None: 2}, "KEY_NOT_TEXT"),
        (2**53, "INTEGER_TOO_LARGE"),
        (-(2**53), "INTEGER_TOO_LARGE"),
        ("\ud800", "LONE_SURROGATE"),
        ({"\udfff": 1}, "LONE_SURROGATE"),
    ],
)
def test_values_without_a_canonical_form_are_refused_with_their_place(value, code):
    with pytest.raises(CanonicalError) as caught:
        canonical.dumps({"outer": [value]})
    assert caught.value.code == code
    assert str(caught.value.facts["path"]).startswith("/outer/0")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "NOT_JSON"),
        (b"{}x", "NOT_JSON"),
        (b"\xef\xbb\xbf{}", "NOT_JSON"),
        (b"\xff", "NOT_UTF8"),
        (b'{"a":1,"a":1}', "DUPLICATE_KEY"),
        (b'{"b":1,"a":1}', "NOT_CANONICAL"),
        (b'"\\u0041"', "NOT_CANONICAL"),
        (b'"\\u00e9"', "NOT_CANONICAL"),
        (b'"\\ud800"', "LONE_SURROGATE"),
        (b"-0", "NOT_CANONICAL"),
        (b"1.0", "FLOAT_REFUSED"),
        (b"1e3", "FLOAT_REFUSED"),
        (b"NaN", "FLOAT_REFUSED"),
        (b"-Infinity", "FLOAT_REFUSED"),
        (b"9007199254740992", "INTEGER_TOO_LARGE"),
        (b"1" * 5000, "INTEGER_TOO_LARGE"),
        (b"[" * 34 + b"]" * 34, "TOO_DEEP"),
        (b"[" * 100_000, "TOO_DEEP"),
    ],
)
def test_bytes_that_are_not_canonical_are_refused(data, code):
    with pytest.raises(CanonicalError) as caught:
        canonical.loads(b"[" + data + b"]" if code in ("LONE_SURROGATE",) else data)
    assert caught.value.code == code


@pytest.mark.parametrize("innermost", [b"", b"1", b'"a"', b"{}", b'"' + b"[" * 40 + b'"'])
def test_how_deep_a_value_may_lie_is_the_same_for_reading_and_writing(innermost):
    for depth in (31, 32, 33, 34):
        data = b"[" * depth + innermost + b"]" * depth
        for act, thing in ((canonical.dumps, json.loads(data)), (canonical.loads, data)):
            if depth + bool(innermost) > canonical.MAX_DEPTH + 1:
                with pytest.raises(CanonicalError, match="TOO_DEEP"):
                    act(thing)
            else:
                assert act(thing) == (data if act is canonical.dumps else json.loads(data))


def test_digests_are_named_and_unpadded():
    assert canonical.sha256_b64url(b"") == "sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    assert canonical.digest({}) == canonical.sha256_b64url(b"{}")
