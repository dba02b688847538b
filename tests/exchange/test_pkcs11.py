"""Signing with a key on a PKCS#11 token: the real library of a real (software) token, and the real command."""

import subprocess
import sys
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import import_key

from contracts import signature
from exchange.client import pkcs11_token
from exchange.client.words import ClientError
from tests.contracts.examples import NOW, consumer, make_contract, provider
from tests.exchange.test_client import Floor, as_person, floor  # noqa: F401 - fixture
from tests.exchange.tokens import PIN, TOKEN, token  # noqa: F401 - fixture


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "RS256"])
def test_a_token_signs_as_a_file_does(token: Path, alg: str) -> None:  # noqa: F811
    with pkcs11_token.opened(str(token), TOKEN, alg, lambda: PIN) as holder:
        contract = make_contract(parties=(provider(keys=(holder.kid,)), consumer()))
        entry = holder.entry(contract.payload, NOW)
        proof = holder.proof("a challenge")
    assert signature.check(contract.payload, entry, contract, now=NOW).alg == alg == holder.alg
    key = import_key(dict(holder.jwk))
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    registry.max_header_length = 2_048
    assert jws.deserialize_compact(proof, key, registry=registry).payload == b"a challenge"


def test_a_card_that_holds_only_a_certificate_signs_too(token: Path) -> None:  # noqa: F811
    with pkcs11_token.opened(str(token), TOKEN, "card", lambda: PIN) as holder:
        assert holder.alg == "ES256"
        holder.sign(b"checked under the certificate's key")


@pytest.mark.parametrize(
    ("label", "key", "pin", "code"),
    [
        ("nowhere", "ES256", PIN, "TOKEN_MISSING"),
        ("Twin", "ES256", PIN, "TOKEN_AMBIGUOUS"),
        (TOKEN, "ES256", "wrong", "PIN_WRONG"),
        (TOKEN, "ES256", "", "PIN_WRONG"),
        (TOKEN, "ES256", "9" * 300, "PIN_WRONG"),
        (TOKEN, "nothing", PIN, "TOKEN_KEY_MISSING"),
        (TOKEN, "twins", PIN, "TOKEN_KEY_AMBIGUOUS"),
        (TOKEN, "half", PIN, "TOKEN_KEY_HALF"),
    ],
)
def test_each_failure_is_told_for_what_it_is(token: Path, label: str, key: str, pin: str, code: str) -> None:  # noqa: F811
    with pytest.raises(ClientError) as told, pkcs11_token.opened(str(token), label, key, lambda: pin):
        pass
    assert told.value.code == code
    if code.endswith("_MISSING"):
        assert (TOKEN if code == "TOKEN_MISSING" else "RS256") in str(told.value.facts["passes"])
    if pin:
        assert pin not in str(told.value.facts) or pin == PIN


@pytest.mark.parametrize("key", ["weak", "curve"])
def test_a_key_that_the_exchange_would_refuse_is_refused_at_once(token: Path, key: str) -> None:  # noqa: F811
    with pytest.raises(signature.SignatureError) as refused, pkcs11_token.opened(str(token), TOKEN, key, lambda: PIN):
        pass
    assert refused.value.code == "KEY_REFUSED"


def test_halves_that_do_not_belong_together_sign_nothing(token: Path) -> None:  # noqa: F811
    with (
        pytest.raises(ClientError) as told,
        pkcs11_token.opened(str(token), TOKEN, "crossed", lambda: PIN) as holder,
    ):
        holder.entry(make_contract().payload, NOW)
    assert told.value.code == "PLACE_SIGNED_WRONGLY"


@pytest.mark.parametrize("module", ["/nowhere/libnothing.so", __file__])
def test_a_library_that_is_none_is_told_before_the_pin_is_asked_for(module: str) -> None:
    with pytest.raises(ClientError) as told, pkcs11_token.opened(module, TOKEN, "ES256", lambda: pytest.fail("asked")):
        pass
    assert told.value.code == "PKCS11_MODULE"


def test_a_contract_is_signed_with_a_token_by_the_command(floor: Floor, token: Path) -> None:  # noqa: F811
    seller = floor.seller
    words = ["--pkcs11", token, "--token", TOKEN]
    done = as_person(floor, seller, "register", "ES256", *words, "--label", "Thẻ", MINHBACH_PIN=PIN)
    assert done.returncode == 0, done.stderr
    contract = floor.drawn()
    wrong = seller.run("sign", contract, "--key", "RS256", *words, "--yes", MINHBACH_PIN=PIN)
    assert "does not name this key" in wrong.output
    half = seller.run("sign", contract, "--key", "ES256", "--pkcs11", token, "--yes", MINHBACH_PIN=PIN)
    assert "needs both --pkcs11" in half.output
    command = [*("sign", contract, "--key", "ES256"), *words]
    assert "Aborted" in seller.run(*command, MINHBACH_PIN=PIN).output  # nobody said yes
    signed = seller.does(*command, "--yes", MINHBACH_PIN=PIN)
    assert "Digest of the bytes to sign: sha-256:" in signed
    assert "contract.signed]: record" in signed
    assert PIN not in signed


def test_the_command_starts_without_the_package_and_says_what_is_missing(tmp_path: Path) -> None:
    """A machine that has no token needs no python-pkcs11."""
    client = tmp_path / "client.json"
    client.write_text('{"client_id": "x", "client_secret": "y"}')
    client.chmod(0o600)
    code = "import sys; sys.modules['pkcs11'] = None; from exchange.cli import main; main(sys.argv[1:])"
    words = ["sign", "c", "--key", "k", "--pkcs11", "m", "--token", "t", "--server", "http://localhost:1"]
    command = [sys.executable, "-c", code, *words, "--client", str(client), "--lang", "en"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (1, "The package python-pkcs11 is not installed here. "
                                               "Install it: pip install 'minhbach[pkcs11]'\n")  # fmt: skip
