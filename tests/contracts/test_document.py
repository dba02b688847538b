from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import canonical, document
from contracts.document import DocumentError
from contracts.errors import CanonicalError, ContractsError
from contracts.odrl import from_odrl
from tests.contracts.examples import DIGEST, NOW, asset, consumer, make_contract, make_terms, provider

CONTRACT = make_contract()
BODY = canonical.loads(CONTRACT.payload)


def changed(path: list[Any], value: object) -> bytes:
    body = copy.deepcopy(BODY)
    inside = body
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    return canonical.dumps(body)


def test_a_contract_is_read_back_as_it_was_built() -> None:
    assert document.parse(CONTRACT.payload) == CONTRACT
    assert CONTRACT.hash == canonical.sha256_b64url(CONTRACT.payload)
    assert CONTRACT.terms == make_terms()
    assert CONTRACT.needs == ("org-1", "org-2")


def test_the_policy_inside_says_the_same_as_the_terms() -> None:
    assert from_odrl(BODY["policy"]) == CONTRACT.terms


def test_a_contract_outside_a_trial_and_before_any_head_can_be_made() -> None:
    contract = make_contract(trial=None, log=None)
    assert (contract.trial, contract.log) == (None, None)
    assert document.parse(contract.payload) == contract


def test_time_is_kept_to_the_millisecond_whatever_the_zone() -> None:
    local = datetime(2026, 11, 22, 10, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=7)))
    assert make_contract(created=local).created == datetime(2026, 11, 22, 3, 0, 0, 123_000, tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        make_contract(created=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("path", "value", "code", "named"),
    [
        (["v"], True, "DOCUMENT_CONTRADICTS", "v"),
        (["v"], 2, "DOCUMENT_VALUE_REFUSED", "v"),
        (["typ"], "invoice", "DOCUMENT_VALUE_REFUSED", "typ"),
        (["law"], "US", "DOCUMENT_VALUE_REFUSED", "law"),
        (["note"], "hi", "DOCUMENT_FIELD_UNKNOWN", "note"),
        (["parties", 0, "email"], "a@b", "DOCUMENT_FIELD_UNKNOWN", "parties/0/email"),
        (["parties", 0, "role"], "broker", "DOCUMENT_VALUE_REFUSED", "parties/0/role"),
        (["parties", 0, "keys"], ["short"], "DOCUMENT_VALUE_REFUSED", "parties/0/keys"),
        (["parties", 0, "tax_code"], "12", "DOCUMENT_VALUE_REFUSED", "parties/0/tax_code"),
        (["parties", 0, "name"], "  ", "DOCUMENT_VALUE_REFUSED", "parties/0/name"),
        (["assets", 0, "rows"], -1, "DOCUMENT_VALUE_REFUSED", "assets/0/rows"),
        (["assets", 0, "rows"], True, "DOCUMENT_VALUE_REFUSED", "assets/0/rows"),
        (["assets", 0, "sha256"], "A" * 43, "DOCUMENT_VALUE_REFUSED", "assets/0/sha256"),
        (["created"], 2**53 - 1, "DOCUMENT_VALUE_REFUSED", "created"),
        (["nonce"], "AAAA", "DOCUMENT_VALUE_REFUSED", "nonce"),
        (["log", "root"], "AAAA", "DOCUMENT_VALUE_REFUSED", "log/root"),
        (["needs"], "org-1", "DOCUMENT_VALUE_REFUSED", "needs"),
        (["trial"], [], "DOCUMENT_NOT_OBJECT", "trial"),
        (["purpose"], "Việc khác", "DOCUMENT_CONTRADICTS", "purpose"),
        (["price", "amount"], 1, "DOCUMENT_CONTRADICTS", "price"),
        (["term", "to"], "2030-01-01", "DOCUMENT_CONTRADICTS", "term"),
        (["policy", "permission", 0, "constraint"], [], "DOCUMENT_CONTRADICTS", "policy"),
        (["terms", "price_vnd"], 1, "DOCUMENT_CONTRADICTS", "policy"),
        (["terms", "licence"], "L9", "DOCUMENT_VALUE_REFUSED", "terms/licence"),
        (["terms", "onward_transfer"], "x", "DOCUMENT_VALUE_REFUSED", "terms/onward_transfer"),
        (["terms", "purpose"], 3, "TERMS_FIELD_WRONG", "purpose"),
        (["text"], [], "DOCUMENT_CONTRADICTS", "text"),
        (["text", 0, "lang"], "fr", "DOCUMENT_CONTRADICTS", "text/0/lang"),
        (["text", 0, "edition"], "1999", "EDITION_UNKNOWN", "1999"),
        (["text", 0, "sha256"], DIGEST, "PROSE_CHANGED", "vi"),
    ],
)
def test_a_document_that_is_not_closed_and_coherent_is_refused(
    path: list[Any], value: object, code: str, named: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        document.parse(changed(path, value))
    assert caught.value.code == code
    assert named in caught.value.facts.values()


@pytest.mark.parametrize("name", sorted(BODY))
def test_every_field_is_required(name: str) -> None:
    body = {key: value for key, value in BODY.items() if key != name}
    with pytest.raises(DocumentError, match="DOCUMENT_FIELD_MISSING"):
        document.parse(canonical.dumps(body))


def test_another_spelling_of_the_same_document_is_refused() -> None:
    for payload in (b" " + CONTRACT.payload, CONTRACT.payload + b"\n", CONTRACT.payload.replace(b":", b": ", 1)):
        with pytest.raises(CanonicalError):
            document.parse(payload)


def test_a_huge_document_is_refused_unread() -> None:
    with pytest.raises(DocumentError, match="DOCUMENT_TOO_LARGE"):
        document.parse(b"[" * 100_000)


@given(st.integers(0, len(CONTRACT.payload) - 1), st.integers(0, 7))
def test_any_flipped_bit_is_refused_or_makes_another_contract(position: int, bit: int) -> None:
    payload = bytearray(CONTRACT.payload)
    payload[position] ^= 1 << bit
    try:
        read = document.parse(bytes(payload))
    except ContractsError:
        return
    assert read.hash != CONTRACT.hash


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"parties": (provider(),)}, "PARTIES_REFUSED"),
        ({"parties": (provider(), provider(org_id="org-3", keys=("B" * 43,)), consumer())}, "PARTIES_REFUSED"),
        ({"parties": (provider(), consumer(org_id="org-1"))}, "PARTY_REPEATED"),
        ({"parties": (provider(), consumer(keys=provider().keys))}, "KEY_REPEATED"),
        ({"parties": (provider(), consumer(keys=()))}, "PARTY_WITHOUT_KEY"),
        ({"needs": ("org-1",)}, "NEEDS_REFUSED"),
        ({"needs": ("org-1", "org-2", "org-9")}, "NEEDS_REFUSED"),
        ({"needs": ("org-1", "org-2", "org-2")}, "NEEDS_REFUSED"),
        ({"assets": ()}, "ASSETS_MISSING"),
        ({"assets": (asset(), asset(listing_id="l-2", sha256="sha-256:" + "B" * 43))}, "ASSETS_MIXED"),
        ({"assets": (asset(), asset(name="b.csv"))}, "ASSET_REPEATED"),
        ({"id": "a b"}, "DOCUMENT_VALUE_REFUSED"),
        ({"nonce": b"short"}, "DOCUMENT_VALUE_REFUSED"),
    ],
)
def test_parts_that_make_no_contract_are_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        make_contract(**changes)
    assert caught.value.code == code
