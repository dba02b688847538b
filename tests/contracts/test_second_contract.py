"""What a checker keeps from one contract for the next (keys judged, sentences chosen, a payload's text) lets nothing
pass in the second that it would refuse in the first."""

import dataclasses

import pytest

from contracts import canonical, document, evidence, header, keys, signature, spelling, text
from contracts.errors import ContractsError
from contracts.evidence import WHOLE_LOG
from tests.contracts.story import KEYS, NOW, POLICY, begin, jws, make_contract, sign, tell, write

# The test runner has threads of its own, which the command has not; Python 3.12 remarks on forking beside them.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

PROVIDER = KEYS["provider-org"]


@pytest.fixture
def first():
    """A good contract, parsed and checked with its signatures, so that whatever is kept is kept."""
    contract = make_contract(begin(), "contract:01JBFIRST")
    for entry in sign(contract):
        signature.check(contract.payload, entry, contract)
    return contract


def second(**changes):
    return dataclasses.replace(make_contract(begin(), "contract:01JBSECOND"), **changes)


def renamed(contract):
    """The payload with another name of the seller, whose prose is still that of the first."""
    body = canonical.loads(contract.payload)
    body["parties"][0]["name"] = "Công ty Khác"
    return canonical.dumps(body)


def code(act, *given):
    with pytest.raises(ContractsError) as caught:
        act(*given)
    return caught.value.code


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_same_sentences_take_the_facts_of_the_second(first, lang):
    terms = dataclasses.replace(first.terms, purpose="Dự báo", price_vnd=7)
    one, other = text.plain(first, lang), text.plain(second(terms=terms), lang)
    assert ("Dự báo" in one, "Dự báo" in other) == (False, True)
    assert one.replace("01JBFIRST", "01JBSECOND") == text.plain(second(), lang)
    capped = text.plain(second(terms=dataclasses.replace(terms, liability_cap_vnd=9)), lang)
    assert [spelling.money(9, lang) in prose for prose in (other, capped)] == [False, True]


def test_prose_of_another_document_is_refused_in_the_second(first):
    assert code(document.parse, renamed(second())) == "PROSE_CHANGED"


def test_a_signature_of_the_first_is_none_of_the_second(first):
    other = second()
    for entry in sign(first):
        assert code(signature.check, other.payload, entry, other) == "SIGNATURE_INVALID"


def test_a_key_that_differs_in_one_character_is_judged_anew(first):
    good = signature.public_jwk(PROVIDER)
    for number in range(43):
        x = good["x"][:number] + ("A" if good["x"][number] != "A" else "B") + good["x"][number + 1 :]
        fields = header.read(signature.protect(good, now=NOW))
        assert code(header.key_of, {**fields, "jwk": {**good, "x": x}}) in ("KEY_MISMATCH", "BASE64URL_REFUSED")
    weak = canonical.b64url(bytes(32))
    for again in range(2):  # a refusal is not kept either
        assert code(keys.check_public_jwk, {**good, "x": weak}) == "KEY_REFUSED", again


@pytest.mark.parametrize("processes", [1, 2])
def test_a_bundle_with_a_bad_second_contract_is_refused(tmp_path, processes):
    log = begin()
    contracts = [make_contract(log, f"contract:01JB{number:04d}") for number in range(120)]
    bad = dataclasses.replace(contracts[60], payload=renamed(contracts[60]))
    signed = []
    for contract in [*contracts[:60], bad, *contracts[61:]]:
        entries = sign(contract)
        tell(log, contract, entries, subject=f"contract:{contract.id}", upto=4)
        signed.append(jws(contract, entries))
    path = tmp_path / "bad.zip"
    path.write_bytes(write(log, signed, scope=WHOLE_LOG))
    report = evidence.check(path, POLICY, processes=processes)
    assert report.lines[-1].problem.code == "PROSE_CHANGED"
