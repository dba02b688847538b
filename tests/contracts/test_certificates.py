"""A certificate counts only with a path to a trusted root, for signing, in its time, and not revoked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from contracts import certificates
from contracts.certificates import Signer, Trust, check_chain
from contracts.errors import ContractsError
from tests.contracts.authority import Authority, Certified, named, usage

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SUBJECT = named("Công ty Thử", USER_ID="MST:0100109106")


class World:
    """A licensed authority with one below it, an organisation's own root, and the lists of all three."""

    def __init__(self) -> None:
        self.root = Authority.root("Root CA", NOW)
        self.sub = self.root.under("Sub CA", NOW)
        self.own = Authority.root("Own CA", NOW, alg="RS256")
        self.trust = Trust(licensed=(self.root.der,), organisation=(self.own.der,))
        self.signer = self.sub.certify(SUBJECT, NOW)

    def crls(self, now: datetime = NOW) -> list[bytes]:
        return [self.root.crl(now), self.sub.crl(now), self.own.crl(now)]

    def check(self, signer: Certified | None = None, at: datetime = NOW, crls: list[bytes] | None = None) -> Signer:
        chain = (signer or self.signer).chain
        return check_chain(chain, self.trust, at, self.crls() if crls is None else crls)

    def refuses(self, code: str, *args: Any, **given: Any) -> dict[str, Any]:
        with pytest.raises(ContractsError) as caught:
            self.check(*args, **given)
        assert caught.value.code == code, caught.value
        return caught.value.facts


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "RS256"])
def test_a_signer_under_a_licensed_authority_is_graded_so(world: World, alg: str) -> None:
    signer = world.sub.certify(SUBJECT, NOW, alg=alg)
    crls = world.crls()
    found = world.check(signer, crls=crls)
    assert found.grade == "licensed"
    assert found.thumbprint == certificates.thumbprint(signer.der)
    assert found.path == (signer.der, world.sub.der, world.root.der)
    assert set(found.crls) == set(crls[:2])  # of the authority above, and of the root


def test_a_signer_under_an_organisations_own_root_is_graded_so(world: World) -> None:
    assert world.check(world.own.certify(SUBJECT, NOW)).grade == "organisation"


def test_a_root_that_is_trusted_both_ways_counts_as_licensed(world: World) -> None:
    world.trust = Trust(licensed=(world.root.der,), organisation=(world.root.der, world.own.der))
    assert world.check().grade == "licensed"


def test_the_certificates_above_the_signer_may_come_in_any_order_and_with_the_root(world: World) -> None:
    lower = world.sub.under("Lower CA", NOW)
    signer = lower.certify(SUBJECT, NOW)
    chain = (signer.der, world.root.der, world.sub.der, lower.der)
    assert check_chain(chain, world.trust, NOW, [*world.crls(), lower.crl(NOW)]).grade == "licensed"


def test_without_a_path_to_a_trusted_root_it_is_refused(world: World) -> None:
    stranger = Authority.root("Root CA", NOW)  # the same name, another key
    facts = world.refuses("CERTIFICATE_UNTRUSTED", stranger.certify(SUBJECT, NOW), crls=[stranger.crl(NOW)])
    assert facts["passes"] == "CN=Root CA,C=VN; CN=Own CA,C=VN"
    world.refuses("CERTIFICATE_UNTRUSTED", Certified(world.signer.key, world.signer.der))  # nobody sent the Sub CA
    world.trust = Trust()
    world.refuses("CERTIFICATE_UNTRUSTED")


def test_a_signer_cannot_certify_another(world: World) -> None:
    forged = Authority(x509.load_der_x509_certificate(world.signer.der).subject, world.signer.key, None)  # type: ignore[arg-type]
    below = forged.certify(SUBJECT, NOW)
    world.refuses("CERTIFICATE_UNTRUSTED", Certified(below.key, below.der, world.signer.chain))


