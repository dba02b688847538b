"""Signatures by certificate, and results party by party."""

from datetime import timedelta
from typing import Any

import pytest

from contracts import canonical, certificates, forms, keys, signature
from contracts.certificates import Sealed
from contracts.errors import ContractsError
from contracts.signature import SignatureError
from tests.contracts.authority import Authority, Certified, named
from tests.contracts.examples import NOW, PROVIDER_KEY, STRANGER_KEY, consumer, make_contract, provider

LATER = NOW + timedelta(minutes=1)
ROOT = Authority.root("Root CA", NOW)
SUB = ROOT.under("Sub CA", NOW)
SIGNER = SUB.certify(named("Công ty B", USER_ID="MST:0312345678"), NOW)
CONTRACT = make_contract(parties=(provider(), consumer(keys=(certificates.thumbprint(SIGNER.der),))))
PAYLOAD = CONTRACT.payload


def sign(signer: Certified = SIGNER, **more: Any) -> dict[str, str]:
    return signature.sign(PAYLOAD, signer.key, now=LATER, chain=signer.chain, **more)


def refusal(entry: object, **options: Any) -> ContractsError:
    with pytest.raises(ContractsError) as caught:
        signature.check(options.pop("payload", PAYLOAD), entry, options.pop("contract", CONTRACT), **options)
    return caught.value


def with_header(**changes: Any) -> dict[str, str]:
    """The signer's entry with another header, signed properly all the same."""
    header = {**canonical.loads(keys.decode(sign()["protected"], "")), **changes}
    header = {name: value for name, value in header.items() if value is not None}
    protected = canonical.b64url(canonical.dumps(header))
    raw = keys.make_signature(signature.signing_input(protected, PAYLOAD), SIGNER.key, "ES256")
    return {"protected": protected, "signature": canonical.b64url(raw)}


def test_a_signer_is_recognised_by_the_certificate_that_the_contract_names() -> None:
    info = signature.check(PAYLOAD, sign(), CONTRACT, org_id="org-2", now=LATER)
    thumbprint = certificates.thumbprint(SIGNER.der)
    assert info == signature.SignerInfo("org-2", thumbprint, "ES256", LATER, SIGNER.chain)
    header = canonical.loads(keys.decode(sign()["protected"], ""))
    assert sorted(header) == ["alg", "cty", "iat", "typ", "x5c", "x5t#S256"]  # the headers of JAdES-B-B


@pytest.mark.parametrize("alg", ["Ed25519", "RS256", "PS256"])
def test_certificates_of_each_kind_of_key_sign(alg: str) -> None:
    signer = SUB.certify(named("Công ty B"), NOW, alg=alg)
    contract = make_contract(parties=(provider(), consumer(keys=(certificates.thumbprint(signer.der),))))
    entry = signature.sign(contract.payload, signer.key, now=LATER, alg=alg, chain=signer.chain)
    assert signature.check(contract.payload, entry, contract).alg == alg


def test_one_side_may_sign_by_key_and_the_other_by_certificate() -> None:
    by_key = signature.sign(PAYLOAD, PROVIDER_KEY, now=LATER)
    found = signature.check_all(signature.assemble(PAYLOAD, [sign(), by_key]), now=LATER)
    assert [(info.org_id, len(info.chain)) for info in found] == [("org-2", 2), ("org-1", 0)]


def test_a_renewed_certificate_of_the_same_key_is_another_signer() -> None:
    renewed = SUB.certify(named("Công ty B"), NOW, key=SIGNER.key)
    assert refusal(sign(renewed)).code == "KEY_UNKNOWN"
    assert refusal(signature.sign(PAYLOAD, SIGNER.key, now=LATER)).code == "KEY_UNKNOWN"  # nor the key by itself


