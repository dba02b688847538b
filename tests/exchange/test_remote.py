"""Signing at a remote service by the CSC API v2: the whole way to a contract in force, and every way it can fail."""

import base64
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.request import urlopen

import pytest

from contracts import keys, signature
from exchange import clock
from exchange.accounts import trust
from exchange.accounts.models import Organisation
from exchange.client import csc, login
from exchange.client.files import Credentials
from exchange.client.words import LANGUAGES, ClientError, say
from exchange.db import Database
from tests.contracts.authority import Authority, named
from tests.contracts.examples import NOW, consumer, make_contract, provider
from tests.exchange.signing_service import CLIENT, OTP, PIN, SECRET, Service, running
from tests.exchange.test_client import Floor, as_person, floor  # noqa: F401 - fixture

PROGRAM = Credentials(CLIENT, SECRET)


def typed(kind: str, where: str) -> str:
    """What the person types."""
    return {"PIN": PIN, "OTP": OTP}[kind]


@pytest.fixture(scope="module")
def authority() -> Authority:
    """A root and what is under it."""
    return Authority.root("Root CA", clock.now()).under("Sub CA", clock.now())


@pytest.fixture
def service(authority: Authority) -> Iterator[Service]:
    """A service with a credential of each kind."""
    made = {alg: authority.certify(named(f"Công ty {alg}"), clock.now(), alg=alg) for alg in ("ES256", "RS256")}
    with running(made) as serving:
        yield serving


@pytest.mark.parametrize(("alg", "raw"), [("ES256", False), ("ES256", True), ("RS256", False)])
def test_a_credential_signs_by_its_certificate(service: Service, alg: str, raw: bool) -> None:
    service.raw_ecdsa = raw
    holder = csc.opened(service.address, alg, PROGRAM, "en", typed)
    contract = make_contract(parties=(provider(keys=(holder.kid,)), consumer()))
    entry = holder.entry(contract.payload, NOW)
    signer = signature.check(contract.payload, entry, contract, now=NOW)
    assert (signer.alg, signer.chain) == (alg, service.credentials[alg].chain)
    digests = [
        body["hashes"] for call, body in service.asked if call in ("credentials/authorize", "signatures/signHash")
    ]
    assert digests[0] == digests[1]  # what is authorised is what is signed
    assert contract.id not in json.dumps(service.asked)  # the contract itself stays here


def test_a_one_time_password_is_sent_first(service: Service) -> None:
    service.objects = [{"type": "Password", "id": "PIN"}, {"type": "ChallengeResponse", "id": "OTP"}]
    csc.opened(service.address, "ES256", PROGRAM, "vi", typed).sign(b"x")
    calls = [call for call, _ in service.asked]
    assert calls.index("credentials/getChallenge") < calls.index("credentials/authorize")


def test_a_credential_without_questions_signs(service: Service) -> None:
    service.mode = "implicit"
    csc.opened(service.address, "ES256", PROGRAM, "vi", lambda *_: pytest.fail("asked")).sign(b"x")


def test_a_person_consents_in_a_browser(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    real = login.click.echo

    def browser(text: str, **more: Any) -> None:
        """The person opens the address that is shown."""
        import threading

        shown.append(text)
        address = next(line for line in text.splitlines() if line.startswith("http"))
        threading.Thread(target=lambda: urlopen(address, timeout=10).read(), daemon=True).start()

    monkeypatch.setattr(login.click, "echo", browser)
    holder = csc.opened(service.address, "ES256", replace(PROGRAM, client_secret=None, flow="person"), "en", typed)
    monkeypatch.setattr(login.click, "echo", real)
    holder.sign(b"x")
    assert "/oauth2/authorize?" in shown[0]
    assert "scope=service" in shown[0]


Spoil = Callable[[Service], object]


def spoilt(call: str, how: Any) -> Spoil:
    return lambda service: service.spoil.update({call: how})


def setting(**fields: Any) -> Spoil:
    return lambda service: [setattr(service, name, value) for name, value in fields.items()]


def with_one(name: str, value: object) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda found: {**found, name: value}


GARBAGE = base64.b64encode(bytes(64)).decode()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (setting(specs="1.0.4.0"), "REMOTE_VERSION"),
        (setting(status="disabled"), "REMOTE_CREDENTIAL"),
        (setting(mode="oauth2code"), "REMOTE_MODE"),
        (setting(algo=["1.2.840.113549.1.1.10"]), "REMOTE_ALGORITHM"),
        (setting(sad_expires=True), "REMOTE_SAD"),
        (setting(objects=[{"type": "Retina", "id": "PIN"}]), "REMOTE_MODE"),
        (spoilt("info", b"<html>"), "REMOTE_STRANGE"),
        (spoilt("info", b"[" * 100_000), "REMOTE_STRANGE"),
        (spoilt("info", b"{" + b" " * 300_000 + b"}"), "ANSWER_STRANGE"),
        (spoilt("info", with_one("oauth2", "http://elsewhere.example")), "SERVER_ADDRESS"),
        (spoilt("oauth2/token", with_one("access_token", None)), "REMOTE_STRANGE"),
        (spoilt("credentials/info", 429), "REMOTE_BUSY"),
        (spoilt("credentials/info", 503), "REMOTE_BUSY"),
        (spoilt("credentials/info", 500), "REMOTE_REFUSED"),
        (spoilt("credentials/info", 307), "REMOTE_REFUSED"),
        (spoilt("credentials/info", with_one("cert", {"certificates": ["AAAA"]})), "REMOTE_CREDENTIAL"),
        (spoilt("credentials/info", with_one("cert", {"certificates": "none"})), "REMOTE_STRANGE"),
        (spoilt("credentials/info", with_one("cert", [])), "REMOTE_STRANGE"),
        (spoilt("credentials/authorize", with_one("SAD", "")), "REMOTE_STRANGE"),
        (spoilt("signatures/signHash", with_one("signatures", [])), "REMOTE_STRANGE"),
        (spoilt("signatures/signHash", with_one("signatures", ["!"])), "REMOTE_STRANGE"),
        (spoilt("signatures/signHash", with_one("signatures", [GARBAGE])), "PLACE_SIGNED_WRONGLY"),
    ],
)
def test_each_failure_is_told_for_what_it_is(service: Service, spoil: Spoil, code: str) -> None:
    spoil(service)
    with pytest.raises(ClientError) as told:
        csc.opened(service.address, "ES256", PROGRAM, "en", typed).sign(b"x")
    assert told.value.code == code
    for lang in LANGUAGES:
        sentence = say(code, lang, told.value.facts)
        assert not {PIN, SECRET, *service.tokens, *service.sads} & set(sentence.split())


