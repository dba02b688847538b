"""A PKCS#11 token in software (Debian's softhsm2) with keys of every kind, good ones and broken ones."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
TOKEN, PIN = "Chữ ký số", "246810"


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The module of a token that is plugged in; SoftHSM reads its folder once a process, so one serves all tests."""
    if not MODULE.exists():
        if os.environ.get("CI"):
            pytest.fail("SoftHSM is not installed (Debian: apt-get install softhsm2)")
        pytest.skip("SoftHSM is not installed on this computer")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "conf")
    for label in (TOKEN, "Twin", "Twin"):
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "13579", "--pin", PIN]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    _fill()
    yield MODULE
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def _fill() -> None:
    """Keys, named for what is the matter with them."""
    from pkcs11 import Attribute, KeyType, Mechanism, lib
    from pkcs11.util.ec import encode_named_curve_parameters as curve

    slots = lib(str(MODULE)).get_slots(token_present=True)
    whole = next(one for one in (slot.get_token() for slot in slots) if one.label == TOKEN)
    with whole.open(rw=True, user_pin=PIN) as session:

        def elliptic(label: str, number: int, name: str = "secp256r1") -> tuple[Any, Any]:
            edwards = name == "1.3.101.112"
            kind = KeyType.EC_EDWARDS if edwards else KeyType.EC
            how = {"mechanism": Mechanism.EC_EDWARDS_KEY_PAIR_GEN} if edwards else {}
            parameters = session.create_domain_parameters(kind, {Attribute.EC_PARAMS: curve(name)}, local=True)
            made: tuple[Any, Any] = parameters.generate_keypair(store=True, label=label, id=bytes([number]), **how)
            return made

        elliptic("Ed25519", 1, "1.3.101.112")
        elliptic("ES256", 2)
        session.generate_keypair(KeyType.RSA, 2048, store=True, label="RS256", id=b"\3")
        session.generate_keypair(KeyType.RSA, 1024, store=True, label="weak", id=b"\4")
        elliptic("curve", 5, "secp384r1")
        for number in (6, 7):
            elliptic("twins", number)
        elliptic("half", 8)[0].destroy()
        elliptic("crossed", 9)[0].destroy()
        elliptic("stand-in", 10)[0].copy({Attribute.ID: b"\x09"})
        _certify(session, elliptic("card", 11)[0])


def _certify(session: Any, public: Any) -> None:
    """As on a CA's card: the certificate is there, the bare public key is not."""
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from pkcs11 import Attribute, ObjectClass
    from pkcs11.util.ec import encode_ec_public_key

    key = load_der_public_key(encode_ec_public_key(public))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Công ty A")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )  # fmt: skip
    session.create_object(
        {
            Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.CERTIFICATE_TYPE: 0, Attribute.TOKEN: True,
            Attribute.ID: b"\x0b", Attribute.LABEL: "card", Attribute.SUBJECT: made.subject.public_bytes(),
            Attribute.VALUE: made.public_bytes(Encoding.DER),
        }
    )  # fmt: skip
    public.destroy()
