from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from contracts import canonical, keys, signature
from contracts.errors import ContractsError
from contracts.signature import SignatureError
from tests.contracts.examples import (
    CONSUMER_KEY,
    NOW,
    PROVIDER_KEY,
    STRANGER_KEY,
    consumer,
    kid,
    make_contract,
    provider,
    vectors,
)

CONTRACT = make_contract()
PAYLOAD = CONTRACT.payload
LATER = NOW + timedelta(minutes=1)
BY_PROVIDER = signature.sign(PAYLOAD, PROVIDER_KEY, now=LATER)
BY_CONSUMER = signature.sign(PAYLOAD, CONSUMER_KEY, now=LATER)
SIGNED = signature.assemble(PAYLOAD, [BY_PROVIDER, BY_CONSUMER])


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def refusal(entry: object = BY_PROVIDER, **options: Any) -> ContractsError:
    with pytest.raises(ContractsError) as caught:
        signature.check(options.pop("payload", PAYLOAD), entry, options.pop("contract", CONTRACT), **options)
    return caught.value


def with_header(**changes: Any) -> dict[str, str]:
    """The provider's entry with another header, signed properly all the same."""
    header = {**canonical.loads(keys.decode(BY_PROVIDER["protected"], "")), **changes}
    header = {name: value for name, value in header.items() if value is not None}
    protected = canonical.b64url(canonical.dumps(header))
    raw = keys.make_signature(signature.signing_input(protected, PAYLOAD), PROVIDER_KEY, "Ed25519")
    return {"protected": protected, "signature": canonical.b64url(raw)}


def test_each_party_is_recognised_by_its_key() -> None:
    info = signature.check(PAYLOAD, BY_PROVIDER, CONTRACT, org_id="org-1", now=LATER)
    assert info == signature.SignerInfo("org-1", kid(PROVIDER_KEY), "Ed25519", LATER)
    assert signature.check(PAYLOAD, BY_CONSUMER, CONTRACT).alg == "ES256"


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_rsa_keys_sign_either_way(alg: str) -> None:
    contract = make_contract(parties=(provider(), consumer(keys=(kid(rsa_key()),))))
    entry = signature.sign(contract.payload, rsa_key(), now=LATER, alg=alg)
    assert signature.check(contract.payload, entry, contract).alg == alg


def test_a_complete_contract_is_accepted_in_any_order_of_signing() -> None:
    assert [info.org_id for info in signature.check_all(SIGNED, now=LATER)] == ["org-1", "org-2"]
    turned = signature.assemble(PAYLOAD, [BY_CONSUMER, BY_PROVIDER])
    assert [info.org_id for info in signature.check_all(turned)] == ["org-2", "org-1"]
    assert json.loads(json.dumps(SIGNED)) == SIGNED


def test_the_old_name_of_ed25519_is_read_but_not_written() -> None:
    assert signature.check(PAYLOAD, with_header(alg="EdDSA"), CONTRACT).alg == "EdDSA"
    with pytest.raises(SignatureError, match="ALGORITHM_REFUSED"):
        signature.sign(PAYLOAD, PROVIDER_KEY, now=LATER, alg="EdDSA")


def test_a_key_the_contract_does_not_name_is_unknown() -> None:
    error = refusal(signature.sign(PAYLOAD, STRANGER_KEY, now=LATER))
    assert (error.code, error.facts["kid"]) == ("KEY_UNKNOWN", kid(STRANGER_KEY))


def test_another_partys_key_does_not_sign_for_me() -> None:
    assert refusal(BY_CONSUMER, org_id="org-1").code == "KEY_UNKNOWN"


def test_an_organisation_outside_the_contract_is_not_a_party() -> None:
    assert refusal(org_id="org-9").code == "SIGNER_NOT_PARTY"


def test_a_party_that_need_not_sign_does_not_count() -> None:
    operator = provider(role="operator", org_id="org-3", keys=(kid(STRANGER_KEY),))
    contract = make_contract(parties=(provider(), consumer(), operator))
    entry = signature.sign(contract.payload, STRANGER_KEY, now=LATER)
    assert refusal(entry, payload=contract.payload, contract=contract).code == "SIGNER_NOT_PARTY"