@pytest.mark.parametrize(
    ("objects", "answer", "code"),
    [
        ([{"type": "Password", "id": "PIN"}], "000000", "REMOTE_PIN"),
        ([{"type": "ChallengeResponse", "id": "OTP"}], "000000", "REMOTE_OTP"),
    ],
)
def test_a_wrong_pin_or_password_is_told_and_kept_out_of_what_is_said(
    service: Service, caplog: pytest.LogCaptureFixture, objects: list[dict[str, str]], answer: str, code: str
) -> None:
    service.objects = objects
    with caplog.at_level(logging.DEBUG), pytest.raises(ClientError) as told:
        csc.opened(service.address, "ES256", PROGRAM, "en", lambda *_: answer).sign(b"x")
    assert told.value.code == code
    assert answer not in caplog.text + str(told.value.facts)


def test_the_account_and_the_credential_must_be_there(service: Service) -> None:
    cases: list[tuple[str | None, Credentials, str]] = [
        (None, PROGRAM, "REMOTE_CHOOSE"),
        ("nothing", PROGRAM, "REMOTE_REFUSED"),
        ("ES256", Credentials(CLIENT, "wrong"), "REMOTE_TOKEN"),
    ]
    for credential, program, code in cases:
        with pytest.raises(ClientError) as told:
            csc.opened(service.address, credential, program, "en", typed)
        assert told.value.code == code
    del service.credentials["RS256"]
    assert csc.opened(service.address, None, PROGRAM, "en", typed).alg == "ES256"


def test_a_service_that_says_nothing_is_given_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csc, "SECONDS", 0.5)
    service.spoil["signatures/signHash"] = "silence"
    with pytest.raises(ClientError) as told:
        csc.opened(service.address, "ES256", PROGRAM, "en", typed).sign(b"x")
    assert told.value.code == "NO_CONNECTION"


@pytest.mark.parametrize("address", ["http://sign.example/csc/v2", "ftp://127.0.0.1/", "https://u:p@sign.example/", ""])
def test_only_https_is_spoken_except_on_this_machine(address: str) -> None:
    with pytest.raises(ClientError) as told:
        csc.opened(address, "ES256", PROGRAM, "en", typed)
    assert told.value.code == "SERVER_ADDRESS"


def test_a_contract_is_signed_at_a_service_and_with_a_certified_file_by_the_command(floor: Floor) -> None:  # noqa: F811
    database: Database = floor.people.database
    root = Authority.root("Root CA", clock.now())
    with database.writing() as session:
        trust.add_root(session, root.der, "licensed", clock.now())
        trust.add_crl(session, root.crl(clock.now() - timedelta(hours=1)), clock.now())
        codes = [session.get_one(Organisation, each.actor.org_id).tax_code for each in (floor.seller, floor.buyer)]
        session.commit()
    seller, buyer = floor.seller, floor.buyer
    at_service, in_file = (root.certify(named("Công ty", USER_ID=f"MST:{code}"), clock.now()) for code in codes)
    program = seller.file("service.json", {"client_id": CLIENT, "client_secret": SECRET})
    program.chmod(0o600)
    with running({"A": at_service}) as service:
        remote = ["--remote", service.address, "--service", program]
        done = as_person(floor, seller, "register", *remote, "--label", "Dịch vụ", MINHBACH_PIN=PIN)
        assert done.returncode == 0, done.stderr
        chain = buyer.file("chain.pem", pem(in_file.der))
        key = buyer.file("certified.pem", keys.to_pem(in_file.key))
        key.chmod(0o600)
        done = as_person(floor, buyer, "register", key, "--chain", chain, "--label", "Chứng thư")
        assert done.returncode == 0, done.stderr
        contract = floor.drawn()
        other = buyer.run("sign", contract, "--key", buyer.folder / "key.pem", "--chain", chain, "--yes")
        assert "is not this key's" in other.output
        wrong = seller.run("sign", contract, *remote, "--yes", MINHBACH_PIN="111111")
        assert "wrong PIN" in wrong.output
        missing = seller.run("sign", contract, "--remote", service.address, "--yes", MINHBACH_PIN=PIN)
        assert "client file" in missing.output
        signed = seller.does("sign", contract, *remote, "--yes", MINHBACH_PIN=PIN)
        assert "contract.signed]: record" in signed
        assert PIN not in signed
    assert "contract.active]: record" in buyer.does("sign", contract, "--key", key, "--chain", chain, "--yes")
    shown = floor.people.browser(seller.actor, "en").get(f"/contracts/{contract}").text
    assert shown.count("Certificate of a licensed authority") == 2


def pem(der: bytes) -> bytes:
    """A certificate as a PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
