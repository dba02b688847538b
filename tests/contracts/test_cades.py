"""Detached CAdES: what we sign opens, what `openssl` signs opens, and everything else is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from asn1crypto import algos, cms, core
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509 import load_der_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from contracts import cades, forms
from contracts.certificates import Trust, check_chain, thumbprint
from contracts.errors import ContractsError
from contracts.keys import SignatureError
from contracts.words import say
from tests.contracts.authority import Authority, Certified, named
from tests.contracts.examples import NOW, consumer, make_contract, provider

SIGNED_AT = NOW + timedelta(minutes=3)
ROOT = Authority.root("Root", NOW)
BETWEEN = ROOT.under("Between", NOW)


@cache
def signer(alg: str) -> Certified:
    return BETWEEN.certify(named("Công ty A"), NOW, alg=alg)


PAYLOAD = make_contract(parties=(provider(keys=(thumbprint(signer("ES256").der),)), consumer())).payload


@cache
def signed(alg: str = "ES256") -> bytes:
    who = signer(alg)
    return cades.sign(PAYLOAD, who.chain, cades.local(who.key), now=SIGNED_AT)


def refused(p7s: bytes, payload: bytes = PAYLOAD) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        cades.open_signature(p7s, payload)
    assert caught.value.code not in say(caught.value.code, caught.value.facts, "vi"), "a code without words"
    return caught.value


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "RS256"])
def test_what_is_signed_here_opens_with_signer_chain_time_and_algorithm(alg: str) -> None:
    sealed = cades.open_signature(signed(alg), PAYLOAD)
    assert sealed.chain == signer(alg).chain
    assert sealed.claimed_at == SIGNED_AT
    assert sealed.alg == alg
    found = check_chain(sealed.chain, Trust(organisation=(ROOT.der,)), SIGNED_AT, [BETWEEN.crl(NOW), ROOT.crl(NOW)])
    assert found.thumbprint == thumbprint(signer(alg).der)


def test_it_counts_for_the_party_whose_certificate_the_contract_names() -> None:
    contract = make_contract(parties=(provider(keys=(thumbprint(signer("ES256").der),)), consumer()))
    info = forms.check_file("cades", signed(), contract, at=SIGNED_AT)
    assert (info.org_id, info.iat) == ("org-1", SIGNED_AT)


def test_another_payload_is_refused() -> None:
    assert refused(signed(), PAYLOAD + b" ").code == "CMS_OTHER_CONTENT"


@given(st.data())
def test_no_flipped_bit_opens_unless_nothing_was_signed_there(data: st.DataObject) -> None:
    """What the signature does not cover is the spelling of what surrounds it; the signer stays who it was."""
    alg = data.draw(st.sampled_from(["Ed25519", "ES256", "RS256"]))
    whole = signed(alg)
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    changed = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
    try:
        sealed = cades.open_signature(changed, PAYLOAD)
    except ContractsError:
        return
    assert sealed.chain[0] == signer(alg).der
    assert (sealed.claimed_at, sealed.alg) == (SIGNED_AT, alg)


@given(st.integers(0, 5000), st.binary(max_size=40))
def test_cut_lengthened_or_foreign_bytes_are_refused(length: int, more: bytes) -> None:
    whole = signed()
    for bytes_ in (whole[: length % len(whole)], whole + b"\0" + more, more):
        assert refused(bytes_).code in ("CMS_MALFORMED", "FILE_TOO_LARGE", "CMS_REFUSED")


def remade(change: Callable[[Any, Any], None], alg: str = "ES256") -> bytes:
    """The signature with its SignedData and SignerInfo changed, and the attributes signed anew."""
    info = cms.ContentInfo.load(signed(alg))
    data, one = info["content"], info["content"]["signer_infos"][0]
    change(data, one)
    who = signer(alg)
    if not isinstance(one["signed_attrs"], core.Void):
        message = b"\x31" + one["signed_attrs"].untag().dump(force=True)[1:]
        if alg == "ES256":
            from cryptography.hazmat.primitives.asymmetric import ec

            one["signature"] = who.key.sign(message, ec.ECDSA(hashes.SHA256()))
    return bytes(info.dump(force=True))


def without(name: str) -> Callable[[Any, Any], None]:
    def change(_: Any, one: Any) -> None:
        one["signed_attrs"] = cms.CMSAttributes([a for a in one["signed_attrs"] if a["type"].native != name])

    return change


def test_remaking_without_a_change_still_opens() -> None:
    assert cades.open_signature(remade(lambda *_: None), PAYLOAD).alg == "ES256"


@pytest.mark.parametrize("name", ["content_type", "message_digest", "signing_certificate_v2"])
def test_each_demanded_attribute_is_demanded(name: str) -> None:
    problem = refused(remade(without(name)))
    assert problem.code == "CMS_ATTRIBUTE_MISSING"
    assert problem.facts["value"] == name.replace("_", "-")


def test_without_a_signing_time_none_is_claimed() -> None:
    assert cades.open_signature(remade(without("signing_time")), PAYLOAD).claimed_at is None


def twice(_: Any, one: Any) -> None:
    one["signed_attrs"] = cms.CMSAttributes([*one["signed_attrs"], one["signed_attrs"][0]])


def two_values(_: Any, one: Any) -> None:
    for attribute in one["signed_attrs"]:
        if attribute["type"].native == "signing_time":
            attribute["values"].append(attribute["values"][0])


def two_signers(data: Any, one: Any) -> None:
    data["signer_infos"] = [one, one.copy()]


def no_signer(data: Any, _: Any) -> None:
    data["signer_infos"] = []


def attached(data: Any, _: Any) -> None:
    data["encap_content_info"] = {"content_type": "data", "content": PAYLOAD}


def no_certificates(data: Any, _: Any) -> None:
    data["certificates"] = []


def anothers_certificates(data: Any, _: Any) -> None:
    data["certificates"] = [cms.Certificate.load(signer("RS256").der)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (twice, "signed attributes"),
        (two_values, "signed attributes"),
        (two_signers, "signers"),
        (no_signer, "signers"),
        (attached, "content"),
        (no_certificates, "certificates"),
        (anothers_certificates, "signer certificate"),
    ],
)
def test_another_shape_is_refused_by_name(change: Callable[[Any, Any], None], reason: str) -> None:
    problem = refused(remade(change))
    assert (problem.code, problem.facts["reason"]) == ("CMS_REFUSED", reason)


def test_the_certificate_cannot_be_exchanged_for_another_of_the_same_key() -> None:
    """What signing-certificate-v2 is for: the same name, number and key in a certificate made to say more."""
    who = signer("ES256")
    serial = load_der_x509_certificate(who.der).serial_number

    def exchange(data: Any, _: Any) -> None:
        other = BETWEEN.certify(named("Công ty A"), NOW, key=who.key, until=NOW + timedelta(days=900)).der
        old, new = (n.to_bytes(20, "big") for n in (serial, load_der_x509_certificate(other).serial_number))
        data["certificates"] = [cms.Certificate.load(other.replace(new, old))]

    assert refused(remade(exchange)).code == "CMS_OTHER_CERTIFICATE"


def test_weak_digests_are_refused() -> None:
    def weaken(data: Any, one: Any) -> None:
        data["digest_algorithms"] = [{"algorithm": "sha1"}]
        one["digest_algorithm"] = {"algorithm": "sha1"}

    assert refused(remade(weaken)).code == "ALGORITHM_REFUSED"


def test_algorithms_that_contradict_the_protected_ones_are_refused() -> None:
    def protect(_: Any, one: Any) -> None:
        claimed = {"digest_algorithm": {"algorithm": "sha512"}, "signature_algorithm": one["signature_algorithm"]}
        one["signed_attrs"] = cms.CMSAttributes(
            [*one["signed_attrs"], {"type": "cms_algorithm_protection", "values": [claimed]}]
        )

    assert refused(remade(protect)).facts["reason"] == "algorithm protection"


@pytest.mark.parametrize(("salt", "code"), [(32, None), (222, None), (20, "ALGORITHM_REFUSED")])
def test_pss_needs_a_salt_as_long_as_the_hash(salt: int, code: str | None) -> None:
    info = cms.ContentInfo.load(signed("RS256"))
    one = info["content"]["signer_infos"][0]
    message = b"\x31" + one["signed_attrs"].dump()[1:]
    key = signer("RS256").key
    one["signature"] = key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())  # type: ignore[union-attr, call-arg, arg-type]
    one["signature_algorithm"] = algos.SignedDigestAlgorithm(
        {
            "algorithm": "rsassa_pss",
            "parameters": {
                "hash_algorithm": {"algorithm": "sha256"},
                "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
                "salt_length": salt,
            },
        }
    )
    if code:
        assert refused(bytes(info.dump(force=True))).code == code
    else:
        assert cades.open_signature(bytes(info.dump(force=True)), PAYLOAD).alg == "PS256"


def test_a_plain_cms_signature_is_no_cades() -> None:
    who = signer("ES256")
    certificate = load_der_x509_certificate(who.der)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(PAYLOAD)
    plain = builder.add_signer(certificate, who.key, hashes.SHA256()).sign(  # type: ignore[arg-type]
        serialization.Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    )
    problem = refused(plain)
    assert (problem.code, problem.facts["value"]) == ("CMS_ATTRIBUTE_MISSING", "signing-certificate-v2")


def test_deep_or_huge_files_are_refused_before_they_are_read() -> None:
    nest = b"\x30\x00"
    for _ in range(60):
        length = len(nest)
        head = bytes([length]) if length < 128 else b"\x81" + bytes([length])
        nest = b"\x30" + head + nest
    assert refused(nest).code == "CMS_MALFORMED"
    assert refused(b"\x30\x82\xff\xfc" + b"\x05\x00" * 32_766).code == "CMS_MALFORMED"
    assert refused(b"\x30" * (cades.MAX_FILE + 1)).code == "FILE_TOO_LARGE"
    assert refused(b"\x30\x80" + signed()[4:] + b"\0\0").code == "CMS_MALFORMED"  # BER's open end


def test_a_moment_without_its_zone_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="time zone"):
        cades.sign(PAYLOAD, signer("ES256").chain, cades.local(signer("ES256").key), now=datetime(2026, 1, 1))  # noqa: DTZ001