def test_it_is_judged_at_the_moment_of_signing(world: World) -> None:
    later = NOW + 400 * DAY
    facts = world.refuses("CERTIFICATE_EXPIRED", at=later, crls=world.crls(later))
    assert facts["passes"] == (NOW + 365 * DAY).isoformat(timespec="seconds")
    world.refuses("CERTIFICATE_NOT_YET_VALID", at=NOW - 2 * DAY, crls=world.crls(NOW - 2 * DAY))


def test_an_authority_that_has_expired_is_named(world: World) -> None:
    short = world.root.under("Short CA", NOW, years=1)
    signer = short.certify(SUBJECT, NOW)
    at = NOW + 10 * DAY
    facts = world.refuses("CERTIFICATE_EXPIRED", signer, at=at, crls=[world.root.crl(at), short.crl(at)])
    assert facts["value"] == "CN=Short CA,C=VN"


def test_revoked_before_the_signature_it_is_refused_and_after_it_is_not(world: World) -> None:
    world.sub.revoke(world.signer.der, NOW)
    assert world.check(at=NOW - timedelta(seconds=1), crls=world.crls(NOW - timedelta(hours=1)))
    facts = world.refuses("CERTIFICATE_REVOKED")
    assert facts["since"] == NOW.isoformat(timespec="seconds")


def test_a_revoked_authority_takes_its_signers_along(world: World) -> None:
    world.root.revoke(world.sub.der, NOW - DAY)
    assert world.refuses("CERTIFICATE_REVOKED")["value"] == "CN=Sub CA,C=VN"


@pytest.mark.parametrize("hours", [-24 * 8, 1])
def test_a_list_from_another_time_says_nothing(world: World, hours: int) -> None:
    """Too old, or from after the signature."""
    facts = world.refuses("CERTIFICATE_STATUS_UNKNOWN", crls=world.crls(NOW + timedelta(hours=hours)))
    assert facts["issuer"] == "CN=Sub CA,C=VN"


def test_every_certificate_under_the_root_needs_a_list_of_its_issuer(world: World) -> None:
    root, sub, own = world.crls()
    assert world.refuses("CERTIFICATE_STATUS_UNKNOWN", crls=[sub, own])["issuer"] == "CN=Root CA,C=VN"
    assert world.refuses("CERTIFICATE_STATUS_UNKNOWN", crls=[root, own])["issuer"] == "CN=Sub CA,C=VN"


def test_a_list_that_the_issuer_did_not_sign_counts_as_none(world: World) -> None:
    forged = world.sub.crl(NOW, key=world.own.key)
    world.refuses("CERTIFICATE_STATUS_UNKNOWN", crls=[world.root.crl(NOW), forged])


def test_part_of_a_list_is_refused(world: World) -> None:
    delta = world.sub.crl(NOW, extensions=[(x509.DeltaCRLIndicator(1), True)])
    world.refuses("CRL_PARTIAL", crls=[world.root.crl(NOW), delta])
    for damaged in (b"", delta[:-1], b"\x30\x03\x02\x01\x01"):
        world.refuses("CRL_MALFORMED", crls=[damaged])


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        (x509.BasicConstraints(ca=True, path_length=None), "CA"),
        (usage(key_encipherment=True), "keyUsage"),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), "1.2.3.4"),
    ],
)
def test_a_certificate_that_is_not_for_signing_is_refused(
    world: World, extension: x509.ExtensionType, reason: str
) -> None:
    signer = world.sub.certify(SUBJECT, NOW, extensions=[(extension, True)])
    assert world.refuses("CERTIFICATE_PURPOSE", signer)["reason"] == reason