def test_changed_bytes_are_not_the_contract() -> None:
    assert refusal(payload=PAYLOAD.replace(b"5000000", b"5000001")).code == "PAYLOAD_CHANGED"


def test_a_signature_of_another_contract_does_not_fit() -> None:
    other = make_contract(nonce=b"fedcba9876543210")
    assert refusal(payload=other.payload, contract=other).code == "SIGNATURE_INVALID"


def test_the_same_party_does_not_sign_twice() -> None:
    first = signature.check(PAYLOAD, BY_PROVIDER, CONTRACT)
    again = signature.sign(PAYLOAD, PROVIDER_KEY, now=LATER + timedelta(seconds=9))
    assert refusal(again, signed=[first]).code == "SIGNATURE_REPEATED"
    doubled = signature.assemble(PAYLOAD, [BY_PROVIDER, BY_PROVIDER, BY_CONSUMER])
    with pytest.raises(SignatureError, match="SIGNATURE_REPEATED"):
        signature.check_all(doubled)


def test_a_missing_party_is_named() -> None:
    for entries, missing in (([BY_PROVIDER], "org-2"), ([], "org-1, org-2")):
        with pytest.raises(SignatureError) as caught:
            signature.check_all(signature.assemble(PAYLOAD, entries))
        assert (caught.value.code, caught.value.facts["org"]) == ("SIGNATURE_MISSING", missing)


def test_the_clock_of_a_signer_may_differ_by_five_minutes() -> None:
    early = signature.sign(PAYLOAD, PROVIDER_KEY, now=NOW - timedelta(minutes=5))
    assert signature.check(PAYLOAD, early, CONTRACT).org_id == "org-1"
    too_early = signature.sign(PAYLOAD, PROVIDER_KEY, now=NOW - timedelta(minutes=6))
    assert refusal(too_early).code == "SIGNED_BEFORE_CONTRACT"
    assert refusal(now=LATER - timedelta(minutes=6)).code == "SIGNED_IN_FUTURE"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (None, "SIGNATURE_MALFORMED"),
        ([], "SIGNATURE_MALFORMED"),
        ({}, "SIGNATURE_MALFORMED"),
        ({**BY_PROVIDER, "header": {"kid": "x"}}, "SIGNATURE_MALFORMED"),
        ({**BY_PROVIDER, "signature": ""}, "SIGNATURE_MALFORMED"),
        ({**BY_PROVIDER, "signature": 5}, "SIGNATURE_MALFORMED"),
        ({**BY_PROVIDER, "signature": BY_PROVIDER["signature"] + "=="}, "BASE64URL_REFUSED"),
        ({**BY_PROVIDER, "signature": BY_PROVIDER["signature"][:-1] + "B"}, "BASE64URL_REFUSED"),
        ({**BY_PROVIDER, "signature": "é"}, "BASE64URL_REFUSED"),
        ({**BY_PROVIDER, "signature": canonical.b64url(bytes(63))}, "SIGNATURE_LENGTH"),
        ({**BY_PROVIDER, "signature": canonical.b64url(bytes(64))}, "SIGNATURE_INVALID"),
        ({**BY_PROVIDER, "protected": "A" * 50_000}, "HEADER_TOO_LARGE"),
        ({**BY_PROVIDER, "protected": "!!"}, "BASE64URL_REFUSED"),
        ({**BY_PROVIDER, "protected": canonical.b64url(b'{"alg": 1}')}, "HEADER_NOT_CANONICAL"),
        ({**BY_PROVIDER, "protected": canonical.b64url(b'{"alg":1,"alg":1}')}, "HEADER_NOT_CANONICAL"),
        ({**BY_PROVIDER, "protected": canonical.b64url(b"\xff")}, "HEADER_NOT_CANONICAL"),
        ({**BY_PROVIDER, "protected": canonical.b64url(b"[]")}, "HEADER_NOT_OBJECT"),
        (with_header(alg="none"), "ALGORITHM_REFUSED"),
        (with_header(alg="HS256"), "ALGORITHM_REFUSED"),
        (with_header(alg="ES256"), "ALGORITHM_REFUSED"),
        (with_header(alg=["Ed25519"]), "ALGORITHM_REFUSED"),
        (with_header(alg=None), "ALGORITHM_REFUSED"),
        (with_header(crit=["exp"]), "HEADER_FIELD_UNKNOWN"),
        (with_header(b64=False), "HEADER_FIELD_UNKNOWN"),
        (with_header(jku="https://evil.example"), "HEADER_FIELD_UNKNOWN"),
        (with_header(kid=None), "HEADER_FIELD_MISSING"),
        (with_header(typ="JWT"), "HEADER_FIELD_WRONG"),
        (with_header(cty="pdf"), "HEADER_FIELD_WRONG"),
        (with_header(iat="now"), "HEADER_FIELD_WRONG"),
        (with_header(iat=True), "HEADER_FIELD_WRONG"),
        (with_header(iat=2**52), "HEADER_FIELD_WRONG"),
        (with_header(kid=kid(CONSUMER_KEY)), "KEY_MISMATCH"),
        (with_header(jwk={**signature.public_jwk(PROVIDER_KEY), "kid": "x"}), "KEY_REFUSED"),
        (with_header(jwk="x"), "KEY_REFUSED"),
        (with_header(jwk={**signature.public_jwk(PROVIDER_KEY), "d": "x"}), "KEY_PRIVATE"),
        (with_header(jwk=signature.public_jwk(CONSUMER_KEY), kid=kid(CONSUMER_KEY)), "ALGORITHM_REFUSED"),
        (with_header(jwk=signature.public_jwk(STRANGER_KEY), kid=kid(STRANGER_KEY)), "KEY_UNKNOWN"),
    ],
)
def test_each_malformed_signature_has_its_code(entry: object, code: str) -> None:
    assert refusal(entry).code == code


