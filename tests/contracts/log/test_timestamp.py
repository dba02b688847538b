"""RFC 3161 tokens, made by ``openssl ts``: what is accepted, and what is not."""

import pytest
from rfc3161_client._rust import parse_timestamp_request

from contracts.errors import TimestampError
from contracts.log import timestamp
from tests.tsa import Authority

TEXT = b"log.minhbach.example/2026\n70\ngUJfLsAfrBCDbf5AGI4bhbU9msWq4Fi+FcVOvfaQmdo=\n"
NONCE = 0xAB54A98CEB1F0AD2


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "good")


@pytest.fixture(scope="module")
def token(authority):
    return authority.stamp(timestamp.request(TEXT, NONCE))


def roots(authority):
    return timestamp.parse_roots(authority.roots.read_bytes())


def refused(code, *arguments):
    with pytest.raises(TimestampError) as caught:
        timestamp.check(*arguments)
    assert caught.value.code == code
    return caught.value


@pytest.mark.parametrize("nonce", [0, 1, 127, 128, 255, 256, 2**63, 2**64 - 1])
def test_another_implementation_reads_our_request(nonce):
    read = parse_timestamp_request(timestamp.request(TEXT, nonce))
    assert (read.version, read.nonce, read.cert_req) == (1, nonce, True)
    assert read.message_imprint.hash_algorithm.dotted_string == "2.16.840.1.101.3.4.2.1"


def test_a_token_tells_when_by_whom_and_under_which_policy(authority, token):
    stamp = timestamp.check(token, TEXT, roots(authority), NONCE)
    assert stamp == timestamp.check(token, TEXT, roots(authority))
    assert (stamp.policy, stamp.authority) == ("1.2.3.4.1", "CN=Time stamps")
    assert stamp.time.utcoffset().total_seconds() == 0
    assert authority.verify(token, TEXT)


def test_other_bytes_another_nonce_another_root_and_no_root_are_refused(authority, token, tmp_path):
    refused("TIMESTAMP_OF_ANOTHER_TEXT", token, TEXT + b"\n", roots(authority), NONCE)
    refused("TIMESTAMP_NONCE", token, TEXT, roots(authority), NONCE + 1)
    refused("TIMESTAMP_UNTRUSTED", token, TEXT, roots(Authority(tmp_path / "other")), NONCE)
    refused("TIMESTAMP_UNTRUSTED", token, TEXT, [], NONCE)


def test_a_certificate_that_had_run_out_when_it_signed_is_refused(tmp_path):
    late = Authority(tmp_path / "late", expired=True)
    token = late.stamp(timestamp.request(TEXT, NONCE))
    assert refused("TIMESTAMP_UNTRUSTED", token, TEXT, roots(late), NONCE).facts["reason"] == "certificate has expired"


def test_a_certificate_for_other_purposes_is_refused(token, tmp_path):
    good, other = Authority(tmp_path / "purpose"), Authority(tmp_path / "no-purpose", purpose=False)
    assert timestamp.check(good.stamp_by_hand(token), TEXT, roots(good), NONCE).authority == "CN=Time stamps"
    refused("TIMESTAMP_UNTRUSTED", other.stamp_by_hand(token), TEXT, roots(other), NONCE)


def test_a_refusal_and_what_is_no_answer_at_all_are_refused(authority, token):
    sha1 = timestamp.request(TEXT, NONCE).replace(
        bytes.fromhex("608648016503040201"), bytes.fromhex("608648016503040203")
    )
    assert refused("TIMESTAMP_NOT_GRANTED", authority.stamp(sha1), TEXT, roots(authority)).facts["status"] == 2
    for bytes_ in (b"", b"<html>", token[:-1], token + b"\0", token + bytes(timestamp.MAX_TOKEN)):
        refused("TIMESTAMP_MALFORMED", bytes_, TEXT, roots(authority))
    with pytest.raises(TimestampError, match="TIMESTAMP_ROOTS"):
        timestamp.parse_roots(b"no certificate")


def test_every_single_bit_of_a_token_counts_but_for_the_name_of_the_signature_algorithm(authority, token):
    """That name stands outside what is signed (RFC 5652 section 5.3); the key in the certificate settles the matter."""
    trusted, genuine = roots(authority), timestamp.check(token, TEXT, roots(authority), NONCE)
    ecdsa = bytes.fromhex("300a06082a8648ce3d040302")
    last = token.rindex(ecdsa)
    unsigned = range(last, last + len(ecdsa))
    counted = 0
    for bit in range(8 * len(token)):
        changed = bytearray(token)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert timestamp.check(bytes(changed), TEXT, trusted, NONCE) == genuine
            assert bit // 8 in unsigned, f"byte {bit // 8}"
        except TimestampError:
            counted += 1
    assert counted > 8 * (len(token) - len(unsigned)) - 1