@pytest.mark.parametrize("bits", ["digital_signature", "content_commitment"])
def test_one_of_the_two_signing_purposes_is_enough_and_so_is_none_stated(world: World, bits: str) -> None:
    assert world.check(world.sub.certify(SUBJECT, NOW, extensions=[(usage(**{bits: True}), True)]))
    assert world.check(world.sub.certify(SUBJECT, NOW, extensions=[]))


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP384R1())])
def test_a_weak_or_foreign_kind_of_key_is_refused(world: World, key: Any) -> None:
    world.refuses("KEY_REFUSED", world.sub.certify(SUBJECT, NOW, key=key))


def test_bytes_that_are_no_certificate_are_refused(world: World) -> None:
    key, der = world.signer.key, world.signer.der
    for damaged in (b"", der[:-1], der + b"\x00", b"\x30\x03\x02\x01\x01", b"\x00" * 9000):
        world.refuses("CERTIFICATE_MALFORMED", Certified(key, damaged))
    assert world.check(Certified(key, der, (world.sub.der,) * 9))  # the same one again is no more than one
    world.refuses("CHAIN_LENGTH", Certified(key, der, tuple(bytes([n]) for n in range(5))))
    with pytest.raises(ContractsError, match="CHAIN_LENGTH"):
        check_chain((), world.trust, NOW)


def test_a_changed_bit_is_refused_or_makes_it_another_certificate(world: World) -> None:
    """ECDSA signatures have several spellings, an issuer's too; the digest that a contract names tells them apart."""
    crls, name = world.crls(), certificates.thumbprint(world.signer.der)
    for number in (0, 1):
        for place in range(0, len(world.signer.chain[number]), 3):
            chain = [bytearray(der) for der in world.signer.chain]
            chain[number][place] ^= 1
            try:
                found = check_chain([bytes(der) for der in chain], world.trust, NOW, crls)
            except ContractsError:
                continue
            assert number == 0
            assert found.thumbprint != name


@pytest.mark.parametrize(
    ("attribute", "value", "codes"),
    [
        (NameOID.USER_ID, "MST:0100109106", ("0100109106",)),
        (NameOID.USER_ID, "MST: 0100109106-001", ("0100109106-001",)),
        (NameOID.SERIAL_NUMBER, "0100109106", ("0100109106",)),
        (x509.ObjectIdentifier("2.5.4.97"), "VATVN-0100109106", ("0100109106",)),
        (NameOID.USER_ID, "CMND:012345678901", ()),
        (NameOID.SERIAL_NUMBER, "00010010910612", ()),
        (NameOID.ORGANIZATION_NAME, "0100109106", ()),
    ],
)
def test_the_tax_code_is_read_where_vietnamese_certificates_carry_it(
    world: World, attribute: x509.ObjectIdentifier, value: str, codes: tuple[str, ...]
) -> None:
    subject = x509.Name([x509.NameAttribute(attribute, value), x509.NameAttribute(NameOID.COMMON_NAME, "Công ty")])
    assert certificates.tax_codes(world.sub.certify(subject, NOW).der) == codes


def test_a_trust_list_has_one_spelling_and_a_name_in_the_log(world: World) -> None:
    more = Authority.root("Other CA", NOW)
    trust = Trust(licensed=(more.der, world.root.der), organisation=(world.own.der,))
    turned = Trust(licensed=(world.root.der, more.der), organisation=(world.own.der,))
    data = certificates.format_trust(trust)
    assert certificates.format_trust(turned) == data
    assert trust.digest == turned.digest != world.trust.digest
    assert certificates.parse_trust(data).digest == trust.digest
    for damaged in (b"", b"[]", data.replace(b'"v":1', b'"v":2'), data.replace(b"licensed", b"licensee"), data + b" "):
        with pytest.raises(ContractsError, match="TRUST_MALFORMED"):
            certificates.parse_trust(damaged)


def test_only_an_authority_that_signs_itself_can_be_a_root(world: World) -> None:
    for der in (world.signer.der, world.sub.der):
        with pytest.raises(ContractsError, match="ROOT_REFUSED"):
            certificates.parse_trust(certificates.format_trust(Trust(licensed=(der,))))
