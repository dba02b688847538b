"""A salted value beside the log: RFC 9901's own example, and everything that is not a disclosure."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import canonical
from contracts.errors import DisclosureError, LeafError
from contracts.log import disclosure, leaf
from tests.contracts.log.test_leaf import GOOD

SALT = bytes(range(16))


def spelled(value: object) -> str:
    """Base64url of any JSON, as somebody else may write it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_the_example_of_the_rfc_has_its_published_digest(vectors):
    example = json.loads((vectors / "sd_jwt_rfc9901_example.json").read_text())
    assert disclosure.digest(example["disclosure"]) == example["digest"]
    read = disclosure.check(example["disclosure"], [example["digest"]])
    assert (read.salt, read.name, read.value) == (example["salt"], example["name"], example["value"])


@given(st.text(st.characters(codec="utf-8"), max_size=200) | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1))
def test_a_value_comes_back_as_it_was(value):
    text = disclosure.make("reason", value, SALT)
    read = disclosure.check(text, {disclosure.digest(text)})
    assert (read.name, read.value, type(read.value)) == ("reason", value, type(value))
    assert text == canonical.b64url(canonical.dumps([canonical.b64url(SALT), "reason", value]))


def test_another_salt_gives_another_digest_for_the_same_value():
    one, two = (disclosure.digest(disclosure.make("by", "Minh", salt)) for salt in (SALT, SALT[::-1]))
    assert one != two


def test_a_disclosure_that_the_leaf_does_not_mean_is_refused():
    mine, other = (disclosure.make("by", name, SALT) for name in ("Minh", "Lan"))
    with pytest.raises(DisclosureError) as error:
        disclosure.check(other, [disclosure.digest(mine)])
    assert error.value.code == "DISCLOSURE_UNKNOWN"


def test_any_changed_character_is_noticed():
    text = disclosure.make("by", "Minh", SALT)
    for place, sign in enumerate(text):
        changed = text[:place] + ("A" if sign != "A" else "B") + text[place + 1 :]
        with pytest.raises(DisclosureError):
            disclosure.check(changed, [disclosure.digest(text)])


@pytest.mark.parametrize(
    "value",
    [
        {"salt": "x"}, ["x", "by"], ["x", "by", "a", "b"], [1, "by", "a"], ["x", 1, "a"], ["x", "", "a"],
        ["x", "_sd", "a"], ["x", "...", "a"], ["x", "by", None], ["x", "by", 1.5], ["x", "by", [1]],
        ["x", "by", {"a": 1}], ["x", "by", 2**53], ["x", "by", "\ud800"],
    ],
)  # fmt: skip
def test_what_is_no_disclosure_is_refused(value):
    with pytest.raises(DisclosureError) as error:
        disclosure.parse(spelled(value))
    assert error.value.code == "DISCLOSURE_MALFORMED"


@pytest.mark.parametrize("text", ["", "=", "ở", "W10=", "WyJ4Il0\n", "_w", spelled("[" * 5000)[:9000]])
def test_what_is_not_even_base64url_of_json_is_refused(text):
    with pytest.raises(DisclosureError) as error:
        disclosure.parse(text)
    assert error.value.code == "DISCLOSURE_MALFORMED"


def test_an_endless_value_and_a_short_salt_are_refused():
    with pytest.raises(DisclosureError) as error:
        disclosure.make("sql", "x" * 20_000, SALT)
    assert error.value.code == "DISCLOSURE_TOO_LONG"
    with pytest.raises(DisclosureError) as error:
        disclosure.make("sql", "x", SALT[:15])
    assert error.value.code == "DISCLOSURE_SALT_SHORT"


# --- in a leaf ----------------------------------------------------------------------------------------------------

DIGESTS = sorted(disclosure.digest(disclosure.make("n", number, SALT)) for number in range(17))


def test_a_leaf_without_salted_values_has_the_bytes_that_it_always_had():
    data = leaf.make(**GOOD)
    assert b"_sd" not in data
    assert leaf.make(**GOOD, sd=()) == data
    assert leaf.parse(data).sd == ()


def test_the_places_of_salted_values_tell_nothing():
    data = leaf.make(**GOOD, sd=DIGESTS[:3][::-1])
    assert leaf.parse(data).sd == tuple(DIGESTS[:3])
    assert json.loads(data)["_sd_alg"] == "sha-256"


def test_a_salted_leaf_still_gets_its_place_in_the_chain():
    bare = leaf.make(**{**GOOD, "prev": None}, sd=DIGESTS[:2])
    assert leaf.link(bare, GOOD["prev"]) == leaf.make(**GOOD, sd=DIGESTS[:2])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"_sd": DIGESTS[:2]}, "LEAF_FIELDS"),
        ({"_sd_alg": "sha-256"}, "LEAF_FIELDS"),
        ({"_sd": DIGESTS[:2], "_sd_alg": "sha-512"}, "LEAF_FIELD_INVALID"),
        ({"_sd": [], "_sd_alg": "sha-256"}, "LEAF_FIELD_INVALID"),
        ({"_sd": DIGESTS, "_sd_alg": "sha-256"}, "LEAF_FIELD_INVALID"),  # seventeen
        ({"_sd": DIGESTS[1::-1], "_sd_alg": "sha-256"}, "LEAF_FIELD_INVALID"),
        ({"_sd": DIGESTS[:1] * 2, "_sd_alg": "sha-256"}, "LEAF_FIELD_INVALID"),
        ({"_sd": [DIGESTS[0] + "="], "_sd_alg": "sha-256"}, "LEAF_FIELD_INVALID"),
        ({"_sd": [DIGESTS[0][:-1] + "V"], "_sd_alg": "sha-256"}, "LEAF_FIELD_INVALID"),  # unused bits set
        ({"_sd": [1], "_sd_alg": "sha-256"}, "LEAF_FIELD_INVALID"),
        ({"_sd": DIGESTS[0], "_sd_alg": "sha-256"}, "LEAF_FIELD_INVALID"),
    ],
)
def test_salted_values_in_any_other_form_are_refused(change, code):
    fields = json.loads(leaf.make(**GOOD)) | change
    with pytest.raises(LeafError) as error:
        leaf.parse(canonical.dumps(fields))
    assert error.value.code == code


def test_what_would_be_refused_is_not_made():
    with pytest.raises(LeafError):
        leaf.make(**GOOD, sd=DIGESTS[:1] * 2)