@pytest.mark.parametrize("form", [None, {}, {**SIGNED, "extra": 1}, {**SIGNED, "signatures": {}}])
def test_a_signed_contract_of_another_form_is_refused(form: object) -> None:
    with pytest.raises(SignatureError, match="SIGNED_FORM_REFUSED"):
        signature.check_all(form)


WHOLE = canonical.dumps(SIGNED)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 7))
def test_no_flipped_bit_survives(position: int, bit: int) -> None:
    altered = bytearray(WHOLE)
    altered[position] ^= 1 << bit
    with pytest.raises(ContractsError):
        signature.check_all(canonical.loads(bytes(altered)))


def test_a_browser_signs_header_dot_payload() -> None:
    protected = signature.protect(signature.public_jwk(PROVIDER_KEY), now=LATER)
    assert protected == BY_PROVIDER["protected"]
    raw = PROVIDER_KEY.sign(f"{protected}.{canonical.b64url(PAYLOAD)}".encode())  # type: ignore[call-arg, union-attr]
    assert {"protected": protected, "signature": canonical.b64url(raw)} == BY_PROVIDER


# --- keys


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "RS256"])
def test_a_private_key_survives_its_file(alg: str) -> None:
    key = signature.generate(alg)
    for password in (None, b"correct horse"):
        again = signature.from_pem(signature.to_pem(key, password), password)
        assert signature.public_jwk(again) == signature.public_jwk(key)
        assert signature.check_public_jwk(signature.public_jwk(key)) == signature.public_jwk(key)


def test_a_file_that_is_no_key_or_not_ours_is_refused() -> None:
    with pytest.raises(SignatureError, match="KEY_FILE_REFUSED"):
        signature.from_pem(b"hello")
    with pytest.raises(SignatureError, match="KEY_FILE_REFUSED"):
        signature.from_pem(signature.to_pem(PROVIDER_KEY, b"secret"), b"wrong")
    for key in (ec.generate_private_key(ec.SECP384R1()), dsa.generate_private_key(1024)):
        with pytest.raises(SignatureError, match="KEY_REFUSED"):
            signature.from_pem(signature.to_pem(key))  # type: ignore[arg-type]
    with pytest.raises(SignatureError, match="ALGORITHM_REFUSED"):
        signature.generate("HS256")


