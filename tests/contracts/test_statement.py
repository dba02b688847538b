"""The destruction statement: read strictly, bound to its contract, signed in its own form."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from contracts import canonical, signature, statement
from contracts.errors import ContractsError
from contracts.keys import ALGORITHMS_OF
from tests.contracts.examples import CONSUMER_KEY, NOW, kid, make_contract

CONTRACT = make_contract()
NONCE = b"fedcba9876543210"


def made(**changes: Any) -> statement.Statement:
    facts = {"deed": "destroyed", "on": date(2027, 12, 2), "note": "Xóa theo NIST SP 800-88", "nonce": NONCE}
    return statement.build(CONTRACT, **{**facts, **changes})


def test_it_says_which_contract_and_files_what_and_when() -> None:
    found = made()
    assert statement.check(found.payload, CONTRACT) == found
    assert (found.contract, found.org_id) == (CONTRACT.hash, "org-2")
    assert found.files == tuple(asset.sha256 for asset in CONTRACT.assets)
    assert (found.deed, found.on) == (statement.Deed.DESTROYED, date(2027, 12, 2))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"contract": "sha-256:" + "B" * 43}, "STATEMENT_OF_ANOTHER"),
        ({"org": "org-1"}, "STATEMENT_OF_ANOTHER"),
        ({"files": []}, "STATEMENT_OF_ANOTHER"),
        ({"v": 2}, "STATEMENT_OF_ANOTHER"),
        ({"act": "kept"}, "STATEMENT_DEED_UNKNOWN"),
        ({"act": ["destroyed"]}, "STATEMENT_DEED_UNKNOWN"),
        ({"note": "x" * 2_001}, "STATEMENT_NOTE_REFUSED"),
        ({"note": None}, "STATEMENT_NOTE_REFUSED"),
        ({"on": "2027-W48-4"}, "DOCUMENT_VALUE_REFUSED"),
        ({"on": "20271202"}, "DOCUMENT_VALUE_REFUSED"),
        ({"nonce": "short"}, "DOCUMENT_VALUE_REFUSED"),
        ({"more": 1}, "DOCUMENT_FIELD_UNKNOWN"),
    ],
)
def test_what_it_is_not_is_refused_by_name(changes: dict[str, Any], code: str) -> None:
    body = canonical.loads(made().payload) | changes
    with pytest.raises(ContractsError) as caught:
        statement.check(canonical.dumps(body), CONTRACT)
    assert caught.value.code == code


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "RS256"])
def test_a_signature_opens_to_its_key(alg: str) -> None:
    private, found = signature.generate(alg), made()
    signed = statement.open_signature(found.payload, statement.sign(found.payload, private, now=NOW), now=NOW)
    assert (signed.kid, signed.alg, signed.iat) == (kid(private), alg, NOW)


def spoilt(**header: Any) -> dict[str, str]:
    """An entry whose header says something else, signed over that header all the same."""
    jwk = signature.public_jwk(CONSUMER_KEY)
    good = {
        "alg": ALGORITHMS_OF[jwk["kty"]][0], "iat": int(NOW.timestamp()), "jwk": jwk, "kid": kid(CONSUMER_KEY),
        "typ": statement.JWS_TYPE,
    }  # fmt: skip
    protected = canonical.b64url(canonical.dumps(good | header))
    message = f"{protected}.{canonical.b64url(made().payload)}".encode()
    from contracts.keys import make_signature

    return {"protected": protected, "signature": canonical.b64url(make_signature(message, CONSUMER_KEY, "ES256"))}


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (None, "SIGNATURE_MALFORMED"),
        ({"protected": "x"}, "SIGNATURE_MALFORMED"),
        ({"protected": 1, "signature": "x"}, "SIGNATURE_MALFORMED"),
        ({"protected": "*", "signature": "x"}, "BASE64URL_REFUSED"),
        (spoilt(typ="minhbach-contract+jws"), "HEADER_FIELD_WRONG"),
        (spoilt(crit=["x"]), "HEADER_FIELD_WRONG"),
        (spoilt(kid="A" * 43), "KEY_MISMATCH"),
        (spoilt(alg="none"), "KEY_MISMATCH"),
        (spoilt(alg=["ES256"]), "KEY_MISMATCH"),
        (spoilt(iat=True), "HEADER_FIELD_WRONG"),
        (spoilt(iat=int((NOW + timedelta(hours=1)).timestamp())), "SIGNED_IN_FUTURE"),
        (signature.sign(CONTRACT.payload, CONSUMER_KEY, now=NOW), "HEADER_FIELD_WRONG"),
    ],
)
def test_a_signature_of_another_form_is_refused(entry: Any, code: str) -> None:
    with pytest.raises(ContractsError) as caught:
        statement.open_signature(made().payload, entry, now=NOW)
    assert caught.value.code == code


def test_a_signature_of_other_bytes_does_not_hold() -> None:
    entry = statement.sign(made().payload, CONSUMER_KEY, now=NOW)
    with pytest.raises(ContractsError) as caught:
        statement.open_signature(made(nonce=b"0" * 16).payload, entry)
    assert caught.value.code == "SIGNATURE_INVALID"