def test_a_certificate_of_another_key_cannot_be_put_before_a_signature() -> None:
    with pytest.raises(SignatureError, match="KEY_MISMATCH"):
        signature.sign(PAYLOAD, STRANGER_KEY, now=LATER, chain=SIGNER.chain)
    foreign = signature.sign(PAYLOAD, STRANGER_KEY, now=LATER)
    assert refusal({**sign(), "signature": foreign["signature"]}).code == "SIGNATURE_INVALID"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"x5t#S256": "A" * 43}, "KEY_MISMATCH"),
        ({"x5t#S256": None}, "HEADER_FIELD_MISSING"),
        ({"jwk": signature.public_jwk(SIGNER.key)}, "HEADER_FIELD_UNKNOWN"),
        ({"kid": "A" * 43}, "HEADER_FIELD_UNKNOWN"),
        ({"x5u": "https://example.test/"}, "HEADER_FIELD_UNKNOWN"),
        ({"crit": ["x5t#S256"]}, "HEADER_FIELD_UNKNOWN"),
        ({"x5c": []}, "HEADER_FIELD_WRONG"),
        ({"x5c": "AAAA"}, "HEADER_FIELD_WRONG"),
        ({"x5c": [7]}, "HEADER_FIELD_WRONG"),
        ({"x5c": ["é"]}, "HEADER_FIELD_WRONG"),
        ({"x5c": ["AB"]}, "HEADER_FIELD_WRONG"),
        ({"x5c": ["AAAA"]}, "CERTIFICATE_MALFORMED"),
        ({"x5c": ["AAAA"] * 7}, "HEADER_FIELD_WRONG"),
        ({"alg": "Ed25519"}, "ALGORITHM_REFUSED"),
        ({"alg": "none"}, "ALGORITHM_REFUSED"),
    ],
)
def test_each_malformed_header_has_its_code(changes: dict[str, Any], code: str) -> None:
    assert refusal(with_header(**changes)).code == code


def test_a_bad_signature_does_not_hide_the_others() -> None:
    stranger = signature.sign(PAYLOAD, STRANGER_KEY, now=LATER)
    spoilt = {**sign(), "signature": canonical.b64url(bytes(64))}
    results = signature.examine(signature.assemble(PAYLOAD, [stranger, spoilt]), now=LATER)
    assert [(result.org_id, result.problem and result.problem.code) for result in results] == [
        (None, "KEY_UNKNOWN"),
        ("org-2", "SIGNATURE_INVALID"),
        ("org-1", "SIGNATURE_MISSING"),
    ]
    good = signature.examine(signature.assemble(PAYLOAD, [sign(), {"protected": "", "signature": ""}]), now=LATER)
    assert [result.signer.org_id if result.signer else None for result in good] == ["org-2", None, None]


def test_a_form_that_nobody_knows_and_a_file_too_large_are_refused() -> None:
    for form, data, code in (("xades", b"x", "FORM_UNKNOWN"), ("cades", b"", "FILE_TOO_LARGE")):
        with pytest.raises(SignatureError, match=code):
            forms.open_file(form, data, PAYLOAD)


def test_of_the_signatures_in_a_file_the_partys_own_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SUB.certify(named("Công ty A"), NOW)
    sealed = (Sealed(other.chain, None, "ES256"), Sealed(SIGNER.chain, LATER, "ES256"))
    monkeypatch.setattr(forms, "open_file", lambda form, data, payload: sealed)
    found = forms.check_file("pades", b"%PDF", CONTRACT, at=LATER, org_id="org-2")
    assert (found.kid, found.chain) == (certificates.thumbprint(SIGNER.der), SIGNER.chain)
    with pytest.raises(SignatureError, match="KEY_UNKNOWN"):
        forms.check_file("pades", b"%PDF", CONTRACT, at=LATER, org_id="org-1")
    early = (Sealed(SIGNER.chain, NOW - timedelta(days=1), "ES256"),)
    monkeypatch.setattr(forms, "open_file", lambda form, data, payload: early)
    with pytest.raises(SignatureError, match="SIGNED_BEFORE_CONTRACT"):
        forms.check_file("cades", b"x", CONTRACT, at=LATER, org_id="org-2")