def test_what_webcrypto_adds_to_a_key_is_left_out() -> None:
    bare = signature.public_jwk(CONSUMER_KEY)
    exported = {**bare, "ext": True, "key_ops": ["verify"]}
    assert signature.check_public_jwk(exported) == bare
    assert signature.thumbprint(exported) == signature.thumbprint(bare)


def test_the_thumbprint_is_that_of_rfc_7638_section_3_1_and_rfc_8037_appendix_a3() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
        "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
        "kEgU8awapJzKnqDKgw"
    )
    key = {"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert signature.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    okp = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert signature.thumbprint(okp) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


ZERO = canonical.b64url(bytes(32))


@pytest.mark.parametrize(
    ("jwk", "reason"),
    [
        ({"kty": "oct", "k": "AAAA"}, None),
        ({"kty": "OKP", "crv": "X25519", "x": canonical.b64url(bytes(32))}, "curve"),
        ({"kty": "OKP", "crv": "Ed25519"}, "member"),
        ({"kty": "OKP", "crv": "Ed25519", "x": canonical.b64url(bytes(31))}, "length"),
        ({"kty": "OKP", "crv": "Ed25519", "x": canonical.b64url(b"\xff" * 32)}, "not-canonical"),
        ({"kty": "EC", "crv": "P-521", "x": "AAAA", "y": "AAAA"}, "curve"),
        (
            {"kty": "EC", "crv": "P-256", "x": canonical.b64url(bytes(32)), "y": canonical.b64url(bytes(32))},
            "not-on-curve",
        ),
        ({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}, "length"),
        ({"kty": "RSA", "e": "AQAB", "n": canonical.b64url(b"\xff" * 128)}, "length"),
        ({"kty": "RSA", "e": "AQAB", "n": canonical.b64url(b"\xff" * 1024)}, "length"),
        ({"kty": "RSA", "e": "AQAB", "n": canonical.b64url(b"\xff" * 255 + b"\xfe")}, "modulus"),
        ({"kty": "RSA", "e": "Aw", "n": canonical.b64url(b"\xff" * 256)}, "exponent"),
        ({"kty": "RSA", "e": "", "n": canonical.b64url(b"\xff" * 256)}, "exponent"),
        ({**signature.public_jwk(PROVIDER_KEY), "use": "enc"}, "use"),
        ({**signature.public_jwk(PROVIDER_KEY), "key_ops": ["deriveBits"]}, "key_ops"),
        ({**signature.public_jwk(PROVIDER_KEY), "alg": "ES256"}, "alg"),
        ({**signature.public_jwk(PROVIDER_KEY), "x5u": "https://evil.example"}, "member"),
    ],
)
def test_a_weak_or_strange_key_is_refused_with_the_reason(jwk: dict[str, Any], reason: str | None) -> None:
    with pytest.raises(SignatureError) as caught:
        signature.check_public_jwk(jwk)
    assert caught.value.facts.get("reason") == reason


# --- published vectors


def test_low_order_keys_of_the_edge_case_collection_are_refused() -> None:
    seen = {True: 0, False: 0}
    for case in vectors("ed25519/cctv_ed25519vectors.json"):
        flags = case["flags"] or []
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": canonical.b64url(bytes.fromhex(case["key"]))}
        bad = "low_order_A" in flags or "non_canonical_A" in flags
        seen[bad] += 1
        if bad:
            with pytest.raises(SignatureError, match="KEY_REFUSED"):
                signature.check_public_jwk(jwk)
        else:
            signature.check_public_jwk(jwk)
    assert min(seen.values()) > 50


def holds(message: bytes, raw: bytes, jwk: dict[str, Any], alg: str) -> bool:
    try:
        keys.check_signature(message, raw, signature.check_public_jwk(jwk), alg)
    except SignatureError:
        return False
    return True


def test_wycheproof_ed25519_is_decided_as_listed() -> None:
    count = 0
    for group in vectors("ed25519/wycheproof_ed25519_test.json")["testGroups"]:
        for case in group["tests"]:
            good = holds(bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]), group["publicKeyJwk"], "Ed25519")
            assert good == (case["result"] == "valid"), case["tcId"]
            count += 1
    assert count == 151


def test_wycheproof_p256_in_raw_form_is_decided_as_listed() -> None:
    count = 0
    for group in vectors("ecdsa/wycheproof_ecdsa_secp256r1_sha256_p1363_test.json")["testGroups"]:
        point = bytes.fromhex(group["publicKey"]["uncompressed"])
        jwk = {"kty": "EC", "crv": "P-256", "x": canonical.b64url(point[1:33]), "y": canonical.b64url(point[33:])}
        for case in group["tests"]:
            good = holds(bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]), jwk, "ES256")
            assert good == (case["result"] == "valid"), case["tcId"]
            count += 1
    assert count == 262


def test_wycheproof_jws_is_decided_as_listed() -> None:
    """Signing input, spelling, algorithm and key of each case, for the algorithms used here."""
    decided = {True: 0, False: 0}
    for group in vectors("jws/wycheproof_json_web_signature_test.json")["testGroups"]:
        jwk = {**group.get("private", {}), **group.get("public", {})}
        if jwk.get("kty") not in ("EC", "RSA"):
            continue
        public = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e", "use", "alg") if name in jwk}
        if ops := jwk.get("key_ops"):
            public["key_ops"] = ["verify" if name in ("sign", "verify") else name for name in ops]
        for case in group["tests"]:
            used_here = header_of(case["jws"]).get("alg") in ("ES256", "RS256", "PS256")
            expected = case["result"] == "valid" and used_here and jwk.get("crv", "P-256") == "P-256"
            assert compact_holds(case["jws"], public) == expected, (case["tcId"], case["comment"])
            decided[expected] += 1
    assert decided[True] > 10
    assert decided[False] > 100


def header_of(jws: str) -> dict[str, Any]:
    try:
        header = json.loads(keys.decode(jws.partition(".")[0], "protected"))
    except (ValueError, SignatureError):
        return {}
    return header if isinstance(header, dict) else {}


def compact_holds(jws: str, jwk: dict[str, Any]) -> bool:
    parts, header = jws.split("."), header_of(jws)
    alg = header.get("alg")
    if len(parts) != 3 or set(header) - {"alg", "kid"} or alg not in keys.ALGORITHMS_OF[jwk["kty"]]:
        return False
    if jwk.get("alg", alg) != alg:
        return False
    try:
        keys.decode(parts[1], "payload")
        raw = keys.decode(parts[2], "signature")
    except SignatureError:
        return False
    return holds(f"{parts[0]}.{parts[1]}".encode(), raw, jwk, str(alg))


def test_the_ed25519_example_of_rfc_8037_verifies() -> None:
    example = vectors("jws/curve25519_jws.json")
    protected, payload, raw = example["output"]["compact"].split(".")
    jwk = {name: example["input"]["key"][name] for name in ("kty", "crv", "x")}
    keys.check_signature(f"{protected}.{payload}".encode(), keys.decode(raw, ""), jwk, "EdDSA")


def test_the_first_signature_of_rfc_7520_section_4_8_verifies() -> None:
    example = vectors("jws/4_8.multiple_signatures.json")
    first = example["signing"][0]
    jwk = {name: example["input"]["key"][0][name] for name in ("kty", "n", "e")}
    keys.check_signature(first["sig-input"].encode(), keys.decode(first["sig"], ""), jwk, "RS256")


def test_moments_need_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        signature.sign(PAYLOAD, PROVIDER_KEY, now=datetime(2026, 11, 22))  # noqa: DTZ001
    assert LATER.tzinfo is UTC
